# SPDX-License-Identifier: MIT
# What the tests of test/ and examples/ have in common.

# Limits on a test's time are stated for a build without sanitizers.
set(torc_slowdown 1)
if(TORC_SANITIZE)
  set(torc_slowdown 5)
endif()

# A sanitizer's report fails the test even where the program goes on to succeed.
set(torc_reports "(WARNING: ThreadSanitizer|ERROR: [A-Za-z]+Sanitizer|: runtime error: )")

# torc_test_properties(variable [PROCESSORS n] [TIMEOUT seconds])
# Sets the variable to the properties every test of torc has: a deadline, the cores it keeps busy.
function(torc_test_properties variable)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "PROCESSORS;TIMEOUT" "")
  if(NOT arg_PROCESSORS)
    set(arg_PROCESSORS 2)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * ${torc_slowdown}")
  set(${variable} PROCESSORS ${arg_PROCESSORS} TIMEOUT ${arg_TIMEOUT}
                  FAIL_REGULAR_EXPRESSION ${torc_reports} PARENT_SCOPE)
endfunction()

# torc_mpi_command(variable ranks timeout command...): the command under mpirun.
function(torc_mpi_command variable ranks timeout)
  set(${variable} sh ${PROJECT_SOURCE_DIR}/cmake/mpirun.sh ${MPIEXEC_EXECUTABLE}
                  ${ranks} ${timeout} ${ARGN} PARENT_SCOPE)
endfunction()

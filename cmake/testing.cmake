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

# torc_add_mpi_test(name RANKS n... [TIMEOUT seconds] [PROCESSORS n] [EXIT code]
#                   [ENV NAME=value...] [ARGS argument...] TARGET program | SOURCES file...)
# For each number of ranks a test mpi.<name>.<ranks> that runs the program, or a new one called
# <name>, under mpirun; it has to exit with that code, 0 if none is given.
function(torc_add_mpi_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "TIMEOUT;PROCESSORS;EXIT;TARGET"
                        "RANKS;ENV;ARGS;SOURCES")
  if(arg_SOURCES)
    set(arg_TARGET ${name})
    add_executable(${name} ${arg_SOURCES})
    target_link_libraries(${name} PRIVATE torc::torc)
    target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/src)
  endif()
  set(exit "")
  if(arg_EXIT)
    set(exit sh -c "\"$@\" && exit 1 || test $? = ${arg_EXIT}" sh)
  endif()
  torc_mpi_properties(properties seconds "${arg_TIMEOUT}" "${arg_PROCESSORS}")
  foreach(ranks IN LISTS arg_RANKS)
    add_test(NAME mpi.${name}.${ranks}
             COMMAND ${exit} ${torc_mpirun} ${ranks} ${seconds}
                     $<TARGET_FILE:${arg_TARGET}> ${arg_ARGS})
    set_tests_properties(mpi.${name}.${ranks} PROPERTIES ${properties} ENVIRONMENT "${arg_ENV}")
  endforeach()
endfunction()

# torc_add_mpi_example_test(name ranks expect argument...): run under mpirun with the arguments, the
# example exits with 0 and prints what the regular expression matches.
function(torc_add_mpi_example_test name ranks expect)
  torc_mpi_properties(properties seconds "" "")
  add_test(NAME mpi.example.${name}.${ranks}
           COMMAND ${CMAKE_COMMAND}
                   "-DRUN=${torc_mpirun};${ranks};${seconds};$<TARGET_FILE:example_${name}>;${ARGN}"
                   -DEXPECT=${expect} -P ${PROJECT_SOURCE_DIR}/cmake/run_example.cmake)
  set_tests_properties(mpi.example.${name}.${ranks} PROPERTIES ${properties}
                       ENVIRONMENT TORC_WORKERS=2)
endfunction()

set(torc_mpirun sh ${PROJECT_SOURCE_DIR}/cmake/mpirun.sh ${MPIEXEC_EXECUTABLE})

# torc_mpi_properties(variable seconds timeout processors): the properties of a test and the
# seconds for mpirun, which ends a job more thoroughly than ctest and so should come first.
function(torc_mpi_properties variable seconds timeout processors)
  if(NOT timeout)
    set(timeout 60)
  endif()
  math(EXPR beyond "${timeout} + 10")
  torc_test_properties(properties PROCESSORS ${processors} TIMEOUT ${beyond})
  set(${variable} ${properties} PARENT_SCOPE)
  set(${seconds} ${timeout} PARENT_SCOPE)
endfunction()

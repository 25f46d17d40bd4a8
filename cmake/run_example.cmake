# SPDX-License-Identifier: MIT
# cmake -DRUN=<command> -DEXPECT=<regular expression> -P run_example.cmake
# ctest's PASS_REGULAR_EXPRESSION would do, if it did not ignore the exit code.

execute_process(COMMAND ${RUN} OUTPUT_VARIABLE output ECHO_OUTPUT_VARIABLE
                COMMAND_ERROR_IS_FATAL ANY)
if(NOT output MATCHES "${EXPECT}")
  message(FATAL_ERROR "The output does not match '${EXPECT}'")
endif()

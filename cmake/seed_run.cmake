# SPDX-License-Identifier: MIT
# cmake -DRUN=<command> -DSECONDS=<s> -DNODES=<lines> -P seed_run.cmake
# Four tasks of a second, as torcpy's manual shows them: each rank creates and executes as many as it
# does there, and all take SECONDS plus 0.1 at most. On a machine that is busy with other things the
# time is believed at the third attempt at the latest.

foreach(attempt 1 2 3)
  execute_process(COMMAND ${RUN} OUTPUT_VARIABLE output ERROR_VARIABLE statistics
                  ECHO_OUTPUT_VARIABLE ECHO_ERROR_VARIABLE COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "TORC: node[^\n]*" nodes "${statistics}")
  if(NOT nodes STREQUAL NODES)
    message(FATAL_ERROR "Not as there: ${NODES}")
  endif()
  if(NOT output MATCHES "Elapsed time=([0-9]+)\\.([0-9][0-9]) s")
    message(FATAL_ERROR "No time")
  endif()
  math(EXPR beyond "${CMAKE_MATCH_1}${CMAKE_MATCH_2} - 100 * ${SECONDS}")
  if(beyond GREATER_EQUAL 0 AND beyond LESS_EQUAL 10)
    return()
  endif()
endforeach()
message(FATAL_ERROR "Three times not within ${SECONDS} to ${SECONDS}.1 s")

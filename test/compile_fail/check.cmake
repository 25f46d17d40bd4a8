# SPDX-License-Identifier: MIT
# cmake -DCOMPILE=<command> -DSOURCE=<file> -P check.cmake
#
# The file must not compile, with a message that the regular expression of its line
# "// expect: REGEX" matches; and it must compile with -DTORC_CONTROL, in which it does the same
# thing right, so that it fails for that reason only.

file(STRINGS ${SOURCE} expect REGEX "^// expect: " LIMIT_COUNT 1)
string(REGEX REPLACE "^// expect: " "" expect "${expect}")
if(expect STREQUAL "")
  message(FATAL_ERROR "${SOURCE}: no line '// expect: REGEX'")
endif()

# All of the compiler but the output: some diagnostics come from behind the syntax.
list(APPEND COMPILE -S -o /dev/null ${SOURCE})
execute_process(COMMAND ${COMPILE} -DTORC_CONTROL RESULT_VARIABLE result ERROR_VARIABLE message)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${SOURCE} does not compile with TORC_CONTROL either:\n${message}")
endif()

execute_process(COMMAND ${COMPILE} RESULT_VARIABLE result ERROR_VARIABLE message)
if(result EQUAL 0)
  message(FATAL_ERROR "${SOURCE} compiles, and should not")
endif()
if(NOT message MATCHES "${expect}")
  message(FATAL_ERROR "${SOURCE} fails without '${expect}':\n${message}")
endif()

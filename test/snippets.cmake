# SPDX-License-Identifier: MIT
# The C++ blocks of README.md and doc/*.md that include torc/torc.hpp: each compiles; each with a
# main also runs, within a deadline. Diagnostics give the line of the page, but not its name: g++
# warns of local types used in what it takes for a header.

function(torc_add_snippet name code)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/snippets/${name}.cpp)
  file(GENERATE OUTPUT ${source} CONTENT "${code}")
  if(code MATCHES "int main\\(")
    add_executable(snippet_${name} ${source})
  else()
    add_library(snippet_${name} OBJECT ${source})
  endif()
  target_link_libraries(snippet_${name} PRIVATE torc::torc)
  target_precompile_headers(snippet_${name} REUSE_FROM snippet_table_calls)
  if(NOT code MATCHES "int main\\(")
    return()
  endif()
  add_test(NAME snippet.${name} COMMAND snippet_${name})
  torc_test_properties(properties)
  set_tests_properties(snippet.${name} PROPERTIES ${properties} ENVIRONMENT TORC_WORKERS=2)
endfunction()

# Strings only, no lists: code is full of semicolons and brackets.
function(torc_add_snippets page)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${page})
  cmake_path(GET page STEM stem)
  file(READ ${page} rest)
  set(line 1)
  while(TRUE)
    string(FIND "${rest}" "\n```cpp\n" begin)
    if(begin EQUAL -1)
      return()
    endif()
    math(EXPR begin "${begin} + 8")
    string(SUBSTRING "${rest}" 0 ${begin} before)
    string(SUBSTRING "${rest}" ${begin} -1 rest)
    string(FIND "${rest}" "\n```" end)
    math(EXPR end "${end} + 1")
    string(SUBSTRING "${rest}" 0 ${end} code)
    string(SUBSTRING "${rest}" ${end} -1 rest)

    string(REGEX REPLACE "[^\n]" "" newlines "${before}")
    string(LENGTH "${newlines}" count)
    math(EXPR line "${line} + ${count}")
    if(code MATCHES "#include <torc/torc.hpp>")
      torc_add_snippet(${stem}_${line} "#line ${line}\n${code}")
    endif()
    string(REGEX REPLACE "[^\n]" "" newlines "${code}")
    string(LENGTH "${newlines}" count)
    math(EXPR line "${line} + ${count}")
  endwhile()
endfunction()

# The calls in the tables of one page.
find_program(TORC_AWK awk REQUIRED)
set(page ${PROJECT_SOURCE_DIR}/doc/coming_from.md)
set(script ${CMAKE_CURRENT_SOURCE_DIR}/table_calls.awk)
set(calls ${CMAKE_CURRENT_BINARY_DIR}/snippets/table_calls.hpp)
add_custom_command(OUTPUT ${calls} COMMAND ${TORC_AWK} -f ${script} ${page} > ${calls}
                   DEPENDS ${script} ${page} VERBATIM)
add_library(snippet_table_calls OBJECT table_calls.cpp ${calls})
target_include_directories(snippet_table_calls PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/snippets)
target_link_libraries(snippet_table_calls PRIVATE torc::torc)
# A row need not use what it shows.
target_compile_options(snippet_table_calls PRIVATE -Wno-unused -Wno-unused-result -Wno-shadow)
# Parsed once for all snippets, as each is known to include it.
target_precompile_headers(snippet_table_calls PRIVATE <torc/torc.hpp>)

file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/doc/*.md)
foreach(page IN LISTS pages)
  torc_add_snippets(${page})
endforeach()

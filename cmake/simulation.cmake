# SPDX-License-Identifier: MIT
# The simulator of ranks (src/simulation): for tests and figures, no part of the library.

file(GLOB simulation_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/simulation/*.cpp)
add_library(torc_simulation STATIC ${simulation_sources})
target_link_libraries(torc_simulation PUBLIC torc::torc)
target_include_directories(torc_simulation PUBLIC ${PROJECT_SOURCE_DIR}/src)

# The program that prints its figures.
file(GLOB simulate_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/benchmark/simulation/*.cpp)
list(FILTER simulate_sources EXCLUDE REGEX "/measured.cpp$")
add_executable(simulate ${simulate_sources})
target_link_libraries(simulate PRIVATE torc_simulation)
set_target_properties(simulate PROPERTIES
  RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/benchmark/simulation)
if(TORC_SANITIZE)
  set_target_properties(simulate PROPERTIES EXCLUDE_FROM_ALL ON) # no test of theirs runs it
endif()

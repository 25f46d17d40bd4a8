# SPDX-License-Identifier: MIT
# The simulator of ranks (src/simulation): for tests and figures, no part of the library.

file(GLOB simulation_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/simulation/*.cpp)
add_library(torc_simulation STATIC ${simulation_sources})
target_link_libraries(torc_simulation PUBLIC torc::torc)
target_include_directories(torc_simulation PUBLIC ${PROJECT_SOURCE_DIR}/src)

# SPDX-License-Identifier: MIT
# The library target torc, alias torc::torc.

# Global, so that a parent project that adds torc as a subdirectory can link it.
find_package(Threads REQUIRED GLOBAL)
find_package(Boost 1.74 REQUIRED COMPONENTS context serialization GLOBAL)
find_package(PkgConfig REQUIRED)
pkg_check_modules(hwloc REQUIRED IMPORTED_TARGET GLOBAL hwloc)
if(TORC_MPI)
  set(MPI_CXX_SKIP_MPICXX ON) # the C++ bindings that MPI-3 has removed
  find_package(MPI QUIET COMPONENTS CXX GLOBAL)
  find_package(Boost 1.74 QUIET OPTIONAL_COMPONENTS mpi GLOBAL)
  if(NOT MPI_CXX_FOUND OR NOT TARGET Boost::mpi)
    message(STATUS "torc: MPI and Boost.MPI are not both found, building without (TORC_MPI=OFF)")
    set(TORC_MPI OFF)
  endif()
endif()

file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/*/*.cpp)
list(FILTER sources EXCLUDE REGEX "/src/simulation/") # for tests and figures, see there
add_library(torc ${sources})
add_library(torc::torc ALIAS torc)
set_target_properties(torc PROPERTIES
  VERSION ${PROJECT_VERSION}
  SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
target_compile_features(torc PUBLIC cxx_std_20)
# g++ -O1 and -Og leave tail calls out, and with them symmetric transfer between coroutines.
target_compile_options(torc PUBLIC $<$<CXX_COMPILER_ID:GNU>:-foptimize-sibling-calls>)
target_include_directories(torc
  PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
  PRIVATE ${PROJECT_SOURCE_DIR}/src)
get_target_property(type torc TYPE)
if(type STREQUAL STATIC_LIBRARY)
  target_compile_definitions(torc PUBLIC TORC_STATIC) # a quicker way to the current worker
  set(torc_pc_cflags -DTORC_STATIC)
endif()
if(PROJECT_IS_TOP_LEVEL) # parsed once for all; what a source lacks test/package/subdirectory shows
  target_precompile_headers(torc PRIVATE <torc/torc.hpp>)
endif()
target_link_libraries(torc
  PUBLIC Boost::serialization Threads::Threads
  PRIVATE Boost::context PkgConfig::hwloc)
if(TORC_MPI) # public for torc/mpi.hpp, which shows communicators
  target_compile_definitions(torc PUBLIC TORC_HAS_MPI=1)
  target_link_libraries(torc PUBLIC Boost::mpi MPI::MPI_CXX)
  list(JOIN MPI_CXX_LIBRARIES " " torc_pc_mpi_libs)
  string(PREPEND torc_pc_mpi_libs "-lboost_mpi ")
  list(TRANSFORM MPI_CXX_INCLUDE_DIRS PREPEND "-isystem " OUTPUT_VARIABLE torc_pc_mpi_cflags)
  list(JOIN torc_pc_mpi_cflags " " torc_pc_mpi_cflags)
  string(PREPEND torc_pc_mpi_cflags "-DTORC_HAS_MPI=1 ")
endif()

# Public, because code inlined from our headers must be instrumented as the library is.
if(TORC_SANITIZE)
  set(flags -fsanitize=${TORC_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_compile_options(torc PUBLIC "$<BUILD_INTERFACE:${flags}>")
  target_link_options(torc PUBLIC "$<BUILD_INTERFACE:${flags}>")
endif()

# SPDX-License-Identifier: MIT
# What `cmake --install` copies, with the files for find_package and pkg-config.

include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/torc)
install(TARGETS torc EXPORT torcTargets INCLUDES DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/torc DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT torcTargets NAMESPACE torc:: DESTINATION ${config_dir})

write_basic_package_version_file(torcConfigVersion.cmake COMPATIBILITY SameMinorVersion)
configure_file(${PROJECT_SOURCE_DIR}/cmake/torcConfig.cmake torcConfig.cmake @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/torcConfig.cmake
              ${PROJECT_BINARY_DIR}/torcConfigVersion.cmake
        DESTINATION ${config_dir})

# Relative, so that `cmake --install --prefix` and a moved tree stay right.
file(RELATIVE_PATH pc_prefix ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
configure_file(${PROJECT_SOURCE_DIR}/cmake/torc.pc.in torc.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/torc.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

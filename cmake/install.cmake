# SPDX-License-Identifier: Apache-2.0
# Headers, both libraries, the command, man pages, and what pkg-config and find_package need to find them.
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/sheaf)

install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/sheaf DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(TARGETS sheaf EXPORT sheafTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS sheaf_static sheaf_dependencies EXPORT sheafStaticTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
if(TARGET sheaf_cli)
  install(TARGETS sheaf_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# The static library needs the libraries below it, so its targets are read only where those are found.
install(EXPORT sheafTargets NAMESPACE sheaf:: DESTINATION ${package_folder})
install(EXPORT sheafStaticTargets NAMESPACE sheaf:: DESTINATION ${package_folder})
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/sheafConfig.cmake.in ${CMAKE_BINARY_DIR}/sheafConfig.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/sheafConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/sheafConfig.cmake ${CMAKE_BINARY_DIR}/sheafConfigVersion.cmake DESTINATION ${package_folder})

# sheaf.pc finds its prefix from its own place, so that an installed tree can be moved.
file(RELATIVE_PATH SHEAF_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" SHEAF_PC_PREFIX "${SHEAF_PC_PREFIX}")
list(JOIN SHEAF_PC_REQUIRES ", " SHEAF_PC_REQUIRES_TEXT)
list(JOIN SHEAF_PC_LIBS " " SHEAF_PC_LIBS_TEXT)
configure_file(${CMAKE_SOURCE_DIR}/cmake/sheaf.pc.in ${CMAKE_BINARY_DIR}/sheaf.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/sheaf.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# docs/man/NAME.SECTION.md becomes man/NAME.SECTION.
file(GLOB man_sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/docs/man/*.md)
set(man_pages "")
foreach(source ${man_sources})
  get_filename_component(page ${source} NAME_WLE)
  get_filename_component(section ${page} LAST_EXT)
  string(SUBSTRING "${section}" 1 -1 section)
  set(target ${CMAKE_BINARY_DIR}/man/${page})
  add_custom_command(OUTPUT ${target} COMMAND ${CMAKE_SOURCE_DIR}/tools/make-man ${source} ${target} ${PROJECT_VERSION}
    DEPENDS ${source} ${CMAKE_SOURCE_DIR}/tools/make-man VERBATIM)
  install(FILES ${target} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
  list(APPEND man_pages ${target})
endforeach()
if(man_pages)
  add_custom_target(man ALL DEPENDS ${man_pages})
endif()

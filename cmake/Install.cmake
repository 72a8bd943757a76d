# Libraries, headers, the JSON Schema of scenarios, the CMake package and the pkg-config files.
include(CMakePackageConfigHelpers)

get_property(libraries GLOBAL PROPERTY MM1_LIBRARIES)
if(NOT libraries)
    return()
endif()
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/mm1)
install(TARGETS ${libraries} EXPORT mm1Targets FILE_SET HEADERS)
install(EXPORT mm1Targets NAMESPACE mm1:: DESTINATION ${package_dir})
configure_package_config_file(cmake/mm1Config.cmake.in ${CMAKE_BINARY_DIR}/mm1Config.cmake
    INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/mm1ConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/mm1Config.cmake ${CMAKE_BINARY_DIR}/mm1ConfigVersion.cmake
    cmake/mm1Dependencies.cmake DESTINATION ${package_dir})
foreach(name mm1 mm1-sim)
    configure_file(cmake/${name}.pc.in ${CMAKE_BINARY_DIR}/${name}.pc @ONLY)
    install(FILES ${CMAKE_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
install(FILES sim/scenario.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/mm1)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

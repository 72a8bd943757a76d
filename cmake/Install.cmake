# Libraries, headers, the JSON Schema of scenarios, a template of a project, the oracle for OTP, the CMake package and
# the pkg-config files.
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
# From its folder to the prefix, so that an installation may be made, or moved, anywhere.
file(RELATIVE_PATH MM1_PC_PREFIX ${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig ${CMAKE_INSTALL_PREFIX})
foreach(name mm1 mm1-sim)
    configure_file(cmake/${name}.pc.in ${CMAKE_BINARY_DIR}/${name}.pc @ONLY)
    install(FILES ${CMAKE_BINARY_DIR}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
install(FILES sim/scenario.schema.json DESTINATION ${CMAKE_INSTALL_DATADIR}/mm1)
install(DIRECTORY share/template DESTINATION ${CMAKE_INSTALL_DATADIR}/mm1)
install(FILES share/otp/oracle.erl DESTINATION ${CMAKE_INSTALL_DATADIR}/mm1/otp)

# The manual page, where scdoc is there to make it.
find_program(MM1_SCDOC scdoc)
if(MM1_SCDOC)
    set(manual ${CMAKE_BINARY_DIR}/mm1.1)
    add_custom_command(OUTPUT ${manual}
        COMMAND sh -c "\"$1\" <\"$2\" >\"$3\"" sh ${MM1_SCDOC} ${CMAKE_SOURCE_DIR}/docs/mm1.1.scd ${manual}
        DEPENDS ${CMAKE_SOURCE_DIR}/docs/mm1.1.scd VERBATIM)
    add_custom_target(mm1_manual ALL DEPENDS ${manual})
    install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 OPTIONAL)
endif()

install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})

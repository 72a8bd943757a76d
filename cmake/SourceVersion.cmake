# A header with the hash of a set of source files, made at build time and touched only when the hash changes.
#
#   mm1_source_version(target header macro folder…)
#
# Run as a script (cmake -P) it writes the header: sha256 over the lines "path sha256-of-the-file", sorted by path.
if(CMAKE_SCRIPT_MODE_FILE)
    file(STRINGS ${LIST} files)
    set(lines "")
    foreach(file ${files})
        file(SHA256 ${ROOT}/${file} hash)
        string(APPEND lines "${file} ${hash}\n")
    endforeach()
    string(SHA256 hash "${lines}")
    set(text "/* Generated: the version and the build of these sources. */\n#ifndef ${MACRO}\n")
    string(APPEND text "#define ${MACRO} \"${hash}\"\n#endif\n#ifndef MM1_BUILD_ID\n")
    string(APPEND text "#define MM1_VERSION \"${VERSION}\"\n#define MM1_BUILD_ID \"${BUILD_ID}\"\n#endif\n")
    file(CONFIGURE OUTPUT ${HEADER} CONTENT "${text}" @ONLY)
    return()
endif()

function(mm1_source_version target header macro)
    set(files "")
    foreach(folder ${ARGN})
        file(GLOB_RECURSE found CONFIGURE_DEPENDS RELATIVE ${CMAKE_SOURCE_DIR} ${folder}/*.c ${folder}/*.h)
        list(APPEND files ${found})
    endforeach()
    list(SORT files)
    set(list_file ${header}.files)
    string(REPLACE ";" "\n" text "${files}")
    file(CONFIGURE OUTPUT ${list_file} CONTENT "${text}\n" @ONLY)
    set(paths ${files})
    list(TRANSFORM paths PREPEND ${CMAKE_SOURCE_DIR}/)
    set(script ${CMAKE_SOURCE_DIR}/cmake/SourceVersion.cmake)
    add_custom_command(
        OUTPUT ${header}
        COMMAND ${CMAKE_COMMAND} -DROOT=${CMAKE_SOURCE_DIR} -DLIST=${list_file} -DHEADER=${header} -DMACRO=${macro}
            "-DVERSION=${PROJECT_VERSION}" "-DBUILD_ID=${MM1_BUILD_ID}" -P ${script}
        DEPENDS ${paths} ${list_file} ${script}
        COMMENT "Hashing the sources of ${ARGN}"
        VERBATIM)
    add_custom_target(${target} DEPENDS ${header})
endfunction()

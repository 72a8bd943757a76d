# The libraries that libmm1 stands on, for its own build and for whoever finds the installed package.
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)

function(mm1__dependency name module)
    pkg_check_modules(MM1_DEP_${name} REQUIRED IMPORTED_TARGET GLOBAL ${module})
    if(NOT TARGET mm1::dep_${name})
        add_library(mm1::dep_${name} INTERFACE IMPORTED GLOBAL)
        set_property(TARGET mm1::dep_${name} PROPERTY INTERFACE_LINK_LIBRARIES PkgConfig::MM1_DEP_${name})
    endif()
endfunction()

mm1__dependency(cjson libcjson)
mm1__dependency(uv libuv)
mm1__dependency(sqlite sqlite3)

# Boost.Context is called from C and has no pkg-config file; only the archive will do, so that a program that
# links libmm1 needs no Boost where it runs.
find_library(MM1_BOOST_CONTEXT_LIBRARY NAMES libboost_context.a REQUIRED)
if(NOT TARGET mm1::dep_context)
    add_library(mm1::dep_context STATIC IMPORTED GLOBAL)
    set_property(TARGET mm1::dep_context PROPERTY IMPORTED_LOCATION ${MM1_BOOST_CONTEXT_LIBRARY})
endif()

set(MM1_RUNTIME_DEPS mm1::dep_context mm1::dep_cjson mm1::dep_uv Threads::Threads ${CMAKE_DL_LIBS})
set(MM1_SIM_DEPS mm1::dep_sqlite mm1::dep_cjson Threads::Threads ${CMAKE_DL_LIBS})

if(NOT DEFINED mm1_DIR OR PROJECT_NAME STREQUAL "mm1")
    # Headers that only the build needs.
    foreach(header Random123/threefry.h xxhash.h)
        string(MAKE_C_IDENTIFIER "MM1_HAVE_${header}" variable)
        find_path(${variable} ${header} REQUIRED)
    endforeach()
endif()

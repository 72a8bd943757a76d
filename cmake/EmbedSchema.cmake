# gen/sim_schema.h from sim/schema.sql: its tables and views, and the indexes, as two arrays of characters.
set(MM1_SCHEMA ${CMAKE_SOURCE_DIR}/sim/schema.sql)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${MM1_SCHEMA})

# Bytes as numbers, because ISO C promises no more than 4,095 characters of a string literal.
function(mm1_bytes_of text result)
    string(HEX "${text}" bytes)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${bytes}")
    string(REGEX REPLACE "((0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,)(0x..,))" "\\1\n" bytes "${bytes}")
    set(${result} "${bytes}0" PARENT_SCOPE)
endfunction()

file(READ ${MM1_SCHEMA} text)
string(FIND "${text}" "-- Indexes, made when all rows are there." at)
if(at LESS 0)
    message(FATAL_ERROR "${MM1_SCHEMA}: the line that begins the indexes is missing")
endif()
string(SUBSTRING "${text}" 0 ${at} tables)
string(SUBSTRING "${text}" ${at} -1 indexes)
mm1_bytes_of("${tables}" tables)
mm1_bytes_of("${indexes}" indexes)
file(CONFIGURE OUTPUT ${MM1_GEN}/sim_schema.h CONTENT
"/* Generated from sim/schema.sql. */
static const char sim_schema_tables[] = {
@tables@};
static const char sim_schema_indexes[] = {
@indexes@};
" @ONLY)

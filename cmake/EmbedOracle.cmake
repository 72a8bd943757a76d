# gen/otp_oracle.h from share/otp/oracle.erl, an array of characters, so that the command has it wherever it is.
set(MM1_ORACLE ${CMAKE_SOURCE_DIR}/share/otp/oracle.erl)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${MM1_ORACLE})
file(READ ${MM1_ORACLE} text)
mm1_bytes_of("${text}" oracle)
file(CONFIGURE OUTPUT ${MM1_GEN}/otp_oracle.h CONTENT
"/* Generated from share/otp/oracle.erl. */
static const char otp_oracle[] = {
@oracle@};
" @ONLY)

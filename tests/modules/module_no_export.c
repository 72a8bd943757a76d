/* A shared object that exports no system. */
#include <mm1/check.h>

extern const int module_nothing;
MM1_API const int module_nothing = 1;

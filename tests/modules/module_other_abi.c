/* A system of another ABI. */
#include "module.h"

MODULE_SYSTEM("module_other_abi", 7)

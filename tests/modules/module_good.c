/* A system as it should be. */
#include "module.h"

MODULE_SYSTEM("module_good", MM1_SYSTEM_ABI)

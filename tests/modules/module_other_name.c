/* A system whose name is not that of its file. */
#include "module.h"

MODULE_SYSTEM("kv", MM1_SYSTEM_ABI)

/* A system that cannot be anything. */
#include <mm1/system.h>

extern const struct mm1_system mm1_system;
MM1_API const struct mm1_system mm1_system = {
    .abi = MM1_SYSTEM_ABI, .name = "module_no_roles", .source_version = "1"};

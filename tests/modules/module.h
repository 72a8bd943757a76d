/* What the modules of tests/unit/host/test_load.c are made of. */
#ifndef TESTS_MODULE_H
#define TESTS_MODULE_H

#include <mm1/system.h>

static mm1_status module_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    (void)ctx;
    (void)state;
    (void)envelope;
    return MM1_OK;
}

static const struct mm1_behaviour module_behaviour = {.name = "idle", .receive = module_receive};
static const struct mm1_role module_roles[] = {{.name = "node", .main = &module_behaviour}};

#define MODULE_SYSTEM(name_, abi_)                                                                 \
    extern const struct mm1_system mm1_system;                                                     \
    MM1_API const struct mm1_system mm1_system = {.abi = (abi_),                                   \
                                                  .name = (name_),                                 \
                                                  .source_version = "1",                           \
                                                  .roles = module_roles,                           \
                                                  .role_count = 1};

#endif

/* A system that calls what nobody has. */
#include <mm1/system.h>

int module_function_that_nobody_has(void);

static mm1_status receive(struct mm1_ctx *ctx, void *state, const struct mm1_envelope *envelope)
{
    (void)ctx;
    (void)state;
    (void)envelope;
    return module_function_that_nobody_has() == 0 ? MM1_OK : MM1_INVALID;
}

static const struct mm1_behaviour behaviour = {.name = "idle", .receive = receive};
static const struct mm1_role roles[] = {{.name = "node", .main = &behaviour}};

extern const struct mm1_system mm1_system;
MM1_API const struct mm1_system mm1_system = {.abi = MM1_SYSTEM_ABI,
                                              .name = "module_unresolved",
                                              .source_version = "1",
                                              .roles = roles,
                                              .role_count = 1};

/* The scenario loader on any bytes: it answers with a scenario or with a finding, and leaks nothing. */
#include <stdint.h>
#include <string.h>

#include "sim/scenario.h"

#define FUZZ_ARG_FIELDS(F)                                                                         \
    F(opt(u8), level) F(list(i64), numbers) F(opt(bytes), key) F(opt(any), extra) F(opt(f64), share)
MM1_MSG_DECLARE(fuzz_arg, FUZZ_ARG_FIELDS)
MM1_MSG_DEFINE(fuzz_arg, "t::Arg", FUZZ_ARG_FIELDS)

static mm1_status receive(struct mm1_ctx *ctx, void *state, const struct mm1_envelope *envelope)
{
    (void)ctx;
    (void)state;
    (void)envelope;
    return MM1_OK;
}

static const struct mm1_behaviour behaviour = {.name = "idle", .receive = receive};
static const struct mm1_role roles[] = {
    {.name = "plain", .main = &behaviour},
    {.name = "store", .main = &behaviour, .arg_type = &fuzz_arg_type},
};
static const struct mm1_msg_type *const types[] = {&fuzz_arg_type};
static const struct mm1_system fuzzed = {.abi = MM1_SYSTEM_ABI,
                                         .name = "corpus",
                                         .source_version = "1",
                                         .types = types,
                                         .type_count = 1,
                                         .roles = roles,
                                         .role_count = MM1_COUNT_OF(roles)};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sim_scenario *scenario = NULL;
    struct mm1_diag diag = {0};
    char line[MM1_DIAG_LINE_MAX];
    struct mm1_text text = {.data = (const char *)data, .size = size};
    mm1_status status = sim_scenario_load_text(text, "x.json", &scenario, &diag);
    if (status == MM1_OK) {
        status = sim_scenario_resolve(scenario, &fuzzed, &diag);
    }
    MM1_CHECK(status == MM1_OK || status == MM1_INVALID);
    MM1_CHECK((status == MM1_OK) == (diag.text[0] == '\0'));
    size_t length = mm1__diag_print(&diag, line);
    MM1_CHECK(length < sizeof(line) && strchr(line, '\n') == NULL);
    sim_scenario_free(scenario);
    return 0;
}

/* Those who use a name service: keeping a name registered, and finding one. */
#include <mm1/name_service.h>

#include "kit/name_messages.h"

MM1_MSG_DEFINE(mm1_name_keep, "mm1_local::name_service::Keep", MM1_NAME_KEEP_FIELDS)
MM1_MSG_DEFINE_UNIT(mm1_name_refresh, "mm1_local::name_service::Refresh")

/* --- keeping -------------------------------------------------------------------------------------------------- */

static mm1_status say_name(struct mm1_ctx *ctx, const struct mm1_name_keep *keep)
{
    const struct mm1_name_done *done;
    uint64_t timeout = keep->timeout == 0 ? MM1_NAME_TIMEOUT_NS : keep->timeout;
    uint64_t ttl = keep->ttl == 0 ? MM1_NAME_TTL_NS : keep->ttl;
    MM1_TRY(mm1_ask(ctx, MM1_ADDR_NAME_SERVICE, timeout, mm1_name_register, mm1_name_done, &done,
                    .name = keep->name, .addr = keep->addr, .exclusive = !keep->shared,
                    .ttl = ttl));
    return (mm1_status)done->status;
}

/* A wait in the background, and so is the refresh that it leads to. */
static mm1_status wait_to_refresh(struct mm1_ctx *ctx, const struct mm1_name_keep *keep)
{
    struct mm1_timer_spec spec = {
        .after_ns = keep->refresh == 0 ? MM1_NAME_REFRESH_NS : keep->refresh,
        .type = &mm1_name_refresh_type,
        .msg = &(struct mm1_name_refresh){0},
        .background = true,
    };
    uint64_t timer;
    MM1_TRY(mm1_timer_start(ctx, &spec, &timer));
    for (;;) {
        const struct mm1_envelope *envelope;
        MM1_TRY(mm1_recv(ctx, &envelope));
        if (mm1_is(envelope, &mm1_name_refresh_type)) {
            return MM1_OK;
        }
        MM1_TRY(mm1_unhandled(ctx, envelope));
    }
}

static mm1_status keeper_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct mm1_name_keep *keep = arg;
    if (keep == NULL) {
        return MM1_INVALID;
    }
    for (;;) {
        MM1_TRY(say_name(ctx, keep));
        mm1_init_done(ctx, mm1_self(ctx)); /* the first counts */
        MM1_TRY(wait_to_refresh(ctx, keep));
    }
}

const struct mm1_function mm1_name_keeper = MM1_FUNCTION("name_keeper", keeper_run);

/* --- finding -------------------------------------------------------------------------------------------------- */

/* Whether an entry of an answer is valid still, when it took `age` to come. */
static bool is_valid(const struct mm1_name_entry *entry, uint64_t age)
{
    return entry->ttl > age;
}

/* One of the valid entries, each as likely as the others. */
static mm1_status pick(struct mm1_ctx *ctx, const struct mm1_name_found *found, uint64_t age,
                       mm1_addr *out)
{
    uint64_t valid = 0;
    for (size_t i = 0; i < found->entries.count; i++) {
        valid += is_valid(&found->entries.items[i], age);
    }
    if (valid == 0) {
        return MM1_NOT_FOUND;
    }
    uint64_t skip = valid == 1 ? 0 : mm1_random(ctx, valid);
    for (size_t i = 0; i < found->entries.count; i++) {
        const struct mm1_name_entry *entry = &found->entries.items[i];
        if (is_valid(entry, age) && skip-- == 0) {
            *out = entry->addr;
            return MM1_OK;
        }
    }
    return MM1_NOT_FOUND; /* a harness answered the draw with a number that is none */
}

mm1_status mm1_name_find(struct mm1_ctx *ctx, struct mm1_text name, uint64_t timeout_ns,
                         mm1_addr *out)
{
    const struct mm1_name_found *found;
    uint64_t asked = mm1_now(ctx);
    MM1_TRY(mm1_ask(ctx, MM1_ADDR_NAME_SERVICE, timeout_ns, mm1_name_resolve, mm1_name_found,
                    &found, .name = name));
    MM1_TRY((mm1_status)found->status);
    return pick(ctx, found, mm1_now(ctx) - asked, out);
}

mm1_status mm1_name_wait(struct mm1_ctx *ctx, struct mm1_text name, unsigned tries,
                         uint64_t interval_ns, mm1_addr *out)
{
    mm1_status status = MM1_NOT_FOUND;
    for (unsigned i = 0; i < tries; i++) {
        if (i > 0) {
            MM1_TRY(mm1_sleep(ctx, interval_ns));
        }
        status = mm1_name_find(ctx, name, MM1_NAME_TIMEOUT_NS, out);
        if (status != MM1_NOT_FOUND) {
            break;
        }
    }
    return status;
}

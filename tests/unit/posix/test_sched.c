/* Whom a turn makes ready its own worker runs next: nobody starves by it, or waits for a turn that takes long. */
#include <stdatomic.h>
#include <unistd.h>

#include <mm1/posix.h>

#include "mm1_test.h"
#include "posix/world.h"

#define LONG_NS (60 * MM1_NS_PER_SEC)

#define SCHED_GO_FIELDS(F) F(addr, to)
MM1_MSG_DECLARE(sched_go, SCHED_GO_FIELDS)
MM1_MSG_DEFINE(sched_go, "sched::Go", SCHED_GO_FIELDS)

struct rig {
    struct mm1_posix *posix;
    struct mm1_node *node;
    struct mm1_msg_registry types;
};

static void rig_open(struct rig *rig, const struct mm1_posix_options *options)
{
    char error[MM1_POSIX_ERROR_MAX] = "";
    *rig = (struct rig){.types = MM1_MSG_REGISTRY(mm1_posix_alloc())};
    cr_assert_eq(mm1_posix_open(options, &rig->posix, error), MM1_OK, "%s", error);
    const struct mm1_node_config config = {
        .name = MM1_TEXT("n"), .auto_net = MM1_NET_DEFAULT_AUTO, .types = &rig->types};
    cr_assert_eq(mm1_node_open(mm1_posix_env(rig->posix), &config, &rig->node), MM1_OK);
}

static mm1_addr rig_spawn(struct rig *rig, const struct mm1_behaviour *behaviour)
{
    mm1_addr address;
    cr_assert_eq(mm1_node_spawn(rig->node, &(struct mm1_spawn){.behaviour = behaviour}, &address),
                 MM1_OK);
    return address;
}

static void rig_tell(struct rig *rig, mm1_addr to, mm1_addr who)
{
    const struct sched_go message = {.to = who};
    cr_assert_eq(mm1_node_send(rig->node, to, &sched_go_type, &message, NULL), MM1_OK);
}

static void rig_close(struct rig *rig)
{
    mm1_posix_close(rig->posix, rig->node);
    mm1_msg_registry_close(&rig->types);
}

static mm1_addr addressee(const struct mm1_envelope *envelope)
{
    return ((const struct sched_go *)envelope->msg)->to;
}

static atomic_uint hops;
static atomic_bool seen;
static atomic_bool over;

/* Tells it is there. */
static mm1_status seen_receive(struct mm1_ctx *ctx, void *state,
                               const struct mm1_envelope *envelope)
{
    (void)ctx;
    (void)state;
    (void)envelope;
    atomic_store(&seen, true);
    return MM1_OK;
}

static const struct mm1_behaviour seen_behaviour = {.name = "seen", .receive = seen_receive};

/* Sends to and fro with another, or with itself, until all is over. */
static mm1_status churn_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    (void)state;
    (void)atomic_fetch_add(&hops, 1);
    return atomic_load(&over) ? MM1_OK
                              : mm1_tell(ctx, addressee(envelope), sched_go, .to = mm1_self(ctx));
}

static const struct mm1_behaviour churn_behaviour = {.name = "churn", .receive = churn_receive};

/* Sends on what it gets, while others are at work; and does not end its turn until all is over. */
static mm1_status stuck_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    (void)state;
    unsigned before = atomic_load(&hops);
    while (atomic_load(&hops) == before) {
        (void)usleep(100);
    }
    MM1_TRY(mm1_tell(ctx, addressee(envelope), sched_go, .to = mm1_self(ctx)));
    while (!atomic_load(&over)) {
        (void)usleep(100);
    }
    return MM1_OK;
}

static const struct mm1_behaviour stuck_behaviour = {.name = "stuck", .receive = stuck_receive};

static void await_seen(void)
{
    for (unsigned i = 0; !atomic_load(&seen); i++) {
        cr_assert_lt(i, 60000, "it was given no turn");
        (void)usleep(1000);
    }
}

/* The other worker never runs out of work: it does not come to look for any. */
Test(sched, nobody_waits_for_a_turn_that_does_not_end)
{
    struct rig rig;
    rig_open(&rig, &(struct mm1_posix_options){.threads = 2, .log_off = true});
    mm1_addr churn = rig_spawn(&rig, &churn_behaviour);
    rig_tell(&rig, churn, churn);
    rig_tell(&rig, rig_spawn(&rig, &stuck_behaviour), rig_spawn(&rig, &seen_behaviour));
    await_seen();
    atomic_store(&over, true);
    cr_assert_eq(mm1_posix_wait_idle(rig.posix, rig.node, 0, LONG_NS), MM1_OK);
    rig_close(&rig);
}

Test(sched, nobody_starves_beside_two_that_keep_each_other_ready)
{
    struct rig rig;
    rig_open(&rig, &(struct mm1_posix_options){.threads = 1, .log_off = true});
    rig_tell(&rig, rig_spawn(&rig, &churn_behaviour), rig_spawn(&rig, &churn_behaviour));
    while (atomic_load(&hops) < 1000) {
        (void)usleep(1000);
    }
    mm1_addr last = rig_spawn(&rig, &seen_behaviour);
    rig_tell(&rig, last, last);
    await_seen();
    atomic_store(&over, true);
    cr_assert_eq(mm1_posix_wait_idle(rig.posix, rig.node, 0, LONG_NS), MM1_OK);
    rig_close(&rig);
}

/* --- a chain of births ---------------------------------------------------------------------------------------- */

static mm1_status last_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state;
    (void)arg;
    while (!atomic_load(&over)) {
        (void)usleep(100);
    }
    return mm1_tell(ctx, mm1_parent(ctx), sched_go, .to = mm1_self(ctx));
}

static const struct mm1_behaviour last_behaviour = {
    .name = "last", .init = last_init, .receive = seen_receive};

static mm1_status first_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    mm1_addr child;
    (void)state;
    (void)arg;
    return mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = &last_behaviour}, &child);
}

static mm1_status first_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    (void)state;
    (void)envelope;
    mm1_quit(ctx, MM1_NORMAL);
    return MM1_OK;
}

static const struct mm1_behaviour first_behaviour = {
    .name = "first", .init = first_init, .receive = first_receive};

/* It says whose turn it is, also of who was not in the queue; and wakes who waits for the end of such a one. */
Test(sched, tells_of_turns_out_of_the_queue)
{
    struct rig rig;
    struct mm1_reason reason;
    char text[MM1_PATH_TEXT_MAX] = "";
    rig_open(&rig, &(struct mm1_posix_options){
                       .threads = 1, .log_off = true, .watchdog_ns = 3600 * MM1_NS_PER_SEC});
    (void)rig_spawn(&rig, &first_behaviour);
    for (unsigned i = 0; strcmp(text, "/n/first.1/last.1") != 0; i++) {
        cr_assert_lt(i, 60000, "%s", text);
        (void)usleep(1000);
        struct mm1_path *path = mm1__posix_sched_running(&rig.posix->sched);
        if (path != NULL) {
            (void)mm1_path_print(path, text);
            mm1_path_drop(path);
        }
    }
    atomic_store(&over, true);
    cr_assert_eq(mm1_posix_run_until(rig.posix, rig.node, &reason), MM1_OK);
    cr_assert_eq(reason.kind, MM1_REASON_NORMAL);
    rig_close(&rig);
}

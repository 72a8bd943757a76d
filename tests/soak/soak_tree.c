/* A tree of supervisors on two workers, four deep, whose members are killed at random while it restarts them. Then it
 * must be whole again; and when its root is told to end, it ends in order, children before their supervisors, and
 * nobody is left:
 *
 *     root   branches   groups   workers     every strategy at both levels below the root
 *     root   fed        pool     workers     a uniform supervisor, and beside it who has it start its children
 *
 * Victims are drawn from the living, all but the root; one kill in 16 is for a supervisor. As long as fewer than half
 * of the members live, killers rest: they are to meet a tree, not its ruins. Meanwhile no supervisor may have more
 * children than its tree says. Arguments: --short, or how many kills, and a seed. */
#include <mm1/function.h>
#include <mm1/supervisor.h>

#include "base/prng.h"
#include "soak.h"

enum {
    SLOTS = 1 << 15,
    KILLERS = 2,
    BRANCHES_MAX = 9,
    GROUPS_MAX = 10,
    WORKERS_MAX = 108,
    NAME_MAX_SIZE = 8,
    STRATEGIES = 3,
    STARTS_AT_ONCE = 16,
};
#define LONG_NS (MM1_NS_PER_SEC * 600)

/* Ten thousand members, or one thousand. */
struct shape {
    unsigned branches;
    unsigned groups;  /* of each branch */
    unsigned workers; /* of each group */
    unsigned pool;
};
static const struct shape long_shape = {.branches = 9, .groups = 10, .workers = 108, .pool = 177};
static const struct shape short_shape = {.branches = 3, .groups = 5, .workers = 60, .pool = 78};
static struct shape shape;

static uint64_t members(void)
{
    return 1 + shape.branches * (1 + shape.groups * (1 + (uint64_t)shape.workers)) +
           (3 + (uint64_t)shape.pool);
}

/* clang-format off */
#define COUNTERS(X)                                                                                \
    X(kills) X(of_supervisors) X(amid) X(missed) X(spawned) X(ended) X(failed)
/* clang-format on */

/* Who lives, by the slot of the address; 0: nobody, or no member. */
struct place {
    _Atomic uint64_t addr;
    _Atomic uint64_t parent;
    _Atomic uint64_t children; /* the upper half says of which life of the slot */
    atomic_bool is_supervisor;
};

static struct {
#define FIELD(name) struct counter name;
    COUNTERS(FIELD)
#undef FIELD
    struct counter left; /* kills to come */
    uint64_t seed;
    struct place places[SLOTS];
    _Atomic uint64_t root;
    atomic_bool restless; /* starts may fail */
    atomic_bool stopping;
    _Atomic uint64_t obeyed; /* orders */
    atomic_bool is_whole;
} board;

MM1_MSG_DECLARE_UNIT(soak_more)
MM1_MSG_DEFINE_UNIT(soak_more, "soak::More")
#define ORDER_FIELDS(F) F(u8, what)
MM1_MSG_DECLARE(soak_order, ORDER_FIELDS)
MM1_MSG_DEFINE(soak_order, "soak::Order", ORDER_FIELDS)
enum { INSPECT, KILL, STOP, END };

/* --- workers ----------------------------------------------------------------------------------------------------- */

enum kind { PLAIN, READY, LATE, TRAPPER, STUBBORN, FRAIL, KINDS };

static mm1_status worker_init(struct mm1_ctx *ctx, enum kind kind)
{
    if (kind == TRAPPER || kind == STUBBORN) {
        mm1_trap_exit(ctx, true);
    }
    if (kind == LATE) {
        return mm1_tell(ctx, mm1_self(ctx), soak_more, .mm1_unit = 0);
    }
    if (kind == FRAIL && atomic_load(&board.restless) && mm1_random(ctx, 500) == 0) {
        add(&board.failed);
        return MM1_REFUSED;
    }
    mm1_init_done(ctx, mm1_self(ctx));
    return MM1_OK;
}

static mm1_status worker_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    (void)state;
    MM1_ON(envelope, soak_more, m) {
        (void)m;
        mm1_init_done(ctx, mm1_self(ctx));
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_exited, m) {
        struct mm1_reason reason = mm1_reason_of_why(&m->why);
        bool obeys = strcmp(mm1_behaviour_of(ctx)->name, "stubborn") != 0;
        if (obeys || reason.kind != MM1_REASON_SHUTDOWN) { /* nobody outlives a supervisor */
            mm1_quit(ctx, reason);
        }
    }
    return MM1_OK;
}

#define WORKER(name_, kind_)                                                                       \
    static mm1_status name_##_init(struct mm1_ctx *ctx, void *state, const void *arg)              \
    {                                                                                              \
        (void)state;                                                                               \
        (void)arg;                                                                                 \
        return worker_init(ctx, kind_);                                                            \
    }                                                                                              \
    static const struct mm1_behaviour name_ = {                                                    \
        .name = #name_, .state_size = 32, .init = name_##_init, .receive = worker_receive};
WORKER(plain, PLAIN)
WORKER(ready, READY)
WORKER(late, LATE)
WORKER(trapper, TRAPPER)
WORKER(stubborn, STUBBORN)
WORKER(frail, FRAIL)

/* --- the feeder: asks its parent for the pool, then the pool for its children ------------------------------------- */

struct feeder {
    struct mm1_ask ask;
    mm1_addr pool;
    uint64_t asked;
    uint64_t answered;
};

static mm1_status feeder_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct feeder *f = state;
    (void)arg;
    return mm1_ask_begin(ctx, &f->ask, mm1_parent(ctx), LONG_NS, mm1_sup_get_child,
                         .id = MM1_TEXT("pool"));
}

static mm1_status feed_some(struct mm1_ctx *ctx, struct feeder *f)
{
    struct mm1_sup_start_request request = {.header = {.reply_to = mm1_self(ctx)}};
    for (unsigned i = 0; i < STARTS_AT_ONCE && f->asked < shape.pool; i++) {
        request.header.id = mm1_next_ref(ctx);
        f->asked++;
        MM1_TRY(mm1_send(ctx, f->pool, &mm1_sup_start_request_type, &request, NULL));
    }
    return MM1_OK;
}

static mm1_status feeder_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct feeder *f = state;
    const void *body;
    if (f->pool.bits != 0 && mm1_is(envelope, &mm1_sup_answer_response_type)) {
        const struct mm1_sup_answer_response *answer = envelope->msg;
        if (answer->body.code != MM1_SUP_OK) {
            wrong("the pool did not start a child");
        }
        f->answered++;
        return f->answered == f->asked ? feed_some(ctx, f) : MM1_OK;
    }
    if (mm1_ask_take(ctx, &f->ask, envelope, &mm1_sup_answer_response_type, &body) ==
        MM1_ASK_REPLY) {
        const struct mm1_sup_answer *answer = body;
        if (answer->code != MM1_SUP_OK) {
            wrong("the pool is not known");
        }
        if (answer->child.some) { /* otherwise it just ended, and so will this actor */
            f->pool = answer->child.value;
            return feed_some(ctx, f);
        }
    }
    return MM1_OK;
}

static const struct mm1_behaviour feeder = {.name = "feeder",
                                            .state_size = sizeof(struct feeder),
                                            .init = feeder_init,
                                            .receive = feeder_receive};

/* --- the tree ----------------------------------------------------------------------------------------------------- */

static const struct mm1_supervisor branch;
static const struct mm1_factory factories[] = {
    {.name = "branch", .behaviour = &branch.behaviour},
    {.name = "plain", .behaviour = &plain},
    {.name = "ready", .behaviour = &ready},
    {.name = "late", .behaviour = &late},
    {.name = "trapper", .behaviour = &trapper},
    {.name = "stubborn", .behaviour = &stubborn},
    {.name = "frail", .behaviour = &frail},
    {.name = "feeder", .behaviour = &feeder},
};
static const struct mm1_supervisor branch = MM1_SUPERVISOR("branch", factories);
static const struct mm1_supervisor root = MM1_SUPERVISOR("root", factories);

static const struct mm1_text strategies[STRATEGIES] = {MM1_ONE_FOR_ONE, MM1_REST_FOR_ONE,
                                                       MM1_ALL_FOR_ONE};

/* The text of the whole tree, made once. */
static struct {
    char names[3][WORKERS_MAX][NAME_MAX_SIZE];
    struct mm1_child workers[WORKERS_MAX];
    struct mm1_tree_spec groups[STRATEGIES];
    struct mm1_child in_branch[GROUPS_MAX];
    struct mm1_tree_spec branches[STRATEGIES];
    struct mm1_child pooled;
    struct mm1_tree_spec pool;
    struct mm1_child in_fed[2];
    struct mm1_tree_spec fed;
    struct mm1_child in_root[BRANCHES_MAX + 1];
    struct mm1_tree_spec root;
} plan;

static struct mm1_text name_of(char letter, unsigned level, unsigned i)
{
    char *name = plan.names[level][i];
    (void)snprintf(name, NAME_MAX_SIZE, "%c%u", letter, i % 1000);
    return mm1_text_of(name);
}

static struct mm1_child plan_worker(unsigned i)
{
    static const char *const usual[] = {"plain", "ready", "late", "trapper",
                                        "plain", "plain", "plain"};
    struct mm1_child child = {.id = name_of('w', 0, i),
                              .factory = mm1_text_of(usual[i % MM1_COUNT_OF(usual)]),
                              .start_timeout = {.some = true, .value = LONG_NS}};
    if (i % 7 == 4) {
        child.stop = (struct mm1_text)MM1_STOP_BRUTAL;
    } else if (i % 7 == 3 && i % 2 == 0) {
        child.stop = (struct mm1_text)MM1_STOP_INFINITY;
    } else if (i % 7 == 5) {
        child.restart = (struct mm1_text)MM1_TRANSIENT;
    }
    if (i % 40 == 12) {
        child.factory = MM1_TEXT("frail");
    } else if (i % 40 == 33) {
        child.factory = MM1_TEXT("stubborn");
        child.stop = (struct mm1_text)MM1_STOP_TIMEOUT;
        child.stop_timeout.some = true;
        child.stop_timeout.value = 200 * MM1_NS_PER_US;
    }
    child.ack = mm1_text_equal(child.factory, MM1_TEXT("ready")) ||
                mm1_text_equal(child.factory, MM1_TEXT("late")) ||
                mm1_text_equal(child.factory, MM1_TEXT("frail"));
    return child;
}

static struct mm1_child plan_supervisor(struct mm1_text id, const struct mm1_tree_spec *tree)
{
    return (struct mm1_child){
        .id = id,
        .factory = MM1_TEXT("branch"),
        .supervisor = true,
        .ack = true,
        .start_timeout = {.some = true, .value = LONG_NS},
        .arg = {.some = true, .value = {.type = &mm1_tree_spec_type, .msg = tree}}};
}

static struct mm1_tree_spec plan_tree(struct mm1_text strategy, const struct mm1_child *children,
                                      size_t count)
{
    return (struct mm1_tree_spec){.strategy = strategy,
                                  .max_restarts = MM1_RESTARTS_UNLIMITED,
                                  .children = {.items = children, .count = count}};
}

static void make_plan(void)
{
    struct mm1_text uniform = MM1_UNIFORM;
    for (unsigned i = 0; i < shape.workers; i++) {
        plan.workers[i] = plan_worker(i);
    }
    for (unsigned i = 0; i < STRATEGIES; i++) {
        plan.groups[i] = plan_tree(strategies[i], plan.workers, shape.workers);
        plan.branches[i] = plan_tree(strategies[i], plan.in_branch, shape.groups);
    }
    for (unsigned i = 0; i < shape.groups; i++) {
        plan.in_branch[i] = plan_supervisor(name_of('g', 1, i), &plan.groups[i % STRATEGIES]);
    }
    for (unsigned i = 0; i < shape.branches; i++) {
        plan.in_root[i] = plan_supervisor(name_of('b', 2, i), &plan.branches[i % STRATEGIES]);
    }
    plan.pooled = (struct mm1_child){.id = MM1_TEXT("w"), .factory = MM1_TEXT("plain")};
    plan.pool = plan_tree(uniform, &plan.pooled, 1);
    plan.in_fed[0] = plan_supervisor(MM1_TEXT("pool"), &plan.pool);
    plan.in_fed[1] = (struct mm1_child){.id = MM1_TEXT("feeder")};
    plan.fed = plan_tree(strategies[2], plan.in_fed, 2);
    plan.in_root[shape.branches] = plan_supervisor(MM1_TEXT("fed"), &plan.fed);
    plan.root = plan_tree(strategies[0], plan.in_root, shape.branches + 1);
}

/* --- who lives, from the trace ------------------------------------------------------------------------------------ */

static struct place *place_of(uint64_t addr)
{
    return &board.places[(addr >> 8) % SLOTS];
}

/* Counts a child up or down, unless the parent is gone; the new number, or 0. */
static uint32_t count_child(uint64_t parent, bool up)
{
    struct place *place = place_of(parent);
    uint64_t seen = atomic_load(&place->children);
    uint64_t next;
    do {
        if (seen >> 32 != (uint32_t)(parent >> 8)) {
            return 0;
        }
        next = up ? seen + 1 : seen - 1;
    } while (!atomic_compare_exchange_weak(&place->children, &seen, next));
    return (uint32_t)next;
}

/* What its tree says of a supervisor, by its name. */
static unsigned children_allowed(const struct mm1_path *path)
{
    switch (path->name[0]) {
    case 'r':
        return shape.branches + 1;
    case 'b':
        return shape.groups;
    case 'g':
        return shape.workers;
    case 'f':
        return 2;
    case 'p':
        return shape.pool;
    default:
        return 0;
    }
}

static bool is_one_of(struct mm1_text name, const char *text)
{
    return mm1_text_equal(name, mm1_text_of(text));
}

static void see_birth(const struct mm1_event *event)
{
    bool is_root = is_one_of(event->text, "root");
    add(&board.spawned);
    if (is_one_of(event->text, "driver") || is_one_of(event->text, "killer")) {
        return;
    }
    struct place *place = place_of(event->peer.bits);
    atomic_store(&place->parent, is_root ? 0 : event->self.bits);
    atomic_store(&place->children, (uint64_t)(uint32_t)(event->peer.bits >> 8) << 32);
    atomic_store(&place->is_supervisor, is_root || is_one_of(event->text, "branch"));
    atomic_store(&place->addr, event->peer.bits);
    if (is_root) {
        atomic_store(&board.root, event->peer.bits);
    } else if (count_child(event->self.bits, true) > children_allowed(event->actor)) {
        wrong("a supervisor has a child twice");
    }
}

static void see_end(const struct mm1_event *event)
{
    struct place *place = place_of(event->self.bits);
    add(&board.ended);
    if (atomic_load(&place->addr) != event->self.bits) {
        return;
    }
    if (atomic_load(&board.stopping)) {
        if ((uint32_t)atomic_load(&place->children) != 0) {
            wrong("a supervisor ended before its children");
        }
        if (event->reason->kind != MM1_REASON_SHUTDOWN &&
            event->reason->kind != MM1_REASON_KILLED) {
            wrong("a member was not stopped, it ended");
        }
    }
    (void)count_child(atomic_load(&place->parent), false);
    atomic_store(&place->addr, 0);
}

static uint64_t emit(struct mm1_trace *self, const struct mm1_event *event)
{
    (void)self;
    if (event->kind == MM1_EVENT_SPAWN) {
        see_birth(event);
    } else if (event->kind == MM1_EVENT_EXIT) {
        see_end(event);
    }
    return 0;
}
static const struct mm1_trace_ops trace_ops = {.name = "soak", .emit = emit};

/* --- killers ------------------------------------------------------------------------------------------------------ */

struct soak {
    struct mm1_msg_registry types;
    struct mm1_posix *posix;
    struct mm1_node *node;
    struct mm1_env env;
    struct mm1_trace trace;
    mm1_addr driver;
};
static struct soak soak;

struct killer {
    uint64_t number;
    uint64_t drawn;
};

static uint64_t draw(struct killer *killer, uint64_t below)
{
    return mm1_prng_below(mm1_prng_word(board.seed, killer->number, killer->drawn++, 0), below);
}

/* Somebody who lives, or lived until just now; 0: the draws met nobody. */
static uint64_t draw_victim(struct killer *killer, bool *is_supervisor)
{
    bool only_supervisors = draw(killer, 16) == 0;
    uint64_t from = draw(killer, SLOTS);
    for (uint64_t i = 0; i < SLOTS; i++) {
        struct place *place = &board.places[(from + i) % SLOTS];
        uint64_t addr = atomic_load_explicit(&place->addr, memory_order_relaxed);
        *is_supervisor = atomic_load_explicit(&place->is_supervisor, memory_order_relaxed);
        if (addr != 0 && addr != atomic_load(&board.root) &&
            (*is_supervisor || !only_supervisors)) {
            return addr;
        }
    }
    return 0;
}

static bool take_one(void)
{
    uint64_t left = atomic_load(&board.left.n);
    while (left != 0) {
        if (atomic_compare_exchange_weak(&board.left.n, &left, left - 1)) {
            return true;
        }
    }
    return false;
}

static void kill_one(struct mm1_ctx *ctx, struct killer *killer)
{
    bool is_supervisor;
    uint64_t victim = draw_victim(killer, &is_supervisor);
    bool amid = mm1_node_actors(soak.node) != members() + 1 + KILLERS;
    if (victim == 0 || mm1_kill(ctx, MM1_ADDR(victim)) != MM1_OK) {
        add(&board.missed);
        add(&board.left);
        return;
    }
    add(&board.kills);
    if (is_supervisor) {
        add(&board.of_supervisors);
    }
    if (amid) {
        add(&board.amid);
    }
}

static mm1_status killer_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    ((struct killer *)state)->number = *(const uint64_t *)arg;
    return mm1_tell(ctx, mm1_self(ctx), soak_more, .mm1_unit = 0);
}

static mm1_status killer_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    (void)envelope;
    if (mm1_node_actors(soak.node) < members() / 2) {
        uint64_t timer;
        return mm1_after(ctx, 50 * MM1_NS_PER_US, &timer, soak_more, .mm1_unit = 0);
    }
    if (!take_one()) {
        mm1_quit(ctx, MM1_NORMAL);
        return MM1_OK;
    }
    kill_one(ctx, state);
    return mm1_tell(ctx, mm1_self(ctx), soak_more, .mm1_unit = 0);
}

static const struct mm1_behaviour killer = {.name = "killer",
                                            .state_size = sizeof(struct killer),
                                            .init = killer_init,
                                            .receive = killer_receive};

/* --- the driver --------------------------------------------------------------------------------------------------- */

/* The children of a supervisor, all of them there. */
struct found {
    size_t count;
    mm1_addr items[BRANCHES_MAX + GROUPS_MAX];
};

static bool find_children(struct mm1_ctx *ctx, mm1_addr supervisor, size_t wanted,
                          struct found *found)
{
    const struct mm1_sup_children *which;
    if (mm1_ask(ctx, supervisor, LONG_NS, mm1_sup_which_children, mm1_sup_children, &which,
                .unused = false) != MM1_OK ||
        !balance("children", which->children.count, wanted)) {
        return false;
    }
    found->count = wanted;
    for (size_t i = 0; i < wanted; i++) {
        const struct mm1_sup_entry *entry = &which->children.items[i];
        if (!entry->child.some || entry->restarting) {
            wrong("a child is not there");
            return false;
        }
        found->items[i] = entry->child.value;
    }
    return true;
}

static bool count_workers(struct mm1_ctx *ctx, mm1_addr supervisor, uint64_t specs, uint64_t wanted)
{
    const struct mm1_sup_counts *counts;
    return mm1_ask(ctx, supervisor, LONG_NS, mm1_sup_count_children, mm1_sup_counts, &counts,
                   .unused = false) == MM1_OK &&
           balance("specs", counts->specs, specs) && balance("active", counts->active, wanted) &&
           balance("workers", counts->workers, wanted) &&
           balance("supervisors", counts->supervisors, 0);
}

/* Asks every supervisor; children are told in reverse order of their start. */
static bool inspect(struct mm1_ctx *ctx)
{
    struct found branches;
    struct found groups;
    mm1_addr top = MM1_ADDR(atomic_load(&board.root));
    if (!find_children(ctx, top, shape.branches + 1, &branches) ||
        !find_children(ctx, branches.items[0], 2, &groups) ||
        !count_workers(ctx, groups.items[1], 1, shape.pool)) {
        return false;
    }
    for (size_t i = 1; i < branches.count; i++) {
        if (!find_children(ctx, branches.items[i], shape.groups, &groups)) {
            return false;
        }
        for (size_t j = 0; j < groups.count; j++) {
            if (!count_workers(ctx, groups.items[j], shape.workers, shape.workers)) {
                return false;
            }
        }
    }
    return true;
}

static mm1_status stop_root(struct mm1_ctx *ctx)
{
    mm1_addr top = MM1_ADDR(atomic_load(&board.root));
    const struct mm1_envelope *envelope;
    uint64_t ref;
    atomic_store(&board.stopping, true);
    MM1_TRY(mm1_watch(ctx, top, &ref));
    MM1_TRY(mm1_exit(ctx, top, MM1_SHUTDOWN));
    MM1_TRY(mm1_recv_type(ctx, LONG_NS, &mm1_down_type, &envelope));
    const struct mm1_down *down = envelope->msg;
    struct mm1_reason reason = mm1_reason_of_why(&down->why);
    if (!mm1_addr_equal(down->peer, top) || reason.kind != MM1_REASON_SHUTDOWN) {
        wrong("the root did not end with shutdown");
    }
    return MM1_OK;
}

static mm1_status start_killers(struct mm1_ctx *ctx)
{
    mm1_addr addr;
    atomic_store(&board.restless, true);
    for (uint64_t i = 0; i < KILLERS; i++) {
        MM1_TRY(mm1_spawn(
            ctx, &(struct mm1_spawn){.behaviour = &killer, .arg = &i, .arg_size = sizeof(i)},
            &addr));
    }
    return MM1_OK;
}

static mm1_status drive(struct mm1_ctx *ctx, const void *arg)
{
    struct mm1_spawn spawn = {.behaviour = &root.behaviour,
                              .link = true,
                              .arg_type = &mm1_tree_spec_type,
                              .arg = &plan.root};
    const struct mm1_envelope *envelope;
    mm1_addr top;
    (void)arg;
    mm1_trap_exit(ctx, true);
    MM1_TRY(mm1_start(ctx, &spawn, LONG_NS, &top));
    for (;;) {
        MM1_TRY(mm1_recv(ctx, &envelope));
        if (mm1_is(envelope, &mm1_exited_type) && !atomic_load(&board.stopping)) {
            wrong("the root ended");
        }
        MM1_ON(envelope, soak_order, order) {
            uint8_t what = order->what;
            if (what == INSPECT) {
                atomic_store(&board.is_whole, inspect(ctx));
            } else if (what == KILL) {
                MM1_TRY(start_killers(ctx));
            } else if (what == STOP) {
                MM1_TRY(stop_root(ctx));
            }
            (void)atomic_fetch_add(&board.obeyed, 1);
            if (what == END) {
                return MM1_OK;
            }
        }
    }
}

static const struct mm1_function driver = MM1_FUNCTION("driver", drive);

/* --- the run ------------------------------------------------------------------------------------------------------ */

static bool soak_open(void)
{
    static const struct mm1_msg_type *const types[] = {&soak_more_type, &soak_order_type};
    struct mm1_posix_options options = {.threads = 2, .log_off = true};
    soak.types = MM1_MSG_REGISTRY(mm1_posix_alloc());
    bool opened = mm1_kit_register(&soak.types) == MM1_OK;
    for (size_t i = 0; i < MM1_COUNT_OF(types); i++) {
        opened = opened && mm1_msg_register(&soak.types, types[i]) == MM1_OK;
    }
    if (!opened || mm1_posix_open(&options, &soak.posix, NULL) != MM1_OK) {
        return false;
    }
    soak.trace = (struct mm1_trace){.ops = &trace_ops};
    soak.env = *mm1_posix_env(soak.posix);
    soak.env.trace = &soak.trace;
    soak.env.alloc = &soak_alloc;
    struct mm1_node_config config = {
        .name = MM1_TEXT("soak"),
        .auto_net = {.addr = {0xfff8000000000000u}, .mask = 13},
        .actors_max = SLOTS,
        .types = &soak.types,
    };
    return mm1_node_open(&soak.env, &config, &soak.node) == MM1_OK &&
           mm1_node_spawn(soak.node, &(struct mm1_spawn){.behaviour = &driver.behaviour},
                          &soak.driver) == MM1_OK;
}

/* Waits until nothing goes on and no timer is armed, as long as something goes on. The node's unrest would not do: it
 * is 0 for a moment where an actor ends in the only turn there is, before its end has told others. */
static bool wait_for_rest(const char *what)
{
    uint64_t seen = 0;
    double since = seconds();
    while (now_at(&board.left) != 0 ||
           mm1_posix_wait_idle(soak.posix, soak.node, UINT64_MAX, MM1_NS_PER_SEC) != MM1_OK) {
        uint64_t progress = now_at(&board.spawned) + now_at(&board.ended) + now_at(&board.kills);
        if (progress != seen) {
            seen = progress;
            since = seconds();
        } else if (seconds() - since > 60) {
            (void)fprintf(stderr,
                          "soak: it hangs at %s: %llu items, %llu kills to come, %zu actors\n",
                          what, (unsigned long long)mm1_node_unrest(soak.node),
                          (unsigned long long)now_at(&board.left), mm1_node_actors(soak.node));
            return false;
        }
        nap();
    }
    return true;
}

static bool obey(uint8_t what, const char *text)
{
    uint64_t before = atomic_load(&board.obeyed);
    struct soak_order order = {.what = what};
    return mm1_node_send(soak.node, soak.driver, &soak_order_type, &order, NULL) == MM1_OK &&
           wait_for_rest(text) && balance(text, atomic_load(&board.obeyed), before + 1);
}

static bool is_whole(const char *text)
{
    return balance("actors of the tree and the driver", mm1_node_actors(soak.node),
                   members() + 1) &&
           obey(INSPECT, text) && atomic_load(&board.is_whole);
}

static bool run(uint64_t kills)
{
    if (!wait_for_rest("the start") || !is_whole("the first inspection")) {
        return false;
    }
    atomic_store(&board.left.n, kills);
    if (!obey(KILL, "the kills") || !is_whole("the second inspection") || !obey(STOP, "the stop") ||
        !balance("actors without the tree", mm1_node_actors(soak.node), 1) ||
        !obey(END, "the end")) {
        return false;
    }
    bool right = balance("actors left", mm1_node_actors(soak.node), 0);
    right = balance("kills", now_at(&board.kills), kills) && right;
    if (now_at(&board.amid) < kills / 2) {
        wrong("most kills met a tree that was whole");
    }
    return right;
}

static void print_books(double took, bool right)
{
    (void)printf("tree: 2 workers, %llu members, seed %llu, %.0f s\n ",
                 (unsigned long long)members(), (unsigned long long)board.seed, took);
#define PRINT(name) (void)printf(" " #name " %llu", (unsigned long long)now_at(&board.name));
    COUNTERS(PRINT)
#undef PRINT
    (void)printf("\ntree: %s\n", right ? "whole after the kills, and stopped in order" : "FAILED");
}

int main(int argc, char **argv)
{
    bool is_short = argc > 1 && strcmp(argv[1], "--short") == 0;
    uint64_t kills = is_short ? 3000 : argc > 1 ? strtoull(argv[1], NULL, 10) : 100000;
    double began = seconds();
    if (kills == 0 || argc > 3) {
        (void)fprintf(stderr, "usage: soak_tree [--short | KILLS [SEED]]\n");
        return 2;
    }
    board.seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    shape = is_short ? short_shape : long_shape;
    make_plan();
    if (!soak_open()) {
        (void)fprintf(stderr, "soak: the node cannot be opened\n");
        return 1;
    }
    bool right = run(kills);
    mm1_posix_close(soak.posix, soak.node);
    mm1_msg_registry_close(&soak.types);
    right = balance("complaints", now_at(&soak_complaints), 0) && right;
    right =
        balance("actors spawned, and ended", now_at(&board.spawned), now_at(&board.ended)) && right;
    right = check_blocks() && right;
    print_books(seconds() - began, right);
    return right ? 0 : 1;
}

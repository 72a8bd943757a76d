/* All trees of a family, and for each a search through all that can happen. */
#include <string.h>

#include "fuzz/sup_spec_inside.h"
#include "sup_tries_world.h"

/* --- states that were seen --------------------------------------------------------------- */

struct seen {
    uint64_t digest; /* 0: none */
    uint64_t left;   /* how many events were tried from there */
};

struct search {
    struct mm1_alloc *alloc;
    const struct sup_try_family *family;
    unsigned depth;
    struct try_tree tree;
    struct try_world world;
    struct seen *seen;
    size_t capacity;
    size_t count;
    struct sup_try_result *result;
};

#define SEEN_FIRST ((size_t)1 << 12)

static struct seen *find(struct seen *seen, size_t capacity, uint64_t digest)
{
    size_t at = (size_t)digest & (capacity - 1);
    while (seen[at].digest != 0 && seen[at].digest != digest) {
        at = (at + 1) & (capacity - 1);
    }
    return &seen[at];
}

static bool make_room(struct search *s)
{
    if (s->count * 4 < s->capacity * 3) {
        return true;
    }
    size_t capacity = s->capacity == 0 ? SEEN_FIRST : 2 * s->capacity;
    struct seen *grown = mm1_take_zero(s->alloc, capacity * sizeof(*grown));
    if (grown == NULL) {
        return false;
    }
    for (size_t i = 0; i < s->capacity; i++) {
        if (s->seen[i].digest != 0) {
            *find(grown, capacity, s->seen[i].digest) = s->seen[i];
        }
    }
    mm1_give(s->alloc, s->seen, s->capacity * sizeof(*s->seen));
    s->seen = grown;
    s->capacity = capacity;
    return true;
}

/* Whether this state is new, or has more events left than when it was tried. */
static bool is_new(struct search *s, uint64_t digest, unsigned left)
{
    digest |= 1;
    if (!make_room(s)) {
        s->world.broken = "no memory";
        return false;
    }
    struct seen *seen = find(s->seen, s->capacity, digest);
    if (seen->digest == 0) {
        seen->digest = digest;
        s->count++;
        s->result->states++;
    } else if (seen->left >= left) {
        return false;
    }
    seen->left = left;
    return true;
}

/* --- a failure --------------------------------------------------------------- */

static mm1_status say_tree(const struct search *s, struct mm1_buf *out)
{
    static const char *const restarts[] = {"permanent", "transient", "temporary"};
    static const char *const stops[] = {"timeout", "brutal", "infinity"};
    const struct try_tree *tree = &s->tree;
    MM1_TRY(mm1_buf_format(out, "family %s: %.*s, auto %.*s, max_restarts %u\n", s->family->name,
                           (int)tree->spec.strategy.size, tree->spec.strategy.data,
                           (int)tree->spec.auto_shutdown.size, tree->spec.auto_shutdown.data,
                           (unsigned)tree->spec.max_restarts));
    for (unsigned i = 0; i < tree->count; i++) {
        MM1_TRY(mm1_buf_format(out, "  %.*s: %s %s%s%s\n", (int)tree->children[i].id.size,
                               tree->children[i].id.data, restarts[tree->kinds[i]],
                               stops[tree->stops[i]], tree->children[i].ack ? " ack" : "",
                               tree->children[i].significant ? " significant" : ""));
    }
    return MM1_OK;
}

static mm1_status say_failure(const struct search *s, const struct sup_finding *finding,
                              struct mm1_buf *out)
{
    MM1_TRY(say_tree(s, out));
    for (size_t i = 0; i < s->tree.log.count; i++) {
        bool it = finding != NULL && finding->entry == i;
        MM1_TRY(mm1_buf_format(out, "%4zu %s", i, it ? "> " : "  "));
        MM1_TRY(sup_entry_print(&s->tree.log.entries[i], NULL, NULL, out));
        MM1_TRY(mm1_buf_format(out, "\n"));
    }
    if (finding == NULL) {
        return mm1_buf_format(out, "broken: %s\n", s->world.broken);
    }
    return mm1_buf_format(out, "%s: %s\n", finding->rule, finding->text);
}

static void fail(struct search *s, const struct sup_finding *finding)
{
    struct mm1_buf out = MM1_BUF(s->alloc);
    s->result->failed = true;
    if (say_failure(s, finding, &out) == MM1_OK) {
        (void)snprintf(s->result->text, sizeof(s->result->text), "%.*s", (int)out.size,
                       (const char *)out.data);
    }
    mm1_buf_close(&out);
}

/* --- a state --------------------------------------------------------------- */

/* Judges what was done so far. `*digest` is that of the state. False: it failed. */
static bool check(struct search *s, uint64_t *digest)
{
    struct try_world *w = &s->world;
    bool rests = try_world_rests(w);
    if (w->broken == NULL && rests && mm1__sup_busy(&w->sup)) {
        w->broken = "it waits, and nothing is to come";
    }
    if (w->broken == NULL && w->armed && !w->ended && !mm1__sup_busy(&w->sup)) {
        w->broken = "it left its timer armed";
    }
    if (w->broken != NULL) {
        fail(s, NULL);
        return false;
    }
    struct sup_finding finding;
    bool all_taken = w->ended || !try_world_can_take(w);
    s->result->visits++;
    if (s->tree.log.count > s->result->longest) {
        s->result->longest = s->tree.log.count;
    }
    bool accepted =
        spec_judge(s->alloc, &s->tree.spec, &s->tree.log, all_taken && w->inbox.count == 0,
                   &finding, w->now, digest) == SUP_ACCEPTED;
    if (!accepted) {
        fail(s, &finding);
        return false;
    }
    *digest = try_world_digest(w, *digest);
    return true;
}

static void visit(struct search *s, unsigned left);

struct saved {
    struct try_world world;
};

static void back_to(struct search *s, const struct saved *saved)
{
    s->world = saved->world;
    s->tree.log.count = s->world.log_count;
}

/* Goes on from what was just changed, and comes back. */
static void try_it(struct search *s, const struct saved *saved, unsigned left)
{
    if (!s->result->failed) {
        visit(s, left);
        back_to(s, saved);
    }
}

/* --- what can happen --------------------------------------------------------------- */

static void try_ends(struct search *s, const struct saved *saved, struct try_slot *slot,
                     unsigned left)
{
    static const struct {
        unsigned event;
        enum mm1_reason_kind reason;
    } ends[] = {{SUP_TRY_NORMAL, MM1_REASON_NORMAL},
                {SUP_TRY_SHUTDOWN, MM1_REASON_SHUTDOWN},
                {SUP_TRY_CRASH, MM1_REASON_ERROR},
                {SUP_TRY_KILLED, MM1_REASON_KILLED},
                {SUP_TRY_SHUTDOWN_TEXT, MM1_REASON_SHUTDOWN_TEXT}};
    if (slot->killed || slot->told) {
        try_world_die(&s->world, slot, slot->killed ? MM1_REASON_KILLED : MM1_REASON_SHUTDOWN);
        try_it(s, saved, left);
        return;
    }
    for (unsigned i = 0; i < MM1_COUNT_OF(ends) && left > 0; i++) {
        if ((s->family->events & ends[i].event) != 0) {
            try_world_die(&s->world, slot, ends[i].reason);
            try_it(s, saved, left - 1);
        }
    }
}

/* Of a start that is under way and has not said anything. */
static void try_start(struct search *s, const struct saved *saved, struct try_slot *slot,
                      unsigned left)
{
    if (slot->killed) {
        try_world_die(&s->world, slot, MM1_REASON_KILLED);
        try_it(s, saved, left);
        /* The other order, and one whose word was on its way. */
        try_world_die(&s->world, slot, MM1_REASON_KILLED);
        struct try_message *last = &s->world.inbox.at[s->world.inbox.count - 1];
        struct try_message down = *last;
        last[0] = last[-1];
        last[-1] = down;
        try_it(s, saved, left);
    }
    slot->said = true;
    try_world_send(&s->world,
                   &(struct try_message){.kind = SUP_TOOK_STARTED, .process = slot->fresh});
    try_it(s, saved, left);
    if (slot->killed || left == 0) {
        return;
    }
    if ((s->family->events & SUP_TRY_FAIL) != 0) {
        try_world_die(&s->world, slot, MM1_REASON_ERROR);
        try_it(s, saved, left - 1);
        try_world_die(&s->world, slot, MM1_REASON_ERROR);
        struct try_message *last = &s->world.inbox.at[s->world.inbox.count - 1];
        struct try_message down = *last;
        last[0] = last[-1];
        last[-1] = down;
        try_it(s, saved, left - 1);
    }
    if ((s->family->events & SUP_TRY_IGNORE) != 0) {
        try_world_die(&s->world, slot, MM1_REASON_NORMAL);
        try_it(s, saved, left - 1);
    }
}

static void try_children(struct search *s, const struct saved *saved, unsigned left)
{
    for (unsigned i = 0; i < TRY_SLOTS && !s->result->failed; i++) {
        struct try_slot *slot = &s->world.slots[i];
        if (slot->lives && slot->fresh != 0 && !slot->said) {
            try_start(s, saved, slot, left);
        } else if (slot->lives) {
            try_ends(s, saved, slot, left);
        }
    }
}

static void try_call(struct search *s, const struct saved *saved, enum sup_call call,
                     unsigned place, unsigned left)
{
    static const char *const ids[TRY_SLOTS] = {"a", "b", "c", "d"};
    bool uniform = s->tree.uniform;
    try_world_send(
        &s->world,
        &(struct try_message){
            .kind = SUP_TOOK_CALL,
            .call = call,
            .slot = place,
            .id = uniform || call == SUP_CALL_START_CHILD ? NULL : ids[place],
            .process = uniform && call == SUP_CALL_STOP ? s->world.slots[place].process : 0});
    try_it(s, saved, left - 1);
}

static void try_calls(struct search *s, const struct saved *saved, unsigned left)
{
    static const enum sup_call calls[] = {SUP_CALL_TERMINATE, SUP_CALL_RESTART, SUP_CALL_DELETE};
    unsigned kept = 0;
    for (unsigned i = 0; i < TRY_SLOTS; i++) {
        const struct try_slot *slot = &s->world.slots[i];
        kept += slot->kept ? 1 : 0;
        bool named = !s->tree.uniform && (i < s->tree.count || slot->kept);
        for (unsigned k = 0; named && k < MM1_COUNT_OF(calls); k++) {
            try_call(s, saved, calls[k], i, left);
        }
        if (s->tree.uniform && slot->kept && slot->process != 0) {
            try_call(s, saved, SUP_CALL_STOP, i, left);
        }
    }
    for (unsigned i = 0; i < s->world.inbox.count; i++) {
        kept += s->world.inbox.at[i].call == SUP_CALL_START ? 1 : 0;
    }
    for (unsigned i = 0; i < s->world.aside.count; i++) {
        kept += s->world.aside.at[i].call == SUP_CALL_START ? 1 : 0;
    }
    if (!s->tree.uniform) {
        try_call(s, saved, SUP_CALL_START_CHILD, TRY_SLOTS - 1, left);
    } else if (kept < s->family->children_max) {
        try_call(s, saved, SUP_CALL_START, 0, left);
    }
}

static void try_time(struct search *s, const struct saved *saved, unsigned left)
{
    static const uint64_t steps[] = {1, TRY_WINDOW - 1, TRY_WINDOW};
    for (unsigned i = 0; i < MM1_COUNT_OF(steps); i++) {
        if (s->world.sup.restarts.count > 0) {
            s->world.now += steps[i];
            try_it(s, saved, left - 1);
        }
    }
}

static void try_events(struct search *s, const struct saved *saved, unsigned left)
{
    struct try_world *w = &s->world;
    unsigned events = s->family->events;
    if ((events & SUP_TRY_TIMEOUT) != 0 && w->armed && !w->fired) {
        w->fired = true;
        w->now = w->now > w->due ? w->now : w->due;
        try_world_send(w, &(struct try_message){.kind = SUP_TOOK_TIMEOUT});
        try_it(s, saved, left - 1);
    }
    static const enum mm1_reason_kind reasons[] = {MM1_REASON_NORMAL, MM1_REASON_ERROR};
    bool may_exit = (events & SUP_TRY_PARENT) != 0 && !w->parent_exited;
    for (unsigned i = 0; may_exit && i < MM1_COUNT_OF(reasons); i++) {
        w->parent_exited = true;
        try_world_send(w, &(struct try_message){.kind = SUP_TOOK_PARENT, .reason = reasons[i]});
        try_it(s, saved, left - 1);
    }
    for (unsigned i = 0; (events & SUP_TRY_REFUSE) != 0 && i < TRY_SLOTS; i++) {
        bool there = i < s->tree.count || (events & SUP_TRY_CALLS) != 0;
        if (there && !w->slots[i].refuse) {
            w->slots[i].refuse = true;
            try_it(s, saved, left - 1);
        }
    }
    if ((events & SUP_TRY_CALLS) != 0) {
        try_calls(s, saved, left);
    }
    if ((events & SUP_TRY_TIME) != 0) {
        try_time(s, saved, left);
    }
}

static void visit(struct search *s, unsigned left)
{
    uint64_t digest;
    if (!check(s, &digest) || s->world.ended || !is_new(s, digest, left)) {
        return;
    }
    struct saved saved = {.world = s->world};
    if (try_world_take(&s->world, &s->tree)) {
        try_it(s, &saved, left);
    }
    try_children(s, &saved, left);
    if (left > 0) {
        try_events(s, &saved, left);
    }
}

/* --- all trees --------------------------------------------------------------- */

static void try_tree(struct search *s)
{
    if (s->seen != NULL) {
        memset(s->seen, 0, s->capacity * sizeof(*s->seen));
    }
    s->count = 0;
    s->result->trees++;
    sup_log_clear(&s->tree.log);
    try_world_begin(&s->world, &s->tree);
    visit(s, s->depth);
}

/* Counts through the places of a number whose bases differ. */
static bool next_of(unsigned *digits, const unsigned *bases, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (++digits[i] < bases[i]) {
            return true;
        }
        digits[i] = 0;
    }
    return false;
}

/* The n-th of the bits that are set. */
static unsigned nth_bit(unsigned bits, unsigned n)
{
    unsigned at = 0;
    while ((bits >> at & 1) == 0 || n > 0) {
        n -= bits >> at & 1;
        at++;
    }
    return at;
}

enum digit { KIND, STOP, ACK, SIGNIFICANT, DIGITS_CHILD };

static bool set_child(struct search *s, unsigned i, const unsigned *digits)
{
    static const struct mm1_text ids[] = {MM1_TEXT_INIT("a"), MM1_TEXT_INIT("b"),
                                          MM1_TEXT_INIT("c"), MM1_TEXT_INIT("d")};
    static const struct mm1_text restarts[] = {MM1_PERMANENT, MM1_TRANSIENT, MM1_TEMPORARY};
    static const struct mm1_text stops[] = {MM1_STOP_TIMEOUT, MM1_STOP_BRUTAL, MM1_STOP_INFINITY};
    unsigned kind = nth_bit(s->family->kinds, digits[KIND]);
    unsigned stop = nth_bit(s->family->stops, digits[STOP]);
    s->tree.kinds[i] = (enum mm1__sup_restart)kind;
    s->tree.stops[i] = (enum mm1__sup_stop)stop;
    s->tree.children[i] = (struct mm1_child){
        .id = ids[i],
        .restart = restarts[kind],
        .stop = stops[stop],
        .stop_timeout = {.some = true, .value = TRY_STOP_NS},
        .start_timeout = {.some = true, .value = TRY_START_NS},
        .ack = nth_bit(s->family->acks, digits[ACK]) == 2,
        .significant = digits[SIGNIFICANT] != 0,
    };
    return !(s->tree.children[i].significant && kind == MM1__SUP_PERMANENT);
}

/* All combinations of what `count` children may be. */
static void try_children_of(struct search *s, unsigned count)
{
    unsigned bases[TRY_SLOTS * DIGITS_CHILD];
    unsigned digits[TRY_SLOTS * DIGITS_CHILD] = {0};
    for (unsigned i = 0; i < count; i++) {
        unsigned *base = &bases[i * DIGITS_CHILD];
        base[KIND] = (unsigned)__builtin_popcount(s->family->kinds);
        base[STOP] = (unsigned)__builtin_popcount(s->family->stops);
        base[ACK] = (unsigned)__builtin_popcount(s->family->acks);
        base[SIGNIFICANT] = s->family->significance ? 2 : 1;
    }
    const unsigned plain[DIGITS_CHILD] = {0};
    do {
        bool possible = true;
        bool any = !s->family->significance;
        for (unsigned i = 0; i < count; i++) {
            possible = set_child(s, i, &digits[i * DIGITS_CHILD]) && possible;
            any = any || s->tree.children[i].significant;
        }
        (void)set_child(s, TRY_SLOTS - 1, plain);
        if (possible && any) {
            try_tree(s);
        }
    } while (!s->result->failed && next_of(digits, bases, count * DIGITS_CHILD));
}

static void try_strategy(struct search *s, unsigned strategy, unsigned autoshut, unsigned limit)
{
    static const struct mm1_text strategies[] = {MM1_ONE_FOR_ONE, MM1_ALL_FOR_ONE, MM1_REST_FOR_ONE,
                                                 MM1_UNIFORM};
    static const struct mm1_text autos[] = {MM1_AUTO_NEVER, MM1_AUTO_ANY, MM1_AUTO_ALL};
    struct try_tree *tree = &s->tree;
    tree->strategy = (enum mm1__sup_strategy)strategy;
    tree->auto_shutdown = (enum mm1__sup_auto)autoshut;
    tree->uniform = strategy == MM1__SUP_UNIFORM;
    unsigned most = tree->uniform ? 1 : s->family->children_max;
    for (unsigned count = 1; count <= most && !s->result->failed; count++) {
        tree->count = count;
        tree->spec = (struct mm1_tree_spec){
            .strategy = strategies[strategy],
            .max_restarts = limit == SUP_TRY_UNLIMITED  ? MM1_RESTARTS_UNLIMITED
                            : limit == SUP_TRY_ONE_EVER ? 1
                                                        : limit,
            .within = {.some = limit != SUP_TRY_ONE_EVER, .value = TRY_WINDOW},
            .auto_shutdown = autos[autoshut],
            .children = {.items = tree->children, .count = count},
        };
        try_children_of(s, count);
    }
}

void sup_try_family(struct mm1_alloc *alloc, const struct sup_try_family *family, int deeper,
                    struct sup_try_result *result)
{
    struct search *s = mm1_take_zero(alloc, sizeof(*s));
    *result = (struct sup_try_result){0};
    if (s == NULL) {
        result->failed = true;
        (void)snprintf(result->text, sizeof(result->text), "no memory");
        return;
    }
    s->alloc = alloc;
    s->family = family;
    s->depth = (unsigned)((int)family->depth + deeper);
    s->result = result;
    s->tree.log = SUP_LOG(alloc);
    unsigned autos_first = family->significance ? MM1__SUP_AUTO_ANY : MM1__SUP_AUTO_NEVER;
    unsigned autos_last = family->significance ? MM1__SUP_AUTO_ALL : MM1__SUP_AUTO_NEVER;
    for (unsigned strategy = 0; strategy <= MM1__SUP_UNIFORM; strategy++) {
        for (unsigned autoshut = autos_first; autoshut <= autos_last; autoshut++) {
            for (unsigned limit = 0; limit <= SUP_TRY_ONE_EVER && !result->failed; limit++) {
                if ((family->strategies >> strategy & 1) != 0 &&
                    (family->limits >> limit & 1) != 0) {
                    try_strategy(s, strategy, autoshut, limit);
                }
            }
        }
    }
    sup_log_close(&s->tree.log);
    mm1_give(alloc, s->seen, s->capacity * sizeof(*s->seen));
    mm1_give(alloc, s, sizeof(*s));
}

/* --- the families --------------------------------------------------------------- */

#define ONE (1u << MM1__SUP_ONE_FOR_ONE)
#define ALL (1u << MM1__SUP_ALL_FOR_ONE)
#define REST (1u << MM1__SUP_REST_FOR_ONE)
#define NAMED (ONE | ALL | REST)
#define UNIFORM (1u << MM1__SUP_UNIFORM)
#define PERMANENT (1u << MM1__SUP_PERMANENT)
#define TRANSIENT (1u << MM1__SUP_TRANSIENT)
#define TEMPORARY (1u << MM1__SUP_TEMPORARY)
#define KINDS (PERMANENT | TRANSIENT | TEMPORARY)
#define TIMEOUT (1u << MM1__SUP_STOP_TIMEOUT)
#define STOPS (TIMEOUT | 1u << MM1__SUP_STOP_BRUTAL | 1u << MM1__SUP_STOP_INFINITY)
#define NO_ACK 2u
#define ACK 4u
#define LIMIT(n) (1u << (n))
#define ENDS (SUP_TRY_NORMAL | SUP_TRY_SHUTDOWN | SUP_TRY_CRASH)
#define STARTS (SUP_TRY_FAIL | SUP_TRY_IGNORE | SUP_TRY_TIMEOUT)

const struct sup_try_family sup_try_families[] = {
    /* Every strategy with every kind of restart. */
    {"kinds", NAMED, 3, KINDS, TIMEOUT, NO_ACK, false, LIMIT(0) | LIMIT(1) | LIMIT(2),
     ENDS | SUP_TRY_REFUSE | SUP_TRY_CALLS | SUP_TRY_PARENT, 2},
    /* Longer, with two children and no calls. */
    {"pairs", NAMED, 2, KINDS, TIMEOUT, NO_ACK, false, LIMIT(1) | LIMIT(3),
     ENDS | SUP_TRY_REFUSE | SUP_TRY_TIMEOUT | SUP_TRY_PARENT, 6},
    /* Calls, upon each other's consequences. */
    {"calls", NAMED, 2, KINDS, TIMEOUT, NO_ACK, false, LIMIT(2),
     SUP_TRY_CRASH | SUP_TRY_REFUSE | SUP_TRY_CALLS, 4},
    /* Starts that are waited for: slow, failing, ignored. */
    {"acks", NAMED, 3, PERMANENT | TEMPORARY, TIMEOUT, NO_ACK | ACK, false, LIMIT(2),
     SUP_TRY_CRASH | STARTS | SUP_TRY_PARENT, 3},
    {"slow", NAMED, 2, PERMANENT | TEMPORARY, TIMEOUT, ACK, false, LIMIT(2),
     SUP_TRY_CRASH | STARTS | SUP_TRY_REFUSE | SUP_TRY_CALLS | SUP_TRY_PARENT, 3},
    /* Every way to stop, with children that do not. */
    {"stops", NAMED, 3, PERMANENT, STOPS, NO_ACK, false, LIMIT(1),
     SUP_TRY_CRASH | SUP_TRY_TIMEOUT | SUP_TRY_PARENT | SUP_TRY_CALLS, 3},
    {"reasons", NAMED, 2, KINDS, TIMEOUT, NO_ACK, false, LIMIT(1),
     ENDS | SUP_TRY_KILLED | SUP_TRY_SHUTDOWN_TEXT, 3},
    /* Automatic shutdown. */
    {"auto", NAMED, 3, KINDS, TIMEOUT, NO_ACK, true, LIMIT(1),
     SUP_TRY_NORMAL | SUP_TRY_CRASH | SUP_TRY_REFUSE | SUP_TRY_CALLS, 2},
    {"autos", NAMED, 2, KINDS, TIMEOUT, NO_ACK, true, LIMIT(1),
     SUP_TRY_NORMAL | SUP_TRY_CRASH | SUP_TRY_REFUSE | SUP_TRY_CALLS, 3},
    /* The limit, at its edges in number and time. */
    {"limit", NAMED, 2, PERMANENT, TIMEOUT, NO_ACK, false,
     LIMIT(0) | LIMIT(1) | LIMIT(2) | LIMIT(3) | LIMIT(SUP_TRY_UNLIMITED) | LIMIT(SUP_TRY_ONE_EVER),
     SUP_TRY_CRASH | SUP_TRY_REFUSE | SUP_TRY_TIME, 8},
    /* Uniform supervisors. */
    {"uniform", UNIFORM, 3, KINDS, STOPS, NO_ACK | ACK, false, LIMIT(0) | LIMIT(2),
     ENDS | STARTS | SUP_TRY_REFUSE | SUP_TRY_CALLS | SUP_TRY_PARENT, 5},
    {"window", UNIFORM, 2, PERMANENT, TIMEOUT, NO_ACK, false, LIMIT(1) | LIMIT(2),
     SUP_TRY_CRASH | SUP_TRY_REFUSE | SUP_TRY_CALLS | SUP_TRY_TIME, 7},
};
const unsigned sup_try_family_count = MM1_COUNT_OF(sup_try_families);

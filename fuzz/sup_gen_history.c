/* The free generator: what happens to a tree. */
#include <mm1/supervisor.h>

#include "fuzz/sup_gen_tree.h"

#define ADDED_MAX 24
#define PLACES 96

struct history {
    struct sup_gen *g;
    const struct sup_shape *shape;
    /* Workers, those that were added at the end of it. */
    struct sup_somebody who[PLACES + ADDED_MAX];
    size_t who_count;
    unsigned added;
    size_t supervisors[PLACES]; /* indices of members */
    size_t supervisor_count;
};

/* --- draws ---------------------------------------------------------------------------------------------------- */

static uint64_t draw(struct history *h, uint64_t n)
{
    return sup_draw(h->g, SUP_ABOUT_EVENT, n);
}

static bool chance(struct history *h, uint64_t num, uint64_t den)
{
    return draw(h, den) < num;
}

static bool on(const struct history *h, enum sup_dimension dimension)
{
    return sup_gen_on(h->g, dimension);
}

static void add(struct history *h, struct sup_event event)
{
    sup_gen_event(h->g, event);
}

static const struct sup_member *member_of(const struct history *h, size_t index)
{
    return &h->g->made.members[index];
}

static size_t draw_supervisor(struct history *h)
{
    return h->supervisors[draw(h, h->supervisor_count)];
}

/* One to be killed: seldom the root, since nothing happens after it. */
static size_t draw_victim(struct history *h)
{
    size_t supervisor = draw_supervisor(h);
    bool root = chance(h, 1, 12);
    uint64_t nth = draw(h, 0);
    if (supervisor != 0 || root) {
        return supervisor;
    }
    return h->supervisor_count == 1 ? SIZE_MAX
                                    : h->supervisors[1 + nth % (h->supervisor_count - 1)];
}

/* A worker of a supervisor; null: it has none. */
static const char *draw_own_worker(struct history *h, size_t supervisor)
{
    const char *found[PLACES + ADDED_MAX];
    size_t count = 0;
    uint64_t nth = draw(h, 0);
    for (size_t i = 0; i < h->who_count; i++) {
        if (h->who[i].supervisor == supervisor) {
            found[count++] = h->who[i].id;
        }
    }
    return count == 0 ? NULL : found[nth % count];
}

/* A worker of a supervisor if it has one, else any; null: there is none. */
static const char *draw_worker_of(struct history *h, size_t supervisor)
{
    const char *own = draw_own_worker(h, supervisor);
    uint64_t nth = draw(h, 0);
    return own != NULL || h->who_count == 0 ? own : h->who[nth % h->who_count].id;
}

/* Any worker, and now and then nobody. */
static const char *draw_worker(struct history *h)
{
    bool nobody = chance(h, 1, 12) && on(h, SUP_DIM_BAD_IDS);
    uint64_t nth = draw(h, 0);
    if (nobody) {
        return "nosuch";
    }
    return h->who_count == 0 ? NULL : h->who[nth % h->who_count].id;
}

/* A child of a supervisor, supervisors among them; null: it has none. */
static const char *draw_child(struct history *h, size_t supervisor)
{
    const char *found[PLACES * 2 + ADDED_MAX];
    size_t count = 0;
    bool nobody = chance(h, 1, 10) && on(h, SUP_DIM_BAD_IDS);
    uint64_t nth = draw(h, 0);
    for (size_t i = 0; i < h->who_count; i++) {
        if (h->who[i].supervisor == supervisor) {
            found[count++] = h->who[i].id;
        }
    }
    for (size_t i = 1; i < h->supervisor_count; i++) {
        if (member_of(h, h->supervisors[i])->parent == supervisor) {
            found[count++] = member_of(h, h->supervisors[i])->id;
        }
    }
    return nobody ? "nosuch" : count == 0 ? NULL : found[nth % count];
}

static struct sup_event exit_of(struct history *h, const char *id)
{
    static const enum sup_exit reasons[] = {
        SUP_EXIT_CRASH,         SUP_EXIT_CRASH, SUP_EXIT_CRASH, SUP_EXIT_NORMAL,  SUP_EXIT_SHUTDOWN,
        SUP_EXIT_SHUTDOWN_TEXT, SUP_EXIT_KILL,  SUP_EXIT_KILL,  SUP_EXIT_SELFKILL};
    enum sup_exit exit = reasons[draw(h, MM1_COUNT_OF(reasons))];
    if (exit == SUP_EXIT_KILL && !on(h, SUP_DIM_KILLS)) {
        exit = SUP_EXIT_CRASH;
    } else if (!on(h, SUP_DIM_EXITS) && on(h, SUP_DIM_KILLS)) {
        exit = SUP_EXIT_KILL;
    }
    return (struct sup_event){.kind = SUP_EV_EXIT,
                              .id = id,
                              .exit = exit,
                              .exit_text = exit == SUP_EXIT_SHUTDOWN_TEXT ? "foo" : NULL};
}

/* --- waits ---------------------------------------------------------------------------------------------------- */

static void add_wait(struct history *h, uint64_t ns)
{
    if (!h->g->in_batch) {
        add(h, (struct sup_event){.kind = SUP_EV_WAIT, .ns = ns});
    }
}

/* A time that has to do with the window. */
static uint64_t draw_edge(struct history *h)
{
    uint64_t window = h->shape->window_ns;
    const uint64_t edges[] = {window - 1, window, window + 1, window / 2, window * 2};
    return edges[draw(h, MM1_COUNT_OF(edges))];
}

static uint64_t draw_wait(struct history *h)
{
    static const uint64_t plain[] = {0,
                                     1,
                                     1000,
                                     100000,
                                     MM1_NS_PER_MS,
                                     3 * MM1_NS_PER_MS,
                                     10 * MM1_NS_PER_MS,
                                     50 * MM1_NS_PER_MS};
    bool edge = chance(h, 2, 5);
    uint64_t at = draw_edge(h);
    uint64_t ns = plain[draw(h, MM1_COUNT_OF(plain))];
    return edge ? at : ns;
}

/* --- what may happen ------------------------------------------------------------------------------------------ */

static void act_exit(struct history *h)
{
    const char *id = draw_worker(h);
    if (id != NULL) {
        add(h, exit_of(h, id));
    }
}

static bool draw_plan(struct history *h, const char *id, bool before, struct sup_event *out)
{
    /* The last one is as long as a start may take. */
    static const uint64_t slow[] = {
        1, 1000, MM1_NS_PER_MS, 20 * MM1_NS_PER_MS, MM1_NS_PER_SEC, MM1_START_TIMEOUT_DEFAULT};
    static const unsigned counts[] = {0, 50, 27, 17, 0, 0, 6};
    const unsigned kinds[] = {
        on(h, SUP_DIM_FAIL) ? 50 : 0, on(h, SUP_DIM_IGNORE) ? 12 : 0, on(h, SUP_DIM_DIE) ? 25 : 0,
        on(h, SUP_DIM_SLOW) ? 20 : 0, on(h, SUP_DIM_HANG) ? 5 : 0,
    };
    uint64_t ns = slow[draw(h, MM1_COUNT_OF(slow))];
    uint64_t count = sup_draw_weighted(h->g, SUP_ABOUT_EVENT, counts, MM1_COUNT_OF(counts));
    struct sup_event dies = exit_of(h, id);
    uint64_t word = draw(h, 0);
    if (kinds[0] + kinds[1] + kinds[2] + kinds[3] + kinds[4] == 0) {
        return false;
    }
    *out = (struct sup_event){.id = id, .count = before ? 1 : count};
    switch (sup_draw_weighted(h->g, SUP_ABOUT_EVENT, kinds, MM1_COUNT_OF(kinds))) {
    case 0:
        /* A tree that does not start has no history: seldom. */
        out->kind = SUP_EV_FAIL;
        out->ignore = before && word % 4 != 0;
        break;
    case 1:
        out->kind = SUP_EV_FAIL;
        out->ignore = true;
        break;
    case 2:
        out->kind = SUP_EV_DIE;
        out->exit = dies.exit;
        out->exit_text = dies.exit_text;
        break;
    case 3:
        out->kind = SUP_EV_SLOW;
        out->ns = ns;
        break;
    default:
        out->kind = before ? SUP_EV_SLOW : SUP_EV_HANG;
        out->ns = before ? ns : 0;
        out->count = 1;
        break;
    }
    return true;
}

/* A plan, and most often what makes the planned start happen. */
static void act_plan(struct history *h)
{
    size_t supervisor = draw_supervisor(h);
    bool of_supervisor = chance(h, 1, 6) && supervisor != 0 && on(h, SUP_DIM_SUP_KILLS);
    const char *worker = draw_worker(h);
    const char *victim = of_supervisor ? member_of(h, supervisor)->id : worker;
    struct sup_event plan;
    if (victim == NULL || !draw_plan(h, victim, false, &plan)) {
        return;
    }
    add(h, plan);
    switch (of_supervisor ? 0 : draw(h, 8)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4: {
        struct sup_event exit = exit_of(h, victim);
        exit.exit = of_supervisor ? SUP_EXIT_KILL : exit.exit;
        add(h, exit);
        break;
    }
    case 5: {
        /* One of its siblings takes it along. */
        const char *other = draw_worker(h);
        add(h, exit_of(h, other == NULL ? victim : other));
        break;
    }
    default:
        break;
    }
}

static void act_sup_kill(struct history *h)
{
    size_t supervisor = draw_victim(h);
    if (supervisor != SIZE_MAX) {
        add(h, (struct sup_event){
                   .kind = SUP_EV_EXIT, .id = member_of(h, supervisor)->id, .exit = SUP_EXIT_KILL});
    }
}

static void act_stranger(struct history *h)
{
    static const enum sup_exit reasons[] = {SUP_EXIT_CRASH, SUP_EXIT_SHUTDOWN, SUP_EXIT_NORMAL};
    size_t supervisor = draw_supervisor(h);
    add(h, (struct sup_event){.kind = SUP_EV_EXIT,
                              .id = member_of(h, supervisor)->id,
                              .exit = SUP_DRAW_OF(h->g, SUP_ABOUT_EVENT, reasons)});
}

/* A supervisor is killed while it restarts: at once, or a moment after what made it restart. */
static void act_mid_restart(struct history *h)
{
    static const uint64_t moments[] = {1, 1000, 3000, 10000, 100000, MM1_NS_PER_MS};
    size_t supervisor = draw_victim(h);
    const char *child = draw_worker_of(h, supervisor);
    struct sup_event plan;
    bool at_once = chance(h, 1, 2) && on(h, SUP_DIM_BATCHES);
    bool has_batch = h->g->in_batch;
    uint64_t moment = moments[draw(h, MM1_COUNT_OF(moments))];
    if (child == NULL || supervisor == SIZE_MAX) {
        return;
    }
    if (at_once && !has_batch) {
        sup_gen_batch(h->g, true);
    }
    if (chance(h, 1, 2) && draw_plan(h, child, false, &plan)) {
        add(h, plan);
    }
    add(h, exit_of(h, child));
    if (!at_once && on(h, SUP_DIM_WAITS)) {
        add_wait(h, moment);
    }
    add(h, (struct sup_event){
               .kind = SUP_EV_EXIT, .id = member_of(h, supervisor)->id, .exit = SUP_EXIT_KILL});
    if (at_once && !has_batch) {
        sup_gen_batch(h->g, false);
    }
}

/* As many exits of children of one supervisor as its limit lets it bear, give or take one, around its window. */
static void act_limit(struct history *h)
{
    size_t supervisor = draw_supervisor(h);
    const struct sup_member *member = member_of(h, supervisor);
    uint64_t count = member->intensity > 6 ? 2 : member->intensity + draw(h, 2);
    for (uint64_t i = 0; i <= count; i++) {
        const char *child = draw_worker_of(h, supervisor);
        uint64_t edge = draw_edge(h);
        uint64_t where = draw(h, 4);
        if (child == NULL) {
            return;
        }
        struct sup_event exit = exit_of(h, child);
        exit.exit = exit.exit == SUP_EXIT_KILL ? exit.exit : SUP_EXIT_CRASH;
        exit.exit_text = NULL;
        add(h, exit);
        if (on(h, SUP_DIM_WAITS)) {
            add_wait(h, where == 0 || i + 1 == count ? edge : 1);
        }
    }
}

/* Those that a supervisor may end with end, one after the other; the restart of one may fail. */
static void act_significant(struct history *h)
{
    size_t supervisor = draw_supervisor(h);
    if (member_of(h, supervisor)->auto_shutdown == SUP_AUTO_NEVER) {
        return;
    }
    for (size_t i = 0; i < h->g->made.member_count; i++) {
        const struct sup_member *member = member_of(h, i);
        struct sup_event plan;
        if (member->parent != supervisor || member->is_supervisor || !member->significant) {
            continue;
        }
        bool fails = chance(h, 1, 3) && draw_plan(h, member->id, false, &plan);
        if (fails) {
            add(h, plan);
        }
        add(h, (struct sup_event){.kind = SUP_EV_EXIT,
                                  .id = member->id,
                                  .exit = fails ? SUP_EXIT_CRASH : SUP_EXIT_NORMAL});
    }
}

/* --- calls ---------------------------------------------------------------------------------------------------- */

/* Remembers a worker that was added. */
static const char *add_somebody(struct history *h, size_t supervisor, const char *prefix)
{
    if (h->added == ADDED_MAX || h->who_count == MM1_COUNT_OF(h->who)) {
        return NULL;
    }
    const char *id = sup_gen_text(h->g, "%s%u", prefix, ++h->added);
    h->who[h->who_count++] = (struct sup_somebody){.id = id, .supervisor = supervisor};
    return id;
}

static void call_start(struct history *h, size_t supervisor)
{
    const struct sup_member *member = member_of(h, supervisor);
    struct sup_event event = {.kind = SUP_EV_START_CHILD, .id = member->id};
    /* Of workers alone: what start_child brings is one, and who was asked before shall not turn into one. */
    const char *known = draw_own_worker(h, supervisor);
    bool again = chance(h, 1, 3);
    if (member->strategy == SUP_SIMPLE) {
        const char *tag = add_somebody(h, supervisor, "x");
        event.child = tag != NULL ? tag : known;
        if (event.child != NULL) {
            add(h, event);
        }
        return;
    }
    struct sup_member child = sup_gen_worker(h->g, h->shape, supervisor);
    const char *id = again && known != NULL ? known : add_somebody(h, supervisor, "n");
    if (id != NULL) {
        child.id = id;
        event.member = sup_gen_spec(h->g, child);
        add(h, event);
    }
}

static void act_call(struct history *h)
{
    static const enum sup_event_kind changes[] = {SUP_EV_TERMINATE_CHILD, SUP_EV_DELETE_CHILD,
                                                  SUP_EV_RESTART_CHILD};
    static const enum sup_event_kind queries[] = {SUP_EV_WHICH, SUP_EV_COUNT, SUP_EV_CHILDSPEC};
    static const unsigned weights[] = {5, 3, 4};
    size_t supervisor = draw_supervisor(h);
    bool looks = !on(h, SUP_DIM_CHANGES) || (on(h, SUP_DIM_QUERIES) && chance(h, 1, 3));
    bool starts = chance(h, member_of(h, supervisor)->strategy == SUP_SIMPLE ? 5 : 2, 8);
    size_t change = sup_draw_weighted(h->g, SUP_ABOUT_EVENT, weights, MM1_COUNT_OF(weights));
    size_t query = draw(h, MM1_COUNT_OF(queries));
    const char *child = draw_child(h, supervisor);
    if (!looks && starts) {
        call_start(h, supervisor);
        return;
    }
    struct sup_event event = {.kind = looks ? queries[query] : changes[change],
                              .id = member_of(h, supervisor)->id};
    if (event.kind != SUP_EV_WHICH && event.kind != SUP_EV_COUNT) {
        event.child = child != NULL ? child : on(h, SUP_DIM_BAD_IDS) ? "nosuch" : NULL;
        if (event.child == NULL) {
            return;
        }
    }
    add(h, event);
}

/* --- the history ---------------------------------------------------------------------------------------------- */

enum act {
    ACT_EXIT,
    ACT_PLAN,
    ACT_SUP_KILL,
    ACT_STRANGER,
    ACT_MID_RESTART,
    ACT_LIMIT,
    ACT_SIGNIFICANT,
    ACT_CALL,
    ACT_WAIT,
    ACTS,
};

static void act(struct history *h)
{
    bool exits = on(h, SUP_DIM_EXITS) || on(h, SUP_DIM_KILLS);
    bool calls = on(h, SUP_DIM_CHANGES) || on(h, SUP_DIM_QUERIES);
    bool batch = h->g->in_batch;
    const unsigned weights[ACTS] = {
        [ACT_EXIT] = exits ? 36 : 1, /* something happens in every case */
        [ACT_PLAN] = 14,
        [ACT_SUP_KILL] = on(h, SUP_DIM_SUP_KILLS) ? 6 : 0,
        [ACT_STRANGER] = on(h, SUP_DIM_STRANGERS) ? 4 : 0,
        [ACT_MID_RESTART] = on(h, SUP_DIM_SUP_KILLS) && exits ? 6 : 0,
        [ACT_LIMIT] = exits && !batch ? 6 : 0,
        [ACT_SIGNIFICANT] = exits && on(h, SUP_DIM_SIGNIFICANT) ? 6 : 0,
        [ACT_CALL] = calls ? 26 : 0,
        [ACT_WAIT] = on(h, SUP_DIM_WAITS) && !batch ? 16 : 0,
    };
    switch ((enum act)sup_draw_weighted(h->g, SUP_ABOUT_HISTORY, weights, ACTS)) {
    case ACT_EXIT:
        act_exit(h);
        return;
    case ACT_PLAN:
        act_plan(h);
        return;
    case ACT_SUP_KILL:
        act_sup_kill(h);
        return;
    case ACT_STRANGER:
        act_stranger(h);
        return;
    case ACT_MID_RESTART:
        act_mid_restart(h);
        return;
    case ACT_LIMIT:
        act_limit(h);
        return;
    case ACT_SIGNIFICANT:
        act_significant(h);
        return;
    case ACT_CALL:
        act_call(h);
        return;
    default:
        add_wait(h, draw_wait(h));
        return;
    }
}

static void step(struct history *h)
{
    bool batch = sup_draw_chance(h->g, SUP_ABOUT_HISTORY, 1, 3) && on(h, SUP_DIM_BATCHES);
    uint64_t count = batch ? 2 + sup_draw(h->g, SUP_ABOUT_HISTORY, 4) : 1;
    if (batch) {
        sup_gen_batch(h->g, true);
    }
    for (uint64_t i = 0; i < count; i++) {
        act(h);
    }
    if (batch) {
        sup_gen_batch(h->g, false);
    }
    if (h->shape->calm) {
        add_wait(h, 100 * MM1_NS_PER_MS);
    }
}

static void add_end(struct history *h)
{
    static const enum sup_exit reasons[] = {
        SUP_EXIT_SHUTDOWN,      SUP_EXIT_SHUTDOWN, SUP_EXIT_SHUTDOWN, SUP_EXIT_NORMAL,
        SUP_EXIT_SHUTDOWN_TEXT, SUP_EXIT_CRASH,    SUP_EXIT_KILL};
    struct sup_event event = {.kind = SUP_EV_SUP_EXIT,
                              .exit = SUP_DRAW_OF(h->g, SUP_ABOUT_EVENT, reasons)};
    event.exit_text = event.exit == SUP_EXIT_SHUTDOWN_TEXT ? "foo" : NULL;
    add(h, event);
    if (chance(h, 1, 4) && on(h, SUP_DIM_CHANGES)) {
        act_call(h);
    }
}

static void look_around(struct history *h)
{
    for (size_t i = 0; i < h->g->made.member_count; i++) {
        const struct sup_member *member = &h->g->made.members[i];
        bool model = i != 0 && h->g->made.members[member->parent].strategy == SUP_SIMPLE;
        if (member->is_supervisor && h->supervisor_count < PLACES) {
            h->supervisors[h->supervisor_count++] = i;
        } else if (!member->is_supervisor && !model && h->who_count < PLACES) {
            h->who[h->who_count++] =
                (struct sup_somebody){.id = member->id, .supervisor = member->parent};
        }
    }
}

void sup_gen_history(struct sup_gen *g, const struct sup_shape *shape)
{
    struct history h = {.g = g, .shape = shape};
    look_around(&h);
    uint64_t before = on(&h, SUP_DIM_BEFORE) ? 1 + draw(&h, 2) : 0;
    for (uint64_t i = 0; i < before; i++) {
        const char *id = draw_worker(&h);
        struct sup_event plan;
        if (id != NULL && draw_plan(&h, id, true, &plan)) {
            sup_gen_before(g, plan);
        }
    }
    /* The tree has stood for a while, or is still being started by whom it is to be disturbed. */
    if (shape->calm) {
        add_wait(&h, MM1_NS_PER_MS);
    }
    /* Acts that find nobody to act upon add nothing. */
    for (unsigned i = 0; i < 4 * shape->events && g->made.event_count < shape->events && !g->failed;
         i++) {
        step(&h);
    }
    if (on(&h, SUP_DIM_SUP_EXITS)) {
        add_end(&h);
    }
}

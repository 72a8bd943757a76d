/* The free generator: the shape of a case, and its tree. */
#include "fuzz/sup_gen_tree.h"

#define MEMBERS_MAX 64u
#define EVENTS_MAX 60u

/* --- the shape ------------------------------------------------------------------------------------------------ */

/* Of how many seeds out of 16 a dimension is on. */
static unsigned share_of(enum sup_dimension dimension)
{
    switch (dimension) {
    case SUP_DIM_EXITS:
        return 15;
    case SUP_DIM_STRATEGIES:
    case SUP_DIM_RESTARTS:
    case SUP_DIM_KILLS:
    case SUP_DIM_WAITS:
    case SUP_DIM_CHANGES:
        return 11;
    case SUP_DIM_SUP_EXITS:
    case SUP_DIM_NESTING:
    case SUP_DIM_BATCHES:
    case SUP_DIM_FAIL:
    case SUP_DIM_WINDOW_EDGES:
    case SUP_DIM_SUP_KILLS:
        return 8;
    case SUP_DIM_BAD_SPECS:
    case SUP_DIM_BEFORE:
        return 2;
    case SUP_DIM_BAD_IDS:
    case SUP_DIM_HANG:
    case SUP_DIM_UNIFORM:
    case SUP_DIM_UNACKED:
    case SUP_DIM_ANNOUNCED:
        return 4;
    default:
        return 6;
    }
}

static void draw_swarm(struct sup_gen *g)
{
    for (unsigned i = 0; i < SUP_DIMENSIONS; i++) {
        bool on = sup_draw_chance(g, SUP_ABOUT_SHAPE, share_of((enum sup_dimension)i), 16);
        g->on |= on ? 1u << i : 0;
    }
}

static struct sup_shape draw_shape(struct sup_gen *g, const struct sup_gen_options *options)
{
    static const uint64_t windows[] = {1000,           MM1_NS_PER_MS,      10 * MM1_NS_PER_MS,
                                       MM1_NS_PER_SEC, 5 * MM1_NS_PER_SEC, 100000 * MM1_NS_PER_SEC};
    static const unsigned sizes[] = {12, 68, 13, 7};
    static const enum sup_strategy strategies[] = {SUP_ONE_FOR_ONE, SUP_ONE_FOR_ALL,
                                                   SUP_REST_FOR_ONE};
    static const enum sup_restart restarts[] = {SUP_PERMANENT, SUP_PERMANENT, SUP_PERMANENT,
                                                SUP_TRANSIENT, SUP_TEMPORARY};
    struct sup_shape shape = {.depth_max = options->depth_max == 0 ? 4 : options->depth_max};
    uint64_t size[] = {1 + sup_draw(g, SUP_ABOUT_SHAPE, 3), 3 + sup_draw(g, SUP_ABOUT_SHAPE, 8),
                       11 + sup_draw(g, SUP_ABOUT_SHAPE, 10),
                       21 + sup_draw(g, SUP_ABOUT_SHAPE, MEMBERS_MAX - 20)};
    uint64_t events = sup_draw_chance(g, SUP_ABOUT_SHAPE, 1, 8) ? EVENTS_MAX : 24;
    unsigned members =
        (unsigned)size[sup_draw_weighted(g, SUP_ABOUT_SHAPE, sizes, MM1_COUNT_OF(sizes))];
    shape.members = options->members_max != 0 && members > options->members_max
                        ? options->members_max
                        : members;
    shape.events = 1 + (unsigned)sup_draw(g, SUP_ABOUT_SHAPE, events);
    if (options->events_max != 0 && shape.events > options->events_max) {
        shape.events = options->events_max;
    }
    shape.calm = sup_draw_chance(g, SUP_ABOUT_SHAPE, 2, 5) && sup_gen_on(g, SUP_DIM_WAITS);
    shape.window_ns = SUP_DRAW_OF(g, SUP_ABOUT_SHAPE, windows);
    shape.strategy = SUP_DRAW_OF(g, SUP_ABOUT_SHAPE, strategies);
    shape.restart = SUP_DRAW_OF(g, SUP_ABOUT_SHAPE, restarts);
    return shape;
}

void sup_gen_free(struct sup_gen *g, const struct sup_gen_options *options)
{
    draw_swarm(g);
    struct sup_shape shape = draw_shape(g, options);
    sup_gen_tree(g, &shape);
    if (!g->failed) {
        sup_gen_history(g, &shape);
    }
}

/* --- what a member is like ------------------------------------------------------------------------------------ */

static uint64_t member_draw(struct sup_gen *g, uint64_t n)
{
    return sup_draw(g, SUP_ABOUT_MEMBER, n);
}

static bool member_chance(struct sup_gen *g, uint64_t num, uint64_t den)
{
    return sup_draw_chance(g, SUP_ABOUT_MEMBER, num, den);
}

static enum sup_restart draw_restart(struct sup_gen *g, const struct sup_shape *shape)
{
    static const unsigned weights[] = {55, 30, 15};
    size_t drawn = sup_draw_weighted(g, SUP_ABOUT_MEMBER, weights, MM1_COUNT_OF(weights));
    return sup_gen_on(g, SUP_DIM_RESTARTS) ? (enum sup_restart)drawn : shape->restart;
}

/* How a worker ends when told to, and how it is told. One that never ends is killed at last. */
static void draw_end(struct sup_gen *g, struct sup_member *member)
{
    static const unsigned terms[] = {40, 25, 12, 5, 5, 13};
    static const uint64_t times_ms[] = {0, 1, 5, 12, 50, 1000, 5000, 5000};
    size_t term = sup_draw_weighted(g, SUP_ABOUT_MEMBER, terms, MM1_COUNT_OF(terms));
    uint64_t how = member_draw(g, 8);
    uint64_t ms = times_ms[member_draw(g, MM1_COUNT_OF(times_ms))];
    uint64_t slow_ms = member_draw(g, 21);
    bool just = member_chance(g, 1, 4); /* it ends at the moment at which it would be killed */
    member->term = sup_gen_on(g, SUP_DIM_TERMS) ? (enum sup_term)term : SUP_TERM_DIE;
    member->shutdown_ms = 5000;
    if (sup_gen_on(g, SUP_DIM_STOPS)) {
        member->shutdown = how < 2                                      ? SUP_SHUTDOWN_BRUTAL
                           : how < 4 && member->term != SUP_TERM_IGNORE ? SUP_SHUTDOWN_INFINITY
                                                                        : SUP_SHUTDOWN_MS;
        member->shutdown_ms = member->shutdown == SUP_SHUTDOWN_MS ? ms : 5000;
    }
    if (member->term == SUP_TERM_SLOW) {
        member->slow_ms = just ? member->shutdown_ms : slow_ms;
    }
}

/* What else a child's spec may say. */
static void draw_start(struct sup_gen *g, struct sup_member *member)
{
    bool unacked = member_chance(g, 1, 3);
    bool announced = member_chance(g, 1, 3);
    member->unacked = unacked && sup_gen_on(g, SUP_DIM_UNACKED);
    member->announced = announced && sup_gen_on(g, SUP_DIM_ANNOUNCED);
}

/* Whether a child counts for the end of its supervisor. */
static bool draw_significant(struct sup_gen *g, const struct sup_member *member, size_t supervisor)
{
    const struct sup_member *above = &g->made.members[supervisor];
    bool wanted = member_chance(g, 3, 5);
    bool wrong = member_chance(g, 1, 12);
    bool may = above->auto_shutdown != SUP_AUTO_NEVER && member->restart != SUP_PERMANENT;
    return may ? wanted : wrong && sup_gen_on(g, SUP_DIM_BAD_SPECS);
}

struct sup_member sup_gen_worker(struct sup_gen *g, const struct sup_shape *shape,
                                 size_t supervisor)
{
    struct sup_member member = {.parent = supervisor, .restart = draw_restart(g, shape)};
    draw_end(g, &member);
    draw_start(g, &member);
    member.significant = draw_significant(g, &member, supervisor);
    member.type_supervisor = member_chance(g, 1, 16);
    return member;
}

/* --- supervisors ---------------------------------------------------------------------------------------------- */

static void draw_limit(struct sup_gen *g, const struct sup_shape *shape, bool root,
                       struct sup_member *member)
{
    static const uint64_t intensities[] = {0, 1, 2, 3, 5, 8, 20, 50, UINT32_MAX};
    static const unsigned of_root[] = {4, 8, 10, 14, 18, 16, 14, 10, 6};
    static const unsigned of_others[] = {9, 18, 22, 18, 14, 8, 5, 3, 3};
    static const uint64_t odd[] = {0, 1, 2, 999, 1001, UINT64_MAX - 1, UINT64_MAX};
    size_t at = sup_draw_weighted(g, SUP_ABOUT_MEMBER, root ? of_root : of_others,
                                  MM1_COUNT_OF(intensities));
    uint64_t odd_ns = odd[member_draw(g, MM1_COUNT_OF(odd))];
    bool is_odd = member_chance(g, 1, 2);
    member->intensity = intensities[at];
    member->period_ns = shape->window_ns;
    if (sup_gen_on(g, SUP_DIM_WINDOW_EDGES)) {
        member->period_ns = is_odd ? odd_ns : member->period_ns;
    } else if (member->intensity == UINT32_MAX) {
        member->intensity = 50;
    }
}

static struct sup_member draw_supervisor(struct sup_gen *g, const struct sup_shape *shape,
                                         size_t above, bool root, bool simple)
{
    struct sup_member member = {.is_supervisor = true, .parent = above, .shutdown_ms = 5000};
    enum sup_strategy drawn = (enum sup_strategy)member_draw(g, SUP_SIMPLE);
    enum sup_auto ends = (enum sup_auto)(1 + member_draw(g, 2));
    bool has_end = member_chance(g, 1, 2) && sup_gen_on(g, SUP_DIM_SIGNIFICANT);
    member.strategy = simple                              ? SUP_SIMPLE
                      : sup_gen_on(g, SUP_DIM_STRATEGIES) ? drawn
                                                          : shape->strategy;
    member.auto_shutdown = has_end && !simple ? ends : SUP_AUTO_NEVER;
    draw_limit(g, shape, root, &member);
    if (root) {
        return member;
    }
    uint64_t how = member_draw(g, 16);
    uint64_t ms = member_draw(g, 2) == 0 ? member_draw(g, 20) : 5000;
    member.restart = draw_restart(g, shape);
    member.shutdown = SUP_SHUTDOWN_INFINITY;
    if (sup_gen_on(g, SUP_DIM_STOPS) && how < 3) {
        member.shutdown = how == 0 ? SUP_SHUTDOWN_BRUTAL : SUP_SHUTDOWN_MS;
        member.shutdown_ms = how == 0 ? 5000 : ms;
    }
    member.significant = draw_significant(g, &member, above);
    member.type_supervisor = true;
    draw_start(g, &member);
    /* A tree that breaks a rule never starts: who is not waited for would be restarted for ever. */
    member.unacked = member.unacked && !sup_gen_on(g, SUP_DIM_BAD_SPECS);
    return member;
}

/* --- the tree ------------------------------------------------------------------------------------------------- */

static unsigned depth_of(const struct sup_gen *g, size_t index)
{
    unsigned depth = 1;
    for (; index != 0; index = g->made.members[index].parent) {
        depth++;
    }
    return depth;
}

/* A supervisor that may get one more child: the youngest of them more often than not. */
static size_t draw_parent(struct sup_gen *g)
{
    bool youngest = sup_draw_chance(g, SUP_ABOUT_TREE, 1, 2);
    uint64_t nth = sup_draw(g, SUP_ABOUT_TREE, 0);
    size_t found[MEMBERS_MAX + 8] = {0};
    size_t count = 0;
    for (size_t i = 0; i < g->made.member_count && count < MM1_COUNT_OF(found); i++) {
        const struct sup_member *member = &g->made.members[i];
        if (member->is_supervisor && member->strategy != SUP_SIMPLE) {
            found[count++] = i;
        }
    }
    MM1_CHECK(count > 0); /* the root is one, or nobody asks */
    return youngest ? found[count - 1] : found[nth % count];
}

static void add_template(struct sup_gen *g, const struct sup_shape *shape, size_t supervisor)
{
    struct sup_member model = sup_gen_worker(g, shape, supervisor);
    model.id = sup_gen_text(g, "t%zu", supervisor);
    model.significant = false;
    (void)sup_gen_member(g, &model);
}

static void add_supervisor(struct sup_gen *g, const struct sup_shape *shape, size_t above,
                           bool simple)
{
    struct sup_member member = draw_supervisor(g, shape, above, false, simple);
    member.id = sup_gen_text(g, "s%zu", g->made.member_count);
    size_t index = sup_gen_member(g, &member);
    if (simple) {
        add_template(g, shape, index);
    }
}

static void add_worker(struct sup_gen *g, const struct sup_shape *shape, size_t above)
{
    struct sup_member member = sup_gen_worker(g, shape, above);
    bool twice = sup_draw_chance(g, SUP_ABOUT_TREE, 1, 40) && sup_gen_on(g, SUP_DIM_BAD_SPECS);
    member.id = sup_gen_text(g, "w%zu", g->made.member_count);
    for (size_t i = 1; twice && i < g->made.member_count; i++) {
        const struct sup_member *other = &g->made.members[i];
        member.id = other->parent == above && !other->is_supervisor ? other->id : member.id;
    }
    (void)sup_gen_member(g, &member);
}

void sup_gen_tree(struct sup_gen *g, const struct sup_shape *shape)
{
    bool simple_root = sup_draw_chance(g, SUP_ABOUT_TREE, 1, 2) && sup_gen_on(g, SUP_DIM_UNIFORM);
    struct sup_member root = draw_supervisor(g, shape, 0, true, simple_root);
    root.id = "root";
    (void)sup_gen_member(g, &root);
    if (simple_root) {
        add_template(g, shape, 0);
        return;
    }
    while (g->made.member_count <= shape->members && !g->failed) {
        size_t above = draw_parent(g);
        bool supervisor = sup_draw_chance(g, SUP_ABOUT_TREE, 3, 10);
        bool simple = sup_draw_chance(g, SUP_ABOUT_TREE, 1, 2) && sup_gen_on(g, SUP_DIM_UNIFORM);
        bool may =
            (simple || sup_gen_on(g, SUP_DIM_NESTING)) && depth_of(g, above) < shape->depth_max;
        if (supervisor && may) {
            add_supervisor(g, shape, above, simple);
        } else {
            add_worker(g, shape, above);
        }
    }
}

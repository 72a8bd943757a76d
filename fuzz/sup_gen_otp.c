/* Cases that OTP is asked too: their outcome depends neither on time nor on a schedule. What may meet what is the rule
 * of the reference cases (docs/supervisors.md, "Cases"): terms only with shutdowns that decide one way, batches about
 * one supervisor, no group of a uniform supervisor ignored at its restart. */
#include "fuzz/sup_gen_draw.h"

#define IDS_MAX 96
#define SUPERVISORS_MAX 64

enum profile { FLAT, FAILING, BATCHED, ENDING, STARTING, UNIFORM, TREE, PROFILES };

/* Ids that events choose from. */
struct ids {
    const char *items[IDS_MAX];
    size_t count;
};

struct otp {
    struct sup_gen *g;
    struct ids ids;
    struct ids fresh; /* for start_child */
    struct ids gone;  /* made to exit in the batch that is open */
    bool plans;
    bool significant;
};

/* --- draws ---------------------------------------------------------------------------------------------------- */

static uint64_t draw(struct otp *o, uint64_t n)
{
    return sup_draw(o->g, SUP_ABOUT_EVENT, n);
}

/* So many out of a hundred. */
static bool percent(struct otp *o, unsigned share)
{
    return draw(o, 100) < share;
}

static size_t weighted(struct otp *o, const unsigned *weights, size_t count)
{
    return sup_draw_weighted(o->g, SUP_ABOUT_EVENT, weights, count);
}

static void add(struct otp *o, struct sup_event event)
{
    sup_gen_event(o->g, event);
}

static void put(struct ids *ids, const char *id)
{
    if (ids->count < IDS_MAX) {
        ids->items[ids->count++] = id;
    }
}

static bool has(const struct ids *ids, const char *id)
{
    for (size_t i = 0; i < ids->count; i++) {
        if (strcmp(ids->items[i], id) == 0) {
            return true;
        }
    }
    return false;
}

static const char *take_first(struct ids *ids)
{
    const char *first = ids->items[0];
    ids->count--;
    memmove(ids->items, ids->items + 1, ids->count * sizeof(ids->items[0]));
    return first;
}

static const char *draw_id(struct otp *o, const struct ids *ids)
{
    return ids->items[draw(o, ids->count)];
}

static const char *text_of(enum sup_exit exit)
{
    return exit == SUP_EXIT_SHUTDOWN_TEXT ? "foo" : NULL;
}

static struct sup_event exit_with(const char *id, enum sup_exit exit)
{
    return (struct sup_event){
        .kind = SUP_EV_EXIT, .id = id, .exit = exit, .exit_text = text_of(exit)};
}

static struct sup_event draw_exit(struct otp *o, const char *id)
{
    static const enum sup_exit reasons[] = {
        SUP_EXIT_CRASH,         SUP_EXIT_CRASH, SUP_EXIT_CRASH, SUP_EXIT_NORMAL,  SUP_EXIT_SHUTDOWN,
        SUP_EXIT_SHUTDOWN_TEXT, SUP_EXIT_KILL,  SUP_EXIT_KILL,  SUP_EXIT_SELFKILL};
    return exit_with(id, reasons[draw(o, MM1_COUNT_OF(reasons))]);
}

/* --- attributes ----------------------------------------------------------------------------------------------- */

/* A term, and a shutdown with which it comes to one end whatever the time. */
static void draw_end(struct otp *o, bool may_ignore, struct sup_member *member)
{
    static const unsigned usual[] = {40, 30, 8, 5, 5, 12};
    static const uint64_t any_ms[] = {0, 50, 5000, 5000};
    static const uint64_t short_ms[] = {1, 5, 12};
    unsigned weights[MM1_COUNT_OF(usual)];
    memcpy(weights, usual, sizeof(usual));
    weights[SUP_TERM_IGNORE] = may_ignore ? weights[SUP_TERM_IGNORE] : 0;
    member->term = (enum sup_term)weighted(o, weights, MM1_COUNT_OF(weights));
    member->shutdown = SUP_SHUTDOWN_MS;
    member->shutdown_ms = 5000;
    uint64_t how = draw(o, 6);
    uint64_t other = draw(o, 4);
    if (member->term == SUP_TERM_SLOW) {
        member->slow_ms = 1 + draw(o, 5);
    }
    if (member->term == SUP_TERM_IGNORE) {
        member->shutdown = other == 0 ? SUP_SHUTDOWN_BRUTAL : SUP_SHUTDOWN_MS;
        member->shutdown_ms = other == 0 ? 5000 : short_ms[other - 1];
        return;
    }
    if (member->term == SUP_TERM_DIE) {
        member->shutdown = how == 0   ? SUP_SHUTDOWN_BRUTAL
                           : how == 1 ? SUP_SHUTDOWN_INFINITY
                                      : SUP_SHUTDOWN_MS;
        member->shutdown_ms = how < 2 ? 5000 : any_ms[how - 2];
        return;
    }
    member->shutdown = other == 0   ? SUP_SHUTDOWN_BRUTAL
                       : other == 1 ? SUP_SHUTDOWN_INFINITY
                                    : SUP_SHUTDOWN_MS;
}

static enum sup_restart draw_restart(struct otp *o)
{
    static const unsigned weights[] = {58, 28, 14};
    return (enum sup_restart)weighted(o, weights, MM1_COUNT_OF(weights));
}

static struct sup_member draw_worker(struct otp *o, bool may_ignore, bool significant)
{
    struct sup_member member = {.restart = draw_restart(o)};
    draw_end(o, may_ignore, &member);
    bool wanted = percent(o, 60);
    member.significant = significant && member.restart != SUP_PERMANENT && wanted;
    member.type_supervisor = percent(o, 10);
    return member;
}

static struct sup_member supervisor_of(struct otp *o, const char *id)
{
    static const uint64_t intensities[] = {0, 1, 2, 3, 5, 8, 20, 50};
    static const unsigned weights[] = {4, 7, 9, 14, 18, 18, 18, 12};
    return (struct sup_member){
        .id = id,
        .is_supervisor = true,
        .strategy = (enum sup_strategy)draw(o, SUP_SIMPLE),
        .intensity = intensities[weighted(o, weights, MM1_COUNT_OF(weights))],
        .period_ns = 100000 * MM1_NS_PER_SEC,
    };
}

/* --- events about one supervisor ------------------------------------------------------------------------------ */

static struct sup_event start_of(struct otp *o, const char *supervisor, const char *id,
                                 bool may_ignore, bool significant, bool wrong)
{
    struct sup_member child = draw_worker(o, may_ignore, significant);
    child.significant = child.significant || wrong;
    child.id = id;
    return (struct sup_event){
        .kind = SUP_EV_START_CHILD, .id = supervisor, .member = sup_gen_spec(o->g, child)};
}

static void add_call(struct otp *o, const char *supervisor)
{
    static const enum sup_event_kind kinds[] = {
        SUP_EV_TERMINATE_CHILD, SUP_EV_DELETE_CHILD, SUP_EV_RESTART_CHILD, SUP_EV_START_CHILD,
        SUP_EV_WHICH,           SUP_EV_COUNT,        SUP_EV_CHILDSPEC};
    static const unsigned weights[] = {28, 16, 22, 20, 6, 5, 3};
    struct sup_event event = {.kind = kinds[weighted(o, weights, MM1_COUNT_OF(weights))],
                              .id = supervisor};
    if (event.kind == SUP_EV_START_CHILD) {
        bool known = percent(o, 50) || o->fresh.count == 0;
        const char *id = known ? draw_id(o, &o->ids) : take_first(&o->fresh);
        if (!has(&o->ids, id)) {
            put(&o->ids, id);
        }
        bool wrong = percent(o, 3);
        event = start_of(o, supervisor, id, true, o->significant, wrong);
    } else if (event.kind != SUP_EV_WHICH && event.kind != SUP_EV_COUNT) {
        event.child = percent(o, 96) ? draw_id(o, &o->ids) : "nosuch";
    }
    add(o, event);
}

static struct sup_event draw_plan(struct otp *o, const struct ids *ids)
{
    static const unsigned fails[] = {0, 50, 27, 17, 0, 0, 6};
    static const unsigned deaths[] = {0, 60, 30, 0, 10};
    static const enum sup_exit reasons[] = {SUP_EXIT_CRASH, SUP_EXIT_NORMAL, SUP_EXIT_SHUTDOWN,
                                            SUP_EXIT_KILL};
    struct sup_event plan = {.id = draw_id(o, ids)};
    if (percent(o, 75)) {
        plan.kind = SUP_EV_FAIL;
        plan.ignore = !percent(o, 85);
        plan.count = weighted(o, fails, MM1_COUNT_OF(fails));
    } else {
        plan.kind = SUP_EV_DIE;
        plan.count = weighted(o, deaths, MM1_COUNT_OF(deaths));
        plan.exit = reasons[draw(o, MM1_COUNT_OF(reasons))];
    }
    return plan;
}

/* What disturbs a child that waits for its next attempt, or looks at it. */
static void add_disturbance(struct otp *o, const char *victim)
{
    static const enum sup_event_kind kinds[] = {
        SUP_EV_WHICH,        SUP_EV_WHICH,         SUP_EV_COUNT,      SUP_EV_TERMINATE_CHILD,
        SUP_EV_DELETE_CHILD, SUP_EV_RESTART_CHILD, SUP_EV_START_CHILD};
    struct sup_event event = {.kind = kinds[draw(o, MM1_COUNT_OF(kinds))], .id = "root"};
    if (event.kind == SUP_EV_START_CHILD) {
        event = start_of(o, "root", victim, true, false, false);
    } else if (event.kind != SUP_EV_WHICH && event.kind != SUP_EV_COUNT) {
        event.child = victim;
    }
    add(o, event);
}

static void add_planned(struct otp *o, const struct ids *live)
{
    static const enum sup_exit reasons[] = {SUP_EXIT_CRASH, SUP_EXIT_CRASH,  SUP_EXIT_CRASH,
                                            SUP_EXIT_KILL,  SUP_EXIT_NORMAL, SUP_EXIT_SELFKILL};
    struct sup_event plan = draw_plan(o, live);
    bool batch = o->g->in_batch;
    add(o, plan);
    if (!percent(o, 85)) {
        return;
    }
    if (percent(o, 75) || live->count < 2) {
        add(o, exit_with(plan.id, reasons[draw(o, MM1_COUNT_OF(reasons))]));
        put(&o->gone, plan.id);
    } else if (percent(o, 50)) {
        struct sup_event exit = draw_exit(o, draw_id(o, live));
        add(o, exit);
        put(&o->gone, exit.id);
    } else {
        add(o, (struct sup_event){.kind = SUP_EV_TERMINATE_CHILD, .id = "root", .child = plan.id});
        add(o, (struct sup_event){.kind = SUP_EV_RESTART_CHILD, .id = "root", .child = plan.id});
    }
    if (batch && percent(o, 80)) {
        add_disturbance(o, plan.id);
    }
}

/* Something about the root and its children. */
static void add_any(struct otp *o)
{
    struct ids live = {0};
    for (size_t i = 0; i < o->ids.count; i++) {
        if (!o->g->in_batch || !has(&o->gone, o->ids.items[i])) {
            put(&live, o->ids.items[i]);
        }
    }
    live = live.count == 0 ? o->ids : live;
    uint64_t at = draw(o, 100);
    if (o->plans && at < 40) {
        add_planned(o, &live);
    } else if (at < 70) {
        struct sup_event exit = draw_exit(o, draw_id(o, &live));
        put(&o->gone, exit.id);
        add(o, exit);
    } else {
        add_call(o, "root");
    }
}

/* --- one supervisor ------------------------------------------------------------------------------------------- */

static void add_children(struct otp *o, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sup_member child = draw_worker(o, true, o->significant);
        child.id = sup_gen_text(o->g, "%c", (int)('a' + i));
        put(&o->ids, child.id);
        (void)sup_gen_member(o->g, &child);
    }
}

static void add_root_exit(struct otp *o, const enum sup_exit *reasons, size_t count)
{
    enum sup_exit exit = reasons[draw(o, count)];
    add(o, (struct sup_event){.kind = SUP_EV_SUP_EXIT, .exit = exit, .exit_text = text_of(exit)});
}

static void add_batch(struct otp *o)
{
    static const enum sup_exit reasons[] = {SUP_EXIT_SHUTDOWN, SUP_EXIT_NORMAL, SUP_EXIT_CRASH};
    uint64_t count = 2 + draw(o, 4);
    sup_gen_batch(o->g, true);
    o->gone.count = 0;
    for (uint64_t i = 0; i < count; i++) {
        add_any(o);
    }
    if (percent(o, 4)) {
        add_root_exit(o, reasons, MM1_COUNT_OF(reasons));
        add(o, (struct sup_event){.kind = SUP_EV_WHICH, .id = "root"});
    }
    sup_gen_batch(o->g, false);
}

static void add_root(struct otp *o, enum sup_auto ends, bool batch)
{
    static const uint64_t intensities[] = {1, 4, 12, 50, 50, 50};
    struct sup_member root = supervisor_of(o, "root");
    root.auto_shutdown = ends;
    root.intensity = batch ? intensities[draw(o, MM1_COUNT_OF(intensities))] : root.intensity;
    (void)sup_gen_member(o->g, &root);
    o->significant = ends != SUP_AUTO_NEVER;
}

static void flat(struct otp *o, bool batch, enum sup_auto ends)
{
    static const unsigned sizes[] = {1, 6, 14, 28, 28, 18, 0, 5};
    static const enum sup_exit reasons[] = {SUP_EXIT_SHUTDOWN, SUP_EXIT_NORMAL, SUP_EXIT_CRASH,
                                            SUP_EXIT_SHUTDOWN_TEXT};
    static const enum sup_exit deaths[] = {SUP_EXIT_CRASH, SUP_EXIT_NORMAL, SUP_EXIT_KILL};
    add_root(o, ends, batch);
    add_children(o, weighted(o, sizes, MM1_COUNT_OF(sizes)));
    if (o->ids.count == 0) {
        put(&o->ids, "n0");
    }
    for (unsigned i = 1; i <= 3; i++) {
        put(&o->fresh, sup_gen_text(o->g, "n%u", i));
    }
    if (o->plans && percent(o, 15)) {
        struct sup_event plan = {.kind = SUP_EV_DIE, .id = draw_id(o, &o->ids), .count = 1};
        plan.exit = deaths[draw(o, MM1_COUNT_OF(deaths))];
        sup_gen_before(o->g, plan);
    }
    for (uint64_t steps = 2 + draw(o, 8); steps > 0; steps--) {
        if (batch && percent(o, 55)) {
            add_batch(o);
        } else {
            o->gone.count = 0;
            add_any(o);
        }
    }
    uint64_t at = draw(o, 100);
    if (at < 5) {
        add_root_exit(o, reasons, MM1_COUNT_OF(reasons));
    } else if (at < 8) {
        add(o, (struct sup_event){.kind = SUP_EV_SUP_EXIT, .exit = SUP_EXIT_KILL});
        add(o, (struct sup_event){.kind = SUP_EV_WHICH, .id = "root"});
    }
}

static void starting(struct otp *o)
{
    static const enum sup_exit deaths[] = {SUP_EXIT_CRASH, SUP_EXIT_NORMAL, SUP_EXIT_KILL,
                                           SUP_EXIT_SHUTDOWN};
    add_root(o, draw(o, 3) == 0 ? SUP_AUTO_ANY : SUP_AUTO_NEVER, false);
    add_children(o, 2 + draw(o, 4));
    for (size_t i = 1; i < o->g->made.member_count; i++) {
        o->g->made.members[i].significant = o->g->made.members[i].significant || percent(o, 2);
    }
    if (percent(o, 8)) {
        struct sup_member twice = draw_worker(o, true, false);
        twice.id = draw_id(o, &o->ids);
        (void)sup_gen_member(o->g, &twice);
    }
    for (uint64_t count = 1 + draw(o, 2); count > 0; count--) {
        struct sup_event plan = {.id = draw_id(o, &o->ids), .count = 1, .kind = SUP_EV_FAIL};
        uint64_t at = draw(o, 100);
        plan.ignore = at >= 40;
        if (at >= 70) {
            plan.kind = SUP_EV_DIE;
            plan.ignore = false;
            plan.count = 1 + draw(o, 3);
            plan.exit = deaths[draw(o, MM1_COUNT_OF(deaths))];
        }
        sup_gen_before(o->g, plan);
    }
    put(&o->fresh, "n1");
    put(&o->fresh, "n2");
    for (uint64_t count = 1 + draw(o, 4); count > 0; count--) {
        add_any(o);
    }
}

/* --- a uniform supervisor ------------------------------------------------------------------------------------- */

static void add_tag(struct otp *o)
{
    static const enum sup_exit deaths[] = {SUP_EXIT_CRASH, SUP_EXIT_NORMAL, SUP_EXIT_KILL};
    const char *tag = take_first(&o->fresh);
    put(&o->ids, tag);
    if (percent(o, 15)) {
        bool ignore = draw(o, 2) == 0;
        add(o, (struct sup_event){.kind = SUP_EV_FAIL, .id = tag, .count = 1, .ignore = ignore});
    } else if (percent(o, 10)) {
        uint64_t count = 1 + draw(o, 2);
        enum sup_exit exit = deaths[draw(o, MM1_COUNT_OF(deaths))];
        add(o, (struct sup_event){.kind = SUP_EV_DIE, .id = tag, .count = count, .exit = exit});
    }
    add(o, (struct sup_event){.kind = SUP_EV_START_CHILD, .id = "root", .child = tag});
}

static void add_tag_exit(struct otp *o, const char *tag)
{
    static const uint64_t counts[] = {1, 2, 3, 6};
    if (percent(o, 30)) {
        add(o, (struct sup_event){
                   .kind = SUP_EV_FAIL, .id = tag, .count = counts[draw(o, MM1_COUNT_OF(counts))]});
        if (o->g->in_batch && percent(o, 70)) {
            add(o, exit_with(tag, draw(o, 2) == 0 ? SUP_EXIT_CRASH : SUP_EXIT_KILL));
            static const enum sup_event_kind kinds[] = {SUP_EV_WHICH, SUP_EV_COUNT,
                                                        SUP_EV_TERMINATE_CHILD};
            struct sup_event event = {.kind = kinds[draw(o, MM1_COUNT_OF(kinds))], .id = "root"};
            event.child = event.kind == SUP_EV_TERMINATE_CHILD ? tag : NULL;
            add(o, event);
            return;
        }
    }
    add(o, draw_exit(o, tag));
}

static void add_uniform(struct otp *o)
{
    static const enum sup_event_kind kinds[] = {SUP_EV_TERMINATE_CHILD, SUP_EV_DELETE_CHILD,
                                                SUP_EV_RESTART_CHILD,   SUP_EV_WHICH,
                                                SUP_EV_COUNT,           SUP_EV_CHILDSPEC};
    static const unsigned weights[] = {50, 10, 10, 15, 10, 5};
    uint64_t at = draw(o, 100);
    struct sup_event event = {.id = "root"};
    if (o->ids.count == 0 || (at < 35 && o->fresh.count != 0)) {
        add_tag(o);
        return;
    }
    const char *tag = draw_id(o, &o->ids);
    if (at < 68) {
        add_tag_exit(o, tag);
        return;
    }
    event.kind = kinds[weighted(o, weights, MM1_COUNT_OF(weights))];
    if (event.kind != SUP_EV_WHICH && event.kind != SUP_EV_COUNT) {
        event.child = event.kind == SUP_EV_CHILDSPEC || percent(o, 90) ? tag : "nosuch";
    }
    add(o, event);
}

static void uniform(struct otp *o)
{
    static const uint64_t intensities[] = {0, 2, 4, 8, 20, 50};
    static const enum sup_exit reasons[] = {SUP_EXIT_SHUTDOWN, SUP_EXIT_CRASH, SUP_EXIT_NORMAL,
                                            SUP_EXIT_KILL};
    struct sup_member root = supervisor_of(o, "root");
    root.strategy = SUP_SIMPLE;
    root.intensity = intensities[draw(o, MM1_COUNT_OF(intensities))];
    (void)sup_gen_member(o->g, &root);
    struct sup_member model = draw_worker(o, true, false);
    model.id = "tmpl";
    (void)sup_gen_member(o->g, &model);
    for (unsigned i = 1; i <= 8; i++) {
        put(&o->fresh, sup_gen_text(o->g, "x%u", i));
    }
    for (uint64_t steps = 4 + draw(o, 9); steps > 0; steps--) {
        bool batch = o->ids.count != 0 && percent(o, 35);
        if (batch) {
            sup_gen_batch(o->g, true);
        }
        for (uint64_t count = batch ? 2 + draw(o, 3) : 1; count > 0; count--) {
            add_uniform(o);
        }
        if (batch) {
            sup_gen_batch(o->g, false);
        }
    }
    if (percent(o, 5)) {
        add_root_exit(o, reasons, MM1_COUNT_OF(reasons));
    }
}

/* --- a tree --------------------------------------------------------------------------------------------------- */

struct tree {
    struct otp *o;
    size_t supervisors[SUPERVISORS_MAX]; /* members */
    struct ids kids[SUPERVISORS_MAX];    /* of each, without tags */
    size_t count;
    struct ids workers;
    struct ids tags;
    unsigned added;
};

static void grow_tree(struct tree *t, const char *id, size_t above, unsigned depth);

static const struct sup_member *member_at(const struct tree *t, size_t supervisor)
{
    return &t->o->g->made.members[t->supervisors[supervisor]];
}

static struct sup_member draw_nested(struct otp *o, const char *id, size_t above, bool root)
{
    static const uint64_t of_root[] = {2, 4, 8};
    static const uint64_t intensities[] = {0, 1, 2, 3, 6};
    static const unsigned weights[] = {10, 30, 30, 20, 10};
    static const unsigned restarts[] = {55, 30, 15};
    struct sup_member member = supervisor_of(o, id);
    member.intensity = root ? of_root[draw(o, MM1_COUNT_OF(of_root))]
                            : intensities[weighted(o, weights, MM1_COUNT_OF(weights))];
    if (percent(o, 20)) {
        member.auto_shutdown = (enum sup_auto)(1 + draw(o, 2));
    }
    if (root) {
        return member;
    }
    if (percent(o, 12)) {
        member.strategy = SUP_SIMPLE;
        member.auto_shutdown = SUP_AUTO_NEVER;
    }
    bool wanted = percent(o, 60);
    member.parent = above;
    member.restart = (enum sup_restart)weighted(o, restarts, MM1_COUNT_OF(restarts));
    member.significant = wanted && member.restart != SUP_PERMANENT &&
                         o->g->made.members[above].auto_shutdown != SUP_AUTO_NEVER;
    member.shutdown = SUP_SHUTDOWN_INFINITY;
    member.type_supervisor = true;
    return member;
}

static void grow_child(struct tree *t, size_t supervisor, const char *id, unsigned depth)
{
    struct otp *o = t->o;
    put(&t->kids[supervisor], id);
    if (depth < 2 && percent(o, depth == 0 ? 45 : 30)) {
        grow_tree(t, id, t->supervisors[supervisor], depth + 1);
        return;
    }
    bool ends = member_at(t, supervisor)->auto_shutdown != SUP_AUTO_NEVER;
    struct sup_member child = draw_worker(o, false, ends);
    child.id = id;
    child.parent = t->supervisors[supervisor];
    put(&t->workers, id);
    (void)sup_gen_member(o->g, &child);
}

static void grow_tree(struct tree *t, const char *id, size_t above, unsigned depth)
{
    struct otp *o = t->o;
    bool root = depth == 0;
    struct sup_member member = draw_nested(o, id, above, root);
    size_t index = sup_gen_member(o->g, &member);
    size_t place = t->count++;
    t->supervisors[place] = index;
    if (member.strategy == SUP_SIMPLE) {
        struct sup_member model = draw_worker(o, false, false);
        model.id = sup_gen_text(o->g, "tmpl_%s", id);
        model.parent = index;
        (void)sup_gen_member(o->g, &model);
        return;
    }
    uint64_t count = root ? 2 + draw(o, 3) : 1 + draw(o, 4);
    for (unsigned i = 0; i < count; i++) {
        const char *kid = root ? sup_gen_text(o->g, "%c", (int)('a' + i))
                               : sup_gen_text(o->g, "%s_%c", id, (int)('a' + i));
        grow_child(t, place, kid, depth);
    }
}

static bool is_supervisor(const struct tree *t, const char *id)
{
    const struct sup_member *member = sup_case_member(&t->o->g->made, id);
    return member != NULL && member->is_supervisor;
}

/* Somebody with a start to fail, or a call to one supervisor, or several exits below one. */
static void tree_plan(struct tree *t)
{
    static const uint64_t counts[] = {1, 2, 3};
    static const unsigned weights[] = {60, 25, 15};
    static const enum sup_exit reasons[] = {SUP_EXIT_CRASH, SUP_EXIT_KILL, SUP_EXIT_CRASH,
                                            SUP_EXIT_SELFKILL};
    struct otp *o = t->o;
    size_t at = draw(o, t->workers.count + t->count - 1);
    const char *id =
        at < t->workers.count ? t->workers.items[at] : member_at(t, at - t->workers.count + 1)->id;
    struct sup_event plan = {.kind = SUP_EV_FAIL, .id = id};
    plan.count = counts[weighted(o, weights, MM1_COUNT_OF(weights))];
    plan.ignore = !percent(o, 85);
    add(o, plan);
    enum sup_exit exit = reasons[draw(o, MM1_COUNT_OF(reasons))];
    if (percent(o, 80)) {
        add(o, exit_with(id, is_supervisor(t, id) ? SUP_EXIT_KILL : exit));
    }
}

static void tree_uniform(struct tree *t, const char *supervisor)
{
    struct otp *o = t->o;
    struct sup_event event = {.id = supervisor};
    if (t->tags.count != 0 && percent(o, 30)) {
        event.kind = SUP_EV_TERMINATE_CHILD;
        event.child = draw_id(o, &t->tags);
    } else {
        event.kind = SUP_EV_START_CHILD;
        event.child = sup_gen_text(o->g, "y%u", ++t->added);
        put(&t->tags, event.child);
    }
    add(o, event);
}

static void tree_call(struct tree *t, size_t supervisor)
{
    static const enum sup_event_kind kinds[] = {
        SUP_EV_TERMINATE_CHILD, SUP_EV_RESTART_CHILD, SUP_EV_DELETE_CHILD, SUP_EV_TERMINATE_CHILD,
        SUP_EV_RESTART_CHILD,   SUP_EV_WHICH,         SUP_EV_COUNT};
    struct otp *o = t->o;
    struct sup_event event = {.kind = kinds[draw(o, MM1_COUNT_OF(kinds))],
                              .id = member_at(t, supervisor)->id};
    if (event.kind != SUP_EV_WHICH && event.kind != SUP_EV_COUNT) {
        event.child = t->kids[supervisor].count == 0 ? "nosuch" : draw_id(o, &t->kids[supervisor]);
    }
    add(o, event);
}

static void tree_batch(struct tree *t, size_t supervisor)
{
    struct otp *o = t->o;
    const struct ids *kids = &t->kids[supervisor];
    sup_gen_batch(o->g, true);
    for (uint64_t count = 2 + draw(o, 2); count > 0; count--) {
        if (kids->count != 0 && percent(o, 70)) {
            const char *kid = draw_id(o, kids);
            struct sup_event exit = draw_exit(o, kid);
            add(o, is_supervisor(t, kid) ? exit_with(kid, SUP_EXIT_KILL) : exit);
        } else {
            add(o, (struct sup_event){.kind = SUP_EV_WHICH, .id = member_at(t, supervisor)->id});
        }
    }
    sup_gen_batch(o->g, false);
}

static void tree_start(struct tree *t, size_t supervisor)
{
    struct otp *o = t->o;
    const char *above = member_at(t, supervisor)->id;
    const char *id = sup_gen_text(o->g, "%s_n%u", above, ++t->added);
    put(&t->kids[supervisor], id);
    put(&t->workers, id);
    add(o, start_of(o, above, id, false, false, false));
}

static void tree_step(struct tree *t)
{
    static const enum sup_exit strange[] = {SUP_EXIT_CRASH, SUP_EXIT_SHUTDOWN, SUP_EXIT_NORMAL};
    struct otp *o = t->o;
    uint64_t at = draw(o, 100);
    size_t supervisor = draw(o, t->count);
    size_t others = t->count - 1;
    size_t exits = t->workers.count + t->tags.count;
    if (at < 50 && exits != 0) {
        size_t nth = draw(o, exits);
        add(o, draw_exit(o, nth < t->workers.count ? t->workers.items[nth]
                                                   : t->tags.items[nth - t->workers.count]));
    } else if (at < 58 && others != 0) {
        const char *id = member_at(t, 1 + draw(o, others))->id;
        enum sup_exit exit = strange[draw(o, MM1_COUNT_OF(strange))];
        add(o, exit_with(id, percent(o, 70) ? SUP_EXIT_KILL : exit));
    } else if (at < 70 && t->workers.count + others != 0) {
        tree_plan(t);
    } else if (member_at(t, supervisor)->strategy == SUP_SIMPLE) {
        tree_uniform(t, member_at(t, supervisor)->id);
    } else if (at < 85) {
        tree_call(t, supervisor);
    } else if (at < 92) {
        tree_batch(t, supervisor);
    } else {
        tree_start(t, supervisor);
    }
}

static void tree(struct otp *o)
{
    struct tree t = {.o = o};
    grow_tree(&t, "root", 0, 0);
    for (uint64_t steps = 3 + draw(o, 8); steps > 0 && !o->g->failed; steps--) {
        tree_step(&t);
    }
}

/* --- a case --------------------------------------------------------------------------------------------------- */

void sup_gen_otp(struct sup_gen *g)
{
    static const unsigned weights[PROFILES] = {18, 18, 20, 12, 7, 11, 14};
    struct otp o = {.g = g};
    switch ((enum profile)sup_draw_weighted(g, SUP_ABOUT_SHAPE, weights, PROFILES)) {
    case FLAT:
        flat(&o, false, SUP_AUTO_NEVER);
        return;
    case FAILING:
        o.plans = true;
        flat(&o, false, SUP_AUTO_NEVER);
        return;
    case BATCHED:
        o.plans = percent(&o, 85);
        flat(&o, true, SUP_AUTO_NEVER);
        return;
    case ENDING: {
        bool batch = percent(&o, 30);
        o.plans = percent(&o, 40);
        flat(&o, batch, (enum sup_auto)(1 + draw(&o, 2)));
        return;
    }
    case STARTING:
        starting(&o);
        return;
    case UNIFORM:
        uniform(&o);
        return;
    default:
        tree(&o);
        return;
    }
}

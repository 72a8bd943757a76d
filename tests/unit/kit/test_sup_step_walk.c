/* Supervisors' decisions under whatever comes in whatever order, and on many children. What each walk must keep is
 * checked by sup_script.h; here is added what holds at rest. */
#include "base/prng.h"
#include "sup_script.h"

static struct script s;

/* The stream of a walk: its key, and how many were drawn. */
static uint64_t seed;
static uint64_t drawn;

static uint64_t draw(uint64_t below)
{
    return mm1_prng_below(mm1_prng_word(seed, 0, drawn++, 0), below);
}

static bool one_in(uint64_t n)
{
    return draw(n) == 0;
}

/* What a walk must have seen, or it shows nothing. */
static struct {
    unsigned quits, failed_starts, kills, resends, groups, limits;
} seen;

/* Retries on their way, by name: a child may be forgotten meanwhile. */
static char retries[64][8];
static size_t retry_count;

static const char *attributes(void)
{
    static const char *const restarts[] = {"permanent", "transient", "temporary"};
    static const char *const stops[] = {"brutal", "infinity", "stop=0", "stop=5"};
    static const char *const starts[] = {"", "/ack", "/ack=5"};
    static char text[48];
    snprintf(text, sizeof(text), "%s/%s%s%s", restarts[draw(3)], stops[draw(4)], starts[draw(3)],
             one_in(3) ? "/sig" : "");
    return text;
}

static void open_drawn(void)
{
    static const enum mm1__sup_strategy strategies[] = {MM1__SUP_ONE_FOR_ONE, MM1__SUP_ALL_FOR_ONE,
                                                        MM1__SUP_REST_FOR_ONE, MM1__SUP_UNIFORM};
    static const uint32_t limits[] = {0, 1, 3, MM1_RESTARTS_UNLIMITED};
    char children[256] = "";
    enum mm1__sup_strategy strategy = strategies[draw(4)];
    for (unsigned i = 0, count = (unsigned)draw(5); strategy != MM1__SUP_UNIFORM && i < count;
         i++) {
        size_t at = strlen(children);
        snprintf(children + at, sizeof(children) - at, " %c/%s", 'a' + (char)i, attributes());
    }
    script_open(&s, strategy, limits[draw(4)], one_in(2) ? UINT64_MAX : draw(4), children);
    s.sup.auto_shutdown = one_in(4)   ? MM1__SUP_AUTO_ANY
                          : one_in(3) ? MM1__SUP_AUTO_ALL
                                      : MM1__SUP_AUTO_NEVER;
    s.now = one_in(2) ? 0 : UINT64_MAX - 1000;
    retry_count = 0;
}

static void give(enum mm1__sup_event_kind kind, struct script_child *child)
{
    static const char *const reasons[] = {"normal", "shutdown", "shutdown:x", "crash", "killed"};
    struct mm1__sup_event event = {.kind = kind,
                                   .child = child != NULL ? &child->child : NULL,
                                   .reason = script_reason_of(reasons[draw(5)])};
    s.out[0] = '\0';
    script_give(&s, &event);
    seen.quits += strstr(s.out, "quit") != NULL;
    seen.failed_starts += strstr(s.out, "failed ") != NULL;
    seen.kills += strstr(s.out, "kill") != NULL && kind == MM1__SUP_TIMEOUT;
    seen.groups += kind == MM1__SUP_ENDED && strstr(s.out, "exit") != NULL && !s.quit;
    seen.limits += strstr(s.out, "quit shutdown") != NULL;
    const char *resend = strstr(s.out, "resend ");
    if (resend != NULL) {
        seen.resends++;
        cr_assert_lt(retry_count, MM1_COUNT_OF(retries));
        snprintf(retries[retry_count++], sizeof(retries[0]), "%s", resend + 7);
    }
}

static struct script_child *drawn_child(void)
{
    struct script_child *child = s.children[draw(SCRIPT_CHILDREN)];
    return child != NULL && child->child.link.next != &child->child.link ? child : NULL;
}

/* A process ends by itself, or what is told to end does. Returns false where there is none. */
static bool some_end(bool busy)
{
    struct script_child *child = drawn_child();
    if (child == NULL || child->child.life != MM1__SUP_ALIVE || child == s.starting) {
        return false;
    }
    if (child->child.signaled) {
        give(MM1__SUP_GONE, child);
    } else if (busy || one_in(3)) {
        if (!child->child.gone) {
            child->process = false;
            mm1__sup_note_gone(&child->child);
        }
    } else {
        give(MM1__SUP_ENDED, child);
    }
    return true;
}

static void busy_event(void)
{
    if (s.starting != NULL && s.abandoned && one_in(2)) {
        give(MM1__SUP_GONE, s.starting);
    } else if (s.armed && one_in(3)) {
        give(MM1__SUP_TIMEOUT, NULL);
    } else if (s.starting != NULL) {
        give(one_in(4)   ? MM1__SUP_START_FAILED
             : one_in(4) ? MM1__SUP_IGNORED
                         : MM1__SUP_STARTED,
             NULL);
    } else {
        some_end(true);
    }
}

static void call(void)
{
    bool uniform = s.sup.strategy == MM1__SUP_UNIFORM;
    struct script_child *child = drawn_child();
    if (one_in(2)) {
        char name[2] = {(char)('a' + (char)draw(SCRIPT_CHILDREN - 1)), '\0'};
        if (script_find(&s, name) == NULL) {
            char text[64];
            snprintf(text, sizeof(text), "%s/%s", name,
                     uniform ? "stop=5/transient" : attributes());
            give(MM1__SUP_CALL_START, script_new(&s, text));
        }
    } else if (one_in(2) || uniform) {
        give(MM1__SUP_CALL_TERMINATE, child);
    } else {
        give(one_in(2) ? MM1__SUP_CALL_RESTART : MM1__SUP_CALL_DELETE, child);
    }
}

static void idle_event(void)
{
    s.now += draw(3);
    if (retry_count > 0 && one_in(2)) {
        size_t at = draw(retry_count);
        struct script_child *child = script_find(&s, retries[at]);
        memcpy(retries[at], retries[--retry_count], sizeof(retries[0]));
        give(MM1__SUP_RETRY, child);
    } else if (one_in(3)) {
        call();
    } else if (one_in(40)) {
        give(one_in(4) ? MM1__SUP_FAIL : MM1__SUP_PARENT, NULL);
    } else {
        some_end(false);
    }
}

static void check_rest(void)
{
    cr_assert_leq(s.sup.restarts.count, (size_t)s.sup.max_restarts);
    for (size_t i = 0; i < SCRIPT_CHILDREN; i++) {
        if (s.children[i] == NULL) {
            continue;
        }
        const struct mm1__sup_child *child = &s.children[i]->child;
        cr_assert_neq(child->life, MM1__SUP_BEGINNING);
        cr_assert(!child->signaled);
        cr_assert_eq(s.children[i]->process, child->life == MM1__SUP_ALIVE && !child->gone);
        cr_assert(child->restart != MM1__SUP_TEMPORARY || child->life == MM1__SUP_ALIVE);
        cr_assert(s.sup.strategy != MM1__SUP_UNIFORM || child->life != MM1__SUP_ABSENT);
        bool retry = false;
        for (size_t at = 0; at < retry_count; at++) {
            retry |= strcmp(retries[at], s.children[i]->name) == 0;
        }
        cr_assert(child->life != MM1__SUP_TO_RESTART || retry, "nothing restarts it");
    }
}

Test(sup_step_walk, whatever_comes_in_whatever_order)
{
    for (seed = 0; seed < 20000; seed++) {
        drawn = 0;
        open_drawn();
        give(MM1__SUP_BEGIN, NULL);
        for (unsigned i = 0; i < 120 && !s.quit; i++) {
            if (mm1__sup_busy(&s.sup)) {
                busy_event();
            } else {
                check_rest();
                idle_event();
            }
        }
        /* From anywhere it comes to an end when it is told to. */
        while (!s.quit && mm1__sup_busy(&s.sup)) {
            busy_event();
        }
        if (!s.quit) {
            give(MM1__SUP_PARENT, NULL);
        }
        for (unsigned i = 0; !s.quit; i++) {
            cr_assert_lt(i, 10000U, "seed %llu does not end", (unsigned long long)seed);
            busy_event();
        }
        script_close(&s);
    }
    cr_assert_gt(seen.quits, 10000U);
    cr_assert_gt(seen.failed_starts, 1000U);
    cr_assert_gt(seen.kills, 1000U);
    cr_assert_gt(seen.resends, 1000U);
    cr_assert_gt(seen.groups, 1000U);
    cr_assert_gt(seen.limits, 1000U);
}

/* --- many ----------------------------------------------------------------------------------------------------- */

#define MANY 100000

static struct mm1__sup_child many[MANY];
static struct mm1__sup sup;

/* Gives an event and whatever answers its actions; returns how many actions there were. */
static size_t run(enum mm1__sup_event_kind kind, struct mm1__sup_child *child)
{
    struct mm1__sup_event event = {.kind = kind, .child = child, .reason = MM1_SHUTDOWN};
    size_t count = 0;
    for (bool more = true; more;) {
        more = false;
        struct mm1__sup_event next = {.kind = MM1__SUP_STARTED};
        struct mm1__sup_action action = mm1__sup_step(&sup, &event, 0);
        for (; action.kind != MM1__SUP_NONE; action = mm1__sup_step(&sup, NULL, 0)) {
            count++;
            if (action.kind == MM1__SUP_START) {
                more = true;
            } else if (action.kind == MM1__SUP_EXIT) {
                more = true;
                next = (struct mm1__sup_event){.kind = MM1__SUP_GONE, .child = action.child};
            }
        }
        event = next;
    }
    return count;
}

static void open_many(enum mm1__sup_strategy strategy)
{
    memset(many, 0, sizeof(many));
    sup = (struct mm1__sup){.strategy = strategy, .max_restarts = MM1_RESTARTS_UNLIMITED};
    mm1_list_init(&sup.children);
    for (size_t i = 0; i < MANY; i++) {
        many[i].stop = MM1__SUP_STOP_INFINITY;
        mm1_list_init(&many[i].link);
        if (strategy != MM1__SUP_UNIFORM) {
            mm1_list_push_back(&sup.children, &many[i].link);
        }
    }
}

/* Were a decision to look at all children, this would take minutes. */
Test(sup_step_walk, each_decision_takes_the_same_time_on_many_children)
{
    open_many(MM1__SUP_ONE_FOR_ONE);
    cr_assert_eq(run(MM1__SUP_BEGIN, NULL), (size_t)MANY + 1);
    for (size_t i = 0; i < MANY; i++) {
        cr_assert_eq(run(MM1__SUP_ENDED, &many[i]), (size_t)1);
        cr_assert_eq(run(MM1__SUP_CALL_TERMINATE, &many[i]), (size_t)2);
        cr_assert_eq(run(MM1__SUP_CALL_RESTART, &many[i]), (size_t)2);
    }
    cr_assert_eq(run(MM1__SUP_PARENT, NULL), (size_t)MANY + 1);

    open_many(MM1__SUP_ALL_FOR_ONE);
    cr_assert_eq(run(MM1__SUP_BEGIN, NULL), (size_t)MANY + 1);
    cr_assert_eq(run(MM1__SUP_ENDED, &many[MANY / 2]), (size_t)2 * MANY - 1);

    open_many(MM1__SUP_UNIFORM);
    cr_assert_eq(run(MM1__SUP_BEGIN, NULL), (size_t)1);
    for (size_t i = 0; i < MANY; i++) {
        cr_assert_eq(run(MM1__SUP_CALL_START, &many[i]), (size_t)2);
        cr_assert_eq(run(MM1__SUP_ENDED, &many[i]), (size_t)1);
    }
    for (size_t i = 0; i < MANY; i++) {
        cr_assert_eq(run(MM1__SUP_CALL_TERMINATE, &many[i]), (size_t)3);
    }
    cr_assert(mm1_list_empty(&sup.children));
}

/* The shrinker: tries what is smaller, keeps what still fails, until nothing helps. */
#include <string.h>

#include <mm1/clock.h>

#include "fuzz/sup_gen.h"
#include "fuzz/sup_shrink.h"
#include "fuzz/sup_shrink_edit.h"

#define RUNS_MAX 4000u
#define SEEDS 20u
/* In the first rounds, where most of the case goes, a candidate is not worth many runs. */
#define FEW_SEEDS 3u

struct shrinker {
    struct mm1__arena *arena;
    const struct sup_shrink_options *options;
    struct sup_draft best;
    struct sup_draft draft; /* the next candidate */
    struct sup_world world;
    unsigned runs;
    unsigned runs_max;
    unsigned seeds;
    bool last_round;
    bool progress; /* in this round */
};

/* --- one candidate -------------------------------------------------------------------------------------------- */

static struct sup_case *begin(struct shrinker *s)
{
    sup_draft_copy(&s->draft, &s->best.at);
    return &s->draft.at;
}

static void say_all(struct sup_draft *draft)
{
    for (size_t i = 0; i < draft->at.member_count; i++) {
        sup_member_say(&draft->at.members[i], i == 0);
    }
    for (size_t i = 0; i < draft->at.event_count; i++) {
        struct sup_event *event = &draft->at.events[i];
        if (event->member != NULL) {
            struct sup_member spec = *event->member;
            sup_member_say(&spec, false);
            draft->specs[i] = spec;
            event->member = &draft->specs[i];
        }
    }
}

static bool fails(struct shrinker *s, const struct sup_world *world)
{
    if (s->runs >= s->runs_max) {
        return false;
    }
    s->runs++;
    return s->options->fails(s->options->arg, &s->draft.at, world);
}

/* Keeps the draft if it fails in this world or under another seed. */
static bool keep_in(struct shrinker *s, const struct sup_world *world)
{
    say_all(&s->draft);
    for (unsigned i = 0; i <= s->seeds; i++) {
        struct sup_world other = *world;
        other.seed = i == 0 ? world->seed : i;
        if ((i == 0 || i != world->seed) && fails(s, &other)) {
            struct sup_draft smaller = s->draft;
            s->draft = s->best;
            s->best = smaller;
            s->world = other;
            s->progress = true;
            return true;
        }
    }
    return false;
}

static bool keep(struct shrinker *s)
{
    return keep_in(s, &s->world);
}

/* --- what is cut ---------------------------------------------------------------------------------------------- */

static void cut_steps(struct shrinker *s)
{
    for (size_t size = (s->best.at.step_count + 1) / 2; size > 0; size /= 2) {
        /* From the end: what comes last hangs on what was before it. */
        for (size_t end = s->best.at.step_count; end > 0;) {
            size_t first = end > size ? end - size : 0;
            (void)begin(s);
            if (sup_draft_drop_steps(&s->draft, first, end - first)) {
                (void)keep(s);
            }
            end = first < s->best.at.step_count ? first : s->best.at.step_count;
        }
    }
}

typedef bool edit(struct sup_draft *draft, size_t index);

/* An edit at each index, from the highest. */
static void cut_each(struct shrinker *s, edit *change, size_t count)
{
    for (size_t i = count; i-- > 0;) {
        (void)begin(s);
        if (change(&s->draft, i)) {
            (void)keep(s);
        }
    }
}

static void cut_members(struct shrinker *s)
{
    /* Whole subtrees first: those that hold the most stand in front. */
    for (size_t i = 1; i < s->best.at.member_count;) {
        (void)begin(s);
        if (!sup_draft_drop_member(&s->draft, i) || !keep(s)) {
            i++;
        }
    }
    cut_each(s, sup_draft_promote, s->best.at.member_count);
    cut_each(s, sup_draft_dissolve, s->best.at.member_count);
    cut_each(s, sup_draft_demote, s->best.at.member_count);
}

static void cut_batches(struct shrinker *s)
{
    cut_each(s, sup_draft_drop_event, s->best.at.event_count);
    cut_each(s, sup_draft_drop_before, s->best.at.pre_count);
    for (size_t i = 0; i < s->best.at.step_count; i++) {
        (void)begin(s);
        if (sup_draft_split(&s->draft, i)) {
            (void)keep(s);
        }
    }
}

/* --- what gets plainer ---------------------------------------------------------------------------------------- */

/* The member of the draft with that number: first those of the tree, then those of the events. Null: none there. */
static struct sup_member *member_of_draft(struct shrinker *s, size_t i)
{
    struct sup_case *at = &s->draft.at;
    if (i < at->member_count) {
        return &at->members[i];
    }
    i -= at->member_count;
    return i < at->event_count && at->events[i].member != NULL ? &s->draft.specs[i] : NULL;
}

static void plainer_members(struct shrinker *s)
{
    for (size_t i = 0; i < s->best.at.member_count + s->best.at.event_count; i++) {
        for (unsigned what = 0; what < SUP_PLAINER_MEMBER; what++) {
            (void)begin(s);
            struct sup_member *member = member_of_draft(s, i);
            if (member != NULL && sup_member_plainer(member, what, i == 0)) {
                (void)keep(s);
            }
        }
    }
}

static void plainer_events(struct shrinker *s)
{
    for (size_t i = 0; i < s->best.at.event_count + s->best.at.pre_count; i++) {
        for (unsigned what = 0; what < SUP_PLAINER_EVENT; what++) {
            struct sup_case *at = begin(s);
            struct sup_event *event =
                i < at->event_count ? &at->events[i] : &at->pre[i - at->event_count];
            if (sup_event_plainer(event, what)) {
                (void)keep(s);
            }
        }
    }
}

/* Finds the number of the draft that is to get smaller. */
typedef uint64_t *number_of(struct shrinker *s, size_t index);

static uint64_t *intensity_of(struct shrinker *s, size_t i)
{
    struct sup_member *member = &s->draft.at.members[i];
    return member->is_supervisor ? &member->intensity : NULL;
}

static uint64_t *wait_of(struct shrinker *s, size_t i)
{
    struct sup_event *event = &s->draft.at.events[i];
    bool takes = event->kind == SUP_EV_WAIT || event->kind == SUP_EV_SLOW;
    return takes ? &event->ns : NULL;
}

/* Whether it still fails with that number, which is then its number. */
static bool keep_number(struct shrinker *s, number_of *number, size_t index, uint64_t value)
{
    (void)begin(s);
    *number(s, index) = value;
    return keep(s);
}

/* Toward 0: a round number if one will do, else, at the end, the smallest that does, as far as halves find it. */
static void smaller_number(struct shrinker *s, number_of *number, size_t index)
{
    static const uint64_t round[] = {
        0, 1, 1000, MM1_NS_PER_MS, 100 * MM1_NS_PER_MS, MM1_NS_PER_SEC};
    (void)begin(s);
    if (number(s, index) == NULL) {
        return;
    }
    uint64_t high = *number(s, index);
    uint64_t low = 0; /* it passes with this */
    for (size_t i = 0; i < MM1_COUNT_OF(round) && round[i] < high; i++) {
        if (keep_number(s, number, index, round[i])) {
            high = round[i];
            break;
        }
        low = round[i];
    }
    while (s->last_round && high - low > 1 && s->runs < s->runs_max) {
        uint64_t middle = low + (high - low) / 2;
        bool less = keep_number(s, number, index, middle);
        high = less ? middle : high;
        low = less ? low : middle;
    }
}

static void smaller_numbers(struct shrinker *s)
{
    for (size_t i = 0; i < s->best.at.member_count; i++) {
        smaller_number(s, intensity_of, i);
    }
    for (size_t i = 0; i < s->best.at.event_count; i++) {
        smaller_number(s, wait_of, i);
    }
}

static void plainer_world(struct shrinker *s)
{
    for (unsigned i = 0; i < 4; i++) {
        struct sup_world world = s->world;
        world.effects = i == 0 ? false : world.effects;
        world.pairwise = i == 1 ? false : world.pairwise;
        world.exact = i == 2 ? true : world.exact;
        world.start_ns = i == 3 ? 0 : world.start_ns;
        bool same = world.effects == s->world.effects && world.pairwise == s->world.pairwise &&
                    world.exact == s->world.exact && world.start_ns == s->world.start_ns;
        if (!same) {
            (void)begin(s);
            (void)keep_in(s, &world);
        }
    }
}

static void plainer_names(struct shrinker *s)
{
    (void)begin(s);
    if (sup_draft_rename(s->arena, &s->draft) == MM1_OK) {
        (void)keep(s);
    }
}

/* --- all of it ------------------------------------------------------------------------------------------------ */

static void shrink(struct shrinker *s)
{
    static const unsigned rounds = 2;
    unsigned seeds = s->options->seeds == 0 ? SEEDS : s->options->seeds;
    for (unsigned i = 0; i < rounds; i++) {
        s->last_round = i + 1 == rounds;
        s->seeds = !s->last_round && seeds > FEW_SEEDS ? FEW_SEEDS : seeds;
        do {
            s->progress = false;
            cut_steps(s);
            cut_members(s);
            cut_batches(s);
            plainer_members(s);
            plainer_events(s);
            smaller_numbers(s);
            plainer_world(s);
        } while (s->progress && s->runs < s->runs_max);
    }
    /* It may be what the budget is left for. */
    s->runs_max += seeds + 1;
    plainer_names(s);
}

unsigned sup_shrink(struct mm1__arena *arena, struct sup_case *the_case, struct sup_world *world,
                    const struct sup_shrink_options *options)
{
    struct shrinker s = {.arena = arena,
                         .options = options,
                         .world = *world,
                         .runs_max = options->runs_max == 0 ? RUNS_MAX : options->runs_max};
    if (sup_draft_open(arena, the_case, &s.best) != MM1_OK ||
        sup_draft_open(arena, the_case, &s.draft) != MM1_OK) {
        return 0;
    }
    shrink(&s);
    *the_case = s.best.at;
    *world = s.world;
    return s.runs;
}

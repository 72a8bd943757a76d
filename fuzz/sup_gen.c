/* The generator: draws, and the case that grows. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/prng.h"
#include "fuzz/sup_gen_draw.h"

/* Keeps these draws apart from those of the run that has the same seed. */
#define KEY (UINT64_C(0x7375706572766900) + SUP_GEN_VERSION)

/* --- draws ---------------------------------------------------------------------------------------------------- */

uint64_t sup_draw(struct sup_gen *g, enum sup_subject about, uint64_t n)
{
    return mm1_prng_below(mm1_prng_word(g->seed, KEY, about, g->drawn[about]++), n);
}

bool sup_draw_chance(struct sup_gen *g, enum sup_subject about, uint64_t num, uint64_t den)
{
    return sup_draw(g, about, den) < num;
}

size_t sup_draw_weighted(struct sup_gen *g, enum sup_subject about, const unsigned *weights,
                         size_t count)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += weights[i];
    }
    MM1_CHECK(sum != 0);
    uint64_t at = sup_draw(g, about, sum);
    size_t i = 0;
    while (at >= weights[i]) {
        at -= weights[i++];
    }
    return i;
}

/* --- what grows ----------------------------------------------------------------------------------------------- */

/* Room for one more item; null when there is no memory. */
static void *grow(struct sup_gen *g, void *items, size_t count, size_t *room, size_t size)
{
    if (count < *room) {
        return items;
    }
    size_t more = *room == 0 ? 32 : *room * 2;
    void *larger = mm1__arena_array(g->arena, more, size);
    if (larger == NULL) {
        g->failed = true;
        return NULL;
    }
    if (count != 0) {
        memcpy(larger, items, count * size);
    }
    *room = more;
    return larger;
}

const char *sup_gen_text(struct sup_gen *g, const char *format, ...)
{
    char text[64];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    const char *copy = mm1__arena_text(g->arena, mm1_text_of(text));
    if (copy == NULL) {
        g->failed = true;
    }
    return copy == NULL ? "" : copy;
}

size_t sup_gen_member(struct sup_gen *g, const struct sup_member *member)
{
    struct sup_member *items =
        grow(g, g->made.members, g->made.member_count, &g->member_room, sizeof(struct sup_member));
    if (items == NULL) {
        return 0;
    }
    g->made.members = items;
    items[g->made.member_count] = *member;
    return g->made.member_count++;
}

static void add_step(struct sup_gen *g, bool batch)
{
    struct sup_step *items =
        grow(g, g->made.steps, g->made.step_count, &g->step_room, sizeof(struct sup_step));
    if (items != NULL) {
        g->made.steps = items;
        items[g->made.step_count++] =
            (struct sup_step){.batch = batch, .first = g->made.event_count};
    }
}

void sup_gen_event(struct sup_gen *g, struct sup_event event)
{
    struct sup_event *items =
        grow(g, g->made.events, g->made.event_count, &g->event_room, sizeof(struct sup_event));
    if (!g->in_batch) {
        add_step(g, false);
    }
    if (items != NULL && !g->failed) {
        g->made.events = items;
        items[g->made.event_count++] = event;
        g->made.steps[g->made.step_count - 1].count++;
    }
}

void sup_gen_before(struct sup_gen *g, struct sup_event event)
{
    struct sup_event *items =
        grow(g, g->made.pre, g->made.pre_count, &g->pre_room, sizeof(struct sup_event));
    if (items != NULL) {
        g->made.pre = items;
        items[g->made.pre_count++] = event;
    }
}

void sup_gen_batch(struct sup_gen *g, bool begins)
{
    g->in_batch = begins;
    if (begins) {
        add_step(g, true);
    } else if (!g->failed && g->made.steps[g->made.step_count - 1].count == 0) {
        g->made.step_count--;
    }
}

const struct sup_member *sup_gen_spec(struct sup_gen *g, struct sup_member member)
{
    static const struct sup_member none = {.id = ""};
    struct sup_member *copy = mm1__arena_array(g->arena, 1, sizeof(*copy));
    if (copy == NULL) {
        g->failed = true;
        return &none;
    }
    sup_member_say(&member, false);
    *copy = member;
    return copy;
}

/* --- what members say ----------------------------------------------------------------------------------------- */

#define BIT(key) (1u << SUP_KEY_##key)

void sup_member_say(struct sup_member *member, bool root)
{
    unsigned said = 0;
    if (member->is_supervisor) {
        said |= BIT(STRATEGY) | BIT(INTENSITY) | BIT(PERIOD);
        said |= member->auto_shutdown != SUP_AUTO_NEVER ? BIT(AUTO) : 0;
    } else {
        said |= member->term != SUP_TERM_DIE ? BIT(TERM) : 0;
    }
    if (!root) {
        bool usual = member->shutdown == SUP_SHUTDOWN_MS && member->shutdown_ms == 5000;
        said |= member->restart != SUP_PERMANENT ? BIT(RESTART) : 0;
        said |= member->significant ? BIT(SIGNIFICANT) : 0;
        said |= usual ? 0 : BIT(SHUTDOWN);
        said |= member->type_supervisor ? BIT(TYPE) : 0;
        said |= member->unacked ? BIT(ACK) : 0;
        said |= member->announced ? BIT(ANNOUNCE) : 0;
    }
    member->said = said;
    member->order = 0;
}

/* --- a case --------------------------------------------------------------------------------------------------- */

mm1_status sup_generate(struct mm1__arena *arena, uint64_t seed,
                        const struct sup_gen_options *options, struct sup_case *out)
{
    static const struct sup_gen_options usual = {0};
    struct sup_gen g = {.arena = arena, .seed = seed};
    options = options == NULL ? &usual : options;
    g.made.name =
        sup_gen_text(&g, "%s_%llu", options->otp ? "otp" : "seed", (unsigned long long)seed);
    if (options->otp) {
        sup_gen_otp(&g);
    } else {
        sup_gen_free(&g, options);
    }
    for (size_t i = 0; i < g.made.member_count; i++) {
        sup_member_say(&g.made.members[i], i == 0);
    }
    *out = g.made;
    return g.failed ? MM1_NOMEM : MM1_OK;
}

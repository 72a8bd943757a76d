/* The one verb for every choice. */
#include <stdio.h>

#include "base/prng.h"
#include "sim/world.h"

const char *sim_site_text(enum sim_site site)
{
    static const char *const texts[] = {
#define SITE_TEXT(code, text) text,
        SIM_SITE_MAP(SITE_TEXT)
#undef SITE_TEXT
    };
    return (size_t)site < MM1_COUNT_OF(texts) ? texts[site] : "unknown";
}

static uint64_t pick_by_seed(const struct sim_world *world, const struct sim_decision *question)
{
    uint64_t word =
        mm1_prng_word(world->spec->seed, question->site, question->entity, question->nth);
    return mm1_prng_below(word, question->n);
}

static void describe(struct sim_world *world, const struct sim_menu *menu, uint64_t pick,
                     struct sim_key *key)
{
    key->hash = 0;
    key->text[0] = '\0';
    if (menu != NULL) {
        menu->describe(world, pick, key);
    }
}

static void diverge(struct sim_world *world, const struct sim_decision *expected,
                    const struct sim_decision *offered, const struct sim_menu *menu)
{
    struct sim_key key;
    char offers[SIM_TEXT_MAX / 2] = "";
    size_t used = 0;
    for (uint64_t i = 0; menu != NULL && i < offered->n && used + 1 < sizeof(offers); i++) {
        describe(world, menu, i, &key);
        int size =
            snprintf(offers + used, sizeof(offers) - used, "%s%s", i == 0 ? "" : ", ", key.text);
        used += size < 0 ? 0 : (size_t)size;
    }
    sim_world_fail(world, SIM_DIVERGED, "diverged", "",
                   "decision %llu: recorded %s of %llu%s%s; the program asks for %s of %llu%s%s",
                   (unsigned long long)offered->step, sim_site_text(expected->site),
                   (unsigned long long)expected->n, expected->key_text[0] == '\0' ? "" : ": ",
                   expected->key_text, sim_site_text(offered->site), (unsigned long long)offered->n,
                   offers[0] == '\0' ? "" : ": ", offers);
}

/* What the record picked, under the name it had: the index may have moved. */
static uint64_t pick_by_record(struct sim_world *world, const struct sim_decision *question,
                               const struct sim_menu *menu)
{
    const struct sim_decisions *decisions = world->spec->decisions;
    if (world->result->verdict == SIM_DIVERGED || world->next_decision >= decisions->count) {
        return pick_by_seed(world, question);
    }
    const struct sim_decision *recorded = &decisions->items[world->next_decision++];
    if (recorded->site != question->site || recorded->entity != question->entity ||
        recorded->nth != question->nth) {
        diverge(world, recorded, question, menu);
        return pick_by_seed(world, question);
    }
    bool fits = question->n == 0 || recorded->pick < question->n;
    if (menu == NULL || recorded->key == 0) {
        if (!fits || recorded->n != question->n) {
            diverge(world, recorded, question, menu);
        }
        return fits ? recorded->pick : pick_by_seed(world, question);
    }
    struct sim_key key;
    if (fits) {
        describe(world, menu, recorded->pick, &key);
        if (key.hash == recorded->key) {
            return recorded->pick;
        }
    }
    for (uint64_t i = 0; i < question->n; i++) {
        describe(world, menu, i, &key);
        if (key.hash == recorded->key) {
            return i;
        }
    }
    diverge(world, recorded, question, menu);
    return pick_by_seed(world, question);
}

static void record(struct sim_world *world, struct sim_decision *decision,
                   const struct sim_menu *menu)
{
    struct sim_key key;
    describe(world, menu, decision->pick, &key);
    decision->key = key.hash;
    snprintf(decision->key_text, sizeof(decision->key_text), "%s", key.text);
    world->spec->sink->ops->decision(world->spec->sink, decision);
}

uint64_t sim_choose_at(struct sim_world *world, enum sim_site site, uint64_t entity, uint64_t nth,
                       uint64_t n, const struct sim_menu *menu)
{
    if (n == 1) {
        return 0;
    }
    struct sim_decision question;
    question.step = ++world->result->decisions;
    question.site = (uint32_t)site;
    question.entity = entity;
    question.nth = nth;
    question.n = n;
    question.enabled = menu == NULL ? 0 : menu->enabled;
    question.pick = world->spec->decisions == NULL ? pick_by_seed(world, &question)
                                                   : pick_by_record(world, &question, menu);
    if (world->spec->sink != NULL) {
        record(world, &question, menu);
    }
    return question.pick;
}

uint64_t sim_choose(struct sim_world *world, struct sim_stream *stream, uint64_t n,
                    const struct sim_menu *menu)
{
    uint64_t nth = n == 1 ? stream->nth : stream->nth++;
    return sim_choose_at(world, stream->site, stream->entity, nth, n, menu);
}

uint64_t sim_choose_within(struct sim_world *world, struct sim_stream *stream,
                           struct sim_window window)
{
    uint64_t span = window.max_ns - window.min_ns;
    return window.min_ns + (span == UINT64_MAX ? sim_choose(world, stream, 0, NULL)
                                               : sim_choose(world, stream, span + 1, NULL));
}

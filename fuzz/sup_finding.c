/* A finding: shrunk, saved as a scenario, and told to people. */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/sup_campaign_state.h"
#include "fuzz/sup_shrink.h"

/* How long one of the many runs of a shrink may stand still. */
#define SHRINK_LIMIT_MS 2000u
#define PATH_MAX_SIZE 4096

/* --- shrinking ------------------------------------------------------------------------------------------------ */

struct attempt {
    struct sup_alone *alone;
    const char *signature;
    bool broken;
};

static bool fails_alike(void *arg, const struct sup_case *the_case, const struct sup_world *world)
{
    struct attempt *attempt = arg;
    struct sup_run run;
    const struct sup_errand errand = {.the_case = the_case, .world = world};
    if (attempt->broken || sup_alone_run(attempt->alone, &errand, &run) != MM1_OK) {
        attempt->broken = true;
        return false;
    }
    return run.failed && strcmp(run.signature, attempt->signature) == 0;
}

/* Runs it alone, as it was found and then as small as it gets. */
static mm1_status shrink(struct sup_alone *alone, const char *signature, struct sup_shrunk *out)
{
    struct attempt attempt = {.alone = alone, .signature = signature};
    const struct sup_shrink_options options = {.fails = fails_alike, .arg = &attempt};
    out->steady = fails_alike(&attempt, &out->the_case, &out->world);
    if (out->steady && strcmp(signature, "hang") != 0) {
        out->runs = sup_shrink(&out->arena, &out->the_case, &out->world, &options);
    }
    const struct sup_errand errand = {.the_case = &out->the_case, .world = &out->world};
    return sup_alone_run(alone, &errand, &out->run);
}

/* --- saving --------------------------------------------------------------------------------------------------- */

static bool make_folders(const char *path)
{
    char copy[PATH_MAX_SIZE];
    (void)snprintf(copy, sizeof(copy), "%s", path);
    for (char *c = copy; *c != '\0'; c++) {
        if (*c == '/' && c != copy) {
            *c = '\0';
            if (mkdir(copy, 0777) != 0 && errno != EEXIST) {
                return false;
            }
            *c = '/';
        }
    }
    return mkdir(copy, 0777) == 0 || errno == EEXIST;
}

/* A signature as part of a file's name. */
static void slug_of(const char *signature, char out[48])
{
    size_t used = 0;
    for (; *signature != '\0' && used < 47; signature++) {
        char c = *signature;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (plain) {
            out[used++] = c;
        } else if (used != 0 && out[used - 1] != '-') {
            out[used++] = '-';
        }
    }
    while (used != 0 && out[used - 1] == '-') {
        used--;
    }
    out[used] = '\0';
}

static bool write_file(const char *path, struct mm1_text text)
{
    FILE *file = fopen(path, "wb");
    bool good = file != NULL && fwrite(text.data, 1, text.size, file) == text.size;
    if (file != NULL) {
        good = fclose(file) == 0 && good;
    }
    if (!good) {
        (void)fprintf(stderr, "mm1: %s: %s\n", path, strerror(errno));
    }
    return good;
}

/* What is saved must fail as it does here: the file is read back and run. */
static bool is_the_same(struct sup_alone *alone, struct mm1_text scenario,
                        const struct sup_run *expected)
{
    struct sup_run run;
    const struct sup_errand errand = {.scenario = scenario};
    return sup_alone_run(alone, &errand, &run) == MM1_OK && run.failed == expected->failed &&
           strcmp(run.signature, expected->signature) == 0;
}

static mm1_status save(const struct sup_campaign_state *state, uint64_t seed,
                       struct sup_alone *alone, struct sup_shrunk *out)
{
    const char *folder = state->options->save;
    char slug[48];
    struct mm1_buf text = MM1_BUF(&out->arena.base);
    if (!make_folders(folder)) {
        (void)fprintf(stderr, "mm1: %s: %s\n", folder, strerror(errno));
        return MM1_IO;
    }
    slug_of(out->run.signature, slug);
    MM1_TRY(sup_scenario_print(&out->the_case, &out->world, &out->run, &text));
    if (asprintf(&out->path, "%s/sup-%s-%" PRIu64 ".json", folder, slug, seed) < 0) {
        out->path = NULL;
        return MM1_NOMEM;
    }
    if (!write_file(out->path, mm1_buf_text(&text))) {
        return MM1_IO;
    }
    if (!is_the_same(alone, mm1_buf_text(&text), &out->run)) {
        (void)fprintf(stderr, "mm1: %s: does not fail as the case does\n", out->path);
        return MM1_IO;
    }
    return MM1_OK;
}

/* --- a finding ------------------------------------------------------------------------------------------------ */

static mm1_status keep_text(struct sup_shrunk *out)
{
    struct mm1_buf text = MM1_BUF(&out->arena.base);
    MM1_TRY(sup_case_print(&out->the_case, &text));
    MM1_TRY(mm1_buf_terminate(&text));
    out->text = (char *)text.data;
    return MM1_OK;
}

mm1_status sup_finding_open(const struct sup_campaign_state *state, const struct sup_group *group,
                            struct sup_shrunk *out)
{
    uint64_t seed = state->options->first + group->lowest;
    bool hung = strcmp(group->run.signature, "hang") == 0;
    unsigned limit_ms =
        hung || state->limit_ms < SHRINK_LIMIT_MS ? state->limit_ms : SHRINK_LIMIT_MS;
    struct sup_alone alone;
    mm1__arena_init(&out->arena);
    MM1_TRY(sup_generate(&out->arena, seed, NULL, &out->the_case));
    out->world = sup_world_of(seed);
    out->members_before = out->the_case.member_count;
    out->events_before = out->the_case.event_count;
    MM1_TRY(sup_alone_open(&alone, limit_ms, state->options->stop));
    alone.before = state->options->before;
    mm1_status status = shrink(&alone, group->run.signature, out);
    if (status == MM1_OK) {
        status = keep_text(out);
    }
    if (status == MM1_OK && state->options->save != NULL && out->steady) {
        status = save(state, seed, &alone, out);
    }
    sup_alone_close(&alone);
    return status;
}

void sup_finding_close(struct sup_shrunk *shrunk)
{
    mm1__arena_close(&shrunk->arena);
    free(shrunk->path);
    *shrunk = (struct sup_shrunk){0};
}

static void print_indented(const char *text)
{
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        (void)fprintf(stdout, "    %.*s\n", (int)size, text);
        text += size + (text[size] == '\n' ? 1 : 0);
    }
}

static void print_again(const struct sup_campaign_state *state, uint64_t seed, const char *path)
{
    const char *mutant = state->options->mutant;
    (void)fprintf(stdout, "  again      mm1 fuzz supervisors --seed %" PRIu64 "%s%s\n", seed,
                  mutant == NULL ? "" : " --mutant ", mutant == NULL ? "" : mutant);
    if (path != NULL) {
        (void)fprintf(stdout, "             mm1 sim %s\n", path);
    }
}

void sup_finding_print(const struct sup_campaign_state *state, const struct sup_group *group,
                       const struct sup_shrunk *shrunk)
{
    uint64_t seed = state->options->first + group->lowest;
    const struct sup_world *world = &shrunk->world;
    (void)fprintf(stdout, "\n%s\n", group->run.signature);
    (void)fprintf(stdout, "  seed       %" PRIu64, seed);
    if (group->count > 1) {
        (void)fprintf(stdout, ", and %" PRIu64 " more", group->count - 1);
    }
    (void)fprintf(stdout, " (generator %d)\n", SUP_GEN_VERSION);
    (void)fprintf(stdout, "  what       %s\n", group->run.text);
    if (shrunk->text == NULL) {
        print_again(state, seed, NULL);
        return;
    }
    if (!shrunk->steady && group->run.code != 13) {
        (void)fprintf(stdout, "  but        alone it %s%s\n",
                      shrunk->run.failed ? "fails by " : "passes",
                      shrunk->run.failed ? shrunk->run.signature : "");
    }
    if (shrunk->runs != 0) {
        (void)fprintf(stdout, "  smaller    %s\n", shrunk->run.text);
    }
    (void)fprintf(stdout,
                  "  world      seed %" PRIu64 ", granularity %s, delivery %s, %s, clock from "
                  "%" PRIu64 "ns\n",
                  world->seed, world->effects ? "effect" : "turn",
                  world->pairwise ? "pairwise" : "causal",
                  world->exact ? "no time but waits" : "turns take time", world->start_ns);
    (void)fprintf(stdout,
                  "  case       %zu members, %zu events; found with %zu and %zu (%u runs)\n",
                  shrunk->the_case.member_count, shrunk->the_case.event_count,
                  shrunk->members_before, shrunk->events_before, shrunk->runs);
    print_indented(shrunk->text);
    print_again(state, seed, shrunk->path);
    (void)fflush(stdout);
}

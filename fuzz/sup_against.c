/* Cases on both sides, many at a time; then the first that differs, alone, made small. */
#include <stdio.h>
#include <string.h>

#include <mm1/posix.h>

#include "fuzz/sup_against_state.h"
#include "fuzz/sup_campaign_state.h"
#include "fuzz/sup_shrink.h"
#include "sim/traced.h"

/* Cases between two waits for Erlang. */
#define BATCH 200u
#define SHRINK_RUNS 2500u

/* --- both sides ----------------------------------------------------------------------------------------------- */

static mm1_status trouble(const char *what)
{
    (void)fprintf(stderr, "mm1: %s\n", what);
    return MM1_IO;
}

static mm1_status of_otp(const struct sup_against_state *s, mm1_status status)
{
    if (status != MM1_OK && status != MM1_CLOSED) {
        (void)trouble(s->otp.error);
    }
    return status;
}

/* Takes the output of one case from those of several. */
static bool take_output(struct mm1_text *outputs, const char *name, struct mm1_text *out)
{
    static const char head[] = "case ";
    struct mm1_text line;
    size_t size = strlen(name);
    *out = (struct mm1_text){.data = outputs->data};
    if (!sup_otp_line(outputs, &line) || line.size != size + sizeof(head) - 1 ||
        memcmp(line.data, head, sizeof(head) - 1) != 0 ||
        memcmp(line.data + sizeof(head) - 1, name, size) != 0) {
        return false;
    }
    while (sup_otp_line(outputs, &line)) {
        if (mm1_text_equal(line, MM1_TEXT("end"))) {
            out->size = (size_t)(outputs->data - out->data);
            return true;
        }
    }
    return false;
}

/* Whether the oracle could not play it: then that is its only line. */
static bool is_broken(struct mm1_text theirs)
{
    struct mm1_text line;
    return !sup_otp_line(&theirs, &line) || !sup_otp_line(&theirs, &line) ||
           mm1_text_equal(line, MM1_TEXT("stuck")) || mm1_text_equal(line, MM1_TEXT("broken"));
}

static struct sup_against_verdict judge(const struct sup_case *the_case, struct mm1_text theirs,
                                        const struct sup_apart_answer *mine)
{
    static const enum sup_against_kind kinds[] = {
        [SUP_APART_MISSING] = SUP_AGAINST_BROKEN,    [SUP_APART_PLAYED] = SUP_AGAINST_EQUAL,
        [SUP_APART_RESTLESS] = SUP_AGAINST_RESTLESS, [SUP_APART_CRASHED] = SUP_AGAINST_CRASHED,
        [SUP_APART_HUNG] = SUP_AGAINST_HUNG,         [SUP_APART_FAILED] = SUP_AGAINST_BROKEN};
    struct sup_against_verdict v = {
        .kind = kinds[mine->kind], .theirs = theirs, .mine = mine->text};
    if (is_broken(theirs)) {
        v.kind = SUP_AGAINST_BROKEN;
    } else if (v.kind == SUP_AGAINST_EQUAL) {
        v.difference = sup_otp_compare(the_case, theirs, mine->text);
        v.kind = v.difference.line != 0 ? SUP_AGAINST_DIFFERS : SUP_AGAINST_EQUAL;
    }
    return v;
}

/* Plays cases on both sides at once. All verdicts but those behind a crash say something. */
static mm1_status play_both(struct sup_against_state *s, const struct sup_case *cases, size_t count,
                            struct sup_against_verdict *out)
{
    struct sup_apart_answer mine[BATCH];
    MM1_CHECK(count <= BATCH);
    mm1_buf_clear(&s->text);
    mm1_buf_clear(&s->theirs);
    for (size_t i = 0; i < count; i++) {
        MM1_TRY(sup_case_print(&cases[i], &s->text));
    }
    MM1_TRY(of_otp(s, sup_otp_ask(&s->otp, mm1_buf_text(&s->text))));
    mm1_status status = sup_apart_play(&s->apart, cases, count, mine);
    if (status != MM1_OK) {
        return status == MM1_CLOSED ? status : trouble("no process to play cases in");
    }
    MM1_TRY(of_otp(s, sup_otp_answers(&s->otp, &s->theirs)));
    struct mm1_text outputs = mm1_buf_text(&s->theirs);
    for (size_t i = 0; i < count; i++) {
        struct mm1_text theirs;
        if (!take_output(&outputs, cases[i].name, &theirs)) {
            return trouble("what Erlang says is not the output of the cases that it was given");
        }
        out[i] = judge(&cases[i], theirs, &mine[i]);
    }
    return MM1_OK;
}

/* --- a finding ------------------------------------------------------------------------------------------------ */

struct attempt {
    struct sup_against_state *state;
    enum sup_against_kind kind;
    mm1_status status; /* not MM1_OK: nothing more can be tried */
};

static bool fails_alike(void *arg, const struct sup_case *the_case, const struct sup_world *world)
{
    struct attempt *attempt = arg;
    struct sup_against_verdict verdict;
    (void)world;
    if (attempt->status != MM1_OK || !sup_otp_takes(the_case)) {
        return false;
    }
    attempt->status = play_both(attempt->state, the_case, 1, &verdict);
    return attempt->status == MM1_OK && verdict.kind == attempt->kind;
}

static mm1_status make_small(struct sup_against_state *s, struct mm1__arena *arena,
                             struct sup_against_finding *f)
{
    struct attempt attempt = {.state = s, .kind = f->verdict.kind};
    /* No schedule has a say: one world is enough, the plainest. */
    struct sup_world world = {.seed = 1, .exact = true};
    const struct sup_shrink_options how = {
        .runs_max = SHRINK_RUNS, .seeds = 1, .fails = fails_alike, .arg = &attempt};
    (void)fprintf(stderr, "mm1: seed %llu is not equal; making it small\n",
                  (unsigned long long)f->seed);
    f->again = fails_alike(&attempt, &f->the_case, &world);
    if (f->again) {
        f->runs = sup_shrink(arena, &f->the_case, &world, &how);
    }
    MM1_TRY(attempt.status);
    return play_both(s, &f->the_case, 1, &f->verdict);
}

static int code_of(const struct sup_against_finding *f)
{
    if (f->verdict.kind == SUP_AGAINST_BROKEN) {
        return 3;
    }
    if (!f->again || f->verdict.kind == SUP_AGAINST_EQUAL) {
        return 13;
    }
    return f->verdict.kind == SUP_AGAINST_DIFFERS    ? 11
           : f->verdict.kind == SUP_AGAINST_RESTLESS ? 12
                                                     : 10;
}

static int find(struct sup_against_state *s, struct mm1__arena *arena,
                struct sup_against_finding *f)
{
    mm1_status status = MM1_OK;
    f->members_before = f->the_case.member_count;
    f->events_before = f->the_case.event_count;
    if (f->verdict.kind != SUP_AGAINST_BROKEN) {
        status = make_small(s, arena, f);
    }
    if (status == MM1_OK) {
        status = sup_against_print(s, f);
    }
    if (status == MM1_NOMEM) {
        (void)trouble(mm1_status_text(status));
    }
    return status == MM1_OK ? code_of(f) : 3;
}

/* --- all of them ---------------------------------------------------------------------------------------------- */

static mm1_status draw(struct mm1__arena *arena, uint64_t seed, size_t count,
                       struct sup_case *cases)
{
    static const struct sup_gen_options otp = {.otp = true};
    for (size_t i = 0; i < count; i++) {
        MM1_TRY(sup_generate(arena, seed + i, &otp, &cases[i]));
    }
    return MM1_OK;
}

/* Plays the cases of `count` seeds. Returns the exit code that ends it all, or -1. */
static int run_batch(struct sup_against_state *s, uint64_t seed, size_t count)
{
    struct sup_case cases[BATCH];
    struct sup_against_verdict verdicts[BATCH];
    struct mm1__arena arena;
    int code = -1;
    mm1__arena_init(&arena);
    mm1_status status = draw(&arena, seed, count, cases);
    if (status == MM1_OK) {
        status = play_both(s, cases, count, verdicts);
    }
    for (size_t i = 0; status == MM1_OK && code < 0 && i < count; i++) {
        s->cases++;
        s->excused += verdicts[i].difference.excused;
        if (verdicts[i].kind != SUP_AGAINST_EQUAL) {
            struct sup_against_finding finding = {
                .seed = seed + i, .the_case = cases[i], .verdict = verdicts[i]};
            code = find(s, &arena, &finding);
        }
    }
    if (status == MM1_NOMEM) {
        (void)trouble(mm1_status_text(status));
    }
    mm1__arena_close(&arena);
    return status != MM1_OK ? 3 : code;
}

static bool is_over(const struct sup_against_state *s)
{
    const struct sup_against_options *o = s->options;
    return *o->stop != 0 ||
           (o->time_ns != 0 && sup_now_ms() - s->begun_ms >= o->time_ns / MM1_NS_PER_MS);
}

static int run(struct sup_against_state *s)
{
    const struct sup_against_options *o = s->options;
    uint64_t last = o->time_ns != 0 ? UINT64_MAX : o->last;
    int code = -1;
    for (uint64_t seed = o->first; code < 0 && !is_over(s); seed += BATCH) {
        uint64_t left = last - seed;
        size_t count = left < BATCH ? (size_t)left + 1 : BATCH;
        code = run_batch(s, seed, count);
        if (code < 0) {
            sup_against_progress(s);
        }
        if (left < BATCH) {
            break;
        }
    }
    return code < 0 ? 0 : code;
}

int sup_against(const struct sup_against_options *options)
{
    struct mm1_alloc *alloc = mm1_posix_alloc();
    struct sup_against_state s = {.options = options,
                                  .alloc = alloc,
                                  .otp = {.to = -1, .from = -1},
                                  .text = MM1_BUF(alloc),
                                  .theirs = MM1_BUF(alloc),
                                  .begun_ms = sup_now_ms()};
    int code = 3;
    if (sup_apart_open(&s.apart, alloc, sim_watch_ms(), options->stop) != MM1_OK) {
        (void)trouble("no shared memory");
    } else if (of_otp(&s, sup_otp_open(&s.otp, alloc, options->jobs, options->stop)) == MM1_OK) {
        code = run(&s);
        sup_against_summary(&s, code == 0);
    }
    sup_otp_close(&s.otp);
    sup_apart_close(&s.apart);
    mm1_buf_close(&s.text);
    mm1_buf_close(&s.theirs);
    return *options->stop != 0 ? 128 + *options->stop : code;
}

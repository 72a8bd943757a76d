/* What people see of a comparison with OTP: progress, sums, and a finding as a case file. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/sup_against_state.h"
#include "fuzz/sup_campaign_state.h"

#define BAR_MS 200u
#define LINE_MS 5000u
#define BAR_WIDTH 30u

/* --- progress ------------------------------------------------------------------------------------------------- */

/* Of BAR_WIDTH. */
static unsigned share_done(const struct sup_against_state *s, uint64_t since_ms)
{
    const struct sup_against_options *o = s->options;
    uint64_t whole = o->time_ns != 0 ? o->time_ns / MM1_NS_PER_MS : o->last - o->first;
    uint64_t part = o->time_ns != 0 ? since_ms : s->cases;
    uint64_t share = whole / BAR_WIDTH == 0 ? BAR_WIDTH : part / (whole / BAR_WIDTH);
    return share > BAR_WIDTH ? BAR_WIDTH : (unsigned)share;
}

void sup_against_progress(struct sup_against_state *state)
{
    bool terminal = isatty(STDERR_FILENO) == 1;
    uint64_t now = sup_now_ms();
    uint64_t since_ms = now - state->begun_ms + 1;
    uint64_t rate = state->cases * 1000 / since_ms;
    state->told_ms = state->told_ms == 0 ? state->begun_ms : state->told_ms;
    if (now - state->told_ms < (terminal ? BAR_MS : LINE_MS)) {
        return;
    }
    state->told_ms = now;
    if (terminal) {
        char bar[BAR_WIDTH + 1];
        memset(bar, '.', BAR_WIDTH);
        memset(bar, '#', share_done(state, since_ms));
        bar[BAR_WIDTH] = '\0';
        (void)fprintf(stderr, "\r[%s] %" PRIu64 " cases, %" PRIu64 " cases/s\033[K", bar,
                      state->cases, rate);
    } else {
        (void)fprintf(stderr, "mm1: %" PRIu64 " cases, %" PRIu64 " cases/s\n", state->cases, rate);
    }
    (void)fflush(stderr);
}

void sup_against_summary(const struct sup_against_state *state, bool equal)
{
    uint64_t took_ms = sup_now_ms() - state->begun_ms + 1;
    if (isatty(STDERR_FILENO) == 1) {
        (void)fprintf(stderr, "\r\033[K");
    }
    if (state->cases == 0) {
        return;
    }
    (void)fprintf(stderr,
                  "mm1: %" PRIu64 " cases on libmm1 and on Erlang/OTP %s in %" PRIu64 ".%02" PRIu64
                  " s: %" PRIu64 " cases/s; %s",
                  state->cases, state->otp.release, took_ms / 1000, took_ms % 1000 / 10,
                  state->cases * 1000 / took_ms, equal ? "all equal" : "not equal");
    if (state->excused != 0) {
        (void)fprintf(stderr, ", but for %" PRIu64 " counts that OTP has wrong (VD10)",
                      state->excused);
    }
    (void)fprintf(stderr, "\n");
}

/* --- a finding ------------------------------------------------------------------------------------------------ */

static const char *what_of(const struct sup_against_finding *f)
{
    switch (f->verdict.kind) {
    case SUP_AGAINST_CRASHED:
        return "libmm1 crashes";
    case SUP_AGAINST_HUNG:
        return "libmm1 hangs";
    case SUP_AGAINST_RESTLESS:
        return "libmm1 does not come to rest";
    case SUP_AGAINST_BROKEN:
        return "it cannot be compared";
    case SUP_AGAINST_EQUAL:
        return "not equal once, and equal when it was played again";
    default:
        return f->again ? "libmm1 differs from Erlang/OTP"
                        : "not equal in another way when it was played again";
    }
}

/* Comments, so that the whole is a case file. The line that differs has a mark. */
static mm1_status print_output(struct mm1_buf *out, const char *title, struct mm1_text output,
                               unsigned marked)
{
    struct mm1_text line;
    MM1_TRY(mm1_buf_format(out, "#!\n#! %s\n", title));
    for (unsigned number = 1; sup_otp_line(&output, &line); number++) {
        MM1_TRY(mm1_buf_format(out, "#! %s ", number == marked ? "->" : "  "));
        MM1_TRY(mm1_buf_append(out, line.data, line.size));
        MM1_TRY(mm1_buf_format(out, "\n"));
    }
    return MM1_OK;
}

static mm1_status print_head(const struct sup_against_state *s, const struct sup_against_finding *f,
                             struct mm1_buf *out)
{
    const char *mutant = s->options->mutant;
    MM1_TRY(mm1_buf_format(out, "#! %s\n", what_of(f)));
    MM1_TRY(mm1_buf_format(out, "#! seed %" PRIu64 " (generator %d): ", f->seed, SUP_GEN_VERSION));
    MM1_TRY(mm1_buf_format(out, "%zu members, %zu events", f->the_case.member_count,
                           f->the_case.event_count));
    if (f->runs != 0) {
        MM1_TRY(mm1_buf_format(out, "; found with %zu and %zu (%u runs)", f->members_before,
                               f->events_before, f->runs));
    }
    return mm1_buf_format(
        out, "\n#! again: mm1 fuzz supervisors --against-otp --seed %" PRIu64 "%s%s\n", f->seed,
        mutant == NULL ? "" : " --mutant ", mutant == NULL ? "" : mutant);
}

static mm1_status print(const struct sup_against_state *s, const struct sup_against_finding *f,
                        struct mm1_buf *out)
{
    char title[64];
    unsigned marked = f->verdict.difference.line;
    MM1_TRY(print_head(s, f, out));
    MM1_TRY(sup_case_print(&f->the_case, out));
    (void)snprintf(title, sizeof(title), "Erlang/OTP %s:", s->otp.release);
    MM1_TRY(print_output(out, title, f->verdict.theirs, marked));
    return print_output(out, "libmm1:", f->verdict.mine, marked);
}

mm1_status sup_against_print(const struct sup_against_state *state,
                             const struct sup_against_finding *finding)
{
    struct mm1_buf out = MM1_BUF(state->alloc);
    mm1_status status = print(state, finding, &out);
    if (status == MM1_OK) {
        (void)fwrite(out.data, 1, out.size, stdout);
        (void)fflush(stdout);
    }
    mm1_buf_close(&out);
    return status;
}

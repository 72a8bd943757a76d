/* What the tests of the step harness share: an actor that does what a test says, and a look at what the harness says of
 * a wrong test. */
#ifndef HARNESS_ACTORS_H
#define HARNESS_ACTORS_H

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <mm1/ask.h>
#include <mm1/function.h>
#include <mm1/harness.h>
#include <mm1/life.h>

#include "mm1_test.h"

#define NOTE_FIELDS(F) F(u64, no)
MM1_MSG_DECLARE(note, NOTE_FIELDS)
MM1_MSG_DEFINE(note, "test::Note", NOTE_FIELDS)
MM1_MSG_DECLARE_UNIT(go)
MM1_MSG_DEFINE_UNIT(go, "test::Go")

#define SUM_FIELDS(F) F(u64, sum)
MM1_MSG_DECLARE(sum, SUM_FIELDS)
MM1_MSG_DEFINE(sum, "test::Sum", SUM_FIELDS)
MM1_REQUEST_DECLARE(note)
MM1_REQUEST_DEFINE(note, "test::Note")
MM1_RESPONSE_DECLARE(sum)
MM1_RESPONSE_DEFINE(sum, "test::Sum")

#define FAR MM1_ADDR(0xfff8777700000100u) /* local, and nobody is there */

static struct mm1_harness *h;
static void *block;

/* --- when the harness says that a test is wrong ----------------------------------------------------------------- */

static jmp_buf caught;
static bool catching;
static char said[4096];

static inline void on_fail(const char *file, unsigned line, const char *text)
{
    snprintf(said, sizeof(said), "%s", text);
    if (catching) {
        catching = false;
        longjmp(caught, 1);
    }
    cr_assert(false, "%s:%u: %s", file, line, text);
    abort();
}

/* What the harness says about a statement that is to fail. */
#define FAILS(statement, text)                                                                     \
    do {                                                                                           \
        said[0] = '\0';                                                                            \
        catching = true;                                                                           \
        if (setjmp(caught) == 0) {                                                                 \
            statement;                                                                             \
        }                                                                                          \
        cr_assert(!catching, "it did not fail: %s", #statement);                                   \
        cr_assert_not_null(strstr(said, (text)), "%s", said);                                      \
    } while (0)

/* --- an actor that does what a test says ------------------------------------------------------------------------ */

/* What the actors of a test leave for it to look at. */
static struct {
    mm1_status status;
    mm1_addr addr;
    uint64_t number;
    bool flag;
    uint64_t notes[16];
    unsigned note_count;
    unsigned finis;
    char downs[200];
} seen;

typedef mm1_status script_fn(struct mm1_ctx *ctx);
static script_fn *script;      /* of message go, in any actor */
static script_fn *init_script; /* of each init */

static inline mm1_status doer_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state;
    (void)arg;
    return init_script == NULL ? MM1_OK : init_script(ctx);
}

static inline void write_end(const char *what, const struct mm1_why *why)
{
    struct mm1_reason reason = mm1_reason_of_why(why);
    size_t used = strlen(seen.downs);
    snprintf(seen.downs + used, sizeof(seen.downs) - used, "%s %d;", what, (int)reason.kind);
}

static inline mm1_status doer_receive(struct mm1_ctx *ctx, void *state,
                                      const struct mm1_envelope *envelope)
{
    (void)state;
    MM1_ON(envelope, go, m) {
        return script(ctx);
    }
    MM1_ON(envelope, note, m) {
        seen.notes[seen.note_count++ % 16] = m->no;
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_down, m) {
        write_end("down", &m->why);
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_exited, m) {
        write_end("exited", &m->why);
        return MM1_OK;
    }
    MM1_ON(envelope, mm1_closed, m) {
        return MM1_CLOSED;
    }
    return mm1_unhandled(ctx, envelope);
}

static inline void doer_fini(void *state)
{
    (void)state;
    seen.finis++;
}

static const struct mm1_behaviour doer = {
    .name = "doer",
    .state_size = 8,
    .init = doer_init,
    .receive = doer_receive,
    .fini = doer_fini,
};

/* Takes notes, and ignores all else. */
static inline mm1_status taker_receive(struct mm1_ctx *ctx, void *state,
                                       const struct mm1_envelope *envelope)
{
    (void)ctx;
    (void)state;
    MM1_ON(envelope, note, m) {
        seen.notes[seen.note_count++] = m->no;
        seen.number = envelope->trace_id;
        seen.flag = envelope->priority;
    }
    return MM1_OK;
}

static const struct mm1_behaviour taker = {.name = "taker", .receive = taker_receive};

static inline void open_with(const struct mm1_harness_options *options)
{
    memset(&seen, 0, sizeof(seen));
    script = NULL;
    init_script = NULL;
    struct mm1_harness_options all = *options;
    all.fail = on_fail;
    cr_assert_eq(mm1_harness_open(&all, &h), MM1_OK);
}

static inline void open_plain(void)
{
    open_with(&(struct mm1_harness_options){.start_ns = 5});
}

static inline mm1_addr spawn_named(const char *name)
{
    mm1_addr addr;
    cr_assert_eq(mm1_harness_spawn(h, &(struct mm1_spawn){.behaviour = &doer, .name = name}, &addr),
                 MM1_OK);
    return addr;
}

/* An actor that has been told what to do, and begins with the next step. */
static inline mm1_addr actor_that(script_fn *does)
{
    mm1_addr addr = spawn_named(NULL);
    mm1_harness_expect_wait(h, addr);
    script = does;
    mm1_harness_tell(h, addr, go, .mm1_unit = 0);
    return addr;
}

static inline void answer(mm1_status status, uint64_t value)
{
    mm1_harness_answer(h, &(struct mm1_answer){.status = status, .value = value});
}

/* The rest of an actor that waits and is not needed any more. */
static inline void waits_and_rests(mm1_addr addr)
{
    mm1_harness_expect_wait(h, addr);
    mm1_harness_expect_rest(h);
    mm1_harness_close(h);
}

/* --- what it is told ---------------------------------------------------------------------------------------------- */

static inline mm1_status do_tell(struct mm1_ctx *ctx)
{
    seen.status = mm1_tell(ctx, FAR, note, .no = 7);
    return MM1_OK;
}

static inline mm1_status do_quit_badly(struct mm1_ctx *ctx)
{
    mm1_quit(ctx, mm1_reason_error(3, "three"));
    seen.flag = true;
    return MM1_OK;
}

/* With seen.flag it forgets its memory. */
static inline mm1_status do_hold_memory(struct mm1_ctx *ctx)
{
    block = mm1_take(mm1_ctx_alloc(ctx), 40);
    if (block == NULL) {
        return MM1_NOMEM;
    }
    seen.status = mm1_tell(ctx, FAR, note, .no = 1);
    if (!seen.flag) {
        mm1_give(mm1_ctx_alloc(ctx), block, 40);
    }
    return MM1_OK;
}

#endif

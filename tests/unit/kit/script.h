/* Scripts: function actors that a test runs in a small world, and what they write down.
 *
 *     static mm1_status waits(struct mm1_ctx *ctx) { …; say("%u; ", n); return MM1_OK; }
 *     Test(…, .init = setup, .fini = teardown) { play(waits); tell(1); expect("1; "); }
 *
 * The end of a test ends the node, and checks that nothing leaked and no timer is left. */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdarg.h>
#include <stdio.h>

#include <mm1/function.h>
#include <mm1/kit.h>

#include "mini_world.h"
#include "mm1_test.h"

#define MS MM1_NS_PER_MS

#define NOTE_FIELDS(F) F(u32, n)
MM1_MSG_DECLARE(note, NOTE_FIELDS)
MM1_MSG_DEFINE(note, "test::Note", NOTE_FIELDS)
#define WORD_FIELDS(F) F(text, text)
MM1_MSG_DECLARE(word, WORD_FIELDS)
MM1_MSG_DEFINE(word, "test::Word", WORD_FIELDS)
/* What a server is to do: answer with twice the number after a delay, or not; and end then, or not. */
#define JOB_FIELDS(F) F(u32, n) F(duration, delay) F(bool, silent) F(bool, end) F(bool, fail)
MM1_MSG_DECLARE(job, JOB_FIELDS)
MM1_MSG_DEFINE(job, "test::Job", JOB_FIELDS)
MM1_REQUEST_DECLARE(job)
MM1_REQUEST_DEFINE(job, "test::Job")
MM1_MSG_DECLARE(result, NOTE_FIELDS)
MM1_MSG_DEFINE(result, "test::Result", NOTE_FIELDS)
MM1_RESPONSE_DECLARE(result)
MM1_RESPONSE_DEFINE(result, "test::Result")

static struct mini_world world;
static struct mini_node node;
static struct mm1_msg_registry types;
static mm1_addr actor;  /* the one that play started last */
static mm1_addr server; /* of jobs */
static char seen[4096];

typedef mm1_status script(struct mm1_ctx *ctx);

static inline void say(const char *format, ...) MM1_PRINTF(1, 2);
static inline void say(const char *format, ...)
{
    size_t size = strlen(seen);
    va_list args;
    va_start(args, format);
    int more = vsnprintf(seen + size, sizeof(seen) - size, format, args);
    va_end(args);
    cr_assert(more >= 0 && size + (size_t)more < sizeof(seen));
}

/* What was written down since the last look. */
#define expect(text)                                                                               \
    do {                                                                                           \
        cr_assert_str_eq(seen, (text), "\"%s\"", seen);                                            \
        seen[0] = '\0';                                                                            \
    } while (0)

static inline const char *reason_text(const struct mm1_reason *reason)
{
    static char text[128];
    struct mm1_buf buf = MM1_BUF(&world.own.base);
    cr_assert_eq(mm1_reason_print(reason, &buf), MM1_OK);
    snprintf(text, sizeof(text), "%.*s", (int)buf.size, (const char *)buf.data);
    mm1_buf_close(&buf);
    return text;
}

static inline mm1_status script_main(struct mm1_ctx *ctx, const void *arg)
{
    return (*(script *const *)arg)(ctx);
}

static const struct mm1_function scripted = MM1_FUNCTION("script", script_main);

static inline struct mm1_spawn spawn_of(script *const *run)
{
    return (struct mm1_spawn){
        .behaviour = &scripted.behaviour, .arg = run, .arg_size = sizeof(*run)};
}

/* Spawns a function actor in another. */
static inline mm1_addr child(struct mm1_ctx *ctx, script *run, bool link)
{
    mm1_addr out;
    struct mm1_spawn spawn = spawn_of(&run);
    spawn.link = link;
    cr_assert_eq(mm1_spawn(ctx, &spawn, &out), MM1_OK);
    return out;
}

static inline void play_on(script *run)
{
    struct mm1_spawn spawn = spawn_of(&run);
    cr_assert_eq(mm1_node_spawn(node.node, &spawn, &actor), MM1_OK);
}

static inline void play(script *run)
{
    play_on(run);
    mini_settle(&world);
}

static inline void send_to(mm1_addr to, const struct mm1_msg_type *type, const void *msg,
                           bool priority)
{
    struct mm1_header header = {.priority = priority};
    cr_assert_eq(mm1_node_send(node.node, to, type, msg, &header), MM1_OK);
}

static inline void tell(uint32_t n)
{
    send_to(actor, &note_type, &(struct note){.n = n}, false);
}

static inline void tell_word(const char *text)
{
    send_to(actor, &word_type, &(struct word){.text = mm1_text_of(text)}, false);
}

/* Writes down what the envelope holds. */
static inline void say_message(const struct mm1_envelope *envelope)
{
    MM1_ON(envelope, note, m) {
        say("%u; ", m->n);
        return;
    }
    MM1_ON(envelope, word, m) {
        say("%.*s; ", (int)m->text.size, m->text.data);
        return;
    }
    MM1_ON(envelope, mm1_down, down) {
        struct mm1_reason reason = mm1_reason_of_why(&down->why);
        say("down %s; ", reason_text(&reason));
        return;
    }
    MM1_ON(envelope, mm1_exited, exited) {
        struct mm1_reason reason = mm1_reason_of_why(&exited->why);
        say("exited %s; ", reason_text(&reason));
        return;
    }
    say("%s; ", envelope->type->name);
}

/* Receives and writes down all that comes. */
static inline mm1_status say_all(struct mm1_ctx *ctx)
{
    for (;;) {
        const struct mm1_envelope *envelope;
        MM1_TRY(mm1_recv(ctx, &envelope));
        say_message(envelope);
    }
}

/* --- a server of jobs ------------------------------------------------------------------------------------------- */

static inline mm1_status serve(struct mm1_ctx *ctx)
{
    for (;;) {
        const struct mm1_envelope *envelope;
        MM1_TRY(mm1_recv(ctx, &envelope));
        const struct job_request *rq = envelope->msg;
        if (!mm1_is(envelope, &job_request_type)) {
            continue;
        }
        if (rq->body.delay != 0) {
            MM1_TRY(mm1_sleep(ctx, rq->body.delay));
        }
        if (!rq->body.silent) {
            MM1_TRY(mm1_reply(ctx, &rq->header, result, .n = 2 * rq->body.n));
        }
        if (rq->body.end || rq->body.fail) {
            return rq->body.fail ? MM1_INTERNAL : MM1_OK;
        }
    }
}

/* --- a test's world --------------------------------------------------------------------------------------------- */

static inline void setup_with(bool encode)
{
    seen[0] = '\0';
    mini_world_init(&world);
    types = MM1_MSG_REGISTRY(&world.own.base);
    const struct mm1_msg_type *const all[] = {&note_type, &word_type, &job_request_type,
                                              &result_response_type};
    for (size_t i = 0; i < MM1_COUNT_OF(all); i++) {
        cr_assert_eq(mm1_msg_register(&types, all[i]), MM1_OK);
    }
    cr_assert_eq(mm1_kit_register(&types), MM1_OK);
    struct mm1_net locals[] = {MM1_NET_DEFAULT_BIND};
    struct mm1_node_config config = {.name = MM1_TEXT("n"),
                                     .locals = locals,
                                     .local_count = 1,
                                     .auto_net = MM1_NET_DEFAULT_AUTO,
                                     .actors_max = 256,
                                     .types = &types,
                                     .encode = encode,
                                     .one_thread = true};
    cr_assert_eq(mini_node_open(&world, &node, &config), MM1_OK);
    script *run = serve;
    struct mm1_spawn spawn = spawn_of(&run);
    cr_assert_eq(mm1_node_spawn(node.node, &spawn, &server), MM1_OK);
    mini_settle(&world);
}

static inline void setup(void)
{
    setup_with(true);
}

static inline void teardown(void)
{
    mini_node_close(&node);
    mm1_msg_registry_close(&types);
    mini_world_close(&world);
}

#endif

/* What a step is, in words, and what the test expected instead. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/harness.h"

/* --- failures ------------------------------------------------------------------------------------------------- */

void sim_harness_fail(struct mm1_harness *h, const char *format, ...)
{
    char text[2 * MM1_STEP_TEXT_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (h->options.fail != NULL) {
        h->options.fail(h->file, h->line, text);
    }
    fprintf(stderr, "%s:%u: %s\n", h->file, h->line, text);
    abort();
}

void mm1_harness_must(struct mm1_harness *h, mm1_status status)
{
    if (status != MM1_OK) {
        sim_harness_fail(h, "%s", mm1_status_text(status));
    }
}

/* --- words ---------------------------------------------------------------------------------------------------- */

static bool has_target(enum mm1_effect_kind kind)
{
    switch (kind) {
    case MM1_EFFECT_SEND:
    case MM1_EFFECT_FORWARD:
    case MM1_EFFECT_EXIT:
    case MM1_EFFECT_KILL:
    case MM1_EFFECT_LINK:
    case MM1_EFFECT_UNLINK:
    case MM1_EFFECT_WATCH:
    case MM1_EFFECT_INIT_DONE:
        return true;
    default:
        return false;
    }
}

static bool has_number(enum mm1_effect_kind kind)
{
    switch (kind) {
    case MM1_EFFECT_TRAP_EXIT:
    case MM1_EFFECT_UNWATCH:
    case MM1_EFFECT_TIMER_ARM:
    case MM1_EFFECT_TIMER_CANCEL:
    case MM1_EFFECT_RANDOM:
    case MM1_EFFECT_NET_ACCEPT:
    case MM1_EFFECT_NET_READ:
    case MM1_EFFECT_NET_SEND:
    case MM1_EFFECT_NET_CLOSE:
    case MM1_EFFECT_LOG_APPEND:
    case MM1_EFFECT_LOG_READ:
    case MM1_EFFECT_LOG_SYNC:
    case MM1_EFFECT_LOG_TRUNCATE:
    case MM1_EFFECT_LOG_CLOSE:
        return true;
    default:
        return false;
    }
}

static bool has_name(enum mm1_effect_kind kind)
{
    return kind == MM1_EFFECT_SPAWN || kind == MM1_EFFECT_NET_LISTEN ||
           kind == MM1_EFFECT_NET_DIAL || kind == MM1_EFFECT_LOG_OPEN;
}

/* Text that is cut where the room ends. */
struct words {
    char *out;
    size_t used;
};

static void say(struct words *words, const char *format, ...) MM1_PRINTF(2, 3);
static void say(struct words *words, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    size_t room = MM1_STEP_TEXT_MAX - words->used;
    int size = vsnprintf(words->out + words->used, room, format, args);
    va_end(args);
    words->used += size < 0 ? 0 : (size_t)size < room ? (size_t)size : room - 1;
}

static void say_message(struct words *words, const struct mm1_msg_type *type, const void *msg,
                        struct mm1_alloc *alloc)
{
    struct mm1_buf json = MM1_BUF(alloc);
    MM1_CHECK(mm1_msg_print(type, msg, &json) == MM1_OK && mm1_buf_terminate(&json) == MM1_OK);
    say(words, " %s %s", type->name, (const char *)json.data);
    mm1_buf_close(&json);
}

static void say_reason(struct words *words, const struct mm1_reason *reason,
                       struct mm1_alloc *alloc)
{
    struct mm1_buf text = MM1_BUF(alloc);
    MM1_CHECK(mm1_reason_print(reason, &text) == MM1_OK && mm1_buf_terminate(&text) == MM1_OK);
    say(words, " %s", (const char *)text.data);
    mm1_buf_close(&text);
}

static void say_verb(struct words *words, const struct mm1_effect *effect, struct mm1_alloc *alloc)
{
    char addr[MM1_NET_TEXT_MAX];
    say(words, "%s", mm1_effect_text(effect->kind));
    if (has_name(effect->kind)) {
        say(words, " %.*s", (int)effect->data.size, (const char *)effect->data.data);
    }
    if (effect->type != NULL && effect->msg != NULL) {
        say_message(words, effect->type, effect->msg, alloc);
    }
    if (effect->kind == MM1_EFFECT_BIND) {
        (void)mm1_net_print(
            mm1_step_net(&(struct mm1_step){.kind = MM1_STEP_VERB, .effect = *effect}), addr);
        say(words, " %s", addr);
    } else if (has_target(effect->kind)) {
        (void)mm1_addr_print(effect->target, addr);
        say(words, " to %s", addr);
    } else if (has_number(effect->kind)) {
        say(words, " %llu", (unsigned long long)effect->number);
    }
    if (effect->reason != NULL) {
        say_reason(words, effect->reason, alloc);
    }
}

size_t mm1_step_print(const struct mm1_step *step, char out[MM1_STEP_TEXT_MAX])
{
    struct words words = {.out = out};
    if (step == NULL) {
        say(&words, "no step");
        return words.used;
    }
    char path[MM1_PATH_TEXT_MAX];
    struct sim_harness_alloc alloc;
    sim_harness_alloc_init(&alloc, NULL, false);
    switch (step->kind) {
    case MM1_STEP_VERB:
        say_verb(&words, &step->effect, &alloc.base);
        break;
    case MM1_STEP_WAIT:
        say(&words, "wait");
        break;
    case MM1_STEP_ENDED:
        say(&words, "ended");
        say_reason(&words, &step->reason, &alloc.base);
        break;
    }
    (void)mm1_path_print(step->path, path);
    say(&words, ", by %s", path);
    if (!mm1_addr_equal(step->context, step->actor)) {
        char addr[MM1_ADDR_TEXT_MAX];
        (void)mm1_addr_print(step->context, addr);
        say(&words, ", its fork %s", addr);
    }
    sim_harness_alloc_close(&alloc);
    return words.used;
}

struct mm1_net mm1_step_net(const struct mm1_step *step)
{
    MM1_CHECK(step->kind == MM1_STEP_VERB && step->effect.kind == MM1_EFFECT_BIND);
    MM1_CHECK(step->effect.data.size != 0);
    return (struct mm1_net){.addr = step->effect.target, .mask = step->effect.data.data[0]};
}

/* --- expectations --------------------------------------------------------------------------------------------- */

MM1_NORETURN static void fail_other(struct mm1_harness *h, const struct mm1_step *step,
                                    const char *wanted)
{
    char text[MM1_STEP_TEXT_MAX];
    (void)mm1_step_print(step, text);
    sim_harness_fail(h, "expected %s; came: %s", wanted, text);
}

const struct mm1_step *mm1_harness_expect(struct mm1_harness *h, enum mm1_effect_kind kind)
{
    const struct mm1_step *step = mm1_harness_next(h);
    if (step == NULL || step->kind != MM1_STEP_VERB || step->effect.kind != kind) {
        fail_other(h, step, mm1_effect_text(kind));
    }
    return step;
}

static bool is_of(const struct mm1_step *step, enum mm1_step_kind kind, mm1_addr context)
{
    return step != NULL && step->kind == kind &&
           (context.bits == 0 || mm1_addr_equal(step->context, context));
}

static void name_of(const char *what, mm1_addr context, char out[MM1_STEP_TEXT_MAX])
{
    char addr[MM1_ADDR_TEXT_MAX] = "";
    if (context.bits != 0) {
        (void)mm1_addr_print(context, addr);
    }
    (void)snprintf(out, MM1_STEP_TEXT_MAX, "%s%s%s", what, context.bits == 0 ? "" : " by ", addr);
}

const struct mm1_step *mm1_harness_expect_wait(struct mm1_harness *h, mm1_addr context)
{
    const struct mm1_step *step = mm1_harness_next(h);
    if (!is_of(step, MM1_STEP_WAIT, context)) {
        char wanted[MM1_STEP_TEXT_MAX];
        name_of("wait", context, wanted);
        fail_other(h, step, wanted);
    }
    return step;
}

const struct mm1_step *mm1_harness_expect_ended(struct mm1_harness *h, mm1_addr context,
                                                enum mm1_reason_kind reason)
{
    const struct mm1_step *step = mm1_harness_next(h);
    if (!is_of(step, MM1_STEP_ENDED, context) || step->reason.kind != reason) {
        char wanted[MM1_STEP_TEXT_MAX];
        struct words words = {.out = wanted};
        struct sim_harness_alloc alloc;
        sim_harness_alloc_init(&alloc, NULL, false);
        struct mm1_reason why = mm1_reason_of(reason);
        name_of("ended", context, wanted);
        words.used = strlen(wanted);
        say_reason(&words, &why, &alloc.base);
        sim_harness_alloc_close(&alloc);
        fail_other(h, step, wanted);
    }
    return step;
}

void mm1_harness_expect_rest(struct mm1_harness *h)
{
    const struct mm1_step *step = mm1_harness_next(h);
    if (step != NULL) {
        fail_other(h, step, "no step");
    }
}

const void *mm1_harness_expect_send(struct mm1_harness *h, mm1_addr to,
                                    const struct mm1_msg_type *type)
{
    const struct mm1_step *step = mm1_harness_next(h);
    if (step == NULL || step->kind != MM1_STEP_VERB || step->effect.kind != MM1_EFFECT_SEND ||
        !mm1_addr_equal(step->effect.target, to) || step->effect.type != type) {
        char wanted[MM1_STEP_TEXT_MAX];
        char addr[MM1_ADDR_TEXT_MAX];
        (void)mm1_addr_print(to, addr);
        (void)snprintf(wanted, sizeof(wanted), "send %s to %s", type->name, addr);
        fail_other(h, step, wanted);
    }
    return step->effect.msg;
}

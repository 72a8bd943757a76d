/* Events: what an actor's life looks like from outside. */
#include <stdio.h>

#include "core/core.h"

uint64_t mm1__emit_of(const struct mm1_actor *actor, struct mm1_event *event)
{
    struct mm1_trace *trace = mm1__node_of(actor)->env.trace;
    event->actor = actor->path;
    event->self = MM1_ADDR(mm1__address(actor));
    return trace->ops->emit(trace, event);
}

uint64_t mm1__emit(const struct mm1_ctx *ctx, struct mm1_event *event)
{
    if (!mm1__traced(ctx->node)) {
        return 0;
    }
    event->cause = ctx->cause;
    return mm1__emit_of(ctx->actor, event);
}

uint64_t mm1__emit_verb(const struct mm1_ctx *ctx, const struct mm1_effect *effect,
                        mm1_status status)
{
    if (!mm1__traced(ctx->node)) {
        return 0;
    }
    struct mm1_event event = {
        .kind = MM1_EVENT_VERB,
        .verb = (uint8_t)effect->kind,
        .status = status,
        .peer = effect->target,
        .number = effect->number,
        .type = effect->type,
        .msg = effect->msg,
        .encoded = effect->data,
        .reason = effect->reason,
    };
    return mm1__emit(ctx, &event);
}

void mm1_observe_any(struct mm1_ctx *ctx, const struct mm1_msg_type *type, const void *msg)
{
    if (!mm1__traced(ctx->node)) {
        return;
    }
    struct mm1_effect effect = {.kind = MM1_EFFECT_OBSERVE, .type = type, .msg = msg};
    struct mm1_answer answer;
    if (mm1__effect(ctx, &effect, &answer)) {
        struct mm1_event event = {.kind = MM1_EVENT_OBSERVE, .type = type, .msg = msg};
        (void)mm1__emit(ctx, &event);
    }
}

#define LOG_LINE_MAX 400

void mm1_log(struct mm1_ctx *ctx, enum mm1_log_level level, const char *format, ...)
{
    if (!mm1__traced(ctx->node)) {
        return;
    }
    char line[LOG_LINE_MAX + 1];
    va_list args;
    va_start(args, format);
    int size = vsnprintf(line, sizeof(line), format, args);
    va_end(args);
    size = size < 0 ? 0 : size > LOG_LINE_MAX ? LOG_LINE_MAX : size;
    struct mm1_event event = {
        .kind = MM1_EVENT_LOG,
        .number = (uint64_t)level,
        .text = {.data = line, .size = (size_t)size},
    };
    (void)mm1__emit(ctx, &event);
}

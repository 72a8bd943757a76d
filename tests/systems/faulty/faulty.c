/* A system that misbehaves as its argument says, on some seeds: for the tests of campaigns, traces and replays. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <mm1/function.h>
#include <mm1/system.h>

#ifndef FAULTY_ABI
#define FAULTY_ABI MM1_SYSTEM_ABI
#endif
#ifndef FAULTY_NAME
#define FAULTY_NAME "faulty"
#endif
#ifndef FAULTY_VERSION
#define FAULTY_VERSION "one"
#endif
#ifndef FAULTY_STEPS
#define FAULTY_STEPS 1
#endif

/* One seed in `one_in` misbehaves, after `steps` messages. */
#define FAULTY_ARGS_FIELDS(F) F(text, mode) F(u64, one_in) F(u64, steps)
MM1_MSG_DECLARE(faulty_args, FAULTY_ARGS_FIELDS)
MM1_MSG_DEFINE(faulty_args, "faulty::Args", FAULTY_ARGS_FIELDS)

#define FAULTY_STEP_FIELDS(F) F(u64, left)
MM1_MSG_DECLARE(faulty_step, FAULTY_STEP_FIELDS)
MM1_MSG_DEFINE(faulty_step, "faulty::Step", FAULTY_STEP_FIELDS)

#define FAULTY_SAW_FIELDS(F) F(text, what) F(u64, number)
MM1_MSG_DECLARE(faulty_saw, FAULTY_SAW_FIELDS)
MM1_MSG_DEFINE(faulty_saw, "faulty::Saw", FAULTY_SAW_FIELDS)

enum mode {
    CALM,
    CRASH,
    EXIT,
    SPIN,
    LIVELOCK,
    RESTLESS,
    LEAK,
    PLACE,
    VIOLATE,
    UNSURE,
    NOISY,
    OVERFLOW,
    DEEP,
};

static const char *const modes[] = {
    "calm",  "crash",   "exit",   "spin",  "livelock", "restless", "leak",
    "place", "violate", "unsure", "noisy", "overflow", "deep",
};

struct worker {
    enum mode mode;
    bool bad;
    uint64_t timer;
};

static mm1_status worker_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct worker *worker = state;
    const struct faulty_args *args = arg;
    bool known = false;
    for (size_t i = 0; i < MM1_COUNT_OF(modes); i++) {
        if (mm1_text_equal(args->mode, mm1_text_of(modes[i]))) {
            worker->mode = (enum mode)i;
            known = true;
        }
    }
    if (!known) {
        return MM1_INVALID;
    }
    worker->bad = mm1_random(ctx, args->one_in) == 0;
    return mm1_tell(ctx, mm1_self(ctx), faulty_step, .left = args->steps);
}

/* Calls itself until the stack ends. */
static __attribute__((noinline)) uint64_t dig(volatile uint64_t *above)
{
    volatile uint64_t frame[32];
    frame[0] = *above + 1;
    return *above == UINT64_MAX ? 0 : dig(frame) + frame[0];
}

/* Overflows a stack of its own, after a wait. */
static mm1_status diver_run(struct mm1_ctx *ctx, const void *arg)
{
    volatile uint64_t depth = 0;
    (void)arg;
    MM1_TRY(mm1_sleep(ctx, 1));
    return dig(&depth) == 0 ? MM1_INVALID : MM1_OK;
}

static const struct mm1_function diver = MM1_FUNCTION("diver", diver_run);

/* Not static, and not inlined: the crash is to be found in it by name. */
MM1_NODISCARD mm1_status faulty_misbehave(struct mm1_ctx *ctx, struct worker *worker);

__attribute__((noinline)) mm1_status faulty_misbehave(struct mm1_ctx *ctx, struct worker *worker)
{
    static uint64_t outlives_the_run;
    volatile uint64_t *nowhere = NULL;
    volatile uint64_t turns = 0;
    switch (worker->mode) {
    case CRASH:
        *nowhere = 1;
        return MM1_OK;
    case EXIT:
        exit(7);
    case SPIN:
        for (;;) {
            turns++;
        }
    case LIVELOCK:
        return mm1_tell(ctx, mm1_self(ctx), faulty_step, .left = 0);
    case RESTLESS:
        return mm1_after(ctx, 1000000000, &worker->timer, faulty_step, .left = 0);
    case LEAK:
        mm1_observe(ctx, faulty_saw, .what = MM1_TEXT("leak"), .number = outlives_the_run++);
        return MM1_OK;
    case PLACE:
        mm1_observe(ctx, faulty_saw, .what = MM1_TEXT("place"),
                    .number = (uint64_t)(uintptr_t)&outlives_the_run);
        return MM1_OK;
    case VIOLATE:
        mm1_observe(ctx, faulty_saw, .what = MM1_TEXT("bad"), .number = 1);
        return MM1_OK;
    case UNSURE:
        mm1_observe(ctx, faulty_saw, .what = MM1_TEXT("unsure"), .number = 1);
        return MM1_OK;
    case NOISY:
        (void)printf("on standard output\n");
        (void)fprintf(stderr, "on standard error\n");
        (void)fflush(stdout);
        return MM1_OK;
    case OVERFLOW:
        return dig(&turns) == 0 ? MM1_INVALID : MM1_OK;
    case DEEP: {
        mm1_addr out;
        return mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = &diver.behaviour}, &out);
    }
    default:
        return MM1_OK;
    }
}

static mm1_status worker_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct worker *worker = state;
    MM1_ON(envelope, faulty_step, m) {
        if (m->left > 0) {
            return mm1_tell(ctx, mm1_self(ctx), faulty_step, .left = m->left - FAULTY_STEPS);
        }
        mm1_observe(ctx, faulty_saw, .what = MM1_TEXT("end"), .number = 0);
        return worker->bad ? faulty_misbehave(ctx, worker) : MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour worker_behaviour = {
    .name = "worker",
    .state_size = sizeof(struct worker),
    .init = worker_init,
    .receive = worker_receive,
};

/* --- the property --------------------------------------------------------------------------------------------- */

struct goodness {
    uint64_t seen;
    bool unsure;
};

static enum mm1_verdict goodness_see(void *state, struct mm1_alloc *alloc,
                                     const struct mm1_sight *sight, struct mm1_finding *finding)
{
    struct goodness *goodness = state;
    (void)alloc;
    if (sight->event->kind != MM1_EVENT_OBSERVE || sight->event->type != &faulty_saw_type) {
        return MM1_PASS;
    }
    const struct faulty_saw *saw = sight->event->msg;
    goodness->seen++;
    goodness->unsure = goodness->unsure || mm1_text_equal(saw->what, MM1_TEXT("unsure"));
    if (mm1_text_equal(saw->what, MM1_TEXT("bad"))) {
        *finding = (struct mm1_finding){.text = "something bad was seen"};
        return MM1_VIOLATED;
    }
    return MM1_PASS;
}

static enum mm1_verdict goodness_end(void *state, struct mm1_alloc *alloc, uint64_t *evaluated,
                                     struct mm1_finding *finding)
{
    const struct goodness *goodness = state;
    (void)alloc;
    *evaluated = goodness->seen;
    if (goodness->unsure) {
        *finding = (struct mm1_finding){.text = "it could not be told"};
        return MM1_INCONCLUSIVE;
    }
    return MM1_PASS;
}

static const struct mm1_property properties[] = {
    {
        .name = "all-is-good",
        .about = "nothing bad is seen",
        .state_size = sizeof(struct goodness),
        .see = goodness_see,
        .end = goodness_end,
    },
};

static const struct mm1_role roles[] = {
    {
        .name = "worker",
        .about = "misbehaves as its argument says",
        .main = &worker_behaviour,
        .arg_type = &faulty_args_type,
    },
};

static const struct mm1_msg_type *const types[] = {&faulty_args_type, &faulty_step_type,
                                                   &faulty_saw_type};

extern const struct mm1_system mm1_system;
MM1_API const struct mm1_system mm1_system = {
    .abi = FAULTY_ABI,
    .name = FAULTY_NAME,
    .source_version = FAULTY_VERSION,
    .about = "a system that misbehaves",
    .types = types,
    .type_count = MM1_COUNT_OF(types),
    .roles = roles,
    .role_count = MM1_COUNT_OF(roles),
    .properties = properties,
    .property_count = MM1_COUNT_OF(properties),
};

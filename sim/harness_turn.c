/* The scheduler of a step harness: turns on stacks of their own, which stop at each visible verb. */
#include "sim/harness.h"

#define STACK_SIZE ((size_t)256 * 1024)

static struct mm1_harness *harness_of(struct mm1_sched *self)
{
    return MM1_CONTAINER_OF(self, struct mm1_harness, sched);
}

/* --- who is ready --------------------------------------------------------------------------------------------- */

static void line_up(struct mm1_harness *h, struct mm1_runnable *runnable)
{
    MM1_CHECK(runnable != NULL);
    runnable->next = NULL;
    *h->ready_last = runnable;
    h->ready_last = &runnable->next;
}

static struct mm1_runnable *first_ready(struct mm1_harness *h)
{
    struct mm1_runnable *runnable = h->ready_first;
    if (runnable != NULL) {
        h->ready_first = runnable->next;
        if (h->ready_first == NULL) {
            h->ready_last = &h->ready_first;
        }
    }
    return runnable;
}

static void sched_ready(struct mm1_sched *self, struct mm1_runnable *runnable)
{
    struct mm1_harness *h = harness_of(self);
    if (h->opening) {
        h->tester = runnable; /* the first actor of the node is being born */
    }
    if (runnable == h->tester) {
        h->tester_ready = true;
    } else {
        line_up(h, runnable);
    }
}

void sim_harness_run_tester(struct mm1_harness *h)
{
    while (h->tester_ready) {
        h->tester_ready = false;
        struct mm1_runnable *runnable = h->tester;
        enum mm1_turn outcome = mm1_runnable_turn(runnable);
        if (outcome == MM1_TURN_MORE && h->tester == NULL) {
            line_up(h, runnable); /* it was killed, and others wait for an answer of its slot */
        } else {
            h->tester_ready |= outcome == MM1_TURN_MORE;
        }
    }
}

/* --- verbs ---------------------------------------------------------------------------------------------------- */

static void verb_passes(struct sim_harness_turn *turn, const struct mm1_effect *effect)
{
    turn->fork_ends |= effect->kind == MM1_EFFECT_FORK_END;
}

static bool sched_effect(struct mm1_sched *self, struct mm1_runnable *runnable,
                         const struct mm1_effect *effect, struct mm1_answer *answer)
{
    struct mm1_harness *h = harness_of(self);
    struct sim_harness_turn *turn = h->turn;
    if (turn == NULL || turn->runnable != runnable) {
        return true; /* the test's own verb */
    }
    turn->step.context = runnable->context;
    if ((h->unseen >> effect->kind & 1) == 0) {
        turn->step.kind = MM1_STEP_VERB;
        turn->step.effect = *effect;
        turn->step.path = turn->path;
        turn->at = runnable->fiber;
        mm1_fiber_jump(turn->at, &h->self);
        if (turn->answered) {
            *answer = turn->answer;
            return false;
        }
    }
    verb_passes(turn, effect);
    return true;
}

/* What one actor sends another lands at once: the order of a node is the order of sending. */
static bool sched_hold(struct mm1_sched *self, struct mm1_node *node, void *signal, mm1_addr from,
                       mm1_addr to)
{
    (void)self;
    (void)node;
    (void)signal;
    (void)from;
    (void)to;
    return false;
}

static const struct mm1_sched_ops sched_ops = {
    .name = "harness",
    .ready = sched_ready,
    .effect = sched_effect,
    .hold = sched_hold,
};

void sim_harness_sched_init(struct mm1_harness *h)
{
    h->sched.ops = &sched_ops;
    h->ready_last = &h->ready_first;
    mm1_list_init(&h->turns);
    mm1_list_init(&h->idle);
    mm1_list_init(&h->held);
    mm1_list_init(&h->resumed);
    mm1_fiber_init_thread(&h->self);
}

/* --- turns ---------------------------------------------------------------------------------------------------- */

static void turn_main(void *arg)
{
    struct sim_harness_turn *turn = arg;
    turn->outcome = mm1_runnable_turn(turn->runnable);
}

static struct sim_harness_turn *turn_new(struct mm1_harness *h)
{
    struct mm1_list *idle = mm1_list_pop_front(&h->idle);
    if (idle != NULL) {
        return MM1_CONTAINER_OF(idle, struct sim_harness_turn, link);
    }
    struct sim_harness_turn *turn = mm1_take_zero(&h->own.base, sizeof(*turn));
    MM1_CHECK(turn != NULL);
    size_t size = h->options.stack_size == 0 ? STACK_SIZE : h->options.stack_size;
    MM1_CHECK(mm1_fiber_init(&turn->fiber, &h->own.base, size) == MM1_OK);
    turn->harness = h;
    mm1_list_init(&turn->link);
    mm1_list_push_back(&h->turns, &turn->all);
    return turn;
}

static struct sim_harness_turn *turn_begin(struct mm1_harness *h, struct mm1_runnable *runnable)
{
    struct sim_harness_turn *turn = turn_new(h);
    turn->runnable = runnable;
    turn->path = NULL;
    turn->handed = false;
    turn->ended = false;
    turn->fork_ends = false;
    turn->at = NULL;
    turn->step = (struct mm1_step){.kind = MM1_STEP_WAIT};
    mm1_fiber_set(&turn->fiber, turn_main, turn);
    runnable->fiber = &turn->fiber;
    return turn;
}

/* The step that a turn ends with, or null. */
static const struct mm1_step *turn_end(struct mm1_harness *h, struct sim_harness_turn *turn)
{
    struct mm1_runnable *runnable = turn->runnable;
    h->last = (struct mm1_step){
        .kind = MM1_STEP_WAIT,
        .actor = turn->step.actor,
        .context = turn->ended ? turn->step.actor : runnable->context,
        .path = turn->path,
    };
    if (turn->ended) {
        h->last.kind = MM1_STEP_ENDED;
        h->last.reason = turn->step.reason;
    } else if (turn->fork_ends) {
        h->last.kind = MM1_STEP_ENDED;
        h->last.reason = MM1_NORMAL;
    }
    h->last_path = turn->path;
    turn->path = NULL;
    runnable->fiber = NULL;
    if (turn->outcome == MM1_TURN_MORE) {
        line_up(h, runnable);
    }
    mm1_list_push_back(&h->idle, &turn->link);
    return turn->handed || turn->ended ? &h->last : NULL;
}

/* Runs a turn, or goes on with it, up to its next verb or its end. */
static const struct mm1_step *turn_go(struct mm1_harness *h, struct sim_harness_turn *turn)
{
    h->turn = turn;
    if (turn->at == NULL) {
        mm1_fiber_switch(&h->self, &turn->fiber);
    } else {
        mm1_fiber_jump(&h->self, turn->at);
    }
    h->turn = NULL;
    if (turn->fiber.finished) {
        return turn_end(h, turn);
    }
    h->current = turn;
    return &turn->step;
}

bool sim_harness_turns_close(struct mm1_harness *h)
{
    bool abandoned = false;
    MM1_LIST_FOREACH(link, &h->turns) {
        struct sim_harness_turn *turn = MM1_CONTAINER_OF(link, struct sim_harness_turn, all);
        abandoned |= turn->path != NULL;
        mm1_path_drop(turn->path);
        mm1_fiber_close(&turn->fiber);
        mm1_give(&h->own.base, turn, sizeof(*turn));
    }
    mm1_path_drop(h->last_path);
    h->last_path = NULL;
    return abandoned;
}

/* --- steps ---------------------------------------------------------------------------------------------------- */

static struct sim_harness_turn *next_turn(struct mm1_harness *h)
{
    struct mm1_list *resumed = mm1_list_pop_front(&h->resumed);
    if (resumed != NULL) {
        return MM1_CONTAINER_OF(resumed, struct sim_harness_turn, link);
    }
    (void)sim_harness_fire_due(h);
    struct mm1_runnable *runnable = first_ready(h);
    return runnable == NULL ? NULL : turn_begin(h, runnable);
}

const struct mm1_step *mm1_harness_next(struct mm1_harness *h)
{
    if (h->current != NULL) {
        char text[MM1_STEP_TEXT_MAX];
        (void)mm1_step_print(&h->current->step, text);
        sim_harness_fail(h, "the verb was neither passed, answered nor held: %s", text);
    }
    for (;;) {
        mm1_path_drop(h->last_path);
        h->last_path = NULL;
        sim_harness_run_tester(h);
        struct sim_harness_turn *turn = next_turn(h);
        if (turn == NULL && !sim_harness_pass_time(h)) {
            return NULL;
        }
        const struct mm1_step *step = turn == NULL ? NULL : turn_go(h, turn);
        if (step != NULL) {
            return step;
        }
    }
}

/* The turn whose verb is to be resolved; fails where there is none. */
static struct sim_harness_turn *take_current(struct mm1_harness *h)
{
    struct sim_harness_turn *turn = h->current;
    if (turn == NULL) {
        sim_harness_fail(h, "the last step is no verb, or it was resolved before");
    }
    h->current = NULL;
    return turn;
}

void mm1_harness_pass(struct mm1_harness *h)
{
    struct sim_harness_turn *turn = take_current(h);
    turn->answered = false;
    mm1_list_push_back(&h->resumed, &turn->link);
}

void mm1_harness_answer(struct mm1_harness *h, const struct mm1_answer *answer)
{
    struct sim_harness_turn *turn = take_current(h);
    turn->answered = true;
    turn->answer = *answer;
    mm1_list_push_back(&h->resumed, &turn->link);
}

void mm1_harness_hold(struct mm1_harness *h)
{
    mm1_list_push_back(&h->held, &take_current(h)->link);
}

const struct mm1_step *mm1_harness_take_up(struct mm1_harness *h, mm1_addr context)
{
    if (h->current != NULL) {
        sim_harness_fail(h, "another verb is to be resolved first");
    }
    MM1_LIST_FOREACH(link, &h->held) {
        struct sim_harness_turn *turn = MM1_CONTAINER_OF(link, struct sim_harness_turn, link);
        if (mm1_addr_equal(turn->step.context, context)) {
            mm1_list_remove(link);
            h->current = turn;
            return &turn->step;
        }
    }
    char text[MM1_ADDR_TEXT_MAX];
    (void)mm1_addr_print(context, text);
    sim_harness_fail(h, "%s is held in no verb", text);
}

void mm1_harness_unseen(struct mm1_harness *h, enum mm1_effect_kind kind, bool unseen)
{
    uint64_t bit = UINT64_C(1) << kind;
    h->unseen = unseen ? h->unseen | bit : h->unseen & ~bit;
}

#define RUN_MAX 1000000

size_t mm1_harness_run(struct mm1_harness *h)
{
    size_t steps = 0;
    const struct mm1_step *step;
    if (h->current != NULL) {
        mm1_harness_pass(h);
        steps++;
    }
    while ((step = mm1_harness_next(h)) != NULL) {
        if (step->kind == MM1_STEP_VERB) {
            mm1_harness_pass(h);
        }
        if (++steps == RUN_MAX) {
            sim_harness_fail(h, "a million steps, and still there are more");
        }
    }
    return steps;
}

void mm1_harness_advance(struct mm1_harness *h, uint64_t ns)
{
    h->target_ns = ns > UINT64_MAX - h->target_ns ? UINT64_MAX : h->target_ns + ns;
    if (h->ready_first == NULL && mm1_list_empty(&h->resumed)) {
        (void)sim_harness_pass_time(h);
    }
}

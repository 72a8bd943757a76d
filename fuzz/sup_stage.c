/* The stage: reads the case, starts its tree, says what each start comes to, and carries out the history where it is to
 * play by itself. */
#include <mm1/function.h>

#include "base/tree.h"
#include "fuzz/sup_actors.h"

/* To itself: the next step. */
MM1_MSG_DECLARE_UNIT(sup_next)

MM1_MSG_DEFINE_UNIT(sup_next, "sup::Next")
MM1_MSG_DEFINE_UNIT(sup_played, "sup::Played")
MM1_MSG_DEFINE(sup_stage_arg, "sup::StageArg", SUP_STAGE_ARG_FIELDS)
MM1_MSG_DEFINE(sup_worker_arg, "sup::WorkerArg", SUP_WORKER_ARG_FIELDS)
MM1_MSG_DEFINE(sup_caller_arg, "sup::CallerArg", SUP_CALLER_ARG_FIELDS)
MM1_MSG_DEFINE(sup_stranger_arg, "sup::StrangerArg", SUP_STRANGER_ARG_FIELDS)
MM1_MSG_DEFINE(sup_hello, "sup::Hello", SUP_HELLO_FIELDS)
MM1_MSG_DEFINE(sup_go, "sup::Go", SUP_GO_FIELDS)
MM1_MSG_DEFINE(sup_wake, "sup::Wake", SUP_WAKE_FIELDS)
MM1_MSG_DEFINE(sup_do_exit, "sup::DoExit", SUP_DO_EXIT_FIELDS)
MM1_MSG_DEFINE(sup_plan, "sup::Plan", SUP_PLAN_FIELDS)
MM1_MSG_DEFINE(sup_do_call, "sup::DoCall", SUP_DO_CALL_FIELDS)
MM1_MSG_DEFINE(sup_root_exit, "sup::RootExit", SUP_ROOT_EXIT_FIELDS)
MM1_MSG_DEFINE(sup_called, "sup::Called", SUP_CALLED_FIELDS)
MM1_MSG_DEFINE(sup_began, "sup::Began", SUP_BEGAN_FIELDS)

const struct mm1_msg_type *const sup_stage_types[SUP_STAGE_TYPE_COUNT] = {
    &sup_stage_arg_type, &sup_worker_arg_type, &sup_caller_arg_type, &sup_stranger_arg_type,
    &sup_hello_type,     &sup_go_type,         &sup_wake_type,       &sup_do_exit_type,
    &sup_plan_type,      &sup_do_call_type,    &sup_called_type,     &sup_began_type,
    &sup_played_type,    &sup_next_type,       &sup_root_exit_type,
};
const size_t sup_stage_type_count = SUP_STAGE_TYPE_COUNT;

/* How many members may greet at once. */
#define STAGE_INBOX (1u << 24)

/* What the next starts of an id come to. */
struct plan {
    struct plan *next;
    const struct sup_event *event;
    uint64_t left;
};

struct member {
    struct mm1_tree_node by_id;
    struct mm1_text id;
    mm1_addr self; /* the latest of that id; 0: none yet */
    struct plan *first;
    struct plan *last;
};

struct stage {
    struct mm1__arena arena;
    struct sup_cases cases; /* zero until it was read */
    const struct sup_case *the_case;
    struct mm1_tree members;
    struct mm1_start start;
    mm1_addr root;
    bool plays;
    size_t step; /* the next one */
};

/* --- members and plans ---------------------------------------------------------------------------------------- */

static struct member *member_at(const struct mm1_tree_node *node)
{
    return node == NULL ? NULL : MM1_CONTAINER_OF(node, struct member, by_id);
}

static int compare_id(const void *key, const struct mm1_tree_node *node)
{
    return mm1_text_compare(*(const struct mm1_text *)key, member_at(node)->id);
}

static int compare_members(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    return compare_id(&member_at(a)->id, b);
}

static struct member *find(const struct stage *stage, const char *id)
{
    struct mm1_text key = mm1_text_of(id);
    return member_at(mm1_tree_find(&stage->members, &key, compare_id));
}

/* Where the latest member of that id is; 0: there was none. */
static mm1_addr where(const struct stage *stage, const char *id)
{
    const struct member *member = find(stage, id);
    return member == NULL ? MM1_ADDR(0) : member->self;
}

/* The member of that id, made when it is new; null: no memory. */
static struct member *enter(struct stage *stage, struct mm1_text id)
{
    struct member *member = member_at(mm1_tree_find(&stage->members, &id, compare_id));
    if (member != NULL) {
        return member;
    }
    member = mm1__arena_array(&stage->arena, 1, sizeof(*member));
    char *copy = mm1__arena_text(&stage->arena, id);
    if (member == NULL || copy == NULL) {
        return NULL;
    }
    member->id = (struct mm1_text){.data = copy, .size = id.size};
    (void)mm1_tree_insert(&stage->members, &member->by_id);
    return member;
}

/* `event` stays. */
static mm1_status add_plan(struct stage *stage, const struct sup_event *event)
{
    if (event->count == 0) {
        return MM1_OK;
    }
    struct member *member = enter(stage, mm1_text_of(event->id));
    struct plan *plan = mm1__arena_array(&stage->arena, 1, sizeof(*plan));
    if (member == NULL || plan == NULL) {
        return MM1_NOMEM;
    }
    *plan = (struct plan){.event = event, .left = event->count};
    if (member->first == NULL) {
        member->first = plan;
    } else {
        member->last->next = plan;
    }
    member->last = plan;
    return MM1_OK;
}

static struct sup_go go_of(const struct sup_event *event)
{
    switch (event->kind) {
    case SUP_EV_FAIL:
        return (struct sup_go){.what = event->ignore ? SUP_GO_IGNORE : SUP_GO_ERROR};
    case SUP_EV_DIE:
        return (struct sup_go){.what = SUP_GO_DIE,
                               .exit = (uint8_t)event->exit,
                               .exit_text = mm1_text_of(event->exit_text)};
    case SUP_EV_SLOW:
        return (struct sup_go){.what = SUP_GO_SLOW, .slow = event->ns};
    case SUP_EV_HANG:
        return (struct sup_go){.what = SUP_GO_HANG};
    default:
        return (struct sup_go){.what = SUP_GO_RUN};
    }
}

static mm1_status on_hello(struct mm1_ctx *ctx, struct stage *stage, const struct sup_hello *hello)
{
    struct member *member = enter(stage, hello->id);
    if (member == NULL) {
        return MM1_NOMEM;
    }
    struct sup_go go = {.what = SUP_GO_RUN};
    struct plan *plan = member->first;
    member->self = hello->self;
    if (plan != NULL) {
        go = go_of(plan->event);
        if (--plan->left == 0) {
            member->first = plan->next;
        }
    }
    return mm1_send(ctx, hello->self, &sup_go_type, &go, NULL);
}

static bool is_plan(enum sup_event_kind kind)
{
    return kind == SUP_EV_FAIL || kind == SUP_EV_DIE || kind == SUP_EV_SLOW || kind == SUP_EV_HANG;
}

static mm1_status on_plan(struct stage *stage, const struct sup_plan *plan)
{
    struct sup_event *event = mm1__arena_array(&stage->arena, 1, sizeof(*event));
    if (event == NULL) {
        return MM1_NOMEM;
    }
    MM1_TRY(sup_event_read(&stage->arena, stage->the_case, plan->event, event));
    return is_plan(event->kind) ? add_plan(stage, event) : MM1_INVALID;
}

/* --- calls ---------------------------------------------------------------------------------------------------- */

/* The template of a simple supervisor; null: it is not simple, or has none. */
static const struct sup_member *template_of(const struct sup_case *the_case,
                                            const struct sup_member *supervisor)
{
    size_t index = (size_t)(supervisor - the_case->members);
    for (size_t i = 1; i < the_case->member_count && supervisor->strategy == SUP_SIMPLE; i++) {
        if (the_case->members[i].parent == index) {
            return &the_case->members[i];
        }
    }
    return NULL;
}

static mm1_status call(struct mm1_ctx *ctx, const struct stage *stage,
                       const struct sup_event *event, uint64_t number, mm1_addr supervisor,
                       mm1_addr target)
{
    struct sup_asked asked = {
        .event = event, .number = number, .supervisor = supervisor, .target = target};
    const struct sup_member *member = sup_case_member(stage->the_case, event->id);
    const struct sup_member *model = member == NULL ? NULL : template_of(stage->the_case, member);
    asked.simple = member != NULL && member->strategy == SUP_SIMPLE;
    if (model != NULL) {
        asked.term = model->term;
        asked.slow_ms = model->slow_ms;
    }
    return sup_ask(ctx, &asked);
}

static mm1_status on_call(struct mm1_ctx *ctx, const struct stage *stage,
                          const struct sup_do_call *m)
{
    struct mm1__arena arena;
    struct sup_event event;
    mm1__arena_init(&arena);
    mm1_status status = sup_event_read(&arena, stage->the_case, m->event, &event);
    if (status == MM1_OK) {
        mm1_addr target = m->target.some ? m->target.value : MM1_ADDR(0);
        status = call(ctx, stage, &event, m->number, m->supervisor, target);
    }
    mm1__arena_close(&arena);
    return status;
}

/* What has no effect on somebody who is not there. */
static mm1_status unless_gone(mm1_status status)
{
    return status == MM1_NOPROC ? MM1_OK : status;
}

static mm1_status on_root_exit(struct mm1_ctx *ctx, const struct stage *stage,
                               const struct sup_root_exit *order)
{
    char text[MM1_REASON_TEXT_MAX] = "";
    size_t size = order->text.size < sizeof(text) ? order->text.size : sizeof(text) - 1;
    if (size != 0) {
        memcpy(text, order->text.data, size);
    }
    return unless_gone(mm1_exit(ctx, stage->root, sup_reason_of((enum sup_exit)order->exit, text)));
}

/* --- the history ---------------------------------------------------------------------------------------------- */

static mm1_status play_exit(struct mm1_ctx *ctx, const struct stage *stage,
                            const struct sup_event *event)
{
    const struct sup_member *member = sup_case_member(stage->the_case, event->id);
    mm1_addr peer = where(stage, event->id);
    if (peer.bits == 0) {
        return MM1_OK;
    }
    if (event->exit == SUP_EXIT_KILL) {
        (void)mm1_kill(ctx, peer);
        return MM1_OK;
    }
    if (member != NULL && member->is_supervisor) {
        /* The stage is the root's parent, which is obeyed. */
        return sup_strange_exit(ctx, peer, sup_reason_of(event->exit, event->exit_text));
    }
    return mm1_tell(ctx, peer, sup_do_exit, .exit = (uint8_t)event->exit,
                    .text = mm1_text_of(event->exit_text));
}

static mm1_status play_event(struct mm1_ctx *ctx, struct stage *stage,
                             const struct sup_event *event)
{
    switch (event->kind) {
    case SUP_EV_EXIT:
        return play_exit(ctx, stage, event);
    case SUP_EV_SUP_EXIT:
        if (event->exit == SUP_EXIT_KILL) {
            (void)mm1_kill(ctx, stage->root);
            return MM1_OK;
        }
        return unless_gone(
            mm1_exit(ctx, stage->root, sup_reason_of(event->exit, event->exit_text)));
    case SUP_EV_FAIL:
    case SUP_EV_DIE:
    case SUP_EV_SLOW:
    case SUP_EV_HANG:
        return add_plan(stage, event);
    case SUP_EV_START_CHILD:
    case SUP_EV_TERMINATE_CHILD:
    case SUP_EV_DELETE_CHILD:
    case SUP_EV_RESTART_CHILD:
    case SUP_EV_CHILDSPEC:
    case SUP_EV_WHICH:
    case SUP_EV_COUNT: {
        uint64_t number = (uint64_t)(event - stage->the_case->events);
        mm1_addr target = event->child == NULL ? MM1_ADDR(0) : where(stage, event->child);
        return call(ctx, stage, event, number, where(stage, event->id), target);
    }
    case SUP_EV_ADVANCE:
    case SUP_EV_WAIT:
        return MM1_OK; /* its time passes behind the step */
    }
    return MM1_INVALID;
}

/* One step, in one turn; then the next, in another, or when its time has passed. */
static mm1_status play(struct mm1_ctx *ctx, struct stage *stage)
{
    const struct sup_case *the_case = stage->the_case;
    if (stage->step == the_case->step_count) {
        mm1_observe(ctx, sup_played, .mm1_unit = 0);
        return MM1_OK;
    }
    const struct sup_step *step = &the_case->steps[stage->step++];
    uint64_t wait_ns = 0;
    uint64_t timer;
    for (size_t i = 0; i < step->count; i++) {
        const struct sup_event *event = &the_case->events[step->first + i];
        if (event->kind == SUP_EV_WAIT || event->kind == SUP_EV_ADVANCE) {
            wait_ns = event->ns > UINT64_MAX - wait_ns ? UINT64_MAX : wait_ns + event->ns;
        }
        MM1_TRY(play_event(ctx, stage, event));
    }
    return wait_ns == 0 ? mm1_tell(ctx, mm1_self(ctx), sup_next, .mm1_unit = 0)
                        : mm1_after(ctx, wait_ns, &timer, sup_next, .mm1_unit = 0);
}

/* --- the actor ------------------------------------------------------------------------------------------------ */

static mm1_status read_case(struct mm1_ctx *ctx, struct stage *stage,
                            const struct sup_stage_arg *arg)
{
    char error[SUP_CASE_ERROR_MAX];
    struct sup_cases cases;
    mm1_status status =
        sup_cases_read(&stage->arena.base, arg->script, "script", true, &cases, error);
    if (status == MM1_INVALID) {
        mm1_log(ctx, MM1_LOG_ERROR, "%s", error);
    }
    MM1_TRY(status);
    stage->cases = cases;
    stage->the_case = stage->cases.cases;
    if (stage->cases.count != 1) {
        mm1_log(ctx, MM1_LOG_ERROR, "script: %zu cases, expected one", stage->cases.count);
        return MM1_INVALID;
    }
    return MM1_OK;
}

static mm1_status start_root(struct mm1_ctx *ctx, struct stage *stage)
{
    const struct mm1_tree_spec *tree = sup_tree_of(&stage->arena, stage->the_case, 0);
    if (tree == NULL) {
        return MM1_NOMEM;
    }
    struct mm1_spawn spawn = {.behaviour = &sup_gated.behaviour,
                              .name = stage->the_case->members[0].id,
                              .arg_type = &mm1_tree_spec_type,
                              .arg = tree,
                              .link = true};
    MM1_TRY(mm1_start_begin(ctx, &stage->start, &spawn, MM1_FOREVER));
    stage->root = stage->start.child;
    return MM1_OK;
}

static mm1_status stage_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct stage *stage = state;
    const struct sup_stage_arg *said = arg;
    mm1__arena_init(&stage->arena);
    stage->members = MM1_TREE(compare_members);
    if (said == NULL) {
        return MM1_INVALID;
    }
    stage->plays = said->plays;
    mm1_trap_exit(ctx, true);
    MM1_TRY(read_case(ctx, stage, said));
    for (size_t i = 0; i < stage->the_case->pre_count; i++) {
        MM1_TRY(add_plan(stage, &stage->the_case->pre[i]));
    }
    MM1_TRY(mm1_bind(ctx, (struct mm1_net){.addr = SUP_STAGE_ADDR, .mask = 64}, STAGE_INBOX));
    return start_root(ctx, stage);
}

/* The root stands, or does not. */
static mm1_status began(struct mm1_ctx *ctx, struct stage *stage)
{
    const struct mm1_start *start = &stage->start;
    struct sup_began said = {.root = stage->root, .ignored = start->ignored};
    if (start->status != MM1_OK) {
        said.why.some = true;
        said.why.value = mm1_why_of(&start->reason);
        stage->step = stage->the_case->step_count; /* nobody is there to play with */
    }
    mm1_observe_any(ctx, &sup_began_type, &said);
    return stage->plays ? play(ctx, stage) : MM1_OK;
}

static mm1_status stage_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    struct stage *stage = state;
    enum mm1_call start = mm1_start_take(ctx, &stage->start, envelope);
    if (start != MM1_CALL_NOT_MINE) {
        return start == MM1_CALL_DONE ? began(ctx, stage) : MM1_OK;
    }
    MM1_ON(envelope, sup_hello, hello) {
        return on_hello(ctx, stage, hello);
    }
    MM1_ON(envelope, sup_plan, plan) {
        return on_plan(stage, plan);
    }
    MM1_ON(envelope, sup_do_call, m) {
        return on_call(ctx, stage, m);
    }
    MM1_ON(envelope, sup_root_exit, order) {
        return on_root_exit(ctx, stage, order);
    }
    MM1_ON(envelope, sup_next, next) {
        return play(ctx, stage);
    }
    MM1_ON(envelope, mm1_exited, exited) {
        /* The root's end is seen by whoever watches; who else says so means the stage. */
        if (!mm1_addr_equal(exited->peer, stage->root)) {
            mm1_quit(ctx, mm1_reason_of_why(&exited->why));
        }
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static void stage_fini(void *state)
{
    struct stage *stage = state;
    sup_cases_close(&stage->cases);
    mm1__arena_close(&stage->arena);
}

const struct mm1_behaviour sup_stage = {.name = "sup_stage",
                                        .state_size = sizeof(struct stage),
                                        .init = stage_init,
                                        .receive = stage_receive,
                                        .fini = stage_fini,
                                        .abandon = stage_fini};

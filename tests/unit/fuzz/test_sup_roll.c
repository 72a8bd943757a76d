/* The roll: who lives and under which number, from events alone. */
#include <mm1/sched.h>

#include "fuzz/sup_roll.h"
#include "fuzz/sup_stage.h"
#include "mm1_test.h"
#include "test_alloc.h"

static struct test_alloc alloc;
static struct sup_roll roll;

static void begin(void)
{
    test_alloc_init(&alloc);
    sup_roll_init(&roll, &alloc.base);
}

static void done(void)
{
    sup_roll_close(&roll);
    cr_assert_eq(alloc.live, 0);
}

TestSuite(sup_roll, .init = begin, .fini = done);

static struct sup_process *see(const struct mm1_event *event)
{
    struct sup_process *process;
    cr_assert_eq(sup_roll_see(&roll, event, &process), MM1_OK);
    return process;
}

static mm1_status see_birth(uint64_t parent, uint64_t child, const char *behaviour,
                            const char *name, struct sup_process **process)
{
    struct mm1_path *path = mm1_path_new(&alloc.base, NULL, mm1_text_of(name), true, 1);
    cr_assert_not_null(path);
    const struct mm1_event event = {.kind = MM1_EVENT_SPAWN,
                                    .self = {parent},
                                    .peer = {child},
                                    .other = path,
                                    .text = mm1_text_of(behaviour)};
    mm1_status status = sup_roll_see(&roll, &event, process);
    mm1_path_drop(path);
    return status;
}

static struct sup_process *born(uint64_t parent, uint64_t child, const char *behaviour,
                                const char *name)
{
    struct sup_process *process;
    cr_assert_eq(see_birth(parent, child, behaviour, name, &process), MM1_OK);
    return process;
}

static struct sup_process *says(uint64_t self, enum mm1_effect_kind verb)
{
    return see(&(struct mm1_event){
        .kind = MM1_EVENT_VERB, .verb = (uint8_t)verb, .self = {self}, .status = MM1_NOT_FOUND});
}

static struct sup_process *ends(uint64_t self, struct mm1_reason reason)
{
    return see(&(struct mm1_event){.kind = MM1_EVENT_EXIT, .self = {self}, .reason = &reason});
}

Test(sup_roll, members_have_numbers_when_they_are_ready)
{
    struct sup_process *root = born(1, 100, SUP_SUPERVISOR_NAME, "root");
    struct sup_process *first = born(100, 200, SUP_WORKER_NAME, "a");
    cr_assert(root->is_supervisor && !first->is_supervisor);
    cr_assert_eq(first->parent, 100);
    cr_assert_str_eq(first->id, "a");
    cr_assert_eq(first->number, 0);
    cr_assert_null(sup_roll_id(&roll, "a")->last);
    cr_assert_eq(says(200, MM1_EFFECT_INIT_DONE), first);
    cr_assert_eq(first->number, 1);
    cr_assert_null(says(200, MM1_EFFECT_INIT_DONE)); /* the first word counts */
    cr_assert_null(says(200, MM1_EFFECT_SEND));
    cr_assert_eq(ends(200, mm1_reason_error(1, "boom")), first);
    cr_assert(first->ended);
    cr_assert_str_eq(first->reason.text, "boom");
    cr_assert_null(ends(200, MM1_NORMAL));

    struct sup_process *failed = born(100, 300, SUP_WORKER_NAME, "a");
    cr_assert_eq(ends(300, MM1_NORMAL), failed);
    struct sup_process *second = born(100, 400, SUP_WORKER_NAME, "a");
    cr_assert_eq(says(400, MM1_EFFECT_INIT_DONE), second);
    cr_assert_eq(second->number, 2);
    cr_assert_eq(sup_roll_id(&roll, "a")->last, second);
    cr_assert_eq(sup_roll_id(&roll, "a")->started, 2);
    cr_assert_eq(roll.first, root);
    cr_assert_eq(root->next, first);
    cr_assert_eq(roll.youngest, second);
}

Test(sup_roll, who_ignores_is_not_ready)
{
    struct sup_process *process = born(1, 100, SUP_WORKER_NAME, "a");
    cr_assert_eq(says(100, MM1_EFFECT_INIT_IGNORE), process);
    cr_assert(process->ignored && !process->ready);
    cr_assert_null(says(100, MM1_EFFECT_INIT_DONE));
    cr_assert_eq(sup_roll_id(&roll, "a")->started, 0);
}

Test(sup_roll, others_are_no_members)
{
    cr_assert_null(born(1, 100, "sup_caller", "a"));
    cr_assert_null(says(100, MM1_EFFECT_INIT_DONE));
    cr_assert_null(ends(100, MM1_NORMAL));
    cr_assert_null(sup_roll_id(&roll, "a"));
    cr_assert_null(sup_roll_find(&roll, 100));
}

Test(sup_roll, an_address_that_is_back_is_somebody_else)
{
    struct sup_process *before = born(1, 100, SUP_WORKER_NAME, "a");
    (void)ends(100, MM1_NORMAL);
    struct sup_process *after = born(1, 100, SUP_WORKER_NAME, "b");
    cr_assert_neq(before, after);
    cr_assert_eq(sup_roll_find(&roll, 100), after);
    cr_assert_eq(says(100, MM1_EFFECT_INIT_DONE), after);
    cr_assert(before->ended && !before->ready);
}

Test(sup_roll, who_is_to_end_at_once_is_known)
{
    struct sup_process *process = born(1, 100, SUP_WORKER_NAME, "a");
    const struct sup_go run = {.what = SUP_GO_RUN};
    const struct sup_go die = {.what = SUP_GO_DIE};
    struct mm1_event event = {
        .kind = MM1_EVENT_RECEIVE, .self = {100}, .type = &sup_go_type, .msg = &run};
    cr_assert_null(see(&event));
    cr_assert(!process->dying);
    event.msg = &die;
    cr_assert_null(see(&event));
    cr_assert(process->dying);
}

Test(sup_roll, refused_memory_changes_nothing)
{
    for (size_t k = 2; k < 5; k++) { /* the first one is the path's */
        struct sup_process *process;
        test_alloc_fail_at(&alloc, k);
        cr_assert_eq(see_birth(1, 100, SUP_WORKER_NAME, "a", &process), MM1_NOMEM);
        cr_assert_null(sup_roll_find(&roll, 100));
    }
    test_alloc_fail_at(&alloc, 0);
    cr_assert_not_null(born(1, 100, SUP_WORKER_NAME, "a"));
}

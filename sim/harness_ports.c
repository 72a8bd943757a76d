/* What actors under a step harness see of the world: memory that is counted, a clock that the test moves, chance that
 * the test may script, and a trace that tells the harness about turns and ends. */
#include <stdio.h>
#include <stdlib.h>

#include "base/order.h"
#include "base/prng.h"
#include "sim/harness.h"

/* --- memory --------------------------------------------------------------------------------------------------- */

struct block {
    _Alignas(max_align_t) struct mm1_list link;
    size_t size;
    uint64_t number; /* of the request, where it was made in a turn */
};

static struct sim_harness_alloc *alloc_of(struct mm1_alloc *base)
{
    return MM1_CONTAINER_OF(base, struct sim_harness_alloc, base);
}

/* Counts a request; false: it is to be refused. */
static bool granted(struct sim_harness_alloc *alloc, size_t size)
{
    MM1_CHECK(size > 0);
    if (!alloc->counts || alloc->harness->turn == NULL) {
        return true;
    }
    return ++alloc->requests != alloc->fail_at;
}

static void *alloc_take(struct mm1_alloc *base, size_t size)
{
    struct sim_harness_alloc *alloc = alloc_of(base);
    if (!granted(alloc, size) || size > SIZE_MAX / 2) {
        return NULL;
    }
    struct block *block = malloc(sizeof(*block) + size);
    if (block == NULL) {
        return NULL;
    }
    block->size = size;
    block->number = alloc->counts && alloc->harness->turn != NULL ? alloc->requests : 0;
    mm1_list_push_back(&alloc->blocks, &block->link);
    alloc->block_count++;
    alloc->bytes += size;
    /* A read of what nobody wrote is to show. */
    memset(block + 1, 0xa5, size);
    return block + 1;
}

static void alloc_give(struct mm1_alloc *base, void *memory, size_t size)
{
    struct sim_harness_alloc *alloc = alloc_of(base);
    struct block *block = (struct block *)memory - 1;
    MM1_CHECK(block->size == size);
    mm1_list_remove(&block->link);
    alloc->block_count--;
    alloc->bytes -= size;
    memset(memory, 0x5a, size);
    free(block);
}

static void *alloc_take_stack(struct mm1_alloc *base, size_t size, size_t *usable, bool *guarded)
{
    struct sim_harness_alloc *alloc = alloc_of(base);
    if (!granted(alloc, size)) {
        return NULL;
    }
    void *stack = mm1__stacks_take(&alloc->stacks, size, usable, guarded);
    alloc->stack_count += stack == NULL ? 0 : 1;
    return stack;
}

static void alloc_give_stack(struct mm1_alloc *base, void *stack, size_t usable)
{
    struct sim_harness_alloc *alloc = alloc_of(base);
    MM1_CHECK(alloc->stack_count > 0);
    alloc->stack_count--;
    mm1__stacks_give(&alloc->stacks, stack, usable);
}

static const struct mm1_alloc_ops alloc_ops = {
    .name = "harness",
    .take = alloc_take,
    .give = alloc_give,
    .take_stack = alloc_take_stack,
    .give_stack = alloc_give_stack,
};

/* Where a guard costs mappings, so many stacks have one. */
#define GUARDS_MAX 1000

void sim_harness_alloc_init(struct sim_harness_alloc *alloc, struct mm1_harness *h, bool counts)
{
    *alloc =
        (struct sim_harness_alloc){.base = {.ops = &alloc_ops}, .harness = h, .counts = counts};
    mm1_list_init(&alloc->blocks);
    mm1__stacks_init(&alloc->stacks, MM1__STACK_GUARD_BEST, GUARDS_MAX);
}

void sim_harness_alloc_close(struct sim_harness_alloc *alloc)
{
    MM1_LIST_FOREACH(link, &alloc->blocks) {
        free(MM1_CONTAINER_OF(link, struct block, link));
    }
    mm1__stacks_close(&alloc->stacks);
}

void sim_harness_leak_print(const struct sim_harness_alloc *alloc, char *out, size_t size)
{
    int used = snprintf(out, size, "not given back: %zu blocks of memory (%zu bytes), %zu stacks",
                        alloc->block_count, alloc->bytes, alloc->stack_count);
    if (!mm1_list_empty(&alloc->blocks) && used > 0 && (size_t)used < size) {
        const struct block *first = MM1_CONTAINER_OF(alloc->blocks.next, const struct block, link);
        snprintf(out + used, size - (size_t)used, "; the oldest block, %zu bytes, was request %llu",
                 first->size, (unsigned long long)first->number);
    }
}

/* --- time ----------------------------------------------------------------------------------------------------- */

/* What the clock keeps in struct mm1_timer.port. */
struct slot {
    struct mm1_tree_node node;
    uint64_t seq;
};
_Static_assert(sizeof(struct slot) <= sizeof(((struct mm1_timer *)NULL)->port),
               "a timer has too little room");

static struct mm1_harness *harness_of_clock(struct mm1_clock *self)
{
    return MM1_CONTAINER_OF(self, struct mm1_harness, clock);
}

static struct slot *slot_of(struct mm1_timer *timer)
{
    return (struct slot *)(void *)timer->port;
}

static struct mm1_timer *timer_of(const struct mm1_tree_node *node)
{
    struct slot *slot = MM1_CONTAINER_OF(node, struct slot, node);
    return MM1_CONTAINER_OF(slot, struct mm1_timer, port);
}

static int compare_timers(const struct mm1_tree_node *a, const struct mm1_tree_node *b)
{
    struct mm1_timer *left = timer_of(a);
    struct mm1_timer *right = timer_of(b);
    int order = mm1__order_u64(left->due_ns, right->due_ns);
    return order != 0 ? order : mm1__order_u64(slot_of(left)->seq, slot_of(right)->seq);
}

static uint64_t clock_monotonic(struct mm1_clock *self)
{
    return harness_of_clock(self)->now_ns;
}

static uint64_t clock_wall(struct mm1_clock *self)
{
    const struct mm1_harness *h = harness_of_clock(self);
    return h->options.wall_ns + (h->now_ns - h->options.start_ns);
}

static void clock_arm(struct mm1_clock *self, struct mm1_timer *timer)
{
    struct mm1_harness *h = harness_of_clock(self);
    *slot_of(timer) = (struct slot){.seq = h->timer_seq++};
    MM1_CHECK(mm1_tree_insert(&h->timers, &slot_of(timer)->node) == NULL);
}

static bool clock_cancel(struct mm1_clock *self, struct mm1_timer *timer)
{
    struct mm1_tree_node *node = &slot_of(timer)->node;
    if (!mm1_tree_linked(node)) {
        return false;
    }
    mm1_tree_remove(&harness_of_clock(self)->timers, node);
    return true;
}

static uint64_t clock_next_due(struct mm1_clock *self)
{
    MM1_TREE_FOREACH(node, &harness_of_clock(self)->timers) {
        if (!timer_of(node)->background) {
            return timer_of(node)->due_ns;
        }
    }
    return UINT64_MAX;
}

static const struct mm1_clock_ops clock_ops = {
    .name = "harness",
    .monotonic = clock_monotonic,
    .wall = clock_wall,
    .arm = clock_arm,
    .cancel = clock_cancel,
    .next_due = clock_next_due,
};

bool sim_harness_fire_due(struct mm1_harness *h)
{
    bool fired = false;
    struct mm1_tree_node *node;
    while ((node = mm1_tree_first(&h->timers)) != NULL && timer_of(node)->due_ns <= h->now_ns) {
        mm1_tree_remove(&h->timers, node);
        timer_of(node)->fire(timer_of(node));
        fired = true;
    }
    return fired;
}

bool sim_harness_pass_time(struct mm1_harness *h)
{
    struct mm1_tree_node *node = mm1_tree_first(&h->timers);
    if (node == NULL || timer_of(node)->due_ns > h->target_ns) {
        h->now_ns = h->target_ns;
        return false;
    }
    if (timer_of(node)->due_ns > h->now_ns) {
        h->now_ns = timer_of(node)->due_ns;
    }
    return sim_harness_fire_due(h);
}

/* --- chance --------------------------------------------------------------------------------------------------- */

static uint64_t random_draw(struct mm1_random *self, enum mm1_random_purpose purpose,
                            uint64_t entity, uint64_t nth, uint64_t n)
{
    struct mm1_harness *h = MM1_CONTAINER_OF(self, struct mm1_harness, random);
    if (purpose == MM1_RANDOM_USER && h->draws_used < h->options.draw_count) {
        uint64_t drawn = h->options.draws[h->draws_used++];
        return n == 0 ? drawn : drawn % n;
    }
    return mm1_prng_below(mm1_prng_word(h->options.seed, (uint64_t)purpose, entity, nth), n);
}

static const struct mm1_random_ops random_ops = {.name = "harness", .draw = random_draw};

/* --- what the node says --------------------------------------------------------------------------------------- */

static void note_log(struct mm1_harness *h, const struct mm1_event *event)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    MM1_CHECK(event->number < MM1_COUNT_OF(levels));
    MM1_CHECK(mm1_buf_format(&h->log, "%s %.*s\n", levels[event->number], (int)event->text.size,
                             event->text.data) == MM1_OK);
}

static void note_end(struct mm1_harness *h, const struct mm1_event *event)
{
    struct sim_harness_turn *turn = h->turn;
    if (h->tester != NULL && mm1_addr_equal(event->self, h->tester_addr)) {
        h->tester = NULL;
    } else if (turn != NULL) {
        turn->ended = true;
        turn->step.reason = *event->reason;
    }
}

/* Whose turn it is: known from the first event of the turn. */
static void note_turn(struct sim_harness_turn *turn, const struct mm1_event *event)
{
    if (turn->path == NULL) {
        turn->path = mm1_path_hold((struct mm1_path *)(uintptr_t)event->actor);
        turn->step.actor = event->self;
    }
}

static uint64_t trace_emit(struct mm1_trace *self, const struct mm1_event *event)
{
    struct mm1_harness *h = MM1_CONTAINER_OF(self, struct mm1_harness, trace);
    bool begins = event->kind == MM1_EVENT_START || event->kind == MM1_EVENT_RECEIVE;
    if (h->turn != NULL && (begins || event->kind == MM1_EVENT_EXIT)) {
        note_turn(h->turn, event);
        h->turn->handed |= begins;
    }
    if (event->kind == MM1_EVENT_EXIT) {
        note_end(h, event);
    } else if (event->kind == MM1_EVENT_SPAWN) {
        h->spawned = event->peer;
    } else if (event->kind == MM1_EVENT_LOG) {
        note_log(h, event);
    }
    struct mm1_trace *other = h->options.trace;
    return other == NULL || other->quiet ? ++h->marks : other->ops->emit(other, event);
}

static const struct mm1_trace_ops trace_ops = {.name = "harness", .emit = trace_emit};

void sim_harness_ports_init(struct mm1_harness *h)
{
    sim_harness_alloc_init(&h->alloc, h, true);
    sim_harness_alloc_init(&h->own, h, false);
    h->clock.ops = &clock_ops;
    h->random.ops = &random_ops;
    h->trace.ops = &trace_ops;
    h->timers = MM1_TREE(compare_timers);
    h->log = MM1_BUF(&h->own.base);
    mm1_transport_none_init(&h->transport);
    mm1_store_none_init(&h->store);
    h->env = (struct mm1_env){
        .alloc = &h->alloc.base,
        .clock = &h->clock,
        .random = &h->random,
        .sched = &h->sched,
        .transport = &h->transport.base,
        .store = &h->store.base,
        .trace = &h->trace,
    };
}

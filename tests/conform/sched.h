/* The conformance suite of the scheduler port: MM1_CONFORM_SCHED(suite, make) stamps it. Nodes run on the world's env;
 * what their actors see is written down through a pointer in their spawn argument. */
#ifndef MM1_CONFORM_SCHED_H
#define MM1_CONFORM_SCHED_H

#include <stdint.h>

#include <mm1/node.h>

#include "conform.h"
#include "mm1_test.h"

#define CONFORM_WORK_FIELDS(F) F(u64, sender) F(u64, no)
MM1_MSG_DECLARE(conform_work, CONFORM_WORK_FIELDS)
MM1_MSG_DEFINE(conform_work, "conform::Work", CONFORM_WORK_FIELDS)

/* --- helpers -------------------------------------------------------------------------------------------------- */

enum { CONFORM_SENDERS = 6, CONFORM_MESSAGES = 400 };

/* What the test and its actors share. All counters are atomic. */
struct conform_board {
    uint64_t next_no[CONFORM_SENDERS]; /* the taker's alone: what it expects of each sender */
    unsigned inside;                   /* turns of the taker that are under way */
    unsigned started;
    unsigned received;
    unsigned wrong;
    unsigned stop;
    mm1_addr taker;
};

struct conform_role {
    struct conform_board *board;
    uint64_t number;
};

static void conform_bump(unsigned *counter)
{
    (void)__atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST);
}

static unsigned conform_read(const unsigned *counter)
{
    return __atomic_load_n(counter, __ATOMIC_SEQ_CST);
}

struct conform_mark {
    const unsigned *counter;
    unsigned wanted;
};

static bool conform_mark_reached(void *arg)
{
    const struct conform_mark *mark = arg;
    return conform_read(mark->counter) >= mark->wanted;
}

static void conform_await_counter(struct conform_world *w, const unsigned *counter, unsigned wanted)
{
    struct conform_mark mark = {.counter = counter, .wanted = wanted};
    cr_assert(w->ops->drive(w, conform_mark_reached, &mark), "%u of %u", conform_read(counter),
              wanted);
}

static struct mm1_node *conform_node(struct conform_world *w, struct mm1_msg_registry *types)
{
    struct mm1_node *node = NULL;
    *types = MM1_MSG_REGISTRY(w->env.alloc);
    cr_assert_eq(mm1_msg_register(types, &conform_work_type), MM1_OK);
    struct mm1_node_config config = {.name = MM1_TEXT("n"),
                                     .auto_net = MM1_NET_DEFAULT_AUTO,
                                     .types = types,
                                     .encode = w->one_thread};
    cr_assert_eq(mm1_node_open(&w->env, &config, &node), MM1_OK);
    return node;
}

static mm1_addr conform_spawn(struct mm1_node *node, const struct mm1_behaviour *behaviour,
                              struct conform_board *board, uint64_t number)
{
    struct conform_role role = {.board = board, .number = number};
    struct mm1_spawn spawn = {
        .behaviour = behaviour, .arg = &role, .arg_size = sizeof(role), .inbox_size = 1u << 20};
    mm1_addr addr;
    cr_assert_eq(mm1_node_spawn(node, &spawn, &addr), MM1_OK);
    return addr;
}

static void conform_node_end(struct conform_world *w, struct mm1_node *node,
                             struct mm1_msg_registry *types)
{
    w->ops->node_close(w, node);
    mm1_msg_registry_close(types);
}

/* --- the actors ----------------------------------------------------------------------------------------------- */

static mm1_status conform_role_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct conform_role *role = state;
    (void)ctx;
    *role = *(const struct conform_role *)arg;
    conform_bump(&role->board->started);
    return MM1_OK;
}

/* Takes work, and notes whether it runs beside itself or gets a sender's work in another order. */
static mm1_status conform_taker_receive(struct mm1_ctx *ctx, void *state,
                                        const struct mm1_envelope *envelope)
{
    struct conform_board *board = ((struct conform_role *)state)->board;
    MM1_ON(envelope, conform_work, work) {
        if (__atomic_add_fetch(&board->inside, 1, __ATOMIC_SEQ_CST) != 1 ||
            work->no != board->next_no[work->sender]) {
            conform_bump(&board->wrong);
        }
        board->next_no[work->sender] = work->no + 1;
        (void)__atomic_sub_fetch(&board->inside, 1, __ATOMIC_SEQ_CST);
        conform_bump(&board->received);
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour conform_taker = {.name = "taker",
                                                   .state_size = sizeof(struct conform_role),
                                                   .init = conform_role_init,
                                                   .receive = conform_taker_receive};

/* Sends its work, one piece a turn, and a note to itself for the next. */
static mm1_status conform_sender_receive(struct mm1_ctx *ctx, void *state,
                                         const struct mm1_envelope *envelope)
{
    struct conform_role *role = state;
    MM1_ON(envelope, conform_work, work) {
        MM1_TRY(mm1_tell(ctx, role->board->taker, conform_work, .sender = role->number,
                         .no = work->no));
        if (work->no + 1 < CONFORM_MESSAGES) {
            MM1_TRY(mm1_tell(ctx, mm1_self(ctx), conform_work, .no = work->no + 1));
        }
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour conform_sender = {.name = "sender",
                                                    .state_size = sizeof(struct conform_role),
                                                    .init = conform_role_init,
                                                    .receive = conform_sender_receive};

/* Is always ready, until the board says stop. */
static mm1_status conform_busy_receive(struct mm1_ctx *ctx, void *state,
                                       const struct mm1_envelope *envelope)
{
    struct conform_board *board = ((struct conform_role *)state)->board;
    (void)envelope;
    if (conform_read(&board->stop) != 0) {
        mm1_quit(ctx, MM1_NORMAL);
        conform_bump(&board->received);
        return MM1_OK;
    }
    return mm1_tell(ctx, mm1_self(ctx), conform_work, .no = 0);
}

static const struct mm1_behaviour conform_busy = {.name = "busy",
                                                  .state_size = sizeof(struct conform_role),
                                                  .init = conform_role_init,
                                                  .receive = conform_busy_receive};

/* Stops the busy ones. */
static mm1_status conform_stopper_receive(struct mm1_ctx *ctx, void *state,
                                          const struct mm1_envelope *envelope)
{
    (void)ctx;
    (void)envelope;
    conform_bump(&((struct conform_role *)state)->board->stop);
    return MM1_OK;
}

static const struct mm1_behaviour conform_stopper = {.name = "stopper",
                                                     .state_size = sizeof(struct conform_role),
                                                     .init = conform_role_init,
                                                     .receive = conform_stopper_receive};

static void conform_kick(struct mm1_node *node, mm1_addr to)
{
    struct conform_work work = {.no = 0};
    cr_assert_eq(mm1_node_send(node, to, &conform_work_type, &work, NULL), MM1_OK);
}

/* --- the tests ------------------------------------------------------------------------------------------------ */

static void conform_sched_runs_all(struct conform_world *w)
{
    struct conform_board board = {0};
    struct mm1_msg_registry types;
    struct mm1_node *node = conform_node(w, &types);
    for (unsigned i = 0; i < 200; i++) {
        (void)conform_spawn(node, &conform_taker, &board, i);
    }
    conform_await_counter(w, &board.started, 200);
    conform_node_end(w, node, &types);
    cr_assert_eq(board.started, 200);
}

static void conform_sched_never_beside_itself(struct conform_world *w)
{
    struct conform_board board = {0};
    struct mm1_msg_registry types;
    struct mm1_node *node = conform_node(w, &types);
    board.taker = conform_spawn(node, &conform_taker, &board, 0);
    for (unsigned i = 0; i < CONFORM_SENDERS; i++) {
        conform_kick(node, conform_spawn(node, &conform_sender, &board, i));
    }
    conform_await_counter(w, &board.received, CONFORM_SENDERS * CONFORM_MESSAGES);
    conform_node_end(w, node, &types);
    cr_assert_eq(board.received, CONFORM_SENDERS * CONFORM_MESSAGES);
    cr_assert_eq(board.wrong, 0);
}

static void conform_sched_starves_nobody(struct conform_world *w)
{
    /* More of them than a scheduler has threads. */
    enum { BUSY = 12 };
    struct conform_board board = {0};
    struct mm1_msg_registry types;
    struct mm1_node *node = conform_node(w, &types);
    for (unsigned i = 0; i < BUSY; i++) {
        conform_kick(node, conform_spawn(node, &conform_busy, &board, i));
    }
    conform_await_counter(w, &board.started, BUSY);
    conform_kick(node, conform_spawn(node, &conform_stopper, &board, 0));
    conform_await_counter(w, &board.received, BUSY);
    conform_node_end(w, node, &types);
}

static void conform_sched_closes_under_load(struct conform_world *w)
{
    struct conform_board board = {0};
    struct mm1_msg_registry types;
    struct mm1_node *node = conform_node(w, &types);
    for (unsigned i = 0; i < 8; i++) {
        conform_kick(node, conform_spawn(node, &conform_busy, &board, i));
    }
    conform_await_counter(w, &board.started, 8);
    conform_node_end(w, node, &types);
    cr_assert_eq(board.received, 0, "they were busy to the end");
}

static bool conform_main_gone(void *arg)
{
    struct mm1_reason reason;
    return mm1_node_main_ended(arg, &reason);
}

static void conform_sched_main_ends(struct conform_world *w)
{
    struct conform_board board = {.stop = 1};
    struct mm1_msg_registry types;
    struct mm1_reason reason;
    struct mm1_node *node = conform_node(w, &types);
    mm1_addr main_addr = conform_spawn(node, &conform_busy, &board, 0);
    cr_assert(!mm1_node_main_ended(node, &reason));
    conform_kick(node, main_addr);
    cr_assert(w->ops->drive(w, conform_main_gone, node));
    cr_assert(mm1_node_main_ended(node, &reason));
    cr_assert_eq(reason.kind, MM1_REASON_NORMAL);
    conform_node_end(w, node, &types);
}

/* --- the stamp ------------------------------------------------------------------------------------------------ */

#define CONFORM_SCHED_CASE(suite, make, name)                                                      \
    Test(suite, name)                                                                              \
    {                                                                                              \
        struct conform_world *world = make();                                                      \
        conform_sched_##name(world);                                                               \
        world->ops->free(world);                                                                   \
    }

#define MM1_CONFORM_SCHED(suite, make)                                                             \
    CONFORM_SCHED_CASE(suite, make, runs_all)                                                      \
    CONFORM_SCHED_CASE(suite, make, never_beside_itself)                                           \
    CONFORM_SCHED_CASE(suite, make, starves_nobody)                                                \
    CONFORM_SCHED_CASE(suite, make, closes_under_load)                                             \
    CONFORM_SCHED_CASE(suite, make, main_ends)

#endif

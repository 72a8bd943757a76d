/* A small world for tests of actors: FIFO scheduler, manual clock, streams in memory, no store; one thread.
 *
 *     struct mini_world world;
 *     mini_world_init(&world);
 *     struct mini_node a = {0};
 *     cr_assert_eq(mini_node_open(&world, &a, &(struct mm1_node_config){.name = MM1_TEXT("a"), .auto_net = …,
 *                                                                        .types = &registry}), MM1_OK);
 *     mm1_node_spawn(a.node, …);
 *     mini_settle(&world);                      gives turns until nobody is ready
 *     mini_advance(&world, 5 * MM1_NS_PER_SEC); time goes on, timers fire in order, turns in between
 *     mini_node_close(&a);
 *     mini_world_close(&world);                 checks that nothing leaked
 *
 * Streams: a dial reaches whoever listens under the same name, another node of this world or the test
 * (mini_listen, mini_accept); the test dials a node's listener with mini_dial. Bytes move at once, within credit.
 * Logs of actors: set `world.keep_log` before the nodes are opened; the lines are in `world.log`. */
#ifndef MINI_WORLD_H
#define MINI_WORLD_H

#include <mm1/node.h>

#include "base/list.h"
#include "base/tree.h"
#include "test_alloc.h"

#define MINI_EVENT_KINDS 32

struct mini_world;

struct mini_node {
    struct mini_world *world;
    struct mm1_transport transport;
    struct mm1_port_sink *sink;
    struct mm1_store_none store;
    struct mm1_env env;
    struct mm1_node *node;
};

/* One end of a stream, or a listener; lives until the world is closed. */
struct mini_end {
    struct mm1_list in_world;
    struct mini_world *world;
    struct mini_node *node; /* null: the test's */
    mm1_handle handle;
    bool listener;
    bool gone;            /* closed from this side, or its end was told */
    struct mm1_text name; /* of a listener; owned */
    struct mini_end *peer;
    struct mm1_buf in; /* not delivered; for the test's end: not consumed */
    size_t credit;
    size_t received;          /* bytes ever delivered to this end */
    mm1_status ending;        /* MM1_OK while the other side lives */
    struct mini_end *backlog; /* the test's listener: connections to accept, oldest first */
    struct mini_end *backlog_next;
};

struct mini_world {
    struct test_alloc alloc; /* what the nodes take from */
    struct test_alloc own;   /* what the world takes for itself */
    struct mm1_clock clock;
    struct mm1_random random;
    struct mm1_sched sched;
    struct mm1_trace trace;
    uint64_t now_ns;
    uint64_t wall_offset_ns;
    uint64_t timer_seq;
    struct mm1_tree timers; /* by (due, seq) */
    struct mm1_runnable *ready_first;
    struct mm1_runnable **ready_last;
    uint64_t turns; /* given so far */
    struct mm1_list ends;
    size_t piece_max;  /* 0: streams are not cut; else no Received carries more */
    bool hold_sent;    /* no Sent is told */
    bool hold_signals; /* what actors of a node send one another waits for mini_land */
    struct mm1_list held;
    bool keep_log;
    struct mm1_buf log; /* "level text\n" */
    uint64_t event_seq;
    uint64_t events[MINI_EVENT_KINDS]; /* how many of each kind, when keep_log */
    /* Optional: answers verbs in place of carrying them out, as mm1_sched_ops.effect does. */
    bool (*effect)(struct mini_world *world, struct mm1_runnable *runnable,
                   const struct mm1_effect *effect, struct mm1_answer *answer);
    void *user; /* the test's */
};

void mini_world_init(struct mini_world *world);
/* All nodes are closed. Fails a check when a node leaked. */
void mini_world_close(struct mini_world *world);

/* Opens a node whose ports are this world's. `node` stays where it is. */
MM1_NODISCARD mm1_status mini_node_open(struct mini_world *world, struct mini_node *node,
                                        const struct mm1_node_config *config);
/* As a power loss: peers of its streams see a reset. */
void mini_node_close(struct mini_node *node);

/* Gives up to `turns` turns; says how many it gave. */
size_t mini_run(struct mini_world *world, size_t turns);
/* Gives turns until nobody is ready. Fails a check after a million. */
void mini_settle(struct mini_world *world);
/* Settles, then lets `ns` pass, timer by timer, settling after each. */
void mini_advance(struct mini_world *world, uint64_t ns);
/* Lands the oldest signal held from one actor to another (main addresses); false: there is none. */
bool mini_land(struct mini_world *world, mm1_addr from, mm1_addr to);
/* Lands what is held, oldest first, and settles, until nothing is held. */
void mini_land_all(struct mini_world *world);
/* True when the log has `text` in it. */
bool mini_logged(struct mini_world *world, const char *text);

/* The test's side of streams. Names are strings. */
struct mini_end *mini_listen(struct mini_world *world, const char *name);
/* The next connection that was dialed to a listener of the test; null: none. */
struct mini_end *mini_accept(struct mini_end *listener);
/* Null: nobody listens there. A node without memory for it resets it at once. */
struct mini_end *mini_dial(struct mini_world *world, const char *name);
void mini_send(struct mini_end *end, const void *data, size_t size);
/* What has arrived and was not consumed. */
struct mm1_bytes mini_received(const struct mini_end *end);
void mini_consume(struct mini_end *end, size_t size);
/* MM1_OK while the node's side lives; else MM1_CLOSED or MM1_RESET. */
mm1_status mini_ending(const struct mini_end *end);
/* Closes the test's side: the node sees `status` after all bytes (MM1_CLOSED), or at once (MM1_RESET). */
void mini_close(struct mini_end *end, mm1_status status);

#endif

/* What the conformance suites of the ports (tests/conform/) stand on: an env of real or simulated ports, a way to let
 * it work, and a sink in the node's place that collects completions. */
#ifndef MM1_TEST_CONFORM_H
#define MM1_TEST_CONFORM_H

#include <pthread.h>
#include <stdbool.h>

#include <mm1/env.h>

#define CONFORM_NAME_MAX 160

struct conform_item;
struct mm1_node;

/* Stands where a node would: owns handles, keeps a copy of every completion. Any thread. */
struct conform_sink {
    struct mm1_port_sink base;
    pthread_mutex_t lock;
    struct conform_item *first; /* in the order of arrival */
    struct conform_item **last;
    bool *owned; /* by handle */
    size_t owned_capacity;
    mm1_handle next_handle;
    unsigned late; /* completions for handles that nobody owned any more */
    /* So many of the next ones are refused, as a node does that has no memory; changed with conform_refuse. */
    unsigned refused_data;
    unsigned refused_adoptions;
};

void conform_sink_init(struct conform_sink *sink);
void conform_sink_close(struct conform_sink *sink);
/* A fresh handle that is owned until it is released, as the core does before it calls a port's close. */
mm1_handle conform_handle(struct conform_sink *sink);
/* Refuses the next so many Listening, Received and log_data, and the next so many connections. */
void conform_refuse(struct conform_sink *sink, unsigned data, unsigned adoptions);
void conform_release(struct conform_sink *sink, mm1_handle handle);
/* How many completions came for this handle, of this type; a null type counts all. Taken ones count too. */
unsigned conform_count(struct conform_sink *sink, mm1_handle handle,
                       const struct mm1_msg_type *type);

struct conform_world;

/* What an implementation brings. */
struct conform_ops {
    /* Lets the world work until done(arg); false when it did not come about within a generous number of attempts. */
    bool (*drive)(struct conform_world *world, bool (*done)(void *arg), void *arg);
    /* A name at which the transport can listen and nobody does. */
    void (*listen_name)(struct conform_world *world, char out[CONFORM_NAME_MAX]);
    /* A name that can be dialled and at which nobody listens. */
    void (*nobody_name)(struct conform_world *world, char out[CONFORM_NAME_MAX]);
    /* Ends the store in good order and opens it anew on what it holds, attached to the same sink; env.store changes. */
    void (*store_restart)(struct conform_world *world);
    /* The same after a power loss. Null where power cannot be cut: then the suite of crashes is not stamped. */
    void (*store_crash)(struct conform_world *world);
    /* Closes a node that was opened on env. The world does no more work afterwards. */
    void (*node_close)(struct conform_world *world, struct mm1_node *node);
    void (*free)(struct conform_world *world);
};

/* Slots of ops that a suite does not use may be null. */
struct conform_world {
    struct mm1_env env;
    struct conform_sink sink; /* attached to env.transport and env.store, where there are any */
    const struct conform_ops *ops;
    /* all runs on the thread that drives, so that a node may encode between its actors */
    bool one_thread;
};

/* Waits for the next completion of that type for that handle that was not taken before, and takes it: its message,
 * valid until the sink is closed. Null when it does not come. */
const void *conform_await(struct conform_world *world, mm1_handle handle,
                          const struct mm1_msg_type *type);
/* As above, of any of two types; `*got` says which. */
const void *conform_await_either(struct conform_world *world, mm1_handle handle,
                                 const struct mm1_msg_type *a, const struct mm1_msg_type *b,
                                 const struct mm1_msg_type **got);
/* conform_await with the type of struct T. */
#define CONFORM_AWAIT(world, handle, T)                                                            \
    ((const struct T *)conform_await((world), (handle), &T##_type))

#endif

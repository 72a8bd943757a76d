/* The simulated network: sockets, connections of two ends, and what is on its way between them. */
#ifndef SIM_NET_H
#define SIM_NET_H

#include "sim/world.h"

enum sim_socket_kind { SIM_LISTENER, SIM_DIALER, SIM_END };

/* What a handle of the transport port stands for. A dialer becomes an end. */
struct sim_socket {
    struct mm1_tree_node by_handle; /* in its node's sockets */
    struct mm1_list link;           /* of a listener: in world->listeners */
    enum sim_socket_kind kind;
    struct sim_node_state *node;
    mm1_handle handle;
    struct mm1_text name; /* of listeners and dialers; owned */
    struct sim_arrival
        arrival;    /* of a dialer: the next attempt; of a listener: its Listening or Failed */
    uint64_t begun; /* of a dialer */
    struct mm1_list early; /* of a dialer: pieces sent before it knew that the connection stands */
    size_t early_credit;   /* … and the credit it gave before there was one */
    mm1_status failure;    /* of a listener or dialer that fails: why */
    struct sim_connection *connection;
    unsigned side; /* of an end: its index in the connection */
};

/* A piece on its way to an end: bytes, or the end of the stream. */
struct sim_piece {
    struct mm1_list link;
    uint64_t earliest;
    uint64_t latest;
    uint64_t cause;
    bool background;
    bool ends; /* the stream ends here, with `status` */
    mm1_status status;
    size_t size;
    size_t taken;
    uint8_t data[];
};

/* One direction: what is on its way to the end `side`. */
struct sim_way {
    struct sim_connection *connection;
    unsigned side;
    struct mm1_list pieces;
    struct sim_arrival arrival; /* of its head */
    size_t credit;
    uint64_t pushed;         /* bytes ever put on the way */
    uint64_t left;           /* bytes that left it: delivered, or forgotten */
    struct mm1_list sents;   /* each a Sent that this end will get */
    struct sim_arrival sent; /* of the first of them */
    struct sim_stream chunks;
};

struct sim_connection {
    struct mm1_list link; /* in world->connections */
    struct sim_world *world;
    uint64_t number;
    uint32_t hosts[2];
    struct sim_socket *ends[2]; /* null: closed or lost */
    bool opened;                /* the dialer knows */
    bool lost
        [2]; /* the end is gone without a word: its host answers what is sent to it with a reset */
    bool silent[2];         /* … or does not even answer, and says nothing when it closes */
    struct sim_way ways[2]; /* ways[s] leads to ends[s] */
    struct sim_arrival connected;
};

/* stream.c: one connection. */
struct sim_connection *sim_connection_new(struct sim_world *world, struct sim_socket *dialer,
                                          struct sim_socket *accepted);
void sim_connection_free(struct sim_connection *connection);
/* Frees it when both ends are gone and nothing is on its way. */
void sim_connection_settle(struct sim_connection *connection);
/* Puts bytes, or the end of the stream, on the way to the end `side`. */
void sim_way_push(struct sim_way *way, struct mm1_bytes bytes, bool background, bool ends,
                  mm1_status status);
/* Forgets what is on the way to the end `side`. */
void sim_way_clear(struct sim_way *way);
/* The end is gone and its owner will not hear of it. */
void sim_end_lose(struct sim_connection *connection, unsigned side);
/* The end's owner sees the connection break. */
void sim_end_break(struct sim_connection *connection, unsigned side);
/* Looks again whether the head can arrive. */
void sim_way_offer(struct sim_way *way);
/* A Sent for `size` bytes of the end `side`: once the network took them over, which it puts off while too many of its
 * bytes wait for the peer to read. */
void sim_way_sent(struct sim_way *way, size_t size, bool background);

/* net.c */
bool sim_net_cut(const struct sim_world *world, uint32_t from, uint32_t to);
void sim_socket_free(struct sim_socket *socket);
/* Sends what a dialer was given before its connection stood. */
void sim_socket_flush(struct sim_socket *socket);

#endif

/* Messages between nodes over streams, as mm1 frames them: spawn one mm1_multinode_manager on a node, and addresses of
 * its peers' local subnets can be sent to like any other. Direct peers only: nothing is passed on for others.
 *
 * All types of the node's registry are offered to peers, except local-only ones and those whose names start with
 * "mm1_local::". A peer that does not know a type by its name gets no message of it.
 *
 * A send to a peer's address is MM1_OK when it lies with the node's own multi-node actors, and MM1_NOT_FOUND while no
 * connection leads there. Delivery is at most once; what is on its way when a connection breaks is lost. */
#ifndef MM1_MULTINODE_H
#define MM1_MULTINODE_H

#include <mm1/actor.h>

/* Its spawn argument. `locals`: what peers may send to, the node's own subnets or a part of them. `inbound` and
 * `outbound`: names to listen on and to dial ("tcp://127.0.0.1:9000"). `cookie`: both sides of a connection must hold
 * the same, or none; it goes over the wire as it is and only guards against wrong wiring. */
#define MM1_MULTINODE_CONFIG_FIELDS(F)                                                             \
    F(list(net), locals) F(list(text), inbound) F(list(text), outbound) F(opt(text), cookie)
MM1_MSG_DECLARE(mm1_multinode_config, MM1_MULTINODE_CONFIG_FIELDS)

/* Ends with an error when it cannot listen; a dial is tried again each second. */
MM1_API extern const struct mm1_behaviour mm1_multinode_manager;

#define MM1_MULTINODE_KEEP_ALIVE_NS MM1_NS_PER_SEC
#define MM1_MULTINODE_RETRY_NS MM1_NS_PER_SEC
/* A peer that is silent for so long is given up; also the limit for dial and handshake. */
#define MM1_MULTINODE_SILENCE_NS (5 * MM1_NS_PER_SEC)

#endif

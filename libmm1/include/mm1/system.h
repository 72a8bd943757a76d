/* A system under test: what a shared object exports as `mm1_system`, so that the same actors run in the simulator and
 * on the real scheduler.
 *
 *     MM1_API const struct mm1_system mm1_system = {.abi = MM1_SYSTEM_ABI, .name = "kv", …};
 *
 * It is found beside the scenario, in the folder "systems" of the build, or on MM1_SYSTEM_PATH. */
#ifndef MM1_SYSTEM_H
#define MM1_SYSTEM_H

#include <mm1/actor.h>
#include <mm1/trace.h>

#define MM1_SYSTEM_ABI 2u

/* What a node can be: its first actor, and the argument that scenario files and node configurations write as JSON
 * against the field list of `arg_type`. */
struct mm1_role {
    const char *name;
    const char *about; /* one line for `mm1 list` */
    const struct mm1_behaviour *main;
    const struct mm1_msg_type *arg_type; /* null: no argument */
};

/* A verdict on a run, given by a property. */
enum mm1_verdict {
    MM1_PASS,
    MM1_VIOLATED,
    MM1_INCONCLUSIVE, /* its bound was reached first */
};

/* What a property sees of an event. */
struct mm1_sight {
    uint64_t seq;      /* of the event in its run */
    uint64_t time_ns;  /* virtual, since the run began */
    uint64_t clock_ns; /* what mm1_now says to actors */
    const char *node;  /* its name; "" for the world's own events */
    const struct mm1_event *event;
};

/* Says why; at most 400 bytes are kept. */
#define MM1_FINDING_TEXT_MAX 512
struct mm1_finding {
    char text[MM1_FINDING_TEXT_MAX]; /* terminated; a sentence a tired person understands */
};

/* A property is pure: it sees the observations (mm1_observe) of all nodes in the order of the run, keeps a state, and
 * judges. It must not depend on anything else. */
struct mm1_property {
    const char *name;
    const char *about;
    size_t state_size; /* zeroed before the first call */
    /* Sees one event of kind MM1_EVENT_OBSERVE, MM1_EVENT_EXIT, MM1_EVENT_NODE_UP or MM1_EVENT_NODE_DOWN, or of one in
     * `events`. What it points to is borrowed. `alloc` is the world's: what it takes there, close gives back. */
    enum mm1_verdict (*see)(void *state, struct mm1_alloc *alloc, const struct mm1_sight *sight,
                            struct mm1_finding *finding);
    /* Judges the whole run at its end. May be null. `*evaluated` counts what was really checked: 0 is vacuous. */
    enum mm1_verdict (*end)(void *state, struct mm1_alloc *alloc, uint64_t *evaluated,
                            struct mm1_finding *finding);
    void (*close)(void *state, struct mm1_alloc *alloc); /* may be null */
    /* More kinds of events to see, bits MM1_EVENT_BIT(kind): for those who judge the runtime's own doings. Lines of log
     * are never shown: a run is the same without them. */
    uint32_t events;
};

struct mm1_system {
    uint32_t abi; /* MM1_SYSTEM_ABI */
    const char *name;
    const char *source_version; /* changes with its sources */
    const char *about;
    const struct mm1_msg_type *const *types; /* all that may arrive, the wrappers of asks too */
    size_t type_count;
    const struct mm1_role *roles;
    size_t role_count;
    const struct mm1_property *properties;
    size_t property_count;
};

#endif

/* The step harness: drives actors verb by verb from a test, in one thread, with nothing by chance.
 *
 *     struct mm1_harness *h;
 *     mm1_harness_open(&(struct mm1_harness_options){.fail = test_fail}, &h)        must be MM1_OK
 *     mm1_harness_spawn(h, &(struct mm1_spawn){.behaviour = &counter}, &addr)       its init runs with the first step
 *     mm1_harness_expect_wait(h, addr);                                             it waits for a message
 *     mm1_harness_tell(h, addr, counter_add, .n = 3)
 *     const struct mm1_step *step = mm1_harness_expect(h, MM1_EFFECT_SEND);         it is about to send
 *     mm1_harness_pass(h);                                                          it sends
 *     mm1_harness_expect_wait(h, addr);
 *     mm1_harness_expect_rest(h);                                                   nothing more happens by itself
 *     mm1_harness_close(h);                                                         nothing leaked
 *
 * A harness owns one node, the same as in production, and its ports. Actors run only inside mm1_harness_next, which
 * stops before each visible verb, when a context is done with a message and waits for the next, and when an actor or a
 * fork has ended. A verb that it stopped at is passed (carried out), answered (the test's result stands in its place,
 * nothing is done), or held (the actor stays in it, others go on). Who is ready first runs first, one message a time.
 *
 * The test is an actor too: the parent of what it spawns, the sender of its exit signals. What is sent to it is dropped
 * when the verb is passed; the step has shown it.
 *
 * What mm1's test runtime calls an event, and what it is here (mm1-spec, TEST-01 to TEST-08):
 *
 *     InitDone          verb INIT_DONE, target
 *     Spawn, Start      verb SPAWN: spawn says behaviour, argument, link, watch; its start is not 0 for Start. It
 *                       is answered with the child's address; to Start the test then says mm1_started or
 *                       mm1_start_failed, with that start, and of a watch mm1_down. Its timeout is a verb
 *                       TIMER_ARM before it.
 *     Recv              MM1_STEP_WAIT; mm1_harness_deliver or mm1_harness_tell resolve it. With a timeout: a verb
 *                       TIMER_ARM before it, and mm1_harness_advance.
 *     RecvClose         verb CLOSE
 *     Fork, ForkRun     verb FORK; passed, the fork's init runs with a later step. It is answered with an address
 *                       of the test's own, then nothing runs there.
 *     Quit              verb QUIT with its reason, also where a function actor returns; answered, a behaviour goes
 *                       on, and a function that has returned is frozen. A status that a behaviour returns is no
 *                       verb: it shows as the reason of MM1_STEP_ENDED.
 *     Tell              verbs SEND and FORWARD, with target, type and message
 *     Watch, Unwatch    verbs WATCH (answered with a reference) and UNWATCH (number)
 *     Link, Unlink      verbs LINK, UNLINK
 *     SetTrapExit       verb TRAP_EXIT, number 0 or 1
 *     Exit, Kill        verbs EXIT (with its reason) and KILL, answered with a status
 *     BindNetAddress    verb BIND, target; its subnet is mm1_step_net
 *     MainActorOutcome  MM1_STEP_ENDED of an actor; with it end all its forks
 *     ForkTaskOutcome   MM1_STEP_ENDED of a fork, whose verb FORK_END was passed
 *     task_key          actor and context of a step
 *     event dropped     mm1_harness_next fails where the last verb was neither passed, answered nor held. Verbs
 *                       that are held when the harness is closed are abandoned, with their turns.
 *     none              verb INIT_IGNORE: passed, it quits with reason normal
 *     none              verbs TIMER_ARM, TIMER_CANCEL, RANDOM, OBSERVE, and those on streams and logs: listen, dial
 *                       and open are answered with a handle, and the test delivers the completions; passed, they
 *                       are refused, as on a node without transport and store.
 *
 * A failure goes to options.fail, which must not return; without one it is printed on standard error, and the process
 * aborted. Assert in the test and not in the actors: these run on stacks of their own. */
#ifndef MM1_HARNESS_H
#define MM1_HARNESS_H

#include <mm1/ask.h>
#include <mm1/node.h>

struct mm1_harness;

/* --- from open to close --------------------------------------------------------------------------------------- */

struct mm1_harness_options {
    /* Called for each failed expectation, leak and misuse, with the place in the test. It must not return: for
     * Criterion, cr_assert(false, "%s:%u: %s", file, line, text). */
    void (*fail)(const char *file, unsigned line, const char *text);
    /* Settings of the node; borrowed for the call, what it borrows as mm1_node_open says. Null: name "harness", the
     * default subnets, no types registered. one_thread is set. */
    const struct mm1_node_config *node;
    uint64_t start_ns; /* the monotonic clock's first value */
    uint64_t wall_ns;  /* the wall clock's */
    uint64_t seed;     /* of what is drawn when a draw is passed */
    /* The first draws of mm1_random, in this order, each modulo n; borrowed until the harness is closed. */
    const uint64_t *draws;
    size_t draw_count;
    struct mm1_trace *trace; /* also sees the node's events; null: nobody does */
    size_t stack_size;       /* of each turn; 0: 256 KiB */
};

/* Null `options` are all defaults. MM1_INVALID, MM1_NOMEM: of mm1_node_open. */
MM1_API MM1_NODISCARD mm1_status mm1_harness_open(const struct mm1_harness_options *options,
                                                  struct mm1_harness **out);
/* Ends everything as a power loss would. Fails when memory of the node was not given back; not where a verb was left
 * unresolved, since what its turn held is then lost with it. */
MM1_API void mm1_harness_close(struct mm1_harness *h);

/* Spawns an actor, whose parent is the test, and which is linked to it where spawn->link says so. Statuses of
 * mm1_spawn. */
MM1_API MM1_NODISCARD mm1_status mm1_harness_spawn(struct mm1_harness *h,
                                                   const struct mm1_spawn *spawn, mm1_addr *out);

/* --- steps ---------------------------------------------------------------------------------------------------- */

enum mm1_step_kind {
    MM1_STEP_VERB,  /* about to be carried out: pass, answer or hold it */
    MM1_STEP_WAIT,  /* the context took what there was, and waits for a message */
    MM1_STEP_ENDED, /* the actor or the fork is gone */
};

struct mm1_step {
    enum mm1_step_kind kind;
    mm1_addr actor;              /* main address */
    mm1_addr context;            /* the same, or a fork's */
    const struct mm1_path *path; /* of the actor */
    struct mm1_effect
        effect; /* of MM1_STEP_VERB; what it points to lasts until the verb is resolved */
    struct mm1_reason reason; /* of MM1_STEP_ENDED */
};

/* Goes on to the next step; null: all wait, and no time is left to pass. Borrowed until the next call of it; of a verb,
 * until it is resolved. */
MM1_API const struct mm1_step *mm1_harness_next(struct mm1_harness *h);
/* Lets the verb of the last step be carried out: at the next mm1_harness_next, as all that actors do. */
MM1_API void mm1_harness_pass(struct mm1_harness *h);
/* Puts an answer in the verb's place: status, and value for verbs that give one (address, reference, timer, handle,
 * number, 0 or 1 of mm1_timer_cancel). */
MM1_API void mm1_harness_answer(struct mm1_harness *h, const struct mm1_answer *answer);
/* Leaves the actor in its verb for now. */
MM1_API void mm1_harness_hold(struct mm1_harness *h);
/* Takes up the verb that this actor or fork is held in: pass or answer it now. Fails where there is none. */
MM1_API const struct mm1_step *mm1_harness_take_up(struct mm1_harness *h, mm1_addr context);
/* Passes verbs of this kind without a step from now on, or no more. */
MM1_API void mm1_harness_unseen(struct mm1_harness *h, enum mm1_effect_kind kind, bool unseen);
/* Passes whatever comes until nothing does, the last step's verb included; says how many steps that were. Fails after a
 * million. */
MM1_API size_t mm1_harness_run(struct mm1_harness *h);

/* The next step, which must be what is said; else it fails, naming both. Any verb of that kind; any waiting or ended
 * context where `context` is 0; rest: no step. */
MM1_API const struct mm1_step *mm1_harness_expect(struct mm1_harness *h, enum mm1_effect_kind kind);
MM1_API const struct mm1_step *mm1_harness_expect_wait(struct mm1_harness *h, mm1_addr context);
MM1_API const struct mm1_step *mm1_harness_expect_ended(struct mm1_harness *h, mm1_addr context,
                                                        enum mm1_reason_kind reason);
MM1_API void mm1_harness_expect_rest(struct mm1_harness *h);
/* The next step, which must send a message of that type there: the message, borrowed until the verb is resolved. */
MM1_API const void *mm1_harness_expect_send(struct mm1_harness *h, mm1_addr to,
                                            const struct mm1_msg_type *type);
#define mm1_harness_expect_tell(h, to, T)                                                          \
    ((const struct T *)mm1_harness_expect_send((h), (to), &T##_type))

/* The subnet of a verb BIND. */
MM1_API struct mm1_net mm1_step_net(const struct mm1_step *step);
/* Writes what a step is, "send test::Pong {"n":1} to <aa:1>, by /harness/test/ponger.1"; longer text is cut. Null: no
 * step. Returns the length without the NUL. */
#define MM1_STEP_TEXT_MAX 1024
MM1_API size_t mm1_step_print(const struct mm1_step *step, char out[MM1_STEP_TEXT_MAX]);

/* --- what happens to the actors ------------------------------------------------------------------------------- */

/* Gives a message to an actor, a fork or whoever serves the address: also mm1_exited, mm1_down, mm1_started and
 * completions of streams and logs, which are messages like others. Taken with a later step. Statuses of mm1_send. */
MM1_API MM1_NODISCARD mm1_status mm1_harness_deliver(struct mm1_harness *h, mm1_addr to,
                                                     const struct mm1_msg_type *type,
                                                     const void *msg,
                                                     const struct mm1_header *header);
/* As above, a literal, which must arrive. */
#define mm1_harness_tell(h, to, T, ...)                                                            \
    mm1_harness_must((h), mm1_harness_deliver((h), (to), &T##_type, &(struct T){__VA_ARGS__}, NULL))
/* As above, the request T_request with this id, whose reply goes to the test; and the answer T_response to a request of
 * that id. */
#define mm1_harness_ask(h, to, id_, T, ...)                                                        \
    mm1_harness_must(                                                                              \
        (h), mm1_harness_deliver(                                                                  \
                 (h), (to), &T##_request_type,                                                     \
                 &(struct T##_request){.header = {.id = (id_), .reply_to = mm1_harness_self(h)},   \
                                       .body = {__VA_ARGS__}},                                     \
                 NULL))
#define mm1_harness_reply(h, to, id_, T, ...)                                                      \
    mm1_harness_must((h), mm1_harness_deliver((h), (to), &T##_response_type,                       \
                                              &(struct T##_response){.header = {.id = (id_)},      \
                                                                     .body = {__VA_ARGS__}},       \
                                              NULL))
/* Fails when a status is not MM1_OK. */
MM1_API void mm1_harness_must(struct mm1_harness *h, mm1_status status);
/* Signals from the test, which act with a later step. Statuses of mm1_exit and mm1_kill. */
MM1_API MM1_NODISCARD mm1_status mm1_harness_exit(struct mm1_harness *h, mm1_addr peer,
                                                  struct mm1_reason reason);
MM1_API MM1_NODISCARD mm1_status mm1_harness_kill(struct mm1_harness *h, mm1_addr peer);

/* Lets time pass: as far as the next timer at once, and from there on, timer by timer, in mm1_harness_next whenever all
 * actors wait; so each sees its timer at its time. */
MM1_API void mm1_harness_advance(struct mm1_harness *h, uint64_t ns);

/* --- what the harness knows ----------------------------------------------------------------------------------- */

/* Now, on the monotonic clock. */
MM1_API uint64_t mm1_harness_now(const struct mm1_harness *h);
/* The test's own address. */
MM1_API mm1_addr mm1_harness_self(const struct mm1_harness *h);
/* The address of the actor that was spawned last. */
MM1_API mm1_addr mm1_harness_spawned(const struct mm1_harness *h);
/* What mm1_log said so far, a line each: "info text". Borrowed until the next step. */
MM1_API const char *mm1_harness_log(struct mm1_harness *h);
/* The node, for what mm1/node.h says of it; to be neither closed nor given turns. */
MM1_API struct mm1_node *mm1_harness_node(struct mm1_harness *h);

/* Refuses the k-th request for memory that actors make in their turns from now on, counted from 1; 0: none. Requests of
 * the harness and of what the test does do not count. */
MM1_API void mm1_harness_fail_at(struct mm1_harness *h, uint64_t k);
/* How many such requests there were since the last mm1_harness_fail_at, or since the harness was opened. */
MM1_API uint64_t mm1_harness_requests(const struct mm1_harness *h);

/* --- the place in the test, for failures ---------------------------------------------------------------------- */

/* Remembers it; returns `h`. */
MM1_API struct mm1_harness *mm1_harness_at(struct mm1_harness *h, const char *file, unsigned line);
#define MM1_HARNESS_HERE(h) mm1_harness_at((h), __FILE__, __LINE__)

#ifndef MM1_HARNESS_NO_PLACES
#define mm1_harness_close(h) mm1_harness_close(MM1_HARNESS_HERE(h))
#define mm1_harness_next(h) mm1_harness_next(MM1_HARNESS_HERE(h))
#define mm1_harness_pass(h) mm1_harness_pass(MM1_HARNESS_HERE(h))
#define mm1_harness_answer(h, ...) mm1_harness_answer(MM1_HARNESS_HERE(h), __VA_ARGS__)
#define mm1_harness_hold(h) mm1_harness_hold(MM1_HARNESS_HERE(h))
#define mm1_harness_take_up(h, context) mm1_harness_take_up(MM1_HARNESS_HERE(h), (context))
#define mm1_harness_run(h) mm1_harness_run(MM1_HARNESS_HERE(h))
#define mm1_harness_expect(h, kind) mm1_harness_expect(MM1_HARNESS_HERE(h), (kind))
#define mm1_harness_expect_wait(h, context) mm1_harness_expect_wait(MM1_HARNESS_HERE(h), (context))
#define mm1_harness_expect_ended(h, context, reason)                                               \
    mm1_harness_expect_ended(MM1_HARNESS_HERE(h), (context), (reason))
#define mm1_harness_expect_rest(h) mm1_harness_expect_rest(MM1_HARNESS_HERE(h))
#define mm1_harness_expect_send(h, to, type)                                                       \
    mm1_harness_expect_send(MM1_HARNESS_HERE(h), (to), (type))
#define mm1_harness_must(h, status) mm1_harness_must(MM1_HARNESS_HERE(h), (status))
#endif

#endif

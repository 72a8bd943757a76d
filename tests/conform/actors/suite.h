/* The behavioural suite of actors: each case is the main of a function actor that plays a scenario with puppets, and
 * says what must be seen. The same cases run in the simulator (test_actors_sim.c) and on threads
 * (test_actors_threads.c). */
#ifndef MM1_CONFORM_ACTORS_SUITE_H
#define MM1_CONFORM_ACTORS_SUITE_H

#include <stdatomic.h>

#include <mm1/function.h>
#include <mm1/msg.h>
#include <mm1/system.h>

struct suite_case {
    const char *name;
    /* What it shows: statements of OTP's semantics with a letter and a number, and of mm1's. */
    const char *ids;
    void (*run)(struct mm1_ctx *ctx);
};

struct suite_table {
    const struct suite_case *cases;
    size_t count;
};

#define SUITE_TABLE(name, cases_)                                                                  \
    const struct suite_table name = {.cases = (cases_), .count = MM1_COUNT_OF(cases_)}

extern const struct suite_table suite_messages;
extern const struct suite_table suite_forks;
extern const struct suite_table suite_links;
extern const struct suite_table suite_watches;
extern const struct suite_table suite_exits;
extern const struct suite_table suite_spawns;
extern const struct suite_table suite_timers;
extern const struct suite_table suite_asks;

/* All of them. */
extern const struct suite_table *const suite_tables[];
extern const size_t suite_table_count;

/* --- a run ---------------------------------------------------------------------------------------------------- */

/* Set before a run: the case, and how long it takes until what was sent has surely arrived. */
void suite_begin(const struct suite_case *which, uint64_t settle_ns);
/* Whether the case came to its end and nothing was wrong; else `*why` says what was. */
bool suite_passed(const char **why);
/* Whether the case came to its end or found something wrong. Any thread. */
bool suite_over(void);

/* The node's main, and the types of its messages. */
extern const struct mm1_function suite_main;
extern const struct mm1_msg_type *const suite_types[];
extern const size_t suite_type_count;

/* --- for cases -------------------------------------------------------------------------------------------------- */

/* Takes note that something is wrong, and ends the actor. */
_Noreturn void suite_fail(struct mm1_ctx *ctx, const char *file, int line, const char *what);
#define MUST(condition)                                                                            \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            suite_fail(ctx, __FILE__, __LINE__, #condition);                                       \
        }                                                                                          \
    } while (0)
#define MUST_OK(call) MUST((call) == MM1_OK)

#define SUITE_NOTE_FIELDS(F) F(u64, number) F(addr, from)
MM1_MSG_DECLARE(suite_note, SUITE_NOTE_FIELDS)
MM1_MSG_DECLARE_UNIT(suite_go)

/* What a puppet is asked to do, and what it says of it. */
#define SUITE_ORDER_FIELDS(F) F(u8, op) F(addr, peer) F(u64, number) F(u8, kind) F(i32, code)
MM1_MSG_DECLARE(suite_order, SUITE_ORDER_FIELDS)
MM1_REQUEST_DECLARE(suite_order)
#define SUITE_SEEN_FIELDS(F)                                                                       \
    F(i32, status) F(u8, what) F(addr, peer) F(u64, number) F(u8, kind) F(i32, code)
MM1_MSG_DECLARE(suite_seen, SUITE_SEEN_FIELDS)
MM1_RESPONSE_DECLARE(suite_seen)

enum suite_op {
    SUITE_TRAP,    /* number: on or off */
    SUITE_LINK,    /* peer */
    SUITE_UNLINK,  /* peer */
    SUITE_WATCH,   /* peer; seen.number is the reference */
    SUITE_UNWATCH, /* number */
    SUITE_EXIT,    /* peer, kind, code */
    SUITE_KILL,    /* peer */
    SUITE_TELL,    /* peer, number: of a note */
    SUITE_SPAWN,   /* number: 1 links it; another puppet, seen.peer is its address */
    SUITE_TAKE,    /* number: ns to wait for the next message */
    SUITE_ASK,     /* peer: a puppet, which is asked to SUITE_TAKE for ever */
    SUITE_END,     /* kind, code; never answered */
};

enum suite_what { SUITE_NOTHING, SUITE_NOTED, SUITE_EXITED, SUITE_DOWN, SUITE_OTHER };

extern const struct mm1_function suite_puppet;

mm1_addr suite_puppet_new(struct mm1_ctx *ctx);
/* Waits for what the puppet has to say; seen.status, kind and code tell of its end when it ends over it. */
struct suite_seen suite_order_one(struct mm1_ctx *ctx, mm1_addr puppet, struct suite_order order);
#define suite_do(ctx, puppet, op_, ...)                                                            \
    suite_order_one((ctx), (puppet), (struct suite_order){.op = (op_), __VA_ARGS__})
/* Its next message, if there is one within the time in which all arrives. */
struct suite_seen suite_take(struct mm1_ctx *ctx, mm1_addr puppet);
/* Ends a puppet for error(code), and waits until it is gone. */
void suite_crash(struct mm1_ctx *ctx, mm1_addr puppet, int32_t code);
/* As above, for a reason of another kind. */
void suite_end(struct mm1_ctx *ctx, mm1_addr puppet, enum mm1_reason_kind kind);

mm1_addr suite_spawn(struct mm1_ctx *ctx, const struct mm1_function *function);
/* With a note as argument. */
mm1_addr suite_spawn_with(struct mm1_ctx *ctx, const struct mm1_function *function, uint64_t number,
                          bool link);
uint64_t suite_watch(struct mm1_ctx *ctx, mm1_addr peer);
/* Waits for the end that a watch tells of. */
struct mm1_reason suite_down(struct mm1_ctx *ctx, uint64_t ref);
/* Waits for the next exit signal that was trapped. */
struct mm1_reason suite_exited(struct mm1_ctx *ctx, mm1_addr peer);
/* Waits for the next note, and gives its number. */
uint64_t suite_noted(struct mm1_ctx *ctx);
/* Lets all arrive that was sent. */
void suite_settle(struct mm1_ctx *ctx);
/* That nothing waits to be received. */
void suite_quiet(struct mm1_ctx *ctx, int line);
#define MUST_BE_QUIET() suite_quiet(ctx, __LINE__)

static inline bool suite_is_error(struct mm1_reason reason, int32_t code)
{
    return reason.kind == MM1_REASON_ERROR && reason.code == code;
}

static inline bool suite_saw(struct suite_seen seen, enum suite_what what, mm1_addr peer,
                             enum mm1_reason_kind kind, int32_t code)
{
    return seen.status == MM1_OK && seen.what == what && mm1_addr_equal(seen.peer, peer) &&
           seen.kind == kind && seen.code == code;
}

static inline bool suite_saw_note(struct suite_seen seen, uint64_t number)
{
    return seen.status == MM1_OK && seen.what == SUITE_NOTED && seen.number == number;
}

static inline mm1_status suite_go_tell(struct mm1_ctx *ctx, mm1_addr to)
{
    return mm1_send(ctx, to, &suite_go_type, &(struct suite_go){0}, NULL);
}

/* An address of no node of the run. */
#define SUITE_FOREIGN MM1_ADDR(0x1234000000000000u)

#endif

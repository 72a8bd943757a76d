/* What actors cost on threads: one worker, its process kept on one core.
 *
 *     bench_actor [CASE STEPS | memory]
 *
 * With a case it makes STEPS of it, and counts only them: under callgrind with --instr-atstart=no (cost.sh). With
 * "memory" it prints what idle actors keep. Without arguments it prints that and the times. */
#define _GNU_SOURCE /* sched_setaffinity */
#include <sys/wait.h>
#include <valgrind/callgrind.h>

#include <mm1/function.h>
#include <mm1/kit.h>
#include <mm1/posix.h>

#include "base/fiber.h"
#include "bench.h"

#define RING_ACTORS 1000u
#define SENDERS 8u
#define BATCH 100u /* what is sent or spawned in one turn */

/* What the benchmark and the actors of its only node tell each other: when the steps began and ended. */
static struct {
    double begun;
    double took;
} steps;

static void steps_begin(void)
{
    steps.begun = bench_seconds();
    CALLGRIND_START_INSTRUMENTATION;
}

static void steps_end(void)
{
    CALLGRIND_STOP_INSTRUMENTATION;
    steps.took = bench_seconds() - steps.begun;
}

#define ACTOR_GO_FIELDS(F) F(u64, steps) F(addr, peer)
MM1_MSG_DECLARE(actor_go, ACTOR_GO_FIELDS)
MM1_MSG_DEFINE(actor_go, "actor::Go", ACTOR_GO_FIELDS)

#define ACTOR_TOKEN_FIELDS(F) F(u64, left) F(addr, from)
MM1_MSG_DECLARE(actor_token, ACTOR_TOKEN_FIELDS)
MM1_MSG_DEFINE(actor_token, "actor::Token", ACTOR_TOKEN_FIELDS)

/* Goes on with what does not fit into one turn. */
MM1_MSG_DECLARE_UNIT(actor_more)
MM1_MSG_DEFINE_UNIT(actor_more, "actor::More")

#define ACTOR_GET_FIELDS(F) F(u64, key)
MM1_MSG_DECLARE(actor_get, ACTOR_GET_FIELDS)
MM1_MSG_DEFINE(actor_get, "actor::Get", ACTOR_GET_FIELDS)
MM1_REQUEST_DECLARE(actor_get)
MM1_REQUEST_DEFINE(actor_get, "actor::Get")

#define ACTOR_VALUE_FIELDS(F) F(u64, value)
MM1_MSG_DECLARE(actor_value, ACTOR_VALUE_FIELDS)
MM1_MSG_DEFINE(actor_value, "actor::Value", ACTOR_VALUE_FIELDS)
MM1_RESPONSE_DECLARE(actor_value)
MM1_RESPONSE_DEFINE(actor_value, "actor::Value")

static const struct mm1_msg_type *const types[] = {
    &actor_go_type,          &actor_token_type,          &actor_more_type, &actor_get_type,
    &actor_get_request_type, &actor_value_response_type, &actor_value_type};

/* --- a message to and fro, or round a ring ---------------------------------------------------------------------- */

/* Answers every token, until the hops are made. */
static mm1_status echo_receive(struct mm1_ctx *ctx, void *state,
                               const struct mm1_envelope *envelope)
{
    (void)state;
    MM1_ON(envelope, actor_token, m) {
        if (m->left != 0) {
            return mm1_tell(ctx, m->from, actor_token, .left = m->left - 1, .from = mm1_self(ctx));
        }
        steps_end();
        mm1_quit(ctx, MM1_NORMAL);
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour echo_behaviour = {.name = "echo", .receive = echo_receive};

struct ring {
    mm1_addr next;
};

static mm1_status ring_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)ctx;
    ((struct ring *)state)->next = *(const mm1_addr *)arg;
    return MM1_OK;
}

static mm1_status ring_receive(struct mm1_ctx *ctx, void *state,
                               const struct mm1_envelope *envelope)
{
    const struct ring *ring = state;
    MM1_ON(envelope, actor_token, m) {
        if (m->left != 0) {
            return mm1_tell(ctx, ring->next, actor_token, .left = m->left - 1);
        }
        steps_end();
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour ring_behaviour = {
    .name = "ring", .state_size = sizeof(struct ring), .init = ring_init, .receive = ring_receive};

/* --- many to one ------------------------------------------------------------------------------------------------ */

struct sink {
    uint64_t left;
};

static mm1_status sink_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)ctx;
    ((struct sink *)state)->left = *(const uint64_t *)arg;
    return MM1_OK;
}

static mm1_status sink_receive(struct mm1_ctx *ctx, void *state,
                               const struct mm1_envelope *envelope)
{
    struct sink *sink = state;
    MM1_ON(envelope, actor_token, m) {
        if (--sink->left == 0) {
            steps_end();
            return MM1_OK;
        }
        return m->left % BATCH == 0 ? mm1_tell(ctx, m->from, actor_more, .mm1_unit = 0) : MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour sink_behaviour = {
    .name = "sink", .state_size = sizeof(struct sink), .init = sink_init, .receive = sink_receive};

struct sender {
    mm1_addr sink;
    uint64_t left;
};

/* Sends as many as fit into a turn, and more when the last of them was received. */
static mm1_status sender_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct sender *sender = state;
    MM1_ON(envelope, actor_go, m) {
        sender->sink = m->peer;
        sender->left = m->steps;
    }
    for (unsigned i = 0; i < BATCH && sender->left > 0; i++) {
        sender->left--;
        MM1_TRY(
            mm1_tell(ctx, sender->sink, actor_token, .left = sender->left, .from = mm1_self(ctx)));
    }
    return MM1_OK;
}

static const struct mm1_behaviour sender_behaviour = {
    .name = "sender", .state_size = sizeof(struct sender), .receive = sender_receive};

/* --- questions -------------------------------------------------------------------------------------------------- */

static mm1_status server_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    (void)state;
    MM1_ON(envelope, actor_get_request, m) {
        return mm1_reply(ctx, &m->header, actor_value, .value = m->body.key);
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour server_behaviour = {.name = "server", .receive = server_receive};

struct asker {
    struct mm1_ask ask;
    mm1_addr server;
    uint64_t left;
};

static mm1_status asker_next(struct mm1_ctx *ctx, struct asker *asker)
{
    if (asker->left == 0) {
        steps_end();
        return MM1_OK;
    }
    asker->left--;
    return mm1_ask_begin(ctx, &asker->ask, asker->server, MM1_NS_PER_SEC * 3600, actor_get,
                         .key = asker->left);
}

static mm1_status asker_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    struct asker *asker = state;
    const void *body;
    MM1_ON(envelope, actor_go, m) {
        asker->server = m->peer;
        asker->left = m->steps;
        steps_begin();
        return asker_next(ctx, asker);
    }
    if (mm1_ask_take(ctx, &asker->ask, envelope, &actor_value_response_type, &body) ==
        MM1_ASK_REPLY) {
        return asker_next(ctx, asker);
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour asker_behaviour = {
    .name = "asker", .state_size = sizeof(struct asker), .receive = asker_receive};

static mm1_status server_function(struct mm1_ctx *ctx, const void *arg)
{
    (void)arg;
    for (;;) {
        const struct mm1_envelope *envelope;
        MM1_TRY(mm1_recv(ctx, &envelope));
        MM1_ON(envelope, actor_get_request, m) {
            MM1_TRY(mm1_reply(ctx, &m->header, actor_value, .value = m->body.key));
        }
    }
}

static const struct mm1_function function_server = MM1_FUNCTION("server", server_function);

static mm1_status asker_function(struct mm1_ctx *ctx, const void *arg)
{
    const struct mm1_envelope *envelope;
    (void)arg;
    MM1_TRY(mm1_recv(ctx, &envelope));
    const struct actor_go go = *(const struct actor_go *)envelope->msg;
    steps_begin();
    for (uint64_t i = 0; i < go.steps; i++) {
        const struct actor_value *value;
        MM1_TRY(
            mm1_ask(ctx, go.peer, MM1_NS_PER_SEC * 3600, actor_get, actor_value, &value, .key = i));
        if (value->value != i) {
            bench_die("a wrong answer");
        }
    }
    steps_end();
    return MM1_OK;
}

static const struct mm1_function function_asker = MM1_FUNCTION("asker", asker_function);

static mm1_status echo_function(struct mm1_ctx *ctx, const void *arg)
{
    (void)arg;
    for (;;) {
        const struct mm1_envelope *envelope;
        MM1_TRY(mm1_recv(ctx, &envelope));
        const struct actor_token *m = envelope->msg;
        if (m->left == 0) {
            steps_end();
            return MM1_OK;
        }
        MM1_TRY(mm1_tell(ctx, m->from, actor_token, .left = m->left - 1, .from = mm1_self(ctx)));
    }
}

static const struct mm1_function function_echo = MM1_FUNCTION("echo", echo_function);

/* --- births and ends -------------------------------------------------------------------------------------------- */

static mm1_status brief_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state;
    (void)arg;
    mm1_quit(ctx, MM1_NORMAL);
    return MM1_OK;
}

static mm1_status brief_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    (void)state;
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour brief_behaviour = {
    .name = "brief", .init = brief_init, .receive = brief_receive};

static mm1_status brief_function(struct mm1_ctx *ctx, const void *arg)
{
    (void)ctx;
    (void)arg;
    return MM1_OK;
}

static const struct mm1_function function_brief = MM1_FUNCTION("brief", brief_function);

/* Each spawns the next and ends; the argument says how many are left. */
static const struct mm1_behaviour chain_behaviour;

static mm1_status chain_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    uint64_t left = *(const uint64_t *)arg - 1;
    mm1_addr child;
    (void)state;
    mm1_quit(ctx, MM1_NORMAL);
    if (left == 0) {
        steps_end();
        return MM1_OK;
    }
    return mm1_spawn(
        ctx,
        &(struct mm1_spawn){.behaviour = &chain_behaviour, .arg = &left, .arg_size = sizeof(left)},
        &child);
}

static const struct mm1_behaviour chain_behaviour = {
    .name = "chain", .init = chain_init, .receive = brief_receive};

/* --- who does nothing ------------------------------------------------------------------------------------------- */

struct idle {
    uint64_t words[4];
};

static const struct mm1_behaviour idle_behaviour = {
    .name = "idle", .state_size = sizeof(struct idle), .receive = brief_receive};

static mm1_status idle_function(struct mm1_ctx *ctx, const void *arg)
{
    const struct mm1_envelope *envelope;
    (void)arg;
    return mm1_recv(ctx, &envelope);
}

static const struct mm1_function function_idle = MM1_FUNCTION("idle", idle_function);

/* --- who begins ------------------------------------------------------------------------------------------------- */

enum work {
    TELL,
    STREAM,
    FUNCTION_TELL,
    ASK,
    FUNCTION_ASK,
    SPAWN,
    FUNCTION_SPAWN,
    RING,
    FAN_IN,
    CHAIN,
    IDLE,
    FUNCTION_IDLE,
    SWITCH, /* without actors */
    WORKS
};

static const char *const work_names[WORKS] = {
    "tell", "stream", "function-tell", "ask",  "function-ask",  "spawn", "function-spawn",
    "ring", "fan-in", "chain",         "idle", "function-idle", "switch"};

struct order {
    enum work work;
    uint64_t steps;
};

struct starter {
    uint64_t left;
    const struct mm1_behaviour *child;
    bool timed;
};

static mm1_status spawn_one(struct mm1_ctx *ctx, const struct mm1_behaviour *behaviour,
                            const void *arg, size_t arg_size, mm1_addr *out)
{
    return mm1_spawn(
        ctx,
        &(struct mm1_spawn){
            .behaviour = behaviour, .arg = arg, .arg_size = arg_size, .inbox_size = UINT32_MAX},
        out);
}

static mm1_status start_tokens(struct mm1_ctx *ctx, const struct mm1_behaviour *behaviour,
                               uint64_t hops)
{
    mm1_addr players[2];
    MM1_TRY(spawn_one(ctx, behaviour, NULL, 0, &players[0]));
    MM1_TRY(spawn_one(ctx, behaviour, NULL, 0, &players[1]));
    steps_begin();
    return mm1_tell(ctx, players[0], actor_token, .left = hops, .from = players[1]);
}

static mm1_status start_asks(struct mm1_ctx *ctx, const struct mm1_behaviour *server,
                             const struct mm1_behaviour *asker, uint64_t asks)
{
    mm1_addr players[2];
    MM1_TRY(spawn_one(ctx, server, NULL, 0, &players[0]));
    MM1_TRY(spawn_one(ctx, asker, NULL, 0, &players[1]));
    return mm1_tell(ctx, players[1], actor_go, .steps = asks, .peer = players[0]);
}

static mm1_status start_senders(struct mm1_ctx *ctx, unsigned senders, uint64_t messages)
{
    mm1_addr sink;
    mm1_addr sender;
    uint64_t each = messages / senders;
    uint64_t all = each * senders;
    MM1_TRY(spawn_one(ctx, &sink_behaviour, &all, sizeof(all), &sink));
    steps_begin();
    for (unsigned i = 0; i < senders; i++) {
        MM1_TRY(spawn_one(ctx, &sender_behaviour, NULL, 0, &sender));
        MM1_TRY(mm1_tell(ctx, sender, actor_go, .steps = each, .peer = sink));
    }
    return MM1_OK;
}

/* The starter is the last actor of the ring. */
static mm1_status start_ring(struct mm1_ctx *ctx, mm1_addr *next, uint64_t hops)
{
    *next = mm1_self(ctx);
    for (unsigned i = 1; i < RING_ACTORS; i++) {
        mm1_addr before = *next;
        MM1_TRY(spawn_one(ctx, &ring_behaviour, &before, sizeof(before), next));
    }
    steps_begin();
    return mm1_tell(ctx, *next, actor_token, .left = hops);
}

static mm1_status spawn_some(struct mm1_ctx *ctx, struct starter *starter)
{
    mm1_addr child;
    if (starter->left == 0) {
        steps_end();
        return MM1_OK;
    }
    for (unsigned i = 0; i < BATCH && starter->left > 0; i++) {
        MM1_TRY(spawn_one(ctx, starter->child, NULL, 0, &child));
        starter->left--;
    }
    return mm1_tell(ctx, mm1_self(ctx), actor_more, .mm1_unit = 0);
}

static mm1_status start_spawns(struct mm1_ctx *ctx, struct starter *starter,
                               const struct mm1_behaviour *child, uint64_t children)
{
    starter->child = child;
    starter->left = children;
    steps_begin();
    return spawn_some(ctx, starter);
}

static mm1_status starter_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    const struct order *order = arg;
    struct starter *starter = state;
    mm1_addr first;
    uint64_t count = order->steps;
    switch (order->work) {
    case TELL:
        return start_tokens(ctx, &echo_behaviour, count);
    case FUNCTION_TELL:
        return start_tokens(ctx, &function_echo.behaviour, count);
    case STREAM:
        return start_senders(ctx, 1, count);
    case FAN_IN:
        return start_senders(ctx, SENDERS, count);
    case ASK:
        return start_asks(ctx, &server_behaviour, &asker_behaviour, count);
    case FUNCTION_ASK:
        return start_asks(ctx, &function_server.behaviour, &function_asker.behaviour, count);
    case SPAWN:
        return start_spawns(ctx, starter, &brief_behaviour, count);
    case FUNCTION_SPAWN:
        return start_spawns(ctx, starter, &function_brief.behaviour, count);
    case IDLE:
        return start_spawns(ctx, starter, &idle_behaviour, count);
    case FUNCTION_IDLE:
        return start_spawns(ctx, starter, &function_idle.behaviour, count);
    case RING:
        return start_ring(ctx, (mm1_addr *)state, count);
    case CHAIN:
        steps_begin();
        return spawn_one(ctx, &chain_behaviour, &count, sizeof(count), &first);
    case SWITCH:
    case WORKS:
        break;
    }
    return MM1_INVALID;
}

static mm1_status starter_receive(struct mm1_ctx *ctx, void *state,
                                  const struct mm1_envelope *envelope)
{
    if (mm1_is(envelope, &actor_token_type)) {
        return ring_receive(ctx, state, envelope);
    }
    return spawn_some(ctx, state);
}

static const struct mm1_behaviour starter_behaviour = {
    .name = "starter",
    .state_size =
        sizeof(struct starter) > sizeof(struct ring) ? sizeof(struct starter) : sizeof(struct ring),
    .init = starter_init,
    .receive = starter_receive,
};

/* --- the cases -------------------------------------------------------------------------------------------------- */

struct host {
    struct mm1_posix *posix;
    struct mm1_node *node;
    struct mm1_msg_registry types;
};

static void check(mm1_status status, const char *what)
{
    if (status != MM1_OK) {
        bench_die(what);
    }
}

static void host_open(struct host *host)
{
    char error[MM1_POSIX_ERROR_MAX];
    struct mm1_msg_registry empty = MM1_MSG_REGISTRY(mm1_posix_alloc());
    host->types = empty;
    check(mm1_kit_register(&host->types), "the kit's types");
    for (size_t i = 0; i < MM1_COUNT_OF(types); i++) {
        check(mm1_msg_register(&host->types, types[i]), "a type");
    }
    check(mm1_posix_open(&(struct mm1_posix_options){.threads = 1, .log_off = true}, &host->posix,
                         error),
          error);
    struct mm1_node_config config = {
        .name = MM1_TEXT("bench"),
        .auto_net = {.addr = {0xfff8000000000000u}, .mask = 13},
        .types = &host->types,
    };
    check(mm1_node_open(mm1_posix_env(host->posix), &config, &host->node), "the node");
}

/* Ends when all is done, or something has failed. */
static void host_play(struct host *host, enum work work, uint64_t count)
{
    mm1_addr address;
    struct order order = {.work = work, .steps = count};
    struct mm1_reason reason;
    steps.took = 0;
    check(mm1_node_spawn(host->node,
                         &(struct mm1_spawn){.behaviour = &starter_behaviour,
                                             .arg = &order,
                                             .arg_size = sizeof(order)},
                         &address),
          "the starter");
    check(mm1_posix_wait_idle(host->posix, host->node, MM1_NS_PER_SEC, MM1_NS_PER_SEC * 600),
          "it does not end");
    if (mm1_node_main_ended(host->node, &reason) || !(steps.took > 0)) {
        bench_die("the steps were not made");
    }
}

static void host_close(struct host *host)
{
    mm1_posix_close(host->posix, host->node);
    mm1_msg_registry_close(&host->types);
}

static void come_and_go(void *arg)
{
    struct mm1_fiber *self = arg;
    for (;;) {
        mm1_fiber_jump(self, self->back);
    }
}

static void play_switch(uint64_t count)
{
    struct mm1_fiber fiber;
    struct mm1_fiber self;
    check(mm1_fiber_init(&fiber, mm1_posix_alloc(), (size_t)64 << 10), "a fiber");
    mm1_fiber_init_thread(&self);
    mm1_fiber_set(&fiber, come_and_go, &fiber);
    mm1_fiber_switch(&self, &fiber);
    steps_begin();
    for (uint64_t i = 0; i < count; i++) {
        mm1_fiber_switch(&self, &fiber);
    }
    steps_end();
    mm1_fiber_close(&fiber);
}

/* Nanoseconds of a step. */
static double run_case(enum work work, uint64_t count)
{
    if (work == SWITCH) {
        play_switch(count);
    } else {
        struct host host;
        host_open(&host);
        host_play(&host, work, count);
        host_close(&host);
    }
    return steps.took * 1e9 / (double)count;
}

static void print_time(const char *what, enum work work, uint64_t count)
{
    double rounds[BENCH_ROUNDS];
    for (size_t i = 0; i < BENCH_ROUNDS; i++) {
        rounds[i] = run_case(work, count);
    }
    bench_row(what, bench_median(rounds), 0, "ns", 0);
}

/* --- memory ----------------------------------------------------------------------------------------------------- */

/* A line "NAME: N kB" of /proc/self/status, in bytes. */
static uint64_t status_bytes(const char *name)
{
    char line[256];
    unsigned long long kilobytes = 0;
    FILE *file = fopen("/proc/self/status", "re");
    if (file == NULL) {
        bench_die("/proc/self/status cannot be read");
    }
    while (fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0) {
            kilobytes = strtoull(line + strlen(name) + 1, NULL, 10);
        }
    }
    (void)fclose(file);
    if (kilobytes == 0) {
        bench_die("/proc/self/status has no such line");
    }
    return (uint64_t)kilobytes * 1024;
}

/* What one idle actor keeps, in a process of its own: memory that was freed before would be taken again. */
static void print_memory(const char *what, enum work work, uint64_t count, double most)
{
    (void)fflush(stdout);
    pid_t child = fork();
    if (child < 0) {
        bench_die("fork failed");
    }
    if (child == 0) {
        struct host host;
        char text[128];
        host_open(&host);
        uint64_t resident = status_bytes("VmRSS");
        uint64_t tables = status_bytes("VmPTE");
        host_play(&host, work, count);
        resident = status_bytes("VmRSS") - resident;
        tables = status_bytes("VmPTE") - tables;
        bench_row_most(what, (double)resident / (double)count, 0, "bytes", most);
        (void)snprintf(text, sizeof(text), "%s, page tables", what);
        bench_row(text, (double)tables / (double)count, 0, "bytes", 0);
        exit(0); /* the actors go with the process */
    }
    int status;
    if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        bench_die("the memory was not measured");
    }
}

static void print_memories(void)
{
    print_memory("idle behaviour actor, of 1,000,000", IDLE, 1000000, 512);
    print_memory("idle function actor, of 200,000", FUNCTION_IDLE, 200000, 4608);
}

/* --- the command ------------------------------------------------------------------------------------------------ */

static _Noreturn void usage(void)
{
    bench_die("usage: bench_actor [CASE STEPS | memory]");
    abort();
}

static uint64_t number(const char *text)
{
    char *end;
    errno = 0;
    uint64_t value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value == 0) {
        usage();
    }
    return value;
}

static void run_named(const char *name, uint64_t count)
{
    for (int work = 0; work < WORKS; work++) {
        if (strcmp(name, work_names[work]) == 0) {
            (void)run_case((enum work)work, count);
            return;
        }
    }
    usage();
}

int main(int argc, char **argv)
{
    bench_pin();
    if (argc == 3) {
        run_named(argv[1], number(argv[2]));
        return 0;
    }
    if (argc == 2 && strcmp(argv[1], "memory") != 0) {
        usage();
    }
    print_memories();
    if (argc == 2) {
        return 0;
    }
    print_time("ping-pong: a message", TELL, 1000000);
    print_time("ping-pong of function actors: a message", FUNCTION_TELL, 1000000);
    print_time("ring of 1,000: a message", RING, 1000000);
    print_time("8 senders, one receiver: a message", FAN_IN, 1000000);
    print_time("question and answer", ASK, 300000);
    print_time("question and answer of function actors", FUNCTION_ASK, 300000);
    print_time("spawn chain: a birth and an end", CHAIN, 100000);
    print_time("function actors: a birth and an end", FUNCTION_SPAWN, 100000);
    print_time("fiber switch, there and back", SWITCH, 10000000);
    return 0;
}

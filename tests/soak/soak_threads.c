/* Two workers under a random mixture of everything: sends, spawns, links, watches, exits, kills, timers, asks, by
 * behaviours and function actors. At the end the books must balance to the last message:
 *
 *     notes that a send took   =  received + lost to actors that were gone
 *     asks begun               =  answered + timed out + ended with their server + given up with their asker
 *     actors spawned           =  actors ended
 *     clean-ups deferred       =  clean-ups run
 *     blocks and stacks taken  =  given back
 *
 * and each steward, who outlives all others, heard of every watch and link of its own exactly once. Arguments: --short,
 * or how many notes are sent. */
#include <mm1/function.h>

#include "soak.h"

#define NOTE_FIELDS(F) F(u64, number) F(addr, meant)
MM1_MSG_DECLARE(soak_note, NOTE_FIELDS)
MM1_MSG_DEFINE(soak_note, "soak::Note", NOTE_FIELDS)
#define QUESTION_FIELDS(F) F(u64, number)
MM1_MSG_DECLARE(soak_question, QUESTION_FIELDS)
MM1_MSG_DEFINE(soak_question, "soak::Question", QUESTION_FIELDS)
MM1_REQUEST_DECLARE(soak_question)
MM1_REQUEST_DEFINE(soak_question, "soak::Question")
#define REPLY_FIELDS(F) F(u64, number)
MM1_MSG_DECLARE(soak_reply, REPLY_FIELDS)
MM1_MSG_DEFINE(soak_reply, "soak::Reply", REPLY_FIELDS)
MM1_RESPONSE_DECLARE(soak_reply)
MM1_RESPONSE_DEFINE(soak_reply, "soak::Reply")

enum {
    STEWARDS = 4,
    ACTORS_MAX = 512,
    PLACES = ACTORS_MAX, /* addresses that all know, each the last one of its slot; many are old */
    REFS = 1 << 20,
    LINKS = 1 << 16, /* of a steward's table */
    LINKS_MAX = LINKS / 2,
};

/* clang-format off */
#define COUNTERS(X)                                                                                \
    X(sent) X(full) X(received) X(lost) X(spawned) X(refused) X(ended) X(kills) X(exits)           \
    X(asked) X(answered) X(timed_out) X(server_gone) X(given_up) X(deferred) X(cleaned)            \
    X(linked) X(watched)
/* clang-format on */

static struct {
#define FIELD(name) struct counter name;
    COUNTERS(FIELD)
#undef FIELD
    struct counter budget;
    _Atomic uint64_t places[PLACES];
    atomic_bool closing; /* who traps an exit signal now ends */
} board;

/* --- what all do ----------------------------------------------------------------------------------------------- */

static mm1_addr any_place(struct mm1_ctx *ctx)
{
    return MM1_ADDR(
        atomic_load_explicit(&board.places[mm1_random(ctx, PLACES)], memory_order_relaxed));
}

static void settle_down(struct mm1_ctx *ctx)
{
    atomic_store(&board.places[(mm1_self(ctx).bits >> 8) % PLACES], mm1_self(ctx).bits);
}

/* The number of the next note; 0: all have been sent. */
static uint64_t next_number(void)
{
    uint64_t left = atomic_load_explicit(&board.budget.n, memory_order_relaxed);
    while (left != 0) {
        if (atomic_compare_exchange_weak(&board.budget.n, &left, left - 1)) {
            return left;
        }
    }
    return 0;
}

static void send_note(struct mm1_ctx *ctx, mm1_addr to)
{
    struct soak_note note = {.number = next_number(), .meant = to};
    if (note.number == 0) {
        return;
    }
    struct mm1_header header = {.priority = note.number % 16 == 0};
    mm1_status status = mm1_send(ctx, to, &soak_note_type, &note, &header);
    if (status == MM1_OK) {
        add(&board.sent);
    } else if (status == MM1_FULL) {
        add(&board.full);
    } else {
        wrong(mm1_status_text(status));
    }
}

static void note_received(struct mm1_ctx *ctx, const struct soak_note *note)
{
    add(&board.received);
    if (!mm1_addr_equal(note->meant, mm1_self(ctx))) {
        wrong("a note for somebody else");
    }
}

static void answer(struct mm1_ctx *ctx, const struct soak_question_request *question)
{
    (void)!mm1_reply(ctx, &question->header, soak_reply, .number = question->body.number + 1);
}

static void exit_trapped(struct mm1_ctx *ctx)
{
    if (atomic_load_explicit(&board.closing, memory_order_relaxed)) {
        mm1_quit(ctx, MM1_SHUTDOWN);
    }
}

static const struct mm1_behaviour worker;
static const struct mm1_function wanderer;

static mm1_status spawn_one(struct mm1_ctx *ctx, bool link, mm1_addr *out)
{
    struct mm1_spawn spawn = {
        .behaviour = mm1_random(ctx, 4) == 0 ? &wanderer.behaviour : &worker,
        .link = link,
        .inbox_size = 32,
    };
    mm1_status status = mm1_spawn(ctx, &spawn, out);
    if (status == MM1_OK) {
        add(&board.spawned);
    } else if (status == MM1_RESOURCE) {
        add(&board.refused);
    } else {
        wrong("a spawn failed");
    }
    return status;
}

static void spawn_any(struct mm1_ctx *ctx)
{
    mm1_addr child;
    if (next_number() != 0 && spawn_one(ctx, mm1_random(ctx, 3) == 0, &child) == MM1_OK) {
        send_note(ctx, child);
    }
}

static void kill_any(struct mm1_ctx *ctx)
{
    if (mm1_kill(ctx, any_place(ctx)) == MM1_OK) {
        add(&board.kills);
    }
}

static void exit_any(struct mm1_ctx *ctx)
{
    enum mm1_reason_kind kind = (enum mm1_reason_kind)mm1_random(ctx, MM1_REASON_ERROR);
    if (mm1_exit(ctx, any_place(ctx), mm1_reason_of(kind)) == MM1_OK) {
        add(&board.exits);
    }
}

/* Something that needs no state. */
static mm1_status act(struct mm1_ctx *ctx)
{
    uint64_t ref;
    send_note(ctx, any_place(ctx));
    switch (mm1_random(ctx, 24)) {
    case 0:
        return mm1_link(ctx, any_place(ctx));
    case 1:
        return mm1_unlink(ctx, any_place(ctx));
    case 2:
    case 3:
        return mm1_watch(ctx, any_place(ctx), &ref);
    case 4:
        mm1_unwatch(ctx, 1 + mm1_random(ctx, 8));
        return MM1_OK;
    case 5:
    case 6:
        kill_any(ctx);
        return MM1_OK;
    case 7:
        exit_any(ctx);
        return MM1_OK;
    case 8:
    case 9:
    case 10:
        spawn_any(ctx);
        return MM1_OK;
    case 11:
        mm1_quit(ctx, mm1_random(ctx, 2) == 0 ? MM1_NORMAL : mm1_reason_error(3, "weary"));
        return MM1_OK;
    case 12:
        return MM1_IO; /* a failure */
    default:
        send_note(ctx, any_place(ctx));
        return MM1_OK;
    }
}

/* --- workers: behaviours ---------------------------------------------------------------------------------------- */

struct worker_state {
    struct mm1_ask ask;
};

static mm1_status worker_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    (void)state;
    (void)arg;
    settle_down(ctx);
    mm1_trap_exit(ctx, mm1_random(ctx, 2) == 0);
    return mm1_random(ctx, 32) == 0 ? MM1_IO : MM1_OK;
}

static mm1_status worker_ask(struct mm1_ctx *ctx, struct worker_state *w)
{
    if (w->ask.id != 0 || next_number() == 0) {
        return MM1_OK;
    }
    mm1_status status =
        mm1_ask_begin(ctx, &w->ask, any_place(ctx), mm1_random(ctx, 200) * MM1_NS_PER_US,
                      soak_question, .number = 1);
    if (status == MM1_OK) {
        add(&board.asked);
    } else if (status != MM1_FULL) {
        wrong("an ask failed");
    }
    return MM1_OK;
}

static bool worker_asked(struct mm1_ctx *ctx, struct worker_state *w,
                         const struct mm1_envelope *envelope)
{
    const void *body;
    switch (mm1_ask_take(ctx, &w->ask, envelope, &soak_reply_response_type, &body)) {
    case MM1_ASK_NOT_MINE:
        return false;
    case MM1_ASK_STALE:
        return true;
    case MM1_ASK_REPLY:
        if (((const struct soak_reply *)body)->number != 2) {
            wrong("a strange answer");
        }
        add(&board.answered);
        return true;
    case MM1_ASK_TIMEOUT:
        add(&board.timed_out);
        return true;
    case MM1_ASK_DOWN:
        add(&board.server_gone);
        return true;
    }
    return false;
}

static mm1_status worker_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct worker_state *w = state;
    if (worker_asked(ctx, w, envelope)) {
        return MM1_OK;
    }
    MM1_ON(envelope, soak_question_request, question) {
        if (mm1_random(ctx, 4) != 0) {
            answer(ctx, question);
        }
        return MM1_OK;
    }
    MM1_ON(envelope, soak_note, note) {
        note_received(ctx, note);
        return mm1_random(ctx, 8) == 0 ? worker_ask(ctx, w) : act(ctx);
    }
    if (mm1_is(envelope, &mm1_exited_type)) {
        exit_trapped(ctx);
    }
    return MM1_OK;
}

static void worker_fini(void *state)
{
    const struct worker_state *w = state;
    if (w->ask.id != 0) {
        add(&board.given_up);
    }
}

static const struct mm1_behaviour worker = {.name = "worker",
                                            .state_size = sizeof(struct worker_state),
                                            .init = worker_init,
                                            .receive = worker_receive,
                                            .fini = worker_fini};

/* --- wanderers: function actors ---------------------------------------------------------------------------------- */

struct journey {
    bool asking;
};

static void journey_ends(void *arg)
{
    const struct journey *journey = arg;
    add(&board.cleaned);
    if (journey->asking) {
        add(&board.given_up);
    }
}

static void wander_ask(struct mm1_ctx *ctx, struct journey *journey)
{
    const struct soak_reply *reply;
    if (next_number() == 0) {
        return;
    }
    add(&board.asked);
    journey->asking = true;
    mm1_status status = mm1_ask(ctx, any_place(ctx), mm1_random(ctx, 200) * MM1_NS_PER_US,
                                soak_question, soak_reply, &reply, .number = 7);
    journey->asking = false;
    if (status == MM1_OK && reply->number == 8) {
        add(&board.answered);
    } else if (status == MM1_TIMEOUT) {
        add(&board.timed_out);
    } else if (status == MM1_NOPROC || status == MM1_EXITED || status == MM1_NOCONNECTION) {
        add(&board.server_gone);
    } else if (status == MM1_FULL) {
        add(&board.given_up);
    } else {
        wrong("a wanderer's ask failed");
    }
}

static mm1_status wander_on(struct mm1_ctx *ctx, struct journey *journey)
{
    const struct mm1_envelope *envelope;
    bool waits = mm1_random(ctx, 4) == 0 && now_at(&board.budget) != 0;
    mm1_status status =
        mm1_recv_for(ctx, waits ? mm1_random(ctx, 50) * MM1_NS_PER_US : MM1_FOREVER, &envelope);
    if (status == MM1_TIMEOUT) {
        wander_ask(ctx, journey);
        return MM1_OK;
    }
    MM1_TRY(status);
    MM1_ON(envelope, soak_question_request, question) {
        answer(ctx, question);
        return MM1_OK;
    }
    MM1_ON(envelope, soak_note, note) {
        note_received(ctx, note);
        if (mm1_random(ctx, 8) == 0) {
            MM1_TRY(mm1_sleep(ctx, mm1_random(ctx, 20) * MM1_NS_PER_US));
        }
        if (mm1_random(ctx, 8) == 0) {
            wander_ask(ctx, journey);
        }
        return act(ctx);
    }
    if (mm1_is(envelope, &mm1_exited_type)) {
        exit_trapped(ctx);
    }
    return MM1_OK;
}

static mm1_status wander(struct mm1_ctx *ctx, const void *arg)
{
    (void)arg;
    struct journey *journey = mm1_arena_take(ctx, sizeof(*journey));
    if (journey == NULL) {
        return MM1_NOMEM;
    }
    *journey = (struct journey){.asking = false};
    MM1_TRY(mm1_defer(ctx, journey_ends, journey));
    add(&board.deferred);
    settle_down(ctx);
    mm1_trap_exit(ctx, mm1_random(ctx, 2) == 0);
    for (;;) {
        MM1_TRY(wander_on(ctx, journey));
    }
}

static const struct mm1_function wanderer =
    MM1_FUNCTION_STACK_OF("wanderer", wander, (size_t)32 * 1024);

/* --- stewards --------------------------------------------------------------------------------------------------- */

enum { REF_NONE, REF_WATCHED, REF_UNWATCHED, REF_DOWN };

struct steward {
    mm1_addr addr;
    uint8_t *refs; /* by reference */
    uint64_t last_ref;
    uint64_t *links; /* a table of addresses; 0: free */
    uint64_t linked;
    uint64_t exited;
};

static struct steward stewards[STEWARDS];

static uint64_t *find_link(struct steward *s, mm1_addr peer)
{
    uint64_t at = peer.bits * UINT64_C(0x9e3779b97f4a7c15) >> 48;
    while (s->links[at % LINKS] != 0 && s->links[at % LINKS] != peer.bits) {
        at++;
    }
    return &s->links[at % LINKS];
}

/* True: it was not there; its end is awaited from now on. Places are not freed, so that searches stay right. */
static bool enter_link(struct steward *s, mm1_addr peer)
{
    uint64_t *place = find_link(s, peer);
    if (*place != 0 || s->linked == LINKS_MAX) {
        return false;
    }
    *place = peer.bits;
    s->linked++;
    add(&board.linked);
    return true;
}

static mm1_status steward_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct steward *s = *(struct steward *const *)arg;
    *(struct steward **)state = s;
    s->addr = mm1_self(ctx);
    mm1_trap_exit(ctx, true);
    return MM1_OK;
}

static mm1_status steward_watch(struct mm1_ctx *ctx, struct steward *s)
{
    if (s->last_ref + 2 >= REFS) {
        return MM1_OK;
    }
    MM1_TRY(mm1_watch(ctx, any_place(ctx), &s->last_ref));
    s->refs[s->last_ref] = REF_WATCHED;
    add(&board.watched);
    if (mm1_random(ctx, 4) == 0) {
        uint64_t ref = 1 + mm1_random(ctx, s->last_ref);
        mm1_unwatch(ctx, ref);
        s->refs[ref] = s->refs[ref] == REF_WATCHED ? REF_UNWATCHED : s->refs[ref];
    }
    return MM1_OK;
}

/* A round of work; it goes on as long as there are notes to be sent. */
static mm1_status steward_works(struct mm1_ctx *ctx, struct steward *s)
{
    mm1_addr child;
    if (mm1_random(ctx, 4) == 0) {
        MM1_TRY(steward_watch(ctx, s));
    }
    if (mm1_random(ctx, 8) == 0) {
        mm1_addr peer = any_place(ctx);
        if (enter_link(s, peer)) {
            MM1_TRY(mm1_link(ctx, peer));
        }
    }
    bool link = s->linked < LINKS_MAX && mm1_random(ctx, 16) == 0;
    if (spawn_one(ctx, link, &child) == MM1_OK) {
        if (link && !enter_link(s, child)) {
            wrong("an address that had been there");
        }
        send_note(ctx, child);
    }
    kill_any(ctx);
    for (unsigned i = 0; i < 12; i++) {
        send_note(ctx, any_place(ctx));
    }
    send_note(ctx, mm1_self(ctx));
    return MM1_OK;
}

static mm1_status steward_receive(struct mm1_ctx *ctx, void *state,
                                  const struct mm1_envelope *envelope)
{
    struct steward *s = *(struct steward **)state;
    MM1_ON(envelope, soak_note, note) {
        note_received(ctx, note);
        return steward_works(ctx, s);
    }
    MM1_ON(envelope, mm1_down, down) {
        if (down->ref > s->last_ref ||
            (s->refs[down->ref] != REF_WATCHED && s->refs[down->ref] != REF_UNWATCHED)) {
            wrong("a Down too many");
        } else {
            s->refs[down->ref] = REF_DOWN;
        }
    }
    MM1_ON(envelope, mm1_exited, exited) {
        if (exited->peer.bits == 0) {
            return MM1_OK; /* the end of the soak */
        }
        if (*find_link(s, exited->peer) == 0) {
            wrong("the end of a stranger");
        }
        s->exited++;
    }
    return MM1_OK;
}

static const struct mm1_behaviour steward = {.name = "steward",
                                             .state_size = sizeof(struct steward *),
                                             .init = steward_init,
                                             .receive = steward_receive};

/* --- a trace that counts ------------------------------------------------------------------------------------------ */

static uint64_t emit(struct mm1_trace *self, const struct mm1_event *event)
{
    (void)self;
    if (event->kind == MM1_EVENT_LOST && event->type == &soak_note_type) {
        add(&board.lost);
    } else if (event->kind == MM1_EVENT_EXIT) {
        add(&board.ended);
    }
    return 0;
}
static const struct mm1_trace_ops trace_ops = {.name = "soak", .emit = emit};

/* --- the run ------------------------------------------------------------------------------------------------------ */

static const struct mm1_net auto_net = {.addr = {0xfff8000000000000u}, .mask = 13};

struct soak {
    struct mm1_msg_registry types;
    struct mm1_posix *posix;
    struct mm1_node *node;
    struct mm1_env env;
    struct mm1_trace trace;
};

static bool start_stewards(struct soak *soak)
{
    for (uint64_t i = 0; i < PLACES; i++) { /* nobody, at first */
        atomic_store(&board.places[i], auto_net.addr.bits + (i << 8));
    }
    for (unsigned i = 0; i < STEWARDS; i++) {
        struct steward *s = &stewards[i];
        struct mm1_spawn spawn = {
            .behaviour = &steward, .arg = &s, .arg_size = sizeof(s), .inbox_size = 1u << 24};
        *s = (struct steward){.refs = calloc(REFS, 1), .links = calloc(LINKS, sizeof(uint64_t))};
        if (s->refs == NULL || s->links == NULL ||
            mm1_node_spawn(soak->node, &spawn, &s->addr) != MM1_OK) {
            return false;
        }
        add(&board.spawned);
    }
    for (unsigned i = 0; i < STEWARDS; i++) {
        struct soak_note note = {.number = next_number(), .meant = stewards[i].addr};
        if (mm1_node_send(soak->node, note.meant, &soak_note_type, &note, NULL) != MM1_OK) {
            return false;
        }
        add(&board.sent);
    }
    return true;
}

static bool soak_open(struct soak *soak)
{
    static const struct mm1_msg_type *const types[] = {&soak_note_type, &soak_question_request_type,
                                                       &soak_reply_response_type};
    struct mm1_posix_options options = {.threads = 2, .log_off = true};
    soak->types = MM1_MSG_REGISTRY(mm1_posix_alloc());
    bool opened = mm1_kit_register(&soak->types) == MM1_OK;
    for (size_t i = 0; i < MM1_COUNT_OF(types); i++) {
        opened = opened && mm1_msg_register(&soak->types, types[i]) == MM1_OK;
    }
    if (!opened || mm1_posix_open(&options, &soak->posix, NULL) != MM1_OK) {
        return false;
    }
    soak->trace = (struct mm1_trace){.ops = &trace_ops};
    soak->env = *mm1_posix_env(soak->posix);
    soak->env.trace = &soak->trace;
    soak->env.alloc = &soak_alloc;
    struct mm1_node_config config = {
        .name = MM1_TEXT("soak"),
        .auto_net = auto_net,
        .actors_max = ACTORS_MAX,
        .types = &soak->types,
    };
    return mm1_node_open(&soak->env, &config, &soak->node) == MM1_OK && start_stewards(soak);
}

/* Waits until all notes are sent and everything is at rest, as long as something goes on. */
static bool wait_for_rest(struct soak *soak)
{
    uint64_t seen = 0;
    double since = seconds();
    while (now_at(&board.budget) != 0 || mm1_node_unrest(soak->node) != 0) {
        uint64_t progress = now_at(&board.received) + now_at(&board.lost) + now_at(&board.ended) +
                            now_at(&board.timed_out) + now_at(&board.full);
        if (progress != seen) {
            seen = progress;
            since = seconds();
        } else if (seconds() - since > 60) {
            (void)fprintf(stderr, "soak: it hangs: %llu items, %llu notes to be sent\n",
                          (unsigned long long)mm1_node_unrest(soak->node),
                          (unsigned long long)now_at(&board.budget));
            return false;
        }
        nap();
    }
    return true;
}

/* Ends all but the stewards, so that they hear of every end, then checks what they heard. */
static bool end_others(struct soak *soak)
{
    for (unsigned i = 0; mm1_node_actors(soak->node) > STEWARDS; i++) {
        if (i > 10000) {
            (void)fprintf(stderr, "soak: %zu actors cannot be killed\n",
                          mm1_node_actors(soak->node));
            return false;
        }
        mm1_node_exit_all(soak->node, MM1_SHUTDOWN); /* stewards trap it and live on */
        if (!wait_for_rest(soak)) {
            return false;
        }
    }
    return true;
}

static bool kill_stewards(struct soak *soak)
{
    for (unsigned i = 0; mm1_node_actors(soak->node) != 0; i++) {
        if (i > 10000) {
            (void)fprintf(stderr, "soak: a steward cannot be killed\n");
            return false;
        }
        mm1_node_kill_all(soak->node);
        nap();
    }
    return wait_for_rest(soak);
}

/* --- the books ---------------------------------------------------------------------------------------------------- */

static bool check_stewards(void)
{
    bool right = true;
    for (unsigned i = 0; i < STEWARDS; i++) {
        struct steward *s = &stewards[i];
        uint64_t unheard = 0;
        for (uint64_t ref = 1; ref <= s->last_ref; ref++) {
            unheard += s->refs[ref] == REF_WATCHED;
        }
        right = balance("watches that never told", unheard, 0) && right;
        right = balance("links and their ends", s->linked, s->exited) && right;
        free(s->refs);
        free(s->links);
    }
    return right;
}

static bool check_books(void)
{
    bool right = balance("complaints", now_at(&soak_complaints), 0);
    right = balance("notes sent, and received or lost", now_at(&board.sent),
                    now_at(&board.received) + now_at(&board.lost)) &&
            right;
    right = balance("asks begun, and ended", now_at(&board.asked),
                    now_at(&board.answered) + now_at(&board.timed_out) +
                        now_at(&board.server_gone) + now_at(&board.given_up)) &&
            right;
    right =
        balance("actors spawned, and ended", now_at(&board.spawned), now_at(&board.ended)) && right;
    right =
        balance("clean-ups deferred, and run", now_at(&board.deferred), now_at(&board.cleaned)) &&
        right;
    return check_blocks() && right;
}

static void print_books(double took, bool right)
{
    (void)printf("threads: 2 workers, %.0f s\n ", took);
#define PRINT(name) (void)printf(" " #name " %llu", (unsigned long long)now_at(&board.name));
    COUNTERS(PRINT)
#undef PRINT
    (void)printf(" taken %llu given %llu", (unsigned long long)now_at(&soak_blocks.taken),
                 (unsigned long long)now_at(&soak_blocks.given));
    (void)printf("\nthreads: %s\n", right ? "all books balance" : "FAILED");
}

int main(int argc, char **argv)
{
    struct soak soak = {.node = NULL};
    bool is_short = argc > 1 && strcmp(argv[1], "--short") == 0;
    uint64_t notes = is_short ? 200000 : argc > 1 ? strtoull(argv[1], NULL, 10) : 90000000;
    double began = seconds();
    if (notes < 1000) {
        (void)fprintf(stderr, "usage: soak_threads [--short | NOTES]\n");
        return 2;
    }
    atomic_store(&board.budget.n, notes);
    if (!soak_open(&soak)) {
        (void)fprintf(stderr, "soak: the node cannot be opened\n");
        return 1;
    }
    bool right = wait_for_rest(&soak);
    atomic_store(&board.closing, true);
    right = right && end_others(&soak) && kill_stewards(&soak);
    mm1_posix_close(soak.posix, soak.node);
    mm1_msg_registry_close(&soak.types);
    right = check_stewards() && right;
    right = check_books() && right;
    print_books(seconds() - began, right);
    return right ? 0 : 1;
}

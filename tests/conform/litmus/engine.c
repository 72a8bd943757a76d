/* The interpreter of litmus programs. */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mm1/name_service.h>

#include "litmus.h"

/* --- words and programs --------------------------------------------------------------------------------------- */

/* clang-format off */
#define LITMUS_WORDS(X)                                                                            \
    X(none) X(timeout) X(normal) X(noproc) X(killed) X(crash) X(abnormal) X(first) X(second)       \
    X(ok) X(foo) X(bar) X(start) X(go) X(born) X(never) X(again) X(found) X(sent) X(taken)         \
    X(other)
#define LITMUS_OPS(X)                                                                              \
    X(spawn) X(spawnmon) X(spawnlink) X(watch) X(unwatch) X(unflush) X(down) X(link) X(unlink)       \
    X(exit) X(trap) X(reg) X(regother) X(regshort) X(unreg) X(find) X(sendname) X(send) X(recv)    \
    X(take) X(takeexit) X(exited) X(exitedfor) X(poll) X(takefor) X(late) X(yield) X(timer)        \
    X(cancel) X(sleep) X(end) X(crashif) X(crashunless) X(out)
#define WORD_ENUM(name) WORD_##name,
#define OP_ENUM(name) OP_##name,
#define NAME_OF(name) #name,
enum word { LITMUS_WORDS(WORD_ENUM) WORDS };
enum op { LITMUS_OPS(OP_ENUM) OPS };
static const char *const words[] = {LITMUS_WORDS(NAME_OF)};
static const char *const op_names[] = {LITMUS_OPS(NAME_OF)};
/* clang-format on */

/* An actor is named by one letter; N is who was found under the name. */
static const char letters[] = "TABCN";
#define PEERS 5
#define FOUND_PEER 4

struct step {
    uint8_t op;
    uint8_t peer;
    uint8_t word;
};
#define STEPS_MAX 16

static struct {
    const struct litmus_program *program;
    struct litmus_pace pace;
    struct step steps[LITMUS_ROLES][STEPS_MAX];
    unsigned counts[LITMUS_ROLES];
    _Atomic int outcome; /* a word; -1: none */
} run;

static _Noreturn void malformed(const char *text)
{
    (void)fprintf(stderr, "litmus program %s: malformed: %s\n", run.program->name, text);
    abort();
}

static uint8_t number_of(const char *const *list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], text) == 0) {
            return (uint8_t)i;
        }
    }
    malformed(text);
}

static void compile_step(const char *text, size_t size, struct step *step)
{
    char copy[64];
    char *rest = copy;
    if (size >= sizeof(copy)) {
        malformed(text);
    }
    memcpy(copy, text, size);
    copy[size] = '\0';
    const char *op = strtok_r(copy, " ", &rest);
    *step = (struct step){.op = number_of(op_names, OPS, op == NULL ? "" : op)};
    for (char *arg = strtok_r(NULL, " ", &rest); arg != NULL; arg = strtok_r(NULL, " ", &rest)) {
        const char *letter = strchr(letters, arg[0]);
        if (letter != NULL && arg[1] == '\0') {
            step->peer = (uint8_t)(letter - letters);
        } else {
            step->word = number_of(words, WORDS, arg);
        }
    }
}

static unsigned compile(const char *text, struct step steps[STEPS_MAX])
{
    unsigned count = 0;
    while (text != NULL && text[0] != '\0') {
        size_t size = strcspn(text, ";");
        if (count == STEPS_MAX) {
            malformed(text);
        }
        compile_step(text, size, &steps[count++]);
        text += size;
        text += text[0] == ';' ? 1 : 0;
    }
    return count;
}

void litmus_begin(const struct litmus_program *program, const struct litmus_pace *pace)
{
    run.program = program;
    run.pace = *pace;
    for (unsigned role = 0; role < LITMUS_ROLES; role++) {
        run.counts[role] = compile(program->roles[role], run.steps[role]);
    }
    litmus_again();
}

void litmus_again(void)
{
    atomic_store(&run.outcome, -1);
}

const char *litmus_outcome(void)
{
    int outcome = atomic_load(&run.outcome);
    return outcome < 0 ? NULL : words[outcome];
}

int litmus_index(const struct litmus_program *program, const char *outcome)
{
    const char *text = program->outcomes;
    size_t size = strlen(outcome);
    for (int index = 0; text[0] != '\0'; index++) {
        size_t here = strcspn(text, " ");
        if (here == size && memcmp(text, outcome, size) == 0) {
            return index;
        }
        text += here + (text[here] == ' ' ? 1 : 0);
    }
    return -1;
}

unsigned litmus_legal(const struct litmus_program *program)
{
    unsigned count = 1;
    for (const char *at = program->outcomes; at[0] != '\0'; at++) {
        count += at[0] == ' ' ? 1 : 0;
    }
    return count;
}

/* --- actors --------------------------------------------------------------------------------------------------- */

#define LITMUS_WORD_FIELDS(F) F(u8, word) F(u8, from) F(addr, addr)
MM1_MSG_DECLARE(litmus_word, LITMUS_WORD_FIELDS)
MM1_MSG_DEFINE(litmus_word, "litmus::Word", LITMUS_WORD_FIELDS)

const struct mm1_msg_type *const litmus_types[] = {&litmus_word_type};
const size_t litmus_type_count = MM1_COUNT_OF(litmus_types);

/* What an actor is born with, and learns. */
struct birth {
    uint8_t role;
    bool waits; /* for a word, before its first step */
    mm1_addr peers[PEERS];
};

struct player {
    struct mm1_ctx *ctx;
    struct birth self;
    uint64_t refs[PEERS];
    uint64_t timer;
    uint8_t last; /* word that the last step gave */
};

/* Once there is an outcome, everybody may be killed: then nothing counts. */
static void check(mm1_status status)
{
    if (status != MM1_OK && atomic_load(&run.outcome) < 0) {
        (void)fprintf(stderr, "litmus program %s: %s\n", run.program->name,
                      mm1_status_text(status));
        abort();
    }
}

static struct mm1_reason reason_of(uint8_t word)
{
    return word == WORD_normal ? MM1_NORMAL : mm1_reason_error(word, words[word]);
}

static uint8_t word_of(const struct mm1_why *why)
{
    switch ((enum mm1_reason_kind)why->kind) {
    case MM1_REASON_NORMAL:
        return WORD_normal;
    case MM1_REASON_NOPROC:
        return WORD_noproc;
    case MM1_REASON_KILLED:
        return WORD_killed;
    case MM1_REASON_ERROR:
        return why->code >= 0 && why->code < WORDS ? (uint8_t)why->code : WORD_other;
    default:
        return WORD_other;
    }
}

/* The word for what was received; learns who sent it. */
static uint8_t look(struct player *player, const struct mm1_envelope *envelope)
{
    MM1_ON(envelope, litmus_word, m) {
        player->self.peers[m->from] = m->addr;
        return m->word;
    }
    MM1_ON(envelope, mm1_exited, m) {
        return word_of(&m->why);
    }
    MM1_ON(envelope, mm1_down, m) {
        return word_of(&m->why);
    }
    return WORD_other;
}

static mm1_status recv_if(struct player *player, uint64_t timeout_ns,
                          bool (*wanted)(const struct mm1_envelope *envelope, void *arg), void *arg)
{
    const struct mm1_envelope *envelope;
    mm1_status status = mm1_recv_if(player->ctx, timeout_ns, wanted, arg, &envelope);
    player->last = status == MM1_OK  ? look(player, envelope)
                   : timeout_ns == 0 ? WORD_none
                                     : WORD_timeout;
    if (status != MM1_TIMEOUT) {
        check(status);
    }
    return status;
}

static bool is_word(const struct mm1_envelope *envelope, void *arg)
{
    return mm1_is(envelope, &litmus_word_type) &&
           ((const struct litmus_word *)envelope->msg)->word == *(const uint8_t *)arg;
}

static bool is_down(const struct mm1_envelope *envelope, void *arg)
{
    return mm1_is(envelope, &mm1_down_type) &&
           ((const struct mm1_down *)envelope->msg)->ref == *(const uint64_t *)arg;
}

static bool is_exited(const struct mm1_envelope *envelope, void *arg)
{
    (void)arg;
    return mm1_is(envelope, &mm1_exited_type);
}

static bool is_exited_of(const struct mm1_envelope *envelope, void *arg)
{
    return mm1_is(envelope, &mm1_exited_type) &&
           mm1_addr_equal(((const struct mm1_exited *)envelope->msg)->peer, *(const mm1_addr *)arg);
}

static bool is_exited_for(const struct mm1_envelope *envelope, void *arg)
{
    return mm1_is(envelope, &mm1_exited_type) &&
           word_of(&((const struct mm1_exited *)envelope->msg)->why) == *(const uint8_t *)arg;
}

static void tell(struct player *player, mm1_addr to, uint8_t word)
{
    check(mm1_tell(player->ctx, to, litmus_word, .word = word, .from = player->self.role,
                   .addr = mm1_self(player->ctx)));
}

static void spawn(struct player *player, uint8_t role, bool watch, bool link)
{
    struct birth birth = player->self;
    birth.role = role;
    birth.waits = watch;
    check(mm1_spawn(player->ctx,
                    &(struct mm1_spawn){.behaviour = &litmus_main.behaviour,
                                        .arg = &birth,
                                        .arg_size = sizeof(birth),
                                        .link = link},
                    &player->self.peers[role]));
    if (watch) {
        check(mm1_watch(player->ctx, player->self.peers[role], &player->refs[role]));
        uint8_t go = WORD_go;
        tell(player, player->self.peers[role], WORD_go);
        (void)recv_if(player, MM1_FOREVER, is_word, &go); /* the watch is there */
    }
}

/* --- names ---------------------------------------------------------------------------------------------------- */

static uint8_t done_word(mm1_status asked, const struct mm1_name_done *done)
{
    check(asked);
    return asked == MM1_OK && done->status == MM1_OK ? WORD_ok : WORD_taken;
}

static void step_register(struct player *player, const struct step *step)
{
    const struct mm1_name_done *done = NULL;
    bool is_short = step->op == OP_regshort;
    mm1_status asked =
        mm1_ask(player->ctx, MM1_ADDR_NAME_SERVICE, MM1_FOREVER, mm1_name_register, mm1_name_done,
                &done, .name = step->op == OP_regother ? MM1_TEXT("other") : MM1_TEXT("name"),
                .addr = player->self.peers[step->peer], .exclusive = true,
                .ttl = is_short ? run.pace.while_ns : 3600 * MM1_NS_PER_SEC);
    player->last = done_word(asked, done);
}

static void step_unregister(struct player *player, const struct step *step)
{
    const struct mm1_name_done *done = NULL;
    mm1_status asked =
        mm1_ask(player->ctx, MM1_ADDR_NAME_SERVICE, MM1_FOREVER, mm1_name_unregister, mm1_name_done,
                &done, .name = MM1_TEXT("name"), .addr = player->self.peers[step->peer]);
    player->last = done_word(asked, done);
}

static void step_find(struct player *player)
{
    mm1_addr found;
    mm1_status status = mm1_name_find(player->ctx, MM1_TEXT("name"), MM1_FOREVER, &found);
    player->last = status == MM1_OK ? WORD_found : WORD_none;
    player->self.peers[FOUND_PEER] = status == MM1_OK ? found : MM1_ADDR(0);
}

/* --- steps ---------------------------------------------------------------------------------------------------- */

static void step_watch(struct player *player, uint8_t peer)
{
    player->refs[peer] = 0;
    if (player->self.peers[peer].bits == 0) { /* nobody was found */
        player->last = WORD_noproc;
    } else {
        check(mm1_watch(player->ctx, player->self.peers[peer], &player->refs[peer]));
    }
}

static void step_crash(struct player *player, const struct step *step)
{
    if ((player->last == step->word) == (step->op == OP_crashif)) {
        mm1_end(player->ctx, reason_of(WORD_crash));
    }
}

static void step_timer(struct player *player, uint8_t word)
{
    check(mm1_after(player->ctx, run.pace.while_ns, &player->timer, litmus_word, .word = word,
                    .from = player->self.role, .addr = mm1_self(player->ctx)));
}

static void step_yield(struct player *player)
{
    uint8_t again = WORD_again;
    uint8_t last = player->last;
    tell(player, mm1_self(player->ctx), WORD_again);
    (void)recv_if(player, MM1_FOREVER, is_word, &again);
    player->last = last;
}

/* Those that wait. */
static void step_wait(struct player *player, const struct step *step)
{
    uint8_t word = step->word;
    switch ((enum op)step->op) {
    case OP_down:
        if (player->refs[step->peer] != 0) {
            (void)recv_if(player, MM1_FOREVER, is_down, &player->refs[step->peer]);
        }
        return;
    case OP_recv:
        (void)recv_if(player, MM1_FOREVER, is_word, &word);
        return;
    case OP_take:
        (void)recv_if(player, MM1_FOREVER, NULL, NULL);
        return;
    case OP_takeexit:
        (void)recv_if(player, MM1_FOREVER, is_exited, NULL);
        return;
    case OP_exited:
        (void)recv_if(player, MM1_FOREVER, is_exited_of, &player->self.peers[step->peer]);
        return;
    case OP_exitedfor:
        (void)recv_if(player, MM1_FOREVER, is_exited_for, &word);
        return;
    case OP_poll:
        (void)recv_if(player, 0, NULL, NULL);
        return;
    case OP_takefor:
        (void)recv_if(player, run.pace.while_ns, NULL, NULL);
        return;
    case OP_late:
        if (recv_if(player, run.pace.late_ns, NULL, NULL) == MM1_TIMEOUT) {
            player->last = WORD_none;
        }
        return;
    case OP_sleep:
        check(mm1_sleep(player->ctx, run.pace.while_ns));
        return;
    case OP_yield:
        step_yield(player);
        return;
    default:
        malformed(op_names[step->op]);
    }
}

static void step_signal(struct player *player, const struct step *step)
{
    struct mm1_ctx *ctx = player->ctx;
    mm1_addr peer = player->self.peers[step->peer];
    switch ((enum op)step->op) {
    case OP_spawn:
    case OP_spawnmon:
    case OP_spawnlink:
        spawn(player, step->peer, step->op != OP_spawn, step->op == OP_spawnlink);
        return;
    case OP_send:
        tell(player, peer, step->word);
        return;
    case OP_exit:
        (void)!mm1_exit(ctx, peer, reason_of(step->word)); /* it may be gone */
        return;
    case OP_link:
        check(mm1_link(ctx, peer));
        return;
    case OP_unlink:
        check(mm1_unlink(ctx, peer));
        return;
    case OP_watch:
        step_watch(player, step->peer);
        return;
    case OP_unwatch:
        mm1_unwatch(ctx, player->refs[step->peer]);
        return;
    case OP_unflush:
        player->last = mm1_unwatch_flush(ctx, player->refs[step->peer]) ? WORD_found : WORD_none;
        return;
    case OP_trap:
        mm1_trap_exit(ctx, true);
        return;
    default:
        step_wait(player, step);
    }
}

static void play_step(struct player *player, const struct step *step)
{
    switch ((enum op)step->op) {
    case OP_reg:
    case OP_regother:
    case OP_regshort:
        step_register(player, step);
        return;
    case OP_unreg:
        step_unregister(player, step);
        return;
    case OP_find:
    case OP_sendname:
        step_find(player);
        if (step->op == OP_sendname && player->last == WORD_found) {
            tell(player, player->self.peers[FOUND_PEER], step->word);
            player->last = WORD_sent;
        }
        return;
    case OP_timer:
        step_timer(player, step->word);
        return;
    case OP_cancel:
        (void)mm1_timer_cancel(player->ctx, player->timer);
        return;
    case OP_end:
        mm1_end(player->ctx, reason_of(step->word));
    case OP_crashif:
    case OP_crashunless:
        step_crash(player, step);
        return;
    case OP_out:
        atomic_store(&run.outcome, player->last);
        return;
    default:
        step_signal(player, step);
    }
}

/* So that threads meet at other places each time. */
static void dawdle(struct mm1_ctx *ctx)
{
    volatile uint64_t rounds = run.pace.jitter == 0 ? 0 : mm1_random(ctx, run.pace.jitter);
    while (rounds != 0) {
        rounds = rounds - 1;
    }
}

static void start_names(struct mm1_ctx *ctx)
{
    mm1_addr address;
    check(
        mm1_start(ctx, &(struct mm1_spawn){.behaviour = &mm1_name_service}, MM1_FOREVER, &address));
}

static mm1_status litmus_run(struct mm1_ctx *ctx, const void *arg)
{
    struct player player = {.ctx = ctx, .last = WORD_none};
    if (arg != NULL) {
        player.self = *(const struct birth *)arg;
    } else if (run.program->names) {
        start_names(ctx);
    }
    player.self.peers[player.self.role] = mm1_self(ctx);
    if (player.self.waits) {
        uint8_t go = WORD_go;
        player.self.waits = false;
        (void)recv_if(&player, MM1_FOREVER, is_word, &go);
        tell(&player, mm1_parent(ctx), WORD_go);
    }
    for (unsigned i = 0; i < run.counts[player.self.role]; i++) {
        dawdle(ctx);
        play_step(&player, &run.steps[player.self.role][i]);
    }
    return MM1_OK;
}

const struct mm1_function litmus_main =
    MM1_FUNCTION_STACK_OF("litmus", litmus_run, (size_t)32 * 1024);

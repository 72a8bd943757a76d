/* The simulated network: latency, order, cuts, breaks, dialing, back-pressure, and that no byte is lost. */
#include "../../conform/transport_steps.h"
#include "base/prng.h"
#include "sim_book.h"

#define TEXT(settings)                                                                             \
    "{\"system\": \"rig\", \"hosts\": {\"a\": {}, \"b\": {}}, \"nodes\": {"                        \
    "\"a\": {\"role\": \"idle\", \"at\": \"100h\", \"auto\": \"<a0:>/16\"}, "                      \
    "\"b\": {\"role\": \"idle\", \"at\": \"100h\", \"auto\": \"<b0:>/16\"}}, "                     \
    "\"end\": {\"at_most\": \"200h\", \"quiet\": false}" settings "}"

#define A_TO_B 1
#define B_TO_A 2

static const struct conform_ops ops = {.drive = sim_rig_drive};

/* A listener on b, and a connection from a to it. */
struct pair {
    struct sim_rig *rig;
    struct conform_world *a;
    struct conform_world *b;
    mm1_handle listener;
    mm1_handle near;
    mm1_handle far;
};

static void pair_listen(struct pair *p, const char *settings, uint64_t seed)
{
    p->rig = sim_rig_new(settings, seed, &ops);
    p->a = &p->rig->places[0].base;
    p->b = &p->rig->places[1].base;
    p->listener = conform_handle(&p->b->sink);
    conform_listen_as(p->b, p->listener, "tcp://b:1");
    cr_assert_not_null(CONFORM_AWAIT(p->b, p->listener, mm1_listening));
}

static void pair_open(struct pair *p, const char *settings, uint64_t seed)
{
    pair_listen(p, settings, seed);
    p->near = conform_dial(p->a, "tcp://b:1");
    cr_assert_not_null(CONFORM_AWAIT(p->a, p->near, mm1_connected));
    p->far = conform_accept(p->b, p->listener);
}

static void pair_cut(struct pair *p, unsigned directions)
{
    struct sim_world *world = &p->rig->world;
    world->cuts[0 * 2 + 1] = (directions & A_TO_B) != 0;
    world->cuts[1 * 2 + 0] = (directions & B_TO_A) != 0;
    sim_net_recut(world);
}

static uint64_t now(const struct pair *p)
{
    return p->rig->world.now;
}

static unsigned got(struct conform_world *w, mm1_handle handle, const struct mm1_msg_type *type)
{
    return conform_count(&w->sink, handle, type);
}

Test(net, latency_stays_within_its_window)
{
    uint64_t least = UINT64_MAX;
    uint64_t most = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct pair p;
        pair_open(&p, TEXT(", \"network\": {\"latency\": [\"3ms\", \"9ms\"]}"), seed);
        conform_credit(p.b, p.far, 1000);
        uint64_t begun = now(&p);
        conform_send(p.a, p.near, "x", 1);
        /* Timers on the way let the schedule choose where in its window the byte arrives. */
        struct sim_rig_alarm alarms[9];
        for (unsigned i = 0; i < 9; i++) {
            alarms[i] = (struct sim_rig_alarm){
                .timer = {.fire = sim_rig_ring, .due_ns = begun + i * MM1_NS_PER_MS}};
            p.a->env.clock->ops->arm(p.a->env.clock, &alarms[i].timer);
        }
        cr_assert_not_null(CONFORM_AWAIT(p.b, p.far, mm1_received));
        uint64_t took = now(&p) - begun;
        least = took < least ? took : least;
        most = took > most ? took : most;
        cr_assert(took >= 3 * MM1_NS_PER_MS && took <= 9 * MM1_NS_PER_MS, "%llu",
                  (unsigned long long)took);
        sim_rig_settle(p.rig);
        sim_rig_free(p.rig);
    }
    cr_assert_lt(least, 4 * MM1_NS_PER_MS);
    cr_assert_gt(most, 7 * MM1_NS_PER_MS);
}

Test(net, a_link_has_its_own_latency)
{
    struct pair p;
    pair_open(
        &p,
        TEXT(", \"network\": {\"links\": [{\"between\": [\"b\", \"a\"], \"latency\": \"70ms\"}]}"),
        1);
    uint64_t begun = now(&p);
    conform_credit(p.b, p.far, 1);
    conform_send(p.a, p.near, "x", 1);
    cr_assert_not_null(CONFORM_AWAIT(p.b, p.far, mm1_received));
    cr_assert_eq(now(&p) - begun, 70 * MM1_NS_PER_MS);
    sim_rig_free(p.rig);
}

static void receive_stream(struct pair *p, uint64_t seed, size_t size)
{
    uint64_t nth = 0;
    size_t sent = 0;
    size_t credit = 0;
    uint8_t *data = conform_stream(size);
    while (sent < size || credit < size) {
        uint64_t word = mm1_prng_word(seed, 5, 0, nth++);
        size_t part = 1 + word % 3000;
        if ((word >> 40) % 2 == 0 && sent < size) {
            part = part < size - sent ? part : size - sent;
            conform_send(p->a, p->near, data + sent, part);
            sent += part;
        } else if (credit < size) {
            part = part < size - credit ? part : size - credit;
            conform_credit(p->b, p->far, part);
            credit += part;
        }
        if ((word >> 41) % 16 == 0) {
            pair_cut(p, (unsigned)(word >> 50) % 4);
        }
        if ((word >> 45) % 4 == 0) {
            (void)sim_rig_step(p->rig);
        }
    }
    pair_cut(p, 0);
    conform_receive(p->b, p->far, 0, size);
    free(data);
}

Test(net, no_byte_is_lost_or_moved)
{
    unsigned all = 0;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct pair p;
        pair_open(&p, seed % 2 ? TEXT(", \"network\": {\"chunk\": \"100B\"}") : TEXT(""), seed);
        receive_stream(&p, seed, 20000);
        unsigned pieces = got(p.b, p.far, &mm1_received_type);
        cr_assert_geq(pieces, seed % 2 ? 200 : 1);
        all += pieces;
        sim_rig_settle(p.rig);
        cr_assert_eq(p.rig->world.unrest, 2, "only the two starts are to come");
        sim_rig_free(p.rig);
    }
    cr_assert_gt(all, 15 * 200 + 15 * 5);
}

Test(net, cuts_hold_one_way_or_both_and_heal)
{
    for (unsigned cut = 1; cut <= 3; cut++) {
        struct pair p;
        pair_open(&p, TEXT(""), cut);
        conform_credit(p.a, p.near, 10);
        conform_credit(p.b, p.far, 10);
        conform_send(p.a, p.near, "1", 1); /* on its way already: held as well */
        pair_cut(&p, cut);
        conform_send(p.a, p.near, "2", 1);
        conform_send(p.b, p.far, "3", 1);
        sim_rig_advance(p.rig, 60 * MM1_NS_PER_SEC);
        cr_assert_eq(got(p.b, p.far, &mm1_received_type) == 0, (cut & A_TO_B) != 0);
        cr_assert_eq(got(p.a, p.near, &mm1_received_type) == 0, (cut & B_TO_A) != 0);
        uint64_t healed = now(&p);
        pair_cut(&p, 0);
        sim_rig_settle(p.rig);
        cr_assert_gt(got(p.b, p.far, &mm1_received_type), 0);
        cr_assert_eq(got(p.a, p.near, &mm1_received_type), 1);
        cr_assert_leq(now(&p) - healed, 10 * MM1_NS_PER_MS);
        sim_rig_free(p.rig);
    }
}

Test(net, a_close_waits_behind_a_cut)
{
    struct pair p;
    pair_open(&p, TEXT(""), 1);
    conform_credit(p.b, p.far, 10);
    conform_send(p.a, p.near, "x", 1);
    conform_close(p.a, p.near);
    pair_cut(&p, A_TO_B);
    sim_rig_advance(p.rig, 60 * MM1_NS_PER_SEC);
    cr_assert_eq(got(p.b, p.far, NULL), 0);
    pair_cut(&p, 0);
    cr_assert_not_null(CONFORM_AWAIT(p.b, p.far, mm1_received));
    conform_expect_ended(p.b, p.far, MM1_CLOSED);
    cr_assert_eq(mm1_list_empty(&p.rig->world.connections), true);
    sim_rig_free(p.rig);
}

Test(net, a_reset_is_told_to_both)
{
    struct pair p;
    pair_open(&p, TEXT(""), 1);
    conform_credit(p.b, p.far, 10);
    conform_send(p.a, p.near, "lost", 4);
    sim_net_reset(&p.rig->world, 1, 0);
    conform_expect_ended(p.a, p.near, MM1_RESET);
    conform_expect_ended(p.b, p.far, MM1_RESET);
    cr_assert_eq(got(p.b, p.far, &mm1_received_type), 0);
    conform_send(p.a, p.near, "ignored", 7);
    sim_rig_settle(p.rig);
    cr_assert(mm1_list_empty(&p.rig->world.connections));
    cr_assert_eq(p.rig->world.unrest, 2);
    cr_assert_eq(p.a->sink.late + p.b->sink.late, 0);
    sim_rig_free(p.rig);
}

Test(net, half_open_is_silence)
{
    struct pair p;
    pair_open(&p, TEXT(""), 1);
    conform_credit(p.a, p.near, 10);
    conform_credit(p.b, p.far, 10);
    sim_net_half_open(&p.rig->world, 0, 1);
    conform_expect_ended(p.b, p.far, MM1_RESET);
    unsigned before = got(p.a, p.near, NULL);
    for (unsigned i = 0; i < 3; i++) {
        conform_send(p.a, p.near, "x", 1);
        cr_assert_not_null(CONFORM_AWAIT(p.a, p.near, mm1_sent), "the network took it");
        sim_rig_advance(p.rig, 100 * MM1_NS_PER_SEC);
    }
    cr_assert_eq(got(p.a, p.near, NULL), before + 3, "a is not told");
    conform_close(p.a, p.near);
    sim_rig_settle(p.rig);
    cr_assert(mm1_list_empty(&p.rig->world.connections));
    sim_rig_free(p.rig);
}

Test(net, a_lost_host_resets_who_sends_to_it)
{
    struct pair p;
    pair_open(&p, TEXT(""), 1);
    conform_credit(p.a, p.near, 10);
    conform_send(p.b, p.far, "before", 6);
    sim_net_lose_host(&p.rig->world, 1, false);
    p.rig->world.hosts[1].down = true;
    sim_rig_advance(p.rig, 10 * MM1_NS_PER_SEC);
    cr_assert_eq(got(p.a, p.near, &mm1_ended_type), 0, "nobody tells a");
    conform_send(p.a, p.near, "into the dark", 13);
    sim_rig_advance(p.rig, 10 * MM1_NS_PER_SEC);
    cr_assert_eq(got(p.a, p.near, &mm1_ended_type), 0, "a host without power does not answer");
    p.rig->world.hosts[1].down = false;
    conform_send(p.a, p.near, "x", 1);
    conform_send(p.a, p.near, "y", 1);
    conform_expect_ended(p.a, p.near, MM1_RESET);
    sim_rig_settle(p.rig);
    cr_assert_eq(got(p.a, p.near, &mm1_ended_type), 1);
    cr_assert(mm1_list_empty(&p.rig->world.connections));
    sim_rig_free(p.rig);
}

/* What a lost host had sent does not hide the reset that answers it. */
Test(net, a_reset_comes_behind_unread_bytes)
{
    struct pair p;
    pair_open(&p, TEXT(""), 1);
    conform_send(p.b, p.far, "unread", 6);
    sim_net_lose_host(&p.rig->world, 1, false);
    conform_send(p.a, p.near, "x", 1);
    sim_rig_settle(p.rig);
    conform_credit(p.a, p.near, 10);
    conform_expect_ended(p.a, p.near, MM1_RESET);
    cr_assert_gt(got(p.a, p.near, &mm1_received_type), 0);
    sim_rig_free(p.rig);
}

Test(net, peers_of_a_lost_host_may_be_told)
{
    struct pair p;
    pair_open(&p, TEXT(""), 1);
    sim_net_lose_host(&p.rig->world, 1, true);
    conform_expect_ended(p.a, p.near, MM1_RESET);
    cr_assert(mm1_list_empty(&p.rig->world.connections));
    cr_assert(mm1_list_empty(&p.rig->world.listeners));
    sim_rig_free(p.rig);
}

Test(net, a_dial_is_tried_again_and_times_out)
{
    for (unsigned why = 0; why < 4; why++) {
        struct pair p;
        pair_listen(&p, TEXT(""), why + 1);
        if (why < 3) {
            pair_cut(&p, why + 1);
        } else {
            p.rig->world.hosts[1].down = true;
        }
        uint64_t begun = now(&p);
        mm1_handle doomed = conform_dial(p.a, "tcp://b:1");
        conform_expect_failed(p.a, doomed, MM1_TIMEOUT);
        uint64_t took = now(&p) - begun;
        cr_assert(took >= 10 * MM1_NS_PER_SEC && took <= 13 * MM1_NS_PER_SEC);
        mm1_handle later = conform_dial(p.a, "tcp://b:1");
        sim_rig_advance(p.rig, 4 * MM1_NS_PER_SEC);
        cr_assert_eq(got(p.a, later, NULL), 0);
        pair_cut(&p, 0);
        p.rig->world.hosts[1].down = false;
        cr_assert_not_null(CONFORM_AWAIT(p.a, later, mm1_connected));
        (void)conform_accept(p.b, p.listener);
        cr_assert_eq(got(p.b, p.listener, &mm1_accepted_type), 1, "tried often, accepted once");
        sim_rig_free(p.rig);
    }
}

Test(net, a_lost_answer_to_a_dial_comes_after_the_cut)
{
    struct pair p;
    pair_listen(&p, TEXT(""), 1);
    p.near = conform_dial(p.a, "tcp://b:1");
    conform_send(p.a, p.near, "x", 1);
    p.far = conform_accept(p.b, p.listener);
    pair_cut(&p, B_TO_A);
    conform_credit(p.b, p.far, 1);
    sim_rig_advance(p.rig, 5 * MM1_NS_PER_SEC);
    cr_assert_eq(got(p.a, p.near, NULL), 0);
    pair_cut(&p, 0);
    cr_assert_not_null(CONFORM_AWAIT(p.a, p.near, mm1_connected));
    cr_assert_not_null(CONFORM_AWAIT(p.b, p.far, mm1_received));
    sim_rig_free(p.rig);
}

Test(net, a_paused_host_accepts_nothing)
{
    struct pair p;
    pair_listen(&p, TEXT(""), 1);
    p.rig->world.hosts[1].paused_until = now(&p) + 3 * MM1_NS_PER_SEC;
    uint64_t resumed = p.rig->world.hosts[1].paused_until;
    mm1_handle near = conform_dial(p.a, "tcp://b:1");
    cr_assert_not_null(CONFORM_AWAIT(p.a, near, mm1_connected));
    cr_assert_geq(now(&p), resumed);
    sim_rig_free(p.rig);
}

/* The sender is held back: it is told Sent for as much as fits on the way, and for the rest when the peer reads. */
Test(net, sent_waits_for_a_reader)
{
    enum { PIECE = 32 * 1024, PIECES = 32 };
    struct pair p;
    uint8_t *data = conform_stream(PIECE);
    pair_open(&p, TEXT(""), 1);
    for (unsigned i = 0; i < PIECES; i++) {
        conform_send(p.a, p.near, data, PIECE);
    }
    sim_rig_advance(p.rig, 10 * MM1_NS_PER_SEC);
    unsigned before = got(p.a, p.near, &mm1_sent_type);
    cr_assert(before >= 2 && before < PIECES, "%u", before);
    cr_assert_eq(got(p.b, p.far, NULL), 0);
    conform_credit(p.b, p.far, 4 * PIECE);
    sim_rig_advance(p.rig, MM1_NS_PER_SEC);
    cr_assert_eq(got(p.a, p.near, &mm1_sent_type), before + 4);
    conform_credit(p.b, p.far, SIZE_MAX);
    conform_credit(p.b, p.far, SIZE_MAX); /* more than can be counted */
    sim_rig_settle(p.rig);
    cr_assert_eq(got(p.a, p.near, &mm1_sent_type), PIECES);
    free(data);
    sim_rig_free(p.rig);
}

Test(net, names_are_of_hosts)
{
    const struct {
        const char *name;
        mm1_status listen;
        mm1_status dial;
    } cases[] = {
        {"tcp://a:99999", MM1_INVALID, MM1_INVALID}, {"tcp://a:", MM1_INVALID, MM1_INVALID},
        {"tcp://a:1x", MM1_INVALID, MM1_INVALID},    {"tcp://nobody:1", MM1_INVALID, MM1_INVALID},
        {"tcp://b:7", MM1_INVALID, MM1_REFUSED},     {"tcp://a", MM1_INVALID, MM1_INVALID},
    };
    struct pair p;
    pair_listen(&p, TEXT(""), 1);
    for (size_t i = 0; i < MM1_COUNT_OF(cases); i++) {
        mm1_handle listener = conform_handle(&p.a->sink);
        conform_listen_as(p.a, listener, cases[i].name);
        conform_expect_failed(p.a, listener, cases[i].listen);
        conform_expect_failed(p.a, conform_dial(p.a, cases[i].name), cases[i].dial);
    }
    /* A Unix socket is the host's own. */
    mm1_handle listener = conform_handle(&p.b->sink);
    conform_listen_as(p.b, listener, "uds:///x");
    cr_assert_not_null(CONFORM_AWAIT(p.b, listener, mm1_listening));
    conform_expect_failed(p.a, conform_dial(p.a, "uds:///x"), MM1_REFUSED);
    cr_assert_not_null(CONFORM_AWAIT(p.b, conform_dial(p.b, "uds:///x"), mm1_connected));
    sim_rig_free(p.rig);
}

/* A port that is 0 becomes a real one, each time another. */
Test(net, port_zero_is_replaced)
{
    char names[2][64];
    struct pair p;
    pair_listen(&p, TEXT(""), 1);
    for (unsigned i = 0; i < 2; i++) {
        mm1_handle listener = conform_handle(&p.b->sink);
        conform_listen_as(p.b, listener, "tcp://b:0");
        const struct mm1_listening *m = CONFORM_AWAIT(p.b, listener, mm1_listening);
        cr_assert_not_null(m);
        (void)snprintf(names[i], sizeof(names[i]), "%.*s", (int)m->name.size, m->name.data);
        cr_assert_not_null(CONFORM_AWAIT(p.a, conform_dial(p.a, names[i]), mm1_connected));
    }
    cr_assert_str_neq(names[0], names[1]);
    sim_rig_free(p.rig);
}

/* --- a run that is stuck --------------------------------------------------------------------------------------- */

/* Sends itself bytes over a stream, and reads them or not. */
#define DEAF_FIELDS(F) F(bool, reads)
MM1_MSG_DECLARE(deaf, DEAF_FIELDS)
MM1_MSG_DEFINE(deaf, "test::Deaf", DEAF_FIELDS)

struct listener {
    bool reads;
};

static mm1_status listener_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    mm1_handle handle;
    ((struct listener *)state)->reads = ((const struct deaf *)arg)->reads;
    return mm1_net_listen(ctx, MM1_TEXT("tcp://a:1"), &handle);
}

static mm1_status listener_receive(struct mm1_ctx *ctx, void *state,
                                   const struct mm1_envelope *envelope)
{
    mm1_handle handle;
    MM1_ON(envelope, mm1_listening, m) {
        return mm1_net_dial(ctx, m->name, &handle);
    }
    MM1_ON(envelope, mm1_connected, m) {
        return mm1_net_send(ctx, m->handle, mm1_bytes_of_text(MM1_TEXT("hello")));
    }
    MM1_ON(envelope, mm1_accepted, m) {
        MM1_TRY(mm1_net_accept(ctx, m->handle));
        return ((struct listener *)state)->reads ? mm1_net_read(ctx, m->handle, 100) : MM1_OK;
    }
    return MM1_OK;
}

Test(net, bytes_that_nobody_reads_are_no_rest)
{
    static const struct mm1_behaviour behaviour = {.name = "listener",
                                                   .state_size = sizeof(struct listener),
                                                   .init = listener_init,
                                                   .receive = listener_receive};
    static const struct mm1_role role = {
        .name = "listener", .main = &behaviour, .arg_type = &deaf_type};
    static const struct mm1_msg_type *const types[] = {&deaf_type};
    static const struct mm1_system system = {.abi = MM1_SYSTEM_ABI,
                                             .name = "deaf",
                                             .source_version = "1",
                                             .types = types,
                                             .type_count = 1,
                                             .roles = &role,
                                             .role_count = 1};
    for (unsigned reads = 0; reads < 2; reads++) {
        char text[256];
        (void)snprintf(text, sizeof(text),
                       "{\"system\": \"deaf\", \"hosts\": {\"a\": {}}, \"nodes\": {\"a\": "
                       "{\"role\": \"listener\", \"args\": {\"reads\": %s}}}}",
                       reads == 1 ? "true" : "false");
        struct sim_scenario *scenario = sim_rig_load(text, &system);
        struct sim_result result = sim_play(scenario, 1, NULL, NULL);
        cr_assert_eq(result.verdict, reads == 1 ? SIM_PASSED : SIM_LIVENESS, "%s", result.text);
        sim_scenario_free(scenario);
    }
}

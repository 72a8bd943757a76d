/* Messages: MSG-05, MSG-06, TTL-01, headers, inboxes and their permits. */
#include "puppet.h"

static struct puppet a, b, c;

static void three(void)
{
    spawn(&a, "a");
    spawn_small(&b, "b", 2);
    spawn(&c, "c");
}

static mm1_status post(mm1_addr to, uint64_t no, const struct mm1_header *header)
{
    return mm1_node_send(home.node, to, &note_type, &(struct note){.no = no}, header);
}

/* MSG-05: what a send says. */
CORE_TEST(send, statuses)
{
    three();
    make(&a, OP_NOTE, b.addr, 1);
    cr_assert_eq(a.status, MM1_OK);
    expect_log(&b, "note 1; ");
    make(&a, OP_NOTE, NOWHERE, 1);
    cr_assert_eq(a.status, MM1_NOT_FOUND);
    make(&a, OP_NOTE, MM1_ADDR(0xaa10000000000001u), 1); /* of a local subnet */
    cr_assert_eq(a.status, MM1_OK);
    make(&a, OP_NOTE, MM1_ADDR(0xaa00ffffffffffffu), 1); /* of the auto subnet */
    cr_assert_eq(a.status, MM1_OK);
    make(&b, OP_QUIT, b.addr, MM1_REASON_NORMAL);
    make(&a, OP_NOTE, b.addr, 2);
    cr_assert_eq(a.status, MM1_OK);
    make(&a, OP_NOTE, MM1_ADDR(b.addr.bits + 1), 2); /* of its block */
    cr_assert_eq(a.status, MM1_OK);
}

static void look_up_zero(struct mm1_ctx *ctx, struct puppet *p)
{
    mm1_addr main;
    p->answer = mm1_owner(ctx, MM1_ADDR(0), &main) || mm1_is_local(ctx, MM1_ADDR(0));
}

/* No address at all, and a well-known one that nobody serves: no verb takes them for somebody, or breaks. */
CORE_TEST(send, malformed_addresses)
{
    static const struct {
        uint64_t bits;
        mm1_status sent;
        mm1_status exited;
        const char *told;
    } none[] = {
        {0, MM1_NOT_FOUND, MM1_NOCONNECTION,
         "exited nobody noconnection; down nobody#1 noconnection; "},
        {0xffffffffffff7777u, MM1_OK, MM1_NOPROC, "exited nobody noproc; down nobody#2 noproc; "},
    };
    three();
    make(&a, OP_TRAP, a.addr, 1);
    call(&a, look_up_zero);
    cr_assert_not(a.answer);
    for (size_t i = 0; i < MM1_COUNT_OF(none); i++) {
        mm1_addr addr = MM1_ADDR(none[i].bits);
        make(&a, OP_NOTE, addr, 1);
        cr_assert_eq(a.status, none[i].sent);
        cr_assert_eq(post(addr, 1, NULL), none[i].sent);
        make(&a, OP_EXIT, addr, MM1_REASON_SHUTDOWN);
        cr_assert_eq(a.status, none[i].exited);
        make(&a, OP_KILL, addr, 0);
        cr_assert_not(a.answer);
        make(&a, OP_LINK, addr, 0);
        cr_assert_eq(a.status, MM1_OK);
        make(&a, OP_UNLINK, addr, 0);
        cr_assert_eq(a.status, MM1_OK);
        make(&a, OP_WATCH, addr, 0);
        cr_assert_eq(a.status, MM1_OK);
        expect_log(&a, none[i].told);
    }
}

/* The last address of all lies behind no actor, although its successor is 0. */
CORE_TEST(send, last_address)
{
    struct mini_node edge;
    struct mm1_node_config config = home_config();
    config.auto_net = MM1_NET_DEFAULT_AUTO;
    config.actors_max = 1;
    cr_assert_eq(mini_node_open(&world, &edge, &config), MM1_OK);
    struct mm1_spawn spec = SPAWN_OF(&a);
    enrol(&a, "a");
    cr_assert_eq(mm1_node_spawn(edge.node, &spec, &a.addr), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(mm1_node_exit(edge.node, a.addr, MM1_SHUTDOWN), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(mm1_node_actors(edge.node), 0);
    struct note m = {.no = 1};
    cr_assert_eq(mm1_node_send(edge.node, MM1_ADDR(UINT64_MAX), &note_type, &m, NULL), MM1_OK);
    cr_assert_neq(mm1_node_exit(edge.node, MM1_ADDR(UINT64_MAX), MM1_SHUTDOWN), MM1_OK);
    cr_assert_null(mm1_node_path(edge.node, MM1_ADDR(UINT64_MAX)));
    mini_settle(&world);
    cr_assert_eq(mm1_node_unrest(edge.node), 0);
    mini_node_close(&edge);
}

/* TTL-01, MSG-06: 15 leave, 14 arrive; each forward takes one more; at 0 it ends. */
static struct mm1_envelope first_seen;
static mm1_status forward_status;

static mm1_status hop_receive(struct mm1_ctx *ctx, void *state, const struct mm1_envelope *envelope)
{
    struct puppet *p = *(struct puppet **)state;
    MM1_ON(envelope, note, m) {
        if (p->ref_count++ == 0) {
            first_seen = *envelope;
        }
        p->last = *envelope;
        forward_status = mm1_forward(ctx, p->addr, envelope);
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour hop = {.name = "hop",
                                         .state_size = sizeof(struct puppet *),
                                         .init = puppet_init,
                                         .receive = hop_receive,
                                         .fini = puppet_fini};

CORE_TEST(send, ttl)
{
    enrol(&a, "a");
    struct mm1_spawn spec = SPAWN_OF(&a);
    spec.behaviour = &hop;
    cr_assert_eq(mm1_node_spawn(home.node, &spec, &a.addr), MM1_OK);
    mini_settle(&world);
    struct mm1_header header = {.trace_id = 0x77};
    cr_assert_eq(post(a.addr, 1, &header), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(first_seen.ttl, 14);
    cr_assert_eq(a.last.ttl, 0);
    cr_assert_eq(a.ref_count, 15);
    cr_assert_eq(forward_status, MM1_TTL_EXHAUSTED);
    /* A forward leaves the rest as it was. */
    cr_assert_eq(a.last.no, first_seen.no);
    cr_assert_eq(a.last.trace_id, 0x77);
    cr_assert(mm1_addr_equal(a.last.to, a.addr));
    a.ref_count = 0;
    header = (struct mm1_header){.ttl = 1, .no = 99, .priority = true};
    cr_assert_eq(post(a.addr, 2, &header), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(a.ref_count, 1);
    cr_assert(first_seen.ttl == 0 && first_seen.no == 99 && first_seen.priority);
}

/* MSG-06: `to` of a forwarded message says where it was first sent. */
static void forward_to_c(struct mm1_ctx *ctx, struct puppet *p)
{
    p->status = mm1_forward(ctx, c.addr, &p->last);
}

static void forward_note(struct mm1_ctx *ctx, struct puppet *p)
{
    struct note m = {.no = 8};
    p->last.msg = &m;
    forward_to_c(ctx, p);
}

CORE_TEST(send, forward_keeps_to)
{
    three();
    a.at_note = forward_note;
    cr_assert_eq(post(a.addr, 8, NULL), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(a.status, MM1_OK);
    expect_log(&c, "note 8; ");
    cr_assert(mm1_addr_equal(c.last.to, a.addr));
    cr_assert_eq(c.last.ttl, 13);
    cr_assert_eq(c.last.no, a.last.no);
}

/* The trace id goes on to what a turn sends. */
static void pass_on(struct mm1_ctx *ctx, struct puppet *p)
{
    p->status = mm1_tell(ctx, c.addr, note, .no = 1);
}

CORE_TEST(send, trace_id)
{
    three();
    a.at_note = pass_on;
    cr_assert_eq(post(a.addr, 1, &(struct mm1_header){.trace_id = 5}), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(c.last.trace_id, 5);
    cr_assert_eq(post(a.addr, 1, NULL), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(c.last.trace_id, 0);
}

/* A full inbox says so, and each message that is taken gives its permit back. */
CORE_TEST(send, full)
{
    three();
    for (uint64_t round = 0; round < 5; round++) {
        cr_assert_eq(post(b.addr, 1, NULL), MM1_OK);
        cr_assert_eq(post(b.addr, 2, NULL), MM1_OK);
        cr_assert_eq(post(b.addr, 3, NULL), MM1_FULL);
        cr_assert_eq(post(b.addr, 4, &(struct mm1_header){.priority = true}), MM1_OK);
        mini_settle(&world);
        expect_log(&b, "note 4; note 1; note 2; ");
    }
}

/* The permit of a message is free while it is handled. */
static void note_to_self(struct mm1_ctx *ctx, struct puppet *p)
{
    p->status = mm1_tell(ctx, p->addr, note, .no = 9);
    p->at_note = NULL;
}

CORE_TEST(send, permit_of_the_message_in_hand)
{
    three();
    b.at_note = note_to_self;
    cr_assert_eq(post(b.addr, 1, NULL), MM1_OK);
    cr_assert_eq(post(b.addr, 2, NULL), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(b.status, MM1_OK);
    expect_log(&b, "note 1; note 2; note 9; ");
}

/* A send that fails for another reason keeps no permit. */
CORE_TEST(send, failed_sends_keep_no_permit)
{
    three();
    for (unsigned i = 0; i < 10; i++) {
        test_alloc_fail_at(&world.alloc, 1);
        cr_assert_eq(post(b.addr, 1, NULL), MM1_NOMEM);
    }
    test_alloc_fail_at(&world.alloc, 0);
    cr_assert_eq(post(b.addr, 1, NULL), MM1_OK);
    cr_assert_eq(post(b.addr, 2, NULL), MM1_OK);
    cr_assert_eq(post(b.addr, 3, NULL), MM1_FULL);
    mini_settle(&world);
}

/* Exited, Down and timers need no permit. */
static void make_ready(struct mm1_ctx *ctx, struct puppet *p)
{
    mm1_trap_exit(ctx, true);
    cr_assert_eq(mm1_link(ctx, p->other->addr), MM1_OK);
    cr_assert_eq(mm1_watch(ctx, p->other->addr, &p->refs[0]), MM1_OK);
    cr_assert_eq(mm1_after(ctx, 1000, &p->refs[1], note, .no = 7), MM1_OK);
}

CORE_TEST(send, signals_need_no_permit)
{
    three();
    b.other = &c;
    call(&b, make_ready);
    cr_assert_eq(post(b.addr, 1, NULL), MM1_OK);
    cr_assert_eq(post(b.addr, 2, NULL), MM1_OK);
    cr_assert_eq(mm1_node_exit(home.node, c.addr, MM1_SHUTDOWN), MM1_OK);
    mini_advance(&world, 2000);
    expect_log(&b, "note 1; note 2; exited c shutdown; down c#1 shutdown; note 7; ");
}

/* A full inbox dies with its actor: the next life of the slot has all its permits. */
CORE_TEST(send, permits_of_the_dead)
{
    mini_node_close(&home);
    struct mm1_node_config config = home_config();
    config.actors_max = 1;
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_OK);
    spawn_small(&b, "b", 2);
    struct mm1_actor *slot = mm1__live(home.node, b.addr.bits);
    tell(&b, OP_QUIT, b.addr, MM1_REASON_NORMAL);
    cr_assert_eq(post(b.addr, 1, NULL), MM1_OK);
    cr_assert_eq(post(b.addr, 1, NULL), MM1_FULL);
    mini_settle(&world);
    cr_assert_not(lives(&b));
    spawn_small(&b, "b", 2);
    cr_assert_eq(mm1__live(home.node, b.addr.bits), slot);
    cr_assert_eq(post(b.addr, 1, NULL), MM1_OK);
    cr_assert_eq(post(b.addr, 2, NULL), MM1_OK);
    cr_assert_eq(post(b.addr, 3, NULL), MM1_FULL);
    mini_settle(&world);
    expect_log(&b, "note 1; note 2; ");
}

/* A verb that is answered in its place does nothing. */
static bool answer_all(struct mini_world *w, struct mm1_runnable *runnable,
                       const struct mm1_effect *effect, struct mm1_answer *answer)
{
    (void)w, (void)runnable, (void)effect;
    *answer = (struct mm1_answer){.status = MM1_IO, .value = 1};
    return false;
}

CORE_TEST(send, answered_in_its_place)
{
    three();
    world.effect = answer_all;
    make(&a, OP_NOTE, c.addr, 1);
    cr_assert_eq(a.status, MM1_IO);
    make(&a, OP_LINK, c.addr, 0);
    cr_assert_eq(a.status, MM1_IO);
    make(&a, OP_WATCH, c.addr, 0);
    cr_assert_eq(a.status, MM1_IO);
    make(&a, OP_EXIT, c.addr, MM1_REASON_SHUTDOWN);
    cr_assert_eq(a.status, MM1_IO);
    make(&a, OP_KILL, c.addr, 0);
    make(&a, OP_QUIT, a.addr, MM1_REASON_NORMAL);
    world.effect = NULL;
    cr_assert(lives(&a) && lives(&c));
    cr_assert_not(linked(&a, &c));
    expect_log(&c, "");
}

/* Bound subnets: MSG-09, MSG-10. */
#include "puppet.h"

static struct puppet a, b, c;
static struct mm1_net wanted;

static bool without_memory;
static uint32_t inbox_size;

static void bind_wanted(struct mm1_ctx *ctx, struct puppet *p)
{
    test_alloc_fail_at(&world.alloc, without_memory ? 1 : 0);
    p->status = mm1_bind(ctx, wanted, inbox_size);
    test_alloc_fail_at(&world.alloc, 0);
}

static mm1_status bind_to(struct puppet *p, uint64_t address, uint8_t mask)
{
    wanted = (struct mm1_net){.addr = {address}, .mask = mask};
    call(p, bind_wanted);
    return p->status;
}

static void three(void)
{
    spawn(&a, "a");
    spawn(&b, "b");
    spawn(&c, "c");
}

/* Every address of the range arrives, and `to` says which. */
CORE_TEST(bind, serves)
{
    three();
    cr_assert_eq(bind_to(&b, 0xaa10000000000100u, 60), MM1_OK);
    for (uint64_t i = 0; i < 16; i++) {
        make(&a, OP_NOTE, MM1_ADDR(0xaa10000000000100u + i), i);
        cr_assert_eq(a.status, MM1_OK);
        cr_assert_eq(b.last.to.bits, 0xaa10000000000100u + i);
    }
    b.log_size = 0;
    make(&a, OP_NOTE, MM1_ADDR(0xaa10000000000110u), 1);
    make(&a, OP_NOTE, MM1_ADDR(0xaa100000000000ffu), 1);
    make(&b, OP_NOTE, NOWHERE, 1);
    cr_assert_eq(b.log_size, 0);
}

/* Host bits of the address do not count; a subnet that is neither local nor the node's may be served too. */
CORE_TEST(bind, host_bits_and_routes)
{
    three();
    cr_assert_eq(bind_to(&b, 0xbb00000000000007u, 56), MM1_OK);
    make(&a, OP_NOTE, MM1_ADDR(0xbb000000000000ffu), 1);
    make(&a, OP_NOTE, MM1_ADDR(0xbb00000000000000u), 2);
    expect_log(&b, "note 1; note 2; ");
    make(&b, OP_QUIT, b.addr, MM1_REASON_NORMAL);
    make(&a, OP_NOTE, MM1_ADDR(0xbb000000000000ffu), 1);
    cr_assert_eq(a.status, MM1_NOT_FOUND);
}

CORE_TEST(bind, conflicts)
{
    three();
    cr_assert_eq(bind_to(&b, 0xaa10000000000100u, 60), MM1_OK);
    cr_assert_eq(bind_to(&a, 0xaa10000000000100u, 60), MM1_CONFLICT);
    cr_assert_eq(bind_to(&a, 0xaa10000000000105u, 64), MM1_CONFLICT); /* inside */
    cr_assert_eq(bind_to(&a, 0xaa10000000000000u, 32), MM1_CONFLICT); /* around */
    cr_assert_eq(bind_to(&b, 0xaa1000000000010fu, 64), MM1_CONFLICT); /* one's own */
    cr_assert_eq(bind_to(&a, 0xaa00000000000000u, 64), MM1_CONFLICT); /* the auto subnet */
    cr_assert_eq(bind_to(&a, 0, 0), MM1_CONFLICT);
    cr_assert_eq(bind_to(&a, 0xaa10000000000110u, 65), MM1_INVALID);
    cr_assert_eq(bind_to(&a, 0xaa10000000000110u, 64), MM1_OK); /* beside it */
    cr_assert_eq(bind_to(&a, 0xaa100000000000ffu, 64), MM1_OK);
    cr_assert_eq(bind_to(&a, UINT64_MAX, 64), MM1_OK); /* the last of all */
    make(&b, OP_NOTE, MM1_ADDR(UINT64_MAX), 4);
    expect_log(&a, "note 4; ");
}

/* MSG-10: all of an actor's subnets end with it; those of others stay. The table grows. */
CORE_TEST(bind, ends_with_the_actor)
{
    three();
    for (uint64_t i = 0; i < 40; i++) {
        struct puppet *p = i % 2 == 0 ? &a : &b;
        cr_assert_eq(bind_to(p, 0xaa10000000000000u + ((i * 17) % 40), 64), MM1_OK);
    }
    make(&a, OP_QUIT, a.addr, MM1_REASON_NORMAL);
    b.silent = true;
    for (uint64_t i = 0; i < 40; i++) {
        uint64_t address = 0xaa10000000000000u + ((i * 17) % 40);
        b.last.to.bits = 0;
        make(&c, OP_NOTE, MM1_ADDR(address), i);
        cr_assert_eq(c.status, MM1_OK);
        cr_assert_eq(b.last.to.bits, i % 2 == 0 ? 0 : address);
    }
    cr_assert_eq(bind_to(&c, 0xaa10000000000000u, 64), MM1_OK);
}

CORE_TEST(bind, no_memory)
{
    three();
    without_memory = true;
    cr_assert_eq(bind_to(&a, 0xaa10000000000100u, 60), MM1_NOMEM);
    without_memory = false;
    cr_assert_eq(bind_to(&a, 0xaa10000000000100u, 60), MM1_OK);
}

/* A served subnet has permits of its own (MSG-09). */
CORE_TEST(bind, permits)
{
    spawn(&a, "a");
    spawn_small(&b, "b", 1);
    inbox_size = 2;
    cr_assert_eq(bind_to(&b, 0xaa10000000000100u, 64), MM1_OK);
    inbox_size = 0;
    struct note m = {.no = 1};
    mm1_addr at = MM1_ADDR(0xaa10000000000100u);
    cr_assert_eq(mm1_node_send(home.node, at, &note_type, &m, NULL), MM1_OK);
    cr_assert_eq(mm1_node_send(home.node, at, &note_type, &m, NULL), MM1_OK);
    cr_assert_eq(mm1_node_send(home.node, at, &note_type, &m, NULL), MM1_FULL);
    cr_assert_eq(mm1_node_send(home.node, b.addr, &note_type, &m, NULL), MM1_OK);
    cr_assert_eq(mm1_node_send(home.node, b.addr, &note_type, &m, NULL), MM1_FULL);
    mini_settle(&world);
    cr_assert_eq(mm1_node_send(home.node, at, &note_type, &m, NULL), MM1_OK);
    mini_settle(&world);
    expect_log(&b, "note 1; note 1; note 1; note 1; ");
}

/* A kill or exit is refused at an address that is only served, as it may be another node's. */
CORE_TEST(bind, is_not_identity)
{
    three();
    cr_assert_eq(bind_to(&b, 0xbb00000000000000u, 56), MM1_OK);
    make(&a, OP_KILL, MM1_ADDR(0xbb00000000000001u), 0);
    cr_assert_not(a.answer);
    make(&a, OP_EXIT, MM1_ADDR(0xbb00000000000001u), MM1_REASON_SHUTDOWN);
    cr_assert_not(a.answer);
    cr_assert(lives(&b));
}

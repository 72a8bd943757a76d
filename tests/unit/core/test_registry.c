/* Addresses and slots: an old address finds nobody, not a stranger, in this start of the node and in the next. */
#include "puppet.h"

static struct puppet a, b;

static mm1_addr live_and_die(struct mm1_node *node)
{
    struct mm1_spawn spec = SPAWN_OF(&a);
    mm1_addr addr;
    a = (struct puppet){.name = "a"};
    cr_assert_eq(mm1_node_spawn(node, &spec, &addr), MM1_OK);
    mini_settle(&world);
    cr_assert(mm1_addr_equal(addr, a.addr));
    cr_assert_eq(mm1_node_exit(node, addr, MM1_SHUTDOWN), MM1_OK);
    mini_settle(&world);
    return addr;
}

/* Slots are used again, addresses are not. */
CORE_TEST(registry, slots_again)
{
    enum { LIVES = 1000 };
    static mm1_addr old[LIVES];
    struct mm1_actor *slot = NULL;
    mini_node_close(&home);
    struct mm1_node_config config = home_config();
    config.actors_max = 2;
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_OK);
    spawn(&b, "b");
    for (unsigned i = 0; i < LIVES; i++) {
        old[i] = live_and_die(home.node);
        struct mm1_actor *used = mm1__slot_of(home.node, old[i].bits);
        cr_assert(slot == NULL || slot == used);
        slot = used;
        cr_assert_eq(old[i].bits & 0xff, 0);
        cr_assert(mm1_net_contains(NET_AUTO, old[i]));
        for (unsigned j = 0; j < i; j++) {
            cr_assert_not(mm1_addr_equal(old[i], old[j]));
        }
    }
    spawn(&a, "a"); /* lives in that slot now */
    cr_assert_eq(mm1__live(home.node, a.addr.bits), slot);
    for (unsigned i = 0; i < LIVES; i += 50) {
        make(&b, OP_NOTE, old[i], 1);
        cr_assert_eq(b.status, MM1_OK);
        make(&b, OP_KILL, old[i], 0);
        cr_assert_not(b.answer);
        make(&b, OP_EXIT, old[i], MM1_REASON_KILL);
        cr_assert_not(b.answer);
    }
    make(&b, OP_WATCH, old[0], 0);
    expect_log(&b, "down nobody#1 noproc; ");
    cr_assert(lives(&a));
    expect_log(&a, "");
}

/* The smaller the subnet, the fewer actors: an address comes back after all others, at the earliest. */
CORE_TEST(registry, comes_back_last)
{
    enum { BLOCKS = 1 << 12 }; /* of a /44; 256 slots with 16 lives each */
    static mm1_addr old[BLOCKS];
    mini_node_close(&home);
    struct mm1_node_config config = home_config();
    config.auto_net.mask = 44;
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_OK);
    for (unsigned i = 0; i < BLOCKS; i++) {
        old[i] = live_and_die(home.node);
        for (unsigned j = 0; j < i; j++) {
            cr_assert_not(mm1_addr_equal(old[i], old[j]), "%u is %u again", i, j);
        }
    }
}

/* The next start of a node draws another first block. */
struct drawn {
    struct mm1_random base;
    struct mm1_random *real;
    uint64_t starts;
};

static uint64_t draw_by_start(struct mm1_random *self, enum mm1_random_purpose purpose,
                              uint64_t entity, uint64_t nth, uint64_t n)
{
    struct drawn *drawn = MM1_CONTAINER_OF(self, struct drawn, base);
    if (purpose == MM1_RANDOM_FIRST_BLOCK) {
        return (drawn->starts++ * UINT64_C(0x9e3779b97f4a7c15)) % n;
    }
    return drawn->real->ops->draw(drawn->real, purpose, entity, nth, n);
}

CORE_TEST(registry, restarts)
{
    enum { STARTS = 50, LIVES = 20 };
    static mm1_addr old[STARTS * LIVES];
    static const struct mm1_random_ops ops = {.name = "drawn", .draw = draw_by_start};
    struct drawn drawn = {.base = {.ops = &ops}, .real = &world.random};
    unsigned count = 0;
    for (unsigned start = 0; start < STARTS; start++) {
        struct mm1_env env = home.env;
        struct mm1_node *node;
        struct mm1_node_config config = home_config();
        env.random = &drawn.base;
        cr_assert_eq(mm1_node_open(&env, &config, &node), MM1_OK);
        for (unsigned life = 0; life < LIVES; life++) {
            old[count] = live_and_die(node);
            for (unsigned i = 0; i < count; i++) {
                cr_assert_not(mm1_addr_equal(old[i], old[count]), "start %u life %u", start, life);
            }
            count++;
        }
        mm1_node_close(node);
    }
    cr_assert_eq(drawn.starts, STARTS);
}

/* Many at once: each at its own address, more than a page of slots. */
CORE_TEST(registry, many)
{
    enum { MANY = 3000 };
    static mm1_addr addrs[MANY];
    struct mm1_spawn spec = SPAWN_OF(&a);
    a = (struct puppet){.name = "a"};
    for (unsigned i = 0; i < MANY; i++) {
        cr_assert_eq(mm1_node_spawn(home.node, &spec, &addrs[i]), MM1_OK);
    }
    mini_settle(&world);
    cr_assert_eq(mm1_node_actors(home.node), MANY);
    for (unsigned i = 0; i < MANY; i++) {
        cr_assert_not_null(mm1__live(home.node, addrs[i].bits));
        cr_assert_null(mm1__live(home.node, addrs[i].bits + 256 * (uint64_t)MANY));
    }
    for (unsigned i = 0; i < MANY; i++) {
        cr_assert_eq(mm1_node_exit(home.node, addrs[(i * 7) % MANY], MM1_SHUTDOWN), MM1_OK);
    }
    mini_settle(&world);
    cr_assert_eq(a.finis, MANY);
}

static mm1_status open_with(struct mm1_net auto_net, const struct mm1_net *locals, size_t count)
{
    struct mini_node other;
    struct mm1_node_config config = home_config();
    config.auto_net = auto_net;
    config.locals = locals;
    config.local_count = count;
    mm1_status status = mini_node_open(&world, &other, &config);
    if (status == MM1_OK) {
        mini_node_close(&other);
    }
    return status;
}

CORE_TEST(registry, subnets)
{
    struct mm1_net locals[2] = {NET_LOCAL, {.addr = {0xaa20000000000000u}, .mask = 16}};
    cr_assert_eq(open_with(NET_AUTO, locals, 2), MM1_OK);
    cr_assert_eq(open_with(locals[1], locals, 2), MM1_INVALID);
    locals[1].mask = 8;
    cr_assert_eq(open_with((struct mm1_net){.addr = {1}, .mask = 8}, locals, 2), MM1_INVALID);
    cr_assert_eq(open_with((struct mm1_net){.addr = {1}, .mask = 57}, locals, 1), MM1_INVALID);
    locals[0].mask = 65;
    cr_assert_eq(open_with(NET_AUTO, locals, 1), MM1_INVALID);
    cr_assert_eq(open_with((struct mm1_net){.addr = {0}, .mask = 0}, NULL, 0), MM1_OK);
    cr_assert_eq(open_with((struct mm1_net){.addr = {0x100}, .mask = 56}, NULL, 0), MM1_OK);
    cr_assert_eq(open_with(MM1_NET_DEFAULT_AUTO, &MM1_NET_DEFAULT_BIND, 1), MM1_OK);
}

/* Blocks of addresses: as many actors as fit into a small subnet, each of them reached; then no more. */
#include "puppet.h"

#define BLOCKS 16

static struct puppet many[BLOCKS];
static struct puppet one_more;

static mm1_status spawn_at(struct puppet *p)
{
    struct mm1_spawn spec = SPAWN_OF(p);
    return mm1_node_spawn(home.node, &spec, &p->addr);
}

CORE_TEST(parity_pool, actors_fill_a_subnet)
{
    mini_node_close(&home);
    struct mm1_node_config config = home_config();
    config.auto_net.mask = 52;
    config.actors_max = BLOCKS;
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_OK);
    for (unsigned i = 0; i < BLOCKS; i++) {
        enrol(&many[i], "one");
        cr_assert_eq(spawn_at(&many[i]), MM1_OK);
        cr_assert_eq(many[i].addr.bits & 0xff, 0);
        cr_assert(mm1_net_contains(config.auto_net, many[i].addr));
        for (unsigned k = 0; k < i; k++) {
            cr_assert_not(mm1_addr_equal(many[k].addr, many[i].addr));
        }
    }
    one_more = (struct puppet){.name = "one more"};
    cr_assert_eq(spawn_at(&one_more), MM1_RESOURCE);
    mini_settle(&world);
    for (unsigned i = 0; i < BLOCKS; i++) {
        make(&many[i], OP_NOTE, many[(i + 1) % BLOCKS].addr, i);
        cr_assert_eq(many[(i + 1) % BLOCKS].last.to.bits, many[(i + 1) % BLOCKS].addr.bits);
    }
    /* A block that was given back serves again, whatever lies around it. */
    make(&many[3], OP_QUIT, many[3].addr, MM1_REASON_NORMAL);
    cast[3] = &one_more;
    cr_assert_eq(spawn_at(&one_more), MM1_OK);
    mini_settle(&world);
    make(&many[0], OP_NOTE, one_more.addr, 7);
    expect_log(&one_more, "note 7; ");
}

/* The parent of a store whose log cannot be opened: it starts the store again, after a while each time, and gives up
 * when that happens too often. */
#include "messages.h"
#include "mini_world.h"
#include "mm1_test.h"
#include "parent.h"

#define RESTART_AFTER_NS (100 * MM1_NS_PER_MS)

static size_t count_of(const struct mini_world *world, const char *line)
{
    size_t count = 0;
    size_t size = strlen(line);
    for (size_t i = 0; i + size <= world->log.size; i++) {
        count += memcmp(world->log.data + i, line, size) == 0;
    }
    return count;
}

struct house {
    struct mini_world world;
    struct mm1_msg_registry types;
    struct mini_node node;
    mm1_addr parent;
};

static void house_open(struct house *house, const char *ack)
{
    mini_world_init(&house->world);
    house->world.keep_log = true;
    house->types = MM1_MSG_REGISTRY(&house->world.own.base);
    for (size_t i = 0; i < KV_TYPE_COUNT; i++) {
        cr_assert_eq(mm1_msg_register(&house->types, kv_types[i]), MM1_OK);
    }
    struct mm1_net bind = {.addr = {UINT64_C(0xaa10000000000000)}, .mask = 16};
    struct mm1_node_config config = {
        .name = MM1_TEXT("a"),
        .locals = &bind,
        .local_count = 1,
        .auto_net = {.addr = {UINT64_C(0xa000000000000000)}, .mask = 16},
        .types = &house->types,
        .encode = true};
    cr_assert_eq(mini_node_open(&house->world, &house->node, &config), MM1_OK);
    mm1_addr self = MM1_ADDR(UINT64_C(0xaa10000000000001));
    struct kv_replica args = {.name = MM1_TEXT("kv-a"),
                              .self = self,
                              .primary = self,
                              .ack = mm1_text_of(ack),
                              .resend_after = MM1_NS_PER_SEC,
                              .restart_after = RESTART_AFTER_NS};
    struct mm1_spawn spawn = {.behaviour = &kv_parent_behaviour,
                              .name = "replica",
                              .arg_type = &kv_replica_type,
                              .arg = &args};
    cr_assert_eq(mm1_node_spawn(house->node.node, &spawn, &house->parent), MM1_OK);
    mini_settle(&house->world);
}

static void house_close(struct house *house)
{
    mini_node_close(&house->node);
    mm1_msg_registry_close(&house->types);
    mini_world_close(&house->world);
}

Test(kv_parent, starts_the_store_again_and_gives_up_in_the_end)
{
    struct house house = {0};
    struct mm1_reason reason;
    house_open(&house, "synced");
    for (size_t starts = 1; starts <= 6; starts++) {
        cr_assert_eq(count_of(&house.world, "the log failed: "), starts);
        cr_assert_eq(mm1_node_main_ended(house.node.node, &reason), starts == 6);
        mini_advance(&house.world, RESTART_AFTER_NS - 1);
        cr_assert_eq(count_of(&house.world, "the log failed: "), starts);
        mini_advance(&house.world, 1);
    }
    cr_assert_eq(count_of(&house.world, "the log failed: "), 6);
    cr_assert(mini_logged(&house.world, "the store ended too often"));
    cr_assert_eq(reason.kind, MM1_REASON_ERROR);
    cr_assert_eq(reason.code, MM1_REFUSED);
    house_close(&house);
}

Test(kv_parent, ends_when_it_is_told_to_and_takes_the_store_along)
{
    struct house house = {0};
    struct mm1_reason reason;
    house_open(&house, "synced");
    cr_assert_eq(mm1_node_exit(house.node.node, house.parent, MM1_SHUTDOWN), MM1_OK);
    mini_settle(&house.world);
    cr_assert(mm1_node_main_ended(house.node.node, &reason));
    cr_assert_eq(reason.kind, MM1_REASON_SHUTDOWN);
    mini_advance(&house.world, 10 * RESTART_AFTER_NS);
    cr_assert_eq(mm1_node_actors(house.node.node), 0);
    cr_assert_eq(count_of(&house.world, "the log failed: "), 1);
    house_close(&house);
}

Test(kv_parent, an_unknown_ack_mode_is_refused)
{
    struct house house = {0};
    struct mm1_reason reason;
    house_open(&house, "sometimes");
    cr_assert(mini_logged(&house.world, "neither \"synced\" nor \"early\""));
    mini_advance(&house.world, 10 * RESTART_AFTER_NS);
    cr_assert(mm1_node_main_ended(house.node.node, &reason));
    cr_assert_eq(reason.kind, MM1_REASON_INIT_FAILED);
    house_close(&house);
}

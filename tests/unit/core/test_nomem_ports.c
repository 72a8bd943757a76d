/* Streams and logs where memory is refused: whatever request it is, all that was begun is answered once. */
#include "core/core.h"
#include "mini_world.h"
#include "port_party.h"

static struct mini_world world;
static struct mini_node home;
static struct mm1_msg_registry types;

/* --- ports that need memory of the node's allocator ------------------------------------------------------------- */

static bool has_memory(void)
{
    void *block = mm1_take(&world.alloc.base, 1);
    mm1_give(&world.alloc.base, block, 1);
    return block != NULL;
}

static const struct mm1_transport_ops *streams; /* those of the small world */

static mm1_status frugal_listen(struct mm1_transport *self, mm1_handle handle, struct mm1_text name)
{
    return has_memory() ? streams->listen(self, handle, name) : MM1_NOMEM;
}

static mm1_status frugal_dial(struct mm1_transport *self, mm1_handle handle, struct mm1_text name)
{
    return has_memory() ? streams->dial(self, handle, name) : MM1_NOMEM;
}

static mm1_status frugal_send(struct mm1_transport *self, mm1_handle handle, struct mm1_bytes bytes,
                              bool background)
{
    return has_memory() ? streams->send(self, handle, bytes, background) : MM1_NOMEM;
}

/* One log, in memory; answers at once. */
struct shelf {
    struct mm1_store base;
    struct mm1_port_sink *sink;
    uint8_t content[256];
    size_t size;
};

static struct shelf shelf;

static void shelf_attach(struct mm1_store *self, struct mm1_port_sink *sink)
{
    (void)self;
    shelf.sink = sink;
}

static mm1_status shelf_open(struct mm1_store *self, mm1_handle handle, struct mm1_text name)
{
    (void)self, (void)name;
    struct mm1_log_opened opened = {.handle = handle, .size = shelf.size};
    if (!has_memory()) {
        return MM1_NOMEM;
    }
    shelf.sink->post(shelf.sink, handle, false, &mm1_log_opened_type, &opened);
    return MM1_OK;
}

static mm1_status shelf_fail(mm1_handle handle, uint64_t op, mm1_status status)
{
    struct mm1_log_failed failed = {.handle = handle,
                                    .op = op,
                                    .status = (uint32_t)status,
                                    .reason = mm1_text_of(mm1_status_text(status))};
    shelf.sink->post(shelf.sink, handle, false, &mm1_log_failed_type, &failed);
    return MM1_OK;
}

static mm1_status shelf_done(mm1_handle handle, uint64_t op)
{
    struct mm1_log_done done = {.handle = handle, .op = op, .size = shelf.size};
    shelf.sink->post(shelf.sink, handle, false, &mm1_log_done_type, &done);
    return MM1_OK;
}

static mm1_status shelf_append(struct mm1_store *self, mm1_handle handle, uint64_t op,
                               struct mm1_bytes bytes)
{
    (void)self;
    if (!has_memory()) {
        return MM1_NOMEM;
    }
    cr_assert_leq(shelf.size + bytes.size, sizeof(shelf.content));
    memcpy(shelf.content + shelf.size, bytes.data, bytes.size);
    shelf.size += bytes.size;
    return shelf_done(handle, op);
}

static mm1_status shelf_sync(struct mm1_store *self, mm1_handle handle, uint64_t op)
{
    (void)self;
    return has_memory() ? shelf_done(handle, op) : MM1_NOMEM;
}

static mm1_status shelf_truncate(struct mm1_store *self, mm1_handle handle, uint64_t op,
                                 uint64_t size)
{
    (void)self;
    if (!has_memory()) {
        return MM1_NOMEM;
    }
    if (size > shelf.size) {
        return shelf_fail(handle, op, MM1_INVALID);
    }
    shelf.size = (size_t)size;
    return shelf_done(handle, op);
}

static mm1_status shelf_read(struct mm1_store *self, mm1_handle handle, uint64_t op,
                             uint64_t offset, size_t size)
{
    (void)self;
    if (!has_memory()) {
        return MM1_NOMEM;
    }
    size_t left = shelf.size - (size_t)offset;
    struct mm1_log_data data = {
        .handle = handle,
        .op = op,
        .offset = offset,
        .data = {.data = shelf.content + offset, .size = size < left ? size : left}};
    mm1_status status = shelf.sink->post_data(shelf.sink, handle, false, &mm1_log_data_type, &data);
    return status == MM1_OK ? MM1_OK : shelf_fail(handle, op, status);
}

static void shelf_close(struct mm1_store *self, mm1_handle handle)
{
    (void)self, (void)handle;
}

/* Gives a fresh node these ports. */
static void equip(void)
{
    static struct mm1_transport_ops frugal;
    static const struct mm1_store_ops shelf_ops = {.name = "shelf",
                                                   .attach = shelf_attach,
                                                   .open = shelf_open,
                                                   .append = shelf_append,
                                                   .sync = shelf_sync,
                                                   .truncate = shelf_truncate,
                                                   .read = shelf_read,
                                                   .close = shelf_close};
    streams = home.transport.ops;
    frugal = *streams;
    frugal.listen = frugal_listen;
    frugal.dial = frugal_dial;
    frugal.send = frugal_send;
    home.transport.ops = &frugal;
    shelf = (struct shelf){.base = {.ops = &shelf_ops}, .sink = &home.node->sink};
    home.node->env.store = &shelf.base;
}

/* --- the sweep ------------------------------------------------------------------------------------------------ */

static void set_up(bool encode)
{
    mini_world_init(&world);
    types = MM1_MSG_REGISTRY(&world.own.base);
    struct mm1_node_config config = {.name = MM1_TEXT("here"),
                                     .auto_net = MM1_NET_DEFAULT_AUTO,
                                     .types = &types,
                                     .encode = encode};
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_OK);
    equip();
}

static void tear_down(void)
{
    cr_assert_eq(mm1_node_unrest(home.node), 0);
    mini_node_close(&home);
    mm1_msg_registry_close(&types);
    mini_world_close(&world);
}

/* True: request k was made. `rest`: all later ones are refused as well. */
static bool run(struct party *party, size_t k, bool rest, bool encode)
{
    mm1_addr addr;
    set_up(encode);
    *party = (struct party){.name = "here", .nobody = "there"};
    cr_assert_eq(mm1_node_spawn(home.node, &PARTY_SPAWN(party), &addr), MM1_OK);
    world.alloc.fail_rest = rest;
    test_alloc_fail_at(&world.alloc, k);
    mini_settle(&world);
    bool reached = k != 0 && world.alloc.requests >= k;
    test_alloc_fail_at(&world.alloc, 0);
    world.alloc.fail_rest = false;
    party_check(party);
    cr_assert_eq(mm1_node_unrest(home.node), 0, "request %zu", k);
    cr_assert_eq(mm1_node_exit(home.node, addr, mm1_reason_of(MM1_REASON_KILL)), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(mm1_tree_count(&home.node->handles), 0);
    tear_down();
    return reached;
}

/* What happened in all runs of a sweep: each way to be refused is among them. */
static void sweep(bool rest, bool encode)
{
    struct party party;
    unsigned verbs = 0, turned_away = 0, cut = 0, reads = 0, silent = 0, unheard = 0;
    size_t k = 1;
    for (; run(&party, k, rest, encode); k++) {
        verbs += party.refused;
        turned_away += party.connected && party.accepted == 0;
        cut += party.near.status == MM1_NOMEM || party.far.status == MM1_NOMEM;
        reads += party.reads_failed;
        silent += party.unreasoned;
        unheard += party.listener != 0 && !party.listens;
    }
    cr_assert_gt(k, 50);
    cr_assert(verbs > 0 && turned_away > 0 && cut > 0 && reads > 0 && silent > 0 && unheard > 0,
              "%u %u %u %u %u %u", verbs, turned_away, cut, reads, silent, unheard);
}

Test(nomem_ports, one_at_a_time)
{
    sweep(false, false);
}

Test(nomem_ports, one_at_a_time_encoded)
{
    sweep(false, true);
}

Test(nomem_ports, from_one_on)
{
    sweep(true, false);
}

Test(nomem_ports, from_one_on_encoded)
{
    sweep(true, true);
}

Test(nomem_ports, none)
{
    struct party party;
    for (unsigned encode = 0; encode < 2; encode++) {
        cr_assert_not(run(&party, 0, false, encode == 1));
        party_check_whole(&party);
    }
}

/* --- one by one ----------------------------------------------------------------------------------------------- */

static struct party party;

/* A party of which memory is refused from now on. */
static mm1_addr starve(bool encode)
{
    mm1_addr addr;
    set_up(encode);
    party = (struct party){.name = "here", .nobody = "there"};
    cr_assert_eq(mm1_node_spawn(home.node, &PARTY_SPAWN(&party), &addr), MM1_OK);
    mini_settle(&world);
    party_check_whole(&party);
    world.alloc.fail_rest = true;
    test_alloc_fail_at(&world.alloc, 1);
    return addr;
}

static void feed(mm1_addr addr)
{
    test_alloc_fail_at(&world.alloc, 0);
    party_check(&party);
    cr_assert_eq(mm1_node_exit(home.node, addr, mm1_reason_of(MM1_REASON_KILL)), MM1_OK);
    mini_settle(&world);
    tear_down();
}

/* A connection for which there is no memory is reset, and the listener goes on. */
Test(nomem_ports, turned_away)
{
    for (unsigned encode = 0; encode < 2; encode++) {
        mm1_addr addr = starve(encode == 1);
        for (unsigned i = 0; i < 3; i++) {
            struct mini_end *end = mini_dial(&world, "here");
            cr_assert_not_null(end);
            mini_settle(&world);
            cr_assert_eq(mini_ending(end), MM1_RESET);
        }
        cr_assert_eq(party.accepted, 1);
        test_alloc_fail_at(&world.alloc, 0);
        struct mini_end *end = mini_dial(&world, "here");
        party.far = (struct party_stream){0};
        mini_settle(&world);
        cr_assert_eq(mini_ending(end), MM1_OK);
        cr_assert_eq(party.accepted, 2);
        party.near.received = 33; /* another peer than before */
        party.far.received = 33;
        feed(addr);
    }
}

/* Bytes for which there is no memory end the stream, for both sides; those before them have come. */
Test(nomem_ports, bytes_lost)
{
    for (unsigned encode = 0; encode < 2; encode++) {
        mm1_addr addr = starve(encode == 1);
        test_alloc_fail_at(&world.alloc, 0);
        struct mini_end *end = mini_dial(&world, "here");
        party.far = (struct party_stream){0};
        mini_settle(&world);
        mini_send(end, party_bytes, 10);
        test_alloc_fail_at(&world.alloc, 1);
        mini_send(end, party_bytes + 10, 10);
        mini_send(end, party_bytes + 20, 10);
        mini_settle(&world);
        cr_assert(party.far.ended && party.far.status == MM1_NOMEM);
        cr_assert_eq(party.far.received, 10);
        cr_assert_eq(mini_ending(end), MM1_RESET);
        cr_assert_not(party.near.ended);
        party.near.ended = true; /* its peer is another than the one that ended */
        party.near.status = MM1_RESET;
        feed(addr);
    }
}

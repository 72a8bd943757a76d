/* Names: the table by itself, the service, keepers of names, and those who look for them. */
#include <stdio.h>

#include <mm1/kit.h>
#include <mm1/name_service.h>
#include <mm1/node.h>

#include "kit/names_table.h"
#include "mini_world.h"
#include "mm1_test.h"

#define A MM1_ADDR(0x10)
#define B MM1_ADDR(0x20)
#define C MM1_ADDR(0x30)

/* --- the table: NS-02 to NS-05 ------------------------------------------------------------------------------------ */

static struct test_alloc memory;
static struct mm1__names names;

static void open_table(void)
{
    test_alloc_init(&memory);
    mm1__names_open(&names, &memory.base);
}

static void close_table(void)
{
    cr_assert(mm1_tree_valid(&names.names));
    cr_assert(mm1_tree_valid(&names.endings));
    mm1__names_shut(&names);
    cr_assert_eq(memory.live, 0);
}

#define TABLE_TEST(name)                                                                           \
    static void table_##name(void);                                                                \
    Test(names_table, name)                                                                        \
    {                                                                                              \
        open_table();                                                                              \
        table_##name();                                                                            \
        close_table();                                                                             \
    }                                                                                              \
    static void table_##name(void)

static mm1_status enter(uint64_t now, const char *name, mm1_addr addr, bool exclusive, uint64_t ttl)
{
    return mm1__names_register(&names, now, mm1_text_of(name), addr, exclusive, ttl);
}

static mm1_status leave(uint64_t now, const char *name, mm1_addr addr)
{
    return mm1__names_unregister(&names, now, mm1_text_of(name), addr);
}

/* "10:5 20:7", addresses and what is left of their time. */
static const char *look(uint64_t now, const char *name)
{
    static char seen[256];
    struct mm1_name_entry *entries;
    size_t count;
    size_t size = 0;
    cr_assert_eq(mm1__names_resolve(&names, now, mm1_text_of(name), &entries, &count), MM1_OK);
    seen[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        size += (size_t)snprintf(seen + size, sizeof(seen) - size, "%s%llx:%llu", i == 0 ? "" : " ",
                                 (unsigned long long)entries[i].addr.bits,
                                 (unsigned long long)entries[i].ttl);
    }
    mm1_give(&memory.base, entries, count * sizeof(*entries));
    return seen;
}

TABLE_TEST(exclusive)
{
    cr_assert_eq(enter(0, "a", A, true, 10), MM1_OK);
    cr_assert_eq(enter(1, "a", B, true, 10), MM1_CONFLICT);
    cr_assert_str_eq(look(3, "a"), "10:7");
    cr_assert_eq(enter(5, "a", A, true, 10), MM1_OK); /* refreshed */
    cr_assert_str_eq(look(14, "a"), "10:1");
    cr_assert_eq(enter(14, "a", A, false, 10), MM1_CONFLICT);
    cr_assert_eq(enter(15, "a", B, true, 10), MM1_OK); /* its time was over */
    cr_assert_str_eq(look(15, "a"), "20:10");
}

TABLE_TEST(shared)
{
    cr_assert_eq(enter(0, "s", B, false, 10), MM1_OK);
    cr_assert_eq(enter(0, "s", A, false, 20), MM1_OK);
    cr_assert_eq(enter(0, "s", C, false, 30), MM1_OK);
    cr_assert_eq(enter(0, "s", B, true, 30), MM1_CONFLICT);
    cr_assert_str_eq(look(0, "s"), "10:20 20:10 30:30");
    cr_assert_str_eq(look(10, "s"), "10:10 30:20");
    cr_assert_eq(enter(10, "s", B, false, 5), MM1_OK);
    cr_assert_eq(enter(10, "s", C, false, 1), MM1_OK); /* a refresh may shorten */
    cr_assert_str_eq(look(11, "s"), "10:9 20:4");
    cr_assert_str_eq(look(20, "s"), "");
    /* All entries are over: now it may be of the other kind. */
    cr_assert_eq(enter(20, "s", C, true, 5), MM1_OK);
}

TABLE_TEST(names_are_bytes)
{
    cr_assert_eq(enter(0, "", A, true, 10), MM1_OK);
    cr_assert_eq(enter(0, "a", B, true, 10), MM1_OK);
    cr_assert_eq(enter(0, "ab", C, true, 10), MM1_OK);
    cr_assert_str_eq(look(0, ""), "10:10");
    cr_assert_str_eq(look(0, "a"), "20:10");
    cr_assert_str_eq(look(0, "ab"), "30:10");
    cr_assert_str_eq(look(0, "abc"), "");
}

TABLE_TEST(a_time_beyond_all_time)
{
    cr_assert_eq(enter(5, "a", A, true, UINT64_MAX - 5), MM1_OK);
    cr_assert_str_eq(look(6, "a"), "10:18446744073709551609");
    cr_assert_eq(enter(6, "b", A, true, UINT64_MAX - 5), MM1_OK);
    cr_assert_str_eq(look(6, "b"), "");
    cr_assert_eq(enter(6, "a", A, true, UINT64_MAX), MM1_OK); /* a refresh ends it */
    cr_assert_str_eq(look(6, "a"), "");
    cr_assert_eq(enter(6, "c", A, true, 0), MM1_OK);
    cr_assert_eq(enter(6, "c", B, false, 1), MM1_OK);
}

TABLE_TEST(a_register_sweeps_all)
{
    char name[16];
    for (int i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof(name), "n%d", i);
        cr_assert_eq(enter(0, name, A, i % 2 == 0, (uint64_t)(i + 1)), MM1_OK);
    }
    cr_assert_eq(mm1_tree_count(&names.endings), 100);
    cr_assert_eq(enter(50, "new", A, true, 1), MM1_OK);
    cr_assert_eq(mm1_tree_count(&names.endings), 51);
    cr_assert_eq(mm1_tree_count(&names.names), 51);
    cr_assert_eq(enter(1000, "new", A, true, 1), MM1_OK);
    cr_assert_eq(mm1_tree_count(&names.endings), 1);
    cr_assert_eq(memory.live, 2);
}

TABLE_TEST(unregister)
{
    cr_assert_eq(leave(0, "a", A), MM1_NOT_FOUND);
    cr_assert_eq(enter(0, "a", A, true, 10), MM1_OK);
    cr_assert_eq(leave(0, "a", B), MM1_NOT_FOUND);
    cr_assert_eq(leave(0, "a", A), MM1_OK);
    cr_assert_eq(leave(0, "a", A), MM1_NOT_FOUND);
    cr_assert_eq(memory.live, 0);
    cr_assert_eq(enter(0, "s", A, false, 10), MM1_OK);
    cr_assert_eq(enter(0, "s", B, false, 10), MM1_OK);
    cr_assert_eq(leave(0, "s", C), MM1_OK);
    cr_assert_eq(leave(0, "s", A), MM1_OK);
    cr_assert_str_eq(look(0, "s"), "20:10");
    cr_assert_eq(leave(0, "s", B), MM1_OK);
    cr_assert_eq(leave(0, "s", B), MM1_NOT_FOUND);
    cr_assert_eq(enter(0, "s", B, true, 10), MM1_OK);
    cr_assert_eq(leave(10, "s", B), MM1_NOT_FOUND); /* over */
}

TABLE_TEST(memory_refused)
{
    struct mm1_name_entry *entries;
    size_t count;
    for (size_t k = 1; k <= 2; k++) {
        test_alloc_fail_at(&memory, k);
        cr_assert_eq(enter(0, "a", A, false, 10), MM1_NOMEM);
        cr_assert_eq(memory.live, 0);
        cr_assert_eq(mm1_tree_count(&names.names) + mm1_tree_count(&names.endings), 0);
    }
    test_alloc_fail_at(&memory, 0);
    cr_assert_eq(enter(0, "a", A, false, 10), MM1_OK);
    test_alloc_fail_at(&memory, 1);
    cr_assert_eq(enter(0, "a", B, false, 10), MM1_NOMEM);
    cr_assert_str_eq(look(0, "a"), "10:10");
    test_alloc_fail_at(&memory, 1);
    cr_assert_eq(enter(0, "a", A, false, 20), MM1_OK); /* a refresh needs none */
    test_alloc_fail_at(&memory, 1);
    cr_assert_eq(mm1__names_resolve(&names, 0, MM1_TEXT("a"), &entries, &count), MM1_NOMEM);
    cr_assert_eq(count, 0);
    cr_assert_str_eq(look(0, "a"), "10:20");
}

/* --- the world -------------------------------------------------------------------------------------------------- */

static struct mini_world world;
static struct mini_node home;
static struct mm1_msg_registry types;
static mm1_addr service;

static mm1_addr spawn_as(const struct mm1_spawn *spawn)
{
    mm1_addr addr;
    cr_assert_eq(mm1_node_spawn(home.node, spawn, &addr), MM1_OK);
    mini_settle(&world);
    return addr;
}

static void set_up(void)
{
    mini_world_init(&world);
    world.keep_log = true;
    types = MM1_MSG_REGISTRY(&world.own.base);
    cr_assert_eq(mm1_kit_register(&types), MM1_OK);
    cr_assert_eq(mini_node_open(&world, &home,
                                &(struct mm1_node_config){
                                    .name = MM1_TEXT("home"),
                                    .auto_net = {.addr = {UINT64_C(0xaa) << 56}, .mask = 16},
                                    .types = &types,
                                    .encode = true}),
                 MM1_OK);
    service = spawn_as(&(struct mm1_spawn){.behaviour = &mm1_name_service});
}

static void tear_down(void)
{
    mm1_node_kill_all(home.node);
    mini_settle(&world);
    cr_assert_eq(mm1_node_actors(home.node), 0);
    cr_assert_eq(mm1_node_unrest(home.node), 0);
    mini_node_close(&home);
    mm1_msg_registry_close(&types);
    mini_world_close(&world);
}

#define SERVICE_TEST(name)                                                                         \
    static void service_##name(void);                                                              \
    Test(name_service, name)                                                                       \
    {                                                                                              \
        set_up();                                                                                  \
        service_##name();                                                                          \
        tear_down();                                                                               \
    }                                                                                              \
    static void service_##name(void)

static bool lives(mm1_addr addr)
{
    return mm1_node_path(home.node, addr) != NULL;
}

static void kill_it(mm1_addr addr)
{
    cr_assert_eq(mm1_node_exit(home.node, addr, mm1_reason_of(MM1_REASON_KILL)), MM1_OK);
    mini_settle(&world);
    cr_assert_not(lives(addr));
}

/* --- NS-01, NS-08: the service ------------------------------------------------------------------------------------ */

/* Runs `script` as a function actor; a test fails when the script does not come to its end. */
typedef void script_fn(struct mm1_ctx *ctx);
static bool script_done;

static mm1_status script_run(struct mm1_ctx *ctx, const void *arg)
{
    (*(script_fn *const *)arg)(ctx);
    script_done = true;
    return MM1_OK;
}

static const struct mm1_function script_actor = MM1_FUNCTION("script", script_run);

static void begin_script(script_fn *script)
{
    script_done = false;
    (void)spawn_as(&(struct mm1_spawn){
        .behaviour = &script_actor.behaviour, .arg = &script, .arg_size = sizeof(script_fn *)});
}

static void run_script(script_fn *script)
{
    begin_script(script);
    mini_advance(&world, 5 * MM1_NS_PER_SEC);
    cr_assert(script_done);
}

static mm1_status do_register(struct mm1_ctx *ctx, struct mm1_name_register body)
{
    const struct mm1_name_done *done;
    mm1_status status = mm1_ask(ctx, MM1_ADDR_NAME_SERVICE, MM1_NAME_TIMEOUT_NS, mm1_name_register,
                                mm1_name_done, &done, .name = body.name, .addr = body.addr,
                                .exclusive = body.exclusive, .ttl = body.ttl);
    cr_assert_eq(status, MM1_OK);
    return (mm1_status)done->status;
}

static mm1_status do_unregister(struct mm1_ctx *ctx, struct mm1_text name, mm1_addr addr)
{
    const struct mm1_name_done *done;
    mm1_status status =
        mm1_ask(ctx, MM1_ADDR_NAME_SERVICE, MM1_NAME_TIMEOUT_NS, mm1_name_unregister, mm1_name_done,
                &done, .name = name, .addr = addr);
    cr_assert_eq(status, MM1_OK);
    return (mm1_status)done->status;
}

static void script_answers(struct mm1_ctx *ctx)
{
    const struct mm1_name_found *found;
    struct mm1_name_register a = {
        .name = MM1_TEXT("a"), .addr = A, .exclusive = true, .ttl = MM1_NS_PER_SEC};
    struct mm1_name_register b = a;
    b.addr = B;
    cr_assert_eq(do_register(ctx, a), MM1_OK);
    cr_assert_eq(do_register(ctx, b), MM1_CONFLICT);
    cr_assert_eq(mm1_ask(ctx, MM1_ADDR_NAME_SERVICE, MM1_NAME_TIMEOUT_NS, mm1_name_resolve,
                         mm1_name_found, &found, .name = MM1_TEXT("a")),
                 MM1_OK);
    cr_assert_eq(found->status, MM1_OK);
    cr_assert_eq(found->entries.count, 1);
    cr_assert(mm1_addr_equal(found->entries.items[0].addr, A));
    cr_assert_eq(found->entries.items[0].ttl, MM1_NS_PER_SEC);
    cr_assert_eq(do_unregister(ctx, MM1_TEXT("a"), B), MM1_NOT_FOUND);
    cr_assert_eq(do_unregister(ctx, MM1_TEXT("a"), A), MM1_OK);
    cr_assert_eq(do_register(ctx, b), MM1_OK);
    cr_assert_eq(mm1_sleep(ctx, MM1_NS_PER_SEC), MM1_OK);
    cr_assert_eq(do_register(ctx, a), MM1_OK); /* the time of `b` is over */
}

SERVICE_TEST(answers)
{
    run_script(script_answers);
}

SERVICE_TEST(a_second_service_is_a_conflict)
{
    struct mm1_reason reason;
    mm1_addr second = spawn_as(&(struct mm1_spawn){.behaviour = &mm1_name_service});
    cr_assert_not(lives(second));
    cr_assert(lives(service));
    cr_assert(mm1_node_main_ended(home.node, &reason));
    cr_assert_eq(reason.kind, MM1_REASON_INIT_FAILED);
}

static void script_starts_a_service(struct mm1_ctx *ctx)
{
    mm1_addr addr;
    struct mm1_spawn spawn = {.behaviour = &mm1_name_service};
    cr_assert_eq(mm1_kill(ctx, service), MM1_OK);
    cr_assert_eq(mm1_sleep(ctx, 1), MM1_OK);
    cr_assert_eq(mm1_start(ctx, &spawn, MM1_NS_PER_SEC, &addr), MM1_OK);
    cr_assert(mm1_addr_equal(addr, MM1_ADDR_NAME_SERVICE));
    cr_assert_eq(mm1_start(ctx, &spawn, MM1_NS_PER_SEC, &addr), MM1_EXITED);
}

SERVICE_TEST(init_is_done_when_it_is_bound)
{
    run_script(script_starts_a_service);
    cr_assert_not(lives(service));
}

SERVICE_TEST(what_it_does_not_know)
{
    cr_assert_eq(mm1_node_send(home.node, MM1_ADDR_NAME_SERVICE, &mm1_name_done_response_type,
                               &(struct mm1_name_done_response){.body.status = 0}, NULL),
                 MM1_OK);
    mini_settle(&world);
    cr_assert(mini_logged(&world, "mm1_proto_name_service::Done"));
    cr_assert(lives(service));
}

SERVICE_TEST(its_inbox_has_room_for_1024)
{
    struct mm1_name_resolve_request request = {.header = {.reply_to = service}};
    cr_assert_eq(mm1_node_suspend(home.node, service), MM1_OK);
    for (int i = 0; i < 1024; i++) {
        cr_assert_eq(mm1_node_send(home.node, MM1_ADDR_NAME_SERVICE, &mm1_name_resolve_request_type,
                                   &request, NULL),
                     MM1_OK);
    }
    cr_assert_eq(mm1_node_send(home.node, MM1_ADDR_NAME_SERVICE, &mm1_name_resolve_request_type,
                               &request, NULL),
                 MM1_FULL);
    cr_assert_eq(mm1_node_resume(home.node, service), MM1_OK);
    mini_settle(&world);
}

/* Refuses the k-th request for memory while a message is handled: the service lives, and what it answered is true. */
SERVICE_TEST(memory_refused)
{
    struct mm1_name_register_request request = {
        .header = {.id = 1, .reply_to = service},
        .body = {.name = MM1_TEXT("a"), .addr = A, .exclusive = true, .ttl = MM1_NS_PER_SEC}};
    for (size_t k = 1; k < 8; k++) {
        cr_assert_eq(mm1_node_send(home.node, MM1_ADDR_NAME_SERVICE,
                                   &mm1_name_register_request_type, &request, NULL),
                     MM1_OK);
        test_alloc_fail_at(&world.alloc, k);
        mini_settle(&world);
        test_alloc_fail_at(&world.alloc, 0);
        cr_assert(lives(service));
        mini_advance(&world, 2 * MM1_NS_PER_SEC);
    }
    cr_assert(mini_logged(&world, "no answer to"));
    run_script(script_answers);
}

/* --- NS-06: keepers ----------------------------------------------------------------------------------------------- */

static mm1_addr keep(const char *name, mm1_addr addr, bool shared, uint64_t ttl, uint64_t refresh)
{
    struct mm1_name_keep keep = {
        .name = mm1_text_of(name), .addr = addr, .shared = shared, .ttl = ttl, .refresh = refresh};
    return spawn_as(&(struct mm1_spawn){
        .behaviour = &mm1_name_keeper.behaviour, .arg_type = &mm1_name_keep_type, .arg = &keep});
}

static mm1_addr found_addr;
static mm1_status found_status;
static const char *wanted;

static void script_find(struct mm1_ctx *ctx)
{
    found_addr = MM1_ADDR(0);
    found_status = mm1_name_find(ctx, mm1_text_of(wanted), MM1_NAME_TIMEOUT_NS, &found_addr);
}

static mm1_status find(const char *name)
{
    wanted = name;
    begin_script(script_find);
    mini_settle(&world);
    cr_assert(script_done);
    return found_status;
}

SERVICE_TEST(a_keeper_refreshes)
{
    mm1_addr keeper = keep("a", A, false, 0, 0);
    for (int i = 0; i < 10; i++) {
        mini_advance(&world, 999 * MM1_NS_PER_MS);
        cr_assert_eq(find("a"), MM1_OK);
        cr_assert(mm1_addr_equal(found_addr, A));
    }
    /* Between its refreshes the node is at rest. */
    cr_assert_eq(mm1_node_unrest(home.node), 0);
    kill_it(keeper);
    mini_advance(&world, 999 * MM1_NS_PER_MS);
    cr_assert_eq(find("a"), MM1_OK);
    mini_advance(&world, 1002 * MM1_NS_PER_MS);
    cr_assert_eq(find("a"), MM1_NOT_FOUND);
}

SERVICE_TEST(a_keeper_of_anothers_name)
{
    struct mm1_reason reason;
    (void)keep("a", A, false, 0, 0);
    mm1_addr second = keep("a", B, false, 0, 0);
    cr_assert_not(lives(second));
    cr_assert(mm1_node_main_ended(home.node, &reason));
    cr_assert_eq(reason.kind, MM1_REASON_ERROR);
    cr_assert_eq(reason.code, MM1_CONFLICT);
    cr_assert_eq(find("a"), MM1_OK);
    cr_assert(mm1_addr_equal(found_addr, A));
}

SERVICE_TEST(a_keeper_without_a_service)
{
    struct mm1_reason reason;
    kill_it(service);
    (void)keep("a", A, false, 0, 0);
    mini_advance(&world, MM1_NS_PER_SEC);
    cr_assert(mm1_node_main_ended(home.node, &reason));
    cr_assert_eq(reason.kind, MM1_REASON_ERROR);
    cr_assert_eq(reason.code, MM1_NOPROC);
}

SERVICE_TEST(a_keeper_without_an_argument)
{
    mm1_addr keeper = spawn_as(&(struct mm1_spawn){.behaviour = &mm1_name_keeper.behaviour});
    cr_assert_not(lives(keeper));
}

SERVICE_TEST(a_keeper_ignores_what_it_is_told)
{
    mm1_addr keeper = keep("a", A, false, 0, 0);
    cr_assert_eq(mm1_node_send(home.node, keeper, &mm1_name_done_response_type,
                               &(struct mm1_name_done_response){.body.status = 1}, NULL),
                 MM1_OK);
    mini_advance(&world, 5 * MM1_NS_PER_SEC);
    cr_assert(lives(keeper));
    cr_assert_eq(find("a"), MM1_OK);
}

static void script_starts_keepers(struct mm1_ctx *ctx)
{
    mm1_addr addr;
    struct mm1_name_keep arg = {.name = MM1_TEXT("k"), .addr = mm1_self(ctx)};
    struct mm1_spawn spawn = {.behaviour = &mm1_name_keeper.behaviour,
                              .arg_type = &mm1_name_keep_type,
                              .arg = &arg,
                              .link = true};
    cr_assert_eq(mm1_start(ctx, &spawn, MM1_NS_PER_SEC, &addr), MM1_OK);
    cr_assert_eq(mm1_name_find(ctx, MM1_TEXT("k"), MM1_NAME_TIMEOUT_NS, &found_addr), MM1_OK);
    cr_assert(mm1_addr_equal(found_addr, mm1_self(ctx)));
    arg.addr = A;
    cr_assert_eq(mm1_start(ctx, &spawn, MM1_NS_PER_SEC, &addr), MM1_EXITED);
    cr_assert_eq(mm1_call_reason(ctx)->code, MM1_CONFLICT);
}

SERVICE_TEST(a_keeper_says_when_its_name_is_known)
{
    run_script(script_starts_keepers);
}

/* --- NS-07: finding ----------------------------------------------------------------------------------------------- */

SERVICE_TEST(each_of_a_shared_name_is_found)
{
    unsigned seen[3] = {0};
    (void)keep("s", A, true, 0, 0);
    (void)keep("s", B, true, 0, 0);
    (void)keep("s", C, true, 0, 0);
    for (int i = 0; i < 60; i++) {
        cr_assert_eq(find("s"), MM1_OK);
        seen[found_addr.bits / 0x10 - 1]++;
    }
    cr_assert(seen[0] > 0 && seen[1] > 0 && seen[2] > 0);
    cr_assert_eq(seen[0] + seen[1] + seen[2], 60);
}

SERVICE_TEST(an_unknown_name)
{
    cr_assert_eq(find("nobody"), MM1_NOT_FOUND);
}

SERVICE_TEST(no_service)
{
    kill_it(service);
    cr_assert_eq(find("a"), MM1_NOPROC);
}

SERVICE_TEST(a_service_that_does_not_answer)
{
    wanted = "a";
    cr_assert_eq(mm1_node_suspend(home.node, service), MM1_OK);
    begin_script(script_find);
    mini_advance(&world, MM1_NAME_TIMEOUT_NS - 1);
    cr_assert_not(script_done);
    mini_advance(&world, 1);
    cr_assert(script_done);
    cr_assert_eq(found_status, MM1_TIMEOUT);
    cr_assert_eq(mm1_node_resume(home.node, service), MM1_OK);
    mini_settle(&world);
}

/* An answer that was longer under way than an entry lasts. */
SERVICE_TEST(an_entry_that_is_over_when_it_comes)
{
    (void)keep("s", A, true, 5 * MM1_NS_PER_MS, MM1_NS_PER_SEC);
    (void)keep("s", B, true, 9 * MM1_NS_PER_MS, MM1_NS_PER_SEC);
    for (int i = 0; i < 8; i++) {
        wanted = "s";
        cr_assert_eq(mm1_node_suspend(home.node, service), MM1_OK);
        begin_script(script_find);
        mini_advance(&world, 4 * MM1_NS_PER_MS);
        cr_assert_eq(mm1_node_resume(home.node, service), MM1_OK);
        mini_settle(&world);
        cr_assert(script_done);
        /* At the service A has 1 ms and B 5 ms left, and 4 ms have gone by since it was asked. */
        cr_assert_eq(found_status, MM1_OK);
        cr_assert(mm1_addr_equal(found_addr, B));
        mini_advance(&world, MM1_NS_PER_SEC - 4 * MM1_NS_PER_MS);
    }
}

static void script_wait(struct mm1_ctx *ctx)
{
    found_status = mm1_name_wait(ctx, MM1_TEXT("a"), 3, 100 * MM1_NS_PER_MS, &found_addr);
}

SERVICE_TEST(waiting_for_a_name)
{
    begin_script(script_wait);
    mini_advance(&world, 150 * MM1_NS_PER_MS);
    cr_assert_not(script_done);
    (void)keep("a", C, false, 0, 0);
    mini_advance(&world, 49 * MM1_NS_PER_MS);
    cr_assert_not(script_done);
    mini_advance(&world, MM1_NS_PER_MS);
    cr_assert(script_done);
    cr_assert_eq(found_status, MM1_OK);
    cr_assert(mm1_addr_equal(found_addr, C));
}

SERVICE_TEST(waiting_in_vain)
{
    begin_script(script_wait);
    mini_advance(&world, 199 * MM1_NS_PER_MS);
    cr_assert_not(script_done);
    mini_advance(&world, MM1_NS_PER_MS);
    cr_assert(script_done);
    cr_assert_eq(found_status, MM1_NOT_FOUND);
}

SERVICE_TEST(waiting_without_a_service)
{
    kill_it(service);
    begin_script(script_wait);
    mini_settle(&world);
    cr_assert(script_done);
    cr_assert_eq(found_status, MM1_NOPROC);
}

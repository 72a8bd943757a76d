/* The behavioural suite of actors on threads: each case with one, two and four workers, again and again. */
#include <stdio.h>
#include <time.h>

#include <mm1/kit.h>
#include <mm1/posix.h>

#include "actors/suite.h"
#include "mm1_test.h"
#include "slow.h"

#define REPEATS (CONFORM_SLOW ? 15 : 50)

#define SETTLE_NS MM1_NS_PER_MS
/* Half a minute: only a hang is cut by it. */
#define NAPS 300000

static void nap(void)
{
    struct timespec pause = {.tv_nsec = 100 * 1000};
    (void)nanosleep(&pause, NULL);
}

static void play_once(const struct suite_case *which, struct mm1_node *node, const char *how)
{
    const char *why;
    mm1_addr address;
    suite_begin(which, SETTLE_NS);
    cr_assert_eq(
        mm1_node_spawn(node, &(struct mm1_spawn){.behaviour = &suite_main.behaviour}, &address),
        MM1_OK);
    for (unsigned i = 0; !suite_over(); i++) {
        cr_assert_lt(i, NAPS, "%s, %s: it hangs", which->name, how);
        nap();
    }
    bool passed = suite_passed(&why);
    cr_assert(passed, "%s, %s: %s", which->name, how, why);
    for (unsigned i = 0; mm1_node_actors(node) != 0; i++) {
        cr_assert_lt(i, NAPS, "%s, %s: %zu actors cannot be killed", which->name, how,
                     mm1_node_actors(node));
        mm1_node_kill_all(node);
        nap();
    }
    for (unsigned i = 0; mm1_node_unrest(node) != 0; i++) {
        cr_assert_lt(i, NAPS, "%s, %s: %llu items are left", which->name, how,
                     (unsigned long long)mm1_node_unrest(node));
        nap();
    }
}

static void play_table(const struct suite_table *table)
{
    static const unsigned threads[] = {1, 2, 4};
    static const struct mm1_net bind_net = {.addr = {0xfff0000000000000u}, .mask = 13};
    for (size_t i = 0; i < MM1_COUNT_OF(threads); i++) {
        struct mm1_posix *posix;
        struct mm1_node *node;
        struct mm1_msg_registry types = MM1_MSG_REGISTRY(mm1_posix_alloc());
        cr_assert_eq(mm1_kit_register(&types), MM1_OK);
        for (size_t n = 0; n < suite_type_count; n++) {
            cr_assert_eq(mm1_msg_register(&types, suite_types[n]), MM1_OK);
        }
        struct mm1_posix_options options = {.threads = threads[i], .log_off = true};
        cr_assert_eq(mm1_posix_open(&options, &posix, NULL), MM1_OK);
        struct mm1_node_config config = {
            .name = MM1_TEXT("suite"),
            .locals = &bind_net,
            .local_count = 1,
            .auto_net = {.addr = {0xfff8000000000000u}, .mask = 13},
            .actors_max = 4096,
            .types = &types,
        };
        cr_assert_eq(mm1_node_open(mm1_posix_env(posix), &config, &node), MM1_OK);
        char how[32];
        (void)snprintf(how, sizeof(how), "%u workers", threads[i]);
        for (size_t n = 0; n < table->count; n++) {
            for (unsigned repeat = 0; repeat < REPEATS; repeat++) {
                play_once(&table->cases[n], node, how);
            }
        }
        mm1_posix_close(posix, node);
        mm1_msg_registry_close(&types);
    }
}

Test(actors_threads, messages)
{
    play_table(&suite_messages);
}

Test(actors_threads, forks)
{
    play_table(&suite_forks);
}

Test(actors_threads, links)
{
    play_table(&suite_links);
}

Test(actors_threads, watches)
{
    play_table(&suite_watches);
}

Test(actors_threads, exits)
{
    play_table(&suite_exits);
}

Test(actors_threads, spawns)
{
    play_table(&suite_spawns);
}

Test(actors_threads, timers)
{
    play_table(&suite_timers);
}

Test(actors_threads, asks)
{
    play_table(&suite_asks);
}

/* Settings by path, taps, the failure sink: G-02, G-03, MSG-15, A-NODE-07. */
#include "puppet.h"

static struct puppet a, b, c;

/* MM1_TEXT for an initializer of a static. */
#define WORDS(literal)                                                                             \
    {                                                                                              \
        .data = (literal), .size = sizeof(literal) - 1                                             \
    }

/* --- a node with settings ------------------------------------------------------------------------------------- */

struct seen {
    struct mm1_tap base;
    char log[1024];
    size_t size;
};

static void seen_add(struct seen *seen, const char *what, const struct mm1_path *path,
                     const struct mm1_envelope *envelope)
{
    char text[MM1_PATH_TEXT_MAX];
    (void)mm1_path_print(path, text);
    int size = snprintf(seen->log + seen->size, sizeof(seen->log) - seen->size, "%s %s %s ttl %u; ",
                        text, what, envelope->type->name, envelope->ttl);
    cr_assert_gt(size, 0);
    seen->size += (size_t)size;
    cr_assert_lt(seen->size, sizeof(seen->log));
}

static void tap_sent(struct mm1_tap *self, const struct mm1_path *sender, mm1_addr from,
                     mm1_addr to, const struct mm1_envelope *envelope)
{
    (void)from;
    (void)to;
    seen_add(MM1_CONTAINER_OF(self, struct seen, base), "sent", sender, envelope);
}

static void tap_received(struct mm1_tap *self, const struct mm1_path *receiver, mm1_addr by,
                         const struct mm1_envelope *envelope)
{
    (void)by;
    if (envelope->type != &cmd_type) {
        seen_add(MM1_CONTAINER_OF(self, struct seen, base), "received", receiver, envelope);
    }
}

static const struct mm1_tap_ops tap_ops = {.sent = tap_sent, .received = tap_received};
static struct seen seen;

struct failures {
    struct mm1_failure_sink base;
    char log[1024];
    size_t size;
};

static void note_failure(struct mm1_failure_sink *self, const struct mm1_path *path, mm1_addr addr,
                         const struct mm1_reason *reason)
{
    struct failures *failures = MM1_CONTAINER_OF(self, struct failures, base);
    struct mm1_buf buf = MM1_BUF(&world.own.base);
    struct mm1_why why = mm1_why_of(reason);
    char text[MM1_PATH_TEXT_MAX];
    (void)mm1_path_print(path, text);
    cr_assert_neq(addr.bits, 0);
    int size = snprintf(failures->log + failures->size, sizeof(failures->log) - failures->size,
                        "%s %s; ", text, why_text(&why, &buf));
    failures->size += (size_t)size;
    mm1_buf_close(&buf);
}

static struct failures failures;

static void reopen(const struct mm1_settings *settings)
{
    static struct mm1_tap *taps[] = {&seen.base};
    seen = (struct seen){.base = {.ops = &tap_ops, .key = MM1_TEXT("look")}};
    failures = (struct failures){.base = {.failed = note_failure}};
    mini_node_close(&home);
    struct mm1_node_config config = home_config();
    config.settings = settings;
    config.taps = taps;
    config.tap_count = 1;
    config.failures = &failures.base;
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_OK);
}

static void spawn_named(struct puppet *p, const char *name, uint32_t inbox_size)
{
    enrol(p, name);
    struct mm1_spawn spec = SPAWN_OF(p);
    spec.name = name;
    spec.inbox_size = inbox_size;
    cr_assert_eq(mm1_node_spawn(home.node, &spec, &p->addr), MM1_OK);
    mini_settle(&world);
}

static struct puppet *child;

static void spawn_child(struct mm1_ctx *ctx, struct puppet *p)
{
    struct mm1_spawn spec = SPAWN_OF(child);
    spec.name = child->name;
    p->status = mm1_spawn(ctx, &spec, &child->addr);
}

static void child_of(struct puppet *parent, struct puppet *p, const char *name)
{
    enrol(p, name);
    child = p;
    call(parent, spawn_child);
    cr_assert_eq(parent->status, MM1_OK);
}

/* How many notes fit. */
static unsigned room(const struct puppet *p)
{
    struct note m = {.no = 1};
    unsigned count = 0;
    while (mm1_node_send(home.node, p->addr, &note_type, &m, NULL) == MM1_OK) {
        count++;
    }
    return count;
}

static const struct mm1_settings under_app[] = {
    {.name = WORDS("worker"), .has_inbox_size = true, .inbox_size = 3},
    {.name = WORDS("_"), .has_inbox_size = true, .inbox_size = 4},
};
static const struct mm1_settings under_root[] = {
    {.name = WORDS("app"), .children = under_app, .child_count = 2, .has_pool = true, .pool = 7},
    {.name = WORDS("shut"), .has_inbox_size = true, .inbox_size = 0},
};
static const struct mm1_settings tree = {
    .has_inbox_size = true, .inbox_size = 2, .children = under_root, .child_count = 2};

CORE_TEST(settings, by_path)
{
    reopen(&tree);
    spawn_named(&a, "app", 9);
    cr_assert_eq(room(&a), 2); /* of the root: the configuration comes before the code */
    mini_settle(&world);
    child_of(&a, &b, "worker");
    cr_assert_eq(room(&b), 3);
    child_of(&a, &c, "someone");
    cr_assert_eq(room(&c), 4);
    cr_assert_eq(mm1__live(home.node, a.addr.bits)->runnable.pool, 7);
    cr_assert_eq(mm1__live(home.node, b.addr.bits)->runnable.pool, 7);
}

/* At the first miss the walk stops: a grandchild of an unknown name has what was found before, for good. */
CORE_TEST(settings, stop_at_the_first_miss)
{
    reopen(&tree);
    spawn_named(&a, "other", 0);
    cr_assert_eq(room(&a), 2);
    mini_settle(&world);
    child_of(&a, &b, "app");
    cr_assert_eq(room(&b), 2);
    cr_assert_eq(mm1__live(home.node, b.addr.bits)->runnable.pool, 0);
}

/* G-03. */
CORE_TEST(settings, no_inbox)
{
    reopen(&tree);
    spawn_named(&a, "shut", 0);
    cr_assert_eq(room(&a), 0);
    struct mm1_header urgent = {.priority = true};
    struct note m = {.no = 5};
    cr_assert_eq(mm1_node_send(home.node, a.addr, &note_type, &m, &urgent), MM1_OK);
    mini_settle(&world);
    expect_log(&a, "note 5; ");
}

CORE_TEST(settings, none)
{
    reopen(NULL);
    spawn_named(&a, "app", 0);
    a.silent = true;
    cr_assert_eq(room(&a), 1024);
    mini_settle(&world);
    spawn_named(&b, "b", 5);
    cr_assert_eq(room(&b), 5);
}

CORE_TEST(settings, refused)
{
    static const struct mm1_settings wrong = {.has_netmask = true, .netmask = 65};
    static const struct mm1_settings too_wide = {.has_netmask = true, .netmask = 8};
    struct mini_node node = {0};
    struct mm1_node_config config = home_config();
    config.settings = &wrong;
    cr_assert_eq(mini_node_open(&world, &node, &config), MM1_INVALID);
    config.settings = &too_wide; /* than the subnet */
    cr_assert_eq(mini_node_open(&world, &node, &config), MM1_INVALID);
}

CORE_TEST(settings, no_memory)
{
    mini_node_close(&home);
    for (unsigned k = 1;; k++) {
        struct mm1_node_config config = home_config();
        config.settings = &tree;
        test_alloc_fail_at(&world.alloc, k);
        mm1_status status = mini_node_open(&world, &home, &config);
        test_alloc_fail_at(&world.alloc, 0);
        if (status == MM1_OK) {
            cr_assert_gt(k, 4);
            return;
        }
        cr_assert_eq(status, MM1_NOMEM);
    }
}

/* --- taps and failures ---------------------------------------------------------------------------------------- */

static const struct mm1_settings tapped[] = {
    {.name = WORDS("seen"), .tap = WORDS("look")},
    {.name = WORDS("unseen"), .tap = WORDS("nothing of that name")},
};
static const struct mm1_settings taps = {.children = tapped, .child_count = 2};

CORE_TEST(taps, what_is_sent_and_received)
{
    reopen(&taps);
    spawn_named(&a, "seen", 0);
    spawn_named(&b, "unseen", 0);
    make(&b, OP_NOTE, a.addr, 1);
    make(&a, OP_NOTE, b.addr, 2);
    make(&a, OP_NOTE, NOWHERE, 3); /* also one that fails, before the ttl is looked at */
    make(&a, OP_WATCH, b.addr, 0);
    make(&b, OP_QUIT, b.addr, MM1_REASON_NORMAL);
    cr_assert_str_eq(seen.log,
                     "/here/seen#1 received test::Note ttl 14; "
                     "/here/seen#1 sent test::Note ttl 15; "
                     "/here/seen#1 sent test::Note ttl 15; "
                     "/here/seen#1 received mm1_local::Down ttl 15; ",
                     "%s", seen.log);
}

CORE_TEST(failures, are_told)
{
    reopen(NULL);
    spawn_named(&a, "a", 0);
    spawn_named(&b, "b", 0);
    spawn_named(&c, "c", 0);
    make(&a, OP_FAIL, a.addr, MM1_IO);
    make(&c, OP_KILL, b.addr, 0);
    make(&c, OP_QUIT, c.addr, MM1_REASON_SHUTDOWN);
    cr_assert_str_eq(failures.log, "/here/a#1 error 18: input/output error; /here/b#1 killed; ",
                     "%s", failures.log);
}

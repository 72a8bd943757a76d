/* Supervisors without memory: each request in turn is refused while two trees are started, crash, restart, are asked
 * for everything and stop. A tree goes on whole, or ends in order and says why; every call that arrived is answered, or
 * its supervisor ends; nobody is left behind, and nothing leaks. */
#include "sup_fixture.h"

static const struct mm1_child low_children[] = {{.id = ID("b"), .factory = W, .ack = true},
                                                {.id = ID("c"), .factory = W}};
static const struct mm1_tree_spec low = {.max_restarts = 6, .children = MM1_LIST(low_children)};
static const struct mm1_child high_children[] = {
    {.id = ID("a"), .factory = W, .ack = true, .announce_parent = true},
    {.id = ID("low"), .factory = SUPERVISOR, .supervisor = true, .ack = true, .arg = BELOW(&low)},
    {.id = ID("d"), .factory = W, .ack = true}};
static const struct mm1_tree_spec high = {
    .strategy = MM1_REST_FOR_ONE, .max_restarts = 6, .children = MM1_LIST(high_children)};
static const struct mm1_child pattern[] = {{.id = ID("x"), .factory = W, .ack = true}};
static const struct mm1_tree_spec uniform = {
    .strategy = MM1_UNIFORM, .max_restarts = 6, .children = MM1_LIST(pattern)};

/* Two supervisors, which one client has spawned, watches, and asks. */
enum { HIGH, UNIFORM, ROOTS };

static struct root {
    mm1_addr addr;
    bool there;
    unsigned downs;
    struct mm1_reason reason;
    unsigned sent; /* requests */
    unsigned answered;
} roots[ROOTS];
static const struct mm1_tree_spec *const specs[ROOTS] = {&high, &uniform};
static mm1_addr client;

static bool was_refused(void)
{
    return world.alloc.fail_at != 0 && world.alloc.requests >= world.alloc.fail_at;
}

/* What the client is told to do. */
enum { SPAWN = 1, END, ASK_HIGH, ASK_UNIFORM };

static void spawn_roots(struct mm1_ctx *ctx)
{
    for (size_t i = 0; i < ROOTS; i++) {
        struct mm1_spawn spawn = {.behaviour = &sup.behaviour,
                                  .arg_type = &mm1_tree_spec_type,
                                  .arg = specs[i],
                                  .watch = mm1_next_ref(ctx)};
        mm1_status status = mm1_spawn(ctx, &spawn, &roots[i].addr);
        cr_assert(status == MM1_OK || (status == MM1_NOMEM && was_refused()));
        roots[i].there = status == MM1_OK;
    }
}

static void request(struct mm1_ctx *ctx, size_t i, const struct mm1_msg_type *type, void *message)
{
    struct mm1_request_header *header = message;
    *header = (struct mm1_request_header){.id = i, .reply_to = mm1_self(ctx)};
    mm1_status status =
        roots[i].there ? mm1_send(ctx, roots[i].addr, type, message, NULL) : MM1_NOMEM;
    cr_assert(status == MM1_OK || was_refused());
    roots[i].sent += status == MM1_OK;
}

#define REQUEST(i, T, ...)                                                                         \
    request(ctx, (i), &T##_request_type, &(struct T##_request){.body = {__VA_ARGS__}})

static void ask_high(struct mm1_ctx *ctx)
{
    REQUEST(HIGH, mm1_sup_which_children, .unused = false);
    REQUEST(HIGH, mm1_sup_count_children, .unused = false);
    REQUEST(HIGH, mm1_sup_get_childspec, .id = MM1_TEXT("low"));
    REQUEST(HIGH, mm1_sup_get_child, .id = MM1_TEXT("a"));
    REQUEST(HIGH, mm1_sup_terminate_child, .id = MM1_TEXT("d"));
    REQUEST(HIGH, mm1_sup_restart_child, .id = MM1_TEXT("d"));
    REQUEST(HIGH, mm1_sup_terminate_child, .id = MM1_TEXT("d"));
    REQUEST(HIGH, mm1_sup_delete_child, .id = MM1_TEXT("d"));
    REQUEST(HIGH, mm1_sup_start_child, .child = {.id = ID("d"), .factory = W, .ack = true});
    REQUEST(HIGH, mm1_sup_start_child, .child = {.id = ID("d"), .factory = ID("?")});
}

static void ask_uniform(struct mm1_ctx *ctx)
{
    struct note number = {.n = 7};
    REQUEST(UNIFORM, mm1_sup_start, .arg = {.some = false});
    REQUEST(UNIFORM, mm1_sup_start, .arg = {.some = true, .value = {&note_type, &number}});
    REQUEST(UNIFORM, mm1_sup_which_children, .unused = false);
    REQUEST(UNIFORM, mm1_sup_stop, .child = at("x"));
}

static mm1_status client_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    (void)state;
    MM1_ON(envelope, mm1_down, m) {
        struct root *root =
            mm1_addr_equal(m->peer, roots[HIGH].addr) ? &roots[HIGH] : &roots[UNIFORM];
        root->downs++;
        root->reason = mm1_reason_of_why(&m->why);
        return MM1_OK;
    }
    MM1_ON(envelope, note, m) {
        switch (m->n) {
        case SPAWN:
            spawn_roots(ctx);
            return MM1_OK;
        case ASK_HIGH:
            ask_high(ctx);
            return MM1_OK;
        case ASK_UNIFORM:
            ask_uniform(ctx);
            return MM1_OK;
        default:
            for (size_t i = 0; i < ROOTS; i++) {
                mm1_status status =
                    roots[i].there ? mm1_exit(ctx, roots[i].addr, MM1_SHUTDOWN) : MM1_OK;
                cr_assert(status == MM1_OK || status == MM1_NOPROC);
            }
            return MM1_OK;
        }
    }
    const struct mm1_response_header *header = envelope->msg;
    cr_assert_lt(header->id, ROOTS);
    roots[header->id].answered++;
    return MM1_OK;
}

static const struct mm1_behaviour client_behaviour = {.name = "client", .receive = client_receive};

/* A message from outside, for which there may be no memory either. */
static void order(mm1_addr addr, uint32_t n)
{
    mm1_status status = mm1_node_send(node.node, addr, &note_type, &(struct note){.n = n}, NULL);
    bool unborn = addr.bits == 0 && status == MM1_NOT_FOUND;
    cr_assert(status == MM1_OK || ((unborn || status == MM1_NOMEM) && was_refused()));
    mini_advance(&world, 50 * MS);
    seen[0] = '\0';
}

/* Long enough for every stop and start. */
static void rest(void)
{
    mini_advance(&world, 60000 * MS);
    seen[0] = '\0';
}

static void history(void)
{
    plan("a", LATE, 1);
    order(client, SPAWN);
    order(at("c"), CRASH);
    plan("d", FAIL, 1);
    order(at("a"), CRASH);
    order(client, ASK_HIGH);
    order(client, ASK_UNIFORM);
    plan("x", FAIL, 1);
    order(at("x"), CRASH);
    order(client, ASK_UNIFORM);
    order(at("b"), LEAVE);
    order(client, ASK_HIGH);
    rest();
}

static void check_whole(void)
{
    for (size_t i = 0; i < ROOTS; i++) {
        const struct root *root = &roots[i];
        cr_assert_eq(root->there && !lives(root->addr), root->downs == 1);
        cr_assert(root->downs == 1 || root->answered == root->sent, "%zu: %u of %u", i,
                  root->answered, root->sent);
        if (root->downs == 1) {
            cr_assert(was_refused());
            cr_assert(root->reason.kind == MM1_REASON_SHUTDOWN ||
                          root->reason.kind == MM1_REASON_SHUTDOWN_TEXT ||
                          (root->reason.kind == MM1_REASON_ERROR && root->reason.code == MM1_NOMEM),
                      "%s", reason_text(&root->reason));
        }
    }
}

/* True: request k was made. */
static bool run(size_t k, bool all, bool encode)
{
    part_count = 0;
    memset(roots, 0, sizeof(roots));
    setup_with(encode);
    for (const char *name = "a\0b\0c\0d\0x\0"; *name != 0; name += 2) {
        (void)part(name);
    }
    struct mm1_spawn spawn = {.behaviour = &client_behaviour};
    cr_assert_eq(mm1_node_spawn(node.node, &spawn, &client), MM1_OK);
    mini_settle(&world);
    world.alloc.fail_rest = all;
    test_alloc_fail_at(&world.alloc, k);
    history();
    bool reached = was_refused();
    cr_assert_eq(mm1_node_unrest(node.node), 0, "request %zu", k);
    check_whole();
    test_alloc_fail_at(&world.alloc, 0);
    order(client, END);
    rest();
    for (size_t i = 0; i < ROOTS; i++) {
        cr_assert_eq(roots[i].downs, roots[i].there ? 1 : 0, "request %zu", k);
    }
    cr_assert_eq(mm1_node_actors(node.node), 2, "request %zu: the client and the server of jobs",
                 k);
    cr_assert_eq(mm1_node_unrest(node.node), 0);
    mm1_node_kill_all(node.node);
    mini_settle(&world);
    teardown();
    return reached;
}

static void sweep(bool all, bool encode)
{
    size_t k = 1;
    while (run(k, all, encode)) {
        k++;
    }
    cr_assert_gt(k, 150);
    cr_assert_eq(roots[HIGH].answered, 20);
    cr_assert_eq(roots[UNIFORM].answered, 8);
}

Test(supervisor_nomem, one_at_a_time)
{
    sweep(false, false);
}

Test(supervisor_nomem, one_at_a_time_encoded)
{
    sweep(false, true);
}

Test(supervisor_nomem, from_one_on)
{
    sweep(true, false);
}

Test(supervisor_nomem, from_one_on_encoded)
{
    sweep(true, true);
}

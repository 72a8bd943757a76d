/* Streams and logs belong to actors: who may use a handle, and who closes it. */
#include "puppet.h"

static struct puppet a, b;

static void listen_here(struct mm1_ctx *ctx, struct puppet *p)
{
    p->status = mm1_net_listen(ctx, MM1_TEXT("here"), &p->handle);
}

static void dial_there(struct mm1_ctx *ctx, struct puppet *p)
{
    p->status = mm1_net_dial(ctx, MM1_TEXT("there"), &p->handle);
}

static void close_handle(struct mm1_ctx *ctx, struct puppet *p)
{
    mm1_net_close(ctx, p->handle);
}

static void claim(struct mm1_ctx *ctx, struct puppet *p)
{
    p->status = mm1_net_accept(ctx, p->accepted);
}

static void use(struct mm1_ctx *ctx, struct puppet *p)
{
    struct mm1_bytes bytes = {.data = (const uint8_t *)"hi", .size = 2};
    p->status = mm1_net_send(ctx, p->handle, bytes);
    cr_assert_eq(mm1_net_read(ctx, p->handle, 100), p->status);
}

static void use_as_log(struct mm1_ctx *ctx, struct puppet *p)
{
    struct mm1_bytes bytes = {.data = (const uint8_t *)"hi", .size = 2};
    cr_assert_eq(mm1_log_append(ctx, p->handle, 1, bytes), MM1_NOT_FOUND);
    cr_assert_eq(mm1_log_sync(ctx, p->handle, 1), MM1_NOT_FOUND);
    cr_assert_eq(mm1_log_truncate(ctx, p->handle, 1, 0), MM1_NOT_FOUND);
    cr_assert_eq(mm1_log_read(ctx, p->handle, 1, 0, 1), MM1_NOT_FOUND);
    mm1_log_close(ctx, p->handle);
}

static size_t handles(void)
{
    return mm1_tree_count(&home.node->handles);
}

static void two(void)
{
    spawn(&a, "a");
    spawn(&b, "b");
}

CORE_TEST(handles, of_their_owner)
{
    two();
    struct mini_end *far = mini_listen(&world, "there");
    call(&a, dial_there);
    cr_assert_eq(a.status, MM1_OK);
    expect_log(&a, "mm1_local::Connected; ");
    struct mini_end *end = mini_accept(far);
    call(&a, use);
    cr_assert_eq(a.status, MM1_OK);
    cr_assert_eq(mini_received(end).size, 2);
    b.handle = a.handle;
    call(&b, use);
    cr_assert_eq(b.status, MM1_NOT_FOUND);
    call(&b, close_handle);
    call(&a, use_as_log);
    cr_assert_eq(mini_ending(end), MM1_OK);
    a.accepted = a.handle; /* nothing to claim */
    call(&a, claim);
    cr_assert_eq(a.status, MM1_NOT_FOUND);
    call(&a, close_handle);
    cr_assert_eq(mini_ending(end), MM1_CLOSED);
    cr_assert_eq(handles(), 0);
    call(&a, use);
    cr_assert_eq(a.status, MM1_NOT_FOUND);
    call(&a, close_handle); /* again: ignored */
    expect_log(&a, "mm1_local::Sent; ");
}

/* What fails or ends is gone, and says so once. */
CORE_TEST(handles, failed_and_ended)
{
    two();
    call(&a, dial_there);
    expect_log(&a, "mm1_local::Failed; ");
    cr_assert_eq(handles(), 0);
    struct mini_end *far = mini_listen(&world, "there");
    call(&a, dial_there);
    mini_close(mini_accept(far), MM1_RESET);
    mini_settle(&world);
    expect_log(&a, "mm1_local::Connected; mm1_local::Ended; ");
    cr_assert_eq(handles(), 0);
    call(&a, use);
    cr_assert_eq(a.status, MM1_NOT_FOUND);
}

/* The owner's end closes: listener, unclaimed connections, dialed ones. */
CORE_TEST(handles, end_with_the_owner)
{
    two();
    struct mini_end *far = mini_listen(&world, "there");
    call(&a, listen_here);
    struct mini_end *unclaimed = mini_dial(&world, "here");
    call(&a, dial_there);
    struct mini_end *dialed = mini_accept(far);
    cr_assert_eq(handles(), 3);
    make(&b, OP_KILL, a.addr, 0);
    cr_assert_eq(mini_ending(unclaimed), MM1_CLOSED);
    cr_assert_eq(mini_ending(dialed), MM1_CLOSED);
    cr_assert_null(mini_dial(&world, "here"));
    cr_assert_eq(handles(), 0);
}

/* Whoever accepts owns: the connection outlives its listener and the listener's owner. */
CORE_TEST(handles, claimed_by_another)
{
    two();
    call(&a, listen_here);
    struct mini_end *first = mini_dial(&world, "here");
    mini_settle(&world);
    mm1_handle first_handle = a.accepted;
    struct mini_end *second = mini_dial(&world, "here");
    mini_settle(&world);
    expect_log(&a, "mm1_local::Listening; mm1_local::Accepted; mm1_local::Accepted; ");
    a.handle = first_handle; /* not claimed: not to be used, by nobody */
    call(&a, use);
    cr_assert_eq(a.status, MM1_NOT_FOUND);
    b.accepted = first_handle;
    call(&b, claim);
    cr_assert_eq(b.status, MM1_OK);
    call(&b, claim);
    cr_assert_eq(b.status, MM1_NOT_FOUND);
    make(&a, OP_QUIT, a.addr, MM1_REASON_NORMAL);
    cr_assert_eq(mini_ending(first), MM1_OK);
    cr_assert_eq(mini_ending(second), MM1_CLOSED);
    b.handle = first_handle;
    call(&b, use);
    cr_assert_eq(b.status, MM1_OK);
    mini_send(first, "yes", 3);
    mini_settle(&world);
    expect_log(&b, "mm1_local::Sent; mm1_local::Received; ");
    make(&b, OP_QUIT, b.addr, MM1_REASON_NORMAL);
    cr_assert_eq(mini_ending(first), MM1_CLOSED);
}

/* Closing the listener alone: unclaimed ones close with it, claimed ones stay. */
CORE_TEST(handles, closed_listener)
{
    two();
    call(&a, listen_here);
    struct mini_end *ends[4];
    for (unsigned i = 0; i < 4; i++) {
        ends[i] = mini_dial(&world, "here");
        mini_settle(&world);
        if (i == 1) {
            call(&a, claim);
            cr_assert_eq(a.status, MM1_OK);
        }
    }
    call(&a, close_handle);
    for (unsigned i = 0; i < 4; i++) {
        cr_assert_eq(mini_ending(ends[i]), i == 1 ? MM1_OK : MM1_CLOSED);
    }
    cr_assert_eq(handles(), 1);
    call(&a, claim); /* too late */
    cr_assert_eq(a.status, MM1_NOT_FOUND);
}

/* Whoever listens turns a connection away by closing it, unclaimed. */
CORE_TEST(handles, turned_away)
{
    two();
    call(&a, listen_here);
    struct mini_end *first = mini_dial(&world, "here");
    mini_settle(&world);
    b.handle = a.accepted;
    call(&b, close_handle); /* not whose listener it is */
    cr_assert_eq(mini_ending(first), MM1_OK);
    a.handle = a.accepted;
    call(&a, close_handle);
    cr_assert_eq(mini_ending(first), MM1_CLOSED);
    cr_assert_eq(handles(), 1);
    cr_assert_not_null(mini_dial(&world, "here"));
}

/* No bytes go through a listener. */
CORE_TEST(handles, listener_is_no_stream)
{
    spawn(&a, "a");
    call(&a, listen_here);
    cr_assert_eq(a.status, MM1_OK);
    call(&a, use);
    cr_assert_eq(a.status, MM1_NOT_FOUND);
    call(&a, close_handle);
    cr_assert_null(mini_dial(&world, "here"));
    expect_log(&a, "mm1_local::Listening; ");
}

static void open_log(struct mm1_ctx *ctx, struct puppet *p)
{
    p->status = mm1_log_open(ctx, MM1_TEXT("log"), &p->handle);
}

CORE_TEST(handles, refused_log)
{
    spawn(&a, "a");
    call(&a, open_log);
    cr_assert_eq(a.status, MM1_OK);
    expect_log(&a, "mm1_local::LogFailed; ");
    cr_assert_eq(handles(), 0);
}

/* A closed node closes what is open. */
CORE_TEST(handles, closed_node)
{
    two();
    struct mini_end *far = mini_listen(&world, "there");
    call(&a, dial_there);
    call(&b, listen_here);
    struct mini_end *unclaimed = mini_dial(&world, "here");
    struct mini_end *dialed = mini_accept(far);
    mm1_node_close(home.node);
    cr_assert_neq(mini_ending(unclaimed), MM1_OK);
    cr_assert_neq(mini_ending(dialed), MM1_OK);
    cr_assert_eq(world.alloc.live, 0);
    struct mm1_node_config config = home_config();
    world.ready_first = NULL;
    world.ready_last = &world.ready_first;
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_OK);
    cast_size = 0;
}

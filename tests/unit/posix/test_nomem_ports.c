/* The real ports where memory is refused: a verb fails at the call, or is answered; a connection for which there is
 * none is turned away, and the listener goes on. */
#define _GNU_SOURCE
#include "../../conform/posix_world.h"
#include "../../conform/store_steps.h"
#include "../../conform/transport_steps.h"
#include "test_alloc.h"

#define TRIES 10

static struct test_alloc memory;

static struct posix_world *of(struct conform_world *w)
{
    return MM1_CONTAINER_OF(w, struct posix_world, base);
}

/* --- streams -------------------------------------------------------------------------------------------------- */

/* A world that takes from `memory`. */
static struct conform_world *frugal_transport(bool uds)
{
    static const struct conform_ops tcp_ops = {.drive = posix_drive,
                                               .listen_name = posix_tcp_listen_name};
    static const struct conform_ops uds_ops = {.drive = posix_drive, .listen_name = posix_uds_name};
    struct posix_world *world = posix_world_new();
    test_alloc_init(&memory);
    world->base.ops = uds ? &uds_ops : &tcp_ops;
    cr_assert_eq(mm1__posix_transport_open(&world->transport, &memory.base), MM1_OK);
    world->base.env.transport = &world->transport.base;
    world->transport.base.ops->attach(&world->transport.base, &world->base.sink.base);
    return &world->base;
}

static void frugal_free(struct conform_world *w)
{
    posix_transport_free(w);
    cr_assert_eq(memory.live, 0);
}

/* A verb that may be refused is tried again. */
#define PERSIST(verb)                                                                              \
    do {                                                                                           \
        unsigned tries = 0;                                                                        \
        mm1_status status;                                                                         \
        while ((status = (verb)) != MM1_OK) {                                                      \
            cr_assert(status == MM1_NOMEM && ++tries < TRIES);                                     \
        }                                                                                          \
    } while (0)

/* A dial until the far side takes it or turns it away. */
struct dialing {
    struct conform_sink *sink;
    struct conform_pair *pair;
    unsigned accepted; /* before */
};

static bool is_decided(void *arg)
{
    const struct dialing *dialing = arg;
    mm1_handle near = dialing->pair->near;
    return conform_count(dialing->sink, near, &mm1_ended_type) > 0 ||
           conform_count(dialing->sink, near, &mm1_failed_type) > 0 ||
           conform_count(dialing->sink, dialing->pair->listener, &mm1_accepted_type) >
               dialing->accepted;
}

/* How many were turned away before one was taken. */
static unsigned connect_at_last(struct conform_world *w, struct conform_pair *pair)
{
    struct mm1_transport *transport = w->env.transport;
    for (unsigned away = 0;; away++) {
        struct dialing dialing = {.sink = &w->sink, .pair = pair};
        cr_assert_lt(away, TRIES);
        dialing.accepted = conform_count(&w->sink, pair->listener, &mm1_accepted_type);
        pair->near = conform_handle(&w->sink);
        PERSIST(transport->ops->dial(transport, pair->near, mm1_text_of(pair->name)));
        conform_credit(w, pair->near, 1000);
        cr_assert(w->ops->drive(w, is_decided, &dialing));
        if (conform_count(&w->sink, pair->listener, &mm1_accepted_type) > dialing.accepted) {
            pair->far = conform_accept(w, pair->listener);
            return away;
        }
    }
}

static bool survive_streams(size_t k, bool uds, unsigned *away)
{
    struct conform_world *w = frugal_transport(uds);
    struct mm1_transport *transport = w->env.transport;
    struct conform_pair pair = {.listener = conform_handle(&w->sink)};
    uint8_t *data = conform_stream(300);
    test_alloc_fail_at(&memory, k);
    w->ops->listen_name(w, pair.name);
    PERSIST(transport->ops->listen(transport, pair.listener, mm1_text_of(pair.name)));
    const struct mm1_listening *listening = CONFORM_AWAIT(w, pair.listener, mm1_listening);
    cr_assert_not_null(listening);
    (void)snprintf(pair.name, sizeof(pair.name), "%.*s", (int)listening->name.size,
                   listening->name.data);
    *away += connect_at_last(w, &pair);
    conform_credit(w, pair.far, 1000);
    for (size_t at = 0; at < 300; at += 100) {
        struct mm1_bytes bytes = {.data = data + at, .size = 100};
        PERSIST(transport->ops->send(transport, pair.near, bytes, false));
    }
    conform_receive(w, pair.far, 0, 300);
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_not_null(CONFORM_AWAIT(w, pair.near, mm1_sent));
    }
    conform_close(w, pair.near);
    conform_expect_ended(w, pair.far, MM1_CLOSED);
    free(data);
    bool reached = __atomic_load_n(&memory.requests, __ATOMIC_RELAXED) >= k;
    frugal_free(w);
    return reached;
}

static void sweep_streams(bool uds)
{
    unsigned away = 0;
    size_t k = 1;
    while (survive_streams(k, uds, &away)) {
        k++;
    }
    cr_assert_geq(k, 9);
    cr_assert_gt(away, 0, "a connection was turned away");
}

Test(nomem_ports, tcp)
{
    sweep_streams(false);
}

Test(nomem_ports, uds)
{
    sweep_streams(true);
}

static int dial_raw(const char *name)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    address.sin_port = htons((uint16_t)strtoul(strrchr(name, ':') + 1, NULL, 10));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(fd, 0);
    cr_assert_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    return fd;
}

/* However long it lasts. */
Test(nomem_ports, turned_away_again_and_again)
{
    struct conform_world *w = frugal_transport(false);
    char name[CONFORM_NAME_MAX];
    memory.fail_rest = true;
    mm1_handle listener = conform_listen(w, name);
    test_alloc_fail_at(&memory, 1);
    int fds[20];
    for (unsigned i = 0; i < MM1_COUNT_OF(fds); i++) {
        fds[i] = dial_raw(name);
    }
    for (unsigned i = 0; i < MM1_COUNT_OF(fds); i++) {
        char byte;
        cr_assert_eq(read(fds[i], &byte, 1), -1, "reset");
        cr_assert_eq(close(fds[i]), 0);
    }
    mm1_handle near = conform_handle(&w->sink);
    struct mm1_transport *transport = w->env.transport;
    cr_assert_eq(transport->ops->dial(transport, near, mm1_text_of(name)), MM1_NOMEM);
    cr_assert_eq(transport->ops->listen(transport, near, MM1_TEXT("tcp://127.0.0.1:0")), MM1_NOMEM);
    cr_assert_eq(conform_count(&w->sink, listener, &mm1_accepted_type), 0);
    test_alloc_fail_at(&memory, 0);
    PERSIST(transport->ops->dial(transport, near, mm1_text_of(name)));
    cr_assert_not_null(CONFORM_AWAIT(w, near, mm1_connected));
    (void)conform_accept(w, listener);
    cr_assert_eq(of(w)->base.sink.late, 0);
    frugal_free(w);
}

/* --- logs ----------------------------------------------------------------------------------------------------- */

static bool survive_logs(size_t k, unsigned *reads_failed)
{
    static const struct conform_ops ops = {.drive = posix_drive};
    char error[MM1__STORE_ERROR_MAX];
    struct posix_world *world = posix_world_new();
    struct conform_world *w = &world->base;
    w->ops = &ops;
    test_alloc_init(&memory);
    cr_assert_eq(mm1__posix_store_open(&world->store, &memory.base, world->dir, error), MM1_OK);
    struct mm1_store *store = &world->store.base;
    w->env.store = store;
    store->ops->attach(store, &w->sink.base);
    test_alloc_fail_at(&memory, k);
    mm1_handle log = conform_handle(&w->sink);
    struct mm1_bytes bytes = {.data = (const uint8_t *)"hello", .size = 5};
    PERSIST(store->ops->open(store, log, MM1_TEXT("log")));
    cr_assert_not_null(CONFORM_AWAIT(w, log, mm1_log_opened));
    PERSIST(store->ops->append(store, log, 1, bytes));
    PERSIST(store->ops->sync(store, log, 2));
    PERSIST(store->ops->truncate(store, log, 3, 4));
    conform_log_expect_done(w, log, 1, 5);
    conform_log_expect_done(w, log, 2, 5);
    conform_log_expect_done(w, log, 3, 4);
    for (const struct mm1_msg_type *got = NULL; got != &mm1_log_data_type;) {
        PERSIST(store->ops->read(store, log, 4, 0, 10));
        const void *answer =
            conform_await_either(w, log, &mm1_log_data_type, &mm1_log_failed_type, &got);
        cr_assert_not_null(answer);
        if (got == &mm1_log_failed_type) {
            cr_assert_eq(((const struct mm1_log_failed *)answer)->status, MM1_NOMEM);
            cr_assert_lt(++*reads_failed, TRIES);
        }
    }
    conform_log_close(w, log);
    posix_store_free(w);
    cr_assert_eq(memory.live, 0);
    return memory.requests >= k;
}

Test(nomem_ports, logs)
{
    unsigned reads_failed = 0;
    size_t k = 1;
    while (survive_logs(k, &reads_failed)) {
        k++;
    }
    cr_assert_geq(k, 6);
    cr_assert_eq(reads_failed, 1);
}

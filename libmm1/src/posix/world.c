/* The real ports in one piece: the order in which they start and end. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "posix/alloc.h"
#include "posix/fault.h"
#include "posix/os_error.h"
#include "posix/world.h"

struct mm1_alloc *mm1_posix_alloc(void)
{
    return mm1__posix_alloc();
}

static unsigned processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);
    return count < 1 ? 1 : (unsigned)count;
}

static mm1_status open_store(struct mm1_posix *posix, const struct mm1_posix_options *options,
                             char *error)
{
    if (options->store_dir == NULL) {
        mm1_store_none_init(&posix->no_store);
        posix->env.store = &posix->no_store.base;
        return MM1_OK;
    }
    char text[MM1__STORE_ERROR_MAX];
    mm1_status status =
        mm1__posix_store_open(&posix->store, posix->env.alloc, options->store_dir, text);
    if (status != MM1_OK) {
        (void)snprintf(error, MM1_POSIX_ERROR_MAX, "%s", text);
        return status;
    }
    posix->has_store = true;
    posix->env.store = &posix->store.base;
    return MM1_OK;
}

static mm1_status failed(mm1_status status, const char *what, char *error)
{
    if (status != MM1_OK) {
        (void)snprintf(error, MM1_POSIX_ERROR_MAX, "%s: %s", what, mm1_status_text(status));
    }
    return status;
}

static mm1_status open_log(struct mm1_posix *posix, const struct mm1_posix_options *options,
                           char *error)
{
    size_t bad = 0;
    mm1_status status = mm1__log_filter_open(&posix->log_filter, posix->env.alloc,
                                             options->log_filter, options->log_filter_count, &bad);
    if (status == MM1_MALFORMED || status == MM1_NOT_FOUND) {
        const struct mm1_text *statement = &options->log_filter[bad];
        (void)snprintf(error, MM1_POSIX_ERROR_MAX, "log filter \"%.*s\": %s",
                       statement->size < 100 ? (int)statement->size : 100, statement->data,
                       status == MM1_MALFORMED ? "it is not written NAME::NAME=LEVEL"
                                               : "there is no such level");
        return MM1_INVALID;
    }
    MM1_TRY(failed(status, "log filter", error));
    mm1__trace_log_init(&posix->log, STDERR_FILENO, options->log_level, options->log_events,
                        &posix->log_filter);
    posix->env.trace = options->log_off ? &mm1_trace_null : &posix->log.base;
    return MM1_OK;
}

static mm1_status open_sched(struct mm1_posix *posix, const struct mm1_posix_options *options,
                             char *error)
{
    size_t count = options->pool_count + 1;
    size_t size = count * sizeof(struct mm1_posix_pool);
    struct mm1_posix_pool *pools = mm1_take(posix->env.alloc, size);
    if (pools == NULL) {
        return MM1_NOMEM; /* `error` says so already */
    }
    pools[0] =
        (struct mm1_posix_pool){.threads = options->threads, .stack_size = options->stack_size};
    for (size_t i = 0; i < options->pool_count; i++) {
        pools[i + 1] = options->pools[i];
    }
    for (size_t i = 0; i < count; i++) {
        pools[i].threads = pools[i].threads == 0 ? processors() : pools[i].threads;
    }
    mm1_status status =
        mm1__posix_sched_open(&posix->sched, posix->env.alloc, pools, count, posix->wake_fd,
                              posix->env.trace, options->watchdog_ns);
    mm1_give(posix->env.alloc, pools, size);
    MM1_TRY(failed(status, "worker threads", error));
    posix->has_sched = true;
    posix->env.sched = &posix->sched.base;
    return MM1_OK;
}

static mm1_status open_ports(struct mm1_posix *posix, const struct mm1_posix_options *options,
                             char *error)
{
    posix->env.alloc = mm1_posix_alloc();
    MM1_TRY(open_log(posix, options, error));
    posix->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (posix->wake_fd < 0) {
        return failed(mm1__os_status(errno), "eventfd", error);
    }
    MM1_TRY(failed(mm1__posix_random_open(&posix->random), "random numbers", error));
    posix->env.random = &posix->random.base;
    MM1_TRY(open_store(posix, options, error));
    MM1_TRY(failed(mm1__posix_clock_open(&posix->clock), "timer thread", error));
    posix->has_clock = true;
    posix->env.clock = &posix->clock.base;
    MM1_TRY(failed(mm1__posix_transport_open(&posix->transport, posix->env.alloc), "network thread",
                   error));
    posix->has_transport = true;
    posix->env.transport = &posix->transport.base;
    return open_sched(posix, options, error);
}

mm1_status mm1_posix_open(const struct mm1_posix_options *options, struct mm1_posix **out,
                          char error[MM1_POSIX_ERROR_MAX])
{
    char text[MM1_POSIX_ERROR_MAX] = "out of memory";
    mm1_status status = MM1_NOMEM;
    struct mm1_posix *posix = calloc(1, sizeof(*posix));
    if (posix != NULL) {
        posix->wake_fd = -1;
        mm1__fault_install();
        status = open_ports(posix, options, text);
    }
    if (status == MM1_OK) {
        *out = posix;
        return MM1_OK;
    }
    if (posix != NULL) {
        mm1_posix_close(posix, NULL);
    }
    if (error != NULL) {
        memcpy(error, text, sizeof(text));
    }
    return status;
}

const struct mm1_env *mm1_posix_env(const struct mm1_posix *posix)
{
    return &posix->env;
}

void mm1_posix_stop(struct mm1_posix *posix)
{
    int before = errno; /* a signal's handler leaves it alone */
    uint64_t one = 1;
    __atomic_store_n(&posix->stop_asked, 1, __ATOMIC_SEQ_CST);
    /* It can only fail when the counter is full, and then the waiter is awake. */
    ssize_t written = write(posix->wake_fd, &one, sizeof(one));
    (void)written;
    errno = before;
}

static uint64_t later(uint64_t now_ns, uint64_t more_ns)
{
    return more_ns > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + more_ns;
}

/* Milliseconds for poll until `until_ns`, rounded up. */
static int poll_timeout(uint64_t until_ns)
{
    if (until_ns == UINT64_MAX) {
        return -1;
    }
    uint64_t now_ns = mm1__posix_monotonic();
    uint64_t left_ms =
        until_ns <= now_ns ? 0 : (until_ns - now_ns + MM1_NS_PER_MS - 1) / MM1_NS_PER_MS;
    return left_ms > 60000 ? 60000 : (int)left_ms;
}

static enum mm1__posix_event wait_for_event(struct mm1_posix *posix, struct mm1_node *node,
                                            struct mm1_reason *reason, int fd, uint64_t timeout_ns)
{
    uint64_t until_ns = later(mm1__posix_monotonic(), timeout_ns);
    struct pollfd fds[2] = {{.fd = posix->wake_fd, .events = POLLIN}, {.fd = fd, .events = POLLIN}};
    mm1__posix_sched_watch(&posix->sched, node);
    for (;;) {
        if (mm1_node_main_ended(node, reason)) {
            return MM1__POSIX_MAIN_ENDED;
        }
        if (__atomic_exchange_n(&posix->stop_asked, 0, __ATOMIC_SEQ_CST) != 0) {
            return MM1__POSIX_STOPPED;
        }
        if (fd >= 0 && (fds[1].revents & POLLIN) != 0) {
            return MM1__POSIX_FD;
        }
        if (until_ns != UINT64_MAX && mm1__posix_monotonic() >= until_ns) {
            return MM1__POSIX_TIMED_OUT;
        }
        fds[0].revents = 0;
        fds[1].revents = 0;
        int count = poll(fds, fd >= 0 ? 2 : 1, poll_timeout(until_ns));
        MM1_CHECK(count >= 0 || errno == EINTR || errno == ENOMEM);
        if (count > 0 && (fds[0].revents & POLLIN) != 0) {
            uint64_t woken = 0;
            ssize_t got = read(posix->wake_fd, &woken, sizeof(woken));
            (void)got; /* what it was for is looked up above */
        }
    }
}

enum mm1__posix_event mm1__posix_wait(struct mm1_posix *posix, struct mm1_node *node,
                                      struct mm1_reason *reason, int fd, uint64_t timeout_ns)
{
    enum mm1__posix_event event = wait_for_event(posix, node, reason, fd, timeout_ns);
    mm1__posix_sched_watch(&posix->sched, NULL); /* the node may be closed from here on */
    return event;
}

mm1_status mm1_posix_run_until(struct mm1_posix *posix, struct mm1_node *node,
                               struct mm1_reason *reason)
{
    enum mm1__posix_event event = mm1__posix_wait(posix, node, reason, -1, UINT64_MAX);
    return event == MM1__POSIX_MAIN_ENDED ? MM1_OK : MM1_INTERRUPTED;
}

/* --- waiting for rest ----------------------------------------------------------------------------------------- */

#define NAP_MIN_US 50
#define NAP_MAX_US 2000

/* Two looks with the clock between them, and no turn from the first to the second: what fired before the look at the
 * clock was queued at the first look, or its turn shows in the beats. */
static bool is_idle(struct mm1_posix *posix, const struct mm1_node *node, uint64_t horizon_ns)
{
    struct mm1_clock *clock = posix->env.clock;
    uint64_t beats = mm1__posix_sched_beats(&posix->sched);
    if (!mm1_node_idle(node)) {
        return false;
    }
    uint64_t due_ns = clock->ops->next_due(clock);
    bool none_soon = due_ns == UINT64_MAX || due_ns > later(mm1__posix_monotonic(), horizon_ns);
    return none_soon && mm1_node_idle(node) && mm1__posix_sched_beats(&posix->sched) == beats;
}

mm1_status mm1_posix_wait_idle(struct mm1_posix *posix, struct mm1_node *node, uint64_t horizon_ns,
                               uint64_t timeout_ns)
{
    uint64_t until_ns = later(mm1__posix_monotonic(), timeout_ns);
    for (useconds_t nap_us = NAP_MIN_US;; nap_us = nap_us < NAP_MAX_US ? nap_us * 2 : nap_us) {
        if (is_idle(posix, node, horizon_ns)) {
            return MM1_OK;
        }
        if (mm1__posix_monotonic() >= until_ns) {
            return MM1_TIMEOUT;
        }
        (void)usleep(nap_us);
    }
}

enum mm1__posix_event mm1__posix_wait_gone(const struct mm1_node *node, int fd, uint64_t timeout_ns)
{
    uint64_t until_ns = later(mm1__posix_monotonic(), timeout_ns);
    struct pollfd fds = {.fd = fd, .events = POLLIN};
    for (;;) {
        if (mm1_node_actors(node) == 0) {
            return MM1__POSIX_MAIN_ENDED;
        }
        if (mm1__posix_monotonic() >= until_ns) {
            return MM1__POSIX_TIMED_OUT;
        }
        int count = poll(&fds, fd >= 0 ? 1 : 0, 1);
        MM1_CHECK(count >= 0 || errno == EINTR || errno == ENOMEM);
        if (count > 0) {
            return MM1__POSIX_FD;
        }
    }
}

void mm1_posix_close(struct mm1_posix *posix, struct mm1_node *node)
{
    /* First all threads, and those that carry out what others ask for last; then nobody calls into the node. */
    if (posix->has_sched) {
        mm1__posix_sched_stop(&posix->sched);
    }
    if (posix->has_transport) {
        mm1__posix_transport_stop(&posix->transport);
    }
    if (posix->has_store) {
        mm1__posix_store_stop(&posix->store);
    }
    if (posix->has_clock) {
        mm1__posix_clock_stop(&posix->clock);
    }
    if (node != NULL) {
        mm1_node_close(node);
    }
    if (posix->has_sched) {
        mm1__posix_sched_close(&posix->sched);
    }
    if (posix->has_transport) {
        mm1__posix_transport_close(&posix->transport);
    }
    if (posix->has_store) {
        mm1__posix_store_close(&posix->store);
    }
    if (posix->has_clock) {
        mm1__posix_clock_close(&posix->clock);
    }
    if (posix->wake_fd >= 0) {
        (void)close(posix->wake_fd);
    }
    mm1__log_filter_close(&posix->log_filter);
    mm1__fault_remove();
    free(posix);
}

/* Start, shutdown and ping: calls of an actor that end with a message. */
#include <mm1/life.h>

#include "kit/ask_messages.h"
#include "kit/life_messages.h"

MM1_MSG_DEFINE(mm1_life_timeout, "mm1_local::LifeTimeout", MM1_LIFE_TIMEOUT_FIELDS)

static mm1_status timeout_start(struct mm1_ctx *ctx, uint64_t timeout_ns, uint64_t id,
                                uint64_t *timer)
{
    struct mm1_life_timeout over = {.id = id};
    return mm1__timeout_start(ctx, timeout_ns, &mm1_life_timeout_type, &over, timer);
}

/* --- start ---------------------------------------------------------------------------------------------------- */

mm1_status mm1__start_begin(struct mm1_ctx *ctx, struct mm1_start *start,
                            const struct mm1_spawn *spawn, uint64_t timeout_ns, uint64_t mark)
{
    MM1_CHECK(start->id == 0);
    struct mm1_spawn awaited = *spawn;
    awaited.start = mm1_next_ref(ctx) | mark;
    *start = (struct mm1_start){.id = 0};
    MM1_TRY(timeout_start(ctx, timeout_ns, awaited.start, &start->timer));
    mm1_status status = mm1_spawn(ctx, &awaited, &start->child);
    if (status != MM1_OK) {
        mm1__timeout_cancel(ctx, &start->timer);
        return status;
    }
    start->id = awaited.start;
    return MM1_OK;
}

mm1_status mm1_start_begin(struct mm1_ctx *ctx, struct mm1_start *start,
                           const struct mm1_spawn *spawn, uint64_t timeout_ns)
{
    return mm1__start_begin(ctx, start, spawn, timeout_ns, 0);
}

static enum mm1_call start_ends(struct mm1_ctx *ctx, struct mm1_start *start, mm1_status status)
{
    mm1__timeout_cancel(ctx, &start->timer);
    start->id = 0;
    start->status = status;
    return MM1_CALL_DONE;
}

/* A child that was ready a moment ago may be linked by now, and its end is not to be that of its starter. Where memory
 * for an unlink is refused it may be: a clean end. */
static void give_up(struct mm1_ctx *ctx, mm1_addr child)
{
    mm1_status unlinked = mm1_unlink(ctx, child);
    (void)unlinked;
    (void)mm1_kill(ctx, child);
}

enum mm1_call mm1_start_take(struct mm1_ctx *ctx, struct mm1_start *start,
                             const struct mm1_envelope *envelope)
{
    MM1_ON(envelope, mm1_started, started) {
        if (start->id == 0 || started->start != start->id) {
            return MM1_CALL_STALE;
        }
        start->addr = started->addr;
        return start_ends(ctx, start, MM1_OK);
    }
    MM1_ON(envelope, mm1_start_failed, failed) {
        if (start->id == 0 || failed->start != start->id) {
            return MM1_CALL_STALE;
        }
        start->reason = mm1_reason_of_why(&failed->why);
        start->ignored = failed->ignored;
        return start_ends(ctx, start, MM1_EXITED);
    }
    MM1_ON(envelope, mm1_life_timeout, over) {
        if (start->id == 0 || over->id != start->id) {
            return MM1_CALL_STALE;
        }
        start->timer = 0;
        give_up(ctx, start->child);
        return start_ends(ctx, start, MM1_TIMEOUT);
    }
    return MM1_CALL_NOT_MINE;
}

void mm1_start_cancel(struct mm1_ctx *ctx, struct mm1_start *start)
{
    if (start->id != 0) {
        give_up(ctx, start->child);
        (void)start_ends(ctx, start, MM1_INTERRUPTED);
    }
}

/* --- shutdown ------------------------------------------------------------------------------------------------- */

mm1_status mm1_shutdown_begin(struct mm1_ctx *ctx, struct mm1_shutdown *shutdown, mm1_addr peer,
                              uint64_t timeout_ns)
{
    MM1_CHECK(shutdown->ref == 0);
    uint64_t ref;
    *shutdown = (struct mm1_shutdown){.peer = peer};
    MM1_TRY(mm1_watch(ctx, peer, &ref));
    mm1_status status = timeout_start(ctx, timeout_ns, ref, &shutdown->timer);
    if (status == MM1_OK) {
        /* Its end is told here, and is not to be that of the caller. */
        status = mm1_unlink(ctx, peer);
    }
    if (status != MM1_OK) {
        mm1__timeout_cancel(ctx, &shutdown->timer);
        (void)mm1_unwatch_flush(ctx, ref);
        return status;
    }
    /* Who is not there and whom no signal reaches, the watch tells as well. */
    status = mm1_exit(ctx, peer, MM1_SHUTDOWN);
    if (status == MM1_NOMEM) {
        status = mm1_kill(ctx, peer);
    }
    shutdown->status = status == MM1_NOCONNECTION ? status : MM1_OK;
    shutdown->ref = ref;
    return MM1_OK;
}

enum mm1_call mm1_shutdown_take(struct mm1_ctx *ctx, struct mm1_shutdown *shutdown,
                                const struct mm1_envelope *envelope)
{
    MM1_ON(envelope, mm1_down, down) {
        if (shutdown->ref == 0 || down->ref != shutdown->ref) {
            return MM1_CALL_NOT_MINE;
        }
        mm1__timeout_cancel(ctx, &shutdown->timer);
        shutdown->ref = 0;
        shutdown->reason = mm1_reason_of_why(&down->why);
        return MM1_CALL_DONE;
    }
    MM1_ON(envelope, mm1_life_timeout, over) {
        if (shutdown->ref == 0 || over->id != shutdown->ref) {
            return MM1_CALL_STALE;
        }
        shutdown->timer = 0;
        (void)mm1_kill(ctx, shutdown->peer); /* or it is gone, and the watch says so */
        return MM1_CALL_GOES_ON;
    }
    return MM1_CALL_NOT_MINE;
}

/* --- ping ----------------------------------------------------------------------------------------------------- */

mm1_status mm1__ping_begin(struct mm1_ctx *ctx, struct mm1_pinging *ping, mm1_addr peer,
                           uint64_t timeout_ns, uint64_t mark)
{
    MM1_CHECK(ping->id == 0);
    uint64_t id = mm1_next_ref(ctx) | mark;
    *ping = (struct mm1_pinging){.began_ns = mm1_now(ctx)};
    MM1_TRY(timeout_start(ctx, timeout_ns, id, &ping->timer));
    struct mm1_ping message = {.id = id, .reply_to = {.some = true, .value = mm1_self(ctx)}};
    struct mm1_header urgent = {.priority = true};
    mm1_status status = mm1_send(ctx, peer, &mm1_ping_type, &message, &urgent);
    if (status != MM1_OK) {
        mm1__timeout_cancel(ctx, &ping->timer);
        return status;
    }
    ping->id = id;
    return MM1_OK;
}

mm1_status mm1_ping_begin(struct mm1_ctx *ctx, struct mm1_pinging *ping, mm1_addr peer,
                          uint64_t timeout_ns)
{
    return mm1__ping_begin(ctx, ping, peer, timeout_ns, 0);
}

static enum mm1_call ping_ends(struct mm1_ctx *ctx, struct mm1_pinging *ping, mm1_status status)
{
    mm1__timeout_cancel(ctx, &ping->timer);
    ping->id = 0;
    ping->status = status;
    return MM1_CALL_DONE;
}

enum mm1_call mm1_ping_take(struct mm1_ctx *ctx, struct mm1_pinging *ping,
                            const struct mm1_envelope *envelope)
{
    MM1_ON(envelope, mm1_ping, pong) {
        if (pong->reply_to.some) {
            return MM1_CALL_NOT_MINE;
        }
        if (ping->id == 0 || pong->id != ping->id) {
            return MM1_CALL_STALE;
        }
        ping->round_trip_ns = mm1_now(ctx) - ping->began_ns;
        return ping_ends(ctx, ping, MM1_OK);
    }
    MM1_ON(envelope, mm1_life_timeout, over) {
        if (ping->id == 0 || over->id != ping->id) {
            return MM1_CALL_STALE;
        }
        ping->timer = 0;
        return ping_ends(ctx, ping, MM1_TIMEOUT);
    }
    return MM1_CALL_NOT_MINE;
}

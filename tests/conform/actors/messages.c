/* Signals and messages: order, selection, addresses where nobody is, inboxes (otp 1; mm1-spec C). */
#include "suite.h"

static bool is_number(const struct mm1_envelope *envelope, void *arg)
{
    return mm1_is(envelope, &suite_note_type) &&
           ((const struct suite_note *)envelope->msg)->number == *(const uint64_t *)arg;
}

/* Takes the note with this number and leaves all else. */
static mm1_status take_number(struct mm1_ctx *ctx, uint64_t timeout_ns, uint64_t number)
{
    const struct mm1_envelope *envelope;
    return mm1_recv_if(ctx, timeout_ns, is_number, &number, &envelope);
}

static void tell_numbers(struct mm1_ctx *ctx, mm1_addr to, uint64_t first, uint64_t last)
{
    for (uint64_t number = first; number <= last; number++) {
        MUST_OK(mm1_tell(ctx, to, suite_note, .number = number, .from = mm1_self(ctx)));
    }
}

/* --- order ---------------------------------------------------------------------------------------------------- */

static mm1_status sender_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct suite_note *start = arg;
    for (uint64_t number = 0; number < 20; number++) {
        MUST_OK(mm1_tell(ctx, start->from, suite_note, .number = start->number + number));
    }
    return MM1_OK;
}

static const struct mm1_function sender = MM1_FUNCTION("sender", sender_run);

static void a_pair_keeps_its_order(struct mm1_ctx *ctx)
{
    uint64_t next[3] = {0};
    for (uint64_t i = 0; i < 3; i++) {
        (void)suite_spawn_with(ctx, &sender, 100 * i, false);
    }
    for (unsigned i = 0; i < 60; i++) {
        uint64_t number = suite_noted(ctx);
        MUST(number % 100 == next[number / 100]++);
    }
    MUST_BE_QUIET();
}

static mm1_status listener_run(struct mm1_ctx *ctx, const void *arg)
{
    (void)arg;
    for (;;) {
        MUST(suite_noted(ctx) == 1);
    }
}

static const struct mm1_function listener = MM1_FUNCTION("listener", listener_run);

static void nothing_is_seen_after_an_exit_signal(struct mm1_ctx *ctx)
{
    mm1_addr peer = suite_spawn(ctx, &listener);
    uint64_t ref = suite_watch(ctx, peer);
    tell_numbers(ctx, peer, 1, 1);
    MUST_OK(mm1_exit(ctx, peer, mm1_reason_error(5, "")));
    tell_numbers(ctx, peer, 2, 2);
    MUST(suite_is_error(suite_down(ctx, ref), 5));
}

static void a_trapped_signal_keeps_its_place(struct mm1_ctx *ctx)
{
    mm1_addr puppet = suite_puppet_new(ctx);
    (void)suite_do(ctx, puppet, SUITE_TRAP, .number = 1);
    tell_numbers(ctx, puppet, 1, 1);
    MUST_OK(mm1_exit(ctx, puppet, mm1_reason_error(5, "")));
    tell_numbers(ctx, puppet, 2, 2);
    MUST(suite_saw_note(suite_take(ctx, puppet), 1));
    MUST(suite_saw(suite_take(ctx, puppet), SUITE_EXITED, mm1_self(ctx), MM1_REASON_ERROR, 5));
    MUST(suite_saw_note(suite_take(ctx, puppet), 2));
}

static mm1_status last_words_run(struct mm1_ctx *ctx, const void *arg)
{
    (void)sender_run(ctx, arg);
    return MM1_IO;
}

static const struct mm1_function last_words = MM1_FUNCTION("last_words", last_words_run);

/* All that an actor sent comes before the news of its end. */
static void last_words_come_first(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    mm1_trap_exit(ctx, true);
    mm1_addr peer = suite_spawn_with(ctx, &last_words, 0, true);
    (void)suite_watch(ctx, peer);
    bool told[2] = {false, false};
    for (uint64_t i = 0; i < 22; i++) {
        MUST_OK(mm1_recv(ctx, &envelope));
        if (i < 20 && !mm1_is(envelope, &mm1_down_type)) {
            MUST(mm1_is(envelope, &suite_note_type));
            MUST(((const struct suite_note *)envelope->msg)->number == i);
        } else if (i < 20) {
            /* The watch came too late: the peer was gone, and its words were said. */
            MUST(false);
        } else {
            told[mm1_is(envelope, &mm1_down_type)] = true;
        }
    }
    MUST(told[0] && told[1]);
}

static mm1_status by_priority_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct mm1_envelope *envelope;
    const uint64_t expected[] = {3, 4, 1, 2};
    (void)arg;
    MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &suite_go_type, &envelope));
    for (size_t i = 0; i < MM1_COUNT_OF(expected); i++) {
        MUST_OK(mm1_recv(ctx, &envelope));
        MUST(((const struct suite_note *)envelope->msg)->number == expected[i]);
        MUST(envelope->priority == (expected[i] > 2));
    }
    return MM1_OK;
}

static const struct mm1_function by_priority = MM1_FUNCTION("by_priority", by_priority_run);

static void priority_overtakes(struct mm1_ctx *ctx)
{
    mm1_addr peer = suite_spawn(ctx, &by_priority);
    uint64_t ref = suite_watch(ctx, peer);
    const struct mm1_header urgent = {.priority = true};
    tell_numbers(ctx, peer, 1, 2);
    for (uint64_t number = 3; number <= 4; number++) {
        struct suite_note note = {.number = number};
        MUST_OK(mm1_send(ctx, peer, &suite_note_type, &note, &urgent));
    }
    suite_settle(ctx);
    MUST_OK(mm1_send(ctx, peer, &suite_go_type, &(struct suite_go){0}, &urgent));
    MUST(suite_down(ctx, ref).kind == MM1_REASON_NORMAL);
}

/* --- waiting -------------------------------------------------------------------------------------------------- */

static void selection_leaves_the_rest_in_order(struct mm1_ctx *ctx)
{
    mm1_addr peer = suite_spawn_with(ctx, &sender, 0, false);
    MUST_OK(mm1_unlink(ctx, peer));
    MUST_OK(take_number(ctx, MM1_FOREVER, 19));
    MUST_OK(take_number(ctx, MM1_FOREVER, 7));
    MUST_OK(take_number(ctx, MM1_FOREVER, 3));
    for (uint64_t number = 0; number < 19; number++) {
        if (number != 3 && number != 7) {
            MUST(suite_noted(ctx) == number);
        }
    }
    MUST_BE_QUIET();
}

static void a_message_to_oneself_is_there_at_once(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    tell_numbers(ctx, mm1_self(ctx), 1, 1);
    MUST_OK(mm1_recv_for(ctx, 0, &envelope));
    MUST(((const struct suite_note *)envelope->msg)->number == 1);
    MUST(mm1_recv_for(ctx, 0, &envelope) == MM1_TIMEOUT);
}

static void what_waits_is_found_without_waiting(struct mm1_ctx *ctx)
{
    tell_numbers(ctx, mm1_self(ctx), 1, 3);
    suite_settle(ctx);
    MUST_OK(take_number(ctx, 0, 3));
    MUST(take_number(ctx, 0, 4) == MM1_TIMEOUT);
    MUST_OK(take_number(ctx, 0, 1));
    MUST_OK(take_number(ctx, 0, 2));
    MUST(take_number(ctx, 0, 3) == MM1_TIMEOUT);
}

static mm1_status busy_run(struct mm1_ctx *ctx, const void *arg)
{
    (void)arg;
    for (;;) {
        MM1_TRY(mm1_sleep(ctx, 0));
    }
}

static const struct mm1_function busy = MM1_FUNCTION("busy", busy_run);

static void signals_act_whatever_is_waited_for(struct mm1_ctx *ctx)
{
    mm1_addr peer = suite_spawn(ctx, &busy);
    uint64_t ref = suite_watch(ctx, peer);
    MUST_OK(mm1_exit(ctx, peer, mm1_reason_error(5, "")));
    MUST(suite_is_error(suite_down(ctx, ref), 5));
    peer = suite_spawn(ctx, &busy);
    ref = suite_watch(ctx, peer);
    MUST_OK(mm1_kill(ctx, peer));
    MUST(suite_down(ctx, ref).kind == MM1_REASON_KILLED);
}

static void an_exit_signal_does_not_wait_for_what_is_unread(struct mm1_ctx *ctx)
{
    mm1_addr puppet = suite_puppet_new(ctx);
    uint64_t ref = suite_watch(ctx, puppet);
    tell_numbers(ctx, puppet, 1, 100); /* a puppet reads its orders alone */
    MUST_OK(mm1_exit(ctx, puppet, mm1_reason_error(5, "")));
    MUST(suite_is_error(suite_down(ctx, ref), 5));
}

/* --- nobody there ---------------------------------------------------------------------------------------------- */

static void a_dead_address_swallows(struct mm1_ctx *ctx)
{
    mm1_addr puppet = suite_puppet_new(ctx);
    suite_crash(ctx, puppet, 5);
    MUST_OK(mm1_tell(ctx, puppet, suite_note, .number = 1));
    MUST(mm1_exit(ctx, puppet, MM1_SHUTDOWN) == MM1_NOPROC);
    MUST(mm1_kill(ctx, puppet) == MM1_NOPROC);
    MUST_OK(mm1_unlink(ctx, puppet));
    mm1_unwatch(ctx, 1u << 20);
    MUST_BE_QUIET();
}

static void a_dead_peer_is_noproc(struct mm1_ctx *ctx)
{
    mm1_addr dead = suite_puppet_new(ctx);
    mm1_addr bystander = suite_puppet_new(ctx);
    suite_crash(ctx, dead, 5);
    mm1_trap_exit(ctx, true);
    MUST_OK(mm1_link(ctx, dead));
    MUST(suite_exited(ctx, dead).kind == MM1_REASON_NOPROC);
    MUST(suite_down(ctx, suite_watch(ctx, dead)).kind == MM1_REASON_NOPROC);
    uint64_t ref = suite_watch(ctx, bystander);
    MUST_OK((mm1_status)suite_do(ctx, bystander, SUITE_LINK, .peer = dead).status);
    MUST(suite_down(ctx, ref).kind == MM1_REASON_NOPROC);
    MUST_BE_QUIET();
}

static void a_foreign_address_is_no_connection(struct mm1_ctx *ctx)
{
    mm1_trap_exit(ctx, true);
    MUST(mm1_tell(ctx, SUITE_FOREIGN, suite_note, .number = 1) == MM1_NOT_FOUND);
    MUST(mm1_exit(ctx, SUITE_FOREIGN, MM1_SHUTDOWN) == MM1_NOCONNECTION);
    MUST(mm1_kill(ctx, SUITE_FOREIGN) == MM1_NOCONNECTION);
    MUST_OK(mm1_link(ctx, SUITE_FOREIGN));
    MUST(suite_exited(ctx, SUITE_FOREIGN).kind == MM1_REASON_NOCONNECTION);
    MUST(suite_down(ctx, suite_watch(ctx, SUITE_FOREIGN)).kind == MM1_REASON_NOCONNECTION);
    MUST_BE_QUIET();
}

/* --- inboxes --------------------------------------------------------------------------------------------------- */

static mm1_status deaf_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct mm1_envelope *envelope;
    (void)arg;
    MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &suite_go_type, &envelope));
    MUST(suite_noted(ctx) == 1);
    MUST(suite_noted(ctx) == 2);
    MUST(suite_noted(ctx) == 4);
    return MM1_OK;
}

static const struct mm1_function deaf = MM1_FUNCTION("deaf", deaf_run);

static void a_full_inbox_says_so(struct mm1_ctx *ctx)
{
    mm1_addr peer;
    MUST_OK(
        mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = &deaf.behaviour, .inbox_size = 2}, &peer));
    uint64_t ref = suite_watch(ctx, peer);
    tell_numbers(ctx, peer, 1, 2);
    suite_settle(ctx); /* what is set aside holds its permit */
    MUST(mm1_tell(ctx, peer, suite_note, .number = 3) == MM1_FULL);
    const struct mm1_header urgent = {.priority = true};
    MUST_OK(mm1_send(ctx, peer, &suite_go_type, &(struct suite_go){0}, &urgent));
    mm1_status status;
    while ((status = mm1_tell(ctx, peer, suite_note, .number = 4)) == MM1_FULL) {
        MUST_OK(mm1_sleep(ctx, MM1_NS_PER_US));
    }
    MUST_OK(status);
    MUST(suite_down(ctx, ref).kind == MM1_REASON_NORMAL);
}

static mm1_status closing_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct suite_note *start = arg;
    const struct mm1_envelope *envelope;
    MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &suite_go_type, &envelope));
    MUST_OK(mm1_close(ctx));
    MUST_OK(mm1_close(ctx));
    MUST_OK(suite_go_tell(ctx, start->from));
    MUST(suite_noted(ctx) == 1);
    MUST(suite_noted(ctx) == 2);
    MUST(mm1_recv(ctx, &envelope) == MM1_CLOSED);
    return MM1_OK;
}

static const struct mm1_function closing = MM1_FUNCTION("closing", closing_run);

static void a_closed_inbox_takes_no_more(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    mm1_addr peer = suite_spawn(ctx, &closing);
    uint64_t ref = suite_watch(ctx, peer);
    tell_numbers(ctx, peer, 1, 2);
    MUST_OK(suite_go_tell(ctx, peer));
    MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &suite_go_type, &envelope));
    mm1_status status = mm1_tell(ctx, peer, suite_note, .number = 3);
    MUST(status == MM1_CLOSED || status == MM1_OK); /* it may be gone already */
    MUST(suite_down(ctx, ref).kind == MM1_REASON_NORMAL);
}

static mm1_status relay_run(struct mm1_ctx *ctx, const void *arg)
{
    const struct suite_note *start = arg;
    const struct mm1_envelope *envelope;
    MUST_OK(mm1_recv(ctx, &envelope));
    MUST(envelope->ttl == MM1_TTL_DEFAULT - 1 && envelope->trace_id == 77);
    MUST_OK(mm1_forward(ctx, start->from, envelope));
    MUST_OK(mm1_recv(ctx, &envelope));
    MUST(envelope->ttl == 0);
    MUST(mm1_forward(ctx, start->from, envelope) == MM1_TTL_EXHAUSTED);
    return MM1_OK;
}

static const struct mm1_function relay = MM1_FUNCTION("relay", relay_run);

static void a_forward_keeps_the_header(struct mm1_ctx *ctx)
{
    const struct mm1_envelope *envelope;
    mm1_addr peer = suite_spawn(ctx, &relay);
    uint64_t ref = suite_watch(ctx, peer);
    struct suite_note note = {.number = 8};
    MUST_OK(mm1_send(ctx, peer, &suite_note_type, &note,
                     &(struct mm1_header){.no = 4711, .trace_id = 77}));
    MUST_OK(mm1_send(ctx, peer, &suite_note_type, &note, &(struct mm1_header){.ttl = 1}));
    MUST_OK(mm1_recv_type(ctx, MM1_FOREVER, &suite_note_type, &envelope));
    MUST(envelope->ttl == MM1_TTL_DEFAULT - 2);
    MUST(envelope->no == 4711 && envelope->trace_id == 77);
    MUST(mm1_addr_equal(envelope->to, peer));
    MUST(suite_down(ctx, ref).kind == MM1_REASON_NORMAL);
    MUST_BE_QUIET();
}

static void a_ping_is_answered_by_the_runtime(struct mm1_ctx *ctx)
{
    uint64_t round_trip_ns;
    mm1_addr puppet = suite_puppet_new(ctx);
    MUST_OK(mm1_ping_for(ctx, puppet, MM1_FOREVER, &round_trip_ns));
    MUST(suite_take(ctx, puppet).what == SUITE_NOTHING);
    suite_crash(ctx, puppet, 5);
    MUST(mm1_ping_for(ctx, puppet, MM1_NS_PER_MS, &round_trip_ns) == MM1_TIMEOUT);
    MUST(mm1_ping_for(ctx, SUITE_FOREIGN, MM1_FOREVER, &round_trip_ns) == MM1_NOT_FOUND);
    MUST_BE_QUIET();
}

static const struct suite_case cases[] = {
    {"a_pair_keeps_its_order", "S1 MSG-02", a_pair_keeps_its_order},
    {"nothing_is_seen_after_an_exit_signal", "S1 S11", nothing_is_seen_after_an_exit_signal},
    {"a_trapped_signal_keeps_its_place", "S1 X4", a_trapped_signal_keeps_its_place},
    {"last_words_come_first", "S10 M12 A1 LIFE-06 MSG-08", last_words_come_first},
    {"priority_overtakes", "MSG-01 MSG-02", priority_overtakes},
    {"selection_leaves_the_rest_in_order", "S3 L14", selection_leaves_the_rest_in_order},
    {"a_message_to_oneself_is_there_at_once", "S7 S14", a_message_to_oneself_is_there_at_once},
    {"what_waits_is_found_without_waiting", "S14", what_waits_is_found_without_waiting},
    {"signals_act_whatever_is_waited_for", "S8 STOP-02", signals_act_whatever_is_waited_for},
    {"an_exit_signal_does_not_wait_for_what_is_unread", "S11",
     an_exit_signal_does_not_wait_for_what_is_unread},
    {"a_dead_address_swallows", "S4 X10 STOP-03 MSG-05", a_dead_address_swallows},
    {"a_dead_peer_is_noproc", "S5 L3 L4 M3 X13 LINK-07 WATCH-02", a_dead_peer_is_noproc},
    {"a_foreign_address_is_no_connection", "X13 D1 MSG-05 LINK-09 WATCH-05",
     a_foreign_address_is_no_connection},
    {"a_full_inbox_says_so", "MSG-01 MSG-05", a_full_inbox_says_so},
    {"a_closed_inbox_takes_no_more", "MSG-05", a_closed_inbox_takes_no_more},
    {"a_forward_keeps_the_header", "MSG-06 TTL-01 TRACE-01", a_forward_keeps_the_header},
    {"a_ping_is_answered_by_the_runtime", "MSG-14", a_ping_is_answered_by_the_runtime},
};
SUITE_TABLE(suite_messages, cases);

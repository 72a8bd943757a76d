/* Fuzzes what a peer may say: whatever the bytes are, and however they are cut, the session says the same, keeps to its
 * bound of memory, and stays over once it is over. The first two bytes choose a cookie and the size of pieces. */
#include <stdlib.h>
#include <string.h>

#include "kit/mn_session.h"

/* a growing buffer may hold two blocks for a moment */
#define BODY_ROOM (2 * (MM1_MN_BODY_MAX + 1))

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An allocator that counts. */
struct counting {
    struct mm1_alloc base;
    size_t live;
    size_t peak;
};

static void *counting_take(struct mm1_alloc *self, size_t size)
{
    struct counting *counting = MM1_CONTAINER_OF(self, struct counting, base);
    counting->live += size;
    counting->peak = counting->live > counting->peak ? counting->live : counting->peak;
    return malloc(size);
}

static void counting_give(struct mm1_alloc *self, void *block, size_t size)
{
    MM1_CONTAINER_OF(self, struct counting, base)->live -= size;
    free(block);
}

static void *counting_take_stack(struct mm1_alloc *self, size_t size, size_t *usable, bool *guarded)
{
    *usable = size;
    *guarded = false;
    return counting_take(self, size);
}

static const struct mm1_alloc_ops counting_ops = {
    .name = "counting",
    .take = counting_take,
    .give = counting_give,
    .take_stack = counting_take_stack,
    .give_stack = counting_give,
};

struct outcome {
    uint64_t digest; /* of all events */
    mm1_status status;
    size_t events;
};

static void digest(struct outcome *outcome, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    for (size_t i = 0; i < size; i++) {
        outcome->digest = (outcome->digest ^ bytes[i]) * UINT64_C(0x100000001b3);
    }
}

static void take_event(struct outcome *outcome, const struct mm1_mn_event *event)
{
    outcome->events++;
    digest(outcome, &event->kind, sizeof(event->kind));
    if (event->kind != MM1_MN_PDU) {
        return;
    }
    MM1_CHECK(event->pdu.tag != MM1_MN_HELLO);
    MM1_CHECK(event->body.size == mm1__mn_body_size(&event->pdu));
    uint8_t header[MM1_MN_HEADER];
    mm1__mn_encode(&event->pdu, header);
    struct mm1_mn_pdu again;
    MM1_CHECK(mm1__mn_decode(header, &again, NULL) == MM1_OK);
    digest(outcome, header, sizeof(header));
    digest(outcome, event->body.data, event->body.size);
}

static struct outcome play(const uint8_t *data, size_t size, size_t piece, struct mm1_text cookie)
{
    struct counting alloc = {.base = {.ops = &counting_ops}};
    struct outcome outcome = {.digest = UINT64_C(0xcbf29ce484222325)};
    struct mm1_mn_session session;
    mm1__mn_session_init(&session, &alloc.base, cookie);
    for (size_t at = 0; at < size && outcome.status == MM1_OK; at += piece) {
        size_t count = size - at < piece ? size - at : piece;
        uint8_t *copy = malloc(count);
        MM1_CHECK(copy != NULL);
        memcpy(copy, data + at, count);
        mm1__mn_session_feed(&session, (struct mm1_bytes){.data = copy, .size = count});
        struct mm1_mn_event event;
        while ((outcome.status = mm1__mn_session_next(&session, &event)) == MM1_OK &&
               event.kind != MM1_MN_MORE) {
            take_event(&outcome, &event);
        }
        MM1_CHECK((outcome.status == MM1_OK) == (session.why == NULL));
        free(copy);
    }
    if (outcome.status != MM1_OK) {
        struct mm1_mn_event event;
        MM1_CHECK(mm1__mn_session_next(&session, &event) == outcome.status);
    }
    mm1__mn_session_close(&session);
    MM1_CHECK(alloc.live == 0);
    MM1_CHECK(alloc.peak <= BODY_ROOM && alloc.peak <= 4 * size + 256);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) {
        return 0;
    }
    static const char *const cookies[] = {"", "s3cret", "x"};
    struct mm1_text cookie = mm1_text_of(cookies[data[0] % MM1_COUNT_OF(cookies)]);
    struct outcome whole = play(data + 2, size - 2, size, cookie);
    struct outcome cut = play(data + 2, size - 2, (size_t)data[1] + 1, cookie);
    MM1_CHECK(whole.digest == cut.digest);
    MM1_CHECK(whole.status == cut.status);
    MM1_CHECK(whole.events == cut.events);
    return 0;
}

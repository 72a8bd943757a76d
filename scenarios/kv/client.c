/* A client. It asks again under the same number until it is answered, or gives up after so many attempts: then the
 * outcome is not known, and the number is never used again. At the end it may read every key, to see what is left; in
 * that it does not give up. */
#include <stdio.h>

#include <mm1/ask.h>

#include "client.h"
#include "messages.h"

struct client {
    struct kv_client config; /* flat: nothing in it is borrowed */
    struct mm1_ask ask;
    uint64_t started_ns;
    uint64_t done;     /* operations that ended, one way or the other */
    uint64_t verified; /* keys read at the end */
    bool busy;         /* an operation is under way: */
    enum kv_op op;
    uint64_t number;
    uint64_t key;
    uint64_t value;
    uint64_t attempts;
};

static mm1_status wait_for(struct mm1_ctx *ctx, uint64_t delay_ns)
{
    uint64_t timer;
    return mm1_after(ctx, delay_ns, &timer, kv_go_on, .mm1_unit = 0);
}

static mm1_status client_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    struct client *client = state;
    client->config = *(const struct kv_client *)arg;
    if (client->config.keys == 0 || client->config.attempts == 0) {
        mm1_log(ctx, MM1_LOG_ERROR, "keys and attempts: at least 1");
        return MM1_INVALID;
    }
    if (client->config.id == 0) {
        client->config.id = 1 + mm1_random(ctx, UINT32_MAX);
    }
    client->started_ns = mm1_now(ctx);
    client->number = client->config.first_number.some ? client->config.first_number.value - 1 : 0;
    return wait_for(ctx, client->config.start_after);
}

static bool is_verifying(const struct client *client)
{
    return client->done >= client->config.operations;
}

/* Begins an operation under a new number. */
static void begin(struct mm1_ctx *ctx, struct client *client)
{
    client->busy = true;
    client->attempts = 0;
    client->number++;
    client->value = 0;
    if (is_verifying(client)) {
        client->op = KV_READ;
        client->key = client->verified;
    } else {
        client->op = mm1_random(ctx, 100) < client->config.write_percent ? KV_WRITE : KV_READ;
        client->key = mm1_random(ctx, client->config.keys);
    }
    if (client->op == KV_WRITE) {
        client->value = client->config.id * 100000 + client->number; /* no two alike */
    }
    mm1_observe(ctx, kv_invoked, .client = client->config.id, .number = client->number,
                .op = (uint8_t)client->op, .key = client->key, .value = client->value);
}

/* One line about the operation under way. */
static void say(struct mm1_ctx *ctx, const struct client *client, const char *format, ...)
    MM1_PRINTF(3, 4);
static void say(struct mm1_ctx *ctx, const struct client *client, const char *format, ...)
{
    char what[96];
    char value[32] = "";
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    if (client->op == KV_WRITE) {
        (void)snprintf(value, sizeof(value), "=%llu", (unsigned long long)client->value);
    }
    mm1_log(ctx, MM1_LOG_INFO, "%s k%llu%s: %s", client->op == KV_WRITE ? "write" : "read",
            (unsigned long long)client->key, value, what);
}

/* Ends the operation, and sees when the next one begins. */
static mm1_status end(struct mm1_ctx *ctx, struct client *client)
{
    client->busy = false;
    if (is_verifying(client)) {
        client->verified++;
        return wait_for(ctx, 0);
    }
    client->done++;
    return wait_for(ctx, mm1_random(ctx, 2 * client->config.think_time + 1));
}

static mm1_status attempt(struct mm1_ctx *ctx, struct client *client)
{
    const struct kv_client *config = &client->config;
    client->attempts++;
    mm1_status status = client->op == KV_WRITE
                            ? mm1_ask_begin(ctx, &client->ask, config->primary, config->ask_timeout,
                                            kv_put, .client = config->id, .number = client->number,
                                            .key = client->key, .value = client->value)
                            : mm1_ask_begin(ctx, &client->ask, config->primary, config->ask_timeout,
                                            kv_get, .key = client->key);
    if (status == MM1_NOMEM) {
        return status;
    }
    /* No way there, or none now: that counts as an attempt, and the next one comes by timer. */
    return status == MM1_OK ? MM1_OK : wait_for(ctx, config->retry_after);
}

/* The attempt came to nothing: another one, or none. */
static mm1_status on_timeout(struct mm1_ctx *ctx, struct client *client)
{
    if (client->attempts < client->config.attempts || is_verifying(client)) {
        if (client->attempts == 1) {
            say(ctx, client, "no answer, asks again");
        }
        return attempt(ctx, client);
    }
    say(ctx, client, "given up after %llu attempts: the outcome is not known",
        (unsigned long long)client->attempts);
    mm1_observe(ctx, kv_gave_up, .client = client->config.id, .number = client->number);
    return end(ctx, client);
}

static mm1_status on_answer(struct mm1_ctx *ctx, struct client *client, uint64_t value,
                            uint64_t version)
{
    if (client->op == KV_WRITE) {
        say(ctx, client, "stored, version %llu", (unsigned long long)version);
    } else {
        say(ctx, client, "%llu, version %llu", (unsigned long long)value,
            (unsigned long long)version);
    }
    mm1_observe(ctx, kv_returned, .client = client->config.id, .number = client->number,
                .key = client->key, .value = value, .version = version);
    return end(ctx, client);
}

/* A timer: the next operation is due, or the next attempt. */
static mm1_status on_go_on(struct mm1_ctx *ctx, struct client *client)
{
    const struct kv_client *config = &client->config;
    if (client->busy) {
        return on_timeout(ctx, client);
    }
    if (is_verifying(client)) {
        if (!config->verify_at.some || client->verified == config->keys) {
            mm1_quit(ctx, MM1_NORMAL);
            return MM1_OK;
        }
        uint64_t passed = mm1_now(ctx) - client->started_ns;
        if (passed < config->verify_at.value) {
            return wait_for(ctx, config->verify_at.value - passed);
        }
    }
    begin(ctx, client);
    return attempt(ctx, client);
}

static mm1_status client_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct client *client = state;
    bool writes = client->op == KV_WRITE;
    const void *body;
    switch (mm1_ask_take(ctx, &client->ask, envelope,
                         writes ? &kv_stored_response_type : &kv_value_response_type, &body)) {
    case MM1_ASK_REPLY:
        if (writes) {
            return on_answer(ctx, client, client->value, ((const struct kv_stored *)body)->version);
        }
        return on_answer(ctx, client, ((const struct kv_value *)body)->value,
                         ((const struct kv_value *)body)->version);
    case MM1_ASK_TIMEOUT:
        return on_timeout(ctx, client);
    case MM1_ASK_DOWN: /* also when it is not there yet: not again at once */
        return wait_for(ctx, client->config.retry_after);
    case MM1_ASK_STALE:
        return MM1_OK;
    case MM1_ASK_NOT_MINE:
        break;
    }
    MM1_ON(envelope, kv_go_on, m) {
        return on_go_on(ctx, client);
    }
    /* A late answer to an operation of the other kind. */
    if (mm1_is(envelope, &kv_stored_response_type) || mm1_is(envelope, &kv_value_response_type)) {
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

const struct mm1_behaviour kv_client_behaviour = {
    .name = "client",
    .state_size = sizeof(struct client),
    .init = client_init,
    .receive = client_receive,
};

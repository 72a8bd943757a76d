/* mm1/sim.h: what the test says to actors, and the probes that listen for it. */
#include <stdlib.h>
#include <string.h>

#include "sim/api.h"

/* The node, ready to be spoken to; null while it is down. What is said has no cause in the world. */
static struct mm1_node *reach(const struct mm1_sim_node *node)
{
    struct sim_node_state *state = sim_api_state(node);
    MM1_CHECK(node->sim->world.turn == NULL); /* not inside a turn */
    node->sim->world.cause = 0;
    return state->node;
}

mm1_status mm1_sim_spawn(struct mm1_sim_node *node, const struct mm1_spawn *spawn, mm1_addr *out)
{
    struct mm1_node *up = reach(node);
    return up == NULL ? MM1_CLOSED : mm1_node_spawn(up, spawn, out);
}

mm1_status mm1_sim_send(struct mm1_sim_node *node, mm1_addr to, const struct mm1_msg_type *type,
                        const void *msg, const struct mm1_header *header)
{
    struct mm1_node *up = reach(node);
    return up == NULL ? MM1_CLOSED : mm1_node_send(up, to, type, msg, header);
}

mm1_status mm1_sim_exit(struct mm1_sim_node *node, mm1_addr peer, struct mm1_reason reason)
{
    struct mm1_node *up = reach(node);
    return up == NULL ? MM1_CLOSED : mm1_node_exit(up, peer, reason);
}

mm1_status mm1_sim_suspend(struct mm1_sim_node *node, mm1_addr addr)
{
    struct mm1_node *up = reach(node);
    return up == NULL ? MM1_CLOSED : mm1_node_suspend(up, addr);
}

mm1_status mm1_sim_resume(struct mm1_sim_node *node, mm1_addr addr)
{
    struct mm1_node *up = reach(node);
    return up == NULL ? MM1_CLOSED : mm1_node_resume(up, addr);
}

/* --- probes --------------------------------------------------------------------------------------------------- */

static struct mm1_sim *sim_of(const struct mm1_ctx *ctx)
{
    const struct sim_node_state *node =
        MM1_CONTAINER_OF(mm1_ctx_alloc(ctx), struct sim_node_state, pool.base);
    return MM1_CONTAINER_OF(node->world, struct mm1_sim, world);
}

static struct sim_api_message *message_of(const struct mm1_envelope *envelope)
{
    bool kept = (envelope->type->flags & MM1_MSG_LOCAL_ONLY) == 0;
    size_t size = kept ? mm1_msg_copy_size(envelope->type, envelope->msg) : 0;
    struct sim_api_message *message = malloc(sizeof(*message) + size);
    MM1_CHECK(message != NULL);
    mm1_list_init(&message->link);
    message->envelope = *envelope;
    message->envelope.msg = NULL;
    message->size = size;
    if (kept) {
        mm1_msg_copy(envelope->type, envelope->msg, message->copy);
        message->envelope.msg = message->copy;
    }
    return message;
}

/* A probe has no state in its node, so that what it received outlives it. */
static mm1_status probe_receive(struct mm1_ctx *ctx, void *state,
                                const struct mm1_envelope *envelope)
{
    struct mm1_sim *sim = sim_of(ctx);
    mm1_addr own = mm1_main(ctx);
    (void)state;
    MM1_LIST_FOREACH(link, &sim->probes) {
        struct mm1_sim_probe *probe = MM1_CONTAINER_OF(link, struct mm1_sim_probe, link);
        if (mm1_addr_equal(probe->address, own)) {
            mm1_list_push_back(&probe->messages, &message_of(envelope)->link);
            probe->count++;
            return MM1_OK;
        }
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour probe_behaviour = {.name = "probe", .receive = probe_receive};

mm1_status mm1_sim_probe_add(struct mm1_sim_node *node, const char *name,
                             struct mm1_sim_probe **out)
{
    struct mm1_sim_probe *probe = calloc(1, sizeof(*probe));
    if (probe == NULL) {
        return MM1_NOMEM;
    }
    struct mm1_spawn spawn = {.behaviour = &probe_behaviour, .name = name};
    mm1_status status = mm1_sim_spawn(node, &spawn, &probe->address);
    if (status != MM1_OK) {
        free(probe);
        return status;
    }
    probe->sim = node->sim;
    mm1_list_init(&probe->messages);
    mm1_list_push_back(&node->sim->probes, &probe->link);
    *out = probe;
    return MM1_OK;
}

mm1_addr mm1_sim_probe_addr(const struct mm1_sim_probe *probe)
{
    return probe->address;
}

size_t mm1_sim_probe_count(const struct mm1_sim_probe *probe)
{
    return probe->count;
}

const struct mm1_envelope *mm1_sim_probe_take(struct mm1_sim_probe *probe)
{
    free(probe->taken);
    probe->taken = NULL;
    struct mm1_list *link = mm1_list_pop_front(&probe->messages);
    if (link == NULL) {
        return NULL;
    }
    MM1_CHECK(probe->messages.next != link);
    probe->taken = MM1_CONTAINER_OF(link, struct sim_api_message, link);
    probe->count--;
    return &probe->taken->envelope;
}

static bool has_message(struct mm1_sim *sim, void *arg)
{
    const struct mm1_sim_probe *probe = arg;
    (void)sim;
    return probe->count != 0;
}

mm1_status mm1_sim_probe_wait(struct mm1_sim_probe *probe, uint64_t limit_ns,
                              const struct mm1_envelope **out)
{
    MM1_TRY(mm1_sim_run_until(probe->sim, limit_ns, has_message, probe));
    *out = mm1_sim_probe_take(probe);
    return MM1_OK;
}

void sim_api_probes_close(struct mm1_sim *sim)
{
    MM1_LIST_FOREACH(link, &sim->probes) {
        struct mm1_sim_probe *probe = MM1_CONTAINER_OF(link, struct mm1_sim_probe, link);
        MM1_LIST_FOREACH(message, &probe->messages) {
            free(MM1_CONTAINER_OF(message, struct sim_api_message, link));
        }
        free(probe->taken);
        free(probe);
    }
}

/* --- asking --------------------------------------------------------------------------------------------------- */

/* The probe that asks on this node; a new one for each start of it. */
static mm1_status find_asker(struct mm1_sim_node *node)
{
    const struct sim_node_state *state = sim_api_state(node);
    if (node->asker != NULL && node->asker_start == state->starts) {
        return MM1_OK;
    }
    MM1_TRY(mm1_sim_probe_add(node, "asker", &node->asker));
    node->asker_start = state->starts;
    return MM1_OK;
}

struct asking {
    struct mm1_sim_node *node;
    const struct mm1_msg_type *type;
};

/* Drops what answers an earlier question. */
static bool is_answered(struct mm1_sim *sim, void *arg)
{
    const struct asking *asking = arg;
    struct mm1_sim_node *node = asking->node;
    const struct mm1_envelope *envelope;
    (void)sim;
    while ((envelope = mm1_sim_probe_take(node->asker)) != NULL) {
        if (envelope->type == asking->type &&
            ((const struct mm1_response_header *)envelope->msg)->id == node->asked) {
            node->answer = envelope;
            return true;
        }
    }
    return sim_api_state(node)->starts != node->asker_start || sim_api_state(node)->node == NULL;
}

mm1_status mm1_sim_ask_any(struct mm1_sim_node *node, mm1_addr server, uint64_t limit_ns,
                           const struct mm1_msg_type *request_type, void *request,
                           const struct mm1_msg_type *response_type, const void **body)
{
    struct asking asking = {.node = node, .type = response_type};
    struct mm1_request_header *header = request;
    MM1_TRY(find_asker(node));
    header->id = ++node->asked;
    header->reply_to = mm1_sim_probe_addr(node->asker);
    node->answer = NULL;
    MM1_TRY(mm1_sim_send(node, server, request_type, request, NULL));
    MM1_TRY(mm1_sim_run_until(node->sim, limit_ns, is_answered, &asking));
    if (node->answer == NULL) {
        return MM1_CLOSED;
    }
    /* Header and body stand in this order in every struct T_response. */
    *body = (const char *)node->answer->msg + response_type->fields[1].offset;
    return MM1_OK;
}

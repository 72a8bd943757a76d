/* A case in the simulator: one node, turns as a whole, its order of turns drawn from the seed. */
#include <stdio.h>
#include <stdlib.h>

#include <mm1/sim.h>

#include "fuzz/sup_cases_place.h"

/* Virtual time within which a case must rest. */
#define REST_WITHIN_NS (UINT64_C(3600) * MM1_NS_PER_SEC)

struct simulated {
    struct sup_place base;
    struct mm1_sim *sim;
    struct mm1_sim_node *node;
};

static struct simulated *of(struct sup_place *place)
{
    return MM1_CONTAINER_OF(place, struct simulated, base);
}

static uint64_t emit(struct mm1_trace *self, const struct mm1_event *event)
{
    struct sup_place *place = MM1_CONTAINER_OF(self, struct sup_place, trace);
    /* A turn is not interrupted here: who ends at once has ended before anybody takes its word. */
    (void)sup_book_see(place->book, event);
    return 0;
}

static const struct mm1_trace_ops trace_ops = {.name = "cases", .emit = emit};

static mm1_status send_message(struct sup_place *place, mm1_addr to,
                               const struct mm1_msg_type *type, const void *msg)
{
    return mm1_sim_send(of(place)->node, to, type, msg, NULL);
}

static mm1_status send_exit(struct sup_place *place, mm1_addr to, struct mm1_reason reason)
{
    return mm1_sim_exit(of(place)->node, to, reason);
}

static mm1_status suspend(struct sup_place *place, mm1_addr addr)
{
    return mm1_sim_suspend(of(place)->node, addr);
}

static mm1_status resume(struct sup_place *place, mm1_addr addr)
{
    return mm1_sim_resume(of(place)->node, addr);
}

static mm1_status rest(struct sup_place *place)
{
    return mm1_sim_run_until_idle(of(place)->node, place->horizon_ns, REST_WITHIN_NS);
}

static mm1_status pass(struct sup_place *place, uint64_t ns)
{
    return mm1_sim_run_for(of(place)->sim, ns);
}

static void close_place(struct sup_place *place)
{
    struct simulated *world = of(place);
    mm1_sim_close(world->sim);
    free(world);
}

static const struct sup_place_ops ops = {.send = send_message,
                                         .exit = send_exit,
                                         .suspend = suspend,
                                         .resume = resume,
                                         .rest = rest,
                                         .pass = pass,
                                         .close = close_place};

static mm1_status open_world(struct simulated *world, uint64_t seed,
                             const struct sup_stage_arg *arg, char error[SUP_CASES_ERROR_MAX])
{
    const struct mm1_sim_options options = {.name = "cases",
                                            .seed = seed,
                                            .granularity = MM1_SIM_TURN,
                                            .types = sup_stage_types,
                                            .type_count = sup_stage_type_count,
                                            .listener = &world->base.trace,
                                            .silent = true};
    char text[MM1_SIM_ERROR_MAX];
    mm1_status status = mm1_sim_open(&options, &world->sim, text);
    if (status != MM1_OK) {
        (void)snprintf(error, SUP_CASES_ERROR_MAX, "no world: %.200s", text);
        return status;
    }
    (void)snprintf(error, SUP_CASES_ERROR_MAX, "no node");
    MM1_TRY(mm1_sim_node_add(world->sim, &(struct mm1_sim_node_spec){.name = "n"}, &world->node));
    return mm1_sim_spawn(
        world->node,
        &(struct mm1_spawn){
            .behaviour = &sup_stage, .name = "stage", .arg_type = &sup_stage_arg_type, .arg = arg},
        &world->base.stage);
}

mm1_status sup_place_simulated(struct sup_book *book, uint64_t seed,
                               const struct sup_stage_arg *arg, struct sup_place **out,
                               char error[SUP_CASES_ERROR_MAX])
{
    struct simulated *world = calloc(1, sizeof(*world));
    if (world == NULL) {
        return MM1_NOMEM;
    }
    world->base = (struct sup_place){.ops = &ops, .trace = {.ops = &trace_ops}, .book = book};
    mm1_status status = open_world(world, seed, arg, error);
    if (status != MM1_OK) {
        close_place(&world->base);
        return status;
    }
    *out = &world->base;
    return MM1_OK;
}

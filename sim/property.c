/* Properties during a run: what they see, and how they judge. */
#include "sim/world.h"

/* What every property sees. */
#define ALWAYS_SEEN                                                                                \
    (MM1_EVENT_BIT(MM1_EVENT_OBSERVE) | MM1_EVENT_BIT(MM1_EVENT_EXIT) |                            \
     MM1_EVENT_BIT(MM1_EVENT_NODE_UP) | MM1_EVENT_BIT(MM1_EVENT_NODE_DOWN))

void sim_properties_init(struct sim_world *world)
{
    uint32_t count = world->scenario->property_count;
    if (count == 0) {
        return;
    }
    world->properties = mm1_take_zero(world->alloc, count * sizeof(world->properties[0]));
    MM1_CHECK(world->properties != NULL);
    for (uint32_t i = 0; i < count; i++) {
        const struct mm1_property *property = world->scenario->properties[i];
        world->properties[i].property = property;
        world->properties[i].events = ALWAYS_SEEN | property->events;
        world->seen_events |= world->properties[i].events;
        if (property->state_size != 0) {
            world->properties[i].state = mm1_take_zero(world->alloc, property->state_size);
            MM1_CHECK(world->properties[i].state != NULL);
        }
    }
}

static void tell(struct sim_world *world, const struct sim_property_state *state, uint64_t seq,
                 uint64_t evaluated, const char *text)
{
    if (world->spec->sink != NULL) {
        world->spec->sink->ops->property(world->spec->sink, state->property->name, state->verdict,
                                         evaluated, seq, text);
    }
}

static void judge(struct sim_world *world, struct sim_property_state *state, uint64_t seq,
                  struct mm1_finding *finding)
{
    const char *name = state->property->name;
    finding->text[MM1_FINDING_TEXT_MAX - 1] = '\0';
    if (world->result->verdict == SIM_PASSED) {
        char signature[sizeof(world->result->signature)] = "property ";
        strncat(signature, name, sizeof(signature) - strlen(signature) - 1);
        sim_world_fail(world, SIM_PROPERTY, signature, name, "%s", finding->text);
        world->result->failed_seq = seq;
    }
}

void sim_properties_see(struct sim_world *world, const struct sim_node_state *node, uint64_t seq,
                        const struct mm1_event *event)
{
    struct mm1_sight sight = {
        .seq = seq,
        .time_ns = world->now - world->start,
        .clock_ns = world->now,
        .node = node == NULL ? "" : node->spec->name,
        .event = event,
    };
    for (uint32_t i = 0; i < world->scenario->property_count; i++) {
        struct sim_property_state *state = &world->properties[i];
        if (state->verdict == MM1_VIOLATED || state->property->see == NULL ||
            (state->events & MM1_EVENT_BIT(event->kind)) == 0) {
            continue;
        }
        struct mm1_finding finding = {.text = ""};
        state->seen++;
        enum mm1_verdict verdict =
            state->property->see(state->state, world->alloc, &sight, &finding);
        if (verdict != MM1_PASS) {
            state->verdict = verdict;
            if (verdict == MM1_VIOLATED) {
                judge(world, state, seq, &finding);
            }
            tell(world, state, seq, state->seen, finding.text);
        }
    }
}

/* The first property that could not judge: it counts where none is violated. */
struct inconclusive {
    const struct mm1_property *property;
    struct mm1_finding finding;
};

static void judge_at_end(struct sim_world *world, struct sim_property_state *state,
                         struct inconclusive *first)
{
    struct mm1_finding finding = {.text = ""};
    uint64_t evaluated = 0;
    if (state->property->end != NULL && state->verdict != MM1_VIOLATED) {
        enum mm1_verdict verdict =
            state->property->end(state->state, world->alloc, &evaluated, &finding);
        if (verdict != MM1_PASS) {
            state->verdict = verdict;
        }
    } else {
        evaluated = state->seen;
    }
    if (state->verdict == MM1_VIOLATED) {
        judge(world, state, 0, &finding);
    }
    if (state->verdict == MM1_INCONCLUSIVE && first->property == NULL) {
        first->property = state->property;
        first->finding = finding;
    }
    world->result->checks += evaluated;
    if (evaluated == 0) {
        char *out = world->result->vacuous;
        size_t used = strlen(out);
        size_t room = sizeof(world->result->vacuous) - used - 1;
        strncat(out, used == 0 ? "" : "; ", room);
        room = sizeof(world->result->vacuous) - strlen(out) - 1;
        strncat(out, "property never evaluated: ", room);
        room = sizeof(world->result->vacuous) - strlen(out) - 1;
        strncat(out, state->property->name, room);
    }
    tell(world, state, 0, evaluated, finding.text);
}

void sim_properties_end(struct sim_world *world)
{
    bool judged = world->result->verdict == SIM_PASSED;
    struct inconclusive first = {.property = NULL};
    for (uint32_t i = 0; i < world->scenario->property_count; i++) {
        if (judged) {
            judge_at_end(world, &world->properties[i], &first);
        }
    }
    if (first.property != NULL) {
        first.finding.text[MM1_FINDING_TEXT_MAX - 1] = '\0';
        sim_world_fail(world, SIM_INCONCLUSIVE, "inconclusive", first.property->name, "%s",
                       first.finding.text[0] == '\0' ? "a bound was reached first"
                                                     : first.finding.text);
    }
}

void sim_properties_close(struct sim_world *world)
{
    for (uint32_t i = 0; world->properties != NULL && i < world->scenario->property_count; i++) {
        struct sim_property_state *state = &world->properties[i];
        if (state->property->close != NULL) {
            state->property->close(state->state, world->alloc);
        }
    }
}

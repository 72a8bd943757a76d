/* A ring of actors that pass a token on: the smallest system, and the one whose speed is measured. */
#include <mm1/actor.h>
#include <mm1/system.h>

#define RING_ARGS_FIELDS(F) F(u64, actors) F(u64, hops)
MM1_MSG_DECLARE(ring_args, RING_ARGS_FIELDS)
MM1_MSG_DEFINE(ring_args, "ring::Args", RING_ARGS_FIELDS)

/* Tells an actor who comes after it. */
#define RING_NEXT_FIELDS(F) F(addr, next)
MM1_MSG_DECLARE(ring_next, RING_NEXT_FIELDS)
MM1_MSG_DEFINE(ring_next, "ring::Next", RING_NEXT_FIELDS)

#define RING_TOKEN_FIELDS(F) F(u64, hops_left) F(addr, home)
MM1_MSG_DECLARE(ring_token, RING_TOKEN_FIELDS)
MM1_MSG_DEFINE(ring_token, "ring::Token", RING_TOKEN_FIELDS)

/* The token has made all its hops. */
#define RING_HOME_FIELDS(F) F(u64, hops)
MM1_MSG_DECLARE(ring_home, RING_HOME_FIELDS)
MM1_MSG_DEFINE(ring_home, "ring::Home", RING_HOME_FIELDS)

/* --- a member of the ring ------------------------------------------------------------------------------------- */

struct member {
    mm1_addr next;
};

static mm1_status member_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    struct member *member = state;
    MM1_ON(envelope, ring_next, m) {
        member->next = m->next;
        return MM1_OK;
    }
    MM1_ON(envelope, ring_token, m) {
        if (m->hops_left == 0) {
            return mm1_tell(ctx, m->home, ring_home, .hops = 0);
        }
        return mm1_tell(ctx, member->next, ring_token, .hops_left = m->hops_left - 1,
                        .home = m->home);
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour member_behaviour = {
    .name = "member",
    .state_size = sizeof(struct member),
    .receive = member_receive,
};

/* --- who builds the ring -------------------------------------------------------------------------------------- */

struct starter {
    uint64_t hops;
};

static mm1_status starter_init(struct mm1_ctx *ctx, void *state, const void *arg)
{
    const struct ring_args *args = arg;
    struct starter *starter = state;
    mm1_addr first = MM1_ADDR(0);
    mm1_addr last = MM1_ADDR(0);
    starter->hops = args->hops;
    if (args->actors == 0) {
        return MM1_INVALID;
    }
    for (uint64_t i = 0; i < args->actors; i++) {
        mm1_addr member;
        MM1_TRY(mm1_spawn(ctx, &(struct mm1_spawn){.behaviour = &member_behaviour, .link = true},
                          &member));
        if (i == 0) {
            first = member;
        } else {
            MM1_TRY(mm1_tell(ctx, last, ring_next, .next = member));
        }
        last = member;
    }
    MM1_TRY(mm1_tell(ctx, last, ring_next, .next = first));
    return mm1_tell(ctx, first, ring_token, .hops_left = args->hops, .home = mm1_self(ctx));
}

static mm1_status starter_receive(struct mm1_ctx *ctx, void *state,
                                  const struct mm1_envelope *envelope)
{
    const struct starter *starter = state;
    MM1_ON(envelope, ring_home, m) {
        mm1_observe(ctx, ring_home, .hops = starter->hops - m->hops);
        mm1_quit(ctx, MM1_SHUTDOWN);
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour starter_behaviour = {
    .name = "starter",
    .state_size = sizeof(struct starter),
    .init = starter_init,
    .receive = starter_receive,
};

/* --- the system ----------------------------------------------------------------------------------------------- */

struct homecoming {
    uint64_t tokens;
};

static enum mm1_verdict homecoming_see(void *state, struct mm1_alloc *alloc,
                                       const struct mm1_sight *sight, struct mm1_finding *finding)
{
    struct homecoming *homecoming = state;
    (void)alloc;
    (void)finding;
    if (sight->event->type == &ring_home_type) {
        homecoming->tokens++;
    }
    return MM1_PASS;
}

static enum mm1_verdict homecoming_end(void *state, struct mm1_alloc *alloc, uint64_t *evaluated,
                                       struct mm1_finding *finding)
{
    const struct homecoming *homecoming = state;
    (void)alloc;
    *evaluated = 1;
    if (homecoming->tokens == 0) {
        *finding = (struct mm1_finding){.text = "the token did not come home"};
        return MM1_VIOLATED;
    }
    return MM1_PASS;
}

static const struct mm1_property properties[] = {
    {
        .name = "token-comes-home",
        .about = "the token makes all its hops and comes back to who sent it",
        .state_size = sizeof(struct homecoming),
        .see = homecoming_see,
        .end = homecoming_end,
    },
};

static const struct mm1_role roles[] = {
    {
        .name = "starter",
        .about = "builds a ring of actors and sends a token round",
        .main = &starter_behaviour,
        .arg_type = &ring_args_type,
    },
};

static const struct mm1_msg_type *const types[] = {&ring_args_type, &ring_next_type,
                                                   &ring_token_type, &ring_home_type};

extern const struct mm1_system mm1_system;
MM1_API const struct mm1_system mm1_system = {
    .abi = MM1_SYSTEM_ABI,
    .name = "ring",
    .source_version = MM1_SYSTEM_SOURCE_VERSION,
    .about = "a ring of actors that pass a token on",
    .types = types,
    .type_count = MM1_COUNT_OF(types),
    .roles = roles,
    .role_count = MM1_COUNT_OF(roles),
    .properties = properties,
    .property_count = MM1_COUNT_OF(properties),
};

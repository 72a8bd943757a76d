/* A start that fails has left nothing: OTP's G4. */
#include "puppet.h"

static struct puppet a, b, c;
static const struct mm1_net served = {.addr = {0xaa10000000000500u}, .mask = 64};

static void serve(struct mm1_ctx *ctx, struct puppet *p)
{
    p->status = mm1_bind(ctx, served, 0);
}

static void start_c(struct mm1_ctx *ctx, struct puppet *p)
{
    mm1_addr addr;
    enrol(&c, "c");
    struct mm1_spawn spec = SPAWN_OF(&c);
    spec.start = mm1_next_ref(ctx);
    p->status = mm1_spawn(ctx, &spec, &addr);
}

/* Tries when it is told that the child's init failed: the last moment at which the subnet might be taken. */
static mm1_status starter_receive(struct mm1_ctx *ctx, void *state,
                                  const struct mm1_envelope *envelope)
{
    struct puppet *p = *(struct puppet **)state;
    MM1_ON(envelope, mm1_start_failed, m) {
        cr_assert_eq(m->why.kind, MM1_REASON_INIT_FAILED);
        serve(ctx, p);
        p->answer = true;
        return MM1_OK;
    }
    return puppet_receive(ctx, state, envelope);
}

static const struct mm1_behaviour starter = {.name = "starter",
                                             .state_size = sizeof(struct puppet *),
                                             .init = puppet_init,
                                             .receive = starter_receive,
                                             .fini = puppet_fini};

CORE_TEST(parity_start, what_a_failed_init_bound_is_free_when_it_is_told)
{
    enrol(&a, "a");
    struct mm1_spawn spec = SPAWN_OF(&a);
    spec.behaviour = &starter;
    cr_assert_eq(mm1_node_spawn(home.node, &spec, &a.addr), MM1_OK);
    mini_settle(&world);
    spawn(&b, "b");
    c.at_init = serve;
    c.init_status = MM1_REFUSED;
    call(&a, start_c);
    cr_assert_eq(c.status, MM1_OK, "the child had bound it");
    cr_assert(a.answer && a.status == MM1_OK);
    make(&b, OP_NOTE, served.addr, 5);
    expect_log(&a, "note 5; ");
    c.at_init = NULL;
    c.init_status = MM1_OK;
}

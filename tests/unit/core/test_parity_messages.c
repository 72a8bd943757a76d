/* Messages, as far as mm1's statements go and no other test: CORE-06 to CORE-08, and timers that are set anew. */
#include "puppet.h"

static struct puppet a, b;

/* --- CORE-08: what a message is decides who takes it ----------------------------------------------------------- */

MM1_MSG_DECLARE_UNIT(unit)
MM1_MSG_DEFINE_UNIT(unit, "test::Unit")
#define PAIR_FIELDS(F) F(u32, x) F(u32, y)
MM1_MSG_DECLARE(pair, PAIR_FIELDS)
MM1_MSG_DEFINE(pair, "test::Pair", PAIR_FIELDS)
/* Of the same fields, as two instances of a generic type are. */
MM1_MSG_DECLARE(twin, PAIR_FIELDS)
MM1_MSG_DEFINE(twin, "test::Twin", PAIR_FIELDS)
MM1_MSG_DECLARE_UNIT(other)
MM1_MSG_DEFINE_UNIT(other, "test::Other")

static char arms[256];

static void took(const char *arm)
{
    size_t size = strlen(arms);
    int more = snprintf(arms + size, sizeof(arms) - size, "%s ", arm);
    cr_assert(more > 0 && size + (size_t)more < sizeof(arms));
}

static mm1_status picker_receive(struct mm1_ctx *ctx, void *state,
                                 const struct mm1_envelope *envelope)
{
    (void)state;
    MM1_ON(envelope, unit, m) {
        took("unit");
        return MM1_OK;
    }
    MM1_ON(envelope, pair, m) {
        if (m->x < 10) {
            took("small");
            return MM1_OK;
        }
        if (m->x > 10 && m->y == 0) {
            took("large");
            return MM1_OK;
        }
    }
    /* A pair that passed no condition goes on to here. */
    MM1_ON(envelope, pair, m) {
        took("pair");
        return MM1_OK;
    }
    MM1_ON(envelope, twin, m) {
        took("twin");
        return MM1_OK;
    }
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour picker = {.name = "picker", .receive = picker_receive};

static mm1_addr spawn_picker(void)
{
    const struct mm1_msg_type *const more[] = {&unit_type, &pair_type, &twin_type, &other_type};
    mini_node_close(&home);
    world.keep_log = true;
    for (size_t i = 0; i < MM1_COUNT_OF(more); i++) {
        cr_assert_eq(mm1_msg_register(&types, more[i]), MM1_OK);
    }
    struct mm1_node_config config = home_config();
    cr_assert_eq(mini_node_open(&world, &home, &config), MM1_OK);
    struct mm1_spawn spec = {.behaviour = &picker};
    mm1_addr addr;
    cr_assert_eq(mm1_node_spawn(home.node, &spec, &addr), MM1_OK);
    arms[0] = '\0';
    return addr;
}

static void give(mm1_addr to, const struct mm1_msg_type *type, const void *msg)
{
    cr_assert_eq(mm1_node_send(home.node, to, type, msg, NULL), MM1_OK);
    mini_settle(&world);
}

static void end_picker(mm1_addr addr)
{
    cr_assert_not_null(mm1_node_path(home.node, addr));
    cr_assert_eq(mm1_node_exit(home.node, addr, MM1_SHUTDOWN), MM1_OK);
    mini_settle(&world);
}

CORE_TEST(parity_messages, the_first_arm_that_fits_takes_it)
{
    mm1_addr to = spawn_picker();
    give(to, &unit_type, &(struct unit){0});
    give(to, &pair_type, &(struct pair){.x = 9});
    give(to, &pair_type, &(struct pair){.x = 11});
    give(to, &pair_type, &(struct pair){.x = 11, .y = 1});
    give(to, &pair_type, &(struct pair){.x = 10});
    give(to, &twin_type, &(struct twin){.x = 9});
    cr_assert_str_eq(arms, "unit small large pair pair twin ", "%s", arms);
    end_picker(to);
}

/* Nobody's message is told in the log and dropped; the actor goes on. */
CORE_TEST(parity_messages, what_no_arm_takes_ends_nothing)
{
    mm1_addr to = spawn_picker();
    give(to, &other_type, &(struct other){0});
    cr_assert(mini_logged(&world, "test::Other"));
    give(to, &unit_type, &(struct unit){0});
    cr_assert_str_eq(arms, "unit ");
    end_picker(to);
}

/* --- CORE-07: the number of a message --------------------------------------------------------------------------- */

static void note_number(struct mm1_ctx *ctx, struct puppet *p)
{
    (void)ctx;
    p->refs[p->ref_count++] = p->last.no;
}

CORE_TEST(parity_messages, their_node_numbers_them)
{
    struct note m = {.no = 1};
    b.at_note = note_number;
    spawn(&a, "a");
    spawn(&b, "b");
    for (unsigned i = 0; i < 3; i++) {
        make(&a, OP_NOTE, b.addr, 1);
    }
    cr_assert(b.refs[0] < b.refs[1] && b.refs[1] < b.refs[2]);
    struct mm1_header header = {.no = 99};
    cr_assert_eq(mm1_node_send(home.node, b.addr, &note_type, &m, &header), MM1_OK);
    mini_settle(&world);
    cr_assert_eq(b.refs[3], 99);
    b.at_note = NULL;
}

/* --- TMR-02: a timer that its handler sets again, sooner each time ---------------------------------------------- */

#define FIRST_NS 5

static void set_again(struct mm1_ctx *ctx, struct puppet *p)
{
    p->refs[p->ref_count] = mm1_now(ctx);
    uint64_t delay_ns = FIRST_NS - p->ref_count++;
    if (delay_ns != 0) {
        cr_assert_eq(mm1_after(ctx, delay_ns, &p->refs[15], note, .no = delay_ns), MM1_OK);
    }
}

CORE_TEST(parity_messages, a_timer_is_set_again_down_to_zero)
{
    a.at_note = set_again;
    spawn(&a, "a");
    tell(&a, OP_NOTE, a.addr, 0);
    mini_advance(&world, 1000);
    expect_log(&a, "note 0; note 5; note 4; note 3; note 2; note 1; ");
    for (unsigned i = 0; i < FIRST_NS; i++) {
        cr_assert_eq(a.refs[i + 1] - a.refs[i], FIRST_NS - i);
    }
    a.at_note = NULL;
}

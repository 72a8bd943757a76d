/* The property of the system "supervisors": takes note of events, and says what is wrong. */
#include <stdarg.h>
#include <stdio.h>

#include <mm1/sched.h>

#include "fuzz/sup_actors.h"
#include "fuzz/sup_spec.h"
#include "fuzz/sup_watch_state.h"

/* --- words ------------------------------------------------------------------------------------------------------- */

/* Main addresses are those of blocks. */
#define BLOCK 256u

struct sup_seen *sup_seen_at(struct sup_watch *watch, uint64_t address)
{
    struct sup_lookup *lookup = &watch->lookups[address / BLOCK % SUP_LOOKUPS];
    if (lookup->address != address || address == 0) {
        const struct sup_process *process = sup_roll_find(&watch->roll, address);
        lookup->address = address;
        lookup->seen = process == NULL ? NULL : process->user;
    }
    return lookup->seen;
}

const char *sup_name_of(struct sup_watch *watch, uint64_t address)
{
    const struct sup_process *process = sup_roll_find(&watch->roll, address);
    if (process == NULL) {
        return address == 0 ? "nobody" : "somebody";
    }
    char *name = watch->names[watch->name_next++ % SUP_NAMES];
    if (process->number != 0) {
        snprintf(name, SUP_NAME_MAX, "%.64s#%u", process->id, process->number);
    } else {
        snprintf(name, SUP_NAME_MAX, "%.64s (not ready)", process->id);
    }
    return name;
}

static const char *name_in_log(void *arg, uint64_t address)
{
    return sup_name_of(arg, address);
}

/* How many entries of a log a finding shows, the last one being the one it is about. */
#define SHOWN 4

static mm1_status put_log(struct sup_watch *watch, const struct sup_life *life, size_t entry)
{
    size_t end = entry < life->log.count ? entry + 1 : life->log.count;
    size_t first = end > SHOWN ? end - SHOWN : 0;
    for (size_t i = first; i < end; i++) {
        MM1_TRY(
            mm1_buf_format(&watch->text, i == first ? " [%s" : "; ", first == 0 ? "" : "..., "));
        MM1_TRY(sup_entry_print(&life->log.entries[i], name_in_log, watch, &watch->text));
    }
    return first < end ? mm1_buf_format(&watch->text, "]") : MM1_OK;
}

void sup_found(struct sup_watch *watch, const struct sup_life *life, size_t entry, const char *rule,
               const char *format, ...)
{
    char said[SUP_FINDING_MAX];
    va_list args;
    if (watch->violated || watch->finding == NULL) {
        return;
    }
    va_start(args, format);
    (void)vsnprintf(said, sizeof(said), format, args);
    va_end(args);
    watch->violated = true;
    mm1_buf_clear(&watch->text);
    const char *who = life == NULL ? "" : sup_name_of(watch, life->self->process->address);
    mm1_status status =
        mm1_buf_format(&watch->text, "%s: %s%s%s", rule, who, life == NULL ? "" : ": ", said);
    if (status == MM1_OK && life != NULL) {
        status = put_log(watch, life, entry);
    }
    (void)status; /* what there is memory for is said */
    snprintf(watch->finding->text, sizeof(watch->finding->text), "%.*s", (int)watch->text.size,
             (const char *)watch->text.data);
}

void sup_judge(struct sup_watch *watch, struct sup_life *life, bool rests)
{
    struct sup_finding finding;
    if (watch->violated) {
        return;
    }
    watch->checks++;
    if (sup_spec_judge(watch->alloc, life->tree, &life->log, rests, &finding) == SUP_REJECTED) {
        sup_found(watch, life, finding.entry, finding.rule, "%s", finding.text);
    }
}

/* --- births and ends --------------------------------------------------------------------------------------------- */

static mm1_status life_new(struct sup_watch *watch, struct sup_seen *seen,
                           const struct mm1_event *event)
{
    struct sup_life *life = mm1_take_zero(watch->alloc, sizeof(*life));
    if (life == NULL) {
        return MM1_NOMEM;
    }
    life->self = seen;
    life->log = SUP_LOG(watch->alloc);
    life->next = watch->lives;
    watch->lives = life;
    seen->life = life;
    if (event->type != &mm1_tree_spec_type) {
        return MM1_OK; /* such a one does not get through the gate */
    }
    life->tree_size = mm1_msg_copy_size(event->type, event->msg);
    life->tree = mm1_take(watch->alloc, life->tree_size);
    if (life->tree == NULL) {
        return MM1_NOMEM;
    }
    mm1_msg_copy(event->type, event->msg, life->tree);
    return MM1_OK;
}

/* Two living processes of one id under one supervisor. */
static void look_for_twins(struct sup_watch *watch, const struct sup_seen *seen)
{
    const struct sup_life *above = seen->above;
    if (above == NULL || above->tree == NULL ||
        mm1_text_equal(above->tree->strategy, MM1_TEXT("uniform"))) {
        return;
    }
    for (const struct sup_seen *other = seen->same_id; other != NULL; other = other->same_id) {
        if (!other->process->ended && other->above == above) {
            sup_found(watch, above, above->log.count, "child twice",
                      "started %s again while %s lives", seen->process->id,
                      sup_name_of(watch, other->process->address));
            return;
        }
    }
}

static mm1_status born(struct sup_watch *watch, struct sup_process *process,
                       const struct mm1_event *event)
{
    struct sup_seen *seen = mm1_take_zero(watch->alloc, sizeof(*seen));
    const struct sup_seen *parent = sup_seen_at(watch, process->parent);
    struct sup_rolled_id *id = sup_roll_id(&watch->roll, process->id);
    if (seen == NULL) {
        return MM1_NOMEM;
    }
    process->user = seen;
    watch->lookups[process->address / BLOCK % SUP_LOOKUPS] = (struct sup_lookup){.address = 0};
    seen->process = process;
    seen->above = parent == NULL ? NULL : parent->life;
    seen->same_id = id->user;
    while (seen->same_id != NULL && seen->same_id->process->ended) {
        seen->same_id = seen->same_id->same_id;
    }
    id->user = seen;
    if (event->type == &sup_worker_arg_type) {
        seen->ignores = ((const struct sup_worker_arg *)event->msg)->term == SUP_TERM_IGNORE;
    }
    if (process->is_supervisor) {
        MM1_TRY(life_new(watch, seen, event));
    }
    if (seen->above != NULL) {
        seen->above->living++;
        look_for_twins(watch, seen);
    }
    return MM1_OK;
}

static mm1_status ended(struct sup_watch *watch, struct sup_process *process,
                        const struct mm1_sight *sight)
{
    struct sup_seen *seen = process->user;
    struct sup_life *life = seen->life;
    seen->ended_seq = sight->seq;
    if (seen->above != NULL) {
        seen->above->living--;
    }
    if (life == NULL) {
        return MM1_OK;
    }
    if (!life->begun) {
        /* It is the gate that ended: there is nothing to judge. */
        life->killed = sight->event->reason->kind == MM1_REASON_KILLED;
        return MM1_OK;
    }
    MM1_TRY(sup_life_end(watch, life, sight));
    sup_judge(watch, life, false);
    return MM1_OK;
}

/* --- events ------------------------------------------------------------------------------------------------------ */

/* The supervisor that has begun and whose event this is; null: of nobody like that. */
static struct sup_life *life_of(struct sup_watch *watch, const struct mm1_event *event)
{
    const struct sup_seen *seen = sup_seen_at(watch, event->self.bits);
    return seen == NULL || seen->life == NULL || !seen->life->begun ? NULL : seen->life;
}

/* The gate takes what lets it begin. */
static void see_gate(struct sup_watch *watch, const struct mm1_sight *sight)
{
    const struct mm1_event *event = sight->event;
    bool opens = event->type == &sup_wake_type;
    if (event->type == &sup_go_type) {
        uint8_t what = ((const struct sup_go *)event->msg)->what;
        opens = what == SUP_GO_RUN || what == SUP_GO_DIE;
    }
    const struct sup_seen *seen = opens ? sup_seen_at(watch, event->self.bits) : NULL;
    if (seen != NULL && seen->life != NULL && seen->life->tree != NULL) {
        seen->life->begun = true;
        seen->life->clock_ns = sight->clock_ns;
        seen->life->seq = sight->seq;
        seen->life->lived = 0;
    }
}

static mm1_status see_spawn(struct sup_watch *watch, const struct mm1_sight *sight)
{
    const struct mm1_event *event = sight->event;
    struct sup_process *process;
    struct sup_life *life = life_of(watch, event);
    MM1_TRY(sup_roll_see(&watch->roll, event, &process));
    if (process != NULL) {
        MM1_TRY(born(watch, process, event));
    } else if (event->type == &sup_caller_arg_type) {
        MM1_TRY(sup_caller_born(watch, event));
    }
    return life == NULL ? MM1_OK : sup_life_see(watch, life, sight);
}

static mm1_status see_verb(struct sup_watch *watch, const struct mm1_sight *sight)
{
    const struct mm1_event *event = sight->event;
    struct sup_process *process;
    struct sup_life *life = life_of(watch, event);
    if (event->verb == MM1_EFFECT_WATCH || event->verb == MM1_EFFECT_UNWATCH) {
        MM1_TRY(sup_bond_verb(watch, event));
    } else if (event->verb == MM1_EFFECT_INIT_DONE || event->verb == MM1_EFFECT_INIT_IGNORE) {
        MM1_TRY(sup_roll_see(&watch->roll, event, &process));
    }
    return life == NULL ? MM1_OK : sup_life_see(watch, life, sight);
}

static mm1_status see_receive(struct sup_watch *watch, const struct mm1_sight *sight)
{
    struct sup_life *life = life_of(watch, sight->event);
    struct sup_process *process;
    if (life != NULL) {
        return sup_life_see(watch, life, sight);
    }
    see_gate(watch, sight);
    return sight->event->type == &sup_go_type ? sup_roll_see(&watch->roll, sight->event, &process)
                                              : MM1_OK;
}

static mm1_status see_exit(struct sup_watch *watch, const struct mm1_sight *sight)
{
    struct sup_process *process;
    sup_bond_exit(watch, sight->event->self.bits);
    MM1_TRY(sup_roll_see(&watch->roll, sight->event, &process));
    return process == NULL ? MM1_OK : ended(watch, process, sight);
}

static mm1_status see_event(struct sup_watch *watch, const struct mm1_sight *sight)
{
    const struct mm1_event *event = sight->event;
    struct sup_life *life;
    switch (event->kind) {
    case MM1_EVENT_SPAWN:
        return see_spawn(watch, sight);
    case MM1_EVENT_VERB:
        return see_verb(watch, sight);
    case MM1_EVENT_RECEIVE:
        return see_receive(watch, sight);
    case MM1_EVENT_SEND:
        life = life_of(watch, event);
        return life == NULL ? MM1_OK : sup_life_see(watch, life, sight);
    case MM1_EVENT_POST:
        if (event->type == &mm1_down_type) {
            sup_bond_down(watch, event);
        }
        return MM1_OK;
    case MM1_EVENT_SIGNAL:
        if (event->verb == MM1_EFFECT_EXIT) {
            sup_link_signal(watch, event);
        }
        return MM1_OK;
    case MM1_EVENT_OBSERVE:
        if (event->type == &sup_called_type) {
            sup_caller_told(watch, event);
        }
        return MM1_OK;
    case MM1_EVENT_EXIT:
        return see_exit(watch, sight);
    case MM1_EVENT_NODE_DOWN:
        watch->over = true; /* who lived there ended without a word */
        return MM1_OK;
    default:
        return MM1_OK;
    }
}

/* --- the property ------------------------------------------------------------------------------------------------ */

static void begin(struct sup_watch *watch, struct mm1_alloc *alloc)
{
    watch->alloc = alloc;
    watch->ids = MM1_BUF(alloc);
    watch->told = MM1_BUF(alloc);
    watch->text = MM1_BUF(alloc);
    sup_roll_init(&watch->roll, alloc);
    sup_bonds_init(watch);
}

static enum mm1_verdict verdict_of(const struct sup_watch *watch, mm1_status status,
                                   struct mm1_finding *finding)
{
    if (watch->violated) {
        return MM1_VIOLATED;
    }
    if (status != MM1_OK) {
        snprintf(finding->text, sizeof(finding->text), "supervision could not be judged: %s",
                 mm1_status_text(status));
        return MM1_INCONCLUSIVE;
    }
    return MM1_PASS;
}

static enum mm1_verdict watch_see(void *state, struct mm1_alloc *alloc,
                                  const struct mm1_sight *sight, struct mm1_finding *finding)
{
    struct sup_watch *watch = state;
    if (watch->over) {
        return MM1_PASS;
    }
    if (watch->alloc == NULL) {
        begin(watch, alloc);
    }
    watch->finding = finding;
    mm1_status status = see_event(watch, sight);
    watch->finding = NULL;
    watch->over = watch->over || watch->violated || status != MM1_OK;
    return verdict_of(watch, status, finding);
}

static enum mm1_verdict watch_end(void *state, struct mm1_alloc *alloc, uint64_t *evaluated,
                                  struct mm1_finding *finding)
{
    struct sup_watch *watch = state;
    (void)alloc;
    if (watch->over || watch->alloc == NULL) {
        *evaluated = watch->checks;
        return watch->alloc == NULL || watch->violated ? MM1_PASS : MM1_INCONCLUSIVE;
    }
    watch->finding = finding;
    sup_rest(watch);
    watch->finding = NULL;
    watch->over = true;
    *evaluated = watch->checks;
    return verdict_of(watch, MM1_OK, finding);
}

static void close_lives(struct sup_watch *watch)
{
    while (watch->lives != NULL) {
        struct sup_life *life = watch->lives;
        watch->lives = life->next;
        while (life->open != NULL) {
            struct sup_open_call *call = life->open;
            life->open = call->next;
            mm1_give(watch->alloc, call, sizeof(*call));
        }
        sup_log_close(&life->log);
        mm1_give(watch->alloc, life->tree, life->tree_size);
        mm1_give(watch->alloc, life, sizeof(*life));
    }
}

static void watch_close(void *state, struct mm1_alloc *alloc)
{
    struct sup_watch *watch = state;
    (void)alloc;
    if (watch->alloc == NULL) {
        return;
    }
    close_lives(watch);
    while (watch->spare_calls != NULL) {
        struct sup_open_call *call = watch->spare_calls;
        watch->spare_calls = call->next;
        mm1_give(watch->alloc, call, sizeof(*call));
    }
    for (const struct sup_process *process = watch->roll.first; process != NULL;
         process = process->next) {
        mm1_give(watch->alloc, process->user, sizeof(struct sup_seen));
    }
    sup_bonds_close(watch);
    sup_roll_close(&watch->roll);
    mm1_give(watch->alloc, watch->taken, watch->taken_words * sizeof(*watch->taken));
    mm1_buf_close(&watch->ids);
    mm1_buf_close(&watch->told);
    mm1_buf_close(&watch->text);
}

const struct mm1_property sup_watch_property = {
    .name = "supervision",
    .about =
        "each supervisor does what the specification says, and all of them leave a tree in order",
    .state_size = sizeof(struct sup_watch),
    .see = watch_see,
    .end = watch_end,
    .close = watch_close,
    .events = MM1_EVENT_BIT(MM1_EVENT_SPAWN) | MM1_EVENT_BIT(MM1_EVENT_SEND) |
              MM1_EVENT_BIT(MM1_EVENT_RECEIVE) | MM1_EVENT_BIT(MM1_EVENT_SIGNAL) |
              MM1_EVENT_BIT(MM1_EVENT_VERB) | MM1_EVENT_BIT(MM1_EVENT_POST),
};

/* Logs of supervisors, from the runtime's events: what each took and did, in the words of sup_log.h. */
#include <mm1/sched.h>

#include "fuzz/sup_watch_state.h"
#include "kit/sup_messages.h"

/* A timer counts from when its due time was computed. */
static mm1_status add(struct sup_life *life, const struct mm1_sight *sight, struct sup_entry *entry)
{
    entry->time_ns = entry->kind == SUP_DID_ARM ? life->clock_ns : sight->clock_ns;
    entry->seq = sight->seq;
    return sup_log_add(&life->log, entry);
}

/* A terminated copy of an id, which stays until the next event; null: empty. The scratch was made large enough. */
static const char *id_of(struct sup_watch *watch, struct mm1_text text)
{
    if (text.size == 0) {
        return NULL;
    }
    struct mm1_buf *ids = &watch->ids;
    MM1_CHECK(ids->capacity - ids->size > text.size);
    char *copy = (char *)ids->data + ids->size;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    ids->size += text.size + 1;
    return copy;
}

static mm1_status id_copy(struct sup_watch *watch, struct mm1_text text, const char **out)
{
    mm1_buf_clear(&watch->ids);
    MM1_TRY(mm1_buf_reserve(&watch->ids, text.size + 1));
    *out = id_of(watch, text);
    return MM1_OK;
}

static bool is_child(struct sup_watch *watch, const struct sup_life *life, uint64_t address)
{
    const struct sup_seen *seen = sup_seen_at(watch, address);
    return seen != NULL && seen->above == life;
}

/* --- taken ------------------------------------------------------------------------------------------------------- */

/* Whether a message of that number is taken for the first time. MM1_NOMEM. */
static mm1_status note_taken(struct sup_watch *watch, uint64_t number, bool *first)
{
    size_t word = (size_t)(number / 64);
    if (word >= watch->taken_words) {
        size_t words = watch->taken_words == 0 ? 64 : watch->taken_words;
        while (words <= word) {
            words *= 2;
        }
        uint64_t *taken = mm1_take_zero(watch->alloc, words * sizeof(*taken));
        if (taken == NULL) {
            return MM1_NOMEM;
        }
        if (watch->taken != NULL) {
            memcpy(taken, watch->taken, watch->taken_words * sizeof(*taken));
        }
        mm1_give(watch->alloc, watch->taken, watch->taken_words * sizeof(*taken));
        watch->taken = taken;
        watch->taken_words = words;
    }
    uint64_t bit = UINT64_C(1) << (number % 64);
    *first = (watch->taken[word] & bit) == 0;
    watch->taken[word] |= bit;
    return MM1_OK;
}

/* The requests, each with its call. */
static const struct {
    const struct mm1_msg_type *type;
    enum sup_call call;
} requests[] = {
    {&mm1_sup_start_child_request_type, SUP_CALL_START_CHILD},
    {&mm1_sup_terminate_child_request_type, SUP_CALL_TERMINATE},
    {&mm1_sup_delete_child_request_type, SUP_CALL_DELETE},
    {&mm1_sup_restart_child_request_type, SUP_CALL_RESTART},
    {&mm1_sup_get_child_request_type, SUP_CALL_GET},
    {&mm1_sup_start_request_type, SUP_CALL_START},
    {&mm1_sup_stop_request_type, SUP_CALL_STOP},
    {&mm1_sup_which_children_request_type, SUP_CALL_WHICH},
    {&mm1_sup_count_children_request_type, SUP_CALL_COUNT},
    {&mm1_sup_get_childspec_request_type, SUP_CALL_CHILDSPEC},
};

static bool is_request(const struct mm1_msg_type *type, enum sup_call *call)
{
    for (size_t i = 0; i < MM1_COUNT_OF(requests); i++) {
        if (requests[i].type == type) {
            *call = requests[i].call;
            return true;
        }
    }
    return false;
}

/* What the request says: child, id, process. */
static mm1_status read_request(struct sup_watch *watch, const void *msg, struct sup_entry *entry)
{
    switch (entry->call) {
    case SUP_CALL_START_CHILD: {
        const struct mm1_sup_start_child_request *m = msg;
        entry->child = &m->body.child;
        return id_copy(watch, m->body.child.id, &entry->id);
    }
    case SUP_CALL_TERMINATE:
        return id_copy(watch, ((const struct mm1_sup_terminate_child_request *)msg)->body.id,
                       &entry->id);
    case SUP_CALL_DELETE:
        return id_copy(watch, ((const struct mm1_sup_delete_child_request *)msg)->body.id,
                       &entry->id);
    case SUP_CALL_RESTART:
        return id_copy(watch, ((const struct mm1_sup_restart_child_request *)msg)->body.id,
                       &entry->id);
    case SUP_CALL_GET:
        return id_copy(watch, ((const struct mm1_sup_get_child_request *)msg)->body.id, &entry->id);
    case SUP_CALL_CHILDSPEC: {
        const struct mm1_sup_get_childspec_request *m = msg;
        entry->process = m->body.child.some ? m->body.child.value.bits : 0;
        return id_copy(watch, m->body.id, &entry->id);
    }
    case SUP_CALL_STOP:
        entry->process = ((const struct mm1_sup_stop_request *)msg)->body.child.bits;
        return MM1_OK;
    case SUP_CALL_START:
    case SUP_CALL_WHICH:
    case SUP_CALL_COUNT:
        return MM1_OK;
    }
    return MM1_OK;
}

/* A call is about to stop or delete a child: the tree may stay without it, and where it had no process, without those
 * too that its restart would have started. One of its id that is started later may be of another kind. */
static void note_stop(struct sup_watch *watch, struct sup_life *life, const struct sup_entry *entry)
{
    struct sup_seen *seen = NULL;
    bool deletes = entry->call == SUP_CALL_DELETE;
    if ((deletes || entry->call == SUP_CALL_TERMINATE) && entry->id != NULL) {
        struct sup_rolled_id *id = sup_roll_id(&watch->roll, entry->id);
        seen = id == NULL ? NULL : id->user;
    } else if (entry->call == SUP_CALL_STOP) {
        seen = sup_seen_at(watch, entry->process);
    }
    if (seen == NULL || seen->above != life) {
        return;
    }
    bool ended = seen->process->ended;
    seen->stopped = seen->stopped || ended || !deletes;
    life->gave_up = life->gave_up || ended;
}

static mm1_status open_call(struct sup_watch *watch, struct sup_life *life,
                            const struct mm1_event *event, uint64_t process)
{
    const struct mm1_request_header *header = event->msg;
    struct sup_open_call *call = watch->spare_calls;
    if (call != NULL) {
        watch->spare_calls = call->next;
    } else {
        call = mm1_take(watch->alloc, sizeof(*call));
    }
    if (call == NULL) {
        return MM1_NOMEM;
    }
    *call = (struct sup_open_call){.next = life->open,
                                   .asker = header->reply_to.bits,
                                   .id = header->id,
                                   .number = event->signal,
                                   .process = process};
    life->open = call;
    return MM1_OK;
}

static mm1_status took_call(struct sup_watch *watch, struct sup_life *life,
                            const struct mm1_sight *sight, bool first, struct sup_entry *entry)
{
    MM1_TRY(read_request(watch, sight->event->msg, entry));
    note_stop(watch, life, entry);
    if (!first) {
        entry->kind = SUP_TOOK_AGAIN;
        return add(life, sight, entry);
    }
    entry->kind = SUP_TOOK_CALL;
    MM1_TRY(open_call(watch, life, sight->event, entry->process));
    return add(life, sight, entry);
}

/* A message that is no request. */
static mm1_status read_message(struct sup_watch *watch, const struct sup_life *life,
                               const struct mm1_event *event, struct sup_entry *entry)
{
    if (event->type == &mm1_down_type) {
        const struct mm1_down *m = event->msg;
        if (is_child(watch, life, m->peer.bits)) {
            entry->kind = SUP_TOOK_DOWN;
            entry->process = m->peer.bits;
            entry->reason = mm1_reason_of_why(&m->why);
        }
    } else if (event->type == &mm1_started_type) {
        entry->kind = SUP_TOOK_STARTED;
        entry->process = event->peer.bits;
    } else if (event->type == &mm1_start_failed_type) {
        const struct mm1_start_failed *m = event->msg;
        entry->kind = SUP_TOOK_START_FAILED;
        entry->process = m->child.bits;
        entry->reason = mm1_reason_of_why(&m->why);
        entry->ignored = m->ignored;
    } else if (event->type == &mm1_exited_type) {
        const struct mm1_exited *m = event->msg;
        if (m->peer.bits == life->self->process->parent) {
            entry->kind = SUP_TOOK_PARENT;
            entry->reason = mm1_reason_of_why(&m->why);
        }
    } else if (event->type == &mm1_sup_timeout_type) {
        entry->kind = SUP_TOOK_TIMEOUT;
    } else if (event->type == &mm1_sup_retry_type) {
        const struct mm1_sup_retry *m = event->msg;
        entry->kind = SUP_TOOK_RETRY;
        entry->process = m->child.bits;
        return id_copy(watch, m->id, &entry->id);
    }
    return MM1_OK;
}

static mm1_status took(struct sup_watch *watch, struct sup_life *life,
                       const struct mm1_sight *sight)
{
    const struct mm1_event *event = sight->event;
    struct sup_entry entry = {.kind = SUP_TOOK_OTHER, .number = event->signal};
    bool first;
    MM1_TRY(note_taken(watch, event->signal, &first));
    if (is_request(event->type, &entry.call)) {
        return took_call(watch, life, sight, first, &entry);
    }
    if (!first) {
        entry.kind = SUP_TOOK_AGAIN;
    } else {
        MM1_TRY(read_message(watch, life, event, &entry));
    }
    return add(life, sight, &entry);
}

/* --- done -------------------------------------------------------------------------------------------------------- */

/* Whether somebody of the case lived there when the supervisor last had its turn to itself. */
static bool somebody_lived(struct sup_watch *watch, const struct sup_life *life, uint64_t address)
{
    const struct sup_seen *seen = address == 0 ? NULL : sup_seen_at(watch, address);
    return seen != NULL && (!seen->process->ended || seen->ended_seq > life->seq);
}

/* Takes the call out that an answer is for. False: there is none. */
static bool close_call(struct sup_watch *watch, struct sup_life *life,
                       const struct mm1_event *event, struct sup_entry *entry)
{
    const struct mm1_response_header *header = event->msg;
    struct sup_open_call **at = &life->open;
    while (*at != NULL && ((*at)->id != header->id || (*at)->asker != event->peer.bits)) {
        at = &(*at)->next;
    }
    struct sup_open_call *call = *at;
    if (call == NULL) {
        return false;
    }
    entry->number = call->number;
    entry->other_lives = somebody_lived(watch, life, call->process);
    *at = call->next;
    call->next = watch->spare_calls;
    watch->spare_calls = call;
    return true;
}

static mm1_status read_children(struct sup_watch *watch, const struct mm1_sup_children *said,
                                struct sup_entry *entry)
{
    size_t size = 1;
    for (size_t i = 0; i < said->children.count; i++) {
        size += said->children.items[i].id.size + 1;
    }
    mm1_buf_clear(&watch->ids);
    mm1_buf_clear(&watch->told);
    MM1_TRY(mm1_buf_reserve(&watch->ids, size));
    MM1_TRY(
        mm1_buf_reserve(&watch->told, (said->children.count + 1) * sizeof(struct sup_told_child)));
    struct sup_told_child *told = (struct sup_told_child *)(void *)watch->told.data;
    for (size_t i = 0; i < said->children.count; i++) {
        const struct mm1_sup_entry *child = &said->children.items[i];
        told[i] =
            (struct sup_told_child){.id = id_of(watch, child->id),
                                    .process = child->child.some ? child->child.value.bits : 0,
                                    .restarting = child->restarting,
                                    .supervisor = child->supervisor};
    }
    entry->told = told;
    entry->told_count = said->children.count;
    return MM1_OK;
}

static bool is_answer(const struct mm1_msg_type *type)
{
    return type == &mm1_sup_answer_response_type || type == &mm1_sup_children_response_type ||
           type == &mm1_sup_counts_response_type || type == &mm1_sup_childspec_response_type;
}

static mm1_status read_answer(struct sup_watch *watch, const struct sup_life *life,
                              const struct mm1_event *event, struct sup_entry *entry)
{
    if (event->type == &mm1_sup_answer_response_type) {
        const struct mm1_sup_answer *said =
            &((const struct mm1_sup_answer_response *)event->msg)->body;
        entry->code = (enum mm1_sup_code)said->code;
        entry->process = said->child.some ? said->child.value.bits : 0;
        entry->reason = mm1_reason_of_why(&said->why);
    } else if (event->type == &mm1_sup_children_response_type) {
        return read_children(watch, &((const struct mm1_sup_children_response *)event->msg)->body,
                             entry);
    } else if (event->type == &mm1_sup_counts_response_type) {
        const struct mm1_sup_counts *said =
            &((const struct mm1_sup_counts_response *)event->msg)->body;
        entry->counts = (struct sup_told_counts){.specs = said->specs,
                                                 .active = said->active,
                                                 .supervisors = said->supervisors,
                                                 .workers = said->workers};
        entry->living = life->lived;
    } else {
        const struct mm1_sup_childspec *said =
            &((const struct mm1_sup_childspec_response *)event->msg)->body;
        entry->child = said->found ? &said->child : NULL;
    }
    return MM1_OK;
}

static mm1_status did_send(struct sup_watch *watch, struct sup_life *life,
                           const struct mm1_sight *sight)
{
    const struct mm1_event *event = sight->event;
    struct sup_entry entry = {.kind = SUP_DID_OTHER, .process = event->peer.bits};
    if (event->type == &mm1_sup_retry_type) {
        const struct mm1_sup_retry *m = event->msg;
        entry.kind = SUP_DID_RESEND;
        entry.process = m->child.bits;
        MM1_TRY(id_copy(watch, m->id, &entry.id));
        return add(life, sight, &entry);
    }
    if (!is_answer(event->type)) {
        bool announces = event->type == &mm1_set_parent_type;
        entry.kind = announces ? SUP_DID_ANNOUNCE : SUP_DID_OTHER;
        entry.id = announces ? NULL : event->type->name;
        return add(life, sight, &entry);
    }
    entry.kind = SUP_DID_REPLY;
    entry.process = 0;
    if (!close_call(watch, life, event, &entry)) {
        sup_found(watch, life, life->log.count, "call answered twice",
                  "a reply was sent where no call waits for one, or the same was answered before");
        return MM1_OK;
    }
    sup_caller_sent(watch, life, event);
    MM1_TRY(read_answer(watch, life, event, &entry));
    return add(life, sight, &entry);
}

static void note_told(struct sup_watch *watch, const struct sup_life *life, uint64_t address)
{
    struct sup_seen *seen = sup_seen_at(watch, address);
    if (seen != NULL && seen->above == life) {
        seen->told = true;
    }
}

/* What a timer is to wait from its making on; all that lies beyond the end of the clock looks alike. */
static uint64_t wait_of(const struct sup_life *life, uint64_t due_ns)
{
    return due_ns == UINT64_MAX ? UINT64_MAX : due_ns - life->clock_ns;
}

static mm1_status did_arm(struct sup_watch *watch, const struct sup_life *life,
                          const struct mm1_event *event, struct sup_entry *entry)
{
    if (event->type == &mm1_sup_retry_type) {
        const struct mm1_sup_retry *m = event->msg;
        entry->kind = SUP_DID_RESEND;
        entry->process = m->child.bits;
        return id_copy(watch, m->id, &entry->id);
    }
    entry->kind = SUP_DID_ARM;
    entry->process = 0;
    entry->ns = wait_of(life, event->number);
    return MM1_OK;
}

static mm1_status did_verb(struct sup_watch *watch, struct sup_life *life,
                           const struct mm1_sight *sight)
{
    const struct mm1_event *event = sight->event;
    struct sup_entry entry = {.kind = SUP_DID_OTHER, .process = event->peer.bits};
    switch ((enum mm1_effect_kind)event->verb) {
    case MM1_EFFECT_SPAWN: /* refused: else there is an event of its own */
        entry.kind = SUP_DID_SPAWN;
        entry.process = 0;
        MM1_TRY(id_copy(watch,
                        (struct mm1_text){.data = (const char *)event->encoded.data,
                                          .size = event->encoded.size},
                        &entry.id));
        break;
    case MM1_EFFECT_EXIT:
        entry.kind = SUP_DID_EXIT;
        entry.reason = *event->reason;
        note_told(watch, life, entry.process);
        break;
    case MM1_EFFECT_KILL:
        entry.kind = SUP_DID_KILL;
        note_told(watch, life, entry.process);
        break;
    case MM1_EFFECT_TIMER_ARM:
        MM1_TRY(did_arm(watch, life, event, &entry));
        break;
    case MM1_EFFECT_TIMER_CANCEL:
        entry.kind = SUP_DID_DISARM;
        break;
    case MM1_EFFECT_INIT_DONE:
        entry.kind = SUP_DID_READY;
        entry.process = 0;
        break;
    case MM1_EFFECT_QUIT:
        life->quit = true;
        return MM1_OK; /* its end says the reason */
    case MM1_EFFECT_TRAP_EXIT:
    case MM1_EFFECT_RANDOM:
        return MM1_OK; /* nobody but itself is concerned */
    case MM1_EFFECT_UNWATCH:
        life->unwatched = true;
        return MM1_OK;
    default:
        entry.id = mm1_effect_text((enum mm1_effect_kind)event->verb);
        break;
    }
    return add(life, sight, &entry);
}

static mm1_status did_spawn(struct sup_watch *watch, struct sup_life *life,
                            const struct mm1_sight *sight)
{
    const struct sup_seen *seen = sup_seen_at(watch, sight->event->peer.bits);
    struct sup_entry entry = {.kind = SUP_DID_SPAWN, .process = sight->event->peer.bits};
    if (seen == NULL || seen->above != life) {
        entry.kind = SUP_DID_OTHER;
        entry.id = "spawn of a stranger";
    } else {
        entry.id = seen->process->id;
    }
    return add(life, sight, &entry);
}

/* --- a life ------------------------------------------------------------------------------------------------------ */

mm1_status sup_life_see(struct sup_watch *watch, struct sup_life *life,
                        const struct mm1_sight *sight)
{
    mm1_status status = MM1_OK;
    switch (sight->event->kind) {
    case MM1_EVENT_RECEIVE:
        status = took(watch, life, sight);
        break;
    case MM1_EVENT_SEND:
        status = did_send(watch, life, sight);
        break;
    case MM1_EVENT_VERB:
        status = did_verb(watch, life, sight);
        break;
    case MM1_EVENT_SPAWN:
        status = did_spawn(watch, life, sight);
        break;
    default:
        break;
    }
    life->clock_ns = sight->clock_ns;
    life->seq = sight->seq;
    life->lived = life->living;
    return status;
}

mm1_status sup_life_end(struct sup_watch *watch, struct sup_life *life,
                        const struct mm1_sight *sight)
{
    const struct mm1_reason *reason = sight->event->reason;
    struct sup_entry entry = {.kind = SUP_DID_END, .reason = *reason};
    if (!life->quit && reason->kind == MM1_REASON_KILLED) {
        entry.kind = SUP_WAS_KILLED;
        life->killed = true;
    }
    while (life->open != NULL) {
        struct sup_open_call *call = life->open;
        life->open = call->next;
        call->next = watch->spare_calls;
        watch->spare_calls = call;
    }
    return add(life, sight, &entry);
}

/* One supervisor's step in a world of its own: what its actor does for it, and nothing else. */
#include <string.h>

#include "sup_tries_world.h"

static const char *const ids[TRY_SLOTS] = {"a", "b", "c", "d"};

static void broken(struct try_world *w, const char *why)
{
    if (w->broken == NULL) {
        w->broken = why;
    }
}

uint64_t try_process_of(const struct try_slot *slot)
{
    return slot->fresh != 0 ? slot->fresh : slot->process;
}

static struct try_slot *slot_of(struct try_world *w, const struct mm1__sup_child *child)
{
    for (unsigned i = 0; i < TRY_SLOTS; i++) {
        if (&w->slots[i].child == child) {
            return &w->slots[i];
        }
    }
    broken(w, "an action names a child that there is not");
    return &w->slots[0];
}

static struct mm1_reason reason_of(enum mm1_reason_kind kind)
{
    return kind == MM1_REASON_ERROR ? mm1_reason_error(1, "crash") : mm1_reason_of(kind);
}

static void note(struct try_world *w, struct try_tree *tree, struct sup_entry entry)
{
    entry.time_ns = w->now;
    if (sup_log_add(&tree->log, &entry) != MM1_OK) {
        broken(w, "no memory");
    }
    w->log_count = tree->log.count;
}

/* --- messages --------------------------------------------------------------------------------------------------- */

static void push(struct try_world *w, struct try_queue *queue, const struct try_message *message)
{
    if (queue->count == TRY_MESSAGES) {
        broken(w, "the world is too small: too many messages");
        return;
    }
    queue->at[queue->count++] = *message;
}

static struct try_message pop(struct try_queue *queue)
{
    struct try_message first = queue->at[0];
    queue->count--;
    memmove(queue->at, queue->at + 1, queue->count * sizeof(queue->at[0]));
    memset(&queue->at[queue->count], 0, sizeof(queue->at[0]));
    return first;
}

void try_world_send(struct try_world *w, const struct try_message *message)
{
    struct try_message numbered = *message;
    numbered.number = ++w->numbers;
    push(w, &w->inbox, &numbered);
}

void try_world_die(struct try_world *w, struct try_slot *slot, enum mm1_reason_kind reason)
{
    slot->lives = false;
    if (slot->fresh != 0 && !slot->said) {
        try_world_send(w, &(struct try_message){.kind = SUP_TOOK_START_FAILED,
                                                .process = slot->fresh,
                                                .reason = reason});
    }
    try_world_send(w, &(struct try_message){.kind = SUP_TOOK_DOWN,
                                            .process = try_process_of(slot),
                                            .reason = reason});
}

static void disarm(struct try_world *w)
{
    for (unsigned i = 0; i < w->inbox.count; i++) {
        if (w->inbox.at[i].kind == SUP_TOOK_TIMEOUT) {
            w->inbox.count--;
            memmove(&w->inbox.at[i], &w->inbox.at[i + 1],
                    (w->inbox.count - i) * sizeof(w->inbox.at[0]));
            memset(&w->inbox.at[w->inbox.count], 0, sizeof(w->inbox.at[0]));
            break;
        }
    }
    w->armed = false;
    w->fired = false;
}

/* --- actions ---------------------------------------------------------------------------------------------------- */

static void follow(struct try_world *w, enum mm1__sup_event_kind kind, struct mm1__sup_child *child,
                   enum mm1_reason_kind reason)
{
    if (w->follows) {
        broken(w, "two things follow at once");
    }
    w->follows = true;
    w->next = (struct mm1__sup_event){.kind = kind, .child = child, .reason = reason_of(reason)};
}

static void do_start(struct try_world *w, struct try_tree *tree, struct mm1__sup_child *child)
{
    struct try_slot *slot = slot_of(w, child);
    unsigned place = (unsigned)(slot - w->slots);
    struct sup_entry entry = {.kind = SUP_DID_SPAWN, .id = tree->uniform ? NULL : ids[place]};
    if (slot->lives) {
        broken(w, "a child has two processes");
    }
    if (slot->refuse) {
        slot->refuse = false;
        note(w, tree, entry);
        follow(w, MM1__SUP_START_FAILED, child, MM1_REASON_ERROR);
        return;
    }
    slot->lives = true;
    slot->said = slot->told = slot->killed = slot->heard = false;
    entry.process = ++w->processes;
    note(w, tree, entry);
    if (child->ack) {
        slot->fresh = entry.process;
    } else {
        slot->process = entry.process;
        follow(w, MM1__SUP_STARTED, child, MM1_REASON_NORMAL);
    }
}

static void do_signal(struct try_world *w, struct try_tree *tree,
                      const struct mm1__sup_action *action)
{
    struct try_slot *slot = slot_of(w, action->child);
    bool kill = action->kind == MM1__SUP_KILL;
    note(w, tree,
         (struct sup_entry){.kind = kill ? SUP_DID_KILL : SUP_DID_EXIT,
                            .process = try_process_of(slot),
                            .reason = kill ? (struct mm1_reason){0} : MM1_SHUTDOWN});
    slot->told = true;
    slot->killed = slot->killed || kill;
    if (slot->heard && slot->fresh != 0) {
        /* It ended before it said anything, which was taken before the timeout was. */
        slot->fresh = 0;
        follow(w, MM1__SUP_GONE, action->child, MM1_REASON_NORMAL);
    }
}

static void do_reply(struct try_world *w, struct try_tree *tree,
                     const struct mm1__sup_action *action)
{
    struct sup_entry entry = {.kind = SUP_DID_REPLY, .number = w->call, .code = action->code};
    if (w->call == 0) {
        broken(w, "a reply without a call");
    }
    bool has = action->child != NULL && action->child->life == MM1__SUP_ALIVE;
    if (has && action->code == MM1_SUP_OK) {
        entry.process = slot_of(w, action->child)->process;
    }
    if (action->code == MM1_SUP_FAILED) {
        entry.reason = action->reason;
    }
    note(w, tree, entry);
    w->call = 0;
}

static void do_forget(struct try_world *w, struct try_slot *slot)
{
    if (slot->lives) {
        broken(w, "it forgets a child that lives");
    }
    if (slot->child.link.next != NULL && slot->child.link.next != &slot->child.link) {
        broken(w, "it forgets a child that is still in the list");
    }
    *slot = (struct try_slot){0};
}

static void do_quit(struct try_world *w, struct try_tree *tree,
                    const struct mm1__sup_action *action)
{
    struct sup_entry entry = {.kind = SUP_DID_END, .reason = action->reason};
    if (action->failed_start) {
        const struct try_slot *slot = slot_of(w, action->child);
        entry.reason = mm1_reason_of(MM1_REASON_SHUTDOWN_TEXT);
        (void)snprintf(entry.reason.text, sizeof(entry.reason.text),
                       "failed_to_start_child:%s:%.16s", ids[slot - w->slots], action->reason.text);
    }
    note(w, tree, entry);
    w->ended = true;
    for (unsigned i = 0; i < TRY_SLOTS; i++) {
        if (w->slots[i].lives) {
            broken(w, "it ends while a child lives");
        }
    }
}

static void carry_out(struct try_world *w, struct try_tree *tree,
                      const struct mm1__sup_action *action)
{
    switch (action->kind) {
    case MM1__SUP_NONE:
        break;
    case MM1__SUP_START:
        do_start(w, tree, action->child);
        break;
    case MM1__SUP_EXIT:
    case MM1__SUP_KILL:
        do_signal(w, tree, action);
        break;
    case MM1__SUP_ARM:
        note(w, tree, (struct sup_entry){.kind = SUP_DID_ARM, .ns = action->ns});
        if (w->armed) {
            broken(w, "it arms a second timer");
        }
        w->armed = true;
        w->due = w->now + action->ns;
        break;
    case MM1__SUP_DISARM:
        note(w, tree, (struct sup_entry){.kind = SUP_DID_DISARM});
        disarm(w);
        break;
    case MM1__SUP_RESEND: {
        const struct try_slot *slot = slot_of(w, action->child);
        const char *id = tree->uniform ? NULL : ids[slot - w->slots];
        uint64_t process = tree->uniform ? slot->process : 0;
        note(w, tree, (struct sup_entry){.kind = SUP_DID_RESEND, .id = id, .process = process});
        try_world_send(w,
                       &(struct try_message){.kind = SUP_TOOK_RETRY, .id = id, .process = process});
        break;
    }
    case MM1__SUP_FORGET:
        do_forget(w, slot_of(w, action->child));
        break;
    case MM1__SUP_REPLY:
        do_reply(w, tree, action);
        break;
    case MM1__SUP_READY:
        note(w, tree, (struct sup_entry){.kind = SUP_DID_READY});
        break;
    case MM1__SUP_QUIT:
        do_quit(w, tree, action);
        break;
    }
}

static void make_room(struct try_world *w, const struct try_tree *tree)
{
    size_t room = mm1__sup_room(&w->sup);
    if (room > tree->spec.max_restarts || room > TRY_RING) {
        broken(w, "it wants more room than max_restarts");
    } else if (room > w->sup.restarts.capacity) {
        const uint64_t *old = w->sup.restarts.times;
        w->ring = 1 - w->ring;
        if (mm1__sup_grow(&w->sup, w->rings[w->ring], room) != old) {
            broken(w, "it does not give back where it recorded restarts");
        }
    }
}

static void feed(struct try_world *w, struct try_tree *tree, struct mm1__sup_event event)
{
    bool more = true;
    while (more && w->broken == NULL) {
        make_room(w, tree);
        struct mm1__sup_action action = mm1__sup_step(&w->sup, &event, w->now);
        while (action.kind != MM1__SUP_NONE && w->broken == NULL) {
            carry_out(w, tree, &action);
            if (w->ended) {
                return;
            }
            action = mm1__sup_step(&w->sup, NULL, w->now);
        }
        more = w->follows;
        w->follows = false;
        event = w->next;
    }
}

/* --- what it takes ----------------------------------------------------------------------------------------------- */

static struct try_slot *slot_at(struct try_world *w, uint64_t process)
{
    for (unsigned i = 0; i < TRY_SLOTS; i++) {
        if (w->slots[i].kept && process != 0 &&
            (w->slots[i].process == process || w->slots[i].fresh == process)) {
            return &w->slots[i];
        }
    }
    return NULL;
}

static void set_aside(struct try_world *w, const struct try_message *m)
{
    push(w, &w->aside, m);
}

static void took_down(struct try_world *w, struct try_tree *tree, const struct try_message *m)
{
    struct try_slot *slot = slot_at(w, m->process);
    bool busy = mm1__sup_busy(&w->sup);
    if (slot != NULL && try_process_of(slot) == m->process) {
        slot->heard = true;
    }
    if (slot != NULL && slot->fresh == m->process) {
        if (slot->child.signaled) {
            slot->fresh = 0;
            feed(w, tree, (struct mm1__sup_event){.kind = MM1__SUP_GONE, .child = &slot->child});
        }
        return;
    }
    bool current = slot != NULL && slot->child.life == MM1__SUP_ALIVE;
    if (busy && current && slot->child.signaled) {
        feed(w, tree, (struct mm1__sup_event){.kind = MM1__SUP_GONE, .child = &slot->child});
    } else if (busy) {
        if (current) {
            mm1__sup_note_gone(&slot->child);
        }
        set_aside(w, m);
    } else if (current) {
        feed(w, tree,
             (struct mm1__sup_event){
                 .kind = MM1__SUP_ENDED, .child = &slot->child, .reason = reason_of(m->reason)});
    }
}

static void took_start(struct try_world *w, struct try_tree *tree, const struct try_message *m,
                       bool ignored)
{
    struct try_slot *slot = slot_at(w, m->process);
    if (slot == NULL || slot->fresh != m->process || slot->child.signaled) {
        return; /* too late */
    }
    struct mm1__sup_event event = {.kind = MM1__SUP_STARTED, .child = &slot->child};
    if (m->kind == SUP_TOOK_START_FAILED) {
        event.kind = ignored ? MM1__SUP_IGNORED : MM1__SUP_START_FAILED;
        event.reason = reason_of(m->reason);
    } else {
        slot->process = slot->fresh;
    }
    slot->fresh = 0;
    feed(w, tree, event);
}

static void answer(struct try_world *w, struct try_tree *tree, enum mm1_sup_code code,
                   uint64_t process)
{
    note(w, tree,
         (struct sup_entry){
             .kind = SUP_DID_REPLY, .number = w->call, .code = code, .process = process});
    w->call = 0;
}

static void keep(struct try_slot *slot, const struct try_tree *tree, unsigned place)
{
    *slot = (struct try_slot){
        .child = {.restart = tree->kinds[place],
                  .stop = tree->stops[place],
                  .stop_timeout_ns = TRY_STOP_NS,
                  .ack = tree->children[place].ack,
                  .start_timeout_ns = TRY_START_NS,
                  .significant = tree->children[place].significant},
        .kept = true,
        .refuse = slot->refuse,
    };
    mm1_list_init(&slot->child.link);
}

static void call_start(struct try_world *w, struct try_tree *tree)
{
    struct try_slot *slot = &w->slots[TRY_SLOTS - 1];
    if (tree->uniform) {
        slot = w->slots;
        while (slot < w->slots + TRY_SLOTS && slot->kept) {
            slot++;
        }
        if (slot == w->slots + TRY_SLOTS) {
            broken(w, "the world is too small: too many children");
            return;
        }
    } else if (slot->kept) {
        bool has = slot->child.life == MM1__SUP_ALIVE;
        answer(w, tree, has ? MM1_SUP_ALREADY_STARTED : MM1_SUP_ALREADY_PRESENT,
               has ? slot->process : 0);
        return;
    }
    keep(slot, tree, tree->uniform ? 0 : TRY_SLOTS - 1);
    feed(w, tree, (struct mm1__sup_event){.kind = MM1__SUP_CALL_START, .child = &slot->child});
}

static void took_call(struct try_world *w, struct try_tree *tree, const struct try_message *m)
{
    w->call = m->number;
    struct try_slot *slot = &w->slots[m->slot];
    struct mm1__sup_event event = {.child = slot->kept ? &slot->child : NULL};
    switch (m->call) {
    case SUP_CALL_START_CHILD:
    case SUP_CALL_START:
        call_start(w, tree);
        return;
    case SUP_CALL_STOP:
        slot = slot_at(w, m->process);
        if (slot == NULL || slot->process != m->process) {
            answer(w, tree, MM1_SUP_OK, 0); /* nobody is there any more */
            return;
        }
        event = (struct mm1__sup_event){.kind = MM1__SUP_CALL_TERMINATE, .child = &slot->child};
        break;
    case SUP_CALL_TERMINATE:
        event.kind = MM1__SUP_CALL_TERMINATE;
        break;
    case SUP_CALL_RESTART:
        event.kind = MM1__SUP_CALL_RESTART;
        break;
    default:
        event.kind = MM1__SUP_CALL_DELETE;
        break;
    }
    feed(w, tree, event);
}

static void took_retry(struct try_world *w, struct try_tree *tree, const struct try_message *m)
{
    struct try_slot *slot = tree->uniform ? slot_at(w, m->process) : NULL;
    for (unsigned i = 0; !tree->uniform && i < TRY_SLOTS; i++) {
        if (w->slots[i].kept && ids[i] == m->id) {
            slot = &w->slots[i];
        }
    }
    feed(w, tree,
         (struct mm1__sup_event){.kind = MM1__SUP_RETRY,
                                 .child = slot == NULL ? NULL : &slot->child});
}

static void handle(struct try_world *w, struct try_tree *tree, const struct try_message *m)
{
    bool busy = mm1__sup_busy(&w->sup);
    switch (m->kind) {
    case SUP_TOOK_DOWN:
        took_down(w, tree, m);
        return;
    case SUP_TOOK_STARTED:
        took_start(w, tree, m, false);
        return;
    case SUP_TOOK_START_FAILED:
        took_start(w, tree, m, m->reason == MM1_REASON_NORMAL);
        return;
    case SUP_TOOK_TIMEOUT:
        w->armed = false;
        w->fired = false;
        if (busy) {
            feed(w, tree, (struct mm1__sup_event){.kind = MM1__SUP_TIMEOUT});
        }
        return;
    default:
        break;
    }
    if (busy) {
        set_aside(w, m);
    } else if (m->kind == SUP_TOOK_RETRY) {
        took_retry(w, tree, m);
    } else if (m->kind == SUP_TOOK_PARENT) {
        /* With a reason of its own it is the caller who cannot go on: that comes to the same. */
        enum mm1__sup_event_kind kind =
            m->reason == MM1_REASON_ERROR ? MM1__SUP_FAIL : MM1__SUP_PARENT;
        feed(w, tree, (struct mm1__sup_event){.kind = kind, .reason = reason_of(m->reason)});
    } else if (m->kind == SUP_TOOK_CALL) {
        took_call(w, tree, m);
    }
}

bool try_world_can_take(const struct try_world *w)
{
    return w->inbox.count > 0 || (w->aside.count > 0 && !mm1__sup_busy(&w->sup));
}

bool try_world_take(struct try_world *w, struct try_tree *tree)
{
    if (w->aside.count > 0 && !mm1__sup_busy(&w->sup)) {
        struct try_message m = pop(&w->aside);
        note(w, tree, (struct sup_entry){.kind = SUP_TOOK_AGAIN, .number = m.number});
        handle(w, tree, &m);
        return true;
    }
    if (w->inbox.count == 0) {
        return false;
    }
    struct try_message m = pop(&w->inbox);
    note(w, tree,
         (struct sup_entry){.kind = m.kind,
                            .call = m.call,
                            .id = m.id,
                            .process = m.process,
                            .number = m.number,
                            .reason = reason_of(m.reason),
                            .ignored =
                                m.kind == SUP_TOOK_START_FAILED && m.reason == MM1_REASON_NORMAL,
                            .child = m.kind == SUP_TOOK_CALL && m.call == SUP_CALL_START_CHILD
                                         ? &tree->children[TRY_SLOTS - 1]
                                         : NULL});
    handle(w, tree, &m);
    return true;
}

bool try_world_rests(const struct try_world *w)
{
    if (w->ended || w->armed || try_world_can_take(w)) {
        return false;
    }
    for (unsigned i = 0; i < TRY_SLOTS; i++) {
        const struct try_slot *slot = &w->slots[i];
        if (slot->lives && (slot->told || slot->fresh != 0)) {
            return false;
        }
    }
    return true;
}

void try_world_begin(struct try_world *w, struct try_tree *tree)
{
    memset(w, 0, sizeof(*w));
    w->now = 1000000;
    w->sup.strategy = tree->strategy;
    w->sup.auto_shutdown = tree->auto_shutdown;
    w->sup.max_restarts = tree->spec.max_restarts;
    w->sup.within_ns = tree->spec.within.some ? TRY_WINDOW : UINT64_MAX;
    mm1_list_init(&w->sup.children);
    for (unsigned i = 0; !tree->uniform && i < tree->count; i++) {
        keep(&w->slots[i], tree, i);
        mm1_list_push_back(&w->sup.children, &w->slots[i].child.link);
    }
    feed(w, tree, (struct mm1__sup_event){.kind = MM1__SUP_BEGIN});
}

/* --- digests ------------------------------------------------------------------------------------------------------ */

static void mix(uint64_t *digest, uint64_t word)
{
    __extension__ unsigned __int128 product = *digest ^ word;
    product *= UINT64_C(0x9e3779b97f4a7c15);
    *digest = (uint64_t)product ^ (uint64_t)(product >> 64) ^ UINT64_C(0xd6e8feb86659fd93);
}

static uint64_t place_of(const struct try_world *w, const struct mm1__sup_child *child)
{
    for (unsigned i = 0; i < TRY_SLOTS; i++) {
        if (&w->slots[i].child == child) {
            return i;
        }
    }
    return child == NULL ? 10 : 11;
}

static void mix_queue(uint64_t *d, const struct try_world *w, const struct try_queue *queue)
{
    for (unsigned i = 0; i < queue->count; i++) {
        const struct try_message *m = &queue->at[i];
        mix(d, m->kind);
        mix(d, m->call * 16u + m->reason);
        mix(d, m->slot);
        mix(d, m->id == NULL ? 0 : (unsigned char)m->id[0]);
        for (unsigned k = 0; k < TRY_SLOTS; k++) {
            const struct try_slot *slot = &w->slots[k];
            mix(d, m->process != 0 && slot->process == m->process);
            mix(d, m->process != 0 && slot->fresh == m->process);
        }
    }
    mix(d, 77);
}

static void mix_step(uint64_t *d, const struct try_world *w)
{
    const struct mm1__sup *sup = &w->sup;
    for (const struct mm1_list *node = sup->children.next; node != &sup->children;
         node = node->next) {
        mix(d, place_of(w, MM1_CONTAINER_OF(node, struct mm1__sup_child, link)));
    }
    mix(d, sup->phase);
    mix(d, sup->purpose);
    mix(d, place_of(w, sup->at));
    mix(d, place_of(w, sup->from));
    mix(d, place_of(w, sup->subject));
    mix(d, place_of(w, sup->failed));
    mix(d, sup->owed);
    mix(d, sup->waiting);
    mix(d, sup->code * 2u + sup->armed);
    mix(d, sup->reason.kind);
    for (size_t i = 0; i < sup->restarts.count; i++) {
        uint64_t then = sup->restarts.times[(sup->restarts.first + i) % sup->restarts.capacity];
        uint64_t age = w->now - then;
        mix(d, age > TRY_WINDOW ? TRY_WINDOW + 1 : age);
    }
    mix(d, sup->restarts.count);
}

uint64_t try_world_digest(const struct try_world *w, uint64_t seed)
{
    uint64_t d = seed;
    mix_step(&d, w);
    for (unsigned i = 0; i < TRY_SLOTS; i++) {
        const struct try_slot *slot = &w->slots[i];
        const struct mm1__sup_child *child = &slot->child;
        mix(&d, child->life * 16u + child->gone * 8u + child->signaled * 4u + slot->kept * 2u +
                    slot->refuse);
        mix(&d, (slot->process != 0) * 2u + (slot->fresh != 0));
        mix(&d, slot->lives * 16u + slot->said * 8u + slot->told * 4u + slot->killed * 2u +
                    slot->heard);
    }
    mix_queue(&d, w, &w->inbox);
    mix_queue(&d, w, &w->aside);
    mix(&d, w->armed ? w->due - w->now : UINT64_MAX);
    mix(&d, w->fired * 4u + w->parent_exited * 2u + (w->call != 0));
    return d;
}

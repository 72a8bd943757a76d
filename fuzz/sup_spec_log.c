/* How the specification reads a log: it expects what is to be done, waits for what is to arrive, and keeps the rest in
 * the order of arrival. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/order.h"
#include "fuzz/sup_spec_inside.h"

/* --- memory --------------------------------------------------------------------------------------------------- */

#define BLOCK_SIZE ((size_t)16384)

struct spec_block {
    struct spec_block *next;
    size_t size;
    size_t used;
};

static size_t align(size_t size)
{
    return (size + 15) / 16 * 16;
}

static void *take_block(struct spec *s, size_t size)
{
    struct spec_block *block = s->blocks;
    if (block == NULL || block->size - block->used < size) {
        size_t head = align(sizeof(*block));
        size_t whole = head + size > BLOCK_SIZE ? head + size : BLOCK_SIZE;
        block = mm1_take(s->alloc, whole);
        if (block == NULL) {
            return NULL;
        }
        *block = (struct spec_block){.next = s->blocks, .size = whole, .used = head};
        s->blocks = block;
    }
    void *memory = (char *)block + block->used;
    block->used += size;
    return memory;
}

void *spec_take(struct spec *s, size_t size)
{
    void *memory;
    size = align(size);
    if (sizeof(s->first) - s->first_used >= size) {
        memory = s->first + s->first_used;
        s->first_used += size;
    } else {
        memory = take_block(s, size);
    }
    if (memory == NULL) {
        (void)spec_reject(s, "no memory",
                          "the specification was refused memory: nothing was judged");
        return NULL;
    }
    return memset(memory, 0, size);
}

void spec_close(struct spec *s)
{
    while (s->blocks != NULL) {
        struct spec_block *block = s->blocks;
        s->blocks = block->next;
        mm1_give(s->alloc, block, block->size);
    }
}

/* --- the verdict ---------------------------------------------------------------------------------------------- */

bool spec_accept(struct spec *s)
{
    s->verdict = SUP_ACCEPTED;
    return false;
}

bool spec_reject(struct spec *s, const char *rule, const char *format, ...)
{
    s->verdict = SUP_REJECTED;
    s->finding->rule = rule;
    s->finding->entry = s->at;
    va_list args;
    va_start(args, format);
    (void)vsnprintf(s->finding->text, sizeof(s->finding->text), format, args);
    va_end(args);
    return false;
}

static const char *name_of(void *arg, uint64_t process)
{
    const struct spec_process *known = spec_find_process(arg, process);
    return known == NULL ? NULL : known->name;
}

#define WORDS_MAX 160
struct words {
    char text[WORDS_MAX];
};

static struct words in_words(struct spec *s, const struct sup_entry *entry)
{
    struct words words = {""};
    struct mm1_buf out = MM1_BUF(s->alloc);
    if (sup_entry_print(entry, name_of, s, &out) == MM1_OK) {
        (void)snprintf(words.text, sizeof(words.text), "%.*s", (int)out.size,
                       (const char *)out.data);
    }
    mm1_buf_close(&out);
    return words;
}

static struct words next_in_words(struct spec *s)
{
    if (s->at < s->log->count) {
        return in_words(s, &s->log->entries[s->at]);
    }
    return (struct words){"nothing more"};
}

static struct words item_in_words(struct spec *s)
{
    return s->item == NULL ? (struct words){"it begins"} : in_words(s, s->item->entry);
}

/* A deed that is another one than expected because of the limit is told apart. */
static const char *limit_or(const struct spec *s, const char *rule)
{
    if (s->limit == SPEC_LIMIT_UNASKED || s->at >= s->log->count) {
        return rule;
    }
    enum sup_entry_kind kind = s->log->entries[s->at].kind;
    bool alone = s->strategy == SPEC_ONE_FOR_ONE || s->strategy == SPEC_UNIFORM;
    bool gave_up = kind == SUP_DID_END || (alone && (kind == SUP_DID_EXIT || kind == SUP_DID_KILL));
    bool went_on = kind == SUP_DID_SPAWN;
    if (s->limit == SPEC_LIMIT_KEPT ? gave_up : went_on) {
        return "restart limit";
    }
    return rule;
}

bool spec_reject_next(struct spec *s, const char *rule, const struct sup_entry *want)
{
    struct words wanted = in_words(s, want);
    if (want->kind == SUP_DID_SPAWN) { /* as whatever process */
        (void)snprintf(wanted.text, sizeof(wanted.text), "spawns \"%s\"",
                       want->id == NULL ? "" : want->id);
    }
    struct words seen = next_in_words(s);
    struct words item = item_in_words(s);
    return spec_reject(s, limit_or(s, rule), "when %s: expected: %s; saw: %s", item.text,
                       wanted.text, seen.text);
}

/* --- processes ------------------------------------------------------------------------------------------------ */

struct spec_process *spec_process_at(const struct mm1_tree_node *node)
{
    return node == NULL ? NULL : MM1_CONTAINER_OF(node, struct spec_process, by_address);
}

static int compare_address(const void *key, const struct mm1_tree_node *node)
{
    return mm1__order_u64(*(const uint64_t *)key, spec_process_at(node)->address);
}

struct spec_process *spec_find_process(const struct spec *s, uint64_t address)
{
    return spec_process_at(mm1_tree_find(&s->processes, &address, compare_address));
}

struct spec_process *spec_add_process(struct spec *s, struct spec_child *child, uint64_t address)
{
    if (spec_find_process(s, address) != NULL) {
        (void)spec_reject(s, "two processes", "process %llu was spawned before",
                          (unsigned long long)address);
        return NULL;
    }
    struct spec_process *process = spec_take(s, sizeof(*process));
    if (process == NULL) {
        return NULL;
    }
    process->address = address;
    process->child = child;
    child->incarnations++;
    if (s->strategy == SPEC_UNIFORM) {
        (void)snprintf(process->name, sizeof(process->name), "%llu", (unsigned long long)address);
    } else {
        (void)snprintf(process->name, sizeof(process->name), "%s#%u", child->id,
                       child->incarnations);
    }
    (void)mm1_tree_insert(&s->processes, &process->by_address);
    return process;
}

/* --- what is done --------------------------------------------------------------------------------------------- */

static bool is_taking(enum sup_entry_kind kind)
{
    return kind <= SUP_TOOK_AGAIN;
}

/* Deeds that are no part of the order: a timer that is not needed is disarmed or left, mm1_set_parent is sent some time
 * before the item is done with. `*was`: it was one, and is read. */
static bool pass_side_deed(struct spec *s, bool *was)
{
    const struct sup_entry *entry = &s->log->entries[s->at];
    *was = true;
    if (entry->kind == SUP_DID_DISARM) {
        if (!s->armed) {
            return spec_reject(s, "timer", "it disarms a timer, but has none");
        }
        s->armed = false;
    } else if (entry->kind == SUP_DID_ANNOUNCE) {
        struct spec_process *process = spec_find_process(s, entry->process);
        if (process == NULL || !process->unannounced) {
            return spec_reject(s, "announce", "%s, who is not to be told", next_in_words(s).text);
        }
        process->unannounced = false;
        s->unannounced--;
    } else {
        *was = false;
        return true;
    }
    s->at++;
    return true;
}

/* The next entry but side deeds; null: the verdict stands, or `*at_end`. */
static const struct sup_entry *next_entry(struct spec *s, bool *at_end)
{
    bool side = true;
    *at_end = false;
    while (side) {
        if (s->at == s->log->count) {
            *at_end = true;
            return NULL;
        }
        if (s->log->entries[s->at].kind == SUP_WAS_KILLED) {
            (void)spec_accept(s);
            return NULL;
        }
        if (!pass_side_deed(s, &side)) {
            return NULL;
        }
    }
    return &s->log->entries[s->at];
}

const struct sup_entry *spec_next_deed(struct spec *s, const char *rule,
                                       const struct sup_entry *want)
{
    bool at_end;
    const struct sup_entry *entry = next_entry(s, &at_end);
    if (at_end && !s->rests) {
        (void)spec_accept(s);
    } else if (at_end || (entry != NULL && is_taking(entry->kind))) {
        /* It stopped in the middle of what a turn has to do. */
        (void)spec_reject_next(s, rule, want);
        return NULL;
    }
    return entry;
}

static bool equal_reasons(const struct mm1_reason *a, const struct mm1_reason *b)
{
    return a->kind == b->kind && a->code == b->code && strcmp(a->text, b->text) == 0;
}

static bool is_wanted(const struct sup_entry *want, const struct sup_entry *seen)
{
    if (want->kind != seen->kind) {
        return false;
    }
    switch (want->kind) {
    case SUP_DID_EXIT:
        return want->process == seen->process && equal_reasons(&want->reason, &seen->reason);
    case SUP_DID_KILL:
        return want->process == seen->process;
    case SUP_DID_ARM:
        return want->ns == seen->ns;
    case SUP_DID_SPAWN:
        return want->id == NULL || (seen->id != NULL && strcmp(want->id, seen->id) == 0);
    case SUP_DID_RESEND:
        return want->id == NULL ? want->process == seen->process
                                : seen->id != NULL && strcmp(want->id, seen->id) == 0;
    case SUP_DID_REPLY:
        return want->number == seen->number;
    case SUP_DID_END:
        return equal_reasons(&want->reason, &seen->reason);
    default:
        return true;
    }
}

bool spec_expect(struct spec *s, const char *rule, const struct sup_entry *want)
{
    const struct sup_entry *entry = spec_next_deed(s, rule, want);
    if (entry == NULL) {
        return false;
    }
    if (!is_wanted(want, entry)) {
        return spec_reject_next(s, rule, want);
    }
    s->at++;
    return true;
}

bool spec_may(struct spec *s, enum sup_entry_kind kind, uint64_t process)
{
    if (s->at < s->log->count && s->log->entries[s->at].kind == kind &&
        s->log->entries[s->at].process == process) {
        s->at++;
        return true;
    }
    return false;
}

bool spec_goes_on(const struct spec *s)
{
    return s->at < s->log->count && !is_taking(s->log->entries[s->at].kind);
}

void spec_may_arm(struct spec *s)
{
    if (spec_may(s, SUP_DID_ARM, 0)) {
        s->armed = true;
        s->due_ns = UINT64_MAX;
    }
}

bool spec_expect_arm(struct spec *s, const char *rule, uint64_t ns)
{
    const struct sup_entry want = {.kind = SUP_DID_ARM, .ns = ns};
    if (ns == UINT64_MAX) {
        spec_may_arm(s);
        return true;
    }
    if (!spec_expect(s, rule, &want)) {
        return false;
    }
    uint64_t now = s->log->entries[s->at - 1].time_ns;
    s->armed = true;
    s->timed = true;
    s->due_ns = now > UINT64_MAX - ns ? UINT64_MAX : now + ns;
    return true;
}

/* --- what arrives --------------------------------------------------------------------------------------------- */

/* A retry comes from the supervisor itself, once for each that it sent. */
static bool note_retry(struct spec *s, const struct sup_entry *entry)
{
    MM1_LIST_FOREACH(node, &s->retries) {
        const struct spec_retry *retry = MM1_CONTAINER_OF(node, struct spec_retry, link);
        if (retry->process == entry->process &&
            (retry->id == entry->id ||
             (retry->id != NULL && entry->id != NULL && strcmp(retry->id, entry->id) == 0))) {
            mm1_list_remove(node);
            return true;
        }
    }
    return spec_reject(s, "retry", "%s, which it did not send", next_in_words(s).text);
}

/* What is known from its arrival on, whenever it is handled. */
static bool note(struct spec *s, const struct sup_entry *entry)
{
    if (entry->kind == SUP_TOOK_DOWN) {
        struct spec_process *process = spec_find_process(s, entry->process);
        if (process != NULL) {
            process->down = true;
        }
    }
    return entry->kind != SUP_TOOK_RETRY || note_retry(s, entry);
}

const struct sup_entry *spec_arrival(struct spec *s, const char *for_what, bool *timeout)
{
    bool at_end;
    const struct sup_entry *entry = next_entry(s, &at_end);
    s->awaited_for = for_what;
    if (at_end) {
        (void)spec_accept(s);
        return NULL;
    }
    if (entry == NULL) {
        return NULL;
    }
    if (!is_taking(entry->kind)) {
        struct words item = item_in_words(s);
        (void)spec_reject(s, "wait", "when %s: expected that it waits for %s; saw: %s", item.text,
                          for_what, next_in_words(s).text);
        return NULL;
    }
    if (!note(s, entry)) {
        return NULL;
    }
    s->at++;
    *timeout =
        entry->kind == SUP_TOOK_TIMEOUT && s->armed && s->timed && entry->time_ns >= s->due_ns;
    if (*timeout) {
        s->armed = false;
    }
    return entry;
}

bool spec_set_aside(struct spec *s, const struct sup_entry *entry)
{
    if (entry->kind == SUP_TOOK_AGAIN) {
        return true; /* and set aside again: its place is what it was */
    }
    struct spec_item *item = spec_take(s, sizeof(*item));
    if (item == NULL) {
        return false;
    }
    item->entry = entry;
    item->set_aside = true;
    mm1_list_push_back(&s->items, &item->link);
    return true;
}

static const char *rule_of_stray(enum sup_entry_kind kind)
{
    switch (kind) {
    case SUP_DID_SPAWN:
        return "start without cause";
    case SUP_DID_EXIT:
    case SUP_DID_KILL:
        return "stop without cause";
    case SUP_DID_ARM:
        return "timer";
    case SUP_DID_RESEND:
        return "retry";
    case SUP_DID_REPLY:
        return "reply without call";
    case SUP_DID_END:
        return "end without cause";
    default:
        return "deed without cause";
    }
}

/* Between two items. */
static bool check_done(struct spec *s)
{
    if (s->unannounced > 0) {
        return spec_reject(s, "announce",
                           "a child that asked for it was not sent mm1_set_parent; saw: %s",
                           next_in_words(s).text);
    }
    return true;
}

static const struct spec_item *first_item(struct spec *s)
{
    struct mm1_list *first = mm1_list_pop_front(&s->items);
    return first == NULL ? NULL : MM1_CONTAINER_OF(first, struct spec_item, link);
}

/* At rest: nothing is left but what is lost. */
static void end_at_rest(struct spec *s)
{
    if (s->rests && !mm1_list_empty(&s->retries)) {
        (void)spec_reject(s, "retry", "a retry that it sent was never taken");
    } else {
        (void)spec_accept(s);
    }
}

/* Reads what arrives at one who has nothing else to do. */
static const struct spec_item *take_item(struct spec *s, const struct sup_entry *entry)
{
    if (!is_taking(entry->kind)) {
        (void)spec_reject(s, rule_of_stray(entry->kind),
                          "expected nothing, for there is nothing to do; saw: %s",
                          next_in_words(s).text);
        return NULL;
    }
    struct spec_item *item = spec_take(s, sizeof(*item));
    if (item == NULL || !note(s, entry)) {
        return NULL;
    }
    s->at++;
    item->entry = entry;
    s->now = entry->time_ns;
    return item;
}

const struct spec_item *spec_next_item(struct spec *s)
{
    s->limit = SPEC_LIMIT_UNASKED;
    s->item = NULL;
    s->awaited = NULL;
    s->restarted = NULL;
    s->awaited_for = NULL;
    bool at_end;
    const struct sup_entry *entry = next_entry(s, &at_end);
    if ((entry == NULL && !at_end) || !check_done(s)) {
        return NULL;
    }
    s->item = first_item(s);
    if (s->item == NULL && at_end) {
        end_at_rest(s);
    } else if (s->item == NULL) {
        s->item = take_item(s, entry);
    }
    return s->item;
}

static bool is_waiting(const struct spec *s, uint64_t number)
{
    MM1_LIST_FOREACH(node, &s->items) {
        if (MM1_CONTAINER_OF(node, struct spec_item, link)->entry->number == number) {
            return true;
        }
    }
    return false;
}

bool spec_retake(struct spec *s)
{
    if (!s->item->set_aside) {
        return true;
    }
    const uint64_t number = s->item->entry->number;
    const struct sup_entry want = {.kind = SUP_TOOK_AGAIN, .number = number};
    for (;;) {
        bool at_end;
        const struct sup_entry *entry = next_entry(s, &at_end);
        if (at_end && !s->rests) {
            return spec_accept(s);
        }
        if (at_end) {
            return spec_reject_next(s, "forgotten", &want);
        }
        if (entry == NULL) {
            return false;
        }
        if (!is_taking(entry->kind)) {
            return spec_reject_next(s, "order of arrival", &want);
        }
        if (entry->kind != SUP_TOOK_AGAIN) {
            if (!note(s, entry) || !spec_set_aside(s, entry)) {
                return false;
            }
        } else if (entry->number == number) {
            s->now = entry->time_ns;
            s->at++;
            return true;
        } else if (is_waiting(s, entry->number)) {
            return spec_reject_next(s, "order of arrival", &want);
        }
        s->at++;
    }
}

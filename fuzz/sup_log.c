/* The log of one supervisor: entries in an array, and what they point to in blocks that live as long as the log. */
#include <string.h>

#include "fuzz/sup_log.h"

#define BLOCK_SIZE ((size_t)4096)
#define ENTRIES_FIRST ((size_t)64)
#define ALIGNED_TO ((size_t)16)

struct sup_log_block {
    struct sup_log_block *next;
    size_t size; /* of the block, this head included */
    size_t used;
};

struct sup_log_id {
    struct sup_log_id *next;
    char text[];
};

static size_t align(size_t size)
{
    return (size + ALIGNED_TO - 1) / ALIGNED_TO * ALIGNED_TO;
}

/* Memory until the log is cleared; null when refused. */
static void *take(struct sup_log *log, size_t size)
{
    size = align(size);
    struct sup_log_block *block = log->blocks;
    if (block == NULL || block->size - block->used < size) {
        size_t head = align(sizeof(*block));
        size_t whole = head + size > BLOCK_SIZE ? head + size : BLOCK_SIZE;
        block = mm1_take(log->alloc, whole);
        if (block == NULL) {
            return NULL;
        }
        *block = (struct sup_log_block){.next = log->blocks, .size = whole, .used = head};
        log->blocks = block;
    }
    void *memory = (char *)block + block->used;
    block->used += size;
    return memory;
}

/* The id as the log has it. A log has few ids, and the caller often hands in one of ours. */
static mm1_status intern(struct sup_log *log, const char **id)
{
    if (*id == NULL) {
        return MM1_OK;
    }
    for (const struct sup_log_id *known = log->ids; known != NULL; known = known->next) {
        if (known->text == *id || strcmp(known->text, *id) == 0) {
            *id = known->text;
            return MM1_OK;
        }
    }
    size_t size = strlen(*id) + 1;
    struct sup_log_id *fresh = take(log, sizeof(*fresh) + size);
    if (fresh == NULL) {
        return MM1_NOMEM;
    }
    fresh->next = log->ids;
    memcpy(fresh->text, *id, size);
    log->ids = fresh;
    *id = fresh->text;
    return MM1_OK;
}

static mm1_status copy_child(struct sup_log *log, struct sup_entry *entry)
{
    if (entry->child == NULL) {
        return MM1_OK;
    }
    void *copy = take(log, mm1_msg_copy_size(&mm1_child_type, entry->child));
    if (copy == NULL) {
        return MM1_NOMEM;
    }
    mm1_msg_copy(&mm1_child_type, entry->child, copy);
    entry->child = copy;
    return MM1_OK;
}

static mm1_status copy_told(struct sup_log *log, struct sup_entry *entry)
{
    if (entry->told_count == 0) {
        entry->told = NULL;
        return MM1_OK;
    }
    struct sup_told_child *copy = take(log, entry->told_count * sizeof(*copy));
    if (copy == NULL) {
        return MM1_NOMEM;
    }
    memcpy(copy, entry->told, entry->told_count * sizeof(*copy));
    for (size_t i = 0; i < entry->told_count; i++) {
        if (intern(log, &copy[i].id) != MM1_OK) {
            return MM1_NOMEM;
        }
    }
    entry->told = copy;
    return MM1_OK;
}

static mm1_status make_room(struct sup_log *log)
{
    if (log->count < log->capacity) {
        return MM1_OK;
    }
    size_t capacity = log->capacity == 0 ? ENTRIES_FIRST : 2 * log->capacity;
    struct sup_entry *entries = mm1_take(log->alloc, capacity * sizeof(*entries));
    if (entries == NULL) {
        return MM1_NOMEM;
    }
    if (log->count > 0) {
        memcpy(entries, log->entries, log->count * sizeof(*entries));
    }
    mm1_give(log->alloc, log->entries, log->capacity * sizeof(*entries));
    log->entries = entries;
    log->capacity = capacity;
    return MM1_OK;
}

mm1_status sup_log_add(struct sup_log *log, const struct sup_entry *entry)
{
    struct sup_entry copy = *entry;
    if (make_room(log) != MM1_OK || intern(log, &copy.id) != MM1_OK ||
        copy_child(log, &copy) != MM1_OK || copy_told(log, &copy) != MM1_OK) {
        return MM1_NOMEM;
    }
    log->entries[log->count++] = copy;
    return MM1_OK;
}

void sup_log_clear(struct sup_log *log)
{
    while (log->blocks != NULL) {
        struct sup_log_block *block = log->blocks;
        log->blocks = block->next;
        mm1_give(log->alloc, block, block->size);
    }
    log->ids = NULL;
    log->count = 0;
}

void sup_log_close(struct sup_log *log)
{
    sup_log_clear(log);
    mm1_give(log->alloc, log->entries, log->capacity * sizeof(*log->entries));
    log->entries = NULL;
    log->capacity = 0;
}

/* --- in words ------------------------------------------------------------------------------------------------- */

struct words {
    const char *(*name_of)(void *arg, uint64_t process);
    void *arg;
    struct mm1_buf *out;
};

static mm1_status say_process(const struct words *w, uint64_t process)
{
    const char *name = w->name_of == NULL ? NULL : w->name_of(w->arg, process);
    if (name != NULL) {
        return mm1_buf_format(w->out, "%s", name);
    }
    return mm1_buf_format(w->out, "process %llu", (unsigned long long)process);
}

static mm1_status say_with_process(const struct words *w, const char *what, uint64_t process)
{
    mm1_status status = mm1_buf_format(w->out, "%s ", what);
    return status != MM1_OK ? status : say_process(w, process);
}

static mm1_status say_reason(const struct words *w, const char *what,
                             const struct mm1_reason *reason)
{
    mm1_status status = mm1_buf_format(w->out, "%s (", what);
    if (status == MM1_OK) {
        status = mm1_reason_print(reason, w->out);
    }
    return status != MM1_OK ? status : mm1_buf_format(w->out, ")");
}

static mm1_status say_with_reason(const struct words *w, const char *what,
                                  const struct sup_entry *entry)
{
    mm1_status status = say_with_process(w, what, entry->process);
    return status != MM1_OK ? status : say_reason(w, "", &entry->reason);
}

static mm1_status say_id_or_process(const struct words *w, const char *what,
                                    const struct sup_entry *entry)
{
    if (entry->id != NULL) {
        return mm1_buf_format(w->out, "%s \"%s\"", what, entry->id);
    }
    return say_with_process(w, what, entry->process);
}

static const char *call_text(enum sup_call call)
{
    switch (call) {
    case SUP_CALL_START_CHILD:
        return "start_child";
    case SUP_CALL_TERMINATE:
        return "terminate_child";
    case SUP_CALL_DELETE:
        return "delete_child";
    case SUP_CALL_RESTART:
        return "restart_child";
    case SUP_CALL_GET:
        return "get_child";
    case SUP_CALL_START:
        return "start";
    case SUP_CALL_STOP:
        return "stop";
    case SUP_CALL_WHICH:
        return "which_children";
    case SUP_CALL_COUNT:
        return "count_children";
    case SUP_CALL_CHILDSPEC:
        return "get_childspec";
    }
    return "unknown";
}

static mm1_status say_call(const struct words *w, const struct sup_entry *entry)
{
    mm1_status status = mm1_buf_format(w->out, "takes call %llu: %s",
                                       (unsigned long long)entry->number, call_text(entry->call));
    if (status != MM1_OK) {
        return status;
    }
    if (entry->child != NULL) {
        return mm1_buf_format(w->out, " of \"%.*s\"", (int)entry->child->id.size,
                              entry->child->id.data);
    }
    if (entry->id == NULL && entry->process == 0) {
        return MM1_OK;
    }
    return say_id_or_process(w, " of", entry);
}

static mm1_status say_told(const struct words *w, const struct sup_entry *entry)
{
    mm1_status status = mm1_buf_format(w->out, " [");
    for (size_t i = 0; status == MM1_OK && i < entry->told_count; i++) {
        const struct sup_told_child *told = &entry->told[i];
        status =
            mm1_buf_format(w->out, "%s%s=", i == 0 ? "" : " ", told->id == NULL ? "" : told->id);
        if (status == MM1_OK) {
            status = told->restarting     ? mm1_buf_format(w->out, "restarting")
                     : told->process == 0 ? mm1_buf_format(w->out, "none")
                                          : say_process(w, told->process);
        }
    }
    return status != MM1_OK ? status : mm1_buf_format(w->out, "]");
}

static mm1_status say_reply(const struct words *w, const struct sup_entry *entry)
{
    mm1_status status =
        mm1_buf_format(w->out, "answers call %llu: %s", (unsigned long long)entry->number,
                       mm1_sup_code_text(entry->code));
    if (status == MM1_OK && entry->process != 0) {
        status = say_with_process(w, ",", entry->process);
    }
    if (status == MM1_OK && entry->code == MM1_SUP_FAILED) {
        status = say_reason(w, "", &entry->reason);
    }
    if (status == MM1_OK && entry->told_count > 0) {
        status = say_told(w, entry);
    }
    const struct sup_told_counts *counts = &entry->counts;
    if (status == MM1_OK && counts->specs != 0) {
        status = mm1_buf_format(
            w->out, " specs %llu, active %llu, supervisors %llu, workers %llu",
            (unsigned long long)counts->specs, (unsigned long long)counts->active,
            (unsigned long long)counts->supervisors, (unsigned long long)counts->workers);
    }
    if (status == MM1_OK && entry->child != NULL) {
        status = mm1_buf_format(w->out, " spec of \"%.*s\"", (int)entry->child->id.size,
                                entry->child->id.data);
    }
    return status;
}

static mm1_status say_spawn(const struct words *w, const struct sup_entry *entry)
{
    mm1_status status = mm1_buf_format(w->out, "spawns \"%s\"", entry->id == NULL ? "" : entry->id);
    if (status != MM1_OK) {
        return status;
    }
    return entry->process == 0 ? mm1_buf_format(w->out, ", refused")
                               : say_with_process(w, " as", entry->process);
}

static mm1_status say_with_number(const struct words *w, const char *what, uint64_t number)
{
    return mm1_buf_format(w->out, "%s %llu", what, (unsigned long long)number);
}

static mm1_status say_took(const struct words *w, const struct sup_entry *entry)
{
    switch (entry->kind) {
    case SUP_TOOK_DOWN:
        return say_with_reason(w, "takes down of", entry);
    case SUP_TOOK_STARTED:
        return say_with_process(w, "takes started of", entry->process);
    case SUP_TOOK_START_FAILED:
        return entry->ignored ? say_with_process(w, "takes ignore of", entry->process)
                              : say_with_reason(w, "takes start failed of", entry);
    case SUP_TOOK_TIMEOUT:
        return mm1_buf_format(w->out, "takes timeout");
    case SUP_TOOK_RETRY:
        return say_id_or_process(w, "takes retry of", entry);
    case SUP_TOOK_PARENT:
        return say_reason(w, "takes exit of its parent", &entry->reason);
    case SUP_TOOK_CALL:
        return say_call(w, entry);
    case SUP_TOOK_OTHER:
        return mm1_buf_format(w->out, "takes what is not for it");
    default:
        return say_with_number(w, "takes again what it set aside, number", entry->number);
    }
}

mm1_status sup_entry_print(const struct sup_entry *entry,
                           const char *(*name_of)(void *arg, uint64_t process), void *arg,
                           struct mm1_buf *out)
{
    const struct words w = {.name_of = name_of, .arg = arg, .out = out};
    switch (entry->kind) {
    case SUP_DID_SPAWN:
        return say_spawn(&w, entry);
    case SUP_DID_EXIT:
        return say_with_reason(&w, "sends exit to", entry);
    case SUP_DID_KILL:
        return say_with_process(&w, "kills", entry->process);
    case SUP_DID_ARM:
        return say_with_number(&w, "arms a timer of ns", entry->ns);
    case SUP_DID_DISARM:
        return mm1_buf_format(out, "disarms its timer");
    case SUP_DID_RESEND:
        return say_id_or_process(&w, "sends itself a retry of", entry);
    case SUP_DID_REPLY:
        return say_reply(&w, entry);
    case SUP_DID_READY:
        return mm1_buf_format(out, "is ready");
    case SUP_DID_ANNOUNCE:
        return say_with_process(&w, "announces itself to", entry->process);
    case SUP_DID_OTHER:
        return mm1_buf_format(out, "does: %s", entry->id == NULL ? "something" : entry->id);
    case SUP_DID_END:
        return say_reason(&w, "ends", &entry->reason);
    case SUP_WAS_KILLED:
        return mm1_buf_format(out, "is killed");
    default:
        return say_took(&w, entry);
    }
}

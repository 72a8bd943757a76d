/* The simulated store port: logs on the disk of a host. What was done since the last sync is kept as a list that can be
 * undone, so that a crash may lose it from any point on, and tear the piece that was being written. */
#include <stdio.h>

#include "sim/world.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

/* What was done to a file and not synced. */
struct change {
    struct mm1_list link;
    bool cut; /* a truncation, whose bytes are in `data`; else an append of `size` bytes */
    size_t size;
    uint8_t data[];
};

enum task_kind { TASK_OPEN, TASK_APPEND, TASK_SYNC, TASK_TRUNCATE, TASK_READ };

struct task {
    struct mm1_list link;
    enum task_kind kind;
    bool background;
    uint64_t opening; /* of its file, when it was asked */
    uint64_t op;
    uint64_t offset;
    uint64_t cause;
    size_t size;
    uint8_t data[];
};

struct sim_file {
    struct mm1_list link; /* in host->files */
    struct sim_host_state *host;
    struct sim_arrival arrival; /* of the head of `tasks` */
    struct mm1_list tasks;
    struct mm1_list changes;
    struct mm1_buf content;
    struct sim_node_state *opener; /* null: closed */
    uint64_t openings; /* how often it was opened: only tasks of the last one are answered */
    mm1_handle handle;
    struct sim_stream torn;
    mm1_status failure; /* of an open that fails: then this is no file of the disk */
    size_t name_size;
    char name[];
};

static struct mm1_alloc *alloc_of(const struct sim_host_state *host)
{
    return host->world->alloc;
}

/* --- files ---------------------------------------------------------------------------------------------------- */

static void file_describe(const struct sim_world *world, const struct sim_arrival *arrival,
                          struct sim_key *key)
{
    const struct sim_file *file = MM1_CONTAINER_OF(arrival, const struct sim_file, arrival);
    (void)world;
    snprintf(key->text, sizeof(key->text), "disk of %s: %.*s", file->host->spec->name,
             (int)file->name_size, file->name);
    key->hash = XXH3_64bits(key->text, strlen(key->text));
}

static void file_arrive(struct sim_world *world, struct sim_arrival *arrival);

static const struct sim_arrival_ops file_ops = {.arrive = file_arrive, .describe = file_describe};

static struct sim_file *file_new(struct sim_host_state *host, struct mm1_text name)
{
    struct sim_file *file = mm1_take_zero(alloc_of(host), sizeof(*file) + name.size);
    MM1_CHECK(file != NULL);
    file->host = host;
    file->arrival.ops = &file_ops;
    file->arrival.host = host;
    file->content = MM1_BUF(alloc_of(host));
    mm1_list_init(&file->tasks);
    mm1_list_init(&file->changes);
    if (name.size != 0) {
        memcpy(file->name, name.data, name.size);
    }
    file->name_size = name.size;
    uint64_t entity = XXH3_64bits_withSeed(name.data, name.size, host->index);
    file->arrival.entity = entity;
    file->torn = (struct sim_stream){.site = SIM_SITE_TORN, .entity = entity};
    mm1_list_push_back(&host->files, &file->link);
    return file;
}

static void change_free(struct sim_file *file, struct change *change)
{
    mm1_list_remove(&change->link);
    mm1_give(alloc_of(file->host), change, sizeof(*change) + (change->cut ? change->size : 0));
}

static void forget_changes(struct sim_file *file)
{
    MM1_LIST_FOREACH(link, &file->changes) {
        change_free(file, MM1_CONTAINER_OF(link, struct change, link));
    }
}

static void task_free(struct sim_file *file, struct task *task)
{
    if (!task->background) {
        file->host->world->unrest--;
    }
    mm1_list_remove(&task->link);
    mm1_give(alloc_of(file->host), task,
             sizeof(*task) + (task->kind == TASK_APPEND ? task->size : 0));
}

static void forget_tasks(struct sim_file *file)
{
    sim_arrival_remove(file->host->world, &file->arrival);
    MM1_LIST_FOREACH(link, &file->tasks) {
        task_free(file, MM1_CONTAINER_OF(link, struct task, link));
    }
}

static void file_free(struct sim_file *file)
{
    forget_tasks(file);
    forget_changes(file);
    mm1_buf_close(&file->content);
    mm1_list_remove(&file->link);
    mm1_give(alloc_of(file->host), file, sizeof(*file) + file->name_size);
}

static struct sim_file *find_name(const struct sim_host_state *host, struct mm1_text name)
{
    MM1_LIST_FOREACH(link, &host->files) {
        struct sim_file *file = MM1_CONTAINER_OF(link, struct sim_file, link);
        struct mm1_text own = {.data = file->name, .size = file->name_size};
        if (file->failure == MM1_OK && mm1_text_equal(own, name)) {
            return file;
        }
    }
    return NULL;
}

static struct sim_file *find_handle(const struct sim_node_state *node, mm1_handle handle)
{
    MM1_LIST_FOREACH(link, &node->host->files) {
        struct sim_file *file = MM1_CONTAINER_OF(link, struct sim_file, link);
        if (file->opener == node && file->handle == handle) {
            return file;
        }
    }
    return NULL;
}

/* --- what is done --------------------------------------------------------------------------------------------- */

static void note_change(struct sim_file *file, bool cut, const uint8_t *data, size_t size)
{
    struct change *change = mm1_take(alloc_of(file->host), sizeof(*change) + (cut ? size : 0));
    MM1_CHECK(change != NULL);
    change->cut = cut;
    change->size = size;
    if (cut && size != 0) {
        memcpy(change->data, data, size);
    }
    mm1_list_push_back(&file->changes, &change->link);
}

static void apply_append(struct sim_file *file, const uint8_t *data, size_t size)
{
    MM1_CHECK(mm1_buf_append(&file->content, data, size) == MM1_OK);
    note_change(file, false, NULL, size);
}

static void apply_truncate(struct sim_file *file, size_t size)
{
    note_change(file, true, file->content.data + size, file->content.size - size);
    file->content.size = size;
}

static void post(struct sim_file *file, bool background, const struct mm1_msg_type *type,
                 const void *msg)
{
    struct mm1_port_sink *sink = file->opener->store.sink;
    sink->post(sink, file->handle, background, type, msg);
}

static void post_failed(struct sim_file *file, const struct task *task, mm1_status status)
{
    struct mm1_log_failed failed = {
        .handle = file->handle,
        .op = task->op,
        .status = (uint32_t)status,
        .reason = mm1_text_of(mm1_status_text(status)),
    };
    post(file, task->background, &mm1_log_failed_type, &failed);
}

static void post_done(struct sim_file *file, const struct task *task)
{
    struct mm1_log_done done = {.handle = file->handle, .op = task->op, .size = file->content.size};
    post(file, task->background, &mm1_log_done_type, &done);
}

static void post_data(struct sim_file *file, const struct task *task)
{
    uint64_t offset = task->offset < file->content.size ? task->offset : file->content.size;
    size_t left = file->content.size - (size_t)offset;
    struct mm1_log_data data = {
        .handle = file->handle,
        .op = task->op,
        .offset = task->offset,
        .data = {.data = file->content.data + offset,
                 .size = task->size < left ? task->size : left},
    };
    if (data.data.size == 0) {
        data.data.data = NULL;
    }
    struct mm1_port_sink *sink = file->opener->store.sink;
    mm1_status status =
        sink->post_data(sink, file->handle, task->background, &mm1_log_data_type, &data);
    if (status != MM1_OK) {
        post_failed(file, task, status);
    }
}

static void carry_out(struct sim_file *file, const struct task *task)
{
    switch (task->kind) {
    case TASK_OPEN:
        post(file, task->background, &mm1_log_opened_type,
             &(struct mm1_log_opened){.handle = file->handle, .size = file->content.size});
        return;
    case TASK_APPEND:
        apply_append(file, task->data, task->size);
        post_done(file, task);
        return;
    case TASK_SYNC:
        forget_changes(file);
        post_done(file, task);
        return;
    case TASK_TRUNCATE:
        if (task->offset > file->content.size) {
            post_failed(file, task, MM1_INVALID);
        } else {
            apply_truncate(file, (size_t)task->offset);
            post_done(file, task);
        }
        return;
    case TASK_READ:
        post_data(file, task);
        return;
    }
}

static void offer(struct sim_file *file)
{
    struct sim_world *world = file->host->world;
    if (!mm1_list_empty(&file->tasks) && !sim_arrival_pending(&file->arrival)) {
        struct sim_window latency = world->scenario->store_latency;
        sim_arrival_add(world, &file->arrival, world->now + latency.min_ns,
                        world->now + latency.max_ns);
    }
}

static void file_arrive(struct sim_world *world, struct sim_arrival *arrival)
{
    struct sim_file *file = MM1_CONTAINER_OF(arrival, struct sim_file, arrival);
    struct task *task = MM1_CONTAINER_OF(file->tasks.next, struct task, link);
    world->cause = task->cause;
    if (file->failure != MM1_OK) {
        post_failed(file, task, file->failure);
        file_free(file);
        return;
    }
    if (file->opener != NULL && task->opening == file->openings) {
        carry_out(file, task);
    } else if (task->kind == TASK_APPEND) {
        apply_append(file, task->data, task->size);
    } else if (task->kind == TASK_TRUNCATE && task->offset <= file->content.size) {
        apply_truncate(file, (size_t)task->offset);
    } else if (task->kind == TASK_SYNC) {
        forget_changes(file);
    }
    task_free(file, task);
    offer(file);
}

/* --- the port ------------------------------------------------------------------------------------------------- */

static struct sim_node_state *node_of(struct mm1_store *self)
{
    return MM1_CONTAINER_OF(self, struct sim_store, base)->node;
}

static void task_add(struct sim_file *file, const struct task *prototype, struct mm1_bytes bytes)
{
    struct sim_world *world = file->host->world;
    struct task *task = mm1_take(alloc_of(file->host), sizeof(*task) + bytes.size);
    MM1_CHECK(task != NULL);
    *task = *prototype;
    task->opening = file->openings;
    task->cause = world->result->events;
    if (bytes.size != 0) {
        memcpy(task->data, bytes.data, bytes.size);
    }
    if (!task->background) {
        world->unrest++;
    }
    mm1_list_push_back(&file->tasks, &task->link);
    offer(file);
}

static bool name_valid(struct mm1_text name)
{
    if (name.size == 0 || name.size > 64 || name.data[0] == '.') {
        return false;
    }
    for (size_t i = 0; i < name.size; i++) {
        char c = name.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '_' || c == '-')) {
            return false;
        }
    }
    return true;
}

static mm1_status store_open(struct mm1_store *self, mm1_handle handle, struct mm1_text name)
{
    struct sim_node_state *node = node_of(self);
    struct sim_file *file = name_valid(name) ? find_name(node->host, name) : NULL;
    bool in_use = file != NULL && file->opener != NULL;
    if (file == NULL || in_use) {
        file = file_new(node->host, name);
        file->failure = in_use ? MM1_IN_USE : name_valid(name) ? MM1_OK : MM1_INVALID;
    }
    file->opener = node;
    file->openings++;
    file->handle = handle;
    task_add(file, &(struct task){.kind = TASK_OPEN}, (struct mm1_bytes){.size = 0});
    return MM1_OK;
}

/* A task for the log with that handle; one that is gone is ignored. */
static void store_task(struct mm1_store *self, mm1_handle handle, const struct task *task,
                       struct mm1_bytes bytes)
{
    struct sim_file *file = find_handle(node_of(self), handle);
    if (file != NULL) {
        task_add(file, task, bytes);
    }
}

static mm1_status store_append(struct mm1_store *self, mm1_handle handle, uint64_t op,
                               struct mm1_bytes bytes)
{
    store_task(self, handle, &(struct task){.kind = TASK_APPEND, .op = op, .size = bytes.size},
               bytes);
    return MM1_OK;
}

static mm1_status store_sync(struct mm1_store *self, mm1_handle handle, uint64_t op)
{
    store_task(self, handle, &(struct task){.kind = TASK_SYNC, .op = op},
               (struct mm1_bytes){.size = 0});
    return MM1_OK;
}

static mm1_status store_truncate(struct mm1_store *self, mm1_handle handle, uint64_t op,
                                 uint64_t size)
{
    store_task(self, handle, &(struct task){.kind = TASK_TRUNCATE, .op = op, .offset = size},
               (struct mm1_bytes){.size = 0});
    return MM1_OK;
}

static mm1_status store_read(struct mm1_store *self, mm1_handle handle, uint64_t op,
                             uint64_t offset, size_t size)
{
    store_task(self, handle,
               &(struct task){.kind = TASK_READ, .op = op, .offset = offset, .size = size},
               (struct mm1_bytes){.size = 0});
    return MM1_OK;
}

static void store_close(struct mm1_store *self, mm1_handle handle)
{
    struct sim_file *file = find_handle(node_of(self), handle);
    if (file != NULL) {
        if (file->failure != MM1_OK) {
            file_free(file);
        } else {
            file->opener = NULL;
            file->handle = 0;
        }
    }
}

static void store_attach(struct mm1_store *self, struct mm1_port_sink *sink)
{
    MM1_CONTAINER_OF(self, struct sim_store, base)->sink = sink;
}

static const struct mm1_store_ops store_ops = {
    .name = "sim",
    .attach = store_attach,
    .open = store_open,
    .append = store_append,
    .sync = store_sync,
    .truncate = store_truncate,
    .read = store_read,
    .close = store_close,
};

void sim_store_init(struct sim_node_state *node)
{
    node->store = (struct sim_store){.base = {.ops = &store_ops}, .node = node};
}

/* --- power loss ----------------------------------------------------------------------------------------------- */

static struct change *last_change(const struct sim_file *file)
{
    return MM1_CONTAINER_OF(file->changes.prev, struct change, link);
}

static void undo(struct sim_file *file, struct change *change)
{
    if (change->cut) {
        MM1_CHECK(mm1_buf_append(&file->content, change->data, change->size) == MM1_OK);
    } else {
        file->content.size -= change->size;
    }
    change_free(file, change);
}

/* Of an append that was under way a part may be there, its end garbled. */
static void tear(struct sim_file *file, struct change *change)
{
    struct sim_world *world = file->host->world;
    size_t size = change->size;
    size_t kept = (size_t)sim_choose(world, &file->torn, size + 1, NULL);
    file->content.size -= size - kept;
    size_t garbled = kept < 16 ? kept : 16;
    if (kept != 0 && sim_choose(world, &file->torn, 2, NULL) == 0) {
        memset(file->content.data + file->content.size - garbled, 0, garbled);
    }
    change_free(file, change);
}

static void file_crash(struct sim_file *file)
{
    size_t count = 0;
    forget_tasks(file);
    file->opener = NULL;
    file->handle = 0;
    MM1_LIST_FOREACH(link, &file->changes) {
        count++;
    }
    if (count == 0) {
        return;
    }
    size_t kept = (size_t)sim_choose(file->host->world, &file->torn, count + 1, NULL);
    for (; count > kept + 1; count--) {
        undo(file, last_change(file));
    }
    if (count == kept + 1) {
        struct change *change = last_change(file);
        if (change->cut || change->size == 0) {
            undo(file, change);
        } else {
            tear(file, change);
        }
    }
    forget_changes(file);
}

void sim_disk_crash(struct sim_host_state *host)
{
    MM1_LIST_FOREACH(link, &host->files) {
        struct sim_file *file = MM1_CONTAINER_OF(link, struct sim_file, link);
        if (file->failure != MM1_OK) {
            file_free(file);
        } else {
            file_crash(file);
        }
    }
}

void sim_disk_close(struct sim_host_state *host)
{
    MM1_LIST_FOREACH(link, &host->files) {
        file_free(MM1_CONTAINER_OF(link, struct sim_file, link));
    }
}

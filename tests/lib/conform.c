/* The collecting sink of the conformance suites. */
#include <stdlib.h>
#include <string.h>

#include "conform.h"

struct conform_item {
    struct conform_item *next;
    mm1_handle handle;
    const struct mm1_msg_type *type;
    bool taken;
    _Alignas(max_align_t) unsigned char msg[];
};

static struct conform_sink *of(struct mm1_port_sink *base)
{
    return MM1_CONTAINER_OF(base, struct conform_sink, base);
}

static bool is_owned(const struct conform_sink *sink, mm1_handle handle)
{
    return handle < sink->owned_capacity && sink->owned[handle];
}

/* With the lock held. */
static mm1_handle new_handle(struct conform_sink *sink)
{
    mm1_handle handle = sink->next_handle++;
    if (handle >= sink->owned_capacity) {
        size_t capacity = sink->owned_capacity * 2 + 64;
        sink->owned = realloc(sink->owned, capacity * sizeof(bool));
        MM1_CHECK(sink->owned != NULL);
        memset(sink->owned + sink->owned_capacity, 0,
               (capacity - sink->owned_capacity) * sizeof(bool));
        sink->owned_capacity = capacity;
    }
    sink->owned[handle] = true;
    return handle;
}

static void post(struct mm1_port_sink *base, mm1_handle handle, bool background,
                 const struct mm1_msg_type *type, const void *msg)
{
    struct conform_sink *sink = of(base);
    struct conform_item *item = malloc(sizeof(*item) + mm1_msg_copy_size(type, msg));
    MM1_CHECK(item != NULL);
    (void)background;
    *item = (struct conform_item){.handle = handle, .type = type};
    mm1_msg_copy(type, msg, item->msg);
    pthread_mutex_lock(&sink->lock);
    bool owned = is_owned(sink, handle);
    if (owned) {
        *sink->last = item;
        sink->last = &item->next;
    } else {
        sink->late++;
    }
    pthread_mutex_unlock(&sink->lock);
    if (!owned) {
        free(item);
    }
}

/* With the lock held: counts one of them down. */
static bool is_refused(unsigned *left)
{
    bool refused = *left > 0;
    *left -= refused ? 1 : 0;
    return refused;
}

static mm1_status post_data(struct mm1_port_sink *base, mm1_handle handle, bool background,
                            const struct mm1_msg_type *type, const void *msg)
{
    struct conform_sink *sink = of(base);
    pthread_mutex_lock(&sink->lock);
    bool refused = is_refused(&sink->refused_data);
    pthread_mutex_unlock(&sink->lock);
    if (refused) {
        return MM1_NOMEM;
    }
    post(base, handle, background, type, msg);
    return MM1_OK;
}

static mm1_handle adopt(struct mm1_port_sink *base, mm1_handle parent)
{
    struct conform_sink *sink = of(base);
    pthread_mutex_lock(&sink->lock);
    bool refused = is_refused(&sink->refused_adoptions);
    mm1_handle handle = is_owned(sink, parent) && !refused ? new_handle(sink) : 0;
    pthread_mutex_unlock(&sink->lock);
    return handle;
}

void conform_sink_init(struct conform_sink *sink)
{
    *sink = (struct conform_sink){.base = {.post = post, .post_data = post_data, .adopt = adopt},
                                  .next_handle = 1};
    sink->last = &sink->first;
    MM1_CHECK(pthread_mutex_init(&sink->lock, NULL) == 0);
}

void conform_sink_close(struct conform_sink *sink)
{
    while (sink->first != NULL) {
        struct conform_item *item = sink->first;
        sink->first = item->next;
        free(item);
    }
    free(sink->owned);
    MM1_CHECK(pthread_mutex_destroy(&sink->lock) == 0);
}

mm1_handle conform_handle(struct conform_sink *sink)
{
    pthread_mutex_lock(&sink->lock);
    mm1_handle handle = new_handle(sink);
    pthread_mutex_unlock(&sink->lock);
    return handle;
}

void conform_refuse(struct conform_sink *sink, unsigned data, unsigned adoptions)
{
    pthread_mutex_lock(&sink->lock);
    sink->refused_data = data;
    sink->refused_adoptions = adoptions;
    pthread_mutex_unlock(&sink->lock);
}

void conform_release(struct conform_sink *sink, mm1_handle handle)
{
    pthread_mutex_lock(&sink->lock);
    MM1_CHECK(is_owned(sink, handle));
    sink->owned[handle] = false;
    pthread_mutex_unlock(&sink->lock);
}

unsigned conform_count(struct conform_sink *sink, mm1_handle handle,
                       const struct mm1_msg_type *type)
{
    unsigned count = 0;
    pthread_mutex_lock(&sink->lock);
    for (const struct conform_item *item = sink->first; item != NULL; item = item->next) {
        count += item->handle == handle && (type == NULL || item->type == type);
    }
    pthread_mutex_unlock(&sink->lock);
    return count;
}

struct wanted {
    struct conform_sink *sink;
    mm1_handle handle;
    const struct mm1_msg_type *types[2];
    struct conform_item *found;
};

static bool take_wanted(void *arg)
{
    struct wanted *wanted = arg;
    pthread_mutex_lock(&wanted->sink->lock);
    for (struct conform_item *item = wanted->sink->first; item != NULL; item = item->next) {
        bool right = item->type == wanted->types[0] || item->type == wanted->types[1];
        if (!item->taken && item->handle == wanted->handle && right) {
            item->taken = true;
            wanted->found = item;
            break;
        }
    }
    pthread_mutex_unlock(&wanted->sink->lock);
    return wanted->found != NULL;
}

const void *conform_await_either(struct conform_world *world, mm1_handle handle,
                                 const struct mm1_msg_type *a, const struct mm1_msg_type *b,
                                 const struct mm1_msg_type **got)
{
    struct wanted wanted = {.sink = &world->sink, .handle = handle, .types = {a, b}};
    if (!world->ops->drive(world, take_wanted, &wanted)) {
        *got = NULL;
        return NULL;
    }
    *got = wanted.found->type;
    return wanted.found->msg;
}

const void *conform_await(struct conform_world *world, mm1_handle handle,
                          const struct mm1_msg_type *type)
{
    const struct mm1_msg_type *got;
    return conform_await_either(world, handle, type, type, &got);
}

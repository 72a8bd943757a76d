/* The table: cells and sessions. */
#include "table.h"

/* The items of both arrays begin with the number that orders them. */
static uint64_t number_at(const void *items, size_t item_size, size_t index)
{
    uint64_t number;
    memcpy(&number, (const char *)items + index * item_size, sizeof(number));
    return number;
}

/* Index of the first item that is not below `number`. */
static size_t place_of(const void *items, size_t item_size, size_t count, uint64_t number)
{
    size_t low = 0;
    while (low < count) {
        size_t middle = low + (count - low) / 2;
        if (number_at(items, item_size, middle) < number) {
            low = middle + 1;
        } else {
            count = middle;
        }
    }
    return low;
}

/* Makes room for an item at `at`, set to zero. */
static mm1_status insert(struct mm1_alloc *alloc, void **items, size_t item_size, size_t *count,
                         size_t *capacity, size_t at)
{
    if (*count == *capacity) {
        size_t more = *capacity == 0 ? 8 : *capacity * 2;
        void *grown = mm1_take(alloc, more * item_size);
        if (grown == NULL) {
            return MM1_NOMEM;
        }
        if (*count > 0) {
            memcpy(grown, *items, *count * item_size);
        }
        mm1_give(alloc, *items, *capacity * item_size);
        *items = grown;
        *capacity = more;
    }
    char *place = (char *)*items + at * item_size;
    memmove(place + item_size, place, (*count - at) * item_size);
    memset(place, 0, item_size);
    (*count)++;
    return MM1_OK;
}

const struct kv_cell *kv_table_cell(const struct kv_table *table, uint64_t key)
{
    size_t at = place_of(table->cells, sizeof(*table->cells), table->cell_count, key);
    return at < table->cell_count && table->cells[at].key == key ? &table->cells[at] : NULL;
}

mm1_status kv_table_session(struct kv_table *table, uint64_t client, struct kv_session **out)
{
    size_t at = place_of(table->sessions, sizeof(*table->sessions), table->session_count, client);
    if (at == table->session_count || table->sessions[at].client != client) {
        void *items = table->sessions;
        MM1_TRY(insert(table->alloc, &items, sizeof(*table->sessions), &table->session_count,
                       &table->session_capacity, at));
        table->sessions = items;
        table->sessions[at].client = client;
    }
    *out = &table->sessions[at];
    return MM1_OK;
}

mm1_status kv_table_apply(struct kv_table *table, const struct kv_entry *entry)
{
    struct kv_session *session;
    MM1_TRY(kv_table_session(table, entry->client, &session));
    size_t at = place_of(table->cells, sizeof(*table->cells), table->cell_count, entry->key);
    if (at == table->cell_count || table->cells[at].key != entry->key) {
        void *items = table->cells;
        MM1_TRY(insert(table->alloc, &items, sizeof(*table->cells), &table->cell_count,
                       &table->cell_capacity, at));
        table->cells = items;
        table->cells[at].key = entry->key;
    }
    struct kv_cell *cell = &table->cells[at];
    cell->value = entry->value;
    cell->version++;
    session->applied = entry->number;
    session->logged = session->logged > entry->number ? session->logged : entry->number;
    session->version = cell->version;
    return MM1_OK;
}

void kv_table_close(struct kv_table *table)
{
    mm1_give(table->alloc, table->cells, table->cell_capacity * sizeof(*table->cells));
    mm1_give(table->alloc, table->sessions, table->session_capacity * sizeof(*table->sessions));
    *table = KV_TABLE(table->alloc);
}

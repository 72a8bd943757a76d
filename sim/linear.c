/* The check of linearizability: one depth-first search for each partition, with an explicit stack.
 *
 * The calls and responses of a partition stand in a list in the order of the history. Whatever stands before the first
 * response may be linearized next; taking an operation lifts its entries out of the list. A response that comes first
 * before its operation was taken means that the last choice was wrong. A set of (operations taken, state) that were
 * reached before cuts what would be tried twice. An operation of unknown outcome has a call and no response, so it may
 * be taken at any time or never; the search is over when no response is left.
 *
 * A violation in any partition outweighs one that was not decided. */
#include <mm1/linear.h>

#define MEMO_FIRST 256u /* slots of the set at first; a power of two */
#define NONE SIZE_MAX

/* A call or a response. */
struct entry {
    uint64_t position;
    size_t op;   /* index in the partition */
    size_t next; /* indices of entries; NONE at the end */
    size_t before;
    bool is_call;
};

/* An operation that was taken, and the state before it. */
struct frame {
    size_t op;
    uint64_t state;
};

struct search {
    struct mm1_alloc *alloc;
    const struct mm1_linear_model *model;
    uint64_t bound;
    /* The partition being searched. */
    const struct mm1_linear_op *ops;
    size_t count;
    size_t open;  /* responses still in the list */
    size_t first; /* entry at the head of the list */
    uint64_t state;
    size_t depth;
    uint64_t tried;
    size_t stuck;
    size_t longest;
    /* Room for the greatest partition. */
    size_t capacity;
    struct entry *entries; /* 2 * capacity */
    size_t *calls;         /* entry of an operation's call */
    size_t *responses;     /* of its response; NONE when unknown */
    struct frame *frames;
    uint64_t *taken; /* bits */
    size_t words;    /* of `taken`, for this partition */
    /* The set: `slots` holds 1 + index of a record, and a record is the state and then the bits. */
    uint32_t *slots;
    size_t slot_count;
    uint64_t *records;
    size_t record_words; /* capacity */
    size_t record_count;
};

/* --- order, without memory: a heap sort ------------------------------------------------------------------------ */

static bool op_less(const struct mm1_linear_op *a, const struct mm1_linear_op *b)
{
    return a->partition != b->partition ? a->partition < b->partition : a->invoked < b->invoked;
}

static void op_sink(struct mm1_linear_op *ops, size_t at, size_t count)
{
    struct mm1_linear_op moved = ops[at];
    while (2 * at + 1 < count) {
        size_t child = 2 * at + 1;
        if (child + 1 < count && op_less(&ops[child], &ops[child + 1])) {
            child++;
        }
        if (!op_less(&moved, &ops[child])) {
            break;
        }
        ops[at] = ops[child];
        at = child;
    }
    ops[at] = moved;
}

static void op_sort(struct mm1_linear_op *ops, size_t count)
{
    for (size_t i = count / 2; i-- > 0;) {
        op_sink(ops, i, count);
    }
    for (size_t end = count; end-- > 1;) {
        struct mm1_linear_op greatest = ops[0];
        ops[0] = ops[end];
        ops[end] = greatest;
        op_sink(ops, 0, end);
    }
}

static void entry_sink(struct entry *entries, size_t at, size_t count)
{
    struct entry moved = entries[at];
    while (2 * at + 1 < count) {
        size_t child = 2 * at + 1;
        if (child + 1 < count && entries[child].position < entries[child + 1].position) {
            child++;
        }
        if (moved.position >= entries[child].position) {
            break;
        }
        entries[at] = entries[child];
        at = child;
    }
    entries[at] = moved;
}

static void entry_sort(struct entry *entries, size_t count)
{
    for (size_t i = count / 2; i-- > 0;) {
        entry_sink(entries, i, count);
    }
    for (size_t end = count; end-- > 1;) {
        struct entry greatest = entries[0];
        entries[0] = entries[end];
        entries[end] = greatest;
        entry_sink(entries, 0, end);
    }
}

/* --- the set of what was reached ------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t hash, uint64_t word)
{
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static uint64_t record_hash(const uint64_t *record, size_t words)
{
    uint64_t hash = words;
    for (size_t i = 0; i < words; i++) {
        hash = mix(hash, record[i]);
    }
    return mix(hash, hash >> 31);
}

/* The slot of a record: the one that holds an equal one, or the empty one where it belongs. */
static size_t slot_of(const struct search *s, const uint64_t *record)
{
    size_t words = s->words + 1;
    size_t slot = (size_t)record_hash(record, words) & (s->slot_count - 1);
    while (s->slots[slot] != 0 && memcmp(s->records + (s->slots[slot] - 1) * words, record,
                                         words * sizeof(*record)) != 0) {
        slot = (slot + 1) & (s->slot_count - 1);
    }
    return slot;
}

static mm1_status grow_slots(struct search *s)
{
    size_t count = s->slot_count == 0 ? MEMO_FIRST : s->slot_count * 2;
    uint32_t *slots = mm1_take_zero(s->alloc, count * sizeof(*slots));
    if (slots == NULL) {
        return MM1_NOMEM;
    }
    mm1_give(s->alloc, s->slots, s->slot_count * sizeof(*slots));
    s->slots = slots;
    s->slot_count = count;
    for (size_t i = 0; i < s->record_count; i++) {
        slots[slot_of(s, s->records + i * (s->words + 1))] = (uint32_t)(i + 1);
    }
    return MM1_OK;
}

static mm1_status grow_records(struct search *s)
{
    size_t more = s->record_words == 0 ? (s->words + 1) * MEMO_FIRST : s->record_words;
    uint64_t *records = mm1_take(s->alloc, (s->record_words + more) * sizeof(*records));
    if (records == NULL) {
        return MM1_NOMEM;
    }
    if (s->record_count > 0) {
        memcpy(records, s->records, s->record_count * (s->words + 1) * sizeof(*records));
    }
    mm1_give(s->alloc, s->records, s->record_words * sizeof(*records));
    s->records = records;
    s->record_words += more;
    return MM1_OK;
}

/* Notes (taken, state); `*fresh` says that it was not there. */
static mm1_status remember(struct search *s, uint64_t state, bool *fresh)
{
    size_t words = s->words + 1;
    if ((s->record_count + 1) * 4 > s->slot_count * 3) {
        MM1_TRY(grow_slots(s));
    }
    while ((s->record_count + 1) * words > s->record_words) {
        MM1_TRY(grow_records(s));
    }
    uint64_t *record = s->records + s->record_count * words;
    record[0] = state;
    memcpy(record + 1, s->taken, s->words * sizeof(*record));
    size_t slot = slot_of(s, record);
    *fresh = s->slots[slot] == 0;
    if (*fresh) {
        MM1_CHECK(s->record_count < UINT32_MAX - 1);
        s->slots[slot] = (uint32_t)++s->record_count;
    }
    return MM1_OK;
}

/* --- the list of calls and responses --------------------------------------------------------------------------- */

static void unlink_entry(struct search *s, size_t at)
{
    const struct entry *entry = &s->entries[at];
    if (entry->before == NONE) {
        s->first = entry->next;
    } else {
        s->entries[entry->before].next = entry->next;
    }
    if (entry->next != NONE) {
        s->entries[entry->next].before = entry->before;
    }
}

/* Undoes the last unlink that was not undone. */
static void relink_entry(struct search *s, size_t at)
{
    const struct entry *entry = &s->entries[at];
    if (entry->before == NONE) {
        s->first = at;
    } else {
        s->entries[entry->before].next = at;
    }
    if (entry->next != NONE) {
        s->entries[entry->next].before = at;
    }
}

/* Builds the list of a partition. */
static void list_ops(struct search *s)
{
    size_t count = 0;
    s->open = 0;
    for (size_t i = 0; i < s->count; i++) {
        const struct mm1_linear_op *op = &s->ops[i];
        MM1_CHECK(op->invoked < op->returned);
        s->entries[count++] = (struct entry){.position = op->invoked, .op = i, .is_call = true};
        if (op->returned != UINT64_MAX) {
            s->entries[count++] = (struct entry){.position = op->returned, .op = i};
            s->open++;
        }
        s->responses[i] = NONE;
    }
    entry_sort(s->entries, count);
    for (size_t i = 0; i < count; i++) {
        struct entry *entry = &s->entries[i];
        entry->before = i == 0 ? NONE : i - 1;
        entry->next = i + 1 == count ? NONE : i + 1;
        *(entry->is_call ? &s->calls[entry->op] : &s->responses[entry->op]) = i;
    }
    s->first = 0;
}

/* --- the search ------------------------------------------------------------------------------------------------ */

static void flip(struct search *s, size_t op)
{
    s->taken[op / 64] ^= UINT64_C(1) << (op % 64);
}

static void take_op(struct search *s, size_t op, uint64_t after)
{
    s->frames[s->depth++] = (struct frame){.op = op, .state = s->state};
    s->state = after;
    unlink_entry(s, s->calls[op]);
    if (s->responses[op] != NONE) {
        unlink_entry(s, s->responses[op]);
        s->open--;
    }
}

/* Puts the last operation back; returns it. */
static size_t put_back(struct search *s)
{
    const struct frame *frame = &s->frames[--s->depth];
    if (s->responses[frame->op] != NONE) {
        relink_entry(s, s->responses[frame->op]);
        s->open++;
    }
    relink_entry(s, s->calls[frame->op]);
    flip(s, frame->op);
    s->state = frame->state;
    return frame->op;
}

/* Takes the operation of a call if the model allows it, and if that leads to something new. */
static mm1_status try_call(struct search *s, size_t op, bool *took)
{
    *took = false;
    uint64_t after = s->state;
    s->tried++;
    if (!s->model->step(s->state, &s->ops[op], &after)) {
        return MM1_OK;
    }
    if (s->responses[op] == NONE && after == s->state) {
        return MM1_OK; /* nobody waits for it, and it changes nothing */
    }
    flip(s, op);
    MM1_TRY(remember(s, after, took));
    if (*took) {
        take_op(s, op, after);
    } else {
        flip(s, op);
    }
    return MM1_OK;
}

/* Searches the partition that list_ops prepared. */
static mm1_status search_partition(struct search *s, enum mm1_verdict *verdict)
{
    *verdict = MM1_PASS;
    s->state = s->model->initial;
    s->depth = 0;
    s->tried = 0;
    s->stuck = NONE;
    s->longest = 0;
    size_t at = s->first;
    while (s->open > 0) {
        MM1_CHECK(at != NONE); /* a response is left, and the walk stops at the first one */
        const struct entry *entry = &s->entries[at];
        if (entry->is_call) {
            if (s->tried == s->bound) {
                *verdict = MM1_INCONCLUSIVE;
                break;
            }
            bool took;
            MM1_TRY(try_call(s, entry->op, &took));
            at = took ? s->first : entry->next;
            continue;
        }
        if (s->stuck == NONE || s->depth > s->longest) {
            s->stuck = entry->op;
            s->longest = s->depth;
        }
        if (s->depth == 0) {
            *verdict = MM1_VIOLATED;
            break;
        }
        at = s->entries[s->calls[put_back(s)]].next;
    }
    if (*verdict == MM1_INCONCLUSIVE && (s->stuck == NONE || s->depth > s->longest)) {
        s->longest = s->depth;
        s->stuck = NONE;
        for (size_t i = s->first; s->stuck == NONE; i = s->entries[i].next) {
            s->stuck = s->entries[i].is_call ? NONE : s->entries[i].op;
        }
    }
    return MM1_OK;
}

/* --- memory ---------------------------------------------------------------------------------------------------- */

static mm1_status search_open(struct search *s, size_t capacity)
{
    s->capacity = capacity;
    s->entries = mm1_take(s->alloc, 2 * capacity * sizeof(*s->entries));
    s->calls = mm1_take(s->alloc, capacity * sizeof(*s->calls));
    s->responses = mm1_take(s->alloc, capacity * sizeof(*s->responses));
    s->frames = mm1_take(s->alloc, capacity * sizeof(*s->frames));
    s->taken = mm1_take(s->alloc, (capacity + 63) / 64 * sizeof(*s->taken));
    return s->entries == NULL || s->calls == NULL || s->responses == NULL || s->frames == NULL ||
                   s->taken == NULL
               ? MM1_NOMEM
               : MM1_OK;
}

static void search_close(struct search *s)
{
    mm1_give(s->alloc, s->entries, 2 * s->capacity * sizeof(*s->entries));
    mm1_give(s->alloc, s->calls, s->capacity * sizeof(*s->calls));
    mm1_give(s->alloc, s->responses, s->capacity * sizeof(*s->responses));
    mm1_give(s->alloc, s->frames, s->capacity * sizeof(*s->frames));
    mm1_give(s->alloc, s->taken, (s->capacity + 63) / 64 * sizeof(*s->taken));
    mm1_give(s->alloc, s->slots, s->slot_count * sizeof(*s->slots));
    mm1_give(s->alloc, s->records, s->record_words * sizeof(*s->records));
}

/* Makes the state that belongs to one partition. */
static void search_reset(struct search *s, const struct mm1_linear_op *ops, size_t count)
{
    s->ops = ops;
    s->count = count;
    s->words = (count + 63) / 64;
    s->record_count = 0;
    memset(s->taken, 0, s->words * sizeof(*s->taken));
    if (s->slot_count > 0) {
        memset(s->slots, 0, s->slot_count * sizeof(*s->slots));
    }
    list_ops(s);
}

/* --- all partitions -------------------------------------------------------------------------------------------- */

static size_t partition_size(const struct mm1_linear_op *ops, size_t count)
{
    size_t size = 1;
    while (size < count && ops[size].partition == ops[0].partition) {
        size++;
    }
    return size;
}

static mm1_status check_all(struct search *s, const struct mm1_linear_op *ops, size_t count,
                            struct mm1_linear_result *result)
{
    size_t size;
    for (size_t i = 0; i < count && result->verdict != MM1_VIOLATED; i += size) {
        size = partition_size(ops + i, count - i);
        search_reset(s, ops + i, size);
        enum mm1_verdict verdict;
        MM1_TRY(search_partition(s, &verdict));
        result->steps += s->tried;
        if (verdict == MM1_VIOLATED || (verdict != MM1_PASS && result->verdict == MM1_PASS)) {
            result->verdict = verdict;
            result->partition = ops[i].partition;
            result->stuck = i + s->stuck;
            result->longest = s->longest;
        }
    }
    return MM1_OK;
}

mm1_status mm1_linear_check(const struct mm1_linear_model *model, struct mm1_linear_op *ops,
                            size_t count, uint64_t bound, struct mm1_alloc *alloc,
                            struct mm1_linear_result *result)
{
    *result = (struct mm1_linear_result){.verdict = MM1_PASS};
    op_sort(ops, count);
    size_t greatest = 0;
    for (size_t i = 0; i < count; i += partition_size(ops + i, count - i)) {
        size_t size = partition_size(ops + i, count - i);
        greatest = size > greatest ? size : greatest;
    }
    if (greatest == 0) {
        return MM1_OK;
    }
    struct search search = {.alloc = alloc, .model = model, .bound = bound};
    mm1_status status = search_open(&search, greatest);
    if (status == MM1_OK) {
        status = check_all(&search, ops, count, result);
    }
    search_close(&search);
    return status;
}

/* The properties: the history of the clients is linearizable, nothing that a client was told is lost, and no retry is
 * applied twice. */
#include <stdio.h>

#include <mm1/linear.h>

#include "messages.h"
#include "properties.h"

#define BOUND 500000u /* states tried for each key */

/* An operation, as its client saw it. */
struct op {
    uint64_t client;
    uint64_t number;
    enum kv_op kind;
    uint64_t key;
    uint64_t value;    /* written, or read */
    uint64_t invoked;  /* events of the run */
    uint64_t returned; /* UINT64_MAX: not yet, or never */
    uint64_t invoked_ns;
    uint64_t returned_ns;
};

/* A time as text, "3.410s". */
struct when {
    char text[32];
};

static struct when when(uint64_t ns)
{
    struct when at;
    snprintf(at.text, sizeof(at.text), "%llu.%03llus", (unsigned long long)(ns / MM1_NS_PER_SEC),
             (unsigned long long)(ns % MM1_NS_PER_SEC / MM1_NS_PER_MS));
    return at;
}

static bool sees(const struct mm1_sight *sight, const struct mm1_msg_type *type)
{
    return sight->event->kind == MM1_EVENT_OBSERVE && sight->event->type == type;
}

static enum mm1_verdict no_memory(struct mm1_finding *finding)
{
    snprintf(finding->text, sizeof(finding->text), "out of memory");
    return MM1_INCONCLUSIVE;
}

/* Makes room for one more item. False: memory was refused. */
static bool grow(struct mm1_alloc *alloc, void **items, size_t item_size, size_t count,
                 size_t *capacity)
{
    if (count < *capacity) {
        return true;
    }
    size_t more = *capacity == 0 ? 64 : *capacity * 2;
    void *grown = mm1_take(alloc, more * item_size);
    if (grown == NULL) {
        return false;
    }
    if (count > 0) {
        memcpy(grown, *items, count * item_size);
    }
    mm1_give(alloc, *items, *capacity * item_size);
    *items = grown;
    *capacity = more;
    return true;
}

/* --- linearizable ---------------------------------------------------------------------------------------------- */

struct history {
    struct op *ops; /* in the order of their invocations */
    size_t count;
    size_t capacity;
};

static enum mm1_verdict history_see(void *state, struct mm1_alloc *alloc,
                                    const struct mm1_sight *sight, struct mm1_finding *finding)
{
    struct history *history = state;
    if (sees(sight, &kv_invoked_type)) {
        const struct kv_invoked *m = sight->event->msg;
        void *items = history->ops;
        if (!grow(alloc, &items, sizeof(struct op), history->count, &history->capacity)) {
            return no_memory(finding);
        }
        history->ops = items;
        history->ops[history->count++] = (struct op){.client = m->client,
                                                     .number = m->number,
                                                     .kind = (enum kv_op)m->op,
                                                     .key = m->key,
                                                     .value = m->value,
                                                     .invoked = sight->seq,
                                                     .returned = UINT64_MAX,
                                                     .invoked_ns = sight->time_ns};
    } else if (sees(sight, &kv_returned_type)) {
        const struct kv_returned *m = sight->event->msg;
        for (size_t i = history->count; i-- > 0;) {
            struct op *op = &history->ops[i];
            if (op->client == m->client && op->number == m->number) {
                op->value = m->value;
                op->returned = sight->seq;
                op->returned_ns = sight->time_ns;
                break;
            }
        }
    }
    return MM1_PASS;
}

/* A key is a register: 0 at first. */
static bool register_step(uint64_t state, const struct mm1_linear_op *op, uint64_t *after)
{
    *after = op->kind == KV_WRITE ? op->input : state;
    return op->kind == KV_WRITE || op->returned == UINT64_MAX || op->output == state;
}

static const struct mm1_linear_model register_model = {.step = register_step};

/* What cannot be explained, in words. `stuck` names its operation by its invocation. */
static void explain(const struct history *history, const struct mm1_linear_result *result,
                    const struct mm1_linear_op *stuck, struct mm1_finding *finding)
{
    const struct op *op = history->ops;
    while (op->invoked != stuck->invoked) {
        op++;
    }
    bool undecided = result->verdict == MM1_INCONCLUSIVE;
    snprintf(
        finding->text, sizeof(finding->text),
        "k%llu: %s of its operations explains that client %llu %s %llu at %s (asked at %s); the "
        "longest one that fits has %zu operations%s",
        (unsigned long long)op->key, undecided ? "no order found so far" : "no order",
        (unsigned long long)op->client, op->kind == KV_WRITE ? "was told of its write of" : "read",
        (unsigned long long)op->value, when(op->returned_ns).text, when(op->invoked_ns).text,
        result->longest, undecided ? "; the search was given up at its bound" : "");
}

static enum mm1_verdict history_end(void *state, struct mm1_alloc *alloc, uint64_t *evaluated,
                                    struct mm1_finding *finding)
{
    const struct history *history = state;
    if (history->count == 0) {
        return MM1_PASS;
    }
    size_t size = history->count * sizeof(struct mm1_linear_op);
    struct mm1_linear_op *ops = mm1_take(alloc, size);
    if (ops == NULL) {
        return no_memory(finding);
    }
    for (size_t i = 0; i < history->count; i++) {
        const struct op *op = &history->ops[i];
        *evaluated += op->returned != UINT64_MAX;
        ops[i] = (struct mm1_linear_op){.partition = op->key,
                                        .invoked = op->invoked,
                                        .returned = op->returned,
                                        .kind = op->kind,
                                        .input = op->value,
                                        .output = op->value};
    }
    struct mm1_linear_result result;
    enum mm1_verdict verdict = MM1_INCONCLUSIVE;
    if (mm1_linear_check(&register_model, ops, history->count, BOUND, alloc, &result) != MM1_OK) {
        no_memory(finding);
    } else {
        verdict = result.verdict;
        if (verdict != MM1_PASS) {
            explain(history, &result, &ops[result.stuck], finding);
        }
    }
    mm1_give(alloc, ops, size);
    return verdict;
}

static void history_close(void *state, struct mm1_alloc *alloc)
{
    struct history *history = state;
    mm1_give(alloc, history->ops, history->capacity * sizeof(*history->ops));
}

/* --- acknowledged writes survive ------------------------------------------------------------------------------- */

/* What a client was told first about a version of a key: that it wrote it, or that it is there. */
struct fact {
    uint64_t key;
    uint64_t version;
    uint64_t value;
    uint64_t client;
    uint64_t told_ns;
    bool written;
};

/* The operation that a client waits for, and the latest fact about its key when it began; version 0: none. */
struct open {
    struct kv_invoked op;
    uint64_t invoked_ns;
    struct fact known;
};

struct survival {
    struct fact *facts; /* in order of (key, version) */
    size_t fact_count;
    size_t fact_capacity;
    struct open *opens; /* one for each client */
    size_t open_count;
    size_t open_capacity;
    uint64_t checks;
};

/* Index of the first fact that is not before (key, version). */
static size_t fact_place(const struct survival *s, uint64_t key, uint64_t version)
{
    size_t low = 0;
    size_t high = s->fact_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct fact *fact = &s->facts[middle];
        if (fact->key < key || (fact->key == key && fact->version < version)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static struct fact latest_fact(const struct survival *s, uint64_t key)
{
    size_t end = fact_place(s, key, UINT64_MAX);
    return end > 0 && s->facts[end - 1].key == key ? s->facts[end - 1] : (struct fact){.key = key};
}

static bool add_fact(struct survival *s, struct mm1_alloc *alloc, const struct fact *fact)
{
    void *items = s->facts;
    if (!grow(alloc, &items, sizeof(struct fact), s->fact_count, &s->fact_capacity)) {
        return false;
    }
    s->facts = items;
    size_t at = fact_place(s, fact->key, fact->version);
    memmove(&s->facts[at + 1], &s->facts[at], (s->fact_count - at) * sizeof(*s->facts));
    s->facts[at] = *fact;
    s->fact_count++;
    return true;
}

static struct open *open_of(struct survival *s, uint64_t client)
{
    for (size_t i = 0; i < s->open_count; i++) {
        if (s->opens[i].op.client == client) {
            return &s->opens[i];
        }
    }
    return NULL;
}

static enum mm1_verdict on_invoked(struct survival *s, struct mm1_alloc *alloc,
                                   const struct kv_invoked *m, uint64_t now_ns,
                                   struct mm1_finding *finding)
{
    struct open *open = open_of(s, m->client);
    if (open == NULL) {
        void *items = s->opens;
        if (!grow(alloc, &items, sizeof(struct open), s->open_count, &s->open_capacity)) {
            return no_memory(finding);
        }
        s->opens = items;
        open = &s->opens[s->open_count++];
    }
    *open = (struct open){.op = *m, .invoked_ns = now_ns, .known = latest_fact(s, m->key)};
    return MM1_PASS;
}

/* "client 2 was told at 1.204s that k3=17 (version 5) is stored" */
static int print_fact(const struct fact *fact, struct mm1_finding *finding)
{
    return snprintf(finding->text, sizeof(finding->text),
                    "client %llu was told at %s that k%llu=%llu (version %llu) %s",
                    (unsigned long long)fact->client, when(fact->told_ns).text,
                    (unsigned long long)fact->key, (unsigned long long)fact->value,
                    (unsigned long long)fact->version, fact->written ? "is stored" : "is there");
}

/* Says what was known, and what was answered against it. */
static enum mm1_verdict contradiction(const struct fact *known, const struct fact *answer,
                                      uint64_t asked_ns, struct mm1_finding *finding)
{
    size_t used = (size_t)print_fact(known, finding);
    char *rest = finding->text + used;
    size_t room = sizeof(finding->text) - used;
    if (known->version == answer->version) {
        snprintf(rest, room, "; client %llu was told at %s that this version is k%llu=%llu",
                 (unsigned long long)answer->client, when(answer->told_ns).text,
                 (unsigned long long)answer->key, (unsigned long long)answer->value);
    } else {
        snprintf(rest, room, "; a %s by client %llu, asked at %s, returned version %llu at %s",
                 answer->written ? "write" : "read", (unsigned long long)answer->client,
                 when(asked_ns).text, (unsigned long long)answer->version,
                 when(answer->told_ns).text);
    }
    return MM1_VIOLATED;
}

static enum mm1_verdict on_returned(struct survival *s, struct mm1_alloc *alloc,
                                    const struct kv_returned *m, uint64_t now_ns,
                                    struct mm1_finding *finding)
{
    const struct open *open = open_of(s, m->client);
    if (open == NULL || open->op.number != m->number) {
        return MM1_PASS;
    }
    struct fact answer = {.key = open->op.key,
                          .version = m->version,
                          .value = m->value,
                          .client = m->client,
                          .told_ns = now_ns,
                          .written = open->op.op == KV_WRITE};
    const struct fact *known = &open->known;
    s->checks += known->version > 0;
    if (answer.version < known->version || (answer.written && answer.version == known->version)) {
        return contradiction(known, &answer, open->invoked_ns, finding);
    }
    size_t at = fact_place(s, answer.key, answer.version);
    if (at < s->fact_count && s->facts[at].key == answer.key &&
        s->facts[at].version == answer.version) {
        return s->facts[at].value == answer.value
                   ? MM1_PASS
                   : contradiction(&s->facts[at], &answer, open->invoked_ns, finding);
    }
    return add_fact(s, alloc, &answer) ? MM1_PASS : no_memory(finding);
}

static enum mm1_verdict survival_see(void *state, struct mm1_alloc *alloc,
                                     const struct mm1_sight *sight, struct mm1_finding *finding)
{
    if (sees(sight, &kv_invoked_type)) {
        return on_invoked(state, alloc, sight->event->msg, sight->time_ns, finding);
    }
    if (sees(sight, &kv_returned_type)) {
        return on_returned(state, alloc, sight->event->msg, sight->time_ns, finding);
    }
    return MM1_PASS;
}

static enum mm1_verdict survival_end(void *state, struct mm1_alloc *alloc, uint64_t *evaluated,
                                     struct mm1_finding *finding)
{
    const struct survival *s = state;
    (void)alloc;
    (void)finding;
    *evaluated += s->checks;
    return MM1_PASS;
}

static void survival_close(void *state, struct mm1_alloc *alloc)
{
    struct survival *s = state;
    mm1_give(alloc, s->facts, s->fact_capacity * sizeof(*s->facts));
    mm1_give(alloc, s->opens, s->open_capacity * sizeof(*s->opens));
}

/* --- a retry is applied once ----------------------------------------------------------------------------------- */

/* How often a key was to be written. A version counts what was applied, so it cannot be greater. */
struct writes {
    uint64_t key;
    uint64_t asked;
};

struct once {
    struct writes *keys;
    size_t count;
    size_t capacity;
    uint64_t checks;
};

static struct writes *writes_of(struct once *once, struct mm1_alloc *alloc, uint64_t key)
{
    for (size_t i = 0; i < once->count; i++) {
        if (once->keys[i].key == key) {
            return &once->keys[i];
        }
    }
    void *items = once->keys;
    if (!grow(alloc, &items, sizeof(struct writes), once->count, &once->capacity)) {
        return NULL;
    }
    once->keys = items;
    once->keys[once->count] = (struct writes){.key = key};
    return &once->keys[once->count++];
}

static enum mm1_verdict once_see(void *state, struct mm1_alloc *alloc,
                                 const struct mm1_sight *sight, struct mm1_finding *finding)
{
    struct once *once = state;
    bool asked = sees(sight, &kv_invoked_type);
    if (!asked && !sees(sight, &kv_returned_type)) {
        return MM1_PASS;
    }
    const struct kv_invoked *invoked = sight->event->msg;
    const struct kv_returned *returned = sight->event->msg;
    struct writes *writes = writes_of(once, alloc, asked ? invoked->key : returned->key);
    if (writes == NULL) {
        return no_memory(finding);
    }
    if (asked) {
        writes->asked += invoked->op == KV_WRITE;
        return MM1_PASS;
    }
    once->checks++;
    if (returned->version <= writes->asked) {
        return MM1_PASS;
    }
    snprintf(finding->text, sizeof(finding->text),
             "k%llu was to be written %llu times, and client %llu was told at %s that it is at "
             "version %llu: "
             "a write was applied twice",
             (unsigned long long)returned->key, (unsigned long long)writes->asked,
             (unsigned long long)returned->client, when(sight->time_ns).text,
             (unsigned long long)returned->version);
    return MM1_VIOLATED;
}

static enum mm1_verdict once_end(void *state, struct mm1_alloc *alloc, uint64_t *evaluated,
                                 struct mm1_finding *finding)
{
    const struct once *once = state;
    (void)alloc;
    (void)finding;
    *evaluated += once->checks;
    return MM1_PASS;
}

static void once_close(void *state, struct mm1_alloc *alloc)
{
    struct once *once = state;
    mm1_give(alloc, once->keys, once->capacity * sizeof(*once->keys));
}

const struct mm1_property kv_properties[KV_PROPERTY_COUNT] = {
    {.name = "acknowledged-writes-survive",
     .about = "whoever asks after a version was acknowledged gets it, or a later one",
     .state_size = sizeof(struct survival),
     .see = survival_see,
     .end = survival_end,
     .close = survival_close},
    {.name = "linearizable",
     .about = "the reads and writes of each key can be put in one order that explains all answers",
     .state_size = sizeof(struct history),
     .see = history_see,
     .end = history_end,
     .close = history_close},
    {.name = "applied-once",
     .about = "no retry is applied a second time",
     .state_size = sizeof(struct once),
     .see = once_see,
     .end = once_end,
     .close = once_close},
};

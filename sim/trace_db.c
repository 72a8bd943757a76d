/* The writer of traces. Rows are gathered and go in several at a time, because a statement costs more than its rows. */
#define _GNU_SOURCE /* asprintf */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mm1/sched.h>

#include "sim/names.h"
#include "sim/trace_db.h"
#include "sim_schema.h"

#define ROWS 16u                      /* of one INSERT */
#define TEXT_SIZE ((size_t)256 << 10) /* of the texts of these rows */
#define ID_SHIFT 40

enum { EVENT_COLUMNS = 16, DECISION_COLUMNS = 8 };

#define ROW_1 "(?,?,?,?,?,?,?,?)"
#define ROW_2 "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
#define X4(row) row "," row "," row "," row
#define X16(row) X4(row) "," X4(row) "," X4(row) "," X4(row)
#define INSERT_EVENT                                                                               \
    "INSERT INTO event(id, time_ns, node, kind, actor, peer, peer_address, verb, status, type, "   \
    "message, text, cause, signal, number, hash) VALUES "
#define INSERT_DECISION "INSERT INTO decision(id, site, entity, nth, n, pick, key, enabled) VALUES "

enum statement {
    EVENT_ONE,
    EVENT_MANY,
    DECISION_ONE,
    DECISION_MANY,
    DECISION_KEY,
    TYPE,
    NODE,
    ACTOR,
    FAULT,
    PROPERTY,
    LOG,
    OUTPUT,
    RUN_BEGIN,
    RUN_END,
    STATEMENTS,
};

static const char *const statement_texts[STATEMENTS] = {
    [EVENT_ONE] = INSERT_EVENT ROW_2,
    [EVENT_MANY] = INSERT_EVENT X16(ROW_2),
    [DECISION_ONE] = INSERT_DECISION ROW_1,
    [DECISION_MANY] = INSERT_DECISION X16(ROW_1),
    [DECISION_KEY] = "INSERT INTO decision_key VALUES (?,?)",
    [TYPE] = "INSERT INTO type VALUES (?,?)",
    [NODE] = "INSERT INTO node VALUES (?,?,?,?,?)",
    [ACTOR] = "INSERT INTO actor VALUES (?,?,?,?,?,?,?,?,?)",
    [FAULT] = "INSERT INTO fault VALUES (?,?,?,?,?,?,?)",
    [PROPERTY] = "INSERT INTO property VALUES (?,?,?,?,?,?)",
    [LOG] = "INSERT INTO log VALUES (?,?,?,?,?,?,?,?)",
    [OUTPUT] = "INSERT INTO output VALUES (?,?,?,?)",
    [RUN_BEGIN] =
        "INSERT INTO run(id, seed, scenario, scenario_file, scenario_text, scenario_hash, "
        "system, system_abi, system_version, source_version, version, build_id, generator, "
        "strategy, options, options_hash) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    [RUN_END] =
        "UPDATE run SET verdict=?2, exit_code=?3, complete=?4, hash=?5, signature=?6, property=?7, "
        "text=?8, active_faults=?9, vacuous=?10, failed_seq=?11, failed_time_ns=?12, start_ns=?13, "
        "end_ns=?14, events=?15, steps=?16, decisions=?17, turns=?18, faults=?19, checks=?20 "
        "WHERE id=?1",
};

struct event_row {
    struct sim_event_row row; /* its texts are in `texts` */
    uint32_t type;
    bool own_address; /* the address is not that of `peer` */
};

struct sim_trace_db {
    struct sim_sink sink;
    sqlite3 *sqlite;
    sqlite3_stmt *statements[STATEMENTS];
    char *path;
    char *temporary;
    uint64_t run;
    struct event_row events[ROWS];
    size_t event_count;
    struct sim_decision decisions[ROWS];
    size_t decision_count;
    char *texts;
    size_t text_size;
    uint64_t *addresses; /* main addresses of the actors of this run */
    size_t address_count;
    size_t address_capacity;
    uint64_t lines[3];
    struct sim_names types;
    struct sim_names keys;
    mm1_status status;
    char error[SIM_ERROR_MAX];
};

/* --- errors --------------------------------------------------------------------------------------------------- */

/* A limit on the size of files acts like a full disk, but SQLite calls it an input/output error. */
static bool at_size_limit(const struct sim_trace_db *db)
{
    struct rlimit limit;
    struct stat file;
    return getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
           stat(db->temporary, &file) == 0 && (rlim_t)file.st_size + 65536 > limit.rlim_cur;
}

static void fail(struct sim_trace_db *db, int code)
{
    if (db->status != MM1_OK) {
        return;
    }
    int cause = sqlite3_system_errno(db->sqlite);
    bool full = code == SQLITE_FULL || cause == ENOSPC || cause == EDQUOT || cause == EFBIG ||
                ((code & 0xff) == SQLITE_IOERR && at_size_limit(db));
    db->status = full ? MM1_NO_SPACE : code == SQLITE_NOMEM ? MM1_NOMEM : MM1_IO;
    (void)snprintf(db->error, sizeof(db->error), "%s: the trace cannot be written: %s", db->path,
                   full ? "no space left" : sqlite3_errmsg(db->sqlite));
}

static void fail_nomem(struct sim_trace_db *db)
{
    if (db->status == MM1_OK) {
        db->status = MM1_NOMEM;
        (void)snprintf(db->error, sizeof(db->error),
                       "%s: the trace cannot be written: out of memory", db->path);
    }
}

static void run_sql(struct sim_trace_db *db, const char *text)
{
    if (db->status == MM1_OK) {
        int code = sqlite3_exec(db->sqlite, text, NULL, NULL, NULL);
        if (code != SQLITE_OK) {
            fail(db, code);
        }
    }
}

/* --- binding -------------------------------------------------------------------------------------------------- */

static sqlite3_stmt *prepared(struct sim_trace_db *db, enum statement which)
{
    if (db->status != MM1_OK) {
        return NULL;
    }
    if (db->statements[which] == NULL) {
        int code = sqlite3_prepare_v3(db->sqlite, statement_texts[which], -1,
                                      SQLITE_PREPARE_PERSISTENT, &db->statements[which], NULL);
        if (code != SQLITE_OK) {
            fail(db, code);
            return NULL;
        }
    }
    return db->statements[which];
}

static void step(struct sim_trace_db *db, sqlite3_stmt *statement)
{
    int code = sqlite3_step(statement);
    if (code != SQLITE_DONE) {
        fail(db, code);
    }
    (void)sqlite3_reset(statement);
}

static void bind_u64(sqlite3_stmt *statement, int at, uint64_t value)
{
    (void)sqlite3_bind_int64(statement, at, (int64_t)value);
}

/* 0 stands for nothing. */
static void bind_some(sqlite3_stmt *statement, int at, uint64_t value)
{
    if (value == 0) {
        (void)sqlite3_bind_null(statement, at);
    } else {
        (void)sqlite3_bind_int64(statement, at, (int64_t)value);
    }
}

static void bind_text(sqlite3_stmt *statement, int at, const char *text)
{
    (void)sqlite3_bind_text(statement, at, text == NULL ? "" : text, -1, SQLITE_STATIC);
}

static void bind_view(sqlite3_stmt *statement, int at, struct mm1_text text)
{
    if (text.size == 0) {
        (void)sqlite3_bind_null(statement, at);
    } else {
        (void)sqlite3_bind_text(statement, at, text.data, (int)text.size, SQLITE_STATIC);
    }
}

static void bind_hex(sqlite3_stmt *statement, int at, const char *prefix, uint64_t value)
{
    char text[24];
    int size = snprintf(text, sizeof(text), "%s%016llx", prefix, (unsigned long long)value);
    (void)sqlite3_bind_text(statement, at, text, size, SQLITE_TRANSIENT);
}

/* --- events and decisions ------------------------------------------------------------------------------------- */

static void bind_event(const struct sim_trace_db *db, sqlite3_stmt *statement, int at,
                       const struct event_row *event)
{
    const struct sim_event_row *row = &event->row;
    bind_u64(statement, at, db->run << ID_SHIFT | row->seq);
    bind_u64(statement, at + 1, row->time_ns);
    if (row->node < 0) {
        (void)sqlite3_bind_null(statement, at + 2);
    } else {
        (void)sqlite3_bind_int(statement, at + 2, row->node);
    }
    (void)sqlite3_bind_text(statement, at + 3, mm1_event_text(row->kind), -1, SQLITE_STATIC);
    bind_some(statement, at + 4, row->actor);
    bind_some(statement, at + 5, row->peer);
    if (event->own_address) {
        bind_u64(statement, at + 6, row->peer_address.bits);
    } else {
        (void)sqlite3_bind_null(statement, at + 6);
    }
    if (row->verb < 0) {
        (void)sqlite3_bind_null(statement, at + 7);
    } else {
        (void)sqlite3_bind_int(statement, at + 7, row->verb);
    }
    (void)sqlite3_bind_int(statement, at + 8, (int)row->status);
    bind_some(statement, at + 9, event->type);
    bind_view(statement, at + 10, row->json);
    bind_view(statement, at + 11, row->text);
    bind_some(statement, at + 12, row->cause);
    bind_some(statement, at + 13, row->signal);
    bind_some(statement, at + 14, row->number);
    bind_u64(statement, at + 15, row->hash);
}

static void flush_events(struct sim_trace_db *db)
{
    bool many = db->event_count == ROWS;
    sqlite3_stmt *statement = prepared(db, many ? EVENT_MANY : EVENT_ONE);
    for (size_t i = 0; i < db->event_count && db->status == MM1_OK; i++) {
        bind_event(db, statement, many ? 1 + (int)i * EVENT_COLUMNS : 1, &db->events[i]);
        if (!many || i + 1 == ROWS) {
            step(db, statement);
        }
    }
    db->event_count = 0;
    db->text_size = 0;
}

static void bind_decision(const struct sim_trace_db *db, sqlite3_stmt *statement, int at,
                          const struct sim_decision *decision)
{
    bind_u64(statement, at, db->run << ID_SHIFT | decision->step);
    bind_u64(statement, at + 1, decision->site);
    bind_u64(statement, at + 2, decision->entity);
    bind_u64(statement, at + 3, decision->nth);
    bind_u64(statement, at + 4, decision->n);
    bind_u64(statement, at + 5, decision->pick);
    bind_u64(statement, at + 6, decision->key);
    bind_u64(statement, at + 7, decision->enabled);
}

static void flush_decisions(struct sim_trace_db *db)
{
    bool many = db->decision_count == ROWS;
    sqlite3_stmt *statement = prepared(db, many ? DECISION_MANY : DECISION_ONE);
    for (size_t i = 0; i < db->decision_count && db->status == MM1_OK; i++) {
        bind_decision(db, statement, many ? 1 + (int)i * DECISION_COLUMNS : 1, &db->decisions[i]);
        if (!many || i + 1 == ROWS) {
            step(db, statement);
        }
    }
    db->decision_count = 0;
}

/* Copies a text that lives until the rows are flushed. */
static struct mm1_text keep(struct sim_trace_db *db, struct mm1_text text)
{
    if (text.size == 0) {
        return text;
    }
    char *copy = db->texts + db->text_size;
    memcpy(copy, text.data, text.size);
    db->text_size += text.size;
    return (struct mm1_text){.data = copy, .size = text.size};
}

static uint32_t type_number(struct sim_trace_db *db, const char *name)
{
    bool fresh = false;
    if (name == NULL) {
        return 0;
    }
    uint32_t number = sim_names_number(&db->types, mm1_text_of(name), &fresh);
    if (number == 0) {
        fail_nomem(db);
    }
    sqlite3_stmt *statement = fresh ? prepared(db, TYPE) : NULL;
    if (statement != NULL) {
        bind_u64(statement, 1, number);
        bind_text(statement, 2, name);
        step(db, statement);
    }
    return number;
}

static void sink_event(struct sim_sink *self, const struct sim_event_row *row)
{
    struct sim_trace_db *db = (struct sim_trace_db *)(void *)self;
    if (db->status != MM1_OK) {
        return;
    }
    struct event_row event = {.row = *row, .type = type_number(db, row->type)};
    bool known = row->peer > 0 && row->peer <= db->address_count;
    event.own_address = known ? db->addresses[row->peer - 1] != row->peer_address.bits
                              : row->peer_address.bits != 0;
    size_t size = row->json.size + row->text.size;
    if (size > TEXT_SIZE - db->text_size) {
        flush_events(db);
    }
    if (size > TEXT_SIZE) {
        sqlite3_stmt *statement = prepared(db, EVENT_ONE);
        if (statement != NULL) {
            bind_event(db, statement, 1, &event);
            step(db, statement);
        }
        return;
    }
    event.row.json = keep(db, row->json);
    event.row.text = keep(db, row->text);
    db->events[db->event_count++] = event;
    if (db->event_count == ROWS) {
        flush_events(db);
    }
}

static void sink_decision(struct sim_sink *self, const struct sim_decision *decision)
{
    struct sim_trace_db *db = (struct sim_trace_db *)(void *)self;
    bool nomem = false;
    if (db->status != MM1_OK) {
        return;
    }
    if (decision->key_text[0] != '\0' && sim_names_add_key(&db->keys, decision->key, &nomem)) {
        sqlite3_stmt *statement = prepared(db, DECISION_KEY);
        if (statement != NULL) {
            bind_u64(statement, 1, decision->key);
            bind_text(statement, 2, decision->key_text);
            step(db, statement);
        }
    }
    if (nomem) {
        fail_nomem(db);
    }
    struct sim_decision *copy = &db->decisions[db->decision_count++];
    memcpy(copy, decision, offsetof(struct sim_decision, key_text));
    if (db->decision_count == ROWS) {
        flush_decisions(db);
    }
}

/* --- the rarer rows ------------------------------------------------------------------------------------------- */

static void sink_node(struct sim_sink *self, const struct sim_node_row *row)
{
    struct sim_trace_db *db = (struct sim_trace_db *)(void *)self;
    sqlite3_stmt *statement = prepared(db, NODE);
    if (statement != NULL) {
        bind_u64(statement, 1, db->run);
        bind_u64(statement, 2, row->node);
        bind_text(statement, 3, row->name);
        bind_text(statement, 4, row->host);
        bind_text(statement, 5, row->role);
        step(db, statement);
    }
}

/* Notes the main address of an actor, so that most events need not repeat it. */
static void note_address(struct sim_trace_db *db, const struct sim_actor_row *row)
{
    if (row->actor != db->address_count + 1) {
        return;
    }
    if (db->address_count == db->address_capacity) {
        size_t capacity = db->address_capacity == 0 ? 256 : db->address_capacity * 2;
        uint64_t *addresses = realloc(db->addresses, capacity * sizeof(*addresses));
        if (addresses == NULL) {
            fail_nomem(db);
            return;
        }
        db->addresses = addresses;
        db->address_capacity = capacity;
    }
    db->addresses[db->address_count++] = row->address.bits;
}

static void sink_actor(struct sim_sink *self, const struct sim_actor_row *row)
{
    struct sim_trace_db *db = (struct sim_trace_db *)(void *)self;
    sqlite3_stmt *statement = prepared(db, ACTOR);
    if (statement != NULL) {
        note_address(db, row);
        bind_u64(statement, 1, db->run);
        bind_u64(statement, 2, row->actor);
        bind_u64(statement, 3, row->node);
        bind_some(statement, 4, row->parent);
        bind_u64(statement, 5, row->born);
        bind_text(statement, 6, row->path);
        bind_text(statement, 7, row->behaviour);
        bind_u64(statement, 8, row->incarnation);
        bind_hex(statement, 9, "", row->address.bits);
        step(db, statement);
    }
}

static void sink_fault(struct sim_sink *self, uint64_t seq, uint64_t time_ns, uint64_t fault,
                       bool heals, const char *kind, const char *what)
{
    struct sim_trace_db *db = (struct sim_trace_db *)(void *)self;
    sqlite3_stmt *statement = prepared(db, FAULT);
    if (statement != NULL) {
        bind_u64(statement, 1, db->run);
        bind_u64(statement, 2, fault);
        bind_u64(statement, 3, seq);
        bind_u64(statement, 4, time_ns);
        bind_u64(statement, 5, heals ? 1 : 0);
        bind_text(statement, 6, kind);
        bind_text(statement, 7, what);
        step(db, statement);
    }
}

static void sink_property(struct sim_sink *self, const char *name, enum mm1_verdict verdict,
                          uint64_t evaluated, uint64_t seq, const char *text)
{
    struct sim_trace_db *db = (struct sim_trace_db *)(void *)self;
    static const char *const verdicts[] = {"pass", "violated", "inconclusive"};
    sqlite3_stmt *statement = prepared(db, PROPERTY);
    if (statement != NULL) {
        bind_u64(statement, 1, db->run);
        bind_text(statement, 2, name);
        bind_text(statement, 3, verdicts[verdict]);
        bind_u64(statement, 4, evaluated);
        bind_some(statement, 5, seq);
        bind_text(statement, 6, text);
        step(db, statement);
    }
}

static void sink_log(struct sim_sink *self, const struct sim_log_row *row)
{
    struct sim_trace_db *db = (struct sim_trace_db *)(void *)self;
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    sqlite3_stmt *statement = prepared(db, LOG);
    if (statement != NULL) {
        bind_u64(statement, 1, db->run);
        bind_u64(statement, 2, row->line);
        bind_u64(statement, 3, row->seq);
        bind_u64(statement, 4, row->time_ns);
        bind_u64(statement, 5, row->node);
        bind_some(statement, 6, row->actor);
        bind_text(statement, 7, levels[row->level]);
        (void)sqlite3_bind_text(statement, 8, row->text.data, (int)row->text.size,
                                SQLITE_TRANSIENT);
        step(db, statement);
    }
}

static const struct sim_sink_ops sink_ops = {
    .node = sink_node,
    .actor = sink_actor,
    .event = sink_event,
    .decision = sink_decision,
    .log = sink_log,
    .fault = sink_fault,
    .property = sink_property,
};

void sim_trace_db_output(struct sim_trace_db *db, int stream, struct mm1_text text)
{
    MM1_CHECK(stream == 1 || stream == 2);
    while (text.size > 0) {
        const char *end = memchr(text.data, '\n', text.size);
        size_t size = end == NULL ? text.size : (size_t)(end - text.data);
        sqlite3_stmt *statement = prepared(db, OUTPUT);
        if (statement == NULL) {
            return;
        }
        bind_u64(statement, 1, db->run);
        bind_u64(statement, 2, (uint64_t)stream);
        bind_u64(statement, 3, ++db->lines[stream]);
        (void)sqlite3_bind_text(statement, 4, text.data, (int)size, SQLITE_STATIC);
        step(db, statement);
        size += end == NULL ? 0 : 1;
        text.data += size;
        text.size -= size;
    }
}

/* --- runs ----------------------------------------------------------------------------------------------------- */

uint64_t sim_trace_db_begin(struct sim_trace_db *db, const struct sim_identity *identity,
                            uint64_t seed)
{
    sqlite3_stmt *statement = prepared(db, RUN_BEGIN);
    db->run++;
    db->address_count = 0;
    db->lines[1] = db->lines[2] = 0;
    if (statement != NULL) {
        bind_u64(statement, 1, db->run);
        bind_hex(statement, 2, "0x", seed);
        bind_text(statement, 3, identity->scenario);
        bind_text(statement, 4, identity->scenario_file);
        (void)sqlite3_bind_text(statement, 5, identity->scenario_text.data,
                                (int)identity->scenario_text.size, SQLITE_STATIC);
        bind_text(statement, 6, identity->scenario_hash);
        bind_text(statement, 7, identity->system);
        bind_u64(statement, 8, identity->system_abi);
        bind_text(statement, 9, identity->system_version);
        bind_text(statement, 10, identity->source_version);
        bind_text(statement, 11, identity->version);
        bind_text(statement, 12, identity->build_id);
        bind_text(statement, 13, identity->generator);
        bind_text(statement, 14, identity->strategy);
        bind_text(statement, 15, identity->options);
        bind_text(statement, 16, identity->options_hash);
        step(db, statement);
    }
    return db->run;
}

static void flush(struct sim_trace_db *db)
{
    flush_events(db);
    flush_decisions(db);
}

void sim_trace_db_end(struct sim_trace_db *db, const struct sim_result *result, bool complete)
{
    flush(db);
    sqlite3_stmt *statement = prepared(db, RUN_END);
    if (statement == NULL) {
        return;
    }
    bind_u64(statement, 1, db->run);
    bind_text(statement, 2, sim_verdict_text(result->verdict));
    (void)sqlite3_bind_int(statement, 3, sim_verdict_exit(result->verdict));
    bind_u64(statement, 4, complete ? 1 : 0);
    bind_hex(statement, 5, "", result->hash);
    bind_text(statement, 6, result->signature);
    bind_text(statement, 7, result->property);
    bind_text(statement, 8, result->text);
    bind_text(statement, 9, result->active_faults);
    bind_text(statement, 10, result->vacuous);
    bind_u64(statement, 11, result->failed_seq);
    bind_u64(statement, 12, result->failed_time_ns);
    bind_u64(statement, 13, result->start_ns);
    bind_u64(statement, 14, result->end_ns);
    bind_u64(statement, 15, result->events);
    bind_u64(statement, 16, result->steps);
    bind_u64(statement, 17, result->decisions);
    bind_u64(statement, 18, result->turns);
    bind_u64(statement, 19, result->faults);
    bind_u64(statement, 20, result->checks);
    step(db, statement);
}

/* --- the file ------------------------------------------------------------------------------------------------- */

/* A list of numbered names, for the tables that explain the integers. */
struct numbered {
    const char *table;
    const char *const *names;
    size_t count;
};

static void store_names(struct sim_trace_db *db, const struct numbered *list)
{
    char text[256];
    for (size_t i = 0; i < list->count; i++) {
        (void)snprintf(text, sizeof(text), "INSERT INTO %s VALUES (%zu, '%s')", list->table, i,
                       list->names[i]);
        run_sql(db, text);
    }
}

static void make_tables(struct sim_trace_db *db)
{
    static const char *const verbs[] = {
#define NAME(code, text) text,
        MM1_EFFECT_MAP(NAME)};
    static const char *const statuses[] = {MM1_STATUS_MAP(NAME)};
    static const char *const sites[] = {SIM_SITE_MAP(NAME)
#undef NAME
    };
    static const struct numbered lists[] = {
        {"verb", verbs, MM1_COUNT_OF(verbs)},
        {"status", statuses, MM1_COUNT_OF(statuses)},
        {"site", sites, MM1_COUNT_OF(sites)},
    };
    char text[128];
    run_sql(db, "PRAGMA page_size=8192; PRAGMA cache_size=-65536; PRAGMA locking_mode=EXCLUSIVE;"
                "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF; PRAGMA secure_delete=OFF;"
                "PRAGMA temp_store=MEMORY;");
    (void)snprintf(text, sizeof(text), "PRAGMA application_id=%d; PRAGMA user_version=%d; BEGIN",
                   SIM_TRACE_APPLICATION_ID, SIM_TRACE_SCHEMA_VERSION);
    run_sql(db, text);
    run_sql(db, sim_schema_tables);
    for (size_t i = 0; i < MM1_COUNT_OF(lists); i++) {
        store_names(db, &lists[i]);
    }
}

static void close_sqlite(struct sim_trace_db *db)
{
    for (size_t i = 0; i < STATEMENTS; i++) {
        (void)sqlite3_finalize(db->statements[i]);
    }
    (void)sqlite3_close(db->sqlite);
    db->sqlite = NULL;
}

static void free_db(struct sim_trace_db *db)
{
    sim_names_close(&db->types);
    sim_names_close(&db->keys);
    free(db->addresses);
    free(db->texts);
    free(db->temporary);
    free(db->path);
    free(db);
}

void sim_trace_db_abandon(struct sim_trace_db *db)
{
    if (db == NULL) {
        return;
    }
    close_sqlite(db);
    if (db->temporary != NULL) {
        (void)unlink(db->temporary);
    }
    free_db(db);
}

/* Creates the temporary file, so that an error has a cause that a person understands. */
static int create(struct sim_trace_db *db)
{
    struct stat stat_of;
    if (stat(db->path, &stat_of) == 0 && S_ISDIR(stat_of.st_mode)) {
        return EISDIR;
    }
    (void)unlink(db->temporary); /* of a dead process that had this number */
    int file = open(db->temporary, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0666);
    if (file < 0) {
        return errno;
    }
    (void)close(file);
    return 0;
}

mm1_status sim_trace_db_open(const char *path, struct sim_trace_db **out, char error[SIM_ERROR_MAX])
{
    struct sim_trace_db *db = calloc(1, sizeof(*db));
    if (db == NULL) {
        (void)snprintf(error, SIM_ERROR_MAX, "%s: out of memory", path);
        return MM1_NOMEM;
    }
    db->sink.ops = &sink_ops;
    db->path = strdup(path);
    db->texts = malloc(TEXT_SIZE);
    if (db->path == NULL || db->texts == NULL ||
        asprintf(&db->temporary, "%s.tmp-%ld", path, (long)getpid()) < 0) {
        db->temporary = NULL;
        sim_trace_db_abandon(db);
        (void)snprintf(error, SIM_ERROR_MAX, "%s: out of memory", path);
        return MM1_NOMEM;
    }
    int cause = create(db);
    if (cause != 0) {
        (void)snprintf(error, SIM_ERROR_MAX, "%s: the trace cannot be written: %s", path,
                       strerror(cause));
        free_db(db);
        return MM1_IO;
    }
    int code = sqlite3_open_v2(db->temporary, &db->sqlite,
                               SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);
    if (code != SQLITE_OK) {
        fail(db, code);
    }
    make_tables(db);
    if (db->status != MM1_OK) {
        mm1_status status = db->status;
        (void)snprintf(error, SIM_ERROR_MAX, "%s", db->error);
        sim_trace_db_abandon(db);
        return status;
    }
    *out = db;
    return MM1_OK;
}

mm1_status sim_trace_db_commit(struct sim_trace_db *db, char error[SIM_ERROR_MAX])
{
    flush(db);
    run_sql(db, sim_schema_indexes);
    run_sql(db, "COMMIT");
    mm1_status status = db->status;
    if (status == MM1_OK) {
        close_sqlite(db);
        if (rename(db->temporary, db->path) == 0) {
            free_db(db);
            return MM1_OK;
        }
        status = MM1_IO;
        (void)snprintf(db->error, sizeof(db->error), "%s: the trace cannot be put in place: %s",
                       db->path, strerror(errno));
    }
    (void)snprintf(error, SIM_ERROR_MAX, "%s", db->error);
    sim_trace_db_abandon(db);
    return status;
}

const char *sim_trace_db_error(const struct sim_trace_db *db)
{
    return db->status == MM1_OK ? NULL : db->error;
}

struct sim_sink *sim_trace_db_sink(struct sim_trace_db *db)
{
    return &db->sink;
}

sqlite3 *sim_trace_db_handle(struct sim_trace_db *db)
{
    return db->sqlite;
}

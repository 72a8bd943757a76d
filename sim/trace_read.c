/* Reading traces. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/trace_read.h"

#define ID_SHIFT 40

struct sim_trace {
    sqlite3 *sqlite;
    char *path;
};

/* --- opening -------------------------------------------------------------------------------------------------- */

/* What SQLite would only find out late, or say unclearly. Null: the file may be a trace. */
static const char *look(const char *path, int *cause)
{
    uint8_t head[100];
    struct stat file;
    *cause = 0;
    FILE *stream = fopen(path, "rbe");
    if (stream == NULL) {
        *cause = errno;
        return strerror(errno);
    }
    size_t got = fread(head, 1, sizeof(head), stream);
    bool failed = ferror(stream) != 0 || fstat(fileno(stream), &file) != 0;
    *cause = failed ? errno : 0;
    (void)fclose(stream);
    if (failed) {
        return strerror(*cause);
    }
    if (got < 16 || memcmp(head, "SQLite format 3", 16) != 0) {
        return got == 0 ? "it is empty, not a trace" : "it is not a SQLite file";
    }
    if (got < sizeof(head)) {
        return "it is truncated";
    }
    uint64_t page = (uint64_t)head[16] << 8 | head[17];
    uint64_t pages =
        (uint64_t)head[28] << 24 | (uint64_t)head[29] << 16 | (uint64_t)head[30] << 8 | head[31];
    page = page == 1 ? 65536 : page;
    return (uint64_t)file.st_size < page * pages ? "it is truncated" : NULL;
}

static int64_t pragma(sqlite3 *sqlite, const char *text)
{
    sqlite3_stmt *statement = NULL;
    int64_t value = -1;
    if (sqlite3_prepare_v2(sqlite, text, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW) {
        value = sqlite3_column_int64(statement, 0);
    }
    (void)sqlite3_finalize(statement);
    return value;
}

static mm1_status check(struct sim_trace *trace, char error[SIM_ERROR_MAX])
{
    int64_t application = pragma(trace->sqlite, "PRAGMA application_id");
    int64_t version = pragma(trace->sqlite, "PRAGMA user_version");
    if (application != SIM_TRACE_APPLICATION_ID) {
        (void)snprintf(error, SIM_ERROR_MAX, "%s: a SQLite file, but not a trace", trace->path);
        return MM1_INVALID;
    }
    if (version != SIM_TRACE_SCHEMA_VERSION) {
        (void)snprintf(error, SIM_ERROR_MAX,
                       "%s: a trace of schema version %lld; this program reads version %d",
                       trace->path, (long long)version, SIM_TRACE_SCHEMA_VERSION);
        return MM1_INVALID;
    }
    return MM1_OK;
}

mm1_status sim_trace_open(const char *path, struct sim_trace **out, char error[SIM_ERROR_MAX])
{
    int cause = 0;
    const char *wrong = look(path, &cause);
    if (wrong != NULL) {
        (void)snprintf(error, SIM_ERROR_MAX, "%s: the trace cannot be read: %s", path, wrong);
        return MM1_INVALID;
    }
    struct sim_trace *trace = calloc(1, sizeof(*trace));
    if (trace != NULL) {
        trace->path = strdup(path);
    }
    if (trace == NULL || trace->path == NULL) {
        sim_trace_close(trace);
        (void)snprintf(error, SIM_ERROR_MAX, "%s: out of memory", path);
        return MM1_NOMEM;
    }
    int code =
        sqlite3_open_v2(path, &trace->sqlite, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL);
    if (code == SQLITE_OK) { /* reads the first page, and finds what is broken there */
        code = sqlite3_exec(trace->sqlite, "SELECT 1 FROM sqlite_schema", NULL, NULL, NULL);
    }
    mm1_status status = MM1_INVALID;
    if (code != SQLITE_OK) {
        (void)snprintf(error, SIM_ERROR_MAX, "%s: the trace cannot be read: %s", path,
                       sqlite3_errmsg(trace->sqlite));
    } else {
        status = check(trace, error);
    }
    if (status != MM1_OK) {
        sim_trace_close(trace);
        return status;
    }
    *out = trace;
    return MM1_OK;
}

void sim_trace_close(struct sim_trace *trace)
{
    if (trace != NULL) {
        (void)sqlite3_close(trace->sqlite);
        free(trace->path);
        free(trace);
    }
}

sqlite3 *sim_trace_handle(struct sim_trace *trace)
{
    return trace->sqlite;
}

/* --- a run ---------------------------------------------------------------------------------------------------- */

static void read_text(sqlite3_stmt *row, int column, char *to, size_t size)
{
    const unsigned char *text = sqlite3_column_text(row, column);
    (void)snprintf(to, size, "%s", text == NULL ? "" : (const char *)text);
}

static uint64_t read_u64(sqlite3_stmt *row, int column)
{
    return (uint64_t)sqlite3_column_int64(row, column);
}

static enum sim_verdict verdict_of(const char *text)
{
    for (int verdict = SIM_PASSED; verdict <= SIM_EXPECTATION; verdict++) {
        if (strcmp(text, sim_verdict_text((enum sim_verdict)verdict)) == 0) {
            return (enum sim_verdict)verdict;
        }
    }
    return SIM_UNABLE;
}

#define RUN_COLUMNS                                                                                \
    "id, seed, verdict, complete, hash, signature, property, text, active_faults, vacuous, "       \
    "failed_seq, failed_time_ns, start_ns, end_ns, events, steps, decisions, turns, faults, "      \
    "checks, system_abi, scenario, scenario_file, scenario_text, scenario_hash, system, "          \
    "system_version, source_version, version, build_id, generator, strategy, options, "            \
    "options_hash, (SELECT count(*) FROM decision WHERE id BETWEEN (run.id << 40) AND "            \
    "(run.id << 40) + 1099511627775)"
enum { FIRST_TEXT = 21 };

static void read_result(sqlite3_stmt *row, struct sim_result *result)
{
    char word[64];
    read_text(row, 1, word, sizeof(word));
    result->seed = strtoull(word, NULL, 16);
    read_text(row, 2, word, sizeof(word));
    result->verdict = verdict_of(word);
    read_text(row, 4, word, sizeof(word));
    result->hash = strtoull(word, NULL, 16);
    read_text(row, 5, result->signature, sizeof(result->signature));
    read_text(row, 6, result->property, sizeof(result->property));
    read_text(row, 7, result->text, sizeof(result->text));
    read_text(row, 8, result->active_faults, sizeof(result->active_faults));
    read_text(row, 9, result->vacuous, sizeof(result->vacuous));
    result->failed_seq = read_u64(row, 10);
    result->failed_time_ns = read_u64(row, 11);
    result->start_ns = read_u64(row, 12);
    result->end_ns = read_u64(row, 13);
    result->events = read_u64(row, 14);
    result->steps = read_u64(row, 15);
    result->decisions = read_u64(row, 16);
    result->turns = read_u64(row, 17);
    result->faults = read_u64(row, 18);
    result->checks = read_u64(row, 19);
}

static bool read_identity(sqlite3_stmt *row, struct sim_recorded *recorded)
{
    for (int i = 0; i < (int)MM1_COUNT_OF(recorded->texts); i++) {
        const unsigned char *text = sqlite3_column_text(row, FIRST_TEXT + i);
        recorded->texts[i] = strdup(text == NULL ? "" : (const char *)text);
        if (recorded->texts[i] == NULL) {
            return false;
        }
    }
    char **t = recorded->texts;
    recorded->identity = (struct sim_identity){
        .scenario = t[0],
        .scenario_file = t[1],
        .scenario_text = mm1_text_of(t[2]),
        .scenario_hash = t[3],
        .system = t[4],
        .system_version = t[5],
        .source_version = t[6],
        .version = t[7],
        .build_id = t[8],
        .generator = t[9],
        .strategy = t[10],
        .options = t[11],
        .options_hash = t[12],
        .system_abi = (uint32_t)read_u64(row, 20),
    };
    return true;
}

static mm1_status read_run(struct sim_trace *trace, sqlite3_stmt *row, uint64_t run,
                           struct sim_recorded *recorded, char error[SIM_ERROR_MAX])
{
    int code = sqlite3_step(row);
    if (code == SQLITE_DONE) {
        if (run == 0) {
            (void)snprintf(error, SIM_ERROR_MAX, "%s: the trace holds no run", trace->path);
        } else {
            (void)snprintf(error, SIM_ERROR_MAX, "%s: the trace holds no run #%llu; it has %lld",
                           trace->path, (unsigned long long)run,
                           (long long)pragma(trace->sqlite, "SELECT count(*) FROM run"));
        }
        return MM1_NOT_FOUND;
    }
    if (code != SQLITE_ROW) {
        (void)snprintf(error, SIM_ERROR_MAX, "%s: the trace cannot be read: %s", trace->path,
                       sqlite3_errmsg(trace->sqlite));
        return MM1_INVALID;
    }
    recorded->run = read_u64(row, 0);
    recorded->complete = read_u64(row, 3) != 0;
    recorded->decision_count =
        (size_t)read_u64(row, FIRST_TEXT + (int)MM1_COUNT_OF(recorded->texts));
    read_result(row, &recorded->result);
    if (!read_identity(row, recorded)) {
        (void)snprintf(error, SIM_ERROR_MAX, "%s: out of memory", trace->path);
        return MM1_NOMEM;
    }
    return MM1_OK;
}

mm1_status sim_trace_run(struct sim_trace *trace, uint64_t run, struct sim_recorded **out,
                         char error[SIM_ERROR_MAX])
{
    sqlite3_stmt *row = NULL;
    struct sim_recorded *recorded = calloc(1, sizeof(*recorded));
    if (recorded == NULL) {
        (void)snprintf(error, SIM_ERROR_MAX, "%s: out of memory", trace->path);
        return MM1_NOMEM;
    }
    /* Seeds are texts of one length, so that their order is that of the numbers. */
    const char *text = run == 0 ? "SELECT " RUN_COLUMNS " FROM run ORDER BY seed, id LIMIT 1"
                                : "SELECT " RUN_COLUMNS " FROM run WHERE id = ?";
    mm1_status status = MM1_INVALID;
    if (sqlite3_prepare_v2(trace->sqlite, text, -1, &row, NULL) != SQLITE_OK) {
        (void)snprintf(error, SIM_ERROR_MAX, "%s: the trace cannot be read: %s", trace->path,
                       sqlite3_errmsg(trace->sqlite));
    } else {
        if (run != 0) {
            (void)sqlite3_bind_int64(row, 1, (int64_t)run);
        }
        status = read_run(trace, row, run, recorded, error);
    }
    (void)sqlite3_finalize(row);
    if (status != MM1_OK) {
        sim_recorded_free(recorded);
        return status;
    }
    *out = recorded;
    return MM1_OK;
}

void sim_recorded_free(struct sim_recorded *recorded)
{
    if (recorded != NULL) {
        for (size_t i = 0; i < MM1_COUNT_OF(recorded->texts); i++) {
            free(recorded->texts[i]);
        }
        free(recorded);
    }
}

mm1_status sim_trace_decisions(struct sim_trace *trace, uint64_t run, struct sim_decision *items,
                               size_t count, char error[SIM_ERROR_MAX])
{
    sqlite3_stmt *row = NULL;
    size_t got = 0;
    int code = sqlite3_prepare_v2(
        trace->sqlite,
        "SELECT step, site, entity, nth, n, pick, d.key, enabled, k.text FROM decision d "
        "LEFT JOIN decision_key k ON k.key = d.key WHERE d.id BETWEEN ?1 AND ?2 ORDER BY d.id",
        -1, &row, NULL);
    if (code == SQLITE_OK) {
        (void)sqlite3_bind_int64(row, 1, (int64_t)(run << ID_SHIFT));
        (void)sqlite3_bind_int64(row, 2, (int64_t)((run + 1) << ID_SHIFT) - 1);
        while ((code = sqlite3_step(row)) == SQLITE_ROW && got < count) {
            struct sim_decision *item = &items[got++];
            item->step = read_u64(row, 0);
            item->site = (uint32_t)read_u64(row, 1);
            item->entity = read_u64(row, 2);
            item->nth = read_u64(row, 3);
            item->n = read_u64(row, 4);
            item->pick = read_u64(row, 5);
            item->key = read_u64(row, 6);
            item->enabled = read_u64(row, 7);
            read_text(row, 8, item->key_text, sizeof(item->key_text));
        }
    }
    if (code != SQLITE_DONE || got != count) {
        (void)snprintf(error, SIM_ERROR_MAX, "%s: the decisions of the trace cannot be read: %s",
                       trace->path, sqlite3_errmsg(trace->sqlite));
        (void)sqlite3_finalize(row);
        return MM1_INVALID;
    }
    (void)sqlite3_finalize(row);
    return MM1_OK;
}

/* --- events --------------------------------------------------------------------------------------------------- */

mm1_status sim_trace_cursor_open(sqlite3 *sqlite, uint64_t run, struct sim_trace_cursor *cursor)
{
    cursor->statement = NULL;
    int code = sqlite3_prepare_v2(
        sqlite,
        "SELECT e.seq, e.time_ns, coalesce(e.node, -1), e.kind, e.actor, e.peer, e.peer_address, "
        "coalesce(e.verb, -1), e.status, t.name, e.message, e.text, e.cause, e.signal, e.number, "
        "e.hash "
        "FROM event e LEFT JOIN type t ON t.id = e.type WHERE e.id BETWEEN ?1 AND ?2 ORDER BY e.id",
        -1, &cursor->statement, NULL);
    if (code != SQLITE_OK) {
        return MM1_INVALID;
    }
    (void)sqlite3_bind_int64(cursor->statement, 1, (int64_t)(run << ID_SHIFT));
    (void)sqlite3_bind_int64(cursor->statement, 2, (int64_t)((run + 1) << ID_SHIFT) - 1);
    return MM1_OK;
}

static enum mm1_event_kind kind_of(const char *text)
{
    for (int kind = 0; text != NULL && kind <= (int)MM1_EVENT_PROPERTY; kind++) {
        if (strcmp(text, mm1_event_text((enum mm1_event_kind)kind)) == 0) {
            return (enum mm1_event_kind)kind;
        }
    }
    return MM1_EVENT_SPAWN;
}

static struct mm1_text view_of(sqlite3_stmt *s, int column)
{
    const char *data = (const char *)sqlite3_column_text(s, column);
    return (struct mm1_text){.data = data, .size = (size_t)sqlite3_column_bytes(s, column)};
}

bool sim_trace_cursor_next(struct sim_trace_cursor *cursor, struct sim_event_row *row, int *code)
{
    sqlite3_stmt *s = cursor->statement;
    *code = sqlite3_step(s);
    if (*code != SQLITE_ROW) {
        return false;
    }
    *row = (struct sim_event_row){
        .seq = read_u64(s, 0),
        .time_ns = read_u64(s, 1),
        .node = (int32_t)sqlite3_column_int(s, 2),
        .kind = kind_of((const char *)sqlite3_column_text(s, 3)),
        .actor = read_u64(s, 4),
        .peer = read_u64(s, 5),
        .peer_address = MM1_ADDR(read_u64(s, 6)),
        .verb = sqlite3_column_int(s, 7),
        .status = (mm1_status)sqlite3_column_int(s, 8),
        .type = (const char *)sqlite3_column_text(s, 9),
        .json = view_of(s, 10),
        .text = view_of(s, 11),
        .cause = read_u64(s, 12),
        .signal = read_u64(s, 13),
        .number = read_u64(s, 14),
        .hash = read_u64(s, 15),
    };
    return true;
}

void sim_trace_cursor_close(struct sim_trace_cursor *cursor)
{
    (void)sqlite3_finalize(cursor->statement);
    cursor->statement = NULL;
}

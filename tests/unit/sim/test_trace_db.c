/* The writer and the reader of traces: what was written is read again, and nothing half-written stays behind. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mm1_test.h"
#include "sim/compare.h"
#include "sim/trace_read.h"

static char folder[64];
static char path[128];
static char error[SIM_ERROR_MAX];

static void make_folder(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/mm1-test-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/trace.db", folder);
}

/* How many entries the folder has. */
static unsigned entries(void)
{
    unsigned count = 0;
    DIR *stream = opendir(folder);
    for (struct dirent *entry = readdir(stream); entry != NULL; entry = readdir(stream)) {
        count += entry->d_name[0] != '.' ? 1 : 0;
    }
    (void)closedir(stream);
    return count;
}

static void remove_folder(void)
{
    (void)unlink(path);
    (void)rmdir(folder);
}

static const struct sim_identity identity = {
    .scenario = "quiet",
    .scenario_file = "scenarios/quiet.json",
    .scenario_text = {.data = "{\"system\": \"kv\"}", .size = 16},
    .scenario_hash = "00112233445566778899aabbccddeeff",
    .system = "kv",
    .system_abi = 1,
    .system_version = "v1",
    .source_version = "s1",
    .version = "0.1.0",
    .build_id = "gcc",
    .generator = "threefry",
    .strategy = "random",
    .options = "strategy=random",
    .options_hash = "0123456789abcdef",
};

#define EVENTS 1000u

/* Event number `seq` of a made-up run; all columns take part. */
static struct sim_event_row event_at(uint64_t seq)
{
    bool even = seq % 2 == 0;
    return (struct sim_event_row){
        .seq = seq,
        .time_ns = seq * 1000,
        .node = seq % 7 == 0 ? -1 : (int32_t)(seq % 3),
        .kind = even ? MM1_EVENT_SEND : MM1_EVENT_VERB,
        .actor = seq % 5,
        .peer = even ? 1 : 0,
        .peer_address = MM1_ADDR(even           ? 0xfff8000000000100u
                                 : seq % 3 == 0 ? UINT64_MAX
                                                : 0),
        .verb = even ? -1 : (int)(seq % 4),
        .status = seq % 11 == 0 ? MM1_FULL : MM1_OK,
        .type = even           ? "kv::Put"
                : seq % 3 == 0 ? "kv::Get"
                               : NULL,
        .json = even ? MM1_TEXT("{\"key\":\"\xc3\xa4\"}") : (struct mm1_text){0},
        .text = seq % 13 == 0 ? MM1_TEXT("a text") : (struct mm1_text){0},
        .cause = seq - 1,
        .signal = even ? seq : 0,
        .number = even ? 0 : UINT64_MAX - seq,
        .hash = seq * 0x9e3779b97f4a7c15u,
    };
}

static void write_run(struct sim_trace_db *db, uint64_t seed, uint64_t changed)
{
    struct sim_sink *sink = sim_trace_db_sink(db);
    struct sim_result result = {.seed = seed,
                                .verdict = SIM_PROPERTY,
                                .hash = UINT64_MAX - seed,
                                .signature = "property good",
                                .property = "good",
                                .text = "it was not",
                                .failed_seq = 7,
                                .events = EVENTS};
    const struct sim_actor_row actor = {.actor = 1,
                                        .born = 1,
                                        .path = "/a/b#1",
                                        .behaviour = "b",
                                        .address = MM1_ADDR(0xfff8000000000100u)};
    const struct sim_node_row node = {.node = 0, .name = "a", .host = "h", .role = "r"};
    (void)sim_trace_db_begin(db, &identity, seed);
    sink->ops->node(sink, &node);
    sink->ops->actor(sink, &actor);
    for (uint64_t seq = 1; seq <= EVENTS; seq++) {
        struct sim_event_row row = event_at(seq);
        row.number += seq == changed ? 1 : 0;
        sink->ops->event(sink, &row);
        struct sim_decision decision = {.step = seq,
                                        .site = SIM_SITE_STEP,
                                        .entity = ~seq,
                                        .nth = seq,
                                        .n = 5,
                                        .pick = seq % 5,
                                        .key = seq % 17 + UINT64_MAX / 2,
                                        .enabled = seq << 60};
        (void)snprintf(decision.key_text, sizeof(decision.key_text), "run %u",
                       (unsigned)(seq % 17));
        sink->ops->decision(sink, &decision);
    }
    sink->ops->fault(sink, 3, 4, 1, false, "crash", "crash a");
    sink->ops->property(sink, "good", MM1_VIOLATED, 9, 7, "it was not");
    sim_trace_db_output(db, 1, MM1_TEXT("one\ntwo"));
    sim_trace_db_end(db, &result, true);
}

static void write_trace(void)
{
    struct sim_trace_db *db = NULL;
    cr_assert_eq(sim_trace_db_open(path, &db, error), MM1_OK, "%s", error);
    write_run(db, 9, 0);
    write_run(db, UINT64_MAX, 0);
    write_run(db, 4, 0);
    cr_assert_null(sim_trace_db_error(db));
    cr_assert_eq(sim_trace_db_commit(db, error), MM1_OK, "%s", error);
}

static int64_t ask(sqlite3 *sqlite, const char *sql)
{
    sqlite3_stmt *row = NULL;
    cr_assert_eq(sqlite3_prepare_v2(sqlite, sql, -1, &row, NULL), SQLITE_OK, "%s", sql);
    cr_assert_eq(sqlite3_step(row), SQLITE_ROW, "%s", sql);
    int64_t value = sqlite3_column_int64(row, 0);
    (void)sqlite3_finalize(row);
    return value;
}

Test(trace_db, what_was_written_is_read_again, .init = make_folder, .fini = remove_folder)
{
    struct sim_trace *trace = NULL;
    struct sim_recorded *run = NULL;
    write_trace();
    cr_assert_eq(entries(), 1);
    cr_assert_eq(sim_trace_open(path, &trace, error), MM1_OK, "%s", error);
    cr_assert_eq(sim_trace_run(trace, 0, &run, error), MM1_OK, "%s", error);
    cr_assert_eq(run->run, 3, "the lowest seed is that of run 3, not %d", (int)run->run);
    cr_assert_eq(run->result.seed, 4);
    cr_assert_eq(run->result.hash, UINT64_MAX - 4);
    cr_assert_eq(run->result.verdict, SIM_PROPERTY);
    cr_assert_str_eq(run->result.text, "it was not");
    cr_assert_str_eq(run->identity.system, "kv");
    cr_assert_str_eq(run->identity.options_hash, "0123456789abcdef");
    cr_assert_eq(run->identity.scenario_text.size, 16);
    cr_assert_eq(run->decision_count, EVENTS);
    cr_assert(run->complete);
    sim_recorded_free(run);
    cr_assert_eq(sim_trace_run(trace, 2, &run, error), MM1_OK);
    cr_assert_eq(run->result.seed, UINT64_MAX);
    sim_recorded_free(run);
    cr_assert_eq(sim_trace_run(trace, 4, &run, error), MM1_NOT_FOUND);
    sim_trace_close(trace);
}

Test(trace_db, decisions_are_read_again, .init = make_folder, .fini = remove_folder)
{
    struct sim_trace *trace = NULL;
    struct sim_decision *items = calloc(EVENTS, sizeof(*items));
    write_trace();
    cr_assert_eq(sim_trace_open(path, &trace, error), MM1_OK, "%s", error);
    cr_assert_eq(sim_trace_decisions(trace, 1, items, EVENTS, error), MM1_OK, "%s", error);
    for (uint64_t i = 0; i < EVENTS; i++) {
        const struct sim_decision *item = &items[i];
        uint64_t seq = i + 1;
        cr_assert(item->step == seq && item->entity == ~seq && item->nth == seq && item->n == 5 &&
                      item->pick == seq % 5 && item->key == seq % 17 + UINT64_MAX / 2 &&
                      item->enabled == seq << 60 && item->site == SIM_SITE_STEP,
                  "decision %u", (unsigned)seq);
        char text[16];
        (void)snprintf(text, sizeof(text), "run %u", (unsigned)(seq % 17));
        cr_assert_str_eq(item->key_text, text);
    }
    cr_assert_eq(sim_trace_decisions(trace, 1, items, EVENTS - 1, error), MM1_INVALID);
    free(items);
    sim_trace_close(trace);
}

static void compare_with(struct sim_trace *trace, uint64_t changed, uint64_t count,
                         struct sim_compare *compare)
{
    cr_assert_eq(sim_compare_open(compare, sim_trace_handle(trace), 2, NULL), MM1_OK);
    for (uint64_t seq = 1; seq <= count; seq++) {
        struct sim_event_row row = event_at(seq);
        row.number += seq == changed ? 1 : 0;
        compare->sink.ops->event(&compare->sink, &row);
    }
    sim_compare_end(compare);
}

Test(trace_db, a_run_is_compared_event_by_event, .init = make_folder, .fini = remove_folder)
{
    struct sim_trace *trace = NULL;
    struct sim_compare compare;
    write_trace();
    cr_assert_eq(sim_trace_open(path, &trace, error), MM1_OK, "%s", error);
    compare_with(trace, 0, EVENTS, &compare);
    cr_assert(!compare.differs, "%s | %s", compare.here, compare.there);
    cr_assert_eq(compare.compared, EVENTS);
    compare_with(trace, 501, EVENTS, &compare);
    cr_assert(compare.differs);
    cr_assert_eq(compare.compared, 500);
    compare_with(trace, 0, EVENTS - 1, &compare);
    cr_assert(compare.differs);
    cr_assert_str_eq(compare.there, "nothing more");
    compare_with(trace, 0, EVENTS + 1, &compare);
    cr_assert(compare.differs);
    cr_assert_str_eq(compare.here, "nothing more");
    sim_trace_close(trace);
}

Test(trace_db, the_schema_is_what_it_says, .init = make_folder, .fini = remove_folder)
{
    static const char *const views[] = {"events",  "decisions", "logs", "lost",
                                        "mailbox", "restarts",  "asks", "chain"};
    struct sim_trace *trace = NULL;
    write_trace();
    cr_assert_eq(sim_trace_open(path, &trace, error), MM1_OK, "%s", error);
    sqlite3 *sqlite = sim_trace_handle(trace);
    cr_assert_eq(ask(sqlite, "SELECT count(*) FROM event"), 3 * EVENTS);
    cr_assert_eq(ask(sqlite, "SELECT count(*) FROM event WHERE run = 2 AND kind = 'send'"),
                 EVENTS / 2);
    cr_assert_eq(ask(sqlite, "SELECT count(*) FROM decision_key"), 17);
    cr_assert_eq(ask(sqlite, "SELECT count(*) FROM output WHERE run = 1 AND stream = 1"), 2);
    cr_assert_eq(
        ask(sqlite, "SELECT count(*) FROM pragma_table_list WHERE strict = 1"),
        ask(sqlite,
            "SELECT count(*) FROM pragma_table_list WHERE type = 'table' AND schema = 'main' "
            "AND name NOT LIKE 'sqlite_%'"));
    cr_assert_eq(ask(sqlite, "SELECT count(*) FROM chain WHERE run = 1"), 7);
    for (size_t i = 0; i < MM1_COUNT_OF(views); i++) {
        char sql[64];
        (void)snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s", views[i]);
        cr_assert_geq(ask(sqlite, sql), 0);
    }
    sim_trace_close(trace);
}

Test(trace_db, the_same_rows_give_the_same_file, .init = make_folder, .fini = remove_folder)
{
    char other[160];
    (void)snprintf(other, sizeof(other), "%s.other", path);
    write_trace();
    cr_assert_eq(rename(path, other), 0);
    write_trace();
    FILE *a = fopen(path, "rb");
    FILE *b = fopen(other, "rb");
    cr_assert(a != NULL && b != NULL);
    int c = 0;
    long at = 0;
    while (c != EOF) {
        c = getc(a);
        cr_assert_eq(c, getc(b), "byte %ld", at);
        at++;
    }
    (void)fclose(a);
    (void)fclose(b);
    (void)unlink(other);
}

Test(trace_db, nothing_is_left_of_an_abandoned_trace, .init = make_folder, .fini = remove_folder)
{
    struct sim_trace_db *db = NULL;
    cr_assert_eq(sim_trace_db_open(path, &db, error), MM1_OK, "%s", error);
    write_run(db, 1, 0);
    cr_assert_eq(entries(), 1);
    cr_assert_neq(access(path, F_OK), 0, "it has its name before it is complete");
    sim_trace_db_abandon(db);
    cr_assert_eq(entries(), 0);
}

Test(trace_db, a_place_that_cannot_be_written_is_named, .init = make_folder, .fini = remove_folder)
{
    struct sim_trace_db *db = NULL;
    char missing[160];
    (void)snprintf(missing, sizeof(missing), "%s/no/trace.db", folder);
    cr_assert_eq(sim_trace_db_open(missing, &db, error), MM1_IO);
    cr_assert_not_null(strstr(error, missing));
    cr_assert_not_null(strstr(error, "No such file"));
    cr_assert_eq(sim_trace_db_open(folder, &db, error), MM1_IO);
    cr_assert_not_null(strstr(error, "Is a directory"));
    cr_assert_eq(entries(), 0);
}

static void refuse(const char *expected)
{
    struct sim_trace *trace = NULL;
    error[0] = '\0';
    cr_assert_eq(sim_trace_open(path, &trace, error), MM1_INVALID);
    cr_assert_not_null(strstr(error, path), "%s", error);
    cr_assert_not_null(strstr(error, expected), "%s", error);
}

static void change(long at, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "r+b");
    cr_assert_not_null(file);
    (void)fseek(file, at, SEEK_SET);
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    (void)fclose(file);
}

Test(trace_db, bad_files_are_refused, .init = make_folder, .fini = remove_folder)
{
    struct stat file;
    refuse("No such file");
    cr_assert(mkdir(path, 0777) == 0);
    refuse("Is a directory");
    (void)rmdir(path);
    (void)close(open(path, O_CREAT | O_WRONLY, 0666));
    refuse("empty");
    change(0, "this is no trace at all", 23);
    refuse("not a SQLite file");
    write_trace();
    change(60, "\0\0\0\x63", 4); /* user_version */
    refuse("schema version 99");
    write_trace();
    change(68, "\0\0\0\0", 4); /* application_id */
    refuse("not a trace");
    write_trace();
    cr_assert_eq(stat(path, &file), 0);
    static const int parts[] = {100, 64, 10, 1}; /* percent of the file */
    for (size_t i = 1; i < MM1_COUNT_OF(parts); i++) {
        cr_assert_eq(truncate(path, file.st_size * parts[i] / 100), 0);
        refuse("truncated");
    }
    cr_assert_eq(truncate(path, 50), 0);
    refuse("truncated");
}

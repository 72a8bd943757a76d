/* What people read. Everything here is the same in every run of a seed, but for the speed. */
#define _GNU_SOURCE
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "sim/report.h"
#include "sim/symbol.h"

#define CHAIN_MAX 12   /* lines */
#define CHAIN_DEPTH 96 /* events that are looked at for them */
#define FAULTS_SHOWN 6
#define FRAMES_SHOWN 8
#define PART_MAX 120

void sim_report_seed(FILE *to, uint64_t seed, enum sim_verdict verdict, uint64_t hash)
{
    (void)fprintf(to, "seed %llu %s hash %016llx\n", (unsigned long long)seed,
                  sim_verdict_text(verdict), (unsigned long long)hash);
}

const char *sim_report_time(uint64_t time_ns, char out[SIM_TIME_TEXT])
{
    int size =
        snprintf(out, SIM_TIME_TEXT, "%llu.%09llu", (unsigned long long)(time_ns / 1000000000),
                 (unsigned long long)(time_ns % 1000000000));
    while (out[size - 1] == '0') {
        size--;
    }
    size -= out[size - 1] == '.' ? 1 : 0;
    out[size] = 's';
    out[size + 1] = '\0';
    return out;
}

const char *sim_report_word(const char *text, char *out, size_t size)
{
    bool plain = text[0] != '\0';
    for (const char *c = text; *c != '\0'; c++) {
        plain = plain && (isalnum((unsigned char)*c) || strchr("_-./:,+=@%#", *c) != NULL) &&
                (c != text || *c != '#');
    }
    if (plain) {
        (void)snprintf(out, size, "%s", text);
        return out;
    }
    size_t at = 0;
    const char *c = text;
    out[at++] = '\'';
    for (; *c != '\0' && at + 6 < size; c++) {
        if (*c == '\'') {
            memcpy(out + at, "'\\''", 4);
            at += 4;
        } else {
            out[at++] = *c;
        }
    }
    out[at++] = '\'';
    out[at] = '\0';
    return out;
}

/* --- the causal chain ----------------------------------------------------------------------------------------- */

enum column { SEQ, TIME, NODE, ACTOR, KIND, VERB, PEER, TYPE, MESSAGE, TEXT, STATUS };

static const char *column(sqlite3_stmt *row, enum column which)
{
    const unsigned char *text = sqlite3_column_text(row, (int)which);
    return text == NULL ? "" : (const char *)text;
}

static void print_what(FILE *to, sqlite3_stmt *row)
{
    static const struct {
        const char *kind;
        const char *words;
    } words[] = {
        {"spawn", "spawns"},        {"send", "sends"},
        {"lost", "lost"},           {"start", "starts"},
        {"receive", "receives"},    {"exit", "ends"},
        {"signal", "signal"},       {"verb", ""},
        {"post", "is told"},        {"observe", "observes"},
        {"fault", "fault:"},        {"node_up", "node starts"},
        {"node_down", "node ends"}, {"property", "violated:"},
    };
    const char *kind = column(row, KIND);
    for (size_t i = 0; i < MM1_COUNT_OF(words); i++) {
        if (strcmp(kind, words[i].kind) == 0 && words[i].words[0] != '\0') {
            (void)fprintf(to, " %s", words[i].words);
        }
    }
    static const enum column parts[] = {VERB, TYPE, MESSAGE, TEXT};
    for (size_t i = 0; i < MM1_COUNT_OF(parts); i++) {
        const char *text = column(row, parts[i]);
        if (text[0] != '\0') {
            (void)fprintf(to, " %.*s%s", PART_MAX, text, strlen(text) > PART_MAX ? "..." : "");
        }
    }
    const char *peer = column(row, PEER);
    if (peer[0] != '\0') {
        bool out =
            strcmp(kind, "send") == 0 || strcmp(kind, "verb") == 0 || strcmp(kind, "lost") == 0;
        (void)fprintf(to, " %s%s", out ? "to " : strcmp(kind, "spawn") == 0 ? "" : "from ", peer);
    }
    const char *status = column(row, STATUS);
    if (strcmp(status, "ok") != 0 && status[0] != '\0') {
        (void)fprintf(to, " (%s)", status);
    }
}

/* The multi-node actors between two nodes say nothing that the messages they carry do not say. */
static bool is_relay(const char *actor)
{
    return strstr(actor, "/multinode#") != NULL;
}

/* The lines of a chain, the last first. */
struct chain {
    char *lines[CHAIN_MAX];
    size_t count;
    unsigned relays; /* passed over since the last line */
};

static void chain_relays(struct chain *chain)
{
    char *line = NULL;
    if (chain->relays != 0 && chain->count < CHAIN_MAX &&
        asprintf(&line, "%26s %u event%s of the multi-node actors", "...", chain->relays,
                 chain->relays == 1 ? "" : "s") > 0) {
        chain->lines[chain->count++] = line;
    }
    chain->relays = 0;
}

static void chain_line(struct chain *chain, sqlite3_stmt *row, const struct sim_result *result)
{
    char time[SIM_TIME_TEXT];
    char *line = NULL;
    size_t size = 0;
    const char *actor = column(row, ACTOR);
    uint64_t at = (uint64_t)sqlite3_column_int64(row, TIME);
    uint64_t since = at >= result->start_ns ? at - result->start_ns : at;
    FILE *to = open_memstream(&line, &size);
    if (to == NULL) {
        return;
    }
    (void)fprintf(to, "    %8s %14s  %s", column(row, SEQ), sim_report_time(since, time),
                  actor[0] != '\0'               ? actor
                  : column(row, NODE)[0] != '\0' ? column(row, NODE)
                                                 : "the world");
    print_what(to, row);
    (void)fclose(to);
    chain->lines[chain->count++] = line;
}

static sqlite3_stmt *chain_query(sqlite3 *sqlite, uint64_t run, const struct sim_result *result)
{
    sqlite3_stmt *row = NULL;
    int code = sqlite3_prepare_v2(
        sqlite,
        "WITH RECURSIVE back(depth, id) AS (SELECT 0, (SELECT max(id) FROM event WHERE id <= (?1 "
        "<< 40) + ?2 AND id > (?1 << 40)) UNION ALL SELECT depth + 1, (?1 << 40) + e.cause FROM "
        "back JOIN event e ON e.id = back.id WHERE e.cause > 0 AND e.cause < e.seq AND depth + 1 "
        "< ?3) SELECT e.seq, e.time_ns, e.node, e.actor, e.kind, e.verb, e.peer, e.type, "
        "e.message, e.text, e.status FROM back CROSS JOIN events e ON e.id = back.id "
        "ORDER BY depth",
        -1, &row, NULL);
    if (code != SQLITE_OK) {
        return NULL;
    }
    uint64_t last = result->failed_seq > 0 ? result->failed_seq : ((uint64_t)1 << 40) - 1;
    (void)sqlite3_bind_int64(row, 1, (int64_t)run);
    (void)sqlite3_bind_int64(row, 2, (int64_t)last);
    (void)sqlite3_bind_int(row, 3, CHAIN_DEPTH);
    return row;
}

void sim_report_chain(FILE *to, sqlite3 *sqlite, uint64_t run, const struct sim_result *result)
{
    struct chain chain = {.count = 0};
    sqlite3_stmt *row = chain_query(sqlite, run, result);
    if (row == NULL) {
        return;
    }
    while (chain.count < CHAIN_MAX && sqlite3_step(row) == SQLITE_ROW) {
        if (chain.count != 0 && is_relay(column(row, ACTOR))) {
            chain.relays++;
            continue;
        }
        chain_relays(&chain);
        if (chain.count < CHAIN_MAX) {
            chain_line(&chain, row, result);
        }
    }
    (void)sqlite3_finalize(row);
    (void)fprintf(to, "  what led to it\n");
    while (chain.count > 0) {
        (void)fprintf(to, "%s\n", chain.lines[--chain.count]);
        free(chain.lines[chain.count]);
    }
}

/* --- the failure block ---------------------------------------------------------------------------------------- */

static void print_stack(FILE *to, const struct sim_crash *crash)
{
    char name[160];
    (void)fprintf(to, "  stack\n");
    /* What the C library and the sanitizers did on top of it is of no interest. */
    const struct sim_frame *place = sim_symbol_place(crash);
    uint32_t first = place == NULL ? 0 : (uint32_t)(place - crash->frame);
    for (uint32_t i = first; i < crash->frames && i < first + FRAMES_SHOWN; i++) {
        (void)sim_symbol(&crash->frame[i], name, sizeof(name));
        (void)fprintf(to, "    %s\n", name);
    }
}

/* Which faults were in force when the run was cut off: those in the trace that did not end. */
static void print_open_faults(FILE *to, sqlite3 *sqlite, uint64_t run)
{
    sqlite3_stmt *row = NULL;
    const char *before = "";
    int code = sqlite3_prepare_v2(sqlite,
                                  "SELECT what FROM fault WHERE run = ?1 GROUP BY fault "
                                  "HAVING max(heals) = 0 ORDER BY min(seq), fault",
                                  -1, &row, NULL);
    if (code == SQLITE_OK) {
        (void)sqlite3_bind_int64(row, 1, (int64_t)run);
        while (sqlite3_step(row) == SQLITE_ROW) {
            (void)fprintf(to, "%s%s", before, (const char *)sqlite3_column_text(row, 0));
            before = "; ";
        }
    }
    (void)sqlite3_finalize(row);
    (void)fprintf(to, "%s\n", before[0] == '\0' ? "none" : "");
}

/* The last faults that began before the failure, the oldest of them first. */
static void print_past_faults(FILE *to, const struct sim_failure *failure)
{
    sqlite3_stmt *row = NULL;
    char time[SIM_TIME_TEXT];
    const struct sim_result *r = failure->result;
    int code =
        sqlite3_prepare_v2(failure->sqlite,
                           "SELECT * FROM (SELECT min(time_ns) AS began, max(CASE WHEN heals "
                           "THEN time_ns END), what, fault FROM fault WHERE run = ?1 AND "
                           "(?2 = 0 OR seq <= ?2) GROUP BY fault ORDER BY began DESC, "
                           "fault DESC LIMIT ?3) ORDER BY began, fault",
                           -1, &row, NULL);
    if (code == SQLITE_OK) {
        (void)sqlite3_bind_int64(row, 1, (int64_t)failure->run);
        (void)sqlite3_bind_int64(row, 2, (int64_t)r->failed_seq);
        (void)sqlite3_bind_int(row, 3, FAULTS_SHOWN);
        for (bool first = true; sqlite3_step(row) == SQLITE_ROW; first = false) {
            uint64_t began = (uint64_t)sqlite3_column_int64(row, 0) - r->start_ns;
            uint64_t ended = (uint64_t)sqlite3_column_int64(row, 1) - r->start_ns;
            (void)fprintf(to, "%s    %23s  %s", first ? "  faults so far\n" : "",
                          sim_report_time(began, time), (const char *)sqlite3_column_text(row, 2));
            if (sqlite3_column_type(row, 1) != SQLITE_NULL) {
                (void)fprintf(to, ", healed at %s", sim_report_time(ended, time));
            }
            (void)fprintf(to, "\n");
        }
    }
    (void)sqlite3_finalize(row);
}

static void print_faults(FILE *to, const struct sim_failure *failure)
{
    const struct sim_result *r = failure->result;
    bool cut_off = r->verdict == SIM_CRASH || r->verdict == SIM_HANG;
    (void)fprintf(to, "  faults active   ");
    if (cut_off && failure->sqlite != NULL) {
        print_open_faults(to, failure->sqlite, failure->run);
    } else {
        (void)fprintf(to, "%s\n", r->active_faults[0] == '\0' ? "none" : r->active_faults);
    }
}

void sim_report_failure(FILE *to, const struct sim_failure *failure)
{
    const struct sim_result *r = failure->result;
    char time[SIM_TIME_TEXT];
    char word[4200];
    (void)fprintf(to, "\nFAILED: %s, seed %llu: %s\n", failure->scenario,
                  (unsigned long long)r->seed, sim_verdict_text(r->verdict));
    (void)fprintf(to, "  signature       %s\n", r->signature);
    if (r->property[0] != '\0') {
        (void)fprintf(to, "  property        %s\n", r->property);
    }
    (void)fprintf(to, "  virtual time    %s", sim_report_time(r->failed_time_ns, time));
    if (r->failed_seq > 0) {
        (void)fprintf(to, ", event %llu\n", (unsigned long long)r->failed_seq);
    } else {
        (void)fprintf(to, ", at the end, after event %llu\n", (unsigned long long)r->events);
    }
    (void)fprintf(to, "  finding         %s\n", r->text);
    if (failure->difference != NULL && failure->difference[0] != '\0') {
        (void)fprintf(to, "%s", failure->difference);
    }
    if (failure->crash != NULL && failure->crash->frames > 0) {
        print_stack(to, failure->crash);
    }
    if (failure->sqlite != NULL) {
        sim_report_chain(to, failure->sqlite, failure->run, r);
        print_past_faults(to, failure);
    }
    print_faults(to, failure);
    (void)fprintf(to, "  reproduce\n");
    if (failure->trace != NULL) {
        (void)fprintf(to, "    mm1 replay %s#%llu\n",
                      sim_report_word(failure->trace, word, sizeof(word)),
                      (unsigned long long)failure->run);
    }
    if (failure->scenario_file != NULL) {
        (void)fprintf(to, "    mm1 sim %s --seed %llu\n",
                      sim_report_word(failure->scenario_file, word, sizeof(word)),
                      (unsigned long long)r->seed);
    }
}

/* --- speed ---------------------------------------------------------------------------------------------------- */

/* `count` stays below 2^44: a campaign of months. */
static uint64_t per_second(uint64_t count, uint64_t wall_ns)
{
    return count * 1000000 / (wall_ns / 1000 + 1);
}

void sim_report_speed(FILE *to, uint64_t seeds, uint64_t events, uint64_t virtual_ns,
                      uint64_t wall_ns, unsigned jobs)
{
    char time[SIM_TIME_TEXT];
    (void)fprintf(
        to,
        "speed: %llu events/s, %llu seeds/s, simulated:real %llu:1 (%llu runs, %llu events, "
        "%s of virtual time in ",
        (unsigned long long)per_second(events, wall_ns),
        (unsigned long long)per_second(seeds, wall_ns), (unsigned long long)(virtual_ns / wall_ns),
        (unsigned long long)seeds, (unsigned long long)events,
        sim_report_time(virtual_ns / 1000000 * 1000000, time));
    (void)fprintf(to, "%s, %u job%s)\n", sim_report_time(wall_ns / 1000000 * 1000000, time), jobs,
                  jobs == 1 ? "" : "s");
}

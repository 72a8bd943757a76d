/* Questions to a trace in SQL. */
#include <stdio.h>
#include <stdlib.h>

#include "replay/replay.h"
#include "sim/trace_read.h"

#define WIDTH_MAX 60

/* A table that is printed when its widths are known. */
struct table {
    char **cells;
    size_t count;
    size_t capacity;
    size_t columns;
};

/* Nothing may be written, here or in another file. */
static int authorize(void *arg, int action, const char *a, const char *b, const char *c,
                     const char *d)
{
    (void)arg;
    (void)a;
    (void)b;
    (void)c;
    (void)d;
    return action == SQLITE_ATTACH || action == SQLITE_DETACH ? SQLITE_DENY : SQLITE_OK;
}

/* A value as one line; null when memory is refused. */
static char *cell_text(const char *text)
{
    char *copy = malloc(strlen(text) * 2 + 1);
    size_t at = 0;
    for (const char *c = text; copy != NULL && *c != '\0'; c++) {
        const char *code = *c == '\t' ? "\\t" : *c == '\n' ? "\\n" : *c == '\r' ? "\\r" : NULL;
        if (code != NULL) {
            copy[at++] = code[0];
            copy[at++] = code[1];
        } else {
            copy[at++] = *c;
        }
    }
    if (copy != NULL) {
        copy[at] = '\0';
    }
    return copy;
}

static char *value_text(sqlite3_stmt *statement, int column)
{
    if (sqlite3_column_type(statement, column) != SQLITE_BLOB) {
        const unsigned char *text = sqlite3_column_text(statement, column);
        return cell_text(text == NULL ? "" : (const char *)text);
    }
    const uint8_t *data = sqlite3_column_blob(statement, column);
    int size = sqlite3_column_bytes(statement, column);
    char *text = calloc((size_t)size * 2 + 1, 1);
    for (int i = 0; text != NULL && i < size; i++) {
        (void)snprintf(text + (size_t)i * 2, 3, "%02x", data[i]);
    }
    return text;
}

static bool add(struct table *table, char *cell)
{
    if (cell != NULL && table->count == table->capacity) {
        size_t capacity = table->capacity == 0 ? 256 : table->capacity * 2;
        char **cells = realloc(table->cells, capacity * sizeof(*cells));
        if (cells == NULL) {
            free(cell);
            return false;
        }
        table->cells = cells;
        table->capacity = capacity;
    }
    if (cell == NULL) {
        return false;
    }
    table->cells[table->count++] = cell;
    return true;
}

/* Characters, not bytes: the names of actors may be of any language. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80 ? 1 : 0;
    }
    return width;
}

/* `widths` has room for each column. */
static void print_columns(const struct table *table, size_t *widths, FILE *to)
{
    for (size_t i = 0; i < table->count; i++) {
        size_t width = width_of(table->cells[i]);
        size_t *widest = &widths[i % table->columns];
        *widest = width > *widest && width <= WIDTH_MAX ? width : *widest;
    }
    for (size_t i = 0; i < table->count; i++) {
        size_t width = width_of(table->cells[i]);
        size_t widest = widths[i % table->columns];
        bool last = i % table->columns + 1 == table->columns;
        (void)fprintf(to, "%s%*s%s", table->cells[i],
                      last || width >= widest ? 0 : (int)(widest - width), "", last ? "\n" : "  ");
    }
}

static void close_table(struct table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->cells[i]);
    }
    free(table->cells);
}

/* Gathers or prints all rows. The sqlite code: SQLITE_DONE when all went well. */
static int rows(sqlite3_stmt *statement, struct table *table, FILE *to, bool columns)
{
    int code = SQLITE_ROW;
    int count = sqlite3_column_count(statement);
    table->columns = (size_t)count;
    for (bool names = true; code == SQLITE_ROW && count > 0; names = false) {
        for (int i = 0; i < count && !names; i++) {
            char *text = value_text(statement, i);
            if (columns && !add(table, text)) {
                return SQLITE_NOMEM;
            }
            if (!columns) {
                (void)fprintf(to, "%s%c", text == NULL ? "" : text, i + 1 == count ? '\n' : '\t');
                free(text);
            }
        }
        for (int i = 0; i < count && names; i++) {
            const char *name = sqlite3_column_name(statement, i);
            if (columns && !add(table, cell_text(name == NULL ? "" : name))) {
                return SQLITE_NOMEM;
            }
            if (!columns) {
                (void)fprintf(to, "%s%c", name, i + 1 == count ? '\n' : '\t');
            }
        }
        if (ferror(to) != 0) {
            return SQLITE_IOERR;
        }
        code = sqlite3_step(statement);
    }
    return count == 0 ? sqlite3_step(statement) : code;
}

static int complain(const char *path, const char *text)
{
    (void)fprintf(stderr, "mm1: %s: %s\n", path, text);
    return 2;
}

static int ask(struct sim_trace *trace, const char *path, const char *sql, FILE *to, bool columns)
{
    sqlite3 *sqlite = sim_trace_handle(trace);
    sqlite3_stmt *statement = NULL;
    const char *rest = NULL;
    struct table table = {0};
    (void)sqlite3_set_authorizer(sqlite, authorize, NULL);
    int code = sqlite3_prepare_v2(sqlite, sql, -1, &statement, &rest);
    if (code != SQLITE_OK) {
        return complain(path, sqlite3_errmsg(sqlite));
    }
    if (statement == NULL || rest[strspn(rest, " \t\r\n;")] != '\0') {
        (void)sqlite3_finalize(statement);
        return complain(path, "a query is one SQL statement");
    }
    if (sqlite3_stmt_readonly(statement) == 0) {
        (void)sqlite3_finalize(statement);
        return complain(path, "a query may not change the trace");
    }
    code = rows(statement, &table, to, columns);
    int result = 0;
    if (ferror(to) != 0) {
        result = 3;
    } else if (code != SQLITE_DONE) {
        result = complain(path, code == SQLITE_NOMEM ? "out of memory" : sqlite3_errmsg(sqlite));
    } else if (columns) {
        size_t *widths = calloc(table.columns + 1, sizeof(*widths));
        if (widths == NULL) {
            result = complain(path, "out of memory");
        } else {
            print_columns(&table, widths, to);
        }
        free(widths);
    }
    close_table(&table);
    (void)sqlite3_finalize(statement);
    return result;
}

int replay_query(const char *path, const char *sql, FILE *to, bool columns)
{
    char error[SIM_ERROR_MAX];
    struct sim_trace *trace = NULL;
    mm1_status status = sim_trace_open(path, &trace, error);
    if (status != MM1_OK) {
        (void)fprintf(stderr, "mm1: %s\n", error);
        return status == MM1_NOMEM ? 3 : 2;
    }
    int code = ask(trace, path, sql, to, columns);
    sim_trace_close(trace);
    if (fflush(to) != 0 || ferror(to) != 0) {
        (void)fprintf(stderr, "mm1: standard output cannot be written\n");
        code = 3;
    }
    return code;
}

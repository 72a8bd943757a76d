/* Findings about input, and the search for the name that was meant. */
#include <string.h>

#include "base/utf8.h"
#include "host/diag.h"

void mm1__diag_vset(struct mm1_diag *diag, const char *file, const char *format, va_list arguments)
{
    memset(diag, 0, sizeof(*diag));
    (void)snprintf(diag->file, sizeof(diag->file), "%s", file);
    (void)vsnprintf(diag->text, sizeof(diag->text), format, arguments);
}

void mm1__diag_set(struct mm1_diag *diag, const char *file, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    mm1__diag_vset(diag, file, format, arguments);
    va_end(arguments);
}

/* Replaces what would break the line or the terminal: control characters, and sequences that were cut. */
static void make_printable(char *text)
{
    size_t size = strlen(text);
    for (size_t at = 0; at < size;) {
        size_t length = mm1__utf8_sequence(text + at, size - at);
        if (length == 0 || (unsigned char)text[at] < 0x20 || text[at] == 0x7f) {
            text[at] = '?';
            length = 1;
        }
        at += length;
    }
}

size_t mm1__diag_print(const struct mm1_diag *diag, char out[MM1_DIAG_LINE_MAX])
{
    char place[32] = "";
    if (diag->line != 0) {
        (void)snprintf(place, sizeof(place), ":%u:%u", diag->line, diag->column);
    }
    const char *separator = diag->path[0] == '\0' ? "" : ": ";
    (void)snprintf(out, MM1_DIAG_LINE_MAX, "%s%s%s%s: %s", diag->file, place, separator, diag->path,
                   diag->text);
    make_printable(out);
    return strlen(out);
}

/* --- nearest name --------------------------------------------------------------------------------------------- */

#define NAME_MAX_COMPARED 64 /* longer names are no typing errors of each other */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* How many letters must be inserted, removed, replaced or swapped with their neighbour; case does not count. */
static size_t edit_distance(struct mm1_text a, struct mm1_text b)
{
    size_t rows[3][NAME_MAX_COMPARED + 1];
    size_t *before = rows[0];
    size_t *above = rows[1];
    size_t *row = rows[2];
    for (size_t j = 0; j <= b.size; j++) {
        before[j] = 0;
        above[j] = j;
    }
    for (size_t i = 1; i <= a.size; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            size_t differs = lower(a.data[i - 1]) != lower(b.data[j - 1]);
            row[j] = least(least(above[j], row[j - 1]) + 1, above[j - 1] + differs);
            if (i > 1 && j > 1 && lower(a.data[i - 1]) == lower(b.data[j - 2]) &&
                lower(a.data[i - 2]) == lower(b.data[j - 1])) {
                row[j] = least(row[j], before[j - 2] + 1);
            }
        }
        size_t *spare = before;
        before = above;
        above = row;
        row = spare;
    }
    return above[b.size];
}

struct mm1__nearest mm1__nearest(struct mm1_text wrong)
{
    return (struct mm1__nearest){.wrong = wrong, .distance = SIZE_MAX};
}

void mm1__nearest_offer(struct mm1__nearest *nearest, struct mm1_text name)
{
    if (nearest->wrong.size > NAME_MAX_COMPARED || name.size > NAME_MAX_COMPARED) {
        return;
    }
    size_t distance = edit_distance(nearest->wrong, name);
    if (distance < nearest->distance) {
        nearest->distance = distance;
        nearest->best = name;
    }
}

const char *mm1__nearest_hint(const struct mm1__nearest *nearest, char *out, size_t size)
{
    /* A third of the letters may be wrong, but not all of them. */
    bool near = nearest->distance <= (nearest->wrong.size + 2) / 3 &&
                nearest->distance < nearest->wrong.size;
    out[0] = '\0';
    if (near) {
        (void)snprintf(out, size, "; did you mean \"%.*s\"?", (int)nearest->best.size,
                       nearest->best.data);
    }
    return out;
}

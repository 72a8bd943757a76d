/* What a loader says about bad input: one line that names the place, what was expected and the nearest valid name. */
#ifndef MM1_HOST_DIAG_H
#define MM1_HOST_DIAG_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <mm1/bytes.h>
#include <mm1/status.h>

/* Plain data: nothing to free. Texts that are too long are cut. */
struct mm1_diag {
    char file[512];
    uint32_t line;   /* from 1; 0: the file as a whole */
    uint32_t column; /* from 1, in characters */
    char path[256];  /* JSON path of the value, "/faults/2/at"; "" for none */
    char text[768];
};

#define MM1_DIAG_LINE_MAX 2048

/* Sets all of it: a finding about `file` as a whole. */
void mm1__diag_set(struct mm1_diag *diag, const char *file, const char *format, ...)
    MM1_PRINTF(3, 4);
/* The same with arguments as a list. */
void mm1__diag_vset(struct mm1_diag *diag, const char *file, const char *format, va_list arguments)
    MM1_PRINTF(3, 0);
/* Writes "file:3:14: /hosts/b: text" with a NUL, as one line whatever the names hold; returns its length. */
size_t mm1__diag_print(const struct mm1_diag *diag, char out[MM1_DIAG_LINE_MAX]);

/* Finds the name nearest to a wrong one: offer it all valid names, then ask. */
struct mm1__nearest {
    struct mm1_text wrong;
    struct mm1_text best;
    size_t distance; /* of `best`; SIZE_MAX before the first offer */
};
struct mm1__nearest mm1__nearest(struct mm1_text wrong);
/* Keeps `name`, borrowed, when it is nearer than what was offered before. */
void mm1__nearest_offer(struct mm1__nearest *nearest, struct mm1_text name);
/* Writes "; did you mean \"name\"?" when a name is near enough to be meant, else "", with a NUL; returns `out`. */
const char *mm1__nearest_hint(const struct mm1__nearest *nearest, char *out, size_t size);

#endif

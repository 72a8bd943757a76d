/* What a campaign came to, for machines: JUnit and TAP. Each signature is a failed test, and a campaign without one is
 * a test that passed. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fuzz/sup_campaign_state.h"

static FILE *open_file(const char *path)
{
    FILE *file = fopen(path, "w");
    if (file == NULL) {
        (void)fprintf(stderr, "mm1: %s: %s\n", path, strerror(errno));
    }
    return file;
}

static bool close_file(FILE *file, const char *path)
{
    bool good = ferror(file) == 0;
    good = fclose(file) == 0 && good;
    if (!good) {
        (void)fprintf(stderr, "mm1: %s: it cannot be written\n", path);
    }
    return good;
}

/* --- JUnit ---------------------------------------------------------------------------------------------------- */

/* Text between tags and in quotes. What XML has no character for becomes "?". */
static void put_xml(FILE *file, const char *text)
{
    for (; *text != '\0'; text++) {
        switch (*text) {
        case '<':
            (void)fputs("&lt;", file);
            break;
        case '>':
            (void)fputs("&gt;", file);
            break;
        case '&':
            (void)fputs("&amp;", file);
            break;
        case '"':
            (void)fputs("&quot;", file);
            break;
        default:
            (void)fputc((unsigned char)*text < ' ' && *text != '\n' ? '?' : *text, file);
            break;
        }
    }
}

static void put_failure(FILE *file, const struct sup_campaign_state *state,
                        const struct sup_group *group, const struct sup_shrunk *shrunk)
{
    (void)fputs("    <testcase classname=\"mm1.fuzz.supervisors\" name=\"", file);
    put_xml(file, group->run.signature);
    (void)fprintf(file, "\">\n      <failure message=\"seed %" PRIu64 ": ",
                  state->options->first + group->lowest);
    put_xml(file, group->run.text);
    (void)fputs("\" type=\"", file);
    put_xml(file, group->run.signature);
    (void)fputs("\">", file);
    put_xml(file, shrunk->text == NULL ? group->run.text : shrunk->text);
    (void)fputs("</failure>\n    </testcase>\n", file);
}

static bool write_junit(const struct sup_campaign_state *state, const struct sup_shrunk *shrunk,
                        double seconds)
{
    const char *path = state->options->junit;
    FILE *file = open_file(path);
    if (file == NULL) {
        return false;
    }
    size_t failures = state->group_count;
    size_t tests = failures == 0 ? 1 : failures;
    (void)fprintf(file,
                  "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                  "<testsuites tests=\"%zu\" failures=\"%zu\" time=\"%.3f\">\n"
                  "  <testsuite name=\"mm1 fuzz supervisors\" tests=\"%zu\" failures=\"%zu\" "
                  "errors=\"0\" skipped=\"0\" time=\"%.3f\">\n",
                  tests, failures, seconds, tests, failures, seconds);
    for (size_t i = 0; i < failures; i++) {
        put_failure(file, state, &state->groups[i], &shrunk[i]);
    }
    if (failures == 0) {
        (void)fprintf(file,
                      "    <testcase classname=\"mm1.fuzz.supervisors\" name=\"seeds from %" PRIu64
                      "\" time=\"%.3f\"/>\n",
                      state->options->first, seconds);
    }
    (void)fputs("  </testsuite>\n</testsuites>\n", file);
    return close_file(file, path);
}

/* --- TAP ------------------------------------------------------------------------------------------------------ */

/* A description ends at its line, and a "#" would begin a directive. */
static void put_description(FILE *file, const char *text)
{
    for (; *text != '\0' && *text != '\n'; text++) {
        (void)fputc(*text == '#' ? '.' : *text, file);
    }
    (void)fputc('\n', file);
}

static void put_comments(FILE *file, const char *text)
{
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        (void)fprintf(file, "# %.*s\n", (int)size, text);
        text += size + (text[size] == '\n' ? 1 : 0);
    }
}

static bool write_tap(const struct sup_campaign_state *state, const struct sup_shrunk *shrunk)
{
    const char *path = state->options->tap;
    FILE *file = open_file(path);
    if (file == NULL) {
        return false;
    }
    (void)fprintf(file, "TAP version 13\n1..%zu\n",
                  state->group_count == 0 ? 1 : state->group_count);
    if (state->group_count == 0) {
        (void)fprintf(file, "ok 1 - seeds from %" PRIu64 "\n", state->options->first);
    }
    for (size_t i = 0; i < state->group_count; i++) {
        const struct sup_group *group = &state->groups[i];
        (void)fprintf(file, "not ok %zu - ", i + 1);
        put_description(file, group->run.signature);
        (void)fprintf(file, "# seed %" PRIu64 ": ", state->options->first + group->lowest);
        put_description(file, group->run.text);
        put_comments(file, shrunk[i].text == NULL ? "" : shrunk[i].text);
    }
    return close_file(file, path);
}

bool sup_report_write(const struct sup_campaign_state *state, const struct sup_shrunk *shrunk,
                      double seconds)
{
    bool good = true;
    if (state->options->junit != NULL) {
        good = write_junit(state, shrunk, seconds) && good;
    }
    if (state->options->tap != NULL) {
        good = write_tap(state, shrunk) && good;
    }
    return good;
}

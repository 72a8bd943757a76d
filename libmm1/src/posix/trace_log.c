/* Events as logfmt lines: time=… level=… node=… actor=… msg="…". A line is one write: those of threads do not mix. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mm1/sched.h>

#include "posix/clock.h"
#include "posix/trace_log.h"

#define LINE_MAX_SIZE 4096 /* no longer than a pipe takes in one piece */

struct line {
    char text[LINE_MAX_SIZE];
    size_t size; /* one byte is kept for the end of the line */
};

static void put(struct line *line, const char *data, size_t size)
{
    size_t room = sizeof(line->text) - 1 - line->size;
    size = size < room ? size : room;
    memcpy(line->text + line->size, data, size);
    line->size += size;
}

static void put_string(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* A value in quotes: control characters, quotes and backslashes are escaped, other bytes stay. */
static void put_quoted(struct line *line, struct mm1_text text)
{
    put(line, "\"", 1);
    for (size_t i = 0; i < text.size && line->size < sizeof(line->text) - 8; i++) {
        unsigned char c = (unsigned char)text.data[i];
        char escaped[5];
        if (c == '\n') {
            put(line, "\\n", 2);
        } else if (c == '"' || c == '\\') {
            escaped[0] = '\\';
            escaped[1] = (char)c;
            put(line, escaped, 2);
        } else if (c < 0x20 || c == 0x7f) {
            (void)snprintf(escaped, sizeof(escaped), "\\x%02x", c);
            put(line, escaped, 4);
        } else {
            put(line, &text.data[i], 1);
        }
    }
    put(line, "\"", 1);
}

static void put_time(struct line *line)
{
    char text[48];
    uint64_t wall_ns = mm1__posix_wall();
    time_t seconds = (time_t)(wall_ns / MM1_NS_PER_SEC);
    struct tm parts;
    MM1_CHECK(gmtime_r(&seconds, &parts) != NULL);
    size_t size = strftime(text, sizeof(text), "time=%Y-%m-%dT%H:%M:%S", &parts);
    put(line, text, size);
    (void)snprintf(text, sizeof(text), ".%06uZ",
                   (unsigned)(wall_ns % MM1_NS_PER_SEC / MM1_NS_PER_US));
    put_string(line, text);
}

static void put_actor(struct line *line, const struct mm1_path *path)
{
    char text[MM1_PATH_TEXT_MAX];
    if (path == NULL) {
        return;
    }
    const struct mm1_path *root = path;
    while (root->parent != NULL) {
        root = root->parent;
    }
    put_string(line, " node=");
    put(line, root->name, root->name_size);
    put_string(line, " actor=");
    put(line, text, mm1_path_print(path, text));
}

static void put_event(struct line *line, const struct mm1_event *event)
{
    char address[MM1_ADDR_TEXT_MAX];
    put_string(line, " event=");
    put_string(line, mm1_event_text(event->kind));
    if (event->kind == MM1_EVENT_VERB || event->kind == MM1_EVENT_SIGNAL) {
        put_string(line, " verb=");
        put_string(line, mm1_effect_text((enum mm1_effect_kind)event->verb));
    }
    if (event->peer.bits != 0) {
        put_string(line, " peer=");
        put(line, address, mm1_addr_print(event->peer, address));
    }
    if (event->type != NULL) {
        put_string(line, " type=");
        put_string(line, event->type->name);
    }
    if (event->status != MM1_OK) {
        put_string(line, " status=");
        put_quoted(line, mm1_text_of(mm1_status_text(event->status)));
    }
    if (event->reason != NULL) {
        char reason[MM1_REASON_TEXT_MAX + 48];
        (void)snprintf(reason, sizeof(reason), " reason=%d code=%d", (int)event->reason->kind,
                       event->reason->code);
        put_string(line, reason);
    }
}

static void write_line(const struct mm1__trace_log *trace, struct line *line)
{
    line->text[line->size++] = '\n';
    size_t done = 0;
    while (done < line->size) {
        ssize_t written = write(trace->fd, line->text + done, line->size - done);
        if (written < 0 && errno != EINTR) {
            return; /* there is nobody to tell */
        }
        done += written > 0 ? (size_t)written : 0;
    }
}

static uint64_t emit(struct mm1_trace *self, const struct mm1_event *event)
{
    const struct mm1__trace_log *trace = MM1_CONTAINER_OF(self, struct mm1__trace_log, base);
    bool is_log = event->kind == MM1_EVENT_LOG;
    unsigned level =
        is_log && event->number < MM1__LOG_TRACE ? (unsigned)event->number : MM1__LOG_TRACE;
    if (is_log ? level > (unsigned)trace->level : !trace->events) {
        return 0;
    }
    if (trace->filter != NULL && !mm1__log_filter_allows_path(trace->filter, event->actor, level)) {
        return 0;
    }
    struct line line;
    line.size = 0;
    put_time(&line);
    put_string(&line, " level=");
    put_string(&line, mm1__log_level_text(level));
    put_actor(&line, event->actor);
    if (!is_log) {
        put_event(&line, event);
    }
    if (is_log || event->text.size > 0) {
        put_string(&line, " msg=");
        put_quoted(&line, event->text);
    }
    write_line(trace, &line);
    return 0;
}

static const struct mm1_trace_ops OPS = {.name = "log", .emit = emit};

void mm1__trace_log_init(struct mm1__trace_log *trace, int fd, enum mm1_log_level level,
                         bool events, const struct mm1__log_filter *filter)
{
    *trace = (struct mm1__trace_log){
        .base.ops = &OPS, .fd = fd, .level = level, .events = events, .filter = filter};
}

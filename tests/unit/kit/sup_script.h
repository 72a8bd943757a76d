/* Plays scripts on the pure step of a supervisor: each line is "event | the actions it leads to", and what any
 * supervisor must keep is checked besides: it starts only what has no process and stops only what has one, there is one
 * timer at most and none at rest, it is busy exactly while something is to come, nobody is left when it quits, and what
 * is forgotten is not touched any more (it is freed).
 *
 * Children are "name/attribute/...": permanent (the default), transient, temporary; stop=NS (default 100), brutal,
 * infinity; ack=NS, ack (no timeout); sig.
 *
 * Events: begin, started, ignored, failed, gone X, timeout, ended X REASON, retry X, parent REASON, fail, start CHILD,
 * terminate X, restart X, delete X. "dead X": its end is noted. "at NS": the clock. "list": shows the children in their
 * order, absent ones as "x-", those to restart as "x?", a dead one as "x!". */
#ifndef TESTS_SUP_SCRIPT_H
#define TESTS_SUP_SCRIPT_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kit/sup_step.h"
#include "mm1_test.h"

struct script_child {
    char name[8];
    bool process; /* it has one that lives */
    struct mm1__sup_child child;
};

#define SCRIPT_CHILDREN 16

struct script {
    struct mm1__sup sup;
    uint64_t now;
    bool armed;
    bool quit;
    struct script_child *starting;
    bool abandoned; /* the start is killed */
    size_t ends;    /* processes that are told to end and did not */
    /* All that are known: kept, or being started by a call. */
    struct script_child *children[SCRIPT_CHILDREN];
    char out[512];
};

static inline struct script_child *script_of(struct mm1__sup_child *child)
{
    return MM1_CONTAINER_OF(child, struct script_child, child);
}

static inline void script_copy(char *to, size_t size, const char *text)
{
    size_t length = strlen(text);
    cr_assert_lt(length, size, "%s", text);
    memcpy(to, text, length + 1);
}

static inline void script_say(struct script *s, const char *text)
{
    size_t at = strlen(s->out);
    script_copy(s->out + at, sizeof(s->out) - at, text);
}

static inline void script_set(struct mm1__sup_child *child, const char *attribute)
{
    const char *value = strchr(attribute, '=');
    uint64_t ns = value != NULL ? strtoull(value + 1, NULL, 10) : UINT64_MAX;
    if (strcmp(attribute, "permanent") == 0) {
        child->restart = MM1__SUP_PERMANENT;
    } else if (strcmp(attribute, "transient") == 0) {
        child->restart = MM1__SUP_TRANSIENT;
    } else if (strcmp(attribute, "temporary") == 0) {
        child->restart = MM1__SUP_TEMPORARY;
    } else if (strncmp(attribute, "stop=", 5) == 0) {
        child->stop_timeout_ns = ns;
    } else if (strcmp(attribute, "brutal") == 0) {
        child->stop = MM1__SUP_STOP_BRUTAL;
    } else if (strcmp(attribute, "infinity") == 0) {
        child->stop = MM1__SUP_STOP_INFINITY;
    } else if (strncmp(attribute, "ack", 3) == 0) {
        child->ack = true;
        child->start_timeout_ns = ns;
    } else if (strcmp(attribute, "sig") == 0) {
        child->significant = true;
    } else {
        cr_assert(false, "attribute %s", attribute);
    }
}

static inline struct script_child *script_new(struct script *s, const char *text)
{
    char copy[64];
    script_copy(copy, sizeof(copy), text);
    struct script_child *made = calloc(1, sizeof(*made));
    cr_assert_not_null(made);
    made->child.stop_timeout_ns = 100;
    made->child.start_timeout_ns = 7; /* means nothing without an ack */
    mm1_list_init(&made->child.link);
    char *rest = NULL;
    char *word = strtok_r(copy, "/", &rest);
    script_copy(made->name, sizeof(made->name), word);
    while ((word = strtok_r(NULL, "/", &rest)) != NULL) {
        script_set(&made->child, word);
    }
    size_t at = 0;
    while (s->children[at] != NULL) {
        at++;
        cr_assert_lt(at, (size_t)SCRIPT_CHILDREN);
    }
    s->children[at] = made;
    return made;
}

static inline struct script_child *script_find(const struct script *s, const char *name)
{
    for (size_t i = 0; i < SCRIPT_CHILDREN; i++) {
        if (s->children[i] != NULL && strcmp(s->children[i]->name, name) == 0) {
            return s->children[i];
        }
    }
    return NULL;
}

static inline void script_free(struct script *s, struct script_child *child)
{
    for (size_t i = 0; i < SCRIPT_CHILDREN; i++) {
        if (s->children[i] == child) {
            s->children[i] = NULL;
            free(child);
            return;
        }
    }
    cr_assert(false, "forgotten twice");
}

/* `children`: separated by blanks. */
static inline void script_open(struct script *s, enum mm1__sup_strategy strategy,
                               uint32_t max_restarts, uint64_t within_ns, const char *children)
{
    *s = (struct script){
        .sup = {.strategy = strategy, .max_restarts = max_restarts, .within_ns = within_ns}};
    mm1_list_init(&s->sup.children);
    char copy[256];
    script_copy(copy, sizeof(copy), children);
    char *rest = NULL;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
        mm1_list_push_back(&s->sup.children, &script_new(s, word)->child.link);
    }
}

static inline void script_close(struct script *s)
{
    for (size_t i = 0; i < SCRIPT_CHILDREN; i++) {
        free(s->children[i]);
    }
    free(s->sup.restarts.times);
}

static inline const char *script_reason(const struct mm1_reason *reason)
{
    static const char *const names[] = {
        "normal", "shutdown",     "shutdown:x",  "kill",    "killed",
        "noproc", "noconnection", "init_failed", "timeout", "crash",
    };
    return names[reason->kind];
}

static inline struct mm1_reason script_reason_of(const char *name)
{
    struct mm1_reason reason = {.kind = MM1_REASON_NORMAL};
    while (strcmp(name, script_reason(&reason)) != 0) {
        cr_assert_lt((int)reason.kind, (int)MM1_REASON_ERROR, "%s", name);
        reason.kind = (enum mm1_reason_kind)((int)reason.kind + 1);
    }
    return reason;
}

static inline const char *script_code(enum mm1_sup_code code)
{
    static const char *const names[] = {
        [MM1_SUP_OK] = "ok",
        [MM1_SUP_FAILED] = "failed",
        [MM1_SUP_INVALID] = "invalid",
        [MM1_SUP_ALREADY_STARTED] = "started",
        [MM1_SUP_RUNNING] = "running",
        [MM1_SUP_ALREADY_PRESENT] = "present",
        [MM1_SUP_UNIFORM] = "uniform",
        [MM1_SUP_NOT_FOUND] = "unknown",
        [MM1_SUP_RESTARTING] = "restarting",
    };
    return names[code];
}

static inline void script_reply(struct script *s, const struct mm1__sup_action *action)
{
    script_say(s, " ");
    script_say(s, script_code(action->code));
    if (action->code == MM1_SUP_FAILED) {
        script_say(s, " ");
        script_say(s, script_reason(&action->reason));
    } else if (action->code == MM1_SUP_OK && script_of(action->child)->process) {
        script_say(s, " ");
        script_say(s, script_of(action->child)->name);
        cr_assert_eq(action->child->life, MM1__SUP_ALIVE);
    } else if (action->code == MM1_SUP_OK) {
        cr_assert_eq(action->child->life, MM1__SUP_ABSENT);
    }
}

/* Sends a process its end, which is waited for once. */
static inline void script_stop(struct script *s, const struct mm1__sup_action *action,
                               bool was_told)
{
    struct script_child *child = script_of(action->child);
    cr_assert(child->process && child->child.signaled);
    if (!was_told) {
        s->ends++;
    }
    if (action->child == (s->starting != NULL ? &s->starting->child : NULL)) {
        cr_assert_eq(action->kind, MM1__SUP_KILL);
        s->abandoned = true;
    }
}

static inline void script_quit(struct script *s, const struct mm1__sup_action *action)
{
    cr_assert(s->ends == 0 && s->starting == NULL);
    for (size_t i = 0; i < SCRIPT_CHILDREN; i++) {
        cr_assert(s->children[i] == NULL || !s->children[i]->process, "an orphan");
    }
    script_say(s, " ");
    script_say(s, script_reason(&action->reason));
    cr_assert_eq(action->failed_start, action->child != NULL);
    if (action->failed_start) {
        script_say(s, " failed ");
        script_say(s, script_of(action->child)->name);
    }
    s->quit = true;
}

/* Carries out an action, but for a FORGET, and appends it to the text. */
static inline void script_do(struct script *s, const struct mm1__sup_action *action)
{
    static const char *const names[] = {"none",   "start",  "exit",  "kill",  "arm", "disarm",
                                        "resend", "forget", "reply", "ready", "quit"};
    cr_assert(!s->quit);
    script_say(s, s->out[0] != '\0' ? "; " : "");
    script_say(s, names[action->kind]);
    switch (action->kind) {
    case MM1__SUP_ARM: {
        cr_assert(!s->armed);
        s->armed = true;
        char ns[32];
        snprintf(ns, sizeof(ns), " %llu", (unsigned long long)action->ns);
        script_say(s, ns);
        return;
    }
    case MM1__SUP_DISARM:
        cr_assert(s->armed);
        s->armed = false;
        return;
    case MM1__SUP_REPLY:
        script_reply(s, action);
        return;
    case MM1__SUP_READY:
        return;
    case MM1__SUP_QUIT:
        script_quit(s, action);
        return;
    default:
        script_say(s, " ");
        script_say(s, script_of(action->child)->name);
    }
}

/* Asks for all actions. `event` may be null. */
static inline void script_step(struct script *s, const struct mm1__sup_event *event)
{
    struct script_child *told[SCRIPT_CHILDREN] = {NULL};
    size_t told_count = 0;
    for (size_t i = 0; i < SCRIPT_CHILDREN; i++) {
        if (s->children[i] != NULL && s->children[i]->child.signaled) {
            told[told_count++] = s->children[i];
        }
    }
    struct mm1__sup_action action = mm1__sup_step(&s->sup, event, s->now);
    for (; action.kind != MM1__SUP_NONE; action = mm1__sup_step(&s->sup, NULL, s->now)) {
        struct script_child *child = action.child != NULL ? script_of(action.child) : NULL;
        script_do(s, &action);
        if (action.kind == MM1__SUP_START) {
            cr_assert(!child->process && s->starting == NULL);
            child->process = true;
            s->starting = child;
        } else if (action.kind == MM1__SUP_EXIT || action.kind == MM1__SUP_KILL) {
            bool was_told = false;
            for (size_t i = 0; i < told_count; i++) {
                was_told |= told[i] == child;
            }
            script_stop(s, &action, was_told);
            if (!was_told) {
                told[told_count++] = child;
            }
        } else if (action.kind == MM1__SUP_FORGET) {
            cr_assert(!child->process && action.child->link.next == &action.child->link);
            script_free(s, child);
        }
    }
    bool busy = !s->quit && (s->starting != NULL || s->ends > 0);
    cr_assert_eq(mm1__sup_busy(&s->sup), busy);
    cr_assert(busy || !s->armed, "a timer at rest");
}

/* Gives an event, with as much room as it asks for and no more. */
static inline void script_give(struct script *s, const struct mm1__sup_event *event)
{
    size_t room = mm1__sup_room(&s->sup);
    cr_assert_leq(room, s->sup.max_restarts);
    if (room > s->sup.restarts.capacity) {
        uint64_t *times = calloc(room, sizeof(*times));
        cr_assert_not_null(times);
        free(mm1__sup_grow(&s->sup, times, room));
    }
    struct script_child *about = event->child != NULL ? script_of(event->child) : NULL;
    switch (event->kind) {
    case MM1__SUP_STARTED:
        s->starting = s->abandoned ? s->starting : NULL;
        break;
    case MM1__SUP_IGNORED:
    case MM1__SUP_START_FAILED:
        s->starting->process = false;
        s->starting = s->abandoned ? s->starting : NULL;
        break;
    case MM1__SUP_GONE:
        about->process = false;
        s->ends--;
        if (s->starting == about) {
            s->starting = NULL;
            s->abandoned = false;
        }
        break;
    case MM1__SUP_ENDED:
        about->process = false;
        break;
    case MM1__SUP_TIMEOUT:
        s->armed = false;
        break;
    default:
        break;
    }
    script_step(s, event);
}

static inline void script_list(struct script *s)
{
    MM1_LIST_FOREACH(node, &s->sup.children) {
        struct mm1__sup_child *child = MM1_CONTAINER_OF(node, struct mm1__sup_child, link);
        static const char *const marks[] = {"-", "+", "", "?"};
        script_say(s, s->out[0] != '\0' ? " " : "");
        script_say(s, script_of(child)->name);
        script_say(s, child->gone ? "!" : marks[child->life]);
    }
}

static inline void script_note(struct script *s, const char *name)
{
    struct script_child *child = script_find(s, name);
    cr_assert_not_null(child, "%s", name);
    child->process = false;
    mm1__sup_note_gone(&child->child);
}

/* One line without its actions. */
static inline void script_event(struct script *s, char *text)
{
    static const struct {
        const char *name;
        enum mm1__sup_event_kind kind;
    } kinds[] = {
        {"begin", MM1__SUP_BEGIN},
        {"started", MM1__SUP_STARTED},
        {"ignored", MM1__SUP_IGNORED},
        {"failed", MM1__SUP_START_FAILED},
        {"gone", MM1__SUP_GONE},
        {"timeout", MM1__SUP_TIMEOUT},
        {"ended", MM1__SUP_ENDED},
        {"retry", MM1__SUP_RETRY},
        {"parent", MM1__SUP_PARENT},
        {"start", MM1__SUP_CALL_START},
        {"terminate", MM1__SUP_CALL_TERMINATE},
        {"restart", MM1__SUP_CALL_RESTART},
        {"delete", MM1__SUP_CALL_DELETE},
        {"fail", MM1__SUP_FAIL},
    };
    char *rest = NULL;
    char *word = strtok_r(text, " ", &rest);
    char *name = strtok_r(NULL, " ", &rest);
    char *reason = strtok_r(NULL, " ", &rest);
    if (strcmp(word, "at") == 0) {
        s->now = strtoull(name, NULL, 10);
        return;
    }
    if (strcmp(word, "list") == 0) {
        script_list(s);
        return;
    }
    if (strcmp(word, "dead") == 0) {
        script_note(s, name);
        return;
    }
    size_t at = 0;
    while (strcmp(word, kinds[at].name) != 0) {
        at++;
        cr_assert_lt(at, MM1_COUNT_OF(kinds), "%s", word);
    }
    struct mm1__sup_event event = {.kind = kinds[at].kind, .reason = script_reason_of("crash")};
    if (event.kind == MM1__SUP_PARENT) {
        event.reason = script_reason_of(name);
    } else if (event.kind == MM1__SUP_CALL_START) {
        event.child = &script_new(s, name)->child;
    } else if (name != NULL) {
        struct script_child *child = script_find(s, name);
        event.child = child != NULL ? &child->child : NULL;
    }
    if (reason != NULL) {
        event.reason = script_reason_of(reason);
    }
    script_give(s, &event);
}

static inline void script_play(struct script *s, const char *const *lines)
{
    for (; *lines != NULL; lines++) {
        char copy[256];
        script_copy(copy, sizeof(copy), *lines);
        char *expected = strstr(copy, " |");
        cr_assert_not_null(expected, "%s", *lines);
        *expected = '\0';
        expected += 2;
        expected += *expected == ' ';
        s->out[0] = '\0';
        script_event(s, copy);
        cr_assert_str_eq(s->out, expected, "%s", *lines);
    }
}

#define PLAY(s, ...) script_play(s, (const char *const[]){__VA_ARGS__, NULL})

#endif

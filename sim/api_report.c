/* mm1/sim.h: expectations, the verdict, and what is said about a failure. */
#define _GNU_SOURCE
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/api.h"
#include "sim/report.h"

#define CHAIN_MAX 16u
#define LAST_MAX 12u

/* --- expectations --------------------------------------------------------------------------------------------- */

bool mm1_sim_expect(struct mm1_sim *sim, bool good, const char *file, int line, const char *what,
                    const char *format, ...)
{
    char said[SIM_TEXT_MAX / 2] = "";
    if (good) {
        return true;
    }
    if (format != NULL) {
        va_list args;
        va_start(args, format);
        (void)vsnprintf(said, sizeof(said), format, args);
        va_end(args);
    }
    if (sim->result.verdict == SIM_PASSED) {
        char signature[sizeof(sim->result.signature)];
        (void)snprintf(signature, sizeof(signature), "expectation %.100s", what);
        sim_world_fail(&sim->world, SIM_EXPECTATION, signature, "", "%s:%d: not true: %s%s%s", file,
                       line, what, said[0] == '\0' ? "" : ": ", said);
    }
    sim_api_tell(sim);
    return false;
}

bool mm1_sim_expect_ok(struct mm1_sim *sim, mm1_status status, const char *file, int line,
                       const char *what)
{
    return mm1_sim_expect(sim, status == MM1_OK, file, line, what, "%s", mm1_status_text(status));
}

/* --- the verdict ---------------------------------------------------------------------------------------------- */

bool mm1_sim_failed(const struct mm1_sim *sim)
{
    return sim->result.verdict != SIM_PASSED;
}

bool mm1_sim_check(struct mm1_sim *sim, struct mm1_sim_verdict *verdict)
{
    const struct sim_result *r = &sim->result;
    if (!sim->judged) {
        sim_properties_end(&sim->world);
        sim->judged = true;
    }
    sim_api_tell(sim);
    if (verdict != NULL) {
        *verdict = (struct mm1_sim_verdict){
            .passed = r->verdict == SIM_PASSED,
            .word = sim_verdict_text(r->verdict),
            .property = r->property,
            .text = r->text,
            .active_faults = r->active_faults,
            .seq = r->failed_seq,
            .time_ns = r->failed_time_ns,
            .events = r->events,
            .faults = r->faults,
            .checks = r->checks,
            .hash = sim->world.hash,
        };
    }
    return r->verdict == SIM_PASSED;
}

/* --- the report ----------------------------------------------------------------------------------------------- */

/* The file of this program, as one would call it from here; a runner of tests may have given it another name. */
static const char *program_name(char path[PATH_MAX])
{
    char folder[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (size <= 0) {
        return program_invocation_name;
    }
    path[size] = '\0';
    size_t above = getcwd(folder, sizeof(folder)) == NULL ? 0 : strlen(folder);
    if (above > 1 && strncmp(path, folder, above) == 0 && path[above] == '/') {
        path[above - 1] = '.';
        return path + above - 1;
    }
    return path;
}

void sim_api_reproducer(const char *name, uint64_t seed, char *out, size_t size)
{
    char path[PATH_MAX];
    char program[512];
    char test[256];
    (void)sim_report_word(program_name(path), program, sizeof(program));
    (void)snprintf(out, size, "MM1_SIM_SEED=%llu %s%s%s", (unsigned long long)seed, program,
                   name == NULL ? "" : " --filter ",
                   name == NULL ? "" : sim_report_word(name, test, sizeof(test)));
}

static const char *actor_path(const struct mm1_sim *sim, uint64_t row)
{
    return row == 0 || row > sim->record.actor_count ? "" : sim->record.actors[row - 1].path;
}

static void print_event(FILE *to, const struct mm1_sim *sim, const struct sim_api_event *event)
{
    char time[SIM_TIME_TEXT];
    const char *actor = actor_path(sim, event->actor);
    const char *peer = actor_path(sim, event->peer);
    if (event->actor == 0) {
        actor = event->node < 0 ? "world" : sim->node_specs[event->node].name;
    }
    (void)fprintf(to, "    #%-6llu %-13s %s %s", (unsigned long long)event->seq,
                  sim_report_time(event->time_ns, time), actor, mm1_event_text(event->kind));
    if (event->verb >= 0) {
        (void)fprintf(to, " %s", mm1_effect_text((enum mm1_effect_kind)event->verb));
    }
    if (event->what[0] != '\0') {
        (void)fprintf(to, " %s", event->what);
    }
    if (peer[0] != '\0') {
        bool came = event->kind == MM1_EVENT_SIGNAL || event->kind == MM1_EVENT_RECEIVE;
        const char *link = event->kind == MM1_EVENT_SPAWN ? "" : came ? "from " : "to ";
        (void)fprintf(to, " %s%s", link, peer);
    }
    if (event->status != MM1_OK) {
        (void)fprintf(to, " (%s)", mm1_status_text(event->status));
    }
    (void)fputc('\n', to);
}

/* The event at which it failed and what caused it, the oldest first. */
static void print_chain(FILE *to, const struct mm1_sim *sim)
{
    const struct sim_api_event *chain[CHAIN_MAX];
    const struct sim_api_event *event = sim_api_event_of(sim, sim->result.failed_seq);
    size_t count = 0;
    while (event != NULL && count < CHAIN_MAX) {
        chain[count++] = event;
        event = event->cause < event->seq ? sim_api_event_of(sim, event->cause) : NULL;
    }
    if (count > 1) {
        (void)fprintf(to, "  what led to it\n");
    }
    while (count > 1) {
        count--;
        print_event(to, sim, chain[count]);
        if (count == 1) {
            print_event(to, sim, chain[0]);
        }
    }
}

static void print_last(FILE *to, const struct mm1_sim *sim)
{
    uint64_t last = sim->result.failed_seq != 0 ? sim->result.failed_seq : sim->result.events;
    uint64_t first = last > LAST_MAX ? last - LAST_MAX + 1 : 1;
    (void)fprintf(to, "  the last events\n");
    for (uint64_t seq = first; seq <= last; seq++) {
        const struct sim_api_event *event = sim_api_event_of(sim, seq);
        if (event != NULL) {
            print_event(to, sim, event);
        }
    }
}

static void print_report(FILE *to, const struct mm1_sim *sim)
{
    const struct sim_result *r = &sim->result;
    char time[SIM_TIME_TEXT];
    char line[1024];
    sim_api_reproducer(sim->options.name, sim->spec.seed, line, sizeof(line));
    (void)fprintf(to, "mm1: seed %llu failed: %s%s%s, at %s of virtual time, event %llu\n",
                  (unsigned long long)sim->spec.seed, sim_verdict_text(r->verdict),
                  r->property[0] == '\0' ? "" : " ", r->property,
                  sim_report_time(r->failed_time_ns, time), (unsigned long long)r->failed_seq);
    (void)fprintf(to, "  %s\n  faults in force: %s\n", r->text, r->active_faults);
    print_chain(to, sim);
    print_last(to, sim);
    (void)fprintf(to, "  hash %016llx\n  again: %s\n", (unsigned long long)sim->world.hash, line);
    if (sim->options.trace == NULL) {
        (void)fprintf(to, "  with MM1_SIM_TRACE=run.db in front of that, a trace for mm1 query\n");
    } else {
        (void)fprintf(to, "  trace: %s\n", sim->options.trace);
    }
}

const char *mm1_sim_report(struct mm1_sim *sim)
{
    if (sim->report == NULL && sim->result.verdict != SIM_PASSED) {
        size_t size = 0;
        FILE *to = open_memstream(&sim->report, &size);
        MM1_CHECK(to != NULL);
        print_report(to, sim);
        MM1_CHECK(fclose(to) == 0);
    }
    return sim->report == NULL ? "" : sim->report;
}

void sim_api_tell(struct mm1_sim *sim)
{
    if (!sim->reported && sim->result.verdict != SIM_PASSED) {
        sim->reported = true;
        const char *report = mm1_sim_report(sim);
        if (!sim->options.silent) {
            (void)fputs(report, stderr);
            (void)fflush(stderr);
        }
    }
}

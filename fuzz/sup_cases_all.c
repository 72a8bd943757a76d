/* Many cases at a time: the threads that take them, and the order in which they are told. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/sup_cases_run.h"

struct result {
    struct mm1_buf out;
    mm1_status status;
    bool done;
    char error[SUP_CASES_ERROR_MAX];
};

struct work {
    const struct sup_cases *cases;
    struct sup_cases_options options;
    size_t *order; /* in which cases are begun */
    struct result *results;
    pthread_mutex_t lock; /* of what follows, and of results[].done */
    pthread_cond_t change;
    size_t next;
    bool stop;
};

/* How much time passes in a case by its own account. */
static uint64_t advances(const struct sup_case *the_case)
{
    uint64_t ns = 0;
    for (size_t i = 0; i < the_case->event_count; i++) {
        if (the_case->events[i].kind == SUP_EV_ADVANCE) {
            ns =
                the_case->events[i].ns > UINT64_MAX - ns ? UINT64_MAX : ns + the_case->events[i].ns;
        }
    }
    return ns;
}

/* Where real time passes, the cases that take most of it are begun first. */
static void make_order(struct work *work)
{
    size_t count = 0;
    for (size_t i = 0; i < work->cases->count && work->options.threads != 0; i++) {
        if (advances(&work->cases->cases[i]) != 0) {
            work->order[count++] = i;
        }
    }
    for (size_t i = 0; i < work->cases->count; i++) {
        if (work->options.threads == 0 || advances(&work->cases->cases[i]) == 0) {
            work->order[count++] = i;
        }
    }
}

static void *run_cases(void *arg)
{
    struct work *work = arg;
    (void)pthread_mutex_lock(&work->lock);
    while (!work->stop && work->next < work->cases->count) {
        size_t index = work->order[work->next++];
        struct result *result = &work->results[index];
        (void)pthread_mutex_unlock(&work->lock);
        result->status =
            sup_case_run(&work->cases->cases[index], &work->options, &result->out, result->error);
        (void)pthread_mutex_lock(&work->lock);
        result->done = true;
        (void)pthread_cond_broadcast(&work->change);
    }
    (void)pthread_mutex_unlock(&work->lock);
    return NULL;
}

static mm1_status tell(struct work *work,
                       void (*each)(void *arg, const struct sup_case *the_case,
                                    struct mm1_text output),
                       void *arg, char error[SUP_CASES_ERROR_MAX])
{
    for (size_t i = 0; i < work->cases->count; i++) {
        const struct sup_case *the_case = &work->cases->cases[i];
        struct result *result = &work->results[i];
        (void)pthread_mutex_lock(&work->lock);
        while (!result->done) {
            (void)pthread_cond_wait(&work->change, &work->lock);
        }
        (void)pthread_mutex_unlock(&work->lock);
        if (result->status != MM1_OK) {
            (void)snprintf(error, SUP_CASES_ERROR_MAX, "case %.80s (line %u): %.120s",
                           the_case->name, the_case->line, result->error);
            return result->status;
        }
        each(arg, the_case, mm1_buf_text(&result->out));
        mm1_buf_close(&result->out);
    }
    return MM1_OK;
}

static mm1_status run(struct work *work,
                      void (*each)(void *arg, const struct sup_case *the_case,
                                   struct mm1_text output),
                      void *arg, char error[SUP_CASES_ERROR_MAX])
{
    pthread_t *threads = calloc(work->options.jobs, sizeof(*threads));
    unsigned started = 0;
    mm1_status status = threads == NULL ? MM1_NOMEM : MM1_OK;
    while (status == MM1_OK && started < work->options.jobs &&
           pthread_create(&threads[started], NULL, run_cases, work) == 0) {
        started++;
    }
    if (status == MM1_OK && started == 0) {
        (void)snprintf(error, SUP_CASES_ERROR_MAX, "no thread to play cases with");
        status = MM1_RESOURCE;
    }
    if (status == MM1_OK) {
        status = tell(work, each, arg, error);
    }
    (void)pthread_mutex_lock(&work->lock);
    work->stop = true;
    (void)pthread_mutex_unlock(&work->lock);
    for (unsigned i = 0; i < started; i++) {
        MM1_CHECK(pthread_join(threads[i], NULL) == 0);
    }
    free(threads);
    return status;
}

mm1_status sup_cases_run(const struct sup_cases *cases, const struct sup_cases_options *options,
                         struct mm1_alloc *alloc,
                         void (*each)(void *arg, const struct sup_case *the_case,
                                      struct mm1_text output),
                         void *arg, char error[SUP_CASES_ERROR_MAX])
{
    pthread_mutex_t doors = PTHREAD_MUTEX_INITIALIZER;
    struct work work = {.cases = cases,
                        .options = *options,
                        .order = calloc(cases->count + 1, sizeof(size_t)),
                        .results = calloc(cases->count + 1, sizeof(struct result)),
                        .lock = PTHREAD_MUTEX_INITIALIZER,
                        .change = PTHREAD_COND_INITIALIZER};
    mm1_status status = MM1_NOMEM;
    work.options.doors = &doors;
    (void)snprintf(error, SUP_CASES_ERROR_MAX, "%s", mm1_status_text(MM1_NOMEM));
    if (work.order != NULL && work.results != NULL) {
        for (size_t i = 0; i < cases->count; i++) {
            work.results[i].out = MM1_BUF(alloc);
        }
        make_order(&work);
        status = run(&work, each, arg, error);
        for (size_t i = 0; i < cases->count; i++) {
            mm1_buf_close(&work.results[i].out);
        }
    }
    free(work.order);
    free(work.results);
    return status;
}

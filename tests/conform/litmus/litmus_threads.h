/* Runs of litmus programs on threads. */
#ifndef MM1_CONFORM_LITMUS_LITMUS_THREADS_H
#define MM1_CONFORM_LITMUS_LITMUS_THREADS_H

#include "litmus.h"

struct litmus_bench;

/* A node on so many workers, for one program after another. Null: it could not be made. */
struct litmus_bench *litmus_bench_new(unsigned workers);
/* As many runs of a program. "" or what was wrong: an outcome that is not legal, a hang. Counts each legal outcome. */
const char *litmus_bench_play(struct litmus_bench *bench, const struct litmus_program *program,
                              uint64_t runs, uint64_t reached[LITMUS_OUTCOMES_MAX]);
void litmus_bench_free(struct litmus_bench *bench);

#endif

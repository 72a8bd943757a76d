/* The litmus programs on threads: no outcome that is not legal. */
#include "litmus/litmus_threads.h"
#include "mm1_test.h"
#include "slow.h"

#define RUNS (CONFORM_SLOW ? 150 : 1000)

static void play(unsigned workers)
{
    struct litmus_bench *bench = litmus_bench_new(workers);
    cr_assert_not_null(bench);
    for (size_t i = 0; i < litmus_program_count; i++) {
        uint64_t reached[LITMUS_OUTCOMES_MAX] = {0};
        const char *wrong = litmus_bench_play(bench, &litmus_programs[i], RUNS, reached);
        cr_assert_str_empty(wrong, "%s, %u workers: %s", litmus_programs[i].name, workers, wrong);
    }
    litmus_bench_free(bench);
}

Test(litmus_threads, one_worker)
{
    play(1);
}

Test(litmus_threads, two_workers)
{
    play(2);
}

Test(litmus_threads, four_workers)
{
    play(4);
}

/* The litmus programs in the simulator, by pairs and between effects: within 1,000 runs every legal outcome is reached,
 * and no other. */
#include "litmus/litmus_sim.h"
#include "mm1_test.h"
#include "slow.h"

/* A slow build looks for what is not legal alone: fewer runs need not reach everything. */
#define RUNS (CONFORM_SLOW ? 100 : 1000)

Test(litmus_sim, every_legal_outcome_and_no_other)
{
    for (size_t i = 0; i < litmus_program_count; i++) {
        const struct litmus_program *program = &litmus_programs[i];
        struct litmus_tally tally = litmus_sim_play(program, 1, RUNS);
        cr_expect_str_empty(tally.wrong, "%s: %s", program->name, tally.wrong);
        for (unsigned n = 0; n < litmus_legal(program) && !CONFORM_SLOW; n++) {
            cr_expect_neq(tally.reached[n], 0, "%s: outcome %u of \"%s\" was never reached",
                          program->name, n + 1, program->outcomes);
        }
    }
}

/* Runs of a litmus program in the simulator. */
#ifndef MM1_CONFORM_LITMUS_LITMUS_SIM_H
#define MM1_CONFORM_LITMUS_LITMUS_SIM_H

#include "litmus.h"

struct litmus_tally {
    uint64_t reached[LITMUS_OUTCOMES_MAX]; /* how often each legal outcome was */
    char wrong[640];                       /* what was not legal, with its seed; "" */
};

/* As many seeds from `first` on. Stops at what is not legal. */
struct litmus_tally litmus_sim_play(const struct litmus_program *program, uint64_t first,
                                    uint64_t runs);

#endif

/* Draws cases: trees of supervisors and histories of what happens to them, one a seed. The same seed and options give
 * the same case, on every machine and for ever within a version of the generator (SUP_GEN_VERSION is part of what a
 * finding says; saved findings hold the case itself). */
#ifndef FUZZ_SUP_GEN_H
#define FUZZ_SUP_GEN_H

#include "fuzz/sup_case.h"

#define SUP_GEN_VERSION 1

/* What a case is drawn from. Zero: the default. */
struct sup_gen_options {
    unsigned depth_max;   /* of supervisors; the root alone is 1. Default 4 */
    unsigned members_max; /* default: drawn per seed, up to 64, mostly few */
    unsigned events_max;  /* default: drawn per seed, up to 60 */
    /* only what OTP is asked too, whose outcome no schedule changes: for --against-otp. The options above are not
     * looked at then: such a case is small. */
    bool otp;
};

/* What may occur in a case. X(name, what it is called) */
#define SUP_DIMENSION_MAP(X)                                                                       \
    X(STRATEGIES, "group strategies")                                                              \
    X(UNIFORM, "uniform supervisors")                                                              \
    X(NESTING, "nested supervisors")                                                               \
    X(RESTARTS, "kinds of restart")                                                                \
    X(SIGNIFICANT, "significant children")                                                         \
    X(STOPS, "ways of shutdown")                                                                   \
    X(TERMS, "children that do not just obey")                                                     \
    X(UNACKED, "children without acknowledgement")                                                 \
    X(ANNOUNCED, "children that are told their parent")                                            \
    X(WINDOW_EDGES, "odd windows and intensities")                                                 \
    X(BAD_SPECS, "specs that break a rule")                                                        \
    X(BEFORE, "plans before the start")                                                            \
    X(FAIL, "failing starts")                                                                      \
    X(IGNORE, "ignored starts")                                                                    \
    X(DIE, "deaths at start")                                                                      \
    X(SLOW, "slow starts")                                                                         \
    X(HANG, "starts that never end")                                                               \
    X(EXITS, "exits")                                                                              \
    X(KILLS, "kills")                                                                              \
    X(SUP_KILLS, "killed supervisors")                                                             \
    X(STRANGERS, "strangers' exit signals")                                                        \
    X(CHANGES, "calls that change")                                                                \
    X(QUERIES, "calls that look")                                                                  \
    X(BAD_IDS, "ids that nobody has")                                                              \
    X(BATCHES, "batches")                                                                          \
    X(WAITS, "waits")                                                                              \
    X(SUP_EXITS, "ends of the root")

enum sup_dimension {
#define SUP__DIMENSION_ENUM(code, text) SUP_DIM_##code,
    SUP_DIMENSION_MAP(SUP__DIMENSION_ENUM)
#undef SUP__DIMENSION_ENUM
        SUP_DIMENSIONS
};
const char *sup_dimension_text(enum sup_dimension dimension);
/* Those that occur in a case: bit 1 << enum sup_dimension. */
uint32_t sup_dimensions_of(const struct sup_case *the_case);

/* Draws a case. Swarm: each dimension is off for a share of the seeds. Memory of the arena. MM1_NOMEM. */
MM1_NODISCARD mm1_status sup_generate(struct mm1__arena *arena, uint64_t seed,
                                      const struct sup_gen_options *options, struct sup_case *out);
/* Makes a member say just what differs from the default of its key, so that it prints short. */
void sup_member_say(struct sup_member *member, bool root);

#endif

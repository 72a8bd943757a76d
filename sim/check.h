/* `mm1 check` and `mm1 list`: what scenario files and systems say, without running anything. */
#ifndef SIM_CHECK_H
#define SIM_CHECK_H

#include <stdbool.h>
#include <stdio.h>

#include "host/load.h"
#include "sim/scenario.h"

/* A scenario together with its system. */
struct sim_case {
    struct sim_scenario *scenario;
    struct mm1__loaded_system system;
};

/* Loads a scenario and its system, and ties them. `*out` is set only with MM1_OK; else `diag` says why. Statuses of
 * sim_scenario_load_file, mm1__system_load and sim_scenario_resolve. `linked` may be null. */
MM1_NODISCARD mm1_status sim_case_open(const struct mm1__linked_systems *linked, const char *path,
                                       struct sim_case *out, struct mm1_diag *diag);
/* After it nothing of the scenario or its system may be used. */
void sim_case_close(struct sim_case *opened);

/* The exit code for a loader's status: 0; 2 bad input; 3 environment. */
int sim_exit_code(mm1_status status);
/* The same, after printing the finding as a line on `err` when there is one. */
int sim_print_finding(mm1_status status, const struct mm1_diag *diag, FILE *err);

/* True when the file reads as a scenario rather than a node's configuration: it is no JSON object, or has "hosts". */
bool sim_is_scenario(const char *path);
/* Checks one scenario with its system: a line on `out` when it is good, else the finding on `err`. An exit code. */
int sim_check_scenario(const struct mm1__linked_systems *linked, const char *path, FILE *out,
                       FILE *err);

/* Prints the systems that are found (`folder`, which may be null, is searched first), with roles and properties. A
 * shared object that is refused is a line on `err` and makes the result 2. An exit code. */
int sim_list_systems(const struct mm1__linked_systems *linked, const char *folder, FILE *out,
                     FILE *err);
/* Prints the scenarios in `folder` and the folders in it, each with its line about itself; node configurations are
 * left out. A file that does not load is a line on `err` and makes the result 2. A folder that is not there is none. */
int sim_list_scenarios(const char *folder, FILE *out, FILE *err);

#endif

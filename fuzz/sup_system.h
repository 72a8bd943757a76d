/* The system "supervisors": cases of supervision as scenarios, so that `mm1 sim` plays a finding and `mm1 query` and
 * `mm1 replay` look into it. Every mm1 has it. */
#ifndef FUZZ_SUP_SYSTEM_H
#define FUZZ_SUP_SYSTEM_H

#include <mm1/system.h>

extern const struct mm1_system sup_system;

#endif

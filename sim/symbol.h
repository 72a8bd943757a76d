/* Names of functions for the stack of a crashed process. */
#ifndef SIM_SYMBOL_H
#define SIM_SYMBOL_H

#include "sim/child.h"

/* Writes "function (module)" or "module+0x1234" with a NUL; returns true when the function is known. Reads the symbol
 * table of the module's file. */
bool sim_symbol(const struct sim_frame *frame, char *out, size_t size);
/* The first frame that is neither the C library's nor a check of ours: the place of the crash. Null: no frame. */
const struct sim_frame *sim_symbol_place(const struct sim_crash *crash);

#endif

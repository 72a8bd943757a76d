/* The command as a library: a program that links its own systems gets the same command line as mm1.
 *
 *     int main(int argc, char **argv)
 *     {
 *         static const struct mm1_system *const systems[] = {&my_system};
 *         return mm1_command_main(argc, argv, systems, 1);
 *     }
 */
#ifndef MM1_COMMAND_H
#define MM1_COMMAND_H

#include <mm1/system.h>

/* Carries out `mm1 VERB …` as given in `argv` and returns its exit code. The systems come before shared objects of the
 * same name. Call it first thing in main: the program is executed again for each child process, with another first
 * argument. */
MM1_API int mm1_command_main(int argc, char **argv, const struct mm1_system *const *systems,
                             size_t count);

#endif

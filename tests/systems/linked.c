/* A program of a user's own, with a system linked in: the same command line as mm1. */
#include <mm1/command.h>

extern const struct mm1_system mm1_system;

int main(int argc, char **argv)
{
    static const struct mm1_system *const systems[] = {&mm1_system};
    return mm1_command_main(argc, argv, systems, 1);
}

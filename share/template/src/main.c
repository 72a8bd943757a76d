/* The command line of mm1, with this system in it. */
#include <mm1/command.h>

#include "counter.h"

int main(int argc, char **argv)
{
    static const struct mm1_system *const systems[] = {&counter_system};
    return mm1_command_main(argc, argv, systems, MM1_COUNT_OF(systems));
}

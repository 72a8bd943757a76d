/* mm1, the command. */
#include <mm1/command.h>

int main(int argc, char **argv)
{
    return mm1_command_main(argc, argv, NULL, 0);
}

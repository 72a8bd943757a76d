/* Uses the installed headers and libraries, as a user's program would. */
#include <stdio.h>

#include <mm1/addr.h>
#include <mm1/status.h>

#ifdef WITH_SIM
#include <mm1/sim.h>
#endif

int main(void)
{
    struct mm1_net net = MM1_NET_DEFAULT_AUTO;
    puts(mm1_status_text(mm1_net_contains(net, net.addr) ? MM1_OK : MM1_INTERNAL));
    return 0;
}

/* The runtime's own messages to actors. */
#include <mm1/actor.h>

MM1_MSG_DEFINE(mm1_exited, "mm1_local::Exited", MM1_EXITED_FIELDS)
MM1_MSG_DEFINE(mm1_down, "mm1_local::Down", MM1_DOWN_FIELDS)

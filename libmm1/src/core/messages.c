/* The runtime's own messages to actors. */
#include <mm1/actor.h>

MM1_MSG_DEFINE(mm1_exited, "mm1_local::Exited", MM1_EXITED_FIELDS)
MM1_MSG_DEFINE(mm1_down, "mm1_local::Down", MM1_DOWN_FIELDS)
MM1_MSG_DEFINE(mm1_started, "mm1_local::Started", MM1_STARTED_FIELDS)
MM1_MSG_DEFINE(mm1_start_failed, "mm1_local::StartFailed", MM1_START_FAILED_FIELDS)
MM1_MSG_DEFINE_UNIT(mm1_closed, "mm1_local::Closed")
MM1_MSG_DEFINE(mm1_ping, "mm1_proto_system::Ping", MM1_PING_FIELDS)

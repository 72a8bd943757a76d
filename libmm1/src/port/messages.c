/* The completions of the transport and store ports, as message types of the runtime itself. */
#include <mm1/store.h>
#include <mm1/transport.h>

MM1_MSG_DEFINE(mm1_listening, "mm1_local::Listening", MM1_LISTENING_FIELDS)
MM1_MSG_DEFINE(mm1_connected, "mm1_local::Connected", MM1_CONNECTED_FIELDS)
MM1_MSG_DEFINE(mm1_failed, "mm1_local::Failed", MM1_FAILED_FIELDS)
MM1_MSG_DEFINE(mm1_accepted, "mm1_local::Accepted", MM1_ACCEPTED_FIELDS)
MM1_MSG_DEFINE(mm1_received, "mm1_local::Received", MM1_RECEIVED_FIELDS)
MM1_MSG_DEFINE(mm1_sent, "mm1_local::Sent", MM1_SENT_FIELDS)
MM1_MSG_DEFINE(mm1_ended, "mm1_local::Ended", MM1_ENDED_FIELDS)

MM1_MSG_DEFINE(mm1_log_opened, "mm1_local::LogOpened", MM1_LOG_OPENED_FIELDS)
MM1_MSG_DEFINE(mm1_log_done, "mm1_local::LogDone", MM1_LOG_DONE_FIELDS)
MM1_MSG_DEFINE(mm1_log_data, "mm1_local::LogData", MM1_LOG_DATA_FIELDS)
MM1_MSG_DEFINE(mm1_log_failed, "mm1_local::LogFailed", MM1_LOG_FAILED_FIELDS)

/* The message with which an asker learns that it has waited long enough. */
#ifndef MM1_KIT_ASK_MESSAGES_H
#define MM1_KIT_ASK_MESSAGES_H

#include <mm1/msg.h>

#define MM1_ASK_TIMEOUT_FIELDS(F) F(id, id)
MM1_MSG_DECLARE(mm1_ask_timeout, MM1_ASK_TIMEOUT_FIELDS)

#endif

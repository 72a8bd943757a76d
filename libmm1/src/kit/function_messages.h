/* The message with which a function actor learns that it has waited long enough. */
#ifndef MM1_KIT_FUNCTION_MESSAGES_H
#define MM1_KIT_FUNCTION_MESSAGES_H

#include <mm1/msg.h>

#define MM1_WAIT_OVER_FIELDS(F) F(id, id)
MM1_MSG_DECLARE(mm1_wait_over, MM1_WAIT_OVER_FIELDS)

#endif

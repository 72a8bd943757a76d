/* The message with which a keeper of a name learns that it is time to say it again. */
#ifndef MM1_KIT_NAME_MESSAGES_H
#define MM1_KIT_NAME_MESSAGES_H

#include <mm1/msg.h>

MM1_MSG_DECLARE_UNIT(mm1_name_refresh)

#endif

/* The message with which the metrics server learns that a peer has had its time. */
#ifndef MM1_KIT_METRICS_MESSAGES_H
#define MM1_KIT_METRICS_MESSAGES_H

#include <mm1/msg.h>

#define MM1_METRICS_SLOW_FIELDS(F) F(id, handle)
MM1_MSG_DECLARE(mm1_metrics_slow, MM1_METRICS_SLOW_FIELDS)

#endif

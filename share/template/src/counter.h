/* A counter that others ask, and a client that asks it. */
#ifndef COUNTER_H
#define COUNTER_H

#include <mm1/mm1.h>

/* Adds `n`; the answer is the sum. */
#define COUNTER_ADD_FIELDS(F) F(u64, n)
MM1_MSG_DECLARE(counter_add, COUNTER_ADD_FIELDS)
MM1_REQUEST_DECLARE(counter_add)
#define COUNTER_SUM_FIELDS(F) F(u64, sum)
MM1_MSG_DECLARE(counter_sum, COUNTER_SUM_FIELDS)
MM1_RESPONSE_DECLARE(counter_sum)

/* Observed: the client was told so much after so many adds of 1. */
#define COUNTER_TOLD_FIELDS(F) F(u64, adds) F(u64, sum)
MM1_MSG_DECLARE(counter_told, COUNTER_TOLD_FIELDS)

/* What scenarios and node configurations say to the roles. */
#define COUNTER_SERVER_ARGS_FIELDS(F) F(addr, self)
MM1_MSG_DECLARE(counter_server_args, COUNTER_SERVER_ARGS_FIELDS)
#define COUNTER_CLIENT_ARGS_FIELDS(F) F(addr, server) F(u64, adds) F(duration, timeout)
MM1_MSG_DECLARE(counter_client_args, COUNTER_CLIENT_ARGS_FIELDS)

extern const struct mm1_server counter_server;
extern const struct mm1_function counter_client;
extern const struct mm1_system counter_system;

#endif

/* The kit's own message types. */
#include <mm1/ask.h>
#include <mm1/kit.h>
#include <mm1/metrics.h>
#include <mm1/multinode.h>
#include <mm1/name_service.h>

#include "kit/ask_messages.h"
#include "kit/function_messages.h"
#include "kit/life_messages.h"
#include "kit/metrics_messages.h"
#include "kit/mn_messages.h"
#include "kit/name_messages.h"
#include "kit/sup_messages.h"

mm1_status mm1_kit_register(struct mm1_msg_registry *registry)
{
    const struct mm1_msg_type *const types[] = {
        &mm1_ask_timeout_type,
        &mm1_life_timeout_type,
        &mm1_wait_over_type,
        &mm1_mn_endpoint_type,
        &mm1_mn_routes_type,
        &mm1_mn_table_type,
        &mm1_mn_tick_type,
        &mm1_mn_redial_type,
        &mm1_multinode_config_type,
        &mm1_name_register_request_type,
        &mm1_name_unregister_request_type,
        &mm1_name_resolve_request_type,
        &mm1_name_done_response_type,
        &mm1_name_found_response_type,
        &mm1_name_keep_type,
        &mm1_name_refresh_type,
        &mm1_metrics_config_type,
        &mm1_metrics_slow_type,
    };
    for (size_t i = 0; i < MM1_COUNT_OF(types); i++) {
        MM1_TRY(mm1_msg_register(registry, types[i]));
    }
    return mm1__sup_register(registry);
}

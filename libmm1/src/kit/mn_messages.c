/* The multi-node actors' messages, and which types cross the wire. */
#include <mm1/multinode.h>

#include "kit/mn_messages.h"

MM1_MSG_DEFINE(mm1_multinode_config, "mm1_local::multinode::Config", MM1_MULTINODE_CONFIG_FIELDS)
MM1_MSG_DEFINE(mm1_mn_endpoint, "mm1_local::multinode::Endpoint", MM1_MN_ENDPOINT_FIELDS)
MM1_MSG_DEFINE(mm1_mn_route, "mm1_local::multinode::Route", MM1_MN_ROUTE_FIELDS)
MM1_MSG_DEFINE(mm1_mn_routes, "mm1_local::multinode::Routes", MM1_MN_ROUTES_FIELDS)
MM1_MSG_DEFINE(mm1_mn_table, "mm1_local::multinode::Table", MM1_MN_TABLE_FIELDS)
MM1_MSG_DEFINE_UNIT(mm1_mn_tick, "mm1_local::multinode::Tick")
MM1_MSG_DEFINE_UNIT(mm1_mn_redial, "mm1_local::multinode::Redial")

bool mm1__mn_shared(const struct mm1_msg_type *type)
{
    static const char local[] = "mm1_local::";
    return (type->flags & MM1_MSG_LOCAL_ONLY) == 0 &&
           strncmp(type->name, local, sizeof(local) - 1) != 0;
}

bool mm1__mn_index(const struct mm1_msg_registry *registry, struct mm1_text name, uint32_t *index)
{
    size_t low = 0;
    size_t high = registry->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct mm1_msg_type *type = registry->types[middle];
        int order = mm1_text_compare(name, mm1_text_of(type->name));
        if (order == 0) {
            *index = (uint32_t)middle;
            return mm1__mn_shared(type);
        }
        if (order < 0) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return false;
}

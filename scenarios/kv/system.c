/* The replicated key-value store, as a system under test. */
#include <mm1/system.h>

#include "client.h"
#include "messages.h"
#include "parent.h"
#include "properties.h"

static const struct mm1_role roles[] = {
    {.name = "replica",
     .about = "a replica of the store: the primary, or a backup",
     .main = &kv_parent_behaviour,
     .arg_type = &kv_replica_type},
    {.name = "client",
     .about = "reads and writes at random, and says what it was told",
     .main = &kv_client_behaviour,
     .arg_type = &kv_client_type},
};

/* The one symbol that is looked for. */
MM1_API const struct mm1_system mm1_system = {
    .abi = MM1_SYSTEM_ABI,
    .name = "kv",
    .source_version = MM1_SYSTEM_SOURCE_VERSION, /* of the build: a hash of this folder */
    .about = "a replicated key-value store with a configured primary",
    .types = kv_types,
    .type_count = KV_TYPE_COUNT,
    .roles = roles,
    .role_count = MM1_COUNT_OF(roles),
    .properties = kv_properties,
    .property_count = KV_PROPERTY_COUNT,
};

/* The system "supervisors". */
#include "fuzz/sup_stage.h"
#include "fuzz/sup_system.h"
#include "fuzz/sup_watch.h"
#include "fuzz_version.h"

static const struct mm1_role roles[] = {
    {.name = "case",
     .about = "starts the tree of a case, and carries out its history if it plays",
     .main = &sup_stage,
     .arg_type = &sup_stage_arg_type},
};

const struct mm1_system sup_system = {
    .abi = MM1_SYSTEM_ABI,
    .name = "supervisors",
    .source_version = MM1_FUZZ_SOURCE_VERSION,
    .about = "trees of supervisors, and histories of what happens to them",
    .types = sup_stage_types,
    .type_count = SUP_STAGE_TYPE_COUNT,
    .roles = roles,
    .role_count = MM1_COUNT_OF(roles),
    .properties = &sup_watch_property,
    .property_count = 1,
};

/* The message types of supervisors. */
#include "kit/sup_messages.h"

MM1_MSG_DEFINE(mm1_child, "mm1_sup::Child", MM1_CHILD_FIELDS)
MM1_MSG_DEFINE(mm1_tree_spec, "mm1_sup::Tree", MM1_TREE_SPEC_FIELDS)
MM1_MSG_DEFINE(mm1_sup_answer, "mm1_sup::Answer", MM1_SUP_ANSWER_FIELDS)
MM1_MSG_DEFINE(mm1_sup_start_child, "mm1_sup::StartChild", MM1_SUP_START_CHILD_FIELDS)
MM1_MSG_DEFINE(mm1_sup_terminate_child, "mm1_sup::TerminateChild", MM1_SUP_ID_FIELDS)
MM1_MSG_DEFINE(mm1_sup_delete_child, "mm1_sup::DeleteChild", MM1_SUP_ID_FIELDS)
MM1_MSG_DEFINE(mm1_sup_restart_child, "mm1_sup::RestartChild", MM1_SUP_ID_FIELDS)
MM1_MSG_DEFINE(mm1_sup_get_child, "mm1_sup::GetChild", MM1_SUP_ID_FIELDS)
MM1_MSG_DEFINE(mm1_sup_start, "mm1_sup::Start", MM1_SUP_START_FIELDS)
MM1_MSG_DEFINE(mm1_sup_stop, "mm1_sup::Stop", MM1_SUP_STOP_FIELDS)
MM1_MSG_DEFINE(mm1_sup_which_children, "mm1_sup::WhichChildren", MM1_SUP_WHICH_FIELDS)
MM1_MSG_DEFINE(mm1_sup_entry, "mm1_sup::Entry", MM1_SUP_ENTRY_FIELDS)
MM1_MSG_DEFINE(mm1_sup_children, "mm1_sup::Children", MM1_SUP_CHILDREN_FIELDS)
MM1_MSG_DEFINE(mm1_sup_count_children, "mm1_sup::CountChildren", MM1_SUP_WHICH_FIELDS)
MM1_MSG_DEFINE(mm1_sup_counts, "mm1_sup::Counts", MM1_SUP_COUNTS_FIELDS)
MM1_MSG_DEFINE(mm1_sup_get_childspec, "mm1_sup::GetChildspec", MM1_SUP_GET_SPEC_FIELDS)
MM1_MSG_DEFINE(mm1_sup_childspec, "mm1_sup::Childspec", MM1_SUP_CHILDSPEC_FIELDS)
MM1_MSG_DEFINE(mm1_set_parent, "mm1_sup::SetParent", MM1_SET_PARENT_FIELDS)
MM1_MSG_DEFINE(mm1_sup_retry, "mm1_local::SupervisorRetry", MM1_SUP_RETRY_FIELDS)
MM1_MSG_DEFINE(mm1_sup_timeout, "mm1_local::SupervisorTimeout", MM1_SUP_TIMEOUT_FIELDS)

MM1_REQUEST_DEFINE(mm1_sup_start_child, "mm1_sup::StartChild")
MM1_REQUEST_DEFINE(mm1_sup_terminate_child, "mm1_sup::TerminateChild")
MM1_REQUEST_DEFINE(mm1_sup_delete_child, "mm1_sup::DeleteChild")
MM1_REQUEST_DEFINE(mm1_sup_restart_child, "mm1_sup::RestartChild")
MM1_REQUEST_DEFINE(mm1_sup_get_child, "mm1_sup::GetChild")
MM1_REQUEST_DEFINE(mm1_sup_start, "mm1_sup::Start")
MM1_REQUEST_DEFINE(mm1_sup_stop, "mm1_sup::Stop")
MM1_REQUEST_DEFINE(mm1_sup_which_children, "mm1_sup::WhichChildren")
MM1_REQUEST_DEFINE(mm1_sup_count_children, "mm1_sup::CountChildren")
MM1_REQUEST_DEFINE(mm1_sup_get_childspec, "mm1_sup::GetChildspec")
MM1_RESPONSE_DEFINE(mm1_sup_answer, "mm1_sup::Answer")
MM1_RESPONSE_DEFINE(mm1_sup_children, "mm1_sup::Children")
MM1_RESPONSE_DEFINE(mm1_sup_counts, "mm1_sup::Counts")
MM1_RESPONSE_DEFINE(mm1_sup_childspec, "mm1_sup::Childspec")

mm1_status mm1__sup_register(struct mm1_msg_registry *registry)
{
    const struct mm1_msg_type *const types[] = {
        &mm1_tree_spec_type,
        &mm1_set_parent_type,
        &mm1_sup_retry_type,
        &mm1_sup_timeout_type,
        &mm1_sup_start_child_request_type,
        &mm1_sup_terminate_child_request_type,
        &mm1_sup_delete_child_request_type,
        &mm1_sup_restart_child_request_type,
        &mm1_sup_get_child_request_type,
        &mm1_sup_start_request_type,
        &mm1_sup_stop_request_type,
        &mm1_sup_which_children_request_type,
        &mm1_sup_count_children_request_type,
        &mm1_sup_get_childspec_request_type,
        &mm1_sup_answer_response_type,
        &mm1_sup_children_response_type,
        &mm1_sup_counts_response_type,
        &mm1_sup_childspec_response_type,
    };
    for (size_t i = 0; i < MM1_COUNT_OF(types); i++) {
        MM1_TRY(mm1_msg_register(registry, types[i]));
    }
    return MM1_OK;
}

const char *mm1_sup_code_text(enum mm1_sup_code code)
{
    switch (code) {
    case MM1_SUP_OK:
        return "ok";
    case MM1_SUP_FAILED:
        return "start failed";
    case MM1_SUP_INVALID:
        return "invalid spec";
    case MM1_SUP_ALREADY_STARTED:
        return "already started";
    case MM1_SUP_ALREADY_PRESENT:
        return "already present";
    case MM1_SUP_NOT_FOUND:
        return "not found";
    case MM1_SUP_RUNNING:
        return "running";
    case MM1_SUP_RESTARTING:
        return "restarting";
    case MM1_SUP_UNIFORM:
        return "uniform";
    }
    return "unknown";
}

/* The messages' descriptors and wire names. */
#include "messages.h"

MM1_MSG_DEFINE(kv_replica, "kv::Replica", KV_REPLICA_FIELDS)
MM1_MSG_DEFINE(kv_client, "kv::Client", KV_CLIENT_FIELDS)

MM1_MSG_DEFINE(kv_put, "kv::Put", KV_PUT_FIELDS)
MM1_REQUEST_DEFINE(kv_put, "kv::Put")
MM1_MSG_DEFINE(kv_stored, "kv::Stored", KV_STORED_FIELDS)
MM1_RESPONSE_DEFINE(kv_stored, "kv::Stored")
MM1_MSG_DEFINE(kv_get, "kv::Get", KV_GET_FIELDS)
MM1_REQUEST_DEFINE(kv_get, "kv::Get")
MM1_MSG_DEFINE(kv_value, "kv::Value", KV_VALUE_FIELDS)
MM1_RESPONSE_DEFINE(kv_value, "kv::Value")

MM1_MSG_DEFINE(kv_entry, "kv::Entry", KV_ENTRY_FIELDS)
MM1_MSG_DEFINE(kv_append, "kv::Append", KV_APPEND_FIELDS)
MM1_MSG_DEFINE(kv_appended, "kv::Appended", KV_APPENDED_FIELDS)
MM1_MSG_DEFINE(kv_begin, "kv::Begin", KV_BEGIN_FIELDS)
MM1_MSG_DEFINE(kv_begun, "kv::Begun", KV_BEGUN_FIELDS)
MM1_MSG_DEFINE(kv_fetch, "kv::Fetch", KV_FETCH_FIELDS)
MM1_MSG_DEFINE(kv_fetched, "kv::Fetched", KV_FETCHED_FIELDS)

MM1_MSG_DEFINE_UNIT(kv_flush_now, "kv::FlushNow")
MM1_MSG_DEFINE_UNIT(kv_resend_now, "kv::ResendNow")
MM1_MSG_DEFINE_UNIT(kv_restart_now, "kv::RestartNow")
MM1_MSG_DEFINE_UNIT(kv_go_on, "kv::GoOn")

MM1_MSG_DEFINE(kv_invoked, "kv::Invoked", KV_INVOKED_FIELDS)
MM1_MSG_DEFINE(kv_returned, "kv::Returned", KV_RETURNED_FIELDS)
MM1_MSG_DEFINE(kv_gave_up, "kv::GaveUp", KV_GAVE_UP_FIELDS)

const struct mm1_msg_type *const kv_types[KV_TYPE_COUNT] = {
    &kv_put_request_type, &kv_stored_response_type, &kv_get_request_type, &kv_value_response_type,
    &kv_append_type,      &kv_appended_type,        &kv_begin_type,       &kv_begun_type,
    &kv_fetch_type,       &kv_fetched_type,         &kv_flush_now_type,   &kv_resend_now_type,
    &kv_restart_now_type, &kv_go_on_type,           &kv_invoked_type,     &kv_returned_type,
    &kv_gave_up_type,     &kv_replica_type,         &kv_client_type,
};

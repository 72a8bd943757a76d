/* The name service of a node: texts to addresses, for a while (NS-01 to NS-08). One actor serves it at
 * MM1_ADDR_NAME_SERVICE; it watches nobody: who registers a name refreshes it, or it expires.
 *
 * A name is exclusive (one address) or shared (several); it cannot change its kind while an entry of it lives. */
#ifndef MM1_NAME_SERVICE_H
#define MM1_NAME_SERVICE_H

#include <mm1/ask.h>
#include <mm1/function.h>

/* The actor. Spawn one on a node; a second one ends with a conflict. Types: mm1_kit_register. It says mm1_init_done
 * when it serves. */
MM1_API extern const struct mm1_behaviour mm1_name_service;

/* --- what it is asked ----------------------------------------------------------------------------------------- */

#define MM1_NAME_REGISTER_FIELDS(F) F(text, name) F(addr, addr) F(bool, exclusive) F(duration, ttl)
MM1_MSG_DECLARE(mm1_name_register, MM1_NAME_REGISTER_FIELDS)
#define MM1_NAME_UNREGISTER_FIELDS(F) F(text, name) F(addr, addr)
MM1_MSG_DECLARE(mm1_name_unregister, MM1_NAME_UNREGISTER_FIELDS)
#define MM1_NAME_RESOLVE_FIELDS(F) F(text, name)
MM1_MSG_DECLARE(mm1_name_resolve, MM1_NAME_RESOLVE_FIELDS)
/* Answers to the first two. `status`: MM1_OK; register: MM1_CONFLICT (another owner, or another kind of name),
 * MM1_NOMEM; unregister: MM1_NOT_FOUND (no such name, or exclusive to another). */
#define MM1_NAME_DONE_FIELDS(F) F(u8, status)
MM1_MSG_DECLARE(mm1_name_done, MM1_NAME_DONE_FIELDS)
#define MM1_NAME_ENTRY_FIELDS(F) F(addr, addr) F(duration, ttl)
MM1_MSG_DECLARE(mm1_name_entry, MM1_NAME_ENTRY_FIELDS)
/* The answer to resolve: those whose time is not over, with what is left of it, in the order of their addresses;
 * none for an unknown name. `status`: MM1_OK, MM1_NOMEM. */
#define MM1_NAME_FOUND_FIELDS(F) F(u8, status) F(list(sub(mm1_name_entry)), entries)
MM1_MSG_DECLARE(mm1_name_found, MM1_NAME_FOUND_FIELDS)

MM1_REQUEST_DECLARE(mm1_name_register)
MM1_REQUEST_DECLARE(mm1_name_unregister)
MM1_REQUEST_DECLARE(mm1_name_resolve)
MM1_RESPONSE_DECLARE(mm1_name_done)
MM1_RESPONSE_DECLARE(mm1_name_found)

/* --- keeping a name registered (NS-06) ------------------------------------------------------------------------ */

#define MM1_NAME_REFRESH_NS MM1_NS_PER_SEC
#define MM1_NAME_TTL_NS (2 * MM1_NS_PER_SEC)
#define MM1_NAME_TIMEOUT_NS (10 * MM1_NS_PER_MS)

/* The argument of mm1_name_keeper, an actor that registers `addr` and refreshes it for ever; it ends with
 * error(MM1_CONFLICT) when the name is another's, error(status) when the service does not answer. Spawn it linked
 * to whom the name belongs. It says mm1_init_done after the first registration. Zero durations: the defaults above.
 * Its refreshes are background: they do not keep a node from being at rest. */
#define MM1_NAME_KEEP_FIELDS(F)                                                                    \
    F(text, name)                                                                                  \
    F(addr, addr) F(bool, shared) F(duration, ttl) F(duration, refresh) F(duration, timeout)
MM1_MSG_DECLARE(mm1_name_keep, MM1_NAME_KEEP_FIELDS)
MM1_API extern const struct mm1_function mm1_name_keeper;

/* --- finding a name, in a function actor (NS-07) -------------------------------------------------------------- */

/* One address behind a name whose time is not over when the answer is in: of several, drawn from the random port.
 * MM1_NOT_FOUND; statuses of mm1_ask. */
MM1_API MM1_NODISCARD mm1_status mm1_name_find(struct mm1_ctx *ctx, struct mm1_text name,
                                               uint64_t timeout_ns, mm1_addr *out);
/* As mm1_name_find, within MM1_NAME_TIMEOUT_NS, up to `tries` times with `interval_ns` between them as long as the name
 * is not found. */
MM1_API MM1_NODISCARD mm1_status mm1_name_wait(struct mm1_ctx *ctx, struct mm1_text name,
                                               unsigned tries, uint64_t interval_ns, mm1_addr *out);

#endif

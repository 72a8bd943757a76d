/* Messages: one field list per type yields the struct, its descriptor, and through it the MessagePack codec, JSON,
 * copying, equality and hashing. Nothing about a message is written twice.
 *
 *     #define KV_PUT_FIELDS(F) F(text, key) F(bytes, value) F(opt(u64), version) F(list(sub(kv_tag)), tags)
 *     MM1_MSG_DECLARE(kv_put, KV_PUT_FIELDS)                in a header: struct kv_put and kv_put_type
 *     MM1_MSG_DEFINE(kv_put, "kv::Put", KV_PUT_FIELDS)      in one .c file
 *
 * A message without fields is declared with MM1_MSG_DECLARE_UNIT and defined with MM1_MSG_DEFINE_UNIT.
 *
 * A message struct holds views and borrows what they point to. The runtime copies a message when it is sent, into
 * one block; whoever receives it borrows it for the turn. */
#ifndef MM1_MSG_H
#define MM1_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mm1/addr.h>
#include <mm1/bytes.h>
#include <mm1/status.h>

enum mm1_kind {
    MM1_KIND_BOOL,
    MM1_KIND_U8,
    MM1_KIND_U16,
    MM1_KIND_U32,
    MM1_KIND_U64,
    MM1_KIND_I32,
    MM1_KIND_I64,
    MM1_KIND_F64,
    MM1_KIND_TEXT,
    MM1_KIND_BYTES,    /* MessagePack bin */
    MM1_KIND_ADDR,     /* MessagePack uint; JSON "<...>" */
    MM1_KIND_NET,      /* MessagePack [uint, u8]; JSON "<...>/n" */
    MM1_KIND_ID,       /* a u64 reference that fingerprints leave out */
    MM1_KIND_DURATION, /* u64 nanoseconds; MessagePack [secs, nanos]; JSON "150ms" */
    MM1_KIND_SUB,      /* another message type, in place */
    MM1_KIND_ANY,      /* any registered message: [name, value] */
};

enum mm1_form {
    MM1_FORM_ONE,
    MM1_FORM_OPT,  /* struct { bool some; T value; } */
    MM1_FORM_LIST, /* struct { const T *items; size_t count; } */
};

struct mm1_msg_type;

/* Any message: its type and its struct. `type` null stands for nothing. */
struct mm1_any {
    const struct mm1_msg_type *type;
    const void *msg;
};

struct mm1_field {
    const char *name;
    enum mm1_form form;
    enum mm1_kind kind;
    const struct mm1_msg_type *sub; /* of MM1_KIND_SUB */
    size_t offset;                  /* of the field in its struct */
    size_t value_offset;            /* MM1_FORM_OPT: of `value` in the field; `some` is at 0 */
    size_t item_size;               /* size of one T */
};

#define MM1_MSG_LOCAL_ONLY 1u /* never on a wire: moved by bytes, hashed by name and size */
/* One field, written without the array around it (Rust's newtype struct). */
#define MM1_MSG_NEWTYPE 2u
#define MM1_MSG_UNIT 4u /* no field: 0x90 */

struct mm1_msg_type {
    const char *name; /* wire name; Rust type paths are possible */
    size_t size;      /* of the struct */
    const struct mm1_field *fields;
    size_t field_count;
    unsigned flags;
    /* All values stand in the struct, without gaps: its bytes are the message. False says nothing. */
    bool plain;
};

/* The types that may arrive: sorted by name, so that a lookup is a binary search. */
struct mm1_msg_registry {
    struct mm1_alloc *alloc;
    const struct mm1_msg_type **types;
    size_t count;
    size_t capacity;
};

/* Of nested messages; a tree of supervisors takes two for each level. */
#define MM1_MSG_DEPTH_MAX 24
/* bytes of an encoded message; on the wire of mm1 it is 65535 */
#define MM1_MSG_SIZE_MAX (16u << 20)

/* --- declaring ------------------------------------------------------------------------------------------------ */

#define MM1__C_bool bool
#define MM1__C_u8 uint8_t
#define MM1__C_u16 uint16_t
#define MM1__C_u32 uint32_t
#define MM1__C_u64 uint64_t
#define MM1__C_i32 int32_t
#define MM1__C_i64 int64_t
#define MM1__C_f64 double
#define MM1__C_text struct mm1_text
#define MM1__C_bytes struct mm1_bytes
#define MM1__C_addr mm1_addr
#define MM1__C_net struct mm1_net
#define MM1__C_id uint64_t
#define MM1__C_duration uint64_t
#define MM1__C_any struct mm1_any
#define MM1__C_sub(T) struct T
#define MM1__C_opt(kind)                                                                           \
    struct {                                                                                       \
        bool some;                                                                                 \
        MM1__C_##kind value;                                                                       \
    }
#define MM1__C_list(kind)                                                                          \
    struct {                                                                                       \
        const MM1__C_##kind *items;                                                                \
        size_t count;                                                                              \
    }

#define MM1__K_bool MM1_FORM_ONE, MM1_KIND_BOOL, NULL, 0, sizeof(bool)
#define MM1__K_u8 MM1_FORM_ONE, MM1_KIND_U8, NULL, 0, sizeof(uint8_t)
#define MM1__K_u16 MM1_FORM_ONE, MM1_KIND_U16, NULL, 0, sizeof(uint16_t)
#define MM1__K_u32 MM1_FORM_ONE, MM1_KIND_U32, NULL, 0, sizeof(uint32_t)
#define MM1__K_u64 MM1_FORM_ONE, MM1_KIND_U64, NULL, 0, sizeof(uint64_t)
#define MM1__K_i32 MM1_FORM_ONE, MM1_KIND_I32, NULL, 0, sizeof(int32_t)
#define MM1__K_i64 MM1_FORM_ONE, MM1_KIND_I64, NULL, 0, sizeof(int64_t)
#define MM1__K_f64 MM1_FORM_ONE, MM1_KIND_F64, NULL, 0, sizeof(double)
#define MM1__K_text MM1_FORM_ONE, MM1_KIND_TEXT, NULL, 0, sizeof(struct mm1_text)
#define MM1__K_bytes MM1_FORM_ONE, MM1_KIND_BYTES, NULL, 0, sizeof(struct mm1_bytes)
#define MM1__K_addr MM1_FORM_ONE, MM1_KIND_ADDR, NULL, 0, sizeof(mm1_addr)
#define MM1__K_net MM1_FORM_ONE, MM1_KIND_NET, NULL, 0, sizeof(struct mm1_net)
#define MM1__K_id MM1_FORM_ONE, MM1_KIND_ID, NULL, 0, sizeof(uint64_t)
#define MM1__K_duration MM1_FORM_ONE, MM1_KIND_DURATION, NULL, 0, sizeof(uint64_t)
#define MM1__K_any MM1_FORM_ONE, MM1_KIND_ANY, NULL, 0, sizeof(struct mm1_any)
#define MM1__K_sub(T) MM1_FORM_ONE, MM1_KIND_SUB, &T##_type, 0, sizeof(struct T)

/* Bytes of a plain value; of one that points elsewhere or may hold gaps, more than any struct has. */
#define MM1__P_bool sizeof(bool)
#define MM1__P_u8 sizeof(uint8_t)
#define MM1__P_u16 sizeof(uint16_t)
#define MM1__P_u32 sizeof(uint32_t)
#define MM1__P_u64 sizeof(uint64_t)
#define MM1__P_i32 sizeof(int32_t)
#define MM1__P_i64 sizeof(int64_t)
#define MM1__P_f64 sizeof(double)
#define MM1__P_addr sizeof(mm1_addr)
#define MM1__P_id sizeof(uint64_t)
#define MM1__P_duration sizeof(uint64_t)
#define MM1__P_text MM1__P_NOT
#define MM1__P_bytes MM1__P_NOT
#define MM1__P_net MM1__P_NOT
#define MM1__P_any MM1__P_NOT
#define MM1__P_sub(T) MM1__P_NOT
#define MM1__P_opt(kind) MM1__P_NOT
#define MM1__P_list(kind) MM1__P_NOT
#define MM1__P_NOT ((size_t)1 << 40)
#define MM1__PLAIN(kind, name) +MM1__P_##kind

/* The kind of an element, for opt(...) and list(...). */
#define MM1__E_bool MM1_KIND_BOOL, NULL
#define MM1__E_u8 MM1_KIND_U8, NULL
#define MM1__E_u16 MM1_KIND_U16, NULL
#define MM1__E_u32 MM1_KIND_U32, NULL
#define MM1__E_u64 MM1_KIND_U64, NULL
#define MM1__E_i32 MM1_KIND_I32, NULL
#define MM1__E_i64 MM1_KIND_I64, NULL
#define MM1__E_f64 MM1_KIND_F64, NULL
#define MM1__E_text MM1_KIND_TEXT, NULL
#define MM1__E_bytes MM1_KIND_BYTES, NULL
#define MM1__E_addr MM1_KIND_ADDR, NULL
#define MM1__E_net MM1_KIND_NET, NULL
#define MM1__E_id MM1_KIND_ID, NULL
#define MM1__E_duration MM1_KIND_DURATION, NULL
#define MM1__E_any MM1_KIND_ANY, NULL
#define MM1__E_sub(T) MM1_KIND_SUB, &T##_type
/* Pasted here and not passed on: as an argument, bool would turn into _Bool first. */
#define MM1__K_opt(kind)                                                                           \
    MM1_FORM_OPT, MM1__E_##kind,                                                                   \
        offsetof(                                                                                  \
            struct {                                                                               \
                bool some;                                                                         \
                MM1__C_##kind value;                                                               \
            },                                                                                     \
            value),                                                                                \
        sizeof(MM1__C_##kind)
#define MM1__K_list(kind) MM1_FORM_LIST, MM1__E_##kind, 0, sizeof(MM1__C_##kind)

#define MM1__MEMBER(kind, name) MM1__C_##kind name;
#define MM1__FIELD(kind, name) MM1__FIELD_(name, MM1__K_##kind)
#define MM1__FIELD_(name, ...) MM1__FIELD__(name, __VA_ARGS__)
#define MM1__FIELD__(name_, form_, kind_, sub_, value_offset_, item_size_)                         \
    {.name = #name_,                                                                               \
     .form = form_,                                                                                \
     .kind = kind_,                                                                                \
     .sub = sub_,                                                                                  \
     .offset = offsetof(MM1__SELF, name_),                                                         \
     .value_offset = value_offset_,                                                                \
     .item_size = item_size_},

/* Declares struct T and `extern const struct mm1_msg_type T_type`. */
#define MM1_MSG_DECLARE(T, FIELDS)                                                                 \
    struct T {                                                                                     \
        FIELDS(MM1__MEMBER)                                                                        \
    };                                                                                             \
    MM1_API extern const struct mm1_msg_type T##_type;

/* A message without fields. Its literal is `.mm1_unit = 0`, for ISO C knows no empty one. */
#define MM1_MSG_DECLARE_UNIT(T)                                                                    \
    struct T {                                                                                     \
        char mm1_unit;                                                                             \
    };                                                                                             \
    MM1_API extern const struct mm1_msg_type T##_type;

/* A name for struct T that the field macro can spell: a definition stands on a line of its own. */
#define MM1__SELF MM1__SELF_(__LINE__)
#define MM1__SELF_(line) MM1__SELF__(line)
#define MM1__SELF__(line) mm1__self_##line

#define MM1_MSG_DEFINE_FLAGS(T, wire_name, FIELDS, flags_)                                         \
    typedef struct T MM1__SELF;                                                                    \
    static const struct mm1_field T##_fields[] = {FIELDS(MM1__FIELD)};                             \
    const struct mm1_msg_type T##_type = {.name = (wire_name),                                     \
                                          .size = sizeof(struct T),                                \
                                          .fields = T##_fields,                                    \
                                          .field_count = MM1_COUNT_OF(T##_fields),                 \
                                          .flags = (flags_),                                       \
                                          .plain = (0 FIELDS(MM1__PLAIN)) == sizeof(struct T)};

/* Defines T_type. `wire_name` is a string literal. At most one definition a line. */
#define MM1_MSG_DEFINE(T, wire_name, FIELDS) MM1_MSG_DEFINE_FLAGS(T, wire_name, FIELDS, 0)
#define MM1_MSG_DEFINE_NEWTYPE(T, wire_name, FIELDS)                                               \
    MM1_MSG_DEFINE_FLAGS(T, wire_name, FIELDS, MM1_MSG_NEWTYPE)
#define MM1_MSG_DEFINE_LOCAL(T, wire_name, FIELDS)                                                 \
    MM1_MSG_DEFINE_FLAGS(T, wire_name, FIELDS, MM1_MSG_LOCAL_ONLY)
#define MM1_MSG_DEFINE_UNIT(T, wire_name)                                                          \
    const struct mm1_msg_type T##_type = {                                                         \
        .name = (wire_name), .size = sizeof(struct T), .flags = MM1_MSG_UNIT};

/* --- memory --------------------------------------------------------------------------------------------------- */

/* How many bytes a copy of `msg` needs in one block, aligned as for any type: the struct and all it points to. */
MM1_API size_t mm1_msg_copy_size(const struct mm1_msg_type *type, const void *msg);
/* Copies `msg` into `block`, which has mm1_msg_copy_size bytes; the struct stands at its start. Padding is zero. */
MM1_API void mm1_msg_copy(const struct mm1_msg_type *type, const void *msg, void *block);
/* True when both messages of `type` hold equal values. f64 by bits. */
MM1_API bool mm1_msg_equal(const struct mm1_msg_type *type, const void *a, const void *b);

/* --- MessagePack (mm1-spec H7: positional arrays as rmp-serde writes them) ------------------------------------- */

/* Appends the encoding of `msg`. MM1_NOMEM, MM1_TOO_LARGE, and MM1_INVALID (text that is not UTF-8, local-only type)
 * leave the buffer as it was. */
MM1_API MM1_NODISCARD mm1_status mm1_msg_encode(const struct mm1_msg_type *type, const void *msg,
                                                struct mm1_buf *out);
/* Checks `bytes` as one value of `type` and says how many bytes a decoded copy needs. Trailing bytes are ignored, as
 * mm1 does. `registry` resolves MM1_KIND_ANY and may be null: then such a field is MM1_UNKNOWN_TYPE. Never allocates,
 * never reads beyond `bytes`, and a count is believed only as far as bytes are left.
 * MM1_OK, MM1_MALFORMED, MM1_TRUNCATED, MM1_TOO_LARGE, MM1_UNKNOWN_TYPE. */
MM1_API MM1_NODISCARD mm1_status mm1_msg_decoded_size(const struct mm1_msg_type *type,
                                                      struct mm1_bytes bytes,
                                                      const struct mm1_msg_registry *registry,
                                                      size_t *size);
/* Decodes into `block`, which has the bytes that mm1_msg_decoded_size said for the same input. The result borrows
 * nothing from `bytes`. */
MM1_API void mm1_msg_decode(const struct mm1_msg_type *type, struct mm1_bytes bytes,
                            const struct mm1_msg_registry *registry, void *block);

/* --- JSON ----------------------------------------------------------------------------------------------------- */

/* Appends `msg` as one line of JSON with named fields, in field order: u64, i64 and id beyond 2^53 and addresses are
 * strings, bytes are lower-case hex, a duration has a unit ("150ms"), f64 prints so that it reads back.
 * MM1_NOMEM leaves the buffer as it was. */
MM1_API MM1_NODISCARD mm1_status mm1_msg_print(const struct mm1_msg_type *type, const void *msg,
                                               struct mm1_buf *out);
/* Appends `text` as a JSON string with its quotes; what is not UTF-8 becomes U+FFFD. MM1_NOMEM leaves the buffer. */
MM1_API MM1_NODISCARD mm1_status mm1_json_string(struct mm1_text text, struct mm1_buf *out);
/* Appends a duration with the largest unit that divides it ("2s", "150ms", "10us", "7ns"). */
MM1_API MM1_NODISCARD mm1_status mm1_duration_print(uint64_t duration_ns, struct mm1_buf *out);

/* --- fingerprint ---------------------------------------------------------------------------------------------- */

/* Replaces an address by the hash of the path behind it, or of nothing. */
typedef uint64_t mm1_addr_hash_fn(void *arg, mm1_addr addr);
/* A hash of the values of `msg` that names what it says and not who is where: ids are left out, addresses go through
 * `addr_hash` (null: left out as well). The same in every process. */
MM1_API uint64_t mm1_msg_fingerprint(const struct mm1_msg_type *type, const void *msg,
                                     mm1_addr_hash_fn *addr_hash, void *arg);

/* --- registry ------------------------------------------------------------------------------------------------- */

#define MM1_MSG_REGISTRY(alloc_) ((struct mm1_msg_registry){.alloc = (alloc_)})

/* Adds a type, and the types of its sub messages. The same descriptor again is no error; another one of the same name
 * is MM1_CONFLICT. MM1_INVALID for a descriptor that breaks a rule of this header. MM1_NOMEM. */
MM1_API MM1_NODISCARD mm1_status mm1_msg_register(struct mm1_msg_registry *registry,
                                                  const struct mm1_msg_type *type);
/* The type of that wire name, or null. */
MM1_API const struct mm1_msg_type *mm1_msg_lookup(const struct mm1_msg_registry *registry,
                                                  struct mm1_text name);
MM1_API void mm1_msg_registry_close(struct mm1_msg_registry *registry);

#endif

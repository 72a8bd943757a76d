/* Message types of every kind and form, and random messages of any type, for the tests of the codec. */
#ifndef MM1_WIRE_TYPES_H
#define MM1_WIRE_TYPES_H

#include <mm1/msg.h>

MM1_MSG_DECLARE_UNIT(wt_unit)

#define WT_SMALL_FIELDS(F) F(u8, a) F(u32, b)
MM1_MSG_DECLARE(wt_small, WT_SMALL_FIELDS)

#define WT_THREE_FIELDS(F) F(u64, a) F(u64, b) F(u64, c)
MM1_MSG_DECLARE(wt_three, WT_THREE_FIELDS)

#define WT_NEWTYPE_FIELDS(F) F(u64, value)
MM1_MSG_DECLARE(wt_newtype, WT_NEWTYPE_FIELDS)

#define WT_ALL_FIELDS(F)                                                                           \
    F(bool, bool_)                                                                                 \
    F(u8, u8_)                                                                                     \
    F(u16, u16_)                                                                                   \
    F(u32, u32_)                                                                                   \
    F(u64, u64_)                                                                                   \
    F(i32, i32_)                                                                                   \
    F(i64, i64_)                                                                                   \
    F(f64, f64_)                                                                                   \
    F(text, text_)                                                                                 \
    F(bytes, bytes_)                                                                               \
    F(addr, addr_)                                                                                 \
    F(net, net_)                                                                                   \
    F(id, id_)                                                                                     \
    F(duration, duration_)                                                                         \
    F(sub(wt_small), sub_)                                                                         \
    F(sub(wt_unit), unit_)                                                                         \
    F(sub(wt_newtype), newtype_)                                                                   \
    F(any, any_)
MM1_MSG_DECLARE(wt_all, WT_ALL_FIELDS)

#define WT_OPTS_FIELDS(F)                                                                          \
    F(opt(bool), bool_)                                                                            \
    F(opt(u8), u8_)                                                                                \
    F(opt(u16), u16_)                                                                              \
    F(opt(u32), u32_)                                                                              \
    F(opt(u64), u64_)                                                                              \
    F(opt(i32), i32_)                                                                              \
    F(opt(i64), i64_)                                                                              \
    F(opt(f64), f64_)                                                                              \
    F(opt(text), text_)                                                                            \
    F(opt(bytes), bytes_)                                                                          \
    F(opt(addr), addr_)                                                                            \
    F(opt(net), net_)                                                                              \
    F(opt(id), id_)                                                                                \
    F(opt(duration), duration_)                                                                    \
    F(opt(sub(wt_small)), sub_)                                                                    \
    F(opt(sub(wt_newtype)), newtype_)                                                              \
    F(opt(any), any_)
MM1_MSG_DECLARE(wt_opts, WT_OPTS_FIELDS)

#define WT_LISTS_FIELDS(F)                                                                         \
    F(list(bool), bool_)                                                                           \
    F(list(u8), u8_)                                                                               \
    F(list(u16), u16_)                                                                             \
    F(list(u32), u32_)                                                                             \
    F(list(u64), u64_)                                                                             \
    F(list(i32), i32_)                                                                             \
    F(list(i64), i64_)                                                                             \
    F(list(f64), f64_)                                                                             \
    F(list(text), text_)                                                                           \
    F(list(bytes), bytes_)                                                                         \
    F(list(addr), addr_)                                                                           \
    F(list(net), net_)                                                                             \
    F(list(id), id_)                                                                               \
    F(list(duration), duration_)                                                                   \
    F(list(sub(wt_small)), sub_)                                                                   \
    F(list(sub(wt_unit)), unit_)                                                                   \
    F(list(sub(wt_newtype)), newtype_)                                                             \
    F(list(any), any_)
MM1_MSG_DECLARE(wt_lists, WT_LISTS_FIELDS)

#define WT_NODE_FIELDS(F) F(u32, value) F(text, label) F(list(sub(wt_node)), children)
MM1_MSG_DECLARE(wt_node, WT_NODE_FIELDS)

#define WT_LOCAL_FIELDS(F) F(u64, token) F(text, name)
MM1_MSG_DECLARE(wt_local, WT_LOCAL_FIELDS)

/* All of the above but wt_local, ended by null. */
extern const struct mm1_msg_type *const WT_TYPES[];

/* Makes random messages: the same for the same seed. What they point to lives in `arena` until the next begin. */
struct wt_gen {
    uint64_t seed;
    uint64_t draws;
    uint8_t *arena;
    size_t used;
    size_t capacity;
};

void wt_gen_init(struct wt_gen *gen);
void wt_gen_begin(struct wt_gen *gen, uint64_t seed);
void wt_gen_close(struct wt_gen *gen);
/* 0 to n - 1. */
uint64_t wt_gen_below(struct wt_gen *gen, uint64_t n);
void *wt_gen_take(struct wt_gen *gen, size_t size);
/* A random message of `type`. Padding is garbage on purpose. */
void *wt_gen_message(struct wt_gen *gen, const struct mm1_msg_type *type);

#endif

/* libFuzzer entry for the MessagePack codec: what is accepted decodes, encodes, decodes to an equal message, copies
 * and prints. The first byte picks the type. */
#include <stdint.h>
#include <stdlib.h>

#include <mm1/msg.h>

#define LEAF_FIELDS(F) F(u8, a) F(i32, b) F(bool, c)
MM1_MSG_DECLARE(leaf, LEAF_FIELDS)
MM1_MSG_DEFINE(leaf, "f::Leaf", LEAF_FIELDS)
#define SCALARS_FIELDS(F)                                                                          \
    F(u16, a) F(u32, b) F(u64, c) F(i64, d) F(f64, e) F(addr, f) F(net, g) F(id, h) F(duration, i)
MM1_MSG_DECLARE(scalars, SCALARS_FIELDS)
MM1_MSG_DEFINE(scalars, "f::Scalars", SCALARS_FIELDS)
#define TREE_FIELDS(F)                                                                             \
    F(text, name) F(bytes, data) F(opt(sub(leaf)), leaf) F(list(sub(tree)), children) F(any, more)
MM1_MSG_DECLARE(tree, TREE_FIELDS)
MM1_MSG_DEFINE(tree, "f::Tree", TREE_FIELDS)
#define LISTS_FIELDS(F)                                                                            \
    F(list(bool), a)                                                                               \
    F(list(u8), b)                                                                                 \
    F(list(u16), c)                                                                                \
    F(list(i32), d)                                                                                \
    F(list(net), e)                                                                                \
    F(list(text), f) F(list(any), g) F(opt(text), h) F(opt(duration), i) F(opt(u64), j)
MM1_MSG_DECLARE(lists, LISTS_FIELDS)
MM1_MSG_DEFINE(lists, "f::Lists", LISTS_FIELDS)
#define NEW_FIELDS(F) F(list(sub(scalars)), items)
MM1_MSG_DECLARE(new_type, NEW_FIELDS)
MM1_MSG_DEFINE_NEWTYPE(new_type, "f::New", NEW_FIELDS)
MM1_MSG_DECLARE_UNIT(unit)
MM1_MSG_DEFINE_UNIT(unit, "f::Unit")

static const struct mm1_msg_type *const TYPES[] = {&leaf_type,  &scalars_type,  &tree_type,
                                                   &lists_type, &new_type_type, &unit_type};

static void *take(struct mm1_alloc *self, size_t size)
{
    (void)self;
    return malloc(size);
}

static void give(struct mm1_alloc *self, void *block, size_t size)
{
    (void)self;
    (void)size;
    free(block);
}

static void *take_stack(struct mm1_alloc *self, size_t size, size_t *usable, bool *guarded)
{
    *usable = size;
    *guarded = false;
    return take(self, size);
}

static const struct mm1_alloc_ops OPS = {
    .name = "malloc", .take = take, .give = give, .take_stack = take_stack, .give_stack = give};
static struct mm1_alloc allocator = {.ops = &OPS};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Decodes into a block of exactly the size that was said; null when refused. */
static void *decoded(const struct mm1_msg_type *type, struct mm1_bytes bytes,
                     const struct mm1_msg_registry *registry)
{
    size_t size;
    if (mm1_msg_decoded_size(type, bytes, registry, &size) != MM1_OK) {
        return NULL;
    }
    void *block = malloc(size);
    MM1_CHECK(block != NULL);
    mm1_msg_decode(type, bytes, registry, block);
    return block;
}

static void check(const struct mm1_msg_type *type, struct mm1_bytes bytes,
                  const struct mm1_msg_registry *registry)
{
    void *block = decoded(type, bytes, registry);
    if (block == NULL) {
        return;
    }
    struct mm1_buf out = MM1_BUF(&allocator);
    MM1_CHECK(mm1_msg_encode(type, block, &out) == MM1_OK);
    void *again = decoded(type, mm1_buf_bytes(&out), registry);
    MM1_CHECK(again != NULL && mm1_msg_equal(type, block, again));
    MM1_CHECK(mm1_msg_fingerprint(type, block, NULL, NULL) ==
              mm1_msg_fingerprint(type, again, NULL, NULL));
    void *copy = malloc(mm1_msg_copy_size(type, again));
    MM1_CHECK(copy != NULL);
    mm1_msg_copy(type, again, copy);
    MM1_CHECK(mm1_msg_equal(type, block, copy));
    mm1_buf_clear(&out);
    MM1_CHECK(mm1_msg_print(type, copy, &out) == MM1_OK);
    mm1_buf_close(&out);
    free(copy);
    free(again);
    free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct mm1_msg_registry registry = MM1_MSG_REGISTRY(&allocator);
    for (size_t i = 0; i < MM1_COUNT_OF(TYPES); i++) {
        MM1_CHECK(mm1_msg_register(&registry, TYPES[i]) == MM1_OK);
    }
    check(TYPES[data[0] % MM1_COUNT_OF(TYPES)], (struct mm1_bytes){data + 1, size - 1}, &registry);
    mm1_msg_registry_close(&registry);
    return 0;
}

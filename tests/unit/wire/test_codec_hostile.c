/* The codec against bad input: every prefix, changed bytes, bombs of length, count and depth. */
#include <stdlib.h>

#include <mm1/msg.h>

#include "base/prng.h"
#include "mm1_test.h"
#include "test_alloc.h"
#include "wire_types.h"

/* Large in memory, one byte each on the wire when nothing is there. */
#define WIDE_FIELDS(F) F(opt(net), a) F(opt(net), b) F(opt(net), c) F(opt(net), d)
MM1_MSG_DECLARE(wide, WIDE_FIELDS)
MM1_MSG_DEFINE(wide, "hostile::Wide", WIDE_FIELDS)
#define LARGE_FIELDS(F)                                                                            \
    F(opt(sub(wide)), a) F(opt(sub(wide)), b) F(opt(sub(wide)), c) F(opt(sub(wide)), d)
MM1_MSG_DECLARE(large, LARGE_FIELDS)
MM1_MSG_DEFINE(large, "hostile::Large", LARGE_FIELDS)
#define BOMB_FIELDS(F) F(list(sub(large)), items)
MM1_MSG_DECLARE(bomb, BOMB_FIELDS)
MM1_MSG_DEFINE(bomb, "hostile::Bomb", BOMB_FIELDS)

static struct test_alloc alloc;
static struct mm1_msg_registry registry;

static void setup(void)
{
    test_alloc_init(&alloc);
    registry = MM1_MSG_REGISTRY(&alloc.base);
    for (size_t i = 0; WT_TYPES[i] != NULL; i++) {
        cr_assert_eq(mm1_msg_register(&registry, WT_TYPES[i]), MM1_OK);
    }
}

static void teardown(void)
{
    mm1_msg_registry_close(&registry);
    cr_assert_eq(alloc.live, 0);
}

TestSuite(hostile, .init = setup, .fini = teardown);

/* A copy that ends where its memory ends, so that a sanitizer sees a read beyond. */
static mm1_status measure(const struct mm1_msg_type *type, const uint8_t *data, size_t size,
                          size_t *needed)
{
    uint8_t *copy = malloc(size == 0 ? 1 : size);
    if (size != 0) {
        memcpy(copy, data, size);
    }
    mm1_status status = mm1_msg_decoded_size(
        type, (struct mm1_bytes){size == 0 ? NULL : copy, size}, &registry, needed);
    free(copy);
    return status;
}

Test(hostile, every_prefix_is_truncated)
{
    struct wt_gen gen;
    wt_gen_init(&gen);
    for (size_t i = 0; WT_TYPES[i] != NULL; i++) {
        for (uint64_t seed = 0; seed < 40; seed++) {
            wt_gen_begin(&gen, seed);
            struct mm1_buf buf = MM1_BUF(&alloc.base);
            size_t needed;
            cr_assert_eq(mm1_msg_encode(WT_TYPES[i], wt_gen_message(&gen, WT_TYPES[i]), &buf),
                         MM1_OK);
            size_t step = buf.size > 2000 ? buf.size / 500 : 1;
            for (size_t size = 0; size < buf.size; size += step) {
                mm1_status status = measure(WT_TYPES[i], buf.data, size, &needed);
                cr_assert_eq(status, MM1_TRUNCATED, "%s: %zu of %zu bytes: %s", WT_TYPES[i]->name,
                             size, buf.size, mm1_status_text(status));
            }
            cr_assert_eq(measure(WT_TYPES[i], buf.data, buf.size, &needed), MM1_OK);
            mm1_buf_close(&buf);
        }
    }
    wt_gen_close(&gen);
}

/* Whatever is accepted decodes, encodes again, and means the same. */
static bool accepted_means_sound(const struct mm1_msg_type *type, struct mm1_bytes bytes)
{
    size_t size;
    if (measure(type, bytes.data, bytes.size, &size) != MM1_OK) {
        return false;
    }
    void *block = malloc(size);
    mm1_msg_decode(type, bytes, &registry, block);
    struct mm1_buf buf = MM1_BUF(&alloc.base);
    cr_assert_eq(mm1_msg_encode(type, block, &buf), MM1_OK);
    size_t again;
    cr_assert_eq(mm1_msg_decoded_size(type, mm1_buf_bytes(&buf), &registry, &again), MM1_OK);
    void *second = malloc(again);
    mm1_msg_decode(type, mm1_buf_bytes(&buf), &registry, second);
    cr_assert(mm1_msg_equal(type, block, second));
    size_t copy_size = mm1_msg_copy_size(type, block);
    void *copy = malloc(copy_size);
    mm1_msg_copy(type, block, copy);
    cr_assert(mm1_msg_equal(type, block, copy));
    free(copy);
    free(second);
    free(block);
    mm1_buf_close(&buf);
    return true;
}

Test(hostile, changed_bytes_do_no_harm)
{
    struct wt_gen gen;
    wt_gen_init(&gen);
    unsigned accepted = 0;
    unsigned refused = 0;
    for (size_t i = 0; WT_TYPES[i] != NULL; i++) {
        for (uint64_t seed = 0; seed < 600; seed++) {
            wt_gen_begin(&gen, seed);
            struct mm1_buf buf = MM1_BUF(&alloc.base);
            cr_assert_eq(mm1_msg_encode(WT_TYPES[i], wt_gen_message(&gen, WT_TYPES[i]), &buf),
                         MM1_OK);
            for (uint64_t change = 0; change <= wt_gen_below(&gen, 3); change++) {
                buf.data[wt_gen_below(&gen, buf.size)] = (uint8_t)wt_gen_below(&gen, 256);
            }
            if (accepted_means_sound(WT_TYPES[i], mm1_buf_bytes(&buf))) {
                accepted++;
            } else {
                refused++;
            }
            mm1_buf_close(&buf);
        }
    }
    cr_assert_gt(accepted, 500);
    cr_assert_gt(refused, 500);
    wt_gen_close(&gen);
}

Test(hostile, random_bytes_do_no_harm)
{
    for (uint64_t seed = 0; seed < 20000; seed++) {
        uint8_t bytes[48];
        for (size_t i = 0; i < sizeof(bytes); i += 8) {
            mm1_put_le64(bytes + i, mm1_prng_word(seed, 5, i, 0));
        }
        const struct mm1_msg_type *type = WT_TYPES[seed % 8];
        bytes[0] = (uint8_t)(0x90u | type->field_count);
        (void)accepted_means_sound(type, (struct mm1_bytes){bytes, 1 + seed % 48});
    }
}

Test(hostile, length_bombs_are_truncated)
{
    size_t size;
    static const uint8_t LIST[] = {0x93, 0x01, 0xa0, 0xdd, 0xff, 0xff, 0xff, 0xff};
    cr_assert_eq(measure(&wt_node_type, LIST, sizeof(LIST), &size), MM1_TRUNCATED);
    static const uint8_t TEXT[] = {0x93, 0x01, 0xdb, 0xff, 0xff, 0xff, 0xff, 0x00};
    cr_assert_eq(measure(&wt_node_type, TEXT, sizeof(TEXT), &size), MM1_TRUNCATED);
    static const uint8_t ARRAY[] = {0xdd, 0xff, 0xff, 0xff, 0xff};
    cr_assert_eq(measure(&wt_node_type, ARRAY, sizeof(ARRAY), &size), MM1_MALFORMED);
    static const uint8_t MAP[] = {0xdf, 0xff, 0xff, 0xff, 0xff};
    cr_assert_eq(measure(&wt_node_type, MAP, sizeof(MAP), &size), MM1_MALFORMED);
    static const uint8_t SHORT_LIST[] = {0x93, 0x01, 0xa0, 0x92, 0x90};
    cr_assert_eq(measure(&wt_node_type, SHORT_LIST, sizeof(SHORT_LIST), &size), MM1_TRUNCATED);
}

/* n items of five bytes: an array of four that are nothing. */
static mm1_status measure_bomb(size_t n, size_t *size)
{
    uint8_t *bytes = malloc(6 + 5 * n);
    bytes[0] = 0x91;
    bytes[1] = 0xdd;
    for (unsigned i = 0; i < 4; i++) {
        bytes[2 + i] = (uint8_t)(n >> (24 - 8 * i));
    }
    for (size_t i = 0; i < n; i++) {
        memcpy(bytes + 6 + 5 * i, "\x94\xc0\xc0\xc0\xc0", 5);
    }
    mm1_status status =
        mm1_msg_decoded_size(&bomb_type, (struct mm1_bytes){bytes, 6 + 5 * n}, NULL, size);
    free(bytes);
    return status;
}

Test(hostile, a_list_of_large_structs_cannot_blow_up)
{
    cr_assert_gt(sizeof(struct large), 5 * 16);
    size_t most = ((size_t)MM1_MSG_SIZE_MAX * 16 - sizeof(struct bomb)) / sizeof(struct large);
    cr_assert_lt(6 + 5 * (most + 1), MM1_MSG_SIZE_MAX);
    size_t size = 0;
    cr_assert_eq(measure_bomb(most, &size), MM1_OK);
    cr_assert_leq(size, (size_t)MM1_MSG_SIZE_MAX * 16);
    cr_assert_eq(measure_bomb(most + 1, &size), MM1_TOO_LARGE);
}

Test(hostile, input_beyond_the_limit_is_too_large)
{
    size_t whole = (size_t)MM1_MSG_SIZE_MAX + 64;
    uint8_t *bytes = calloc(1, whole);
    size_t size;
    /* A text that would end beyond the limit; then a small one, where what follows is ignored. */
    memcpy(bytes, "\x93\x01\xdb\x01\x00\x00\x00", 7);
    cr_assert_eq(mm1_msg_decoded_size(&wt_node_type, (struct mm1_bytes){bytes, whole}, NULL, &size),
                 MM1_TOO_LARGE);
    memcpy(bytes, "\x93\x01\xa0\x90", 4);
    cr_assert_eq(mm1_msg_decoded_size(&wt_node_type, (struct mm1_bytes){bytes, whole}, NULL, &size),
                 MM1_OK);
    void *block = malloc(size);
    mm1_msg_decode(&wt_node_type, (struct mm1_bytes){bytes, whole}, NULL, block);
    cr_assert_eq(((struct wt_node *)block)->value, 1);
    free(block);
    free(bytes);
}

/* A chain of nodes, `depth` of them below the first. */
static const struct wt_node *chain(struct wt_node *nodes, unsigned depth)
{
    for (unsigned i = 0; i <= depth; i++) {
        nodes[i] = (struct wt_node){.value = i};
        if (i < depth) {
            nodes[i].children.items = &nodes[i + 1];
            nodes[i].children.count = 1;
        }
    }
    return nodes;
}

Test(hostile, depth_is_bounded)
{
    enum { DEEP = 5000 };
    struct wt_node *nodes = calloc(DEEP + 1, sizeof(*nodes));
    struct mm1_buf buf = MM1_BUF(&alloc.base);
    size_t size;
    cr_assert_eq(mm1_msg_encode(&wt_node_type, chain(nodes, MM1_MSG_DEPTH_MAX), &buf), MM1_OK);
    cr_assert_eq(mm1_msg_decoded_size(&wt_node_type, mm1_buf_bytes(&buf), NULL, &size), MM1_OK);
    mm1_buf_clear(&buf);
    cr_assert_eq(mm1_msg_encode(&wt_node_type, chain(nodes, MM1_MSG_DEPTH_MAX + 1), &buf),
                 MM1_TOO_LARGE);
    cr_assert_eq(mm1_msg_encode(&wt_node_type, chain(nodes, DEEP), &buf), MM1_TOO_LARGE);
    cr_assert_eq(buf.size, 0);
    for (unsigned i = 0; i < DEEP; i++) {
        cr_assert_eq(mm1_buf_append(&buf, "\x93\x01\xa0\x91", 4), MM1_OK);
    }
    cr_assert_eq(mm1_msg_decoded_size(&wt_node_type, mm1_buf_bytes(&buf), NULL, &size),
                 MM1_TOO_LARGE);
    mm1_buf_close(&buf);
    free(nodes);
}

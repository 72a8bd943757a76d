/* Exit reasons: texts, cutting, and the way through a message and back. */
#include <mm1/reason.h>

#include "mm1_test.h"
#include "test_alloc.h"

static void prints(struct mm1_reason reason, const char *wanted)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    struct mm1_buf buf = MM1_BUF(&alloc.base);
    cr_assert_eq(mm1_reason_print(&reason, &buf), MM1_OK);
    cr_assert_eq(mm1_buf_terminate(&buf), MM1_OK);
    cr_assert_str_eq((const char *)buf.data, wanted);
    mm1_buf_close(&buf);
    test_alloc_fail_at(&alloc, 1);
    cr_assert_eq(mm1_reason_print(&reason, &buf), MM1_NOMEM);
    cr_assert_eq(alloc.live, 0);
}

Test(reason, texts)
{
    prints(MM1_NORMAL, "normal");
    prints(MM1_SHUTDOWN, "shutdown");
    prints((struct mm1_reason){.kind = MM1_REASON_SHUTDOWN_TEXT, .text = "because"},
           "shutdown: because");
    prints(mm1_reason_of(MM1_REASON_KILL), "kill");
    prints(mm1_reason_of(MM1_REASON_KILLED), "killed");
    prints(mm1_reason_of(MM1_REASON_NOPROC), "noproc");
    prints(mm1_reason_of(MM1_REASON_NOCONNECTION), "noconnection");
    prints(mm1_reason_of(MM1_REASON_INIT_FAILED), "init_failed");
    prints(mm1_reason_of(MM1_REASON_TIMEOUT), "timeout");
    prints(mm1_reason_error(3, "text"), "error 3: text");
    prints(mm1_reason_error(-3, NULL), "error -3");
    cr_assert(mm1_reason_is_normal(&MM1_NORMAL));
    cr_assert(!mm1_reason_is_normal(&MM1_SHUTDOWN));
}

Test(reason, text_is_cut_between_characters)
{
    char text[100];
    memset(text, 'a', sizeof(text));
    text[99] = 0;
    struct mm1_reason reason = mm1_reason_error(1, text);
    cr_assert_eq(strlen(reason.text), MM1_REASON_TEXT_MAX - 1);
    /* The last character that would fit has two bytes and room for one. */
    memcpy(text + MM1_REASON_TEXT_MAX - 2, "\xc3\xa4", 2);
    reason = mm1_reason_error(1, text);
    cr_assert_eq(strlen(reason.text), MM1_REASON_TEXT_MAX - 2);
    reason = mm1_reason_error(1, "a\xff"
                                 "b");
    cr_assert_str_eq(reason.text, "a?b");
}

Test(reason, goes_through_a_message_and_back)
{
    struct test_alloc alloc;
    test_alloc_init(&alloc);
    for (int kind = MM1_REASON_NORMAL; kind <= MM1_REASON_ERROR; kind++) {
        struct mm1_reason reason = mm1_reason_of((enum mm1_reason_kind)kind);
        if (kind == MM1_REASON_ERROR) {
            reason = mm1_reason_error(-7, "a\xff\xc3\xa4");
        }
        struct mm1_why why = mm1_why_of(&reason);
        struct mm1_buf buf = MM1_BUF(&alloc.base);
        size_t size;
        cr_assert_eq(mm1_msg_encode(&mm1_why_type, &why, &buf), MM1_OK);
        cr_assert_eq(mm1_msg_decoded_size(&mm1_why_type, mm1_buf_bytes(&buf), NULL, &size), MM1_OK);
        uint64_t block[16];
        cr_assert_leq(size, sizeof(block));
        mm1_msg_decode(&mm1_why_type, mm1_buf_bytes(&buf), NULL, block);
        struct mm1_reason back = mm1_reason_of_why((const struct mm1_why *)(const void *)block);
        cr_assert_eq(back.kind, reason.kind);
        cr_assert_eq(back.code, reason.code);
        cr_assert_str_eq(back.text, reason.text);
        mm1_buf_close(&buf);
    }
    struct mm1_why strange = {.kind = 200, .code = 4, .text = MM1_TEXT("x\0y")};
    struct mm1_reason reason = mm1_reason_of_why(&strange);
    cr_assert_eq(reason.kind, MM1_REASON_ERROR);
    cr_assert_eq(reason.code, 4);
    cr_assert_str_eq(reason.text, "x");
    cr_assert_eq(alloc.live, 0);
}

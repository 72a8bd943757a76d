/* An allocator for tests: counts what is live, checks sizes on give, and refuses chosen requests. */
#ifndef MM1_TEST_ALLOC_H
#define MM1_TEST_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

#include <mm1/alloc.h>

/* Pass `&alloc.base`. Any thread may take and give; a member is set only while nobody does. */
struct test_alloc {
    struct mm1_alloc base;
    size_t live;       /* blocks and stacks that were taken and not yet given back */
    size_t live_bytes; /* their sizes */
    size_t peak_bytes; /* the most that was live at once */
    size_t requests;   /* blocks and stacks asked for, the refused ones included */
    size_t fail_at;    /* refuses the request with this number, counted from 1; 0: none */
    bool fail_rest;    /* refuses all requests after fail_at as well */
};

/* Everything zero. Fresh blocks are filled with 0xa5, so that a read of what nobody wrote shows. */
void test_alloc_init(struct test_alloc *alloc);
/* Counts requests anew, and refuses the k-th from now on; 0: none. At any time. */
void test_alloc_fail_at(struct test_alloc *alloc, size_t k);

#endif

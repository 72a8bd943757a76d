/* Checks and the few annotations that every header uses. */
#ifndef MM1_CHECK_H
#define MM1_CHECK_H

#define MM1_API __attribute__((visibility("default")))
#define MM1_NODISCARD __attribute__((warn_unused_result))
#define MM1_NORETURN __attribute__((noreturn))
#define MM1_PRINTF(at, first) __attribute__((format(printf, at, first)))
#define MM1_UNUSED __attribute__((unused))

/* Reports a broken invariant of ours on standard error and aborts. Never returns. */
MM1_API MM1_NORETURN void mm1_check_failed(const char *expression, const char *file, unsigned line,
                                           const char *function);

/* An invariant of this code, not of its input: on in every build. */
#define MM1_CHECK(expression)                                                                      \
    (__builtin_expect(!!(expression), 1)                                                           \
         ? (void)0                                                                                 \
         : mm1_check_failed(#expression, __FILE__, __LINE__, __func__))

/* A costly invariant: checked unless NDEBUG is defined. Never a safety property. */
#ifdef NDEBUG
#define MM1_ASSUME(expression) ((void)sizeof(!!(expression)))
#else
#define MM1_ASSUME(expression) MM1_CHECK(expression)
#endif

/* Returns from the calling function with the status of `call` unless it is MM1_OK. The only macro that returns. */
#define MM1_TRY(call)                                                                              \
    do {                                                                                           \
        mm1_status mm1__try = (call);                                                              \
        if (mm1__try != MM1_OK) {                                                                  \
            return mm1__try;                                                                       \
        }                                                                                          \
    } while (0)

/* The struct of type `type` whose member `member` is at `pointer`. */
#define MM1_CONTAINER_OF(pointer, type, member)                                                    \
    ((type *)(void *)((char *)(pointer) - __builtin_offsetof(type, member)))

#define MM1_COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#endif

/* Whether a sanitizer, or the tool that the tests run under (MM1_TEST_LAUNCHER), makes this build so slow that suites
 * repeat their cases less often. */
#ifndef MM1_CONFORM_SLOW_H
#define MM1_CONFORM_SLOW_H

#if defined(MM1_TEST_SLOW) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CONFORM_SLOW 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define CONFORM_SLOW 1
#endif
#endif

#ifndef CONFORM_SLOW
#define CONFORM_SLOW 0
#endif

#endif

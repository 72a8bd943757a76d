/* openat, in a way that ThreadSanitizer follows.
 *
 * It remembers of each descriptor which threads used it, until it sees it closed or opened anew. It sees neither what
 * libuv closes, by a call past the C library, nor what openat opens. Once a log's file gets the number that a socket
 * had, closing the log would look like a race with the network thread's last use of that socket. */
#include <fcntl.h>

#include "posix/open_at.h"

#if defined(__SANITIZE_THREAD__)
#define WITH_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif

#ifdef WITH_TSAN
/* Of its run-time library; no header that both compilers have declares them. */
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);
void __sanitizer_syscall_pre_impl_close(long fd);

/* Says that whatever had this number is closed. That is no use of the descriptor itself: it need not be in order. */
static void forget_former(int fd)
{
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
    __sanitizer_syscall_pre_impl_close(fd);
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
}
#else
static void forget_former(int fd)
{
    (void)fd;
}
#endif

int mm1__open_at(int dir_fd, const char *name, int flags, mode_t mode)
{
    int fd = openat(dir_fd, name, flags, mode);
    if (fd >= 0) {
        forget_former(fd);
    }
    return fd;
}

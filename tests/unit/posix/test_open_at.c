/* What is opened by openat has nothing to do with who had its number before; under ThreadSanitizer, which reports what
 * it takes for a race and lets the program fail. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../../conform/posix_world.h"
#include "posix/open_at.h"

static atomic_int freed = -2; /* the number, when it is free again; -1: failed */
static atomic_bool over;

/* Uses a descriptor and closes it as libuv does. */
static void *use_and_close(void *arg)
{
    (void)arg;
    uint64_t one = 1;
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    bool used = fd >= 0 && write(fd, &one, sizeof(one)) == (ssize_t)sizeof(one) &&
                syscall(SYS_close, fd) == 0;
    /* Relaxed: no order is told but the kernel's. */
    atomic_store_explicit(&freed, used ? fd : -1, memory_order_relaxed);
    while (!atomic_load_explicit(&over, memory_order_relaxed)) {
        (void)sched_yield();
    }
    return NULL;
}

static int wait_for_number(void)
{
    int number = -2;
    while (number == -2) {
        number = atomic_load_explicit(&freed, memory_order_relaxed);
        (void)sched_yield();
    }
    return number;
}

Test(open_at, a_number_comes_without_its_past)
{
    struct posix_world *world = posix_world_new();
    pthread_t thread;
    struct stat about;
    char bytes[4] = "";
    int dir_fd = open(world->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(dir_fd, 0);
    cr_assert_eq(pthread_create(&thread, NULL, use_and_close, NULL), 0);
    int number = wait_for_number();
    int fd = mm1__open_at(dir_fd, "new", O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool same = fd == number;
    bool works = pwrite(fd, "abc", 3, 0) == 3 && pread(fd, bytes, 3, 0) == 3 &&
                 memcmp(bytes, "abc", 3) == 0 && fstat(fd, &about) == 0 &&
                 (about.st_mode & 0777) == 0600 && close(fd) == 0;
    atomic_store_explicit(&over, true, memory_order_relaxed);
    cr_assert_eq(pthread_join(thread, NULL), 0);
    cr_assert(same, "%d was freed, %d opened", number, fd);
    cr_assert(works);
    cr_assert_eq(close(dir_fd), 0);
    posix_world_free(world);
}

Test(open_at, says_why_it_fails)
{
    struct posix_world *world = posix_world_new();
    int dir_fd = open(world->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cr_assert_geq(dir_fd, 0);
    errno = 0;
    cr_assert_eq(mm1__open_at(dir_fd, "none", O_RDWR | O_CLOEXEC, 0), -1);
    cr_assert_eq(errno, ENOENT);
    cr_assert_eq(close(dir_fd), 0);
    posix_world_free(world);
}

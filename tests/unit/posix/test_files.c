/* What is particular to logs in files: the directory and its lock, a full disk, signals. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../conform/posix_world.h"
#include "../../conform/store_steps.h"

static struct posix_world *of(struct conform_world *world)
{
    return MM1_CONTAINER_OF(world, struct posix_world, base);
}

/* Opens a second store; answers its status. */
static mm1_status open_other(const char *dir, char error[MM1__STORE_ERROR_MAX])
{
    struct mm1__posix_store store;
    mm1_status status = mm1__posix_store_open(&store, mm1__posix_alloc(), dir, error);
    if (status == MM1_OK) {
        mm1__posix_store_close(&store);
    }
    return status;
}

Test(store_directory, belongs_to_one)
{
    struct conform_world *w = posix_store_world();
    char error[MM1__STORE_ERROR_MAX] = "";
    cr_assert_eq(open_other(of(w)->dir, error), MM1_IN_USE);
    cr_assert_not_null(strstr(error, "in use by another process"), "%s", error);
    cr_assert_not_null(strstr(error, of(w)->dir), "%s", error);
    mm1__posix_store_close(&of(w)->store);
    cr_assert_eq(open_other(of(w)->dir, error), MM1_OK);
    posix_store_start(of(w));
    w->ops->free(w);
}

Test(store_directory, is_free_again_after_a_kill)
{
    struct posix_world *world = posix_world_new();
    int fds[2];
    char byte;
    cr_assert_eq(pipe(fds), 0);
    pid_t child = fork();
    if (child == 0) {
        struct mm1__posix_store store;
        char error[MM1__STORE_ERROR_MAX];
        bool opened =
            mm1__posix_store_open(&store, mm1__posix_alloc(), world->dir, error) == MM1_OK;
        (void)!write(fds[1], opened ? "y" : "n", 1);
        for (;;) {
            (void)pause();
        }
    }
    char error[MM1__STORE_ERROR_MAX];
    cr_assert_eq(read(fds[0], &byte, 1), 1);
    cr_assert_eq(byte, 'y');
    cr_assert_eq(open_other(world->dir, error), MM1_IN_USE);
    cr_assert(kill(child, SIGKILL) == 0 && waitpid(child, NULL, 0) == child);
    cr_assert_eq(open_other(world->dir, error), MM1_OK);
    (void)close(fds[0]);
    (void)close(fds[1]);
    posix_world_free(world);
}

Test(store_directory, is_made_when_missing)
{
    struct posix_world *world = posix_world_new();
    char dir[128];
    char error[MM1__STORE_ERROR_MAX] = "";
    (void)snprintf(dir, sizeof(dir), "%s/new", world->dir);
    cr_assert_eq(open_other(dir, error), MM1_OK, "%s", error);
    (void)snprintf(dir, sizeof(dir), "%s/deep//down/", world->dir);
    cr_assert_eq(open_other(dir, error), MM1_OK, "%s", error);
    (void)snprintf(dir, sizeof(dir), "%s/new/.lock/no", world->dir); /* below a file */
    cr_assert_eq(open_other(dir, error), MM1_NOT_FOUND);
    cr_assert_not_null(strstr(error, "Not a directory"), "%s", error);
    cr_assert_eq(open_other("", error), MM1_NOT_FOUND);
    cr_assert_not_null(strstr(error, "No such file or directory"), "%s", error);
    posix_world_free(world);
}

Test(store_directory, must_be_one_and_writable)
{
    struct posix_world *world = posix_world_new();
    char path[128];
    char error[MM1__STORE_ERROR_MAX] = "";
    (void)snprintf(path, sizeof(path), "%s/file", world->dir);
    int fd = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    cr_assert(fd >= 0 && close(fd) == 0);
    cr_assert_eq(open_other(path, error), MM1_NOT_FOUND);
    cr_assert_not_null(strstr(error, "Not a directory"), "%s", error);
    cr_assert_eq(unlink(path), 0);
    cr_assert_eq(chmod(world->dir, 0555), 0);
    pid_t child = fork();
    if (child == 0) {
        /* Root may write anywhere: be somebody else. */
        bool plain = geteuid() != 0 || setuid(65534) == 0;
        bool refused = plain && open_other(path, error) == MM1_REFUSED && /* it cannot be made */
                       open_other(world->dir, error) == MM1_REFUSED;
        _exit(refused && strstr(error, world->dir) != NULL &&
                      strstr(error, "Permission denied") != NULL
                  ? 0
                  : 1);
    }
    int status = -1;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert_eq(status, 0);
    cr_assert_eq(chmod(world->dir, 0700), 0);
    posix_world_free(world);
}

/* --- a full disk ---------------------------------------------------------------------------------------------- */

static void limit_files(rlim_t size)
{
    struct rlimit limit;
    cr_assert_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = size == RLIM_INFINITY ? limit.rlim_max : size;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

Test(store_file, that_may_not_grow_keeps_what_it_had)
{
    struct conform_world *w = posix_store_world();
    static char data[5000];
    memset(data, 'd', sizeof(data));
    mm1_handle log = conform_log_open(w, "full", 0);
    conform_log_append(w, log, 1, data, 3000);
    conform_log_expect_done(w, log, 1, 3000);
    limit_files(4096); /* the next append is written in part, then fails */
    conform_log_append(w, log, 2, data, 5000);
    conform_log_expect_failed(w, log, 2, MM1_NO_SPACE);
    conform_log_append(w, log, 3, "fits", 4);
    conform_log_expect_done(w, log, 3, 3004);
    limit_files(RLIM_INFINITY);
    conform_log_sync(w, log, 4);
    conform_log_expect_done(w, log, 4, 3004);
    conform_log_expect(w, log, 2999, 100, "dfits", 5);
    w->ops->store_restart(w);
    (void)conform_log_open(w, "full", 3004);
    w->ops->free(w);
}

/* --- files that are not what they should be -------------------------------------------------------------------- */

Test(store_file, must_be_a_plain_one)
{
    struct conform_world *w = posix_store_world();
    char path[128];
    (void)snprintf(path, sizeof(path), "%s/link", of(w)->dir);
    cr_assert_eq(symlink("/dev/null", path), 0);
    conform_log_expect_failed(w, conform_log_begin(w, "link"), 0, MM1_IO);
    (void)snprintf(path, sizeof(path), "%s/folder", of(w)->dir);
    cr_assert_eq(mkdir(path, 0700), 0);
    conform_log_expect_failed(w, conform_log_begin(w, "folder"), 0, MM1_IO);
    w->ops->free(w);
}

Test(store_file, that_was_cut_by_others_fails_to_read)
{
    struct conform_world *w = posix_store_world();
    char path[128];
    mm1_handle log = conform_log_open(w, "cut", 0);
    conform_log_append(w, log, 1, "0123456789", 10);
    conform_log_expect_done(w, log, 1, 10);
    (void)snprintf(path, sizeof(path), "%s/cut", of(w)->dir);
    cr_assert_eq(truncate(path, 4), 0);
    conform_log_read(w, log, 2, 0, 10);
    conform_log_expect_failed(w, log, 2, MM1_IO);
    w->ops->free(w);
}

Test(store_file, closes_by_itself_at_the_end)
{
    struct conform_world *w = posix_store_world();
    (void)conform_log_open(w, "a", 0);
    mm1_handle log = conform_log_open(w, "b", 0);
    for (uint64_t op = 1; op <= 100; op++) {
        conform_log_append(w, log, op, "xyz", 3);
    }
    mm1__posix_store_stop(&of(w)->store);
    /* What was begun is done, and verbs do nothing any more. */
    cr_assert_eq(conform_count(&w->sink, log, &mm1_log_done_type), 100);
    conform_log_append(w, log, 101, "late", 4);
    w->env.store->ops->close(w->env.store, log);
    (void)conform_log_begin(w, "c");
    mm1__posix_store_close(&of(w)->store);
    posix_store_start(of(w));
    (void)conform_log_open(w, "b", 300);
    w->ops->free(w);
}

/* openat, in a way that ThreadSanitizer follows. */
#ifndef MM1_POSIX_OPEN_AT_H
#define MM1_POSIX_OPEN_AT_H

#include <sys/types.h>

/* As openat; `mode` counts only where `flags` have O_CREAT. */
int mm1__open_at(int dir_fd, const char *name, int flags, mode_t mode);

#endif

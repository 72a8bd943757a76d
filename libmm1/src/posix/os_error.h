/* What the system's error numbers are called here. */
#ifndef MM1_POSIX_OS_ERROR_H
#define MM1_POSIX_OS_ERROR_H

#include <stddef.h>

#include <mm1/status.h>

#define MM1__OS_TEXT_MAX 96

/* The status for a positive errno. */
mm1_status mm1__os_status(int error);
/* The system's text for a positive errno, written to `out`. */
void mm1__os_text(int error, char out[MM1__OS_TEXT_MAX]);

#endif

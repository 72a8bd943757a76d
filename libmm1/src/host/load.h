/* Finds systems under test: those linked into the program, and shared objects that export `mm1_system`.
 *
 * NAME.so is looked for beside the file that names it, in the folder "systems" next to the running executable, and in
 * the folders of MM1_SYSTEM_PATH (colons between them). The first that is there is taken, or refused. */
#ifndef MM1_HOST_LOAD_H
#define MM1_HOST_LOAD_H

#include <mm1/system.h>

#include "host/diag.h"

/* Systems linked into the program; they come before any shared object. Zero-initialised: none. Passed down from main,
 * borrowed. */
struct mm1__linked_systems {
    const struct mm1_system *const *items;
    size_t count;
};

/* A system in use. */
struct mm1__loaded_system {
    const struct mm1_system *system;
    void *handle; /* of dlopen; null for a linked one */
    char *path;   /* of the shared object; null for a linked one */
};

/* 1 to 64 letters, digits, "_" and "-". */
bool mm1__system_name_valid(const char *name);
/* Loads the system `name` for the file `file` (a scenario or a configuration; null: none, then no folder beside it).
 * `linked` may be null. `*out` is set only with MM1_OK, and mm1__system_unload gives it back.
 * MM1_NOT_FOUND: `diag` names the places looked at. MM1_INVALID: a bad name, or a shared object that does not load,
 * exports no mm1_system, speaks another ABI, has another name, or is broken. MM1_NOMEM. */
MM1_NODISCARD mm1_status mm1__system_load(const struct mm1__linked_systems *linked,
                                          const char *file, const char *name,
                                          struct mm1__loaded_system *out, struct mm1_diag *diag);
/* After it, nothing of the system may be used. */
void mm1__system_unload(struct mm1__loaded_system *loaded);

/* Checks a descriptor: ABI, names, roles with behaviours that can run, properties with `see`, message types that
 * register. `what` stands for it in `diag`. MM1_INVALID, MM1_NOMEM. */
MM1_NODISCARD mm1_status mm1__system_check(const struct mm1_system *system, const char *what,
                                           struct mm1_diag *diag);

/* Calls `see` for each system that can be found, linked ones first, then by place and name, each name once. One that
 * is refused is given with a null `loaded` and its diag. `folder` (null: none) is looked at before the other places. */
typedef void mm1__system_see_fn(void *arg, const struct mm1__loaded_system *loaded,
                                const struct mm1_diag *diag);
MM1_NODISCARD mm1_status mm1__system_each(const struct mm1__linked_systems *linked,
                                          const char *folder, mm1__system_see_fn *see, void *arg);

#endif

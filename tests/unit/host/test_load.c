/* The system loader: where it looks, and what it refuses. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/load.h"
#include "mm1_test.h"

/* The modules of tests/modules, as CMake built them. */
#define MODULES MM1_TEST_BINARY_DIR "/tests/modules"

static char folder[64]; /* of one test, empty at first */
static struct mm1_diag diag;

static void set_up(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/mm1_load_XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    (void)unsetenv("MM1_SYSTEM_PATH");
}

static void tear_down(void)
{
    char command[128];
    (void)snprintf(command, sizeof(command), "rm -r %s", folder);
    cr_assert_eq(system(command), 0);
}

TestSuite(load, .init = set_up, .fini = tear_down);

/* A path in the test's folder; valid until the next call. */
static const char *in_folder(const char *name)
{
    static char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    return path;
}

/* Makes the module appear in the folder under its own name. */
static void put_module(const char *name)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    (void)snprintf(from, sizeof(from), MODULES "/%s.so", name);
    (void)snprintf(to, sizeof(to), "%s/%s.so", folder, name);
    cr_assert_eq(symlink(from, to), 0);
}

static mm1_status load(const char *file, const char *name, struct mm1__loaded_system *out)
{
    diag = (struct mm1_diag){0};
    return mm1__system_load(NULL, file, name, out, &diag);
}

static const char *finding(void)
{
    static char line[MM1_DIAG_LINE_MAX];
    (void)mm1__diag_print(&diag, line);
    return line;
}

static void expect_refused(const char *name, const char *expected)
{
    char line[PATH_MAX + 200];
    struct mm1__loaded_system loaded = {0};
    put_module(name);
    cr_expect_eq(load(in_folder("x.json"), name, &loaded), MM1_INVALID);
    cr_expect_null(loaded.system);
    (void)snprintf(line, sizeof(line), "%s/%s.so: %s", folder, name, expected);
    cr_expect_str_eq(finding(), line);
}

/* --- places --------------------------------------------------------------------------------------------------- */

Test(load, beside_the_file)
{
    struct mm1__loaded_system loaded = {0};
    put_module("module_good");
    cr_assert_eq(load(in_folder("x.json"), "module_good", &loaded), MM1_OK, "%s", finding());
    cr_expect_str_eq(loaded.system->name, "module_good");
    cr_expect_str_eq(loaded.path, in_folder("module_good.so"));
    mm1__system_unload(&loaded);
    cr_expect_null(loaded.system);
    /* A file without a folder lies in the current one. */
    cr_assert_eq(chdir(folder), 0);
    cr_assert_eq(load("x.json", "module_good", &loaded), MM1_OK, "%s", finding());
    cr_expect_str_eq(loaded.path, "./module_good.so");
    mm1__system_unload(&loaded);
    cr_assert_eq(chdir("/"), 0);
}

Test(load, on_the_path)
{
    char path[PATH_MAX];
    struct mm1__loaded_system loaded = {0};
    put_module("module_good");
    (void)snprintf(path, sizeof(path), "/nowhere::%s:", folder);
    cr_assert_eq(setenv("MM1_SYSTEM_PATH", path, 1), 0);
    cr_assert_eq(load("/dev/x.json", "module_good", &loaded), MM1_OK, "%s", finding());
    cr_expect_str_eq(loaded.path, in_folder("module_good.so"));
    mm1__system_unload(&loaded);
    cr_assert_eq(load(NULL, "module_good", &loaded), MM1_OK, "%s", finding());
    mm1__system_unload(&loaded);
}

/* The folder "systems" next to this program. */
static const char *own_folder(void)
{
    static char path[PATH_MAX];
    ssize_t size = readlink("/proc/self/exe", path, sizeof(path) - sizeof("/systems"));
    cr_assert_gt(size, 0);
    path[size] = '\0';
    char *slash = strrchr(path, '/');
    (void)snprintf(slash, (size_t)(path + sizeof(path) - slash), "/systems");
    return path;
}

Test(load, next_to_the_program)
{
    const char *own = own_folder();
    char link_path[PATH_MAX + 32];
    struct mm1__loaded_system loaded = {0};
    cr_assert(mkdir(own, 0777) == 0 || errno == EEXIST);
    (void)snprintf(link_path, sizeof(link_path), "%s/module_good.so", own);
    (void)unlink(link_path);
    cr_assert_eq(symlink(MODULES "/module_good.so", link_path), 0);
    mm1_status status = load(in_folder("x.json"), "module_good", &loaded);
    (void)unlink(link_path);
    (void)rmdir(own);
    cr_assert_eq(status, MM1_OK, "%s", finding());
    cr_expect_str_eq(loaded.path, link_path);
    mm1__system_unload(&loaded);
}

Test(load, a_missing_system_names_the_places)
{
    const char *own = own_folder();
    char expected[3 * PATH_MAX];
    struct mm1__loaded_system loaded = {0};
    cr_assert_eq(setenv("MM1_SYSTEM_PATH", "/one:/two", 1), 0);
    cr_expect_eq(load("some/x.json", "kv-1", &loaded), MM1_NOT_FOUND);
    (void)snprintf(expected, sizeof(expected),
                   "some/x.json: no system \"kv-1\": looked for kv-1.so in some, %s, /one, /two",
                   own);
    cr_expect_str_eq(finding(), expected);
    /* A folder that is no folder holds nothing. */
    cr_assert_eq(setenv("MM1_SYSTEM_PATH", "/dev/null", 1), 0);
    cr_expect_eq(load(NULL, "kv-1", &loaded), MM1_NOT_FOUND);
}

Test(load, too_many_places_are_refused)
{
    char path[400] = "";
    struct mm1__loaded_system loaded = {0};
    for (int i = 0; i < 40; i++) {
        (void)snprintf(path + strlen(path), sizeof(path) - strlen(path), "/p%d:", i);
    }
    cr_assert_eq(setenv("MM1_SYSTEM_PATH", path, 1), 0);
    cr_expect_eq(load(NULL, "kv", &loaded), MM1_INVALID);
    cr_expect_str_eq(finding(),
                     "kv: MM1_SYSTEM_PATH names too many folders (at most 32 are searched)");
}

Test(load, names)
{
    static const char *const BAD[] = {
        "",    "a/b", "..", "../kv",
        "a.b", "kv ", "é",  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"};
    struct mm1__loaded_system loaded = {0};
    for (size_t i = 0; i < MM1_COUNT_OF(BAD); i++) {
        cr_expect_eq(load("x.json", BAD[i], &loaded), MM1_INVALID, "%s", BAD[i]);
        cr_expect_not_null(strstr(finding(), "is no name of a system"));
    }
}

/* --- refusals ------------------------------------------------------------------------------------------------- */

Test(load, modules_that_are_refused)
{
    expect_refused("module_other_abi", "exports system ABI 7, this mm1 speaks 2");
    expect_refused("module_other_name",
                   "exports the system \"kv\", its file name says \"module_other_name\"");
    expect_refused("module_no_roles", "exports a broken system: no roles");
    expect_refused("module_no_export", "exports no mm1_system");
}

Test(load, modules_that_do_not_load)
{
    struct mm1__loaded_system loaded = {0};
    put_module("module_unresolved");
    cr_expect_eq(load(in_folder("x.json"), "module_unresolved", &loaded), MM1_INVALID);
    cr_expect_not_null(strstr(finding(), "module_unresolved.so: cannot be loaded: "));
    cr_expect_not_null(strstr(finding(), "module_function_that_nobody_has"));
    FILE *file = fopen(in_folder("garbage.so"), "w");
    cr_assert_not_null(file);
    (void)fputs("not a shared object", file);
    (void)fclose(file);
    cr_expect_eq(load(in_folder("x.json"), "garbage", &loaded), MM1_INVALID);
    cr_expect_not_null(strstr(finding(), "garbage.so: cannot be loaded: "));
    cr_assert_eq(mkdir(in_folder("folder.so"), 0777), 0);
    cr_expect_eq(load(in_folder("x.json"), "folder", &loaded), MM1_INVALID);
    cr_expect_not_null(strstr(finding(), "folder.so: cannot be loaded: "));
    cr_expect_null(loaded.system);
}

/* --- descriptors ---------------------------------------------------------------------------------------------- */

static mm1_status receive(struct mm1_ctx *ctx, void *state, const struct mm1_envelope *envelope)
{
    (void)ctx;
    (void)state;
    (void)envelope;
    return MM1_OK;
}

static enum mm1_verdict see(void *state, struct mm1_alloc *alloc, const struct mm1_sight *sight,
                            struct mm1_finding *found)
{
    (void)state;
    (void)alloc;
    (void)sight;
    (void)found;
    return MM1_PASS;
}

#define FIRST_FIELDS(F) F(u8, level)
MM1_MSG_DECLARE(first, FIRST_FIELDS)
MM1_MSG_DEFINE(first, "t::Same", FIRST_FIELDS)
MM1_MSG_DECLARE(second, FIRST_FIELDS)
MM1_MSG_DEFINE(second, "t::Same", FIRST_FIELDS)

static const struct mm1_behaviour behaviour = {.name = "idle", .receive = receive};
static const struct mm1_behaviour deaf = {.name = "deaf"};
static const struct mm1_behaviour nameless = {.receive = receive};
static const struct mm1_role good_roles[] = {
    {.name = "node", .main = &behaviour, .arg_type = &first_type}};
static const struct mm1_system good = {.abi = MM1_SYSTEM_ABI,
                                       .name = "linked",
                                       .source_version = "1",
                                       .roles = good_roles,
                                       .role_count = 1};

static void expect_broken(const struct mm1_system *system, const char *expected)
{
    char line[200];
    cr_expect_eq(mm1__system_check(system, "x", &diag), MM1_INVALID);
    (void)snprintf(line, sizeof(line), "x: exports a broken system: %s", expected);
    cr_expect_str_eq(finding(), line);
}

static void expect_broken_roles(const struct mm1_role *roles, size_t count, const char *expected)
{
    struct mm1_system system = good;
    system.roles = roles;
    system.role_count = count;
    expect_broken(&system, expected);
}

Test(load, broken_roles)
{
    const struct mm1_role no_name[] = {{.name = "a", .main = &behaviour}, {.main = &behaviour}};
    const struct mm1_role no_main[] = {{.name = "a"}};
    const struct mm1_role no_receive[] = {{.name = "a", .main = &deaf}};
    const struct mm1_role no_behaviour_name[] = {{.name = "a", .main = &nameless}};
    const struct mm1_role twice[] = {{.name = "a", .main = &behaviour},
                                     {.name = "a", .main = &behaviour}};
    cr_expect_eq(mm1__system_check(&good, "x", &diag), MM1_OK);
    expect_broken_roles(NULL, 1, "no roles");
    expect_broken_roles(no_name, 2, "no name for role 1");
    expect_broken_roles(no_main, 1, "no behaviour with a name and a receive function for role 0");
    expect_broken_roles(no_receive, 1,
                        "no behaviour with a name and a receive function for role 0");
    expect_broken_roles(no_behaviour_name, 1,
                        "no behaviour with a name and a receive function for role 0");
    expect_broken_roles(twice, 2, "the same name twice: role 1");
}

Test(load, broken_names)
{
    struct mm1_system system = good;
    system.name = NULL;
    expect_broken(&system, "no name");
    system = good;
    system.source_version = "";
    expect_broken(&system, "no source version");
}

Test(load, broken_properties)
{
    const struct mm1_property no_name[] = {{.see = see}};
    const struct mm1_property blind[] = {{.name = "p"}};
    const struct mm1_property twice[] = {{.name = "p", .see = see}, {.name = "p", .see = see}};
    struct mm1_system system = good;
    system.property_count = 1;
    expect_broken(&system, "properties are counted and missing");
    system.properties = no_name;
    expect_broken(&system, "no name for property 0");
    system.properties = blind;
    expect_broken(&system, "no see function for property 0");
    system.properties = twice;
    system.property_count = 2;
    expect_broken(&system, "the same name twice: property 1");
}

Test(load, broken_types)
{
    const struct mm1_msg_type *const missing[] = {NULL};
    const struct mm1_msg_type *const other[] = {
        &second_type}; /* the role's argument has the same name */
    const struct mm1_msg_type *const same[] = {&first_type};
    struct mm1_system system = good;
    system.type_count = 1;
    expect_broken(&system, "types are counted and missing");
    system.types = missing;
    expect_broken(&system, "null for type 0");
    system.types = other;
    expect_broken(&system, "message type \"t::Same\": another type has the same name");
    system.types = same;
    cr_expect_eq(mm1__system_check(&system, "x", &diag), MM1_OK);
}

/* --- linked systems, and listing ------------------------------------------------------------------------------ */

static const struct mm1_system *const items[] = {&good};
static const struct mm1__linked_systems linked = {.items = items, .count = 1};

Test(load, linked_systems_come_first)
{
    struct mm1__loaded_system loaded = {0};
    FILE *file = fopen(in_folder("linked.so"), "w"); /* would be refused */
    cr_assert_not_null(file);
    (void)fclose(file);
    cr_assert_eq(mm1__system_load(&linked, in_folder("x.json"), "linked", &loaded, &diag), MM1_OK);
    cr_expect_eq(loaded.system, &good);
    cr_expect_null(loaded.path);
    mm1__system_unload(&loaded);
    /* A linked system is checked like any other. */
    struct mm1_system old = good;
    old.abi = 0;
    const struct mm1_system *const old_items[] = {&old};
    const struct mm1__linked_systems old_linked = {.items = old_items, .count = 1};
    cr_expect_eq(mm1__system_load(&old_linked, NULL, "linked", &loaded, &diag), MM1_INVALID);
    cr_expect_str_eq(finding(), "linked: exports system ABI 0, this mm1 speaks 2");
}

struct seen {
    char names[400]; /* "linked module_good !" and so on; "!" is one that is refused */
};

static void note(void *arg, const struct mm1__loaded_system *loaded, const struct mm1_diag *found)
{
    struct seen *seen = arg;
    cr_assert((loaded == NULL) != (found == NULL));
    const char *name = loaded == NULL ? "!" : loaded->system->name;
    (void)snprintf(seen->names + strlen(seen->names), sizeof(seen->names) - strlen(seen->names),
                   "%s ", name);
}

Test(load, all_that_can_be_found)
{
    struct seen seen = {""};
    char second[] = "/tmp/mm1_load_XXXXXX";
    char copy[PATH_MAX];
    cr_assert_not_null(mkdtemp(second));
    put_module("module_other_abi");
    put_module("module_good");
    FILE *file = fopen(in_folder("linked.so"), "w"); /* hidden by the linked one */
    cr_assert_not_null(file);
    (void)fclose(file);
    file = fopen(in_folder("notes.txt"), "w");
    cr_assert_not_null(file);
    (void)fclose(file);
    (void)snprintf(copy, sizeof(copy), "%s/module_good.so",
                   second); /* hidden by the first folder's */
    cr_assert_eq(symlink(MODULES "/module_good.so", copy), 0);
    cr_assert_eq(setenv("MM1_SYSTEM_PATH", second, 1), 0);
    cr_assert_eq(mm1__system_each(&linked, folder, note, &seen), MM1_OK);
    (void)unlink(copy);
    (void)rmdir(second);
    cr_expect_str_eq(seen.names, "linked module_good ! ");
}

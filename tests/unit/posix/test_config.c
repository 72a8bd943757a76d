/* Configurations of nodes: defaults, what is read into what, and each key wrong in type, range and reference, with the
 * very text of the finding. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mm1/system.h>

#include "mm1_test.h"
#include "posix/node_config.h"

/* --- a system ------------------------------------------------------------------------------------------------- */

#define CONFIG_ARG_FIELDS(F) F(u32, code)
MM1_MSG_DECLARE(config_arg, CONFIG_ARG_FIELDS)
MM1_MSG_DEFINE(config_arg, "test::Arg", CONFIG_ARG_FIELDS)

static mm1_status idle_receive(struct mm1_ctx *ctx, void *state,
                               const struct mm1_envelope *envelope)
{
    (void)state;
    return mm1_unhandled(ctx, envelope);
}

static const struct mm1_behaviour idle = {.name = "idle", .receive = idle_receive};
static const struct mm1_msg_type *const types[] = {&config_arg_type};
static const struct mm1_role roles[] = {
    {.name = "plain", .about = "takes nothing", .main = &idle},
    {.name = "taker", .about = "takes args", .main = &idle, .arg_type = &config_arg_type},
};
static const struct mm1_system test_system = {.abi = MM1_SYSTEM_ABI,
                                              .name = "test",
                                              .source_version = "1",
                                              .about = "for this test",
                                              .types = types,
                                              .type_count = MM1_COUNT_OF(types),
                                              .roles = roles,
                                              .role_count = MM1_COUNT_OF(roles)};

/* --- reading one ---------------------------------------------------------------------------------------------- */

static struct mm1__node_file file;
static struct mm1__findings findings;

static mm1_status read_text(const char *text)
{
    const struct mm1_system *const items[] = {&test_system};
    const struct mm1__linked_systems linked = {.items = items, .count = 1};
    char path[] = "/tmp/mm1-config-XXXXXX";
    int fd = mkstemp(path);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    cr_assert_eq(close(fd), 0);
    mm1_status status = mm1__node_file_read(path, &linked, &file, &findings);
    cr_assert_eq(unlink(path), 0);
    return status;
}

/* The required keys on the first line, the rest on the second. */
static mm1_status read_rest(const char *rest)
{
    static char text[70000];
    (void)snprintf(text, sizeof(text),
                   "{\"name\": \"a\", \"system\": \"test\", \"role\": \"plain\"%s\n%s}",
                   rest[0] == '\0' ? "" : ",", rest);
    return read_text(text);
}

/* All findings without the file's name: "2:14: /path: text\n". */
static const char *said(void)
{
    static char out[MM1__FINDINGS_MAX * MM1_DIAG_LINE_MAX];
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < findings.count && i < MM1__FINDINGS_MAX; i++) {
        char line[MM1_DIAG_LINE_MAX];
        (void)mm1__diag_print(&findings.items[i], line);
        at += (size_t)snprintf(out + at, sizeof(out) - at, "%s%s\n",
                               findings.is_warning[i] ? "warning: " : "",
                               line + strlen(findings.items[i].file) + 1);
    }
    return out;
}

static void must_read(const char *rest)
{
    cr_assert_eq(read_rest(rest), MM1_OK, "%s: %s", rest, said());
}

/* --- what is read --------------------------------------------------------------------------------------------- */

Test(config, defaults)
{
    must_read("");
    cr_expect_eq(findings.count, 0);
    cr_expect(mm1_text_equal(file.name, MM1_TEXT("a")));
    cr_expect_str_eq(file.role->name, "plain");
    cr_expect_eq(file.net_count, 2);
    cr_expect(mm1_addr_equal(file.nets[0].addr, MM1_NET_DEFAULT_AUTO.addr));
    cr_expect_eq(file.nets[0].mask, 13);
    cr_expect(mm1_addr_equal(file.nets[1].addr, MM1_NET_DEFAULT_BIND.addr));
    cr_expect_eq(file.inbound_count + file.outbound_count, 0);
    cr_expect_eq(file.cookie.size, 0);
    cr_expect_null(file.settings);
    cr_expect_eq(file.options.threads, 0, "one a processor");
    cr_expect_eq(file.options.stack_size, 2u << 20);
    cr_expect_eq(file.options.pool_count, 0);
    cr_expect_eq(file.options.watchdog_ns, 5 * MM1_NS_PER_SEC);
    cr_expect_eq(file.options.log_level, MM1_LOG_INFO);
    cr_expect_not(file.options.log_events);
    cr_expect_eq(file.options.log_filter_count, 0);
    cr_expect_null(file.options.store_dir);
    cr_expect_eq(file.metrics.size, 0);
    cr_expect_not(file.drop_failures);
    mm1__node_file_close(&file);
}

Test(config, links)
{
    must_read("\"local_subnets\": [{\"net\": \"<aa1:>/16\", \"kind\": \"bind\"},"
              "{\"net\": \"<aa0:>/16\", \"kind\": \"auto\"}],"
              "\"inbound\": [{\"proto\": [\"test\"], \"addr\": \"tcp://0.0.0.0:9000\","
              "\"authc\": {\"cookie\": \"s3cret\"}}],"
              "\"outbound\": [{\"proto\": [], \"addr\": \"uds:///tmp/x\","
              "\"authc\": {\"cookie\": \"s3cret\"}}]");
    cr_expect_eq(file.nets[0].addr.bits, UINT64_C(0xaa00000000000000));
    cr_expect_eq(file.nets[1].addr.bits, UINT64_C(0xaa10000000000000));
    cr_expect_eq(file.net_count, 2);
    cr_expect_eq(file.inbound_count, 1);
    cr_expect(mm1_text_equal(file.inbound[0], MM1_TEXT("tcp://0.0.0.0:9000")));
    cr_expect_eq(file.outbound_count, 1);
    cr_expect(mm1_text_equal(file.outbound[0], MM1_TEXT("uds:///tmp/x")));
    cr_expect(mm1_text_equal(file.cookie, MM1_TEXT("s3cret")));
    mm1__node_file_close(&file);
    must_read("\"inbound\": [{\"addr\": \"tcp://0.0.0.0:0\", \"authc\": \"trusted\"}],"
              "\"outbound\": [{\"addr\": \"tcp://127.0.0.1:9\"}]");
    cr_expect_eq(file.cookie.size, 0);
    mm1__node_file_close(&file);
}

Test(config, runtimes)
{
    must_read("\"runtime\": {\"bg\": {\"worker_threads\": 2, \"thread_stack_size\": \"64KiB\"},"
              "\"default\": {\"worker_threads\": 3, \"blocking_threads_max\": 512,"
              "\"blocking_thread_keep_alive\": {\"secs\": 10, \"nanos\": 0},"
              "\"thread_stack_size\": 1048576, \"enable_io\": false, \"enable_time\": true},"
              "\"io\": {}}");
    cr_expect_eq(file.options.threads, 3);
    cr_expect_eq(file.options.stack_size, 1u << 20);
    cr_expect_eq(file.options.pool_count, 2);
    cr_expect_str_eq(file.options.pools[0].name, "bg");
    cr_expect_eq(file.options.pools[0].threads, 2);
    cr_expect_eq(file.options.pools[0].stack_size, 64u << 10);
    cr_expect_str_eq(file.options.pools[1].name, "io");
    cr_expect_eq(file.options.pools[1].threads, 0);
    cr_expect_eq(file.options.pools[1].stack_size, 2u << 20);
    mm1__node_file_close(&file);
}

/* G-03, and the example of G-04. */
Test(config, actors)
{
    must_read("\"actor\": {\"netmask\": 56, \"/\": {\"main\": {\"inbox_size\": 64, \"/\": {"
              "\"_\": {\"runtime\": \"bg\"}, \"x\": {\"message_tap\": \"log\", \"netmask\": 64}}},"
              "\"other\": {\"inbox_size\": 0, \"netmask\": 40}}},"
              "\"runtime\": {\"io\": {}, \"bg\": {\"worker_threads\": 2}}");
    const struct mm1_settings *root = file.settings;
    cr_assert_not_null(root);
    cr_expect(root->has_netmask && root->netmask == 56);
    cr_expect(!root->has_inbox_size && !root->has_pool && root->tap.size == 0);
    cr_assert_eq(root->child_count, 2);
    const struct mm1_settings *main = &root->children[0];
    cr_expect(mm1_text_equal(main->name, MM1_TEXT("main")));
    cr_expect(!main->has_netmask && main->has_inbox_size && main->inbox_size == 64);
    cr_assert_eq(main->child_count, 2);
    cr_expect(mm1_text_equal(main->children[0].name, MM1_TEXT("_")));
    cr_expect(main->children[0].has_pool && main->children[0].pool == 2);
    cr_expect(mm1_text_equal(main->children[1].name, MM1_TEXT("x")));
    cr_expect(mm1_text_equal(main->children[1].tap, MM1_TEXT("log")));
    cr_expect_eq(main->children[1].netmask, 64);
    const struct mm1_settings *other = &root->children[1];
    cr_expect(mm1_text_equal(other->name, MM1_TEXT("other")));
    cr_expect(other->has_inbox_size && other->inbox_size == 0);
    cr_expect(other->has_netmask && other->netmask == 40 && other->child_count == 0);
    mm1__node_file_close(&file);
}

Test(config, the_rest)
{
    must_read("\"logging\": {\"min_log_level\": \"TRACE\","
              "\"log_target_filter\": [\"a::b=debug\", \"*=Warn\"]},"
              "\"metrics\": {\"addr\": \"tcp://127.0.0.1:0\"}, \"watchdog\": \"250ms\","
              "\"failures\": \"drop\", \"store\": \"logs\"");
    cr_expect_eq(file.options.log_level, MM1_LOG_DEBUG);
    cr_expect(file.options.log_events);
    cr_assert_eq(file.options.log_filter_count, 2);
    cr_expect(mm1_text_equal(file.options.log_filter[1], MM1_TEXT("*=Warn")));
    cr_expect(mm1_text_equal(file.metrics, MM1_TEXT("tcp://127.0.0.1:0")));
    cr_expect_eq(file.options.watchdog_ns, 250 * MM1_NS_PER_MS);
    cr_expect(file.drop_failures);
    cr_expect_str_eq(file.options.store_dir, "logs");
    mm1__node_file_close(&file);
    must_read("\"logging\": {\"min_log_level\": \"error\"}, \"watchdog\": \"0s\","
              "\"failures\": \"log\"");
    cr_expect_eq(file.options.log_level, MM1_LOG_ERROR);
    cr_expect_eq(file.options.watchdog_ns, 0);
    mm1__node_file_close(&file);
}

/* An unknown tap is no tap (MSG-15), and an unused runtime may be without time. */
Test(config, warns_of_taps)
{
    must_read("\"actor\": {\"message_tap\": \"lag\", \"/\": {\"x\": {\"message_tap\": \"\"}}},"
              "\"runtime\": {\"spare\": {\"enable_time\": false}}");
    cr_expect_eq(findings.errors, 0);
    cr_expect_str_eq(said(), "warning: 2:26: /actor/message_tap: the only tap is \"log\": the text "
                             "\"lag\" is none\n"
                             "warning: 2:60: /actor/~1/x/message_tap: the only tap is \"log\": the "
                             "text \"\" is none\n");
    mm1__node_file_close(&file);
}

/* --- what is refused ------------------------------------------------------------------------------------------ */

struct refused {
    const char *text;
    const char *said;
};

static const struct refused whole_files[] = {
    {"", "1:1: expected a value, got an empty text\n"},
    {"[]", "1:1: expected an object, got a list\n"},
    {"{} x", "1:4: expected the end of the text after the value, got \"x\"\n"},
    {"{\"name\": \"a\", \"name\": \"b\"}",
     "1:15: /name: the key \"name\" occurs twice: it stands in line 1 already\n"},
    {"{\"name\": \"a\", \"system\": \"test\"}", "1:1: the key \"role\" is missing\n"},
    {"{\"name\": \"a/b\", \"system\": \"test\", \"role\": \"plain\"}",
     "1:10: /name: expected 1 to 64 letters, digits, \"_\" and \"-\", got the text \"a/b\"\n"},
    {"{\"name\": 7, \"system\": \"test\", \"role\": \"plain\"}",
     "1:10: /name: expected a text, got the number 7\n"},
    {"{\"name\": \"a\", \"system\": \"te st\", \"role\": \"plain\"}",
     "1:25: /system: expected 1 to 64 letters, digits, \"_\" and \"-\", got the text \"te st\"\n"},
    {"{\"name\": \"a\", \"system\": null, \"role\": \"plain\"}",
     "1:25: /system: expected a text, got null\n"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"plane\"}",
     "1:41: /role: expected a role of the system \"test\", got the text \"plane\"; did you mean "
     "\"plain\"?\n"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": []}",
     "1:41: /role: expected a text, got a list\n"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"taker\"}",
     "1:1: \"args\" is missing: the role \"taker\" takes them\n"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"plain\", \"args\": {}}",
     "1:58: /args: the role \"plain\" takes no args\n"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"taker\", \"args\": {\"code\": -1}}",
     "1:67: /args/code: expected a whole number from 0 to 4294967295, got the number -1\n"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"taker\", \"args\": {\"cod\": 1}}",
     "1:59: /args/cod: unknown key \"cod\"; did you mean \"code\"?\n"},
    {"{\"system\": \"test\", \"role\": \"plain\"}", "1:1: the key \"name\" is missing\n"},
    {"{\"name\": \"a\", \"role\": \"plain\"}", "1:1: the key \"system\" is missing\n"},
    {"{\"name\": \"\", \"system\": \"test\", \"role\": \"plain\"}",
     "1:10: /name: expected 1 to 64 letters, digits, \"_\" and \"-\", got the text \"\"\n"},
    {"{\"name\": \"a234567890123456789012345678901234567890123456789012345678901234x\", "
     "\"system\": \"test\", \"role\": \"plain\"}",
     "1:10: /name: expected 1 to 64 letters, digits, \"_\" and \"-\", got the text "
     "\"a23456789012345678901234567890123456789012345678901234567890…\"\n"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"taker\", \"args\": []}",
     "1:58: /args: expected an object, got a list\n"},
    {"{\"name\": \"a\", \"system\": \"test\", \"role\": \"taker\", \"args\": {\"code\": "
     "4294967296}}",
     "1:67: /args/code: expected a whole number from 0 to 4294967295, got the number 4294967296\n"},
};

/* Each beside the required keys. The last one has several errors, in the order of G-01, and a warning. */
static const struct refused keys[] = {
    {"\"threads\": 2",
     "2:1: /threads: unknown key \"threads\"; expected one of \"name\", \"system\", \"role\", "
     "\"args\", \"local_subnets\", \"inbound\", \"outbound\", \"runtime\", \"actor\", \"store\", "
     "\"logging\", \"metrics\", \"watchdog\", \"failures\"\n"},
    {"\"log_level\": \"info\"",
     "2:1: /log_level: unknown key \"log_level\"; expected one of \"name\", \"system\", \"role\", "
     "\"args\", \"local_subnets\", \"inbound\", \"outbound\", \"runtime\", \"actor\", \"store\", "
     "\"logging\", \"metrics\", \"watchdog\", \"failures\"\n"},
    {"\"actors\": {}", "2:1: /actors: unknown key \"actors\"; did you mean \"actor\"?\n"},
    {"\"local_subnets\": {}", "2:18: /local_subnets: expected a list, got an object\n"},
    {"\"local_subnets\": []", "2:18: /local_subnets: expected a list of 1 to 33, got one of 0\n"},
    {"\"local_subnets\": [7]", "2:19: /local_subnets/0: expected an object, got the number 7\n"},
    {"\"local_subnets\": [{\"net\": \"<aa:>/16\"}]",
     "2:19: /local_subnets/0: the key \"kind\" is missing\n"},
    {"\"local_subnets\": [{\"kind\": \"auto\"}]",
     "2:19: /local_subnets/0: the key \"net\" is missing\n"},
    {"\"local_subnets\": [{\"net\": \"<aa:>/65\", \"kind\": \"auto\"}]",
     "2:27: /local_subnets/0/net: expected a subnet like \"<aa1:>/16\", got the text "
     "\"<aa:>/65\"\n"},
    {"\"local_subnets\": [{\"net\": \"<aa:>/16\", \"kind\": \"AUTO\"}]",
     "2:47: /local_subnets/0/kind: expected \"auto\" or \"bind\", got the text \"AUTO\"; did you "
     "mean \"auto\"?\n"},
    {"\"local_subnets\": [{\"net\": \"<aa:>/60\", \"kind\": \"auto\"}]",
     "2:27: /local_subnets/0/net: expected a subnet with room for actors, which take 256 addresses "
     "each: /56 or wider, got the text \"<aa:>/60\"\n"},
    {"\"local_subnets\": [{\"net\": \"<aa:>/16\", \"kind\": \"auto\", \"x\": 1}]",
     "2:55: /local_subnets/0/x: unknown key \"x\"; expected one of \"net\", \"kind\"\n"},
    {"\"local_subnets\": [{\"net\": \"<aa:>/16\", \"kind\": \"bind\"}]",
     "2:18: /local_subnets: expected one subnet of kind \"auto\", got none\n"},
    {"\"local_subnets\": [{\"net\": \"<aa:>/16\", \"kind\": \"auto\"}, {\"net\": \"<bb:>/16\", "
     "\"kind\": \"auto\"}]",
     "2:56: /local_subnets/1: there is an auto subnet already\n"},
    {"\"local_subnets\": [{\"net\": \"<aa:>/16\", \"kind\": \"auto\"}, {\"net\": \"<aa:>/8\", "
     "\"kind\": \"bind\"}]",
     "2:56: /local_subnets/1: the subnet <aa:>/8 overlaps <aa:>/16\n"},
    {"\"inbound\": {}", "2:12: /inbound: expected a list, got an object\n"},
    {"\"inbound\": [\"tcp://127.0.0.1:1\"]",
     "2:13: /inbound/0: expected an object, got the text \"tcp://127.0.0.1:1\"\n"},
    {"\"inbound\": [{}]", "2:13: /inbound/0: the key \"addr\" is missing\n"},
    {"\"inbound\": [{\"addr\": 1}]", "2:22: /inbound/0/addr: expected a text, got the number 1\n"},
    {"\"inbound\": [{\"addr\": \"tcp://host:1\"}]",
     "2:22: /inbound/0/addr: expected \"tcp://IPv4:port\" or \"uds:///path\", got the text "
     "\"tcp://host:1\"\n"},
    {"\"inbound\": [{\"addr\": \"tcp://127.0.0.1:65536\"}]",
     "2:22: /inbound/0/addr: expected \"tcp://IPv4:port\" or \"uds:///path\", got the text "
     "\"tcp://127.0.0.1:65536\"\n"},
    {"\"outbound\": [{\"addr\": \"tcp://127.0.0.1:0\"}]",
     "2:23: /outbound/0/addr: expected \"tcp://IPv4:port\" or \"uds:///path\", got the text "
     "\"tcp://127.0.0.1:0\"\n"},
    {"\"outbound\": [{\"addr\": \"http://x\"}]",
     "2:23: /outbound/0/addr: expected \"tcp://IPv4:port\" or \"uds:///path\", got the text "
     "\"http://x\"\n"},
    {"\"inbound\": [{\"addr\": \"uds:///x\", \"proto\": \"test\"}]",
     "2:43: /inbound/0/proto: expected a list, got the text \"test\"\n"},
    {"\"inbound\": [{\"addr\": \"uds:///x\", \"proto\": [1]}]",
     "2:44: /inbound/0/proto/0: expected a text, got the number 1\n"},
    {"\"inbound\": [{\"addr\": \"uds:///x\", \"proto\": [\"tset\"]}]",
     "2:44: /inbound/0/proto/0: expected the name of the system, \"test\", which offers all its "
     "types as one protocol, got the text \"tset\"\n"},
    {"\"inbound\": [{\"addr\": \"uds:///x\", \"authc\": \"Trusted\"}]",
     "2:43: /inbound/0/authc: expected \"trusted\", {\"cookie\": TEXT} or {\"shared_secret\": "
     "TEXT}, got the text \"Trusted\"\n"},
    {"\"inbound\": [{\"addr\": \"uds:///x\", \"authc\": 1}]",
     "2:43: /inbound/0/authc: expected \"trusted\", {\"cookie\": TEXT} or {\"shared_secret\": "
     "TEXT}, got the number 1\n"},
    {"\"inbound\": [{\"addr\": \"uds:///x\", \"authc\": {}}]",
     "2:43: /inbound/0/authc: the key \"cookie\" is missing\n"},
    {"\"inbound\": [{\"addr\": \"uds:///x\", \"authc\": {\"cooky\": \"x\"}}]",
     "2:44: /inbound/0/authc/cooky: unknown key \"cooky\"; did you mean \"cookie\"?\n"},
    {"\"inbound\": [{\"addr\": \"uds:///x\", \"authc\": {\"cookie\": 1}}]",
     "2:54: /inbound/0/authc/cookie: expected a text, got the number 1\n"},
    {"\"inbound\": [{\"addr\": \"uds:///x\", \"authc\": {\"cookie\": \"\"}}]",
     "2:54: /inbound/0/authc/cookie: expected a text of 1 to 65535 bytes, got the text \"\"\n"},
    {"\"inbound\": [{\"addr\": \"uds:///x\", \"authc\": {\"cookie\": \"x\", \"shared_secret\": "
     "\"y\"}}]",
     "2:43: /inbound/0/authc: expected \"trusted\", {\"cookie\": TEXT} or {\"shared_secret\": "
     "TEXT}, got an object\n"},
    {"\"inbound\": [{\"addr\": \"uds:///x\", \"authc\": {\"shared_secret\": \"y\"}}]",
     "2:61: /inbound/0/authc/shared_secret: shared_secret is not implemented; \"trusted\" and "
     "cookie are\n"},
    {"\"inbound\": [{\"addr\": \"uds:///x\", \"authc\": {\"shared_secret\": 1}}]",
     "2:61: /inbound/0/authc/shared_secret: expected a text, got the number 1\n"},
    {"\"inbound\": [{\"addr\": \"uds:///x\", \"authc\": {\"cookie\": \"x\"}}], \"outbound\": "
     "[{\"addr\": \"uds:///y\"}]",
     "2:75: /outbound/0: all links of a node have one authc, and that of /inbound/0 is another\n"},
    {"\"outbound\": [{\"addr\": \"uds:///x\"}, {\"addr\": \"uds:///y\", \"authc\": {\"cookie\": "
     "\"x\"}}]",
     "2:66: /outbound/1/authc: all links of a node have one authc, and that of /outbound/0 is "
     "another\n"},
    {"\"runtime\": []",
     "2:12: /runtime: expected an object of runtimes by their names, got a list\n"},
    {"\"runtime\": {\"a b\": {}}", "2:13: /runtime/a b: expected a name of 1 to 64 letters, "
                                   "digits, \"_\" and \"-\" for a runtime\n"},
    {"\"runtime\": {\"\": {}}", "2:13: /runtime/: expected a name of 1 to 64 letters, digits, "
                                "\"_\" and \"-\" for a runtime\n"},
    {"\"runtime\": {\"bg\": 2}", "2:19: /runtime/bg: expected an object, got the number 2\n"},
    {"\"runtime\": {\"bg\": {\"threads\": 2}}",
     "2:20: /runtime/bg/threads: unknown key \"threads\"; expected one of \"worker_threads\", "
     "\"blocking_threads_max\", \"blocking_thread_keep_alive\", \"thread_stack_size\", "
     "\"enable_io\", \"enable_time\"\n"},
    {"\"runtime\": {\"default\": {\"worker_threads\": 0}}",
     "2:43: /runtime/default/worker_threads: expected a whole number from 1 to 1024, got the "
     "number 0\n"},
    {"\"runtime\": {\"bg\": {\"worker_threads\": 1025}}",
     "2:38: /runtime/bg/worker_threads: expected a whole number from 1 to 1024, got the number "
     "1025\n"},
    {"\"runtime\": {\"bg\": {\"worker_threads\": \"2\"}}",
     "2:38: /runtime/bg/worker_threads: expected a whole number from 1 to 1024, got the text "
     "\"2\"\n"},
    {"\"runtime\": {\"bg\": {\"blocking_threads_max\": 0}}",
     "2:44: /runtime/bg/blocking_threads_max: expected a whole number from 1 to 65536, got the "
     "number 0\n"},
    {"\"runtime\": {\"bg\": {\"blocking_threads_max\": true}}",
     "2:44: /runtime/bg/blocking_threads_max: expected a whole number from 1 to 65536, got true\n"},
    {"\"runtime\": {\"bg\": {\"blocking_thread_keep_alive\": 10}}",
     "2:50: /runtime/bg/blocking_thread_keep_alive: expected an object, got the number 10\n"},
    {"\"runtime\": {\"bg\": {\"blocking_thread_keep_alive\": {\"secs\": 10}}}",
     "2:50: /runtime/bg/blocking_thread_keep_alive: the key \"nanos\" is missing\n"},
    {"\"runtime\": {\"bg\": {\"blocking_thread_keep_alive\": {\"secs\": -1, \"nanos\": 0}}}",
     "2:59: /runtime/bg/blocking_thread_keep_alive/secs: expected a whole number from 0 to "
     "1000000000, got the number -1\n"},
    {"\"runtime\": {\"bg\": {\"blocking_thread_keep_alive\": {\"secs\": 1, \"nanos\": "
     "1000000000}}}",
     "2:71: /runtime/bg/blocking_thread_keep_alive/nanos: expected a whole number from 0 to "
     "999999999, got the number 1000000000\n"},
    {"\"runtime\": {\"bg\": {\"blocking_thread_keep_alive\": {\"secs\": 1, \"nanos\": 1, \"ms\": "
     "1}}}",
     "2:74: /runtime/bg/blocking_thread_keep_alive/ms: unknown key \"ms\"; expected one of "
     "\"secs\", \"nanos\"\n"},
    {"\"runtime\": {\"bg\": {\"thread_stack_size\": true}}",
     "2:41: /runtime/bg/thread_stack_size: expected a size in B, KiB, MiB or GiB, like \"64KiB\", "
     "got true\n"},
    {"\"runtime\": {\"bg\": {\"thread_stack_size\": 65535}}",
     "2:41: /runtime/bg/thread_stack_size: expected a whole number from 65536 to 1073741824, got "
     "the number 65535\n"},
    {"\"runtime\": {\"bg\": {\"thread_stack_size\": \"63KiB\"}}",
     "2:41: /runtime/bg/thread_stack_size: expected a size from \"64KiB\" to \"1GiB\", got the "
     "text \"63KiB\"\n"},
    {"\"runtime\": {\"bg\": {\"thread_stack_size\": \"2GiB\"}}",
     "2:41: /runtime/bg/thread_stack_size: expected a size from \"64KiB\" to \"1GiB\", got the "
     "text \"2GiB\"\n"},
    {"\"runtime\": {\"bg\": {\"thread_stack_size\": \"2MB\"}}",
     "2:41: /runtime/bg/thread_stack_size: expected a size in B, KiB, MiB or GiB, like \"64KiB\", "
     "got the text \"2MB\"\n"},
    {"\"runtime\": {\"bg\": {\"enable_io\": \"yes\"}}",
     "2:33: /runtime/bg/enable_io: expected true or false, got the text \"yes\"\n"},
    {"\"runtime\": {\"bg\": {\"enable_time\": 1}}",
     "2:35: /runtime/bg/enable_time: expected true or false, got the number 1\n"},
    {"\"runtime\": {\"default\": {\"enable_time\": false}}",
     "2:40: /runtime/default/enable_time: expected true: the runtime \"default\" runs actors, "
     "which need time\n"},
    {"\"runtime\": {\"bg\": {\"enable_time\": false}}, \"actor\": {\"/\": {\"x\": {\"runtime\": "
     "\"bg\"}}}",
     "2:35: /runtime/bg/enable_time: expected true: the runtime \"bg\" runs actors, which need "
     "time\n"},
    {"\"actor\": []", "2:10: /actor: expected an object, got a list\n"},
    {"\"actor\": {\"runtime\": 1}", "2:22: /actor/runtime: expected a text, got the number 1\n"},
    {"\"actor\": {\"runtime\": \"bg\"}",
     "2:22: /actor/runtime: expected the name of a runtime, got the text \"bg\"\n"},
    {"\"actor\": {\"/\": {\"x\": {\"runtime\": \"bgg\"}}}, \"runtime\": {\"bg\": {}}",
     "2:34: /actor/~1/x/runtime: expected the name of a runtime, got the text \"bgg\"; did you "
     "mean \"bg\"?\n"},
    {"\"actor\": {\"runtime\": \"default\"}, \"runtime\": {\"default\": {}}",
     "2:22: /actor/runtime: the runtime \"default\" cannot be named; it runs all actors for which "
     "no other one is named\n"},
    {"\"actor\": {\"message_tap\": 1}",
     "2:26: /actor/message_tap: expected a text, got the number 1\n"},
    {"\"actor\": {\"netmask\": 65}",
     "2:22: /actor/netmask: expected a whole number from 0 to 64, got the number 65\n"},
    {"\"actor\": {\"netmask\": -1}",
     "2:22: /actor/netmask: expected a whole number from 0 to 64, got the number -1\n"},
    {"\"actor\": {\"netmask\": \"56\"}",
     "2:22: /actor/netmask: expected a whole number from 0 to 64, got the text \"56\"\n"},
    {"\"actor\": {\"netmask\": 12}", "2:22: /actor/netmask: expected at least 13, so that an actor "
                                     "fits into the auto subnet <fff8:>/13\n"},
    {"\"local_subnets\": [{\"net\": \"<aa:>/56\", \"kind\": \"auto\"}], \"actor\": {\"/\": {\"x\": "
     "{\"netmask\": 55}}}",
     "2:90: /actor/~1/x/netmask: expected at least 56, so that an actor fits into the auto subnet "
     "<aa:>/56\n"},
    {"\"actor\": {\"inbox_size\": 4294967296}",
     "2:25: /actor/inbox_size: expected a whole number from 0 to 4294967295, got the number "
     "4294967296\n"},
    {"\"actor\": {\"inbox_size\": 1.5}",
     "2:25: /actor/inbox_size: expected a whole number from 0 to 4294967295 without fraction or "
     "exponent, got the number 1.5\n"},
    {"\"actor\": {\"inbox_size\": null}",
     "2:25: /actor/inbox_size: expected a whole number from 0 to 4294967295, got null\n"},
    {"\"actor\": {\"/\": []}",
     "2:16: /actor/~1: expected an object of actors by their names, got a list\n"},
    {"\"actor\": {\"/\": {\"\": {}}}",
     "2:17: /actor/~1/: expected an actor's name, of 1 to 255 bytes\n"},
    {"\"actor\": {\"/\": {\"x\": 1}}", "2:22: /actor/~1/x: expected an object, got the number 1\n"},
    {"\"actor\": {\"/\": {\"x\": {\"/\": {\"y\": {\"inboxsize\": 1}}}}}",
     "2:35: /actor/~1/x/~1/y/inboxsize: unknown key \"inboxsize\"; did you mean \"inbox_size\"?\n"},
    {"\"logging\": \"info\"", "2:12: /logging: expected an object, got the text \"info\"\n"},
    {"\"logging\": {\"level\": \"info\"}", "2:13: /logging/level: unknown key \"level\"; expected "
                                           "one of \"min_log_level\", \"log_target_filter\"\n"},
    {"\"logging\": {\"min_log_level\": \"loud\"}",
     "2:30: /logging/min_log_level: expected \"error\", \"warn\", \"info\", \"debug\" or "
     "\"trace\", got the text \"loud\"\n"},
    {"\"logging\": {\"min_log_level\": 1}",
     "2:30: /logging/min_log_level: expected \"error\", \"warn\", \"info\", \"debug\" or "
     "\"trace\", got the number 1\n"},
    {"\"logging\": {\"log_target_filter\": \"a=info\"}",
     "2:34: /logging/log_target_filter: expected a list, got the text \"a=info\"\n"},
    {"\"logging\": {\"log_target_filter\": [1]}",
     "2:35: /logging/log_target_filter/0: expected a text, got the number 1\n"},
    {"\"logging\": {\"log_target_filter\": [\"a=info\", \"a::b\"]}",
     "2:45: /logging/log_target_filter/1: expected \"NAME::NAME=LEVEL\" with LEVEL error, warn, "
     "info, debug or trace, got the text \"a::b\"\n"},
    {"\"logging\": {\"log_target_filter\": [\"a::b=loud\"]}",
     "2:35: /logging/log_target_filter/0: expected \"NAME::NAME=LEVEL\" with LEVEL error, warn, "
     "info, debug or trace, got the text \"a::b=loud\"\n"},
    {"\"logging\": {\"log_target_filter\": [\"a::=info\"]}",
     "2:35: /logging/log_target_filter/0: expected \"NAME::NAME=LEVEL\" with LEVEL error, warn, "
     "info, debug or trace, got the text \"a::=info\"\n"},
    {"\"metrics\": \"tcp://127.0.0.1:1\"",
     "2:12: /metrics: expected an object, got the text \"tcp://127.0.0.1:1\"\n"},
    {"\"metrics\": {}", "2:12: /metrics: the key \"addr\" is missing\n"},
    {"\"metrics\": {\"addr\": \"127.0.0.1:1\"}",
     "2:21: /metrics/addr: expected \"tcp://IPv4:port\" or \"uds:///path\", got the text "
     "\"127.0.0.1:1\"\n"},
    {"\"metrics\": {\"addr\": \"tcp://127.0.0.1:1\", \"path\": \"/\"}",
     "2:42: /metrics/path: unknown key \"path\"; expected one of \"addr\"\n"},
    {"\"metrics\": {\"addr\": []}", "2:21: /metrics/addr: expected a text, got a list\n"},
    {"\"watchdog\": 5", "2:13: /watchdog: expected a duration in ns, us, ms, s, m or h, like "
                        "\"150ms\", got the number 5\n"},
    {"\"watchdog\": \"5\"", "2:13: /watchdog: expected a duration in ns, us, ms, s, m or h, like "
                            "\"150ms\", got the text \"5\"\n"},
    {"\"watchdog\": \"99999999999h\"",
     "2:13: /watchdog: the text \"99999999999h\" is out of range\n"},
    {"\"failures\": true", "2:13: /failures: expected \"log\" or \"drop\", got true\n"},
    {"\"failures\": \"logg\"", "2:13: /failures: expected \"log\" or \"drop\", got the text "
                               "\"logg\"; did you mean \"log\"?\n"},
    {"\"store\": \"\"", "2:10: /store: expected a directory, got the text \"\"\n"},
    {"\"store\": 1", "2:10: /store: expected a text, got the number 1\n"},
    {"\"local_subnets\": [{\"net\": \"<aa:>/16\", \"kind\": \"bind\"}, {\"net\": \"<aa1:>/16\", "
     "\"kind\": \"bind\"}, {\"net\": \"<aa:>/8\", \"kind\": \"bind\"}], \"runtime\": {\"default\": "
     "{\"enable_time\": false}, \"bg\": {\"enable_time\": false}}, \"actor\": {\"runtime\": "
     "\"gb\", \"/\": {\"x\": {\"runtime\": \"bg\"}, \"y\": {\"runtime\": \"default\", "
     "\"message_tap\": \"x\"}}}, \"outbound\": [{\"addr\": \"uds:///x\", \"proto\": [\"a\", "
     "\"test\", \"b\"]}]",
     "2:230: /actor/runtime: expected the name of a runtime, got the text \"gb\"; did you mean "
     "\"bg\"?\n"
     "2:283: /actor/~1/y/runtime: the runtime \"default\" cannot be named; it runs all actors for "
     "which no other one is named\n"
     "warning: 2:309: /actor/~1/y/message_tap: the only tap is \"log\": the text \"x\" is none\n"
     "2:170: /runtime/default/enable_time: expected true: the runtime \"default\" runs actors, "
     "which need time\n"
     "2:200: /runtime/bg/enable_time: expected true: the runtime \"bg\" runs actors, which need "
     "time\n"
     "2:18: /local_subnets: expected one subnet of kind \"auto\", got none\n"
     "2:94: /local_subnets/2: the subnet <aa:>/8 overlaps <aa:>/16\n"
     "2:94: /local_subnets/2: the subnet <aa:>/8 overlaps <aa1:>/16\n"
     "2:361: /outbound/0/proto/0: expected the name of the system, \"test\", which offers all its "
     "types as one protocol, got the text \"a\"\n"
     "2:374: /outbound/0/proto/2: expected the name of the system, \"test\", which offers all its "
     "types as one protocol, got the text \"b\"\n"},
    {"\"local_subnets\": [{\"net\": 7, \"kind\": \"auto\"}]",
     "2:27: /local_subnets/0/net: expected a subnet like \"<aa1:>/16\", got the number 7\n"},
    {"\"local_subnets\": [{\"net\": \"aa:/16\", \"kind\": \"auto\"}]",
     "2:27: /local_subnets/0/net: expected a subnet like \"<aa1:>/16\", got the text \"aa:/16\"\n"},
    {"\"local_subnets\": [{\"net\": \"<aa:>/16\", \"kind\": 1}]",
     "2:47: /local_subnets/0/kind: expected \"auto\" or \"bind\", got the number 1\n"},
    {"\"outbound\": 1", "2:13: /outbound: expected a list, got the number 1\n"},
    {"\"outbound\": [1]", "2:14: /outbound/0: expected an object, got the number 1\n"},
    {"\"runtime\": {\"bg\": {\"worker_threads\": -1}}",
     "2:38: /runtime/bg/worker_threads: expected a whole number from 1 to 1024, got the number "
     "-1\n"},
    {"\"runtime\": {\"bg\": {\"blocking_threads_max\": 65537}}",
     "2:44: /runtime/bg/blocking_threads_max: expected a whole number from 1 to 65536, got the "
     "number 65537\n"},
    {"\"runtime\": {\"bg\": {\"blocking_thread_keep_alive\": {\"secs\": \"1\", \"nanos\": 0}}}",
     "2:59: /runtime/bg/blocking_thread_keep_alive/secs: expected a whole number from 0 to "
     "1000000000, got the text \"1\"\n"},
    {"\"actor\": {\"inbox_size\": -1}",
     "2:25: /actor/inbox_size: expected a whole number from 0 to 4294967295, got the number -1\n"},
    {"\"actor\": {\"netmask\": 56.5}", "2:22: /actor/netmask: expected a whole number from 0 to 64 "
                                       "without fraction or exponent, got the number 56.5\n"},
    {"\"metrics\": {\"addr\": \"tcp://127.0.0.1:65536\"}",
     "2:21: /metrics/addr: expected \"tcp://IPv4:port\" or \"uds:///path\", got the text "
     "\"tcp://127.0.0.1:65536\"\n"},
    {"\"watchdog\": \"-5s\"", "2:13: /watchdog: expected a duration in ns, us, ms, s, m or h, like "
                              "\"150ms\", got the text \"-5s\"\n"},
    {"\"store\": []", "2:10: /store: expected a text, got a list\n"},
};

static void expect_refused(mm1_status status, const struct refused *refused)
{
    cr_expect_eq(status, MM1_INVALID, "%s: %d", refused->text, (int)status);
    cr_expect_str_eq(said(), refused->said, "%s", refused->text);
    cr_expect_geq(findings.errors, 1, "%s", refused->text);
    cr_expect_null(file.json, "%s: nothing is left", refused->text);
}

Test(config, refuses_what_is_wrong_as_a_whole)
{
    for (size_t i = 0; i < MM1_COUNT_OF(whole_files); i++) {
        expect_refused(read_text(whole_files[i].text), &whole_files[i]);
    }
}

Test(config, refuses_each_key_that_is_wrong)
{
    for (size_t i = 0; i < MM1_COUNT_OF(keys); i++) {
        expect_refused(read_rest(keys[i].text), &keys[i]);
    }
}

Test(config, refuses_an_unknown_system)
{
    cr_expect_eq(read_text("{\"name\": \"a\", \"system\": \"none\", \"role\": \"plain\"}"),
                 MM1_NOT_FOUND);
    cr_expect_eq(findings.errors, 1);
    cr_expect_not_null(strstr(said(), "\"none\""), "%s", said());
}

/* `before`, the item as often as is said, `after`. */
static const char *many(const char *before, const char *item, const char *between, unsigned count,
                        const char *after)
{
    static char text[131072];
    size_t at = (size_t)snprintf(text, sizeof(text), "%s", before);
    for (unsigned i = 0; i < count; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s", i == 0 ? "" : between);
        at += (size_t)snprintf(text + at, sizeof(text) - at, item, i);
    }
    (void)snprintf(text + at, sizeof(text) - at, "%s", after);
    return text;
}

static void expect_too_many(const char *before, const char *item, unsigned count, const char *after,
                            const char *finding)
{
    cr_expect_eq(read_rest(many(before, item, ", ", count, after)), MM1_INVALID, "%s", before);
    cr_expect_str_eq(said(), finding, "%s", before);
}

Test(config, refuses_too_many)
{
    expect_too_many("\"runtime\": {\"default\": {}, ", "\"r%u\": {}", MM1__NODE_RUNTIMES_MAX + 1,
                    "}", "2:12: /runtime: expected at most 32 runtimes beside \"default\"\n");
    expect_too_many("\"outbound\": [", "{\"addr\": \"uds:///x%u\"}", MM1__NODE_LINKS_MAX + 1, "]",
                    "2:13: /outbound: expected a list of 0 to 256, got one of 257\n");
    expect_too_many("\"inbound\": [", "{\"addr\": \"uds:///x%u\"}", MM1__NODE_LINKS_MAX + 1, "]",
                    "2:12: /inbound: expected a list of 0 to 256, got one of 257\n");
    expect_too_many("\"local_subnets\": [", "{\"net\": \"<%x:>/16\", \"kind\": \"bind\"}", 34, "]",
                    "2:18: /local_subnets: expected a list of 1 to 33, got one of 34\n");
    expect_too_many(
        "\"logging\": {\"log_target_filter\": [", "\"a%u=info\"", 257, "]}",
        "2:34: /logging/log_target_filter: expected a list of 0 to 256, got one of 257\n");
}

Test(config, refuses_what_is_too_long)
{
    cr_expect_eq(read_rest(many("\"inbound\": [{\"addr\": \"uds:///x\", \"authc\": {\"cookie\": \"",
                                "x", "", 65536, "\"}}]")),
                 MM1_INVALID);
    cr_expect_not_null(
        strstr(said(), "2:54: /inbound/0/authc/cookie: expected a text of 1 to 65535 bytes, got "));
    cr_expect_eq(read_rest(many("\"actor\": {\"/\": {\"", "x", "", 256, "\": {}}}")), MM1_INVALID);
    cr_expect_not_null(strstr(said(), ": expected an actor's name, of 1 to 255 bytes\n"));
}

/* More findings than are kept are counted. */
Test(config, counts_what_it_does_not_keep)
{
    static char text[8192];
    size_t at = (size_t)snprintf(text, sizeof(text), "\"actor\": {\"/\": {");
    for (unsigned i = 0; i < MM1__FINDINGS_MAX + 8; i++) {
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s\"a%u\": {\"runtime\": \"no\"}",
                               i == 0 ? "" : ",", i);
    }
    (void)snprintf(text + at, sizeof(text) - at, "}}");
    cr_expect_eq(read_rest(text), MM1_INVALID);
    cr_expect_eq(findings.count, MM1__FINDINGS_MAX + 8);
    cr_expect_eq(findings.errors, MM1__FINDINGS_MAX + 8);
}

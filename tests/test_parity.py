#!/usr/bin/env python3
# ctest: label=fast timeout=60
"""Whether docs/parity.md is complete, and names tests that exist.

Each statement of mm1's specification (sections A to G, I), each test of mm1 (section J) and each of Erlang/OTP's
statements (sections 1 to 17) has one row, and there is no other row. Prints "line: what" for each finding and ends with
1 if there is one. Where there is none it checks itself on copies of the page that each have a fault planted."""

import os
import re
import sys

SOURCE = os.environ.get("MM1_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGE = "docs/parity.md"
# tests/test_tidy.py lets this page have longer lines, since a row of a table is one line. This is how long.
ROW_COLUMNS = 190
LINE_COLUMNS = 120

# --- what has a row ---

VERBS = """Messaging.address Messaging.recv Messaging.send Messaging.forward Messaging.close Tell.tell Fork.fork
Fork.run Bind.bind Start.spawn Start.start InitDone.init_done Stop.exit Stop.kill Stop.shutdown Linking.link
Linking.unlink Linking.set_trap_exit Watching.watch Watching.unwatch Quit.quit_ok Quit.quit_err Quit.quit Ping.ping
Now.now""".split()

# A word and how many statements are counted behind it.
STATEMENTS = {
    "CORE": 9, "COM": 5, "A-NODE": 7, "SRV": 7, "ADDR": 12, "MSG": 15, "TRACE": 1, "TTL": 1, "LIFE": 7, "STOP": 4,
    "LINK": 9, "WATCH": 5, "SHUT": 1, "LOOP": 2, "SUP-C": 6, "SUP-M": 17, "SUP-U": 10,
    "ASK": 7, "TMR": 4, "NS": 8, "G": 10, "TEST": 8,
}

SIGNALS = """D1 Exit(S,Normal), linked
D2 Exit(S,Normal), not linked
D3 Exit(S,LinkDown), linked
D4 Exit(S,LinkDown), not linked
D5 Exit(S,Terminate), R exists
D6 Exit(..), R unknown in A
D7 Connect(S)
D8 Disconnect(S)
D9 Watch(S,ref)
D10 Down(S)
D11 Kill""".split("\n")

KEYS = ["key " + key for key in
        "local_subnets inbound outbound authc actor runtime.default runtime.NAME".split()]

STRATEGY = """run: empty
run: add, remove, decide later
run: add, started, remove
run: add two, started, remove first
run: max restart intensity reached
run: max restart intensity reached, several children
run: intensity not reached
run: 3 started 2 exited reached
run: 3 started 2 exited not reached
run: an orphan
temporary_child_is_not_restarted_after_any_exit
transient_child_is_not_restarted_after_normal_exit"""

# The tests of mm1, by file; one a line, or one a word where no name has blanks.
MM1_TESTS = {
    "address.rs": "test_digits test_to_str test_from_str",
    "address_range.rs": "ordering_semantics",
    "pool.rs": "pool_normalizes_noncanonical_network_address lease_reuses_coalesced_halves",
    "pool/trie.rs": "leading_and_trailing_zeroes_and_ones common_ancestor pool_01 pool_02 pool_03 pool_04 pool_05 "
                    "pool_06 pool_07 pool_08 pool_09",
    "subnet.rs": "parse_mask net_address_parse mask_to_u64 netmask_deserialize_rejects_out_of_range "
                 "net_address_wire_deserialize_rejects_out_of_range_mask",
    "errors/chain.rs": "std_error_display_chain_joins_sources",
    "futures/catch_panic.rs": "non_string_panic_payload_has_a_useful_description",
    "metrics.rs": "wait_time_accumulates_between_polls",
    "serde.rs": "binary_hex_round_trips binary_hex_rejects_odd_length binary_hex_rejects_non_ascii",
    "logger config.rs": "log_target_config_round_trips",
    "logger level_filter_trie.rs": "empty_filter_allows_all_targets statement_applies_to_child_targets",
    "mm1-core/tracing.rs": "scopes",
    "mm1-node/config/defaults.rs": "default_mm1_node_config_is_valid",
    "mm1-node/config/validation.rs": "ergonomics",
    "mm1-node/init.rs": "only_main_actor_exit_stops_the_node",
    "mm1-node/runtime/task_registry.rs": "abort_before_first_poll_removes_the_tracked_task "
                                         "permit_reserved_before_close_cannot_spawn_after_close",
    "mm1-proto-well-known/lib.rs": "subnet_is_valid",
    "protocol_registry.rs": "register_opaque register_known reigster_message",
    "route_registry.rs": "routes reproduce_panic",
    "actors/multinode_manager.rs": "none_is_less_than_some",
    "actors/iostream_connection/pdu.rs": """encoded_header_fits_into_header_frame Hello
encoded_header_fits_into_header_frame SubnetDistance Some
encoded_header_fits_into_header_frame SubnetDistance None
encoded_header_fits_into_header_frame DeclareType
encoded_header_fits_into_header_frame TransmitMessage""",
    "name-service server.rs": "expired_exclusive_owner_does_not_block_reregistration register_sweeps_expired_entries",
    "mixed/sup_child.rs": "send_report_uses_the_priority_lane",
    "mixed/strategy/one_for_one/tests.rs": STRATEGY,
    "mixed/strategy/all_for_one/tests.rs": STRATEGY,
    "uniform/sup_actor.rs": "child_started_report_uses_the_priority_lane "
                            "restart_intensity_failure_reaps_started_siblings_before_returning "
                            "cleanup_failure_does_not_hide_intensity_error_or_skip_later_siblings",
    "facade_surface.rs": "facade_surface_is_nameable",
    "mm1-ask-tests/ergonomics.rs": "ergonomics",
    "mm1-ask-tests/stale_replies_and_bystanders.rs": "stale_reply_is_not_accepted bystander_is_not_destroyed",
    "mm1-core-tests/dispatch_playground.rs": "test_01 test_02 test_03 test_04 test_05 test_06",
    "mm1-proc-macros-tests/ui.rs": "ui",
    "mm1-node-tests/src/lib.rs": "it_works",
    "mm1-node-tests/cross_fork_unwatch.rs": "a_watch_can_be_cancelled_from_another_fork",
    "mm1-node-tests/dispatch_unhandled.rs": "dispatch_survives_unmatched_message",
    "mm1-node-tests/fnonce_actor_should_compile.rs": "from_fn boxed_from_fn",
    "mm1-node-tests/fork_cancel_safety.rs": "fork_survives_a_cancelled_fork",
    "mm1-node-tests/fork_link_exit.rs": "fork_end_notifies_a_trapping_linked_peer",
    "mm1-node-tests/ping.rs": "test_ping_local_actor test_ping_timeout test_ping_multiple_actors",
    "mm1-node-tests/runtime.rs": "main_actor_is_executed main_actor_forks main_actor_panics child_actor_panics "
                                 "child_actors_fork_panics message_is_sent_and_received "
                                 "child_actor_force_exit_with_trapexit actor_fork_run actor_bind_and_recv "
                                 "actor_fork_watched_yields_down",
    "mm1-node-tests/runtime_basic.rs": "hello_runtime default_runtime_without_time_is_rejected "
                                       "selected_named_runtime_without_time_is_rejected "
                                       "unused_named_runtime_without_time_is_allowed",
    "mm1-node-tests/runtime_shutdown.rs": "run_stops_unlinked_children_before_returning "
                                          "run_stops_unlinked_children_on_a_named_runtime",
    "mm1-node-tests/start_stop_kill_linking.rs": "test_linking_with_trap_exit test_watching_no_trap_exit "
                                                 "test_shutdown",
    "mm1-test-rt-tests/trait_by_trait.rs": "t_simplest t_standalone_context_queries_precede_empty_task_set t_spawn "
                                           "t_start t_recv t_init_done t_recv_close t_fork_and_run "
                                           "t_bind_net_address t_tell t_quit t_actor_return_error t_watching t_linking "
                                           "t_stop",
    "mm1-sup-tests/mixed_sup_basic.rs": "test_01",
    "mm1-sup-tests/uni_sup_basic.rs": "test_01 test_02",
    "mm1-timer-tests/via-mm1-node.rs": "test",
    "mm1-name-service-tests/test_client.rs": "test",
    "mm1-name-service-tests/test_server.rs": "test_simple_actor",
    "mm1-multinode-tests/multiple-nodes.rs": "two_nodes",
    "mm1-multinode-tests/ping.rs": "test_cross_node_ping test_cross_node_ping_multiple",
    "mm1-multinode-tests/protocol-manager.rs": "mixed_test no_protocol_no_wait no_protocol_with_timeout "
                                               "get_protocol_positive_case",
    "doctest": "src/lib.rs",
}
MM1_TEST_COUNT = 147 + 1  # and the doctest

# A letter and how many statements; those that OTP's list leaves out or has besides.
OTP = {
    "S": 14, "L": 15, "M": 15, "X": 14, "A": 7, "R": 11, "T": 12, "G": 23,
    "VS": 9, "VR": 10, "VF": 10, "VI": 9, "VT": 8, "VA": 12, "VD": 11, "VX": 8, "VE": 7,
}
OTP_MISSING = ("G3", "G21")
OTP_BESIDES = ("S12b", "VR1b", "VI3c", "VT2b")

# What may be open: rows on several nodes.
OPEN = {
    "multi-node": re.compile(r"(protocol_registry|route_registry|actors/|mm1-multinode-tests/).*::|TTL-01$|S9$|L4$"),
}


def statement_ids():
    ids = VERBS + SIGNALS + KEYS
    for word, count in STATEMENTS.items():
        ids += ["%s-%02d" % (word, number) for number in range(1, count + 1)]
    return ids


def test_ids():
    return [file + " :: " + name for file, names in MM1_TESTS.items()
            for name in (names.split("\n") if "\n" in names else names.split())]


def otp_ids():
    ids = [letter + str(number) for letter, count in OTP.items() for number in range(1, count + 1)]
    return [name for name in ids if name not in OTP_MISSING] + list(OTP_BESIDES)


# The words of the column "here", for each kind of row; and those that need a test.
WORDS = {
    "statement": ("same", "deviates", "not applicable", "open"),
    "test": ("covered", "replaced", "not applicable", "open"),
    "otp": ("covered", "no counterpart", "open"),
}
SHOWN = ("same", "deviates", "covered", "replaced")
REASONS = {"deviates": "Where libmm1 deviates", "not applicable": "Not applicable"}


def all_ids():
    kinds = {}
    for kind, ids in (("statement", statement_ids()), ("test", test_ids()), ("otp", otp_ids())):
        for name in ids:
            assert name not in kinds, name
            kinds[name] = kind
    return kinds


# --- the tests that there are ---

def read(path):
    with open(os.path.join(SOURCE, path), encoding="utf-8") as stream:
        return stream.read()


def headers_of(path):
    """The headers that may define a macro for tests of this file: those beside it, and those of all tests."""
    found = []
    for folder in (os.path.dirname(path), "tests/lib"):
        found += [folder + "/" + name for name in sorted(os.listdir(os.path.join(SOURCE, folder)))
                  if name.endswith(".h")]
    return found


def test_macros(path):
    """Macros that stand for Test(suite, name): how to find the two among their arguments."""
    macros = {}
    for source in [path] + headers_of(path):
        text = read(source).replace("\\\n", " ")
        for name, params, body in re.findall(r"^#define (\w+)\(([^)]*)\)(.*)$", text, re.M):
            inner = re.search(r"\bTest\(\s*(\w+)\s*,\s*(\w+)", body)
            if inner and name != "Test":
                params = [param.strip() for param in params.split(",")]
                macros[name] = [params.index(word) if word in params else word for word in inner.groups()]
    return macros


def tests_of_program(path):
    """(suite, name) of each test of a C file."""
    tests = set()
    macros = test_macros(path)
    for macro, arguments in re.findall(r"^(\w+)\(([^()]*)", re.sub(r"/\*.*?\*/", "", read(path), flags=re.S), re.M):
        words = [word.strip() for word in arguments.split(",")]
        if macro == "Test":
            tests.add((words[0], words[1]))
        elif macro in macros:
            tests.add(tuple(word if isinstance(word, str) else words[word] for word in macros[macro]))
    return tests


def otp_cases(path):
    """Names of the cases that come to what OTP made of them: those that are kept different are not among them."""
    name = os.path.basename(path).replace("cases-", "", 1)
    beside = {kind: read("tests/otp/%s-%s" % (kind, name)) for kind in ("expected", "differences")}
    expected = re.findall(r"^case (\S+)$", beside["expected"], re.M)
    different = re.findall(r"^difference (\S+) ", beside["differences"], re.M)
    return [case for case in re.findall(r"^case (\S+)$", read(path), re.M)
            if case in expected and case not in different]


class Tests:
    """Looks tests up by the names of the page, "core/fork" and the like."""

    def __init__(self):
        self.files = {}

    @staticmethod
    def path_of(file):
        if "." in file:
            return file
        folder, name = file.split("/", 1) if "/" in file else ("", file)
        if folder == "otp":
            return "tests/otp/cases-%s.txt" % name
        if folder in ("actors", "litmus"):
            return "tests/conform/%s/%s.c" % (folder, name)
        return "tests/%s/test_%s.c" % ("conform" if folder == "conform" else "unit/" + folder, name)

    def of(self, file):
        """Names with and without a suite, each with how often it occurs; None: no such file."""
        if file not in self.files:
            path = self.path_of(file)
            if not os.path.isfile(os.path.join(SOURCE, path)):
                self.files[file] = None
            elif file.startswith("otp/"):
                names = otp_cases(path)
                self.files[file] = {name: names.count(name) for name in names}
            elif file.startswith(("actors/", "litmus/")):
                names = re.findall(r'^    \{"([^"]+)",', read(path), re.M)
                self.files[file] = {name: names.count(name) for name in names}
            else:
                self.files[file] = {}
                for suite, name in tests_of_program(path):
                    for key in (suite + "/" + name, name):
                        self.files[file][key] = self.files[file].get(key, 0) + 1
        return self.files[file]


# --- the page ---

class Page:
    def __init__(self, text, tests):
        self.tests = tests
        self.findings = []
        self.lines = text.split("\n")
        self.rows = []       # (line, id, here, shown by)
        self.reasons = {}    # title of the list: the words that it explains
        self.used = set()    # (title of the list, word)
        self.anchors = set()
        self.parse()
        self.check()

    def say(self, line, what):
        self.findings.append("%d: %s" % (line, what))

    def parse(self):
        title = file = ""
        for number, line in enumerate(self.lines, 1):
            if line.startswith("#"):
                title = line.lstrip("# ")
                self.anchors.add(re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-"))
            if len(line) > (ROW_COLUMNS if line.startswith("|") else LINE_COLUMNS):
                self.say(number, "%d columns" % len(line))
            word = re.match(r"- \*\*([^*]+)\*\*: ", line)
            if word:
                if word.group(1) in self.reasons.setdefault(title, {}):
                    self.say(number, "\"%s\" is explained twice" % word.group(1))
                self.reasons[title][word.group(1)] = number
            if not line.startswith("|") or line.startswith(("|---", "| id |", "| test |")):
                continue
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if len(cells) == 3 and cells[1] == cells[2] == "":
                file = cells[0]
            elif len(cells) == 3:
                name = file + " " + cells[0] if cells[0].startswith(":: ") else cells[0]
                self.rows.append((number, name, cells[1], cells[2]))
            elif len(cells) == 4:
                if not cells[1]:
                    self.say(number, "no words")
                self.rows.append((number, cells[0], cells[2], cells[3]))
            else:
                self.say(number, "%d cells" % len(cells))

    def check(self):
        kinds = all_ids()
        seen = {}
        for number, name, here, shown in self.rows:
            if name in seen:
                self.say(number, "%s has a row in line %d already" % (name, seen[name]))
            seen[name] = number
            if name not in kinds:
                self.say(number, "%s is no statement and no test" % name)
            else:
                self.check_row(number, name, kinds[name], here, shown)
        for name in kinds:
            if name not in seen:
                self.say(0, "%s has no row" % name)
        for title in REASONS.values():
            for word, number in self.reasons.get(title, {}).items():
                if (title, word) not in self.used:
                    self.say(number, "no row says \"%s\"" % word)
        self.check_links()

    def check_row(self, number, name, kind, here, shown):
        word, _, reason = here.partition(": ")
        if word not in WORDS[kind]:
            self.say(number, "\"%s\" is none of %s" % (word, ", ".join(WORDS[kind])))
        elif word in REASONS:
            for part in reason.split(", "):
                if part not in self.reasons.get(REASONS[word], {}):
                    self.say(number, "\"%s\" is not explained under \"%s\"" % (part, REASONS[word]))
                self.used.add((REASONS[word], part))
        elif word == "open":
            if reason not in OPEN or not OPEN[reason].match(name):
                self.say(number, "%s may not be open, for \"%s\"" % (name, reason))
        elif (word == "no counterpart") != (reason != ""):
            self.say(number, "\"%s\": a reason is needed, or is too much" % here)
        if word in SHOWN and shown == "":
            self.say(number, "%s is shown by no test" % name)
        self.check_tests(number, shown)

    def check_tests(self, number, shown):
        if re.sub(r"`[^`]*`(; )?", "", shown) != "":
            self.say(number, "not understood: %s" % shown)
        for file, names in re.findall(r"`([^`:]+)(?:: ([^`]*))?`", shown):
            there = self.tests.of(file)
            if there is None:
                self.say(number, "there is no %s" % Tests.path_of(file))
                continue
            if names == "" and "." not in file:
                self.say(number, "which test of %s?" % file)
            for name in names.split(", ") if names else ():
                if there.get(name, 0) != 1:
                    self.say(number, "%s %s %s" % (file, "has several" if name in there else "has no", name))

    def check_links(self):
        for number, line in enumerate(self.lines, 1):
            for target in re.findall(r"\]\(([^)]+)\)", line):
                path, _, anchor = target.partition("#")
                if path and not os.path.exists(os.path.join(SOURCE, "docs", path)):
                    self.say(number, "there is no %s" % path)
                if not path and anchor not in self.anchors:
                    self.say(number, "there is no heading #%s" % anchor)


# --- does this see anything? ---

def change_line(text, start, change):
    """The text with its first line that starts so changed; None takes the line away."""
    lines = text.split("\n")
    at = next(i for i, line in enumerate(lines) if line.startswith(start))
    lines[at:at + 1] = [] if change is None else change(lines[at]).split("\n")
    return "\n".join(lines)


PLANTED = (
    ("a row is gone", "| MSG-05 |", None, "MSG-05 has no row"),
    ("a test's row is gone", "| :: main_actor_panics |", None, "runtime.rs :: main_actor_panics has no row"),
    ("a row of OTP's is gone", "| S12b |", None, "S12b has no row"),
    ("a row of supervisors is gone", "| SUP-M-17 |", None, "SUP-M-17 has no row"),
    ("a row of OTP's supervisors is gone", "| VI3c |", None, "VI3c has no row"),
    ("a row stands twice", "| LINK-06 |", lambda line: line + "\n" + line, "has a row in line"),
    ("an unknown id", "| LINK-06 |", lambda line: line + "\n" + line.replace("-06", "-60"), "is no statement"),
    ("an unknown word", "| LINK-06 |", lambda line: line.replace("same", "fine"), "\"fine\" is none of"),
    ("a word of another table", "| LINK-06 |", lambda line: line.replace("same", "covered"), "is none of"),
    ("open where nothing may be", "| LINK-06 |", lambda line: line.replace("same", "open: multi-node"), "be open"),
    ("open for another reason", "| TTL-01 |", lambda line: line.replace("multi-node", "later"), "be open"),
    ("a test that is not there", "| LINK-06 |", lambda line: line.replace("end_is", "end_was"), "has no end_was"),
    ("a file that is not there", "| LINK-06 |", lambda line: line.replace("core/fork", "core/knife"), "there is no"),
    ("a file without a test", "| LINK-06 |", lambda line: re.sub(": end[^`]*", "", line), "which test"),
    ("no test", "| LINK-06 |", lambda line: re.sub("`.*`", "", line), "shown by no test"),
    ("a case that is not there", "| S3 |", lambda line: line.replace("selection", "choice"), "has no choice"),
    ("a program that is not there", "| S2 |", lambda line: line.replace("indirect", "x"), "has no msg_msg_x"),
    ("a case of OTP that is not there", "| VS1 |", lambda line: line.replace("VS1-start", "VS1-stop"), "has no VS1-st"),
    ("a case that is kept different", "| VS1 |", lambda line: re.sub("otp/hand: [^`]*", "otp/500: sofo-500-150", line),
     "has no sofo-500-150"),
    ("a file of cases that is not there", "| VS1 |", lambda line: line.replace("otp/hand", "otp/x"), "there is no"),
    ("supervisors may not be open", "| SUP-M-04 |", lambda line: line.replace("same", "open: supervision"), "be open"),
    ("a script that is not there", "| :: facade", lambda line: line.replace("consumer", "consume"), "there is no"),
    ("an ambiguous name", "| ADDR-03 |", lambda line: line.replace("addr/refuses", "refuses"), "has several"),
    ("a suite of another test", "| ADDR-03 |", lambda line: line.replace("addr/refuses", "x/refuses"), "has no x/"),
    ("an unexplained word", "| MSG-08 |", lambda line: line.replace("order |", "taste |"), "is not explained"),
    ("a word nobody says", "- **order**", lambda line: "- **taste**: x\n" + line, "no row says"),
    ("a long row", "| LINK-06 |", lambda line: line.replace("end of", "end " + "x" * 150), "columns"),
    ("a broken link", "- **order**", lambda line: line + " [x](decisions/0000-x.md)", "there is no decisions/0000"),
)


def check_self(text, tests):
    assert len(test_ids()) == MM1_TEST_COUNT, len(test_ids())
    for what, start, change, expected in PLANTED:
        try:
            changed = change_line(text, start, change)
        except StopIteration:
            sys.exit("test_parity: self check: no line starts with \"%s\"" % start)
        if changed == text or not any(expected in finding for finding in Page(changed, tests).findings):
            sys.exit("test_parity: self check: %s, and nobody says \"%s\"" % (what, expected))


def main():
    tests = Tests()
    text = read(PAGE)
    findings = Page(text, tests).findings
    for finding in findings:
        print("%s:%s" % (PAGE, finding))
    if findings:
        sys.exit(1)
    check_self(text, tests)
    rows = Page(text, tests).rows
    open_rows = sum(1 for row in rows if row[2].startswith("open"))
    print("%d rows, %d of them open" % (len(rows), open_rows))


main()

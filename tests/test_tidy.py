#!/usr/bin/env python3
# ctest: label=fast timeout=60
"""The style guide as a test: what CONTRIBUTING.md asks for and a machine can see.

Prints "file:line: rule: what" for each finding and ends with 1 if there is one. Before it looks at the project it
checks itself on planted findings, one a rule.
"""

import os
import re
import subprocess
import sys

LINE_COLUMNS = 120
FUNCTION_LINES = 70
FILE_LINES = 800

# Functions that may be longer, each with its reason: "file:function": "why".
LONG_FUNCTIONS = {}

# Files that may break one rule, each with its reason: ("file", "rule"): "why".
EXCEPTIONS = {
    ("libmm1/src/base/check.c", "call"): "a broken invariant is reported on standard error before abort",
    ("tests/otp/cases-500.txt", "line"): "given data",
    ("tests/otp/cases-hand.txt", "line"): "given data",
    ("docs/parity.md", "line"): "a row of a table is one line; tests/test_parity.py says how long it may be",
}

# --- the floors ---

FLOORS = {
    "base": 0, "wire": 1, "port": 2, "core": 3, "kit": 4, "host": 5, "posix": 6,
    "sim": 6, "replay": 7, "fuzz": 8, "cli": 9,
}
PURE = ("base", "wire", "port", "core", "kit")

# The floor that each public header belongs to.
PUBLIC_HEADERS = {
    "check": "base", "status": "base", "alloc": "base", "bytes": "base",
    "addr": "wire", "msg": "wire", "reason": "wire",
    "clock": "port", "env": "port", "random": "port", "sched": "port", "store": "port", "trace": "port",
    "transport": "port",
    "actor": "core", "metrics": "core", "node": "core",
    "ask": "kit", "function": "kit", "kit": "kit", "life": "kit", "multinode": "kit", "name_service": "kit",
    "server": "kit", "supervisor": "kit",
    "posix": "posix",
    "mm1": "host", "system": "host",
    "harness": "sim", "linear": "sim", "sim": "sim",
    "command": "cli",
}

# Headers that the build makes.
GENERATED = {"mm1_version.h": "host", "sim_schema.h": "sim", "fuzz_version.h": "fuzz", "otp_oracle.h": "fuzz"}

# Third-party and system headers that only some floors may see.
LIBRARY_FLOORS = {
    "uv.h": ("posix",),
    "sqlite3.h": ("sim", "replay", "fuzz", "cli"),
    "cjson/cJSON.h": ("host", "posix", "sim", "replay", "fuzz", "cli"),
}
IMPURE_HEADERS = re.compile(
    r"(time|unistd|pthread|threads|signal|fcntl|poll|errno|locale|math|dlfcn|semaphore|sched|setjmp"
    r"|(sys|netinet|arpa|linux)/.*)\.h$")

# --- calls ---

ENTROPY = "rand srand rand_r random srandom drand48 lrand48 getrandom getentropy arc4random"
CLOCKS = "time clock gettimeofday clock_gettime timespec_get localtime gmtime ctime sleep usleep nanosleep"
STDOUT = "printf vprintf puts putchar"
OUTSIDE = (
    "malloc calloc realloc free strdup aligned_alloc posix_memalign mmap munmap getenv setenv system exit "
    "open fopen close read write socket connect fprintf vfprintf fputs perror qsort "
    "pthread_create pthread_mutex_lock thrd_create")
NEVER = "gets strcpy strcat sprintf vsprintf atoi atol strtok alloca tmpnam"


def words(text):
    return frozenset(text.split())


def banned_calls(floor):
    """What a source file of this floor (None: tests, benchmarks) may not call."""
    banned = words(NEVER)
    if floor is None:
        return banned
    if floor != "cli":
        banned |= words(STDOUT)
    if floor != "posix":
        banned |= words(ENTROPY)
    if floor in PURE or floor == "scenarios":
        banned |= words(CLOCKS) | words(OUTSIDE)
    return banned


# Spelled in pieces, so that this file passes its own test.
BANNED_TEXT = re.compile(
    r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b"
    r"|(?<![\w.}])/(wo" r"rk|ho" r"me|ro" r"ot|Us" r"ers)/"
    r"|npm" r"js\.org|py" r"pi\.org|crates" r"\.io|proxy\.go" r"lang|deb\.deb" r"ian\.org", re.ASCII)

TEXT_SUFFIXES = (".c", ".h", ".py", ".sh", ".md", ".cmake", ".txt", ".in", ".json", ".allow", ".yml",
                 ".erl")
TEXT_NAMES = ("dev", ".ci/run", ".clang-format", ".clang-tidy", ".editorconfig", ".gitignore", "LICENSE")


def strip(source):
    """The source with comments, literals and preprocessor lines blanked, line by line the same."""
    blank = lambda match: re.sub(r"[^\n]", " ", match.group(0))
    literal = r"/\*.*?\*/|//[^\n]*|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'"
    source = re.sub(literal, blank, source, flags=re.DOTALL)
    return re.sub(r"^[ ]*#(?:[^\n]*\\\n)*[^\n]*", blank, source, flags=re.MULTILINE)


def floor_of(path):
    parts = path.split("/")
    if path.startswith("libmm1/src/"):
        return parts[2]
    if "/include/mm1/" in path:
        return PUBLIC_HEADERS.get(parts[-1][:-2], "unknown")
    return parts[0] if parts[0] in FLOORS or parts[0] == "scenarios" else None


class Tidy:
    def __init__(self):
        self.findings = []

    def say(self, path, line, rule, what):
        if (path, rule) not in EXCEPTIONS:
            self.findings.append((path, line, rule, what))

    # Any text file.
    def text(self, path, lines):
        for number, line in enumerate(lines, 1):
            if len(line) > LINE_COLUMNS and not path.endswith(".json"):
                self.say(path, number, "line", "%d columns, at most %d" % (len(line), LINE_COLUMNS))
            if "\t" in line:
                self.say(path, number, "tab", "a tab")
            if line != line.rstrip():
                self.say(path, number, "blank", "blanks at the end of the line")
            match = BANNED_TEXT.search(line)
            if match:
                self.say(path, number, "word", "'%s' does not belong here" % match.group(0))
        if lines and lines[-1] == "":
            self.say(path, len(lines), "blank", "an empty line at the end of the file")

    def c_source(self, path, source):
        lines = source.split("\n")
        if len(lines) - 1 > FILE_LINES:
            self.say(path, 1, "file", "%d lines, at most %d" % (len(lines) - 1, FILE_LINES))
        if not source.startswith("/*"):
            self.say(path, 1, "file", "starts without a comment that says what it is")
        stripped = strip(source)
        self.functions(path, stripped.split("\n"))
        self.calls(path, stripped.split("\n"))
        self.includes(path, lines)
        if "/include/mm1/" in path:
            self.prototypes(path, lines)

    def functions(self, path, lines):
        start = None
        for number, line in enumerate(lines, 1):
            if line.rstrip() == "{":
                start = number
            elif line.startswith("}") and start is not None:
                length = number - start + 1
                name = self.function_name(lines, start)
                if length > FUNCTION_LINES and "%s:%s" % (path, name) not in LONG_FUNCTIONS:
                    self.say(path, start, "function", "%s has %d lines, at most %d" % (name, length, FUNCTION_LINES))
                start = None

    @staticmethod
    def function_name(lines, start):
        head = ""
        for at in range(start - 2, max(start - 12, -1), -1):
            head = lines[at] + " " + head
            if re.match(r"\S", lines[at]):
                break
        match = re.search(r"(\w+)\s*\((.*)", head)
        if match and match.group(1) == "Test":
            return "Test(" + match.group(2).split(")")[0].strip() + ")"
        return match.group(1) if match else "?"

    def calls(self, path, lines):
        banned = banned_calls(floor_of(path))
        for number, line in enumerate(lines, 1):
            # Not a member (x.read, x->read) nor its declaration (*read).
            for match in re.finditer(r"(?<![\w.>*])(\w+)\s*\(", line):
                if match.group(1) in banned:
                    self.say(path, number, "call", "%s() is not for this floor" % match.group(1))

    def includes(self, path, lines):
        floor = floor_of(path)
        if floor == "unknown":
            self.say(path, 1, "include", "give this header a floor in tests/test_tidy.py")
        if floor is None or floor == "unknown":
            return
        for number, line in enumerate(lines, 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if match:
                self.include(path, number, floor, match.group(1), match.group(2))

    def include(self, path, number, floor, bracket, target):
        own = path.rsplit("/", 1)[0]
        if bracket == "<" and not target.startswith("mm1/"):
            if floor in PURE and IMPURE_HEADERS.match(target):
                self.say(path, number, "header", "<%s> is not for a pure floor" % target)
            if target in LIBRARY_FLOORS and floor not in LIBRARY_FLOORS[target]:
                self.say(path, number, "header", "<%s> is not for floor %s" % (target, floor))
            return
        if bracket == "<":
            other = PUBLIC_HEADERS.get(target[len("mm1/"):-2])
        else:
            other = target.split("/")[0] if "/" in target else None
            if target in GENERATED:
                if floor != "scenarios" and FLOORS[floor] < FLOORS[GENERATED[target]]:
                    self.say(path, number, "include", "%s is not for floor %s" % (target, floor))
                return
        if floor == "scenarios":
            if bracket == '"' and "/" in target:
                self.say(path, number, "include", "a system includes public headers and its own")
            return
        if bracket == '"' and "/" not in target:
            self.say(path, number, "include", '"%s": write the floor, as in "base/tree.h"' % target)
        elif other not in FLOORS:
            self.say(path, number, "include", "%s is on no floor (new? see tests/test_tidy.py)" % target)
        elif other != floor and FLOORS[other] >= FLOORS[floor]:
            self.say(path, number, "include", "%s may not look up to %s (%s)" % (floor, other, target))

    # In a public header a prototype has a comment before it; neighbours without a blank line share one.
    def prototypes(self, path, lines):
        commented = False
        inside = False
        for number, line in enumerate(lines, 1):
            if inside:
                commented = True
                inside = "*/" not in line
            elif line.startswith("/*"):
                commented = True
                inside = "*/" not in line
            elif line == "":
                commented = False
            elif re.match(r"MM1_API\b", line) and not commented:
                self.say(path, number, "prototype", "no comment before it")

    def file(self, root, path):
        with open(os.path.join(root, path), encoding="utf-8") as stream:
            source = stream.read()
        if source and not source.endswith("\n"):
            self.say(path, source.count("\n") + 1, "blank", "no newline at the end of the file")
        self.text(path, source.split("\n")[:-1])
        if path.endswith((".c", ".h")):
            self.c_source(path, source)


def project_files(root):
    """What is or may be committed; without git, everything outside build/."""
    try:
        out = subprocess.run(["git", "-C", root, "ls-files", "-co", "--exclude-standard"], check=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
        paths = out.splitlines()
    except (OSError, subprocess.CalledProcessError):
        paths = []
        for folder, folders, names in os.walk(root):
            folders[:] = [f for f in folders if f not in ("build", "mm1-out", ".git", "__pycache__")]
            paths += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    keep = [p for p in paths if p.endswith(TEXT_SUFFIXES) or p in TEXT_NAMES]
    keep = [p for p in keep if not p.startswith(("tests/golden/", "tests/scenarios-corpus/bad/"))]
    return sorted(p for p in set(keep) if os.path.isfile(os.path.join(root, p)))


PLANTED = (
    ("libmm1/src/core/x.c", "line", "/* x */\n" + "a" * 121),
    ("libmm1/src/core/x.c", "tab", "/* x */\n\tint a;"),
    ("libmm1/src/core/x.c", "blank", "/* x */\nint a; "),
    ("docs/x.md", "word", "TO" "DO later"),
    ("docs/x.md", "word", "see /ho" "me/someone/x"),
    ("libmm1/src/core/x.c", "file", "/* x */" + "\n" * 802),
    ("libmm1/src/core/x.c", "file", "int a;"),
    ("libmm1/src/core/x.c", "function", "/* x */\nint f(void)\n{\n" + "    g();\n" * 70 + "}"),
    ("libmm1/src/core/x.c", "call", "/* x */\nint f(void)\n{\n    return time(0);\n}"),
    ("libmm1/src/kit/x.c", "call", "/* x */\nvoid *f(void)\n{\n    return malloc(1);\n}"),
    ("libmm1/src/posix/x.c", "call", "/* x */\nvoid f(void)\n{\n    printf(\"\");\n}"),
    ("sim/x.c", "call", "/* x */\nint f(void)\n{\n    return rand();\n}"),
    ("tests/test_x.c", "call", "/* x */\nvoid f(char *a)\n{\n    strcpy(a, a);\n}"),
    ("libmm1/src/base/x.c", "header", "/* x */\n#include <time.h>"),
    ("sim/x.c", "header", "/* x */\n#include <uv.h>"),
    ("libmm1/src/base/x.c", "include", '/* x */\n#include "wire/layout.h"'),
    ("libmm1/src/base/x.c", "include", "/* x */\n#include <mm1/msg.h>"),
    ("libmm1/src/posix/x.c", "include", '/* x */\n#include "sim/run.h"'),
    ("sim/x.c", "include", '/* x */\n#include "posix/loop.h"'),
    ("sim/x.c", "include", '/* x */\n#include "replay/x.h"'),
    ("sim/x.c", "include", '/* x */\n#include "run.h"'),
    ("libmm1/src/core/x.c", "include", '/* x */\n#include "mm1_version.h"'),
    ("scenarios/kv/x.c", "include", '/* x */\n#include "base/tree.h"'),
    ("libmm1/include/mm1/new.h", "include", "/* x */\n"),
    ("libmm1/include/mm1/addr.h", "prototype", "/* x */\n\nMM1_API int mm1_x(void);"),
)
CLEAN = (
    ("libmm1/src/core/x.c", '/* time() */\n#include <stdint.h>\n\n#include <mm1/addr.h>\n\n#include "base/tree.h"\n'
                            'int f(struct s *s)\n{\n    return s->read(s, "malloc(1)");\n}'),
    ("libmm1/include/mm1/addr.h", "/* x */\n\n/* Both. */\nMM1_API int mm1_x(void);\nMM1_API int mm1_y(void);"),
    ("libmm1/src/core/x.c", "/* x */\nint f(void)\n{\n" + "    g();\n" * 68 + "}"),
)


def findings_in(path, source):
    tidy = Tidy()
    tidy.text(path, source.split("\n"))
    if path.endswith((".c", ".h")):
        tidy.c_source(path, source + "\n")
    return tidy.findings


def check_self():
    for path, rule, source in PLANTED:
        if rule not in [finding[2] for finding in findings_in(path, source)]:
            sys.exit("test_tidy: self check: a planted '%s' in %s went unseen:\n%s" % (rule, path, source[:200]))
    for path, source in CLEAN:
        found = findings_in(path, source)
        if found:
            sys.exit("test_tidy: self check: %s is clean, and yet: %s" % (path, found))


def main():
    check_self()
    root = os.environ.get("MM1_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    tidy = Tidy()
    paths = project_files(root)
    for path in paths:
        tidy.file(root, path)
    for path, rule in EXCEPTIONS:
        if path not in paths:
            tidy.findings.append((path, 1, "exception", "for rule '%s', but the file is gone" % rule))
    for finding in sorted(tidy.findings):
        print("%s:%d: %s: %s" % finding)
    print("test_tidy: %d files, %d findings" % (len(paths), len(tidy.findings)))
    if len(paths) < 10:
        sys.exit("test_tidy: that is not the whole project")
    return 1 if tidy.findings else 0


if __name__ == "__main__":
    sys.exit(main())

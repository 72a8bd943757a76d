#!/usr/bin/env python3
# ctest: timeout=900
"""Seeded bugs of supervisors (docs/mutants.md): each is found, and without one the same seeds pass.

As a test it looks at the first seeds alone. With --measure it writes the table of docs/mutants.md: for each bug, in 20
ranges of seeds that have none in common, how many runs it took to find it. Names of bugs may follow: then their rows
are printed, and nothing is written."""
import collections
import concurrent.futures
import os
import re
import statistics
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from command import MM1, CommandTest  # noqa: E402

DOCUMENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "docs", "mutants.md")
RANGES = 20
RANGE = 20000  # the most runs that finding a bug may take
FIRST = 2000  # as a test
ROW = re.compile(r"^\| `([a-z_]+)` \|", re.M)
Found = collections.namedtuple("Found", "runs what")


def fuzz(*arguments):
    done = subprocess.run([os.path.abspath(MM1), "fuzz", "supervisors", *arguments], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=800)
    return done.returncode, done.stdout, done.stderr


def mutants():
    """Name and text of each; empty where the build has none."""
    _, out, _ = fuzz("--mutants")
    return dict(re.findall(r"^([a-z_]+) +(.+)$", out, re.M))


def find(name, first, count):
    """In how many runs from seed `first` on the bug is found, and as what; None: not in `count`, or by a crash."""
    code, out, err = fuzz("--mutant", name, "--seed", f"{first}..{first + count - 1}", "--fail-fast", "--jobs", "1")
    seed = re.match(r"failed: seed ([0-9]+)\n\n(.+)\n", out)
    if code == 10:  # whoever stops at its own checks needs no fuzzer's rules
        print(out, file=sys.stderr)
    if code in (0, 10):
        return None
    if code not in (11, 12) or seed is None:
        raise RuntimeError(f"{name}: exit code {code}\n{out}{err}")
    return Found(int(seed.group(1)) - first + 1, seed.group(2))


class Mutants(CommandTest):
    def setUp(self):
        super().setUp()
        self.mutants = mutants()

    def test_without_one_the_same_seeds_pass(self):
        self.assertEqual(self.mm1("fuzz", "supervisors", "--seed", f"1..{FIRST}").code, 0)

    def test_each_is_found(self):
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            found = dict(zip(self.mutants, pool.map(lambda name: find(name, 1, FIRST), self.mutants)))
        self.assertEqual([name for name in found if found[name] is None], [])

    def test_a_build_without_refuses(self):
        if self.mutants:
            self.fails(1, "fuzz", "supervisors", "--mutant", "nobody", says="--mutants lists")
        else:
            self.fails(1, "fuzz", "supervisors", "--mutant", "limit_ge", says="no seeded bugs")

    def test_the_table_has_all(self):
        with open(DOCUMENT) as file:
            rows = ROW.findall(file.read())
        self.assertGreaterEqual(len(rows), 30)
        self.assertEqual(len(rows), len(set(rows)))
        if self.mutants:
            self.assertEqual(rows, list(self.mutants))


# --- measuring ---------------------------------------------------------------------------------------------------


def measure(name, text, pool):
    found = list(pool.map(lambda i: find(name, i * RANGE + 1, RANGE), range(RANGES)))
    missed = sum(one is None for one in found)
    if missed:
        return f"| `{name}` | {text} | not found in {missed} of {RANGES} ranges | | |"
    runs = [one.runs for one in found]
    what, often = collections.Counter(one.what for one in found).most_common(1)[0]
    return (f"| `{name}` | {text} | {statistics.median(runs):g} | {max(runs)} |"
            f" {what.removeprefix('supervision: ')} ({often}) |")


def measure_all(names):
    known = mutants()
    unknown = [name for name in names if name not in known]
    if unknown or not known:
        print(f"{MM1}: " + (f"no seeded bug {unknown[0]}" if known else "built without seeded bugs"), file=sys.stderr)
        return 2
    rows = []
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for name in names or known:
            rows.append(measure(name, known[name], pool))
            print(rows[-1], flush=True)
    if not names:
        with open(DOCUMENT) as file:
            before, after = re.split(r"(?<=:\|---\|\n)(?:\| `.*\n)*", file.read(), maxsplit=1)
        with open(DOCUMENT, "w") as file:
            file.write(before + "".join(row + "\n" for row in rows) + after)
    return 1 if any("not found" in row for row in rows) else 0


if __name__ == "__main__":
    if sys.argv[1:2] == ["--measure"]:
        sys.exit(measure_all(sys.argv[2:]))
    unittest.main()

#!/usr/bin/env python3
# ctest: label=fast timeout=120
"""mm1 fuzz supervisors --cases: usage, malformed files, and what it says of a difference."""
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from command import CommandTest  # noqa: E402

CASE = """case one
sup root strategy=one_for_one intensity=2 period=100
child a root
ev exit a crash
end
"""
OUTPUT = """case one
start a#1
start root#1
init ok
ev exit a crash
stop a#1 crash
start a#2
final
which root [a=a#2]
count root specs=1 active=1 supervisors=0 workers=1
ev sup_exit shutdown
stop a#2 shutdown
stop root#1 shutdown
end
"""


class FuzzCases(CommandTest):
    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def compare(self, expected, *more):
        self.write("cases", CASE)
        self.write("expected", expected)
        return self.mm1("fuzz", "supervisors", "--cases", "cases", "--expected", "expected", *more)

    def test_usage(self):
        for arguments, says in [
            ([], "what to fuzz: supervisors"),
            (["actors"], "what to fuzz: supervisors"),
            (["supervisors", "more"], "what to fuzz: supervisors"),
            (["supervisors", "--cases"], "needs a value"),
            (["supervisors", "--casess", "x"], 'did you mean "cases"'),
            (["supervisors", "--cases", "x", "--scheduler", "threads"], '--scheduler "threads"'),
            (["supervisors", "--cases", "x", "--scheduler", "threads:0"], '--scheduler "threads:0"'),
            (["supervisors", "--cases", "x", "--scheduler", "threads:65"], '--scheduler "threads:65"'),
            (["supervisors", "--cases", "x", "--seed", "-1"], '--seed "-1"'),
            (["supervisors", "--cases", "x", "--jobs", "0"], '--jobs "0"'),
            (["supervisors", "--cases", "x", "--differences", "x"], "--expected is missing"),
        ]:
            with self.subTest(arguments=arguments):
                self.fails(1, "fuzz", *arguments, says=says)

    def test_files_that_are_not_well(self):
        self.write("bad", CASE + CASE.replace("intensity=2", "intensity=two"))
        self.write("empty", "")
        self.fails(2, "fuzz", "supervisors", "--cases", "bad", says='bad:7: intensity "two": expected')
        self.fails(2, "fuzz", "supervisors", "--cases", "empty", says='empty:0: expected "case NAME"')
        self.fails(2, "fuzz", "supervisors", "--cases", "none", says=["none", "No such file"])
        self.write("good", CASE)
        self.fails(2, "fuzz", "supervisors", "--cases", "good", "--expected", "none", says=["none", "No such file"])
        self.fails(2, "fuzz", "supervisors", "--cases", ".", says="directory")

    def test_the_trace_is_alone_on_standard_output(self):
        for scheduler in ("sim", "threads:1", "threads:3"):
            with self.subTest(scheduler=scheduler):
                got = self.compare(OUTPUT, "--scheduler", scheduler)
                self.assertEqual((got.code, got.out, got.err), (0, OUTPUT, ""))

    def test_every_schedule_gives_the_same(self):
        for seed in range(1, 30):
            got = self.compare(OUTPUT, "--seed", str(seed))
            self.assertEqual((got.code, got.out, got.err), (0, OUTPUT, ""))

    def test_cases_are_told_in_their_order(self):
        self.write("cases", "".join(CASE.replace("one\n", f"c{i}\n", 1) for i in range(30)))
        expected = "".join(OUTPUT.replace("one\n", f"c{i}\n", 1) for i in range(30))
        for more in (["--jobs", "4"], ["--jobs", "4", "--scheduler", "threads:2"]):
            got = self.mm1("fuzz", "supervisors", "--cases", "cases", *more)
            self.assertEqual((got.code, got.out, got.err), (0, expected, ""))

    def test_the_first_difference_is_told(self):
        for expected, says in [
            (OUTPUT.replace("stop a#1 crash", "stop a#1 normal").replace("a#2", "a#9"),
             "mm1: case one differs at expected:6:\n  expected: stop a#1 normal\n  got:      stop a#1 crash\n"),
            (OUTPUT.replace("end\n", ""),
             "mm1: case one differs at expected:14:\n  expected: nothing more\n  got:      end\n"),
            ("", "mm1: case one differs at expected:1:\n  expected: nothing more\n  got:      case one\n"),
            (OUTPUT + "case two\n", "mm1: all cases are played, and expected:15 goes on:\n  expected: case two\n"),
        ]:
            with self.subTest(says=says):
                got = self.compare(expected)
                self.assertEqual((got.code, got.out, got.err), (11, OUTPUT, says))

    def test_differences_that_are_kept(self):
        expected = OUTPUT.replace("stop a#1 crash", "stop a#1 bang")
        kept = "#! why\n\ndifference one VX\n- stop a#1 bang\n+ stop a#1 crash\n"
        for text, code, says in [
            (kept, 0, ""),
            (kept.replace("- stop a#1", "- stop a#2"), 11, "mm1: case one differs at expected:6:"),
            (kept.replace("one", "two"), 11, "mm1: case one differs at expected:6:"),
            (kept + kept, 11, "mm1: case one: the difference of kept:8 does not occur\n"),
            ("diff\n", 2, 'mm1: kept:1: expected "difference CASE STATEMENT"\n'),
            ("difference one\n", 2, 'mm1: kept:1: expected "difference CASE STATEMENT"\n'),
            ("difference one VX\n", 2, 'mm1: kept:2: expected "- LINE"\n'),
            ("difference one VX\n- x\nx\n", 2, 'mm1: kept:3: expected "+ LINE"\n'),
        ]:
            with self.subTest(text=text):
                self.write("kept", text)
                got = self.compare(expected, "--differences", "kept")
                self.assertEqual(got.code, code, got.err)
                self.assertTrue(got.err.startswith(says) if says else got.err == "", got.err)


if __name__ == "__main__":
    unittest.main()

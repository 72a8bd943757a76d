#!/usr/bin/env python3
# ctest: timeout=600
"""mm1 fuzz supervisors: options, campaigns, and what a finding leaves behind."""
import os
import re
import sys
import unittest
import xml.etree.ElementTree as ElementTree

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from command import CommandTest  # noqa: E402

CANARY = "limit_ge"


class Options(CommandTest):
    def test_errors_say_what_was_expected(self):
        for arguments, says in [
            (["supervisor"], "supervisors"),
            (["supervisors", "--seed", "5..1"], "--seed"),
            (["supervisors", "--seed", "0..0xffffffffffffffff"], "--seed"),
            (["supervisors", "--time", "10"], "duration"),
            (["supervisors", "--time", "0s"], "duration"),
            (["supervisors", "--jobs", "0"], "--jobs"),
            (["supervisors", "--mutant", "no-such"], "--mutant"),
            (["supervisors", "--expected", "x.txt"], "--cases"),
            (["supervisors", "--cases", "x.txt", "--time", "1s"], "not with --cases"),
            (["supervisors", "--cases", "x.txt", "--seed", "1..2"], "one seed"),
        ]:
            with self.subTest(arguments=arguments):
                self.fails(1, "fuzz", *arguments, says=says)

    def test_places_that_cannot_be_written(self):
        got = self.mm1("fuzz", "supervisors", "--seed", "1..3", "--tap", self.path("no", "t.tap"))
        self.assertEqual(got.code, 3)


class Campaign(CommandTest):
    def test_a_range_passes_alike_whatever_the_jobs(self):
        outputs = set()
        for jobs in ("1", "2", "3"):
            got = self.mm1("fuzz", "supervisors", "--seed", "1..200", "--hashes", "--jobs", jobs)
            self.assertEqual(got.code, 0, got.out + got.err)
            self.assertRegex(got.err, r"mm1: 200 cases in .* cases/s, .* events/s")
            outputs.add(got.out)
        self.assertEqual(len(outputs), 1)
        self.assertEqual([n for n, _, _ in got.seeds], list(range(1, 201)))
        self.assertTrue(got.out.endswith("200 passed, 0 failed\n"), got.out)

    def test_a_seed_is_the_same_alone(self):
        many = self.mm1("fuzz", "supervisors", "--seed", "90..100", "--hashes")
        one = self.mm1("fuzz", "supervisors", "--seed", "95", "--hashes")
        self.assertIn(one.seeds[0], many.seeds)

    def test_what_never_occurred_is_said(self):
        got = self.mm1("fuzz", "supervisors", "--seed", "1")
        self.assertIn("never occurred: ", got.err)

    def test_time(self):
        got = self.mm1("fuzz", "supervisors", "--time", "500ms", "--tap", "t.tap")
        self.assertEqual(got.code, 0, got.out)
        self.assertRegex(got.out, r"^[1-9][0-9]* passed, 0 failed\n$")
        with open(self.path("t.tap")) as file:
            self.assertEqual(file.read(), "TAP version 13\n1..1\nok 1 - seeds from 1\n")


class Canary(CommandTest):
    """A bug that is known to be there must be found; where the build has none, nobody can choose one."""

    def setUp(self):
        super().setUp()
        got = self.mm1("fuzz", "supervisors", "--mutants")
        self.mutants = [line.split()[0] for line in got.out.splitlines()]
        self.assertEqual(got.code, 0 if self.mutants else 2)

    def test_it_is_found_shrunk_and_played_again(self):
        arguments = ["fuzz", "supervisors", "--seed", "1..2000", "--mutant", CANARY]
        if not self.mutants:
            self.fails(1, *arguments, says="no seeded bugs")
            return
        self.assertIn(CANARY, self.mutants)
        got = self.mm1(*arguments, "--save", "regress", "--junit", "j.xml", "--tap", "t.tap", "--jobs", "2")
        self.assertEqual(got.code, 11, got.out)
        self.assertRegex(got.out, r"case       [2-5] members, [1-4] events")
        again = self.mm1(*arguments, "--jobs", "1")
        plain = [line for line in got.out.splitlines() if "mm1 sim" not in line]
        self.assertEqual(plain, again.out.splitlines())

        suite = ElementTree.parse(self.path("j.xml")).getroot().find("testsuite")
        signatures = [case.get("name") for case in suite.iter("testcase")]
        self.assertEqual(int(suite.get("failures")), len(signatures))
        with open(self.path("t.tap")) as file:
            self.assertIn(f"not ok 1 - {signatures[0]}\n", file.read())

        saved = re.findall(r"mm1 sim (\S+)$", got.out, re.M)
        self.assertEqual(len(saved), len(signatures))
        self.assertEqual(sorted(os.path.join("regress", name) for name in os.listdir(self.path("regress"))),
                         sorted(saved))
        # Without the bug the saved scenarios pass, so that they can be kept.
        sim = self.mm1("sim", *saved)
        self.assertEqual(sim.code, 0, sim.out)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# ctest: label=slow timeout=900
"""mm1 fuzz supervisors --against-otp: usage, no Erlang, equality with the real thing, and a seeded bug that it finds.

The oracle (share/otp/oracle.erl) is held against tests/otp/expected-*, which another program had from Erlang/OTP.
Where Erlang is not installed, the tests that need it are skipped and say so."""
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from command import MM1, CommandTest  # noqa: E402

SOURCE = os.environ.get("MM1_SOURCE_DIR", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
ORACLE = os.path.join(SOURCE, "share", "otp", "oracle.erl")
CASES = os.path.join(SOURCE, "tests", "otp")
MISSING = None if shutil.which("erl") and shutil.which("escript") else "Erlang is not installed (Debian: erlang-base)"
AGAINST = ["fuzz", "supervisors", "--against-otp"]
MUTANT = "group_skips_absent"


class WithoutErlang(CommandTest):
    def program(self, body):
        """A folder with a program "erl" of ours in it; returns an environment in which it is found first."""
        os.makedirs(self.path("bin"))
        with open(self.path("bin", "erl"), "w") as file:
            file.write("#!/bin/sh\n" + body)
        os.chmod(self.path("bin", "erl"), stat.S_IRWXU)
        return dict(self.env, PATH=self.path("bin") + ":" + os.environ["PATH"])

    def test_usage(self):
        for arguments, says in [
            (["--cases", "x"], "--against-otp: goes with"),
            (["--hashes"], "--against-otp: goes with"),
            (["--fail-fast"], "--against-otp: goes with"),
            (["--save", "x"], "--against-otp: goes with"),
            (["--junit", "x"], "--against-otp: goes with"),
            (["--tap", "x"], "--against-otp: goes with"),
            (["--mutants"], "--against-otp: goes with"),
            (["--scheduler", "threads:2"], "--against-otp: goes with"),
            (["--count", "0"], '--count "0"'),
            (["--count", "many"], '--count "many"'),
            (["--count", "5", "--seed", "1..9"], "--count: not with a range"),
            (["--count", "2", "--seed", "18446744073709551615"], "--count: there are not so many"),
            (["--seed", "9..1"], "--seed"),
            (["--time", "0"], "--time"),
            (["--jobs", "0"], "--jobs"),
        ]:
            with self.subTest(arguments=arguments):
                self.fails(1, *AGAINST, *arguments, says=says)
        self.fails(1, "fuzz", "supervisors", "--count", "5", says="--count: only with --against-otp")

    def test_no_erlang(self):
        os.makedirs(self.path("empty"))
        self.fails(3, *AGAINST, says=["Erlang is not installed", "erlang-base"],
                   env=dict(self.env, PATH=self.path("empty")))

    def test_an_erlang_that_ends_at_once(self):
        got = self.fails(3, *AGAINST, says="has ended", env=self.program("exec /bin/false\n"))
        self.assertEqual(got.out, "")

    def test_something_else_that_is_called_erl(self):
        self.fails(3, *AGAINST, says="which release", env=self.program("echo hello; exec /bin/sleep 60\n"))

    def test_an_answer_that_is_none(self):
        body = "echo release 99\nwhile read -r line; do [ \"$line\" = run ] && echo case x && echo done; done\n"
        self.fails(3, *AGAINST, "--seed", "1", says="not the output", env=self.program(body))

    def test_an_erlang_that_is_stuck_is_ended(self):
        body = "echo release 99\necho $$ >pid\nexec /bin/sleep 1000\n"
        started = subprocess.Popen([os.path.abspath(MM1), *AGAINST], cwd=self.folder, env=self.program(body),
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while not os.path.exists(self.path("pid")) or not self.read("pid").strip():
            self.assertIsNone(started.poll())
            time.sleep(0.05)
        started.send_signal(signal.SIGTERM)
        started.communicate(timeout=60)
        self.assertEqual(started.returncode, 143)
        with self.assertRaises(ProcessLookupError):
            os.kill(int(self.read("pid")), 0)


@unittest.skipIf(MISSING, MISSING)
class Oracle(CommandTest):
    def play(self, cases, at_a_time):
        with open(cases) as file:
            done = subprocess.run(["escript", ORACLE, str(at_a_time)], stdin=file, stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, timeout=600)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_agrees_with_what_otp_did_elsewhere(self):
        for name in ("hand", "500"):
            with self.subTest(cases=name), open(os.path.join(CASES, f"expected-{name}.txt")) as file:
                self.assertEqual(self.play(os.path.join(CASES, f"cases-{name}.txt"), 64), file.read())

    def test_malformed(self):
        for text in ("ev exit a crash\n", "case x\nnonsense\nend\n", "case x\nbatch\nend\n", "case x\n"):
            with self.subTest(text=text):
                done = subprocess.run(["escript", ORACLE], input=text, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      text=True, timeout=60)
                self.assertEqual(done.returncode, 2)
                self.assertIn("not understood", done.stderr)


@unittest.skipIf(MISSING, MISSING)
class AgainstOtp(CommandTest):
    def test_equal(self):
        got = self.mm1(*AGAINST, "--seed", "20001", "--count", "450")
        self.assertEqual((got.code, got.out), (0, ""), got.err)
        self.assertRegex(got.err, r"mm1: 450 cases on libmm1 and on Erlang/OTP \d+ in .* all equal")
        self.assertEqual(self.files(), [])

    def test_ranges(self):
        for arguments, cases in [(["--seed", "7"], 1), (["--seed", "1..200"], 200), (["--seed", "1..201"], 201),
                                 (["--seed", "18446744073709551615"], 1)]:
            with self.subTest(arguments=arguments):
                got = self.mm1(*AGAINST, *arguments)
                self.assertEqual(got.code, 0, got.err)
                self.assertIn(f"mm1: {cases} cases on", got.err)

    def test_time(self):
        got = self.mm1(*AGAINST, "--time", "2s")
        self.assertEqual(got.code, 0, got.err)
        self.assertGreaterEqual(int(re.search(r"(\d+) cases on", got.err).group(1)), 200)

    def test_interrupted(self):
        started = subprocess.Popen([os.path.abspath(MM1), *AGAINST, "--time", "10m"], cwd=self.folder, env=self.env,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.assertIn("cases/s", started.stderr.readline())
        started.send_signal(signal.SIGINT)
        started.communicate(timeout=60)
        self.assertEqual(started.returncode, 130)

    def test_a_seeded_bug_is_found_and_shrunk(self):
        if self.mm1("fuzz", "supervisors", "--mutants").code != 0:
            self.skipTest("this build has no seeded bugs (MM1_MUTANTS)")
        got = self.mm1(*AGAINST, "--mutant", MUTANT)
        self.assertEqual(got.code, 11, got.err)
        self.assertIn("not equal", got.err)
        self.assertEqual(got.out.count("#! -> "), 2, got.out)
        self.assertIn(f"--mutant {MUTANT}\n", got.out)
        members, events, before = map(int, re.search(
            r"(\d+) members, (\d+) events; found with \d+ and (\d+)", got.out).groups())
        self.assertLessEqual(members, 4)
        self.assertLessEqual(events, 3)
        self.assertLessEqual(events, before)
        # The same, from the line to paste; it is a case file, and without the bug it comes to what OTP says.
        again = re.search(r"#! again: mm1 (.*)\n", got.out).group(1).split()
        self.assertEqual(self.mm1(*again).out, got.out)
        with open(self.path("found"), "w") as file:
            file.write(got.out)
        played = self.mm1("fuzz", "supervisors", "--cases", "found")
        theirs = re.search(r"#! Erlang/OTP \d+:\n(.*?)#!\n", got.out, re.S).group(1)
        self.assertEqual(played.out, "".join(line[6:] for line in theirs.splitlines(True)))


if __name__ == "__main__":
    if MISSING:
        print(f"test_against_otp: {MISSING}: nothing is compared with the real thing here", flush=True)
    unittest.main()

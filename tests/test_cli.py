#!/usr/bin/env python3
# ctest: timeout=600
"""The command line: usage, bad input, exit codes, campaigns and their output."""
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from command import BINARY_DIR, MM1, SYSTEMS, CommandTest  # noqa: E402


class Usage(CommandTest):
    def test_errors_name_the_nearest(self):
        for arguments, says in [
            (["simm"], 'did you mean "sim"'),
            (["sim", "--sed", "1", "x.json"], 'did you mean "seed"'),
            (["sim", "--seed"], "needs a value"),
            (["sim", "--strict=1", "x.json"], "takes no value"),
            (["sim", "--seed", "5..1", "x.json"], "--seed"),
            (["sim", "--seed", "0x", "x.json"], "--seed"),
            (["sim", "--seed", "0..0xffffffffffffffff", "x.json"], "--seed"),
            (["sim", "--jobs", "0", "x.json"], "--jobs"),
            (["sim", "--check-determinism", "2/1", "x.json"], "--check-determinism"),
            (["sim"], "no scenario"),
            (["replay"], "no trace"),
            (["replay", "--seq", "x", "t.db"], "--seq"),
            (["query", "t.db"], "SQL"),
            (["check"], "no file"),
            (["node"], "configuration"),
            (["node", "--min-log-level", "loud", "x.json"], '"loud" is not error, warn, info, debug or trace'),
            (["node", "--log-target-filter", "a::b", "x.json"], '"a::b" is not written A::B=LEVEL'),
            ([], "no verb"),
            (["help", "simm"], 'did you mean "sim"'),
        ]:
            with self.subTest(arguments=arguments):
                self.fails(1, *arguments, says=says)
        self.assertEqual(self.files(), [])

    def test_help_and_version(self):
        for arguments, says in [(["help"], "usage: mm1"), (["--help"], "usage: mm1"), (["--version"], "sources"),
                                *[(["help", verb], f"usage: mm1 {verb}")
                                  for verb in ("sim", "replay", "query", "check", "list", "node", "fuzz")],
                                (["sim", "--help"], "usage: mm1 sim")]:
            with self.subTest(arguments=arguments):
                got = self.mm1(*arguments)
                self.assertEqual((got.code, got.err), (0, ""))
                self.assertIn(says, got.out)


class BadInput(CommandTest):
    def write(self, name, text):
        with open(self.path(name), "w") as file:
            file.write(text)

    def test_scenarios(self):
        good = self.read(self.scenario("calm")).decode()
        self.write("key.json", good.replace('"hosts"', '"hostz": {}, "hosts"'))
        self.write("empty.json", "")
        self.write("trailing.json", good + " x")
        self.write("deep.json", "[" * 2000)
        self.write("twice.json", good.replace('"system": "faulty"', '"system": "faulty", "system": "kv"'))
        self.write("role.json", good.replace('"worker"', '"wurker"'))
        self.write("args.json", good.replace('"steps"', '"stops"'))
        os.mkdir(self.path("folder.json"))
        for verb in ("sim", "check"):
            for name, says in [("missing.json", "No such file"), ("key.json", "hostz"), ("empty.json", "empty.json"),
                               ("trailing.json", "trailing.json:1:"), ("deep.json", "deep"), ("twice.json", "system"),
                               ("role.json", 'did you mean "worker"'), ("args.json", "stops"),
                               ("folder.json", "directory")]:
                with self.subTest(verb=verb, name=name):
                    self.fails(2, verb, name, says=[name, says])
        self.assertEqual(self.files(), [])

    def test_systems(self):
        modules = os.path.join(BINARY_DIR, "tests", "modules")
        self.scenario("calm")
        self.scenario("calm", name="none.json", system="no_such_system")
        self.scenario("calm", name="no_export.json", system="module_no_export")
        for folder, name, says in [(None, "calm.json", "faulty.so"),
                                   (SYSTEMS + "/plain", "none.json", "no_such_system"),
                                   (SYSTEMS + "/other_abi", "calm.json", "ABI"),
                                   (SYSTEMS + "/other_name", "calm.json", "another"),
                                   (modules, "no_export.json", "mm1_system")]:
            env = dict(self.env)
            env.pop("MM1_SYSTEM_PATH")
            if folder:
                env["MM1_SYSTEM_PATH"] = folder
            for verb in ("sim", "check"):
                with self.subTest(verb=verb, folder=folder, name=name):
                    self.fails(2, verb, name, says=says, env=env)
        self.assertEqual(self.files(), [])

    def test_check_and_list(self):
        self.scenario("calm")
        got = self.mm1("check", "calm.json")
        self.assertEqual((got.code, got.err), (0, ""))
        got = self.mm1("list", ".")
        self.assertEqual(got.code, 0, got.err)
        self.assertIn("system faulty", got.out)
        self.assertIn("system supervisors", got.out)
        self.assertIn("scenario ./calm.json", got.out)

    def test_a_built_in_system(self):
        env = dict(self.env)
        env.pop("MM1_SYSTEM_PATH")
        self.write("tree.json", json.dumps({
            "system": "supervisors", "hosts": {"a": {}}, "seeds": "1..3",
            "nodes": {"a": {"role": "case", "args": {
                "script": "case t\nsup root strategy=one_for_one intensity=1 period=5\nchild a root\n"
                          "ev exit a crash\nend\n", "plays": True}}}}))
        programs = [MM1, os.path.join(BINARY_DIR, "tests", "bin", "faulty_linked")]
        for program in programs:
            with self.subTest(program=program):
                got = self.mm1("sim", "tree.json", program=program, env=env)
                self.assertEqual(got.code, 0, got.out + got.err)
                self.assertIn("3 passed, 0 failed", got.out)
                self.assertIn("system supervisors", self.mm1("list", ".", program=program, env=env).out)


class Campaigns(CommandTest):
    def test_exit_codes(self):
        for mode, code, verdict, options in [
            ("calm", 0, None, []),
            ("crash", 10, "crash", []),
            ("exit", 10, "crash", []),
            ("overflow", 10, "crash", []),
            ("deep", 10, "crash", []),
            ("spin", 10, "hang", []),
            ("violate", 11, "property", []),
            ("restless", 12, "liveness", []),
            ("livelock", 12, "livelock", []),
            ("leak", 13, "nondeterminism", ["--check-determinism", "1/1"]),
            ("place", 13, "nondeterminism", ["--check-determinism", "1/1"]),
            ("unsure", 15, "inconclusive", []),
        ]:
            with self.subTest(mode=mode):
                seeds = "1..2" if mode == "spin" else "1..40"
                one_in = 1 if mode == "leak" else 3  # what leaks must meet what leaked before it
                got = self.mm1("sim", self.scenario(mode, one_in=one_in), "--seed", seeds, *options)
                self.assertEqual(got.code, code, got.out + got.err)
                self.assertEqual({v for _, v, _ in got.seeds}, {verdict} if verdict else set())
                self.assertIn("speed: ", got.err)
                self.assertIn("events/s", got.err)
                if code not in (0, 15):
                    low = got.seeds[0][0]
                    self.assertIn(f"mm1 replay mm1-out/{mode}-{low}.db#1", got.out)
                    self.assertIn(f"mm1 sim {mode}.json --seed {low}\n", got.out)
                    self.assertIn("what led to it", got.out)
                    self.assertTrue(os.path.exists(self.path(f"mm1-out/{mode}-{low}.db")))

    def test_the_identity_comes_first(self):
        got = self.mm1("sim", self.scenario("violate"), "--seed", "1..4")
        lines = got.out.splitlines()
        self.assertTrue(lines[0].startswith("scenario violate, hash "))
        self.assertEqual(lines[4], "seeds 1..4")

    def test_one_seed(self):
        for seed in ("2", "0x2"):
            got = self.mm1("sim", self.scenario("violate"), "--seed", seed)
            self.assertEqual([(n, v) for n, v, _ in got.seeds], [(2, "property")])
            self.assertEqual(got.code, 11)
        got = self.mm1("sim", "violate.json", "--seed", "0xffffffffffffffff")
        self.assertEqual(got.seeds[0][0], 2**64 - 1)

    def test_output_does_not_depend_on_jobs(self):
        self.scenario("violate")
        for options in ([], ["--hashes"], ["--fail-fast"]):
            outs = {self.mm1("sim", "violate.json", "--seed", "1..300", "--jobs", jobs, *options).out
                    for jobs in ("1", "2", "5")}
            self.assertEqual(len(outs), 1, options)

    def test_ranges(self):
        self.scenario("violate")
        all_of = self.mm1("sim", "violate.json", "--seed", "1..200", "--hashes")
        self.assertEqual([n for n, _, _ in all_of.seeds], list(range(1, 201)))
        self.assertGreater(len({h for _, _, h in all_of.seeds}), 190)
        failing = self.mm1("sim", "violate.json", "--seed", "1..200")
        self.assertEqual(failing.seeds, [s for s in all_of.seeds if s[1] != "passed"])
        first = self.mm1("sim", "violate.json", "--seed", "1..200", "--fail-fast")
        self.assertEqual(first.seeds, failing.seeds[:1])
        self.assertEqual(first.code, 11)

    def test_a_crash_does_not_end_the_batch(self):
        calm = self.mm1("sim", self.scenario("calm"), "--seed", "1..100", "--hashes")
        got = self.mm1("sim", self.scenario("crash"), "--seed", "1..100", "--hashes", "--jobs", "1")
        self.assertEqual([n for n, _, _ in got.seeds], list(range(1, 101)))
        self.assertEqual(len(calm.seeds), 100)
        self.assertGreater(sum(v == "crash" for _, v, _ in got.seeds), 10)
        self.assertGreater(sum(v == "passed" for _, v, _ in got.seeds), 10)
        # A sanitizer aborts where the processor would have complained.
        self.assertRegex(got.out, r"crash SIG(SEGV|ABRT) in faulty_misbehave \(faulty.so\)")

    def test_a_stack_overflow_names_the_actor(self):
        for granularity in ("turn", "effect"):
            for mode, path in ("overflow", r"/\S+"), ("deep", r"/\S+/diver\.1"):  # a behaviour, a function actor
                with self.subTest(granularity=granularity, mode=mode):
                    got = self.mm1("sim", self.scenario(mode, granularity=granularity), "--seed", "1..10")
                    self.assertEqual(got.code, 10)
                    self.assertRegex(got.out, r"finding +the process that ran it ended with SIG(SEGV|BUS): "
                                              r"stack overflow in " + path)
                    self.assertRegex(got.out, r"crash SIG(SEGV|BUS), stack overflow in " + path)

    def test_the_first_difference_is_shown(self):
        got = self.mm1("sim", self.scenario("leak", one_in=1), "--seed", "1..40", "--check-determinism", "1/1")
        self.assertRegex(got.out, r"one run +event \d+ .*\n +another run +event \d+ ")

    def test_nothing_to_check_is_vacuous(self):
        name = self.scenario("calm", steps=1000000, end={"at_most": "1ms", "quiet": False})
        got = self.mm1("sim", name, "--seed", "1..5")
        self.assertEqual(got.code, 0, got.out + got.err)
        self.assertIn("never happened: property never evaluated: all-is-good", got.out)
        self.assertEqual(self.mm1("sim", name, "--seed", "1..5", "--strict").code, 14)

    def test_several_scenarios(self):
        calm, bad, livelock = self.scenario("calm"), self.scenario("violate"), self.scenario("livelock")
        self.assertEqual(self.mm1("sim", calm, bad, livelock, "--seed", "1..9").code, 11)
        self.assertEqual(self.mm1("sim", livelock, bad, "--seed", "1..9").code, 12)
        self.assertEqual(self.mm1("sim", self.scenario("unsure"), bad, "--seed", "1..9").code, 11)

    def test_a_linked_system(self):
        program = os.path.join(BINARY_DIR, "tests", "bin", "faulty_linked")
        env = dict(self.env)
        env.pop("MM1_SYSTEM_PATH")
        here = self.mm1("sim", self.scenario("violate"), "--seed", "1..30", program=program, env=env)
        there = self.mm1("sim", "violate.json", "--seed", "1..30")
        self.assertEqual((here.code, here.seeds), (11, there.seeds), here.err)

    def test_the_hidden_argument_is_refused(self):
        self.fails(1, "--child", "7", says="--child")


class Ends(CommandTest):
    def interrupt(self, number, arguments):
        # A group of its own, so that what is left of it can be counted.
        process = subprocess.Popen([os.path.abspath(MM1), *arguments], cwd=self.folder, env=self.env, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        time.sleep(0.7)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
        deadline = time.monotonic() + 5
        while self.alive(process.pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertEqual(self.alive(process.pid), [], "children are left")
        return process.returncode, out, err

    @staticmethod
    def alive(group):
        """Processes of the group that still run: not those that only wait to be collected by process 1."""
        found = []
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/stat") as file:
                    state, _, its_group = file.read().rpartition(")")[2].split()[:3]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if int(its_group) == group and state not in "ZX":
                found.append(int(entry))
        return found

    def test_signals(self):
        self.scenario("violate")
        for number, code in [(signal.SIGINT, 130), (signal.SIGTERM, 143)]:
            for options in ([], ["--trace", "x.db"]):
                got, out, err = self.interrupt(number, ["sim", "violate.json", "--seed", "1..90000000", *options])
                self.assertEqual(got, code, out + err)
                self.assertRegex(out, r"interrupted after \d+ of 90000000 seeds; \d+ passed, \d+ failed")
                self.assertEqual(self.files(), [])

    def test_standard_output_is_closed(self):
        self.scenario("calm")
        with open("/dev/full", "w") as full:
            got = self.mm1("sim", "calm.json", "--seed", "1..9", stdout=full)
        self.assertEqual(got.code, 3)
        self.assertIn("standard output", got.err)

    def test_a_pipe_that_ends(self):
        self.scenario("calm")
        process = subprocess.Popen([os.path.abspath(MM1), "sim", "calm.json", "--seed", "1..500000", "--hashes"],
                                   cwd=self.folder, env=self.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        process.stdout.readline()
        process.stdout.close()
        _, err = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 3, err)

    def test_progress(self):
        self.scenario("calm")
        leader, follower = pty.openpty()
        try:
            process = subprocess.Popen([os.path.abspath(MM1), "sim", "calm.json", "--seed", "1..90000000"],
                                       cwd=self.folder, env=dict(self.env, NO_COLOR="1"), stdout=subprocess.PIPE,
                                       stderr=follower)
            os.close(follower)
            time.sleep(1.5)
            process.send_signal(signal.SIGINT)
            shown = os.read(leader, 65536).decode()
            process.communicate(timeout=60)
        finally:
            os.close(leader)
        self.assertRegex(shown, r"\r\[[#.]+\] \d+/90000000 seeds, 0 failed, \d+ seeds/s")
        self.assertNotIn("\033[31m", shown)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])

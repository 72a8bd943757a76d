#!/usr/bin/env python3
# ctest: timeout=600
"""Traces and replays: what is recorded, what is refused, and what happens when it cannot be written."""
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from command import SYSTEMS, CommandTest  # noqa: E402


class Replays(CommandTest):
    def record(self, mode, *options, seeds="1..9", **more):
        got = self.mm1("sim", self.scenario(mode, **more), "--seed", seeds, "--trace", "t.db", *options)
        self.assertTrue(os.path.exists(self.path("t.db")), got.out + got.err)
        return got

    def test_a_replay_ends_as_the_run_did(self):
        for mode, code in [("crash", 10), ("exit", 10), ("spin", 10), ("violate", 11), ("restless", 12),
                           ("livelock", 12)]:
            with self.subTest(mode=mode):
                recorded = self.record(mode, seeds="2" if mode == "spin" else "1..9")
                got = self.mm1("replay", "t.db")
                seed, verdict, hash_of = recorded.seeds[0]
                self.assertEqual(got.code, code, got.out + got.err)
                self.assertEqual(got.err, "")
                self.assertEqual(got.seeds, [(seed, verdict, hash_of)])
                self.assertIn(f"the hash matches: {hash_of}", got.out)
                self.assertIn("FAILED: ", got.out)

    def test_a_passing_run(self):
        recorded = self.record("calm", seeds="5")
        got = self.mm1("replay", "t.db#1")
        self.assertEqual((got.code, got.seeds), (0, recorded.seeds), got.err)

    def test_a_crash_leaves_its_last_event(self):
        self.record("crash", seeds="2")
        db = sqlite3.connect(self.path("t.db"))
        complete, failed, verdict = db.execute("SELECT complete, failed_seq, verdict FROM run").fetchone()
        last, kind = db.execute("SELECT seq, kind FROM event ORDER BY id DESC LIMIT 1").fetchone()
        self.assertEqual((complete, failed, verdict, kind), (0, last, "crash", "observe"))
        db.close()

    def test_output_of_the_system(self):
        self.record("noisy", seeds="2", one_in=1)
        db = sqlite3.connect(self.path("t.db"))
        self.assertEqual(db.execute("SELECT stream, text FROM output ORDER BY 1").fetchall(),
                         [(1, "on standard output"), (2, "on standard error")])
        db.close()

    def test_the_scenario_is_in_the_trace(self):
        recorded = self.record("violate")
        for change in ("edited", "broken", "gone"):
            with self.subTest(change=change):
                if change == "edited":
                    self.scenario("violate", steps=9)
                elif change == "broken":
                    open(self.path("violate.json"), "w").close()
                else:
                    os.unlink(self.path("violate.json"))
                got = self.mm1("replay", "t.db")
                self.assertEqual((got.code, got.seeds), (11, recorded.seeds[:1]), got.err)

    def test_the_system_is_refused_or_warned_of(self):
        recorded = self.record("violate")
        for folder, says in [("other_abi", "ABI"), ("other_name", "another"), ("none", "faulty.so")]:
            with self.subTest(folder=folder):
                self.fails(2, "replay", "t.db", says=says, env=dict(self.env, MM1_SYSTEM_PATH=f"{SYSTEMS}/{folder}"))
        got = self.mm1("replay", "t.db", env=dict(self.env, MM1_SYSTEM_PATH=f"{SYSTEMS}/other_version"))
        self.assertEqual((got.code, got.seeds), (11, recorded.seeds[:1]), got.err)
        self.assertEqual(got.err.count("warning"), 1, got.err)

    def test_another_program_diverges(self):
        self.record("violate", steps=6)
        got = self.mm1("replay", "t.db", env=dict(self.env, MM1_SYSTEM_PATH=f"{SYSTEMS}/other_program"))
        self.assertEqual(got.code, 13, got.out + got.err)
        self.assertRegex(got.out, r"diverged after \d+ equal events\n")
        self.assertRegex(got.out, r'  recorded  event .*"left":5.*\n  now +event .*"left":4')

    def test_stop_at_an_event(self):
        self.record("violate")
        for arguments in (["t.db#1:12"], ["t.db", "--seq", "12"]):
            got = self.mm1("replay", *arguments)
            self.assertEqual(got.code, 0, got.err)
            self.assertIn("stopped after event 12", got.out)

    def test_the_lowest_seed_of_each_signature(self):
        self.scenario("violate", name="one.json")
        self.scenario("livelock", name="two.json")
        got = self.mm1("sim", "one.json", "two.json", "--seed", "1..40", "--trace", "t.db")
        db = sqlite3.connect(self.path("t.db"))
        runs = db.execute("SELECT id, scenario, verdict, CAST(seed AS TEXT) FROM run ORDER BY id").fetchall()
        db.close()
        self.assertEqual([run[:3] for run in runs], [(1, "one", "property"), (2, "two", "livelock")])
        self.assertEqual(int(runs[0][3], 16), got.seeds[0][0])
        self.assertEqual(self.mm1("replay", "t.db").code, 11)
        self.assertEqual(self.mm1("replay", "t.db#2").code, 12)

    def test_no_file_when_none_failed(self):
        with open(self.path("t.db"), "w") as file:
            file.write("old")
        self.assertEqual(self.mm1("sim", self.scenario("calm"), "--seed", "1..9", "--trace", "t.db").code, 0)
        self.assertEqual(self.read("t.db"), b"old")
        self.assertEqual(self.files(), ["t.db"])


class BadTraces(CommandTest):
    def setUp(self):
        super().setUp()
        self.mm1("sim", self.scenario("violate"), "--seed", "2", "--trace", "t.db")

    def change(self, name, function):
        with open(self.path("t.db"), "rb") as file:
            content = bytearray(file.read())
        content = function(content)
        with open(self.path(name), "wb") as file:
            file.write(content)

    def put(self, at, value):
        def function(content):
            content[at:at + 4] = value.to_bytes(4, "big")
            return content
        return function

    def test_refused(self):
        self.change("short.db", lambda c: c[:len(c) // 2])
        self.change("head.db", lambda c: c[:60])
        self.change("empty.db", lambda c: b"")
        self.change("text.db", lambda c: b"this is not a trace, by any means" * 9)
        self.change("version.db", self.put(60, 2))
        self.change("foreign.db", self.put(68, 0))
        self.change("broken.db", lambda c: c[:100] + bytes(8092) + c[8192:])
        os.mkdir(self.path("folder.db"))
        for name, says in [("missing.db", "No such file"), ("short.db", "truncated"), ("head.db", "truncated"),
                           ("empty.db", "empty"), ("text.db", "not a SQLite file"), ("version.db", "schema version 2"),
                           ("foreign.db", "not a trace"), ("folder.db", "directory"), ("broken.db", "broken.db")]:
            for arguments in (["replay", name], ["query", name, "SELECT 1 FROM run"]):
                with self.subTest(arguments=arguments):
                    self.fails(2, *arguments, says=[name, says])
        self.fails(2, "replay", "t.db#9", says=["t.db", "#9"])

    def test_queries(self):
        got = self.mm1("query", "t.db", "SELECT seed, verdict AS v FROM run")
        self.assertEqual((got.code, got.out), (0, "seed\tv\n0x0000000000000002\tproperty\n"), got.err)
        got = self.mm1("query", "t.db", "SELECT 'a\tb' AS a, NULL AS b, x'00ff' AS c")
        self.assertEqual(got.out, "a\tb\tc\na\\tb\t\t00ff\n")
        for sql, says in [("SELEC", "syntax"), ("DELETE FROM run", "change"), ("ATTACH 'x.db' AS x", "authorized"),
                          ("SELECT 1; SELECT 2", "one SQL"), ("", "one SQL"), ("SELECT * FROM nothing", "nothing")]:
            with self.subTest(sql=sql):
                self.fails(2, "query", "t.db", sql, says=["t.db", says])
        self.assertNotIn("x.db", self.files())


class Writing(CommandTest):
    def test_places_that_cannot_be_written(self):
        self.scenario("violate")
        self.fails(3, "sim", "violate.json", "--seed", "2", "--trace", "no/t.db", says=["no/t.db", "No such file"])
        os.mkdir(self.path("d"))
        self.fails(3, "sim", "violate.json", "--seed", "2", "--trace", "d", says=["d:", "directory"])
        open(self.path("f"), "w").close()
        self.fails(3, "sim", "violate.json", "--seed", "2", "--out", "f/x", says="f/x")
        self.assertEqual(self.files(), ["f"])

    def test_the_disk_is_full(self):
        """The file size limit stands for a disk that fills up; a real one is used where it can be mounted."""
        limit = 8 << 20
        name = self.scenario("livelock", one_in=1, bounds={"events": 400000, "events_per_instant": 400000})

        def small():
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        for options in (["--trace", "t.db"], ["--out", "out"]):
            self.fails(3, "sim", name, "--seed", "2", *options, says="no space left", preexec_fn=small)
            self.assertEqual(self.files(), [])
        os.mkdir(self.path("small"))
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=300k", "none", self.path("small")],
                               stderr=subprocess.DEVNULL)
        if mount.returncode != 0:
            print("note: no tmpfs could be mounted here; only the file size limit was tested")
            return
        try:
            self.fails(3, "sim", name, "--seed", "2", "--trace", "small/t.db", says="no space left")
            self.assertEqual(self.files(), [])
        finally:
            subprocess.run(["umount", self.path("small")], check=True)

    def test_a_trace_in_place_is_kept_until_the_next_is_complete(self):
        limit = 8 << 20
        self.mm1("sim", self.scenario("violate"), "--seed", "2", "--trace", "t.db")
        before = self.read("t.db")
        name = self.scenario("livelock", one_in=1, bounds={"events": 400000, "events_per_instant": 400000})
        got = self.mm1("sim", name, "--seed", "2", "--trace", "t.db",
                       preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        self.assertEqual(got.code, 3)
        self.assertEqual(self.read("t.db"), before)
        self.assertEqual(self.files(), ["t.db"])

    def test_two_recordings_are_equal(self):
        self.scenario("violate")
        for name in ("a.db", "b.db"):
            self.mm1("sim", "violate.json", "--seed", "2", "--trace", name)
        self.assertEqual(self.read("a.db"), self.read("b.db"))


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[1:]])

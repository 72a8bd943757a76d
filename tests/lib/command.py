"""What the tests of the command share: scenarios of tests/systems/faulty, and running mm1 on them."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

MM1 = os.environ.get("MM1", "build/dev/mm1")
BINARY_DIR = os.environ.get("MM1_BINARY_DIR", os.path.dirname(os.path.abspath(MM1)))
SYSTEMS = os.path.join(BINARY_DIR, "tests", "systems")
SEED_LINE = re.compile(r"^seed ([0-9]+) ([a-z]+) hash ([0-9a-f]{16})$", re.M)


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout or "", done.stderr or ""
        self.seeds = [(int(n), verdict, h) for n, verdict, h in SEED_LINE.findall(self.out)]


class CommandTest(unittest.TestCase):
    """A scratch folder, and mm1 run in it."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="mm1-test-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.env = dict(os.environ, MM1_SYSTEM_PATH=os.path.join(SYSTEMS, "plain"))
        self.env.pop("MM1_WATCHDOG_MS", None)

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def scenario(self, mode, one_in=3, steps=5, name=None, **more):
        """Writes a scenario in which one seed in `one_in` misbehaves as `mode` says; returns its name."""
        content = {
            "system": "faulty",
            "hosts": {"a": {}},
            "nodes": {"a": {"role": "worker", "args": {"mode": mode, "one_in": one_in, "steps": steps},
                            "auto": "<aa0:>/16"}},
            "granularity": "turn",
            "bounds": {"events": 100000},
            "end": {"at_most": "1m"},
        }
        content.update(more)
        if mode == "spin":  # where a turn never ends, the watchdog need not wait as long as it does for slow machines
            self.env["MM1_WATCHDOG_MS"] = "1000"
        else:
            self.env.pop("MM1_WATCHDOG_MS", None)
        name = name or mode + ".json"
        with open(self.path(name), "w") as file:
            json.dump(content, file)
        return name

    def mm1(self, *arguments, program=MM1, timeout=300, env=None, **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        more.setdefault("stdout", subprocess.PIPE)
        more.setdefault("stderr", subprocess.PIPE)
        return Result(subprocess.run([os.path.abspath(program), *arguments], cwd=self.folder, env=env or self.env,
                                     timeout=timeout, text=True, **more))

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def fails(self, code, *arguments, says, **more):
        """mm1 ends with `code` after one line on standard error that says `says`."""
        got = self.mm1(*arguments, **more)
        lines = [line for line in got.err.splitlines() if not line.startswith("speed: ")]
        self.assertEqual(got.code, code, got.err + got.out)
        self.assertEqual(len(lines), 1, got.err)
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word, lines[0])
        return got

    def files(self):
        """All files below the scratch folder but the scenarios."""
        found = []
        for folder, _, names in os.walk(self.folder):
            found += [os.path.relpath(os.path.join(folder, name), self.folder) for name in names]
        return sorted(name for name in found if not name.endswith(".json"))

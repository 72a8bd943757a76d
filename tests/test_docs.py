#!/usr/bin/env python3
# ctest: label=slow timeout=300
# Slow, so that it runs in the dev build alone: ThreadSanitizer fixes the address layout that a guide shows to matter.
"""The guides in docs/ do what they say: their files are written, their commands run, exit codes and output compared.

A comment in front of a block of code says what it is:
  file: NAME     the block is that file          append: NAME   it goes to the end of that file
  run: CODE      commands; the last one's exit code, each before it is to succeed
  output         what the last commands printed; a line "…" stands for any lines, "…" in a line for any text
  columns        only the first line is compared; there are more, unless an argument says "perhaps none"
Each guide has a folder of its own that looks like the top of the sources. A block of C that is no file compiles."""
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

SOURCE = os.environ["MM1_SOURCE_DIR"]
BINARY = os.environ["MM1_BINARY_DIR"]
MM1 = os.environ["MM1"]
CC = shutil.which(os.environ.get("CC", "cc"))
DOCS = os.path.join(SOURCE, "docs")
BLOCK = re.compile(r"(?:<!-- (\w+)(?:: ([^\n]*?))? -->\n)?^```(\w*)\n(.*?)^```$", re.M | re.S)
HEAD = "#include <mm1/actor.h>\n#include <mm1/ask.h>\n#include <mm1/msg.h>\n#include <mm1/system.h>\n"
WARNINGS = ("-Wall -Wextra -Wpedantic -Wconversion -Werror -Wno-missing-field-initializers -Wno-unused-variable "
            "-Wno-unused-const-variable").split()
failures = []


def fail(where, what):
    failures.append(where)
    print(f"{where}: {what}", flush=True)


def read(*parts):
    with open(os.path.join(SOURCE, *parts), encoding="utf-8") as file:
        return file.read()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def words(line):
    return " ".join(line.split())


def line_fits(pattern, line):
    parts = [re.escape(part) for part in words(pattern).split("…")]
    return re.fullmatch(".*".join(parts), words(line)) is not None


def fits(wanted, got):
    """Whether the lines `got` are those of `wanted`."""
    if not wanted:
        return not got
    if wanted[0].strip() == "…":
        return any(fits(wanted[1:], got[i:]) for i in range(len(got) + 1))
    return bool(got) and line_fits(wanted[0], got[0]) and fits(wanted[1:], got[1:])


def install(prefix):
    """What a reader who has installed libmm1 has. Returns the folder of its pkg-config files."""
    subprocess.run(["cmake", "--install", BINARY, "--prefix", prefix], stdout=subprocess.DEVNULL, check=True)
    for folder, _, names in os.walk(prefix):
        if "mm1.pc" in names:
            return folder
    sys.exit("no mm1.pc was installed")


class Guide:
    def __init__(self, name, folder, packages):
        self.name = name
        self.folder = folder
        self.output = None
        self.port = free_port()
        self.runs = 0
        os.makedirs(os.path.join(folder, "scenarios"))
        os.makedirs(os.path.join(folder, "bin"))
        for name_, target in (("libmm1", "libmm1"), ("sim", "sim"), *(
                (f"scenarios/{entry}", f"scenarios/{entry}") for entry in os.listdir(os.path.join(SOURCE, "scenarios"))
                if entry != "tally")):
            os.symlink(os.path.join(SOURCE, target), os.path.join(folder, name_))
        os.symlink(MM1, os.path.join(folder, "bin", "mm1"))
        compiler = os.path.join(folder, "bin", "cc")
        with open(compiler, "w", encoding="utf-8") as file:
            file.write(f'#!/bin/sh\nexec {shlex.quote(CC)} "$@"\n')
        os.chmod(compiler, 0o755)
        self.env = dict(os.environ, PATH=os.path.join(folder, "bin") + ":" + os.environ["PATH"])
        self.env.pop("MM1_SYSTEM_PATH", None)
        self.env["PKG_CONFIG_PATH"] = packages

    def write(self, name, body, mode):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, mode, encoding="utf-8") as file:
            file.write(body.replace("127.0.0.1:9800", f"127.0.0.1:{self.port}"))

    def run(self, where, body, code):
        # A session of its own: what was started in the background goes with it.
        shell = subprocess.Popen(["bash", "-e", "-c", body], cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        try:
            self.output, _ = shell.communicate(timeout=100)
        except subprocess.TimeoutExpired:
            os.killpg(shell.pid, signal.SIGKILL)
            self.output, _ = shell.communicate()
        self.runs += 1
        if shell.returncode != code:
            fail(where, f"exit code {shell.returncode}, not {code}\n{body}{self.output}")

    def compare(self, where, body, columns, perhaps_none):
        # The figures of speed are this machine's.
        got = [line for line in (self.output or "").splitlines() if not line.startswith("speed: ")]
        wanted = body.splitlines()
        if columns:
            good = len(got) > (0 if perhaps_none else 1) and line_fits(wanted[0], got[0])
        else:
            good = fits(wanted, got)
        if not good:
            fail(where, "the output is another one\n" + "\n".join(got[:40]))

    def compile(self, where, body):
        path = os.path.join(self.folder, "block.c")
        with open(path, "w", encoding="utf-8") as file:
            file.write(HEAD + body)
        done = subprocess.run([CC, "-std=gnu17", *WARNINGS, "-fsyntax-only", f"-I{SOURCE}/libmm1/include", path],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            fail(where, done.stdout)

    def block(self, where, what, argument, language, body):
        if what in ("file", "append"):
            self.write(argument, body, "w" if what == "file" else "a")
        elif what == "run":
            self.run(where, body, int(argument))
        elif what in ("output", "columns"):
            self.compare(where, body, what == "columns", argument is not None)
        elif what is not None:
            fail(where, f"unknown word '{what}'")
        elif language == "c":
            self.compile(where, body)

    def play(self, text):
        blocks = 0
        for match in BLOCK.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            self.block(f"docs/{self.name}:{line}", *match.groups())
            blocks += 1
        if text.count("\n```") != 2 * blocks:
            fail(f"docs/{self.name}", "a block of code does not end")
        return blocks


# --- what guides must not leave out ---

def has_row(text, key, default=None):
    rows = [line for line in text.splitlines() if re.match(rf"\|[^|]*`(?:\w+\.)?{re.escape(key)}`", line)]
    return bool(rows) and (default is None or any(default in row for row in rows))


def schema_keys(schema):
    """Each key of objects in a JSON Schema, with its default."""
    for key, value in schema.get("properties", {}).items():
        yield key, value.get("default")
    for word, value in schema.items():
        if word in ("properties", "$defs"):
            value = list(value.values())
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, dict):
                yield from schema_keys(item)


def check_complete():
    scenarios = read("docs", "scenarios.md")
    schema = json.loads(read("sim", "scenario.schema.json"))
    for key, default in schema_keys(schema):
        shown = None if default is None else f"`{json.dumps(default, ensure_ascii=False)}`"
        if key != "between" and not has_row(scenarios, key, shown):
            fail("docs/scenarios.md", f"no row for the key {key}, default {shown}")
    for fault in schema["$defs"]["faults"]["properties"]["random"]["properties"]:
        if not has_row(scenarios, fault):
            fail("docs/scenarios.md", f"no row for the fault {fault}")
    folder = os.path.join(SOURCE, "libmm1", "src", "posix")
    source = "".join(read(folder, name) for name in sorted(os.listdir(folder)) if name.startswith("node_config"))
    keys = set(re.findall(r'mm1__json_(?:required|optional)\(&?\w+,\s*"([^"]+)"\)', source))
    if len(keys) < 30:
        fail("docs/nodes.md", "the keys are not found in the sources")
    cells = re.findall(r"^\| `([^`]+)` \|", read("docs", "nodes.md"), re.M)
    documented = {word for cell in cells for word in re.findall(r"\w+|/", cell)}
    in_their_row = {"secs", "nanos", "cookie", "shared_secret"}
    for key in sorted(keys - in_their_row):
        if key not in documented:
            fail("docs/nodes.md", f"no row for the key {key}")
    for kind, name in re.findall(r"^CREATE (TABLE|VIEW) (\w+)", read("sim", "schema.sql"), re.M):
        if not has_row(read("docs", "traces.md"), name):
            fail("docs/traces.md", f"no row for the {kind.lower()} {name}")
    manual = read("docs", "mm1.1.scd")
    for verb in ("sim", "replay", "query", "check", "list", "node", "fuzz"):
        told = subprocess.run([MM1, "help", verb], stdout=subprocess.PIPE, text=True, check=True).stdout
        for option in re.findall(r"^  (--[a-z-]+)", told, re.M):
            if f"\n*{option}*" not in manual:
                fail("docs/mm1.1.scd", f"the option {option} of {verb} is missing")
        if f"# {verb.upper()}\n" not in manual:
            fail("docs/mm1.1.scd", f"the verb {verb} is missing")
    if shutil.which("scdoc") is None:
        print("scdoc is not installed: docs/mm1.1.scd was not rendered")
        return
    page = subprocess.run(["scdoc"], input=manual, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if page.returncode != 0 or ".TH" not in page.stdout:
        fail("docs/mm1.1.scd", page.stdout)


def check_links(name, text):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
        if not os.path.exists(os.path.join(DOCS, target)):
            fail(f"docs/{name}", f"{target} is missing")


def main():
    if fits(["a", "…", "b…d"], ["a", "x", "y", "bc"]) or not fits(["a", "…", "b…d"], ["a", "x", "y", "b  c d"]):
        sys.exit("the comparison of output is broken")
    guides = sorted(name for name in os.listdir(DOCS) if name.endswith(".md"))
    blocks = runs = 0
    with tempfile.TemporaryDirectory() as prefix:
        packages = install(prefix)
        for name in guides:
            text = read("docs", name)
            check_links(name, text)
            with tempfile.TemporaryDirectory() as folder:
                guide = Guide(name, folder, packages)
                blocks += guide.play(text)
                runs += guide.runs
    check_complete()
    if runs == 0:
        fail("docs", "no command was run")
    print(f"{len(guides)} guides, {blocks} blocks, {runs} of them run, {len(failures)} findings")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

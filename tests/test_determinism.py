#!/usr/bin/env python3
# ctest: label=slow timeout=1200 needs=release,asan,clang
"""The proof of determinism: every scenario, some hundred seeds, each run twice in separately executed processes with
another address layout, environment size and poison, and in builds by another compiler and with sanitizers. All hashes
are equal, and over the seeds there is more than one."""
import json
import os
import re
import subprocess
import sys

SOURCE = os.environ["MM1_SOURCE_DIR"]
SEEDS = int(os.environ.get("MM1_DETERMINISM_SEEDS", "200"))
LINE = re.compile(r"^seed (\d+) (\S+) hash ([0-9a-f]{16}|[0-9a-f]{32})$")


def scenarios():
    found = []
    for folder, _, files in os.walk(os.path.join(SOURCE, "scenarios")):
        for name in files:
            path = os.path.join(folder, name)
            if name.endswith(".json") and "hosts" in json.load(open(path, encoding="utf-8")):
                found.append(path)
    return sorted(found)


def hashes(build, scenario, poison, padding, prefix=()):
    """Seed → (verdict, hash), as one execution of the command says."""
    env = dict(os.environ, MALLOC_PERTURB_=str(poison), MM1_TEST_PADDING="x" * padding)
    env.pop("MM1_SYSTEM_PATH", None)
    command = [*prefix, os.path.join(SOURCE, "build", build, "mm1"), "sim", scenario, "--seed",
               f"1..{SEEDS}", "--hashes", "--out", os.path.join(os.environ["MM1_BINARY_DIR"], "determinism-out")]
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True)
    if done.returncode not in (0, 10, 11, 12, 15):
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}\n{done.stderr}")
    runs = {}
    for line in done.stdout.splitlines():
        match = LINE.match(line)
        if match:
            runs[int(match[1])] = (match[2], match[3])
    if sorted(runs) != list(range(1, SEEDS + 1)):
        sys.exit(f"{' '.join(command)}: {len(runs)} of {SEEDS} seeds told their hash")
    return runs


def main():
    variants = [
        ("release", 0xa5, 4000, ()),
        ("release", 0x5a, 0, ("setarch", "-R")),
        ("asan", 0, 1000, ()),
        ("clang", 0x33, 9, ()),
    ]
    failed = 0
    checked = 0
    found = scenarios()
    if not found:
        sys.exit("no scenarios")
    for scenario in found:
        name = os.path.relpath(scenario, SOURCE)
        first = hashes("release", scenario, 1, 17)
        if len({value for _, value in first.values()}) < 2:
            print(f"{name}: the same hash for every seed")
            failed += 1
        for build, poison, padding, prefix in variants:
            again = hashes(build, scenario, poison, padding, prefix)
            differ = [seed for seed in first if first[seed] != again[seed]]
            checked += len(first)
            if differ:
                seed = differ[0]
                print(f"{name}, build {build}: {len(differ)} of {SEEDS} seeds differ; seed {seed}: "
                      f"{first[seed]} and {again[seed]}")
                failed += 1
        print(f"{name}: {SEEDS} seeds, {1 + len(variants)} executions each", flush=True)
    print(f"{checked} hashes compared")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# ctest: label=fast timeout=60
"""The JSON Schema of scenarios, held against the project's scenarios and the corpus of good and bad files.

Each bad file has a NAME.expect: the loader's line (checked by tests/unit/sim/test_scenario.c on the same files), and
what the schema makes of it: it refuses it, cannot read it, or accepts it because only the loader can know.
"""

import glob
import json
import os
import sys

try:
    import jsonschema
except ImportError:
    sys.exit("python3-jsonschema is missing: ./dev setup installs it")

ROOT = os.environ.get("MM1_SOURCE_DIR") or os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SCHEMA = os.path.join(ROOT, "sim", "scenario.schema.json")
CORPUS = os.path.join(ROOT, "tests", "scenarios-corpus")


def load_validator():
    with open(SCHEMA, encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def opinion(validator, path):
    """What the schema makes of a file, and why."""
    try:
        with open(path, "rb") as file:
            value = json.loads(file.read().decode("utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        return "cannot read it", str(error)
    error = jsonschema.exceptions.best_match(validator.iter_errors(value))
    return ("accepts", "") if error is None else ("refuses", "%s: %s" % (error.json_path, error.message))


def is_scenario(path):
    with open(path, encoding="utf-8") as file:
        return "hosts" in json.load(file)


def open_objects(schema, place="#"):
    """Objects of the schema that would let an unknown key pass."""
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from open_objects(item, "%s/%d" % (place, index))
    elif isinstance(schema, dict):
        if schema.get("type") == "object" and "additionalProperties" not in schema and "args" not in place:
            yield place
        for key, item in schema.items():
            yield from open_objects(item, "%s/%s" % (place, key))


def expected_opinion(path):
    with open(path[: -len(".json")] + ".expect", encoding="utf-8") as file:
        lines = file.read().splitlines()
    if len(lines) != 2 or not lines[1].startswith("schema: "):
        sys.exit("%s: its .expect has no second line \"schema: …\"" % path)
    return lines[1][len("schema: "):]


def main():
    validator = load_validator()
    good = sorted(glob.glob(os.path.join(CORPUS, "good", "*.json")))
    bad = sorted(glob.glob(os.path.join(CORPUS, "bad", "*.json")))
    project = sorted(glob.glob(os.path.join(ROOT, "scenarios", "*", "*.json")))
    scenarios = [path for path in project if is_scenario(path)]
    findings = ["%s: an object that takes unknown keys" % place for place in open_objects(validator.schema)]
    for path in good + scenarios:
        what, why = opinion(validator, path)
        if what != "accepts":
            findings.append("%s: the schema %s: %s" % (path, what, why))
    for path in bad:
        what, why = opinion(validator, path)
        if what != expected_opinion(path):
            findings.append("%s: the schema %s: %s" % (path, what, why or "it should not"))
    if len(good) < 3 or len(bad) < 90:
        findings.append("%s: only %d good and %d bad files" % (CORPUS, len(good), len(bad)))
    for finding in findings:
        print(finding)
    print("%d good files, %d scenarios, %d bad files" % (len(good), len(scenarios), len(bad)))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())

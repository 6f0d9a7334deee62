#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How many values that users want of device families do the schemas of examples/devices type?

Usage: tests/devices/score.py TELEMETRY [SAMPLES] [--least PERCENT]

SAMPLES has a folder for each family: topics.jsonl, a message a line with topic and payload (or payload_base64), and want.json, the
values that are wanted of it. A value counts when value, type, unit, device and time are right. A message that is to be
ignored must be dropped: neither stored nor dead. Default: tests/devices/samples.
"""

import argparse
import collections
import datetime
import json
import os
import subprocess
import sys

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")


def readings_of(telemetry, family, messages):
    schemas = os.path.join(ROOT, "examples", "devices", family)
    run = subprocess.run([telemetry, "schema", "test", schemas, messages, "--messages", "--json"],
                         capture_output=True, text=True)
    if run.returncode not in (0, 1):
        sys.exit(run.stderr)
    by_line = collections.defaultdict(list)
    for line in run.stdout.splitlines():
        reading = json.loads(line)
        by_line[reading["line"]].append(reading)
    return by_line


def is_same(found, wanted):
    if isinstance(wanted, bool) or isinstance(found, bool) or wanted is None or isinstance(wanted, str):
        return found is wanted if isinstance(wanted, bool) or wanted is None else found == wanted
    return isinstance(found, (int, float)) and float(found) == float(wanted)


def instant(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def has(reading, record, name, wanted):
    if not reading["valid"] or name not in reading["values"]:
        return False
    time = not reading["time_from_device"] if record["time"] == "received" else (
        reading["time_from_device"] and instant(reading["time"]) == instant(record["time"]))
    device = record["device"] if record["device"] != "?" else None
    found = reading["values"][name]
    if wanted["type"] == "timestamp" and found is not None:
        same = instant(found) == instant(wanted["value"])
    else:
        same = is_same(found, wanted["value"])
    return (time and same and reading["device"] == device and reading["types"][name] == wanted["type"]
            and reading["units"].get(name) == wanted["unit"])


def score(telemetry, samples, family):
    folder = os.path.join(samples, family)
    by_line = readings_of(telemetry, family, os.path.join(folder, "topics.jsonl"))
    with open(os.path.join(folder, "want.json"), encoding="utf-8") as file:
        records = json.load(file)
    right, wanted, faults = 0, 0, []
    for record in records:
        readings = by_line[record["message"]]
        place = f"{family}: message {record['message']}, {record['topic']}"
        if "ignore" in record:
            if readings:
                faults.append(f"{place}: not dropped ({record['ignore']})")
            continue
        dead = [problem for reading in readings if not reading["valid"] for problem in reading["problems"]]
        if dead or not readings:
            faults.append(f"{place}: lost: {'; '.join(dead) or 'dropped'}")
        for name, value in record["fields"].items():
            wanted += 1
            if any(has(reading, record, name, value) for reading in readings):
                right += 1
            else:
                faults.append(f"{place}: {name} is not {json.dumps(value, ensure_ascii=False)} of "
                              f"{record['device']} at {record['time']}")
    return right, wanted, faults


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("telemetry")
    parser.add_argument("samples", nargs="?", default=os.path.join(ROOT, "tests", "devices", "samples"))
    parser.add_argument("--least", type=float, default=97, help="percent of the values")
    arguments = parser.parse_args()
    right = wanted = 0
    lost = False
    families = sorted(entry for entry in os.listdir(arguments.samples)
                      if os.path.exists(os.path.join(arguments.samples, entry, "want.json")))
    for family in families:
        if not os.path.isdir(os.path.join(ROOT, "examples", "devices", family)):
            print(f"{family}: no schemas")
            lost = True
            continue
        of_family, of_wanted, faults = score(arguments.telemetry, arguments.samples, family)
        right += of_family
        wanted += of_wanted
        lost = lost or any("lost" in fault or "not dropped" in fault for fault in faults)
        print(f"{family}: {of_family} of {of_wanted}")
        for fault in faults:
            print(f"  {fault}")
    percent = 100 * right / max(wanted, 1)
    print(f"all: {right} of {wanted} wanted values, {percent:.1f} %")
    return 0 if wanted and percent >= arguments.least and not lost else 1


if __name__ == "__main__":
    sys.exit(main())

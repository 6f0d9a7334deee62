#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A damaged header of schemas must not become firmware.

usage: damage_tables.py COMPILER OBJDUMP INCLUDE_DIR GOLDEN_HEADER
The golden header compiles without a warning and takes no RAM; each damage below is refused by the
compiler with the message of a static_assert of ours.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

# What is replaced (exactly once), by what, and the message that must be seen.
DAMAGES = [
    # sizes: a row is gone, or there twice
    (r'    \{"uptime_s", 1, 0, true\},\n', "", "has lost or gained rows"),
    (r'(    \{"uptime_s", 1, 0, true\},\n)', r"\1\1", "has lost or gained rows"),
    (r"(heartbeat_v1 \{\n(?:.*\n)*?.*bounds\[\] = \{\n)    \{.*\},\n", r"\1", "has lost or gained rows"),
    # names and filters
    (r'\{"heartbeat", ', '{"", ', "the name of the schema is empty"),
    (r'(\{"heartbeat", )"iot/\+/status"', r'\1"iot/+x/status"', "is not a topic filter"),
    (r'(\{"heartbeat", )"iot/\+/status"', r'\1"iot/#/status"', "is not a topic filter"),
    (r'(\{"heartbeat", )"iot/\+/status"', r'\1"$share/g/iot"', "is not a topic filter"),
    (r'(\{"heartbeat", )"iot/\+/status"', r'\1"iot/\\377"', "is not a topic filter"),
    (r'(\{"heartbeat", )"iot/\+/status"', r'\1"a/+/status"', "not in the order of choice"),
    # nodes and keys
    (r"(namespace heartbeat_v1 \{\n(?:.*\n)*?.*FieldType::)object, .count = 6", r"\1object, .count = 5",
     "keys of an object are out of range"),
    (r"(namespace heartbeat_v1 \{\n(?:.*\n)*?.*FieldType::)object, .count = 6", r"\1object, .count = 7",
     "keys of an object are out of range"),
    (r"(namespace heartbeat_v1 \{\n(?:.*\n)*?.*FieldType::)object, ", r"\1string, ", "no tree"),
    (r'\{"uptime_s", 1, 0, true\}', '{"uptime_s", 1, 6, true}', "keys of an object are out of range"),
    (r'\{"uptime_s", 1, 0, true\}', '{"uptime_s", 2, 0, true}', "no tree"),
    (r'\{"uptime_s", 1, 0, true\}', '{"uptime_s", 70, 0, true}', "no tree"),
    (r'\{"uptime_s", 1, 0, true\}', '{"", 1, 0, true}', "a key is empty"),
    (r'\{"uptime_s", 1, 0, true\}', r'{"up\\300\\200", 1, 0, true}', "not UTF-8"),
    # values
    (r"(namespace heartbeat_v1 \{\n(?:.*\n)*?.*\.slot = )1\}", r"\1 0}", "used twice or not at all"),
    (r"(SchemaView heartbeat_v1\{\n(?:.*\n)*?.*\.slot_count = )6", r"\1 5", "used twice or not at all"),
    (r"(SchemaView heartbeat_v1\{\n(?:.*\n)*?.*\.slot_count = )6", r"\1 7", "used twice or not at all"),
    (r"(SchemaView heartbeat_v1\{\n(?:.*\n)*?.*\.time_slot = )\d+", r"\1 0", "the time slot is no timestamp"),
    (r"(SchemaView heartbeat_v1\{\n(?:.*\n)*?.*\.sequence_slot = )\d+", r"\1 1", "the sequence slot no integer"),
    # rules
    (r"(namespace heartbeat_v1 \{\n(?:.*\n)*?.*\.min = )0", r"\1 9", "min or max is out of range"),
    (r"(namespace heartbeat_v1 \{\n(?:.*\n)*?.*\.length_min = )1", r"\1 99", "length_min is above length_max"),
    (r'Value::text\("offline"\)', "Value::integer(1)", "not of its field's type"),
    (r'Value::text\("offline"\)', r'Value::text("\\355\\240\\200")', "not of its field's type"),
    (r"(namespace heartbeat_v1 \{\n(?:.*\n)*?.*defaults\[\] = \{\n    \{)3", r"\1 0", "a default has no slot"),
    (r"(defaults\[\] = \{\n    \{\d+, Value::)time\(\d+\)", r"\1integer(1)", "a default has no slot"),
    (r"(requires_\[\] = \{\n    \{)0, \d+, ", r"\1 0, 99, ", "requires names no two fields"),
    (r"(comparisons\[\] = \{\n    \{\d+), \d+, ", r"\1, 0, ", "values that do not compare"),
    (r"zone_offset_s = -19800(,\n *\.slot_count = 15)", r"zone_offset_s = -90000\1", "the zone over 24 h"),
    (r"(namespace heartbeat_v1 \{\n(?:.*\n)*?.*FieldType::integer)(.*)\.slot = 0\}", r"\1\2.pattern = 0, .slot = 0}",
     "a pattern, which firmware cannot judge"),
]


def compile_text(compiler, include, text, folder, *flags):
    source = pathlib.Path(folder, "schemas.hpp")
    source.write_text(text)
    user = pathlib.Path(folder, "user.cpp")
    user.write_text('#include "schemas.hpp"\n'
                    "const void* use(const char* topic) { return golden::schemas::choose(topic); }\n")
    return subprocess.run([compiler, "-std=c++20", "-I", include, *flags, str(user)],
                          capture_output=True, text=True, check=False)


def ram_bytes(objdump, path):
    run = subprocess.run([objdump, "-h", path], capture_output=True, text=True, check=True)
    sections = re.findall(r"^\s*\d+ (\.\S+)\s+([0-9a-f]{8})", run.stdout, re.M)
    if not any(name.startswith(".rodata") for name, _ in sections):
        sys.exit(f"damage_tables: {objdump} named no .rodata: the check itself is broken")
    return sum(int(size, 16) for name, size in sections if re.match(r"\.(data|bss|tbss|tdata)", name))


def main():
    compiler, objdump, include, golden = sys.argv[1:]
    text = pathlib.Path(golden).read_text()
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        program = str(pathlib.Path(folder, "user.o"))
        run = compile_text(compiler, include, text, folder, "-Wall", "-Wextra", "-Wpedantic", "-Wconversion",
                           "-Werror", "-O2", "-fno-pie", "-c", "-o", program)
        if run.returncode != 0:
            sys.exit(f"the golden header does not compile:\n{run.stderr}")
        if ram_bytes(objdump, program) != 0:
            failures.append(f"the tables take {ram_bytes(objdump, program)} bytes of RAM")
        for pattern, replacement, message in DAMAGES:
            damaged, count = re.subn(pattern, replacement, text)
            what = f"{pattern!r} -> {replacement!r}"
            if count != 1 or damaged == text:
                failures.append(f"{what}: found {count} times in the golden header")
                continue
            run = compile_text(compiler, include, damaged, folder, "-fsyntax-only")
            if run.returncode == 0:
                failures.append(f"{what}: was compiled")
            elif not re.search(f"static.assertion failed[^\n]*{re.escape(message)}", run.stderr):
                failures.append(f"{what}: no word of '{message}':\n{run.stderr}")
    print(*failures, sep="\n")
    print(f"{len(DAMAGES)} damages, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

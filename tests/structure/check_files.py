#!/usr/bin/env python3
"""House rules that a machine can see.

usage: check_files.py SOURCE_DIR BUILD_DIR [--canary]
Every source is compiled by some target, every header is included by some file, no file is over 600
lines, no line of code over 100 columns, every source names its licence, and every abstract class is on the
closed list. With --canary the tree under canaries/files must be rejected as its EXPECTED says.
"""
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
TOPS = ("include", "libtelemetry", "adapters", "apps", "examples", "tests")
LINES_MAX, COLUMNS_MAX = 600, 100
# Classes with pure virtual functions that users may derive from (docs/decisions/0002). The rest of
# the virtual classes hide an implementation and are made by one function.
ABSTRACT = {"Clock", "FileSystem", "Source", "Sink", "Store", "RowStream", "Handler", "BodyStream"}
HIDING = {"Door", "SchemaSet", "RowWriter", "Reader", "Ingest", "Pipeline", "MqttPublisher", "MqttSource",
          "DeadLetterSink", "HttpServer", "Conversation"}
CLASS = re.compile(r"^(?:class|struct) ([\w:]+)[^;]*?\{(.*?)^\};", re.S | re.M)


def check(root: pathlib.Path, compiled: set[str]) -> list[str]:
    problems = []
    texts = {p.relative_to(root).as_posix(): p.read_text()
             for top in TOPS for p in sorted((root / top).rglob("*"))
             if p.suffix in (".hpp", ".cpp", ".h", ".c") and "canaries" not in p.relative_to(root).parts}
    if not texts:
        sys.exit(f"check_files: no sources under {root}: the check itself is broken")
    every_include = {m for t in texts.values() for m in re.findall(r'#\s*include\s+["<]([^">]+)[">]', t)}
    every_include |= {pathlib.PurePosixPath(i).name for i in every_include}
    for name, text in texts.items():
        lines = text.splitlines()
        if len(lines) > LINES_MAX:
            problems.append(f"{name}: {len(lines)} lines, more than {LINES_MAX}")
        raw = False  # inside R"(...)", which cannot be broken
        for number, line in enumerate(lines, 1):
            raw = (raw or 'R"' in line) and not re.search(r'\)\w*"', line)
            if not raw and len(line) > COLUMNS_MAX and '"' not in line:  # text for people may be longer
                problems.append(f"{name}:{number}: {len(line)} columns, more than {COLUMNS_MAX}")
        generated = bool(lines) and lines[0].startswith("// Written by `telemetry ")
        if not generated and (not lines or "SPDX-License-Identifier: Apache-2.0" not in lines[0]):
            problems.append(f"{name}:1: no SPDX-License-Identifier")
        if name.endswith((".cpp", ".c")):
            if name not in compiled:
                problems.append(f"{name}: compiled by no target")
        elif pathlib.PurePosixPath(name).name not in every_include:
            problems.append(f"{name}: included by no file")
        if name.startswith("include/"):
            for match in CLASS.finditer(text):
                simple = match.group(1).split("::")[-1]
                if re.search(r"virtual [^;]*\)[^;]*= 0;", match.group(2)) and simple not in ABSTRACT | HIDING:
                    problems.append(f"{name}: abstract class {simple} is not on the closed list")
    return problems


def main() -> int:
    if "--canary" in sys.argv:
        canary = HERE / "canaries" / "files"
        found = check(canary, set())
        expected = (canary / "EXPECTED").read_text().splitlines()
        if found != expected:
            print("the canary was not rejected as expected; found:", *found, sep="\n  ")
            return 1
        print(f"canary rejected: {len(found)} violations")
        return 0
    root, build = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    commands = json.loads((build / "compile_commands.json").read_text())
    compiled = set()
    for entry in commands:
        path = pathlib.Path(entry["file"])
        if path.is_relative_to(root):
            compiled.add(path.relative_to(root).as_posix())
    # Compiled by another build on purpose: consumers of the installed package, fuzzers (clang),
    # firmware (a cross compiler), peers of the benchmarks (by their rig).
    elsewhere = ("tests/install/", "tests/fuzz/", "examples/firmware/", "tests/firmware/", "tests/bench/peers/")
    problems = [p for p in check(root, compiled)
                if not (p.endswith("compiled by no target") and p.startswith(elsewhere))]
    print(*problems, sep="\n")
    print(f"{len(problems)} violations")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

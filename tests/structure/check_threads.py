#!/usr/bin/env python3
"""Code with threads is run with ThreadSanitizer.

usage: check_threads.py SOURCE_DIR [--canary]
Only tests with THREADS are built with ThreadSanitizer. `threads` in layers.json names for each room with
threads, locks or atomics the test that runs it there. With --canary the tree under canaries/threads must
be rejected as its EXPECTED says.
"""
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).parent
THREADS = re.compile(r"std::(jthread|thread|async|atomic|condition_variable|\w*mutex)\b|\bpthread_")
CALL = re.compile(r"telemetry_test\((\w+)([^)]*)\)")


def room_of(path: pathlib.Path) -> str:
    """journal for libtelemetry/journal/x.cpp and include/telemetry/journal.hpp, else adapters/mqtt or apps/process."""
    if path.parts[0] in ("adapters", "apps"):
        return "/".join(path.parts[:2])
    return path.parts[2 if path.parts[0] == "include" else 1].removesuffix(".hpp")


def check(root: pathlib.Path, expected: dict[str, str]) -> list[str]:
    run = {word for lists in (root / "tests").rglob("CMakeLists.txt")
           for word, rest in CALL.findall(lists.read_text()) if "THREADS" in rest.split()}
    files = [p for top in ("include", "libtelemetry", "adapters", "apps")
             for p in sorted((root / top).rglob("*")) if p.suffix in (".hpp", ".cpp")]
    if not files:
        sys.exit(f"check_threads: no sources under {root}: the check itself is broken")
    found = {}
    for file in files:
        if THREADS.search(file.read_text()):
            found.setdefault(room_of(file.relative_to(root)), file.relative_to(root).as_posix())
    problems = [f"{file}: room {room} has threads, and `threads` in layers.json names no test for it"
                for room, file in found.items() if room not in expected]
    for room, word in expected.items():
        if room not in found:
            problems.append(f"layers.json: room {room} has no threads")
        elif word not in run:
            problems.append(f"layers.json: {room}: no telemetry_test({word} ... THREADS)")
    return problems


def main() -> int:
    if "--canary" in sys.argv:
        canary = HERE / "canaries" / "threads"
        found = check(canary, {"quiet": "quiet", "journal": "journal"})
        if found != (canary / "EXPECTED").read_text().splitlines():
            print("the canary was not rejected as expected; found:", *found, sep="\n  ")
            return 1
        print(f"canary rejected: {len(found)} violations")
        return 0
    problems = check(pathlib.Path(sys.argv[1]), json.loads((HERE / "layers.json").read_text())["threads"])
    print(*problems, sep="\n")
    print(f"{len(problems)} violations")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

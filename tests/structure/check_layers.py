#!/usr/bin/env python3
"""The architecture as a test: who may include whom, and which third-party headers may stand where.

usage: check_layers.py SOURCE_DIR [--canary]
layers.json lists the layers, lowest first. A file includes lower layers or its own room; rooms of one
layer only where `within_layer` names it. Public headers include no third-party header but those that
`of_the_user` allows the file. A header that is dear to compile is included by the files that
`included_only_by` names for its path, in tests and examples too. With --canary the tree under canaries/
must be rejected, line for line as its EXPECTED file says.
"""
import json
import pathlib
import re
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]')
HERE = pathlib.Path(__file__).parent
STANDARD = re.compile(r"^[a-z_]+$|^(sys|arpa|netinet|net|linux)/|^[a-z]+\.h$")
CORE_MAY = {"array", "atomic", "bit", "concepts", "cstddef", "cstdint", "cstring", "limits", "new", "span",
            "string_view", "type_traits", "utility", "cpuid.h", "emmintrin.h", "nmmintrin.h", "arm_acle.h",
            "stdbool.h", "stddef.h", "stdint.h"}  # the last three: telemetry_core.h


def room_of(path: pathlib.PurePosixPath) -> str | None:
    """The room of a file or of an include path; None when it is none of ours."""
    parts = path.parts
    if parts[:2] == ("include", "telemetry"):
        parts = parts[2:]
    elif parts[0] == "telemetry":
        parts = parts[1:]
    elif parts[0] == "libtelemetry":
        parts = parts[1:]
    elif parts[0] in ("adapters", "apps", "bindings"):
        return parts[0]
    else:
        return None
    return parts[0].removesuffix(".hpp")


def check(root: pathlib.Path) -> list[str]:
    data = json.loads((HERE / "layers.json").read_text())
    level = {room: i for i, rooms in enumerate(data["layers"]) for room in rooms}
    problems = []
    files = [p for top in ("include", "libtelemetry", "adapters", "apps")
             for p in sorted((root / top).rglob("*")) if p.suffix in (".hpp", ".cpp", ".h")]
    if not files:
        sys.exit(f"check_layers: no sources under {root}: the check itself is broken")
    for file in files:
        relative = pathlib.PurePosixPath(file.relative_to(root).as_posix())
        room = room_of(relative)
        if room not in level:
            problems.append(f"{relative}: room '{room}' is in no layer (tests/structure/layers.json)")
            continue
        public = relative.parts[0] == "include"
        for number, line in enumerate(file.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            name = match.group(2)
            where = f"{relative}:{number}"
            if name.startswith("telemetry/"):
                target = room_of(pathlib.PurePosixPath(name))
            elif match.group(1) == '"':
                head = name.split("/")[0]
                if (file.parent / name).is_file() or name.endswith(".inc"):
                    continue  # beside it, or made by the build for it
                if relative.parts[0] in ("apps", "adapters"):
                    target = relative.parts[0]
                    if relative.parts[0] == "adapters" and head != relative.parts[1]:
                        problems.append(f"{where}: adapters never see each other: {name}")
                else:
                    target = head
            else:
                if name in data["of_the_user"].get(relative.as_posix(), []):
                    continue
                if room == "core" and name not in CORE_MAY:
                    problems.append(f"{where}: core may not include <{name}>")
                elif public and not STANDARD.match(name):
                    problems.append(f"{where}: third-party header <{name}> in a public header")
                continue
            if target == room:
                if room == "adapters" and public and name != f"telemetry/{'/'.join(relative.parts[2:])}":
                    if name.startswith("telemetry/adapters/"):
                        problems.append(f"{where}: adapters never see each other: {name}")
                continue
            if target not in level:
                problems.append(f"{where}: includes {name}, which is in no room")
            elif level[target] > level[room] or (
                    level[target] == level[room]
                    and target not in data["within_layer"].get(room, [])):
                problems.append(f"{where}: {room} may not include {target} ({name})")
    return problems + dear_headers(root, data["included_only_by"])


def dear_headers(root: pathlib.Path, allowed: dict[str, list[str]]) -> list[str]:
    problems = []
    for top in ("include", "libtelemetry", "adapters", "apps", "examples", "tests"):
        for file in sorted((root / top).rglob("*")):
            relative = file.relative_to(root)
            if file.suffix not in (".hpp", ".cpp", ".h", ".c") or "canaries" in relative.parts:
                continue
            for number, line in enumerate(file.read_text().splitlines(), 1):
                match = INCLUDE.match(line)
                for path, files in allowed.items():
                    if match and match.group(2).startswith(path) and relative.as_posix() not in files:
                        problems.append(f"{relative}:{number}: <{match.group(2)}> is dear to compile; only "
                                        f"{', '.join(files)} may include it")
    return problems


def main() -> int:
    root = pathlib.Path(sys.argv[1])
    if "--canary" in sys.argv:
        canary = HERE / "canaries" / "layers"
        expected = (canary / "EXPECTED").read_text().splitlines()
        found = check(canary)
        if found != expected:
            print("the canary was not rejected as expected; found:", *found, sep="\n  ")
            return 1
        print(f"canary rejected: {len(found)} violations")
        return 0
    problems = check(root)
    print(*problems, sep="\n")
    print(f"{len(problems)} violations")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

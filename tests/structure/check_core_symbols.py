#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks what libtelemetry_core.a asks of its environment: five memory functions and no more.

No heap, no exceptions, no RTTI, no stdio, no floating-point parsing, no constructors that run at
start, no guarded statics. First the check itself is checked: it must reject every sin of the canary
object, a file that is not there and an object without symbols.
"""
import argparse
import re
import subprocess
import sys
import tempfile

ALLOWED = {
    "memcpy", "memmove", "memset", "memcmp", "strlen",
    # Position-independent code, and the hardening that some distributions switch on.
    "_GLOBAL_OFFSET_TABLE_", "__stack_chk_fail", "__memcpy_chk",
}
# Defined by an object that runs code before main(), or that guards a local static.
FORBIDDEN_DEFINITIONS = re.compile(r"^(_GLOBAL__sub_I_|_ZGV)")
CANARY_SINS = [
    "_Znwm",  # operator new(size_t)
    "_ZdlPvm",  # operator delete(void*, size_t)
    "malloc", "__cxa_throw", "strtod", "printf",
    "_ZSt10from_charsPKcS0_RdSt12chars_format",
    "_ZGVZN16telemetry_canary12local_staticEvE4once",
    "_GLOBAL__sub_I_",
]


class CheckFailed(Exception):
    pass


def read_symbols(nm, path):
    """(undefined, defined) over all members: what one member defines, another may use."""
    run = subprocess.run([nm, path], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        raise CheckFailed(f"{nm} {path} failed: {run.stderr.strip()}")
    undefined, defined = set(), set()
    for line in run.stdout.splitlines():
        match = re.match(r"^(?:[0-9a-f]+)?\s+([A-Za-z])\s+(\S+)$", line)
        if match is None:
            continue
        kind, name = match.groups()
        (undefined if kind in "Uwv" else defined).add(name)
    if not defined:
        raise CheckFailed(f"{nm} {path} named no symbol")
    return undefined - defined, defined


def sins(nm, path):
    undefined, defined = read_symbols(nm, path)
    return sorted(undefined - ALLOWED) + sorted(
        name for name in defined if FORBIDDEN_DEFINITIONS.match(name))


def check_the_check(nm, canary):
    found = sins(nm, canary)
    for sin in CANARY_SINS:
        if not any(name == sin or (sin.endswith("_") and name.startswith(sin)) for name in found):
            raise CheckFailed(f"the canary's {sin} went unseen; found only: {', '.join(found)}")
    with tempfile.NamedTemporaryFile(suffix=".a") as empty:
        empty.write(b"!<arch>\n")
        empty.flush()
        for path in (empty.name, empty.name + ".missing"):
            try:
                read_symbols(nm, path)
            except CheckFailed:
                continue
            raise CheckFailed(f"{path} has no symbols and was accepted")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nm", required=True)
    parser.add_argument("--canary", required=True, help="object file that must be rejected")
    parser.add_argument("archive")
    arguments = parser.parse_args()
    try:
        check_the_check(arguments.nm, arguments.canary)
        found = sins(arguments.nm, arguments.archive)
    except CheckFailed as error:
        sys.exit(f"check_core_symbols: {error}")
    if found:
        sys.exit(f"{arguments.archive} must not need or define: {', '.join(found)}\n"
                 "The core runs without heap, exceptions, stdio and start-up code; "
                 "see docs/core.md.")
    print(f"{arguments.archive}: needs nothing but {', '.join(sorted(ALLOWED))}")


if __name__ == "__main__":
    main()

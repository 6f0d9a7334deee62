#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Firmware images hold no heap, no exceptions, no RTTI and no floating point of software.

usage: check_image_symbols.py --nm NM --canary IMAGE IMAGE...
Looks for exact names, for a library may well have a function of its own that is called my_malloc. The
canary is an image with a heap; if it passes, the check is broken.
"""
import argparse
import re
import subprocess
import sys

FORBIDDEN = re.compile(
    r"^(_*(malloc|calloc|realloc|memalign|free|sbrk)(_r)?"  # newlib
    r"|__wrap_.*"
    r"|_Zn[wa].*|_Zd[la].*"  # operator new and delete
    r"|__cxa_.*|_Unwind_.*|__gxx_personality.*|__aeabi_unwind.*"
    r"|_ZT[IS].*"  # typeinfo
    r"|_ZGV.*|_GLOBAL__sub_I_.*"  # guarded statics, constructors
    r"|__aeabi_([df](add|sub|mul|div|cmp|2).*|[cdf]?[df]cmp.*|u?[il]2[df]))$")
CANARY_SINS = {"malloc", "_malloc_r", "_sbrk", "_Znwj", "_ZdlPvj", "free"}


def symbols(nm: str, image: str) -> set[str]:
    run = subprocess.run([nm, image], capture_output=True, text=True, check=False)
    names = {line.split()[-1] for line in run.stdout.splitlines() if line.strip()}
    if run.returncode != 0 or "reset_handler" not in names:
        sys.exit(f"check_image_symbols: {nm} {image} names no reset_handler {run.stderr}")
    return names


def sins(nm: str, image: str) -> list[str]:
    return sorted(name for name in symbols(nm, image) if FORBIDDEN.match(name))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nm", required=True)
    parser.add_argument("--canary", required=True)
    parser.add_argument("images", nargs="+")
    arguments = parser.parse_args()
    unseen = CANARY_SINS - set(sins(arguments.nm, arguments.canary))
    if unseen:
        sys.exit(f"check_image_symbols: the canary's {', '.join(sorted(unseen))} went unseen")
    bad = 0
    for image in arguments.images:
        found = sins(arguments.nm, image)
        if found:
            bad += 1
            print(f"{image}: {', '.join(found)}")
    print(f"{len(arguments.images)} images, {bad} with what they must not have")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

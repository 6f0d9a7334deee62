#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints what the core takes on each board beside its budget; over it is a failure.

usage: budgets.py --qemu QEMU --nm NM BOARD=DECODER=PIPELINE...
DECODER is an image with the decoder only (sizes are the linker's symbols), PIPELINE prints stack and
instructions; -icount makes the latter exact, so that they are the same on every machine. The budget
for instructions is the Cortex-M3's.
"""
import argparse
import re
import subprocess
import sys

import qemu

STATIC_RAM, STACK, INSTRUCTIONS = 0, 768, 7000
FLASH = {"mps2-an385": 7168, "mps2-an386": 7168, "microbit": 8192}  # as the linker has them


def addresses(nm: str, image: str) -> dict[str, int]:
    output = subprocess.run([nm, image], capture_output=True, text=True, check=True).stdout
    return {line.split()[2]: int(line.split()[0], 16)
            for line in output.splitlines() if len(line.split()) == 3}


def figures(arguments: argparse.Namespace, board: str, image: str) -> dict[str, int]:
    run = subprocess.run(qemu.command(arguments.qemu, board, image, icount="shift=0"),
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=50, check=False)
    if run.returncode != 0:
        sys.exit(f"budgets: {image}: exit code {run.returncode}\n{run.stdout}")
    return {name: int(figure) for name, figure in re.findall(r"^(\w+) (\d+)$", run.stdout, re.M)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--qemu", required=True)
    parser.add_argument("--nm", required=True)
    parser.add_argument("boards", nargs="+")
    arguments = parser.parse_args()
    over = 0
    print(f"{'':<44}{'found':>8}{'budget':>8}")
    for board, decoder, pipeline in (entry.split("=") for entry in arguments.boards):
        at = addresses(arguments.nm, decoder)
        found = figures(arguments, board, pipeline)
        instructions = INSTRUCTIONS if board == "mps2-an385" else None
        rows = [
            ("decoder, flash with libc and libgcc", at["core_flash_end"] - at["core_flash_begin"], FLASH[board]),
            ("decoder, static RAM", at["core_data_end"] - at["core_data_begin"]
             + at["core_bss_end"] - at["core_bss_begin"], STATIC_RAM),
            ("decoder, stack", found["stack"], STACK),
            ("instructions, 8 filters", found["match"], None),
            ("instructions, decode 100 bytes", found["decode"], None),
            ("instructions, into the ring and out", found["ring"], None),
            ("instructions, all three", found["pipeline"], instructions),
        ]
        print(board)
        for name, figure, budget in rows:
            too_much = budget is not None and figure > budget
            over += too_much
            print(f"  {name:<42}{figure:>8}{'' if budget is None else budget:>8}{'  OVER' if too_much else ''}")
    return 1 if over else 0


if __name__ == "__main__":
    sys.exit(main())

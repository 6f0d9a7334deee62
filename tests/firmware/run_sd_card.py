#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The card's driver on a card of 4 MB (SDSC), one of 4 GB (SDHC), and none.

usage: run_sd_card.py QEMU BOARD IMAGE
What the image has written is read here, too, and read by the image after a restart.
"""
import pathlib
import subprocess
import sys
import tempfile

import qemu
import qemu_card

NO_CARD = 11  # sd_card.cpp


def run(card: str, arguments: str = "") -> tuple[int, str]:
    done = subprocess.run(qemu.command(*sys.argv[1:4], card=card, arguments=arguments),
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=50, check=False)
    return done.returncode, done.stdout


def sector(index: int) -> bytes:
    return bytes((index * 7 + at * 13 + at // 256) % 256 for at in range(512))


def check(folder: pathlib.Path, name: str, size: int) -> list[str]:
    card = folder / name
    with card.open("wb") as file:
        file.truncate(size)
    problems = []
    code, output = run(str(card))
    if code != 0 or f"sectors {size // 512}" not in output:
        problems.append(f"{name}: exit code {code}, {output!r}")
    with card.open("rb") as file:
        for index in [*range(64), size // 512 - 1]:
            file.seek(index * 512)
            if file.read(512) != sector(index):
                problems.append(f"{name}: sector {index} is not what was written")
    code, output = run(str(card), "read")
    if code != 0:
        problems.append(f"{name}: after a restart: exit code {code}, {output!r}")
    return problems


def main() -> int:
    fault = qemu_card.fault(sys.argv[1], sys.argv[3])
    if fault:
        print(f"skipped: {fault}")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        problems = check(pathlib.Path(folder), "sdsc.img", 4 << 20)
        problems += check(pathlib.Path(folder), "sdhc.img", 4 << 30)
    code, output = run("")
    if code != NO_CARD:
        problems.append(f"no card: exit code {code}, {output!r}")
    print(*problems, sep="\n")
    print(f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The gateway's decoder and a firmware image judge the same payloads; every verdict must be the same.

usage: run_differential.py --generator BIN --qemu QEMU --board BOARD --image ELF [--payloads N] [--seed S]
                           SCHEMA...
The bar is 1,000,000 payloads (by hand); ctest runs fewer. A verdict is the first broken rule, the number
of broken ones and a hash of values, violations and undeclared members.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import time

import qemu

VERDICT_BYTES = 8


def payload_at(data: bytes, wanted: int) -> tuple[int, bytes]:
    at = 0
    for _ in range(wanted):
        at += 4 + int.from_bytes(data[at + 2:at + 4], "little")
    size = int.from_bytes(data[at + 2:at + 4], "little")
    return int.from_bytes(data[at:at + 2], "little"), data[at + 4:at + 4 + size]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("generator", "qemu", "board", "image"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--payloads", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=20_261_126)
    parser.add_argument("schemas", nargs="+")
    arguments = parser.parse_args()
    arguments.image = str(pathlib.Path(arguments.image).resolve())  # QEMU runs in another folder
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        subprocess.run([arguments.generator, "--payloads", str(arguments.payloads), "--seed", str(arguments.seed),
                        "--input", folder / "input", "--verdicts", folder / "host", *arguments.schemas],
                       check=True, timeout=600)
        begin = time.monotonic()
        run = subprocess.run(
            qemu.command(arguments.qemu, arguments.board, arguments.image, arguments="input firmware"),
            cwd=folder, timeout=3600, check=False)
        taken = time.monotonic() - begin
        host, firmware = (folder / "host").read_bytes(), (folder / "firmware").read_bytes()
        count = len(host) // VERDICT_BYTES
        if run.returncode != 0 or count != arguments.payloads or len(firmware) != len(host):
            print(f"exit code {run.returncode}, {count} verdicts of the host, {len(firmware) // VERDICT_BYTES} "
                  f"of the firmware")
            return 1
        different = [i for i in range(count)
                     if host[i * VERDICT_BYTES:][:VERDICT_BYTES] != firmware[i * VERDICT_BYTES:][:VERDICT_BYTES]] \
            if host != firmware else []
        for i in different[:5]:
            schema, payload = payload_at((folder / "input").read_bytes(), i)
            print(f"payload {i}, schema {schema} in the order of choice: {payload!r}\n"
                  f"  host {host[i * VERDICT_BYTES:][:VERDICT_BYTES].hex()}, "
                  f"firmware {firmware[i * VERDICT_BYTES:][:VERDICT_BYTES].hex()}")
    print(f"{count} payloads, {len(arguments.schemas)} schemas, seed {arguments.seed}, {arguments.board}: "
          f"{len(different)} different verdicts; {taken:.0f} s in QEMU")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())

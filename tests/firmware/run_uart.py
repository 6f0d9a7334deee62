#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All bytes but the last come back over the serial line, in order. usage: run_uart.py QEMU BOARD IMAGE"""
import subprocess
import sys

import qemu


def main() -> int:
    sent = bytes(i * 31 % 256 for i in range(5_000)).replace(b"\x04", b"")
    run = subprocess.run(qemu.command(*sys.argv[1:4], serial="stdio"), input=sent + b"\x04",
                         stdout=subprocess.PIPE, timeout=50, check=False)
    print(f"exit code {run.returncode}, {len(sent)} bytes sent, {len(run.stdout)} came back")
    return 0 if run.returncode == 0 and run.stdout == sent else 1


if __name__ == "__main__":
    sys.exit(main())

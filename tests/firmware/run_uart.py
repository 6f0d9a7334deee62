#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""All bytes but the last come back over the serial line, in order. usage: run_uart.py QEMU BOARD IMAGE

Nothing is sent before the image says that it listens: as on a board, what comes while it turns its
receiver on is lost.
"""
import subprocess
import sys
import threading

import qemu


def main() -> int:
    sent = bytes(i * 31 % 256 for i in range(5_000)).replace(b"\x04", b"")
    with subprocess.Popen(qemu.command(*sys.argv[1:4], serial="stdio"), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, bufsize=0) as run:
        late = threading.Timer(50, run.kill)
        late.start()
        ready = run.stdout.read(1)
        came_back, _ = run.communicate(sent + b"\x04")
        late.cancel()
    print(f"exit code {run.returncode}, {len(sent)} bytes sent, {len(came_back)} came back")
    return 0 if ready == b"\x05" and run.returncode == 0 and came_back == sent else 1


if __name__ == "__main__":
    sys.exit(main())

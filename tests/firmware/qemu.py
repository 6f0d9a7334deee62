# SPDX-License-Identifier: Apache-2.0
"""One way to start an image in QEMU."""
import re
import subprocess


def command(qemu: str, board: str, image: str, *, arguments: str = "", serial: str = "none",
            card: str = "", icount: str = "") -> list[str]:
    """`serial` as in QEMU's -serial; `card`: the image file of an SD card; `icount` as in -icount."""
    line = [qemu, "-M", board, "-nographic", "-monitor", "none", "-serial", serial, "-nic", "none",
            "-semihosting-config", "enable=on,target=native", "-kernel", image]
    if arguments:
        line += ["-append", arguments]
    if card:
        line += ["-drive", f"if=sd,format=raw,file={card}"]
    if icount:
        line += ["-icount", icount]
    return line


def link(qemu: str, port: int) -> str:
    """A -chardev `link` to a TCP port of this machine; while nobody listens QEMU tries again each second."""
    said = subprocess.run([qemu, "--version"], stdout=subprocess.PIPE, text=True, check=True).stdout
    version = tuple(int(part) for part in re.search(r"version (\d+)\.(\d+)", said).groups())
    again = "reconnect-ms=1000" if version >= (9, 2) else "reconnect=1"  # 11.1 does not know the old word
    return f"socket,id=link,host=127.0.0.1,port={port},server=off,nodelay=on,{again}"

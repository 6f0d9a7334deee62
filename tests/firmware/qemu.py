# SPDX-License-Identifier: Apache-2.0
"""One way to start an image in QEMU."""


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

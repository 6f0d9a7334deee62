# SPDX-License-Identifier: Apache-2.0
"""Asks QEMU's SD card on SPI itself, without a driver of ours: does it answer as every card does?"""
import subprocess
import tempfile

from qemu import command

BOARD = "lm3s6965evb"
SPI, SELECT = 0x40008000, 0x40007004  # SSI0; port D, pin 0
ILLEGAL_COMMAND = 0x04
TRIES = 100


class _Bus:
    """The registers of a board, over QEMU's qtest protocol."""

    def __init__(self, run):
        self.run = run

    def ask(self, line: str) -> str:
        self.run.stdin.write(line + "\n")
        self.run.stdin.flush()
        while True:
            answer = self.run.stdout.readline()
            if not answer:
                raise OSError("qemu has ended")
            if answer.startswith("OK"):
                return answer[2:].strip()

    def write(self, address: int, value: int) -> None:
        self.ask(f"writel {address:#x} {value:#x}")

    def transfer(self, byte: int) -> int:
        self.write(SPI + 8, byte)
        return int(self.ask(f"readl {SPI + 8:#x}"), 16)

    def command(self, index: int, argument: int, checksum: int = 0x01) -> int:
        """R1; 0xFF: no answer."""
        self.write(SELECT, 0)
        for byte in (0x40 | index, *argument.to_bytes(4, "big"), checksum):
            self.transfer(byte)
        answer = next((byte for byte in (self.transfer(0xFF) for _ in range(10)) if byte < 0x80), 0xFF)
        for _ in range(8):  # the rest of an answer
            self.transfer(0xFF)
        self.write(SELECT, 1)
        self.transfer(0xFF)
        return answer


def fault(qemu: str, image: str) -> str:
    """Why no driver can use this QEMU's card; empty: nothing is known.

    QEMU 9.1 to 10.0 refuse CMD9 (SEND_CSD) on SPI, so that nobody learns the card's size, and CMD13; a card on SPI has
    both (SD Physical Layer Simplified Specification 3.01, chapter 7.3.1). It came with QEMU's commits da954d0e32 and
    807f6adac3, and went with 823d9b0045 and 0f2ff99479 (https://gitlab.com/qemu-project/qemu/-/issues/2945). Other
    faults are not looked for: tests shall fail. `image` is loaded, but never runs.
    """
    with tempfile.NamedTemporaryFile() as card:
        card.truncate(4 << 20)
        line = [*command(qemu, BOARD, image, card=card.name), "-S", "-qtest", "stdio"]
        with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              text=True) as run:
            try:
                bus = _Bus(run)
                bus.write(SPI, 8 - 1)
                bus.write(SPI + 0x10, 2)
                bus.write(SPI + 4, 1 << 1)
                bus.write(0x40007400, 1)
                bus.write(SELECT, 1)
                for _ in range(10):
                    bus.transfer(0xFF)
                bus.command(0, 0, 0x95)
                bus.command(8, 0x1AA, 0x87)
                ready = any((bus.command(55, 0), bus.command(41, 1 << 30))[1] == 0 for _ in range(TRIES))
                if ready and bus.command(9, 0) == ILLEGAL_COMMAND:
                    return "its SD card refuses CMD9 on SPI (QEMU 9.1 to 10.0 do)"
                return ""
            finally:
                run.kill()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sensor logger and the C publisher in QEMU beside a real mosquitto: its UART is a TCP connection
to the broker.

usage: run_logger.py --qemu QEMU --image IMAGE [--telemetry PROGRAM] [--all] SCENARIO...
--all: the power fails at every write of a run of 500 readings, and at 100 of a run of 10,000.
"""
import argparse
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "crash"))

import qemu  # noqa: E402
import qemu_card  # noqa: E402
from rig import Failure, Rig, wait_until  # noqa: E402

BOARD, PUBLISHER_BOARD = "lm3s6965evb", "mps2-an385"
POWER_CUT = 77  # card_device.hpp
CARD_BYTES = 4 << 20
COMMAND_TOPIC = "mcu/mcu-001/command"
SCHEMAS = pathlib.Path(__file__).parent.parent.parent / "examples" / "firmware" / "schemas"


class Logger(Rig):
    """A rig with a broker, a subscriber that misses nothing, a card, and the logger."""

    def __init__(self, options, name):
        super().__init__(options, name)
        self.board = BOARD
        self.card = self.path("card.img")
        self.blank_card()

    def blank_card(self):
        with open(self.card, "wb") as file:
            file.truncate(CARD_BYTES)

    def command(self, arguments, serial=True, icount=""):
        line = qemu.command(self.options.qemu, self.board, self.options.image, arguments=arguments,
                            card=self.card, icount=icount, serial="chardev:link" if serial else "none")
        return line + (["-chardev", qemu.link(self.options.qemu, self.broker_port)] if serial else [])

    def start(self, arguments, icount=""):
        return self.run("the image", self.command(arguments, icount=icount), "image.log")

    def boot(self, arguments):
        """Without a line to the broker. (exit code, output)"""
        done = subprocess.run(self.command(arguments, serial=False), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=300, check=False)
        return done.returncode, done.stdout

    def subscribe(self, topic="mcu/+/reading"):
        """The broker keeps this session, also when it is killed from now on."""
        self.subscriber = self.run(
            "mosquitto_sub",
            ["stdbuf", "-oL", "mosquitto_sub", "-p", str(self.broker_port), "-i", "reader", "-c", "-q", "1", "-d",
             "-t", topic, "-F", "READING %p"], "readings.log")
        self.subscriber.wait_for_output("Subscribed")
        self.broker.child.send_signal(signal.SIGUSR1)  # saves its sessions
        time.sleep(0.3)

    def numbers(self):
        return [json.loads(line[8:])["seq"] for line in self.subscriber.output().splitlines()
                if line.startswith("READING ") and line.endswith("}")]

    def wait_for_numbers(self, count):
        wait_until(lambda: len(set(self.numbers())) >= count, 60, f"{count} readings arrive")

    def publish(self, payload):
        subprocess.run(["mosquitto_pub", "-p", str(self.broker_port), "-q", "1", "-t", COMMAND_TOPIC,
                        "-s"], input=payload.encode(), check=True, timeout=20)


def counters(output):
    return {name: int(figure)
            for name, figure in re.findall(r"^(\w+) (\d+)$", output, re.MULTILINE)}


def expect(what, found, wanted):
    if found != wanted:
        raise Failure(f"{what}: {found}, not {wanted}")


def in_order_and_once(rig, count):
    rig.wait_for_numbers(count)
    time.sleep(0.5)
    numbers = rig.numbers()
    if numbers != list(range(1, count + 1)):
        wrong = next((at for at, number in enumerate(numbers) if number != at + 1), count)
        raise Failure(f"{len(numbers)} readings; from the {wrong + 1}th on: "
                      f"{numbers[wrong:wrong + 10]}")


def connected(rig):
    """Ring to broker: all arrive once and in order, the card is not written."""
    rig.start_broker()
    rig.subscribe()
    logger = rig.start("count=2000 online=1")  # until it is connected it is offline
    logger.wait(0, 120)
    in_order_and_once(rig, 2000)
    found = counters(logger.output())
    expect("saved on the card", found["saved"], 0)
    expect("lost", found["lost"], 0)
    return f"2000 readings; {found['ms']} ms by the device's clock"


def throughput(rig):
    """500 readings a second at 7.8 million instructions a second.

    The device waits for the broker in instructions, and how many pass while the host is busy is chance:
    so its working time counts. The rate beside it is the one that was seen.
    """
    rig.start_broker()
    rig.subscribe()
    logger = rig.start("count=3000", icount="shift=7,sleep=on")
    logger.wait(0, 300)
    in_order_and_once(rig, 3000)
    found = counters(logger.output())
    able = found["readings"] * 1000 / found["busy_ms"]
    seen = found["readings"] * 1000 / found["ms"]
    if able < 500:
        raise Failure(f"{able:.0f} readings a second of work")
    return f"{able:.0f} readings a second of work, {seen:.0f} with all waiting for the broker"


def restart(rig):
    """The broker is killed in the middle and comes back: every number arrives."""
    rig.start_broker(persistent=True)
    rig.subscribe()
    logger = rig.start("count=2000 interval_ms=2")
    rig.wait_for_numbers(300)
    rig.broker.kill()
    time.sleep(1.5)
    rig.start_broker(persistent=True)
    logger.wait(0, 240)
    rig.wait_for_numbers(2000)
    numbers = rig.numbers()
    expect("missing numbers", sorted(set(range(1, 2001)) - set(numbers)), [])
    found = counters(logger.output())
    return (f"2000 readings, {len(numbers) - 2000} twice, {found['saved']} over the card, "
            f"{found['resent']} sent again")


def endless(rig, topic, first, more):
    """An image that has no end; the broker is killed and comes back: every number arrives."""
    rig.start_broker(persistent=True)
    rig.subscribe(topic)
    image = rig.start("")
    rig.wait_for_numbers(first)
    rig.broker.kill()
    time.sleep(1.5)
    rig.start_broker(persistent=True)
    rig.wait_for_numbers(first + more)
    image.kill()
    numbers = rig.numbers()
    expect("missing numbers", sorted(set(range(1, max(numbers) + 1)) - set(numbers)), [])
    return f"{max(numbers)} readings, {len(numbers) - max(numbers)} twice"


def c_publisher(rig):
    """It has no card: what the ring does not take is measured again."""
    rig.board, rig.card = PUBLISHER_BOARD, ""
    return endless(rig, "mcu/+/meter", 200, 400)


def sensor_logger_product(rig):
    """One reading a second."""
    return endless(rig, "mcu/+/reading", 3, 6)


def commands(rig):
    """Good commands are obeyed; malformed, unknown, oversize, out of range ones refused, counted."""
    rig.start_broker()
    rig.subscribe()
    status = rig.run("status", ["stdbuf", "-oL", "mosquitto_sub", "-p", str(rig.broker_port), "-v", "-t",
                                "mcu/+/status"], "status.log")
    logger = rig.start("interval_ms=20")
    rig.wait_for_numbers(5)
    refused = ['{"interval_ms":0}', '{"interval_ms":3600001}', '{"interval_ms":"5"}',
               '{"reboot":true}', '{"stop":tru}', "[]", '{"report":true}}',
               '{"stop":true,"stop":true}', '{"stop":true}\x00']
    for payload in refused:
        rig.publish(payload)
    rig.publish('{"stop":true,"filler":"' + "x" * 4000 + '"}')
    rig.publish('{"interval_ms":5}')
    rig.publish('{"report":true}')
    wait_until(lambda: '"readings"' in status.output(), 20, "the status is reported")
    rig.publish('{"stop":true}')
    logger.wait(0, 60)
    found = counters(logger.output())
    expect("commands obeyed", found["commands"], 3)
    expect("commands refused", found["refused_commands"], len(refused))
    expect("oversize", found["oversize"], 1)
    in_order_and_once(rig, found["readings"])
    return f"3 obeyed, {len(refused)} refused, 1 oversize"


def offline(rig):
    """No broker for 10,000 readings: they wait on the card, then come in order and once each."""
    rig.start_broker(persistent=True)
    rig.subscribe()
    rig.subscriber.stop(expect=None)
    rig.broker.stop()
    logger = rig.start("count=10000")
    logger.wait_for_output("^all_saved 10000$", 240)
    rig.start_broker(persistent=True)
    rig.subscribe()
    logger.wait(0, 240)
    in_order_and_once(rig, 10000)
    return (f"10000 readings over the card, {counters(logger.output())['card_writes']} sectors "
            "written")


def cut_at(rig, count, cut):
    """One power cut and the next boot. (exit code of the first, readings that are synced)"""
    rig.blank_card()
    code, output = rig.boot(f"count={count} offline=1 cut={cut}")
    confirmed = max([int(number) for number in re.findall(r"saved (\d+)", output)], default=0)
    checked, found = rig.boot("check=1")
    if checked != 0:
        raise Failure(f"cut at write {cut}: {output}the next boot ends with {checked}: {found}")
    synced, cursor, read = (counters(found)[name] for name in ("synced", "cursor", "found"))
    if synced < confirmed or read != synced or cursor != 0:
        raise Failure(f"cut at write {cut}: {confirmed} confirmed, {synced} synced, {read} read")
    if rig.options.telemetry:
        imported(rig, synced)
    return code, synced


def imported(rig, synced):
    """`telemetry import` reads the same readings from the image; a second time nothing is new."""
    folder = pathlib.Path(rig.path("imported"))
    subprocess.run(["rm", "-rf", folder], check=True)
    folder.mkdir()
    config = folder / "edge.yaml"
    config.write_text(
        f"mqtt: {{broker: 127.0.0.1}}\njournal: {{path: {folder}/journal}}\nschema: {{path: {SCHEMAS}}}\n"
        f"storage: {{backend: sqlite, sqlite: {{path: {folder}/rows.db}}}}\n", "utf-8")
    for _ in range(2):
        subprocess.run([rig.options.telemetry, "import", "--config", str(config), rig.card],
                       check=True, capture_output=True, timeout=60)
    rows = subprocess.run([rig.options.telemetry, "query", "--config", str(config), "--format",
                           "jsonl", "--limit", "1000000"], check=True, capture_output=True,
                          text=True, timeout=60)
    numbers = [json.loads(line)["payload"]["seq"] for line in rows.stdout.splitlines()]
    expect("imported numbers", sorted(numbers), list(range(1, synced + 1)))


def power_cut(rig):
    """The power fails at a write to the card: nothing that was confirmed is lost."""
    if os.environ.get("CI") == "true" and not rig.options.telemetry:
        raise Failure("the program `telemetry` is not built: scripts/build release telemetry")
    cuts = 0
    for count, step in ((500, 1 if rig.options.all else 12), (10_000, 0)):
        rig.blank_card()
        code, output = rig.boot(f"count={count} offline=1")
        expect("exit code without a cut", code, 0)
        writes = counters(output)["card_writes"]
        every = range(1, writes + 1)
        every = every[::step] if step else rig.random.sample(every, 100 if rig.options.all else 3)
        for cut in every:
            code, _ = cut_at(rig, count, cut)
            expect(f"cut at write {cut} of {writes}: exit code", code, POWER_CUT)
            cuts += 1
        expect("readings without a cut", cut_at(rig, count, writes + 1), (0, count))
    return f"{cuts} cuts" + ("" if rig.options.telemetry else ", without telemetry import")


SCENARIOS = {f.__name__: f
             for f in (connected, throughput, restart, commands, offline, power_cut, c_publisher,
                       sensor_logger_product)}
NEED_A_CARD = (offline, power_cut)  # the others go on without


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--qemu", required=True)
    parser.add_argument("--image", required=True)
    parser.add_argument("--telemetry", default="", help="the program; without it nothing is imported")
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--keep", action="store_true", help="keep the temporary folder")
    parser.add_argument("scenarios", nargs="+", choices=[*SCENARIOS])
    options = parser.parse_args()
    options.work, options.bin = None, None
    if not os.path.exists(options.telemetry):
        options.telemetry = ""
    failures = 0
    for name in options.scenarios:
        fault = qemu_card.fault(options.qemu, options.image) if SCENARIOS[name] in NEED_A_CARD else ""
        if fault:
            print(f"skipped: {name}: {fault}", flush=True)
            continue
        rig = Logger(options, name)
        failed = True
        try:
            print(f"{name}: {SCENARIOS[name](rig)}", flush=True)
            failed = False
        except Failure as failure:
            print(f"{name} FAILED (--seed {options.seed}): {failure}", flush=True)
            failures += 1
        finally:
            rig.close(failed)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

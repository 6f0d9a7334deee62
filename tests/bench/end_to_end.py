#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""End to end: publisher -> mosquitto -> ingester -> SQLite, QoS 1; messages/s and what they cost.

  tests/bench/end_to_end.py --bin build/release/bin
  tests/bench/end_to_end.py --bin build/release/bin --baselines DIR --rounds 7 --pin

Two measurements for each program:
  live      telemetry-sim publishes as fast as the broker lets it, while the program ingests; from
            the first message to the last row in SQLite.
  backlog   the same number of messages waits in the session; from the start of the program's
            process to the last row in SQLite.
Unpinned figures of MQTT are bimodal: --pin holds broker and publisher on CPU 0 and, live, the
program on CPU 1; in the backlog the program may use both.
Rounds are interleaved (every program once per round), figures are medians [least-most]. Each run
counts its rows: a program that lost one fails the benchmark.

Beside telemetry-edge stands a counting client (the same library, acknowledges at once, stores
nothing), and with --baselines the two programs a user might write instead: ingest.py (paho) and
ingest.js (mqtt.js, better-sqlite3) of that folder. Those do not hold acknowledgements back: they
do less.

Python's standard library only; needs mosquitto. Exit code: 0 done, 1 rows were lost, 2 wrong usage.
"""

import argparse
import os
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests/crash"))
from programs import mosquitto  # noqa: E402
FILTER = "sensors/+/temperature"
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
WAIT_S = 300

EDGE_CONFIG = """\
mqtt:
  broker: 127.0.0.1
  port: {port}
  client_id: bench-edge
  topics: [{{topic: "{filter}", qos: 1}}]
journal: {{path: {folder}/journal}}
storage: {{backend: sqlite, sqlite: {{path: {database}}}}}
schema: {{path: {schemas}}}
"""


class Lost(Exception):
    """A program did not store what was published; the text says which and how many."""


def pinned(options, cpu, command):
    return ["taskset", "-c", str(cpu), *command] if options.pin else command


# The catalogue changes with the rows, in one transaction. max(id) of `messages` takes seconds as soon
# as there is more than one partition.
NEWEST = "SELECT max(last_id) FROM partitions"


class Program:
    """One ingester: how it is started in a folder, and where its rows are."""

    def __init__(
        self, name, command, stores=True, environment=None, newest="SELECT max(id) FROM messages"
    ):
        self.name = name
        self.command = command  # (folder, port, count) -> argument list
        self.stores = stores
        self.environment = environment or {}
        self.newest = newest  # asks for the number of the newest row

    def start(self, folder, port, count, prefix=()):
        log = open(os.path.join(folder, "ingester.log"), "ab+")
        child = subprocess.Popen(
            [*prefix, *self.command(folder, port, count)],
            cwd=folder,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **self.environment},
        )
        return Running(self, child, log, folder)


class Running:
    def __init__(self, program, child, log, folder):
        self.program, self.child, self.log = program, child, log
        self.log_start = os.fstat(log.fileno()).st_size
        self.database = os.path.join(folder, "rows.db")

    def output(self):
        return os.pread(self.log.fileno(), 1 << 20, self.log_start).decode("utf-8", "replace")

    def wait_for(self, word):
        deadline = time.monotonic() + WAIT_S
        while not re.search(rf"\b{word}$", self.output(), re.MULTILINE):
            if self.child.poll() is not None or time.monotonic() > deadline:
                raise Lost(f"{self.program.name} never said '{word}':\n{self.output()[-2000:]}")
            time.sleep(0.005)

    def ask(self, question):
        """The one number that answers a query; 0 while there is no table yet."""
        try:
            store = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5)
        except sqlite3.OperationalError:
            return 0
        try:
            return store.execute(question).fetchone()[0] or 0
        except sqlite3.OperationalError:
            return 0
        finally:
            store.close()

    def wait_for_all(self, count):
        """Waits for the last of `count` messages; returns the time it was there."""
        if not self.program.stores:
            self.wait_for("done")
            return time.monotonic()
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            began = time.monotonic()
            # All programs number their rows from 1.
            there = self.ask(self.program.newest) >= count
            ended = time.monotonic()
            if there:
                break
            # Looking costs time that the ingester needs: at most a tenth of it.
            time.sleep(max(0.01, 9 * (ended - began)))
        rows = self.ask("SELECT count(*) FROM messages")
        if rows != count:
            raise Lost(
                f"{self.program.name}: {rows} rows of {count} messages\n{self.output()[-2000:]}"
            )
        return ended

    def cpu_s(self):
        with open(f"/proc/{self.child.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICKS_PER_S

    def memory_mb(self):
        with open(f"/proc/{self.child.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) / 1024

    def stop(self):
        self.child.send_signal(signal.SIGTERM)
        try:
            self.child.wait(60)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
        self.log.close()

    def bytes_per_row(self, count):
        if not self.program.stores:
            return None
        store = sqlite3.connect(self.database)
        store.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        store.close()
        return os.path.getsize(self.database) / count


class Broker:
    def __init__(self, folder, options):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        config = os.path.join(folder, "mosquitto.conf")
        with open(config, "w", encoding="utf-8") as out:
            # Unlimited queues: the default of 1000 loses messages silently at these rates.
            out.write(
                f"listener {self.port} 127.0.0.1\nallow_anonymous true\nlog_type error\n"
                "max_queued_messages 0\nmax_inflight_messages 0\nsys_interval 1\n"
            )
        self.child = subprocess.Popen(pinned(options, 0, [mosquitto(), "-c", config]))
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise Lost("mosquitto does not listen")

    def stop(self):
        self.child.terminate()
        self.child.wait()


def simulator(options, port, count, rate, in_flight=100):
    """The command of the publisher; rate 0: as fast as the broker lets it."""
    arguments = {
        "broker": "127.0.0.1",
        "port": port,
        "rate": rate,
        "count": count,
        "devices": options.devices,
        "dc": 0,
        "ac": 0,
        "heartbeat-interval": 0,
        "in-flight": in_flight,
        "drain": 120,
        "seed": 1,
    }
    command = [os.path.join(options.bin, "telemetry-sim"), "--quiet"]
    for name, value in arguments.items():
        command += [f"--{name}", str(value)]
    return pinned(options, 0, command)


def publish(options, port, count, in_flight=100):
    done = subprocess.run(
        simulator(options, port, count, 0, in_flight), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise Lost(f"telemetry-sim: exit code {done.returncode}: {done.stdout}{done.stderr}")


def measure_live(options, program, folder, broker):
    running = program.start(folder, broker.port, options.count, pinned(options, 1, []))
    try:
        running.wait_for("ready")
        cpu, began = running.cpu_s(), time.monotonic()
        publish(options, broker.port, options.count)
        seconds = running.wait_for_all(options.count) - began
        cpu, memory = running.cpu_s() - cpu, running.memory_mb()
    finally:
        running.stop()
    return {
        "live": options.count / seconds,
        "cpu": cpu * 1e5 / options.count,
        "memory": memory,
        "bytes": running.bytes_per_row(options.count),
    }


def measure_backlog(options, program, folder, broker):
    running = program.start(folder, broker.port, options.backlog)
    try:
        running.wait_for("ready")  # the broker keeps the session from here on
    finally:
        running.stop()
    # A wide window: with nobody reading, delayed TCP acknowledgements stop a narrow one 25 times
    # a second.
    publish(options, broker.port, options.backlog, in_flight=20_000)
    began = time.monotonic()
    running = program.start(folder, broker.port, options.backlog)
    try:
        seconds = running.wait_for_all(options.backlog) - began
        cpu, memory = running.cpu_s(), running.memory_mb()
    finally:
        running.stop()
    return {
        "backlog": options.backlog / seconds,
        "backlog_cpu": cpu * 1e5 / options.backlog,
        "backlog_memory": memory,
    }


def measure(options, program):
    figures = {}
    for part in (measure_live, measure_backlog):
        folder = tempfile.mkdtemp(prefix="telemetry-bench-", dir=options.work)
        broker = Broker(folder, options)
        try:
            figures.update(part(options, program, folder, broker))
        finally:
            broker.stop()
            shutil.rmtree(folder, ignore_errors=True)
    return figures


def edge_command(options):
    def command(folder, port, _):
        config = os.path.join(folder, "edge.yaml")
        with open(config, "w", encoding="utf-8") as out:
            out.write(
                EDGE_CONFIG.format(
                    port=port,
                    filter=FILTER,
                    folder=folder,
                    database=os.path.join(folder, "rows.db"),
                    schemas=os.path.join(ROOT, "examples", "schemas"),
                )
            )
        return [os.path.join(options.bin, "telemetry-edge"), "--config", config]

    return command


def baseline_programs(folder, work):
    """The baselines that this machine can run; says why one is left out."""
    programs = []
    python, script = "/usr/bin/python3", os.path.join(folder, "ingest.py")
    if subprocess.run(
        [python, "-c", "import paho.mqtt.client"], capture_output=True, check=False
    ).returncode:
        print("ingest.py left out: apt install python3-paho-mqtt", file=sys.stderr)
    else:
        # Its best setting here: a writer thread and 1000 rows a batch.
        programs.append(
            Program(
                "ingest.py",
                lambda where, port, _: [
                    python,
                    script,
                    str(port),
                    os.path.join(where, "rows.db"),
                    "1000",
                    "1",
                    "1",
                    "NORMAL",
                ],
                environment={"PERSIST": "1"},
            )
        )
    node = shutil.which("node")
    modules = os.path.join(work, "node")
    shutil.copytree(folder, modules)
    if node and not os.path.isdir(os.path.join(modules, "node_modules")) and shutil.which("npm"):
        subprocess.run(
            ["npm", "install", "--silent", "--no-fund", "--no-audit"], cwd=modules, check=False
        )
    if not node or not os.path.isdir(os.path.join(modules, "node_modules")):
        print(
            "ingest.js left out: node, or its packages (npm install), are missing", file=sys.stderr
        )
    else:
        programs.append(
            Program(
                "ingest.js",
                lambda where, port, _: [
                    node,
                    os.path.join(modules, "ingest.js"),
                    str(port),
                    os.path.join(where, "rows.db"),
                    "1000",
                    "1",
                ],
                environment={"PERSIST": "1"},
            )
        )
    return programs


COLUMNS = [
    ("live", "live msg/s", "{:,.0f}"),
    ("backlog", "backlog msg/s", "{:,.0f}"),
    ("cpu", "CPU s per 100,000 live", "{:.2f}"),
    ("backlog_cpu", "CPU s per 100,000 backlog", "{:.2f}"),
    ("memory", "VmHWM MB live", "{:.0f}"),
    ("backlog_memory", "VmHWM MB backlog", "{:.0f}"),
    ("bytes", "bytes per row", "{:.0f}"),
]


def print_table(programs, results):
    def middle(program, key):
        values = [figures[key] for figures in results[program.name] if figures[key] is not None]
        return (statistics.median(values), min(values), max(values)) if values else None

    print("| program | " + " | ".join(title for _, title, _ in COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for program in programs:
        cells = []
        for key, _, form in COLUMNS:
            found = middle(program, key)
            cells.append(
                "-"
                if found is None
                else form.format(found[0])
                + (
                    f" [{form.format(found[1])}-{form.format(found[2])}]"
                    if len(results[program.name]) > 1
                    else ""
                )
            )
        print(f"| {program.name} | " + " | ".join(cells) + " |")
    for program in programs[1:]:
        ratios = []
        for key, title, _ in COLUMNS:
            ours, other = middle(programs[0], key), middle(program, key)
            if ours and other and other[0]:
                ratios.append(f"{title} {ours[0] / other[0]:.2f}")
        print(f"\n{programs[0].name} : {program.name} = {', '.join(ratios)}")


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--bin", required=True, metavar="DIR", help="folder of telemetry-edge and telemetry-sim"
    )
    parser.add_argument("--baselines", metavar="DIR", help="folder of ingest.py and ingest.js")
    parser.add_argument("--count", type=int, default=300_000, help="messages per run")
    parser.add_argument(
        "--backlog", type=int, help="messages that wait in the session; default: as --count"
    )
    parser.add_argument("--devices", type=int, default=1_000, help="topics")
    parser.add_argument("--pin", action="store_true", help="taskset: see above")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", metavar="DIR", help="where temporary folders are made")
    options = parser.parse_args()
    options.bin = os.path.abspath(options.bin)
    options.backlog = options.backlog or options.count
    for program in ("telemetry-edge", "telemetry-sim"):
        if not os.access(os.path.join(options.bin, program), os.X_OK):
            parser.error(f"{options.bin}/{program} does not exist; build it first")
    return options


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left running
    counting = os.path.join(os.path.dirname(options.bin), "tests", "counting_client")
    work = tempfile.mkdtemp(prefix="telemetry-bench-", dir=options.work)
    try:
        programs = [Program("telemetry-edge", edge_command(options), newest=NEWEST)]
        if os.access(counting, os.X_OK):
            programs.append(
                Program(
                    "counting client",
                    lambda _, port, count: [counting, str(port), str(count), FILTER],
                    stores=False,
                )
            )
        if options.baselines:
            programs += baseline_programs(os.path.abspath(options.baselines), work)
        results = {program.name: [] for program in programs}
        for number in range(options.rounds):
            for program in programs:
                results[program.name].append(measure(options, program))
                print(
                    f"round {number + 1}/{options.rounds}  {program.name:16} "
                    f"{results[program.name][-1]['live']:10,.0f} msg/s live",
                    file=sys.stderr,
                    flush=True,
                )
        print(
            f"{options.count:,} messages live, {options.backlog:,} in the backlog, on {options.devices:,} topics, QoS 1, "
            f"{options.rounds} rounds, median [least-most]\n"
        )
        print_table(programs, results)
        return 0
    except Lost as lost:
        print(f"end_to_end.py: {lost}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

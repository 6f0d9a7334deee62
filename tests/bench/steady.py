#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""telemetry-edge at a fixed rate: does it keep up, how soon can a message be queried, what it costs.

  tests/bench/steady.py --bin build/release/bin --rate 40000 --seconds 60

telemetry-sim publishes QoS 1 at that rate through mosquitto. Meanwhile a reader with a connection
of its own polls the database; the latency of a message is from its publication (the time in its
payload) to the end of the poll that saw it first. The messages in the broker are asked of
$SYS/broker/store/messages/count. Fails when a row is missing or the rate was not reached.

With --acknowledgements a proxy between broker and telemetry-edge times each PUBACK from its PUBLISH;
it is a Python program and shares the CPU with the broker, so keep to 10,000 messages/s.

Python's standard library only; needs mosquitto and mosquitto_sub. Exit code: 0 done, 1 rows were
lost or the publisher fell behind, 2 wrong usage.
"""

import argparse
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

import end_to_end
from ack_proxy import AckProxy
from end_to_end import NEWEST, Broker, Lost, Program

POLL_S = 0.01
EACH = 97  # every so many rows, one is timed


class Poller:
    """Sees new rows as another program would."""

    def __init__(self, database):
        self.store = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5)
        self.last = 0
        self.latencies_s = []

    def poll(self):
        newest = self.store.execute(NEWEST).fetchone()[0] or 0
        if newest == self.last:
            return
        rows = self.store.execute(
            "SELECT time_ns FROM messages WHERE id > ? AND id <= ? AND id % ? = 0",
            (self.last, newest, EACH),
        ).fetchall()
        seen = time.time()
        self.latencies_s += [seen - row[0] / 1e9 for row in rows]
        self.last = newest


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def measure(options, folder, broker):
    program = Program("telemetry-edge", end_to_end.edge_command(options), newest=NEWEST)
    proxy = AckProxy(broker.port) if options.acknowledgements else None
    port = proxy.port if proxy else broker.port
    running = program.start(folder, port, 0, end_to_end.pinned(options, 1, []))
    count = int(options.rate * options.seconds)
    queue_log = os.path.join(folder, "queue.log")
    try:
        running.wait_for("ready")
        time.sleep(1)
        idle_mb = running.memory_mb()
        poller = Poller(running.database)
        with open(queue_log, "wb") as out:
            watcher = subprocess.Popen(
                ["mosquitto_sub", "-p", str(broker.port), "-t", "$SYS/broker/store/messages/count"],
                stdout=out,
            )
        cpu, began = running.cpu_s(), time.monotonic()
        publisher = subprocess.Popen(
            end_to_end.simulator(options, broker.port, count, options.rate, in_flight=1_000),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        while publisher.poll() is None:
            poller.poll()
            time.sleep(POLL_S)
        published_s = time.monotonic() - began
        ended = time.monotonic()
        after_s = running.wait_for_all(count) - ended
        cpu, peak_mb = running.cpu_s() - cpu, running.memory_mb()
        watcher.terminate()
        watcher.wait()
    finally:
        running.stop()
    if publisher.returncode != 0:
        raise Lost(f"telemetry-sim: exit code {publisher.returncode}")
    if published_s > options.seconds * 1.05:
        raise Lost(f"the publisher reached {count / published_s:,.0f} messages/s only")
    with open(queue_log, encoding="ascii") as log:
        queue = [int(line) for line in log if line.strip()]
    third = max(1, len(queue) // 3)
    figures = {}
    if proxy:
        if len(proxy.latencies_s) != count:
            raise Lost(f"{len(proxy.latencies_s)} of {count} messages were acknowledged")
        figures = {
            "PUBLISH -> PUBACK p50 ms": percentile(proxy.latencies_s, 0.5) * 1e3,
            "PUBLISH -> PUBACK p99 ms": percentile(proxy.latencies_s, 0.99) * 1e3,
        }
    return figures | {
        "publish -> queryable p50 ms": percentile(poller.latencies_s, 0.5) * 1e3,
        "publish -> queryable p99 ms": percentile(poller.latencies_s, 0.99) * 1e3,
        "messages in the broker, first third": statistics.median(queue[:third]),
        "messages in the broker, last third": statistics.median(queue[-third:]),
        "last row after the last publication, ms": after_s * 1e3,
        "CPU s per 100,000": cpu * 1e5 / count,
        "VmHWM MB idle": idle_mb,
        "VmHWM MB": peak_mb,
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bin", required=True, metavar="DIR")
    parser.add_argument("--rate", type=float, default=40_000, help="messages per second")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--devices", type=int, default=1_000, help="topics")
    parser.add_argument(
        "--acknowledgements", action="store_true", help="time from PUBLISH to PUBACK, too"
    )
    parser.add_argument("--pin", action="store_true", help="as end_to_end.py")
    parser.add_argument("--work", metavar="DIR", help="where the temporary folder is made")
    options = parser.parse_args()
    options.bin = os.path.abspath(options.bin)
    folder = tempfile.mkdtemp(prefix="telemetry-bench-", dir=options.work)
    try:
        broker = Broker(folder, options)
        try:
            figures = measure(options, folder, broker)
        finally:
            broker.stop()
        print(f"{options.rate:,.0f} messages/s for {options.seconds:g} s, all stored\n")
        for name, value in figures.items():
            print(f"{name:42} {value:10,.2f}")
        return 0
    except Lost as lost:
        print(f"steady.py: {lost}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

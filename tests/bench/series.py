#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How long does a series of many rows take, beside an export of the same rows, in one run?

  tests/bench/series.py --bin build/release/bin [--rows 10000000] [--rounds 3] [--spikes 100]

bench_sqlite fills a store with the rows of one topic, telemetry-gateway serves it, and this asks by turns for
GET /api/series (1,000 columns), the same over a hundredth of the time, and for the export as CSV and as JSON Lines.
Time is that of the clock and that of the gateway's processor. Checked: the rows of each answer; for each column that
the first, last, lowest and highest are those that plain SQL finds; and that a spike of one row is seen at --spikes
random places (at most 500): in the answer over the whole range, and in one over a part of it. On a busy machine give
it priority, in a session of its own (setsid): echo -10 > /proc/self/autogroup. --topics N spreads the rows over N
topics and asks for all at once.

Figures are medians [least-most]. Exit code: 0 done, 1 a check failed, 2 wrong usage.
"""

import argparse
import json
import os
import random
import re
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

BAR = 0.2  # of the export as CSV
COLUMNS = 1000
FIELD = "temperature"
CONFIG = """\
mqtt: {{broker: 127.0.0.1, port: 1, client_id: bench-series, topics: [{{topic: "none", qos: 1}}]}}
journal: {{path: {folder}/journal}}
storage: {{backend: sqlite, sqlite: {{path: {database}}}}}
web: {{port: {port}, api: {{query_timeout: 10m}}}}
"""


class Wrong(Exception):
    """A check failed; the text says which."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Rig:
    def __init__(self, options, folder):
        self.options, self.folder, self.port = options, folder, free_port()
        self.database = os.path.abspath(options.store or os.path.join(folder, "rows.db"))
        tool = os.path.join(options.bin, "../tests/bench_sqlite")
        done = None if os.path.exists(self.database) else subprocess.run([tool, str(options.rows), str(options.topics), "25000", "NORMAL", self.database],
                              capture_output=True, text=True, check=False)  # fmt: skip
        if done and done.returncode != 0:
            raise Wrong(f"bench_sqlite: {done.stderr}")
        config = os.path.join(folder, "gateway.yaml")
        with open(config, "w", encoding="utf-8") as out:
            out.write(CONFIG.format(folder=folder, database=self.database, port=self.port))
        self.log = os.path.join(folder, "gateway.log")
        with open(self.log, "wb") as log:
            self.gateway = subprocess.Popen([os.path.join(options.bin, "telemetry-gateway"), "-c", config],
                                            stdout=log, stderr=subprocess.STDOUT, cwd=folder)  # fmt: skip
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        with open(self.log, encoding="utf-8") as log:
            raise Wrong(f"the gateway does not serve:\n{log.read()[-2000:]}")

    def stop(self):
        self.gateway.terminate()
        self.gateway.wait(60)

    def cpu_s(self):
        return time.clock_gettime((~self.gateway.pid << 3) | 2)  # as clock_getcpuclockid() makes it

    def timed(self, ask, *given):
        """What it answers, how long it took, and what of the processor."""
        begin, cpu = time.monotonic(), self.cpu_s()
        answer = ask(*given)
        return answer, (time.monotonic() - begin, self.cpu_s() - cpu)

    def series(self, more=""):
        address = f"http://127.0.0.1:{self.port}/api/series?topic=sensors/%23&fields={FIELD}&downsample={COLUMNS}&limit=200{more}"
        with urllib.request.urlopen(address, timeout=600) as answer:
            return json.loads(answer.read())

    def export(self, form):
        """How many rows came."""
        lines = 0
        address = f"http://127.0.0.1:{self.port}/api/export?topic=sensors/%23&format={form}"
        with urllib.request.urlopen(address, timeout=600) as answer:
            while piece := answer.read(1 << 20):
                lines += piece.count(b"\n")
        return lines - (form == "csv")

    def memory_mb(self):
        with open(f"/proc/{self.gateway.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmHWM:\s+(\d+) kB", status.read()).group(1)) / 1024


def ns_of(ms):
    """Of times in whole us, which the rows have; a float does not hold more."""
    return round(ms * 1000) * 1000


def connect(rig):
    return sqlite3.connect(rig.database, timeout=30, isolation_level=None)


def check_columns(rig, answer):
    """Lowest and highest of each column, and which rows there are, by plain SQL."""
    width = round(answer["column_ms"] * 1e6)
    database = connect(rig)
    tables = [row[0] for row in database.execute("SELECT table_name FROM partitions")]
    topics = dict(database.execute("SELECT id, topic FROM topics"))
    plain = {}  # (topic, column) -> rows, lowest, highest, first, last
    for table in tables:
        groups = database.execute(f'SELECT topic_id, time/{width}, count({FIELD}), min({FIELD}), max({FIELD}), min(time), max(time)'
                                  f' FROM "{table}" GROUP BY 1, 2')  # fmt: skip
        for topic, column, *found in groups:
            known = plain.get((topics[topic], column), found)
            rows = found[0] + (known[0] if known is not found else 0)
            plain[topics[topic], column] = [rows, min(known[1], found[1]), max(known[2], found[2]),
                                            min(known[3], found[3]), max(known[4], found[4])]  # fmt: skip
    database.close()
    rows = 0
    for line in answer["data"]:
        columns = {}
        for at, value in zip(line["times"], line["values"]):
            columns.setdefault(ns_of(at) // width, []).append((ns_of(at), value))
        if line["times"] != sorted(line["times"]):
            raise Wrong("times do not ascend")
        for column, points in columns.items():
            count, *wanted = plain.pop((line["topic"], column))
            values = [value for _, value in points]
            found = [min(values), max(values), points[0][0], points[-1][0]]
            if found != wanted or len(points) > 4:
                raise Wrong(f"column {column} of {line['topic']}: {found}, not {wanted}")
            rows += count
    if plain and not answer["more"]:
        raise Wrong(f"{len(plain)} columns have no points")
    return rows


def spiked(answer, topic, at, spike):
    return any(value == spike and ns_of(time_ms) == at for line in answer["data"] if line["topic"] == topic
               for time_ms, value in zip(line["times"], line["values"]))  # fmt: skip


def check_spikes(rig, whole):
    """Spikes of one row at random places, no two of one sign in a column: all of them are in the answer over the whole
    range, and each in that over a random part of it. @returns how many were in both"""
    options, database, width = rig.options, connect(rig), round(whole["column_ms"] * 1e6)
    parts = list(database.execute("SELECT table_name, first_id, last_id FROM partitions"))
    topics = dict(database.execute("SELECT id, topic FROM topics"))
    chance, spikes = random.Random(20261201), {}
    while len(spikes) < options.spikes:
        row, high = chance.randint(1, options.rows), len(spikes) % 2 == 0
        table = next(name for name, first, last in parts if first <= row <= last)
        topic, before, at = database.execute(f'SELECT topic_id, {FIELD}, time FROM "{table}" WHERE id=?', (row,)).fetchone()
        spikes.setdefault((topic, at // width, high), (table, row, topics[topic], before, at))

    def put(values):
        database.execute("BEGIN IMMEDIATE")
        for (table, row, *_), value in zip(spikes.values(), values):
            database.execute(f'UPDATE "{table}" SET {FIELD}=? WHERE id=?', (value, row))
        database.execute("COMMIT")

    values = [149.5 if high else -49.5 for *_, high in spikes]
    put(values)
    try:
        answer, seen = rig.series(), 0
        for (_, _, topic, _, at), value in zip(spikes.values(), values):
            span = (whole["end_ms"] - whole["start_ms"]) * chance.uniform(0.01, 0.1)
            start = at / 1e6 - span * chance.random()
            near = rig.series(f"&start={start / 1000:.3f}&end={(start + span) / 1000 + 0.001:.3f}")
            seen += spiked(answer, topic, at, value) and spiked(near, topic, at, value)
    finally:
        put([before for _, _, _, before, _ in spikes.values()])
        database.close()
    return seen


def text(values):
    return f"{statistics.median(values):.3f} s [{min(values):.3f}-{max(values):.3f}]"


def measure(rig):
    options, took = rig.options, {}
    whole = rig.series()
    expected = sum(line["rows"] for line in whole["data"])
    if expected != options.rows and not whole["more"]:
        raise Wrong(f"{expected} rows in the series of {options.rows}")
    if check_columns(rig, whole) != expected:
        raise Wrong("plain SQL finds other rows")
    middle = (whole["start_ms"] + whole["end_ms"]) / 2000
    span = (whole["end_ms"] - whole["start_ms"]) / 100_000  # a hundredth
    narrow = f"&start={middle:.3f}&end={middle + span:.3f}"
    for _ in range(options.rounds):
        answer, seconds = rig.timed(rig.series)
        if answer != whole:
            raise Wrong("the same question has another answer")
        took.setdefault("series", []).append(seconds)
        took.setdefault("narrow", []).append(rig.timed(rig.series, narrow)[1])
        for form in () if options.no_export else ("csv", "jsonl"):
            rows, seconds = rig.timed(rig.export, form)
            if rows != options.rows:
                raise Wrong(f"{rows} rows in the export of {options.rows}")
            took.setdefault(form, []).append(seconds)
    points = sum(len(line["times"]) for line in whole["data"])
    print(f"{options.rows} rows, {options.topics} topic(s), {COLUMNS} columns, {points} points")
    for name, values in took.items():
        print(f"{name:8} {text([wall for wall, _ in values])}, processor {text([cpu for _, cpu in values])}")
    for form in ("csv", "jsonl"):
        if form in took:
            wall, cpu = (statistics.median(one[at] for one in took["series"]) / statistics.median(one[at] for one in took[form])
                         for at in (0, 1))  # fmt: skip
            verdict = f" (bar {BAR}: {'held' if wall <= BAR else 'MISSED'})" if form == "csv" else ""
            print(f"series : export as {form}: {wall:.3f}{verdict}, processor {cpu:.3f}")
    print(f"VmHWM of the gateway: {rig.memory_mb():.1f} MB", flush=True)
    seen = check_spikes(rig, whole)
    print(f"spikes seen: {seen} of {options.spikes}")
    if seen != options.spikes:
        raise Wrong("a spike was not seen")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--topics", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--spikes", type=int, default=100)
    parser.add_argument("--no-export", action="store_true", help="only the series")
    parser.add_argument("--store", metavar="FILE", help="database of an earlier run with the same --rows and --topics, or where one "
                                                        "is made and kept; without, in a folder that is removed")  # fmt: skip
    options = parser.parse_args()
    if options.spikes > COLUMNS // 2:
        parser.error(f"--spikes: at most {COLUMNS // 2}, because each has a column of its own")
    options.bin = os.path.abspath(options.bin)
    with tempfile.TemporaryDirectory(prefix="bench-series-") as folder:
        try:
            rig = Rig(options, folder)
            try:
                measure(rig)
            finally:
                rig.stop()
        except Wrong as wrong:
            print(f"series: {wrong}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

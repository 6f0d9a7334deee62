#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Questions to `telemetry` and to the sqlite3 shell on the table of the older programs, in one run.

Both databases hold the same messages and are made first: ours by bench_sqlite, the other one, with its
indices, from our view `messages`. Each question is asked of both in turn, --rounds times; the answers must be
the same. Prints the median of the times and their ratio.

usage: questions.py [--bin DIR] [--rows N] [--topics N] [--rounds N] [--folder DIR] [--only WORD]
--folder keeps the databases for the next run.
"""
import argparse
import csv
import io
import json
import math
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

WEEK = 7 * 86_400
START = 1_795_248_000


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin", type=pathlib.Path)
    parser.add_argument("--rows", default=20_000_000, type=int)
    parser.add_argument("--topics", default=1000, type=int)
    parser.add_argument("--rounds", default=3, type=int)
    parser.add_argument("--folder", type=pathlib.Path)
    parser.add_argument("--only", default="")
    return parser.parse_args()


def make(options, folder):
    ours, theirs = folder / "ours.db", folder / "theirs.db"
    if not ours.exists():
        bench = options.bin.parent / "tests" / "bench_sqlite"
        step = WEEK * 1_000_000 // options.rows
        subprocess.run([bench, str(options.rows), str(options.topics), "25000", "NORMAL", ours, str(step)],
                       check=True, stdout=subprocess.DEVNULL)
    if not theirs.exists():
        begin = time.monotonic()
        subprocess.run(["sqlite3", f"{theirs}.part"], check=True, text=True, input=f"""
            PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;
            CREATE TABLE messages (id INTEGER PRIMARY KEY AUTOINCREMENT, topic TEXT NOT NULL, payload TEXT NOT NULL,
              timestamp TEXT, received_at TEXT NOT NULL, created_at TEXT DEFAULT CURRENT_TIMESTAMP);
            ATTACH '{ours}' AS ours;
            INSERT INTO messages SELECT id, topic, payload, timestamp, received_at, created_at FROM ours.messages;
            CREATE INDEX idx_messages_topic ON messages(topic);
            CREATE INDEX idx_messages_timestamp ON messages(timestamp);""")
        pathlib.Path(f"{theirs}.part").rename(theirs)
        print(f"made the other database in {time.monotonic() - begin:.0f} s", file=sys.stderr)
    return ours, theirs


class Asker:
    def __init__(self, options, ours, theirs):
        self.telemetry = options.bin / "telemetry"
        self.ours = ours
        self.theirs = theirs

    def ask(self, command, sink=None):
        """Seconds and output; the output is counted only where it goes to a file."""
        begin = time.monotonic()
        done = subprocess.run(command, check=True, stdout=sink or subprocess.PIPE, stderr=subprocess.PIPE)
        return time.monotonic() - begin, done.stdout

    def us(self, *words):
        return [self.telemetry, "query", "--set", f"storage.sqlite.path={self.ours}", *words]

    def them(self, sql, *options):
        return ["sqlite3", "-readonly", *options, self.theirs, sql]

    def view(self, sql, *options):
        return ["sqlite3", "-readonly", *options, self.ours, sql]


def rows_of(text):
    return list(csv.reader(io.StringIO(text.decode())))


def same_numbers(ours, theirs):
    """Rows of keys and numbers, the latter to a billionth."""
    if len(ours) != len(theirs):
        return False
    for a, b in zip(ours, theirs):
        for x, y in zip(a, b):
            if x != y and not math.isclose(float(x), float(y), rel_tol=1e-9):
                return False
    return True


def without_time_format(rows):
    """2026-11-21T08:00:00Z as 2026-11-21 08."""
    return [[row[0][:13].replace("T", " "), *row[1:]] for row in rows]


def questions(options, asker):
    topic = f"sensors/sensor-{7 % options.topics:03}/temperature"
    day = START + 3 * 86_400
    since, until = (time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) for at in (day, day + 86_400))
    hour = "strftime('%Y-%m-%d %H', timestamp)"
    yield ("last 100 of a topic",
           asker.us(topic, "--order", "newest", "--limit", "100", "--format", "csv", "--fields", "temperature"),
           asker.them("SELECT timestamp, json_extract(payload, '$.temperature') FROM messages"
                      f" WHERE topic = '{topic}' ORDER BY timestamp DESC LIMIT 100", "-csv"),
           lambda a, b: same_numbers([row[-1:] for row in rows_of(a)[1:]], [row[-1:] for row in rows_of(b)]), 20)
    yield ("latest of all topics",
           asker.us("--latest", "--format", "csv", "--fields", "temperature"),
           asker.them("SELECT topic, json_extract(payload, '$.temperature') FROM messages m JOIN"
                      " (SELECT topic AS t, max(timestamp) AS newest FROM messages GROUP BY topic)"
                      " ON topic = t AND timestamp = newest ORDER BY topic", "-csv"),
           lambda a, b: same_numbers([[row[0], row[-1]] for row in rows_of(a)[1:]], rows_of(b)), 20)
    yield ("hourly averages of one topic over the week",
           asker.us(topic, "--agg", "avg(temperature)", "--every", "1h", "--format", "csv"),
           asker.them(f"SELECT {hour}, avg(json_extract(payload, '$.temperature')) FROM messages"
                      f" WHERE topic = '{topic}' GROUP BY 1 ORDER BY 1", "-csv"),
           lambda a, b: same_numbers(without_time_format(rows_of(a)[1:]), rows_of(b)), 4)
    yield ("hourly averages of all topics over a day",
           asker.us("--agg", "avg(temperature)", "--every", "1h", "--by", "topic", "--format", "csv",
                    "--since", since, "--until", until),
           asker.them(f"SELECT {hour}, topic, avg(json_extract(payload, '$.temperature')) FROM messages"
                      f" WHERE timestamp >= '{since[:-1]}' AND timestamp < '{until[:-1]}' GROUP BY 1, 2 ORDER BY 1, 2",
                      "-csv"),
           lambda a, b: same_numbers(without_time_format(rows_of(a)[1:]), rows_of(b)), 4)


def exports(asker):
    yield ("CSV, against their table", asker.us("--format", "csv"),
           asker.them("SELECT topic, timestamp, received_at, payload FROM messages ORDER BY timestamp", "-csv"), 3)
    yield ("CSV, against our typed view", asker.us("--format", "csv"),
           asker.view("SELECT topic, time, received_at, temperature, humidity, sensor_id, seq FROM"
                      " temperature_sensor_v1", "-csv"), 1.5)
    yield ("JSONL, against their table", asker.us("--format", "jsonl"),
           asker.them("SELECT json_object('topic', topic, 'payload', json(payload), 'timestamp', timestamp,"
                      " 'received_at', received_at) FROM messages ORDER BY timestamp", "-list"), 2)


def main():
    options = arguments()
    if options.folder:
        options.folder.mkdir(parents=True, exist_ok=True)
        return run(options, options.folder)
    with tempfile.TemporaryDirectory() as folder:
        return run(options, pathlib.Path(folder))


def run(options, folder):
    asker = Asker(options, *make(options, folder))
    failed = 0
    print(f"{options.rows} rows, {options.topics} topics, a week; seconds, median of {options.rounds}\n")
    print(f"{'':44} {'ours':>9} {'theirs':>9} {'ratio':>7}  wanted")
    for name, ours, theirs, same, wanted in questions(options, asker):
        if options.only not in name:
            continue
        times = ([], [])
        for _ in range(options.rounds):
            took, answer = asker.ask(ours)
            times[0].append(took)
            took, other = asker.ask(theirs)
            times[1].append(took)
            if not same(answer, other):
                print(f"{name}: the answers differ", file=sys.stderr)
                failed = 1
        a, b = (statistics.median(one) for one in times)
        print(f"{name:44} {a:9.3f} {b:9.3f} {b / a:7.1f}  {wanted}")
    for name, ours, theirs, wanted in exports(asker):
        if options.only not in name:
            continue
        times, lines = ([], []), ([], [])
        for _ in range(options.rounds):
            for command, into, counted in ((ours, times[0], lines[0]), (theirs, times[1], lines[1])):
                with open(folder / "export", "wb") as sink:
                    took, _ = asker.ask(command, sink)
                into.append(took)
                counted.append(int(subprocess.run(["wc", "-l", folder / "export"], check=True,
                                                  capture_output=True).stdout.split()[0]))
        (folder / "export").unlink()
        header = 1 if name.startswith("CSV") else 0
        if {n - header for n in lines[0]} | set(lines[1]) != {options.rows}:
            print(f"{name}: {lines[0]} and {lines[1]} lines", file=sys.stderr)
            failed = 1
        a, b = (statistics.median(one) for one in times)
        print(f"{name:44} {a:9.3f} {b:9.3f} {b / a:7.1f}  {wanted}")
    memory = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"\nmost memory of a process: {memory:.1f} MB")
    return failed


sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""Deletions: what they cover is gone from every store, whoever is killed meanwhile, and nothing else is."""

import json
import os
import shutil
import signal
import sqlite3
import time

from letters import telemetry
from rig import Failure, wait_until

SMALL_TABLES = {"TELEMETRY_STORAGE__SQLITE__PARTITION_ROWS": "1000"}  # many transactions a deletion
FILTERS = ["sensors/#", "iot/#", "f2/#", "#"]


def matches(topic_filter, topic):
    return topic_filter == "#" or topic.startswith(topic_filter[:-1])


def expected_rows(rig):
    """(id, topic) of what the journal says, and its deletions by sequence."""
    rows, deletions = {}, {}
    for line in telemetry(rig, "journal", "dump", "--json").splitlines():
        frame = json.loads(line)
        if frame["kind"] == "message" and frame["verdict"] in ("valid", "unmatched"):
            rows[frame["sequence"]] = (frame["topic"], frame["timestamp"])
        elif frame["kind"] == "deletion":
            deletion = deletions[frame["sequence"]] = frame["payload"]
            until = time_text(deletion["until"])
            rows = {
                row: (topic, at)
                for row, (topic, at) in rows.items()
                if not (any(matches(f, topic) for f in deletion["topics"]) and comparable(at) < until)
            }
    return {(row, topic) for row, (topic, _) in rows.items()}, deletions


def comparable(text):
    """RFC 3339 with nine digits, so that texts order as times do."""
    seconds, _, fraction = text[:-1].partition(".")
    return f"{seconds}.{fraction:0<9}"


def time_text(ns):
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(ns // 10**9))}.{ns % 10**9:09}"


def stored_rows(database):
    store = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    rows = set(store.execute("SELECT id, topic FROM messages"))
    stale = store.execute(
        "SELECT count(*) FROM latest l WHERE l.id NOT IN (SELECT id FROM messages)"
    ).fetchone()[0]
    store.close()
    if stale:
        raise Failure(f"{database}: {stale} topics have a newest row that is not there")
    return rows


def position(database):
    store = sqlite3.connect(f"file:{database}?mode=ro", uri=True)
    try:
        return store.execute("SELECT sequence FROM journal_cursor").fetchone()[0]
    finally:
        store.close()


def lock(database):
    other = sqlite3.connect(database, timeout=30, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    return other


def compare(database, expected, what):
    rows = stored_rows(database)
    if rows != expected:
        raise Failure(
            f"{what}: {len(rows - expected)} rows are there that were deleted, "
            f"{len(expected - rows)} are missing of {len(expected)}"
        )


def caught_up(rig):
    wait_until(lambda: rig.consumers()["sqlite"]["lag"] == 0, 120, "the store has all")


def deletions_killed(rig):
    """Rows are deleted under load, and the logger is killed with -9 meanwhile: every store ends with the same rows."""
    kills = 6 if rig.options.short else 15  # each reads all of the journal
    rig.start_broker()
    edge = rig.start_edge(env=SMALL_TABLES)
    load = rig.start_load(rate=rig.options.rate)
    backup, amid = rig.path("backup"), 0
    for kill in range(kills):
        rig.wait_for_rows(5_000 if kill == 0 else 1, edge)
        time.sleep(rig.random.uniform(0.3, 1.0))
        command = [rig.binary("telemetry"), "delete", "--config", rig.path("edge.yaml"), "--yes",
                   rig.random.choice(FILTERS), "--until", f"{rig.random.choice([0, 1, 2])}s"]
        # Every second time the store is kept from it until the logger is dead.
        other = lock(rig.database) if kill % 2 else None
        earlier = len(expected_rows(rig)[1])
        delete = rig.run("telemetry", command, "delete.log")
        if other:
            wait_until(lambda: len(expected_rows(rig)[1]) > earlier, 60, "the deletion is in the journal")
        time.sleep(10 ** rig.random.uniform(-2, -0.3))
        edge.kill()
        delete.child.wait(60)
        if other:
            other.close()
        before = max(expected_rows(rig)[1], default=0) > position(rig.database)
        if other and not before:
            raise Failure("a deletion was done while the database was locked")
        amid += before
        if kill == kills // 2:
            shutil.copytree(os.path.dirname(rig.database), backup)
        edge = rig.start_edge(env=SMALL_TABLES)
    load.child.send_signal(signal.SIGINT)
    load.wait(0, 300)
    caught_up(rig)
    edge.stop()

    expected, deletions = expected_rows(rig)
    compare(rig.database, expected, "the store")
    fresh = rig.path("fresh", "telemetry.db")
    rig.write_config(database=fresh)
    edge = rig.start_edge()
    caught_up(rig)
    edge.stop()
    compare(fresh, expected, "a new store")
    rig.write_config()
    shutil.rmtree(os.path.dirname(rig.database))
    shutil.copytree(backup, os.path.dirname(rig.database))
    edge = rig.start_edge()
    caught_up(rig)
    edge.stop()
    compare(rig.database, expected, "a restored store")
    return (
        f"{kills} kills, {amid} before a deletion was done, of {len(deletions)}; "
        f"{len(expected)} rows in each of 3 stores"
    )


SCENARIOS = [deletions_killed]

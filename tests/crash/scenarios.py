# SPDX-License-Identifier: Apache-2.0
"""What must survive. Each function is one scenario: it gets a fresh rig and returns what it saw."""

import os
import shutil
import signal
import sqlite3
import time

from proxy import Proxy
from rig import Failure, fill_disk, free_bytes, wait_until


def edge_killed(rig):
    """telemetry-edge is killed with -9 at random times, from start-up to stop, under load."""
    kills = 12 if rig.options.short else 100
    rig.start_broker()
    began = time.monotonic()
    edge = rig.start_edge()  # from here on the broker keeps the session
    start_up_s = time.monotonic() - began
    load = rig.start_load(rate=rig.options.rate)
    moments = {"start-up": 0, "load": 0, "stop": 0}
    for kill in range(kills):
        moment = list(moments)[kill % 3]
        if moment == "start-up":
            if kill:
                edge = rig.start_edge(ready=False)
            time.sleep(rig.random.uniform(0, 1.5 * start_up_s))
        else:
            edge = rig.start_edge(ready=False)
            time.sleep(start_up_s + rig.random.uniform(0, 1.0))
            if moment == "stop" and edge.running():
                edge.child.terminate()
                time.sleep(10 ** rig.random.uniform(-4, -1))
        if edge.running():
            moments[moment] += 1
        elif moment != "stop" or edge.child.returncode != 0:
            raise Failure(
                f"kill {kill + 1}: telemetry-edge ended by itself with exit code "
                f"{edge.child.returncode}:\n{edge.output()[-3000:]}"
            )
        edge.kill()
    if kills >= 30 and min(moments.values()) == 0:
        raise Failure(f"the kills missed a moment: {moments}")
    load.child.send_signal(signal.SIGINT)
    edge = rig.start_edge()
    seen = rig.finish(load, edge)
    return f"{kills} kills ({', '.join(f'{n} in {m}' for m, n in moments.items())}): {seen}"


def files_beside_sqlite(rig):
    """telemetry-edge writes files beside SQLite and is killed with -9 under load."""
    kills = 4 if rig.options.short else 30
    rig.write_config(backend="[sqlite, filesystem]")
    rig.start_broker()
    edge = rig.start_edge()
    load = rig.start_load(rate=rig.options.rate)
    ends = []
    for _ in range(kills):
        time.sleep(rig.random.uniform(0, 1.5))
        edge.kill()
        ends.append(rig.last_file())
        edge = rig.start_edge()
    load.child.send_signal(signal.SIGINT)
    seen = rig.finish(load, edge)
    ends.append(rig.last_file())
    return f"{kills} kills: SQLite: {seen}; {rig.check_files(rig.acknowledged(), ends)}"


def sink_away_from_start(rig):
    """The folder of the files sink cannot be made for the first ten minutes; SQLite beside it waits for nothing."""
    rig.write_config(backend="[sqlite, filesystem]")
    with open(rig.files, "w", encoding="utf-8") as in_the_way:
        in_the_way.write("not a folder\n")
    rig.start_broker()
    edge = rig.start_edge()  # ready without it
    load = rig.start_load(rate=rig.options.rate, seconds=5 if rig.options.short else 600)
    load.wait(0, 700)
    expected = rig.acknowledged()
    rig.wait_for_rows(len(expected), edge)
    held = sum(e.stat().st_size for e in os.scandir(rig.journal) if e.name.endswith(".tlj"))
    os.remove(rig.files)
    wait_until(lambda: rig.consumers()["filesystem"]["lag"] == 0, 120, "files to catch up")
    edge.stop()
    return f"{rig.check_exactly_once(expected)}; {held >> 20} MB waited; {rig.check_files(expected, [rig.last_file()])}"


def rejected_flood(rig):
    """One device sends wrong values as fast as it can beside others at a fixed rate: they are stored meanwhile."""
    seconds = 4 if rig.options.short else 60
    rig.start_broker()
    edge = rig.start_edge()
    load = rig.start_load(rate=500, seconds=seconds + 2)
    flood = rig.start_load(
        rate=0, seconds=seconds, name="flood", first=900, more=["--devices", "1", "--bad-payloads", "100"]
    )
    lags = []
    while flood.running():
        lags.append(rig.consumers()["sqlite"]["lag"])
        time.sleep(0.2)
    flood.wait(0, 120)
    load.wait(0, 120)
    wait_until(lambda: all(one["lag"] == 0 for one in rig.consumers().values()), 120, "all lags 0")
    status, letters = rig.status(), rig.consumers()["dead_letters"]
    if status["dead_letter_syncs"] > 2 * letters["writes"]:
        raise Failure(f"{status['dead_letter_syncs']} syncs in {letters['writes']} writes of dead letters")
    expected = rig.acknowledged()
    edge.stop()
    return (
        f"{rig.check_exactly_once(expected)}; {letters['accepted']} dead letters with {status['dead_letter_syncs']} "
        f"syncs in {letters['writes']} writes; SQLite at most {max(lags)} behind"
    )


def broker_restarted(rig):
    """The broker is stopped by SIGTERM, with persistence on, and started again."""
    restarts = 1 if rig.options.short else 5
    rig.start_broker(persistent=True)
    edge = rig.start_edge()
    load = rig.start_load(rate=rig.options.rate)
    for _ in range(restarts):
        time.sleep(rig.random.uniform(1, 3))
        rig.broker.stop()
        time.sleep(rig.random.uniform(0, 1))
        rig.start_broker(persistent=True)
    time.sleep(2)
    load.child.send_signal(signal.SIGINT)
    return f"{restarts} restarts: {rig.finish(load, edge)}"


def broker_killed(rig):
    """The broker is killed with -9: nothing that telemetry-edge acknowledged is missing."""
    kills = 2 if rig.options.short else 10
    rig.start_broker(persistent=True)
    proxy = Proxy(rig.broker_port)
    rig.closers.append(proxy.close)
    rig.write_config(port=proxy.port)
    edge = rig.start_edge()
    load = rig.start_load(rate=rig.options.rate)
    for _ in range(kills):
        before = len(proxy.snapshot())
        wait_until(lambda: len(proxy.snapshot()) > before, 60, "telemetry-edge acknowledges again")
        time.sleep(rig.random.uniform(0, 2))
        rig.broker.kill()
        rig.start_broker(persistent=True)
    before = len(proxy.snapshot())
    wait_until(lambda: len(proxy.snapshot()) > before, 60, "telemetry-edge acknowledges again")
    load.child.send_signal(signal.SIGINT)
    load.wait(0, 300)
    time.sleep(1)
    edge.stop()
    acknowledged = proxy.snapshot()
    if proxy.order_errors:
        raise Failure(f"{proxy.order_errors} PUBACKs were not for the oldest open message")
    seen = rig.check_exactly_once(acknowledged)
    return f"{kills} kills, {proxy.connections} connections, by capture: {seen}"


def sqlite_locked(rig):
    """Another connection holds SQLite's write lock."""
    seconds = 8 if rig.options.short else 30
    rig.start_broker()
    edge = rig.start_edge()
    load = rig.start_load(rate=rig.options.rate)
    rig.wait_for_rows(1, edge)
    other = sqlite3.connect(rig.database, timeout=30, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    rows_before = rig.count_rows()
    journal_before = folder_bytes(rig.journal)
    time.sleep(seconds)
    if not edge.running():
        raise Failure(
            f"telemetry-edge ended while the database was locked:\n{edge.output()[-3000:]}"
        )
    rows, journal = rig.count_rows(), folder_bytes(rig.journal)
    other.execute("ROLLBACK")
    other.close()
    if rows != rows_before:
        raise Failure(f"the lock did not hold: {rows - rows_before} rows came during it")
    if journal <= journal_before:
        raise Failure(
            "the journal did not grow while SQLite was locked: a dead store stopped ingest"
        )
    load.child.send_signal(signal.SIGINT)
    return (
        f"locked {seconds} s, journal grew {(journal - journal_before) >> 10} KiB: "
        f"{rig.finish(load, edge)}"
    )


def folder_bytes(folder):
    """Bytes that the files hold (what a segment reserves ahead is not counted)."""
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(base, name)).st_size
            except FileNotFoundError:
                pass
    return total


def sqlite_disk_full(rig):
    """SQLite's disk fills up, and is freed."""
    disk = rig.mount_disk("store", 96)
    rig.write_config(reserve_mb=8)
    rig.start_broker()
    edge = rig.start_edge()
    load = rig.start_load(rate=rig.options.rate)
    rig.wait_for_rows(1, edge)
    # At first the store stops at its reserve; then not a byte is left, to hit ENOSPC itself.
    ballast = fill_disk(disk, leave_bytes=9 << 20)
    wait_until_stalled(rig)
    at_reserve = free_bytes(disk)
    if at_reserve == 0:
        raise Failure("the store used up its free-space reserve")
    rest = fill_disk(disk, name="rest")
    time.sleep(2 if rig.options.short else 10)
    journal = folder_bytes(rig.journal)
    wait_until(lambda: folder_bytes(rig.journal) > journal, 30, "the journal goes on growing")
    if not edge.running():
        raise Failure(f"telemetry-edge ended on the full disk:\n{edge.output()[-3000:]}")
    os.remove(rest)
    os.remove(ballast)
    load.child.send_signal(signal.SIGINT)
    return f"stopped with {at_reserve >> 20} MiB free, went on when freed: {rig.finish(load, edge)}"


def journal_disk_full(rig):
    """The journal's disk fills up, and is freed."""
    disk = rig.mount_disk("log", 192)
    rig.write_config(journal=os.path.join(disk, "journal"), journal_mb=128)
    rig.start_broker()
    edge = rig.start_edge()
    load = rig.start_load(rate=rig.options.rate)
    rig.wait_for_rows(1, edge)
    ballast = fill_disk(disk)
    wait_until_stalled(rig)
    time.sleep(2 if rig.options.short else 10)
    if not edge.running():
        raise Failure(f"telemetry-edge ended on the full disk:\n{edge.output()[-3000:]}")
    edge.kill()  # and it must start on the full disk, too
    edge = rig.start_edge(ready=False)
    time.sleep(2)
    if not edge.running():
        raise Failure(f"telemetry-edge does not start on a full disk:\n{edge.output()[-3000:]}")
    os.remove(ballast)
    load.child.send_signal(signal.SIGINT)
    return f"started on the full disk, went on when freed: {rig.finish(load, edge)}"


def wait_until_stalled(rig, seconds=2.0, limit_s=120):
    """Returns when no row came for `seconds`."""
    rows, since, deadline = rig.count_rows(), time.monotonic(), time.monotonic() + limit_s
    while time.monotonic() - since < seconds:
        time.sleep(0.1)
        now = rig.count_rows()
        if now != rows:
            rows, since = now, time.monotonic()
        if time.monotonic() > deadline:
            raise Failure(f"rows still come {limit_s} s after the disk was filled")


def journal_deleted(rig):
    """The journal folder is deleted while telemetry-edge is stopped."""
    rig.start_broker()
    edge = rig.start_edge()
    load = rig.start_load(rate=rig.options.rate)
    rig.wait_for_rows(1, edge)
    time.sleep(1)
    edge.stop()
    shutil.rmtree(rig.journal)
    time.sleep(0.5)
    edge = rig.start_edge()
    time.sleep(1)
    load.child.send_signal(signal.SIGINT)
    return rig.finish(load, edge)


def database_restored(rig):
    """An old backup of the database is put back: the journal fills in what is missing."""
    rig.start_broker()
    edge = rig.start_edge()
    load = rig.start_load(rate=rig.options.rate)
    rig.wait_for_rows(1, edge)
    time.sleep(1)
    edge.stop()
    backup = rig.path("backup")
    shutil.copytree(os.path.dirname(rig.database), backup)
    old_rows = rig.count_rows()
    edge = rig.start_edge()
    time.sleep(2)
    edge.stop()
    lost_rows = rig.count_rows() - old_rows
    if lost_rows == 0:
        raise Failure("nothing was stored after the backup: the scenario shows nothing")
    shutil.rmtree(os.path.dirname(rig.database))
    shutil.copytree(backup, os.path.dirname(rig.database))
    edge = rig.start_edge()
    time.sleep(0.5)
    load.child.send_signal(signal.SIGINT)
    return f"{lost_rows} rows came back from the journal: {rig.finish(load, edge)}"


def journal_restored(rig):
    """An old backup of the journal folder is put back, behind what the database has."""
    rig.start_broker()
    edge = rig.start_edge()
    load = rig.start_load(rate=rig.options.rate)
    rig.wait_for_rows(1, edge)
    time.sleep(1)
    edge.stop()
    shutil.copytree(rig.journal, rig.path("backup"))
    edge = rig.start_edge()
    time.sleep(2)
    edge.stop()
    shutil.rmtree(rig.journal)
    shutil.copytree(rig.path("backup"), rig.journal)
    edge = rig.start_edge()
    time.sleep(1)
    load.child.send_signal(signal.SIGINT)
    return rig.finish(load, edge)


SCENARIOS = [
    edge_killed,
    files_beside_sqlite,
    sink_away_from_start,
    rejected_flood,
    broker_restarted,
    broker_killed,
    sqlite_locked,
    sqlite_disk_full,
    journal_disk_full,
    journal_deleted,
    database_restored,
    journal_restored,
]

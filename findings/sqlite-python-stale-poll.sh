#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A Python poller of a SQLite database in WAL mode never sees a new row, though it runs its SELECT again each time.
# Expected: a SELECT that begins after a commit sees that commit (sqlite.org/isolation.html), and sqlite3 opens no transaction
#   for a SELECT (Python manual, "Transaction control").
# Happens: `cur = con.execute("SELECT ... ORDER BY id DESC"); row = cur.fetchone()` leaves a statement half read. In a loop the
#   next one begins before the assignment drops the last, so the read transaction never ends and the snapshot stays for ever.
#   With LIMIT 1, or fetchall(), the statement ends and each poll is fresh. The WAL file cannot be reset meanwhile, and grows.
# Meets: dashboards and "latest reading" pollers beside a running logger. They show an old value, without any error.
# Do: LIMIT 1 or fetchall(); never keep a cursor whose rows are not all read.
. "$(dirname "$0")/lib/finding.sh"
debian libsqlite3-0=3.40.1-2+deb12u2 {python3.11-minimal,libpython3.11-minimal,libpython3.11-stdlib}=3.11.2-6+deb12u9
PYTHONHOME=$work/debian/usr "$work/debian/usr/bin/python3.11" - <<'PY'
import os
import sqlite3
import sys

from outcome import verdict

print(f"Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}")
print("expected: each of five polls sees the row that was committed just before it, in both forms")


def polls(name, select):
    writer = sqlite3.connect(name, isolation_level=None)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("CREATE TABLE reading(id INTEGER PRIMARY KEY, value REAL)")
    writer.executemany("INSERT INTO reading(value) VALUES(?)", [(1.0,)] * 10)
    reader, seen, committed = sqlite3.connect(name), [], []
    for value in range(5):
        writer.execute("INSERT INTO reading(value) VALUES(?)", (value,))
        committed.append(writer.execute("SELECT max(id) FROM reading").fetchall()[0][0])
        cursor = reader.execute(select)
        seen.append(cursor.fetchone()[0])
    for value in range(2000):
        writer.execute("INSERT INTO reading(value) VALUES(?)", (value,))
    checkpoint = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()[0]
    print(f"{select}: committed {committed}, seen {seen}; WAL {os.path.getsize(name + '-wal')} bytes after a checkpoint {checkpoint}")
    return seen == committed


stale = not polls("a.db", "SELECT id FROM reading ORDER BY id DESC")
fresh = polls("b.db", "SELECT id FROM reading ORDER BY id DESC LIMIT 1")
verdict(stale and fresh, "a poll whose cursor is not read to its end shows the first snapshot for ever; with LIMIT 1 it is fresh")
PY

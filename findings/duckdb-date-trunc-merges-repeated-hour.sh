#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# DuckDB's date_trunc('hour', t) puts two hours into one bucket when clocks go back, and time_bucket('1 hour', t) does not.
# Expected: the start of the hour is never after the reading, and an hour's bucket holds an hour.
# Happens: with a session in Europe/Berlin, 00:10 UTC (the first 02:10) and 01:10 UTC (the second) both become 01:00 UTC. The bucket
#   of 00:00 UTC is empty; sums and counts of the next are twice as large.
# Meets: hourly energy, counts and rates in a session with a local time zone, which is what the command line and Python take from
#   the machine; one hour a year, and always the same one.
# Do: SET TimeZone = 'UTC' before hours and shorter buckets, or use time_bucket.
. "$(dirname "$0")/lib/finding.sh"
python_packages duckdb==2.0.1
"$python" - <<'PY'
import duckdb

from outcome import verdict

print(f"DuckDB {duckdb.__version__}; a reading every 10 minutes from 22:00 UTC to 03:00 UTC, clocks go back at 01:00 UTC")
print("expected: 6 readings in each hour")
duckdb.sql("CREATE TABLE readings AS SELECT to_timestamp(1729980000 + 600 * i) AS t FROM range(30) AS r(i)")


def ask(zone, bucket):
    duckdb.sql(f"SET TimeZone = '{zone}'")
    rows = duckdb.sql(f"""SELECT strftime(bucket AT TIME ZONE 'UTC', '%H:%M'), count(*), count(*) FILTER (t < bucket)
                          FROM (SELECT t, {bucket} AS bucket FROM readings) GROUP BY bucket ORDER BY bucket""").fetchall()
    counts = {hour: count for hour, count, _ in rows}
    print(f"{zone}, {bucket}: {counts}; readings before the start of their bucket: {sum(row[2] for row in rows)}")
    return counts


even = dict.fromkeys(("22:00", "23:00", "00:00", "01:00", "02:00"), 6)
trunc = ask("Europe/Berlin", "date_trunc('hour', t)")
others = ask("Europe/Berlin", "time_bucket(INTERVAL '1 hour', t)"), ask("UTC", "date_trunc('hour', t)")
verdict(trunc == {"22:00": 6, "23:00": 6, "01:00": 12, "02:00": 6} and others == (even, even),
        "two hours in one bucket, which begins after half of its readings")
PY

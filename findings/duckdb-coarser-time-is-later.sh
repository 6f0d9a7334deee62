#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# DuckDB rounds a time that is cast to a coarser type up: half of all readings are in the next second, some in the next year.
# Expected: a coarser time is the start of its second, as date_trunc and time_bucket give it and as polars casts; the manual says
#   that decimal places beyond the precision are ignored.
# Happens: TIMESTAMP to TIMESTAMP_S and _MS, and TIMESTAMP_NS to TIMESTAMP, go to the nearest. As time_bucket and date_trunc take
#   nanoseconds through TIMESTAMP, the last 500 ns of a bucket are in the next one, and their day, month and year too. hour(t) of
#   the same reading is right.
# Meets: GROUP BY t::TIMESTAMP_S, files and tables with seconds, joins with stores that cut off; nanosecond times of bursts and of
#   ends of intervals (23:59:59.999999999).
# Do: date_trunc('second', t) before the cast; for nanoseconds make_timestamp(epoch_us(t)), which cuts off.
. "$(dirname "$0")/lib/finding.sh"
python_packages duckdb==2.0.1 polars==2.1.0
"$python" - <<'PY'
import datetime

import duckdb
import polars

from outcome import verdict

print(f"DuckDB {duckdb.__version__}, polars {polars.__version__}")
print("expected: 2024-12-31 23:59:59 and its second, hour, day and year, each time")


def ask(text):
    found = str(duckdb.sql(f"SELECT ({text})::VARCHAR").fetchall()[0][0])
    print(f"{text}: {found}")
    return found


micro, nano = "TIMESTAMP '2024-12-31 23:59:59.5'", "TIMESTAMP_NS '2024-12-31 23:59:59.999999999'"
later = [ask(f"{micro}::TIMESTAMP_S"), ask(f"time_bucket(INTERVAL '1 hour', {nano})"), ask(f"date_trunc('day', {nano})"),
         ask(f"{nano}::TIMESTAMP"), ask(f"year({nano})")]
right = [ask(f"date_trunc('second', {micro})"), ask(f"hour({nano})"), ask(f"date_trunc('hour', make_timestamp(epoch_us({nano})))")]
moved = duckdb.sql("""SELECT count(*) FROM (SELECT TIMESTAMP '2024-06-01' + INTERVAL (i) MILLISECOND AS t FROM range(10000) AS r(i))
                      WHERE t::TIMESTAMP_S > t""").fetchall()[0][0]
print(f"of 10,000 readings, one each millisecond, {moved} are later as TIMESTAMP_S")
other = polars.Series([datetime.datetime(2024, 12, 31, 23, 59, 59, 999999)]).cast(polars.Datetime("ms"))[0]
print(f"polars, a cast of .999999 to milliseconds: {other}")
verdict(later == ["2025-01-01 00:00:00"] * 4 + ["2025"] and right == ["2024-12-31 23:59:59", "23", "2024-12-31 23:00:00"]
        and moved == 5000 and other == datetime.datetime(2024, 12, 31, 23, 59, 59, 999000),
        "a coarser time is later than the reading")
PY

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# DuckDB reads 12:00+02:00 and 10:00Z, which are one instant, as TIMESTAMPs two hours apart, without an error.
# Expected: a TIMESTAMP of a text with an offset is the instant in UTC, as in DataFusion 55, or an error: the manual lists the
#   offset as a part of the text, and calls a timestamp a point in time.
# Happens: the offset is read and dropped, in a cast and for `columns = {t: 'TIMESTAMP'}` of read_json. Left to itself, read_json
#   chooses TIMESTAMP WITH TIME ZONE and is right; a declared type is what makes it wrong.
# Meets: devices that write local time with an offset: order, gaps and joins are wrong, and the hour of a change to winter time
#   comes twice.
# Do: declare TIMESTAMPTZ, and where a TIMESTAMP is needed add `AT TIME ZONE 'UTC'`; or let devices write Z.
. "$(dirname "$0")/lib/finding.sh"
python_packages duckdb==2.0.1
"$python" - <<'PY'
import duckdb

from outcome import verdict

print(f"DuckDB {duckdb.__version__}")
print("expected: one time, 10:00 in UTC, for both")
duckdb.sql("SET TimeZone = 'UTC'")
with open("a.jsonl", "w") as file:
    file.write('{"t":"2024-05-01T12:00:00+02:00"}\n{"t":"2024-05-01T10:00:00Z"}\n')
found = {}
for kind in ("TIMESTAMP", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMPTZ"):
    cast = duckdb.sql(f"SELECT '2024-05-01T12:00:00+02:00'::{kind}::VARCHAR").fetchall()[0][0]
    rows = duckdb.sql(f"SELECT t::VARCHAR FROM read_json('a.jsonl', columns = {{t: '{kind}'}})").fetchall()
    found[kind] = [cast[11:16], *(row[0][11:16] for row in rows)]
    print(f"{kind}: the cast gives {found[kind][0]}; read_json gives {found[kind][1:]}")
guessed = [row[0][11:16] for row in duckdb.sql("SELECT t::VARCHAR FROM 'a.jsonl'").fetchall()]
print(f"no type declared: {guessed}")
dropped, kept = ["12:00", "12:00", "10:00"], ["10:00"] * 3
verdict(found == {"TIMESTAMP": dropped, "TIMESTAMP_MS": dropped, "TIMESTAMP_NS": dropped, "TIMESTAMPTZ": kept}
        and guessed == ["10:00"] * 2, "a declared TIMESTAMP drops the offset in silence")
PY

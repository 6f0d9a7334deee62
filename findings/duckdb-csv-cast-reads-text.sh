#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# DuckDB's t::DATE of a CSV file gives another day than the same t::DATE beside t, from a table or from JSON Lines.
# Expected: t is TIMESTAMP WITH TIME ZONE (DESCRIBE says so), and ::DATE is its day in the session's time zone, whatever else is
#   selected.
# Happens: when only the cast of a column is selected, the reader gives the cast the text of the file. The text's offset is ignored
#   then: 01:00+02:00 is the 1st of May alone, and the 30th of April next to t. ::TIMESTAMP is two hours off.
# Meets: days and local times of CSV files whose times have an offset: counts per day differ between the file and a table loaded
#   from it, and change when a column is added to the SELECT.
# Do: write times in UTC with Z and let the session be in UTC, use date_trunc('day', t), or load into a table first.
. "$(dirname "$0")/lib/finding.sh"
python_packages duckdb==2.0.1
"$python" - <<'PY'
import duckdb

from outcome import verdict

print(f"DuckDB {duckdb.__version__}, session in UTC")
print("expected: 01:00+02:00 is 23:00 of 2024-04-30 in UTC, in every query")
duckdb.sql("SET TimeZone = 'UTC'")
with open("a.csv", "w") as file:
    file.write("t,value\n2024-05-01T01:00:00+02:00,21.5\n")
with open("a.jsonl", "w") as file:
    file.write('{"t":"2024-05-01T01:00:00+02:00","value":21.5}\n')
duckdb.sql("CREATE TABLE loaded AS FROM 'a.csv'")


def ask(query):
    found = str(duckdb.sql(query).fetchall()[0][0])
    print(f"{query}: {found}")
    return found


kind = ask("SELECT typeof(t) FROM 'a.csv'")
alone = ask("SELECT t::DATE FROM 'a.csv'"), ask("SELECT t::TIMESTAMP FROM 'a.csv'")
beside = ask("SELECT t::DATE, t FROM 'a.csv'"), ask("SELECT t::TIMESTAMP, t FROM 'a.csv'")
table = ask("SELECT t::DATE FROM loaded"), ask("SELECT t::TIMESTAMP FROM loaded")
lines = ask("SELECT t::DATE FROM 'a.jsonl'"), ask("SELECT t::TIMESTAMP FROM 'a.jsonl'")
right, wrong = ("2024-04-30", "2024-04-30 23:00:00"), ("2024-05-01", "2024-05-01 01:00:00")
verdict(kind == "TIMESTAMP WITH TIME ZONE" and alone == wrong and beside == table == lines == right,
        "a cast alone reads the text of the CSV file and ignores its offset")
PY

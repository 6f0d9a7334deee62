#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# DuckDB reads 2.9 as 3 from a JSON Lines file, without an error, when the first 20,480 rows hold whole numbers.
# Expected: a value that does not fit the column's guessed type stops the query, as other misfits do (DuckDB manual, "JSON
#   loading": types come from sample_size rows, "ignore_errors: false").
# Happens: a sensor that reports 21, 21, 22 ... for a long time makes the column BIGINT; a later 2.9 is rounded to a
#   whole number in silence. A new member or a text in the same place is an error that names the line.
# Meets: anybody who queries a logger's JSONL with `FROM 'file.jsonl'`; devices that print 21 and not 21.0 are common.
# Do: give `columns = {...}`, or sample_size = -1.
. "$(dirname "$0")/lib/finding.sh"
python_packages duckdb==2.0.1
"$python" - <<'PY'
import duckdb

from outcome import verdict

print(f"DuckDB {duckdb.__version__}")
print("expected: the values as written (2.9, and a sum with it), or an error")


def ask(last, sample=""):
    with open("a.jsonl", "w") as file:
        file.write('{"value":21}\n' * 30000 + last + "\n")
    try:
        rows = duckdb.sql(f"SELECT value, typeof(value) FROM read_json('a.jsonl'{sample}) WHERE value < 20").fetchall()
    except duckdb.Error as error:
        rows = str(error).splitlines()[0]
    print(f"30,000 times 21, then {last} {sample or '(defaults)'}: {rows}")
    return rows


late = ask('{"value":2.9}')
whole = ask('{"value":2.9}', ", sample_size=-1")
text = ask('{"value":"warm"}')
member = ask('{"value":1,"unit":"C"}')
verdict(late == [(3, "BIGINT")] and whole == [(2.9, "DOUBLE")] and isinstance(text, str) and isinstance(member, str),
        "a late fraction is rounded in silence; a late text or member is an error")
PY

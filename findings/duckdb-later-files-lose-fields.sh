#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# DuckDB over a folder of JSON Lines files drops, without a word, a field that begins in a later file.
# Expected: the field, NULL where it is missing; or an error, as for a field that begins late within one file.
# Happens: the columns come from the first 32 files (maximum_sample_files); a field that no file of those has is left out of
#   SELECT *, and counts and sums go on as if it were never sent. union_by_name, which the message for the one-file case
#   advises, brings it back.
# Meets: loggers that rotate each hour: a firmware update in the second day adds a field, and the analyst's query of the folder
#   does not have it.
# Do: union_by_name = true, or name the columns.
. "$(dirname "$0")/lib/finding.sh"
python_packages duckdb==2.0.1
"$python" - <<'PY'
import os

import duckdb

from outcome import verdict

print(f"DuckDB {duckdb.__version__}")
print("expected: the fields of all 48 files, or an error")
os.makedirs("hours")
for hour in range(48):
    with open(f"hours/{hour:02}.jsonl", "w") as file:
        file.write('{"value":1}\n' if hour < 40 else '{"value":1,"humidity":55}\n')


def ask(source):
    try:
        relation = duckdb.sql(f"SELECT * FROM {source}")
        found = sorted(relation.columns), len(relation.fetchall())
    except duckdb.Error as error:
        found = str(error).splitlines()[0]
    print(f"{source}: {found}")
    return found


folder = ask("read_json('hours/*.jsonl')")
union = ask("read_json('hours/*.jsonl', union_by_name=true)")
with open("one.jsonl", "w") as file:
    file.write('{"value":1}\n' * 30000 + '{"value":1,"humidity":55}\n')
one = ask("read_json('one.jsonl')")
verdict(folder == (["value"], 48) and union == (["humidity", "value"], 48) and isinstance(one, str),
        "all rows, without the field that began in file 41; within one file the same is an error")
PY

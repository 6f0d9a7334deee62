#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# csvkit reads the decimal comma of "21,5" as a separator of thousands: 215, without an error or a warning.
# Expected: in en_US a comma stands before three digits; "21,5" is no such number, so the column is a text, as in DuckDB.
# Happens: agate's parser drops all commas wherever they are: "21,5" is 215 and "20,25" is 2025. csvjson, csvstat, csvsort, csvsql
#   and in2csv do it; columns in which all values have one digit behind the comma look right and are ten times too large.
# Meets: exports of devices and spreadsheets in most of Europe and South America, with ; or quoted fields, as soon as a locale is
#   not given.
# Do: `--locale de_DE` (or the like), or -I (no inference).
. "$(dirname "$0")/lib/finding.sh"
python_packages csvkit==2.2.0 agate==1.14.2 duckdb==2.0.1
printf 'device;temperature\na;21,5\nb;20,25\n' >a.csv
echo "expected: texts, or 21.5 and 20.25"
for tool in "csvjson" "csvjson --locale de_DE" "csvjson -I"; do
  # shellcheck disable=SC2086
  found=$("$work/venv/bin/"$tool -d ';' a.csv)
  echo "$tool: $found"
  echo "$found" >>found.jsonl
done
"$python" - <<'PY'
import json

import duckdb

from outcome import verdict

found = [[row["temperature"] for row in json.loads(line)] for line in open("found.jsonl")]
others = [row[0] for row in duckdb.sql("SELECT temperature FROM read_csv('a.csv', delim = ';')").fetchall()]
print(f"DuckDB: {others}")
verdict(found == [[215, 2025], [21.5, 20.25], ["21,5", "20,25"]] and others == ["21,5", "20,25"], "21,5 is 215 and 20,25 is 2025")
PY

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# polars.read_ndjson drops a field that first appears after row 100, in silence, also inside nested objects.
# Expected: an error, as a late change of type gives; the manual of infer_schema_length tells that rows are looked at,
#   not what becomes of members that those rows lack.
# Happens: the columns are those of the first 100 rows. A member that begins later is no column, and no error either.
# Meets: event logs, where rare members (an alarm, an error code) are by nature not in the first 100 lines.
# Do: infer_schema_length=None, or a schema of one's own.
. "$(dirname "$0")/lib/finding.sh"
python_packages polars==2.1.0
"$python" - <<'PY'
import polars

from outcome import verdict

print(f"polars {polars.__version__}")
print("expected: the late members as columns, or an error for each file")


def read(usual, last, **options):
    with open("a.jsonl", "w") as file:
        file.write((usual + "\n") * 150 + last + "\n")
    try:
        found = polars.read_ndjson("a.jsonl", **options).row(-1, named=True)
    except polars.exceptions.PolarsError as error:
        found = f"error: {error}".splitlines()[0]
    print(f"150 times {usual}, then {last} {options or ''}: {found}")
    return found


member = read('{"value":1}', '{"value":2,"alarm":"overheat"}')
nested = read('{"state":{"on":1}}', '{"state":{"on":1,"alarm":7}}')
kind = read('{"value":1}', '{"value":"off"}')
whole = read('{"value":1}', '{"value":2,"alarm":"overheat"}', infer_schema_length=None)
verdict(member == {"value": 2} and nested == {"state": {"on": 1}} and isinstance(kind, str)
        and whole == {"value": 2, "alarm": "overheat"}, "late members are left out in silence; a late text is an error")
PY

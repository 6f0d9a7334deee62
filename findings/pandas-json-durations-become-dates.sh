#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whether pandas.read_json makes a column a date depends on its values: one small number, and the whole column stays integer.
# Expected: one type for one column name. The manual says that columns whose name ends in _at or _time, begins with timestamp, or
#   is modified or date are converted ("convert_dates", "keep_default_dates").
# Happens: durations in `run_time` (ms) stay integers until all of a file are above 31,536,000 (one year in seconds) and become
#   dates in 1971 then. And a device that once reported timestamp 0 (its clock not set yet) keeps all its timestamps integers.
# Meets: jobs over daily files: the same column is int64 today and datetime64 tomorrow; sums and joins break only then.
# Do: keep_default_dates=False, and convert what is a date by name and unit.
. "$(dirname "$0")/lib/finding.sh"
python_packages pandas==3.1.1 numpy==2.4.6
"$python" - <<'PY'
import io
import json

import pandas

from outcome import verdict

print(f"pandas {pandas.__version__}")
print("expected: one kind of column for each name, whatever the values")


def kind(name, values, **options):
    lines = "".join(json.dumps({name: v}) + "\n" for v in values)
    column = pandas.read_json(io.StringIO(lines), lines=True, **options)[name]
    print(f"{name} {values} {options or ''}: {column.dtype}, {[str(v) for v in column]}")
    return "date" if column.dtype.kind == "M" else column.dtype.kind


found = [kind("run_time", [30_000_000, 40_000_000]), kind("run_time", [40_000_000, 50_000_000]),
         kind("timestamp", [1796000000, 1796000060]), kind("timestamp", [0, 1796000060]),
         kind("run_time", [40_000_000, 50_000_000], keep_default_dates=False)]
verdict(found == ["i", "date", "date", "i", "i"], "the values decide between integer and date")
PY

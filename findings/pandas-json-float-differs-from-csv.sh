#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pandas reads the number -7.81 differently from JSON and from CSV: readings with two decimals do not compare equal.
# Expected: the double nearest to what is written, as Python's json, read_csv, DuckDB, polars and pyarrow give.
# Happens: read_json's default decoder (precise_float=False) is off by one unit in the last place for some values: 0.5 %
#   of those with two decimals, more of those with 17 digits. Such a value no longer equals the literal, its CSV twin or its SQLite row.
# Meets: who joins or deduplicates the JSONL and the CSV (or database) of one logger, or compares with == in a test of an export.
# Do: precise_float=True.
. "$(dirname "$0")/lib/finding.sh"
python_packages pandas==3.1.1 numpy==2.4.6
"$python" - <<'PY'
import io
import json

import pandas

from outcome import verdict

print(f"pandas {pandas.__version__}")
print("expected: no difference among 20,001 readings from -100.00 to 100.00")
values = [n / 100 for n in range(-10000, 10001)]
lines = "".join(json.dumps({"value": v}) + "\n" for v in values)


def differ(name, series):
    wrong = [(v, repr(x)) for v, x in zip(values, series.tolist()) if v != x]
    print(f"{name}: {len(wrong)} differ {wrong[:2]}")
    return len(wrong)


default = differ("read_json", pandas.read_json(io.StringIO(lines), lines=True).value)
precise = differ("read_json, precise_float=True", pandas.read_json(io.StringIO(lines), lines=True, precise_float=True).value)
csv = differ("read_csv", pandas.read_csv(io.StringIO("value\n" + "".join(f"{v!r}\n" for v in values))).value)
verdict(default > 0 and precise == 0 and csv == 0, "only read_json with its defaults changes readings")
PY

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One Ibis expression makes 3 of 2.9 on DuckDB and 2 on polars and SQLite, and takes a time with offset for two instants.
# Expected: an expression means the same on each backend, which is what Ibis is for; where a backend cannot do it, it is an error.
# Happens: casts, remainders and sums are handed to the engine as they are: cast("int64") rounds or cuts off, -7 % 3 is -1 or 2, a
#   sum of int32 wraps or not, "12:00+02:00" as timestamp is 12:00, 10:00 or an error.
# Meets: pipelines that are tested on a laptop with one backend and run on another; alarm limits and buckets of whole numbers.
# Do: floor() before the cast, (x % n + n) % n, cast to int64 before the sum, times in UTC with Z; test on the backend that runs.
. "$(dirname "$0")/lib/finding.sh"
python_packages "ibis-framework[duckdb,polars,sqlite]==12.0.0" sqlglot==30.30.0 duckdb==2.0.1 polars==2.1.0 pandas==3.1.1 pyarrow==26.0.1
"$python" -W ignore - <<'PY'
import ibis

from outcome import verdict

print(f"Ibis {ibis.__version__}")
print("expected: the same on each line")
found = {}
for name in ("duckdb", "polars", "sqlite"):
    ibis.set_backend(getattr(ibis, name).connect())
    value = ibis.memtable({"x": [2.9]}).x.cast("int64")
    remainder = ibis.memtable({"x": [-7]}).x % 3
    total = ibis.memtable({"x": [2_000_000_000] * 2}, schema={"x": "int32"}).x.sum()
    time = ibis.memtable({"x": ["2024-05-01T12:00:00+02:00"]}).x.cast("timestamp")
    try:
        hour = time.execute()[0].hour
    except Exception as error:
        hour = "error"
    found[name] = int(value.execute()[0]), int(remainder.execute()[0]), int(total.execute()), hour
    print(f"{name}: 2.9 as int64 {found[name][0]}; -7 % 3 {found[name][1]}; 2e9 + 2e9 in int32 {found[name][2]}; "
          f"hour of 12:00+02:00 {found[name][3]}")
verdict(found == {"duckdb": (3, -1, 4_000_000_000, 12), "polars": (2, 2, -294_967_296, "error"), "sqlite": (2, -1, 4_000_000_000, 10)},
        "one expression has several results")
PY

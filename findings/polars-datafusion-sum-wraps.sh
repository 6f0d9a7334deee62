#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# polars says that 2 GWh and 2 GWh in Int32 are -294,967,296 Wh, and DataFusion that a sum of BIGINT times is negative.
# Expected: a sum is the sum, or an error. polars adds 8- and 16-bit integers as Int64 for that reason, DuckDB 32-bit ones as
#   HUGEINT, and PostgreSQL, whose SQL DataFusion follows, as BIGINT and NUMERIC.
# Happens: polars adds Int32 as Int32, and DataFusion (SQL) BIGINT as BIGINT, and both wrap in silence; mean() and AVG are right.
# Meets: sums of meters per group, where 32-bit registers come from Parquet or Arrow; means of times in nanoseconds by SUM / COUNT,
#   which are wrong from six readings on.
# Do: cast before the sum: pl.col("wh").cast(pl.Int64), SUM(CAST(t AS DECIMAL(38, 0))).
. "$(dirname "$0")/lib/finding.sh"
python_packages polars==2.1.0 datafusion==55.0.0 duckdb==2.0.1 pyarrow==26.0.1
"$python" - <<'PY'
import datafusion
import duckdb
import polars
import pyarrow

from outcome import verdict

print("expected: 4000000000 Wh, and 6 times 1717243200000000000")
meters = polars.DataFrame({"site": ["a", "a"], "wh": [2_000_000_000] * 2}, schema_overrides={"wh": polars.Int32})
small = polars.DataFrame({"site": ["a", "a"], "wh": [100, 100]}, schema_overrides={"wh": polars.Int8})
group = [frame.group_by("site").agg(polars.col("wh").sum(), polars.col("wh").mean().alias("mean")).row(0)[1:]
         for frame in (meters, small)]
print(f"polars {polars.__version__}: the sum and the mean of Int32 {group[0]}; of Int8 {group[1]}")
times = pyarrow.table({"t": pyarrow.array([1_717_243_200_000_000_000] * 6, pyarrow.int64())})
context = datafusion.SessionContext()
context.from_arrow(times, name="times")
query = "SELECT sum(t) AS total, avg(t) AS mean FROM times"
found = context.sql(query).to_pylist()[0]
print(f"DataFusion {datafusion.__version__}: {found}")
other = duckdb.sql(query).fetchall()[0]
print(f"DuckDB {duckdb.__version__}: {other}")
verdict(group == [(-294_967_296, 2e9), (200, 100.0)] and found["total"] == 6 * 1_717_243_200_000_000_000 - 2**64
        and found["mean"] == 1.7172432e18 and other == (6 * 1_717_243_200_000_000_000, 1.7172432e18),
        "sums that wrapped in silence")
PY

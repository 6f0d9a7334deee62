#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pandas.read_json rounds 64-bit ids when one row lacks the id, even when Int64 is asked for by name.
# Expected: dtype={"id": "Int64"} or dtype_backend="numpy_nullable" exist to hold integers with gaps, so each id comes exactly, as
#   it does in a file without a gap.
# Happens: the column goes through float64 first. The result says Int64 (or int64[pyarrow]) and holds wrong integers: two ids
#   above 2^53 that differ become equal. Only engine="pyarrow" together with dtype_backend="pyarrow" keeps them.
# Meets: nanosecond times, snowflake ids and 64-bit counters in a logger's JSONL, as soon as one message lacks the field.
# Do: those two options together, or read with polars or DuckDB.
. "$(dirname "$0")/lib/finding.sh"
python_packages pandas==3.1.1 numpy==2.4.6 pyarrow==26.0.1
"$python" - <<'PY'
import io

import pandas

from outcome import verdict

print(f"pandas {pandas.__version__}")
print("expected: 9007199254740993 and 9007199254740992 wherever the column's type is an integer one")


def read(with_gap, **options):
    lines = '{"id":9007199254740993}\n{"id":9007199254740992}\n' + ('{"id":null}\n' if with_gap else "")
    column = pandas.read_json(io.BytesIO(lines.encode()), lines=True, **options).id
    print(f"{'with' if with_gap else 'without'} a gap {options or ''}: {column.tolist()} ({column.dtype})")
    return str(column.dtype).lower().startswith("int64"), int(column[0])


exact, rounded = 9007199254740993, 9007199254740992
found = [read(False), read(True, dtype={"id": "Int64"}), read(True, dtype_backend="numpy_nullable"),
         read(True, dtype_backend="pyarrow"), read(True, engine="pyarrow", dtype_backend="pyarrow")]
verdict(found == [(True, exact), (True, rounded), (True, rounded), (True, rounded), (True, exact)],
        "integer columns with rounded integers")
PY

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pandas' diff() of an unsigned column says 4294967286 where a counter fell from 100 to 90.
# Expected: -10. The result of diff() is float64 and can hold it; int8 to int64 give it, and so do groupby(...).diff() of the same
#   column, the subtraction of shift() and polars.
# Happens: uint8 to uint64 are subtracted modulo 2^n before the result is a float, without an error (its issue 4899, open since
#   2013); with the nullable UInt32 the other two ways wrap as well.
# Meets: counters and raw ADC values from Parquet, Arrow or struct data, which are unsigned there: each reset or step down is a
#   gigantic step up, so a sum of steps or a rate alarm is wrong, and `diff() < 0`, which looks for resets, finds none.
# Do: astype("int64") (or "Int64") before diff().
. "$(dirname "$0")/lib/finding.sh"
python_packages pandas==3.1.1 numpy==2.4.6 polars==2.1.0
"$python" - <<'PY'
import pandas
import polars

from outcome import verdict

print(f"pandas {pandas.__version__}; 100, 90, 95")
print("expected: -10 and 5")
found = {}
for kind in ("uint8", "uint32", "uint64", "UInt32", "int32", "Int32"):
    column = pandas.Series([100, 90, 95], dtype=kind)
    found[kind] = [int(step) for step in column.diff()[1:]]
    grouped = [int(step) for step in column.groupby([1, 1, 1]).diff()[1:]]
    shifted = [int(step) for step in (column - column.shift())[1:]] if kind.islower() else grouped
    print(f"{kind}: diff() {found[kind]}, groupby().diff() {grouped}, less shift() {shifted}")
    found[kind + " others"] = grouped, shifted
other = polars.Series([100, 90, 95], dtype=polars.UInt32).diff()[1:].to_list()
print(f"polars UInt32: {other}")
right = [-10, 5]
verdict(found["uint8"] == [246, 5] and found["uint32"] == found["UInt32"] == [2**32 - 10, 5] and found["uint64"][0] > 2**63
        and found["int32"] == found["Int32"] == other == right and found["uint32 others"] == (right, right)
        and found["UInt32 others"] == (found["UInt32"],) * 2,
        "a step down of an unsigned column is a gigantic step up")
PY

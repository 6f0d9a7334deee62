#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# nanoarrow for Python reads the decimal -21.65 as 3.402823669E+36, without an error.
# Expected: to_pylist() of a decimal128 column gives the numbers in it, as pyarrow and arro3 give for the same column.
# Happens: the 128 bits are taken as a number without a sign: 2^128 is added to what is below zero, and the result has 10 digits,
#   the precision of the column. Numbers from zero on are right.
# Meets: consumers of the Arrow C interfaces that avoid pyarrow for its size: temperatures, balances and currents in NUMERIC columns
#   of DuckDB, ADBC drivers and Parquet.
# Do: cast decimals to double at the source, or read the array with arro3 or pyarrow.
. "$(dirname "$0")/lib/finding.sh"
python_packages nanoarrow==0.9.0 arro3-core==0.9.1 pyarrow==26.0.1
"$python" - <<'PY'
from decimal import Decimal

import arro3.core
import nanoarrow
import pyarrow

from outcome import verdict

column = pyarrow.array([Decimal("-21.65"), Decimal("-0.01"), None, Decimal("7.00")], pyarrow.decimal128(10, 2))
print(f"nanoarrow {nanoarrow.__version__}")
print(f"expected: {column.to_pylist()}")
found = nanoarrow.Array(column).to_pylist()
others = [value.as_py() for value in arro3.core.Array.from_arrow(column)], column.to_pylist()
print(f"nanoarrow: {found}")
print(f"arro3: {others[0]}")
right = [Decimal("-21.65"), Decimal("-0.01"), None, Decimal("7.00")]
verdict(others == (right, right) and found[2:] == right[2:] and all(value > 10**36 for value in found[:2]),
        "negative decimals are larger than 10^36")
PY

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# toArray() of a column in Apache Arrow for JavaScript has 0 where a value is missing, and a decimal -21.65 reads as -2165.
# Expected: toArray() holds what the iterator and get() of the same column give, null for a missing value (or NaN, where the array
#   cannot hold null); a Decimal column with scale 2 gives -21.65.
# Happens: toArray() is the buffer of values, and the bits that say which are missing are ignored; the writer left 0 there. A
#   decimal is its unscaled integer, in toString() and Number() alike, and does not know its scale.
# Meets: charts and statistics in a browser or Node.js on Arrow from pyarrow, polars, DuckDB or a Flight server: a sensor that was
#   away is at 0 degrees, and prices and meters are a hundred times too large.
# Do: use the iterator, or toArray() only when nullCount is 0; cast decimals to double before they are sent.
. "$(dirname "$0")/lib/finding.sh"
python_packages pyarrow==26.0.1
node_packages apache-arrow@21.2.0
"$python" - <<'PY'
import decimal

import pyarrow
import pyarrow.ipc

table = pyarrow.table({
    "celsius": pyarrow.array([21.5, None, 22.5], pyarrow.float64()),
    "count": pyarrow.array([7, None, 9], pyarrow.int64()),
    "meter": pyarrow.array([decimal.Decimal("-21.65"), None, decimal.Decimal("7.00")], pyarrow.decimal128(10, 2))})
with pyarrow.ipc.new_stream("a.arrows", table.schema) as stream:
    stream.write_table(table)
PY
cat >read.cjs <<'JS'
const { tableFromIPC } = require("apache-arrow");
const table = tableFromIPC(require("fs").readFileSync("a.arrows"));
const found = {};
for (const name of ["celsius", "count", "meter"]) {
  const column = table.getChild(name);
  found[name] = { type: String(column.type), iterated: [...column].map((v) => (v === null ? null : Number(v))) };
  if (name !== "meter") found[name].toArray = Array.from(column.toArray(), Number);
  console.log(name, JSON.stringify(found[name]));
}
require("fs").writeFileSync("found.json", JSON.stringify(found));
JS
echo "expected: celsius 21.5, null, 22.5; count 7, null, 9; meter -21.65, null, 7"
node read.cjs
python3 - <<'PY'
import json

from outcome import verdict

found = json.load(open("found.json"))
verdict(found["celsius"]["iterated"] == [21.5, None, 22.5] and found["celsius"]["toArray"] == [21.5, 0, 22.5]
        and found["count"]["iterated"] == [7, None, 9] and found["count"]["toArray"] == [7, 0, 9]
        and found["meter"]["iterated"] == [-2165, None, 700], "missing values are 0 in toArray(), decimals have lost their scale")
PY

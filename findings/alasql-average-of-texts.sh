#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# AlaSQL says that the average of "20" and "22" is 1011, and the average of 20, NaN and 22 is 14.
# Expected: 21 in both cases, as AlaSQL gives with null for NaN; or an error, or NaN for the second.
# Happens: AVG adds with JavaScript's +, so texts are joined to "2022" and halved. A NaN is left out of the sum and counted all the
#   same. MEDIAN of 20, 22 and two missing values is 22: the missing ones take part.
# Meets: dashboards that query arrays of messages with SQL: devices that send numbers as texts, gaps that a parser made NaN.
# Do: AVG(CAST(v AS FLOAT)) and WHERE v IS NOT NULL AND v = v; or convert and filter before the query.
. "$(dirname "$0")/lib/finding.sh"
node_packages alasql@4.19.1
cat >query.cjs <<'JS'
const alasql = require("alasql");
const found = {};
for (const [name, query, values] of [
  ["numbers", "AVG(v)", [20, 22]], ["null", "AVG(v)", [20, null, 22]], ["texts", "AVG(v)", ["20", "22"]],
  ["texts, cast", "AVG(CAST(v AS FLOAT))", ["20", "22"]], ["NaN", "AVG(v)", [20, NaN, 22]],
  ["median with gaps", "MEDIAN(v)", [20, undefined, 22, null]]]) {
  found[name] = alasql(`SELECT VALUE ${query} FROM ?`, [values.map((v) => ({ v }))]);
  console.log(`${query} of ${JSON.stringify(values.map(String))} (${name}): ${found[name]}`);
}
found.filtered = alasql("SELECT VALUE AVG(v) FROM ? WHERE v IS NOT NULL AND v = v", [[20, NaN, null, 22].map((v) => ({ v }))]);
console.log(`filtered: ${found.filtered}`);
require("fs").writeFileSync("found.json", JSON.stringify(found));
JS
echo "expected: 21"
node query.cjs
python3 - <<'PY'
import json

from outcome import verdict

verdict(json.load(open("found.json")) == {"numbers": 21, "null": 21, "texts": 1011, "texts, cast": 21, "NaN": 14,
                                          "median with gaps": 22, "filtered": 21}, "averages that no value is near to")
PY

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# InfluxDB's client for Node.js rounds a BigInt or a text of 2^53+1 in intField(), and takes -21.9 for -22 and 21.9 for 21.
# Expected: an integer field holds 64 bits, so a BigInt or a text of digits goes out as it is, as in uintField() of the same class;
#   a value with a fraction is an error, as an infinite one is, or is cut the same way on both sides of zero.
# Happens: intField() makes a JavaScript number of it first: 9007199254740993 is sent as 9007199254740992i. Fractions are rounded
#   down.
# Meets: ids, nanosecond times and 64-bit counters that were carefully kept as BigInt or text from parser to writer; currents and
#   temperatures around zero in an integer field, whose mean moves by half a unit.
# Do: uintField() for what is not negative, stringField() for ids; round fractions yourself.
. "$(dirname "$0")/lib/finding.sh"
node_packages @influxdata/influxdb-client@1.35.0
cat >write.cjs <<'JS'
const { Point } = require("@influxdata/influxdb-client");
const line = (field, value) => new Point("m")[field]("v", value).timestamp("1").toLineProtocol().split(" ")[1];
const found = {};
for (const field of ["intField", "uintField"])
  for (const value of [9007199254740993n, "9007199254740993", 21.9, -21.9]) {
    let sent;
    try {
      sent = line(field, value);
    } catch (error) {
      sent = "error";
    }
    console.log(`${field}(${typeof value} ${value}): ${sent}`);
    (found[field] ??= []).push(sent);
  }
require("fs").writeFileSync("found.json", JSON.stringify(found));
JS
echo "expected: 9007199254740993 twice, then errors or 21 and -21"
node write.cjs
python3 - <<'PY'
import json

from outcome import verdict

verdict(json.load(open("found.json")) == {
    "intField": ["v=9007199254740992i", "v=9007199254740992i", "v=21i", "v=-22i"],
    "uintField": ["v=9007199254740993u", "v=9007199254740993u", "v=21u", "error"]}, "intField rounds what uintField keeps")
PY

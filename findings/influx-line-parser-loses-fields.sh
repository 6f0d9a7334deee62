#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The npm package influx-line-protocol-parser gives {} for v=-5i: negative integers, unsigned ones and texts with a space are lost.
# Expected: the fields of valid InfluxDB line protocol, or an error, as line-protocol-parser for Python gives.
# Happens: a value that no pattern fits is an empty object without the field's name. Patterns know no sign before digits and `i`, no
#   `u`, and no space, comma or = within quotes. Times in nanoseconds are JavaScript numbers, rounded to 256 ns.
# Meets: Node.js receivers of line protocol from Telegraf and devices: a temperature is there until it freezes.
# Do: use another parser; check that no field is an empty object.
. "$(dirname "$0")/lib/finding.sh"
python_packages line-protocol-parser==2.0.1
node_packages influx-line-protocol-parser@0.2.0
cat >read.cjs <<'JS'
const parser = require("influx-line-protocol-parser");
const parse = parser.parse ?? parser.default ?? parser;
const found = require("./lines.json").map((line) => parse(line));
require("fs").writeFileSync("found.json", JSON.stringify(found));
JS
"$python" - <<'PY'
import json
import subprocess

import line_protocol_parser

from outcome import verdict

lines = ["m v=5i", "m v=-5i", "m v=7u", 'm s="door open"', "m v=-5.5", "m v=1 1717243200123456789"]
json.dump(lines, open("lines.json", "w"))
subprocess.run(["node", "read.cjs"], check=True)
found = json.load(open("found.json"))
print("expected: what the parser for Python gives")
for line, one in zip(lines, found):
    other = line_protocol_parser.parse_line(line)
    print(f"{line}: {one['fields']} {one.get('timestamp', '')}; for Python {other['fields']} {other['time'] or ''}")
verdict([one["fields"] for one in found] == [[{"v": 5}], [{}], [{}], [{}], [{"v": -5.5}], [{"v": 1}]]
        and found[-1]["timestamp"] == 1717243200123456800, "fields are lost without an error")
PY

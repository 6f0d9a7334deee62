#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Sparkplug library for Node.js reads another sender's -5 as 251, a UInt32 as null, and -5 as 18446744073709551611 when the
# project also has a newer protobufjs.
# Expected: a metric of type Int8 to Int64 comes back as the number that was sent, by this library or another; installing a package
#   does not change the numbers of one that has its own copy of it; a value that cannot be sent is an error.
# Happens: Int8 and Int16 are made signed only as the library sends them itself (32 bits); pysparkplug and mqtt-spb-wrapper send 8
#   and 16 bits. A UInt32 in int_value, where both put it, is null. An Int64 is made signed if its class is the `long` of the
#   library's own folder: with protobufjs 8 in the project npm lays out the folders so that it is not. A BigInt is sent as 0.
# Meets: Node.js applications on a Sparkplug network with Python nodes: temperatures below zero and currents that flow back are
#   large positive numbers, and counters have no value.
# Do: correct by the metric's type after decoding, at both widths; let nodes send Double; never hand it a BigInt.
. "$(dirname "$0")/lib/finding.sh"
python_packages pysparkplug==0.6.1 protobuf==6.33.5
node_packages sparkplug-payload@1.0.3
mkdir beside
npm install --silent --no-audit --no-fund --ignore-scripts --prefix beside sparkplug-payload@1.0.3 protobufjs@8.8.1 >/dev/null
"$python" - >sent.json <<'PY'
import json

import pysparkplug

values = {"INT8": -5, "INT16": -300, "INT32": -70000, "INT64": -5, "UINT32": 3000000000, "DOUBLE": -5.5}
print(json.dumps([[kind, value, pysparkplug.NData(timestamp=1, seq=1, metrics=(pysparkplug.Metric(
    timestamp=1, name="a", datatype=pysparkplug.DataType[kind], value=value),)).encode(include_dtypes=True).hex()]
    for kind, value in values.items()]))
PY
cat >read.cjs <<'JS'
const sparkplug = require(`${process.argv[2]}/node_modules/sparkplug-payload`).get("spBv1.0");
const read = (bytes) => String(sparkplug.decodePayload(bytes).metrics[0].value);
const own = [["Int8", -5], ["Int16", -300], ["Int64", -5], ["Int64", 9007199254740993n]];
const found = { other: {}, own: [] };
for (const [type, value, bytes] of require("./sent.json")) {
  found.other[type] = read(Buffer.from(bytes, "hex"));
  console.log(`pysparkplug sends ${type} ${value}: ${found.other[type]}`);
}
for (const [type, value] of own) {
  found.own.push(read(sparkplug.encodePayload({ timestamp: 1, seq: 1, metrics: [{ name: "a", timestamp: 1, type, value }] })));
  console.log(`it sends ${type} ${value} itself (a ${typeof value}): ${found.own.at(-1)}`);
}
require("fs").writeFileSync(`${process.argv[2]}/found.json`, JSON.stringify(found));
JS
echo "expected: what was sent"
node read.cjs "$work"
echo "in a project that has protobufjs 8.8.1 too:"
node read.cjs "$work/beside"
python3 - <<'PY'
import json

from outcome import verdict

alone, beside = json.load(open("found.json")), json.load(open("beside/found.json"))
huge = "18446744073709551611"
other = {"INT8": "251", "INT16": "65236", "INT32": "-70000", "UINT32": "null", "DOUBLE": "-5.5"}
verdict(alone == {"other": {**other, "INT64": "-5"}, "own": ["-5", "-300", "-5", "0"]}
        and beside == {"other": {**other, "INT64": huge}, "own": ["-5", "-300", huge, "0"]},
        "small negative numbers are large, a UInt32 is null, a BigInt is 0, and Int64 hangs on what else is installed")
PY

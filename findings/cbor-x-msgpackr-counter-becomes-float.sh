#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cbor-x and msgpackr send a whole number as an integer up to 4294967295, and as a floating-point number from there on.
# Expected: a whole number that is safe in JavaScript has one type on the wire, whatever its size: both formats have 64-bit
#   integers, and the packages cbor and @msgpack/msgpack use them for it.
# Happens: 4294967296 goes out as a float64, and so does every time in milliseconds. The value is exact; the type changes between
#   two messages of one counter. A BigInt goes out as an integer.
# Meets: readers with types: a field declared as an integer is refused or left out from the day the counter passes 2^32, and in
#   Python an int column becomes float. Byte counters of a busy link do it within a minute, pulses within years.
# Do: hand 64-bit counters and times over as BigInt, and let a reader take a float without a fraction for an integer.
. "$(dirname "$0")/lib/finding.sh"
python_packages cbor2==6.3.0 msgpack==1.1.2
node_packages cbor-x@1.6.9 msgpackr@2.1.4 cbor@10.0.12 @msgpack/msgpack@3.1.3
cat >send.cjs <<'JS'
const encoders = { "cbor-x": require("cbor-x").encode, cbor: require("cbor").encode,
                   msgpackr: require("msgpackr").pack, "@msgpack/msgpack": require("@msgpack/msgpack").encode };
const sent = {};
for (const [name, encode] of Object.entries(encoders))
  sent[name] = [4294967295, 4294967296, 1717243200123, -4294967297].map((value) => Buffer.from(encode(value)).toString("hex"));
for (const name of ["cbor-x", "msgpackr"])
  sent[name + " with BigInt"] = [Buffer.from(encoders[name](4294967296n)).toString("hex")];
console.log(JSON.stringify(sent));
JS
echo "expected: int, for all"
node send.cjs >sent.json
"$python" - <<'PY'
import json

import cbor2
import msgpack

from outcome import verdict

found = {}
for name, values in json.load(open("sent.json")).items():
    read = [(cbor2.loads if "cbor" in name else msgpack.loads)(bytes.fromhex(value)) for value in values]
    print(f"{name}: {', '.join(f'{value} ({type(value).__name__})' for value in read)}")
    found[name] = [type(value).__name__ for value in read]
mixed, whole = ["int", "float", "float", "float"], ["int"] * 4
verdict(found == {"cbor-x": mixed, "cbor": whole, "msgpackr": mixed, "@msgpack/msgpack": whole, "cbor-x with BigInt": ["int"],
                  "msgpackr with BigInt": ["int"]}, "an integer below 2^32 and a float from there on")
PY

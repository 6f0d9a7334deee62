#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# cbor2 and ormsgpack read the first of several readings in one message, and say nothing of the rest.
# Expected: an error for bytes behind the object, as json.loads and msgpack.unpackb have, or all of the readings.
# Happens: loads() and unpackb() return the first object and leave the rest unread, without an error. So does u-msgpack-python.
# Meets: devices that collect readings while they are offline and send them in one message, one encoded object after the other
#   (a CBOR sequence, RFC 8742; a stream of MessagePack).
# Do: cbor2.CBORDecoder(io.BytesIO(message)).decode() until the end of the bytes; msgpack.Unpacker, fed with the message.
. "$(dirname "$0")/lib/finding.sh"
python_packages cbor2==6.3.0 ormsgpack==1.13.1 u-msgpack-python==2.8.0 msgpack==1.2.4
"$python" - <<'PY'
import io
import json

import cbor2
import msgpack
import ormsgpack
import umsgpack

from outcome import verdict

readings = [{"seq": number, "temperature": 20.5 + number} for number in range(3)]
print(f"sent in one message: {len(readings)} readings; expected: an error, or all of them")


def ask(name, read, message):
    try:
        found = read(message)
    except ValueError as error:
        found = type(error).__name__
    print(f"{name}: {found}")
    return found


cbor = b"".join(map(cbor2.dumps, readings))
packed = b"".join(map(msgpack.packb, readings))
silent = [ask("cbor2.loads", cbor2.loads, cbor), ask("ormsgpack.unpackb", ormsgpack.unpackb, packed),
          ask("umsgpack.unpackb", umsgpack.unpackb, packed)]
loud = [ask("json.loads", json.loads, "\n".join(map(json.dumps, readings))), ask("msgpack.unpackb", msgpack.unpackb, packed)]
decoder, unpacker = cbor2.CBORDecoder(io.BytesIO(cbor)), msgpack.Unpacker()
unpacker.feed(packed)
whole = [[decoder.decode() for _ in readings], list(unpacker)]
print("CBORDecoder and Unpacker:", *(len(found) for found in whole))
verdict(silent == [readings[0]] * 3 and loud == ["JSONDecodeError", "ExtraData"] and whole == [readings] * 2,
        "one of three readings is read, without an error")
PY

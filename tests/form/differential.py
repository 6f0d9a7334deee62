#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do our readers of CBOR, MessagePack and Sparkplug B see what other libraries write, to the last digit?

Usage: tests/form/differential.py [--build build/release] [--trees 2000] [--seed 1]

Trees by a seed are written by two libraries for CBOR and three for MessagePack, and must come out of
form_to_json as they were; cut off anywhere they must be refused. So must births and data of Sparkplug devices,
by one library. Where the libraries do not agree on what
bytes mean, TABLE says what each of them does, and what we do. Needs the network: a virtual environment
with pinned libraries is made in a temporary folder.
"""
import argparse
import base64
import datetime
import json
import math
import pathlib
import random
import struct
import subprocess
import sys
import tempfile

LIBRARIES = ["cbor2==6.3.0", "cbor==1.0.0", "msgpack==1.2.4", "ormsgpack==1.13.1", "u-msgpack-python==2.8.0",
             "pysparkplug==0.6.1", "protobuf==7.36.2"]
NAMES = {"cbor": ("cbor2", "cbor"), "msgpack": ("msgpack", "ormsgpack", "umsgpack")}

# What libraries do not agree on: bytes, what we make of them, and what each library does, in the order of NAMES.
TABLE = {
    "cbor": [
        ("two items in a row", "0102", "1\t2", "1", "1"),
        ("a name twice", "a2616101616102", "error", "{'a': 2}", "{'a': 2}"),
        ("undefined", "f7", "null", "undefined", "None"),
        ("simple value 16", "f0", "error", "CBORSimpleValue(16)", "ValueError"),
        ("a reserved head", "1c", "error", "CBORDecodeError", "0"),
        ("a name that is null", "a1f601", "error", "{None: 1}", "{None: 1}"),
        ("a name that is a float", "a1f9000001", "error", "{0.0: 1}", "{0.0: 1}"),
        ("a name that is bytes", "a1416102", "error", "{b'a': 2}", "{b'a': 2}"),
        ("time since 1970", "c11a514b67b0", "1363896240",
         "datetime.datetime(2013, 3, 21, 20, 4, tzinfo=datetime.timezone.utc)", "Tag(1, 1363896240)"),
        ("a decimal fraction", "c48221196ab3", "27315e-2", "Decimal('273.15')", "Tag(4, [-2, 27315])"),
        ("a fraction to the base 2", "c5822003", "error", "Decimal('1.5')", "Tag(5, [-1, 3])"),
        ("a tag that is not known", "c601", "1", "CBORTag(6, 1)", "Tag(6, 1)"),
        ("a reference", "d81903", "error", "CBORDecodeError", "Tag(25, 3)"),
    ],
    "msgpack": [
        ("two objects in a row", "0102", "1\t2", "ExtraData", "1", "1"),
        ("a name twice", "82a16101a16102", "error", "{'a': 2}", "{'a': 2}", "DuplicateKeyException"),
        ("a name that is a number", "810102", '{"1":2}', "ValueError", "ValueError", "{1: 2}"),
        ("a name that is bytes", "81c4016101", "error", "{b'a': 1}", "ValueError", "{b'a': 1}"),
        ("a name that is nil", "81c001", "error", "ValueError", "ValueError", "{None: 1}"),
        ("a timestamp", "d6ff514b67b0", "1363896240", "Timestamp(seconds=1363896240, nanoseconds=0)", "ValueError",
         "datetime.datetime(2013, 3, 21, 20, 4, tzinfo=datetime.timezone.utc)"),
        ("a timestamp with nanoseconds", "d7ff1d6f34546553f100", "1700000000.123456789",
         "Timestamp(seconds=1700000000, nanoseconds=123456789)", "ValueError",
         "datetime.datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=datetime.timezone.utc)"),
        ("a timestamp with a second of nanoseconds", "d7ffee6b280000000000", "error", "ValueError", "ValueError",
         "datetime.datetime(1970, 1, 1, 0, 0, 1, tzinfo=datetime.timezone.utc)"),
    ],
}


# Of Sparkplug B, by their numbers.
DATATYPES = ("Unknown Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float Double Boolean String DateTime Text UUID DataSet "
             "Bytes File Template PropertySet PropertySetList Int8Array Int16Array Int32Array Int64Array UInt8Array "
             "UInt16Array UInt32Array UInt64Array FloatArray DoubleArray BooleanArray StringArray DateTimeArray").split()


class Digits(str):
    """A number as it was written."""


def text(rng):
    alphabet = "ab\"\\/\n\t\x00\x1f\x7fäß€水😀 "
    return "".join(rng.choice(alphabet) for _ in range(rng.choice((0, 1, 2, 5, 31, 32, 40, 300))))


def whole(rng, bits):
    number = rng.getrandbits(rng.randint(1, bits))
    return -1 - number if rng.random() < 0.4 else number


def real(rng):
    while True:
        kind = rng.randrange(4)
        if kind == 0:
            return struct.unpack("<d", rng.randbytes(8))[0]
        if kind == 1:
            return rng.choice((0.0, -0.0, 1.5, math.inf, -math.inf, math.nan, 5e-324, 1.7976931348623157e308, 0.1))
        if kind == 2:
            return round(rng.uniform(-100, 100), rng.randrange(4))
        return struct.unpack("<f", rng.randbytes(4))[0]


def tree(rng, form, depth=0):
    """@returns a value that every library of the form can write."""
    kind = rng.randrange(9 if depth < 5 else 6)
    if kind == 0:
        return rng.choice((None, True, False))
    if kind in (1, 2):
        if form == "cbor":
            return whole(rng, rng.choice((8, 64, 180)))  # of 185 bits and more, cbor leaves the first out
        return max(-2**63, min(2**64 - 1, whole(rng, 64)))
    if kind == 3:
        return real(rng)
    if kind == 4:
        return text(rng)
    if kind == 5:
        return rng.randbytes(rng.choice((0, 1, 2, 3, 24, 300)))
    if kind == 6:
        return [tree(rng, form, depth + 1) for _ in range(rng.choice((0, 1, 3, 17, 25)))]
    names = [text(rng) for _ in range(rng.choice((0, 1, 3, 17)))]
    if form == "cbor" and rng.random() < 0.3:
        names += [whole(rng, 64) for _ in range(3)]
    return {name: tree(rng, form, depth + 1) for name in names}


def same(read, wanted, single):
    """Whether JSON says what the tree has. @param single: reals were written with 32 bits."""
    if isinstance(wanted, bool) or wanted is None:
        return read is wanted
    if isinstance(wanted, int):
        return isinstance(read, Digits) and read == str(wanted)
    if isinstance(wanted, float):
        if single:
            wanted = struct.unpack("<f", struct.pack("<f", wanted))[0]
        if not math.isfinite(wanted):
            return read == ("NaN" if math.isnan(wanted) else "Infinity" if wanted > 0 else "-Infinity")
        return isinstance(read, Digits) and float(read) == wanted and math.copysign(1, float(read)) == math.copysign(1, wanted)
    if isinstance(wanted, bytes):
        return read == base64.urlsafe_b64encode(wanted).decode().rstrip("=")
    if isinstance(wanted, list):
        return isinstance(read, list) and len(read) == len(wanted) and all(map(same, read, wanted, [single] * len(read)))
    if isinstance(wanted, dict):
        return (isinstance(read, dict) and list(read) == [str(name) for name in wanted]
                and all(same(read[str(name)], value, single) for name, value in wanted.items()))
    return type(read) is str and read == wanted


def sparkplug_value(rng, datatype):
    """@returns a value as the library takes it, and what JSON has of it."""
    name = datatype.name
    if name.endswith("_ARRAY"):
        item = type(datatype)[name.removesuffix("_ARRAY")]
        values = [sparkplug_value(rng, item) for _ in range(rng.choice((1, 2, 9, 17)))]
        if name == "STRING_ARRAY":
            values = [(text.replace("\0", ""), text.replace("\0", "")) for text, _ in values]
        return tuple(value for value, _ in values), [wanted for _, wanted in values]
    if name.startswith(("INT", "UINT")):
        bits = int(name.removeprefix("U").removeprefix("INT"))
        low = 0 if name.startswith("U") else -2**(bits - 1)
        value = rng.choice((low, low + 2**bits - 1, low + rng.getrandbits(bits), 0, 1))
    elif name == "DATETIME":
        value = datetime.datetime.fromtimestamp(rng.randrange(2**33), datetime.timezone.utc)
        return value, datatype.encode(value)
    elif name == "FLOAT":
        value = struct.unpack("<f", rng.randbytes(4))[0]
    elif name == "DOUBLE":
        value = real(rng)
    elif name == "BOOLEAN":
        value = rng.random() < 0.5
    elif name in ("BYTES", "FILE"):
        value = rng.randbytes(rng.choice((0, 1, 2, 3, 300)))
    else:
        value = text(rng)
    return value, value


def sparkplug_messages(rng, device):
    """@yields a topic, a payload and the documents that are wanted of it: the birth of a device, and its data, where
    aliases stand for names and nothing says the datatype."""
    import pysparkplug
    from pysparkplug._protobuf import Payload

    metrics = []
    for number in range(rng.choice((1, 3, 10))):
        datatype = rng.choice([one for one in pysparkplug.DataType if one not in (0, 16, 19, 20, 21)])
        metrics.append((f"m{number}/" + text(rng), rng.getrandbits(64), datatype))
    for kind in ("DBIRTH", "DDATA", "DDATA"):
        payload = Payload(timestamp=rng.getrandbits(64))
        documents = []
        for name, alias, datatype in metrics:
            value, wanted = sparkplug_value(rng, datatype)
            time = rng.choice((None, rng.getrandbits(64)))
            marks = [mark for mark in ("historical", "transient") if rng.random() < 0.2]
            null = rng.random() < 0.1
            payload.metrics.append(pysparkplug.Metric(
                timestamp=time, name=name if kind == "DBIRTH" else None, datatype=datatype, value=value, alias=alias,
                is_historical="historical" in marks, is_transient="transient" in marks, is_null=null,
            ).to_pb(include_dtype=kind == "DBIRTH"))
            word = DATATYPES[datatype]
            member = ("values" if word.endswith("Array") else "data" if word in ("Bytes", "File") else
                      "flag" if word == "Boolean" else "text" if word in ("String", "Text", "UUID") else "value")
            document = {"name": name, "alias": alias}
            document.update({"null": True} if null else {member: wanted})
            document.update({"datatype": word}, **dict.fromkeys(marks, True))
            document["time"] = payload.timestamp if time is None else time
            documents.append(document)
        payload.seq = rng.randrange(256)
        yield (f"spBv1.0/group/{kind}/node/{device}", payload.SerializeToString(),
               [document | {"seq": payload.seq} for document in documents])


def ask_sparkplug(rng, messages):
    """@yields what judge() asks."""
    def read(line):
        return [json.loads(document, parse_int=Digits, parse_float=Digits) for document in line.split("\t")]

    for number in range(messages):
        for topic, payload, documents in sparkplug_messages(rng, f"d{number}"):
            yield (f"sparkplug_b@{topic}", payload,
                   lambda line, documents=documents: line[:6] != "error:" and same(read(line), documents, False),
                   f"sparkplug_b on {topic}")
            cut = rng.randrange(len(payload))

            def is_part(line, documents=documents):
                if line.startswith("error: sparkplug_b: byte "):
                    return True
                found = read(line)
                whole = [{name: document[name] for name in document if name != "seq"} for document in documents]
                return same(found, whole[:len(found)], False) or list(found[0]) == ["time"]

            # As data, so that a birth that was cut off takes no names away.
            data = topic.replace("DBIRTH", "DDATA")
            yield f"sparkplug_b@{data}", payload[:cut], is_part, f"sparkplug_b on {topic} cut at {cut}"


def judge(build, trees, seed):
    import cbor
    import cbor2
    import msgpack
    import ormsgpack
    import umsgpack

    writers = {
        "cbor": {"cbor2": cbor2.dumps, "cbor2 open": lambda value: cbor2.dumps(value, indefinite_containers=True),
                 "cbor": cbor.dumps},
        "msgpack": {"msgpack": msgpack.packb, "msgpack 32 bits": lambda value: msgpack.packb(value, use_single_float=True),
                    "ormsgpack": ormsgpack.packb, "umsgpack": umsgpack.packb},
    }
    readers = {"cbor2": cbor2.loads, "cbor": cbor.loads, "msgpack": msgpack.unpackb, "ormsgpack": ormsgpack.unpackb,
               "umsgpack": umsgpack.unpackb}
    rng = random.Random(seed)
    asked = []  # (form, payload, what is right, for people)
    for form, libraries in writers.items():
        for number in range(trees):
            value = tree(rng, form)
            for library, write in libraries.items():
                try:
                    payload = write(value)
                except OverflowError:  # a number that is too large for 32 bits
                    continue
                where = f"{form} by {library}, tree {number}"
                single = library.endswith("32 bits")
                asked.append((form, payload, lambda line, value=value, single=single: line[:6] != "error:" and same(
                    json.loads(line, parse_int=Digits, parse_float=Digits), value, single), where))
                cut = rng.randrange(len(payload))
                asked.append((form, payload[:cut], lambda line, form=form, cut=cut: line.startswith(
                    f"error: {form}: byte {cut}: the payload ends here") or cut == 0, where + f" cut at {cut}"))
        for what, digits, wanted, *_ in TABLE[form]:
            asked.append((form, bytes.fromhex(digits), lambda line, wanted=wanted: line == wanted or (
                wanted == "error" and line.startswith("error: ")), f"{form}: {what}"))
    asked += ask_sparkplug(rng, trees // 4)
    # An empty payload has no place on a line.
    asked = [one for one in asked if one[1]]
    lines = subprocess.run([build / "tests/form_to_json"], input="".join(f"{form} {payload.hex()}\n" for form, payload, *_ in asked),
                           capture_output=True, text=True, check=True).stdout.split("\n")
    wrong = 0
    for (form, payload, right, where), line in zip(asked, lines, strict=False):
        if not right(line):
            wrong += 1
            if wrong <= 10:
                print(f"DIFFERS {where}\n  {payload.hex()[:400]}\n  {line[:400]}")
    for form, rows in TABLE.items():
        for what, digits, _, *described in rows:
            for library, wanted in zip(NAMES[form], described, strict=True):
                try:
                    found = repr(readers[library](bytes.fromhex(digits)))
                except Exception as error:  # pylint: disable=broad-exception-caught
                    found = type(error).__name__
                if found != wanted:
                    wrong += 1
                    print(f"CHANGED {library}: {what}: {found}, not {wanted}")
    print(f"{len(asked) - wrong} of {len(asked)} as they should be")
    return 0 if wrong == 0 and len(lines) == len(asked) + 1 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release", type=pathlib.Path)
    parser.add_argument("--trees", default=2000, type=int)
    parser.add_argument("--seed", default=1, type=int)
    parser.add_argument("--judge", action="store_true", help=argparse.SUPPRESS)  # this script in the environment
    options = parser.parse_args()
    if options.judge:
        return judge(options.build, options.trees, options.seed)
    with tempfile.TemporaryDirectory(prefix="telemetry-form-") as folder:
        python = f"{folder}/venv/bin/python"
        subprocess.run([sys.executable, "-m", "venv", f"{folder}/venv"], check=True)
        subprocess.run([python, "-m", "pip", "install", "-q", *LIBRARIES], check=True)
        return subprocess.run([python, __file__, "--judge", "--build", options.build, "--trees", str(options.trees),
                               "--seed", str(options.seed)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

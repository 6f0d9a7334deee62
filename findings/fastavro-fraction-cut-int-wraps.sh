#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# fastavro writes 21.9 as 21 into a long field, and 4294967301 into an int field, where polars reads 5.
# Expected: a value that the field's type cannot hold is an error, as a text is in the same place: an Avro int has 32 bits.
# Happens: the number goes through a C integer. The fraction is cut off; for an int the limit of 32 bits is not looked at, and the
#   file is read back by fastavro as it was written, and by polars modulo 2^32. All of it without an error.
# Meets: sensors that printed 21 when the schema was made and 21.5 later; counters and byte totals in an int field.
# Do: writer(..., validator=True), which refuses all of these; double for measurements, long for counters.
. "$(dirname "$0")/lib/finding.sh"
python_packages fastavro==1.13.1 polars==2.1.0
"$python" - <<'PY'
import fastavro
import polars

from outcome import verdict

print("expected: an error for each")


def ask(kind, value, validator=False):
    schema = fastavro.parse_schema({"type": "record", "name": "Reading", "fields": [{"name": "value", "type": kind}]})
    try:
        with open("a.avro", "w+b") as file:
            fastavro.writer(file, schema, [{"value": value}], validator=validator)
            file.seek(0)
            found = next(fastavro.reader(file))["value"], polars.read_avro("a.avro")["value"][0]
    except (TypeError, ValueError, fastavro.validation.ValidationError) as error:
        found = type(error).__name__
    print(f"{kind} field, {value!r}{', validator=True' if validator else ''}: read by fastavro and polars {found}")
    return found


values = ("long", 21.9), ("int", 21.9), ("int", 2**31), ("int", 2**32 + 5), ("long", "21.9")
plain, checked = [ask(*value) for value in values], {ask(*value, validator=True) for value in values}
verdict(plain == [(21, 21), (21, 21), (2**31, -2**31), (2**32 + 5, 5), "TypeError"] and checked == {"ValidationError"},
        "a fraction is cut off, a large int is another number in polars")
PY

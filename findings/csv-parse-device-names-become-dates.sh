#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# csv-parse for Node.js makes dates of device names: with cast_date "sensor 1" is the 1st of January 2001.
# Expected: cast_date turns fields that are dates into Date objects, as cast turns numbers into numbers: the ISO times of a logger,
#   and nothing else.
# Happens: whatever Date.parse of the engine does not refuse is a date, and V8's takes a word with a number from 1 to 12 or a year,
#   in the machine's time zone. Several names become one: "sensor 1", "pump-1" and "slot 1" are the same date; "sensor 13" stays a
#   text.
# Meets: imports of CSV with device, slot, channel or version columns; ids are gone before the first line of one's own code.
# Do: no cast_date; give `cast` a function that knows the column of the time.
. "$(dirname "$0")/lib/finding.sh"
node_packages csv-parse@7.0.3
cat >read.cjs <<'JS'
const { parse } = require("csv-parse/sync");
const names = ["sensor 1", "pump-1", "slot 1", "sensor 2", "slot 7", "sensor 13"];
const rows = parse("time,device\n" + names.map((name) => `2024-05-01T12:00:00Z,${name}\n`).join(""),
                   { columns: true, cast: true, cast_date: true });
console.log(JSON.stringify(rows));
JS
echo "expected: a date in the column time, the names in the column device"
TZ=UTC node read.cjs >found.json
python3 - <<'PY'
import json

from outcome import verdict

rows = json.load(open("found.json"))
for row in rows:
    print(row)
january, february, july = (f"2001-{month}-01T00:00:00.000Z" for month in ("01", "02", "07"))
verdict([row["device"] for row in rows] == [january] * 3 + [february, july, "sensor 13"]
        and {row["time"] for row in rows} == {"2024-05-01T12:00:00.000Z"}, "names with a small number are dates, three names are one")
PY

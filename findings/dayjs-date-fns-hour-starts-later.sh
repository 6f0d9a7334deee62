#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Day.js and date-fns give a start of the hour that is after the time, or two hours before it, when clocks go back.
# Expected: startOf("hour") of a time in a zone is at most 59 minutes and 59 seconds before it, as with luxon.
# Happens: the two hours of the repetition have one start, the first or the second; with the second, a reading of the first is
#   before its bucket. Which one it is differs between machines for the same time and zone: it hangs on the zone of the machine. The
#   same in Day.js with its timezone plugin and in startOfHour of date-fns with a TZDate.
# Meets: dashboards and exporters that group by hour: two hours are one, twice as large, and a server and a browser disagree which.
# Do: group by whole hours of UTC where the zone's offset is whole hours, or take luxon.
. "$(dirname "$0")/lib/finding.sh"
node_packages dayjs@1.11.23 date-fns@4.4.0 @date-fns/tz@1.5.0 luxon@3.7.2
cat >hours.cjs <<'JS'
const dayjs = require("dayjs");
dayjs.extend(require("dayjs/plugin/utc"));
dayjs.extend(require("dayjs/plugin/timezone"));
const { startOfHour } = require("date-fns");
const { TZDate } = require("@date-fns/tz");
const { DateTime } = require("luxon");

const starts = {
  "Day.js": (time, zone) => dayjs(time).tz(zone).startOf("hour").valueOf(),
  "date-fns": (time, zone) => startOfHour(new TZDate(time, zone)).getTime(),
  "luxon": (time, zone) => DateTime.fromMillis(time, { zone }).startOf("hour").toMillis(),
};
const found = {};
for (const [zone, first] of [["Europe/Berlin", "2024-10-27T00:30:00Z"], ["America/New_York", "2024-11-03T05:30:00Z"]])
  for (const [library, start] of Object.entries(starts)) {
    const times = [Date.parse(first), Date.parse(first) + 3600000];
    const minutes = times.map((time) => (time - start(time, zone)) / 60000);
    console.log(`machine in ${process.env.TZ}, ${library}, ${zone}: ${minutes.join(" and ")} minutes after the start of the hour`);
    (found[library] ??= []).push(...minutes);
  }
require("fs").writeFileSync(process.argv[2], JSON.stringify(found));
JS
echo "expected: half past is 30 minutes after the start, in the first and in the second of the two hours"
TZ=UTC node hours.cjs utc.json
TZ=America/Los_Angeles node hours.cjs west.json
python3 - <<'PY'
import json

from outcome import verdict

utc, west = json.load(open("utc.json")), json.load(open("west.json"))
first, second, right = [30, 90], [-30, 30], [30, 30]
verdict(utc == {"Day.js": second + first, "date-fns": second + first, "luxon": right + right}
        and west == {"Day.js": second + second, "date-fns": second + second, "luxon": right + right},
        "two hours have one start in Day.js and date-fns, not the same on each machine, and not in luxon")
PY

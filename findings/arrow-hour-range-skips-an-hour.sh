#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# arrow's Arrow.span_range('hour', ...) in a local time zone leaves out an hour in autumn, and has one of two hours in spring.
# Expected: the hours of a day follow each other without gap and overlap, 25 in autumn and 23 in spring; floor('hour') of a time is
#   the start of its hour and not after its ceil.
# Happens: in autumn the second 02:00 is not among the hours (range() and span_range()), and floor and ceil of 02:30 there are those
#   of the hour before. In spring the hour from 01:00 ends with 03:59 and the next begins with 03:00.
# Meets: reports and exports that loop over hours and ask a store for each: an hour of readings is missing in silence, and one is
#   counted twice, once a year each.
# Do: loop in UTC and convert each edge with to(zone) for display only.
. "$(dirname "$0")/lib/finding.sh"
python_packages arrow==1.4.0 tzdata==2026.6
"$python" - <<'PY'
import arrow

from outcome import verdict

print(f"arrow {arrow.__version__}; the days of the two changes in Europe/Berlin; all times below in UTC")
print("expected: each hour in one span, and the floor and the ceil around the time")


def ask(first, hours):
    begin = arrow.get(first).to("Europe/Berlin")
    last = arrow.get(first).shift(hours=hours - 1).to("Europe/Berlin")
    spans = [(a.to("UTC"), b.to("UTC")) for a, b in arrow.Arrow.span_range("hour", begin, last)]
    readings = [arrow.get(first).shift(hours=n, minutes=30) for n in range(hours)]
    found = [sum(a <= reading <= b for a, b in spans) for reading in readings]
    print(f"{begin.date()}, a reading in each hour from {first[11:16]}: it is in this many spans: {found}")
    return [(reading.format("HH:mm"), n) for reading, n in zip(readings, found) if n != 1]


autumn = ask("2024-10-26T22:00:00Z", 25)
spring = ask("2024-03-30T23:00:00Z", 23)
time = arrow.get("2024-10-27T01:30:00Z").to("Europe/Berlin")
edges = [edge.to("UTC").format("HH:mm") for edge in (time.floor("hour"), time, time.ceil("hour"))]
print(f"floor, time and ceil: {edges}")
hours = [t.to("UTC").hour for t in arrow.Arrow.range("hour", arrow.get("2024-10-26T23:00Z").to("Europe/Berlin"), limit=5)]
print(f"range of five hours from 23:00: {hours}")
verdict(autumn == [("01:30", 0)] and spring == [("01:30", 2)] and edges == ["00:00", "01:30", "00:59"] and hours == [23, 0, 2, 3, 4],
        "an hour in no span in autumn, in two spans in spring")
PY

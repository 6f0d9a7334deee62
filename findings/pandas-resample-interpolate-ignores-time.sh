#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pandas' resample("60s").interpolate() gives 59.5, 122.5 and 178.5 for a value that rises by exactly 60 a minute.
# Expected: the value at the full minute, which lies on the straight line between two readings: 60, 120, 180.
# Happens: the minutes are put between the readings, and the default method "linear" takes all of these as equally far apart: a
#   minute that is 4 of 7 seconds after a reading gets half the way. Where readings are on the grid nothing is wrong, which is what
#   tests do.
# Meets: everybody who brings sensors with odd intervals on one grid to join or subtract them: errors of up to half a step, which
#   look like noise; after a gap much more.
# Do: interpolate("time"), which is right.
. "$(dirname "$0")/lib/finding.sh"
python_packages pandas==3.1.1 numpy==2.4.6
"$python" - <<'PY'
import pandas

from outcome import verdict

print(f"pandas {pandas.__version__}; a reading every 7 s, whose value is the second")
print("expected: [0.0, 60.0, 120.0, 180.0, 240.0, 300.0]")
start = pandas.Timestamp("2024-05-01")
seconds = range(0, 302, 7)
ramp = pandas.Series([float(s) for s in seconds], index=[start + pandas.Timedelta(seconds=s) for s in seconds])
plain = ramp.resample("60s").interpolate().tolist()
time = ramp.resample("60s").interpolate("time").tolist()
print(f'interpolate(): {plain}\ninterpolate("time"): {time}')
gap = pandas.Series([0.0, 3600.0], index=[start + pandas.Timedelta(seconds=s) for s in (59, 3659)])
late = gap.resample("60s").interpolate()
print(f"after a gap of an hour, 1 s after the first reading: {late.iloc[1]:.1f} instead of 1.0")
verdict(plain[:4] == [0, 59.5, 122.5, 178.5] and time[:5] == [0, 60, 120, 180, 240] and 50 < late.iloc[1] < 70,
        "interpolated values are not on the line")
PY

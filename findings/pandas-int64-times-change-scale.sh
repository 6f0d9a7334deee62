#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The integers of pandas' times are microseconds or nanoseconds, as the values in the file happen to be.
# Expected: astype("int64") of a column of times has one scale for a field of a logger, nanoseconds as for 15 years or another.
# Happens: the resolution follows the texts: nine digits in one line make nanoseconds of the column, otherwise it is microseconds.
#   With numbers, unit="s" gives microseconds for whole seconds and nanoseconds for 1717243200.5. No warning.
# Meets: `t.astype("int64") // 10**9` for seconds, keys of joins and file names, and what is handed to InfluxDB or numpy as
#   nanoseconds: times of January 1970, for some files and not for others.
# Do: t.dt.as_unit("ns") before the integers.
. "$(dirname "$0")/lib/finding.sh"
python_packages pandas==3.1.1 numpy==2.4.6
"$python" - <<'PY'
import io

import pandas

from outcome import verdict

print(f"pandas {pandas.__version__}; one instant, in seconds by astype('int64') // 10**9")
print("expected: 1714564800 each time")
found = {}
for name, texts in {"whole seconds": ["2024-05-01T12:00:00", "2024-05-01T12:00:01"],
                    "six digits": ["2024-05-01T12:00:00.000000", "2024-05-01T12:00:01.000000"],
                    "nine digits in a later line": ["2024-05-01T12:00:00", "2024-05-01T12:00:01.000000001"]}.items():
    column = pandas.read_csv(io.StringIO("t\n" + "\n".join(texts)), parse_dates=["t"], date_format="ISO8601").t
    found[name] = column
for name, numbers in {"1714564800": [1714564800], "1714564800.5": [1714564800.5]}.items():
    found[name] = pandas.Series(pandas.to_datetime(numbers, unit="s"))
scales = {}
for name, column in found.items():
    scales[name] = str(column.dtype), int(column.astype("int64").iloc[0] // 10**9)
    print(f"{name}: {scales[name]}; with as_unit('ns') {int(column.dt.as_unit('ns').astype('int64').iloc[0] // 10**9)}")
micro, nano = ("datetime64[us]", 1714564), ("datetime64[ns]", 1714564800)
verdict(list(scales.values()) == [micro, micro, nano, micro, nano], "the scale of the integers follows the values")
PY

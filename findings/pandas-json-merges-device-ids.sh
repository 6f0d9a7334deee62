#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pandas.read_json makes one device of two: a column of JSON texts that look like numbers becomes numbers.
# Expected: "0012" and "12", or "1e3" and "1000", stay apart. JSON has types (RFC 8259, section 3), so nothing has to be guessed
#   as in CSV; the manual says only "dtype: if True, infer dtypes".
# Happens: a column whose texts all parse as numbers becomes int64 or float64. One id that does not parse keeps all of them
#   texts, so the same code works on one file and merges devices in the next.
# Meets: groupby("device") over a logger's JSONL: serial numbers with leading zeros, short hexadecimal ids such as 1e3.
# Do: dtype={"device": str}.
. "$(dirname "$0")/lib/finding.sh"
python_packages pandas==3.1.1 numpy==2.4.6
"$python" - <<'PY'
import io
import json

import pandas

from outcome import verdict

print(f"pandas {pandas.__version__}")
print("expected: as many groups as different ids")


def groups(ids, **options):
    lines = "".join(json.dumps({"device": i, "value": 1}) + "\n" for i in ids)
    read = pandas.read_json(io.StringIO(lines), lines=True, **options)
    count = read.groupby("device").ngroups
    print(f"{ids} {options or ''}: {count} groups, {read.device.tolist()} ({read.device.dtype})")
    return count


found = [groups(["0012", "12"]), groups(["1e3", "1000"]), groups(["1e3", "1000", "1f3"]),
         groups(["0012", "12"], dtype={"device": str})]
verdict(found == [1, 1, 3, 2], "different devices are one group, unless one id is no number or the type is given")
PY

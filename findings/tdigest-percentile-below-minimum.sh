#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Python package tdigest says that the 75th percentile of 9,900 zeros and 100 fives is 2.55, and the 1st is -4.85.
# Expected: a percentile lies between the smallest and the largest value; a t-digest is an estimate, but one made to be most
#   accurate at the ends, and with 99 of 100 values equal there is little to estimate.
# Happens: equal values are one centroid, and the estimate is a straight line through it whose slope comes from the neighbours,
#   however far they are. Between two levels it is a ramp over all values; below the first it leaves the range.
# Meets: what has few distinct values: states, set points, error counts, rounded temperatures, waiting times that are mostly 0. An
#   alarm on the 75th or 90th percentile fires without cause.
# Do: use fastdigest or crick (right in this case), or exact quantiles.
. "$(dirname "$0")/lib/finding.sh"
python_packages tdigest==0.5.2.2 fastdigest==0.12.0 crick==0.0.8 numpy==2.4.6
"$python" - <<'PY'
import crick
import fastdigest
import numpy
import tdigest

from outcome import verdict

print("expected: what numpy says, or close to it")


def ask(name, values):
    values = numpy.array(values, dtype=float)
    one, two, three = tdigest.TDigest(), fastdigest.TDigest.from_values(values.tolist()), crick.TDigest()
    one.batch_update(values)
    three.update(values)
    rows = [[round(float(f(p)), 2) for f in (lambda p: numpy.percentile(values, p), one.percentile, lambda p: two.quantile(p / 100),
                                             lambda p: three.quantile(p / 100))] for p in (1, 25, 75, 98)]
    for p, row in zip((1, 25, 75, 98), rows):
        print(f"{name}, percentile {p}: numpy {row[0]}, tdigest {row[1]}, fastdigest {row[2]}, crick {row[3]}")
    return rows


rare = ask("9,900 zeros and 100 fives", [0] * 9900 + [5] * 100)
step = ask("5,000 times 20 and 5,000 times 25", [20] * 5000 + [25] * 5000)
verdict([row[1] for row in rare] == [-4.85, -2.45, 2.55, 4.85] and all(row[0] == row[2] == row[3] == 0 for row in rare)
        and step[0][0] == 20 and step[0][1] < 18, "percentiles that no value has, far from a jump and below the smallest value")
PY

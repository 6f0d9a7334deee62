#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# pycayennelpp sends an analog value of 2.3 as 2.29, and 7 of 100 values with two digits a hundredth too small.
# Expected: Cayenne LPP has hundredths for analog values and tenths for temperatures, so such a value arrives as it was.
# Happens: the encoder multiplies by 100 and cuts off: 2.3 * 100 is 229.99999999999997 in floating point. What lies between two
#   steps is always taken nearer to zero, never rounded: 27.59 degrees are 27.5.
# Meets: LoRaWAN nodes and gateways with this encoder: values jump by a hundredth though nothing changed, and means of finer values
#   are half a step too near to zero.
# Do: add half a step with the sign of the value before it is handed over (0.005 for analog values, 0.05 for temperatures).
. "$(dirname "$0")/lib/finding.sh"
python_packages pycayennelpp==2.4.0
"$python" - <<'PY'
from cayennelpp import LppFrame

from outcome import verdict

print("expected: 2.3; all values with two digits as they are; 27.6")


def through(add, value):
    frame = LppFrame()
    getattr(frame, add)(1, value)
    return LppFrame().from_bytes(bytes(frame)).data[0].value[0]


analog, warm = through("add_analog_input", 2.3), through("add_temperature", 27.59)
values = [n / 100 for n in range(1, 32768)]
lower = sum(through("add_analog_input", value) < value - 0.005 for value in values)
helped = sum(abs(through("add_analog_input", value + 0.005) - value) > 0.005 for value in values[:-1])
print(f"analog 2.3: {analog}; temperature 27.59: {warm}")
print(f"of {len(values)} values with two digits {lower} are a hundredth lower; with half a step added {helped} are wrong")
verdict((analog, warm, lower, helped) == (2.29, 27.5, 2292, 0), "values are cut off, and not rounded")
PY

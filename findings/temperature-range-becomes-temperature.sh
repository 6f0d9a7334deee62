#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A range of 7 degrees is 44.6 degrees Fahrenheit for pint's numpy.ptp, and a difference of 5 is 278.15 K for mathjs.
# Expected: the difference of two temperatures has a unit of differences: 7 °C are 12.6 °F, 5 °C are 5 K. pint has delta_degC for
#   it, and max - min, numpy.diff and numpy.std give it.
# Happens: numpy.ptp of a quantity in degC is in degC, and to("degF") adds 32; in mathjs `25 degC - 20 degC` is a temperature, while
#   std() of temperatures is right. No error, though pint refuses much else that is ambiguous with offset units.
# Meets: daily ranges, drifts and alarm bands that are shown in another unit, or compared in K.
# Do: pint: a.max() - a.min(); mathjs: convert to K before the subtraction.
. "$(dirname "$0")/lib/finding.sh"
python_packages pint==0.25.3 numpy==2.4.6
node_packages mathjs@15.2.0
echo "expected: 12.6 degrees Fahrenheit and 5 K"
"$python" - >pint.json <<'PY'
import json

import numpy
import pint

registry = pint.UnitRegistry()
day = registry.Quantity(numpy.array([20.0, 22.0, 27.0]), "degC")
print(json.dumps({name: [f"{value:.1f}", f"{value.to(other):.1f}"] for name, value, other in (
    ("ptp", numpy.ptp(day), "degF"), ("max - min", day.max() - day.min(), "delta_degF"), ("std", numpy.std(day), "delta_degF"))}))
PY
node -e 'const { evaluate } = require("mathjs");
const texts = ["(25 degC - 20 degC) to K", "std(20 degC, 22 degC) to K"];
console.log(JSON.stringify(texts.map((text) => [text, evaluate(text).toString()])))' >mathjs.json
python3 - <<'PY'
import json

from outcome import verdict

pint, mathjs = json.load(open("pint.json")), dict(json.load(open("mathjs.json")))
for name, (value, other) in pint.items():
    print(f"pint, {name}: {value} = {other}")
for name, value in mathjs.items():
    print(f"mathjs, {name}: {value}")
verdict(pint["ptp"] == ["7.0 degree_Celsius", "44.6 degree_Fahrenheit"]
        and pint["max - min"] == ["7.0 delta_degree_Celsius", "12.6 delta_degree_Fahrenheit"]
        and pint["std"][0] == "2.9 delta_degree_Celsius" and mathjs["(25 degC - 20 degC) to K"] == "278.15 K"
        and mathjs["std(20 degC, 22 degC) to K"].startswith("1.41"), "differences of temperatures are temperatures")
PY

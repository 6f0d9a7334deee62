#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# parse-prometheus-text-format returns one histogram for two devices: the last one's buckets, and nobody's sum and count.
# Expected: a series is a name with its labels (Prometheus text format), so two devices are two entries with their labels, as the
#   same package gives for a counter and a gauge.
# Happens: buckets and quantiles are collected under the metric's name alone; each series overwrites the one before. The labels are
#   gone, and so are _sum and _count where they have labels. No error.
# Meets: Node.js programs that read an exporter of several devices, routes or instances: a figure that looks like a total is the
#   last one's.
# Do: read the text with prometheus_client's parser in Python or a query to the Prometheus server; for this package only use
#   histograms and summaries without labels.
. "$(dirname "$0")/lib/finding.sh"
node_packages parse-prometheus-text-format@1.1.1
cat >parse.cjs <<'JS'
const parse = require("parse-prometheus-text-format");
const series = (labels, first, all) =>
  `wait_bucket{${labels},le="1"} ${first}\nwait_bucket{${labels},le="+Inf"} ${all}\n` +
  `wait_sum{${labels}} ${all}\nwait_count{${labels}} ${all}\n`;
const metrics = {
  histogram: parse("# TYPE wait histogram\n" + series('device="a"', 90, 100) + series('device="b"', 1, 2)),
  summary: parse('# TYPE wait summary\nwait{device="a",quantile="0.5"} 7\nwait_count{device="a"} 100\n' +
                 'wait{device="b",quantile="0.5"} 1\nwait_count{device="b"} 2\n'),
  gauge: parse('# TYPE wait gauge\nwait{device="a"} 7\nwait{device="b"} 1\n'),
};
console.log(JSON.stringify(Object.fromEntries(Object.entries(metrics).map(([type, [metric]]) => [type, metric.metrics]))));
JS
echo "expected: two entries of each type, with their device"
node parse.cjs >found.json
python3 - <<'PY'
import json

from outcome import verdict

found = json.load(open("found.json"))
for kind, metrics in found.items():
    print(f"{kind} of devices a and b: {metrics}")
verdict(found["histogram"] == [{"buckets": {"1": "1", "+Inf": "2"}}] and found["summary"] == [{"quantiles": {"0.5": "1"}}]
        and [m["labels"]["device"] for m in found["gauge"]] == ["a", "b"],
        "only the last device's histogram and summary are left, without labels, sum and count")
PY

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# InfluxDB's Python clients cut times to microseconds in Point.time(), also with precision NS: two readings become one.
# Expected: write precision "ns" keeps nine digits of an ISO text or a pandas Timestamp, as the same client does for a data frame.
# Happens: the time goes through Python's datetime, and the last three digits are 000. InfluxDB identifies a point by measurement,
#   tags and time, so that of two readings within a microsecond the later overwrites the earlier; others are in another order than
#   sent.
# Meets: loggers that give nanoseconds as texts, and bursts of a bus or an ADC.
# Do: give the time as an int of nanoseconds, or write a data frame.
. "$(dirname "$0")/lib/finding.sh"
python_packages influxdb-client==1.50.0 influxdb3-python==0.21.0 pandas==3.1.1 pyarrow==26.0.1
"$python" - <<'PY'
import influxdb_client
import influxdb_client_3
import pandas
from influxdb_client.client.write.dataframe_serializer import data_frame_to_list_of_points
from influxdb_client.client.write_api import PointSettings

from outcome import verdict

times = ["2024-06-01T12:00:00.123456100Z", "2024-06-01T12:00:00.123456900Z"]
print("expected: line protocol with times that end with 123456100 and 123456900")


def ask(name, lines):
    ends = [line.split()[-1][-9:] for line in lines]
    print(f"{name}: {lines}")
    return ends


def points(package, convert):
    return [package.Point("m").field("v", number).time(convert(time), "ns").to_line_protocol() for number, time in enumerate(times)]


frame = pandas.DataFrame({"v": [0, 1]}, index=pandas.to_datetime(times))
texts = [ask(f"{package.__name__}, texts", points(package, str)) for package in (influxdb_client, influxdb_client_3)]
stamps = ask("influxdb_client, pandas Timestamps", points(influxdb_client, pandas.Timestamp))
whole = ask("influxdb_client, ints", points(influxdb_client, lambda time: pandas.Timestamp(time).value))
table = ask("influxdb_client, data frame", data_frame_to_list_of_points(frame, PointSettings(), data_frame_measurement_name="m"))
cut, kept = ["123456000"] * 2, ["123456100", "123456900"]
verdict(texts == [cut, cut] and stamps == cut and whole == table == kept, "two times within a microsecond are one")
PY

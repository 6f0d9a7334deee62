#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do pyarrow, polars and DuckDB read our Arrow stream, with the values of plain SQL, without a copy?

Usage: tests/readers/arrow.py [--build build/release] [--rows 1000000]

Needs the network: a virtual environment with pinned readers is made in a temporary folder.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile

READERS = ["polars==2.1.0", "duckdb==2.0.1", "pyarrow==26.0.1"]

READ = r'''
import ctypes, json, sqlite3, sys
library, path = ctypes.CDLL(sys.argv[1]), sys.argv[2]
capsule = ctypes.pythonapi.PyCapsule_New
capsule.restype, capsule.argtypes = ctypes.py_object, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p]
class Rows:
    """One query; read once."""
    def __arrow_c_stream__(self, requested_schema=None):
        self.memory = ctypes.create_string_buffer(40)
        assert library.telemetry_probe(path.encode(), self.memory) == 0
        return capsule(ctypes.addressof(self.memory), b"arrow_array_stream", None)
database = sqlite3.connect("file:" + path + "?mode=ro", uri=True)
columns = "count(*), sum(temperature), sum(humidity), sum(seq), min(time_ns), max(time_ns), count(distinct topic)"
wanted = database.execute(f"SELECT {columns} FROM temperature_sensor_v1").fetchone()
first = database.execute("SELECT topic, temperature, seq, time_ns FROM temperature_sensor_v1 ORDER BY time_ns LIMIT 1").fetchone()
answers = {"sql": wanted}
import pyarrow, pyarrow.compute as compute
reader = pyarrow.RecordBatchReader.from_stream(Rows())
batches, addresses, total = 0, 0, pyarrow.Table.from_batches(reader, reader.schema)
total.validate(full=True)
times = total["time"].cast(pyarrow.int64())
answers["pyarrow"] = [total.num_rows] + [compute.sum(total[name]).as_py() for name in ("temperature", "humidity", "seq")] + [
    compute.min(times).as_py(), compute.max(times).as_py(), compute.count_distinct(total["topic"]).as_py()]
# The buffers are ours: pyarrow has allocated nothing for them.
held = sum(buffer.size for column in total.columns for chunk in column.chunks for buffer in chunk.buffers() if buffer)
own = pyarrow.total_allocated_bytes()
assert own < held / 10, (own, held)
row = total.select(["topic", "temperature", "seq"]).slice(0, 1).to_pylist()[0]
assert (row["topic"], row["temperature"], row["seq"]) == first[:3], (row, first)
import polars
frame = polars.DataFrame(Rows())
ns = frame["time"].dt.epoch("ns")
answers["polars"] = [frame.height, frame["temperature"].sum(), frame["humidity"].sum(), frame["seq"].sum(), ns.min(), ns.max(),
                     frame["topic"].n_unique()]
import duckdb

duckdb.execute("SET TimeZone='UTC'")
answers["duckdb"] = list(duckdb.sql("SELECT count(*), sum(temperature), sum(humidity), sum(seq)::BIGINT, min(epoch_ns(time)),"
                                    " max(epoch_ns(time)), count(distinct topic) FROM total").fetchall()[0])
for name, answer in answers.items():
    close = all(abs(a - b) <= 1e-9 * abs(b) for a, b in zip(answer, wanted))
    print(name, answer, "" if close else "DIFFERS")
    if not close: sys.exit(1)
'''


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build/release", type=pathlib.Path)
    parser.add_argument("--rows", default=1_000_000, type=int)
    options = parser.parse_args()
    tests = options.build / "tests"
    with tempfile.TemporaryDirectory() as folder:
        database = pathlib.Path(folder) / "telemetry.db"
        subprocess.run([tests / "bench_sqlite", str(options.rows), "1000", "25000", "NORMAL", database], check=True,
                       stdout=subprocess.DEVNULL)
        subprocess.run([sys.executable, "-m", "venv", f"{folder}/venv"], check=True)
        subprocess.run([f"{folder}/venv/bin/pip", "install", "-q", *READERS], check=True)
        return subprocess.run([f"{folder}/venv/bin/python", "-c", READ, tests / "libarrow_probe.so", database],
                              check=False).returncode


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do the tools that analysts use read every record of the files sink, and the same?

Usage: tests/readers/run.py [--bin build/release/bin] [--count 20000]

Needs the network: a virtual environment with pinned readers is made in a temporary folder. A broker, a
simulator and an edge logger that writes all kinds of files at once; each reader then counts the records
and adds up a field, and all must agree with Python's own gzip and json. docs/files.md has the table.
"""
import argparse
import json
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "crash"))
from programs import mosquitto  # noqa: E402

READERS = ["pandas==3.1.1", "polars==2.1.0", "duckdb==2.0.1", "pyarrow==26.0.1", "zstandard==0.25.0", "lz4==4.4.5"]
KINDS = ["none", "gzip", "zstd", "lz4"]
SUFFIX = {"none": "", "gzip": ".gz", "zstd": ".zst", "lz4": ".lz4"}

# Run inside the environment: prints {reader: [records, sum]} for one kind.
READ = r'''
import glob, gzip, io, json, sys
folder, kind = sys.argv[1:3]
files = sorted(glob.glob(folder + "/*.jsonl*"))
answers = {}
def answer(name, read):
    try:
        rows, total = 0, 0.0
        for path in files:
            r, t = read(path)
            rows, total = rows + r, total + t
        answers[name] = [rows, round(total, 6)]
    except Exception as failure:
        answers[name] = type(failure).__name__
def lines(stream):
    rows, total = 0, 0.0
    for line in stream:
        rows += 1
        total += json.loads(line)["payload"]["temperature"]
    return rows, total
def python(path):
    if kind == "none": return lines(open(path, "rb"))
    if kind == "gzip": return lines(gzip.open(path))
    if kind == "zstd":
        import zstandard
        return lines(zstandard.open(path, "rt"))
    import lz4.frame
    return lines(lz4.frame.open(path))
def pandas(path):
    import pandas
    frame = pandas.read_json(path, lines=True, compression={"none": None, "lz4": "lz4"}.get(kind, kind))
    return len(frame), sum(p["temperature"] for p in frame["payload"])
def polars(path):
    import polars
    frame = polars.read_ndjson(path)
    return frame.height, frame["payload"].struct.field("temperature").sum()
def duckdb(path):
    import duckdb
    return duckdb.execute("SELECT count(*), sum(payload.temperature) FROM read_json(?, format='newline_delimited')",
                          [path]).fetchone()
def arrow(path):
    import pyarrow.compute, pyarrow.json
    stream = open(path, "rb") if kind == "none" else pyarrow.input_stream(path, compression=kind)
    table = pyarrow.json.read_json(stream)
    column = pyarrow.compute.struct_field(table["payload"], "temperature")
    return table.num_rows, pyarrow.compute.sum(column).as_py()
for reader in (python, pandas, polars, duckdb, arrow): answer(reader.__name__, reader)
print(json.dumps(answers))
'''
# What docs/files.md says they cannot read.
CANNOT = {("pandas", "lz4"), ("polars", "lz4"), ("duckdb", "lz4")}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_for(what: str, done) -> None:
    for _ in range(600):
        if done():
            return
        time.sleep(0.1)
    sys.exit(f"{what}: not within a minute")


def write_files(folder: pathlib.Path, binaries: pathlib.Path, count: int) -> None:
    port = free_port()
    targets = "\n".join(
        f"    - {{name: {kind}, base_path: {folder}/{kind}, compression: {kind}, max_file_size_mb: 1, sync_interval: 100ms}}"
        for kind in KINDS)
    config = folder / "edge.yaml"
    config.write_text(f"""mqtt: {{broker: 127.0.0.1, port: {port}, topics: ["sensors/#"]}}
journal: {{path: {folder}/journal}}
schema: {{path: {folder}/schemas}}
storage:
  backend: filesystem
  filesystem:
{targets}
""")
    (folder / "schemas").mkdir()
    programs = []
    try:
        (folder / "mosquitto.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")
        programs.append(subprocess.Popen([mosquitto(), "-c", folder / "mosquitto.conf"], stderr=subprocess.DEVNULL))
        edge = subprocess.Popen([binaries / "telemetry-edge", "--config", config], stderr=open(folder / "log", "w"))
        programs.append(edge)
        wait_for("the edge logger", lambda: " ready" in (folder / "log").read_text())
        subprocess.run([binaries / "telemetry-sim", "--port", str(port), "--devices", "20", "--dc", "0", "--ac", "0",
                        "--heartbeat-interval", "0", "--rate", "0", "--count", str(count), "--quiet"],
                       check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        status = [binaries / "telemetry", "status", "--config", config, "--json"]
        wait_for("all messages", lambda: json.loads(subprocess.check_output(status))["messages_received"] == count)
        edge.send_signal(signal.SIGTERM)
        if edge.wait(60) != 0:
            sys.exit(f"the edge logger ended with {edge.returncode}: {(folder / 'log').read_text()}")
    finally:
        for program in programs:
            program.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin", type=pathlib.Path)
    parser.add_argument("--count", default=20000, type=int)
    arguments = parser.parse_args()
    wrong = []
    with tempfile.TemporaryDirectory(prefix="telemetry-readers-") as name:
        folder = pathlib.Path(name)
        python = folder / "venv/bin/python"
        subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
        subprocess.run([python, "-m", "pip", "-q", "install", *READERS], check=True)
        write_files(folder, arguments.bin.resolve(), arguments.count)
        expected = None
        for kind in KINDS:
            files = list((folder / kind).iterdir())
            if not files or any(not f.name.endswith(".jsonl" + SUFFIX[kind]) for f in files if f.name != ".lock"):
                wrong.append(f"{kind}: {sorted(f.name for f in files)}")
            read = subprocess.run([python, "-c", READ, folder / kind, kind], check=True, capture_output=True, text=True)
            for reader, got in json.loads(read.stdout).items():
                expected = expected or got
                can = (reader, kind) not in CANNOT
                print(f"{kind:5} {reader:8} {got}")
                if (got == expected) != can:
                    wrong.append(f"{reader} of {kind}: {got} instead of {expected if can else 'an error'}")
        if not isinstance(expected, list) or expected[0] != arguments.count:
            wrong.append(f"{expected} records instead of {arguments.count}")
    for line in wrong:
        print(f"FAILED {line}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Files of the ancestors, unchanged, with the real programs. usage: run_ancestors.py BIN_DIR SOURCE_DIR

A configuration either starts, or is refused for nothing but what docs/ancestors.md lists. Schemas load.
A database of theirs that lies in the way is named and keeps every byte.
"""
import gzip
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "crash"))
from programs import mosquitto  # noqa: E402

BIN, SOURCE = (pathlib.Path(part).resolve() for part in sys.argv[1:3])
HERE = SOURCE / "tests/ancestors"
PATIENCE_S = 60  # a hang ends the test; nothing else depends on it

# What each configuration is still refused for: key and value.
REFUSED = {
    "mtss_raspberry_pi.yaml": [],
    "mtss_server.json": [],
    "mtss_everything.yaml": ["retention.aggregation.enabled: true"],
    "mtss_usb_files.yaml": [],
    "f2_pipeline.yaml": ["storage.backend: kafka", "storage.backend: timescaledb"],
    "iot_meter.yaml": ["storage.backend: s3", "storage.backend: influxdb", "devices.enabled: true"],
}
MESSAGES = {
    "sensors/sensor-001/temperature": '{"temperature": 21.5, "sensor_id": "sensor-001", "seq": 1}',
    "sensors/sensor-001/humidity": '{"humidity": "48.5 %"}',
    "devices/gateway-1/status": '{"status": "online", "uptime": 5, "readings": [1, 2.5]}',
}


def environment() -> dict[str, str]:
    ours = ("TELEMETRY_", "MQTT_", "DB_", "JWT_", "API_PORT", "DATABASE_URL", "LOG_LEVEL", "CONFIG_PATH")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def run(*command: object) -> subprocess.CompletedProcess:
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, cwd=HERE,
                          env=environment(), timeout=PATIENCE_S)


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Broker:
    def __init__(self, folder: pathlib.Path) -> None:
        self.port = free_port()
        conf = folder / "mosquitto.conf"
        conf.write_text(f"listener {self.port} 127.0.0.1\nallow_anonymous true\n")
        self.process = subprocess.Popen([mosquitto(), "-c", conf], stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if "running" in line:
                return
        sys.exit("mosquitto does not start")

    def publish(self, topic: str, payload: str) -> None:
        subprocess.run(["mosquitto_pub", "-p", str(self.port), "-q", "1", "-t", topic, "-m", payload],
                       check=True, timeout=PATIENCE_S)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


class Edge:
    """telemetry-edge on a file of theirs, in a folder of its own with their schemas."""

    def __init__(self, name: str, folder: pathlib.Path, port: int, *more: str) -> None:
        shutil.copytree(HERE / "schemas", folder / "schemas", dirs_exist_ok=True)
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notified.settimeout(0.1)
        path = folder / "notify"
        path.unlink(missing_ok=True)
        self.notified.bind(str(path))
        self.log = open(folder / "log", "w+")
        self.process = subprocess.Popen(
            [BIN / "telemetry-edge", "--config", HERE / "configurations" / name, "--port", str(port),
             "--stats-interval", "0.1", *more],
            cwd=folder, env=environment() | {"NOTIFY_SOCKET": str(path)}, text=True, stdout=subprocess.PIPE,
            stderr=self.log)

    def wait_until_ready(self) -> None:
        while self.process.poll() is None:
            try:
                if self.notified.recv(4096).startswith(b"STATUS="):  # after READY=1: it is subscribed
                    return
            except TimeoutError:
                pass
        sys.exit("telemetry-edge ended before it was ready:\n" + self.end())

    def wait_until_stored(self, count: int) -> None:
        for line in self.process.stdout:
            if json.loads(line)["consumers"][0]["position"] >= count:
                return
        sys.exit("telemetry-edge ended before it had stored everything:\n" + self.end())

    def stop(self) -> str:
        self.process.send_signal(signal.SIGTERM)
        log = self.end()
        assert self.process.returncode == 0, (self.process.returncode, log)
        return log

    def end(self) -> str:
        """Waits for it; its log."""
        try:
            self.process.communicate(timeout=PATIENCE_S)
        finally:
            self.process.kill()
        self.notified.close()
        self.log.seek(0)
        return self.log.read()


def check_configurations() -> None:
    files = {file.name for file in (HERE / "configurations").iterdir()}
    assert files == set(REFUSED), files ^ set(REFUSED)
    for name, expected in REFUSED.items():
        ran = run(BIN / "telemetry", "config", "check", f"configurations/{name}", "--app", "edge")
        lines = [line for line in ran.stderr.splitlines() if ": error: " in line]
        found = [re.match(rf"configurations/{re.escape(name)}:\d+:\d+: error: "
                          r"(\S+: \S+) is not built yet in this version \(.+\)$", line) for line in lines]
        assert all(found), ran.stderr
        assert [match[1] for match in found] == expected, (name, ran.stderr)
        assert ran.returncode == (2 if expected else 0), (name, ran.stderr)
        assert "warning" not in ran.stderr, ran.stderr
        notes = ran.stdout.splitlines()
        assert len(notes) == len(set(notes)), notes


def check_list() -> None:
    """docs/ancestors.md lists exactly what docs/config.md calls not built."""
    listed = set(re.findall(r"^\| `([^`]+)` \|", (SOURCE / "docs/ancestors.md").read_text(), re.M))
    refused = set()
    rows = re.findall(r"^\| `([^`]+)` \| `?([^|`]*)`? \| (.*?[^\\]) \| (.*) \|$",
                      (SOURCE / "docs/config.md").read_text(), re.M)
    assert len(rows) > 80, len(rows)
    for key, default, values, meaning in rows:
        note = meaning.partition("**Not built yet**: ")[2]
        if note and values.startswith("true or false"):
            refused.add(f"{key}: {'false' if default == 'true' else 'true'}")
        elif ";" in note and values.startswith("one"):
            refused |= {f"{key}: {choice}" for choice in note.split(";")[0].split(", ")}
    assert refused == listed, refused ^ listed


def check_schemas() -> None:
    ran = run(BIN / "telemetry", "schema", "check", "schemas")
    files = list((HERE / "schemas").iterdir())
    assert ran.returncode == 0 and not ran.stderr, ran.stderr
    assert len(ran.stdout.splitlines()) == len(files), ran.stdout
    assert "device_status 1.0," in ran.stdout, ran.stdout  # it names no version


def check_start(name: str, broker: Broker, folder: pathlib.Path) -> None:
    folder.mkdir()
    files = name == "mtss_usb_files.yaml"  # its folder is a stick that is not here
    edge = Edge(name, folder, broker.port, *(["--storage", "filesystem:./data/files"] if files else []))
    edge.wait_until_ready()
    for topic, payload in MESSAGES.items():
        broker.publish(topic, payload)
    expected = [topic for topic in MESSAGES if topic.startswith("sensors/") or not files]  # its filter
    edge.wait_until_stored(len(expected))
    log = edge.stop()
    inert = [line.partition("configurations/")[2] for line in log.splitlines() if "has no effect here" in line]
    assert len(inert) == len(set(inert)), inert
    assert inert or files or "warning" in (HERE / "configurations" / name).read_text(), log
    if files:
        records = [json.loads(line) for file in (folder / "data/files").glob("*.jsonl.gz")
                   for line in gzip.open(file, "rt")]
        topics = sorted(record["topic"] for record in records)
    else:
        with sqlite3.connect(folder / "data/telemetry.db") as database:
            topics = [row[0] for row in database.execute("SELECT topic FROM messages ORDER BY topic")]
    assert topics == sorted(expected), topics


def check_database_in_the_way(broker: Broker, folder: pathlib.Path) -> None:
    (folder / "data").mkdir(parents=True)
    theirs = folder / "data/telemetry.db"
    with sqlite3.connect(theirs) as database:
        database.executescript((HERE / "databases/mtss_messages.sql").read_text())
    database.close()
    before = theirs.read_bytes()
    edge = Edge("mtss_raspberry_pi.yaml", folder, broker.port)
    err = edge.end()
    assert edge.process.returncode == 2, (edge.process.returncode, err)
    for part in ("./data/telemetry.db", "table 'messages'", "storage.sqlite.path", "data/telemetry-new.db"):
        assert part in err, (part, err)
    assert theirs.read_bytes() == before
    edge = Edge("mtss_raspberry_pi.yaml", folder, broker.port, "--storage", "sqlite:./data/telemetry-new.db")
    edge.wait_until_ready()
    edge.stop()
    assert theirs.read_bytes() == before


def main() -> None:
    check_configurations()
    check_list()
    check_schemas()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        broker = Broker(folder)
        try:
            for number, (file, refused) in enumerate(REFUSED.items()):
                if not refused:
                    check_start(file, broker, folder / str(number))
            check_database_in_the_way(broker, folder / "in_the_way")
        finally:
            broker.stop()
    print(f"ancestors: {len(REFUSED)} configurations, their schemas and database")


main()

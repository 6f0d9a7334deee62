#!/usr/bin/env python3
"""Runs every C++ example against a real broker. usage: run_examples.py BIN_DIR SOURCE_DIR"""
import pathlib
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "crash"))
from programs import mosquitto  # noqa: E402

BIN, SOURCE = map(pathlib.Path, sys.argv[1:3])
MESSAGES = [("sensors/a/temperature", '{"temperature":1}'), ("sensors/b/temperature", '{"temperature":2}')]


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.02)
    sys.exit("mosquitto does not listen")


def run(example: str, port: int, folder: str) -> list[str]:
    """Starts the example, publishes when it is ready, returns its output lines after Enter."""
    process = subprocess.Popen([BIN / example, str(port), folder], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == "ready\n", f"{example} did not become ready"
        for topic, payload in MESSAGES:
            subprocess.run(["mosquitto_pub", "-p", str(port), "-q", "1", "-t", topic, "-m", payload], check=True)
        lines = [process.stdout.readline().rstrip("\n") for _ in MESSAGES]
        rest, _ = process.communicate("\n", timeout=20)
        assert process.returncode == 0, f"{example} ended with {process.returncode}"
        return lines + rest.splitlines()
    finally:
        process.kill()


def main() -> None:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        conf = pathlib.Path(folder) / "mosquitto.conf"
        conf.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
        broker = subprocess.Popen([mosquitto(), "-c", conf], stderr=subprocess.DEVNULL)
        try:
            wait_for(port)
            embed = run("example_embed", port, f"{folder}/embed")
            assert embed == [f"{t} {p}" for t, p in MESSAGES], embed
            rows = sqlite3.connect(f"{folder}/embed/telemetry.db").execute(
                "SELECT topic, payload FROM messages ORDER BY id").fetchall()
            assert rows == MESSAGES, rows
            lines = run("example_custom_sink", port, f"{folder}/sink")
            assert lines == [f"{i} {t} {p}" for i, (t, p) in enumerate(MESSAGES, 1)], lines
        finally:
            broker.terminate()
            broker.wait()
    source = (SOURCE / "examples/embed/main.cpp").read_text().splitlines()
    code = [line for line in source if line.strip() and not line.startswith("//")]
    assert len(code) <= 30, f"examples/embed promises at most 30 lines of C++, it has {len(code)}"
    print("examples: embed and custom_sink ran")


main()

# SPDX-License-Identifier: Apache-2.0
"""A broker, a gateway over a filled store, users and keys: what the tests of this folder ask.

The store has messages of two schemas and of none, retained ones and dead letters, of several devices.
"""

import argparse
import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "crash"))
from rig import ROOT, Failure, Rig, wait_until  # noqa: E402,F401

PASSWORD = "correct horse battery"
SCOPE = "sensors/#"
READINGS = 400
HOT = '{"sensor_id": "sensor-009", "temperature": 31.5, "humidity": 40, "seq": 1}'


class Gateway:
    """With people who sign in, or without; `settings` are lines of section web."""

    def __init__(self, rig, name, people=False, settings="", listen="127.0.0.1"):
        self.rig, self.name, self.people = rig, name, people
        authentication = "security: {authentication: {enabled: true}}\n" if people else ""
        extra = f"web: {{host: {listen}, port: 0, {settings}}}\n{authentication}"
        folder = rig.path(name)
        self.config = rig.write_config(
            name=f"{name}.yaml",
            journal=f"{folder}/journal",
            database=f"{folder}/telemetry.db",
            extra=extra,
        )
        with open(self.config, encoding="utf-8") as config:
            text = config.read().replace("crash-edge", f"test-{name}")
        with open(self.config, "w", encoding="utf-8") as config:
            config.write(text)
        os.makedirs(f"{folder}/journal")
        self.keys = {}
        if people:
            self.add_people()
        self.process, self.port = None, 0
        self.start()

    def start(self):
        self.process = self.rig.run(
            "telemetry-gateway",
            [self.rig.binary("telemetry-gateway"), "--config", self.config],
            f"{self.name}.log",
        )
        self.port = int(self.process.wait_for_output(r"serving http://\S+:(\d+)/").group(1))
        self.process.wait_for_output(r"subscribed to 3 topic filters")

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def command(self, *arguments, text=""):
        done = subprocess.run(
            [self.rig.binary("telemetry"), *arguments, "-c", self.config],
            input=text,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            raise Failure(f"telemetry {' '.join(arguments)}: {done.stderr}")
        return done.stdout.strip()

    def add_people(self):
        for name, rights in {
            "viewer": ["--role", "viewer"],
            "scoped": ["--scope", SCOPE],
            "operator": ["--role", "operator"],
            "admin": ["--role", "admin"],
        }.items():
            self.command("user", "add", name, *rights, "--password-stdin", text=PASSWORD + "\n")
            self.keys[name] = self.command("key", "add", f"key-{name}", *rights)

    def fill(self):
        """Waits until all of it is stored."""
        rig = self.rig
        load = rig.start_load(
            rate=0,
            count=READINGS,
            name=f"{self.name}-load",
            more=["--devices", "5", "--f2", "1", "--bad-payloads", "5", "--json"],
        )
        load.wait(0, 120)
        sent = json.loads(load.output().splitlines()[-1])
        own = [
            ("sensors/sensor-009/temperature", HOT, False),
            ("iot/hall/door", "open", False),
            ("iot/hall/door", "closed", True),
            ("iot/hall/climate", '{"temperature": 31, "humidity": 40, "door": {"open": true}}', True),
            ("iot/secret/plan", '{"secret_level": 7}', False),
        ]
        for topic, payload, retained in own:
            command = ["mosquitto_pub", "-p", str(rig.broker_port), "-q", "1", "-t", topic, "-m", payload]
            subprocess.run([*command, *(["-r"] if retained else [])], check=True, timeout=30)
        kinds = ("readings", "heartbeats", "duplicates", "bad_payloads")
        count = len(own) + sum(sent[kind] for kind in kinds)

        def there():
            stats = self.json("/api/stats", "admin")
            return stats["messages_received"] >= count and not any(one["lag"] for one in stats["consumers"])

        wait_until(there, 60, f"all of {count} messages are stored")

    def json(self, target, who=None):
        return json.loads(self.ask(target, who)[2])

    def headers(self, who):
        return {"Authorization": f"Bearer {self.keys[who]}"} if self.people and who else {}

    def ask(self, target, who=None, method="GET", body="", headers=()):
        """(status, {header: value}, body) of a plain request."""
        head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        given = {**self.headers(who), **dict(headers)}
        if body:
            given["Content-Length"] = str(len(body.encode()))
        head += "".join(f"{name}: {value}\r\n" for name, value in given.items())
        with self.connect() as connection:
            connection.sendall((head + "\r\n" + body).encode())
            return answer_of(read_all(connection))

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), 30)


class WebSocket:
    """A client that masks with zeros, which changes nothing."""

    def __init__(self, gateway, headers=()):
        self.connection = gateway.connect()
        given = {"Host": f"127.0.0.1:{gateway.port}", "Upgrade": "websocket", "Connection": "Upgrade",
                 "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", **dict(headers)}  # fmt: skip
        lines = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        self.connection.sendall(f"GET /ws HTTP/1.1\r\n{lines}\r\n".encode())
        self.rest = b""
        while b"\r\n\r\n" not in self.rest:
            piece = self.connection.recv(65536)
            if not piece:
                break
            self.rest += piece
        head, end, self.rest = self.rest.partition(b"\r\n\r\n")
        self.status = int(head.split(b" ")[1])
        if self.status != 101:
            self.connection.shutdown(socket.SHUT_WR)
            self.answer = answer_of(head + end + self.rest + read_all(self.connection))

    def say(self, text):
        data = text.encode()
        size = bytes([128 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack(">H", len(data))
        self.connection.sendall(b"\x81" + size + bytes(4) + data)

    def hear(self):
        """The next text."""
        while True:
            kind, data = self.frame()
            if kind == 1:
                return json.loads(data)

    def frame(self):
        kind, size = self.take(2)
        size &= 127
        if size > 125:
            size = int.from_bytes(self.take(2 if size == 126 else 8), "big")
        return kind & 15, self.take(size)

    def take(self, count):
        while len(self.rest) < count:
            piece = self.connection.recv(65536)
            if not piece:
                raise Failure("the WebSocket ended")
            self.rest += piece
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def close(self):
        self.connection.close()


def read_all(connection):
    out = b""
    try:
        while piece := connection.recv(65536):
            out += piece
    except ConnectionResetError:
        pass
    return out


def answer_of(raw):
    """(status, headers, body) of the first answer in these bytes; (0, {}, "") where there is none."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    if not (first := re.match(r"HTTP/1\.1 (\d{3}) ", lines[0] + " ")):
        return 0, {}, ""
    headers = dict(line.split(": ", 1) for line in lines[1:])
    if headers.get("Transfer-Encoding") == "chunked":
        whole, rest = b"", body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            whole, rest = whole + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        body = whole
    return int(first.group(1)), headers, body.decode("utf-8", "replace")


def arguments(text, **more):
    parser = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", default="build/release/bin", help="folder of the programs")
    parser.add_argument("--seed", type=int, default=20261130)
    parser.add_argument("--work", help="where temporary folders are made")
    parser.add_argument("--keep", action="store_true", help="keep the temporary folders")
    for name, settings in more.items():
        parser.add_argument(f"--{name}", **settings)
    options = parser.parse_args()
    options.bin = os.path.abspath(options.bin)
    return options


def run(options, name, test):
    """Runs test(rig), which returns what was wrong. @returns an exit code"""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left running
    rig = Rig(options, name)
    failed = True
    try:
        rig.start_broker()
        wrong = test(rig)
        failed = bool(wrong)
    finally:
        rig.close(failed)
    for line in wrong:
        print(f"FAILED {line}")
    return 1 if wrong else 0

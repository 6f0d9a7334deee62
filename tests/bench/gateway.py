#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What telemetry-gateway costs beside what a user might write instead, all interleaved in one run.

  tests/bench/gateway.py --bin build/release/bin --rounds 5 [--only live]
Parts (--only, may be repeated):
  latest    GET of the newest message of a topic, by keep-alive: CPU time per request
  rows      GET of the 1,000 newest messages as JSON: rows per second of CPU time
  live      200 clients with a topic each, and 20 that overlap (ten deliveries per message), each message
            alone and in batches of 50 ms: CPU time per delivered message, latency; and one client that
            stops reading
  memory    RSS: idle, per idle connection, with 10 live clients, during an export

The peers are in tests/bench/peers: net/http with go-sqlite3, FastAPI with sqlite3 and a raw epoll server of a
constant answer; Node's ws with mqtt.js; a bare MQTT subscriber. --build keeps what is compiled and installed
there (cc, go, npm, python3 -m venv; the first time takes minutes). The measured server has CPU 1 for itself; broker,
publisher and clients have CPU 0, and so has the gateway where it only fills the database for a peer. In ours
authentication with an API key, a rate limit and metrics are on. Messages come at --rate all the time; ours
stores them in the same process. CPU per request = (CPU under load - CPU of the same time with ingest alone) /
requests, from the process's CPU clock (utime + stime). Answers are checked: status, length, records.

A busy machine starves the peers of one thread: run it alone, or in a session of its own (setsid) with priority
(echo -10 > /proc/self/autogroup). Where Node fell behind there is no verdict.

Figures are medians [least-most] of --rounds. Exit code: 0 done, 1 a check failed, 2 wrong usage.
"""

import argparse
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PEERS = os.path.join(ROOT, "tests/bench/peers")
sys.path.insert(0, os.path.join(ROOT, "tests/crash"))
from programs import mosquitto  # noqa: E402

PARTS = ("latest", "rows", "live", "memory")
DEVICES = 200
TABLE = "temperature_sensor_v1_p1"
# One table for all rows, so that a peer's SQL needs no UNION. The broker keeps nothing for a gateway that is away.
CONFIG = """\
mqtt:
  broker: 127.0.0.1
  port: {broker}
  client_id: bench-gateway
  session_expiry: 1s
  topics: [{{topic: "sensors/+/temperature", qos: 1}}]
journal: {{path: {folder}/journal}}
storage: {{backend: sqlite, sqlite: {{path: {folder}/rows.db, partition_rows: {partition_rows}}}}}
schema: {{path: {schemas}}}
web: {{port: {port}, api: {{rate_limit: 1000000}}, websocket: {{max_connections: 1000}}}}
security: {{authentication: {{enabled: true}}}}
"""


class Wrong(Exception):
    """A check failed; the text says which."""


def cpu_s(process):
    return time.clock_gettime((~process << 3) | 2)  # its CPU clock, as clock_getcpuclockid() makes it


def memory_kb(process, name="VmRSS"):
    with open(f"/proc/{process}/status", encoding="ascii") as status:
        return int(re.search(rf"{name}:\s+(\d+) kB", status.read()).group(1))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run(command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise Wrong(f"{command[0]}: exit code {done.returncode}\n{done.stdout[-1000:]}{done.stderr[-2000:]}")
    return done.stdout


def build(folder):
    """Compiles and installs the peers; what go, pip and npm have already done they do not do again."""
    os.makedirs(folder, exist_ok=True)
    for name in ("publish", "subscribe", "raw_server", "load", "live_clients"):
        source, program = os.path.join(PEERS, name + ".c"), os.path.join(folder, name)
        run(["cc", "-O2", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-o", program, source])
    run(["go", "build", "-o", os.path.join(folder, "go_server"), "."], cwd=os.path.join(PEERS, "go"))
    python = os.path.join(folder, "venv/bin/python")
    if not os.path.exists(python):
        run([sys.executable, "-m", "venv", os.path.join(folder, "venv")])
    run([python, "-m", "pip", "install", "--quiet", "-r", os.path.join(PEERS, "fastapi/requirements.txt")])
    node = os.path.join(folder, "node")
    shutil.copytree(os.path.join(PEERS, "node"), node, dirs_exist_ok=True)
    if not os.path.exists(os.path.join(node, "node_modules")):
        run(["npm", "ci", "--ignore-scripts", "--no-fund", "--no-audit"], cwd=node)


class Child:
    """A program on one CPU; its output goes to a file."""

    def __init__(self, rig, name, command, cpu, environment=None):
        self.name = name
        self.path = os.path.join(rig.folder, name + ".log")
        with open(self.path, "wb") as log:
            self.process = subprocess.Popen(
                ["taskset", "-c", str(cpu), *command], stdin=subprocess.PIPE, stdout=log,
                stderr=subprocess.STDOUT, cwd=rig.folder, env={**os.environ, **(environment or {})},
            )
        self.pid = self.process.pid
        rig.children.append(self)

    def output(self):
        with open(self.path, encoding="utf-8", errors="replace") as log:
            return log.read()

    def wait_for(self, word, seconds=60):
        deadline = time.monotonic() + seconds
        while not re.search(rf"\b{word}$", self.output(), re.MULTILINE):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise Wrong(f"{self.name} never said '{word}':\n{self.output()[-2000:]}")
            time.sleep(0.01)

    def wait_for_port(self, port):
        for _ in range(2000):
            if self.process.poll() is not None:
                raise Wrong(f"{self.name} has ended:\n{self.output()[-2000:]}")
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                time.sleep(0.01)
        raise Wrong(f"{self.name} does not listen")

    def result(self, seconds=120):
        """Waits for its end; its last line is JSON."""
        if self.process.wait(seconds) != 0:
            raise Wrong(f"{self.name}: exit code {self.process.returncode}\n{self.output()[-2000:]}")
        return json.loads(self.output().splitlines()[-1])

    def move(self, cpu):
        run(["taskset", "-a", "-c", "-p", str(cpu), str(self.pid)])

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdin.close()


class Rig:
    def __init__(self, options, folder):
        self.options, self.folder, self.children = options, folder, []
        self.broker, self.port = free_port(), free_port()
        self.figures = {}  # (row, column) -> values
        conf = os.path.join(folder, "mosquitto.conf")
        with open(conf, "w", encoding="utf-8") as out:
            # Without nodelay a subscriber that sends nothing waits for delayed acknowledgements of TCP.
            out.write(f"listener {self.broker} 127.0.0.1\nallow_anonymous true\nlog_type error\n"
                      "set_tcp_nodelay true\nmax_queued_messages 0\nmax_inflight_messages 0\n")
        self.start("broker", [mosquitto(), "-c", conf], 0).wait_for_port(self.broker)

    def start(self, name, command, cpu, **more):
        return Child(self, name, command, cpu, **more)

    def tool(self, name):
        return os.path.join(self.options.build, name)

    def gateway(self, cpu, store="gateway", partition_rows=10_000_000):
        folder = os.path.join(self.folder, store)
        config = os.path.join(folder, "gateway.yaml")
        telemetry = os.path.join(self.options.bin, "telemetry")
        if not os.path.exists(config):
            os.makedirs(folder)
            with open(config, "w", encoding="utf-8") as out:
                out.write(CONFIG.format(broker=self.broker, folder=folder, port=self.port,
                                        partition_rows=partition_rows,
                                        schemas=os.path.join(ROOT, "examples/schemas")))
            self.key = run([telemetry, "key", "add", "bench", "-c", config]).split()[-1]
            self.header = f"Authorization: Bearer {self.key}"
        child = self.start("gateway", [os.path.join(self.options.bin, "telemetry-gateway"), "-c", config], cpu)
        child.wait_for("ready")
        child.wait_for_port(self.port)
        return child

    def publisher(self):
        return self.start("publish", [self.tool("publish"), str(self.broker), str(self.options.rate),
                                      str(DEVICES)], 0)

    def fill(self, count=0, seconds=0, first=1):
        """Through the whole product, as fast as it takes them; returns how many there are then."""
        command = [os.path.join(self.options.bin, "telemetry-sim"), "--broker", "127.0.0.1", "--port",
                   str(self.broker), "--rate", "0", "--count", str(count), "--duration", str(seconds),
                   "--devices", str(DEVICES), "--first", str(first), "--dc", "0", "--ac", "0", "--heartbeat-interval", "0",
                   "--in-flight", "20000", "--drain", "120", "--quiet", "--json"]
        return json.loads(run(command).splitlines()[-1])["acknowledged"]

    def wait_for_rows(self, store, count):
        database = sqlite3.connect(f"file:{self.folder}/{store}/rows.db?mode=ro", uri=True)
        for _ in range(1200):
            there = database.execute("SELECT coalesce(sum(row_count), 0) FROM partitions").fetchone()[0]
            if there >= count:
                break
            time.sleep(0.1)
        database.close()
        if there != count:
            raise Wrong(f"{there} rows of {count} messages")

    def get(self, port, path):
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}",
                                         headers={"Authorization": f"Bearer {self.key}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read()

    def add(self, row, column, value):
        self.figures.setdefault((row, column), []).append(value)

    def middle(self, row, column):
        return statistics.median(self.figures[row, column])

    def text(self, row, column, form):
        values = self.figures.get((row, column))
        if not values:
            return "-"
        if len(values) == 1:
            return form.format(values[0])
        return f"{form.format(statistics.median(values))} [{form.format(min(values))}-{form.format(max(values))}]"

    def table(self, rows, columns):
        print("\n| | " + " | ".join(title for _, title, _ in columns) + " |")
        print("|---" * (len(columns) + 1) + "|")
        for row in rows:
            name = row if isinstance(row, str) else ", ".join(row)
            print(f"| {name} | " + " | ".join(self.text(row, key, form) for key, _, form in columns) + " |")
        sys.stdout.flush()

    def ratio(self, what, row, other, column, bar, inverse=False):
        ratio = self.middle(row, column) / self.middle(other, column)
        held = ratio >= bar if inverse else ratio <= bar
        print(f"{what}: {ratio:.2f} (bar {'>=' if inverse else '<='} {bar}: {'held' if held else 'MISSED'})")


# --- HTTP ---------------------------------------------------------------------------------------------------------

LATEST, ROWS = "latest", "rows"
TOPICS = [f"sensors/sensor-{number:03}/temperature" for number in range(1, DEVICES + 1)]
GATEWAY_PATHS = {LATEST: ["/api/data/latest?topic=" + topic for topic in TOPICS],
                 ROWS: ["/api/data?limit=1000"]}
PEER_PATHS = {LATEST: ["/latest?topic=" + topic for topic in TOPICS], ROWS: ["/data?limit=1000"]}


def records(body):
    """What must be the same in all answers: everything but the id; times without trailing zeros."""
    found = json.loads(body)["data"]
    for record in found:
        del record["id"]
        for holder, name in ((record, "timestamp"), (record, "received_at"), (record["payload"], "timestamp")):
            whole, _, fraction = holder[name].rstrip("Z").partition(".")
            holder[name] = (whole, fraction.rstrip("0"))
    return sorted(found, key=lambda record: (record["topic"], record["payload"]["seq"]))  # ours is by time, theirs by id


def start_http_peers(rig):
    database = os.path.join(rig.folder, "gateway/rows.db")
    peers = {}
    port = free_port()
    peers["Go"] = (rig.start("go", [rig.tool("go_server"), str(port), database, TABLE], 1), port)
    port = free_port()
    peers["FastAPI"] = (
        rig.start("fastapi", [rig.tool("venv/bin/python"), "-m", "uvicorn", "--app-dir",
                              os.path.join(PEERS, "fastapi"), "--host", "127.0.0.1", "--port", str(port),
                              "--no-access-log", "--log-level", "warning", "app:app"], 1,
                  environment={"DATABASE": database, "TABLE": TABLE}), port)
    # The same bytes as ours, header and all.
    answer = os.path.join(rig.folder, "answer")
    with socket.create_connection(("127.0.0.1", rig.port)) as ask, open(answer, "wb") as out:
        ask.sendall(f"GET {GATEWAY_PATHS[LATEST][0]} HTTP/1.1\r\nHost: 127.0.0.1:{rig.port}\r\n"
                    f"{rig.header}\r\nConnection: close\r\n\r\n".encode())
        while got := ask.recv(65536):
            out.write(got.replace(b"Connection: close\r\n", b""))
    port = free_port()
    peers["raw epoll"] = (rig.start("raw", [rig.tool("raw_server"), str(port), answer], 1), port)
    for child, port in peers.values():
        child.wait_for_port(port)
    return peers


def measure_http(rig, parts):
    options = rig.options
    gateway = rig.gateway(1)
    filled = rig.fill(count=options.rows)
    rig.wait_for_rows("gateway", filled)
    peers = start_http_peers(rig)
    for part in (LATEST, ROWS):
        ours = records(rig.get(rig.port, GATEWAY_PATHS[part][0]))
        for name in ("Go", "FastAPI"):
            theirs = records(rig.get(peers[name][1], PEER_PATHS[part][0]))
            if ours != theirs:
                raise Wrong(f"{part}: {name} answers otherwise: {theirs[0]}, not {ours[0]}")
    for part in parts:
        for paths, name in ((GATEWAY_PATHS, "gateway"), (PEER_PATHS, "peer")):
            with open(os.path.join(rig.folder, f"{part}-{name}.paths"), "w", encoding="ascii") as out:
                out.write("".join(path + "\n" for path in paths[part]))
    publisher = rig.publisher()
    time.sleep(2)

    def load(part, name, pid, port):
        connections = {LATEST: options.connections, ROWS: 8}[part]
        return rig.start("load", [rig.tool("load"), str(port), str(connections), str(options.seconds),
                                  os.path.join(rig.folder, f"{part}-{name}.paths"),
                                  str({LATEST: 1, ROWS: 1000}[part]), rig.header if name == "gateway" else "",
                                  str(pid)], 0).result()

    for number in range(options.rounds):
        gateway.move(1)
        time.sleep(1)
        before, began = cpu_s(gateway.pid), time.monotonic()
        time.sleep(options.seconds)
        alone = (cpu_s(gateway.pid) - before) / (time.monotonic() - began)
        rig.add("ingest", "cpu", alone * 100)
        for part in parts:
            for name in ["gateway", *peers]:
                if part == ROWS and name == "raw epoll":
                    continue
                ours = name == "gateway"
                gateway.move(1 if ours else 0)
                child, port = (gateway, rig.port) if ours else peers[name]
                done = load(part, "gateway" if ours else "peer", child.pid, port)
                spent = done["cpu_s"] - (alone * done["seconds"] if ours else 0)
                rig.add((part, name), "us", spent / done["requests"] * 1e6)
                rig.add((part, name), "rate", done["requests"] / done["seconds"])
                rig.add((part, name), "rows", 1000 * done["requests"] / spent / 1e3)
                rig.add((part, name), "p99", done["p99_us"] / 1e3)
                rig.add((part, name), "body", done["body_max"])
                print(f"round {number + 1} {part} {name}: {spent / done['requests'] * 1e6:.1f} us, "
                      f"{done['requests'] / done['seconds']:,.0f}/s", file=sys.stderr, flush=True)
    publisher.process.send_signal(signal.SIGTERM)
    sent = publisher.result()
    rig.wait_for_rows("gateway", filled + sent["sent"])
    for child in [gateway] + [child for child, _ in peers.values()]:
        child.stop()
    print(f"\n{filled:,} rows first, then {sent['rate']:,.0f} messages/s beside it, {sent['sent']:,} in all, every one "
          f"stored; ingest alone takes {rig.text('ingest', 'cpu', '{:.1f}')} % of a core")
    for part in parts:
        names = [(part, name) for name in ["gateway", *peers] if ((part, name), "us") in rig.figures]
        rows = [("rows", "thousand rows per CPU s", "{:.0f}")] if part == ROWS else []
        rig.table(names, [("us", "CPU us per request", "{:.1f}"), *rows,
                          ("rate", "requests/s", "{:,.0f}"), ("p99", "p99 ms", "{:.1f}"),
                          ("body", "body bytes", "{:.0f}")])
    if LATEST in parts:
        for name, bar in (("Go", 0.6), ("FastAPI", 0.08), ("raw epoll", 2.2)):
            rig.ratio(f"latest, CPU per request, gateway : {name}", (LATEST, "gateway"), (LATEST, name), "us", bar)
    if ROWS in parts:
        for name, bar in (("FastAPI", 5), ("Go", 2)):
            rig.ratio(f"1,000 rows, rows per CPU, gateway : {name}", (ROWS, "gateway"), (ROWS, name), "rows",
                      bar, inverse=True)


# --- Live ---------------------------------------------------------------------------------------------------------

SPARSE, DENSE = "200 clients", "20 clients"
LIVE_CASES = [(SPARSE, 0, 0), (SPARSE, 50, 0), (DENSE, 0, 0), (DENSE, 50, 0), (DENSE, 0, 1)]


def subscriptions(case, batch_ms, stalled):
    def text(topics):
        asked = {"type": "subscribe", "id": "s", "topics": topics}
        return json.dumps(asked | ({"batch_ms": batch_ms} if batch_ms else {}), separators=(",", ":"))

    if case == SPARSE:
        return [text([topic]) for topic in TOPICS]
    # Each client has half of the topics, and each topic ten clients.
    half = DEVICES // 2
    lines = [text((TOPICS + TOPICS)[k * 10:k * 10 + half]) for k in range(20)]
    return lines + [text(["sensors/#"])] * stalled


def expected_rate(rig, case):
    return rig.options.rate * (1 if case == SPARSE else 10)


def measure_live(rig):
    options = rig.options
    sent = 0
    for number in range(options.rounds):
        for server in ("gateway", "node"):
            if server == "gateway":
                child, port, path = rig.gateway(1, "live"), rig.port, "/ws"
                header = rig.header
            else:
                port, path, header = free_port(), "/", ""
                child = rig.start("node", ["node", rig.tool("node/server.js"), str(rig.broker), str(port)], 1)
                child.wait_for("ready")
            publisher = rig.publisher()
            time.sleep(2)
            before, began = cpu_s(child.pid), time.monotonic()
            time.sleep(options.seconds)
            alone = (cpu_s(child.pid) - before) / (time.monotonic() - began)
            rig.add((server, "ingest"), "cpu", alone * 100)
            for case, batch_ms, stalled in LIVE_CASES:
                lines = subscriptions(case, batch_ms, stalled)
                asked = os.path.join(rig.folder, "subscriptions")
                with open(asked, "w", encoding="ascii") as out:
                    out.write("".join(line + "\n" for line in lines))
                clients = rig.start("clients", [rig.tool("live_clients"), str(port), path, str(options.seconds),
                                                asked, header, str(child.pid), str(stalled)], 0)
                clients.wait_for("ready")
                bare = rig.start("bare", [rig.tool("subscribe"), str(rig.broker), "sensors/+/temperature",
                                          str(options.seconds), "1"], 0)
                done, yardstick = clients.result(), bare.result()
                expected = expected_rate(rig, case) * done["seconds"]
                # Node may fall behind; its rate is in the table then.
                if server == "gateway" and (done["delivered"] < 0.97 * expected or done["ended"]):
                    raise Wrong(f"{server}, {case}, batch {batch_ms}: {done}, not {expected:,.0f} deliveries")
                row = (server, case, f"batch {batch_ms} ms" if batch_ms else "one by one",
                       *(["one stalled"] if stalled else []))
                rig.add(row, "net", (done["cpu_s"] - alone * done["seconds"]) / done["delivered"] * 1e6)
                rig.add(row, "whole", done["cpu_s"] / done["delivered"] * 1e6)
                rig.add(row, "delivered", done["delivered"] / done["seconds"])
                rig.add(row, "p50", done["p50_us"] / 1e3)
                rig.add(row, "p99", done["p99_us"] / 1e3)
                rig.add(row, "bare50", yardstick["p50_us"] / 1e3)
                rig.add(row, "bare99", yardstick["p99_us"] / 1e3)
                rig.add(row, "times", done["p99_us"] / yardstick["p99_us"])
                print(f"round {number + 1} {row}: {done['cpu_s'] / done['delivered'] * 1e6:.2f} us, p99 "
                      f"{done['p99_us'] / 1e3:.1f} ms, bare {yardstick['p99_us'] / 1e3:.1f} ms", file=sys.stderr,
                      flush=True)
            publisher.process.send_signal(signal.SIGTERM)
            published = publisher.result()["sent"]
            if server == "gateway":
                sent += published
                rig.wait_for_rows("live", sent)
            child.stop()
    rows = list(dict.fromkeys(row for row, column in rig.figures if column == "net"))
    for server in ("gateway", "node"):
        print(f"\n{server} without clients: {rig.text((server, 'ingest'), 'cpu', '{:.1f}')} % of a core")
    rig.table(rows, [("net", "CPU us per delivery, ingest alone subtracted", "{:.2f}"),
                     ("whole", "CPU us per delivery, whole process", "{:.2f}"),
                     ("delivered", "deliveries/s", "{:,.0f}"), ("p50", "p50 ms", "{:.2f}"),
                     ("p99", "p99 ms", "{:.2f}"), ("bare50", "bare p50 ms", "{:.2f}"),
                     ("bare99", "bare p99 ms", "{:.2f}"), ("times", "p99 : bare p99", "{:.1f}")])
    for case in (SPARSE, DENSE):
        for how, bar in (("one by one", 0.6), ("batch 50 ms", 0.25)):
            delivered, expected = rig.middle(("node", case, how), "delivered"), expected_rate(rig, case)
            if not 0.97 < delivered / expected < 1.03:
                print(f"live, {case}, {how}: no verdict: node delivered {delivered:,.0f}/s of {expected:,.0f}")
                continue
            for column, name in (("net", "less ingest"), ("whole", "whole process")):
                rig.ratio(f"live, {case}, {how}, CPU per delivery, {name}, gateway : node",
                          ("gateway", case, how), ("node", case, how), column, bar)
        times = rig.middle(("gateway", case, "one by one"), "times")
        print(f"live, {case}, p99 : p99 of the bare subscriber: {times:.1f} (bar <= 3: "
              f"{'held' if times <= 3 else 'MISSED'})")
    rig.ratio("live, p99 with a client that stops reading : without", ("gateway", DENSE, "one by one", "one stalled"),
              ("gateway", DENSE, "one by one"), "p99", 1.2)


# --- Memory -------------------------------------------------------------------------------------------------------


def hold(rig, gateway, kind, count):
    """KB per idle connection."""
    rig.get(rig.port, "/api/data/latest")
    time.sleep(1)
    before = memory_kb(gateway.pid)
    asked = os.path.join(rig.folder, "held")
    with open(asked, "w", encoding="ascii") as out:
        out.write("/api/data/latest\n" if kind == "plain" else
                  '{"type":"subscribe","id":"s","topics":["sensors/none"]}\n' * count)
    command = ([rig.tool("load"), str(rig.port), str(count), "0", asked, "0", rig.header] if kind == "plain" else
               [rig.tool("live_clients"), str(rig.port), "/ws", "0", asked, rig.header])
    child = rig.start("held", command, 0)
    child.wait_for("ready")
    time.sleep(2)
    after = memory_kb(gateway.pid)
    child.stop()
    return (after - before) / count


def measure_memory(rig):
    options = rig.options
    for number in range(options.rounds):
        for kind in ("plain", "WebSocket"):
            gateway = rig.gateway(1, f"memory-{kind}-{number}")
            time.sleep(3)
            rig.add("idle", "kb", memory_kb(gateway.pid))
            rig.add(f"per idle connection, {kind}, {options.idle} of them", "kb",
                    hold(rig, gateway, kind, options.idle))
            gateway.stop()
    gateway = rig.gateway(1, "memory-live", partition_rows=500_000)
    publisher = rig.publisher()
    asked = os.path.join(rig.folder, "subscriptions")
    with open(asked, "w", encoding="ascii") as out:
        out.write("".join(line + "\n" for line in subscriptions(DENSE, 0, 0)[:10]))
    rig.start("clients", [rig.tool("live_clients"), str(rig.port), "/ws", str(options.memory_seconds), asked,
                          rig.header, str(gateway.pid)], 0).result()
    rig.add(f"10 live clients, {options.memory_seconds} s", "kb", memory_kb(gateway.pid))
    rig.add(f"10 live clients, {options.memory_seconds} s, VmHWM", "kb", memory_kb(gateway.pid, "VmHWM"))
    publisher.process.send_signal(signal.SIGTERM)
    filled = publisher.result()["sent"]
    gateway.move("0,1")
    # Other devices: the publisher's count from another number on.
    filled += rig.fill(seconds=options.fill_seconds, first=DEVICES + 1)
    rig.wait_for_rows("memory-live", filled)
    gateway.stop()
    gateway = rig.gateway(1, "memory-live")
    publisher = rig.publisher()
    time.sleep(options.memory_seconds)
    base = memory_kb(gateway.pid)
    began = time.monotonic()
    export = rig.start("curl", ["sh", "-c", f"curl -sSf -H '{rig.header}' 'http://127.0.0.1:{rig.port}/api/export"
                                f"?format=jsonl' | wc -l"], 0)
    seen = []
    while export.process.poll() is None:
        seen.append(memory_kb(gateway.pid))
        time.sleep(0.02)
    rows = int(export.output().split()[-1])
    if export.process.returncode != 0 or rows < filled:
        raise Wrong(f"exported {rows} rows of {filled}: {export.output()[-500:]}")
    print(f"\n{rows:,} rows exported in {time.monotonic() - began:.0f} s beside {options.rate:,} messages/s")
    quarter = max(1, len(seen) // 4)
    rig.add("before the export", "kb", base)
    for place in range(4):
        rig.add(f"export, most in quarter {place + 1}", "kb", max(seen[place * quarter:(place + 1) * quarter] or seen))
    rig.add("export, growth", "kb", max(seen) - base)
    publisher.process.send_signal(signal.SIGTERM)
    publisher.result()
    gateway.stop()
    rows = list(dict.fromkeys(row for row, column in rig.figures if column == "kb"))
    rig.table(rows, [("kb", "RSS KB", "{:,.1f}")])


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bin", required=True, metavar="DIR",
                        help="folder of telemetry-gateway, telemetry and telemetry-sim")
    parser.add_argument("--build", default="build/peers", metavar="DIR", help="where the peers are built [build/peers]")
    parser.add_argument("--only", action="append", choices=PARTS, help="only this part; may be repeated")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=6, help="of each measurement [6]")
    parser.add_argument("--rate", type=int, default=5_000, help="messages/s that come in [5000]")
    parser.add_argument("--rows", type=int, default=400_000, help="rows that are there first [400000]")
    parser.add_argument("--connections", type=int, default=32, help="of the load on latest [32]")
    parser.add_argument("--idle", type=int, default=900, help="idle connections [900]; the gateway takes 1,000")
    parser.add_argument("--fill-seconds", type=int, default=180, help="how long rows for the export are stored [180]")
    parser.add_argument("--memory-seconds", type=int, default=30, help="how long 10 live clients are served [30]")
    parser.add_argument("--work", metavar="DIR", help="where the temporary folder is made")
    options = parser.parse_args()
    options.bin, options.build = os.path.abspath(options.bin), os.path.abspath(options.build)
    options.only = options.only or list(PARTS)
    for program in ("telemetry-gateway", "telemetry", "telemetry-sim"):
        if not os.access(os.path.join(options.bin, program), os.X_OK):
            parser.error(f"{options.bin}/{program} does not exist; build it first")
    if os.cpu_count() < 2:
        parser.error("it needs two CPUs")
    return options


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left running
    folder = tempfile.mkdtemp(prefix="telemetry-bench-", dir=options.work)
    rig = None
    try:
        build(options.build)
        rig = Rig(options, folder)
        http = [part for part in (LATEST, ROWS) if part in options.only]
        if http:
            measure_http(rig, http)
        if "live" in options.only:
            measure_live(rig)
        if "memory" in options.only:
            measure_memory(rig)
        return 0
    except Wrong as wrong:
        print(f"gateway.py: {wrong}", file=sys.stderr)
        return 1
    finally:
        for child in reversed(rig.children if rig else []):
            child.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())

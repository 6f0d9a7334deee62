# SPDX-License-Identifier: Apache-2.0
"""Live clients that are killed again and again receive every message exactly once while the journal holds it, else a gap."""

import collections
import os
import sqlite3
import sys

from rig import ROOT, SEQUENCE, Failure, Skipped, free_port, wait_until

CLIENT = os.path.join(ROOT, "tests", "crash", "live_client.py")


def start_gateway(rig, port, journal_mb=1024):
    program = rig.binary("telemetry-gateway")
    if not os.access(program, os.X_OK):
        raise Skipped(f"{program} does not exist; it needs Boost")
    if not os.path.exists(rig.path("edge.yaml")):
        rig.write_config(journal_mb=journal_mb, extra=f"web: {{port: {port}}}\n")
    gateway = rig.run("telemetry-gateway", [program, "--config", rig.path("edge.yaml")], "gateway.log")
    gateway.wait_for_output(r"\bready$")
    return gateway


class Client:
    """A process that is killed and started again on the same memory."""

    def __init__(self, rig, port, kind):
        self.rig, self.port, self.kind = rig, port, kind
        self.log = rig.path(kind + ".client")
        self.kills = 0
        self.start()

    def start(self):
        batch_ms = str(self.rig.random.choice([0, 20]))
        command = [sys.executable, CLIENT, str(self.port), self.kind, self.log, batch_ms]
        self.process = self.rig.run("live client", command, self.kind + ".log")

    def kill(self):
        if not self.process.running():
            raise Failure(f"the {self.kind} client ended by itself: {self.process.output()}")
        self.process.kill()
        self.kills += 1

    def size(self):
        return os.path.getsize(self.log) if os.path.exists(self.log) else 0

    def received(self):
        """What it remembers, in order."""
        with open(self.log, "rb") as log:
            lines = log.read().split(b"\n")[:-1]
        return [line for line in lines if not line.startswith(b"at\t")]


def stored_in_order(rig):
    store = sqlite3.connect(f"file:{rig.database}?mode=ro", uri=True, timeout=10)
    try:
        rows = store.execute("SELECT topic, payload FROM messages ORDER BY id")
        return [
            topic.encode() + b"\t" + SEQUENCE.search(payload.encode()).group(1) for topic, payload in rows
        ]
    finally:
        store.close()


def check_received(client, expected):
    """All that was stored, once and in order."""
    received = client.received()
    if received != expected:
        notices = [line for line in received if b"\t" not in line]
        seen, wanted = collections.Counter(received), collections.Counter(expected)
        raise Failure(
            f"the {client.kind} client, killed {client.kills} times: {(wanted - seen).total()} of {len(expected)} "
            f"messages are missing, {(seen - wanted).total()} are too many, {len(notices)} notices"
            f"{', the order is wrong' if seen == wanted else ''}"
        )


def live_clients_killed(rig):
    """Clients killed with -9 under load, and once the gateway, receive each message exactly once, in order."""
    kills, messages = (10, 50_000) if rig.options.short else (100, 1_000_000)
    port = free_port()
    rig.start_broker()
    gateway = start_gateway(rig, port)
    clients = [Client(rig, port, "ws"), Client(rig, port, "sse")]
    for client in clients:
        client.process.wait_for_output(r"^listens$")
    load = rig.start_load(rate=max(rig.options.rate, 5_000), count=messages)
    # Both remember at least 20 bytes for each message.
    plan = [(rig.random.randrange(100, 20 * messages), client) for client in clients for _ in range(kills)]
    plan.append((10 * messages, None))
    for size, client in sorted(plan, key=lambda step: step[0]):
        watched = client or clients[0]
        wait_until(lambda: watched.size() >= size, 300, f"the {watched.kind} client receives")
        if client is None:
            gateway.kill()
            gateway = start_gateway(rig, port)
        else:
            client.kill()
            client.start()
    load.wait(0, 900)
    rig.wait_for_rows(messages)
    wait_until(lambda: rig.consumers()["sqlite"]["lag"] == 0, 120, "the store has all")
    expected = stored_in_order(rig)
    for client in clients:
        wait_until(lambda: len(client.received()) >= len(expected), 300, f"the {client.kind} client has all")
        client.process.kill()
        check_received(client, expected)
    gateway.stop()
    return f"{len(expected)} messages, {kills} kills of each of {len(clients)} clients, 1 of the gateway"


def live_client_away(rig):
    """A client that stays away for longer than the journal reaches is told of the gap, and receives all behind it."""
    port = free_port()
    rig.start_broker()
    gateway = start_gateway(rig, port, journal_mb=2)
    client = Client(rig, port, "ws")
    client.process.wait_for_output(r"^listens$")
    rig.start_load(rate=5_000, count=2_000).wait(0, 120)
    wait_until(lambda: len(client.received()) >= 2_000, 60, "the client has what came first")
    client.kill()
    rig.start_load(rate=5_000, count=40_000, name="more", first=500_000).wait(0, 300)
    client.start()
    rig.wait_for_rows(42_000)
    wait_until(lambda: rig.consumers()["sqlite"]["lag"] == 0, 120, "the store has all")
    expected = stored_in_order(rig)
    wait_until(lambda: client.received()[-1] == expected[-1], 120, "the client has the last message")
    client.process.kill()
    received = client.received()
    if received.count(b"gap") != 1:
        raise Failure(f"{received.count(b'gap')} gaps were said, not 1")
    before = received.index(b"gap")
    behind = received[before + 1 :]
    if received[:before] != expected[:before] or behind != expected[-len(behind) :]:
        raise Failure("what was received around the gap is not what was stored")
    gateway.stop()
    return f"{before} messages before the gap, {len(expected) - before - len(behind)} in it, {len(behind)} behind"


SCENARIOS = [live_clients_killed, live_client_away]

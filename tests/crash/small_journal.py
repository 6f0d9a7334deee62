# SPDX-License-Identifier: Apache-2.0
"""Journals so small that they are full all the time: nothing is stuck, nothing comes twice."""

import json
import os
import re
import socket
import struct
import subprocess
import time

import mqtt_wire
from programs import mosquitto
from rig import Failure, tail, wait_until

SCHEMA = """\
name: numbered
version: "1.0"
topic_pattern: sensors/{device}/numbered
sequence_field: seq
fields:
  - {name: seq, type: integer}
"""


def publish(port, messages):
    """Publishes (topic, payload) with QoS 1; the broker has them all when this returns."""
    broker = socket.create_connection(("127.0.0.1", port), 60)
    broker.sendall(mqtt_wire.packet(0x10, b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x05burst"))
    if broker.recv(4)[3:] != b"\x00":
        raise Failure("the broker refused the publisher")
    stream, waiting, out = mqtt_wire.Stream(), 0, bytearray()

    def wait(most):
        nonlocal waiting
        while waiting > most:
            data = broker.recv(65536)
            if not data:
                raise Failure("the broker closed the publisher's connection")
            waiting -= len(stream.feed(data))

    for number, (topic, payload) in enumerate(messages):
        name = topic.encode()
        body = struct.pack(">H", len(name)) + name + struct.pack(">H", number % 65535 + 1) + payload
        out += mqtt_wire.packet(0x32, body)
        waiting += 1
        if len(out) > 30000:
            broker.sendall(out)
            out.clear()
            wait(200)
    broker.sendall(out)
    wait(0)
    broker.sendall(mqtt_wire.packet(0xE0, b""))
    broker.close()


def numbered(count, topics):
    """Numbers 0, 1, ... of each topic, one after the other."""
    for i in range(count):
        yield f"sensors/d{i % topics}/numbered", json.dumps({"seq": i // topics}).encode()


def unnumbered(count):
    """The numbers are for us; no schema names them."""
    for i in range(count):
        yield "iot/unnumbered", json.dumps({"seq": i}).encode()


def outgrows_receive_maximum():
    """mosquitto before 2.0.16 may have more under way than a small journal remembers after a kill
    (docs/mqtt.md): then a few may come twice."""
    said = subprocess.run([mosquitto(), "-h"], stdout=subprocess.PIPE, check=False).stdout.decode()
    return [int(n) for n in re.search(r"version (\d+)\.(\d+)\.(\d+)", said).groups()] < [2, 0, 16]


def begin(rig, name, megabytes, schema):
    """A journal and a database of their own."""
    rig.journal = rig.path(name, "journal")
    rig.database = rig.path(name, "store", "telemetry.db")
    os.makedirs(rig.path(name))
    config = rig.write_config(journal_mb=megabytes, schema=schema, name=name + ".yaml")
    with open(config, encoding="utf-8") as lines:
        text = lines.read().replace("crash-edge", "crash-" + name)
    with open(config, "w", encoding="utf-8") as out:
        out.write(text)
    return name + ".yaml"


def burst(rig, name, megabytes, messages, kills, verdicts):
    """Sends them into a session that waits, and counts the rows."""
    config = begin(rig, name, megabytes, rig.path("schemas"))
    rig.start_edge(config=config, log=name + ".log").stop()  # the broker has a session now
    publish(rig.broker_port, messages)
    edge = rig.start_edge(config=config, log=name + ".log")
    for _ in range(kills):
        time.sleep(10 ** rig.random.uniform(-2, 0.3))
        edge.kill()
        edge = rig.start_edge(ready=False, config=config, log=name + ".log")
    rig.wait_for_rows(len(messages), edge)
    may_repeat = kills > 0 and outgrows_receive_maximum()
    if may_repeat:
        wait_until(lambda: len(rig.stored()) == len(messages), 60, "every message is stored")
    edge.wait_for_output(r"\bready$")  # it may have been started a moment ago
    edge.stop()
    expected = {(topic, json.loads(payload)["seq"]) for topic, payload in messages}
    verdicts.append(rig.check_exactly_once(expected, may_repeat))


def small_journal(rig):
    """Bursts into journals of 2 to 16 MB that are full, numbered ones with kills: each row once."""
    count, kills = 40_000, 3 if rig.options.short else 8
    os.makedirs(rig.path("schemas"))
    with open(rig.path("schemas", "numbered.yaml"), "w", encoding="utf-8") as out:
        out.write(SCHEMA)
    rig.start_broker()
    verdicts = []
    for megabytes in (2,) if rig.options.short else (2, 3, 4, 8, 16):
        for topics in (1,) if rig.options.short else (1, 500):
            name = f"{megabytes}mb-{topics}"
            burst(rig, name, megabytes, list(numbered(count, topics)), kills, verdicts)
        burst(rig, f"{megabytes}mb", megabytes, list(unnumbered(count)), 0, verdicts)
    return (
        f"journals of 2 MB and more, {kills} kills each, without number no kill: "
        + "; ".join(verdicts)
    )


def large_messages(rig):
    """Messages that nearly fill a small journal: the next ones go in; a larger one is refused."""
    rig.start_broker()
    done = []
    sizes = (2, 1_100_000), (4, 3_000_000), (8, 7_500_000)
    for megabytes, large in sizes[:1] if rig.options.short else sizes:
        name = f"{megabytes}mb"
        config = begin(rig, name, megabytes, None)
        edge = rig.start_edge(config=config, log=name + ".log")
        sent = 0

        def send(payload_bytes):
            nonlocal sent
            sent += 1
            payload = json.dumps({"seq": sent}).encode()[:-1] + b', "pad": "'
            payload += b"x" * (payload_bytes - len(payload) - 2) + b'"}'
            publish(rig.broker_port, [("iot/" + name, payload)])

        for restart in (False, True):
            if restart:
                edge.stop()
                edge = rig.start_edge(config=config, log=name + ".log")
            for payload_bytes in (large, 100, large, large, 900, 100):
                send(payload_bytes)
            rig.wait_for_topic("iot/" + name, sent)
        send(megabytes << 20)
        sent -= 1
        line = edge.wait_for_output(r"^.*refused a payload of.*$").group(0)
        if not re.search(r"takes at most \d+ \(raise journal\.size_max_mb\)", line):
            raise Failure(f"the limit is not said:\n{tail(line)}")
        publish(rig.broker_port, [("iot/" + name, b'{"seq": 999}')])
        rig.wait_for_topic("iot/" + name, sent + 1)
        edge.stop()
        rig.check_exactly_once({("iot/" + name, n) for n in [*range(1, sent + 1), 999]})
        done.append(f"{large} bytes in {megabytes} MB")
    return f"{', '.join(done)}: all stored, none twice, a larger one refused by name"


SCENARIOS = [small_journal, large_messages]

# SPDX-License-Identifier: Apache-2.0
"""Messages of many readings: each reading is stored once, or is one dead letter, whoever is killed meanwhile."""

import collections
import json
import os
import shutil
import signal
import threading
import time

from letters import telemetry
from rig import ROOT, SEQUENCE, Failure, wait_until
from small_journal import publish

NUMBERED, KNOWN = "iot/d1/numbered", "iot/d1/known"
SCHEMA = """\
name: {name}
version: "{version}"
topic_pattern: iot/{{device}}/{name}
records: readings
{key}
fields:
  - {{name: seq, type: integer}}
  - {{name: level, type: integer, validation: {{max: {max}}}}}
"""
KEYS = {"numbered": "sequence_field: seq", "known": "identity: [seq]"}
readings_max = 1000  # in one of these messages


class Publisher(threading.Thread):
    """Messages of 1 to 1,000 readings until told to stop. One reading in 50 is invalid."""

    def __init__(self, rig):
        super().__init__()
        self.rig, self.ends, self.problem = rig, False, None
        self.random = rig.random
        self.messages, self.largest = 0, 0
        self.valid, self.invalid = set(), set()
        self.next = {NUMBERED: 1, KNOWN: 1}

    def message(self, topic):
        count = int(readings_max ** self.random.random())
        first = self.next[topic]
        self.next[topic] += count
        self.messages, self.largest = self.messages + 1, max(self.largest, count)
        readings = []
        for number in range(first, first + count):
            # The first is valid: a message without any valid reading is not known again.
            level = 11 if number != first and self.random.random() < 0.02 else 5
            (self.invalid if level > 10 else self.valid).add((topic, number))
            readings.append({"seq": number, "level": level})
        return topic, json.dumps({"gateway": "g-1", "readings": readings}).encode()

    def run(self):
        try:
            while not self.ends:
                burst = [self.message(self.random.choice((NUMBERED, KNOWN))) for _ in range(20)]
                publish(self.rig.broker_port, burst)
                time.sleep(0.1)
        except Exception as problem:  # the scenario says it
            self.problem = problem

    def finish(self):
        self.ends = True
        self.join()
        if self.problem is not None:
            raise Failure(f"the publisher: {self.problem}")


def records_killed(rig):
    """Messages of 1 to 1,000 readings, telemetry-edge killed with -9: each reading once, single ones replayed."""
    kills = 12 if rig.options.short else 100
    shutil.copytree(os.path.join(ROOT, "examples", "schemas"), rig.path("schemas"))  # for the load

    def write_schemas(version, most):
        for name, key in KEYS.items():
            with open(rig.path("schemas", name + ".yaml"), "w", encoding="utf-8") as out:
                out.write(SCHEMA.format(name=name, version=version, key=key, max=most))

    write_schemas("1.0", 10)
    rig.start_broker()
    rig.write_config(schema=rig.path("schemas"))
    began = time.monotonic()
    edge = rig.start_edge()
    start_up_s = time.monotonic() - began
    publisher = Publisher(rig)
    publisher.start()
    load = rig.start_load(rate=rig.options.rate // 4)
    for kill in range(kills):
        time.sleep(rig.random.uniform(0, start_up_s if kill % 4 == 0 else 1.0))
        if not edge.running():
            raise Failure(f"telemetry-edge ended by itself:\n{edge.output()[-3000:]}")
        edge.kill()
        edge = rig.start_edge(ready=kill % 4 != 3)
    publisher.finish()
    load.child.send_signal(signal.SIGINT)
    load.wait(0, 300)
    if not edge.running():
        raise Failure(f"telemetry-edge ended by itself:\n{edge.output()[-3000:]}")
    edge.wait_for_output(r"\bready$")
    expected = rig.acknowledged() | publisher.valid
    rig.wait_for_rows(len(expected), edge)

    wait_until(lambda: rig.consumers()["dead_letters"]["lag"] == 0, 60, "the letters are written")
    rig.check_exactly_once(expected)
    dump = telemetry(rig, "journal", "dump", rig.path("dead_letters"), "--json").splitlines()
    kept = collections.Counter()
    for line in dump:
        frame = json.loads(line)
        if frame.get("topic") in (NUMBERED, KNOWN):
            kept[frame["topic"], int(SEQUENCE.search(json.dumps(frame["payload"]).encode()).group(1))] += 1
    if kept != collections.Counter(publisher.invalid):
        wrong = {key for key in kept.keys() | publisher.invalid if kept[key] != (key in publisher.invalid)}
        raise Failure(f"{len(publisher.invalid)} invalid readings, {sum(kept.values())} letters: {sorted(wrong)[:5]}")

    write_schemas("1.1", 20)
    telemetry(rig, "reload")
    telemetry(rig, "dead-letter", "replay")
    if telemetry(rig, "dead-letter", "list") != "":
        raise Failure("letters are left")
    expected |= publisher.invalid
    rig.wait_for_rows(len(expected), edge)
    edge.stop()
    return (
        f"{kills} kills, {publisher.messages} messages of up to {publisher.largest} readings, "
        f"{len(publisher.invalid)} letters replayed: {rig.check_exactly_once(expected)}"
    )


SCENARIOS = [records_killed]

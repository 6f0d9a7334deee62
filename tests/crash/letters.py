# SPDX-License-Identifier: Apache-2.0
"""Dead letters that are replayed: each is stored once, whoever is killed meanwhile."""

import collections
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import time

from rig import ROOT, Failure, wait_until
from small_journal import publish

SCHEMA = """\
name: numbered
version: "{version}"
topic_pattern: iot/{{device}}/numbered
sequence_field: seq
validation: {{allow_extra_fields: true}}
fields:
  - {{name: seq, type: integer}}
  - {{name: level, type: integer, validation: {{max: {max}}}}}
"""
TOPIC = "iot/d1/numbered"


def telemetry(rig, *words):
    command = [rig.binary("telemetry"), *words, "--config", rig.path("edge.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode != 0:
        raise Failure(f"{' '.join(words)}: exit code {done.returncode}:\n{done.stderr}{done.stdout}")
    return done.stdout


def kill_at_work(rig, victim):
    """Starts a replay, and kills the victim, or the replay itself, when a batch is under way."""
    handled = rig.path("dead_letters", "handled")
    before = os.stat(handled).st_mtime_ns if os.path.exists(handled) else 0
    command = [rig.binary("telemetry"), "dead-letter", "replay", "--config", rig.path("edge.yaml")]
    replay = rig.run("telemetry", command, "replay.log")
    wait_until(lambda: os.path.exists(handled) and os.stat(handled).st_mtime_ns != before, 60, "the replay begins")
    time.sleep(10 ** rig.random.uniform(-4, -1.3))
    (victim or replay).kill()
    replay.child.wait(60)


def dead_letters_replayed(rig):
    """A schema is broken, and mended after 10,000 messages: all are replayed once, in order, over kills with -9."""
    count, kills = 10_000, 6 if rig.options.short else 40
    shutil.copytree(os.path.join(ROOT, "examples", "schemas"), rig.path("schemas"))  # for the load

    def write_schema(version, most):
        with open(rig.path("schemas", "numbered.yaml"), "w", encoding="utf-8") as out:
            out.write(SCHEMA.format(version=version, max=most))

    rig.start_broker()
    write_schema("1.0", 10)
    rig.write_config(schema=rig.path("schemas"))
    edge = rig.start_edge()
    # Large ones, so that a replay takes some dozen batches.
    messages = [{"seq": i, "level": 11, "pad": "x" * 2000} for i in range(1, count + 1)]
    publish(rig.broker_port, [(TOPIC, json.dumps(message).encode()) for message in messages])
    wait_until(lambda: rig.consumers()["dead_letters"]["accepted"] == count, 60, "all are letters")
    load = rig.start_load(rate=rig.options.rate)
    write_schema("1.1", 20)
    telemetry(rig, "reload")

    left = [count]
    for kill in range(kills):
        if left[-1] == 0:
            break
        if kill % 3 == 2:  # the replay alone, without a logger
            edge.kill()
            kill_at_work(rig, None)
        else:
            kill_at_work(rig, edge)
        edge = rig.start_edge()
        left.append(len(telemetry(rig, "dead-letter", "list", "--json", "--limit", "100000").splitlines()))
    amid = sum(0 < letters < count for letters in left)
    if amid == 0:
        raise Failure(f"no kill came amid a replay: {left} letters were left")
    telemetry(rig, "dead-letter", "replay")
    if telemetry(rig, "dead-letter", "list") != "":
        raise Failure("letters are left")
    load.child.send_signal(signal.SIGINT)
    load.wait(0, 300)
    expected = rig.acknowledged() | {(TOPIC, message["seq"]) for message in messages}
    rig.wait_for_rows(len(expected), edge)
    edge.stop()

    # The store would know a letter that comes twice: so the journal is asked, too.
    dump = telemetry(rig, "journal", "dump", "--topic", TOPIC, "--json").splitlines()
    references = collections.Counter(json.loads(line)["reference"] for line in dump)
    del references[0]  # the originals
    if len(references) != count or max(references.values()) != 1:
        raise Failure(f"{len(references)} letters are in the journal, at most {max(references.values())} times")
    store = sqlite3.connect(f"file:{rig.database}?mode=ro", uri=True)
    rows = store.execute("SELECT payload->>'seq' FROM messages WHERE topic = ? ORDER BY id", (TOPIC,)).fetchall()
    store.close()
    if [row[0] for row in rows] != list(range(1, count + 1)):
        raise Failure("the rows are not in the order of their messages")
    return f"{len(left) - 1} kills, {amid} amid a replay; in order, none left: {rig.check_exactly_once(expected)}"


SCENARIOS = [dead_letters_replayed]

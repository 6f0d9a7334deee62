# SPDX-License-Identifier: Apache-2.0
"""What a person sees when something is wrong: one clear message with thing, place and remedy."""

import collections
import glob
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import time

from rig import ROOT, Failure, fill_disk, tail, wait_until


def refused(rig, edge, *patterns, code=2):
    """The process ends with `code`, and one line of its output has all patterns."""
    edge.wait(code, 30)
    require_line(edge, *patterns)


def require_line(process, *patterns):
    for line in process.output().splitlines():
        if all(re.search(pattern, line) for pattern in patterns):
            return line
    raise Failure(f"no line has all of {patterns}:\n{tail(process.output())}")


def counters(edge):
    """What telemetry-edge printed at its end."""
    return json.loads(next(line for line in edge.output().splitlines() if line[:1] == "{"))


def faults_counted(rig):
    """Every fault that telemetry-sim sends is counted by telemetry-edge, one by one."""
    rig.start_broker()
    edge = rig.start_edge(more=["--stats-interval", "3600"])
    sent = collections.Counter()
    # Gaps and resets on devices of their own: a number that jumps after a reset may as well be a
    # late one from before it.
    for name, first, own in (("gaps", 1, ["--gaps", "2"]), ("resets", 101, ["--resets", "1"])):
        faults = ["--bad-payloads", "3", "--duplicates", "2", "--wrong-clocks", "2"]
        more = ["--json", "--f2", "3", "--bursts", "0.1", *faults, *own]
        load = rig.start_load(count=6000, rate=5000, name=name, first=first, more=more)
        load.wait(0, 60)
        sent.update(json.loads(load.output().splitlines()[-1]))
    try:
        rig.wait_for_rows(sent["readings"] + sent["heartbeats"], edge)
    except Failure as missing:
        edge.stop()
        raise Failure(f"{missing}; sent {dict(sent)}, counted {counters(edge)}") from None
    edge.stop()
    counted = counters(edge)
    pairs = {
        "bad_payloads": "validation_errors",
        "duplicates": "duplicates",
        "gaps": "sequence_gaps",
        "gap_messages": "sequence_gap_messages",
        "resets": "sequence_resets",
        "wrong_clocks": "time_absurd",
    }
    wrong = [
        f"{sent[fault]} {fault} sent, {counted[counter]} {counter} counted"
        for fault, counter in pairs.items()
        if sent[fault] != counted[counter]
    ]
    if wrong:
        raise Failure("; ".join(wrong))
    return ", ".join(f"{sent[fault]} {fault}" for fault in pairs)


def bad_config(rig):
    """A mistake in the configuration: file, line, key and the nearest known key; exit code 2."""
    path = rig.write_config(extra="storrage: {backend: sqlite}\n")
    with open(path, encoding="utf-8") as config:
        line = next(n for n, text in enumerate(config, 1) if text.startswith("storrage"))
    refused(rig, rig.start_edge(ready=False), rf"edge\.yaml:{line}\b", "storrage", r"\bstorage\b")
    rig.write_config(extra="buffer: {size: many}\n")
    refused(
        rig, rig.start_edge(ready=False, log="type.log"), r"edge\.yaml:\d+", r"buffer\.size", "many"
    )
    os.remove(path)
    edge = rig.run("telemetry-edge", [rig.binary("telemetry-edge"), "--config", path], "none.log")
    refused(rig, edge, re.escape(path))
    return "unknown key, wrong type, no such file"


def bad_schema(rig):
    """A mistake in a schema: file, line and remedy; exit code 2."""
    os.makedirs(rig.path("schemas"))
    with open(rig.path("schemas", "broken.yaml"), "w", encoding="utf-8") as out:
        out.write(
            'name: broken\nversion: "1.0"\ntopic_pattern: a/+\nfields:\n'
            "  - {name: x, type: flaot}\n  - {name: y, type: integer, validation: {minimum: 1}}\n"
        )
    rig.write_config(schema=rig.path("schemas"))
    edge = rig.start_edge(ready=False)
    refused(rig, edge, r"broken\.yaml:5\b", "flaot", r"\bfloat\b")
    require_line(edge, r"broken\.yaml:6\b", "minimum", r"\bmin\b")
    return "both mistakes of the file in one run"


def unreachable_broker(rig):
    """No broker: says which, tries again, stops in order; goes on when the broker comes."""
    edge = rig.start_edge(ready=False)
    line = edge.wait_for_output(rf"^.*{rig.broker_port}.*$", 30).group(0)
    time.sleep(2)
    if not edge.running():
        raise Failure(f"telemetry-edge gave up:\n{tail(edge.output())}")
    require_line(edge, str(rig.broker_port), "next try in", "start the broker")
    edge.stop()
    edge = rig.start_edge(ready=False, log="second.log")
    time.sleep(1)
    rig.start_broker()
    edge.wait_for_output(r"\bready$")
    edge.stop()
    return line.strip()[-100:]


def read_only_folder(rig):
    """A folder that cannot be written: names it; exit code 2 or visible retry."""
    disk = rig.mount_disk("frozen", 4)
    wait_until(lambda: os.system(f"mount -o remount,ro '{disk}'") == 0, 5, "remount read-only")
    rig.start_broker()
    rig.write_config(journal=os.path.join(disk, "journal"))
    refused(rig, rig.start_edge(ready=False), re.escape(disk), r"[Rr]ead-only")
    rig.write_config(database=os.path.join(disk, "telemetry.db"))
    edge = rig.start_edge(ready=False, log="database.log")
    wait_until(
        lambda: not edge.running() or disk in edge.output(), 30, "the database folder is named"
    )
    require_line(edge, re.escape(disk))
    if edge.running():
        edge.stop(expect=None)
        return "journal: exit code 2; database: retry"
    edge.wait(2)
    return "journal: exit code 2; database: exit code 2"


def full_disk(rig):
    """No room for the journal at start: says so and where, tries again, goes on when there is."""
    disk = rig.mount_disk("full", 160)
    ballast = fill_disk(disk)
    rig.start_broker()
    rig.write_config(journal=os.path.join(disk, "journal"), journal_mb=64)
    edge = rig.start_edge(ready=False)
    edge.wait_for_output("next try in")
    line = require_line(edge, re.escape(disk), "No space left|full", "free", "next try in")
    os.remove(ballast)
    edge.wait_for_output(r"\bready$")
    load = rig.start_load(count=1000, rate=2000)
    return f"{rig.finish(load, edge)}; {line.strip()[-60:]}"


def second_instance(rig):
    """A second process on one journal or one database is refused, with the id of the first; exit code 2."""
    rig.start_broker()
    first = rig.start_edge()
    rig.write_config(name="journal.yaml", database=rig.path("other.db"))
    rig.write_config(name="database.yaml", journal=rig.path("other_journal"))
    for config, shared in (("edge", rig.database), ("journal", rig.journal), ("database", rig.database)):
        second = rig.start_edge(ready=False, log=f"second_{config}.log", config=f"{config}.yaml")
        refused(rig, second, re.escape(shared), rf"\b{first.pid}\b")
    if not first.running():
        raise Failure(f"the first instance ended:\n{tail(first.output())}")
    first.stop()
    return "refused; the first went on"


def stopped_in_order(rig):
    """SIGTERM: everything that was acknowledged is in SQLite when the process ends with 0."""
    rig.start_broker()
    edge = rig.start_edge()
    load = rig.start_load(count=20000, rate=0)
    load.wait(0, 120)
    edge.stop()
    # What the broker still holds is not acknowledged; the rest comes with the next start.
    rows = rig.count_rows()
    edge = rig.start_edge()
    seen = rig.finish(load, edge)
    return f"{rows} rows at the first stop; {seen}"


def second_signal(rig):
    """A second signal ends the process at once with 1, and nothing acknowledged is lost."""
    rig.start_broker()
    edge = rig.start_edge()
    load = rig.start_load(rate=rig.options.rate)
    rig.wait_for_rows(1, edge)
    other = sqlite3.connect(rig.database, timeout=30, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # so that stopping takes its time
    time.sleep(0.5)
    edge.child.terminate()
    time.sleep(0.3)
    if not edge.running():
        raise Failure(f"telemetry-edge did not wait for its store:\n{tail(edge.output())}")
    began = time.monotonic()
    edge.stop(expect=1, seconds=5)
    took = time.monotonic() - began
    other.execute("ROLLBACK")
    other.close()
    edge = rig.start_edge()
    load.child.send_signal(signal.SIGINT)
    return f"ended after {took * 1000:.0f} ms; {rig.finish(load, edge)}"


def simulator_counts(rig):
    """telemetry-sim's summary agrees with what the broker acknowledged; Ctrl-C ends it with 0."""
    rig.start_broker()
    faults = [
        text
        for name in ("bad-payloads", "duplicates", "gaps", "resets", "wrong-clocks", "bursts")
        for text in (f"--{name}", "2")
    ]
    load = rig.start_load(count=5000, rate=4000, more=["--json", *faults])
    load.wait(0, 60)
    summary = json.loads(load.output().splitlines()[-1])
    with open(rig.path("load.acked"), encoding="utf-8") as log:
        kinds = collections.Counter(line.rsplit("\t", 1)[1].rstrip() for line in log)
    for kind in ("reading", "duplicate", "bad_payload", "heartbeat"):
        if kinds[kind] != summary[kind + "s"]:
            raise Failure(f"{kinds[kind]} acknowledged of kind {kind}, the summary says {summary}")
    if summary["readings"] != 5000 or summary["unacknowledged"] != 0:
        raise Failure(f"5000 readings were asked for: {summary}")
    load = rig.start_load(name="second")
    load.child.send_signal(signal.SIGINT)
    load.wait(0, 10)
    require_line(load, "summary after")
    rig.broker.kill()
    load = rig.run(
        "telemetry-sim",
        [rig.binary("telemetry-sim"), "--port", str(rig.broker_port), "--broker", "127.0.0.1"],
        "alone.log",
    )
    time.sleep(0.5)
    load.child.send_signal(signal.SIGINT)
    time.sleep(0.3)
    load.child.send_signal(signal.SIGINT)  # it waits for a broker that is away
    load.wait(1, 5)
    return json.dumps(summary)


class ServiceManager:
    """Listens on $NOTIFY_SOCKET as systemd does."""

    def __init__(self, path):
        self.environment = {"NOTIFY_SOCKET": path}
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)

    def hear(self, *patterns):
        """The next messages, in order, but for those that are a STATUS= alone."""
        self.socket.settimeout(30)
        for pattern in patterns:
            said = "STATUS="
            while said.startswith("STATUS="):
                try:
                    said = self.socket.recv(4096).decode()
                except TimeoutError:
                    raise Failure(f"the service manager was not told {pattern}") from None
            if not re.fullmatch(pattern, said):
                raise Failure(f"the service manager was told {said!r}, not {pattern}")


def reloaded(rig):
    """SIGHUP under load loses nothing: schemas, topics, level follow; a mistake changes none."""
    schemas, topics, level = rig.path("schemas"), ["sensors/#", "iot/#", "old/#"], "info"
    shutil.copytree(os.path.join(ROOT, "examples", "schemas"), schemas)
    manager = ServiceManager(rig.path("notify"))
    rig.closers.append(manager.socket.close)

    def configure(extra=""):
        path = rig.write_config(schema=schemas, extra=f"logging: {{level: {level}}}\n{extra}")
        with open(path, encoding="utf-8") as config:
            text = config.read()
        begin, end = text.index("  topics:\n"), text.index("journal:")
        listed = "".join(f'    - {{topic: "{topic}", qos: 1}}\n' for topic in topics)
        with open(path, "w", encoding="utf-8") as config:
            config.write(text[:begin] + "  topics:\n" + listed + text[end:])

    def reload(*patterns):
        edge.log_start = os.path.getsize(edge.log_path)
        edge.child.send_signal(signal.SIGHUP)
        edge.wait_for_output(r"\[reload\] (done|refused)", 30)
        manager.hear(r"RELOADING=1\nMONOTONIC_USEC=\d+", "READY=1")
        for pattern in patterns:
            require_line(edge, *pattern)

    def write_schema(fields):
        with open(rig.path("schemas", "room.yaml"), "w", encoding="utf-8") as out:
            out.write('name: room\nversion: "1.0"\ntopic_pattern: new/{device}\nfields:\n' + fields)

    rig.start_broker()
    configure()
    edge = rig.start_edge(env=manager.environment, more=["--stats-interval", "3600"])
    manager.hear("READY=1\nSTATUS=.*")
    edge.wait_for_output(r" ready$", 30)
    load = rig.start_load(rate=rig.options.rate)

    # A mistake in each file: all are named, and nothing changes, not even what is right.
    topics, level = ["sensors/#", "iot/#", "new/#"], "debug"
    configure("buffer: {size: many}\n")
    reload([r"edge\.yaml:\d+:\d+", r"buffer\.size"], ["refused, everything stays as it was"])
    configure()
    write_schema("  - {name: level, type: flaot}\n  - {nane: other, type: float}\n")
    reload([r"room\.yaml:5:\d+", "flaot"], [r"room\.yaml:6:\d+", "nane"], ["refused"])
    rig.publish("old/1", '{"seq": 1}')
    rig.publish("new/1", '{"seq": 1, "level": 5}')
    rig.wait_for_topic("old/1", 1)

    # All of it right, and one change that must wait.
    write_schema("  - {name: level, type: float, required: true}\n  - {name: seq, type: integer}\n")
    configure("buffer: {batch_size: 4000}\n")
    reload(
        [r"done: \d+ schemas in force; changed: logging\.level, mqtt\.topics"],
        [r"takes effect at the next start: buffer\.batch_size$"],
    )
    edge.wait_for_output(r"subscribed to 3 topic filters", 30)
    rig.publish("old/1", '{"seq": 2}')
    rig.publish("new/1", '{"seq": 2, "level": 5}')
    rig.publish("new/1", '{"seq": 3, "level": "high"}')
    rig.wait_for_topic("new/1", 1)
    edge.wait_for_output(r'invalid message .* on new/1: room 1\.0: /level: "high"', 30)

    # The version in force keeps its content.
    write_schema("  - {name: level, type: float, validation: {max: 1}}\n")
    reload([r"room\.yaml:2:\d+: error: room 1\.0 is in force with other content"], ["refused"])
    rig.publish("new/1", '{"seq": 4, "level": 6}')
    rig.wait_for_topic("new/1", 2)

    load.child.send_signal(signal.SIGINT)
    load.wait(0, 300)
    expected = rig.acknowledged() | {("old/1", 1), ("new/1", 2), ("new/1", 4)}
    rig.wait_for_rows(len(expected), edge)
    edge.stop()
    stored = rig.stored()
    if set(stored) != expected:
        raise Failure(f"stored and not expected: {sorted(set(stored) - expected)[:5]}")
    counted = counters(edge)
    expected_counts = {"reloads": 1, "reloads_refused": 3, "mqtt_connects": 1}
    wrong = {n: counted[n] for n, value in expected_counts.items() if counted[n] != value}
    if wrong:
        raise Failure(f"{wrong} counted, {expected_counts} expected")
    return f"4 reloads on one connection: {rig.check_exactly_once(expected)}"


def removed_while_away(rig):
    """A topic that is removed while telemetry-edge is stopped leaves the broker's session."""
    rig.start_broker()
    path = rig.write_config(extra="")
    edge = rig.start_edge()
    edge.stop()
    with open(path, encoding="utf-8") as config:
        text = config.read()
    with open(path, "w", encoding="utf-8") as config:
        config.write(text.replace('    - {topic: "iot/#", qos: 1}\n', ""))
    edge = rig.start_edge(log="second.log")
    (remembered,) = glob.glob(os.path.join(rig.journal, "subscriptions-" + 16 * "?"))  # without .new

    def unsubscribed():
        with open(remembered, encoding="utf-8") as subscriptions:
            return subscriptions.read().splitlines()[1:] == ["f2/#", "sensors/#"]

    wait_until(unsubscribed, 30, "the broker has taken UNSUBSCRIBE")
    rig.publish("iot/unwanted", '{"seq": 1}')
    rig.publish("sensors/sensor-001/other", '{"seq": 1}')
    rig.wait_for_topic("sensors/sensor-001/other", 1)
    edge.stop()
    if any(topic == "iot/unwanted" for topic, _ in rig.stored()):
        raise Failure("the removed topic is still subscribed")
    return "unsubscribed at the next start"


SCENARIOS = [
    simulator_counts,
    faults_counted,
    bad_config,
    bad_schema,
    unreachable_broker,
    read_only_folder,
    full_disk,
    second_instance,
    stopped_in_order,
    second_signal,
    reloaded,
    removed_while_away,
]

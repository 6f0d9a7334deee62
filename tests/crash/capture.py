# SPDX-License-Identifier: Apache-2.0
"""What telemetry-edge reads, writes, syncs and sends, in order: no PUBACK before its fdatasync.

The shim (capture_shim.c) records; Analysis replays the records and checks every PUBACK:
- it answers the oldest open PUBLISH of its connection (receive order);
- the payload was found in a write to a journal segment, and an fdatasync of that segment began
  after that write and returned 0 before the call that sent the PUBACK began;
- none is sent on a connection after an fdatasync failed while it was open, and no DISCONNECT.
"""

import collections
import os
import signal
import struct
import time

import mqtt_wire
from rig import Failure, Skipped, wait_until

CONNECT, READ, SEND, JOURNAL_WRITE, SYNC_BEGIN, SYNC_END, CLOSE, JOURNAL_BEGIN = range(1, 9)
HEAD = struct.Struct("=QBiqI")
DISCONNECT = 14

Record = collections.namedtuple("Record", "order kind fd result data")


def read_records(path):
    """Records in order; a last one that was cut by SIGKILL is left out."""
    with open(path, "rb") as source:
        data = source.read()
    records, at = [], 0
    while at + HEAD.size <= len(data):
        order, kind, fd, result, size = HEAD.unpack_from(data, at)
        at += HEAD.size
        if at + size > len(data):
            break
        records.append(Record(order, kind, fd, result, data[at : at + size]))
        at += size
    return records


class Connection:
    def __init__(self):
        self.level = 5
        self.incoming, self.outgoing = mqtt_wire.Stream(), mqtt_wire.Stream()
        self.open = collections.OrderedDict()  # packet id -> payload, in receive order
        self.announced = 0  # order of the send call under way
        self.aborted = False  # an fdatasync failed while it was open
        self.subscribed = False


class Analysis:
    """Replays the records of one or more processes that ran one after the other."""

    def __init__(self):
        self.errors = []
        self.pubacks = 0
        self.sync_failures = 0
        self.withheld = 0  # open PUBLISHes of connections that ended by an abort
        self.before_suback = 0  # PUBLISHes that came before the SUBACK: a waiting session
        self.durable = {}  # payload -> order at which it became durable; 0 = earlier process
        self._unsynced_before = []  # written by an earlier process, not known to be synced

    def replay(self, path):
        self._connections = {}
        self._unwritten = collections.OrderedDict()  # payloads read and not seen in a write yet
        self._unsynced = collections.defaultdict(list)
        self._syncing = {}
        self._writing = {}  # fd -> bytes of a write that is not known to be done
        handlers = {
            CONNECT: self._connect,
            READ: self._read,
            SEND: self._send,
            JOURNAL_WRITE: self._journal_write,
            SYNC_BEGIN: self._sync_begin,
            SYNC_END: self._sync_end,
            CLOSE: self._close,
            JOURNAL_BEGIN: self._journal_begin,
        }
        for record in read_records(path):
            handlers[record.kind](record)
        # SIGKILL may have come between the last write and its record.
        for data in self._writing.values():
            self._unsynced_before += self._payloads_in(data)
        self._unsynced_before += [payload for group in self._unsynced.values() for payload in group]
        self.durable = dict.fromkeys(self.durable, 0)

    def _connect(self, record):
        self._connections[record.fd] = Connection()

    def _close(self, record):
        connection = self._connections.pop(record.fd, None)
        if connection is not None and connection.aborted:
            self.withheld += len(connection.open)
        self._unsynced.pop(record.fd, None)

    def _read(self, record):
        connection = self._connections[record.fd]
        for packet in connection.incoming.feed(record.data):
            if packet.type == mqtt_wire.SUBACK:
                connection.subscribed = True
            elif packet.type == mqtt_wire.PUBLISH:
                message = mqtt_wire.read_publish(packet, connection.level)
                if message.qos == 1:
                    connection.open[message.packet_id] = message.payload
                    self._unwritten[message.payload] = None
                    self.before_suback += not connection.subscribed

    def _journal_begin(self, record):
        self._writing[record.fd] = record.data

    def _payloads_in(self, data):
        """Payloads that were read and not seen in a write yet, and stand in these bytes in order."""
        at, found = 0, []
        for payload in self._unwritten:
            place = data.find(payload, at)
            if place >= 0:
                at = place + len(payload)
                found.append(payload)
        return found

    def _journal_write(self, record):
        self._writing.pop(record.fd, None)
        found = self._payloads_in(record.data)
        for payload in found:
            del self._unwritten[payload]
        self._unsynced[record.fd] += found

    def _sync_begin(self, record):
        self._syncing[record.fd] = len(self._unsynced[record.fd])

    def _sync_end(self, record):
        waiting = self._unsynced[record.fd]
        count = self._syncing.pop(record.fd)
        if record.result == 0:
            # Recovery syncs the tail that it found, before its frames count.
            for payload in waiting[:count] + self._unsynced_before:
                self.durable.setdefault(payload, record.order)
            del waiting[:count]
            self._unsynced_before = []
        else:
            self.sync_failures += 1
            waiting.clear()  # what stands there is unknown for ever
            for connection in self._connections.values():
                connection.aborted = True

    def _send(self, record):
        connection = self._connections[record.fd]
        if record.result == -2:
            connection.announced = record.order
            return
        for packet in connection.outgoing.feed(record.data):
            if packet.type == mqtt_wire.CONNECT:
                connection.level = mqtt_wire.protocol_level(packet)
            elif packet.type == mqtt_wire.PUBACK:
                self._check_puback(connection, mqtt_wire.acknowledged_id(packet), record.order)
            elif packet.type == DISCONNECT and connection.aborted:
                self.errors.append(f"record {record.order}: DISCONNECT after a failed fdatasync")

    def _check_puback(self, connection, packet_id, order):
        self.pubacks += 1
        at = f"record {order}: PUBACK {packet_id}"
        if connection.aborted:
            self.errors.append(f"{at}: sent after a failed fdatasync")
        if packet_id not in connection.open:
            self.errors.append(f"{at}: no PUBLISH is open under that id")
            return
        if next(iter(connection.open)) != packet_id:
            self.errors.append(f"{at}: not in receive order")
        payload = connection.open.pop(packet_id)
        self._unwritten.pop(payload, None)
        durable = self.durable.get(payload)
        if durable is None:
            self.errors.append(f"{at}: no fdatasync covers {payload[:120]!r}")
        elif durable >= connection.announced:
            self.errors.append(
                f"{at}: sent (from {connection.announced}) before its fdatasync "
                f"returned ({durable})"
            )

    def verdict(self):
        if self.errors:
            raise Failure(
                f"{len(self.errors)} breaches in {self.pubacks} PUBACKs:\n    "
                + "\n    ".join(self.errors[:10])
            )
        if self.pubacks == 0:
            raise Failure("the capture holds no PUBACK: it shows nothing")
        return f"{self.pubacks} PUBACKs, each after its fdatasync and in receive order"


def shim_environment(rig, name):
    if not os.path.exists(rig.options.shim):
        raise Skipped(f"{rig.options.shim} does not exist; sanitizer builds have none")
    return {
        "LD_PRELOAD": rig.options.shim,
        "CAPTURE_FILE": rig.path(name),
        "CAPTURE_PORT": str(rig.broker_port),
        "CAPTURE_FAIL": rig.path("fail"),
    }


def start_captured(rig, name):
    return rig.start_edge(env=shim_environment(rig, name))


def capture_canary(rig):
    """A client that acknowledges at once must be convicted, else captures prove nothing."""
    rig.start_broker()
    client = rig.run(
        "counting_client",
        [
            os.path.join(os.path.dirname(rig.options.shim), "counting_client"),
            str(rig.broker_port),
            "1000",
            "sensors/#",
        ],
        "client.log",
        shim_environment(rig, "capture"),
    )
    client.wait_for_output("^ready$")
    rig.start_load(count=2000, rate=0).wait(0, 60)
    client.wait_for_output("^done$")
    client.kill()
    analysis = Analysis()
    analysis.replay(rig.path("capture"))
    if analysis.pubacks < 1000 or len(analysis.errors) < analysis.pubacks:
        raise Failure(
            f"{analysis.pubacks} PUBACKs without a journal, {len(analysis.errors)} breaches found"
        )
    return f"{analysis.pubacks} PUBACKs without a journal, all found"


def capture_under_load(rig):
    """No PUBACK leaves before its fdatasync: under load, after kill -9, with a waiting session."""
    runs = 3 if rig.options.short else 10
    rig.start_broker()
    names = [f"capture{run}" for run in range(runs + 1)]
    edge = start_captured(rig, names[0])
    load = rig.start_load(rate=rig.options.rate)
    for name in names[1:]:
        time.sleep(rig.random.uniform(0.2, 1))
        edge.kill()
        time.sleep(0.5)  # the broker's queue for the session grows meanwhile
        edge = start_captured(rig, name)
    time.sleep(0.5)
    load.child.send_signal(signal.SIGINT)
    seen = rig.finish(load, edge)
    analysis = Analysis()
    for name in names:
        analysis.replay(rig.path(name))
    verdict = analysis.verdict()
    if analysis.before_suback == 0:
        raise Failure(
            "no message came between CONNACK and SUBACK: the waiting session was not seen"
        )
    return f"{verdict}; {analysis.before_suback} came before SUBACK; {seen}"


def capture_failed_sync(rig):
    """With fdatasync failing no PUBACK leaves; when it works again everything is stored."""
    rig.start_broker()
    edge = start_captured(rig, "capture")
    load = rig.start_load(rate=rig.options.rate)
    rig.wait_for_rows(1, edge)
    for _ in range(1 if rig.options.short else 5):
        with open(rig.path("fail"), "w", encoding="utf-8"):
            time.sleep(rig.random.uniform(0.5, 2))
        os.remove(rig.path("fail"))
        rows = rig.count_rows()
        wait_until(
            lambda: rig.count_rows() > rows, 60, "rows come again after fdatasync works again"
        )
    if not edge.running():
        raise Failure(f"telemetry-edge ended:\n{edge.output()[-3000:]}")
    load.child.send_signal(signal.SIGINT)
    seen = rig.finish(load, edge)
    analysis = Analysis()
    analysis.replay(rig.path("capture"))
    verdict = analysis.verdict()
    if analysis.sync_failures == 0 or analysis.withheld == 0:
        raise Failure(
            f"the failure was not seen: {analysis.sync_failures} failed syncs, "
            f"{analysis.withheld} PUBACKs withheld"
        )
    failed = f"{analysis.sync_failures} failed syncs, {analysis.withheld} PUBACKs withheld"
    return f"{failed}; {verdict}; {seen}"


SCENARIOS = [capture_canary, capture_under_load, capture_failed_sync]

# SPDX-License-Identifier: Apache-2.0
"""A recording TCP proxy between an MQTT client and its broker: which messages were acknowledged."""

import selectors
import socket
import threading

import mqtt_wire
from rig import SEQUENCE


class Connection:
    def __init__(self, client, broker):
        self.client, self.broker = client, broker
        self.upward, self.downward = mqtt_wire.Stream(), mqtt_wire.Stream()
        self.level = 5
        self.open_publishes = {}  # packet id -> (topic, sequence)
        self.received_ids = []  # in order, of what was not acknowledged yet


class Proxy:
    """Listens on `port` for telemetry-edge, passes on to the broker's port.

    acknowledged: {(topic, sequence)} that left the client as PUBACK;
    order_errors: PUBACKs that were not for the oldest open PUBLISH of their connection.
    """

    def __init__(self, broker_port):
        self.broker_port = broker_port
        self.acknowledged = set()
        self.order_errors = 0
        self.connections = 0
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self):
        self._stopping.set()
        self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()
        self._selector.close()

    def snapshot(self):
        with self._lock:
            return set(self.acknowledged)

    def _run(self):
        while not self._stopping.is_set():
            for key, _ in self._selector.select(0.1):
                if key.data is None:
                    self._accept()
                elif key.fileobj.fileno() >= 0:
                    self._pass_on(key.fileobj, key.data)

    def _accept(self):
        client, _ = self._listener.accept()
        try:
            broker = socket.create_connection(("127.0.0.1", self.broker_port), 2)
        except OSError:
            client.close()
            return
        self.connections += 1
        connection = Connection(client, broker)
        for end in (client, broker):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            end.settimeout(30)
            self._selector.register(end, selectors.EVENT_READ, connection)

    def _pass_on(self, source, connection):
        upward = source is connection.client
        target = connection.broker if upward else connection.client
        try:
            data = source.recv(1 << 16)
            if data:
                # What the client sent counts as said even when the broker is gone already.
                self._record(connection, upward, data)
                target.sendall(data)
        except OSError:
            data = b""
        if not data:
            for end in (connection.client, connection.broker):
                self._selector.unregister(end)
                end.close()

    def _record(self, connection, upward, data):
        if upward:
            for packet in connection.upward.feed(data):
                if packet.type == mqtt_wire.CONNECT:
                    connection.level = mqtt_wire.protocol_level(packet)
                elif packet.type == mqtt_wire.PUBACK:
                    self._acknowledge(connection, mqtt_wire.acknowledged_id(packet))
            return
        for packet in connection.downward.feed(data):
            if packet.type != mqtt_wire.PUBLISH:
                continue
            message = mqtt_wire.read_publish(packet, connection.level)
            number = SEQUENCE.search(message.payload)
            if message.qos == 1 and number is not None:
                connection.open_publishes[message.packet_id] = (message.topic, int(number.group(1)))
                connection.received_ids.append(message.packet_id)

    def _acknowledge(self, connection, packet_id):
        key = connection.open_publishes.pop(packet_id, None)
        with self._lock:
            if key is None or connection.received_ids[0] != packet_id:
                self.order_errors += 1
            if key is not None:
                connection.received_ids.remove(packet_id)
                self.acknowledged.add(key)

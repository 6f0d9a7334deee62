# SPDX-License-Identifier: Apache-2.0
"""How long a client takes to acknowledge, seen from the broker's side of the wire.

A TCP proxy stands between broker and client. A PUBLISH is timed when the broker's bytes come in,
its PUBACK when the client's bytes come in: the proxy's own work is part of the figure.
"""

import os
import socket
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "crash"))

import mqtt_wire  # noqa: E402


class AckProxy:
    """Listens on `port`, passes on to the broker's port.

    latencies_s: of each PUBLISH of QoS 1 that was acknowledged.
    """

    def __init__(self, broker_port):
        self.broker_port = broker_port
        self.latencies_s = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            broker = socket.create_connection(("127.0.0.1", self.broker_port))
            sent_at = {}  # packet id -> when its PUBLISH came from the broker
            for source, target, record in (
                (broker, client, lambda packet, now, s=sent_at: self._sent(packet, now, s)),
                (client, broker, lambda packet, now, s=sent_at: self._answered(packet, now, s)),
            ):
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                threading.Thread(
                    target=self._pass_on, args=(source, target, record), daemon=True
                ).start()

    def _pass_on(self, source, target, record):
        stream = mqtt_wire.Stream()
        try:
            while data := source.recv(1 << 18):
                now = time.monotonic()
                # Recorded first: the answer may come before sendall returns.
                for packet in stream.feed(data):
                    record(packet, now)
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # the other direction was first

    @staticmethod
    def _sent(packet, now, sent_at):
        if packet.type == mqtt_wire.PUBLISH and packet.flags & 6 == 2:
            at = 2 + int.from_bytes(packet.body[:2], "big")
            sent_at[packet.body[at : at + 2]] = now

    def _answered(self, packet, now, sent_at):
        if packet.type == mqtt_wire.PUBACK:
            self.latencies_s.append(now - sent_at.pop(packet.body[:2]))

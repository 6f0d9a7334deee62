# SPDX-License-Identifier: Apache-2.0
"""A bare MQTT 3.1.1 and 5 client on a socket: it acknowledges only what it is told to."""
import collections
import socket
import struct

Publish = collections.namedtuple("Publish", "topic payload qos retain dup packet_id properties")


def text(value):
    data = value.encode() if isinstance(value, str) else value
    return struct.pack(">H", len(data)) + data


def length(value):
    out = b""
    while True:
        value, digit = divmod(value, 128)
        out += bytes([digit | (128 if value else 0)])
        if not value:
            return out


class Client:
    def __init__(self, port, client_id, version=4, clean=False, user=None, password=None, receive_maximum=None,
                 expiry=86400):
        self.version, self.waiting, self.buffer, self.next_id = version, collections.deque(), b"", 0
        self.socket = socket.create_connection(("127.0.0.1", port), 10)
        flags = (2 if clean else 0) | (128 if user else 0) | (64 if password else 0)
        properties = b""
        if version == 5:
            properties = (b"" if clean else b"\x11" + struct.pack(">I", expiry))
            properties += b"\x21" + struct.pack(">H", receive_maximum) if receive_maximum else b""
            properties = length(len(properties)) + properties
        self.send(0x10, text("MQTT") + bytes([version, flags]) + struct.pack(">H", 0) + properties + text(client_id) +
                  (text(user) if user else b"") + (text(password) if password else b""))
        body = self.expect(2)
        self.session_present, self.code, self.connack = bool(body[0] & 1), body[1], body[2:]
        if self.code:
            raise ConnectionError(f"CONNACK code {self.code}")

    def send(self, head, body):
        self.socket.sendall(bytes([head]) + length(len(body)) + body)

    def packet(self, seconds):
        """(type, flags, body), or None when nothing came in time."""
        self.socket.settimeout(seconds)
        while True:
            size = shift = 0
            for at, byte in enumerate(self.buffer[1:5], 2):
                size |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    if len(self.buffer) < at + size:
                        break
                    head, body, self.buffer = self.buffer[0], self.buffer[at:at + size], self.buffer[at + size:]
                    return head >> 4, head & 15, body
            try:
                data = self.socket.recv(65536)
            except TimeoutError:
                return None
            if not data:
                raise ConnectionError("the server closed the connection")
            self.buffer += data

    def expect(self, kind):
        """The body of the next packet of this type; messages that come before it are kept for messages()."""
        while True:
            found = self.packet(30)
            if found is None:
                raise TimeoutError(f"no packet of type {kind} in 30 s")
            if found[0] == kind:
                return found[2]
            self.keep(found)

    def keep(self, found):
        kind, flags, body = found
        if kind != 3:
            return
        size = struct.unpack(">H", body[:2])[0]
        topic, at, qos, packet_id, properties = body[2:2 + size].decode(), 2 + size, flags >> 1 & 3, None, b""
        if qos:
            packet_id, at = struct.unpack(">H", body[at:at + 2])[0], at + 2
        if self.version == 5:
            count = shift = 0
            while True:
                byte, at = body[at], at + 1
                count |= (byte & 127) << shift
                shift += 7
                if byte < 128:
                    break
            properties, at = body[at:at + count], at + count
        self.waiting.append(Publish(topic, body[at:], qos, bool(flags & 1), bool(flags & 8), packet_id, properties))

    def messages(self, seconds=2.0, most=None):
        """What has come, until nothing came for so many seconds or there are `most`."""
        while most is None or len(self.waiting) < most:
            found = self.packet(seconds)
            if found is None:
                break
            self.keep(found)
        count = len(self.waiting) if most is None else min(most, len(self.waiting))
        return [self.waiting.popleft() for _ in range(count)]

    def take_id(self):
        self.next_id = self.next_id % 65535 + 1
        return self.next_id

    def subscribe(self, topic_filter, qos=1):
        self.send(0x82, struct.pack(">H", self.take_id()) + (b"\0" if self.version == 5 else b"") +
                  text(topic_filter) + bytes([qos]))
        return self.expect(9)[-1]

    def publish(self, topic, payload, qos=1, retain=False):
        """Sends, and returns the reason code of the PUBACK (0 for 3.1.1)."""
        packet_id = struct.pack(">H", self.take_id()) if qos else b""
        self.send(0x30 | qos << 1 | retain, text(topic) + packet_id + (b"\0" if self.version == 5 else b"") +
                  (payload.encode() if isinstance(payload, str) else payload))
        if not qos:
            return None
        body = self.expect(4)
        return body[2] if len(body) > 2 else 0

    def acknowledge(self, message):
        self.send(0x40, struct.pack(">H", message.packet_id))

    def drain(self, seconds=2.0):
        """Takes and acknowledges all that comes."""
        got = []
        while True:
            found = self.messages(seconds, 1)
            if not found:
                return got
            if found[0].qos:
                self.acknowledge(found[0])
            got += found

    def close(self):
        self.socket.close()

    def disconnect(self):
        self.send(0xE0, b"")
        self.socket.close()

# SPDX-License-Identifier: Apache-2.0
"""As much of the MQTT wire format as it takes to publish and to see PUBLISH and PUBACK pass by.

Source: MQTT 5.0 sections 1.5, 2.1, 3.1, 3.3, 3.4; MQTT 3.1.1 the same numbers.
"""

import collections

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK = 1, 2, 3, 4, 8, 9

Packet = collections.namedtuple("Packet", "type flags body")
Publish = collections.namedtuple("Publish", "topic qos packet_id payload duplicate")


def variable_length(data, at):
    """(value, next offset), or None when bytes are missing."""
    value = shift = 0
    while at < len(data):
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    return None


def packet(first, body):
    """A whole packet with this first byte."""
    length, rest = b"", len(body)
    while True:
        rest, byte = rest >> 7, rest & 0x7F
        length += bytes([byte | (0x80 if rest else 0)])
        if not rest:
            return bytes([first]) + length + body


class Stream:
    """Cuts one direction of a connection into packets."""

    def __init__(self):
        self.rest = bytearray()

    def feed(self, data):
        self.rest += data
        packets, at = [], 0
        while at < len(self.rest):
            length = variable_length(self.rest, at + 1)
            if length is None or length[1] + length[0] > len(self.rest):
                break
            end = length[1] + length[0]
            packets.append(
                Packet(self.rest[at] >> 4, self.rest[at] & 15, bytes(self.rest[length[1] : end]))
            )
            at = end
        del self.rest[:at]
        return packets


def protocol_level(connect):
    """4 (3.1.1) or 5 of a CONNECT packet."""
    name = int.from_bytes(connect.body[:2], "big")
    return connect.body[2 + name]


def read_publish(packet, level):
    body = packet.body
    length = int.from_bytes(body[:2], "big")
    topic, at = body[2 : 2 + length].decode(), 2 + length
    qos, packet_id = (packet.flags >> 1) & 3, 0
    if qos:
        packet_id, at = int.from_bytes(body[at : at + 2], "big"), at + 2
    if level >= 5:
        size, at = variable_length(body, at)
        at += size
    return Publish(topic, qos, packet_id, body[at:], bool(packet.flags & 8))


def acknowledged_id(packet):
    return int.from_bytes(packet.body[:2], "big")

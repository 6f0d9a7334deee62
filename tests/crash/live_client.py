#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A client of /ws or /api/stream that goes on where it ended, whoever was killed.

  live_client.py PORT ws|sse LOG [BATCH_MS]

LOG is its memory, one line each: `TOPIC<tab>SEQUENCE` of a message, `gap` or `reset`, and behind them `at<tab>TOKEN`.
What follows the last token is forgotten at the next start.
"""

import base64
import os
import re
import socket
import sys
import time

RECORD = re.compile(rb'"topic":"([^"]+)".*?"seq":\s*(\d+)')


class Left(Exception):
    """The gateway has gone, or has ended the stream."""


class Memory:
    def __init__(self, path):
        self.file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        with open(path, "rb") as log:
            kept = log.read()
        at = kept.rfind(b"at\t")
        end = kept.find(b"\n", at) + 1 if at >= 0 else 0
        if at >= 0 and end == 0:  # cut in the middle of a token
            at = kept.rfind(b"at\t", 0, at)
            end = kept.find(b"\n", at) + 1 if at >= 0 else 0
        os.ftruncate(self.file, end)
        self.token = kept[at + 3 : end - 1] if end else b""

    def keep(self, lines, token):
        os.write(self.file, b"".join(line + b"\n" for line in lines) + b"at\t" + token + b"\n")
        self.token = token


class Wire:
    def __init__(self, port):
        try:
            self.socket = socket.create_connection(("127.0.0.1", port))
        except OSError:
            raise Left from None
        self.bytes = b""

    def send(self, data):
        try:
            self.socket.sendall(data)
        except OSError:
            raise Left from None

    def more(self):
        try:
            piece = self.socket.recv(256 * 1024)
        except OSError:
            raise Left from None
        if not piece:
            raise Left
        self.bytes += piece

    def take(self, count):
        while len(self.bytes) < count:
            self.more()
        taken, self.bytes = self.bytes[:count], self.bytes[count:]
        return taken

    def up_to(self, mark):
        while mark not in self.bytes:
            self.more()
        taken, _, self.bytes = self.bytes.partition(mark)
        return taken


def records_of(text):
    return [topic + b"\t" + sequence for topic, sequence in RECORD.findall(text)]


def web_socket(port, memory, batch_ms):
    wire = Wire(port)
    key = base64.b64encode(os.urandom(16)).decode()
    wire.send(
        f"GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n".encode()
    )
    head = wire.up_to(b"\r\n\r\n")
    if b" 101 " not in head:
        raise Left
    text = f'{{"type":"subscribe","id":"a","batch_ms":{batch_ms}'.encode()
    text += b',"resume":"' + memory.token + b'"}' if memory.token else b"}"
    wire.send(b"\x81" + bytes([0x80 | len(text)]) + bytes(4) + text)  # shorter than 126 bytes
    subscribed = False
    while True:
        first, size = wire.take(2)
        if size >= 126:
            size = int.from_bytes(wire.take(2 if size == 126 else 8), "big")
        text = wire.take(size)
        if first == 0x89:
            wire.send(b"\x8a" + bytes([0x80 | size]) + bytes(4) + text)
        if first == 0x88:
            raise Left
        if first != 0x81:
            continue
        if text.startswith(b'{"type":"subscribed"'):
            subscribed = True
            print("listens", flush=True)
        elif text.startswith(b'{"type":"error"'):
            sys.exit(text.decode())
        elif text.startswith(b'{"type":"overflow"'):
            raise Left
        elif subscribed:
            kind = re.match(rb'\{"type":"(\w+)"', text).group(1)
            token = re.search(rb'"token":"([^"]+)"\}$', text)
            lines = records_of(text) if kind in (b"message", b"messages") else [kind]
            memory.keep(lines, token.group(1) if token else memory.token)


def events(port, memory):
    wire = Wire(port)
    last = b"Last-Event-ID: " + memory.token + b"\r\n" if memory.token else b""
    wire.send(b"GET /api/stream HTTP/1.1\r\nHost: localhost\r\n" + last + b"\r\n")
    if b" 200 " not in wire.up_to(b"\r\n\r\n"):
        raise Left
    print("listens", flush=True)
    text = b""
    while True:
        size = int(wire.up_to(b"\r\n"), 16)
        if size == 0:
            raise Left
        text += wire.take(size + 2)[:-2]
        *blocks, text = text.split(b"\n\n")
        for block in blocks:
            fields = dict(line.split(b": ", 1) for line in block.split(b"\n") if b": " in line)
            if fields.get(b"event") == b"overflow":
                raise Left
            if b"data" in fields:
                lines = [fields[b"event"]] if b"event" in fields else records_of(fields[b"data"])
                memory.keep(lines, fields.get(b"id", memory.token))


def main():
    port, kind, log = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    batch_ms = int(sys.argv[4]) if len(sys.argv) > 4 else 0
    memory = Memory(log)
    while True:
        try:
            if kind == "ws":
                web_socket(port, memory, batch_ms)
            else:
                events(port, memory)
        except Left:
            time.sleep(0.05)  # it comes again


if __name__ == "__main__":
    main()

# SPDX-License-Identifier: Apache-2.0
"""The judges of the crash tests reject what they are there to reject."""

import argparse
import gzip
import os
import sqlite3
import struct
import tempfile
import unittest

import capture
import mqtt_wire
import rig

PAYLOAD = b'{"temperature":21.5,"seq":%d}'


def publish(packet_id, payload, topic=b"sensors/a/temperature"):
    body = struct.pack(">H", len(topic)) + topic + struct.pack(">HB", packet_id, 0) + payload
    return mqtt_wire.packet(0x32, body)


def puback(packet_id):
    return bytes([0x40, 2]) + struct.pack(">H", packet_id)


CONNECT_V5 = b"\x10\x0d\x00\x04MQTT\x05\x02\x00\x14\x00\x00\x00"
SOCKET, SEGMENT = 5, 6


class CaptureTest(unittest.TestCase):
    def replay(self, *steps):
        """Steps are (kind, result, data); order numbers and descriptors are filled in."""
        with tempfile.NamedTemporaryFile() as out:
            first = [
                (capture.CONNECT, 0, b""),
                (capture.SEND, -2, b""),
                (capture.SEND, len(CONNECT_V5), CONNECT_V5),
            ]
            for order, (kind, result, data) in enumerate(first + list(steps), 1):
                fd = (
                    SEGMENT
                    if kind in (capture.JOURNAL_WRITE, capture.SYNC_BEGIN, capture.SYNC_END)
                    else SOCKET
                )
                out.write(capture.HEAD.pack(order, kind, fd, result, len(data)) + data)
            out.flush()
            analysis = capture.Analysis()
            analysis.replay(out.name)
            return analysis

    def read(self, *numbers):
        return (capture.READ, 1, b"".join(publish(n, PAYLOAD % n) for n in numbers))

    def write(self, *numbers):
        return (capture.JOURNAL_WRITE, 1, b"".join(b"frame" + PAYLOAD % n for n in numbers))

    def answer(self, *numbers):
        return [(capture.SEND, -2, b""), (capture.SEND, 1, b"".join(puback(n) for n in numbers))]

    begin, end, failed = (
        (capture.SYNC_BEGIN, 0, b""),
        (capture.SYNC_END, 0, b""),
        (capture.SYNC_END, -1, b""),
    )

    def test_a_puback_after_its_fdatasync_is_right(self):
        analysis = self.replay(
            self.read(1, 2), self.write(1, 2), self.begin, self.end, *self.answer(1, 2)
        )
        self.assertEqual(analysis.errors, [])
        self.assertEqual(analysis.pubacks, 2)

    def test_a_puback_without_fdatasync_is_found(self):
        analysis = self.replay(self.read(1), self.write(1), *self.answer(1))
        self.assertIn("no fdatasync covers", analysis.errors[0])

    def test_a_puback_before_the_fdatasync_returned_is_found(self):
        analysis = self.replay(self.read(1), self.write(1), self.begin, *self.answer(1), self.end)
        self.assertEqual(len(analysis.errors), 1)

    def test_a_send_that_began_before_the_fdatasync_returned_is_found(self):
        early, sent = self.answer(1)
        analysis = self.replay(self.read(1), self.write(1), self.begin, early, self.end, sent)
        self.assertIn("before its fdatasync", analysis.errors[0])

    def test_an_fdatasync_that_began_before_the_write_covers_nothing(self):
        analysis = self.replay(self.read(1), self.begin, self.write(1), self.end, *self.answer(1))
        self.assertIn("no fdatasync covers", analysis.errors[0])

    def test_a_puback_out_of_order_is_found(self):
        analysis = self.replay(
            self.read(1, 2), self.write(1, 2), self.begin, self.end, *self.answer(2, 1)
        )
        self.assertIn("not in receive order", analysis.errors[0])

    def test_a_puback_after_a_failed_fdatasync_is_found(self):
        analysis = self.replay(
            self.read(1, 2),
            self.write(1),
            self.begin,
            self.end,
            self.write(2),
            self.begin,
            self.failed,
            *self.answer(1)
        )
        self.assertIn("after a failed fdatasync", analysis.errors[0])
        self.assertEqual(analysis.sync_failures, 1)

    def test_a_packet_that_arrives_in_pieces_is_one_packet(self):
        whole = publish(7, PAYLOAD % 7 * 20)
        stream = mqtt_wire.Stream()
        packets = [packet for byte in whole for packet in stream.feed(bytes([byte]))]
        self.assertEqual(len(packets), 1)
        self.assertEqual(mqtt_wire.read_publish(packets[0], 5).payload, PAYLOAD % 7 * 20)


class CountTest(unittest.TestCase):
    def check(self, rows, expected):
        options = argparse.Namespace(seed=1, work=None, keep=False, bin="")
        place = rig.Rig(options, "rig_test")
        try:
            os.makedirs(os.path.dirname(place.database))
            store = sqlite3.connect(place.database)
            store.execute("CREATE TABLE messages(topic TEXT, payload TEXT)")
            store.executemany(
                "INSERT INTO messages VALUES('t', ?)", [((PAYLOAD % n).decode(),) for n in rows]
            )
            store.commit()
            store.close()
            return place.check_exactly_once({("t", n) for n in expected})
        finally:
            place.close(False)

    def test_all_stored_once_is_right(self):
        self.assertIn("3 acknowledged", self.check([1, 2, 3, 4], [1, 2, 3]))

    def test_a_missing_row_is_found(self):
        with self.assertRaisesRegex(rig.Failure, "1 missing"):
            self.check([1, 3], [1, 2, 3])

    def test_a_row_that_came_twice_is_found(self):
        with self.assertRaisesRegex(rig.Failure, "1 stored twice"):
            self.check([1, 2, 2], [1, 2])


class FilesTest(unittest.TestCase):
    def check(self, files, expected, ends, cut=0, suffix=".jsonl.gz"):
        options = argparse.Namespace(seed=1, work=None, keep=False, bin="")
        place = rig.Rig(options, "rig_test")
        try:
            os.makedirs(place.files)
            for number, rows in enumerate(files, 1):
                lines = b"".join(b'{"topic":"t","payload":%s}\n' % (PAYLOAD % n) for n in rows)
                packed = gzip.compress(lines)
                name = f"2026-11-30T084047Z-{number:06}{suffix}"
                with open(os.path.join(place.files, name), "wb") as out:
                    out.write(packed[: len(packed) - cut])
            return place.check_files({("t", n) for n in expected}, ends)
        finally:
            place.close(False)

    def test_what_an_earlier_run_had_too_may_come_again(self):
        self.assertIn("1 of them again", self.check([[1, 2], [2, 3]], [1, 2, 3], [1, 2]))

    def test_a_record_that_one_run_wrote_twice_is_found(self):
        with self.assertRaisesRegex(rig.Failure, "1 records are twice"):
            self.check([[1, 2], [2, 3]], [1, 2, 3], [2])

    def test_a_missing_record_is_found(self):
        with self.assertRaisesRegex(rig.Failure, "1 of 3 are in no file"):
            self.check([[1], [3]], [1, 2, 3], [1, 2])

    def test_a_torn_file_is_found(self):
        with self.assertRaisesRegex(rig.Failure, "is not whole"):
            self.check([[1, 2]], [1, 2], [1], cut=5)

    def test_a_file_that_was_not_finished_is_found(self):
        with self.assertRaisesRegex(rig.Failure, "was not finished"):
            self.check([[1, 2]], [1, 2], [1], suffix=".jsonl.gz.part")


if __name__ == "__main__":
    unittest.main()

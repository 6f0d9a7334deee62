# SPDX-License-Identifier: Apache-2.0
"""Real processes for crash tests: mosquitto, telemetry-edge, telemetry-sim, and what they left.

Life of a rig: a temporary folder and free ports; processes are started into it and known by pid;
close() kills what still runs, unmounts what was mounted and removes the folder, unless something
failed: then the folder stays and its path is printed.
"""

import collections
import gzip
import json
import os
import random
import re
import shutil
import socket
import sqlite3
import subprocess
import tempfile
import time

from programs import mosquitto

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
READY_S = 60  # a sanitizer build that replays a journal is slow; nothing depends on the figure
STALL_S = 60  # rows must keep coming: so long without a new one is a failure

# The number of a message in what the simulator sends.
SEQUENCE = re.compile(rb'"seq":\s*(\d+)')


class Failure(Exception):
    """A promise that was not kept; the text says which."""


class Skipped(Exception):
    """This machine cannot run the scenario; the text says why."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(condition, seconds, what):
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failure(f"not within {seconds} s: {what}")
        time.sleep(0.02)


class Process:
    """One child; its output goes to a file."""

    def __init__(self, name, command, log_path, env=None):
        self.name = name
        self.log_path = log_path
        self.log_start = os.path.getsize(log_path) if os.path.exists(log_path) else 0
        with open(log_path, "ab") as log:
            self.child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
            )

    @property
    def pid(self):
        return self.child.pid

    def output(self):
        """What this process printed; earlier ones that share the file are left out."""
        with open(self.log_path, "rb") as log:
            log.seek(self.log_start)
            return log.read().decode("utf-8", "replace")

    def running(self):
        return self.child.poll() is None

    def wait_for_output(self, pattern, seconds=READY_S):
        expression = re.compile(pattern, re.MULTILINE)

        def found():
            match = expression.search(self.output())
            if match is None and not self.running() and expression.search(self.output()) is None:
                raise Failure(
                    f"{self.name} ended with exit code {self.child.returncode} before it "
                    f"printed /{pattern}/:\n{tail(self.output())}"
                )
            return match

        return wait_until(found, seconds, f"{self.name} prints /{pattern}/:\n{tail(self.output())}")

    def kill(self):
        """SIGKILL, and gone when this returns."""
        if self.running():
            self.child.kill()
        self.child.wait()

    def stop(self, expect=0, seconds=60):
        """SIGTERM; the exit code must be `expect`."""
        if not self.running():
            raise Failure(
                f"{self.name} had ended by itself with exit code {self.child.returncode}:\n"
                f"{tail(self.output())}"
            )
        self.child.terminate()
        return self.wait(expect, seconds)

    def wait(self, expect=0, seconds=60):
        try:
            code = self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failure(
                f"{self.name} did not end within {seconds} s:\n{tail(self.output())}"
            ) from None
        if expect is not None and code != expect:
            raise Failure(f"{self.name}: exit code {code}, not {expect}:\n{tail(self.output())}")
        return code


def tail(text, lines=25):
    return "\n".join("    | " + line for line in text.splitlines()[-lines:])


class Rig:
    def __init__(self, options, name):
        self.options = options
        self.name = name
        self.random = random.Random(f"{options.seed}/{name}")
        self.folder = tempfile.mkdtemp(prefix=f"telemetry-{name}-", dir=options.work)
        self.processes = []
        self.closers = []
        self.mounts = []
        self.broker_port = free_port()
        self.broker = None
        self.database = self.path("store", "telemetry.db")
        self.journal = self.path("journal")
        self.files = self.path("files")
        self.starts = 0

    def path(self, *parts):
        return os.path.join(self.folder, *parts)

    def binary(self, name):
        return os.path.join(self.options.bin, name)

    def close(self, failed):
        for closer in self.closers:
            closer()
        for process in reversed(self.processes):
            process.kill()
        for mount in reversed(self.mounts):
            subprocess.run(["umount", "-l", mount], check=False)
        if failed or self.options.keep:
            print(f"    kept: {self.folder}")
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, name, command, log, env=None):
        process = Process(name, command, self.path(log), env)
        self.processes.append(process)
        return process

    # --- broker ---------------------------------------------------------------------------------
    def start_broker(self, persistent=False):
        config = self.path("mosquitto.conf")
        # Unlimited queues: what the broker drops silently is not what is tested here.
        lines = [
            f"listener {self.broker_port} 127.0.0.1",
            "allow_anonymous true",
            "max_queued_messages 0",
            "max_inflight_messages 0",
            "log_dest stdout",
            "log_type error",
            "log_type warning",
            "log_type notice",
        ]
        if persistent:
            os.makedirs(self.path("broker"), exist_ok=True)
            os.chmod(self.folder, 0o755)  # mosquitto drops to a user of its own
            os.chmod(self.path("broker"), 0o777)
            lines += [
                "persistence true",
                f"persistence_location {self.path('broker')}/",
                "autosave_interval 1800",
            ]
        with open(config, "w", encoding="utf-8") as out:
            out.write("\n".join(lines) + "\n")
        self.broker = self.run("mosquitto", [mosquitto(), "-c", config], "mosquitto.log")
        wait_until(self.broker_listens, 10, "mosquitto listens")
        return self.broker

    def broker_listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.broker_port), 1).close()
            return True
        except OSError:
            return False

    # --- telemetry-edge -------------------------------------------------------------------------
    def write_config(
        self,
        port=None,
        journal=None,
        database=None,
        journal_mb=1024,
        reserve_mb=16,
        schema=None,
        name="edge.yaml",
        backend="sqlite",
        extra="",
    ):
        text = f"""\
mqtt:
  broker: 127.0.0.1
  port: {port or self.broker_port}
  client_id: crash-edge
  keepalive: 20
  reconnect_max: 2s   # the peers come and go by the second here
  topics:
    - {{topic: "sensors/#", qos: 1}}
    - {{topic: "iot/#", qos: 1}}
    - {{topic: "f2/#", qos: 1}}
journal: {{path: {journal or self.journal}, size_max_mb: {journal_mb}}}
storage:
  backend: {backend}
  sqlite: {{path: {database or self.database}, free_space_reserve_mb: {reserve_mb}}}
  filesystem: {{base_path: {self.files}, compression: gzip, sync_interval: 100ms,
               max_file_size_mb: 1, free_space_reserve_mb: {reserve_mb}}}
schema: {{path: {schema or os.path.join(ROOT, 'examples', 'schemas')}}}
{extra}"""
        with open(self.path(name), "w", encoding="utf-8") as out:
            out.write(text)
        return self.path(name)

    def start_edge(self, ready=True, env=None, config="edge.yaml", log="edge.log", more=()):
        if not os.path.exists(self.path(config)):
            self.write_config(name=config)
        edge = self.run(
            "telemetry-edge",
            [self.binary("telemetry-edge"), "--config", self.path(config), *more],
            log,
            env,
        )
        if ready:
            edge.wait_for_output(r"\bready$")
        self.starts += 1
        return edge

    def status(self):
        """What `telemetry status --json` says of the running edge logger."""
        command = [self.binary("telemetry"), "status", "--config", self.path("edge.yaml"), "--json"]
        return json.loads(subprocess.check_output(command, timeout=30))

    def consumers(self):
        return {one["name"]: one for one in self.status()["consumers"]}

    # --- telemetry-sim --------------------------------------------------------------------------
    def start_load(self, rate=2000, seconds=0.0, count=0, port=None, name="load", first=1, more=()):
        """Returns the running simulator; its acknowledged messages are read by acknowledged()."""
        command = [
            self.binary("telemetry-sim"),
            "--broker",
            "127.0.0.1",
            "--port",
            str(port or self.broker_port),
            "--rate",
            str(rate),
            "--duration",
            str(seconds),
            "--count",
            str(count),
            "--heartbeat-interval",
            "1",
            "--drain",
            "120",
            "--seed",
            str(self.random.randrange(1 << 32)),
            "--first",
            str(first),
            "--acked-log",
            self.path(name + ".acked"),
            *more,
        ]
        load = self.run(
            "telemetry-sim", command, name + ".log", {"TELEMETRY_MQTT__RECONNECT_MAX": "2s"}
        )
        load.wait_for_output(r"^ +\d+ s .* acknowledged [1-9]", 30)
        return load

    def acknowledged(self, *names):
        """{(topic, sequence)} that the broker acknowledged to these simulators."""
        keys = set()
        for name in names or ("load",):
            with open(self.path(name + ".acked"), encoding="utf-8") as log:
                for line in log:
                    topic, sequence, _ = line.rstrip("\n").split("\t")
                    keys.add((topic, int(sequence)))
        return keys

    def publish(self, topic, payload):
        """One message that the broker has when this returns."""
        command = ["mosquitto_pub", "-p", str(self.broker_port), "-t", topic, "-q", "1"]
        subprocess.run([*command, "-m", payload], check=True, timeout=30)

    # --- the store ------------------------------------------------------------------------------
    def count_rows(self):
        if not os.path.exists(self.database):
            return 0
        try:
            with sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5) as store:
                return store.execute("SELECT count(*) FROM messages").fetchone()[0]
        except sqlite3.OperationalError:
            return 0  # not created yet, or locked by the scenario
        finally:
            if "store" in locals():
                store.close()

    def wait_for_rows(self, count, edge=None):
        """Waits until `count` rows are stored; fails when no new one comes for STALL_S."""
        best, since = -1, time.monotonic()
        while True:
            rows = self.count_rows()
            if rows >= count:
                return rows
            if rows > best:
                best, since = rows, time.monotonic()
            if edge is not None and not edge.running():
                raise Failure(f"telemetry-edge ended by itself:\n{tail(edge.output())}")
            if time.monotonic() - since > STALL_S:
                raise Failure(f"{rows} rows stored, {count} expected, none new for {STALL_S} s")
            time.sleep(0.1)

    def wait_for_topic(self, topic, count):
        """Waits until so many messages of this topic are stored."""

        def there():
            if not os.path.exists(self.database):
                return False
            store = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=5)
            try:
                query = "SELECT count(*) FROM messages WHERE topic = ?"
                return store.execute(query, (topic,)).fetchone()[0] >= count
            except sqlite3.OperationalError:
                return False  # not created yet
            finally:
                store.close()

        wait_until(there, STALL_S, f"{count} messages of {topic} are stored")

    def stored(self):
        """Counter of (topic, sequence) over all rows."""
        store = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True, timeout=10)
        try:
            keys = collections.Counter()
            for topic, payload in store.execute("SELECT topic, payload FROM messages"):
                keys[topic, int(SEQUENCE.search(payload.encode()).group(1))] += 1
            check = store.execute("PRAGMA quick_check").fetchone()[0]
            if check != "ok":
                raise Failure(f"{self.database}: quick_check says {check}")
            return keys
        finally:
            store.close()

    def file_names(self):
        """{number: name} of what the file sink wrote."""
        if not os.path.exists(self.files):
            return {}
        names = (name for name in os.listdir(self.files) if name != ".lock")
        return {int(re.search(r"Z-(\d+)", name).group(1)): name for name in names}

    def last_file(self):
        """The number of the newest file that holds anything."""
        sizes = {
            number: os.path.getsize(os.path.join(self.files, name))
            for number, name in self.file_names().items()
        }
        return max((number for number, size in sizes.items() if size), default=0)

    def records_of(self, name):
        """[(topic, sequence)] of one file; it must be whole and have its final name."""
        if not name.endswith(".jsonl.gz"):
            raise Failure(f"{name} was not finished")
        try:
            with gzip.open(os.path.join(self.files, name), "rb") as file:
                lines = file.read().splitlines()
                topics = [json.loads(line)["topic"] for line in lines]
        except (OSError, EOFError, ValueError) as error:
            raise Failure(f"{name} is not whole: {error}") from None
        return [
            (topic, int(SEQUENCE.search(line).group(1))) for topic, line in zip(topics, lines)
        ]

    def check_files(self, expected, ends):
        """Every key of `expected` is in the files; twice only in different runs of the logger.

        ends: last_file() when each run ended, the last one included.
        """
        names = self.file_names()
        seen, after = collections.Counter(), 0
        for end in ends:
            run = collections.Counter()
            for number in sorted(names):
                if after < number <= end:
                    run.update(self.records_of(names[number]))
            twice = [key for key, count in run.items() if count > 1]
            if twice:
                raise Failure(f"{len(twice)} records are twice in one run: {sorted(twice)[:5]}")
            seen.update(run)
            after = end
        missing = [key for key in expected if key not in seen]
        if missing:
            raise Failure(f"{len(missing)} of {len(expected)} are in no file: {sorted(missing)[:5]}")
        repeated = sum(count - 1 for count in seen.values())
        return f"{len(names)} files: all there, {repeated} of them again after a kill"

    def check_exactly_once(self, expected, may_repeat=False):
        """Every key of `expected` is stored, and none twice, unless it may."""
        stored = self.stored()
        missing = [key for key in expected if key not in stored]
        twice = [key for key, count in stored.items() if count > 1]
        if missing or (twice and not may_repeat):
            raise Failure(
                f"{len(expected)} acknowledged, {len(stored)} stored: {len(missing)} missing "
                f"{sorted(missing)[:5]}, {len(twice)} stored twice {sorted(twice)[:5]}"
            )
        return f"{len(expected)} acknowledged, all stored, {len(twice) or 'none'} twice"

    def finish(self, load, edge, *names):
        """Lets the load end, waits for its last row, stops the edge logger, counts."""
        load.wait(0, 300)
        expected = self.acknowledged(*names)
        self.wait_for_rows(len(expected), edge)
        edge.stop()
        return self.check_exactly_once(expected)

    # --- disks ----------------------------------------------------------------------------------
    def mount_disk(self, name, megabytes):
        """A small disk of its own (tmpfs)."""
        folder = self.path(name)
        os.makedirs(folder)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise Skipped(f"no right to mount a tmpfs: {done.stderr.strip()}; run as root")
        self.mounts.append(folder)
        return folder


def fill_disk(folder, leave_bytes=0, name="ballast"):
    """Puts a file there, so large that about `leave_bytes` stay free."""
    path = os.path.join(folder, name)
    space = os.statvfs(folder)
    size = space.f_bavail * space.f_frsize - leave_bytes
    with open(path, "wb") as out:
        block = b"\0" * (1 << 20)
        try:
            while size > 0:
                size -= out.write(block[: min(size, len(block))])
        except OSError:
            pass  # full is what was asked for
    return path


def free_bytes(folder):
    space = os.statvfs(folder)
    return space.f_bavail * space.f_frsize

# SPDX-License-Identifier: Apache-2.0
"""Exports that are killed again and again: the file that comes in the end has the same bytes."""

import hashlib
import os
import subprocess
import time

from rig import Failure, Skipped


def export_killed(rig):
    """Exports killed with -9 go on, and end with the bytes of one that was let be."""
    rows = 600_000 if rig.options.short else 10_000_000
    database = rig.path("export.db")
    bench = os.path.join(os.path.dirname(rig.binary("telemetry")), "..", "tests", "bench_sqlite")
    if not os.access(bench, os.X_OK):
        raise Skipped(f"{bench} does not exist; the tree for threads has no benches")
    subprocess.run([bench, str(rows), "1000", "25000", "NORMAL", database], check=True, stdout=subprocess.DEVNULL,
                   timeout=600)

    def command(name):
        return [rig.binary("telemetry"), "export", "--set", f"storage.sqlite.path={database}", "--output",
                rig.path(name)]

    def size(path):
        try:
            return os.path.getsize(path)
        except FileNotFoundError:  # not there yet, or not any more
            return 0

    def digest(name):
        with open(rig.path(name), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    seen = []
    for name in ("rows.csv", "rows.jsonl.zst"):
        subprocess.run(command("whole-" + name), check=True, capture_output=True, timeout=600)
        whole, part = os.path.getsize(rig.path("whole-" + name)), rig.path(name + ".part")
        kills, went_on, ended = 0, False, False
        while not ended:
            export = subprocess.Popen(command(name), stderr=subprocess.PIPE, text=True)
            enough = whole * rig.random.uniform(0.2, 0.7) if kills < 5 else 2 * whole
            while export.poll() is None and size(part) < enough:
                time.sleep(0.001)
            ended = export.poll() is not None
            if not ended:
                export.kill()
                kills += 1
            said = export.communicate()[1]
            went_on = went_on or "going on behind" in said
            if ended and export.returncode != 0:
                raise Failure(f"{name}: exit code {export.returncode}: {said}")
        if kills == 0:
            raise Failure(f"{name}: ended before a kill")
        if digest(name) != digest("whole-" + name):
            raise Failure(f"{name}: other bytes after {kills} kills")
        seen.append(f"{name}: {kills} kills, {'went on' if went_on else 'began again'}")
    return f"{rows} rows; {'; '.join(seen)}"


SCENARIOS = [export_killed]

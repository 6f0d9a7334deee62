# SPDX-License-Identifier: Apache-2.0
"""Exports that are killed again and again: the file that comes in the end has the same bytes."""

import hashlib
import os
import subprocess

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

    def digest(name):
        with open(rig.path(name), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    seen = []
    for name in ("rows.csv", "rows.jsonl.zst"):
        subprocess.run(command("whole-" + name), check=True, capture_output=True, timeout=600)
        kills, went_on, ended = 0, False, False
        while not ended:
            export = subprocess.Popen(command(name), stderr=subprocess.PIPE, text=True)
            try:
                said = export.communicate(timeout=rig.random.uniform(0.2, 1.2))[1]
                ended = True
            except subprocess.TimeoutExpired:
                export.kill()
                said = export.communicate()[1]
                kills += 1
            went_on = went_on or "going on behind" in said
            if ended and export.returncode != 0:
                raise Failure(f"{name}: exit code {export.returncode}: {said}")
            if kills > 1000:
                raise Failure(f"{name}: no end after {kills} kills")
        if digest(name) != digest("whole-" + name):
            raise Failure(f"{name}: other bytes after {kills} kills")
        seen.append(f"{name}: {kills} kills, {'went on' if went_on else 'began again'}")
    return f"{rows} rows; {'; '.join(seen)}"


SCENARIOS = [export_killed]

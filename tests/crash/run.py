#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Crash tests on real processes: what was acknowledged survives anything.

  tests/crash/run.py --bin build/release/bin            all scenarios in full (about 15 minutes)
  tests/crash/run.py --bin build/dev/bin --short        the same, shorter, as CI runs them
  tests/crash/run.py --bin build/dev/bin --only edge_killed --seed 7 --keep

Needs mosquitto, and root for the small disks (those scenarios are skipped without). Python's standard library only.
Exit code: 0 all passed (or skipped with a reason), 1 something was lost, 2 wrong usage.
"""

import argparse
import os
import random
import signal
import sys
import time
import traceback

import capture
import deletions
import export
import letters
import live
import processes
import records
import scenarios
import small_journal
from rig import Failure, Rig, Skipped

ALL = (
    scenarios.SCENARIOS
    + capture.SCENARIOS
    + processes.SCENARIOS
    + small_journal.SCENARIOS
    + letters.SCENARIOS
    + records.SCENARIOS
    + deletions.SCENARIOS
    + export.SCENARIOS
    + live.SCENARIOS
)


def parse_arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--bin", required=True, metavar="DIR", help="folder of telemetry, telemetry-edge, telemetry-gateway and telemetry-sim"
    )
    parser.add_argument(
        "--shim",
        metavar="FILE",
        help="libcapture_shim.so; default: beside the tests of the same build",
    )
    parser.add_argument("--short", action="store_true", help="fewer kills, shorter waits")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    parser.add_argument("--rate", type=int, default=2000, help="messages/s of the load")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--skip", nargs="+", default=[], metavar="NAME")
    parser.add_argument("--work", metavar="DIR", help="where temporary folders are made")
    parser.add_argument("--keep", action="store_true", help="keep the temporary folders")
    parser.add_argument("--list", action="store_true", help="name the scenarios and exit")
    options = parser.parse_args()
    names = {scenario.__name__ for scenario in ALL}
    unknown = set(options.only + options.skip) - names
    if unknown:
        parser.error(f"no such scenario: {', '.join(sorted(unknown))}; --list names them")
    options.bin = os.path.abspath(options.bin)
    if options.shim is None:
        options.shim = os.path.join(os.path.dirname(options.bin), "tests", "libcapture_shim.so")
    for program in ("telemetry", "telemetry-edge", "telemetry-sim"):
        if not options.list and not os.access(os.path.join(options.bin, program), os.X_OK):
            parser.error(f"{options.bin}/{program} does not exist; build it first")
    return options


def run(scenario, options):
    """(verdict, what was seen)"""
    rig = Rig(options, scenario.__name__)
    failed = True
    try:
        seen = scenario(rig)
        failed = False
        return "passed", seen
    except Skipped as reason:
        failed = False
        return "skipped", str(reason)
    except Failure as failure:
        return "FAILED", str(failure)
    except Exception:  # an error of the rig is a failure like any other; the rest still runs
        return "FAILED", traceback.format_exc()
    finally:
        rig.close(failed)


def main():
    options = parse_arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left running
    if options.list:
        for scenario in ALL:
            print(f"{scenario.__name__:24} {scenario.__doc__.strip().splitlines()[0]}")
        return 0
    chosen = [
        s
        for s in ALL
        if (not options.only or s.__name__ in options.only) and s.__name__ not in options.skip
    ]
    print(f"seed {options.seed}", flush=True)
    verdicts = []
    for scenario in chosen:
        began = time.monotonic()
        verdict, seen = run(scenario, options)
        verdicts.append(verdict)
        print(
            f"{verdict:7} {scenario.__name__:24} {time.monotonic() - began:6.1f} s  {seen}",
            flush=True,
        )
    failed, skipped = verdicts.count("FAILED"), verdicts.count("skipped")
    print(
        f"{verdicts.count('passed')} passed, {skipped} skipped, {failed} failed "
        f"(again with --seed {options.seed})"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares committed headers of schemas with what the compiler writes. usage: check_schemas.py TELEMETRY"""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADERS = {"examples/firmware/sensor_logger/schemas.hpp": "examples/firmware/schemas"}


def main() -> int:
    wrong = 0
    for header, folder in HEADERS.items():
        schemas = sorted(str(path.relative_to(ROOT)) for path in (ROOT / folder).glob("*.yaml"))
        command = [sys.argv[1], "schema", "compile", "--to", "cpp", *schemas]
        written = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout
        if written != (ROOT / header).read_text("utf-8"):
            print(f"{header} is not current: telemetry {' '.join(command[1:])} --output {header}")
            wrong += 1
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The committed tables are what the schema compiler makes of the schemas today.

usage: check_tables.py [--write] TELEMETRY NAMESPACE TABLES SCHEMA...
With --write they are brought up to date.
"""
import pathlib
import subprocess
import sys


def main() -> int:
    arguments = sys.argv[1:]
    write = arguments[0] == "--write"
    telemetry, namespace, tables, *schemas = arguments[write:]
    run = subprocess.run([telemetry, "schema", "compile", "--to", "cpp", *schemas, "--namespace",
                          namespace], stdout=subprocess.PIPE, text=True, check=True)
    path = pathlib.Path(tables)
    if write:
        path.write_text(run.stdout)
    elif not path.exists() or path.read_text() != run.stdout:
        print(f"{path} is not what the compiler writes today. To bring it up to date:\n"
              f"  {sys.argv[0]} --write {' '.join(arguments)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

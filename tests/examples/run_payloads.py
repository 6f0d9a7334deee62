#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does every example of docs/payloads.md do what the page shows?

Usage: tests/examples/run_payloads.py TELEMETRY [--write]

Under `## Examples` each `###` has a block of `json`, a message a line; one of `yaml` a schema, or several; one of
`text`, what `telemetry schema test` says to them. Times of arrival, sequence numbers that are absent and the count at
the end are left out. With --write the shown output becomes that of the program.
"""

import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
PAGE = os.path.join(ROOT, "docs", "payloads.md")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LEFT_OUT = re.compile(r"^(  time  .*\(of arrival: .*\)|  sequence +-|\d+ valid, \d+ invalid(, \d+ dropped)?)$")


def output_of(telemetry, messages, schemas):
    with tempfile.TemporaryDirectory() as folder:
        os.mkdir(os.path.join(folder, "schemas"))
        for number, schema in enumerate(schemas, 1):
            with open(os.path.join(folder, "schemas", f"{number}.yaml"), "w", encoding="utf-8") as file:
                file.write(schema)
        with open(os.path.join(folder, "messages.jsonl"), "w", encoding="utf-8") as file:
            file.write(messages)
        run = subprocess.run([telemetry, "schema", "test", "schemas", "messages.jsonl", "--messages"], cwd=folder,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return "".join(line + "\n" for line in run.stdout.splitlines() if not LEFT_OUT.match(line))


def main():
    telemetry = os.path.abspath(sys.argv[1])
    with open(PAGE, encoding="utf-8") as file:
        page = file.read()
    begin = page.index("\n## Examples\n")
    end = page.index("\n## Reference\n")
    titles = re.split(r"^(?=### )", page[begin:end], flags=re.MULTILINE)[1:]
    faults = 0
    for section in titles:
        title = section.splitlines()[0].removeprefix("### ")
        blocks = [(one.group(1), one.group(2)) for one in BLOCK.finditer(section)]
        kinds = [kind for kind, _ in blocks]
        if kinds[:2] != ["json", "yaml"] or kinds[-1] != "text" or set(kinds[1:-1]) != {"yaml"}:
            print(f"{title}: its blocks are {kinds}; json, yaml, text are wanted")
            faults += 1
            continue
        shown = blocks[-1][1]
        got = output_of(telemetry, blocks[0][1], [text for kind, text in blocks if kind == "yaml"])
        if got == shown:
            continue
        if "--write" in sys.argv:
            page = page.replace(section, section.replace(f"```text\n{shown}```", f"```text\n{got}```"))
            continue
        print(f"{title}: the page shows\n{shown}the program says\n{got}")
        faults += 1
    table = re.findall(r"\]\(#([\w-]+)\) \|$", page[:begin], re.MULTILINE)
    anchors = [section.splitlines()[0].removeprefix("### ").lower().replace(" ", "-") for section in titles]
    if sorted(table) != sorted(anchors):
        print(f"the table at the top and the examples differ: {sorted(set(table) ^ set(anchors))}")
        faults += 1
    if "--write" in sys.argv:
        with open(PAGE, "w", encoding="utf-8") as file:
            file.write(page)
    print(f"{len(titles)} examples, {faults} faults")
    return 1 if faults or not titles else 0


if __name__ == "__main__":
    sys.exit(main())

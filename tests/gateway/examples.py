#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does every example in the docs that talks to the gateway do what the page shows?

Usage: tests/gateway/examples.py [--bin build/release/bin]

Takes the fenced blocks of PAGES. Commands of `sh` run as they stand, but for addresses and ports, one after the
other. What `js` does with EventSource and WebSocket is done here: this gateway's answers, no browser. A block of
`json` behind a command is what it answers: members and types must be the same, values may differ.
"""

import json
import os
import re
import subprocess
import sys

from gateway import HOT, PASSWORD, ROOT, Failure, Gateway, WebSocket, arguments, run, wait_until

PAGES = ["README.md", "docs/gateway.md", "docs/live.md", "docs/security.md"]
# Commands that are no question to a gateway, or that start what this test has started already.
OTHERS = ("git ", "sudo ", "scripts/", "cd ", "build/", "cmake", "telemetry-gateway ", "telemetry-edge", "telemetry-sim",
          "telemetry query", "telemetry schema", "apt", "docker")  # fmt: skip


def blocks(page):
    """[(line, language, text)]"""
    with open(os.path.join(ROOT, page), encoding="utf-8") as file:
        text = file.read()
    found = re.finditer(r"^```(\w+)\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [(text[: one.start()].count("\n") + 1, one.group(1), one.group(2)) for one in found]


def shape(value):
    """Members and types; of a list, what its first one is."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return "number" if isinstance(value, (int, float)) and not isinstance(value, bool) else type(value).__name__


def differs(shown, got, place="answer"):
    """Where; empty when it does not. A member that may be null may be so on one side."""
    if shown in ("NoneType", []) or got in ("NoneType",):
        return ""
    if isinstance(shown, dict) and isinstance(got, dict):
        if place.endswith(".payload"):
            shown = {name: one for name, one in shown.items() if name in got}
            got = {name: one for name, one in got.items() if name in shown}
        if shown.keys() != got.keys():
            return f"{place} has {sorted(got)}, the page shows {sorted(shown)}"
        return next((d for n in shown if (d := differs(shown[n], got[n], f"{place}.{n}"))), "")
    if isinstance(shown, list) and isinstance(got, list):
        return differs(shown[0], got[0], f"{place}[]") if got else f"{place} is empty"
    return "" if shown == got else f"{place} is {got}, the page shows {shown}"


class Examples:
    def __init__(self, rig):
        self.rig = rig
        self.open = Gateway(rig, "open")
        self.people = Gateway(rig, "people", people=True)
        self.people.fill()
        self.added_key = ""
        self.added = []  # by the page: ["user", "anna"]
        self.ran = 0
        # As a shell of a user: the programs by name.
        self.environment = {**os.environ, "PATH": rig.options.bin + ":" + os.environ["PATH"]}

    def shell(self, line):
        """What the command prints."""
        command = line.split("   #")[0].strip()
        command = command.replace("http://127.0.0.1:8080", self.open.url).replace("http://gateway:8080", self.people.url)
        command = command.replace("-c edge.yaml", f"-c {self.people.config}").replace("tk_...", self.added_key)
        command = command.replace("-u anna ", f"-u 'anna:{PASSWORD}' ").replace("curl ", "curl -sSf ")
        text = ""
        adds = command.startswith(("telemetry key add", "telemetry user add"))
        if command.startswith("telemetry user add"):  # it asks on a terminal
            command, text = command + " --password-stdin", PASSWORD
        streams = " -N " in command
        if streams:  # it would go on for ever: as many lines as the first message has
            command += " | grep --line-buffered -m1 -A1 '^id: '"
            load = ["--rate", "20", "--count", "200", "--heartbeat-interval", "0", "--quiet"]
            port = ["--port", str(self.rig.broker_port)]
            self.rig.run("telemetry-sim", [self.rig.binary("telemetry-sim"), *port, *load], "beside.log")
        reads = self.people.process.output().count("read again")
        done = subprocess.run(["bash", "-c", command], input=text, capture_output=True, text=True, timeout=60,
                              env=self.environment, cwd=self.rig.folder, check=False)  # fmt: skip
        if done.returncode != 0:
            raise Failure(f"exit code {done.returncode}: {done.stderr}{done.stdout}")
        if command.startswith("telemetry key add"):
            self.added_key = done.stdout.strip()
        if adds:  # the gateway looks when somebody signs in
            self.added.append(command.split()[1:4:2])
            wait_until(lambda: self.people.ask("/api/session", "admin")[0] == 200
                       and self.people.process.output().count("read again") > reads, 30, "the accounts are read")  # fmt: skip
        if streams and "data: {" not in done.stdout:
            raise Failure(f"no event: {done.stdout}")
        return done.stdout

    def script(self, text):
        """What a page would do: EventSource asks, WebSocket says its object."""
        if found := re.search(r'new EventSource\("([^"]+)"\)', text):
            target = found.group(1)
            with self.open.connect() as connection:
                connection.sendall(f"GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
                lines = connection.makefile("r", encoding="utf-8", newline="\n")
                while not next(lines).startswith("retry:"):
                    pass
                self.rig.publish("sensors/sensor-009/temperature", HOT.replace('"seq": 1', '"seq": 2'))
                record = json.loads(next(line for line in lines if line.startswith("data: "))[6:])
            latest = self.open.json("/api/data?limit=1")["data"][0]
            wrong = differs(shape(latest), shape(record), "event")
            if wrong and "payload" not in wrong:
                raise Failure(wrong)
            return
        said = re.search(r"JSON\.stringify\(\s*(\{.*?\})\s*\)", text, re.DOTALL)
        if said is None:
            raise Failure("this test does not know what that does")
        client = WebSocket(self.open)
        client.say(re.sub(r"(\w+): ", r'"\1": ', said.group(1)))
        answer = client.hear()
        wanted = {"type": "subscribed", "id": json.loads(re.sub(r"(\w+): ", r'"\1": ', said.group(1)))["id"]}
        client.close()
        if answer != wanted:
            raise Failure(f"{answer} instead of {wanted}")

    def run_page(self, page):
        wrong, answer = [], None
        for line, language, text in blocks(page):
            where = f"{page}:{line}"
            try:
                if language == "sh":
                    for command in text.replace("\\\n", "").splitlines():
                        if not command.strip() or command.startswith("#") or command.strip().startswith(OTHERS):
                            continue
                        answer = self.shell(command)
                        self.ran += 1
                elif language == "js":
                    self.script(text)
                    self.ran += 1
                elif language == "json" and answer is not None and answer.startswith("{"):
                    if found := differs(shape(json.loads(text)), shape(json.loads(answer))):
                        wrong.append(f"{where}: {found}")
                    answer = None
            except (Failure, subprocess.TimeoutExpired, ValueError) as failure:
                wrong.append(f"{where}: {failure}")
        while self.added:
            kind, name = self.added.pop()
            self.people.command(kind, "remove", name)
        return wrong


def test(rig):
    examples = Examples(rig)
    wrong = [line for page in PAGES for line in examples.run_page(page)]
    print(f"{examples.ran} examples ran")
    return wrong


if __name__ == "__main__":
    sys.exit(run(arguments(__doc__), "examples", test))

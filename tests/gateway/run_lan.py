#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does `scripts/run --lan` serve the network, with an administrator whose password is shown once, and warn?

Usage: tests/gateway/run_lan.py [--bin build/release/bin]

The script runs in a folder of its own, with the programs that are built; what it installs and builds otherwise is
left out. All of 127.0.0.0/8 is this machine: who listens at 127.0.0.1 alone is not heard at 127.0.0.2.
"""

import base64
import os
import re
import shutil
import socket
import subprocess
import sys

from gateway import ROOT, Failure, answer_of, arguments, read_all, run

OTHER = "127.0.0.2"


class Run:
    """scripts/run, until its gateway serves."""

    def __init__(self, rig, log, *options):
        self.rig = rig
        command = [rig.path("house", "scripts", "run"), "--no-sim", "--broker", f"127.0.0.1:{rig.broker_port}", *options]
        self.process = rig.run("scripts/run", command, log, {"TELEMETRY_WEB__PORT": "0"})
        self.port = int(self.process.wait_for_output(r"\[web\] serving http://\S+:(\d+)/").group(1))
        self.process.wait_for_output(r"^Ctrl-C stops everything")

    def ask(self, address, target, who=None):
        """(status, body); 0: nobody listens there."""
        try:
            connection = socket.create_connection((address, self.port), 30)
        except ConnectionRefusedError:
            return 0, ""
        with connection:
            known = base64.b64encode(who.encode()).decode() if who else ""
            more = f"Authorization: Basic {known}\r\n" if who else ""
            connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{more}\r\n".encode())
            status, _, body = answer_of(read_all(connection))
            return status, body

    def stop(self):
        self.process.stop()
        return self.process.output()


def make_house(rig):
    """What scripts/run looks for beside itself."""
    os.makedirs(rig.path("house", "scripts"))
    os.makedirs(rig.path("house", "build", "release"))
    shutil.copy(os.path.join(ROOT, "scripts", "run"), rig.path("house", "scripts", "run"))
    os.symlink(os.path.join(ROOT, "examples"), rig.path("house", "examples"))
    os.symlink(rig.options.bin, rig.path("house", "build", "release", "bin"))
    for name in ("packages", "build"):
        with open(rig.path("house", "scripts", name), "w", encoding="utf-8") as out:
            out.write("#!/bin/sh\n")
        os.chmod(rig.path("house", "scripts", name), 0o755)


def expect(wrong, is_so, what):
    if not is_so:
        wrong.append(what)


def test(rig):
    wrong = []
    make_house(rig)
    plain = Run(rig, "plain.log")
    expect(wrong, plain.ask("127.0.0.1", "/api/data")[0] == 200, "without --lan this machine is not served")
    expect(wrong, plain.ask(OTHER, "/api/data")[0] == 0, "without --lan the network is served")
    expect(wrong, "password" not in plain.stop(), "without --lan a password is spoken of")

    first = Run(rig, "first.log", "--lan")
    shown = re.findall(r"sign in as admin with the password (\S+) \(nothing shows it again\)", first.process.output())
    if len(shown) != 1:
        raise Failure(f"no password is shown:\n{first.process.output()}")
    password = shown[0]
    expect(wrong, len(password) >= 24, f"{password} is too short")
    expect(wrong, first.ask(OTHER, "/api/data")[0] == 401, "who does not sign in is answered")
    expect(wrong, first.ask(OTHER, "/api/data", "admin:wrong password")[0] == 401, "a wrong password is taken")
    expect(wrong, first.ask(OTHER, "/api/users", f"admin:{password}")[0] == 200, "admin is no administrator")
    expect(wrong, "cross the network unencrypted: set web.tls" in first.ask(OTHER, "/api/health", f"admin:{password}")[1],
           "/api/health does not warn of plain HTTP")  # fmt: skip
    said = first.stop()
    expect(wrong, re.search(r"warn.*passwords and keys cross the network unencrypted: set web.tls", said),
           "nothing warns of plain HTTP")  # fmt: skip
    for address in subprocess.check_output(["hostname", "-I"], text=True).split():
        if ":" not in address:
            expect(wrong, f"in a browser of your network at http://{address}:{first.port}/" in said, f"{address} is not shown")

    again = Run(rig, "again.log", "--lan")
    expect(wrong, again.ask(OTHER, "/api/data", f"admin:{password}")[0] == 200, "the password does not last")
    said_again = again.stop()
    expect(wrong, "for another password: build/release/bin/telemetry user password admin" in said_again, "no way to another one")
    expect(wrong, password not in said_again, "the password is shown a second time")
    for folder, _, files in os.walk(rig.path("house", "data")):
        for name in files:
            with open(os.path.join(folder, name), "rb") as file:
                expect(wrong, password.encode() not in file.read(), f"the password is in {name}")

    refused = subprocess.run([rig.path("house", "scripts", "run"), "--lan", "--edge"], capture_output=True, text=True,
                             timeout=60, check=False)  # fmt: skip
    expect(wrong, refused.returncode == 2 and "--edge serves nothing that --lan could show" in refused.stderr, f"{refused}")
    return wrong


if __name__ == "__main__":
    sys.exit(run(arguments(__doc__), "run_lan", test))

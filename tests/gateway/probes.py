#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does the gateway answer as the tables of docs/gateway.md and docs/reliability.md say?

Usage: tests/gateway/probes.py [--bin build/release/bin]

Each line of a table is a probe here, or names the test of C++ that has it. The status and the codes that the
table gives must be in what the gateway says; a line that no probe has is a failure, as is a probe without a line.
"""

import os
import re
import resource
import subprocess
import sys
import threading
import time

from gateway import ROOT, Failure, Gateway, WebSocket, answer_of, arguments, read_all, run, wait_until

ERRORS, HOSTILE = ("docs/gateway.md", "## Errors"), ("docs/reliability.md", "## Gateway")

# Lines that other tests have: file and name.
ELSEWHERE = {
    "an answer that takes longer than `web.api.query_timeout` (30 s) to find":
        ("tests/api/api_test.cpp", "deadline_exceeded"),
    "a seventh export at one time of the same user and address":
        ("tests/web/guard_test.cpp", "exports under way are counted until they end"),
    "a seventeenth export at one time":
        ("tests/web/guard_test.cpp", "exports under way are counted until they end"),
    "a `topic` that lies outside of the scope of who asks":
        ("tests/web/access_test.cpp", "{\"/api/data?topic=plant/%23\", 401, 403, 200, 200, 200, 403}"),
    "`web.port` is taken":
        ("tests/apps/gateway_test.cpp", "a port that is taken is named, and messages are stored all the same"),
    "frames that are none, too large, no text":
        ("tests/web/live_sockets_test.cpp", "frames that are none, too large or no text end a WebSocket with the reason"),
    "a field, a schema or a value that only other topics have":
        ("tests/web/access_test.cpp", "who has a scope cannot tell what other topics have from what is nowhere"),
    "passwords that are guessed":
        ("tests/web/access_test.cpp", "a wrong password is a challenge, and guessing has to wait"),
    "a request with two ends, and one behind it":
        ("tests/adapters/http_requests_test.cpp", "A request whose end two programs could see at two places is refused"),
    "a client that reads nothing of an export, or nothing of its events":
        ("tests/adapters/http_answers_test.cpp", "A client that reads nothing holds neither memory nor the connection"),
    "one client asks for more than all threads can do":
        ("tests/adapters/http_limits_test.cpp", "One client does not take all threads, and urgent requests wait for none"),
}  # fmt: skip
PROBES = {}


def probe(page, line):
    def add(function):
        PROBES[page, line] = function
        return function

    return add


def text_of(answer):
    """What a client sees of one answer."""
    status, headers, body = answer
    return f"{status}\n{headers}\n{body}"


def all_of(answers):
    """One text of answers that must be alike: all have the status of the first."""
    answers = list(answers)
    statuses = {status for status, _, _ in answers}
    if len(statuses) != 1:
        raise Failure(f"answers of {sorted(statuses)}")
    return "\n".join(text_of(answer) for answer in answers)


def raw(gateway, data):
    """The answer to these bytes, and whether another one came behind it."""
    with gateway.connect() as connection:
        connection.sendall(data)
        got = read_all(connection)
        if len(re.findall(rb"HTTP/1\.1 \d{3} ", got)) > 1:
            raise Failure(f"two answers: {got!r}")
        return answer_of(got)


class Rigs:
    def __init__(self, rig):
        self.rig = rig
        self.people = Gateway(rig, "people", people=True, settings="api: {rate_limit: 0}, websocket: {max_connections: 2}")
        self.people.fill()
        self.open = Gateway(rig, "open")
        # Its answer comes in ten seconds: asked first, read last.
        self.slow = self.open.connect()
        self.slow.sendall(b"GET /livez HTTP/1.1\r\nHost: localh")

    def rows(self):
        """Of the whole store."""
        return self.people.json("/api/data?agg=count()", "admin")["data"][0]["count"]


# --- docs/gateway.md ----------------------------------------------------------------------------
def asks(line, *targets, who=None, method="GET", page=ERRORS):
    @probe(page, line)
    def ask(rigs):
        gateway = rigs.people if who else rigs.open
        return all_of(gateway.ask(target, who, method) for target in targets)


asks("`/api/data?topik=a`", "/api/data?topik=a")
asks("`limit=10001`; `order=up`; twice the same",
     "/api/data?limit=10001", "/api/data?order=up", "/api/data?limit=1&limit=1")  # fmt: skip
asks("`topic=a%23`", "/api/data?topic=a%23")
asks("`start` after `end`, an unknown zone, no time, a condition that is cut, an unknown field",
     "/api/data?start=1h&end=2h", "/api/data?tz=Mars/Base", "/api/data?start=soon", "/api/data?where=temperature",
     "/api/data?where=temprature%3E1&schema=temperature_sensor", who="admin")  # fmt: skip
asks("`interval` without `agg`; more than 1,000,000 intervals; `by=topic,topic`",
     "/api/data?interval=1h", "/api/data?agg=count()&interval=1us&start=2020-01-01&topic=sensors/%23",
     "/api/data?agg=count()&by=topic,topic", who="admin")  # fmt: skip
asks("`/api/series` with `downsample=0`, `limit=201` or `interval=1h`",
     "/api/series?downsample=0", "/api/series?limit=201", "/api/series?interval=1h", who="admin")  # fmt: skip
asks("`/api/series` with a field that is a text everywhere, or nowhere",
     "/api/series?fields=sensor_id&schema=temperature_sensor", "/api/series?fields=temprature&schema=temperature_sensor",
     who="admin")  # fmt: skip
asks("`/api/dead_letters?reason=patern`", "/api/dead_letters?reason=patern")
asks("`topic=sensors/` and no row (an address ends at `#`)", "/api/data?topic=sensors/")
asks("`cursor` with another `order` than that of names, to `/api/topics` and `/api/devices`",
     "/api/topics?order=rate&cursor=a", "/api/devices?order=gaps&cursor=a")  # fmt: skip
asks("`/api/schemas/which` without a topic, or with a filter",
     "/api/schemas/which", "/api/schemas/which?topic=sensors/%23")  # fmt: skip
asks("`/api/users` and `/api/keys` where nobody signs in", "/api/users", "/api/keys")
asks("a path that is not there; `/api/schemas/none`", "/api/none", "/api/schemas/none")
asks("POST to a path that is read", "/api/data", method="POST")


def send(gateway, method, target, body, who=None, headers=()):
    return gateway.ask(target, who, method, body, {"Content-Type": "application/json", **dict(headers)})


@probe(ERRORS, "a body that is not sent as `application/json`; that is no JSON object; with a member that nobody knows; "
       "with a value that is wrong")  # fmt: skip
def bodies(rigs):
    answers = [rigs.people.ask("/api/users", "admin", "POST", '{"name":"a"}')]
    for body in ("[1]", '{"nam":"a"}', '{"name":"a","password":"short"}'):
        answers.append(send(rigs.people, "POST", "/api/users", body, "admin"))
    if [status for status, _, _ in answers] != [415, 400, 400, 400]:
        raise Failure(f"{answers}")
    return "\n".join(map(text_of, answers))


@probe(ERRORS, "a user or key with a name that is taken; the last administrator without a scope is removed, or made less")
def taken(rigs):
    people = rigs.people
    return all_of([
        send(people, "POST", "/api/users", '{"name":"viewer","password":"long enough 1"}', "admin"),
        send(people, "POST", "/api/keys", '{"name":"key-viewer"}', "admin"),
        people.ask("/api/users/admin", "admin", "DELETE"),
        send(people, "PATCH", "/api/users/admin", '{"role":"operator"}', "admin"),
        send(people, "PATCH", "/api/users/admin", '{"scope":["#"]}', "admin"),
    ])  # fmt: skip


@probe(ERRORS, "a page of another origin changes accounts or boards")
def foreign(rigs):
    evil, body = {"Origin": "https://evil.example"}, '{"document":{"charts":[]}}'
    return all_of([
        send(rigs.open, "PUT", "/api/boards/a", body, headers=evil),
        send(rigs.people, "PUT", "/api/boards/a", body, "admin", evil),
        send(rigs.people, "POST", "/api/keys", '{"name":"evil"}', "admin", evil),
        rigs.people.ask("/api/users/viewer", "admin", "DELETE", headers=evil),
    ])  # fmt: skip


@probe(ERRORS, "the 101st board")
def boards(rigs):
    for number in range(101):
        answer = send(rigs.open, "PUT", f"/api/boards/{number}", '{"document":{"charts":[]}}')
        if answer[0] != (200 if number < 100 else 409):
            raise Failure(f"board {number}: {answer}")
        time.sleep(0.02)  # web.api.rate_limit
    return text_of(answer)


@probe(ERRORS, "a board that somebody else has changed or removed since it was read; one that is there, without `If-Match`")
def overtaken(rigs):
    def put(target, seen):
        more = {"If-Match": seen} if seen else {}
        return send(rigs.people, "PUT", f"/api/boards/{target}", '{"document":{"charts":[]}}', "operator", more)

    first = put("overtaken", "")
    answers = [put("overtaken", '"0"'), put("never", '"0"'), put("overtaken", "")]
    last = put("overtaken", first[1]["ETag"])
    if [one[0] for one in (first, *answers, last)] != [200, 412, 412, 428, 200]:
        raise Failure(f"{first} {answers} {last}")
    return "\n".join(map(text_of, answers))


@probe(ERRORS, "a draft of schemas while another is made")
def drafts(rigs):
    answers = []

    def ask():
        answers.append(send(rigs.people, "POST", "/api/schemas/infer", '{"topic":"#"}', "operator"))

    for _ in range(50):
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if busy := [answer for answer in answers if answer[0] != 200]:
            return all_of(busy)
    raise Failure("nobody was told to wait")


@probe(ERRORS, "`cursor` of another query; one that this gateway has not made")
def cursors(rigs):
    cursor = rigs.people.json("/api/data?limit=1", "admin")["next_cursor"]
    made = "0" * 96
    targets = [f"/api/data?topic=a&cursor={cursor}", f"/api/data?cursor={made}", "/api/data?cursor=x"]
    return all_of(rigs.people.ask(target, "admin") for target in targets)


@probe(ERRORS, "more than `web.api.rate_limit` requests per second from one address (health is answered all the same)")
def too_often(rigs):
    gateway = Gateway(rigs.rig, "limited", settings="api: {rate_limit: 1}")
    answers = [gateway.ask("/api/none") for _ in range(20)]
    if gateway.ask("/livez")[0] != 200:
        raise Failure("/livez is refused, too")
    gateway.process.stop()
    return text_of(next(answer for answer in answers if answer[0] != 404))


@probe(ERRORS, "a header above 16 KB; a body above 1 MB; a request that takes longer than 10 s to arrive")
def too_large(rigs):
    header = rigs.open.ask("/livez", headers={"X-Large": "x" * 20_000})
    body = raw(rigs.open, b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n")
    return "\n".join(map(text_of, (header, body, answer_of(read_all(rigs.slow)))))


@probe(ERRORS, "1,000 connections, or 256 requests that wait (128 of one client)")
def too_many(rigs):
    return connect_many(rigs.open)


def connect_many(gateway):
    """Connections until one is refused. @returns what that one is told"""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files[1], files[1]))
    connections = []
    try:
        for _ in range(1_001):
            connections.append(gateway.connect())
        answered = answer_of(read_all(connections[-1]))
    finally:
        for connection in connections:
            connection.close()
    wait_until(lambda: gateway.ask("/livez")[0] == 200, 30, "those who have left make room")
    return text_of(answered)


@probe(ERRORS, '`{"type":"subscrib"}` to `/ws`')
def unknown_type(rigs):
    client = WebSocket(rigs.open)
    client.say('{"type":"subscrib"}')
    heard = client.hear()
    while heard["type"] != "error":
        heard = client.hear()
    client.close()
    return str(heard)


@probe(ERRORS, "a WebSocket more than `web.websocket.max_connections`")
def web_sockets(rigs):
    clients = [WebSocket(rigs.people, rigs.people.headers("admin")) for _ in range(3)]
    for client in clients:
        client.close()
    if [client.status for client in clients] != [101, 101, 503]:
        raise Failure(f"{[client.status for client in clients]}")
    return text_of(clients[2].answer)


@probe(ERRORS, "an API key that has expired")
def expired(rigs):
    rigs.people.keys["late"] = rigs.people.command("key", "add", "late", "--expires", "1s")

    def told():
        answer = rigs.people.ask("/api/session", "late")
        return text_of(answer) if "expired" in answer[2] else ""

    return wait_until(told, 30, "the key is told that it has expired")


@probe(ERRORS, "`accounts.json` is malformed")
def malformed_accounts(rigs):
    people = rigs.people
    path = os.path.join(os.path.dirname(people.config), people.name, "accounts.json")
    with open(path, encoding="utf-8") as file:
        good = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(good.replace('"role": "viewer"', '"role": "viewr"', 1))
    wait_until(lambda: people.ask("/api/session", "admin")[0] == 200 and "stay in force" in people.process.output(), 30,
               "the log says so")  # fmt: skip
    done = subprocess.run([rigs.rig.binary("telemetry-gateway"), "--config", second_config(rigs, path)],
                          capture_output=True, text=True, timeout=60, check=False)  # fmt: skip
    with open(path, "w", encoding="utf-8") as file:
        file.write(good)
    place = re.compile(rf"^.*{re.escape(path)}:\d+:\d+: error: .*role.*\(write .*\)$", re.MULTILINE)
    for said in (people.process.output(), done.stderr):
        if len(place.findall(said)) != 1 or "\\x0a" in said:
            raise Failure(f"no clean line:\n{said[-2000:]}")
    if done.returncode != 2:
        raise Failure(f"exit code {done.returncode}: {done.stderr}")
    return done.stderr


def second_config(rigs, accounts):
    """Of a gateway with other files and the same accounts."""
    with open(rigs.people.config, encoding="utf-8") as file:
        text = file.read().replace(f"{rigs.people.name}/journal", "second/journal").replace("people/telemetry", "second/telemetry")
    text = text.replace("security: {", f"security: {{accounts_path: {accounts}, ").replace("test-people", "test-second")
    return write(rigs.rig.path("second.yaml"), text)


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


# --- docs/reliability.md ------------------------------------------------------------------------
asks("`/api/../livez`, `/api/%2e%2e/livez`, `//livez`, `/livez/`, `/livez;a`, `/api%2Fdata`, `/%2Fapi/data`, `/api/data/%2E`",
     "/api/../livez", "/api/%2e%2e/livez", "//livez", "/livez/", "/livez;a", "/api%2Fdata", "/%2Fapi/data",
     "/api/data/%2E", page=HOSTILE)  # fmt: skip
asks("`/%00`, `/api/data%00`, `/%zz`, `?topic=%00`, 201 parameters",
     "/%00", "/api/data%00", "/%zz", "/api/data?topic=%00", "/api/data?" + "topic=a&" * 201, page=HOSTILE)  # fmt: skip


@probe(HOSTILE, "a NUL, a line feed or a tab in the request line; HTTP/0.9; the preface of HTTP/2; TLS")
def no_http(rigs):
    host = b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    tries = [b"GET /livez\0" + host, b"GET /livez\n" + host, b"GET\t/livez" + host, b"GET /livez\r\n",
             b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"]  # fmt: skip
    return all_of(raw(rigs.open, one) for one in tries)


@probe(HOSTILE, "`GET http://localhost/livez`, `CONNECT localhost:443`, `OPTIONS *`")
def other_forms(rigs):
    host = b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    tries = [b"GET http://localhost/livez", b"CONNECT localhost:443", b"OPTIONS *"]
    return all_of(raw(rigs.open, one + host) for one in tries)


@probe(HOSTILE, "`TRACE`, `OPTIONS`, `PUT`, `PATCH` and an invented method at a path that is there")
def other_methods(rigs):
    answers = [rigs.open.ask("/api/data", method=one) for one in ("TRACE", "OPTIONS", "PUT", "PATCH", "BREW")]
    if any("X-Secret" in body for _, _, body in answers):
        raise Failure("TRACE gives headers back")
    return all_of(answers)


@probe(HOSTILE, "another `Host`, where nobody signs in")
def other_host(rigs):
    request = "GET /api/data HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n"
    hosts = ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "127.1"]
    return all_of(raw(rigs.open, request.format(host).encode()) for host in hosts)


SQL = [
    "where=temperature%3E30;DROP%20TABLE%20messages",
    "where=1%3D1--",
    "where=temperature%3E30)%20OR%20(1%3D1",
    "where=temperature%3E30%20UNION%20SELECT%201",
    "where=temperature%20in%20(SELECT%201)",
    "where=%22a%22%22;DROP%20TABLE%20topics--%22%3D1",
    "where=x%3D'a''%20OR%20''1'%3D'1",
    "where=" + "(" * 2_000,
    "where=" + "not%20" * 2_000 + "a%3D1",
    "fields=payload%20FROM%20messages--",
    "device=%27%20OR%201%3D1--",
    "schema=%27;DROP%20TABLE%20schemas--",
    "agg=count();DROP%20TABLE%20topics",
    "agg=count()&by=%22%22);DROP%20TABLE%20topics--",
    "topic=%27%20OR%20%271%27%3D%271",
    "topic=sensors/%25",
]


@probe(HOSTILE, "conditions, fields, groups, devices and filters that are SQL, or nested 2,000 times")
def injection(rigs):
    before, said = rigs.rows(), ""
    for query in SQL:
        status, _, body = rigs.people.ask(f"/api/data?{query}", "admin")
        if status == 200 and '"data":[]' not in body and '"count":' not in body and '"payload":{}' not in body:
            raise Failure(f"{query}: {body[:300]}")
        if status not in (200, 400):
            raise Failure(f"{query}: {status}")
        said += f"{status}\n{body}\n"
    if rigs.rows() != before:
        raise Failure(f"{before} rows before, {rigs.rows()} now")
    return said


@probe(HOSTILE, "one with a scope asks for other topics: by filter, condition, device, group, export, letters, events")
def scope(rigs):
    asked = ["data?topic=iot/%23", "data?topic=%23", "data?topic=+/+/plan", "data?where=topic%3D'iot/secret/plan'",
             "data?device=dc-001", "data?agg=count()&by=topic", "data?agg=count()&topic=iot/%23", "data/latest",
             "data/latest?topic=iot/secret/plan", "data/latest?cursor=iot", "export?format=jsonl",
             "export?topic=iot/%23", "series", "series?topic=%23&limit=200", "series?topic=iot/%23",
             "series?where=topic%3D'iot/secret/plan'", "series?fields=voltage", "dead_letters?topic=iot/%23",
             "dead_letters?limit=1000", "schemas", "topics", "devices", "topics?topic=iot/%23",
             "topics?order=rate&search=o", "devices?order=gaps", "dead_letters/summary",
             "schemas/which?topic=iot/secret/plan", "boards"]  # fmt: skip
    said = "".join(text_of(rigs.people.ask(f"/api/{one}", "scoped")) for one in asked)
    seen = re.findall(r"iot/|f2/|secret|dc-001", said)
    if seen:
        raise Failure(f"seen: {sorted(set(seen))}")
    status, _, body = rigs.people.ask("/api/stream?topic=iot/%23", "scoped")
    return f"{said}\n{status}\n{body}"


@probe(HOSTILE, "one with a scope asks for the letter of another topic; for counters, metrics, settings")
def scoped_ids(rigs):
    letters = rigs.people.json("/api/dead_letters?limit=1000", "admin")["data"]
    other = next(letter["id"] for letter in letters if not letter["topic"].startswith("sensors/"))
    answers = [rigs.people.ask(f"/api/dead_letters/{other}", "scoped")]
    answers += [rigs.people.ask(path, "scoped") for path in ("/api/stats", "/api/buffer", "/metrics", "/api/config", "/api/users", "/api/keys")]
    if [status for status, _, _ in answers] != [404] + [403] * 6:
        raise Failure(f"{[status for status, _, _ in answers]}")
    return "\n".join(map(text_of, answers))


@probe(HOSTILE, "300 idle connections where the process may open 256 files")
def descriptors(rigs):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    program = os.path.join(rigs.rig.options.bin, "telemetry-gateway")
    config = second_config(rigs, rigs.rig.path("people", "accounts.json"))
    shell = ["bash", "-c", f"ulimit -n 256 && exec '{program}' --config '{config}'"]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    process = rigs.rig.run("telemetry-gateway", shell, "files.log")
    try:
        rigs.people.process, before = process, rigs.people.process
        rigs.people.port, port = int(process.wait_for_output(r"serving http://\S+:(\d+)/").group(1)), rigs.people.port
        process.wait_for_output(r"subscribed to 3 topic filters")
        connections = [rigs.people.connect() for _ in range(300)]
        told = [one for one in connections[128:] if one.recv(12) == b"HTTP/1.1 503"]
        rigs.rig.publish("sensors/sensor-020/temperature", '{"sensor_id": "sensor-020", "temperature": 999}')
        rigs.rig.publish("sensors/sensor-020/temperature", '{"sensor_id": "sensor-020", "temperature": 20}')
        for one in connections:
            one.close()
        wait_until(lambda: rigs.people.ask("/readyz")[0] == 200, 30, "it goes on")
        wait_until(lambda: rigs.people.json("/api/data?topic=sensors/sensor-020/%23", "admin")["data"], 30, "the row is stored")
        if "Too many open files" in process.output():
            raise Failure(process.output())
        process.stop()
    finally:
        rigs.people.process, rigs.people.port = before, port
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return "503" if told else "nobody was told"


# --- the pages ----------------------------------------------------------------------------------
def table(page, heading):
    """[(first cell, second cell)] of the first table below a heading."""
    with open(os.path.join(ROOT, page), encoding="utf-8") as file:
        text = file.read().split(f"\n{heading}\n", 1)[1]
    lines = text[text.index("\n|---|") :].splitlines()[2:]
    rows = []
    for line in lines:
        if not line.startswith("|"):
            break
        rows.append(tuple(cell.strip() for cell in line.strip("|").split("|")[:2]))
    return rows


def unmet(answer, said):
    """What of a cell is not in what was said: statuses and `codes`."""
    wanted = re.findall(r"\b[2-5]\d\d\b", answer.split(":")[0]) + re.findall(r"`([\w-]+)`", answer)
    return [one for one in wanted if one not in said]


def test(rig):
    rigs, wrong, ran = Rigs(rig), [], 0
    for page in (ERRORS, HOSTILE):
        lines = table(*page)
        wrong += [f"{page[0]} has no line {one}" for where, one in PROBES if where == page and one not in dict(lines)]
        # What is read last comes last, so that the waiting is shared.
        for line, answer in lines:
            if line in ELSEWHERE:
                file, name = ELSEWHERE[line]
                with open(os.path.join(ROOT, file), encoding="utf-8") as code:
                    if name not in code.read():
                        wrong.append(f"{file} has no {name}")
                continue
            if (page, line) not in PROBES:
                wrong.append(f"{page[0]}: nothing probes {line}")
                continue
            try:
                ran += 1
                if missing := unmet(answer, PROBES[page, line](rigs)):
                    wrong.append(f"{page[0]}: {line}: {missing} not said")
            except Failure as failure:
                wrong.append(f"{page[0]}: {line}: {failure}")
    print(f"{ran} lines probed")
    return wrong


if __name__ == "__main__":
    sys.exit(run(arguments(__doc__), "probes", test))

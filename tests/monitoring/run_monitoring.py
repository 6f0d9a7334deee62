#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Do the alert rules and the board of docs/monitoring work with a real gateway and a real Prometheus?

usage: run_monitoring.py BIN_DIR SOURCE_DIR
"""
import json
import math
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "crash"))
from programs import mosquitto  # noqa: E402

BIN, SOURCE = (pathlib.Path(a).resolve() for a in sys.argv[1:3])
DOCS = SOURCE / "docs/monitoring"
METRIC = re.compile(r"\b(?:mqtt|telemetry|process)_[a-z_]+")
OF_HISTOGRAM = re.compile(r"_(?:bucket|sum|count)$")


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def promtool(*arguments, **options) -> None:
    if shutil.which("promtool") is None:
        sys.exit("prometheus is not installed: scripts/packages test")
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"promtool {' '.join(map(str, arguments))}:\n{done.stdout}{done.stderr}")


def get(url: str, key: pathlib.Path | None = None) -> str:
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key.read_text().strip()}"} if key else {})
    return urllib.request.urlopen(request, timeout=30).read().decode()


def wait_for(what: str, done):
    """What `done` gives, as soon as that is something."""
    deadline = time.monotonic() + 60
    while True:
        try:
            if found := done():
                return found
        except (OSError, json.JSONDecodeError):
            pass
        if time.monotonic() > deadline:
            sys.exit(f"not within a minute: {what}")
        time.sleep(0.05)


class Prometheus:
    def __init__(self, port: int):
        self.base = f"http://127.0.0.1:{port}/api/v1"

    def ask(self, path: str, **parameters):
        url = f"{self.base}/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            return json.loads(get(url))["data"]
        except urllib.error.HTTPError as refused:
            if refused.code == 503:  # not ready
                raise
            sys.exit(f"{parameters}: {refused.read().decode()}")

    def numbers(self, expression: str) -> list[float]:
        """Of each series that is a number."""
        values = [float(s["value"][1]) for s in self.ask("query", query=expression)["result"]]
        return [v for v in values if not math.isnan(v)]

    def rules(self) -> dict:
        return {r["name"]: r for g in self.ask("rules")["groups"] for r in g["rules"]}


def block(language: str) -> str:
    """The first of the README in it."""
    return re.findall(rf"^```{language}\n(.*?)^```", (DOCS / "README.md").read_text(), re.S | re.M)[0]


def check_text(rules: str, board: dict) -> None:
    """What can be judged without a gateway."""
    promtool("check", "rules", DOCS / "alerts.yaml")
    promtool("test", "rules", "alerts_test.yaml", cwd=DOCS)
    names = re.findall(r"- alert: (\w+)", rules)
    tests, readme = (DOCS / "alerts_test.yaml").read_text(), (DOCS / "README.md").read_text()
    for name in names:
        assert f'{{alertname="{name}"' in tests, f"alerts_test.yaml: {name} is never expected"
        assert f"`{name}`" in readme, f"README.md does not name {name}"
    assert set(re.findall(r"`(Telemetry\w+)`", readme)) == set(names), "README.md names alerts that are none"
    pages = re.findall(r"See (docs/\S+\.md)(?:#(\S+))?\.$", rules, re.M)
    assert len(pages) == len(names), "each description ends with `See docs/PAGE.`"
    for page, anchor in pages:
        headings = re.findall(r"^#+ (.*)", (SOURCE / page).read_text(), re.M)
        anchors = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in headings}
        assert not anchor or anchor in anchors, f"{page} has no #{anchor}"
    ids = [p["id"] for p in board["panels"]]
    assert len(ids) == len(set(ids)), "panels of one id"


def start(folder: pathlib.Path, programs: dict, broker: int, web: int, port: int) -> Prometheus:
    config = folder / "edge.yaml"
    config.write_text(f"""mqtt: {{broker: 127.0.0.1, port: {broker}, topics: ["sensors/#", "iot/#"]}}
journal: {{path: {folder}/journal}}
schema: {{path: {SOURCE}/examples/schemas}}
storage: {{backend: sqlite, sqlite: {{path: {folder}/telemetry.db}}}}
security: {{authentication: {{enabled: true}}}}
web: {{port: {web}, api: {{rate_limit: 0}}}}
""")
    (folder / "mosquitto.conf").write_text(f"listener {broker} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n")

    def new_key(*arguments: str) -> str:
        return subprocess.check_output([BIN / "telemetry", "key", "add", *arguments, "-c", config], text=True,
                                       stderr=subprocess.DEVNULL)

    (folder / "telemetry.key").write_text(new_key("prometheus"))
    (folder / "grafana.key").write_text(new_key("grafana", "--scope", "sensors/#"))
    shutil.copy(DOCS / "alerts.yaml", folder)
    text = block("yaml")  # the README's own, faster and with the ports of this run
    for old, new in (("15s", "1s"), ("gateway:8080", f"127.0.0.1:{web}")):
        assert old in text, f"the README's prometheus.yml has no {old}"
        text = text.replace(old, new)
    (folder / "prometheus.yml").write_text(text)
    promtool("check", "config", folder / "prometheus.yml")

    def run(name: str, *command) -> None:
        with open(folder / f"{name}.log", "w") as log:
            programs[name] = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)

    run("mosquitto", mosquitto(), "-c", folder / "mosquitto.conf")
    run("gateway", BIN / "telemetry-gateway", "--config", config)
    run("prometheus", "prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=tsdb",
        f"--web.listen-address=127.0.0.1:{port}")
    wait_for("the gateway", lambda: " ready" in (folder / "gateway.log").read_text())
    run("simulator", BIN / "telemetry-sim", "--port", str(broker), "--rate", "50", "--bad-payloads", "10", "--gaps", "5",
        "--quiet")
    return Prometheus(port)


def check_metrics(metrics: str, rules: str, expressions: list[str]) -> None:
    promtool("check", "metrics", input=metrics)
    known = set(re.findall(r"^# TYPE (\S+)", metrics, re.M))
    asked = {OF_HISTOGRAM.sub("", m) for e in [*re.findall(r"^[^#]*", rules, re.M), *expressions]
             for m in METRIC.findall(e)}
    assert len(asked) > 30 and asked <= known, f"not in /metrics: {sorted(asked - known)}"


def check_infinity(key: pathlib.Path, web: int) -> None:
    """The URL of the README, as Grafana fills it in, gives the columns that the README lists."""
    url = block("text").strip()
    now = time.time()
    for variable, value in (("gateway:8080", f"127.0.0.1:{web}"), ("${__interval}", "30s"),
                            ("${__from:date:iso}", time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(now - 3600))),
                            ("${__to:date:iso}", time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(now + 3600)))):
        assert variable in url, f"{url} has no {variable}"
        url = url.replace(variable, value)
    rows = json.loads(get(url, key))["data"]
    columns = re.findall(r"^\| `(\w+)` \| (?:Timestamp|String|Number) \|", (DOCS / "README.md").read_text(), re.M)
    assert rows and list(rows[0]) == columns, f"{rows[:1]} has not the columns {columns}"
    assert [r["time"] for r in rows] == sorted(r["time"] for r in rows)


def main() -> None:
    rules = (DOCS / "alerts.yaml").read_text()
    board = json.loads((DOCS / "grafana.json").read_text())
    targets = {f"{p['title']}, {t['refId']}": t["expr"] for p in board["panels"] for t in p.get("targets", [])}
    check_text(rules, board)
    broker, web, port = free_ports(3)
    programs = {}
    with tempfile.TemporaryDirectory(prefix="telemetry-monitoring-") as name:
        folder = pathlib.Path(name)
        try:
            prometheus = start(folder, programs, broker, web, port)
            # What begins only with the first invalid message has to be scraped twice.
            wait_for("invalid messages in Prometheus", lambda: prometheus.numbers(
                "min(count_over_time(mqtt_validation_errors_by_rule_total[1m])) > 1"))
            check_metrics(get(f"http://127.0.0.1:{web}/metrics", folder / "telemetry.key"), rules, list(targets.values()))
            assert prometheus.ask("label/instance/values", **{"match[]": "mqtt_messages_received_total"}) == [
                f"127.0.0.1:{web}"], "the board's variable"
            for title, expression in targets.items():
                expression = expression.replace("$instance", f"127.0.0.1:{web}").replace("$__rate_interval", "1m")
                assert "$" not in expression, expression
                wait_for(f"a number for {title}: {expression}", lambda: prometheus.numbers(expression))
            evaluated = wait_for("each rule evaluated", lambda: all(
                r["health"] != "unknown" for r in prometheus.rules().values()) and prometheus.rules())
            assert len(evaluated) == len(re.findall(r"- (?:alert|record): ", rules))
            for rule in evaluated.values():
                assert rule["health"] == "ok", rule
                prometheus.ask("query", query=rule["query"])
            check_infinity(folder / "grafana.key", web)

            # Rules see what really happens.
            for program, alert in (("mosquitto", "TelemetryBrokerAway"), ("gateway", "TelemetryDown")):
                wait_for(f"{alert} at rest", lambda: prometheus.rules()[alert]["state"] == "inactive")
                programs[program].kill()
                wait_for(f"{alert} after {program} ended", lambda: prometheus.rules()[alert]["state"] == "pending")
        except BaseException:
            for log in sorted(folder.glob("*.log")):
                print(f"--- {log.name}\n" + "\n".join(log.read_text().splitlines()[-10:]), file=sys.stderr)
            raise
        finally:
            for program in programs.values():
                program.kill()
                program.wait()
    print(f"monitoring: {len(evaluated)} rules and {len(targets)} queries of the board")


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Is the dashboard smooth, quick and of constant size? In Chromium, over a real gateway, broker and devices.

  tests/bench/dashboard.py --bin build/release/bin [--only live] [--slowest 5]
Parts (--only, may be repeated):
  live      12 series in one chart that is full of history, live at --rate messages/s, beside ingest at --load
            messages/s. For --seconds the page is scrolled, the chart zoomed and moved by pointer, keyboard and
            buttons. The tasks of the page's main thread by their time of the processor, --rounds times
  day       a day of one topic, 2,880 points: from the click until its line is there, each time in a browser that
            has loaded nothing: on the page of the topic, and from a board to the Explorer. Without other load
  memory    heap, nodes and resident memory of the tab over --minutes of the same live chart and load
  --slowest N names what ran in the N longest tasks

The time of a task is `tdur` of Chromium's trace events RunTask: what the thread had of the processor, so that other
programs on the machine do not count. Checked: the rates, by what the gateway has stored and by what the page has
heard; that each series has at least three points a column of pixels; that the chart was drawn while messages came;
that the lines are on the canvas, from its left to its right edge.

Needs PyPI, once, as the dashboard's tests do. Exit code: 0 done, 1 a check failed, 2 wrong usage.
"""

import bisect
import collections
import os
import random
import re
import statistics
import subprocess
import sys
import time

TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [os.path.join(TESTS, room) for room in ("gateway", "dashboard")]
from browser import Browser, with_packages  # noqa: E402

if __name__ == "__main__":
    with_packages()

from gateway import Failure, Gateway, arguments, run, wait_until  # noqa: E402
from playwright.sync_api import expect, sync_playwright  # noqa: E402

PARTS = ("live", "day", "memory")
PATIENCE_MS = 60_000
TASK_MS, DAY_S, FLAT = 50, 1, 0.05  # the bars
SERIES = 12
FIRST = 901  # their devices; those of the load are others
DAY = "sensors/sensor-800/temperature"
DAY_POINTS = 2880
# An hour and a half of what comes live, at about its rate: the page shows an hour.
HISTORY_POINTS, HISTORY_STEP_MS = 21_600, 250
COLOURS = 8
# What the page hears and draws: counted beside it, at a cost of microseconds.
COUNTERS = """
window.heard = 0; window.drawn = 0;
window.WebSocket = class extends WebSocket {
  constructor(...given) {
    super(...given);
    this.addEventListener("message", (event) => { window.heard += event.data.split('"received_at"').length - 1; });
  }
};
const clear = CanvasRenderingContext2D.prototype.clearRect;
CanvasRenderingContext2D.prototype.clearRect = function (...given) {
  window.drawn += 1;
  return clear.apply(this, given);
};
"""
# Which share of the canvas's columns has the colour of each line; its axes take a tenth of them at most.
COVERED = """(canvas, colours) => {
  const {width, height} = canvas, all = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const root = getComputedStyle(document.documentElement), probe = document.createElement("i");
  document.body.append(probe);
  const out = [];
  for (let number = 1; number <= colours; ++number) {
    probe.style.color = root.getPropertyValue(`--series-${number}`);
    const wanted = getComputedStyle(probe).color.match(/\\d+/g).map(Number), columns = new Uint8Array(width);
    for (let i = 0; i < width * height; ++i)
      if (all[4 * i + 3] > 0 && wanted.every((one, k) => Math.abs(all[4 * i + k] - one) < 24))
        columns[i % width] = 1;
    out.push(columns.reduce((sum, one) => sum + one, 0) / (width * 0.9));
  }
  probe.remove();
  return out;
}"""
# From the next click until a chart of the page to come has at least so many points, and its line is on the canvas.
AFTER_CLICK = """([points, path]) => {
  window.done = new Promise((resolve) => addEventListener("click", (event) => {
    const covered = COVERED, started = event.timeStamp;
    const old = path === location.pathname ? [] : [...document.querySelectorAll("canvas")];
    const isThere = () => {
      if (path !== location.pathname) return false;
      const box = [...document.querySelectorAll('[role="img"][aria-label]')]
        .find((one) => Number(/: (\\d+) points/.exec(one.ariaLabel)?.[1]) >= points);
      const canvas = box?.querySelector("canvas");
      return canvas && !old.includes(canvas) && covered(canvas, 1)[0] > 0.85;
    };
    const look = () =>
      requestAnimationFrame(isThere() ? () => resolve((performance.now() - started) / 1000) : look);
    requestAnimationFrame(look);
  }, {capture: true, once: true}));
}""".replace("COVERED", COVERED)


def topic_of(number):
    return f"sensors/sensor-{number:03}/temperature"


def stamp(ms):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03}Z"


def query_of(topics):
    return "&".join("topic=" + topic.replace("/", "%2F") for topic in topics) + "&fields=temperature"


class Bench:
    def __init__(self, rig):
        self.rig, self.options = rig, rig.options
        self.gateway = Gateway(rig, "bench")
        self.chance = random.Random(20261201)

    def verdict(self, what, figure, bar, unit):
        held = figure <= bar
        print(f"{what}: {figure:.3g} {unit} (bar {bar:g}: {'held' if held else 'MISSED'})", flush=True)

    # --- messages -----------------------------------------------------------------------------------------------------
    def fill(self, topic, points, step_ms, base):
        """History up to now."""
        now, value, lines = int(time.time() * 1000), 0.0, []
        sensor = topic.split("/")[1]
        for number in range(points):
            value = 0.97 * value + self.chance.uniform(-0.4, 0.4)
            at = stamp(now - (points - number) * step_ms)
            lines.append(f'{{"sensor_id":"{sensor}","temperature":{base + value:.2f},"timestamp":"{at}"}}\n')
        command = ["mosquitto_pub", "-p", str(self.rig.broker_port), "-q", "1", "-t", topic, "-l"]
        subprocess.run(command, input="".join(lines), text=True, check=True, timeout=300)

    def fill_series(self):
        for number in range(SERIES):
            self.fill(topic_of(FIRST + number), HISTORY_POINTS, HISTORY_STEP_MS, 18 + 3 * number)
        self.wait_for_rows([topic_of(FIRST + number) for number in range(SERIES)], HISTORY_POINTS)

    def wait_for_rows(self, topics, rows):
        def there():
            answer = self.gateway.json(f"/api/series?{query_of(topics)}&start=25h&downsample=1")
            return len(answer["data"]) == len(topics) and all(one["rows"] >= rows for one in answer["data"])

        wait_until(there, 300, f"{rows} rows of each topic are stored")

    def send(self, name, rate, first, devices):
        command = [self.rig.binary("telemetry-sim"), "--broker", "127.0.0.1", "--port", str(self.rig.broker_port),
                   "--rate", str(rate), "--first", str(first), "--devices", str(devices), "--dc", "0", "--ac", "0",
                   "--heartbeat-interval", "0", "--quiet"]  # fmt: skip
        return self.rig.run("telemetry-sim", command, name + ".log")

    def begin_load(self):
        self.live = self.send("live", self.options.rate, FIRST, SERIES)
        self.load = self.send("load", self.options.load, 1, 200)
        time.sleep(3)

    def end_load(self):
        for one in (self.live, self.load):
            one.stop()

    def stored(self):
        return time.monotonic(), self.gateway.json("/api/stats")["messages_stored"]

    def check_rate(self, what, count, seconds, wanted):
        rate = count / seconds
        print(f"{what}: {rate:,.1f}/s of {wanted:,}/s", flush=True)
        if rate < 0.97 * wanted:
            raise Failure(f"{what}: {rate:.1f}/s, not {wanted}/s: this machine is too busy for the bench")

    # --- the page -----------------------------------------------------------------------------------------------------
    def open_live(self, browser):
        page = browser.page(self.gateway, width=self.options.width)
        page.set_default_timeout(PATIENCE_MS)
        page.add_init_script(COUNTERS)
        page.goto(f"/explorer?{query_of(topic_of(FIRST + number) for number in range(SERIES))}&live=1")
        self.wait_until_full(page)
        return page

    def points(self, page):
        """Of each series, as the chart says it."""
        label = chart(page).get_attribute("aria-label")
        return [int(one) for one in re.findall(r": (\d+) points", label)]

    def wait_until_full(self, page):
        expect(chart(page)).to_be_visible()
        width = chart(page).bounding_box()["width"]
        wait_until(lambda: len(self.points(page)) == SERIES and min(self.points(page)) >= 3 * (width - 110), 60,
                   f"each of {SERIES} series has three points a column of {width}")  # fmt: skip

    def check_lines(self, page):
        covered = chart(page).locator("canvas").evaluate(COVERED, COLOURS)
        if min(covered) < 0.8:
            raise Failure(f"lines do not go over the whole chart: {covered}")

    def use(self, page, seconds):
        """Scrolls, zooms and moves, as somebody would who is in a hurry."""
        end = time.monotonic() + seconds

        def step(what, ms=200):
            if time.monotonic() < end:
                what()
                page.wait_for_timeout(ms)

        def key(name):
            chart(page).focus()
            page.keyboard.press(name)

        def drag():
            box = chart(page).bounding_box()
            middle = box["y"] + box["height"] / 2
            page.mouse.move(box["x"] + box["width"] * 0.3, middle)
            page.mouse.down()
            page.mouse.move(box["x"] + box["width"] * 0.7, middle, steps=15)
            page.mouse.up()

        def point():
            box = chart(page).bounding_box()
            for part in range(20):
                page.mouse.move(box["x"] + box["width"] * (0.1 + part * 0.04), box["y"] + box["height"] / 2)

        while time.monotonic() < end:
            for distance in (150, 150, -150, -150):
                step(lambda by=distance: page.mouse.wheel(0, by), 100)
            step(point)
            for span in ("15m", "6h", "1h"):  # it stays live
                step(lambda to=span: page.get_by_label("Time", exact=True).select_option(to), 700)
            step(drag, 500)
            for name in ("PageUp", "PageUp", "PageDown", "+", "-", "-"):
                step(lambda pressed=name: key(pressed))
            step(lambda: page.get_by_role("button", name="Later by half").click())
            step(lambda: page.get_by_role("button", name="Live", exact=True).click(), 1500)


def chart(page):
    return page.get_by_role("img", name="Chart. ").first


# --- live -------------------------------------------------------------------------------------------------------------
class Trace:
    """The tasks of the page's main thread while it lasts."""

    CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline"]

    def __init__(self, browser, page):
        self.page, self.events, self.ended = page, [], []
        self.session = browser.chromium.new_browser_cdp_session()
        self.session.on("Tracing.dataCollected", lambda got: self.events.extend(got["value"]))
        self.session.on("Tracing.tracingComplete", lambda got: self.ended.append(got))
        config = {"includedCategories": self.CATEGORIES, "traceBufferSizeInKb": 1_000_000}
        self.session.send("Tracing.start", {"transferMode": "ReportEvents", "traceConfig": config})

    def end(self):
        """@returns [(processor ms, clock ms, begin, end)] of the tasks, and all that ran on their thread"""
        self.session.send("Tracing.end")
        while not self.ended:
            self.page.wait_for_timeout(50)
        self.session.detach()
        if self.ended[0].get("dataLossOccurred"):
            raise Failure("the trace has lost events")
        names = {(one["pid"], one["tid"]): one["args"]["name"] for one in self.events if one["name"] == "thread_name"}
        threads = collections.defaultdict(list)
        for one in self.events:
            thread = (one["pid"], one["tid"])
            if one.get("ph") == "X" and names.get(thread) == "CrRendererMain":
                threads[thread].append(one)
        mine = max(threads.values(), key=lambda all_: sum(one["tdur"] for one in all_ if one["name"] == "RunTask"))
        tasks = [one for one in mine if one["name"] == "RunTask"]
        return [(one["tdur"] / 1000, one["dur"] / 1000, one["ts"], one["ts"] + one["dur"]) for one in tasks], mine


def slowest(tasks, events, count):
    """What ran in the longest tasks, without what ran within it: (processor ms, name)."""
    events = [one for one in events if one["name"] != "RunTask" and "tdur" in one]
    events.sort(key=lambda one: (one["ts"], -one["dur"]))
    begins = [one["ts"] for one in events]
    for cpu, wall, begin, end in sorted(tasks, reverse=True)[:count]:
        own, open_ = collections.Counter(), []
        for one in events[bisect.bisect_left(begins, begin) : bisect.bisect_right(begins, end)]:
            while open_ and one["ts"] >= open_[-1]["ts"] + open_[-1]["dur"]:
                open_.pop()
            data = one.get("args", {}).get("data", {}) or {}
            words = (one["name"], data.get("functionName"), data.get("type"))
            one["title"] = " ".join(str(word) for word in words if word)
            own[one["title"]] += one["tdur"] / 1000
            if open_:
                own[open_[-1]["title"]] -= one["tdur"] / 1000
            open_.append(one)
        parts = ", ".join(f"{title} {ms:.1f}" for title, ms in own.most_common(6))
        print(f"  task of {cpu:.1f} ms ({wall:.1f} by the clock): {parts}")


def measure_live(bench, browser):
    options, longest = bench.options, []
    bench.begin_load()
    page = bench.open_live(browser)
    print(f"{SERIES} series, {sum(bench.points(page)):,} points", flush=True)
    bench.use(page, 5)  # what is compiled at first use
    for number in range(options.rounds):
        page.goto(f"/explorer?{query_of(topic_of(FIRST + one) for one in range(SERIES))}&live=1")
        bench.wait_until_full(page)
        page.evaluate("window.drawn = window.heard = 0")
        began, stored = bench.stored()
        trace = Trace(browser, page)
        bench.use(page, options.seconds)
        tasks, events = trace.end()
        ended, stored_then = bench.stored()
        drawn = page.evaluate("window.drawn")
        times = sorted(cpu for cpu, *_ in tasks)
        longest.append(times[-1])
        print(f"round {number + 1}: {len(times):,} tasks, {sum(times) / 10 / options.seconds:.0f} % of a processor; "
              f"longest {times[-1]:.1f} ms, {sum(one > TASK_MS for one in times)} over {TASK_MS} ms; "
              f"by the clock {max(one[1] for one in tasks):.0f} ms; {drawn / options.seconds:.1f} drawings/s",
              flush=True)  # fmt: skip
        slowest(tasks, events, options.slowest)
        bench.check_rate("stored", stored_then - stored, ended - began, options.load + options.rate)
        if drawn < 3 * options.seconds:
            raise Failure(f"the chart was drawn {drawn} times only")
    # What came live while nothing but time changes the chart.
    page.goto(f"/explorer?{query_of(topic_of(FIRST + one) for one in range(SERIES))}&live=1")
    bench.wait_until_full(page)
    page.wait_for_timeout(2000)
    heard, began = page.evaluate("window.heard"), time.monotonic()
    page.wait_for_timeout(5000)
    bench.check_rate("heard by the page", page.evaluate("window.heard") - heard, time.monotonic() - began, options.rate)
    bench.wait_until_full(page)
    bench.check_lines(page)
    bench.end_load()
    page.context.close()
    bench.verdict("longest task of the main thread, processor", max(longest), TASK_MS, "ms")


# --- day --------------------------------------------------------------------------------------------------------------
def measure_day(bench, browser):
    query = query_of([DAY]) + "&start=24h"
    bench.fill(DAY, DAY_POINTS, 30_000, 20)
    bench.wait_for_rows([DAY], DAY_POINTS)
    body = f'{{"document": {{"charts": [{{"title": "A day", "query": "{query}"}}]}}}}'
    headers = {"Content-Type": "application/json"}.items()
    status, _, answer = bench.gateway.ask("/api/boards/day", method="PUT", body=body, headers=headers)
    if status not in (200, 201):
        raise Failure(f"the board is not saved: {answer}")
    took = {"the page of the topic": [], "the Explorer, from a board": []}
    for _ in range(bench.options.clicks):
        for name, times in took.items():
            page = browser.page(bench.gateway, width=bench.options.width)
            answers = []
            page.on("response", lambda one, to=answers: to.append(one) if "/api/series" in one.url else None)
            if "topic" in name:
                page.goto("/topics?topic=" + DAY.replace("/", "%2F"))
                expect(page.get_by_role("img", name="temperature")).to_be_visible()
                path, clicked = "/topics", page.get_by_role("button", name="1d", exact=True)
            else:
                page.goto("/boards?name=day")
                expect(page.locator(".chart-box canvas")).to_be_visible()
                path, clicked = "/explorer", page.get_by_role("link", name="A day", exact=True)
            # Where a column has more than four points, the least, the greatest, the first and the last are sent.
            page.evaluate(AFTER_CLICK, [DAY_POINTS * 0.8, path])
            clicked.click()
            times.append(page.evaluate("window.done"))
            # The Explorer also asks which fields there are, for a point of each.
            series = max((one.json()["data"][0] for one in answers), key=lambda one: len(one["times"]))
            if abs(series["rows"] - DAY_POINTS) > 10 or len(series["times"]) < 0.8 * DAY_POINTS:
                raise Failure(f"the page has asked for {series['rows']} rows and got {len(series['times'])} points")
            page.context.close()
    for name, times in took.items():
        print(f"a day on {name}: {statistics.median(times):.3f} s [{min(times):.3f}-{max(times):.3f}], "
              f"{len(series['times'])} points of {series['rows']} rows")  # fmt: skip
        bench.verdict(f"a day on {name}, the longest of {len(times)}", max(times), DAY_S, "s")


# --- memory -----------------------------------------------------------------------------------------------------------
def resident_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) / 1024


def measure_memory(bench, browser):
    options = bench.options
    bench.begin_load()
    page = bench.open_live(browser)
    session, all_ = page.context.new_cdp_session(page), browser.chromium.new_browser_cdp_session()
    session.send("Performance.enable")
    processes = all_.send("SystemInfo.getProcessInfo")["processInfo"]
    pid = max((one for one in processes if one["type"] == "renderer"), key=lambda one: one["cpuTime"])["id"]
    rows = []
    began, stored = bench.stored()
    heard = page.evaluate("window.heard")
    for number in range(options.minutes * 4 + 1):
        if number > 0:
            page.wait_for_timeout(15_000)
        session.send("HeapProfiler.collectGarbage")
        metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
        rows.append((metrics["JSHeapUsedSize"] / 1e6, resident_mb(pid), metrics["Nodes"], metrics["JSEventListeners"]))
        if number % 4 == 0:
            heap, resident, nodes, listeners = rows[-1]
            print(f"{number // 4:3} min: heap {heap:.2f} MB, resident {resident:.0f} MB, {nodes:.0f} nodes, "
                  f"{listeners:.0f} listeners, {sum(bench.points(page)):,} points", flush=True)  # fmt: skip
    ended, stored_then = bench.stored()
    heard = page.evaluate("window.heard") - heard
    quarter = max(1, len(rows) // 4)
    second, last = rows[quarter : 2 * quarter], rows[-quarter:]
    for name, at in (("heap after collection", 0), ("resident memory", 1), ("nodes", 2), ("listeners", 3)):
        before, after = (statistics.median(row[at] for row in part) for part in (second, last))
        print(f"{name}: {before:.2f} in the second quarter, {after:.2f} in the last")
        bench.verdict(f"{name}, growth", after / before - 1, FLAT, "")
    bench.check_rate("stored", stored_then - stored, ended - began, options.load + options.rate)
    bench.check_rate("heard by the page", heard, ended - began, options.rate)
    bench.wait_until_full(page)
    bench.check_lines(page)
    bench.end_load()
    page.context.close()


def test(rig):
    expect.set_options(timeout=PATIENCE_MS)
    bench = Bench(rig)
    parts = rig.options.only or PARTS
    with sync_playwright() as playwright:
        browser = Browser(playwright)
        if "day" in parts:
            measure_day(bench, browser)
        if "live" in parts or "memory" in parts:
            bench.fill_series()
        if "live" in parts:
            measure_live(bench, browser)
        if "memory" in parts:
            measure_memory(bench, browser)
        browser.close()
    return [one for one in browser.wrong if "getImageData" not in one]  # what this program itself does


if __name__ == "__main__":
    given = arguments(
        __doc__,
        only={"action": "append", "choices": PARTS},
        rate={"type": int, "default": 50},
        load={"type": int, "default": 5000},
        seconds={"type": int, "default": 30},
        rounds={"type": int, "default": 3},
        minutes={"type": int, "default": 10},
        clicks={"type": int, "default": 10},
        width={"type": int, "default": 1280, "choices": (390, 1280, 2560)},
        slowest={"type": int, "default": 0},
    )
    sys.exit(run(given, "dashboard", test))

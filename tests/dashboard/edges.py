# SPDX-License-Identifier: Apache-2.0
"""Where values, clocks, names and fingers are not as usual: tests that run.py runs."""

import json
import re
import time
import urllib.parse

from browser import holds, sign_in
from explorer import PARTS, asked
from gateway import PASSWORD
from playwright.sync_api import expect


def stamp(ms):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03}Z"


def reading(sensor, temperature, ms):
    return json.dumps({"sensor_id": sensor, "temperature": temperature, "timestamp": stamp(ms)})


def topic_of(sensor):
    return f"sensors/{sensor}/temperature"


def addressed(topic):
    return urllib.parse.quote(topic, safe="")


# --- times ------------------------------------------------------------------------------------------------------------
def values_of_one_millisecond_are_all_kept(site, browser):
    sensor, now = "sensor-960", int(time.time() * 1000)
    site.publish_lines(topic_of(sensor), [reading(sensor, value, now) for value in (20, 21)])
    live, one = browser.page(site.open), browser.page(site.open)
    live.goto(f"/explorer?topic={addressed(topic_of(sensor))}&start=5m&live=1")
    one.goto(f"/topics?topic={addressed(topic_of(sensor))}&range=5m")
    expect(live.get_by_role("img", name="temperature: 2 points, last 21")).to_be_visible()
    expect(one.get_by_role("img", name="temperature: 2 points, from 20 to 21")).to_be_visible()
    live.wait_for_timeout(2500)  # what comes now is not in the answers
    # Two of that millisecond, of which one is as one that is stored; one that is older; one that is new.
    later = [(22, now), (21, now), (19, now - 500), (23, now + 2000)]
    site.publish_lines(topic_of(sensor), [reading(sensor, value, ms) for value, ms in later])
    expect(live.get_by_role("img", name="temperature: 6 points, last 23")).to_be_visible()
    expect(one.get_by_role("img", name="temperature: 6 points, from 19 to 23")).to_be_visible()
    for page in (live, one):  # a column of pixels has four at most, or the answer has fewer
        page.reload()
    expect(live.get_by_role("img", name="temperature: 6 points, last 23")).to_be_visible()
    expect(one.get_by_role("img", name="temperature: 6 points, from 19 to 23")).to_be_visible()
    live.goto(f"/explorer?topic={addressed(topic_of(sensor))}&start={stamp(now)}&end={stamp(now + 10)}&view=table")
    values = live.get_by_role("table", name="Points").get_by_role("row").locator("[role=cell]:last-child")
    expect(values).to_have_count(4)


def a_clock_that_is_ahead_is_said_and_stops_nothing(site, browser):
    sensor, now = "sensor-961", int(time.time() * 1000)
    ahead = 2 * 3600 * 1000
    site.publish_lines(topic_of(sensor), [reading(sensor, 20, now - 1000), reading(sensor, 90, now + ahead)])
    live, one = browser.page(site.open), browser.page(site.open)
    live.goto(f"/explorer?topic={addressed(topic_of(sensor))}&start=5m&live=1")
    one.goto(f"/topics?topic={addressed(topic_of(sensor))}&range=5m")
    said = re.compile("2 h ahead of this browser's clock")
    for page in (live, one):
        expect(page.get_by_text(said)).to_be_visible()
    site.publish(topic_of(sensor), reading(sensor, 91, now + ahead + 1000))  # live, too
    for value in (21, 22):
        site.publish(topic_of(sensor), reading(sensor, value, int(time.time() * 1000)))
    expect(live.get_by_role("img", name="last 22")).to_be_visible()
    expect(one.get_by_role("img", name="last 22")).to_be_visible()
    for page in (live, one):
        page.get_by_role("button", name="Show up to").click()
        expect(page.get_by_role("img", name=re.compile(r"temperature: (4|5) points.* last 9[01]"))).to_be_visible()
    one.get_by_role("tab", name="Messages").click()
    expect(one.get_by_text("2 h ahead of its receipt").first).to_be_visible()
    one.goto(f"/devices?device={sensor}")
    expect(one.get_by_text("2 h ahead").first).to_be_visible()


# --- figures ----------------------------------------------------------------------------------------------------------
TEXTS = """
window.texts = [];
const write = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, ...at) { window.texts.push(text); return write.call(this, text, ...at); };
"""


def marks(page):
    """The texts at the axis of the values, as drawn last: behind those at the axis of time."""
    holds(page, "window.texts.some((one) => one.includes(':'))")
    texts = page.evaluate("window.texts")
    return texts[max(i for i, one in enumerate(texts) if ":" in one) + 1 :]


def large_and_tiny_figures_can_be_read(site, browser):
    for level in (12_345_678.1, 12_345_678.5, 12_345_678.9):
        site.publish("iot/digits/large", json.dumps({"level": level}))
    for level in (0.00000123, 0.00000124, 0.00000126):
        site.publish("iot/digits/tiny", json.dumps({"level": level}))
    for topic, last in {"large": "12,345,678.9", "tiny": "0.00000126|1.26e-6"}.items():
        for address in (f"/explorer?topic=iot%2Fdigits%2F{topic}&start=5m", f"/topics?topic=iot%2Fdigits%2F{topic}"):
            page = browser.page(site.open)
            page.add_init_script(TEXTS)
            page.goto(address)
            shown = page.get_by_role("img", name=re.compile(f"3 points.* last ({re.escape(last).replace(chr(92) + '|', '|')})$"))
            expect(shown).to_be_visible()
            written = marks(page)
            assert len(written) >= 3, written
            assert all(a != b for a, b in zip(written, written[1:])), written
            page.context.close()
    page = browser.page(site.open)
    page.goto("/explorer?topic=iot%2Fdigits%2F%2B&start=5m&view=stats")
    rows = page.get_by_role("table", name="Statistics of each series").locator("tbody td")
    expect(rows.filter(has_text="12,345,678.5").first).to_be_visible()
    assert all(len(one) <= 16 for one in rows.all_inner_texts()), rows.all_inner_texts()


def a_whole_number_keeps_all_of_its_digits(site, browser):
    numbers = ["9007199254740993", "-9007199254740995", "9223372036854775807"]
    for number in numbers:
        site.publish("iot/whole/one", f'{{"n": {number}, "text": "n: {number}"}}')
    page = browser.page(site.open)
    page.goto("/topics?topic=iot%2Fwhole%2Fone&tab=messages")
    newest = page.locator(".topics-message").first
    newest.get_by_role("button").click()
    expect(newest.locator("pre")).to_have_text(f'{{\n  "n": {numbers[2]},\n  "text": "n: {numbers[2]}"\n}}')
    page.get_by_role("button", name="Text", exact=True).click()
    expect(newest.locator("pre")).to_have_text(f'{{"n":{numbers[2]},"text":"n: {numbers[2]}"}}')
    expect(page.get_by_role("treeitem").filter(has_text=numbers[2])).to_be_visible()
    page.goto("/explorer?topic=iot%2Fwhole%2Fone&start=5m&view=table")
    table = page.get_by_role("table", name="Points")
    for number in numbers:
        expect(table.get_by_role("cell", name=number, exact=True)).to_be_visible()
    page.get_by_role("button", name="Live", exact=True).click()
    page.wait_for_url("**live=1**")
    expect(page.locator(".link-state")).to_have_text("Live")
    page.wait_for_timeout(500)
    site.publish("iot/whole/one", '{"n": 9007199254740997}')
    expect(table.get_by_role("cell", name="9007199254740997", exact=True)).to_be_visible()


def what_is_absent_is_a_gap_in_the_charts_of_a_topic(site, browser):
    page = browser.page(site.open)
    sensor, now = "sensor-963", int(time.time() * 1000)
    seconds = [*range(280, 200, -4), 150, *range(80, 0, -4)]  # one alone in the middle
    site.publish_lines(topic_of(sensor), [reading(sensor, 20 + (s % 8) / 8, now - s * 1000) for s in seconds])
    page.goto(f"/topics?topic={addressed(topic_of(sensor))}&range=5m")
    expect(page.get_by_role("img", name="temperature: 41 points")).to_be_visible()
    page.wait_for_timeout(500)
    parts = page.get_by_role("img", name="temperature").locator("canvas").evaluate(PARTS)
    assert parts["empty"] > parts["columns"] * 0.3, parts
    browser.wrong[:] = [one for one in browser.wrong if "getImageData" not in one]  # what this test itself does


# --- names ------------------------------------------------------------------------------------------------------------
def a_plus_in_an_address_stays_a_plus(site, browser):
    site.publish("iot/plus/one", '{"level": 1}')
    page = browser.page(site.open)
    chosen = page.get_by_role("list", name="Topics chosen").get_by_role("listitem")
    page.goto("/explorer?topic=iot/plus/+&start=5m&where=level+%3E%200")  # as somebody writes it
    expect(chosen).to_have_text(["iot/plus/+"])
    page.goto("/explorer?topic=iot/plus/+&start=5m")
    expect(page.get_by_role("img", name="1 points, last 1")).to_be_visible()
    page.get_by_role("button", name="Statistics").click()
    page.wait_for_url("**view=stats**")
    assert asked(page)["topic"] == ["iot/plus/+"], page.url
    for step in (page.reload, page.go_back, page.go_forward):
        step()
        expect(chosen).to_have_text(["iot/plus/+"])


def what_is_half_typed_asks_nothing_and_stays(site, browser):
    site.publish("iot/typed/one", '{"level": 1}')
    page = browser.page(site.open)
    page.goto("/explorer?topic=iot%2Ftyped%2Fone&start=5m&live=1")
    expect(page.get_by_role("img", name="last 1")).to_be_visible()
    page.wait_for_timeout(1000)
    series = []
    page.on("request", lambda request: series.append(request.url) if "/api/series" in request.url else None)
    conditions = page.get_by_label("Conditions", exact=True)
    conditions.press_sequentially("level > ", delay=150)
    site.publish("iot/typed/one", '{"level": 2}')
    expect(page.get_by_role("img", name="last 2")).to_be_visible()
    page.get_by_label("Devices", exact=True).press_sequentially("none such", delay=50)
    page.get_by_role("heading", name="Query").click()
    assert conditions.input_value() == "level > ", conditions.input_value()
    assert series == [] and set(asked(page)) == {"topic", "start", "live"}, (series, page.url)
    expect(page.get_by_role("button", name="Use this device")).to_be_visible()
    page.get_by_role("button", name="Clear").last.click()
    page.get_by_role("button", name="Clear").click()
    conditions.fill("level > 1")
    page.get_by_role("heading", name="Query").click()
    page.get_by_role("button", name="Use this condition").click()
    expect(page.get_by_role("img", name="1 points, last 2")).to_be_visible()
    site.publish(topic_of("sensor-964"), '{"sensor_id": "sensor-964", "temperature": "warm"}')
    page.goto("/letters")
    expect(page.get_by_role("heading", name="Why messages were refused")).to_be_visible()
    letters = []
    page.on("request", lambda request: letters.append(request.url) if "topic=" in request.url else None)
    page.get_by_label("Topic filter").press_sequentially("sensors/#/x", delay=500)
    assert not any("sensors" in one for one in letters), letters
    page.get_by_label("Topic filter").fill("sensors/#")
    page.get_by_label("Topic filter").press("Enter")
    expect(page.get_by_role("heading", name="Why messages were refused")).to_be_visible()
    assert any("sensors" in one for one in letters), letters


def a_time_that_is_typed_asks_once(site, browser):
    page = browser.page(site.open)
    page.goto("/explorer?topic=iot%2Ftyped%2Fone&start=2026-01-01T00%3A00%3A00.000Z&end=2026-01-02T00%3A00%3A00.000Z")
    expect(page.get_by_text("No numbers in this time")).to_be_visible()
    series = []
    page.on("request", lambda request: series.append(request.url) if "/api/series" in request.url else None)
    page.get_by_label("From").focus()
    page.keyboard.type("12312025", delay=150)
    page.keyboard.press("Enter")
    page.wait_for_url("**start=2025-12-3*")
    page.wait_for_timeout(1500)
    assert len(series) == 1, series


# --- messages ---------------------------------------------------------------------------------------------------------
def older_messages_come_page_by_page_while_new_ones_do(site, browser):
    topic = "iot/older/one"
    site.publish_lines(topic, [f'{{"n": {n}}}' for n in range(1, 351)])
    page = browser.page(site.open)
    page.goto(f"/topics?topic={addressed(topic)}&tab=messages")
    rows = page.locator(".topics-message")
    expect(rows.first).to_contain_text("n 350 +1")
    site.publish_lines(topic, [f'{{"n": {n}}}' for n in range(351, 361)])
    expect(rows.first).to_contain_text("n 360 +1")
    older = page.get_by_role("button", name="Show older messages")
    shown = 100
    for step in range(3):
        older.click()
        shown = min(360, shown + 100)
        expect(rows).to_have_count(shown)
        site.publish_lines(topic, [f'{{"n": {n}}}' for n in range(361 + step * 10, 371 + step * 10)])
    expect(page.get_by_text("360 shown: there are no older ones")).to_be_visible()
    expect(older).to_have_count(0)
    expect(page.get_by_text("30 messages have come since")).to_be_visible()
    texts = rows.all_inner_texts()
    numbers = [int(re.search(r"\bn\W+(\d+)", text).group(1)) for text in texts]
    assert numbers == list(range(360, 0, -1)), numbers
    page.get_by_role("button", name="Go on").click()
    expect(rows.first).to_contain_text("n 390 +1")
    expect(rows).to_have_count(100)


# --- windows ----------------------------------------------------------------------------------------------------------
def who_signs_in_in_one_window_is_who_asks_in_the_others(site, browser):
    browser.refused = True  # who of the two renames last is overtaken
    charts = {"document": {"charts": [{"title": "Hall", "query": "topic=sensors/+/temperature"}]}}
    site.ask_to("PUT", "/api/boards/windows", charts)
    one = browser.page(site.people)
    one.goto("/boards?name=windows")
    sign_in(one, "operator", PASSWORD)
    titles = one.get_by_role("heading", level=3)
    expect(titles).to_have_text(["Hall"])
    two = one.context.new_page()
    two.goto("/boards?name=windows")
    expect(two.get_by_role("heading", level=3)).to_have_text(["Hall"])
    for page in (one, two):
        page.get_by_role("button", name="Rename Hall").click()
        page.get_by_role("dialog").get_by_label("Title").fill(f"Hall of {'one' if page is one else 'two'}")
    one.context.clear_cookies()
    for page in (one, two):
        page.get_by_role("dialog", name="Rename").get_by_role("button", name="Rename").dispatch_event("click")
        expect(page.get_by_role("dialog", name="Your session has ended")).to_be_visible()
    sign_in(two, "operator", PASSWORD)
    for page in (one, two):
        expect(page.get_by_role("dialog")).to_have_count(0)
    one.reload()
    expect(titles).to_have_text([re.compile("Hall of (one|two)")])
    two.get_by_role("button", name="Sign out operator").click()
    sign_in(two, "viewer", PASSWORD)
    expect(one.get_by_text("reads only")).to_be_visible()  # it has loaded again
    expect(one.get_by_role("button", name="Remove")).to_have_count(0)
    site.ask_to("DELETE", "/api/boards/windows")


# --- fingers ----------------------------------------------------------------------------------------------------------
def touch(page, points):
    session = page.context.new_cdp_session(page)
    for i, (x, y) in enumerate(points):
        kind = "touchStart" if i == 0 else "touchMove"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
        page.wait_for_timeout(30)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def a_finger_reads_values_zooms_and_scrolls(site, browser):
    now = int(time.time() * 1000)
    sensor = "sensor-962"
    site.publish_lines(topic_of(sensor), [reading(sensor, 20 + n % 7, now - n * 2000) for n in range(140, 0, -1)])
    address = addressed(topic_of(sensor))
    for begin, part in ((f"/explorer?topic={address}&start=5m", "end"), (f"/topics?topic={address}&range=5m", "from")):
        page = browser.page(site.open, width=390, has_touch=True, is_mobile=True)
        page.goto(begin)
        shown = page.get_by_role("img", name="temperature")
        expect(shown).to_be_visible()
        shown.scroll_into_view_if_needed()
        page.wait_for_timeout(300)
        box = shown.bounding_box()
        x, y = box["x"] + box["width"] * 0.4, box["y"] + box["height"] / 2
        touch(page, [(x, y)])
        expect(page.locator(".chart-key li.numbers").first).to_have_text(re.compile(r"\d\d:\d\d:\d\d"))
        assert part not in asked(page), page.url
        above = page.evaluate("scrollY")
        touch(page, [(x, y), (x, y - 30), (x, y - 60), (x, y - 90)])
        assert part not in asked(page), page.url
        assert page.evaluate("scrollY") != above or page.evaluate("document.documentElement.scrollHeight") <= 844 + 90
        box = shown.bounding_box()
        y = box["y"] + box["height"] / 2
        touch(page, [(x, y), (x + 40, y), (x + 80, y), (x + 120, y)])
        page.wait_for_url(f"**{part}=**")
        page.context.close()


TESTS = [
    values_of_one_millisecond_are_all_kept,
    a_clock_that_is_ahead_is_said_and_stops_nothing,
    large_and_tiny_figures_can_be_read,
    a_whole_number_keeps_all_of_its_digits,
    what_is_absent_is_a_gap_in_the_charts_of_a_topic,
    a_plus_in_an_address_stays_a_plus,
    what_is_half_typed_asks_nothing_and_stays,
    a_time_that_is_typed_asks_once,
    older_messages_come_page_by_page_while_new_ones_do,
    who_signs_in_in_one_window_is_who_asks_in_the_others,
    a_finger_reads_values_zooms_and_scrolls,
]

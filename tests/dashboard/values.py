# SPDX-License-Identifier: Apache-2.0
"""What run.py asks of values that are hard to show: many at one time, from clocks that are ahead, of many digits; of
names that are half typed; and of fingers."""

import json
import re
import threading
import time
import urllib.parse

from browser import holds, sign_in
from explorer import PARTS, asked, chart
from gateway import PASSWORD
from playwright.sync_api import expect


def address(topic, more=""):
    return f"topic={urllib.parse.quote(topic, safe='')}{more}"


def reading(sensor, value, ahead_s=0.0):
    ms = int((time.time() + ahead_s) * 1000)
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03}Z"
    return json.dumps({"sensor_id": sensor, "temperature": value, "timestamp": at})


def points(page, name, count):
    expect(page.get_by_role("img", name=f"{name}: {count} points")).to_be_visible()


# --- time -------------------------------------------------------------------------------------------------------------
def values_of_one_moment_are_all_kept(site, browser):
    sensor, burst = "sensor-961", 40
    topic = f"sensors/{sensor}/temperature"
    site.publish(topic, reading(sensor, 1))
    views = [browser.page(site.open), browser.page(site.open), browser.page(site.open)]
    views[0].goto(f"/topics?{address(topic)}")
    views[1].goto(f"/explorer?{address(topic, '&fields=temperature&start=15m&live=1')}")
    views[2].goto(f"/topics?{address(topic)}&tab=messages")
    for page in views[:2]:
        points(page, "temperature" if page is views[0] else topic, 1)
        page.wait_for_load_state("networkidle")
    same = reading(sensor, 20)
    site.publish_lines(topic, [same.replace(" 20,", f" {20 + n},") for n in range(burst)])  # one time, to the millisecond
    points(views[0], "temperature", burst + 1)
    points(views[1], topic, burst + 1)
    expect(views[2].locator(".topics-message")).to_have_count(burst + 1)
    views[1].get_by_role("button", name="Live", exact=True).click()  # what is stored is as much
    views[1].get_by_role("button", name="Statistics").click()
    expect(views[1].get_by_role("table", name="Statistics of each series").locator("tbody td").last).to_have_text(str(burst + 1))


def nothing_is_missing_between_what_is_stored_and_what_comes(site, browser):
    topic, count = "iot/steady/one", 45
    begun = threading.Event()

    def send():
        for n in range(count):
            site.publish(topic, f'{{"n": {n}}}')
            begun.set()
            time.sleep(0.2)  # so few in a column of pixels that none is left out

    sender = threading.Thread(target=send)
    sender.start()
    begun.wait()
    views = []
    for way in (f"/explorer?{address(topic, '&start=5m&live=1')}", f"/topics?{address(topic)}&range=5m", f"/topics?{address(topic)}&tab=messages"):
        views.append(browser.page(site.open))
        views[-1].goto(way)  # while they come
    sender.join()
    points(views[0], topic, count)
    points(views[1], "n", count)
    expect(views[2].locator(".topics-message")).to_have_count(count)


def a_clock_that_is_ahead_is_said_and_stops_nothing(site, browser):
    sensor = "sensor-962"
    topic = f"sensors/{sensor}/temperature"
    site.publish(topic, reading(sensor, 10))
    views = [browser.page(site.open), browser.page(site.open)]
    views[0].goto(f"/topics?{address(topic)}&range=5m")
    views[1].goto(f"/explorer?{address(topic, '&fields=temperature&start=5m&live=1')}")
    names = ("temperature", topic)
    for page, name in zip(views, names):
        points(page, name, 1)
    site.publish(topic, reading(sensor, 99, ahead_s=1200))
    for page in views:
        expect(page.get_by_text(re.compile("has values up to 20 min ahead of now"))).to_be_visible()
    site.publish(topic, reading(sensor, 11))
    for page, name in zip(views, names):
        expect(page.get_by_role("img", name=f"{name}: 2 points, last 11")).to_be_visible()
        page.get_by_role("button", name="Show them").click()
        expect(page.get_by_role("img", name=f"{name}: 3 points, last 99")).to_be_visible()
    fresh = browser.page(site.open)  # what is stored is said, too
    fresh.goto(f"/explorer?{address(topic, '&fields=temperature&start=5m')}")
    expect(fresh.get_by_text(re.compile(r"has values up to (19|20) min ahead of now"))).to_be_visible()
    fresh.goto(f"/topics?{address(topic)}&tab=messages")
    expect(fresh.locator(".topics-message").first).to_contain_text("clock 20 min ahead")
    fresh.goto(f"/devices?device={sensor}")
    expect(fresh.get_by_text("The clock of this device is")).to_be_visible()


def what_is_absent_or_no_number_is_a_gap(site, browser):
    for part in range(2):
        for step in range(12):
            site.publish("iot/gap/two", f'{{"level": {step % 2}, "other": 1}}')
        for _ in range(12 if part == 0 else 0):
            site.publish("iot/gap/two", '{"level": null, "other": 1}')
            time.sleep(0.5)
    page = browser.page(site.open)
    page.goto(f"/topics?{address('iot/gap/two')}&range=5m")
    level = page.get_by_role("img", name="level")
    expect(level).to_be_visible()
    parts = level.locator("canvas").evaluate(PARTS)
    assert parts["columns"] > 10 and parts["empty"] >= parts["columns"] - 10, parts
    browser.wrong[:] = [one for one in browser.wrong if "getImageData" not in one]  # what this test itself does


# --- digits -----------------------------------------------------------------------------------------------------------
TICKS = """
window.texts = [];
const clear = CanvasRenderingContext2D.prototype.clearRect, fill = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.clearRect = function (...given) { window.texts = []; return clear.apply(this, given); };
CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
  window.texts.push({text, x: Math.round(x), y: Math.round(y), side: this.textAlign});
  return fill.call(this, text, x, y);
};
"""


def side_ticks(page):
    """Texts of the axis at the left, as they were drawn last."""
    return [one["text"] for one in page.evaluate("window.texts") if one["side"] == "right"]


def values_have_the_digits_that_tell_them_apart(site, browser):
    cases = {
        "iot/digits/counter": (["12345678.9", "12345679.1", "12345679.4"], "12,345,678.9", "12,345,679.4", "12,345,679.13"),
        "iot/digits/tiny": (["0.00000123", "0.00000125", "0.0000013"], "0.00000123", "0.0000013", "0.00000126"),
        "iot/digits/third": (["21.1", "21.2", "21.2"], "21.1", "21.2", "21.1667"),
        "iot/digits/great": (["3e12", "3000000000001", "3000000000002"], "3,000,000,000,000", "3,000,000,000,002", "3,000,000,000,001"),
        "iot/digits/same": (["1000000", "1000000", "1000000"], "1,000,000", "1,000,000", "1,000,000"),
    }
    page = browser.page(site.open)
    page.add_init_script(TICKS)
    for topic, (sent, least, greatest, mean) in cases.items():
        site.publish_lines(topic, sent)
        page.goto(f"/explorer?{address(topic, '&start=5m')}")
        points(page, topic, 3)
        expect(page.locator(".chart-key b")).to_have_text(greatest)
        page.wait_for_timeout(300)
        ticks = side_ticks(page)
        assert len(ticks) >= 3 and len(set(ticks)) == len(ticks), (topic, ticks)
        assert max(map(len, ticks)) <= 20, (topic, ticks)
        page.get_by_role("button", name="Statistics").click()
        cells = page.get_by_role("table", name="Statistics of each series").locator("tbody td")
        expect(cells.nth(1)).to_have_text(least)
        expect(cells.nth(2)).to_have_text(greatest)
        expect(cells.nth(3)).to_have_text(mean)


def a_whole_number_keeps_all_its_digits(site, browser):
    topic, before, number, written = "iot/digits/whole", 9007199254740991, 9007199254740993, "9,007,199,254,740,993"
    site.publish(topic, f'{{"n": {before}}}')
    page = browser.page(site.open)
    page.goto(f"/topics?{address(topic)}&tab=messages")
    expect(page.locator(".topics-message")).to_have_count(1)
    site.publish(topic, f'{{"n": {number}}}')  # live
    newest = page.locator(".topics-message").first
    expect(newest).to_contain_text(f"n {number} +2")
    page.reload()  # stored
    expect(newest).to_contain_text(f"n {number} +2")
    newest.get_by_role("button").click()
    expect(newest.locator("pre")).to_have_text(f'{{\n  "n": {number}\n}}')
    page.goto("/topics?search=digits%2Fwhole")
    expect(page.get_by_role("treeitem").filter(has_text=str(number))).to_be_visible()
    page.goto(f"/explorer?{address(topic, '&view=table')}")
    expect(page.get_by_role("table", name="Points, the newest first").locator(".explorer-point").nth(1)).to_contain_text(written)
    page.get_by_role("button", name="Statistics").click()
    expect(page.get_by_role("table", name="Statistics of each series").locator("tbody td").nth(2)).to_have_text(written)


# --- names and addresses ----------------------------------------------------------------------------------------------
def a_plus_in_an_address_is_a_plus(site, browser):
    page = browser.page(site.open)
    page.goto("/explorer?topic=sensors/+/temperature&fields=temperature&start=15m")  # as somebody types it
    chosen = page.get_by_role("list", name="Topics chosen")

    def is_there():
        expect(chosen).to_contain_text("sensors/+/temperature")
        expect(chart(page)).to_be_visible()

    is_there()
    page.get_by_role("button", name="Statistics").click()
    expect(page.get_by_role("table", name="Statistics of each series")).to_be_visible()
    page.go_back()
    is_there()
    page.reload()
    is_there()
    page.go_forward()
    expect(page.get_by_role("table", name="Statistics of each series")).to_be_visible()
    assert asked(page)["topic"] == ["sensors/+/temperature"], page.url
    copied = browser.page(site.open)
    copied.goto(page.url)
    expect(copied.get_by_role("table", name="Statistics of each series").get_by_role("row").nth(4)).to_be_visible()
    page.goto("/letters?topic=sensors/+/temperature")
    expect(page.get_by_label("Topic filter")).to_have_value("sensors/+/temperature")


def what_is_half_typed_is_neither_asked_for_nor_lost(site, browser):
    page = browser.page(site.open)
    questions = []
    page.on("request", lambda request: questions.append(urllib.parse.unquote(request.url)))
    # A topic filter: what it is on the way is no filter.
    page.goto("/letters")
    topic = page.get_by_label("Topic filter")
    topic.press_sequentially("house/", delay=60)
    page.wait_for_timeout(1000)
    topic.press_sequentially("a+")
    page.wait_for_timeout(1000)
    assert not [one for one in questions if "topic=h" in one], questions
    expect(topic).not_to_have_attribute("aria-invalid", "true")
    expect(topic).to_have_value("house/a+")  # the page has asked again meanwhile
    topic.fill("house/a")
    holds(page, "location.search.includes('topic=house%2Fa')")
    # A time: after the first digit of the year it is in the first century.
    page.goto(f"/explorer?{address('iot/free/form')}&start=2026-01-01T00%3A00%3A00Z&end=2026-02-01T00%3A00%3A00Z")
    first = page.get_by_label("From")
    expect(page.get_by_text("No numbers in this time")).to_be_visible()
    page.wait_for_load_state("networkidle")
    questions.clear()
    before = page.url
    first.focus()
    page.keyboard.type("0102")
    page.wait_for_timeout(600)
    page.keyboard.type("2025")
    page.wait_for_timeout(600)
    assert page.url == before and not questions, (page.url, questions)
    page.keyboard.press("Enter")
    expect(page).not_to_have_url(before)
    assert asked(page)["start"][0].startswith("2025-01-0"), page.url
    # A topic of which only a part is typed when the field is left.
    page.goto("/explorer?start=5m")
    part = page.get_by_label("Topics", exact=True)
    part.fill("sens")
    page.get_by_role("heading", name="Query").click()
    expect(page.get_by_text("Not taken yet: Enter takes it, or delete it.")).to_be_visible()
    assert "topic" not in asked(page), page.url
    expect(part).to_have_value("sens")
    part.fill("sensors/+/temperature")
    page.get_by_role("heading", name="Query").click()
    assert asked(page)["topic"] == ["sensors/+/temperature"], page.url
    where = page.get_by_label("Conditions", exact=True)
    where.fill("temperature >")
    page.get_by_role("heading", name="Query").click()
    expect(page.get_by_text("Not taken yet")).to_be_visible()
    where.fill("temperature > 1")
    page.get_by_role("heading", name="Query").click()
    assert asked(page)["where"] == ["temperature > 1"], page.url


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
    saved = page.get_by_text("Renamed").or_(page.get_by_text("Somebody else was faster"))
    expect(saved).to_be_visible()
    one.reload()
    expect(titles).to_have_text([re.compile("Hall of (one|two)")])
    sign_out = two.get_by_role("button", name="Sign out operator")
    sign_out.click()
    sign_in(two, "viewer", PASSWORD)
    expect(one.get_by_text("reads only")).to_be_visible()  # it has loaded again
    expect(one.get_by_role("button", name="Remove")).to_have_count(0)
    site.ask_to("DELETE", "/api/boards/windows")


# --- older messages ---------------------------------------------------------------------------------------------------
def older_messages_follow_without_gap_or_repeat_while_new_ones_come(site, browser):
    topic, stored = "iot/older/one", 340
    site.publish_lines(topic, [f'{{"n": {n}}}' for n in range(1, stored + 1)])
    page = browser.page(site.open)
    page.goto(f"/topics?{address(topic)}&tab=messages")
    rows = page.locator(".topics-message")
    expect(rows).to_have_count(100)
    for turn, shown in enumerate((199, 299, stored)):
        page.get_by_role("button", name="Older").click()
        expect(rows).to_have_count(shown)
        site.publish(topic, f'{{"n": {stored + turn + 1}}}')
        expect(page.get_by_role("button", name=f"Go on ({turn + 1} new)")).to_be_visible()
    expect(page.get_by_text("No older one is stored.")).to_be_visible()
    numbers = [int(re.search(r"n (\d+) \+1|\"n\":(\d+)", one).expand(r"\1\2")) for one in rows.all_inner_texts()]
    assert numbers == list(range(stored, 0, -1)), numbers
    page.get_by_role("button", name="Go on").click()
    expect(rows.first).to_contain_text(f"n {stored + 3} +1")


# --- fingers ----------------------------------------------------------------------------------------------------------
def toucher(page):
    session = page.context.new_cdp_session(page)

    def touch(kind, *place):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in place]})

    return touch


SMALL = """() => [...document.querySelectorAll("a, button, input, select, textarea, summary, [role=tab], [role=treeitem], [role=option]")]
  .filter((one) => one.checkVisibility({visibilityProperty: true}) && !one.closest(".skip, p, td, li.topics-pin"))
  .map((one) => [one.outerHTML.slice(0, 120), one.getBoundingClientRect()])
  .filter(([, box]) => box.width > 1 && (box.width < 24 || box.height < 24))
  .map(([text, box]) => `${Math.round(box.width)} x ${Math.round(box.height)}: ${text}`)"""


def a_finger_reads_a_value_and_looks_closer(site, browser):
    topic = "iot/finger/one"
    for n in range(3):
        site.publish(topic, f'{{"level": {n + 1}}}')
    for way, name in ((f"/topics?{address(topic)}&range=5m", "level"), (f"/explorer?{address(topic, '&start=5m')}", "Chart. ")):
        page = browser.page(site.open, width=390, has_touch=True, is_mobile=True)
        page.goto(way)
        touch = toucher(page)
        shown = page.get_by_role("img", name=name)
        expect(shown).to_be_visible()
        shown.scroll_into_view_if_needed()
        box = shown.locator(".u-over").bounding_box()
        y = box["y"] + box["height"] / 2
        when = page.locator(".chart-key .numbers")
        expect(when).to_have_text("")
        touch("touchStart", (box["x"] + box["width"] * 0.5, y))
        touch("touchEnd")
        expect(when).to_have_text(re.compile(r"\d\d:\d\d:\d\d"))
        before = page.url
        touch("touchStart", (box["x"] + box["width"] * 0.3, y))
        for part in (0.35, 0.45, 0.6, 0.7):
            touch("touchMove", (box["x"] + box["width"] * part, y))
        touch("touchEnd")
        expect(page).not_to_have_url(before)
        begin, end = ("from", "to") if name == "level" else ("start", "end")
        given = asked(page)
        span = page.evaluate("([a, b]) => (isNaN(b) ? Date.parse(b) - Date.parse(a) : b - a)", [given[begin][0], given[end][0]])
        assert 100_000 < span < 140_000, (span, page.url)
        assert page.evaluate(SMALL) == [], (page.url, page.evaluate(SMALL))


TESTS = [
    values_of_one_moment_are_all_kept,
    nothing_is_missing_between_what_is_stored_and_what_comes,
    a_clock_that_is_ahead_is_said_and_stops_nothing,
    what_is_absent_or_no_number_is_a_gap,
    values_have_the_digits_that_tell_them_apart,
    a_whole_number_keeps_all_its_digits,
    a_plus_in_an_address_is_a_plus,
    what_is_half_typed_is_neither_asked_for_nor_lost,
    who_signs_in_in_one_window_is_who_asks_in_the_others,
    older_messages_follow_without_gap_or_repeat_while_new_ones_come,
    a_finger_reads_a_value_and_looks_closer,
]

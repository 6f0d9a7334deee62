# SPDX-License-Identifier: Apache-2.0
"""What run.py asks of the Explorer and of the boards."""

import csv
import io
import json
import subprocess
import time
import urllib.parse
import urllib.request

from gateway import PASSWORD
from browser import holds, sign_in
from playwright.sync_api import expect

ALL = "topic=sensors%2F%2B%2Ftemperature"
PAGES = {
    "explorer-empty": "/explorer",
    "explorer": f"/explorer?{ALL}&fields=temperature%2Chumidity&start=15m",
    "explorer-table": f"/explorer?{ALL}&fields=temperature&view=table",
    "explorer-stats": f"/explorer?{ALL}&fields=temperature&view=stats",
    "boards": "/boards",
}


def chart(page):
    return page.get_by_role("img", name="Chart. ")


def asked(page):
    """The parameters of the address."""
    return urllib.parse.parse_qs(urllib.parse.urlsplit(page.url).query)


def window(page):
    """Its milliseconds, of an address with two times."""
    stamp = "(text) => Date.parse(text)"
    return page.evaluate(stamp, asked(page)["end"][0]) - page.evaluate(stamp, asked(page)["start"][0])


def the_hottest_sensor_is_found_in_a_few_clicks(site, browser):
    page = browser.page(site.open)
    page.goto("/explorer")
    topics = page.get_by_label("Topics", exact=True)
    topics.fill("temperature")
    page.get_by_role("option", name="sensors/+/temperature").click()
    expect(page).to_have_url(f"{site.open.url}/explorer?{ALL}")
    page.get_by_role("group", name="Fields").get_by_role("button", name="temperature").click()
    page.get_by_role("button", name="Statistics").click()
    table = page.get_by_role("table", name="Statistics of each series")
    expect(table.get_by_role("row").nth(4)).to_be_visible()
    head = table.get_by_role("columnheader", name="Greatest")
    expect(head).to_have_attribute("aria-sort", "descending")

    def greatest():
        return [float(one) for one in table.locator("tbody tr td:nth-child(3)").all_inner_texts()]

    assert greatest() == sorted(greatest(), reverse=True) and len(greatest()) >= 4, greatest()
    head.get_by_role("button").click()
    assert greatest() == sorted(greatest()), greatest()


def a_topic_is_chosen_by_keyboard_and_two_units_have_two_axes(site, browser):
    page = browser.page(site.open)
    page.goto("/explorer")
    topics = page.get_by_label("Topics", exact=True)
    topics.fill("sensor-001/temp")
    expect(page.get_by_role("listbox").get_by_role("option")).to_have_text(["sensors/sensor-001/temperature"])
    topics.press("ArrowDown")
    topics.press("Enter")
    assert asked(page)["topic"] == ["sensors/sensor-001/temperature"], page.url
    expect(page.locator(".explorer-axes").first).to_be_visible()
    topics.press("Backspace")
    assert "topic" not in asked(page), page.url


def a_chart_is_zoomed_and_moved_and_back_goes_back(site, browser):
    page = browser.page(site.open)
    begin = f"{site.open.url}/explorer?{ALL}&fields=temperature&start=5m"
    page.goto(begin)
    chart(page).focus()
    page.keyboard.press("-")
    page.wait_for_url("**&end=**")
    assert abs(window(page) - 600_000) < 1000, page.url
    before = asked(page)["start"][0]
    chart(page).focus()
    page.keyboard.press("PageUp")
    holds(page, f"new URLSearchParams(location.search).get('start') < '{before}'")
    page.go_back()
    page.go_back()
    expect(page).to_have_url(begin)
    expect(chart(page)).to_be_visible()
    box = chart(page).bounding_box()
    middle = box["y"] + box["height"] / 2
    with page.expect_request(lambda request: "/api/series" in request.url):
        page.mouse.move(box["x"] + box["width"] * 0.4, middle)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.95, middle, steps=5)
        page.mouse.up()
    page.wait_for_url("**&end=**")
    assert 100_000 < window(page) < 200_000, page.url


def what_is_wrong_stands_at_its_field(site, browser):
    page = browser.page(site.open)
    page.goto(f"/explorer?{ALL}")
    where = page.get_by_label("Conditions", exact=True)
    where.fill("temperature >")
    where.press("Enter")
    expect(where).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".field-wrong")).to_be_visible()
    browser.wrong[:] = [one for one in browser.wrong if "status of 400" not in one]
    page.goto(f"/explorer?{ALL}&start=2026-01-02T00%3A00%3A00Z&end=2026-01-01T00%3A00%3A00Z")
    expect(page.get_by_text("The end is not after the start")).to_be_visible()


def what_comes_is_drawn_at_once_when_it_is_live(site, browser):
    page = browser.page(site.open)
    site.publish("iot/live/one", '{"level": 1}')
    page.goto("/explorer?topic=iot%2Flive%2Fone&start=5m")
    expect(page.get_by_role("img", name="iot/live/one: 1 points, last 1")).to_be_visible()
    page.get_by_role("button", name="Live", exact=True).click()
    expect(page.get_by_text("Live", exact=True).first).to_be_attached()
    page.wait_for_timeout(1500)
    site.publish("iot/live/one", '{"level": 7}')
    expect(page.get_by_role("img", name="iot/live/one: 2 points, last 7")).to_be_visible()
    site.publish("iot/live/one", '{"level": 8, "fresh": 3}')
    expect(page.get_by_role("button", name="fresh")).to_be_visible()


# Drawings of the chart, and arrays as long as a series that were made.
WORK = """
window.work = {};
const clear = CanvasRenderingContext2D.prototype.clearRect;
CanvasRenderingContext2D.prototype.clearRect = function (...given) { window.work.drawings += 1; return clear.apply(this, given); };
window.Float64Array = class extends Float64Array {
  constructor(...given) {
    super(...given);
    if (this.length > 1000 && !(given[0] instanceof ArrayBuffer)) window.work.arrays += 1;
  }
};
"""
# Counts how often the words of the chart change, which is how often React renders it.
WORDS = """(box) => {
  window.work = {drawings: 0, arrays: 0, words: 0, began: performance.now()};
  new MutationObserver(() => { window.work.words += 1; }).observe(box, {attributeFilter: ["aria-label"]});
}"""


def messages_render_the_page_once_a_second_and_copy_no_series(site, browser):
    topic, stored, live = "sensors/sensor-950/temperature", 1200, 100

    def reading(ms):
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ms // 1000)) + f".{ms % 1000:03}Z"
        return f'{{"sensor_id": "sensor-950", "temperature": {ms // 100 % 30}, "timestamp": "{at}"}}'

    now = int(time.time() * 1000)
    lines = "".join(reading(now - n * 500) + "\n" for n in range(stored, 0, -1))
    command = ["mosquitto_pub", "-p", str(site.rig.broker_port), "-q", "1", "-t", topic, "-l"]
    subprocess.run(command, input=lines, text=True, check=True, timeout=30)
    page = browser.page(site.open)
    page.add_init_script(WORK)
    page.goto(f"/explorer?topic={topic.replace('/', '%2F')}&start=15m&live=1")
    expect(page.get_by_role("img", name=f"temperature: {stored} points")).to_be_visible()
    chart(page).evaluate(WORDS)
    for _ in range(live):
        site.publish(topic, reading(int(time.time() * 1000)))
    expect(page.get_by_role("img", name=f"temperature: {stored + live} points")).to_be_visible()
    work = page.evaluate("({...window.work, seconds: (performance.now() - window.work.began) / 1000})")
    assert work["drawings"] > work["words"], work
    assert 0 < work["words"] <= work["seconds"] + 2, work
    assert work["arrays"] <= 2, work  # room for more at the end: its times and its values


# Pixels of the chart that have the colour of its first line, in its parts from left to right.
PARTS = """(canvas) => {
  const {width, height} = canvas, all = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const wanted = getComputedStyle(document.querySelector(".swatch.series-1")).backgroundColor.match(/\\d+/g).map(Number);
  const out = new Array(width).fill(0);
  for (let i = 0; i < width * height; ++i)
    if (wanted.every((one, k) => Math.abs(all[4 * i + k] - one) < 12)) out[i % width] += 1;
  const first = out.findIndex((n) => n > 0), last = out.findLastIndex((n) => n > 0);
  return {columns: last - first + 1, empty: out.slice(first, last + 1).filter((n) => n === 0).length, most: Math.max(...out)};
}"""


def a_gap_is_a_gap_and_a_spike_is_seen(site, browser):
    page = browser.page(site.open)
    for part in range(2):
        for step in range(12):
            site.publish("iot/gap/one", str(100 if (part, step) == (0, 6) else step % 2))
        time.sleep(0 if part else 6)
    page.goto("/explorer?topic=iot%2Fgap%2Fone&start=1m")
    expect(chart(page)).to_be_visible()
    parts = chart(page).locator("canvas").evaluate(PARTS)
    assert parts["empty"] > parts["columns"] * 0.3, parts
    assert parts["most"] > 100, f"the spike is not there: {parts}"
    page.get_by_label("Break the line").select_option("never")
    page.wait_for_url("**gaps=never")
    page.wait_for_timeout(500)
    parts = chart(page).locator("canvas").evaluate(PARTS)
    assert parts["empty"] < parts["columns"] * 0.05, parts
    browser.wrong[:] = [one for one in browser.wrong if "getImageData" not in one]  # what this test itself does


def what_is_exported_is_what_is_shown(site, browser):
    page = browser.page(site.open)
    for level in (1, 5, 9):
        site.publish("iot/export/one", f'{{"level": {level}}}')
    page.goto("/explorer?topic=iot%2Fexport%2Fone&where=level%20%3E%203&view=stats&start=5m")
    expect(page.get_by_role("row", name="iot/export/one")).to_contain_text("2")
    address = page.get_by_role("link", name="CSV").get_attribute("href")
    with urllib.request.urlopen(address, timeout=30) as answer:
        rows = list(csv.DictReader(io.StringIO(answer.read().decode())))
    assert len(rows) == 2, rows
    with urllib.request.urlopen(page.get_by_role("link", name="JSON lines").get_attribute("href"), timeout=30) as answer:
        assert len([json.loads(line) for line in answer.read().decode().splitlines()]) == 2


def a_chart_is_pinned_ordered_renamed_and_removed(site, browser):
    page = browser.page(site.open)
    for title in ("One", "Two"):
        page.goto(f"/explorer?{ALL}&fields=temperature&start=15m")
        page.get_by_role("button", name="Pin to a board").click()
        dialog = page.get_by_role("dialog")
        if title == "One":
            dialog.get_by_label("Name of the new board").fill("hall")
        else:
            expect(dialog.get_by_label("Board", exact=True)).to_have_value("hall")
        dialog.get_by_label("Title of the chart").fill(title)
        dialog.get_by_role("button", name="Pin", exact=True).click()
        expect(page.get_by_text("Pinned to the board hall")).to_be_visible()
    page.goto("/boards")
    page.get_by_role("link", name="hall").click()
    expect(page.get_by_role("heading", level=3)).to_have_text(["One", "Two"])
    expect(chart(page)).to_have_count(2)
    page.get_by_role("button", name="Move Two forward").click()
    expect(page.get_by_role("heading", level=3)).to_have_text(["Two", "One"])
    page.get_by_role("button", name="Rename One").click()
    page.get_by_role("dialog").get_by_label("Title").fill("Uno")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.get_by_role("heading", level=3)).to_have_text(["Two", "Uno"])
    page.get_by_role("button", name="Remove Two").click()
    expect(page.get_by_role("heading", level=3)).to_have_text(["Uno"])
    page.get_by_role("link", name="Uno").click()
    expect(page).to_have_url(f"{site.open.url}/explorer?{ALL}&fields=temperature&start=15m")
    page.goto("/boards?name=hall")
    page.get_by_role("button", name="Delete this board").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("No boards yet")).to_be_visible()


def who_is_overtaken_on_a_board_is_told_and_loses_nothing(site, browser):
    browser.refused = True
    headers = {"Content-Type": "application/json", "If-Match": "*"}

    def save(titles, more):
        charts = [{"title": title, "query": ALL} for title in titles]
        body = json.dumps({"document": {"charts": charts}})
        status, _, said = site.open.ask("/api/boards/shared", method="PUT", body=body, headers=more.items())
        assert status == 200, said

    save(["One", "Two"], {"Content-Type": "application/json"})
    page = browser.page(site.open)
    page.goto("/boards?name=shared")
    titles = page.get_by_role("heading", level=3)
    expect(titles).to_have_text(["One", "Two"])
    save(["One", "Theirs"], headers)  # somebody else, meanwhile
    page.get_by_role("button", name="Move Two forward").click()
    expect(page.get_by_text("Somebody else was faster, and your change was not saved")).to_be_visible()
    expect(titles).to_have_text(["One", "Theirs"])
    page.get_by_role("button", name="Move Theirs forward").click()
    expect(titles).to_have_text(["Theirs", "One"])
    expect(page.get_by_text("Somebody else was faster")).to_have_count(0)
    page.get_by_role("button", name="Move One forward").click()  # at once: what was saved last counts
    expect(titles).to_have_text(["One", "Theirs"])
    save(["Theirs"], headers)
    page.get_by_role("button", name="Delete this board").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("Somebody else was faster")).to_be_visible()
    expect(titles).to_have_text(["Theirs"])
    page.get_by_role("button", name="Delete this board").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete", exact=True).click()
    expect(page.get_by_text("No boards yet")).to_be_visible()


def who_only_views_changes_no_board(site, browser):
    document = json.dumps({"document": {"charts": [{"title": "Hall", "query": ALL}]}})
    status, _, body = site.people.ask("/api/boards/seen", "operator", method="PUT", body=document,
                                      headers={"Content-Type": "application/json"}.items())
    assert status in (200, 201), body
    page = browser.page(site.people)
    page.goto("/boards?name=seen")
    sign_in(page, "viewer", PASSWORD)
    expect(chart(page).first).to_be_visible()
    for name in ("Rename", "Remove", "Delete", "Move"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page.goto(f"/explorer?{ALL}")
    expect(chart(page).first).to_be_visible()
    expect(page.get_by_role("button", name="Pin to a board")).to_have_count(0)


def a_gateway_without_boards_is_said_so(site, browser):
    page = browser.page(site.open)
    problem = '{"type": "about:blank", "title": "Not Found", "status": 404, "detail": "none", "code": "not_found"}'
    page.route("**/api/boards", lambda route: route.fulfill(status=404, content_type="application/problem+json", body=problem))
    page.goto("/boards")
    expect(page.get_by_text("This gateway keeps no boards")).to_be_visible()
    browser.wrong[:] = [one for one in browser.wrong if "status of 404" not in one]


TESTS = [
    the_hottest_sensor_is_found_in_a_few_clicks,
    a_topic_is_chosen_by_keyboard_and_two_units_have_two_axes,
    a_chart_is_zoomed_and_moved_and_back_goes_back,
    what_is_wrong_stands_at_its_field,
    what_comes_is_drawn_at_once_when_it_is_live,
    messages_render_the_page_once_a_second_and_copy_no_series,
    a_gap_is_a_gap_and_a_spike_is_seen,
    what_is_exported_is_what_is_shown,
    a_chart_is_pinned_ordered_renamed_and_removed,
    who_is_overtaken_on_a_board_is_told_and_loses_nothing,
    who_only_views_changes_no_board,
    a_gateway_without_boards_is_said_so,
]

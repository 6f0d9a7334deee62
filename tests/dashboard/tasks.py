# SPDX-License-Identifier: Apache-2.0
"""What somebody comes with, from the first page to the right answer, in as few clicks as it may take.

Three of the tasks are those of a house whose devices no schema describes: scripts/run, as a newcomer calls it.
"""

import csv
import datetime
import functools
import json
import os
import re
import shutil
import sqlite3
import subprocess
import time
import urllib.parse
import urllib.request

from browser import sign_in
from gateway import PASSWORD, ROOT, wait_until
from playwright.sync_api import expect

CHARTED_S = 120  # from the start of scripts/run
FIRST, SECOND, SPIKED = "sensor-043", "sensor-044", "sensor-047"
STOPPED = "sensor-777"  # run.py publishes for it before any other device sends
SPIKE = 61.5


class Hand:
    """Somebody at a page. A click, a press of a key, a text however long, a drag and a look with the pointer are one each."""

    def __init__(self, page):
        self.page, self.done = page, []

    def click(self, what):
        what.click()
        self.done.append("click")

    def press(self, key):
        self.page.keyboard.press(key)
        self.done.append(key)

    def write(self, field, text):
        """Into a field, which is clicked unless it has the focus."""
        if not field.evaluate("one => one === document.activeElement"):
            self.click(field)
        self.page.keyboard.insert_text(text)
        self.done.append("text")

    def choose(self, select, text):
        select.focus()  # as a click does, which here would open a list that is no part of the page
        select.select_option(label=text)
        self.done += ["click", "click"]

    def drag(self, what, start, end):
        """From one part of its width to another."""
        box = what.bounding_box()
        middle = box["y"] + box["height"] / 2
        self.page.mouse.move(box["x"] + box["width"] * start, middle)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + box["width"] * end, middle, steps=5)
        self.page.mouse.up()
        self.done.append("drag")

    def point(self, what, at):
        box = what.bounding_box()
        self.page.mouse.move(box["x"] + box["width"] * at, box["y"] + box["height"] / 2)
        self.done.append("look")

    def go(self, name):
        self.click(self.page.get_by_role("navigation", name="Pages").get_by_role("link", name=name, exact=True))


def task(budget, at="open"):
    def made(one):
        @functools.wraps(one)
        def run(site, browser):
            gateway = house_of(site, browser) if at == "house" else getattr(site, at)
            hand = Hand(browser.page(gateway))
            hand.page.goto("/")
            if at == "people":
                sign_in(hand.page, "admin", PASSWORD)
            one(site, hand)
            browser.wrong[:] = [one for one in browser.wrong if "getImageData" not in one]  # what a test itself does
            assert len(hand.done) <= budget, f"{len(hand.done)} and not {budget}: {', '.join(hand.done)}"

        return run

    return made


def chart(page):
    return page.get_by_role("img", name="Chart. ")


# --- a house whose devices no schema describes ------------------------------------------------------------------------
ROOMS = {
    "zigbee2mqtt/Kitchen sensor": [
        '{"battery":97,"humidity":51.2,"linkquality":120,"temperature":%s,"voltage":3005,"update":{"state":"idle"},"update_available":null}' % t
        for t in (21.3, 21.4, 24.9, 21.2)
    ],
    "zigbee2mqtt/upstairs/bath": ['{"battery":88,"humidity":63.0,"linkquality":44,"temperature":%s,"pressure":1003.2}' % t for t in (22.5, 26.4, 23.1)],
    "zigbee2mqtt/Hall sensor/temperature": ["19.8"],
    "zigbee2mqtt/Freezer plug": ['{"state":"ON","power":0,"current":null,"energy":118.42,"last_seen":1795860902000,"linkquality":200}'],
    "zigbee2mqtt/Desk lamp": ['{"brightness":190,"color":{"x":0.4301,"y":0.3985},"color_temp":370,"state":"OFF"}'],
    "zigbee2mqtt/Front door": ['{"contact":false,"battery_low":false,"linkquality":30}'],
    "zigbee2mqtt/Front door/availability": ["offline"],
    "zigbee2mqtt/bridge/devices": ['[{"type":"EndDevice","friendly_name":"Kitchen sensor","definition":null}]'],
}
PLUG = '{"Time":"2026-11-28T11:15:02","ENERGY":{"TotalStartTime":"2026-01-03T09:00:00","Total":312.456,"Today":0.417,"Power":%s,"Factor":0.7,"Voltage":231}}'
PLUGS = {
    "tele/plug-7/SENSOR": [PLUG % power for power in (42, 44)],
    "tele/plug-8/SENSOR": [PLUG % power for power in (0, 1830)],
    "tele/meter3p/SENSOR": ['{"Time":"2026-11-28T11:15:02","ENERGY":{"Total":[812.1,790.4,802.9],"Power":[120,0,455]}}'],
    "tele/air-1/SENSOR": ['{"Time":"2026-11-28T11:15:02","PMS5003":{"CF2.5":9,"PM2.5":9,"PM10":12},"TempUnit":"C"}'],
    "tele/plug-7/LWT": ["Online"],
}
PHASES = {
    "shellies/em3-A1B2C3/emeter/0/power": ["231.45", "-12.00", "17.5", "-0.25"],
    "shellies/em3-A1B2C3/emeter/1/power": ["410.10", "396.00"],
    "shellies/em3-A1B2C3/emeter/2/power": ["-640.5", "-655.75"],
    "shellies/em3-A1B2C3/emeter/0/total": ["105234.1"],
    "shellies/1pm-0A0B0C/relay/0": ["on", "overpower"],
}


FAMILIES = ("zigbee2mqtt/#", "tele/#", "shellies/#")


class House:
    """scripts/run in a folder of its own, with programs that are built already."""

    def __init__(self, site):
        folder = site.rig.path("clone")
        for part in ("scripts", "examples"):
            shutil.copytree(os.path.join(ROOT, part), os.path.join(folder, part))
        command = [os.path.join(folder, "scripts", "run"), "--bin", site.rig.options.bin, "--broker", f"127.0.0.1:{site.rig.broker_port}"]
        for topic in FAMILIES:
            command += ["--topic", topic]
        self.started = time.monotonic()
        process = site.rig.run("scripts/run", command, "house.log", {"TELEMETRY_WEB__PORT": "0"})
        site.rig.closers.append(lambda: process.stop(expect=None))  # which stops the gateway too
        self.url = process.wait_for_output(r"in a browser at (http://\S+?)/,").group(1)
        for topic, payloads in {**ROOMS, **PLUGS, **PHASES}.items():
            site.publish_lines(topic, payloads)
        wait_until(lambda: all(self.stored(topic) for topic in (*ROOMS, *PLUGS, *PHASES)), 60, "the house is stored")

    def stored(self, topic):
        with urllib.request.urlopen(f"{self.url}/api/data?topic={urllib.parse.quote(topic)}&limit=1", timeout=30) as answer:
            return json.load(answer)["data"]

    def is_charted(self, browser):
        """All three families, in time."""
        page = browser.page(self)
        for topic in FAMILIES:
            page.goto(f"/explorer?topic={urllib.parse.quote(topic, safe='')}")
            left = CHARTED_S - (time.monotonic() - self.started)
            assert left > 0, f"{topic} is not charted {CHARTED_S} s after scripts/run was called"
            expect(chart(page).first).to_be_visible(timeout=left * 1000)
        page.context.close()


def house_of(site, browser):
    if not hasattr(site, "house"):
        house = House(site)
        house.is_charted(browser)
        site.house = house
    return site.house


@task(6, at="house")
def the_hottest_room_of_the_last_hour(site, hand):
    page = hand.page
    hand.go("Explorer")
    hand.write(page.get_by_label("Topics", exact=True), "zigbee2mqtt/#")
    hand.press("Enter")
    expect(chart(page).first).to_be_visible()
    hand.click(page.get_by_role("group", name="Fields").get_by_role("button", name="temperature", exact=True))
    hand.click(page.get_by_role("button", name="Statistics"))
    rows = page.get_by_role("table", name="Statistics of each series").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("zigbee2mqtt/upstairs/bath")
    expect(rows.first.get_by_role("cell").nth(2)).to_have_text("26.4")
    expect(page.get_by_label("Time", exact=True).locator("option:checked")).to_have_text("Last hour")


@task(8, at="house")
def a_chart_is_pinned_to_a_board_and_found_again(site, hand):
    page = hand.page
    hand.go("Explorer")
    hand.click(page.get_by_role("button", name="tele/+/SENSOR"))
    expect(chart(page).first).to_be_visible()
    hand.click(page.get_by_role("group", name="Fields").get_by_role("button", name="ENERGY.Power", exact=True))
    hand.click(page.get_by_role("button", name="Pin to a board"))
    name = page.get_by_role("dialog").get_by_label("Name of the new board")
    expect(name).to_be_visible()
    hand.write(name, "Power")
    hand.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    hand.go("Boards")
    hand.click(page.get_by_role("link", name="Power"))
    shown = page.get_by_role("group", name="tele/+/SENSOR").get_by_role("img", name=re.compile("^Chart"))
    expect(shown).to_have_attribute("aria-label", re.compile(r"plug-7/SENSOR: 2 points, last 44.*plug-8/SENSOR: 2 points, last 1,830"))


@task(9, at="house")
def what_is_downloaded_is_exactly_what_is_shown(site, hand):
    page = hand.page
    hand.go("Explorer")
    hand.write(page.get_by_label("Topics", exact=True), "shellies/+/emeter/+/power")
    hand.press("Enter")
    expect(chart(page).first).to_be_visible()
    hand.write(page.get_by_label("Conditions", exact=True), "value < 0")
    hand.press("Enter")
    hand.click(page.get_by_role("button", name="Table"))
    shown = page.get_by_role("table", name="Points, the newest first").locator(".explorer-points [role=row]")
    expect(shown).to_have_count(4)
    with page.expect_download() as download:
        hand.click(page.get_by_role("link", name="CSV"))
    with open(download.value.path(), encoding="utf-8") as text:
        rows = [(row["topic"], float(row["payload"])) for row in csv.DictReader(text)]
    cells = [[cell.inner_text() for cell in row.get_by_role("cell").all()] for row in shown.all()]
    assert sorted(rows) == sorted((series, float(value)) for _, series, value in cells), (rows, cells)
    assert sorted(value for _, value in rows) == [-655.75, -640.5, -12.0, -0.25], rows


# --- sensors that a schema describes ----------------------------------------------------------------------------------
def write_history(site):
    """Once: what the tasks look for, with the devices' own times."""
    if hasattr(site, "spike"):
        return
    now = datetime.datetime.now().astimezone().replace(microsecond=0)
    midnight = now.replace(hour=0, minute=0, second=0)

    def line(sensor, when, value):
        stamp = when.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return json.dumps({"sensor_id": sensor, "temperature": value, "timestamp": stamp})

    def publish(sensor, points):
        site.publish_lines(f"sensors/{sensor}/temperature", [line(sensor, *point) for point in points])

    step = datetime.timedelta(minutes=10)
    for sensor, level in ((FIRST, 18), (SECOND, 21)):
        whole = [(midnight + i * step, i) for i in range(-288, 144) if midnight + i * step < now]
        # Yesterday level and level + 1; the days around it are far from that.
        publish(sensor, [(when, level + i % 2 if -144 <= i < 0 else 90 + i % 2) for when, i in whole])
    site.spike = now - datetime.timedelta(hours=4, minutes=7)
    publish(SPIKED, [
        (when, SPIKE if when == site.spike else 20 + i % 7 / 10)
        for i in range(-660, 1320) if (when := site.spike + i * datetime.timedelta(seconds=10)) < now
    ])  # fmt: skip
    wait_until(lambda: site.open.json(f"/api/data?topic=sensors/{SPIKED}/temperature&limit=1&where=temperature%20%3E%2060")["data"], 60,
               "the history is stored")


@task(9)
def two_sensors_are_compared_over_yesterday(site, hand):
    write_history(site)
    page = hand.page
    hand.go("Explorer")
    topics = page.get_by_label("Topics", exact=True)
    for sensor in (FIRST, SECOND):
        hand.write(topics, sensor)
        hand.click(page.get_by_role("option", name=f"sensors/{sensor}/temperature"))
    hand.choose(page.get_by_label("Time", exact=True), "Yesterday")
    hand.click(page.get_by_role("button", name="Statistics"))
    table = page.get_by_role("table", name="Statistics of each series")
    for sensor, mean in ((FIRST, "18.5"), (SECOND, "21.5")):
        cells = table.get_by_role("row").filter(has_text=sensor).get_by_role("cell")
        expect(cells.nth(3)).to_have_text(mean)
        expect(cells.last).to_have_text("144")


# Where in the width of a chart its first line stands highest.
HIGHEST = """(canvas) => {
  const {width, height} = canvas, all = canvas.getContext("2d").getImageData(0, 0, width, height).data;
  const wanted = getComputedStyle(document.querySelector(".swatch.series-1")).backgroundColor.match(/\\d+/g).map(Number);
  for (let i = 0; i < width * height; ++i)
    if (wanted.every((one, k) => Math.abs(all[4 * i + k] - one) < 24)) return (i % width) / width;
  return null;
}"""


@task(9)
def the_spike_is_found_with_its_value_and_time(site, hand):
    write_history(site)
    page = hand.page
    hand.go("Explorer")
    hand.write(page.get_by_label("Topics", exact=True), SPIKED)
    hand.click(page.get_by_role("option", name=f"sensors/{SPIKED}/temperature"))

    def highest():
        return wait_until(lambda: chart(page).locator("canvas").evaluate(HIGHEST), 20, "a line is drawn")

    def redrawn(press):
        """Until other points are drawn than before."""
        before = chart(page).get_attribute("aria-label")
        press()
        expect(chart(page)).not_to_have_attribute("aria-label", before)
        page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")

    expect(chart(page)).to_have_attribute("aria-label", re.compile(r"last \d"))
    redrawn(lambda: hand.choose(page.get_by_label("Time", exact=True), "Last 6 hours"))
    for width in (0.02, 0.05):
        at = highest()
        redrawn(lambda: hand.drag(chart(page), at - width / 2, at + width / 2))
    hand.point(chart(page), highest() + 0.002)
    key = page.locator(".chart-key")
    expect(key).to_contain_text(f"{SPIKE:.1f}")
    seen = re.search(r"(\d\d):(\d\d):(\d\d)", key.inner_text())
    assert seen, key.inner_text()
    seconds = [int(part) for part in seen.groups()]
    wanted = site.spike.hour * 3600 + site.spike.minute * 60 + site.spike.second
    assert abs(seconds[0] * 3600 + seconds[1] * 60 + seconds[2] - wanted) <= 10, (key.inner_text(), site.spike)


@task(2)
def why_a_message_was_refused(site, hand):
    site.publish(f"sensors/{FIRST}/temperature", json.dumps({"sensor_id": FIRST, "temperature": 151.5}))
    site.publish("sensors/sensor-002/temperature", "no JSON")  # another letter is newer
    page = hand.page
    hand.go("Dead letters")
    rows = page.get_by_role("table", name="Dead letters", exact=True).get_by_role("row")
    hand.click(rows.filter(has_text=FIRST).first.get_by_role("link"))
    why = page.get_by_role("listitem").filter(has_text="Above the range").first
    for text in ("/temperature", "151.5 is above max 150"):
        expect(why).to_contain_text(text)
    expect(page.locator("mark")).to_have_text('"temperature": 151.5')


@task(2)
def which_device_has_stopped(site, hand):
    page = hand.page
    hand.go("Devices")
    hand.click(page.get_by_role("button", name="Last seen"))
    expect(page.get_by_role("table", name="Devices").get_by_role("link").first).to_have_text(STOPPED)


@task(3)
def which_schema_judges_a_topic(site, hand):
    page = hand.page
    hand.go("Schemas")
    hand.write(page.get_by_label("Topic", exact=True), "iot/dc/battery-3/telemetry")
    expect(page.get_by_text("power_meter_dc 1.0 judges it; the device is battery-3")).to_be_visible()


@task(0)
def a_store_that_is_behind_is_seen_with_the_reason(site, hand):
    page = hand.page
    parts = page.get_by_role("table", name="Broker, journal and stores")
    expect(parts.get_by_role("row", name="sqlite")).to_contain_text("Takes")
    expect(page.get_by_text("Takes and stores messages")).to_be_visible()
    with sqlite3.connect(site.rig.path("open", "telemetry.db"), isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")  # as a backup or somebody's shell that writes and does not end
        expect(page.get_by_text("Degraded")).to_be_visible(timeout=60_000)
        expect(page.get_by_role("listitem").filter(has_text="sqlite does not take messages")).to_contain_text("locked")
        row = parts.get_by_role("row", name="sqlite").get_by_role("cell")
        expect(row.nth(1)).to_have_text("Fails")
        expect(row.nth(2)).to_have_text(re.compile("^[1-9]"))
        expect(parts.get_by_role("row", name="Journal").get_by_role("cell").nth(1)).to_have_text("Writes")
        other.execute("ROLLBACK")
    expect(page.get_by_text("Takes and stores messages")).to_be_visible(timeout=60_000)


# --- people -----------------------------------------------------------------------------------------------------------
@task(9, at="people")
def a_colleague_gets_a_key_for_two_topics(site, hand):
    page = hand.page
    hand.go("Users and keys")
    hand.click(page.get_by_role("tab", name="API keys"))
    hand.click(page.get_by_role("button", name="Make a key"))
    dialog = page.get_by_role("dialog", name="Make an API key")
    hand.write(dialog.get_by_label("Name"), "colleague")
    hand.click(dialog.get_by_role("button", name="Only some"))
    hand.write(dialog.get_by_label("Topic filters"), "sensors/sensor-001/temperature\niot/free/form")
    hand.click(dialog.get_by_role("button", name="Make", exact=True))
    made = page.get_by_role("dialog", name="The key of colleague")
    key = made.get_by_label("The key").inner_text()
    hand.click(made.get_by_role("button", name="Copy key"))
    hand.click(made.get_by_role("button", name="I have kept it"))
    answer = site.people.ask("/api/topics", headers={"Authorization": f"Bearer {key}"}.items())
    topics = [one["topic"] for one in json.loads(answer[2])["data"]]
    assert topics == ["iot/free/form", "sensors/sensor-001/temperature"], topics


TESTS = [
    the_hottest_room_of_the_last_hour,
    a_chart_is_pinned_to_a_board_and_found_again,
    what_is_downloaded_is_exactly_what_is_shown,
    two_sensors_are_compared_over_yesterday,
    the_spike_is_found_with_its_value_and_time,
    why_a_message_was_refused,
    which_device_has_stopped,
    which_schema_judges_a_topic,
    a_store_that_is_behind_is_seen_with_the_reason,
    a_colleague_gets_a_key_for_two_topics,
]

# SPDX-License-Identifier: Apache-2.0
"""The pictures of docs/dashboard.md, over rooms that are warmer by day: `run.py --pictures docs/dashboard` makes them anew."""

import base64
import datetime
import json
import math
import os
import urllib.parse

from gateway import wait_until
from playwright.sync_api import expect
from tasks import chart, house_of

BYTES_MAX = 60_000
ROOMS = {"sensor-101": 19.0, "sensor-102": 21.5, "sensor-103": 23.0}
ALL = "topic=sensors%2Fsensor-101%2Ftemperature&topic=sensors%2Fsensor-102%2Ftemperature&topic=sensors%2Fsensor-103%2Ftemperature"
ONE = "topic=sensors%2Fsensor-102%2Ftemperature"
BOARD = [
    ("Rooms", f"{ALL}&fields=temperature&start=24h"),
    ("Humidity", f"{ALL}&fields=humidity&start=24h"),
    ("Hall, today and the day before", f"{ONE}&fields=temperature&start=24h&compare=1d"),
    ("Battery", "topic=iot%2Fdc%2F%2B%2Ftelemetry&fields=voltage&start=15m"),
]


def write_rooms(site):
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    for number, (sensor, level) in enumerate(ROOMS.items()):
        lines = []
        for i in range(48 * 12, 0, -1):
            when = now - i * datetime.timedelta(minutes=5)
            day = math.sin((when.hour + when.minute / 60 - 9 + number) / 24 * 2 * math.pi)
            wave = math.sin(i * 0.9 + number) * 0.12 + math.sin(i * 0.23) * 0.2
            spike = 6.5 if number == 1 and 90 <= i < 93 else 0
            lines.append(json.dumps({
                "sensor_id": sensor, "temperature": round(level + 1.8 * day + wave + spike, 2),
                "humidity": round(48 + 4 * number - 5 * day - 2 * wave, 1), "timestamp": when.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }))  # fmt: skip
        site.publish_lines(f"sensors/{sensor}/temperature", lines)
    for sensor, payload in {
        "sensor-101": {"sensor_id": "sensor-101", "temperature": 999, "humidity": 41},
        "sensor-102": {"sensor_id": "hall", "temperature": "warm"},
    }.items():
        site.publish(f"sensors/{sensor}/temperature", json.dumps(payload))
    topic = urllib.parse.quote("sensors/sensor-103/temperature")
    wait_until(lambda: len(site.open.json(f"/api/data?topic={topic}&limit=600")["data"]) > 570, 60, "the rooms are stored")


def take(site, page, name):
    """What is seen, as WebP in three quarters of its size; larger than BYTES_MAX is a mistake."""
    page.mouse.move(0, 0)
    page.wait_for_timeout(700)
    size = page.viewport_size
    clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 0.75}
    session = page.context.new_cdp_session(page)
    data = base64.b64decode(session.send("Page.captureScreenshot", {"format": "webp", "quality": 70, "clip": clip})["data"])
    assert len(data) <= BYTES_MAX, f"{name}: {len(data)} bytes, more than {BYTES_MAX}"
    folder = site.rig.options.pictures
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, f"{name}.webp"), "wb") as out:
        out.write(data)


def the_pictures_of_the_documentation_are_made(site, browser):
    write_rooms(site)
    overview = browser.page(site.open, theme="dark")
    overview.goto("/")
    expect(overview.get_by_text("Takes and stores messages")).to_be_visible()

    page = browser.page(house_of(site, browser))
    page.goto("/topics?topic=zigbee2mqtt%2FLiving%20room")
    for i in range(60):
        site.publish("zigbee2mqtt/Living room", json.dumps({
            "humidity": round(51 + 2 * math.sin(i / 5) + math.sin(i * 2.3) / 3, 1),
            "temperature": round(21.3 + math.sin(i / 9) + math.sin(i * 1.7) / 6, 2), "voltage": 3005 - i // 20,
        }))  # fmt: skip
        page.wait_for_timeout(1000)
    page.get_by_role("button", name="5m", exact=True).click()
    expect(page.get_by_role("img", name="temperature")).to_be_visible()
    take(site, page, "topic")

    page = browser.page(site.open)
    page.goto(f"/explorer?{ALL}&fields=temperature&start=24h&compare=1d")
    expect(chart(page)).to_be_visible()
    take(site, page, "explorer")

    page = browser.page(site.open, theme="dark")
    document = {"document": {"charts": [{"title": title, "query": query} for title, query in BOARD]}}
    status, _, answer = site.open.ask("/api/boards/House", method="PUT", body=json.dumps(document), headers={"Content-Type": "application/json"}.items())
    assert 200 <= status < 300, answer
    page.goto("/boards?name=House")
    expect(chart(page)).to_have_count(len(BOARD))
    take(site, page, "board")

    page = browser.page(site.open)
    page.goto("/letters?topic=sensors%2Fsensor-101%2Ftemperature")
    page.get_by_role("table", name="Dead letters", exact=True).get_by_role("link").first.click()
    expect(page.locator("mark")).to_be_visible()
    take(site, page, "letter")

    page = browser.page(site.open, width=390)
    page.goto("/topics?topic=sensors%2Fsensor-102%2Ftemperature&range=1d")
    expect(page.get_by_role("img", name="temperature")).to_be_visible()
    take(site, page, "phone")

    take(site, overview, "overview")  # last: its lines have grown meanwhile

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does the dashboard do what it should, in a browser, over a real gateway, broker and devices?

Usage: tests/dashboard/run.py [--bin build/release/bin] [--shots FOLDER] [--only WORD] [--pictures docs/dashboard]

--shots keeps a picture of every page in three widths and both themes; --pictures makes those of docs/dashboard.md.
Needs PyPI, once: see browser.py.
"""

import itertools
import json
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "gateway"))
from browser import PATIENCE_MS, THEMES, WIDTHS, Browser, holds, sign_in, too_small, violations, wider_than_screen, with_packages

if __name__ == "__main__":
    with_packages()

import edges  # noqa: E402
import explorer  # noqa: E402
import manage  # noqa: E402
import pictures  # noqa: E402
import tasks  # noqa: E402
from gateway import PASSWORD, Failure, Gateway, arguments, run, wait_until  # noqa: E402
from playwright.sync_api import expect, sync_playwright  # noqa: E402

FIRST_LOAD_BYTES = 150_000
SENSOR = "sensors/sensor-001/temperature"
# HTML, a character that turns the direction of text, one that takes no room.
HOSTILE_TOPIC = "iot/<img src=x onerror=alert(1)>/\u202eevil\u200b"
HOSTILE_PAYLOAD = "<script>alert(2)</script>\x1b[31m\u202e</td>"
COUNTED = "iot/line/count"
PAGES = {
    "overview": "/",
    "topics": "/topics",
    "topic": f"/topics?topic={SENSOR.replace('/', '%2F')}",
    "messages": f"/topics?topic={SENSOR.replace('/', '%2F')}&tab=messages",
    "nothing": "/topics?search=no%20topic%20has%20this",
    **manage.PAGES,
    **explorer.PAGES,
}
PEOPLE_LOOKS = ((1280, "light"), (1280, "dark"), (390, "light"))
PEOPLE_PAGES = {
    "users": "/users",
    "user-add": "/users",
    "keys": "/users?tab=keys",
    "key-make": "/users?tab=keys",
}
OPENED = {  # by what is pressed on the page of this name
    "pin": "Pin to a board",
    "user-add": "Add a user",
    "key-make": "Make a key",
}


class Site:
    """A gateway that anybody on this machine may ask, one where people sign in, and a fleet that sends."""

    def __init__(self, rig):
        self.rig = rig
        self.open = Gateway(rig, "open")
        self.people = Gateway(rig, "people", people=True)
        with open(self.open.config, encoding="utf-8") as config:
            text = config.read().replace("port: 0,", f"port: {self.open.port},")
        with open(self.open.config, "w", encoding="utf-8") as config:
            config.write(text)  # the same address when it is started again
        self.publish(f"sensors/{tasks.STOPPED}/temperature", f'{{"sensor_id": "{tasks.STOPPED}", "temperature": 20}}')
        self.publish(HOSTILE_TOPIC, HOSTILE_PAYLOAD)
        for number in (1, 2):
            self.publish("iot/free/form", f'{{"speed": {number}.5, "deep": {{"on": true, "level": {number * 10}}}, "name": "<b>x</b>"}}')
        self.fleet = rig.start_load(rate=20, name="fleet", more=["--devices", "4"])
        for gateway in (self.open, self.people):
            wait_until(lambda g=gateway: g.json("/api/stats", "admin")["messages_stored"] > 50, 60, "messages are stored")

    def ask_to(self, method, target, body=None):
        """Of the gateway where people sign in, as its administrator."""
        body = json.dumps(body) if body is not None else ""
        status, _, answer = self.people.ask(target, "admin", method=method, body=body, headers={"Content-Type": "application/json"}.items())
        assert 200 <= status < 300, (method, target, status, answer)

    def publish(self, topic, payload):
        command = ["mosquitto_pub", "-p", str(self.rig.broker_port), "-q", "1", "-t", topic, "-m", payload]
        subprocess.run(command, check=True, timeout=30)

    def publish_lines(self, topic, payloads):
        command = ["mosquitto_pub", "-p", str(self.rig.broker_port), "-q", "1", "-t", topic, "-l"]
        subprocess.run(command, input="".join(f"{one}\n" for one in payloads), text=True, check=True, timeout=60)

    def count_up(self, first, last):
        self.publish_lines(COUNTED, [f'{{"n": {n}}}' for n in range(first, last + 1)])


# --- what is served ---------------------------------------------------------------------------------------------------
def the_first_page_is_small(site, browser):
    page = browser.page(site.open)
    sizes = {}
    page.on("response", lambda answer: sizes.update({answer.url: int(answer.headers.get("content-length", 0))}))
    page.goto("/")
    expect(page.get_by_role("heading", name="Noisiest topics")).to_be_visible()
    served = {url: size for url, size in sizes.items() if "/api/" not in url and not url.endswith("/ws")}
    assert any(url.endswith(".js") for url in served), served
    assert sum(served.values()) <= FIRST_LOAD_BYTES, served


def a_file_of_the_page_is_kept_by_the_browser_and_another_path_is_not_there(site, browser):
    status, headers, body = site.open.ask("/", headers={"Accept-Encoding": "identity"}.items())
    headers = {name.lower(): value for name, value in headers.items()}
    assert status == 200 and "<!doctype html>" in body, (status, body[:100])
    assert "unsafe" not in headers["content-security-policy"], headers
    assert site.open.ask("/", headers={"If-None-Match": headers["etag"]}.items())[0] == 304
    assert site.open.ask("/topics")[0] == 200
    assert site.open.ask("/none")[0] == 404
    assert site.open.ask("/assets/none.js")[0] == 404
    assert site.open.ask("/", method="HEAD")[2] == ""


# --- overview ---------------------------------------------------------------------------------------------------------
def the_overview_shows_rates_health_stores_and_topics(site, browser):
    page = browser.page(site.open)
    page.goto("/")
    expect(page.get_by_text("Takes and stores messages")).to_be_visible()
    rate = page.get_by_role("region", name="Received").locator(".overview-rate")
    expect(rate).not_to_contain_text("–")
    assert float(rate.inner_text().split()[0]) > 0
    rows = page.get_by_role("table", name="Broker, journal and stores")
    for part in ("Broker", "Journal", "sqlite"):
        expect(rows.get_by_role("row", name=part)).to_be_visible()
    noisy = page.get_by_role("table", name="Topics with the most messages in the last minute")
    noisy.get_by_role("link", name=SENSOR).click()
    expect(page).to_have_url(f"{site.open.url}/topics?topic={SENSOR.replace('/', '%2F')}")


# --- topics -----------------------------------------------------------------------------------------------------------
def the_tree_is_walked_by_keyboard(site, browser):
    page = browser.page(site.open)
    page.goto("/topics")
    tree = page.get_by_role("tree", name="Topics")
    expect(tree.get_by_role("treeitem").first).to_be_visible()
    tree.focus()

    def active():
        return page.locator(f"[id='{tree.get_attribute('aria-activedescendant')}']")

    page.keyboard.press("Home")
    for _ in range(40):
        if (active().get_attribute("aria-expanded") or "") and "sensors" in active().inner_text():
            break
        page.keyboard.press("ArrowDown")
    assert "sensors" in active().inner_text(), active().inner_text()
    if active().get_attribute("aria-expanded") == "true":
        page.keyboard.press("ArrowLeft")
    expect(active()).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowRight")
    expect(active()).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowRight")
    assert "sensor-001" in active().inner_text(), active().inner_text()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=SENSOR)).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name=SENSOR)).to_have_count(0)


def a_value_in_the_tree_is_the_newest(site, browser):
    page = browser.page(site.open)
    page.goto("/topics?search=line%2Flast")
    for value in ("first", "second"):
        site.publish("iot/line/last", value)
        expect(page.get_by_role("treeitem").filter(has_text=value)).to_be_visible()


def a_search_narrows_the_tree_and_stands_in_the_address(site, browser):
    page = browser.page(site.open)
    page.goto("/topics")
    page.get_by_role("searchbox").fill("SENSOR-002/temp")
    expect(page.get_by_role("treeitem")).to_have_count(1)
    expect(page).to_have_url(f"{site.open.url}/topics?search=SENSOR-002%2Ftemp")
    page.get_by_role("searchbox").fill("no such topic")
    page.get_by_role("button", name="Show all topics").click()
    expect(page.get_by_role("treeitem").nth(2)).to_be_visible()


def a_pinned_topic_stays_after_a_reload(site, browser):
    page = browser.page(site.open)
    page.goto(PAGES["topic"])
    page.get_by_role("button", name="Pin", exact=True).click()
    page.goto("/topics?search=status")
    pinned = page.get_by_role("list", name="Pinned topics")
    expect(pinned.get_by_role("link", name=SENSOR)).to_be_visible()
    pinned.get_by_role("button", name="Unpin").click()
    expect(pinned).to_have_count(0)


def all_numbers_of_a_topic_are_charts_with_a_schema_and_without(site, browser):
    page = browser.page(site.open)
    page.goto(PAGES["topic"])
    for field in ("temperature", "humidity"):
        expect(page.get_by_role("img", name=field)).to_be_visible()
    expect(page.get_by_text("temperature_sensor 1.0")).to_be_visible()
    page.goto("/topics?topic=iot%2Ffree%2Fform")
    for field in ("deep.level", "deep.on", "speed"):
        expect(page.get_by_role("img", name=f"{field}. {field}: 2 points")).to_be_visible()
    site.publish("iot/free/form", '{"speed": 9.5, "fresh": 1}')
    expect(page.get_by_role("img", name="speed. speed: 3 points")).to_be_visible()
    expect(page.get_by_role("img", name="fresh. fresh: 1 points")).to_be_visible()


def a_chart_is_zoomed_by_keyboard_and_by_pointer_and_goes_back_to_now(site, browser):
    page = browser.page(site.open)
    page.goto(PAGES["topic"] + "&range=5m")
    chart = page.get_by_role("img", name=re.compile("temperature.* points, from"))  # keys move along its points
    expect(chart).to_be_visible()
    chart.focus()
    for key in ("ArrowLeft", "ArrowLeft", "Enter"):
        page.keyboard.press(key)
    page.wait_for_url("**&from=**")
    page.get_by_role("button", name="Back to now").click()
    expect(page.get_by_role("button", name="Back to now")).to_have_count(0)
    chart.scroll_into_view_if_needed()
    box = chart.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.4, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, middle, steps=5)
    page.mouse.up()
    page.wait_for_url("**&from=**")
    expect(page.get_by_role("button", name="Back to now")).to_be_visible()


def messages_show_what_they_change_and_their_payload_in_three_forms(site, browser):
    page = browser.page(site.open)
    site.publish("iot/step", '{"a": 1.5, "b": "x"}')
    site.publish("iot/step", '{"a": 1.75, "b": "x"}')
    page.goto("/topics?topic=iot%2Fstep&tab=messages")
    newest = page.locator(".topics-message").first
    expect(newest).to_contain_text("a 1.75 +0.25")
    newest.get_by_role("button").press("Enter")
    payload = newest.locator("pre")
    expect(payload).to_have_text('{\n  "a": 1.75,\n  "b": "x"\n}')
    page.get_by_role("button", name="Text").click()
    expect(payload).to_have_text('{"a":1.75,"b":"x"}')
    page.get_by_role("button", name="Hex").click()
    expect(payload).to_contain_text("7b 22 61 22 3a 31 2e 37")
    page.get_by_role("button", name="Pause").click()
    site.publish("iot/step", '{"a": 2, "b": "x"}')
    expect(page.get_by_text("Last message")).to_be_visible()
    expect(page.locator(".topics-message")).to_have_count(2)
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".topics-message").first).to_contain_text("a 2 +0.25")


def what_is_hostile_is_text(site, browser):
    page = browser.page(site.open)
    page.on("dialog", lambda dialog: (browser.wrong.append(f"a script ran: {dialog.message}"), dialog.dismiss()))
    page.goto("/topics")
    row = page.get_by_role("treeitem").filter(has_text="onerror")
    expect(row).to_contain_text("<img src=x onerror=alert(1)>/RLOevilZWSP")
    expect(row).to_contain_text("<script>alert(2)</script>ESC[31mRLO</td>")
    row.click()
    page.get_by_role("tab", name="Messages").click()
    expect(page.locator(".topics-message").first).to_contain_text("<script>alert(2)</script>ESC[31mRLO</td>")
    assert page.locator("main img, main script").count() == 0
    page.goto("/")
    expect(page.get_by_role("heading", name="Noisiest topics")).to_be_visible()


# --- shell ------------------------------------------------------------------------------------------------------------
def the_theme_follows_the_system_until_somebody_chooses(site, browser):
    page = browser.page(site.open, theme="dark")
    page.goto("/")
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="Colours").click()
    expect(root).to_have_attribute("data-theme", "light")
    page.reload()
    expect(root).to_have_attribute("data-theme", "light")


def the_menu_of_a_phone_opens_and_closes_by_keyboard(site, browser):
    page = browser.page(site.open, width=390)
    page.goto("/")
    menu = page.get_by_role("button", name="Menu")
    menu.press("Enter")
    drawer = page.get_by_role("dialog", name="Menu")
    expect(drawer).to_be_visible()
    page.keyboard.press("Escape")
    expect(drawer).to_have_count(0)
    menu.press("Enter")
    drawer.get_by_role("link", name="Topics").press("Enter")
    expect(page.get_by_role("heading", level=1, name="Topics")).to_be_visible()
    expect(drawer).to_have_count(0)


def nothing_moves_for_who_wants_that(site, browser):
    page = browser.page(site.open, reduced_motion="reduce")
    page.goto("/topics")
    button = page.get_by_role("button", name="Colours")
    assert button.evaluate("one => getComputedStyle(one).transitionDuration") == "0s"


def an_address_that_is_cut_says_what_to_do(site, browser):
    page = browser.page(site.open)
    page.goto("/topics?topic=iot%2Fnever&tab=messages")
    expect(page.get_by_text("No message is stored")).to_be_visible()


# --- people -----------------------------------------------------------------------------------------------------------
def somebody_signs_in_and_a_session_that_ends_loses_nothing(site, browser):
    page = browser.page(site.people)
    page.goto("/topics")
    dialog = page.get_by_role("dialog", name="Sign in")
    sign_in(page, "viewer", "wrong")
    expect(dialog.get_by_role("alert")).to_be_visible()
    sign_in(page, "viewer", PASSWORD)
    expect(dialog).to_have_count(0)
    page.get_by_role("searchbox").fill("sensor-00")
    expect(page.get_by_role("treeitem").first).to_be_visible()
    page.context.clear_cookies()
    again = page.get_by_role("dialog", name="Your session has ended")
    expect(again).to_be_visible()
    assert again.get_by_label("Name").input_value() == "viewer"
    expect(again.get_by_label("Password")).to_be_focused()
    page.keyboard.press("Escape")
    expect(again).to_be_visible()
    assert violations(page) == []
    sign_in(page, "viewer", PASSWORD)
    expect(again).to_have_count(0)
    assert page.get_by_role("searchbox").input_value() == "sensor-00"
    expect(page.get_by_role("treeitem").first).to_be_visible()
    page.get_by_role("button", name="Sign out viewer").click()
    expect(page.get_by_role("dialog", name="Sign in")).to_be_visible()


def who_has_a_scope_sees_its_topics_and_no_numbers_over_all(site, browser):
    page = browser.page(site.people)
    page.goto("/")
    sign_in(page, "scoped", PASSWORD)
    expect(page.get_by_text("You see the topics of your scope")).to_be_visible()
    expect(page.get_by_role("link", name=SENSOR)).to_be_visible()
    assert page.get_by_text("iot/").count() == 0
    page.get_by_role("link", name="All topics").click()
    expect(page.get_by_role("treeitem").first).to_be_visible()
    assert page.get_by_role("treeitem").filter(has_text="iot").count() == 0


# --- a gateway that is away -------------------------------------------------------------------------------------------
def a_gateway_that_was_away_is_found_again_and_no_message_is_missing(site, browser):
    page = browser.page(site.open)
    site.count_up(1, 3)
    page.goto("/topics?topic=iot%2Fline%2Fcount&tab=messages")
    expect(page.locator(".topics-message").first).to_contain_text("n 3 +1")
    page.wait_for_load_state("networkidle")  # what is stored is read again once the stream has begun
    browser.patient = True
    asked = []
    site.open.process.stop()
    note = page.get_by_text("No connection to the gateway since")
    expect(note).to_be_visible()
    page.on("request", lambda request: asked.append(request.url) if "/api/data" in request.url else None)
    site.count_up(4, 40)  # the broker keeps them for the gateway
    site.open.start()
    expect(note).to_have_count(0)
    site.count_up(41, 42)
    expect(page.locator(".topics-message").first).to_contain_text("n 42 +1")
    browser.patient = False
    changes = [one for one in page.locator(".topics-message").all_inner_texts() if "+1" in one]
    assert len(changes) == 41, page.locator(".topics-message").all_inner_texts()
    assert asked == [], f"the stream went on, and yet the page asked for {asked}"


# --- what the gateway refuses live ------------------------------------------------------------------------------------
def what_is_refused_live_is_said_where_it_is_missing(site, browser):
    page = browser.page(site.open)
    bad = {"batch_ms": -1}

    def meddle(page_side):
        gateway_side = page_side.connect_to_server()

        def said(text):
            message = json.loads(text)
            gateway_side.send(json.dumps({**message, **bad} if message["type"] == "subscribe" else message))
            if "nonsense" in bad:
                gateway_side.send("nonsense")

        page_side.on_message(said)

    page.route_web_socket(re.compile("/ws$"), meddle)
    page.goto(PAGES["topic"])
    refused = page.get_by_text("Nothing comes live: batch_ms is a whole number from 0 to 1000")
    expect(refused).to_have_count(2)  # the tree with its newest values, and the topic
    page.goto(f"/explorer?topic={SENSOR.replace('/', '%2F')}&start=5m&live=1")
    expect(refused).to_have_count(1)
    expect(page.get_by_text("refused something")).to_have_count(0)
    bad["nonsense"] = True  # an error without id
    page.goto("/topics")
    expect(page.get_by_text("refused something that this page said live: this is no JSON object")).to_be_visible()
    expect(page.get_by_role("button", name="Load again")).to_be_visible()


# --- every page -------------------------------------------------------------------------------------------------------
def is_drawn(page):
    expect(page.get_by_text("Live", exact=True).or_(page.get_by_text("Connected", exact=True)).first).to_be_attached()
    expect(page.locator(".loading")).to_have_count(0)
    holds(page, "document.querySelectorAll('.chart-box').length === document.querySelectorAll('.chart-box canvas').length")


def look(site, page, pages, where):
    """What is wrong with them. The page keeps its width and theme."""
    wrong = []
    for name, address in pages.items():
        page.goto(address)
        is_drawn(page)
        if name in OPENED:
            page.get_by_role("button", name=OPENED[name]).click()
            expect(page.get_by_role("dialog")).to_be_visible()
            is_drawn(page)
        wrong += [f"{name} {where}: {one}" for one in violations(page)]
        wrong += [f"{name} {where}: {one} is smaller than a finger needs" for one in too_small(page)]
        if (pixels := wider_than_screen(page)) > 0:
            wrong.append(f"{name} {where}: {pixels} pixels wider than the screen")
        if site.rig.options.shots:
            os.makedirs(site.rig.options.shots, exist_ok=True)
            page.screenshot(path=os.path.join(site.rig.options.shots, f"{name}-{where.replace(' ', '-')}.png"))
    return wrong


def every_page_is_accessible_and_fits_every_screen(site, browser):
    browser.refused = True  # 404 for the users of a gateway where nobody signs in
    wrong = []
    for width in WIDTHS:
        for theme in THEMES:
            page = browser.page(site.open, width=width, theme=theme)
            wrong += look(site, page, PAGES, f"{width} {theme}")
            page.context.close()
    assert wrong == [], "\n  ".join(["", *wrong])


def boards_users_keys_and_dialogs_are_accessible_and_fit_every_screen(site, browser):
    long_name = "contractor.of.the.north.building"
    filters = ["building/north/floor-12/room-1204/climate/#", "iot/dc/battery-3/telemetry"]
    site.ask_to("POST", "/api/users", {"name": long_name, "password": PASSWORD, "role": "viewer", "scope": filters})
    charts = [{"title": f"{field} of all rooms", "query": f"{explorer.ALL}&fields={field}&start=15m"} for field in ("temperature", "humidity")]
    site.ask_to("PUT", "/api/boards/wall", {"document": {"charts": [*charts, *charts]}})
    pages = {"boards-list": "/boards", "board": "/boards?name=wall", "pin": explorer.PAGES["explorer"], **PEOPLE_PAGES}
    wrong = []
    for width, theme in PEOPLE_LOOKS if not site.rig.options.shots else itertools.product(WIDTHS, THEMES):
        page = browser.page(site.people, width=width, theme=theme)
        page.goto("/")
        sign_in(page, "admin", PASSWORD)
        expect(page.get_by_role("dialog")).to_have_count(0)
        wrong += look(site, page, pages, f"{width} {theme}")
        page.context.close()
    site.ask_to("DELETE", "/api/boards/wall")
    site.ask_to("DELETE", f"/api/users/{long_name}")
    assert wrong == [], "\n  ".join(["", *wrong])


TESTS = [
    the_first_page_is_small,
    a_file_of_the_page_is_kept_by_the_browser_and_another_path_is_not_there,
    the_overview_shows_rates_health_stores_and_topics,
    the_tree_is_walked_by_keyboard,
    a_value_in_the_tree_is_the_newest,
    a_search_narrows_the_tree_and_stands_in_the_address,
    a_pinned_topic_stays_after_a_reload,
    all_numbers_of_a_topic_are_charts_with_a_schema_and_without,
    a_chart_is_zoomed_by_keyboard_and_by_pointer_and_goes_back_to_now,
    messages_show_what_they_change_and_their_payload_in_three_forms,
    what_is_hostile_is_text,
    the_theme_follows_the_system_until_somebody_chooses,
    the_menu_of_a_phone_opens_and_closes_by_keyboard,
    nothing_moves_for_who_wants_that,
    an_address_that_is_cut_says_what_to_do,
    somebody_signs_in_and_a_session_that_ends_loses_nothing,
    who_has_a_scope_sees_its_topics_and_no_numbers_over_all,
    *manage.TESTS,
    *explorer.TESTS,
    *edges.TESTS,
    what_is_refused_live_is_said_where_it_is_missing,
    *tasks.TESTS,
    every_page_is_accessible_and_fits_every_screen,
    boards_users_keys_and_dialogs_are_accessible_and_fit_every_screen,
    a_gateway_that_was_away_is_found_again_and_no_message_is_missing,
]


def test(rig):
    expect.set_options(timeout=PATIENCE_MS)
    site = Site(rig)
    wrong = []
    with sync_playwright() as playwright:
        browser = Browser(playwright)
        for one in [pictures.the_pictures_of_the_documentation_are_made] if rig.options.pictures else TESTS:
            if rig.options.only and not any(word in one.__name__ for word in rig.options.only.split(",")):
                continue
            name = one.__name__.replace("_", " ")
            browser.wrong.clear()
            begun = time.monotonic()
            try:
                one(site, browser)
                found = list(browser.wrong)
            except Exception as error:  # pylint: disable=broad-except
                found = [f"{type(error).__name__}: {error}", *browser.wrong]
            for context in browser.chromium.contexts:
                context.close()
            browser.patient = browser.refused = False
            took = f"{time.monotonic() - begun:.1f} s"
            print("\n    ".join([f"{'failed' if found else 'passed'} {name} ({took})", *found]), flush=True)
            wrong += [name] if found else []
        browser.close()
    return wrong


if __name__ == "__main__":
    given = arguments(
        __doc__,
        shots={"help": "folder for pictures of every page"},
        pictures={"help": "makes the pictures of docs/dashboard.md in this folder, and nothing else"},
        only={"help": "the tests that have this in their name; several words with commas"},
    )
    sys.exit(run(given, "dashboard", test))

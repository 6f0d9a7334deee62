# SPDX-License-Identifier: Apache-2.0
"""Schemas, dead letters, devices, users and keys, settings: tests that run.py runs, and the pages that it looks at."""

import re
import subprocess

from browser import PATIENCE_MS, sign_in, violations
from gateway import PASSWORD
from playwright.sync_api import expect

SENSOR = "sensors/sensor-001/temperature"
SCHEMA = "temperature_sensor"
GOOD = '{"sensor_id": "sensor-001", "temperature": 21.5}'
HOT = '{"sensor_id": "sensor-001", "temperature": 999}'
HOSTILE = '{"sensor_id": "\u202e<img src=x onerror=alert(3)>", "temperature": 20}'
BINARY = b"\x00\xff\xfebinary\x1b[31m"
PAGES = {
    "schemas": "/schemas",
    "schema": f"/schemas?schema={SCHEMA}",
    "schema-try": f"/schemas?schema={SCHEMA}&tab=try",
    "letters": "/letters",
    "devices": "/devices",
    "device": "/devices?device=sensor-001",
    "users-nobody": "/users",
    "settings": "/settings",
}


def payload_of(page):
    return page.get_by_role("textbox", name=re.compile("^Payload"))


def open_letter(page, reason, topic=SENSOR):
    """As somebody would who asks why a message was refused: the reason, then the newest letter."""
    page.goto(f"/letters?topic={topic.replace('/', '%2F')}")
    page.get_by_role("table", name="Dead letters by schema").get_by_role("link", name=re.compile(f"^{reason}")).first.press("Enter")
    page.get_by_role("table", name="Dead letters", exact=True).get_by_role("link").first.press("Enter")
    expect(page.get_by_role("heading", name=reason)).to_be_focused()


# --- schemas ----------------------------------------------------------------------------------------------------------
def schemas_have_counts_fields_and_documents(site, browser):
    page = browser.page(site.open)
    page.goto("/schemas")
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name=SCHEMA, exact=True))
    expect(row.get_by_role("cell").nth(4)).to_have_text(re.compile(r"^[\d,]*[1-9][\d,]*$"))
    row.get_by_role("link", name=SCHEMA, exact=True).press("Enter")
    expect(page.get_by_role("heading", name=SCHEMA)).to_be_focused()
    field = page.get_by_role("row").filter(has_text="temperature")
    for text in ("required", "float", "°C", "-50 to 150"):
        expect(field).to_contain_text(text)
    page.get_by_role("tab", name="Fields").press("End")
    expect(page.get_by_role("tabpanel").locator("pre")).to_contain_text('"topic_pattern": "sensors/{device}/temperature"')


def a_payload_is_judged_while_it_is_written(site, browser):
    page = browser.page(site.open)
    page.goto(f"/schemas?schema={SCHEMA}&tab=try")
    expect(page.get_by_text("accepted")).to_be_visible()  # what is made of the fields is right
    payload_of(page).fill(HOT)
    expect(page.get_by_text("refused", exact=True)).to_be_visible()
    fault = page.get_by_role("listitem").filter(has_text="Above the range")
    for text in ("999 is above max 150", "max 150", "raise max in the schema"):
        expect(fault).to_contain_text(text)
    fault.get_by_role("button", name="/temperature").press("Enter")
    expect(payload_of(page)).to_be_focused()
    chosen = payload_of(page).evaluate("one => one.value.slice(one.selectionStart, one.selectionEnd)")
    assert chosen == '"temperature": 999', chosen
    payload_of(page).fill('{"sensor_id": ')
    expect(page.get_by_text("Not JSON")).to_be_visible()
    page.get_by_role("button", name="Required fields").click()
    expect(page.get_by_text("accepted")).to_be_visible()
    assert "humidity" not in payload_of(page).input_value()
    page.get_by_role("button", name="A stored message").click()
    expect(page.get_by_text("accepted")).to_be_visible()


def a_topic_has_the_schema_that_judges_it(site, browser):
    browser.refused = True
    page = browser.page(site.open)
    page.goto("/schemas")
    topic = page.get_by_label("Topic", exact=True)
    topic.fill(SENSOR)
    expect(page.get_by_text("judges it; the device is sensor-001")).to_be_visible()
    topic.fill("sensors/#")
    expect(topic).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("This is a filter. Enter one topic")).to_be_visible()
    topic.fill("iot/free/form")
    expect(page.get_by_text("No schema matches it")).to_be_visible()


def a_schema_is_drafted_and_downloaded_and_none_is_stored(site, browser):
    before = site.open.json("/api/schemas")
    page = browser.page(site.open)
    page.goto("/schemas")
    page.get_by_label("Topic filter").fill("iot/free/#")
    page.get_by_label("Topic filter").press("Enter")
    document = page.get_by_label(re.compile("^Draft of"))
    expect(document).to_contain_text("topic_pattern")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download").click()
    assert download.value.suggested_filename.endswith(".yaml"), download.value.suggested_filename
    with open(download.value.path(), encoding="utf-8") as text:
        assert "speed" in text.read()
    assert site.open.json("/api/schemas") == before


# --- dead letters -----------------------------------------------------------------------------------------------------
def why_a_message_was_refused_takes_two_presses(site, browser):
    site.publish(SENSOR, HOT)
    page = browser.page(site.open)
    open_letter(page, "Above the range")
    why = page.get_by_role("listitem").filter(has_text="Above the range").first
    for text in ("/temperature", "999", "max 150"):
        expect(why).to_contain_text(text)
    expect(page.locator("mark")).to_have_text('"temperature": 999')
    expect(page.get_by_role("row").filter(has_text="wrong here")).to_contain_text("-50 to 150")
    page.get_by_role("button", name="Hex").click()
    expect(page.get_by_label("Bytes as hexadecimal numbers")).to_contain_text("7b 22 73 65 6e 73 6f 72")
    expect(page.get_by_text("refused", exact=True)).to_be_visible()
    payload_of(page).fill(GOOD)
    expect(page.get_by_text("accepted")).to_be_visible()
    assert violations(page) == []


def letters_of_a_reason_and_a_schema_are_all_that_come(site, browser):
    site.publish(SENSOR, HOT)
    site.publish(SENSOR, "{")
    page = browser.page(site.open)
    page.goto("/letters?reason=max&schema=temperature_sensor%201.0")
    letters = page.get_by_role("table", name="Dead letters", exact=True).locator("tbody tr")
    group = page.get_by_role("table", name="Dead letters by schema").locator("tbody tr")
    expect(group).to_have_count(1)
    many = int(group.get_by_role("cell").nth(2).inner_text().replace(",", ""))
    expect(page.get_by_text(f"{min(many, 100)} shown")).to_be_visible()
    for text in letters.all_inner_texts():
        assert "is above max 150" in text, text


def a_letter_that_is_hostile_or_no_text_is_shown_as_it_is(site, browser):
    site.publish(SENSOR, HOSTILE)
    command = ["mosquitto_pub", "-p", str(site.rig.broker_port), "-q", "1", "-t", "sensors/sensor-002/temperature", "-s"]
    subprocess.run(command, input=BINARY, check=True, timeout=30)
    page = browser.page(site.open)
    page.on("dialog", lambda dialog: (browser.wrong.append(f"a script ran: {dialog.message}"), dialog.dismiss()))
    open_letter(page, "Text of another form")
    expect(page.get_by_label("Payload as text")).to_contain_text('"RLO<img src=x onerror=alert(3)>"')
    assert page.locator("main img, main script").count() == 0
    assert r"\u202e<img" in payload_of(page).input_value()
    open_letter(page, "Not JSON", "sensors/sensor-002/temperature")
    expect(page.get_by_label("Bytes as hexadecimal numbers")).to_contain_text("00 ff fe 62 69 6e")
    expect(page.get_by_text("refused", exact=True)).to_be_visible()


def letters_of_some_topics_and_all_again(site, browser):
    browser.refused = True
    site.publish(SENSOR, HOT)
    page = browser.page(site.open)
    page.goto("/letters")
    groups = page.get_by_role("table", name="Dead letters by schema")
    expect(groups).to_be_visible(timeout=PATIENCE_MS)  # the page asks again by itself
    topic = page.get_by_label("Topic filter")
    topic.fill("iot/none/#")
    topic.press("Enter")
    expect(page.get_by_text("No dead letters here")).to_be_visible()
    page.get_by_role("button", name="Show all letters").click()
    expect(groups).to_be_visible()
    page.wait_for_timeout(1000)  # and it stays so
    expect(groups).to_be_visible()
    assert topic.input_value() == "" and "topic=" not in page.url, page.url
    topic.fill("a#")
    topic.press("Enter")
    expect(topic).to_have_attribute("aria-invalid", "true")


# --- devices ----------------------------------------------------------------------------------------------------------
def a_device_is_searched_and_opened(site, browser):
    page = browser.page(site.open)
    page.goto("/devices?sort=last_seen")
    first = page.get_by_role("table", name="Devices").get_by_role("link").first
    expect(page.get_by_role("link", name="sensor-777")).to_be_visible()
    page.get_by_role("button", name="Last seen").press("Enter")
    expect(page.get_by_role("columnheader", name="Last seen")).to_have_attribute("aria-sort", "descending")
    page.get_by_role("searchbox").fill("SENSOR-77")
    expect(page.get_by_role("table", name="Devices").get_by_role("link")).to_have_count(1)
    first.press("Enter")
    expect(page.get_by_role("heading", name="sensor-777")).to_be_focused()
    value = page.get_by_role("table", name="Newest values").get_by_role("row").filter(has_text="temperature").first
    expect(value).to_contain_text("20 °C")
    explorer = page.get_by_role("link", name="Open in the Explorer").get_attribute("href")
    assert explorer.endswith("/explorer?device=sensor-777"), explorer


# --- people -----------------------------------------------------------------------------------------------------------
def a_user_is_added_changed_and_deleted(site, browser):
    browser.refused = True
    page = browser.page(site.people)
    page.goto("/users")
    sign_in(page, "admin", PASSWORD)
    page.get_by_role("button", name="Add a user").press("Enter")
    dialog = page.get_by_role("dialog", name="Add a user")
    dialog.get_by_label("Name").fill("new.one")
    dialog.get_by_label("Password").fill("short")
    dialog.get_by_role("button", name="Only some").click()
    dialog.get_by_label("Topic filters").fill("a#")
    dialog.get_by_role("button", name="Add", exact=True).click()
    expect(dialog.get_by_text("at least 12 characters")).to_be_visible()
    expect(dialog.get_by_text('"a#" is not a topic filter')).to_be_visible()
    expect(dialog.get_by_label("Password")).to_be_focused()
    assert violations(page) == []
    dialog.get_by_role("button", name="Make one").click()
    password = dialog.get_by_label("Password").input_value()
    assert len(password) >= 24, password
    dialog.get_by_label("Topic filters").fill("sensors/#\niot/#")
    dialog.get_by_role("button", name="Add", exact=True).click()
    row = page.get_by_role("row").filter(has_text="new.one")
    expect(row).to_contain_text("viewer")
    expect(row).to_contain_text("sensors/#")
    body = f'{{"name": "new.one", "password": "{password}"}}'
    status, _, answer = site.people.ask("/api/session", method="POST", body=body, headers={"Content-Type": "application/json"}.items())
    assert status == 200 and '"scope"' in answer, (status, answer)
    row.get_by_role("button", name="Change new.one").press("Enter")
    dialog = page.get_by_role("dialog", name="Change new.one")
    dialog.get_by_label("Role").select_option("operator")
    dialog.get_by_role("button", name="Save").click()
    expect(row).to_contain_text("operator")
    expect(row.get_by_role("button", name="Change new.one")).to_be_focused()
    row.get_by_role("button", name="Delete new.one").click()
    dialog = page.get_by_role("dialog", name="Delete new.one?")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    row.get_by_role("button", name="Delete new.one").click()
    dialog.get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    page.get_by_role("button", name="Delete admin").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("last administrator")


def a_key_is_shown_once_and_works_until_it_is_deleted(site, browser):
    browser.refused = True
    page = browser.page(site.people)
    page.goto("/users?tab=keys")
    sign_in(page, "admin", PASSWORD)
    page.get_by_role("button", name="Make a key").click()
    dialog = page.get_by_role("dialog", name="Make an API key")
    dialog.get_by_label("Name").fill("probe")
    dialog.get_by_label("Expires").select_option("other")
    dialog.get_by_label("When").fill("soon")
    dialog.get_by_role("button", name="Make").click()
    expect(dialog.get_by_text("write a duration or a time")).to_be_visible()
    dialog.get_by_label("When").fill("30d")
    dialog.get_by_role("button", name="Make").click()
    made = page.get_by_role("dialog", name="The key of probe")
    key = made.get_by_label("The key").inner_text()
    page.keyboard.press("Escape")
    expect(made).to_be_visible()
    assert violations(page) == []
    headers = {"Authorization": f"Bearer {key}"}.items()
    assert site.people.ask("/api/topics", headers=headers)[0] == 200
    made.get_by_role("button", name="I have kept it").click()
    row = page.get_by_role("row").filter(has_text="probe")
    expect(row).to_contain_text("in 30 d")
    assert key not in page.content()
    row.get_by_role("button", name="Delete probe").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(row).to_have_count(0)
    page.wait_for_timeout(2500)  # the file is looked at once a second
    assert site.people.ask("/api/topics", headers=headers)[0] == 401


def who_is_no_administrator_has_no_pages_of_theirs(site, browser):
    page = browser.page(site.people)
    page.goto("/users")
    sign_in(page, "operator", PASSWORD)
    expect(page.get_by_text("This page is not for you")).to_be_visible()
    assert page.get_by_role("link", name="Users and keys").count() == 0
    assert page.get_by_role("link", name="Settings").count() == 0
    page.get_by_role("link", name="Schemas").click()
    expect(page.get_by_role("button", name="Draft")).to_be_visible()


# --- settings ---------------------------------------------------------------------------------------------------------
def settings_say_where_they_come_from(site, browser):
    page = browser.page(site.open)
    page.goto("/settings")
    expect(page.get_by_text("Version", exact=True)).to_be_visible()
    page.get_by_role("searchbox").fill("journal")
    row = page.get_by_role("row").filter(has_text="journal.path")
    expect(row).to_contain_text(re.compile(r"open\.yaml:\d+"))
    expect(page.get_by_role("row").filter(has_text="mqtt.broker")).to_have_count(0)
    expect(page.get_by_role("row").filter(has_text="journal.sync_bytes")).to_contain_text("default")
    page.get_by_role("button", name="Changed").click()
    expect(page.get_by_role("row").filter(has_text="journal.sync_bytes")).to_have_count(0)
    expect(row).to_be_visible()
    page.reload()
    assert page.get_by_role("searchbox").input_value() == "journal"
    expect(row).to_be_visible()


TESTS = [
    schemas_have_counts_fields_and_documents,
    a_payload_is_judged_while_it_is_written,
    a_topic_has_the_schema_that_judges_it,
    a_schema_is_drafted_and_downloaded_and_none_is_stored,
    why_a_message_was_refused_takes_two_presses,
    letters_of_a_reason_and_a_schema_are_all_that_come,
    a_letter_that_is_hostile_or_no_text_is_shown_as_it_is,
    letters_of_some_topics_and_all_again,
    a_device_is_searched_and_opened,
    a_user_is_added_changed_and_deleted,
    a_key_is_shown_once_and_works_until_it_is_deleted,
    who_is_no_administrator_has_no_pages_of_theirs,
    settings_say_where_they_come_from,
]

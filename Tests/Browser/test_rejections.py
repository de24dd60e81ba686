"""Refused, put right, replayed."""

from __future__ import annotations

import json
from typing import Any

import pytest
from selenium.webdriver import Keys

from browser import Browser
from ovation import Client, event

VALUES = {"cups": "two", "price": 3.5}


def refuse(admin: Client, version: str, key: str, data: dict[str, Any] | None = None) -> None:
    answer = admin.post_events([event(version, data or VALUES)], key=key)
    assert answer.status_code == 400, answer.text


@pytest.fixture(scope="module")
def version(admin: Client) -> str:
    fields = {"cups": {"type": "integer", "required": True}, "price": "double"}
    return admin.make_version(fields, name="coffee bought")


def open_rejection(browser: Browser, key: str) -> None:
    browser.open("/console/rejections?view=list")
    row = browser.row(key)
    assert "open" in row.text
    [link] = browser.all("link", within=row)
    with browser.new_page():
        link.click()
    assert browser.heading == "Rejected post"


def verdict(browser: Browser) -> str:
    return browser.css("#check")[0].text


def write_body(browser: Browser, text: str) -> None:
    """Puts a text into the editor as a paste does, so that the editor's own help does not meddle."""
    body = browser.field("Body")
    body.send_keys(Keys.CONTROL, "a")
    browser.command("Input.insertText", text=text)


def test_a_refused_post_is_mended_and_replayed(console: Browser, admin: Client, version: str) -> None:
    refuse(admin, version, "steve@apsis.com")
    assert admin.list_events() == []

    console.open("/console")
    # Nothing was ever accepted, but what was refused has its place.
    assert console.has("link", "Rejections 1 open")
    open_rejection(console, "steve@apsis.com")
    [place] = console.css("td code[data-pointer='/items/0/data/cups']")
    assert place.text == "/items/0/data/cups"

    # As it is, it would be refused again.
    console.field("Body").send_keys(Keys.CONTROL, Keys.END)
    console.keys(" ")
    console.wait(lambda: "/items/0/data/cups" in verdict(console), "the editor does not say what is still wrong")

    # The place leads to the value.
    console.click("button", "Show /items/0/data/cups in the body", console.css("td")[0])
    body = console.field("Body")
    selected = console.script("const e = arguments[0]; return e.value.slice(e.selectionStart, e.selectionEnd)", body)
    assert selected == '"two"'
    console.keys("2")
    console.wait(lambda: "1 event would be accepted now." in verdict(console), "the editor does not say it is right")
    assert admin.list_events() == [], "to look is not to post"

    console.press("Replay")
    console.wait_for_text("The events are stored.")
    [stored] = admin.list_events()
    assert stored["data"] == {"cups": 2, "price": 3.5}

    # Once and no more.
    assert not console.has("button", "Replay") and not console.has("button", "Check")
    # What was stored stands beside what was refused, and leads to its place in the timeline.
    assert json.loads(console.region("What was stored").find_element("css selector", "pre").text) == {
        "items": [{"event_time": stored["event_time"], "version_id": version, "data": {"cups": 2, "price": 3.5}}]
    }
    assert '"two"' in console.value("Body")
    assert console.has("link", f"Event {stored['id']}")
    console.follow(f"Event {stored['id']}")
    assert console.css(f"#event-{stored['id']}")
    console.driver.back()
    console.follow("Open the profile")
    assert console.heading == "Profile steve@apsis.com"
    assert len(console.css("#timeline article")) == 1


def test_a_rejection_that_two_people_have_open_is_replayed_once(console: Browser, admin: Client, version: str) -> None:
    refuse(admin, version, "twice@apsis.com")
    open_rejection(console, "twice@apsis.com")
    address = console.path
    mended = json.dumps({"items": [event(version, {"cups": 1})]})
    first = console.driver.current_window_handle
    console.driver.switch_to.new_window("tab")
    console.open(address)
    for tab in (console.driver.current_window_handle, first):
        console.driver.switch_to.window(tab)
        write_body(console, mended)
        console.expected_statuses = {409}
        console.press("Replay")
    assert "replayed" in console.main.lower()
    assert "The events are stored." not in console.main
    assert len(admin.list_events(key="twice@apsis.com")) == 1


def test_a_replay_that_is_still_wrong_keeps_what_was_typed(console: Browser, admin: Client, version: str) -> None:
    refuse(admin, version, "still@apsis.com")
    open_rejection(console, "still@apsis.com")
    typed = json.dumps({"items": [event(version, {"cups": 1.5})]}, indent=4)
    write_body(console, typed)
    console.fill("Profile key", "other@apsis.com")
    console.expected_statuses = {400}
    console.press("Replay")
    assert console.value("Body") == typed
    assert console.value("Profile key") == "other@apsis.com"
    assert "/items/0/data/cups" in verdict(console)
    write_body(console, "{ this is no JSON")
    console.wait(lambda: "JSON" in verdict(console), "broken JSON is not said to be broken")
    assert admin.list_events(key="other@apsis.com") == []


def test_a_wrong_profile_key_can_be_mended_too(console: Browser, admin: Client, version: str) -> None:
    answer = admin.post_events([event(version, {"cups": 1})], key="no-address")
    assert answer.status_code == 400, answer.text
    open_rejection(console, "no-address")
    console.fill("Profile key", "address@apsis.com")
    console.wait(lambda: "1 event would be accepted now." in verdict(console), "the new key is not looked at")
    console.press("Replay")
    assert len(admin.list_events(key="address@apsis.com")) == 1


def test_a_dismissed_rejection_is_gone_and_nothing_of_it_is_stored(
    console: Browser, admin: Client, version: str
) -> None:
    refuse(admin, version, "dismissed@apsis.com")
    open_rejection(console, "dismissed@apsis.com")
    address = console.path
    console.follow("Dismiss…")
    console.follow("Cancel")
    assert console.path == address
    console.follow("Dismiss…")
    console.press("Dismiss rejection")
    assert console.heading == "Rejections"
    assert "The rejection is dismissed." in console.main
    assert "dismissed@apsis.com" not in console.main
    assert admin.list_events(key="dismissed@apsis.com") == []
    console.expected_statuses = {404}
    console.open(address)
    assert console.has("link", "Back to the overview")


def test_the_list_can_be_searched_and_filtered(console: Browser, admin: Client, version: str) -> None:
    refuse(admin, version, "needle@apsis.com", {"cups": 1, "hay": "stack"})
    refuse(admin, version, "haystack@apsis.com")

    def keys() -> list[str]:
        return [cell.text for cell in console.css("td.key .break")]

    console.open("/console/rejections?view=list")
    assert {"needle@apsis.com", "haystack@apsis.com"} <= set(keys())
    console.fill("Search", "needle@")
    console.press("Filter")
    assert keys() == ["needle@apsis.com"]
    console.fill("Search", "no such thing")
    console.press("Filter")
    assert "No rejections match" in console.main
    console.follow("Clear filter")
    console.choose("State", "Replayed")
    console.press("Filter")
    assert "needle@apsis.com" not in keys()
    assert all("replayed" in row.text for row in console.css("main tbody tr"))


def test_the_overview_shows_open_rejections(console: Browser, admin: Client, version: str) -> None:
    assert admin.post_events([event(version, {"cups": 1})], key="good@apsis.com").status_code == 204
    refuse(admin, version, "last@apsis.com")
    console.open("/console")
    refusals = console.region("Open rejections")
    with console.new_page():
        console.all("link", within=refusals)[0].click()
    assert console.heading == "Rejected post"
    assert console.value("Profile key") == "last@apsis.com"

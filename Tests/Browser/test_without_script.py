"""Everything but the live page works in a browser that runs no script."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from browser import Browser
from console import sign_in
from ovation import DEFAULT_SECTION, EMAIL, Client, Server, event


@pytest.fixture
def plain(browser: Browser, server: Server) -> Iterator[Browser]:
    browser.scripts(False)
    sign_in(browser, server)
    assert browser.script("return matchMedia('(scripting: none)').matches")
    yield browser
    browser.scripts(True)


def test_an_event_type_is_made_field_by_field(plain: Browser, admin: Client) -> None:
    assert plain.heading == "Overview"
    plain.follow("Create a custom event")
    plain.fill("Name", "my transaction")
    plain.choose("Category", "transaction")
    for number, (name, kind) in enumerate([("cups", "integer"), ("gone", "string"), ("price", "double")], start=1):
        if number > 1:
            plain.press("Add a field")
        plain.fill(f"Name of field {number}", name)
        plain.choose(f"Type of field {number}", kind)
    plain.tick("Field 1 is required")
    plain.press("Remove field 2")
    assert plain.value("Name of field 2") == "price", "what was typed is kept"
    assert plain.field("Field 1 is required").is_selected()
    plain.press("Preview")
    preview = json.loads(plain.find("code", "Preview of the JSON").text)
    assert preview["versions"][0]["type"] == {"cups": "integer", "price": "double", "source": "string"}
    plain.press("Create event type")
    assert plain.heading == "my transaction"
    assert plain.css("#discriminator")[0].text == preview["discriminator"]
    made = admin.get(f"/audience/sections/{DEFAULT_SECTION}/events/{preview['discriminator']}").json()
    assert made["versions"][0]["type"] == preview["versions"][0]["type"]
    assert made["versions"][0]["required"] == ["cups"]
    # And changed.
    plain.follow("Edit")
    plain.press("Add a field")
    plain.fill("Name of field 3", "later")
    plain.press("Preview")
    assert "Makes a new version" in plain.region("What changes").text
    plain.press("Save changes")
    assert "has a new version" in plain.main


def test_the_enter_key_saves_and_does_not_remove_a_field(plain: Browser) -> None:
    plain.follow("Event types")
    plain.follow("Create a custom event", plain.css(".head")[0])
    plain.choose("Category", "signal")
    plain.fill("Name of field 1", "page")
    with plain.new_page():
        plain.fill("Name", "entered").send_keys("\ue007")
    assert plain.heading == "entered"
    assert "page" in plain.region("Versions").text if plain.has("region", "Versions") else "page" in plain.main


def test_a_rejection_is_checked_mended_and_replayed(plain: Browser, admin: Client) -> None:
    version = admin.make_version({"cups": "integer"}, name="coffee bought")
    assert admin.post_events([event(version, {"cups": "two"})], key="plain@apsis.com").status_code == 400
    plain.open("/console/rejections?view=list")
    with plain.new_page():
        plain.all("link", within=plain.row("plain@apsis.com"))[0].click()
    plain.press("Check")
    assert "/items/0/data/cups" in plain.css("#check")[0].text
    plain.fill("Body", json.dumps({"items": [event(version, {"cups": 2})]}))
    plain.press("Check")
    assert "1 event would be accepted now." in plain.css("#check")[0].text
    assert admin.list_events(key="plain@apsis.com") == []
    plain.press("Replay")
    assert "The events are stored." in plain.main
    assert [item["data"] for item in admin.list_events(key="plain@apsis.com")] == [{"cups": 2}]


def test_the_navigation_is_there_at_every_width(plain: Browser) -> None:
    for width in (360, 768, 1440):
        plain.look(width=width)
        plain.open("/console")
        plain.follow("API keys")
        assert plain.heading == "API keys"


def test_the_live_page_says_that_it_needs_script(plain: Browser) -> None:
    plain.open("/console/live")
    assert "This page needs JavaScript." in plain.main
    assert not plain.has("button", "Pause"), "nor does it show what cannot work"
    assert "Connecting" not in plain.main


def test_buttons_that_need_script_are_not_shown(plain: Browser, admin: Client) -> None:
    discriminator = admin.make_event_type({"cups": "integer"}, name="plain")["discriminator"]
    plain.open(f"/console/sections/{DEFAULT_SECTION}/event-types/{discriminator}")
    assert plain.heading == "plain"
    assert not [button.text for button in plain.all("button") if button.text == "Copy"]


def test_signing_out_works(plain: Browser) -> None:
    plain.press("Sign out")
    assert plain.heading == "Sign in"


def test_attributes_of_a_profile_are_checked_and_saved(plain: Browser, admin: Client) -> None:
    path = f"/audience/keyspaces/{EMAIL}/sections/{DEFAULT_SECTION}/profiles"
    assert admin.post(path, json={"profile_key": "plainly@apsis.com"}).status_code == 201
    plain.open("/console/profiles?key=plainly@apsis.com")
    plain.follow("Edit attributes")
    plain.fill("First name", "Ada")
    plain.fill("Birth date", "10/12/1815")
    plain.expected_statuses = {400}
    plain.press("Save attributes")
    assert "There is a problem" in plain.main and plain.value("First name") == "Ada"
    plain.fill("Birth date", "1815-12-10")
    plain.press("Save attributes")
    assert plain.heading == "Ada"
    values = admin.get(f"/audience/keyspaces/{EMAIL}/profiles/plainly@apsis.com/sections/{DEFAULT_SECTION}/attributes")
    assert set(values.json().values()) == {"plainly@apsis.com", "Ada", "1815-12-10"}

"""Requests that are sent from the reference, with the rights of whoever is signed in."""

from __future__ import annotations

import json
import re

from browser import SCREENSHOTS, Browser
from console import sign_in
from ovation import DEFAULT_SECTION, EMAIL, Client, Server, event

EVENTS = f"/audience/keyspaces/{EMAIL}/profiles/steve%40apsis.com/sections/{DEFAULT_SECTION}/events"


def answer(browser: Browser, part: str) -> str:
    return str(browser.find("code", f"{part} of the answer").get_property("textContent"))


def test_the_reference_leads_to_a_form_and_by_the_sign_in_for_who_is_not(browser: Browser, server: Server) -> None:
    browser.url = server.url
    browser.open("/docs#postEvents")
    browser.follow("Try it for ‘Post events to a profile’")
    assert browser.heading == "Sign in"
    sign_in(browser, server, path="/console/docs/postEvents")
    assert browser.heading == "Post events to a profile"
    assert browser.value(re.compile("^key in the path")) == "steve@apsis.com"
    assert '"event_time"' in browser.value(re.compile("^Body"))


def test_events_are_posted_and_read_back(console: Browser, admin: Client) -> None:
    version = admin.make_version({"text": "string"}, name="tried")
    console.open("/console/docs/postEvents")
    console.fill(re.compile("^Body"), json.dumps({"items": [event(version, {"text": "</textarea><b>"})]}))
    console.choose(re.compile("^Prefer"), "validate-only")
    console.press("Send")
    assert "204 No Content" in console.main and "Preference-Applied: validate-only" in answer(console, "Headers")
    # The form is as it was sent, to be changed and sent again.
    assert "</textarea><b>" in console.value(re.compile("^Body"))
    console.choose(re.compile("^Prefer"), "Leave out")
    console.press("Send")
    assert "204 No Content" in console.main and "The answer has no body." in console.main
    assert [item["data"] for item in admin.list_events()] == [{"text": "</textarea><b>"}]

    console.open("/console/docs/listEvents")
    console.fill(re.compile("^limit"), "1")
    console.press("Send")
    assert json.loads(answer(console, "Body"))["items"][0]["data"] == {"text": "</textarea><b>"}
    console.screenshot(SCREENSHOTS / "try.png", whole=True)
    console.fill(re.compile("^limit"), "none")
    console.press("Send")
    assert "400 Bad Request" in console.main
    assert json.loads(answer(console, "Body"))["code"] == "invalid_parameter"


def test_a_deletion_asks_first_and_can_be_taken_back_to_the_form(console: Browser, admin: Client) -> None:
    version = admin.make_version({"text": "string"}, name="deleted")
    assert admin.post_events([event(version, {"text": "a"})]).status_code == 204
    count = len(admin.list_events())
    console.open("/console/docs/deleteEvents")
    console.press("Send…")
    assert console.heading == "Send DELETE?" and EVENTS in console.main
    console.screenshot(SCREENSHOTS / "try-asked.png")
    console.press("Back to the form")
    assert console.value(re.compile("^key in the path")) == "steve@apsis.com"
    assert len(admin.list_events()) == count
    console.press("Send…")
    console.press("Send DELETE")
    assert json.loads(answer(console, "Body"))["deleted"] == count
    assert admin.list_events() == []


def test_it_works_without_script(console: Browser) -> None:
    console.scripts(on=False)
    console.open("/console/docs/listSections")
    console.press("Send")
    assert DEFAULT_SECTION in answer(console, "Body")
    console.scripts(on=True)


def test_while_keys_are_masked_nothing_is_sent(console: Browser) -> None:
    console.press("Mask profile keys")
    console.open("/console/docs/findProfiles")
    assert "Show profile keys again" in console.main and not console.has("button", "Send")
    console.press("Show profile keys")
    assert console.has("button", "Send")

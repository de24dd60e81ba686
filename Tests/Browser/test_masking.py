"""For when others see the screen: with masking on, no page has a profile key, neither shown nor in its source."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from selenium.webdriver import Keys

from browser import Browser
from console import session_of
from ovation import CRM_ID, DEFAULT_SECTION, EMAIL, MOBILE, Client, event

MAILBOX = "confidential.customer"
ADDRESS = f"{MAILBOX}@apsis.com"
NUMBER = "46793699558"
CUSTOMER = "customer-0815"
NO_ADDRESS = "confidential-no-address"
KEYS = [MAILBOX, NUMBER, CUSTOMER, NO_ADDRESS]


@pytest.fixture(scope="module")
def version(admin: Client) -> str:
    version = admin.make_version({"text": "string", "email": "string"}, name="signed up")
    places = [(EMAIL, ADDRESS), (MOBILE, NUMBER), (CRM_ID, CUSTOMER)]
    for keyspace, key in places:
        made = {"profile_key": key}
        answer = admin.post(f"/audience/keyspaces/{keyspace}/sections/{DEFAULT_SECTION}/profiles", json=made)
        assert answer.status_code == 201, answer.text
        # People repeat the key in the data.
        good = event(version, {"text": f"Welcome, {key}!", "email": key.upper()})
        assert admin.post_events([good], keyspace=keyspace, key=key).status_code == 204
        bad = event(version, {"text": 1, "email": key, key: key})
        assert admin.post_events([bad], keyspace=keyspace, key=key).status_code == 400
    assert admin.post_events([event(version, {"text": "a"})], key=NO_ADDRESS).status_code == 400
    return version


def leaks(browser: Browser) -> list[str]:
    """Keys that can be read from the page, its source as it came, or its address."""
    came = browser.script("return document.documentElement.outerHTML")
    values = browser.script("return [...document.querySelectorAll('input, textarea')].map((e) => e.value).join('\\n')")
    text = "\n".join([came, browser.source, values, browser.driver.current_url]).lower()
    return [
        text[max(0, place - 60) : place + len(key)]
        for key in KEYS
        if (place := max(text.find(key), text.find(quote(key, safe="")))) >= 0
    ]


def pages(admin: Client) -> list[str]:
    found = [
        admin.get("/audience/profiles", params={"key": key}).json()["items"][0]["profile_id"]
        for key in (ADDRESS, NUMBER, CUSTOMER)
    ]
    rejections = admin.get("/audience/rejections").json()["items"]
    return [
        "/console",
        "/console/live",
        "/console/profiles",
        "/console/profiles?key=c",
        "/console/profiles?key=conf",
        "/console/rejections",
        "/console/rejections?view=list",
        *[f"/console/rejections/causes/{item['cause']}{end}" for item in rejections for end in ("", "/replay")],
        "/console/history",
        *[f"/console/profiles/{profile}" for profile in found],
        *[
            f"/console/profiles/{profile}/sections/{DEFAULT_SECTION}/{end}"
            for profile in found
            for end in ("attributes", "changes")
        ],
        *[
            f"/console/sections/{item['section_discriminator']}/rejections/{item['id']}{end}"
            for item in rejections
            for end in ("", "/dismiss")
        ],
    ]


def test_no_page_has_a_key_while_masking_is_on(console: Browser, admin: Client, version: str) -> None:
    assert any(leaks_of(console, path) for path in pages(admin)), "or the rest of this test would prove nothing"
    console.open("/console")
    console.press("Mask profile keys")
    found = {path: keys for path in pages(admin) if (keys := leaks_of(console, path))}
    assert found == {}
    # A file has keys as they are.
    for what in ("profiles", "events"):
        url = f"{console.url}/console/sections/{DEFAULT_SECTION}/exports/{what}"
        answer = session_of(console).get(url, params={"format": "csv"})
        assert answer.status_code == 409 and ADDRESS not in answer.text
    # The pages still say whom they are about, more or less.
    console.open("/console/profiles?key=c")
    assert "c•••••" in console.main


def leaks_of(browser: Browser, path: str) -> list[str]:
    browser.open(path)
    browser.settle()
    return leaks(browser)


def test_the_live_page_masks_what_it_is_told(console: Browser, admin: Client, version: str) -> None:
    console.press("Mask profile keys")
    console.open("/console/live")
    console.wait(lambda: console.css("[data-live-state]")[0].text == "Live")
    assert admin.post_events([event(version, {"text": "a"})], key=ADDRESS).status_code == 204
    assert admin.post_events([event(version, {"text": 1, "email": ADDRESS})], key=ADDRESS).status_code == 400
    assert admin.post_events([event(version, {"text": "a"})], key=NO_ADDRESS).status_code == 400
    console.wait(lambda: len(console.css("[data-live-list] > li")) == 3, "the rows do not come")
    assert leaks(console) == []
    assert "c•••••" in console.main


def open_newest_rejection(browser: Browser, admin: Client) -> None:
    newest = admin.get("/audience/rejections").json()["items"][0]
    browser.open(f"/console/sections/{newest['section_discriminator']}/rejections/{newest['id']}")


def mend_the_text(browser: Browser) -> None:
    text = browser.value("Body").replace('"text": 1', '"text": "mended"')
    assert "mended" in text
    browser.field("Body").send_keys(Keys.CONTROL, "a")
    browser.command("Input.insertText", text=text)


def test_a_masked_rejection_is_replayed_for_the_profile_that_it_hides(
    console: Browser, admin: Client, version: str
) -> None:
    assert admin.post_events([event(version, {"text": 1})], key=ADDRESS).status_code == 400
    before = admin.list_events(key=ADDRESS)
    console.press("Mask profile keys")
    open_newest_rejection(console, admin)
    mend_the_text(console)
    console.press("Replay")
    console.wait_for_text("The events are stored.")
    assert leaks(console) == []
    stored = admin.list_events(key=ADDRESS)
    assert len(stored) == len(before) + 1
    assert [item["data"] for item in stored if item not in before] == [{"text": "mended"}]


def test_a_body_around_a_mask_is_not_replayed(console: Browser, admin: Client, version: str) -> None:
    """It is unknown whether the mask stands for the key, or for the typed text."""
    assert admin.post_events([event(version, {"text": 1, "email": ADDRESS})], key=ADDRESS).status_code == 400
    before = admin.list_events(key=ADDRESS)
    console.press("Mask profile keys")
    open_newest_rejection(console, admin)
    mend_the_text(console)
    console.wait(lambda: "Switch the mask off" in console.css("#check")[0].text, "the check does not say why not")
    console.expected_statuses = {400}
    console.press("Replay")
    assert "Switch the mask off" in console.main
    assert leaks(console) == []
    assert admin.list_events(key=ADDRESS) == before
    console.press("Show profile keys")
    open_newest_rejection(console, admin)
    mend_the_text(console)
    console.press("Replay")
    [stored] = [item["data"] for item in admin.list_events(key=ADDRESS) if item not in before]
    assert stored == {"text": "mended", "email": ADDRESS}


def test_masking_ends_when_it_is_switched_off(console: Browser, admin: Client, version: str) -> None:
    console.open("/console/rejections?view=list")
    console.press("Mask profile keys")
    assert console.path == "/console/rejections?view=list", "it leads back to the page"
    assert leaks(console) == []
    console.press("Show profile keys")
    assert console.path == "/console/rejections?view=list"
    assert ADDRESS in console.main

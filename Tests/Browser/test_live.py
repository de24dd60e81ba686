"""Posts as they happen."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from browser import Browser
from ovation import DEFAULT_SECTION, Client, Server, event

HOSTILE = '<img src=x onerror="window.__pwned=1"><script>window.__pwned=1</script>{{mustache}}'


@pytest.fixture(scope="module")
def versions(admin: Client) -> dict[str, str]:
    return {
        "coffee": admin.make_version({"cups": "integer"}, name="coffee bought"),
        "tea": admin.make_version({"cups": "integer"}, name="tea bought"),
        "hostile": admin.make_version({"text": "string"}, name=HOSTILE),
    }


def post(admin: Client, version: str, data: Any, key: str, status: int = 204, **headers: str) -> None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = admin.post_events([event(version, data)], key=key, headers=named)
    assert answer.status_code == status, answer.text


def open_live(browser: Browser, path: str = "/console/live") -> None:
    browser.open(path)
    wait_until_live(browser)


def wait_until_live(browser: Browser) -> None:
    browser.wait(lambda: browser.css("[data-live-state]")[0].text == "Live", "the stream does not open")


def rows(browser: Browser) -> list[str]:
    """Key and outcome of each row, the newest first."""
    return browser.script(
        "return [...document.querySelectorAll('[data-live-list] > li')].map((row) =>"
        " row.querySelector('a, strong').textContent + ' ' + row.querySelector('.chip').textContent)"
    )


def wait_for_rows(browser: Browser, *expected: str) -> None:
    try:
        browser.wait(lambda: rows(browser) == list(expected))
    except AssertionError:
        assert rows(browser) == list(expected)


def test_accepted_refused_and_repeated_posts_appear(console: Browser, admin: Client, versions: dict[str, str]) -> None:
    open_live(console)
    assert "Waiting for posts" in console.main
    once = str(uuid.uuid4())
    post(admin, versions["coffee"], {"cups": 1}, "one@apsis.com", Idempotency_Key=once)
    wait_for_rows(console, "one@apsis.com accepted")
    post(admin, versions["coffee"], {"cups": 1}, "one@apsis.com", Idempotency_Key=once)
    post(admin, versions["coffee"], {"cups": "two"}, "two@apsis.com", 400)
    wait_for_rows(console, "two@apsis.com refused", "one@apsis.com duplicate", "one@apsis.com accepted")
    assert "Waiting for posts" not in console.main
    assert "coffee bought" in console.css("[data-live-list] li")[0].text

    refused = console.css("[data-live-list] details")[0]
    refused.find_element("css selector", "summary").click()
    assert "/items/0/data/cups" in refused.text
    console.follow("Open rejection")
    assert console.heading == "Rejected post"
    assert console.value("Profile key") == "two@apsis.com"
    open_live(console)
    post(admin, versions["coffee"], {"cups": 1}, "three@apsis.com")
    wait_for_rows(console, "three@apsis.com accepted")
    console.follow("three@apsis.com")
    assert console.heading == "Profile three@apsis.com"


def test_pause_holds_and_resume_goes_on(console: Browser, admin: Client, versions: dict[str, str]) -> None:
    open_live(console)
    post(admin, versions["coffee"], {"cups": 1}, "before@apsis.com")
    wait_for_rows(console, "before@apsis.com accepted")
    console.click("button", "Pause")
    assert console.css("[data-live-state]")[0].text == "Paused"
    post(admin, versions["coffee"], {"cups": 1}, "meanwhile@apsis.com")
    console.wait(lambda: "1 waiting" in console.css("[data-live-count]")[0].text, "what waits is not counted")
    wait_for_rows(console, "before@apsis.com accepted")
    console.click("button", "Resume")
    wait_for_rows(console, "meanwhile@apsis.com accepted", "before@apsis.com accepted")
    console.click("button", "Clear")
    wait_for_rows(console)
    post(admin, versions["coffee"], {"cups": 1}, "after@apsis.com")
    wait_for_rows(console, "after@apsis.com accepted")


def test_filters_choose_what_is_shown(console: Browser, admin: Client, versions: dict[str, str]) -> None:
    open_live(console)
    console.choose("Outcome", "refused")
    console.press("Filter")
    wait_until_live(console)
    post(admin, versions["coffee"], {"cups": 1}, "good@apsis.com")
    post(admin, versions["coffee"], {"cups": "x"}, "bad@apsis.com", 400)
    wait_for_rows(console, "bad@apsis.com refused")

    console.choose("Outcome", "All outcomes")
    console.choose("Event type", "tea bought")
    console.press("Filter")
    wait_until_live(console)
    post(admin, versions["coffee"], {"cups": 1}, "coffee@apsis.com")
    post(admin, versions["tea"], {"cups": 1}, "tea@apsis.com")
    wait_for_rows(console, "tea@apsis.com accepted")

    other = admin.post("/audience/sections", json={"name": "other section"}).json()["discriminator"]
    console.open(f"/console/live?section={other}")
    wait_until_live(console)
    post(admin, versions["coffee"], {"cups": 1}, "default@apsis.com")
    version = admin.make_version({"cups": "integer"}, section=other)
    answer = admin.post_events([event(version, {"cups": 1})], key="other@apsis.com", section=other)
    assert answer.status_code == 204
    wait_for_rows(console, "other@apsis.com accepted")
    assert other != DEFAULT_SECTION


def test_what_posts_contain_stays_text(console: Browser, admin: Client, versions: dict[str, str]) -> None:
    open_live(console)
    post(admin, versions["hostile"], {"text": HOSTILE}, "hostile@apsis.com")
    post(admin, versions["hostile"], {HOSTILE: HOSTILE}, "hostile@apsis.com", 400)
    wait_for_rows(console, "hostile@apsis.com refused", "hostile@apsis.com accepted")
    for summary in console.css("[data-live-list] summary"):
        summary.click()
    assert console.css("[data-live-list]")[0].text.count(HOSTILE) >= 2
    assert console.css("[data-live-list] img, [data-live-list] script") == []
    assert console.script("return window.__pwned") is None


def test_a_stream_that_breaks_says_so_and_comes_back(
    console: Browser, server: Server, admin: Client, versions: dict[str, str]
) -> None:
    """The last one here: the restart takes everybody's session."""
    open_live(console)
    server.stop()
    console.wait(lambda: console.css("[data-live-state]")[0].text == "Reconnecting", "it still looks live")
    server.start()
    # The session has ended, so it cannot continue by itself; it must not look as if it did. What the browser says
    # of that comes with it.
    console.wait(lambda: console.css("[data-live-state]")[0].text == "Disconnected", "it looks live")
    messages = console.complaints()
    assert all("/console/live" in message or "/console/sign-in" in message for message in messages), messages
    console.reload()
    assert console.heading == "Sign in"

"""Rejections by their cause: filtered, looked into, replayed and dismissed as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from browser import Browser
from console import sign_in
from ovation import DEFAULT_SECTION, Client, Server, event

Draft = tuple[str, Callable[[], None]]


def refuse(client: Client, version: str, key: str, data: dict[str, Any], count: int = 1) -> None:
    answer = client.post_events([event(version, data)] * count, key=key)
    assert answer.status_code == 400, answer.text


@pytest.fixture(scope="module")
def shop(admin: Client, server: Server) -> Client:
    """An API key that may not post to drafts."""
    key = admin.post("/account/api-keys", json={"name": "Web shop", "role": "integration"}).json()
    return server.client(type(server.credentials)(key["client_id"], key["client_secret"]))  # type: ignore[misc]


def draft(admin: Client, name: str) -> Draft:
    """A version that takes no events yet, and what makes it take them."""
    discriminator = admin.make_event_type({"cups": "integer"}, name=name)["discriminator"]
    path = f"/audience/sections/{DEFAULT_SECTION}/events/{discriminator}/versions"
    made = admin.post(path, json={"fields": {"cups": "integer", "milk": "string"}, "draft": True})
    assert made.status_code == 201, made.text
    version = made.json()["drafts"][0]["id"]

    def publish() -> None:
        answer = admin.post(f"{path}/{version}/publish")
        assert answer.status_code == 200, answer.text

    return str(version), publish


@pytest.fixture(autouse=True)
def nothing_open(admin: Client) -> None:
    for cause in admin.get("/audience/rejections/causes").json()["items"]:
        remaining = 1
        while remaining:
            answer = admin.request("DELETE", f"/audience/rejections/causes/{cause['cause']}")
            remaining = answer.json()["remaining"]


def causes(browser: Browser) -> list[tuple[str, str]]:
    """Code and number of rejections of each row."""
    rows = browser.css("main tbody tr")
    return [
        (row.find_element("css selector", "th code").text, row.find_element("css selector", "td.num").text)
        for row in rows
    ]


def test_rejections_are_grouped_and_filtered_by_item_code(console: Browser, admin: Client) -> None:
    version = admin.make_version({"cups": "integer"}, name="grouped")
    for number in range(101):
        refuse(admin, version, f"a{number}@apsis.com", {"cups": "two"})
    refuse(admin, version, "b@apsis.com", {"cups": 1, "milk": "yes"}, count=3)
    console.open("/console/rejections")
    assert console.has("link", "Rejections 102 open"), "the badge has all of them"
    assert causes(console) == [("wrong_type", "101"), ("unknown_field", "1")]
    assert "102 open rejections of 2 causes." in console.main
    console.choose("Item code", "unknown_field")
    console.press("Filter")
    assert causes(console) == [("unknown_field", "1")]
    console.follow("Clear filter")
    console.choose("Event type", "grouped")
    console.press("Filter")
    assert len(causes(console)) == 2
    console.choose("Item code", "nested_value")
    console.press("Filter")
    assert "No rejections match" in console.main
    console.follow("One by one")
    assert "No rejections match" in console.main, "the filter goes along"
    console.follow("Clear filter")
    assert len(console.css("main tbody tr")) == 50
    console.follow("By cause")
    console.follow("unknown_field /items/*/data/milk")
    assert console.heading == "unknown_field"
    [row] = console.css("main tbody tr")
    assert "b@apsis.com" in row.text and "/items/0/data/milk" in row.text


def replay_all(browser: Browser, admin: Client, shop: Client, name: str) -> None:
    version, publish = draft(admin, name)
    for number in range(3):
        refuse(shop, version, f"{name}{number}@apsis.com", {"cups": number})
    # The first thing wrong is the same; and there is another one.
    refuse(shop, version, f"{name}-bad@apsis.com", {"cups": "many"})
    publish()
    browser.open("/console/rejections")
    browser.follow("draft_version /items/*/version_id")
    browser.follow("Replay…")
    assert browser.heading == "Replay 4 rejections?"
    assert "3 rejections would pass now, with 3 events." in browser.main
    assert "1 rejection would be refused again." in browser.main
    assert "wrong_type" in browser.region("Reasons").text
    assert admin.list_events(key=f"{name}0@apsis.com") == [], "to look is not to post"
    browser.press("Replay 4 rejections")
    assert browser.heading == "Replayed"
    assert "3 rejections are replayed: 3 events are stored." in browser.main
    assert "1 rejection was refused again and stays open." in browser.main
    for number in range(3):
        [stored] = admin.list_events(key=f"{name}{number}@apsis.com")
        assert stored["data"] == {"cups": number}
    browser.follow("All causes")
    assert causes(browser) == [("draft_version", "1")]


def test_a_cause_is_previewed_and_replayed(console: Browser, admin: Client, shop: Client) -> None:
    replay_all(console, admin, shop, "previewed")


@pytest.fixture
def plain(browser: Browser, server: Server) -> Iterator[Browser]:
    browser.scripts(False)
    sign_in(browser, server)
    yield browser
    browser.scripts(True)


def test_a_cause_is_replayed_without_script(plain: Browser, admin: Client, shop: Client) -> None:
    replay_all(plain, admin, shop, "plain")


def test_a_long_replay_goes_on_by_itself_to_its_end(console: Browser, admin: Client, shop: Client) -> None:
    version, publish = draft(admin, "long")
    for _ in range(503):
        refuse(shop, version, "long@apsis.com", {"cups": 1})
    publish()
    console.open("/console/rejections")
    console.follow("draft_version /items/*/version_id")
    console.follow("Replay…")
    assert "Of the 500 that were checked:" in console.main
    console.press("Check the rest")
    assert "503 rejections would pass now, with 503 events." in console.main
    console.press("Replay 503 rejections")
    console.wait(lambda: console.heading == "Replayed", "it does not go on")
    assert "503 rejections are replayed: 503 events are stored." in console.main
    assert len(admin.list_events(key="long@apsis.com")) == 503


def test_a_long_replay_is_gone_on_with_by_hand(plain: Browser, admin: Client, shop: Client) -> None:
    version, publish = draft(admin, "by hand")
    for _ in range(503):
        refuse(shop, version, "hand@apsis.com", {"cups": 1})
    publish()
    plain.open("/console/rejections")
    plain.follow("draft_version /items/*/version_id")
    plain.follow("Replay…")
    plain.press("Replay 503 rejections")
    assert plain.heading == "Replaying" and "500 of 503 rejections" in plain.main
    plain.press("Go on")
    assert plain.heading == "Replayed" and "503 rejections are replayed: 503 events are stored." in plain.main


def test_a_cause_is_dismissed_up_to_what_was_seen(console: Browser, admin: Client) -> None:
    version = admin.make_version({"cups": "integer"}, name="dismissed")
    for _ in range(4):
        refuse(admin, version, "a@apsis.com", {"cups": "two"})
    refuse(admin, version, "b@apsis.com", {"milk": 1})
    console.open("/console/rejections")
    console.follow("wrong_type /items/*/data/cups")
    console.follow("Dismiss…")
    assert console.heading == "Dismiss 4 rejections?"
    console.follow("Cancel")
    assert console.heading == "wrong_type"
    console.follow("Dismiss…")
    refuse(admin, version, "late@apsis.com", {"cups": "two"})
    console.press("Dismiss 4 rejections")
    assert console.heading == "Rejections" and "4 rejections are dismissed." in console.main
    assert dict(causes(console)) == {"wrong_type": "1", "unknown_field": "1"}

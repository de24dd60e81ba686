"""Merging profiles in the console: what it would do, then it happens, and it is undone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from browser import Browser
from console import sign_in
from ovation import DEFAULT_SECTION, EMAIL, Client, Server

KEY = "merged@apsis.com"
WEB = "com.apsis1.keyspaces.web"


def profile(keyspace: str, key: str) -> str:
    return f"/audience/keyspaces/{keyspace}/profiles/{key}"


def address(admin: Client, keyspace: str, key: str) -> str:
    return f"/console/profiles/{admin.get(profile(keyspace, key)).json()['profile_id']}"


@pytest.fixture
def pair(admin: Client) -> Iterator[str]:
    """Two profiles with different first names. Address of the one with the e-mail address."""
    for keyspace, key, name in [(EMAIL, KEY, "Grace"), (WEB, "visitor", "Anna")]:
        path = f"{profile(keyspace, key)}/sections/{DEFAULT_SECTION}"
        made = admin.post(
            f"/audience/keyspaces/{keyspace}/sections/{DEFAULT_SECTION}/profiles", json={"profile_key": key}
        )
        assert made.status_code == 201, made.text
        values = {"com.apsis1.attributes.firstname": name}
        assert admin.request("PATCH", f"/v2{path}/attributes", json=values).status_code == 204
    yield address(admin, EMAIL, KEY)
    for keyspace, key in [(EMAIL, KEY), (WEB, "visitor")]:
        admin.request("DELETE", profile(keyspace, key))


def merge(browser: Browser, start: str) -> None:
    browser.open(start)
    browser.follow("Merge with another profile")
    browser.choose("Keyspace", "Web")
    browser.fill("Profile key", "visitor")
    browser.press("Show what it would do")


def test_a_merge_is_shown_done_and_undone(console: Browser, admin: Client, pair: str) -> None:
    before = address(admin, WEB, "visitor")
    merge(console, pair)
    assert "What would happen" in console.main
    assert console.row("First name").text.split() == ["First", "name", "Grace", "the", "canonical", "profile", "Anna"]
    assert address(admin, WEB, "visitor") == before, "nothing has happened yet"
    console.press("Merge")
    console.wait_for_text("The two are one profile.")
    assert console.path == pair and address(admin, WEB, "visitor") == pair
    members = console.region("Merged from").text
    assert KEY in members and "visitor" in members and "canonical" in members
    console.follow("Changes")
    assert "Merged with another profile" in console.main
    console.open(pair)
    console.follow("Undo… the merge of visitor")
    assert console.heading == "Undo the merge of visitor?"
    console.press("Undo the merge")
    console.wait_for_text("The merge is undone.")
    assert not console.has("region", "Merged from")
    assert address(admin, WEB, "visitor") == before


def test_what_is_wrong_is_said_in_the_form(console: Browser, admin: Client, pair: str) -> None:
    console.open(pair)
    console.follow("Merge with another profile")
    console.choose("Keyspace", "Mobile")
    console.fill("Profile key", "no number")
    console.expected_statuses = {400}
    console.press("Show what it would do")
    assert "There is a problem" in console.main and console.value("Profile key") == "no number"
    assert console.field("Profile key").get_attribute("aria-invalid") == "true"
    console.choose("Keyspace", "Email")
    console.fill("Profile key", "other@apsis.com")
    console.press("Show what it would do")
    assert "They cannot be merged." in console.main and not console.has("button", "Merge")
    assert admin.get(profile(EMAIL, "other@apsis.com")).status_code == 404
    console.follow("Name another one")
    assert console.value("Profile key") == ""


def test_masked_keys_and_values_stay_masked(console: Browser, pair: str) -> None:
    merge(console, pair)
    console.press("Merge")
    console.press("Mask profile keys")
    for path in [pair, f"{pair}/members/1/undo", f"{pair}/merge"]:
        console.open(path)
        assert not any(text in console.source for text in (KEY, "visitor", "Anna", "Grace")), path
    console.press("Show profile keys")


def test_it_works_without_script(browser: Browser, server: Server, admin: Client, pair: str) -> None:
    browser.scripts(False)
    try:
        sign_in(browser, server)
        merge(browser, pair)
        browser.press("Merge")
        assert "The two are one profile." in browser.main
        assert address(admin, WEB, "visitor") == pair
        browser.follow("Undo… the merge of visitor")
        browser.press("Undo the merge")
        assert "The merge is undone." in browser.main
    finally:
        browser.scripts(True)

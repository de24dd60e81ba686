"""Deleting and locking a profile in the console: first what goes is shown, and nothing happens before it is confirmed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from browser import Browser
from ovation import DEFAULT_SECTION, EMAIL, Client, assert_problem
from test_profile_merges import WEB, address, profile

KEY = "ending@apsis.com"


@pytest.fixture
def ending(admin: Client) -> Iterator[str]:
    """Address of a profile with a name."""
    made = admin.post(f"/audience/keyspaces/{EMAIL}/sections/{DEFAULT_SECTION}/profiles", json={"profile_key": KEY})
    assert made.status_code == 201, made.text
    path = f"/v2{profile(EMAIL, KEY)}/sections/{DEFAULT_SECTION}/attributes"
    assert admin.request("PATCH", path, json={"com.apsis1.attributes.firstname": "Grace"}).status_code == 204
    yield address(admin, EMAIL, KEY)
    admin.request("DELETE", profile(EMAIL, KEY))


def test_a_profile_is_deleted_when_that_is_confirmed(console: Browser, admin: Client, ending: str) -> None:
    console.open(ending)
    console.follow("Delete…")
    assert f"Delete {KEY}?" in console.main and "2 attributes" in console.main
    console.follow("Cancel")
    assert console.path == ending and admin.get(profile(EMAIL, KEY)).status_code == 200
    console.follow("Delete…")
    console.press("Delete the profile")
    console.wait_for_text("The profile is deleted.")
    assert_problem(admin.get(profile(EMAIL, KEY)), 404, "profile_not_found")
    assert admin.get("/audience/erasures").json()["items"][0]["removed"]["attributes"] <= 2


def test_what_was_merged_since_is_not_deleted_with_it(console: Browser, admin: Client, ending: str) -> None:
    console.open(ending + "/delete")
    keys = [(EMAIL, KEY), (WEB, "since")]
    merge = {"profiles": [{"keyspace_discriminator": keyspace, "profile_key": key} for keyspace, key in keys]}
    assert admin.request("PUT", "/audience/profiles/merges", json=merge).status_code == 204
    console.expected_statuses = {409}
    console.press("Delete the profile")
    console.wait_for_text("The profile has other keys meanwhile")
    assert admin.get(profile(WEB, "since")).status_code == 200


def test_a_profile_is_locked_for_good(console: Browser, admin: Client) -> None:
    key = "locked-for-good@apsis.com"
    made = admin.post(f"/audience/keyspaces/{EMAIL}/sections/{DEFAULT_SECTION}/profiles", json={"profile_key": key})
    assert made.status_code == 201, made.text
    console.open(address(admin, EMAIL, key))
    console.follow("Lock for good…")
    assert "answered 410" in console.main
    console.press("Lock the profile")
    console.wait_for_text("locked for good")
    assert_problem(admin.get(profile(EMAIL, key)), 410, "profile_locked")

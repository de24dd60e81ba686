"""Attributes of a profile: shown, edited with checks, masked; and what was changed of them."""

from __future__ import annotations

import pytest

from browser import Browser
from ovation import DEFAULT_SECTION, EMAIL, Client, event

KEY = "grace@apsis.com"
PLACE = f"/audience/keyspaces/{EMAIL}/profiles/{KEY}/sections/{DEFAULT_SECTION}/attributes"


def patch(admin: Client, **values: object) -> None:
    named = {f"com.apsis1.attributes.{name}": value for name, value in values.items()}
    assert admin.request("PATCH", "/v2" + PLACE, json=named).status_code == 204


def values(admin: Client) -> dict[str, object]:
    items = admin.get("/v2" + PLACE).json()["items"]
    return {item["discriminator"].removeprefix("com.apsis1.attributes."): item["value"] for item in items}


@pytest.fixture
def profile(admin: Client) -> str:
    """Address of the profile's page, with nothing but its key."""
    answer = admin.post(
        f"/audience/keyspaces/{EMAIL}/sections/{DEFAULT_SECTION}/profiles", json={"profile_key": KEY}
    )
    assert answer.status_code in (201, 409)
    patch(admin, firstname=None, lastname=None, mobile=None, birthdate=None, crmid=None)
    found = admin.get("/audience/profiles", params={"key": KEY, "exact": "true"}).json()["items"]
    return f"/console/profiles/{found[0]['profile_id']}"


def test_attributes_are_checked_and_saved_and_the_profile_has_a_name(
    console: Browser, admin: Client, profile: str
) -> None:
    console.open(profile)
    assert console.heading == f"Profile {KEY}"
    console.follow("Edit attributes")
    assert console.value("Email") == KEY and console.field("Email").get_attribute("readonly")
    console.fill("First name", "Grace")
    console.fill("Last name", "Hopper")
    console.fill("Birth date", "9 December 1906")
    console.fill("Mobile", "12")
    console.expected_statuses = {400}
    console.press("Check only")
    assert "There is a problem" in console.main
    assert console.field("Birth date").get_attribute("aria-invalid") == "true"
    assert console.field("Mobile").get_attribute("aria-invalid") == "true"
    assert console.field("First name").get_attribute("aria-invalid") is None
    assert console.value("Birth date") == "9 December 1906", "what was typed stays"
    console.fill("Birth date", "1906-12-09")
    console.fill("Mobile", "46793699558")
    console.press("Check only")
    console.wait_for_text("All values are valid. Nothing is stored yet.")
    assert values(admin) == {"email": KEY}
    console.press("Save attributes")
    console.wait_for_text("The attributes are saved.")
    assert console.heading == "Grace Hopper"
    assert values(admin) == {
        "email": KEY,
        "firstname": "Grace",
        "lastname": "Hopper",
        "birthdate": "1906-12-09",
        "mobile": 46793699558,
    }
    console.follow("Edit attributes")
    console.fill("Mobile", "")
    console.press("Save attributes")
    console.wait_for_text("The attributes are saved.")
    assert "mobile" not in values(admin)
    console.follow("Changes")
    rows = [row.text for row in console.css("table.data")[0].find_elements("css selector", "tbody tr")]
    assert rows == ["Mobile 46793699558 none"]


def test_the_second_person_to_save_sees_the_conflict(console: Browser, admin: Client, profile: str) -> None:
    console.open(profile)
    console.follow("Edit attributes")
    console.fill("First name", "Grace")
    patch(admin, firstname="Ada", lastname="Lovelace")
    console.expected_statuses = {409}
    console.press("Save attributes")
    assert "Somebody else has set it to ‘Ada’" in console.main
    assert console.value("First name") == "Grace" and values(admin)["firstname"] == "Ada"
    console.press("Save attributes")
    console.wait_for_text("The attributes are saved.")
    # What the person did not touch stays as the other has set it.
    assert values(admin)["firstname"] == "Grace" and values(admin)["lastname"] == "Lovelace"


def test_masked_values_are_shown_masked_and_cannot_be_edited(console: Browser, admin: Client, profile: str) -> None:
    patch(admin, firstname="Grace", lastname="Hopper")
    console.open(profile)
    console.press("Mask profile keys")
    assert "Hopper" not in console.source and "Grace" not in console.source
    console.follow("Edit attributes")
    assert "Hopper" not in console.source and not console.has("button", "Save attributes")
    assert "cannot be edited" in console.main
    console.press("Show profile keys")
    assert console.has("button", "Save attributes")


def test_tags_are_added_and_removed_with_a_click(console: Browser, admin: Client, profile: str) -> None:
    section = f"/audience/sections/{DEFAULT_SECTION}/tags"
    for body in [{"name": "Regular"}, {"name": "Secret", "is_hidden": True}]:
        answer = admin.post(section, json=body)
        assert answer.status_code == 201, answer.text
    tags = PLACE.removesuffix("attributes") + "tags"
    console.open(profile)
    assert not console.has("button", "Add the tag Secret"), "hidden ones are not offered"
    console.press("Add the tag Regular")
    console.wait_for_text("The tags are changed.")
    assert len(admin.get(tags).json()) == 1
    console.press("Remove the tag Regular")
    assert console.has("button", "Add the tag Regular")
    assert admin.get(tags).json() == {}
    console.follow("Changes")
    assert [heading.text for heading in console.css("ol.timeline h2")][:2] == ["tag Regular changed"] * 2


def test_changes_stand_among_the_events(console: Browser, admin: Client, profile: str) -> None:
    version = admin.make_version({"text": "string"}, name="bread sold")
    patch(admin, firstname="Ada")
    # Of this moment, as the server sees it: between the two changes.
    changed = admin.get(PLACE.replace("attributes", "changes")).json()["items"][0]["event_time"]
    assert admin.post_events([event(version, {"text": "rye"}, changed)], key=KEY).status_code == 204
    patch(admin, firstname="Grace", lastname="Hopper")
    for has_script in (True, False):
        console.scripts(has_script)
        console.open(profile)
        headings = console.script("return [...document.querySelectorAll('#timeline h3')].map((e) => e.textContent)")
        place = headings.index("bread sold")
        assert headings[place - 1 : place + 2] == ["First name, Last name changed", "bread sold", "First name changed"]
        article = console.css("#timeline article")[place - 1]
        [table] = console.css("details:not([open]) table", article)
        assert not table.is_displayed(), "it is folded"
        console.click("disclosure", "Before and after", article)
        assert [cell.text for cell in console.css("td", table)] == ["Ada", "Grace", "none", "Hopper"]
    console.scripts(True)
    console.open(profile)
    console.click("disclosure", "All event types")
    assert "Changes of the profile are shown where no type is chosen." in console.main
    console.tick("bread sold")
    console.press("Filter")
    assert "First name changed" not in console.main and "rye" in console.main

"""Attributes and tags over their life: made, changed by two people at once, drafted, published, deprecated, removed."""

from __future__ import annotations

from typing import Any

from browser import Browser
from ovation import DEFAULT_SECTION, Client

LIST = f"/console/sections/{DEFAULT_SECTION}/attributes"
TAGS = f"/console/sections/{DEFAULT_SECTION}/tags"
API = f"/audience/sections/{DEFAULT_SECTION}"


def make(admin: Client, name: str, type: str = "string") -> str:
    answer = admin.post(f"{API}/attributes", json={"name": name, "type": type})
    assert answer.status_code == 201, answer.text
    return answer.json()["discriminator"]


def get(admin: Client, discriminator: str) -> dict[str, Any]:
    answer = admin.get(f"{API}/attributes/{discriminator}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def states(browser: Browser) -> list[str]:
    """The versions on the page of an attribute: state and type."""
    return [
        f"{browser.css('.chip', row)[0].text}: {browser.css('td', row)[1].text}"
        for row in browser.css("section[aria-labelledby=versions] tbody tr")
    ]


def act(browser: Browser, verb: str, version: str) -> None:
    """Publishes, deprecates or discards a version, after its question."""
    kind = verb.split()[0]
    browser.follow(f"{verb}… version {version}")
    assert browser.heading.startswith(f"{kind} ") and browser.heading.endswith("?")
    browser.press(f"{kind} version {version}" + (" again" if "again" in verb else ""))


def test_an_attribute_is_made_and_changed_with_its_preview(console: Browser, admin: Client) -> None:
    console.open(f"/console/sections/{DEFAULT_SECTION}/event-types")
    console.follow("Attributes")
    assert console.heading == "Attributes" and "com.apsis1.attributes.email" in console.main
    console.follow("Create an attribute")
    console.fill("Name", "Favourite cake")
    console.wait(
        lambda: "usercreated.attributes.favourite_cake-" in console.region("Preview").text, "the preview does not follow"
    )
    console.press("Create attribute")
    assert console.heading == "Favourite cake" and states(console) == ["current: string"]
    console.follow("Edit")
    console.fill("Description", "As the customer chose it")
    console.wait(lambda: "No new version" in console.region("What changes").text, "the preview does not follow")
    console.choose("Type", "date: a text such as 1993-03-07")
    console.wait(lambda: "string → date" in console.region("What changes").text, "the preview does not follow")
    console.press("Save changes")
    assert console.heading == "Change ‘Favourite cake’?" and "gets 400" in console.main
    console.press("Save changes")
    console.wait_for_text("has a new version")
    assert states(console) == ["current: date", "deprecated: string"]
    assert "As the customer chose it" in console.main


def test_of_two_who_edit_an_attribute_the_second_is_told(console: Browser, admin: Client) -> None:
    discriminator = make(admin, "edited twice")
    console.open(f"{LIST}/{discriminator}/edit")
    answer = admin.request("PATCH", f"{API}/attributes/{discriminator}", json={"name": "by another"})
    assert answer.status_code == 200, answer.text
    console.fill("Name", "by me")
    console.expected_statuses = {409}
    console.press("Save changes")
    [warning] = console.css("[role=alert]")
    assert "Another person changed this attribute" in warning.text
    assert console.value("Name") == "by me", "the input is kept"
    console.press("Save changes")
    assert console.heading == "by me"


def test_versions_are_drafted_published_deprecated_and_discarded(console: Browser, admin: Client) -> None:
    discriminator = make(admin, "drafted")
    first = get(admin, discriminator)["versions"][0]["id"]
    console.open(f"{LIST}/{discriminator}/edit")
    console.choose("Type", "boolean: true or false")
    console.press("Save as draft version")
    console.wait_for_text("The draft of ‘drafted’ is saved.")
    assert states(console) == ["current: string", "draft: boolean"]
    draft = get(admin, discriminator)["drafts"][0]["id"]
    act(console, "Publish", draft)
    assert states(console) == ["current: boolean", "deprecated: string"]
    act(console, "Publish again", first)
    assert states(console) == ["current: string", "deprecated: boolean"]
    act(console, "Deprecate", first)
    assert "current" not in " ".join(states(console))
    assert all(version["deprecated_at"] for version in get(admin, discriminator)["versions"])
    console.follow("Remove…")
    console.press("Remove attribute")
    console.wait_for_text("‘drafted’ is removed.")
    console.open("/console/history")
    assert "Removed the attribute ‘drafted’." in console.main


def test_a_default_attribute_has_no_way_to_be_removed(console: Browser) -> None:
    console.open(f"{LIST}/com.apsis1.attributes.mobile")
    assert console.has("link", "Edit") and not console.has("link", "Remove…")


def test_a_tag_is_made_found_hidden_and_removed_in_its_list(console: Browser, admin: Client) -> None:
    for number in range(120):
        assert admin.post(f"{API}/tags", json={"name": f"numbered {number}"}).status_code == 201
    console.open(LIST)
    console.follow("Tags")
    console.fill("Name of the new tag", "Regular guest")
    console.press("Create tag")
    console.wait_for_text("The tag ‘Regular guest’ is created.")
    assert len(console.css("main tbody tr")) == 100 and "of 121" in console.main
    console.follow("Next page")
    assert len(console.css("main tbody tr")) == 21
    console.fill("Search by name or discriminator", "regular")
    console.press("Search")
    assert len(console.css("main tbody tr")) == 1
    console.tick("Regular guest is hidden")
    console.press("Save Regular guest")
    console.wait_for_text("The tag ‘Regular guest’ is changed.")
    hidden = [item["name"] for item in admin.get(f"{API}/tags").json()["items"] if item.get("is_hidden")]
    assert hidden == ["Regular guest"]
    console.open(f"{TAGS}?q=regular")
    console.follow("Remove… Regular guest")
    assert console.heading == "Remove ‘Regular guest’?"
    console.press("Remove tag")
    console.wait_for_text("‘Regular guest’ is removed.")
    assert all(item["name"] != "Regular guest" for item in admin.get(f"{API}/tags").json()["items"])

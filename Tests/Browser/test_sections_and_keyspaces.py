"""Sections and keyspaces: made and renamed, with discriminators that stay."""

from __future__ import annotations

import re

from browser import Browser
from ovation import Client, event


def items(admin: Client, path: str) -> dict[str, str]:
    """Names by discriminator."""
    return {item["discriminator"]: item["name"] for item in admin.get(path).json()["items"]}


def test_a_section_is_made_renamed_and_chosen(console: Browser, admin: Client) -> None:
    before = items(admin, "/audience/sections")
    console.follow("Sections")
    console.fill("Name of the new section", "Coffee shop")
    console.press("Create section")
    assert console.heading == "Create the section ‘Coffee shop’?" and "cannot be removed" in console.main
    assert items(admin, "/audience/sections") == before, "it is asked first"
    console.press("Create section")
    console.wait_for_text("The section ‘Coffee shop’ is created.")
    [discriminator] = items(admin, "/audience/sections").keys() - before.keys()
    assert console.row(discriminator)
    console.fill("Name of Coffee shop", "Café")
    console.press("Rename Coffee shop")
    console.wait_for_text("The section is called ‘Café’ now.")
    assert items(admin, "/audience/sections")[discriminator] == "Café"
    # Chosen at the top, where there is something to choose, it is what the pages are about.
    assert not console.has("disclosure", re.compile("^Section")), "this page is of all sections"
    console.follow("Event types")
    console.click("disclosure", re.compile("^Section"))
    console.follow(re.compile(f"^Café ?{discriminator}$"))
    assert console.heading == "Event types"
    assert console.css("#section-discriminator")[0].text == discriminator
    assert "No event types in this section yet" in console.main
    console.follow("Create a custom event", console.css(".head")[0])
    assert discriminator in console.path and "Café" in console.main


def test_a_section_without_a_name_is_not_made(console: Browser, admin: Client) -> None:
    before = items(admin, "/audience/sections")
    console.open("/console/sections")
    console.expected_statuses = {400}
    console.fill("Name of the new section", " ")
    console.press("Create section")
    assert "There is a problem" in console.main
    name = next(iter(before.values()))
    console.fill(f"Name of {name}", "x" * 201)
    console.press(f"Rename {name}")
    assert "There is a problem" in console.main
    assert items(admin, "/audience/sections") == before


def test_a_keyspace_is_made_and_changed(console: Browser, admin: Client) -> None:
    before = items(admin, "/audience/keyspaces")
    console.follow("Keyspaces")
    console.fill("Name of the new keyspace", "Loyalty card")
    console.choose("Key format", console.css("#key_format option[value=text]")[0].text)
    console.press("Create keyspace")
    console.press("Create keyspace")
    console.wait_for_text("The keyspace ‘Loyalty card’ is created.")
    [discriminator] = items(admin, "/audience/keyspaces").keys() - before.keys()
    console.fill("Name of Loyalty card", "Club card")
    console.tick("Loyalty card manages subscriptions")
    console.press("Save Loyalty card")
    console.wait_for_text("The keyspace ‘Club card’ is changed.")
    assert console.field("Club card manages subscriptions").is_selected()
    assert items(admin, "/audience/keyspaces")[discriminator] == "Club card"
    # It is there wherever keyspaces are chosen, and it works.
    version = admin.make_version({"cups": "integer"}, keyspaces=[discriminator])
    assert admin.post_events([event(version, {"cups": 1})], keyspace=discriminator, key="0042").status_code == 204
    console.follow("Profiles")
    console.choose("Keyspace", "Club card")
    console.fill("Profile key or value", "0042")
    console.press("Search")
    assert console.heading == "Profile 0042"

"""Event types over their life: made, changed by two people at once, drafted, published, deprecated, removed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from browser import Browser
from ovation import DEFAULT_SECTION, EMAIL, Client, Server, event, run

LIST = f"/console/sections/{DEFAULT_SECTION}/event-types"


def make(admin: Client, name: str, **fields: object) -> str:
    return admin.make_event_type(fields or {"cups": "integer"}, name=name, keyspaces=[EMAIL])["discriminator"]


def get(admin: Client, discriminator: str) -> dict[str, Any]:
    answer = admin.get(f"/audience/sections/{DEFAULT_SECTION}/events/{discriminator}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def preview(browser: Browser) -> str:
    return browser.region("What changes").text


def wait_for_preview(browser: Browser, text: str) -> None:
    browser.wait(lambda: text in preview(browser), f"the preview does not say '{text}'")


def states(browser: Browser) -> list[str]:
    """The versions on the page of an event type: state and fields."""
    return [
        f"{browser.css('.chip', row)[0].text}: {', '.join(code.text for code in browser.css('.fields code', row))}"
        for row in browser.css("section[aria-labelledby=versions] tbody tr")
    ]


def history(browser: Browser) -> list[str]:
    return [line.text for line in browser.css("ol.lines li p:first-child")]


def act(browser: Browser, verb: str, version: str) -> None:
    """Publishes, deprecates or discards a version, after its question."""
    kind = verb.split()[0]
    browser.follow(f"{verb}… version {version}")
    assert browser.heading.startswith(f"{kind} ") and browser.heading.endswith("?")
    browser.press(f"{kind} version {version}" + (" again" if "again" in verb else ""))


def save_what_breaks(browser: Browser) -> None:
    """An edit that integrations will notice."""
    browser.press("Save changes")
    assert browser.heading.startswith("Change ‘") and "gets 400" in browser.main
    browser.press("Save changes")


# MARK: The form


def test_a_form_with_mistakes_says_at_each_what_is_wrong(console: Browser, admin: Client) -> None:
    console.open(f"{LIST}/new")
    console.fill("Name", "x" * 201)
    console.choose("Category", "signal")
    console.fill("Name of field 1", "twice")
    console.click("button", "Add a field")
    console.fill("Name of field 2", "twice")
    console.wait(lambda: "Not ready to be saved" in console.region("Preview").text, "the preview finds nothing wrong")
    console.expected_statuses = {400, 413}
    console.press("Create event type")
    assert "There is a problem" in console.main
    assert console.value("Name") == "x" * 201, "what was typed is kept"
    assert console.value("Name of field 2") == "twice"
    # The list of mistakes leads to them.
    [summary] = console.css("[data-errors]")
    assert console.driver.switch_to.active_element == summary
    links = console.all("link", within=summary)
    assert links
    links[0].click()
    focused = console.driver.switch_to.active_element
    assert focused.get_attribute("aria-invalid") == "true"
    described = focused.get_attribute("aria-describedby") or ""
    assert any(console.css(f"[id='{part}'].error") for part in described.split()), "and each is said beside its control"
    console.fill("Name", "mended")
    console.click("button", "Remove field 2")
    console.press("Create event type")
    assert console.heading == "mended"
    assert any(
        item["name"] == "mended" for item in admin.get(f"/audience/sections/{DEFAULT_SECTION}/events").json()["items"]
    )


def test_rows_of_fields_can_be_added_and_removed_in_any_order(console: Browser, admin: Client) -> None:
    console.open(f"{LIST}/new")
    console.fill("Name", "rows")
    console.choose("Category", "conversion")
    for number in range(1, 5):
        if number > 1:
            console.click("button", "Add a field")
        console.fill(f"Name of field {number}", f"field{number}")
        if number % 2 == 0:
            console.choose(f"Type of field {number}", "boolean")
            console.tick(f"Field {number} is required")
    console.click("button", "Remove field 3")
    console.click("button", "Remove field 1")
    assert not console.has("field", "Name of field 3")
    console.wait(
        lambda: (
            console.has("code", "Preview of the JSON")
            and json.loads(console.find("code", "Preview of the JSON").text)["versions"][0]["type"]
            == {"field2": "boolean", "field4": "boolean", "source": "string"}
        ),
        "the preview does not follow",
    )
    console.press("Create event type")
    assert states(console) == ["current: field2, field4, source"]
    assert console.css("section[aria-labelledby=versions] tbody tr")[0].text.count("required") == 2


# MARK: Two people


def test_of_two_who_edit_at_once_the_second_is_told_and_nothing_is_lost(console: Browser, admin: Client) -> None:
    discriminator = make(admin, "edited twice")
    second = console.driver.current_window_handle
    console.open(f"{LIST}/{discriminator}/edit")
    console.driver.switch_to.new_window("tab")
    console.open(f"{LIST}/{discriminator}/edit")
    console.click("button", "Add a field")
    console.fill("Name of field 2", "fromTheFirst")
    console.press("Save changes")
    assert states(console)[0] == "current: cups, fromTheFirst, source"

    console.driver.switch_to.window(second)
    console.click("button", "Add a field")
    console.fill("Name of field 2", "fromTheSecond")
    console.fill("Description", "typed by the second")
    console.expected_statuses = {409}
    console.press("Save changes")
    [warning] = console.css("[role=alert]")
    assert "Another person changed this event type" in warning.text
    assert "Administrator" in warning.text, "who it was"
    assert "Added version" in warning.text, "and what"
    assert console.value("Name of field 2") == "fromTheSecond", "the input is kept"
    assert console.value("Description") == "typed by the second"
    saved = json.dumps(get(admin, discriminator))
    assert "fromTheFirst" in saved and "fromTheSecond" not in saved, "and nothing is saved yet"

    save_what_breaks(console)
    assert console.heading == "edited twice"
    assert states(console) == [
        "current: cups, fromTheSecond, source",
        "deprecated: cups, fromTheFirst, source",
        "deprecated: cups, source",
    ]
    assert "typed by the second" in console.main


# MARK: Versions


def test_an_edit_shows_what_it_changes_and_breaks_and_makes_a_version(console: Browser, admin: Client) -> None:
    discriminator = make(admin, "coffee bought", cups="integer", milk="boolean")
    first = get(admin, discriminator)["versions"][0]["id"]
    assert admin.post_events([event(first, {"cups": 1, "milk": True})]).status_code == 204
    console.open(f"{LIST}/{discriminator}/edit")
    console.fill("Description", "A cup of it")
    wait_for_preview(console, "No new version")
    console.choose("Type of field 1", "string")
    console.click("button", "Remove field 2")
    wait_for_preview(console, "Makes a new version")
    wait_for_preview(console, "What this breaks")
    assert "cups" in preview(console) and "milk" in preview(console)
    console.press("Save changes")
    assert "cups changes its type" in console.main and "milk is gone" in console.main
    console.press("Back to the form")
    assert console.value("Description") == "A cup of it", "what was typed is there"
    save_what_breaks(console)
    console.wait_for_text("has a new version")
    assert states(console) == ["current: cups, source", "deprecated: cups, milk, source"]
    assert "A cup of it" in console.main
    # What was posted stays, and the old version still takes events.
    assert admin.post_events([event(first, {"cups": 2, "milk": True})]).status_code == 204
    console.reload()
    assert "2" in console.row(first).text
    assert any("Added version" in line for line in history(console))


def test_saving_without_a_change_changes_nothing(console: Browser, admin: Client) -> None:
    discriminator = make(admin, "unchanged")
    before = get(admin, discriminator)
    console.open(f"{LIST}/{discriminator}/edit")
    console.press("Save changes")
    console.wait_for_text("Nothing was different, so nothing was changed.")
    assert get(admin, discriminator) == before


def test_a_draft_is_out_of_sight_until_it_is_published(console: Browser, admin: Client) -> None:
    discriminator = make(admin, "drafted")
    console.open(f"{LIST}/{discriminator}/edit")
    console.click("button", "Add a field")
    console.fill("Name of field 2", "later")
    console.press("Save as draft version")
    console.wait_for_text("The draft of ‘drafted’ is saved.")
    assert states(console) == ["current: cups, source", "draft: cups, later, source"]
    assert "later" not in admin.get(f"/audience/sections/{DEFAULT_SECTION}/events").text
    act(console, "Publish", console.css("tbody tr:nth-child(2) th code")[0].text)
    console.wait_for_text("is published and current now.")
    assert states(console) == ["current: cups, later, source", "deprecated: cups, source"]

    # Another draft, thought better of.
    console.follow("Edit")
    console.click("button", "Remove field 2")
    console.press("Save as draft version")
    draft = console.css("tbody tr:nth-child(2) th code")[0].text
    act(console, "Discard", draft)
    console.wait_for_text(f"Version {draft} is discarded.")
    assert states(console)[0] == "current: cups, later, source"
    assert "draft" not in " ".join(states(console))


def test_a_new_event_type_can_begin_as_a_draft(console: Browser, admin: Client) -> None:
    console.open(f"{LIST}/new")
    console.fill("Name", "begun")
    console.choose("Category", "signal")
    console.fill("Name of field 1", "page")
    console.press("Save as draft")
    assert states(console) == ["draft: page, source"]
    assert "There is no current version to post with." in console.main
    act(console, "Publish", console.css("tbody th code")[0].text)
    assert states(console) == ["current: page, source"]


def test_deprecating_the_current_version_leaves_none_to_pick(console: Browser, admin: Client) -> None:
    discriminator = make(admin, "deprecated")
    version = get(admin, discriminator)["versions"][0]["id"]
    console.open(f"{LIST}/{discriminator}")
    console.follow(f"Deprecate… version {version}")
    assert "stop posting" in console.main and "publish version" in console.main
    console.follow("Cancel")
    assert states(console) == ["current: cups, source"], "it is asked first"
    act(console, "Deprecate", version)
    console.wait_for_text("is deprecated.")
    assert states(console) == ["deprecated: cups, source"]
    assert get(admin, discriminator)["versions"][0]["deprecated_at"] is not None
    assert admin.post_events([event(version, {"cups": 1})], key="late@apsis.com").status_code == 204
    # And back.
    console.reload()
    act(console, "Publish again", version)
    assert states(console) == ["current: cups, source"]
    assert get(admin, discriminator)["versions"][0]["deprecated_at"] is None
    assert any("again" in line for line in history(console))


def test_removing_asks_first_and_is_remembered(console: Browser, admin: Client) -> None:
    discriminator = make(admin, "short-lived")
    version = get(admin, discriminator)["versions"][0]["id"]
    assert admin.post_events([event(version, {"cups": 1})], key="kept@apsis.com").status_code == 204
    console.open(f"{LIST}/{discriminator}")
    console.follow("Remove…")
    assert console.heading == "Remove ‘short-lived’?"
    assert "1 event of it is stored" in console.main and "stay readable" in console.main
    console.follow("Cancel")
    assert console.heading == "short-lived"
    console.follow("Remove…")
    console.press("Remove event type")
    console.wait_for_text("‘short-lived’ is removed.")
    rows = [row.text for row in console.css("main tbody tr")]
    assert not any("short-lived" in row for row in rows)
    assert admin.post_events([event(version, {"cups": 1})], key="kept@apsis.com").status_code != 204
    console.follow("History")
    assert "Removed the event type ‘short-lived’." in console.main
    assert "Created the event type ‘short-lived’." in console.main
    # It can still be looked at, and nothing more.
    console.open(f"{LIST}?removed=1")
    console.follow("short-lived")
    assert "was removed at" in console.main
    assert not console.has("link", "Edit") and not console.has("link", "Remove…")
    assert "short-lived" in console.main and "cups" in console.main


# MARK: The model as a file


def test_the_model_comes_as_a_file_that_changes_nothing(
    console: Browser, server: Server, admin: Client, tmp_path: Path
) -> None:
    make(admin, "in the file", cups="integer", milk="boolean")
    console.command("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path))
    console.open(LIST)
    console.click("link", "Download model.yaml")
    file = tmp_path / "model.yaml"
    console.wait(file.exists, "nothing was downloaded")
    model = yaml.safe_load(file.read_text())
    assert any(item["name"] == "in the file" for section in model["sections"] for item in section["event_types"])
    credentials = admin.credentials
    result = run(
        "model",
        "plan",
        file,
        "--url",
        server.url,
        home=tmp_path,
        env={"OVATION_CLIENT_ID": credentials.client_id, "OVATION_CLIENT_SECRET": credentials.client_secret},
    )
    assert result.returncode == 0, result.stderr
    assert "Nothing to do" in result.stdout, result.stdout


def test_history_goes_back_page_by_page(console: Browser, admin: Client) -> None:
    for number in range(60):
        answer = admin.post("/audience/sections", json={"name": f"numbered {number}"})
        assert answer.status_code == 201, answer.text
    console.open("/console/history")
    seen: list[int] = []
    while True:
        seen += [int(cell.text.replace(",", "")) for cell in console.css("main tbody td:first-child")]
        if not console.has("link", "Older entries"):
            break
        console.follow("Older entries")
    assert seen == list(range(seen[0], 0, -1)), "every entry once, the newest first"
    console.follow("Newest entries")
    assert console.path == "/console/history"

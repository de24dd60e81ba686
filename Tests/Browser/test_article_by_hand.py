"""The vendor's article, followed in the console with mouse and keyboard, from the printed link to Steve's timeline."""

from __future__ import annotations

import json
from pathlib import Path

from selenium.webdriver import Keys

from browser import Browser
from console import one_time_link, shell
from ovation import DEFAULT_SECTION, EMAIL, Server

FIELDS = {
    "myNumberField": "integer",
    "myNumberWithDecimalField": "double",
    "myTextField": "string",
    "myTrueFalseField": "boolean",
}


def previewed_discriminator(browser: Browser) -> str:
    codes = browser.css("code.break", browser.region("Preview"))
    return codes[0].text if codes else ""


def create_the_custom_event(browser: Browser) -> str:
    """Fills in the form as the article shows it; gives the discriminator that the preview shows."""
    browser.field("Name").click()
    # From field to field by the tabulator, in selects by the first letters.
    browser.keys("my transaction", Keys.TAB, "transaction", Keys.TAB, Keys.TAB)
    for number, (name, kind) in enumerate(FIELDS.items(), start=1):
        if number > 1:
            browser.click("button", "Add a field")
        browser.wait(
            lambda: browser.driver.switch_to.active_element.accessible_name == f"Name of field {number}",
            f"the name of field {number} has no focus",
        )
        browser.keys(name, Keys.TAB)
        browser.choose(f"Type of field {number}", kind)
    browser.tick("Email: read")
    browser.tick("Email: write")
    browser.wait(lambda: "myTrueFalseField" in browser.region("Preview").text, "the preview does not follow")
    preview = json.loads(browser.find("code", "Preview of the JSON").text)
    assert preview["name"] == "my transaction"
    assert preview["versions"][0]["type"] == {**FIELDS, "source": "string"}
    assert preview["discriminator"] == previewed_discriminator(browser)
    return preview["discriminator"]


def copied(browser: Browser, button: str) -> str:
    browser.click("button", button)
    browser.wait(lambda: any(e.text == "Copied" for e in browser.css("button.copy")), "nothing was copied")
    return browser.pasted()


def test_the_article_can_be_followed_without_leaving_the_console(
    browser: Browser, server: Server, tmp_path: Path
) -> None:
    # In by the printed link.
    browser.url = server.url
    browser.open(one_time_link(server))
    assert (browser.path, browser.heading) == ("/console", "Overview")

    # An empty server says what to do.
    steps = [heading.text for heading in browser.css(".steps h3")]
    assert steps == [
        "Create a custom event",
        "Create an API key and fetch a token",
        "Post an event to a profile",
    ]
    browser.follow("Create a custom event")
    assert browser.heading == "Create a custom event"

    # The custom event.
    discriminator = create_the_custom_event(browser)
    assert discriminator.startswith("com.apsis1.events.transaction.custom-my-transaction-")
    browser.press("Create event type")
    assert browser.heading == "my transaction"
    browser.wait_for_text("‘my transaction’ is created.")
    assert browser.css("#discriminator")[0].text == discriminator, "what was previewed is what was made"
    assert server.client().get(f"/audience/sections/{DEFAULT_SECTION}/events/{discriminator}").status_code == 200
    post_command = copied(browser, "Copy command")
    assert discriminator in browser.path and EMAIL in post_command

    # A key for the integration, and the command that fetches a token.
    browser.follow("Overview")
    assert browser.css(".steps li")[0].get_attribute("class") == "done"
    browser.follow("Create an API key")
    browser.fill("Name", "web shop")
    assert browser.field("integration").is_selected()
    browser.limit_to_nothing()
    browser.press("Create API key")
    assert browser.heading == "API key created"
    token_command = copied(browser, "Copy command")

    # Both commands in a terminal.
    result = shell(f"{token_command}\n{post_command}\n", tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.startswith("HTTP/1.1 204 "), f"{token_command}\n{post_command}\n{result.stdout}"

    # Steve, by his e-mail address.
    browser.follow("Profiles")
    browser.field("Profile key or value").send_keys("steve@apsis.com", Keys.ENTER)
    browser.wait_for_heading("Profile steve@apsis.com")
    browser.settle()
    [event] = browser.css("#timeline article")
    cells = [[cell.text for cell in browser.css("th, td", row)] for row in browser.css("tbody tr", event)]
    assert cells == [
        ["myNumberField", "integer", "27183"],
        ["myNumberWithDecimalField", "double", "213.21"],
        ["myTextField", "string", "some transaction"],
        ["myTrueFalseField", "boolean", "false"],
        ["source", "string", "some web shop"],
    ]
    assert "1 event in this section" in browser.region("Summary").text

    # And the overview has it.
    browser.follow("Overview")
    tiles = {lines[0]: lines[1] for lines in (tile.text.split("\n") for tile in browser.css("figure.tile"))}
    assert tiles["Accepted"] == "1" and set(tiles.values()) == {"1", "0"}, tiles
    assert ["my transaction", "1"] in [
        [browser.css("th a", row)[0].text, browser.css("td", row)[0].text] for row in browser.css("table.bars tbody tr")
    ]

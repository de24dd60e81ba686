"""A stranger at an abandoned screen gets no API key: the console asks for the secret again."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from browser import Browser
from console import sign_in
from ovation import Server


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """With a clock that the test sets."""
    library, clock = tmp_path / "clock.so", tmp_path / "clock"
    source = Path(__file__).with_name("clock.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    clock.write_text("0")
    server = Server(tmp_path / "server", env={"LD_PRELOAD": str(library), "CLOCK_FILE": str(clock)}).start()
    yield server
    server.stop()


def later(server: Server, seconds: int) -> None:
    clock = Path(server.env["CLOCK_FILE"])
    new = clock.with_suffix(".new")
    new.write_text(str(seconds))
    os.replace(new, clock)


def test_a_key_is_made_after_the_secret_was_given_again(browser: Browser, server: Server) -> None:
    sign_in(browser, server)
    browser.open("/console/keys/new")
    browser.fill("Name", "found on a screen")
    browser.limit_to_nothing()
    later(server, 301)
    browser.press("Create API key")
    assert browser.heading == "Show that it is you"
    assert server.client().get("/account/api-keys").text.count("client_id") == 1

    browser.fill("Client secret", "not-the-secret")
    browser.press("Go on")
    assert "The client secret is wrong" in browser.main and browser.heading == "Show that it is you"

    browser.fill("Client secret", server.credentials.client_secret)
    browser.press("Go on")
    assert "found on a screen" in browser.main
    assert len(browser.css("#client-secret")[0].text) == 64
    assert server.credentials.client_secret not in browser.driver.page_source

    # For five minutes it is not asked for again.
    browser.follow("Back to API keys")
    browser.follow("Rotate… found on a screen")
    browser.press("Rotate secret")
    assert len(browser.css("#client-secret")[0].text) == 64
    later(server, 700)
    browser.open("/console/keys")
    browser.follow("Revoke… found on a screen")
    browser.press("Revoke API key")
    assert browser.heading == "Show that it is you"
    browser.follow("Cancel")
    # A browser says of each page that it is no 200.
    assert [complaint for complaint in browser.complaints() if not re.search("40[13]", complaint)] == []
    assert browser.heading == "API keys" and "revoked" not in browser.row("found on a screen").text

"""The overview: what it says of the last hour, whatever has become of the server and of the posts meanwhile."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from browser import Browser
from console import sign_in
from ovation import DEFAULT_SECTION, Client, Server, event


def tiles(browser: Browser) -> dict[str, tuple[str, str]]:
    """Number and caption of each tile."""
    lines = [tile.text.split("\n") for tile in browser.css("figure.tile")]
    return {label: (number, caption) for label, number, caption in lines}


def bars(browser: Browser) -> list[list[str]]:
    rows = browser.css("table.bars tbody tr")
    return [[browser.css("th a", row)[0].text, browser.css("td", row)[0].text] for row in rows]


def post(admin: Client, version: str, key: str, status: int, *events: object, **headers: str) -> None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    answer = admin.post_events([event(version, data) for data in events], key=key, headers=named)
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_after_a_restart_the_hour_is_there(browser: Browser, start_server: Callable[..., Server], end: str) -> None:
    server = start_server()
    admin = server.client()
    type_ = admin.make_event_type({"cups": "integer"}, name="coffee bought")
    version = type_["versions"][0]["id"]
    sign_in(browser, server)
    assert "No events are stored. Three steps lead to one." in browser.main
    assert browser.css("figure.tile") == []

    # Something was refused, and nothing else: that is no reason to say that nothing ever came.
    post(admin, version, "a@apsis.com", 400, {"cups": "two"}, {"cups": 1})
    browser.reload()
    assert "No events are stored" not in browser.main
    assert tiles(browser)["Refused"] == ("2", "At most 2 in a minute.")
    assert tiles(browser)["Accepted"] == ("0", "None counted.")
    assert "No accepted event is counted in these 60 minutes." in browser.region("Accepted by event type").text

    for _ in range(3):
        post(admin, version, "a@apsis.com", 204, {"cups": 1}, {"cups": 2}, Idempotency_Key="once")
    getattr(server, end)()
    server.start()
    # Sessions of the console end with the process.
    sign_in(browser, server)
    numbers = {label: number for label, (number, _) in tiles(browser).items()}
    assert numbers == {"Accepted": "2", "Refused": "2", "Duplicates": "4"}
    assert bars(browser) == [["coffee bought", "2"]]
    assert "Counted since" in browser.main, "the store is younger than the hour"

    # Once it is put right, nothing is open; it was refused all the same.
    admin = server.client()
    rejection = admin.get("/audience/rejections").json()["items"][0]["id"]
    replay = f"/audience/sections/{DEFAULT_SECTION}/rejections/{rejection}/replay"
    items = [event(version, {"cups": 2}), event(version, {"cups": 1})]
    assert admin.post(replay, json={"items": items}).status_code == 204
    removed = admin.request("DELETE", f"/audience/sections/{DEFAULT_SECTION}/events/{type_['discriminator']}")
    assert removed.status_code == 204
    browser.reload()
    refusals = browser.region("Open rejections").text
    assert "No rejection is open." in refusals and "No post was refused" not in browser.main
    assert {label: number for label, (number, _) in tiles(browser).items()}["Accepted"] == "4"
    assert bars(browser) == [["coffee bought", "4"]]
    assert "removed" in browser.css("table.bars tbody tr")[0].text

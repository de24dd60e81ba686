"""Deleted profiles: over real sockets, through a crash, and by the command line."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conftest import StartServer
from ovation import ARTICLE_MODEL, ARTICLE_SECTION, EMAIL, REQUEST_SECONDS, Client, Server, event, events_path, wait_until
from test_cli import fail, succeed

STEVE = "steve@apsis.com"
PROFILE = f"/audience/keyspaces/{EMAIL}/profiles/steve%40apsis.com"
EVENTS = events_path(EMAIL, STEVE, ARTICLE_SECTION)


@pytest.fixture
def server(start_server: StartServer) -> Server:
    return start_server(model=ARTICLE_MODEL)


def post(client: Client, count: int, path: str = EVENTS) -> None:
    for start in range(0, count, 100):
        number = min(100, count - start)
        items = [event(2565266, {"myTextField": "personal-text"})] * number
        assert client.post(path, json={"items": items}).status_code == 204


def receipt(client: Client, erasure: str) -> dict[str, Any]:
    found: dict[str, Any] = {}

    def is_complete() -> bool:
        found.update(client.get(f"/audience/erasures/{erasure}").json())
        return found["completed_at"] is not None

    assert wait_until(is_complete, REQUEST_SECONDS)
    return found


def test_a_deleted_profile_stays_deleted_through_a_crash_and_leaves_the_disk(server: Server) -> None:
    client = server.client()
    post(client, 3000)
    answer = client.request("DELETE", PROFILE)
    assert answer.status_code == 204 and answer.content == b""
    server.kill()
    server.start()
    client = server.client()
    for path in (PROFILE, EVENTS):
        assert client.get(path).json()["code"] == "profile_not_found"
    removed = receipt(client, answer.headers["erasure-id"])["removed"]
    assert removed == {"events": 3000, "attributes": 0, "tags": 0, "consents": 0, "changes": 0, "refused_posts": 0}
    post(client, 1)
    assert len(client.get(EVENTS).json()["items"]) == 1
    assert receipt(client, client.request("DELETE", PROFILE).headers["erasure-id"])["removed"]["events"] == 1
    server.stop()
    stored = server.store.read_bytes()
    assert b"steve@apsis.com" not in stored and b"personal-text" not in stored


def test_the_command_asks_first_and_prints_the_receipt(server: Server) -> None:
    client = server.client()
    post(client, 250)
    assert "--yes" in fail(server, "profiles", "delete", STEVE)
    assert succeed(server, "profiles", "delete", STEVE, "--validate-only").startswith("It would be deleted")
    assert client.get(PROFILE).status_code == 200
    lines = succeed(server, "profiles", "delete", STEVE, "--yes").splitlines()
    assert lines[0].startswith("The profile is deleted; receipt ") and "  250 events removed" in lines
    assert "404" in fail(server, "profiles", "delete", STEVE, "--yes")
    post(client, 1)
    shown = json.loads(succeed(server, "profiles", "delete", STEVE, "--yes", "--json"))
    assert shown["removed"]["events"] == 1 and shown["completed_at"]

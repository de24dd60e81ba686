"""Profiles that are locked for good: by the API, by the command line, and after a restart."""

from __future__ import annotations


import pytest

from conftest import StartServer
from ovation import ARTICLE_MODEL, ARTICLE_SECTION, DEFAULT_SECTION, EMAIL, Server, assert_problem, event, events_path
from test_cli import fail, succeed
from test_erasures import post, receipt

STEVE = "steve@apsis.com"
PROFILE = f"/audience/keyspaces/{EMAIL}/profiles/steve%40apsis.com"
EVENTS = events_path(EMAIL, STEVE, ARTICLE_SECTION)
ATTRIBUTES = f"{PROFILE}/sections/{DEFAULT_SECTION}/attributes"


@pytest.fixture
def server(start_server: StartServer) -> Server:
    return start_server(model=ARTICLE_MODEL)


def assert_locked(server: Server) -> None:
    client = server.client()
    one = {"items": [event(2565266, {"myTextField": "again"})]}
    assert_problem(client.post(EVENTS, json=one), 410, "profile_locked")
    assert_problem(client.request("PATCH", ATTRIBUTES, json={}), 410, "profile_locked")
    named = {"com.apsis1.attributes.firstname": "Steve"}
    assert_problem(client.request("PATCH", "/v2" + ATTRIBUTES, json=named), 410, "profile_locked")
    created = client.post(f"/audience/keyspaces/{EMAIL}/sections/{DEFAULT_SECTION}/profiles", json={"profile_key": STEVE})
    assert_problem(created, 410, "profile_locked")
    assert_problem(client.request("DELETE", PROFILE), 410, "profile_locked")
    for path in [EVENTS, PROFILE, ATTRIBUTES, "/v2" + ATTRIBUTES, ATTRIBUTES.replace("attributes", "changes")]:
        assert_problem(client.get(path), 410, "profile_locked")
    again = client.request("PUT", PROFILE + "/locks")
    assert again.status_code == 204 and "Erasure-Id" not in again.headers


@pytest.mark.parametrize("body", [b"", b"null", b'""', b"[]", b"{"], ids=repr)
def test_a_lock_removes_everything_and_takes_nothing_any_more(server: Server, body: bytes) -> None:
    client = server.client()
    post(client, 5)
    profile = client.get(PROFILE).json()["profile_id"]
    locked = client.request("PUT", PROFILE + "/locks", data=body, headers={"Content-Type": "application/json"})
    assert (locked.status_code, locked.content) == (204, b"")
    assert receipt(client, locked.headers["Erasure-Id"])["removed"]["events"] == 5
    assert_locked(server)
    assert client.get(f"/audience/profiles/{profile}").status_code == 404
    assert client.get("/audience/profiles", params={"key": "steve"}).json()["items"] == []
    assert_problem(client.request("PUT", PROFILE.replace("steve", "nobody") + "/locks"), 404, "profile_not_found")
    # Another key is another person.
    assert client.post(EVENTS.replace("steve", "eve"), json={"items": [event(2565266, {})]}).status_code == 204


def test_a_lock_outlives_a_restart_and_leaves_no_key_on_the_disk(server: Server) -> None:
    client = server.client()
    post(client, 3)
    locked = client.request("PUT", PROFILE + "/locks")
    receipt(client, locked.headers["Erasure-Id"])
    server.kill()
    server.start()
    assert_locked(server)
    server.stop()
    for path in server.folder.glob("ovation.sqlite*"):
        assert STEVE.encode() not in path.read_bytes(), path.name
        assert b"personal-text" not in path.read_bytes(), path.name


def test_the_command_line_locks_a_profile(server: Server) -> None:
    post(server.client(), 2)
    assert "would be locked" in succeed(server, "profiles", "lock", STEVE, "--validate-only")
    assert "--yes" in fail(server, "profiles", "lock", STEVE)
    said = succeed(server, "profiles", "lock", STEVE, "--yes")
    assert "The profile is locked for good; receipt" in said and "2 events removed" in said
    assert "locked before" in succeed(server, "profiles", "lock", STEVE, "--yes", "--json")
    assert_locked(server)

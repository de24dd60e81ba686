"""Profiles that become one, and their keys: over real sockets, through a crash, and by the command line."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from conftest import StartServer
from ovation import DEFAULT_SECTION, EMAIL, Client, Server, assert_problem, event
from test_cli import fail, succeed

STEVE = "steve@apsis.com"
WEB = "com.apsis1.keyspaces.web"
CRM = "com.apsis1.keyspaces.crm-id"
MERGES = "/audience/profiles/merges"
BOTH = [{"keyspace_discriminator": EMAIL, "profile_key": STEVE}, {"keyspace_discriminator": WEB, "profile_key": "12"}]


@pytest.fixture
def server(start_server: StartServer) -> Server:
    """A server of its own for each test: they are all about the same person."""
    return start_server()


def profile(keyspace: str, key: str) -> str:
    return f"/audience/keyspaces/{keyspace}/profiles/{key}"


def shown(client: Client, keyspace: str = EMAIL, key: str = STEVE) -> dict[str, Any]:
    answer = client.get(profile(keyspace, key))
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def merge(client: Client, profiles: list[dict[str, Any]] = BOTH, **headers: str) -> Any:
    return client.request("PUT", MERGES, json={"profiles": profiles}, headers=headers)


def fill(client: Client) -> str:
    """Two profiles, each with an event and a first name. Id of the version."""
    version = client.make_version({"text": "string"}, keyspaces=[EMAIL, WEB])
    for keyspace, key, name in [(EMAIL, STEVE, "Steve"), (WEB, "12", "Stephen")]:
        path = profile(keyspace, key) + f"/sections/{DEFAULT_SECTION}"
        assert client.post(path + "/events", json={"items": [event(version, {"text": name})]}).status_code == 204
        values = {"com.apsis1.attributes.firstname": name}
        assert client.request("PATCH", "/v2" + path + "/attributes", json=values).status_code == 204
    return version


def events(client: Client, keyspace: str, key: str) -> list[str]:
    items = client.get(profile(keyspace, key) + f"/sections/{DEFAULT_SECTION}/events").json()["items"]
    return sorted(item["data"]["text"] for item in items)


def test_a_merge_and_its_undoing_are_there_after_a_crash(server: Server) -> None:
    client = server.client()
    fill(client)
    apart = [shown(client)["profile_id"], shown(client, WEB, "12")["profile_id"]]
    answer = merge(client)
    assert answer.status_code == 204 and answer.content == b""
    server.kill()
    server.start()
    client = server.client()
    one = shown(client)
    assert one == {**shown(client, WEB, "12")} and one["profile_id"] == apart[0]
    assert [member["canonical"] for member in one["members"]] == [True, False]
    assert one["members"][0]["merged_at"] is None and one["members"][1]["merged_at"]
    assert events(client, WEB, "12") == ["Stephen", "Steve"]
    path = MERGES + f"/keyspaces/{WEB}/profiles/12"
    answer = client.request("DELETE", path, headers={"Prefer": "handling=restore"})
    assert answer.status_code == 204 and answer.headers["preference-applied"] == "handling=restore"
    server.kill()
    server.start()
    client = server.client()
    assert [shown(client)["profile_id"], shown(client, WEB, "12")["profile_id"]] == apart
    assert events(client, EMAIL, STEVE) == ["Steve"] and events(client, WEB, "12") == ["Stephen"]


@pytest.mark.parametrize("is_encoded", [True, False])
def test_the_form_of_php_merges(server: Server, is_encoded: bool) -> None:
    client = server.client()
    fields = [
        (f"profiles[{number}][{name}]", entry[name]) for number, entry in enumerate(BOTH) for name in entry
    ] + [("time_zone", "Europe/Stockholm")]
    body = urlencode(fields) if is_encoded else "&".join(f"{name}={value}" for name, value in fields)
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = client.request("PUT", MERGES, data=body, headers=headers)
    assert answer.status_code == 204, answer.text
    assert [key["key"] for key in shown(client)["keys"]] == [STEVE, "12"]


def test_a_number_is_a_key_and_any_content_type_will_do(server: Server) -> None:
    client = server.client()
    body = json.dumps({"profiles": [BOTH[0], {"keyspace_discriminator": WEB, "profile_key": 12, "x": []}]})
    for kind in ["text/plain", "application/vnd.x+json", "application/x-www-form-urlencoded"]:
        answer = client.request("PUT", MERGES, data=body, headers={"Content-Type": kind})
        assert answer.status_code == 204, answer.text
    assert shown(client, WEB, "12")["keys"][1]["key"] == "12"


def test_a_preview_changes_nothing_and_says_what_would_be(server: Server) -> None:
    client = server.client()
    fill(client)
    before = shown(client, WEB, "12")
    answer = merge(client, Prefer="validate-only")
    assert answer.status_code == 200 and answer.headers["preference-applied"] == "validate-only"
    preview = answer.json()
    assert preview["outcome"] == "merged" and [side["canonical"] for side in preview["profiles"]] == [True, False]
    [section] = preview["sections"]
    assert [(item["value"], item["from"], item["hidden"]) for item in section["attributes"]] == [
        ("Steve", "canonical", "Stephen")
    ]
    assert shown(client, WEB, "12") == before


def test_two_persons_stay_two(server: Server) -> None:
    client = server.client()
    other = {"keyspace_discriminator": EMAIL, "profile_key": "other@apsis.com"}
    for key in [STEVE, "other@apsis.com"]:
        made = client.post(
            f"/audience/keyspaces/{EMAIL}/sections/{DEFAULT_SECTION}/profiles", json={"profile_key": key}
        )
        assert made.status_code == 201
    assert "e-mail address" in assert_problem(merge(client, [BOTH[0], other]), 409, "profiles_differ")["detail"]
    assert_problem(merge(client, BOTH[:1]), 400, "validation_failed")
    assert_problem(merge(client, [BOTH[0], {**other, "keyspace_discriminator": "a.b"}]), 404, "keyspace_not_found")


def test_the_key_moves_with_the_attribute(server: Server) -> None:
    client = server.client()
    fill(client)
    path = f"/v2{profile(EMAIL, STEVE)}/sections/{DEFAULT_SECTION}/attributes"
    before = shown(client)["profile_id"]
    assert client.request("PATCH", path, json={"com.apsis1.attributes.email": "new@apsis.com"}).status_code == 204
    assert_problem(client.get(profile(EMAIL, STEVE)), 404, "profile_not_found")
    assert shown(client, EMAIL, "new@apsis.com")["profile_id"] == before
    assert events(client, EMAIL, "new@apsis.com") == ["Steve"]


# By the command line


def test_a_merge_is_shown_done_and_undone(server: Server) -> None:
    client = server.client()
    fill(client)
    both = ["email", STEVE, "web", "12"]
    lines = succeed(server, "profiles", "merge", *both, "--dry-run").splitlines()
    assert lines[0] == "They would be one profile; nothing is changed."
    assert "  attribute  com.apsis1.attributes.firstname  Steve  (of the canonical profile, and hides Stephen)" in lines
    assert json.loads(succeed(server, "profiles", "merge", *both, "--dry-run", "--json"))["outcome"] == "merged"
    assert len(shown(client)["members"]) == 1
    assert succeed(server, "profiles", "merge", *both).startswith("The two are one profile.")
    merged = json.loads(succeed(server, "profiles", "merge", *both, "--json"))
    assert [key["key"] for key in merged["keys"]] == [STEVE, "12"]
    members = [line for line in succeed(server, "profiles", "show", STEVE).splitlines() if line.startswith("member")]
    assert members[0] == f"member  {EMAIL}  {STEVE}  canonical" and f"{WEB}  12  merged 20" in members[1]
    whole = json.loads(succeed(server, "profiles", "export", STEVE, "--quiet"))
    assert [member["canonical"] for member in whole["profile"]["members"]] == [True, False]
    assert "canonical" in fail(server, "profiles", "unmerge", STEVE)
    assert "not both" in fail(server, "profiles", "unmerge", STEVE, "--restore", "--keep-data")
    web = ["--keyspace", WEB, "12"]
    assert succeed(server, "profiles", "unmerge", *web, "--validate-only").startswith("All valid")
    assert succeed(server, "profiles", "unmerge", *web) == "The profile of the key stands alone, with its data.\n"
    assert events(client, WEB, "12") == ["Stephen"]
    succeed(server, "profiles", "merge", *both)
    alone = json.loads(succeed(server, "profiles", "unmerge", *web, "--keep-data", "--json"))
    assert alone["event_count"] == 0 and events(client, EMAIL, STEVE) == ["Stephen", "Steve"]


def test_keys_are_listed_added_and_removed(server: Server) -> None:
    succeed(server, "profiles", "create", STEVE)
    assert succeed(server, "profiles", "keys", "add", STEVE, "web", "w", "--validate-only").startswith("All valid")
    assert succeed(server, "profiles", "keys", "add", STEVE, "web", "w") == "The key leads to the profile.\n"
    lines = succeed(server, "profiles", "keys", STEVE).splitlines()
    assert lines[0] == f"{EMAIL}  {STEVE}  canonical" and lines[1].startswith(f"{WEB}  w  merged 20")
    listed = [json.loads(line) for line in succeed(server, "profiles", "keys", "list", STEVE, "--json").splitlines()]
    assert [item["key"]["key"] for item in listed] == [STEVE, "w"]
    removed = json.loads(succeed(server, "profiles", "keys", "remove", STEVE, "web", "w", "--json"))
    assert removed == {"keyspace_discriminator": WEB, "profile_key": "w"}
    assert "409" in fail(server, "profiles", "keys", "remove", STEVE, "email", STEVE)
    assert "404" in fail(server, "profiles", "keys", "nobody@apsis.com")


@pytest.mark.parametrize("command", ["merge", "unmerge", "keys list", "keys add", "keys remove"])
def test_each_command_explains_itself(server: Server, command: str) -> None:
    text = succeed(server, "profiles", *command.split(), "--help")
    assert "--json" in text and "OVERVIEW" in text

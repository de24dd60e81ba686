"""Attributes, tags and profiles: the vendor's examples as curl sends them, and the commands."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from pathlib import Path

import pytest

from conftest import StartServer
from ovation import BINARY, CRM_ID, DEFAULT_SECTION, EMAIL, MOBILE, ROOT, Json, Server, environment, event
from test_cli import client_settings, fail, succeed

#: The attributes that the default section has, by the last part of their names.
IDS = {
    name: str(10**15 + 8 + place)
    for place, name in enumerate(["email", "mobile", "crmid", "firstname", "lastname", "birthdate"], 1)
}
STEVE = "steve@apsis.com"


@pytest.fixture
def server(start_server: StartServer) -> Server:
    """A server of its own for each test: they are all about the same person."""
    return start_server()


def place(keyspace: str = EMAIL, key: str = STEVE, section: str = DEFAULT_SECTION) -> str:
    return f"/audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}"


def curl(server: Server, method: str, path: str, body: str | None = None, *options: str) -> tuple[int, str]:
    """Status and body, as the program gives them."""
    token = succeed(server, "token").strip()
    command = ["curl", "--silent", "--show-error", "--request", method, "--url", server.url + path]
    command += ["--header", f"Authorization: Bearer {token}", "--write-out", "\n%{http_code}", *options]
    if body is not None:
        command += ["--data", body]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, result.stderr
    text, _, status = result.stdout.rpartition("\n")
    return int(status), text


# MARK: curl


def test_the_vendors_examples_are_taken_word_for_word(server: Server) -> None:
    # The first version, by version id, with the content type that curl gives by itself.
    body = '{"%s":"a@a.com","%s":"Steve","%s":null}' % (IDS["email"], IDS["firstname"], IDS["lastname"])
    assert curl(server, "PATCH", place() + "/attributes", body) == (204, "")
    status, text = curl(server, "GET", place() + "/attributes")
    assert status == 200 and json.loads(text) == {IDS["email"]: "a@a.com", IDS["firstname"]: "Steve"}

    # The second, by discriminator, with the mobile number as a number, on a profile of another keyspace.
    crm = place(CRM_ID, "4711")
    made = curl(
        server,
        "POST",
        f"/audience/keyspaces/{CRM_ID}/sections/{DEFAULT_SECTION}/profiles",
        '{"profile_key":4711}',
        *["--header", "Content-Type: application/json"],
    )
    assert made == (201, "")
    body = """{
      "com.apsis1.attributes.email": "john.doe@example.com",
      "com.apsis1.attributes.mobile": 46287917256,
      "com.apsis1.attributes.firstname": "John"
    }"""
    merge_patch = ["--header", "Content-Type: application/merge-patch+json"]
    assert curl(server, "PATCH", "/v2" + crm + "/attributes", body, *merge_patch) == (204, "")
    values = json.loads(curl(server, "GET", crm + "/attributes")[1])
    assert values == {
        IDS["crmid"]: "4711",
        IDS["email"]: "john.doe@example.com",
        IDS["mobile"]: 46287917256,
        IDS["firstname"]: "John",
    }
    assert curl(server, "DELETE", crm + "/attributes/" + IDS["mobile"]) == (204, "")
    assert curl(server, "DELETE", "/v2" + crm + "/attributes/com.apsis1.attributes.firstname") == (204, "")
    assert curl(server, "DELETE", "/v2" + crm + "/attributes/com.apsis1.attributes.crmid")[0] == 400
    assert set(json.loads(curl(server, "GET", crm + "/attributes")[1])) == {IDS["crmid"], IDS["email"]}


def test_what_was_acknowledged_is_there_after_a_restart(server: Server) -> None:
    client = server.client()
    for name in ["Ada", "Bob"]:
        answer = client.request("PATCH", place() + "/attributes", json={IDS["firstname"]: name})
        assert answer.status_code == 204, answer.text
    server.kill()
    server.start()
    client = server.client()
    assert client.get(place() + "/attributes").json() == {IDS["firstname"]: "Bob"}
    changes = [change["changes"][0] for change in client.get(place() + "/changes").json()["items"]]
    assert [(change["from"], change["to"]) for change in changes] == [("Ada", "Bob"), (None, "Ada")]


def test_the_document_can_be_pasted(tmp_path: Path, server: Server) -> None:
    blocks = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "docs/profiles.md").read_text(), re.MULTILINE | re.DOTALL)
    assert len(blocks) == 10
    # The last block begins with a profile that the others have made.
    script = "".join(blocks).replace("http://127.0.0.1:8080", server.url).replace("curl ", "curl --fail-with-body -sS ")
    script = script.replace("profiles create steve@", "profiles create stephen@")
    environ = {**client_settings(server), "PATH": f"{BINARY.parent}:/usr/bin:/bin"}
    result = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        env=environment(tmp_path, environ),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "Steve" in result.stdout and "com.ovation.events.profile.updated" in result.stdout
    values = {item["value"] for item in json.loads((tmp_path / "steve.json").read_text())["sections"][0]["attributes"]}
    assert values == {STEVE, "Steve", 46793699558, "1993-03-07"}


# MARK: The commands


def shown(server: Server, key: str = STEVE, *options: str) -> Json:
    return json.loads(succeed(server, "profiles", "show", key, "--json", *options))


def test_a_profile_is_made_set_shown_and_found(server: Server) -> None:
    assert succeed(server, "profiles", "create", STEVE, "--validate-only") == "It would be made; nothing is stored.\n"
    assert "profiles create" in fail(server, "profiles", "show", STEVE)
    assert succeed(server, "profiles", "create", STEVE) == "The profile is made.\n"
    assert "409" in fail(server, "profiles", "create", STEVE)

    assert succeed(
        server, "profiles", "set", STEVE, "firstname=Steve", "LastName=Jones = Jones", "birthdate=1993-03-07"
    ) == ("3 attributes changed.\n")
    set_again = ["mobile:=46793699558", "--clear", "birthdate", "--json"]
    held = json.loads(succeed(server, "profiles", "set", STEVE, *set_again))
    assert {item["discriminator"].split(".")[-1]: item["value"] for item in held["items"]} == {
        "email": STEVE,
        "mobile": 46793699558,
        "firstname": "Steve",
        "lastname": "Jones = Jones",
    }

    lines = succeed(server, "profiles", "show", STEVE).splitlines()
    assert lines[0] == "Steve Jones = Jones"
    assert f"key  {EMAIL}  {STEVE}" in lines
    assert "  attribute  com.apsis1.attributes.mobile  46793699558" in lines
    section = shown(server)["sections"][0]
    assert section["section_discriminator"] == DEFAULT_SECTION and section["event_count"] == 0

    found = succeed(server, "profiles", "find", "stev").split()
    assert found == [shown(server)["profile_id"], EMAIL, STEVE]
    match = json.loads(succeed(server, "profiles", "find", STEVE, "--exact", "--json"))
    assert match["match"] == "exact" and match["profile_id"] == found[0]
    assert succeed(server, "profiles", "find", "nobody") == ""


def test_attributes_and_tags_go_by_their_names(server: Server) -> None:
    client = server.client()
    section = f"/audience/sections/{DEFAULT_SECTION}"
    for body in [
        {"name": "Shoe size", "type": "integer"},
        {"name": "VIP", "type": "boolean"},
        {"name": "Note", "type": "string"},
        {"name": "Twice", "type": "string"},
        {"name": "twice", "type": "string"},
    ]:
        answer = client.post(section + "/attributes", json=body)
        assert answer.status_code == 201, answer.text
    tags = [client.post(section + "/tags", json={"name": name}).json() for name in ("Regular", "Staff")]
    succeed(server, "profiles", "create", STEVE)
    succeed(server, "profiles", "set", STEVE, "shoe size=42", "vip=true", "Note=42", "First name=Steve")
    held = {item["name"]: item["value"] for item in client.get("/v2" + place() + "/attributes").json()["items"]}
    assert held == {"Email": STEVE, "Shoe size": 42, "VIP": True, "Note": "42", "First name": "Steve"}
    # What does not fit its type is sent as it is typed, and the server says why it does not.
    assert "Expected integer, found string" in fail(server, "profiles", "set", STEVE, "Shoe size=large")
    assert "can be several attributes" in fail(server, "profiles", "set", STEVE, "TWICE=x")

    assert succeed(server, "profiles", "tag", STEVE, "regular", tags[1]["discriminator"]) == "2 tags added.\n"
    assert [tag["name"] for tag in shown(server)["sections"][0]["tags"]] == ["Regular", "Staff"]
    assert succeed(server, "profiles", "tag", STEVE, tags[1]["versions"][0]["id"], "--remove") == "1 tag removed.\n"
    assert [tag["name"] for tag in shown(server)["sections"][0]["tags"]] == ["Regular"]
    assert "no tag 'nothing'" in fail(server, "profiles", "tag", STEVE, "nothing")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["set", STEVE, "firstname"], ["NAME=VALUE"]),
        (["set", STEVE], ["--clear"]),
        (["set", STEVE, "mobile:=x"], ["no JSON", "':='"]),
        (["set", STEVE, "birthdate=7.3.1993"], ["400", "/com.apsis1.attributes.birthdate", "YYYY-MM-DD"]),
        (["set", STEVE, "--clear", "email"], ["400", "is the key"]),
        (["set", STEVE, "shoesize=42"], ["400", "no attribute 'shoesize'"]),
        (["set", "nobody@b.se", "firstname=Ada"], ["404", "profiles create"]),
        (["tag", STEVE, "usercreated.tags.none-0123456789"], ["400", "no tag"]),
        (["show", "nobody@b.se"], ["404", "profiles find"]),
        (["create", "no address"], ["400", "/profile_key"]),
        (["create", "12", "--keyspace", MOBILE], ["400"]),
    ],
)
def test_what_is_wrong_is_said_with_what_to_do(server: Server, arguments: list[str], words: list[str]) -> None:
    client = server.client()
    succeed(server, "profiles", "create", STEVE)
    message = fail(server, "profiles", *arguments)
    assert all(word in message for word in words), message
    assert client.get(place() + "/attributes").json() == {IDS["email"]: STEVE}


def test_a_customer_is_found_by_the_e_mail_address(server: Server) -> None:
    client = server.client()
    shop = place("com.apsis1.keyspaces.web", "shop-1")
    succeed(server, "profiles", "create", "shop-1", "--keyspace", "com.apsis1.keyspaces.web")
    body = {"com.apsis1.attributes.email": "Steve@Apsis.com"}
    assert client.request("PATCH", "/v2" + shop + "/attributes", json=body).status_code == 204
    profile = client.get("/audience/profiles", params={"key": STEVE}).json()["items"][0]["profile_id"]
    lines = f"{profile}  com.apsis1.keyspaces.web  shop-1\n{profile}  com.apsis1.attributes.email  {STEVE}\n"
    for text in ["STEVE@apsis.com", "ste"]:
        assert succeed(server, "profiles", "find", text) == lines
    assert succeed(server, "profiles", "find", "ste", "--exact") == ""
    found = json.loads(succeed(server, "profiles", "find", STEVE, "--json"))
    assert found["match"] == "exact" and found["found_by"]["value"] == STEVE and not found["found_by"]["hidden"]

    # What was acknowledged is found after the server was killed, and what was deleted is not.
    server.kill()
    server.start()
    assert succeed(server, "profiles", "find", STEVE) == lines
    client = server.client()
    gone = client.request("DELETE", "/audience/keyspaces/com.apsis1.keyspaces.web/profiles/shop-1")
    assert gone.status_code == 204, gone.text
    assert client.get("/audience/profiles", params={"key": "ste"}).json()["items"] == []


def test_everything_of_one_person_is_one_file(tmp_path: Path, server: Server) -> None:
    client = server.client()
    event_type = client.make_event_type({"text": "string"})
    version = event_type["versions"][0]["id"]
    count = 2100  # More than two pages.
    for start in range(0, count, 700):
        items = [event(version, {"text": f"number {number}"}) for number in range(start, start + 700)]
        assert client.post_events(items, key=STEVE).status_code == 204
    for name in ["Ada", "Grace"]:
        succeed(server, "profiles", "set", STEVE, f"firstname={name}")
    target = tmp_path / "steve.json"
    succeed(server, "profiles", "export", STEVE, "--output", target)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    whole = json.loads(target.read_text())
    assert [key["key"] for key in whole["profile"]["keys"]] == [STEVE]
    sections = {section["section_discriminator"]: section for section in whole["sections"]}
    held = sections[DEFAULT_SECTION]
    assert [item["value"] for item in held["attributes"]] == ["Grace"]
    assert [change["changes"][0]["to"] for change in held["changes"]] == ["Grace", "Ada"]
    assert {item["data"]["text"] for item in held["events"]} == {f"number {number}" for number in range(count)}
    assert held["tags"] == []
    # The same on standard output, and nothing but it.
    assert json.loads(succeed(server, "profiles", "export", STEVE, "--json")) == whole
    # Of nobody there is no file.
    missing = tmp_path / "missing.json"
    assert "404" in fail(server, "profiles", "export", "nobody@b.se", "--output", missing)
    assert not missing.exists() and not missing.with_suffix(".json.part").exists()


@pytest.mark.parametrize("command", ["find", "show", "create", "set", "tag", "export"])
def test_each_command_explains_itself(server: Server, command: str) -> None:
    text = succeed(server, "profiles", command, "--help")
    assert "--json" in text and "OVERVIEW" in text


def test_changes_are_exported_among_the_events(server: Server) -> None:
    client = server.client()
    version = client.make_version({"text": "string"})
    assert client.post_events([event(version, {"text": "a"})], key=STEVE).status_code == 204
    succeed(server, "profiles", "set", STEVE, "firstname=Ada")
    assert client.post_events([event(version, {"text": "b"})], key="eve@apsis.com").status_code == 204
    succeed(server, "profiles", "set", STEVE, "firstname=Grace")

    def exported(*options: str) -> list[Json]:
        return [json.loads(line) for line in succeed(server, "events", "export", *options).splitlines()]

    whole = exported("--changes")
    assert [line["profile_key"] for line in whole] == [STEVE, STEVE, "eve@apsis.com", STEVE]
    assert [line["data"].get("text") for line in whole] == ["a", None, "b", None]
    [change] = whole[3]["data"]["changes"]
    assert (change["discriminator"], change["from"], change["to"]) == (
        "com.apsis1.attributes.firstname",
        "Ada",
        "Grace",
    )
    assert exported() == [line for line in whole if "version_id" in line]
    assert exported("--changes", "--after", whole[1]["event_id"]) == whole[2:]
    # Of one person they come newest first, in the same lines.
    assert exported("--changes", "--profile-key", STEVE) == [whole[3], whole[1], whole[0]]
    assert "--format ndjson" in fail(server, "events", "export", "--changes", "--format", "csv")
    # An import takes the events, and says that it does not take the changes.
    path = f"/audience/sections/{DEFAULT_SECTION}/events/bulk"
    loaded = client.post(path, data="\n".join(json.dumps(line) for line in whole).encode()).json()
    assert (loaded["stored"], loaded["refused"]) == (2, 2)

"""Consents of both generations: over HTTP as shop modules send them, on the command line, and after a kill."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest

from conftest import StartServer
from ovation import ARTICLE_MODEL, BINARY, COMMAND_SECONDS, DEFAULT_SECTION, EMAIL, ROOT, Server, assert_problem, environment, run
from test_cli import attempt, fail, succeed

CHANNEL = "com.apsis1.channels.email"
FOLDER = "usercreated.targets.newsletters-3ayb7167e4"
TOPIC = "usercreated.topics.weekly_offers-cbyntm8qnw"
STEVE = "steve@apsis.com"
PROFILE = f"/audience/keyspaces/{EMAIL}/profiles/steve%40apsis.com/sections/{DEFAULT_SECTION}"
ADDRESS = f"/audience/channels/{CHANNEL}/addresses/steve%40apsis.com"


@pytest.fixture
def server(start_server: StartServer) -> Server:
    server = start_server(model=ARTICLE_MODEL)
    client = server.client()
    base = f"/v2/audience/sections/{DEFAULT_SECTION}"
    assert client.post(base + "/folders", json={"name": "Newsletters", "discriminator": FOLDER}).status_code == 201
    topic = {"name": "Weekly offers", "discriminator": TOPIC, "folder_discriminator": FOLDER}
    assert client.post(base + "/topics", json=topic).status_code == 201
    made = client.post(f"/audience/keyspaces/{EMAIL}/sections/{DEFAULT_SECTION}/profiles", json={"profile_key": STEVE})
    assert made.status_code == 201
    return server


def consent(kind: str, **more: str) -> dict[str, str]:
    """As Magento's connector sends it."""
    return {
        "topic_discriminator": TOPIC,
        "channel_discriminator": CHANNEL,
        "type": kind,
        "reason": "User provided consent.",
        "source": "Magento connector",
        **more,
    }


def reason(server: Server) -> str:
    answer = server.client().get(ADDRESS + "/may-send", params={"section": DEFAULT_SECTION, "topic": TOPIC})
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["may_send"] == (said["reason"] in ("opt-in", "confirmed-opt-in"))
    return str(said["reason"])


def test_a_shop_of_the_second_generation_sets_and_reads_consents(server: Server) -> None:
    client = server.client()
    path = "/v2" + PROFILE + "/consents"
    for kind, status in [("opt-in", 201), ("opt-in", 409), ("opt-out", 204), ("opt-out", 409), ("opt-in", 204)]:
        answer = client.post(path, json=consent(kind))
        assert (answer.status_code, answer.content) == (status, b""), kind
    wanted = [("consent_types", "opt-in"), ("consent_types", "confirmed-opt-in")]
    [item] = client.get(path, params=wanted).json()["items"]
    assert item["topic_discriminator"] == TOPIC and item["source"] == "Magento connector"
    assert client.get(path, params={"consent_types": "opt-out"}).json()["items"] == []
    # The first version of the connector sent an empty reason.
    assert client.post(path, json=consent("opt-out", reason="")).status_code == 204
    history = client.get(path + "/history").json()["items"]
    assert [change["to"]["type"] for change in history] == ["opt-out", "opt-in", "opt-out", "opt-in"]


def test_a_shop_of_the_first_generation_subscribes_and_consents(server: Server) -> None:
    client = server.client()
    [listed] = client.get(f"/audience/sections/{DEFAULT_SECTION}/consent-lists").json()["items"]
    assert listed["discriminator"] == FOLDER
    names = {"consent_list_discriminator": FOLDER, "topic_discriminator": TOPIC}
    subscribed = client.post(PROFILE + "/subscriptions", json=names)
    assert subscribed.status_code == 201 and subscribed.json()["id"]
    evaluations = ADDRESS + f"/consents/sections/{DEFAULT_SECTION}/consent-lists/{FOLDER}/evaluations"
    assert client.get(evaluations).json() == {"items": []}
    section = {"section_discriminator": DEFAULT_SECTION}
    opted_in = client.post(ADDRESS + "/consents", json={"type": "opt-in", **section, **names})
    assert (opted_in.status_code, opted_in.content) == (201, b"")
    assert client.get(evaluations).json() == {"items": [{"topic_discriminator": TOPIC}]}
    assert client.post(ADDRESS + "/consents", json={"type": "opt-out", **section}).status_code == 201
    assert client.get(evaluations).json() == {"items": []} and reason(server) == "section-opt-out"
    lifted = client.request("DELETE", ADDRESS + "/consents", params={"section": DEFAULT_SECTION})
    assert lifted.status_code == 204 and reason(server) == "opt-in"


def test_consents_and_suppressions_outlive_a_kill_and_the_disk_has_no_suppressed_address(server: Server) -> None:
    client = server.client()
    assert client.post("/v2" + PROFILE + "/consents", json=consent("opt-in")).status_code == 201
    other = f"/audience/channels/{CHANNEL}/addresses/never%40write.to"
    assert client.request("PUT", other + "/suppression", json={"reason": "spam"}).status_code == 201
    server.kill()
    server.start()
    assert reason(server) == "opt-in"
    assert server.client().get(other + "/suppression").json()["reason"] == "spam"
    server.stop()
    for path in server.folder.glob("ovation.sqlite*"):
        assert b"never@write.to" not in path.read_bytes(), path.name


def test_the_doctor_and_a_backup_find_a_store_with_opt_outs_of_the_account_whole(
    server: Server, tmp_path: Path
) -> None:
    client = server.client()
    assert client.post("/v2" + PROFILE + "/consents", json=consent("opt-in")).status_code == 201
    assert client.post(ADDRESS + "/consents", json={"type": "opt-out"}).status_code == 201
    assert client.request("PUT", ADDRESS + "/suppression", json={"reason": "spam"}).status_code == 201
    merge = {
        "profiles": [
            {"keyspace_discriminator": EMAIL, "profile_key": STEVE},
            {"keyspace_discriminator": "com.apsis1.keyspaces.web", "profile_key": "visitor"},
        ]
    }
    assert client.request("PUT", "/audience/profiles/merges", json=merge).status_code == 204
    assert client.request("DELETE", ADDRESS + "/consents").status_code == 204
    backup = run("store", "backup", "--store", f"sqlite:{server.store}", "--to", tmp_path / "copy.sqlite", home=tmp_path)
    assert backup.returncode == 0, backup.stdout + backup.stderr
    server.stop()
    for store in (server.store, tmp_path / "copy.sqlite"):
        examined = run("doctor", "--deep", "--store", f"sqlite:{store}", home=tmp_path)
        assert not re.search(f"^BAD .*{re.escape(Path(store).name)}", examined.stdout, re.MULTILINE), examined.stdout
        assert "is sound" in examined.stdout, examined.stdout


def test_a_suppression_holds_for_who_comes_after_the_person_is_deleted(server: Server) -> None:
    client = server.client()
    assert client.request("PUT", ADDRESS + "/suppression", json={"reason": "spam"}).status_code == 201
    assert client.request("DELETE", f"/audience/keyspaces/{EMAIL}/profiles/steve%40apsis.com").status_code == 204
    section = {"section_discriminator": DEFAULT_SECTION}
    names = {"consent_list_discriminator": FOLDER, "topic_discriminator": TOPIC}
    assert client.post(ADDRESS + "/consents", json={"type": "opt-in", **section, **names}).status_code == 201
    assert reason(server) == "suppressed"
    assert client.request("DELETE", ADDRESS + "/suppression").status_code == 204
    assert reason(server) == "opt-in"
    assert_problem(client.get(ADDRESS + "/suppression"), 404, "suppression_not_found")


def test_the_command_line_sets_asks_and_shows(server: Server) -> None:
    unknown = attempt(server, "consents", "may-send", STEVE, "Weekly offers")
    assert (unknown.returncode, unknown.stdout[:10]) == (2, "no: Nobody")
    assert "is set" in succeed(server, "consents", "set", STEVE, "weekly offers", "email", "opt-in", "--reason", "form")
    assert succeed(server, "consents", "may-send", STEVE, "Weekly offers").startswith("yes: ")
    assert "Nothing is changed" in fail(server, "consents", "set", STEVE, TOPIC, "email", "opt-in")
    assert "all valid" in succeed(server, "consents", "set", STEVE, TOPIC, CHANNEL, "opt-out", "--validate-only").lower()
    assert TOPIC in succeed(server, "consents", "list", STEVE)
    [line] = succeed(server, "consents", "list", STEVE, "--json").splitlines()
    assert json.loads(line)["type"] == "opt-in"
    assert "opt-in" in succeed(server, "consents", "history", STEVE)
    topic = [line.split() for line in succeed(server, "topics", "list").splitlines() if TOPIC in line]
    assert [line[-3:] for line in topic] == [["any", "1", "0"]]
    counted = [line.split() for line in succeed(server, "topics", "counts", "--section", "Default").splitlines()]
    assert counted[-1] == [DEFAULT_SECTION, TOPIC, CHANNEL, "1", "0", "0", "0"]
    [line] = succeed(server, "topics", "counts", "--json").splitlines()
    assert json.loads(line)["opt_in"] == 1 and json.loads(line)["opt_out"] == 0
    assert "is suppressed" in succeed(server, "consents", "suppress", STEVE, "--reason", "spam")
    suppressed = attempt(server, "consents", "may-send", STEVE, TOPIC)
    assert suppressed.returncode == 2 and "suppressed" in suppressed.stdout
    assert "lifted" in succeed(server, "consents", "unsuppress", STEVE)
    assert "opt-in" in fail(server, "consents", "set", STEVE, TOPIC, "email", "maybe")
    assert "ovation topics list" in fail(server, "consents", "may-send", STEVE, "No such topic")


def test_the_command_line_lists_suppressions_and_keeps_why_something_is_lifted(server: Server) -> None:
    assert "No address" in attempt(server, "consents", "suppressions").stderr
    for number in range(3):
        address = f"never{number}@write.to"
        succeed(server, "consents", "suppress", address, "email", "--reason", f"number {number}", "--source", "Desk")
    succeed(server, "consents", "unsuppress", "never1@write.to", "--reason", "a mistake")
    head, *lines = succeed(server, "consents", "suppressions", "email").splitlines()
    assert head.startswith("ADDRESS HASH") and len(lines) == 2 and "write.to" not in "".join(lines)
    assert sorted(line.rsplit("  ", 1)[1] for line in lines) == ["Desk: number 0", "Desk: number 2"]
    assert [line.index("Desk") for line in lines] == [head.index("SOURCE")] * 2
    items = [json.loads(line) for line in succeed(server, "consents", "suppressions", "--json").splitlines()]
    assert {item["reason"] for item in items} == {"number 0", "number 2"}
    lifted, suppressed = succeed(server, "consents", "suppressions", "--address", "never1@write.to").splitlines()
    assert lifted.endswith("lifted  ovation: a mistake") and suppressed.endswith("suppressed  Desk: number 1")
    [first, _] = succeed(server, "consents", "suppressions", "--address", "never1@write.to", "--json").splitlines()
    assert json.loads(first)["suppressed"] is False
    assert "never suppressed" in fail(server, "consents", "suppressions", "--address", "other@write.to")
    for section in ({"section_discriminator": DEFAULT_SECTION}, {}):
        assert server.client().post(ADDRESS + "/consents", json={"type": "opt-out", **section}).status_code == 201
    assert "is lifted" in succeed(server, "consents", "lift", STEVE, "email", "--reason", "called back")
    assert "is lifted" in succeed(server, "consents", "lift", STEVE, "--account", "--source", "Desk")
    history = succeed(server, "consents", "history", STEVE).splitlines()
    assert "lifted (was opt-out)" in history[1] and history[1].endswith("ovation: called back")
    assert "the whole account" in history[0] and history[0].rstrip().endswith("Desk:")
    assert "no such opt-out" in fail(server, "consents", "lift", STEVE)


def test_consents_by_a_removed_channel_stay_readable_and_there_are_no_new_ones(server: Server) -> None:
    client = server.client()
    push = "usercreated.channels.push-3ayb7167e4"
    named = {"name": "Push", "keyspace_discriminator": EMAIL, "discriminator": push}
    assert client.post("/audience/channels", json=named).status_code == 201
    path = "/v2" + PROFILE + "/consents"
    by_push = {"channel_discriminator": push}
    assert client.post(path, json=consent("opt-in", **by_push)).status_code == 201
    counts = f"/v2/audience/sections/{DEFAULT_SECTION}/consent-counts"
    assert [item["channel_discriminator"] for item in client.get(counts).json()["items"]] == [push]
    before = [client.get(at).json() for at in (path, path + "/history")]
    assert client.request("DELETE", f"/audience/channels/{push}").status_code == 204
    server.kill()
    server.start()
    client = server.client()
    assert [client.get(at).json() for at in (path, path + "/history")] == before
    refused = client.post(path, json=consent("opt-out", **by_push))
    problem = assert_problem(refused, 400, "validation_failed")
    [error] = problem["errors"]
    assert error["code"] == "channel_not_found" and "has been removed" in error["detail"]
    assert client.get(path).json() == before[0]
    # What is asked of the channel itself is 404, and the profile has still what was said.
    address = f"/audience/channels/{push}/addresses/steve%40apsis.com"
    asked = client.get(address + "/may-send", params={"section": DEFAULT_SECTION, "topic": TOPIC})
    assert_problem(asked, 404, "channel_not_found")
    assert client.get(counts).json()["items"] == []
    assert push in succeed(server, "consents", "list", STEVE)
    # Another channel of the same topic works on.
    assert client.post(path, json=consent("opt-out")).status_code == 201


def test_an_export_of_changes_has_opt_outs_of_the_account(server: Server) -> None:
    assert server.client().post(ADDRESS + "/consents", json={"type": "opt-out"}).status_code == 201
    assert server.client().request("PUT", ADDRESS + "/suppression", json={"reason": "spam"}).status_code == 201
    exported = succeed(server, "events", "export", "--section", DEFAULT_SECTION, "--changes", "--quiet")
    made, line = (json.loads(text) for text in exported.splitlines())
    assert made["data"]["changes"][0]["kind"] == "attribute", "a profile is made with its address"
    [change] = line["data"]["changes"]
    assert line["profile_key"] == STEVE and change["consent"]["of_account"] and change["to"] == "opt-out"


def test_the_page_about_consents_can_be_pasted(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server(model=ARTICLE_MODEL)
    assert server.credentials is not None
    text = (ROOT / "docs/consents.md").read_text()
    script = "\n".join(re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    script = script.replace("http://127.0.0.1:8080", server.url)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/ovation").symlink_to(BINARY)
    env = environment(
        tmp_path,
        {
            "OVATION_CLIENT_ID": server.credentials.client_id,
            "OVATION_CLIENT_SECRET": server.credentials.client_secret,
            "OVATION_URL": server.url,
        },
    )
    env["PATH"] = f"{tmp_path}/bin:{env['PATH']}"
    result = subprocess.run(
        ["bash", "-e", "-u", "-o", "pipefail", "-c", script],
        capture_output=True, text=True, timeout=COMMAND_SECONDS, env=env, cwd=tmp_path,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert '"opt_out":1,' in result.stdout or '"opt_out":1}' in result.stdout, result.stdout
    assert '"may_send":true' in result.stdout and not re.search(r'"status": ?[45]\d\d', result.stdout), result.stdout

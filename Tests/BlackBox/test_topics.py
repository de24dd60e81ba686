"""Channels, folders and topics: made by a model file, listed by both generations of the API and by the commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from conftest import StartServer
from ovation import DEFAULT_SECTION, EMAIL, Client, Server, assert_problem
from test_cli import fail, rows, succeed

PUSH = "usercreated.channels.push-k3v9x2b7qa"
NEWS = "usercreated.targets.news-k3v9x2b7qa"
OFFERS = "usercreated.topics.offers-k3v9x2b7qa"

MODEL = f"""
channels:
- discriminator: {PUSH}
  name: Push
  keyspace_discriminator: com.apsis1.keyspaces.web
sections:
- discriminator: {DEFAULT_SECTION}
  name: Default
  folders:
  - discriminator: {NEWS}
    name: News
    description: All we send.
    topics:
    - discriminator: {OFFERS}
      name: Offers
    - discriminator: usercreated.topics.alerts-k3v9x2b7qa
      name: Alerts
      description: At once.
      channel_discriminator: {PUSH}
  - name: Shop
"""

SECTION = f"/audience/sections/{DEFAULT_SECTION}"


@pytest.fixture
def server(start_server: StartServer, tmp_path: Path) -> Server:
    file = tmp_path / "model.yaml"
    file.write_text(MODEL)
    server = start_server()
    assert succeed(server, "model", "apply", file).endswith("5 steps applied.\n")
    assert "Nothing to do" in succeed(server, "model", "apply", file)
    return server


def items(client: Client, path: str) -> list[dict[str, object]]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_a_model_makes_them_and_every_list_shows_them(server: Server) -> None:
    client = server.client()
    assert [(item["discriminator"], item["name"]) for item in items(client, "/audience/channels")] == [
        ("com.apsis1.channels.email", "Email"),
        ("com.apsis1.channels.sms", "SMS"),
        (PUSH, "Push"),
    ]
    folders = items(client, f"/v2{SECTION}/folders")
    assert [(item["name"], item["description"]) for item in folders] == [("News", "All we send."), ("Shop", "")]
    assert folders[0]["discriminator"] == NEWS
    assert str(folders[1]["discriminator"]).startswith("usercreated.targets.shop-")
    assert items(client, f"/v2{SECTION}/topic-folders") == folders
    topics = items(client, f"/v2{SECTION}/topics")
    assert topics == [
        {
            "discriminator": OFFERS,
            "name": "Offers",
            "description": "",
            "folder_discriminator": NEWS,
            "channel_discriminator": None,
        },
        {
            "discriminator": "usercreated.topics.alerts-k3v9x2b7qa",
            "name": "Alerts",
            "description": "At once.",
            "folder_discriminator": NEWS,
            "channel_discriminator": PUSH,
        },
    ]
    assert items(client, f"{SECTION}/consent-lists") == [
        {"discriminator": folder["discriminator"], "name": folder["name"]} for folder in folders
    ]
    assert items(client, f"{SECTION}/consent-lists/{NEWS}/topics") == [
        {"discriminator": OFFERS, "name": "Offers"},
        {
            "discriminator": "usercreated.topics.alerts-k3v9x2b7qa",
            "name": "Alerts",
            "channel_discriminator": PUSH,
        },
    ]
    assert items(client, f"{SECTION}/consent-lists/{folders[1]['discriminator']}/topics") == []
    assert_problem(client.get(f"{SECTION}/consent-lists/{OFFERS}/topics"), 404, "folder_not_found")


def test_an_export_makes_the_same_on_an_empty_server_and_after_a_restart(
    server: Server, start_server: StartServer, tmp_path: Path
) -> None:
    lists = [
        "/audience/channels",
        f"/v2{SECTION}/folders",
        f"/v2{SECTION}/topics",
        f"{SECTION}/consent-lists/{NEWS}/topics",
    ]
    client = server.client()
    assert client.request("PATCH", "/audience/channels/com.apsis1.channels.sms", json={"name": "Text"}).ok
    shown = [client.get(path).text for path in lists]
    file = tmp_path / "export.yaml"
    succeed(server, "model", "export", file)
    other = start_server()
    succeed(other, "model", "apply", file)
    assert [other.client().get(path).text for path in lists] == shown
    assert succeed(other, "model", "export") == file.read_text()
    server.stop()
    server.start()
    assert [server.client().get(path).text for path in lists] == shown


def test_a_topic_is_moved_by_a_model_and_removed_by_a_call(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "moved.yaml"
    file.write_text(f"""
sections:
- name: Default
  folders:
  - name: Shop
    topics:
    - discriminator: {OFFERS}
      name: Offers
""")
    plan = succeed(server, "model", "plan", file)
    assert f"~ topic {OFFERS}" in plan and "breaks: clients that name its consent list" in plan
    succeed(server, "model", "apply", file)
    client = server.client()
    shop = str(items(client, f"/v2{SECTION}/folders")[1]["discriminator"])
    assert [item["name"] for item in items(client, f"{SECTION}/consent-lists/{shop}/topics")] == ["Offers"]
    assert client.request("DELETE", f"/v2{SECTION}/topics/{OFFERS}").status_code == 204
    assert "has been removed" in fail(server, "model", "apply", file)
    log = succeed(server, "model", "log")
    assert f"  topic.changed  {OFFERS}\n" in log and f"  topic.removed  {OFFERS}\n" in log
    assert f"  channel.created  {PUSH}\n" in log and f"  folder.created  {NEWS}\n" in log


def test_the_commands_list_them(server: Server) -> None:
    table = rows(succeed(server, "channels", "list"))
    assert table[0] == ["DISCRIMINATOR", "NAME", "KEYSPACE"]
    assert ["com.apsis1.channels.email", "Email", EMAIL] in table
    table = rows(succeed(server, "folders", "list"))
    assert table[0] == ["SECTION", "DISCRIMINATOR", "NAME"] and [DEFAULT_SECTION, NEWS, "News"] in table
    table = rows(succeed(server, "topics", "list", "--section", "Default"))
    assert table[0] == ["SECTION", "DISCRIMINATOR", "NAME", "FOLDER", "CHANNEL", "OPT-INS", "OPT-OUTS"]
    assert [DEFAULT_SECTION, OFFERS, "Offers", NEWS, "any", "0", "0"] in table
    assert [DEFAULT_SECTION, "usercreated.topics.alerts-k3v9x2b7qa", "Alerts", NEWS, PUSH, "0", "0"] in table
    for words, path in [
        (["channels", "list"], "/audience/channels"),
        (["folders", "list"], f"/v2{SECTION}/folders"),
        (["topics", "list", "--section", DEFAULT_SECTION], f"/v2{SECTION}/topics"),
    ]:
        printed = [json.loads(line) for line in succeed(server, *words, "--json").splitlines()]
        assert printed == items(server.client(), path)
    assert "no section" in fail(server, "topics", "list", "--section", "Nowhere")

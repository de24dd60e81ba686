"""The commands that talk to a server."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from conftest import StartServer
from ovation import (
    ARTICLE_EVENT_TYPE,
    ARTICLE_MODEL,
    ARTICLE_SECTION,
    BINARY,
    COMMAND_SECONDS,
    CRM_ID,
    DEFAULT_SECTION,
    EMAIL,
    Client,
    Credentials,
    Server,
    assert_problem,
    decoded_token,
    environment,
    event,
    printed_credentials,
    run,
)


def client_settings(server: Server) -> dict[str, str]:
    assert server.credentials is not None
    return {
        "OVATION_URL": server.url,
        "OVATION_CLIENT_ID": server.credentials.client_id,
        "OVATION_CLIENT_SECRET": server.credentials.client_secret,
    }


def attempt(server: Server, *arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a client command against a server, with settings from the environment."""
    return run(*arguments, home=server.folder, env=client_settings(server), stdin=stdin)


def succeed(server: Server, *arguments: str | Path, stdin: str = "") -> str:
    result = attempt(server, *arguments, stdin=stdin)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def fail(server: Server, *arguments: str | Path, stdin: str = "") -> str:
    result = attempt(server, *arguments, stdin=stdin)
    assert result.returncode > 0, result.stdout + result.stderr
    assert "Fatal error" not in result.stderr
    assert result.stderr.strip(), "it says why"
    return result.stderr


# MARK: token


def test_token_prints_a_token_that_works(server: Server) -> None:
    assert server.credentials is not None
    result = run(
        *["token", "--url", server.url],
        *["--client-id", server.credentials.client_id, "--client-secret", server.credentials.client_secret],
        home=server.folder,
    )
    assert result.returncode == 0, result.stderr
    client = server.client()
    client.token = result.stdout.removesuffix("\n")
    assert client.get("/audience/sections").status_code == 200


def test_token_takes_its_settings_from_the_environment(server: Server) -> None:
    client = server.client()
    client.token = succeed(server, "token").removesuffix("\n")
    assert client.get("/audience/sections").status_code == 200


def test_a_flag_wins_over_the_environment(server: Server) -> None:
    message = fail(server, "token", "--client-secret", "not-the-secret-at-all")
    assert "not-the-secret-at-all" not in message


def test_a_server_that_cannot_be_reached_is_named(server: Server) -> None:
    assert "127.0.0.1:1" in fail(server, "token", "--url", "http://127.0.0.1:1")


def test_missing_credentials_are_asked_for_by_name(tmp_path: Path, server: Server) -> None:
    result = run("token", "--url", server.url, home=tmp_path)
    assert result.returncode > 0
    assert "client-id" in result.stderr or "OVATION_CLIENT_ID" in result.stderr


# MARK: model


def fill(client: Client) -> None:
    """A model with everything in it that a model can have."""
    created = client.post("/audience/sections", json={"name": "Europe"})
    assert created.status_code == 201, created.text
    section = created.json()["discriminator"]
    keyspace = client.post("/audience/keyspaces", json={"name": "Loyalty card", "manage_subscriptions": True})
    assert keyspace.status_code == 201, keyspace.text
    event_type = client.make_event_type(
        {"orderId": {"type": "integer", "required": True}, "amount": "double"},
        section=section,
        name="order placed",
        keyspaces=[EMAIL, keyspace.json()["discriminator"]],
    )["discriminator"]
    path = f"/audience/sections/{section}/events/{event_type}"
    second = {"fields": {"orderId": {"type": "integer", "required": True}, "amount": "double", "currency": "string"}}
    assert client.post(f"{path}/versions", json=second).status_code == 201
    third = {"fields": {"orderId": "integer"}, "draft": True}
    assert client.post(f"{path}/versions", json=third).status_code == 201


def test_an_exported_model_applied_to_an_empty_server_exports_the_same(start_server: StartServer) -> None:
    full, empty = start_server(model=ARTICLE_MODEL), start_server()
    fill(full.client())
    file = full.folder / "model.yaml"
    succeed(full, "model", "export", file)
    exported = file.read_text()
    assert succeed(full, "model", "export", "-") == exported
    assert ARTICLE_EVENT_TYPE in exported

    plan = succeed(empty, "model", "plan", file)
    assert ARTICLE_EVENT_TYPE in plan
    assert ARTICLE_EVENT_TYPE not in succeed(empty, "model", "export", "-"), "a plan changes nothing"

    succeed(empty, "model", "apply", file)
    assert succeed(empty, "model", "export", "-") == exported
    for path in [f"/audience/sections/{ARTICLE_SECTION}/events", "/audience/sections", "/audience/keyspaces"]:
        assert empty.client().get(path).text == full.client().get(path).text


def test_applying_a_model_twice_does_nothing_the_second_time(start_server: StartServer) -> None:
    server = start_server()
    succeed(server, "model", "apply", ARTICLE_MODEL)
    log = server.client().get("/audience/log").text
    assert "nothing to do" in succeed(server, "model", "plan", ARTICLE_MODEL).lower()
    assert "nothing to do" in succeed(server, "model", "apply", ARTICLE_MODEL).lower()
    assert server.client().get("/audience/log").text == log


def test_a_model_may_come_from_standard_input(start_server: StartServer) -> None:
    server = start_server()
    succeed(server, "model", "apply", "-", stdin=ARTICLE_MODEL.read_text())
    assert ARTICLE_EVENT_TYPE in server.client().get(f"/audience/sections/{ARTICLE_SECTION}/events").text


def test_a_model_with_one_mistake_changes_nothing(start_server: StartServer) -> None:
    server = start_server()
    before = succeed(server, "model", "export", "-")
    broken = yaml.safe_load(ARTICLE_MODEL.read_text())
    broken["sections"].append(
        {
            "discriminator": "usercreated.sections.other-0123456789",
            "name": "Other",
            "event_types": [
                {
                    "discriminator": "com.apsis1.events.signal.custom-broken-0123456789",
                    "name": "broken",
                    "category": "rumour",
                    "versions": [{"fields": {"text": "string"}}],
                }
            ],
        }
    )
    message = fail(server, "model", "apply", "-", stdin=yaml.safe_dump(broken, sort_keys=False))
    assert "category" in message
    assert succeed(server, "model", "export", "-") == before


def test_a_plan_says_what_would_change(start_server: StartServer) -> None:
    server = start_server(model=ARTICLE_MODEL)
    changed = ARTICLE_MODEL.read_text().replace("name: My section", "name: My renamed section")
    plan = succeed(server, "model", "plan", "-", stdin=changed)
    assert "My renamed section" in plan
    for file, code in [(changed, 2), (ARTICLE_MODEL.read_text(), 0), ("sections: [", 1)]:
        assert attempt(server, "model", "plan", "--exit-code", "-", stdin=file).returncode == code
    assert "nothing to do" not in plan.lower()


def test_a_file_that_is_no_yaml_is_refused(server: Server) -> None:
    fail(server, "model", "apply", "-", stdin="sections: [")
    assert "missing.yaml" in fail(server, "model", "plan", "missing.yaml")


def test_the_log_tells_who_changed_what(start_server: StartServer) -> None:
    server = start_server(model=ARTICLE_MODEL)
    event_type = server.client().make_event_type({"text": "string"}, name="told in the log")["discriminator"]
    assert server.credentials is not None
    log = succeed(server, "model", "log")
    assert ARTICLE_EVENT_TYPE in log
    [line] = [line for line in log.splitlines() if event_type in line and server.credentials.client_id in line][:1]
    assert line


# MARK: keys


def create_key(server: Server, name: str, *options: str) -> Credentials:
    [credentials] = printed_credentials(succeed(server, "keys", "create", name, "--role", "integration", *options))
    return credentials


def test_a_created_key_gets_tokens_but_changes_no_definitions(server: Server) -> None:
    client = server.client(create_key(server, "shop"))
    assert client.get("/audience/sections").status_code == 200
    assert_problem(client.post("/audience/sections", json={"name": "Mine"}), 403, "admin_required")


def test_an_admin_key_can_be_created(server: Server) -> None:
    [credentials] = printed_credentials(succeed(server, "keys", "create", "deputy", "--role", "admin"))
    assert server.client(credentials).get("/account/api-keys").status_code == 200


def test_keys_are_listed_without_their_secrets(server: Server) -> None:
    credentials = create_key(server, "listed in the list")
    listed = succeed(server, "keys", "list")
    assert "listed in the list" in listed
    assert credentials.client_id in listed
    assert credentials.client_secret not in listed


def test_a_key_can_be_limited_to_sections_and_keyspaces(server: Server, admin: Client) -> None:
    section = admin.post("/audience/sections", json={"name": "Hidden"}).json()["discriminator"]
    version = admin.make_version({"text": "string"}, name="limited")
    limits = ["--section", DEFAULT_SECTION, "--keyspace", f"{EMAIL}=read", "--keyspace", f"{CRM_ID}=read_write"]
    client = server.client(create_key(server, "limited", *limits))
    [line] = [line for line in succeed(server, "keys", "list").splitlines() if client.credentials.client_id in line]
    assert line.endswith(f"({DEFAULT_SECTION}; {CRM_ID} (read and write), {EMAIL} (read only))"), "in words"
    everything = succeed(server, "keys", "create", "unlimited")
    assert "may use        all sections; all keyspaces, read and write" in everything
    items = [event(version, {"text": "a"})]

    assert [item["discriminator"] for item in client.get("/audience/sections").json()["items"]] == [DEFAULT_SECTION]
    assert_problem(client.get(f"/audience/sections/{section}/events"), 404, "section_not_found")
    assert client.post_events(items, keyspace=CRM_ID, key="4711").status_code == 204
    assert_problem(client.post_events(items, keyspace=EMAIL, key="limited@example.com"), 403, "keyspace_forbidden")
    assert admin.post_events(items, keyspace=EMAIL, key="limited@example.com").status_code == 204
    assert len(client.list_events(keyspace=EMAIL, key="limited@example.com")) == 1


def test_a_revoked_key_is_refused_at_once(server: Server) -> None:
    credentials = create_key(server, "revoked soon")
    client = server.client(credentials)
    assert client.get("/audience/sections").status_code == 200
    succeed(server, "keys", "revoke", credentials.client_id)
    assert_problem(client.get("/audience/sections"), 401, "key_revoked")
    assert_problem(client.ask_for_token(), 401, "invalid_client")


def test_revoking_a_key_that_does_not_exist_fails(server: Server) -> None:
    assert "no such API key" in fail(server, "keys", "revoke", "00000000-0000-4000-8000-000000000000")


def test_after_a_rotation_old_tokens_work_and_new_ones_have_another_key(server: Server) -> None:
    old, new = server.client(), server.client()
    old_header, _ = decoded_token(old.token)
    succeed(server, "keys", "rotate-signing")
    new_header, _ = decoded_token(new.token)
    assert old_header["kid"] != new_header["kid"]
    assert old.get("/audience/sections").status_code == 200
    assert new.get("/audience/sections").status_code == 200
    published = old.session.get(server.url + "/.well-known/jwks.json").json()["keys"]
    assert {old_header["kid"], new_header["kid"]} <= {key["kid"] for key in published}
    assert all(key.keys().isdisjoint({"d", "p", "q", "dp", "dq", "qi"}) for key in published), "public halves only"


# MARK: events


@pytest.mark.parametrize("source", ["file", "standard input"])
def test_events_are_posted_and_listed(server: Server, admin: Client, tmp_path: Path, source: str) -> None:
    version = admin.make_version({"number": "integer"}, name=f"posted from {source}")
    body = json.dumps({"items": [event(version, {"number": 1}), event(version, {"number": 2})]})
    profile = [
        "--keyspace",
        EMAIL,
        "--key",
        f"cli {source}@example.com".replace(" ", "."),
        "--section",
        DEFAULT_SECTION,
    ]
    if source == "file":
        file = tmp_path / "events.json"
        file.write_text(body)
        succeed(server, "events", "post", *profile, file)
    else:
        succeed(server, "events", "post", *profile, "-", stdin=body)
    # One event a line, newest first.
    listed = [json.loads(line) for line in succeed(server, "events", "list", *profile).splitlines()]
    assert [item["data"]["number"] for item in listed] == [2, 1]


def test_a_refused_event_is_explained(server: Server, admin: Client) -> None:
    version = admin.make_version({"number": "integer"}, name="refused")
    body = json.dumps({"items": [event(version, {"number": "one"})]})
    profile = ["--keyspace", EMAIL, "--key", "refused@example.com", "--section", DEFAULT_SECTION]
    assert "/items/0/data/number" in fail(server, "events", "post", *profile, "-", stdin=body)


# MARK: Lists, and names instead of discriminators


def rows(text: str) -> list[list[str]]:
    """Cells of a table whose columns have two blanks between them."""
    return [re.split(r" {2,}", line) for line in text.splitlines()]


@pytest.fixture(scope="module")
def named(server: Server, admin: Client) -> dict[str, str]:
    """Sections and event types by their names; 'Twin' is the name of two of each."""
    made = {}
    for name in ("Bakery", "Twin", "twin"):
        made[name] = admin.post("/audience/sections", json={"name": name}).json()["discriminator"]
    fields = {"loaves": {"type": "integer", "required": True}, "note": "string"}
    made["Bread sold"] = admin.make_event_type(fields, section=made["Bakery"], name="Bread sold")["discriminator"]
    for number in (1, 2):
        made[f"sale {number}"] = admin.make_event_type(fields, section=made["Bakery"], name="Sale")["discriminator"]
    return made


def test_what_the_api_lists_can_be_listed(server: Server, admin: Client, named: dict[str, str]) -> None:
    table = rows(succeed(server, "sections", "list"))
    assert table[0] == ["DISCRIMINATOR", "NAME"] and [named["Bakery"], "Bakery"] in table
    table = rows(succeed(server, "keyspaces", "list"))
    assert table[0] == ["DISCRIMINATOR", "NAME", "KEY FORMAT", "SUBSCRIPTIONS"]
    assert [EMAIL, "Email", "email", "yes"] in table
    event_type = admin.get(f"/audience/sections/{named['Bakery']}/events/{named['Bread sold']}").json()
    row = [named["Bakery"], named["Bread sold"], "Bread sold", event_type["versions"][0]["id"],
           "loaves integer, note string, source string"]  # fmt: skip
    assert row in rows(succeed(server, "event-types", "list"))
    of_one = rows(succeed(server, "event-types", "list", "--section", "bakery"))
    assert row in of_one and {line[0] for line in of_one} == {"SECTION", named["Bakery"]}
    for words, path in [
        (["sections", "list"], "/audience/sections"),
        (["keyspaces", "list"], "/audience/keyspaces"),
        (["event-types", "list", "--section", "Bakery"], f"/audience/sections/{named['Bakery']}/events"),
    ]:
        printed = [json.loads(line) for line in succeed(server, *words, "--json").splitlines()]
        assert printed == admin.get(path).json()["items"]


def test_an_event_type_is_shown_with_versions_fields_and_permissions(
    server: Server, admin: Client, named: dict[str, str]
) -> None:
    shown = succeed(server, "event-types", "show", "bread SOLD")
    assert shown.startswith("Bread sold\n") and f"discriminator  {named['Bread sold']}\n" in shown
    assert ", current, valid from " in shown and "    loaves: integer, required\n    note: string\n" in shown
    assert f"keyspace {EMAIL}: read and write" in shown
    path = f"/audience/sections/{named['Bakery']}/events/{named['Bread sold']}"
    for words in (["Bread sold"], [named["Bread sold"]], [named["Bread sold"], "--section", named["Bakery"]]):
        assert json.loads(succeed(server, "event-types", "show", *words, "--json")) == admin.get(path).json()
    assert "There is no event type" in fail(server, "event-types", "show", "Bread burnt")


def test_commands_take_names_that_one_alone_has(
    server: Server, admin: Client, tmp_path: Path, named: dict[str, str]
) -> None:
    path = f"/audience/sections/{named['Bakery']}/events/{named['Bread sold']}"
    version = admin.get(path).json()["versions"][0]["id"]
    profile = ["--key", "baker@example.com", "--section", "Bakery"]
    good, bad = event(version, {"loaves": 1, "note": "by name"}), event(version, {"loaves": "one"})
    succeed(server, "events", "post", *profile, "-", stdin=json.dumps([good]))
    fail(server, "events", "post", *profile, "-", stdin=json.dumps([bad]))
    for option in ("--event", "--event-type"):
        assert "by name" in succeed(server, "events", "list", *profile, option, "Bread sold")
    line = {"keyspace": EMAIL, "profile_key": "baker@example.com", "event_time": "2024-01-01T00:00:00Z",
            "version_id": version, "data": {"loaves": 2}}  # fmt: skip
    (tmp_path / "history.ndjson").write_text(json.dumps(line) + "\n")
    assert "1 " in succeed(server, "events", "import", "--quiet", "--section", "Bakery", tmp_path / "history.ndjson")
    exported = succeed(server, "events", "export", "--quiet", "--section", "Bakery", "--event-type", "Bread sold")
    assert len(exported.splitlines()) == 2
    for options in (["--section", "Bakery"], ["--section", "Bakery", "--event-type", "Bread sold"], ["--event-type", "Bread sold"]):
        [rejection] = [json.loads(line) for line in succeed(server, "rejections", "list", "--json", *options).splitlines()]
        [cause] = succeed(server, "rejections", "causes", *options).splitlines()
        assert named["Bread sold"] in cause
    assert "loaves" in succeed(server, "rejections", "show", "--section", "Bakery", rejection["id"])
    fail(server, "rejections", "replay", "--section", "Bakery", rejection["id"])
    succeed(server, "rejections", "dismiss", "--section", "Bakery", rejection["id"])
    created = succeed(server, "keys", "create", "baker", "--section", "Bakery")
    assert f"may use        {named['Bakery']};" in created


def test_a_name_of_several_is_answered_with_their_discriminators(server: Server, named: dict[str, str]) -> None:
    message = fail(server, "event-types", "list", "--section", "TWIN")
    assert named["Twin"] in message and named["twin"] in message and "2 of them" in message
    # As it is written, only one has it.
    succeed(server, "event-types", "list", "--section", "twin")
    for words in (["event-types", "show", "Sale"], ["rejections", "list", "--event-type", "Sale"],
                  ["events", "export", "--section", "Bakery", "--event-type", "Sale"]):  # fmt: skip
        message = fail(server, *words)
        assert named["sale 1"] in message and named["sale 2"] in message
    message = fail(server, "events", "list", "--key", "a@example.com", "--section", "Nowhere")
    assert "There is no section" in message and "'ovation sections list'" in message
    assert len(message.splitlines()) == 1


# MARK: events tail


def test_posts_are_shown_as_they_happen(server: Server, admin: Client, named: dict[str, str]) -> None:
    path = f"/audience/sections/{named['Bakery']}/events/{named['Bread sold']}"
    version = admin.get(path).json()["versions"][0]["id"]
    elsewhere = admin.make_version({"n": "integer"}, name="elsewhere")
    for options in (["--section", "Bakery"], ["--event-type", "Bread sold"]):
        for form in ([], ["--json"]):
            tail = subprocess.Popen(
                [BINARY, "events", "tail", *options, *form, "--limit", "2"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True, env=environment(server.folder, client_settings(server)),
            )  # fmt: skip
            assert tail.stdout and tail.stderr
            try:
                assert tail.stderr.readline() == "waiting for posts\n"
                assert admin.post_events([event(elsewhere, {"n": 1})]).status_code == 204
                assert admin.post_events([event(version, {"loaves": 1})], section=named["Bakery"]).status_code == 204
                first = tail.stdout.readline()
                # It does not wait until the command ends.
                assert admin.post_events([event(version, {"loaves": ""})], section=named["Bakery"]).status_code == 400
                second = tail.stdout.readline()
                assert tail.wait(COMMAND_SECONDS) == 0
            finally:
                tail.kill()
                tail.communicate()
            if form:
                assert json.loads(first)["types"][0]["name"] == "Bread sold"
                assert json.loads(second)["outcome"] == "refused"
            else:
                assert "  accepted  1 event  " in first and "Bread sold 1" in first
                assert "  refused  1 event  " in second and "/items/0/data/loaves" in second


def test_a_tail_that_cannot_begin_says_why(server: Server) -> None:
    assert "127.0.0.1:1" in fail(server, "events", "tail", "--url", "http://127.0.0.1:1")
    assert "outcome" in fail(server, "events", "tail", "--outcome", "lost")


# MARK: doctor


def test_the_doctor_finds_a_healthy_server_healthy(server: Server) -> None:
    assert server.url in succeed(server, "doctor")


def test_the_doctor_finds_a_missing_server(server: Server) -> None:
    result = attempt(server, "doctor", "--url", "http://127.0.0.1:1")
    assert result.returncode > 0
    assert "127.0.0.1:1" in result.stdout + result.stderr

"""Refused posts, and posts as they happen: over real sockets, through a crash, and by the command line."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from queue import Empty, Queue
from typing import Any

import pytest

from conftest import StartServer
from ovation import ARTICLE_MODEL, ARTICLE_SECTION, EMAIL, REQUEST_SECONDS, Client, Server, event, events_path
from test_cli import attempt, fail, succeed

EVENTS = events_path(EMAIL, "steve@apsis.com", ARTICLE_SECTION)
REJECTIONS = f"/audience/sections/{ARTICLE_SECTION}/rejections"
GOOD = {"items": [event(2565266, {"myNumberField": 1})]}
BAD = {"items": [event(2565266, {"myNumberField": "one"})]}


@pytest.fixture
def server(start_server: StartServer) -> Server:
    return start_server(model=ARTICLE_MODEL)


def rejections(client: Client, query: str = "") -> list[Any]:
    return client.get(REJECTIONS + query).json()["items"]


def test_what_was_refused_survives_a_crash_from_the_moment_of_its_answer(server: Server) -> None:
    client = server.client()
    for number in range(20):
        assert client.post(EVENTS, json={"items": [event(2565266, {f"wrong{number}": 1})]}).status_code == 400
    server.kill()
    server.start()
    kept = rejections(server.client())
    assert [item["errors"][0]["pointer"] for item in kept] == [f"/items/0/data/wrong{n}" for n in range(19, -1, -1)]


def test_a_rejection_is_replayed_once_however_many_try_at_the_same_time(server: Server) -> None:
    client = server.client()
    assert client.post(EVENTS, json=BAD).status_code == 400
    path = f"{REJECTIONS}/{rejections(client)[0]['id']}/replay"
    clients = [server.client() for _ in range(8)]
    for each in clients:
        assert each.token
    codes: list[int] = []

    def replay(each: Client) -> None:
        codes.append(each.post(path, json=GOOD).status_code)

    threads = [threading.Thread(target=replay, args=[each]) for each in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [204] + [409] * 7
    assert len(client.get(EVENTS).json()["items"]) == 1


def test_the_oldest_goes_when_there_are_as_many_as_are_kept(start_server: StartServer) -> None:
    server = start_server(model=ARTICLE_MODEL, env={"OVATION_REJECTIONS_MAX": "5"})
    client = server.client()
    for number in range(12):
        client.post(EVENTS, json={"items": [event(2565266, {f"wrong{number}": 1})]})
    assert [item["errors"][0]["pointer"][-7:] for item in rejections(client)] == [
        f"wrong{n}".rjust(7, "/") for n in range(11, 6, -1)
    ]


def test_nothing_is_kept_where_that_is_turned_off(start_server: StartServer) -> None:
    server = start_server(model=ARTICLE_MODEL, env={"OVATION_REJECTIONS_MAX": "0"})
    client = server.client()
    assert client.post(EVENTS, json=BAD).status_code == 400
    assert rejections(client) == []
    assert b"myNumberField\":\"one" not in server.store.read_bytes()


# MARK: The command line


def test_list_show_edit_replay_dismiss(server: Server) -> None:
    client = server.client()
    assert client.post(EVENTS, json=BAD).status_code == 400
    assert client.post(EVENTS, data="nonsense").status_code == 400
    lines = succeed(server, "rejections", "list").splitlines()
    assert len(lines) == 2 and "invalid_json" in lines[0] and "validation_failed" in lines[1]
    assert json.loads(succeed(server, "rejections", "list", "--json", "--code", "invalid_json"))["state"] == "open"
    (broken, wrong) = (line.split()[0] for line in lines)

    place = ["--section", ARTICLE_SECTION, wrong]
    shown = attempt(server, "rejections", "show", *place)
    assert "/items/0/data/myNumberField" in shown.stderr
    body = json.loads(shown.stdout)
    assert body == BAD
    assert "/items/0/data/myNumberField" in fail(server, "rejections", "replay", *place)
    # A file without events must not replay what was refused.
    assert "items" in fail(server, "rejections", "replay", *place, "-", stdin="[]")
    body["items"][0]["data"]["myNumberField"] = 1
    assert "would be accepted" in succeed(
        server, "rejections", "replay", "--validate-only", *place, "-", stdin=json.dumps(body)
    )
    assert "Stored" in succeed(server, "rejections", "replay", *place, "-", stdin=json.dumps(body))
    assert "replayed before" in fail(server, "rejections", "replay", *place, "-", stdin=json.dumps(body))
    assert "Dismissed" in succeed(server, "rejections", "dismiss", "--section", ARTICLE_SECTION, broken)
    assert [line.split()[0] for line in succeed(server, "rejections", "list").splitlines()] == [wrong]


# MARK: Causes

CAUSES = "/audience/rejections/causes"


def draft_version(client: Client) -> tuple[str, str]:
    """Of the article's event: its id, and where it is published."""
    [event_type] = client.get(f"/audience/sections/{ARTICLE_SECTION}/events").json()["items"]
    path = f"/audience/sections/{ARTICLE_SECTION}/events/{event_type['discriminator']}/versions"
    made = client.post(path, json={"fields": {"myNumberField": "integer"}, "draft": True})
    assert made.status_code == 201, made.text
    version = made.json()["drafts"][0]["id"]
    return version, f"{path}/{version}/publish"


def shop_of(server: Server, client: Client) -> Client:
    key = client.post("/account/api-keys", json={"name": "shop"}).json()
    return server.client(type(server.credentials)(key["client_id"], key["client_secret"]))  # type: ignore[misc]


def test_a_cause_is_listed_previewed_replayed_and_dismissed_by_the_command_line(server: Server) -> None:
    client = server.client()
    version, publish = draft_version(client)
    shop = shop_of(server, client)
    for number in range(3):
        items = [event(version, {"myNumberField": number})]
        path = events_path(EMAIL, f"a{number}@b.se", ARTICLE_SECTION)
        assert shop.post(path, json={"items": items}).status_code == 400
    items = [event(version, {"myNumberField": "many"})]
    assert shop.post(EVENTS, json={"items": items}).status_code == 400
    assert client.post(EVENTS, json=BAD).status_code == 400
    lines = [line.split("  ") for line in succeed(server, "rejections", "causes").splitlines()]
    assert [line[1] for line in lines] == ["4", "1"]
    [event_type] = client.get(f"/audience/sections/{ARTICLE_SECTION}/events").json()["items"]
    assert lines[0][6:9] == ["draft_version", event_type["discriminator"], "/items/*/version_id"]
    [only] = succeed(server, "rejections", "causes", "--item-code", "wrong_type", "--json").splitlines()
    assert json.loads(only)["pointer"] == "/items/*/data/myNumberField"
    cause = lines[0][0]
    assert len(succeed(server, "rejections", "list", "--cause", cause).splitlines()) == 4
    assert len(succeed(server, "rejections", "list", "--item-code", "draft_version").splitlines()) == 4

    assert client.post(publish).status_code == 200
    preview = attempt(server, "rejections", "replay", "--cause", cause, "--dry-run")
    assert "3 would pass with 3 events, 1 would be refused again; nothing stored." in preview.stdout
    assert "1  wrong_type  /items/*/data/myNumberField" in preview.stdout
    assert client.get(events_path(EMAIL, "a0@b.se", ARTICLE_SECTION)).status_code == 404
    done = attempt(server, "rejections", "replay", "--cause", cause)
    assert done.returncode == 1, "something is left"
    assert "3 replayed with 3 events, 1 refused again and left open." in done.stdout
    again = attempt(server, "rejections", "replay", "--cause", cause)
    assert "0 replayed with 0 events, 1 refused again" in again.stdout
    for number in range(3):
        assert len(client.get(events_path(EMAIL, f"a{number}@b.se", ARTICLE_SECTION)).json()["items"]) == 1

    assert "1 would be dismissed" in succeed(server, "rejections", "dismiss", "--cause", cause, "--dry-run")
    assert succeed(server, "rejections", "dismiss", "--cause", cause) == "1 dismissed.\n"
    assert "no open rejections" in fail(server, "rejections", "dismiss", "--cause", cause)
    assert "no open rejections" in fail(server, "rejections", "replay", "--cause", cause)
    assert len(succeed(server, "rejections", "causes").splitlines()) == 1
    both = ["replay", "--cause", cause]
    for wrong in (["replay"], ["dismiss"], [*both, "5"], [*both, "--key", "a"], [*both, "--section", "a.b"]):
        assert attempt(server, "rejections", *wrong).returncode != 0


def test_a_cause_survives_a_crash_in_the_midst_of_its_replay_and_is_replayed_once(server: Server) -> None:
    client = server.client()
    version, publish = draft_version(client)
    shop = shop_of(server, client)
    for _ in range(150):
        assert shop.post(EVENTS, json={"items": [event(version, {"myNumberField": 1})]}).status_code == 400
    assert client.post(publish).status_code == 200
    [cause] = client.get(CAUSES).json()["items"]
    assert cause["rejection_count"] == 150
    first = client.post(f"{CAUSES}/{cause['cause']}/replay").json()
    assert first["passed"] == 100 and first["remaining"] == 50
    server.kill()
    server.start()
    client = server.client()
    threads = []
    passed: list[int] = []
    for _ in range(4):
        each = server.client()
        assert each.token
        path = f"{CAUSES}/{cause['cause']}/replay"
        threads.append(threading.Thread(target=lambda each=each: passed.append(each.post(path).json()["passed"])))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(passed) == 50
    assert len(client.get(EVENTS + "?limit=1000").json()["items"]) == 150
    assert client.get(CAUSES).json()["rejection_count"] == 0
    assert client.get("/audience/activity").json()["open_rejections"] == 0


def test_a_key_is_rotated_with_an_overlap(server: Server) -> None:
    made = succeed(server, "keys", "create", "web shop").split()
    client_id, old = made[2], made[5]
    rotated = succeed(server, "keys", "rotate", client_id, "--overlap", "1").split()
    new = rotated[5]
    assert new != old and "good until" in " ".join(rotated)
    for secret in (old, new):
        env = ("--client-id", client_id, "--client-secret", secret)
        assert len(succeed(server, "token", *env)) > 100
    succeed(server, "keys", "rotate", client_id, "--overlap", "0")
    assert "401" in fail(server, "token", "--client-id", client_id, "--client-secret", new)


@pytest.mark.parametrize("overlap", ["0", "24"])
def test_settings_that_stay_as_they_were_do_not_undo_a_rotation(server: Server, overlap: str) -> None:
    assert server.credentials is not None
    old = server.credentials
    printed = succeed(server, "keys", "rotate", old.client_id, "--overlap", overlap).split()
    new = type(old)(old.client_id, printed[5])
    server.stop()
    server.start()
    assert server.client(new).ask_for_token().status_code == 200
    assert server.client(old).ask_for_token().status_code == (401 if overlap == "0" else 200)
    # Changed settings count: it is the way back in.
    third = type(old)(old.client_id, "another-secret-of-more-than-sixteen-characters")
    server.stop()
    server.credentials = third
    server.start()
    assert server.client(third).ask_for_token().status_code == 200
    assert server.client(new).ask_for_token().status_code == 401


def test_the_last_use_of_a_key_is_written_down_at_the_end(server: Server) -> None:
    admin = server.client()
    key = admin.post("/account/api-keys", json={"name": "shop"}).json()
    shop = server.client(type(server.credentials)(key["client_id"], key["client_secret"]))  # type: ignore[misc]
    assert shop.get("/audience/sections").status_code == 200

    def last_use() -> str | None:
        keys = server.client().get("/account/api-keys").json()["items"]
        return next(item["last_used_at"] for item in keys if item["client_id"] == key["client_id"])

    used = last_use()
    assert used is not None
    server.stop()
    server.start()
    assert last_use() == used


# MARK: The live stream


class Stream:
    """Reads server-sent events on a thread of its own."""

    def __init__(self, client: Client, query: str = "") -> None:
        self.response = client.get("/audience/live" + query, stream=True)
        assert self.response.status_code == 200, self.response.text
        assert self.response.headers["content-type"] == "text/event-stream"
        self.posts: Queue[Any] = Queue()
        lines = self.response.iter_lines(chunk_size=1)
        assert next(lines).startswith(b":"), "a line at once, so that the reader knows that it is open"
        self.thread = threading.Thread(target=self._read, args=[lines], daemon=True)
        self.thread.start()

    def _read(self, lines: Iterator[bytes]) -> None:
        try:
            for line in lines:
                if line.startswith(b"data: "):
                    self.posts.put(json.loads(line[6:]))
        except Exception as error:  # noqa: BLE001 - however it ended, the test is told
            self.posts.put(error)
        self.posts.put(None)

    def next(self) -> Any:
        return self.posts.get(timeout=REQUEST_SECONDS)


def test_a_reader_sees_each_post_as_it_happens(server: Server) -> None:
    client = server.client()
    stream = Stream(client)
    headers = {"Idempotency-Key": "a"}
    assert client.post(EVENTS, json=GOOD, headers=headers).status_code == 204
    assert client.post(EVENTS, json=GOOD, headers=headers).status_code == 204
    assert client.post(EVENTS, json=BAD).status_code == 400
    (accepted, duplicate, refused) = (stream.next() for _ in range(3))
    assert [accepted["outcome"], duplicate["outcome"], refused["outcome"]] == ["accepted", "duplicate", "refused"]
    assert accepted["profile_key"] == "steve@apsis.com" and accepted["types"][0]["name"] == "my transaction"
    assert refused["code"] == "validation_failed" and refused["errors"][0]["pointer"] == "/items/0/data/myNumberField"
    assert refused["rejection_id"] == rejections(client)[0]["id"]


def test_a_filter_holds_back_the_rest(server: Server) -> None:
    client = server.client()
    stream = Stream(client, "?outcome=refused&section=" + ARTICLE_SECTION)
    assert client.post(EVENTS, json=GOOD).status_code == 204
    assert client.post(EVENTS, json=BAD).status_code == 400
    assert stream.next()["outcome"] == "refused"
    assert client.get("/audience/live?outcome=good").status_code == 400


def test_a_stream_ends_with_its_key(server: Server) -> None:
    admin = server.client()
    key = admin.post("/account/api-keys", json={"name": "second", "role": "admin"}).json()
    second = type(server.credentials)(key["client_id"], key["client_secret"])  # type: ignore[misc]
    stream = Stream(server.client(second))
    assert admin.request("DELETE", "/account/api-keys/" + key["client_id"]).status_code == 204
    assert admin.post(EVENTS, json=GOOD).status_code == 204
    assert stream.next() is None, "a reader without the right gets nothing"


def test_an_open_stream_does_not_keep_the_server_from_stopping(server: Server) -> None:
    stream = Stream(server.client())
    server.signal(signal.SIGTERM)
    assert server.wait() == 0, server.output
    assert not isinstance(stream.next(), dict)
    server.start()

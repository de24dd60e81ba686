"""What became of events in the last hour, as the store has counted it: over restarts, kills and several servers."""

from __future__ import annotations

import itertools
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from conftest import StartServer
from ovation import ARTICLE_MODEL, ARTICLE_SECTION, EMAIL, Client, Credentials, Server, event, events_path, wait_until
from postgres import Postgres

VERSION = "2565266"
BULK = f"/audience/sections/{ARTICLE_SECTION}/events/bulk"

_numbers = itertools.count(1)


def path(key: str) -> str:
    return events_path(EMAIL, key, ARTICLE_SECTION)


def number(value: int) -> dict[str, object]:
    return event(VERSION, {"myNumberField": value})


def activity(client: Client) -> Any:
    response = client.get("/audience/activity")
    assert response.status_code == 200, response.text
    return response.json()


def counts(client: Client) -> tuple[int, int, int]:
    """Accepted, refused and repeated events of the last hour."""
    minutes = activity(client)["minutes"]
    return tuple(sum(minute[name] for minute in minutes) for name in ("accepted", "refused", "duplicate"))


def overview(server: Server) -> tuple[list[str], str]:
    """The numbers of its tiles, and the page."""
    assert server.credentials is not None
    with requests.Session() as session:
        session.trust_env = False
        form = session.get(f"{server.url}/console/sign-in", timeout=10).text
        csrf = re.search(r'name="csrf" value="([^"]+)"', form)
        assert csrf, form
        fields = {
            "csrf": csrf[1],
            "client_id": server.credentials.client_id,
            "client_secret": server.credentials.client_secret,
        }
        headers = {"Origin": server.url, "Referer": f"{server.url}/console/sign-in"}
        page = session.post(f"{server.url}/console/sign-in", data=fields, headers=headers, timeout=10).text
    return re.findall(r'<p class="number">([\d,]+)</p>', page), page


def post_everything(client: Client) -> tuple[int, int, int]:
    """Posts of each kind, and what they come to."""
    for value in range(3):
        assert client.post(path("a@apsis.com"), json={"items": [number(value), number(-value)]}).status_code == 204
    for _ in range(3):
        once = client.post(path("b@apsis.com"), json={"items": [number(1)]}, headers={"Idempotency-Key": "once"})
        assert once.status_code == 204
    bad = event(VERSION, {"nothing": 1})
    assert client.post(path("c@apsis.com"), json={"items": [bad, bad]}).status_code == 400
    mixed = client.post(
        path("d@apsis.com"), json={"items": [number(1), bad]}, headers={"Prefer": "handling=lenient"}
    )
    assert mixed.status_code == 207
    line = '{"keyspace":"%s","profile_key":"e@apsis.com","event_time":"2020-10-14T09:43:34Z","version_id":%s,"data":{}}'
    lines = "\n".join([line % (EMAIL, VERSION)] * 5 + ["x"])
    upload = client.post(BULK, data=lines, headers={"Content-Type": "application/x-ndjson"})
    assert upload.status_code == 200 and upload.json()["stored"] == 5, upload.text
    return 6 + 1 + 1 + 5, 2 + 1 + 1, 2


def test_a_killed_server_has_forgotten_nothing_of_the_last_hour(start_server: StartServer) -> None:
    server = start_server(model=ARTICLE_MODEL)
    client = server.client()
    expected = post_everything(client)
    assert counts(client) == expected
    before = activity(client)
    for end in (server.kill, server.stop):
        end()
        server.start()
        client = server.client()
        assert counts(client) == expected
        after = activity(client)
        assert after["counted_since"] == before["counted_since"] and after["events"] == before["events"]
        tiles, page = overview(server)
        assert tiles == [str(count) for count in expected]
        assert "No post was refused" not in page and "None in this hour" not in page


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_a_kill_under_load_leaves_the_counts_that_the_stored_events_have(
    engine: str, start_server: StartServer, request: pytest.FixtureRequest
) -> None:
    options: dict[str, Any] = {"credentials": Credentials.random(), "model": ARTICLE_MODEL}
    if engine == "postgres":
        postgres: Postgres = request.getfixturevalue("postgres")
        database = f"activity{next(_numbers)}"
        postgres.query(f"CREATE DATABASE {database}")
        options["store_name"] = postgres.target(database)
    # One file has one server; a database of PostgreSQL has two, of which one goes on.
    servers = [start_server(**options) for _ in range(2 if engine == "postgres" else 1)]
    victim, witness = servers[0], servers[-1]
    for _ in range(3):
        stored = activity(victim.client())["events_stored"]
        with ThreadPoolExecutor(8) as pool:

            def post_until_it_ends(place: int) -> None:
                client = servers[place % len(servers)].client()
                client.token  # noqa: B018
                for value in range(400):
                    try:
                        client.post(path(f"p{place}@apsis.com"), json={"items": [number(value)] * (value % 3 + 1)})
                    except requests.RequestException:
                        return

            posts = [pool.submit(post_until_it_ends, place) for place in range(8)]
            observer = witness.client()
            assert wait_until(lambda: activity(observer)["events_stored"] > stored + 50, 30)
            victim.kill()
            for post in posts:
                post.result()
        victim.start()
        for server in servers:
            seen = activity(server.client())
            assert sum(minute["accepted"] for minute in seen["minutes"]) == seen["events_stored"] > stored + 50
            assert sum(item["event_count"] for item in seen["events"]) == seen["events_stored"]


def test_servers_of_one_database_count_together(postgres: Postgres, start_server: StartServer) -> None:
    database = f"activity{next(_numbers)}"
    postgres.query(f"CREATE DATABASE {database}")
    credentials = Credentials.random()
    first = start_server(store_name=postgres.target(database), model=ARTICLE_MODEL, credentials=credentials)
    second = start_server(store_name=postgres.target(database), credentials=credentials)
    expected = post_everything(first.client())
    assert counts(second.client()) == expected
    assert second.client().post(path("f@apsis.com"), json={"items": [number(1)]}).status_code == 204
    expected = (expected[0] + 1, *expected[1:])
    for server in (first, second):
        assert counts(server.client()) == expected
        assert overview(server)[0] == [str(count) for count in expected]
    first.kill()
    second.stop()
    first.start()
    assert counts(first.client()) == expected

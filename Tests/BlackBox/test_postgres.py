"""The server on PostgreSQL: the same API, several servers on one database, and what clients see while it is away."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from conftest import Note, StartServer
from ovation import (
    ARTICLE_MODEL,
    ARTICLE_SECTION,
    EMAIL,
    Credentials,
    Server,
    assert_problem,
    event,
    events_path,
    run,
    wait_until,
)
from postgres import Postgres

VERSION = "2565266"
PATH = events_path(EMAIL, "steve@apsis.com", ARTICLE_SECTION)


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """Name of an empty database."""
    name = f"test{next(_numbers)}"
    postgres.query(f"CREATE DATABASE {name}")
    yield name


_numbers = itertools.count(1)


def number(value: int) -> dict[str, object]:
    return event(VERSION, {"myNumberField": value})


def stored(client: object) -> list[int]:
    response = client.get(PATH + "?limit=1000")
    assert response.status_code == 200, response.text
    return [item["data"]["myNumberField"] for item in response.json()["items"]]


def test_the_articles_path_and_a_restart(postgres: Postgres, database: str, start_server: StartServer) -> None:
    server = start_server(store_name=postgres.uri(database), model=ARTICLE_MODEL)
    client = server.client()
    assert client.post(PATH, json={"items": [number(1), number(2)]}).status_code == 204
    key = {"Idempotency-Key": "once"}
    for _ in range(2):
        assert client.post(PATH, json={"items": [number(3)]}, headers=key).status_code == 204
    assert stored(client) == [3, 2, 1]
    bad = client.post(PATH, json={"items": [event(VERSION, {"nothing": 1})]})
    assert_problem(bad, 400)
    server.stop()
    server.start()
    client = server.client()
    assert stored(client) == [3, 2, 1]
    rejections = client.get("/audience/rejections")
    assert rejections.status_code == 200 and len(rejections.json()["items"]) == 1
    assert "a-password-never-shown" not in server.output


def test_two_servers_share_one_database(postgres: Postgres, database: str, start_server: StartServer) -> None:
    credentials = Credentials.random()
    first = start_server(store_name=postgres.target(database), model=ARTICLE_MODEL, credentials=credentials)
    second = start_server(store_name=postgres.target(database), credentials=credentials)
    clients = [first.client(), second.client()]
    for value in range(10):
        assert clients[value % 2].post(PATH, json={"items": [number(value)]}).status_code == 204
        assert len(stored(clients[1 - value % 2])) == value + 1
    key = {"Idempotency-Key": "once"}
    for client in clients:
        assert client.post(PATH, json={"items": [number(99)]}, headers=key).status_code == 204
    assert stored(clients[0]).count(99) == 1


def test_while_the_database_is_away_clients_are_told_to_come_back(start_server: StartServer) -> None:
    postgres = Postgres().create()
    try:
        postgres.start()
        server = start_server(store_name=postgres.target(), model=ARTICLE_MODEL)
        client = server.client()
        assert client.post(PATH, json={"items": [number(1)]}).status_code == 204
        postgres.stop("immediate")
        requests: list[Callable[[], object]] = [
            lambda: client.post(PATH, json={"items": [number(2)]}),
            lambda: client.get(PATH),
            lambda: client.get("/ready"),
        ]
        for request in requests * 2:
            began = time.monotonic()
            response = request()
            assert_problem(response, 503, "store_unavailable")
            assert int(response.headers["Retry-After"]) > 0
            assert time.monotonic() - began < 5
        assert client.get("/health").status_code == 200
        postgres.start()
        assert wait_until(lambda: client.get("/ready").status_code == 200, 30)
        assert client.post(PATH, json={"items": [number(3)]}).status_code == 204
        assert stored(client) == [3, 1]
    finally:
        server.stop()
        postgres.remove()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda target: target + " dbname=nowhere", "nowhere"),
        (lambda target: target + " user=nobody_i_know", "nobody_i_know"),
        (lambda target: "postgres://me:s3cret@host:notaport/x", "cannot be used"),
        (lambda target: "postgres://me:s3cret%zz@host/x", "connection string"),
        (lambda target: "host=db s3cret", "connection string"),
    ],
)
def test_a_database_that_cannot_be_used_is_said_so(
    postgres: Postgres, tmp_path: Path, change: Callable[[str], str], says: str
) -> None:
    result = run("serve", "--port", "0", "--store", change(postgres.target()), home=tmp_path)
    assert result.returncode > 0 and "Fatal error" not in result.stderr
    assert says in result.stderr and "s3cret" not in result.stderr + result.stdout


def test_doctor_looks_at_the_database(postgres: Postgres, database: str, tmp_path: Path) -> None:
    result = run("doctor", "--store", postgres.uri(database), home=tmp_path)
    for text in ["PostgreSQL", "fsync is on", "full_page_writes is on", "synchronous_commit", "clocks", "rights"]:
        assert text in result.stdout, result.stdout
    assert "a-password-never-shown" not in result.stdout + result.stderr
    postgres.query("CREATE ROLE guest LOGIN")
    postgres.query("ALTER ROLE guest SET synchronous_commit = off")
    guest = run("doctor", "--store", postgres.target(database) + " user=guest", home=tmp_path)
    assert "BAD" in guest.stdout and "GRANT CREATE" in guest.stdout
    assert "synchronous_commit is 'off'" in guest.stdout


def within_a_second(condition: Callable[[], bool]) -> None:
    """A second is the promise; a busy machine gets a few more."""
    assert wait_until(condition, 5, interval=0.05)


def test_what_one_server_changes_holds_on_the_other(
    postgres: Postgres, database: str, start_server: StartServer
) -> None:
    credentials = Credentials.random()
    first = start_server(store_name=postgres.target(database), model=ARTICLE_MODEL, credentials=credentials)
    second = start_server(store_name=postgres.target(database), credentials=credentials)
    here, there = first.client(), second.client()

    definition = {
        "name": "seen by all",
        "category": "transaction",
        "fields": {"myNumberField": "integer"},
        "keyspace_permissions": [{"keyspace_discriminator": EMAIL, "read": True, "write": True}],
    }
    made = here.post(f"/audience/sections/{ARTICLE_SECTION}/events", json=definition)
    assert made.status_code == 201, made.text
    version = made.json()["versions"][0]["id"]
    post = {"items": [event(version, {"myNumberField": 1})]}
    within_a_second(lambda: there.post(PATH, json=post).status_code == 204)
    # And the other way round, from where the log is now.
    back = there.post(f"/audience/sections/{ARTICLE_SECTION}/events", json=definition | {"name": "and back"})
    assert back.status_code == 201, back.text

    key = here.post("/account/api-keys", json={"name": "shop", "role": "integration"}).json()
    shop = Credentials(key["client_id"], key["client_secret"])
    within_a_second(lambda: there.ask_for_token(shop).status_code == 200)
    on_first, on_second = first.client(shop), second.client(shop)
    for client in (on_first, on_second):
        assert client.get(PATH).status_code == 200
    assert here.request("DELETE", f"/account/api-keys/{shop.client_id}").status_code == 204
    assert on_first.get(PATH).status_code in (401, 403)
    within_a_second(lambda: on_second.get(PATH).status_code in (401, 403))
    # What the second knew of the key must not bring it back when it writes down that it was used.
    second.stop()
    assert postgres.query("SELECT revoked_at IS NOT NULL FROM ovation.api_key WHERE role = 'integration'", database) == "t"
    second.start()


def test_keys_made_on_one_server_are_taken_on_the_other_at_once(
    postgres: Postgres, database: str, start_server: StartServer
) -> None:
    credentials = Credentials.random()
    first = start_server(store_name=postgres.target(database), model=ARTICLE_MODEL, credentials=credentials)
    second = start_server(store_name=postgres.target(database), credentials=credentials)
    servers = [first, second]
    for number in range(10):
        here, there = (server.client() for server in (servers[number % 2], servers[1 - number % 2]))
        assert here.post("/account/signing-keys").status_code == 201
        there.token = here.ask_for_token().json()["access_token"]
        assert there.get("/audience/sections").status_code == 200, "a token of a new signing key"
        key = here.post("/account/api-keys", json={"name": f"shop {number}", "role": "integration"}).json()
        shop = Credentials(key["client_id"], key["client_secret"])
        assert there.ask_for_token(shop).status_code == 200, "a new API key"
        rotated = here.post(f"/account/api-keys/{shop.client_id}/rotate", json={"overlap_hours": 0}).json()
        assert there.ask_for_token(Credentials(shop.client_id, rotated["client_secret"])).status_code == 200
        assert here.ask_for_token(shop).status_code == 401
        within_a_second(lambda: there.ask_for_token(shop).status_code == 401)


def test_servers_tell_each_other_of_changes_and_ask_where_that_is_lost(
    postgres: Postgres, database: str, start_server: StartServer, note: Note
) -> None:
    credentials = Credentials.random()
    first = start_server(store_name=postgres.target(database), credentials=credentials)
    second = start_server(store_name=postgres.target(database), credentials=credentials)
    here, there = first.client(), second.client()
    listening = f"FROM pg_stat_activity WHERE datname = '{database}' AND query LIKE 'LISTEN%'"
    assert wait_until(lambda: postgres.query(f"SELECT count(*) {listening}") == "2", 10)

    def seconds_until_seen(name: str) -> float:
        assert here.post("/audience/sections", json={"name": name}).status_code == 201
        began = time.monotonic()
        assert wait_until(lambda: name in there.get("/audience/sections").text, 5, interval=0.002)
        return time.monotonic() - began

    told = sorted(seconds_until_seen(f"told {number}") for number in range(21))
    asked = []
    for number in range(5):
        postgres.query(f"SELECT pg_terminate_backend(pid) {listening}")
        asked.append(seconds_until_seen(f"asked {number}"))
    note(f"seen by the other server after {told[10] * 1000:.0f} ms at the median, {told[-1] * 1000:.0f} ms at most")
    note(f"with the connection cut: {max(asked) * 1000:.0f} ms at most")
    assert wait_until(lambda: postgres.query(f"SELECT count(*) {listening}") == "2", 10), "it is made again"
    assert second.output.count("no notices of changes by other servers") >= 1


def test_servers_that_start_on_an_empty_database_at_once(postgres: Postgres, database: str, tmp_path: Path) -> None:
    credentials = Credentials.random()
    servers = [
        Server(tmp_path / f"{number}", store_name=postgres.target(database), credentials=credentials)
        for number in range(3)
    ]
    # Each server ends with the thread that started it, so the threads stay until all is seen.
    with ThreadPoolExecutor(len(servers)) as pool:
        try:
            list(pool.map(Server.start, servers))
            for server in servers:
                assert server.client().get("/audience/sections").status_code == 200
            assert postgres.query("SELECT count(*) FROM ovation.signing_key", database) == "1"
        finally:
            for server in servers:
                server.kill()


def test_a_backup_that_is_put_back_under_a_running_server(start_server: StartServer) -> None:
    """What the server had in memory of what came later is not true any more."""
    postgres = Postgres().create()
    data, saved = str(postgres.folder / "data"), str(postgres.folder / "saved")
    try:
        postgres.start()
        server = start_server(store_name=postgres.target(), model=ARTICLE_MODEL)
        client = server.client()
        postgres.stop()
        subprocess.run(["cp", "-a", data, saved], check=True)
        postgres.start()
        assert wait_until(lambda: client.post(PATH, json={"items": [number(1)]}).status_code == 204, 20)
        later = client.post("/audience/sections", json={"name": "Later"}).json()["discriminator"]
        postgres.stop()
        shutil.rmtree(data)
        subprocess.run(["cp", "-a", saved, data], check=True)
        postgres.start()
        assert wait_until(lambda: client.post(PATH, json={"items": [number(2)]}).status_code == 204, 20)
        # The profile was made again, and not only its event.
        assert stored(client) == [2]

        def sections() -> str:
            return str(client.get("/audience/sections").text)

        assert wait_until(lambda: later not in sections(), 10), sections()
    finally:
        postgres.remove()

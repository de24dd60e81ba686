"""The server on PostgreSQL: the same API, several servers on one database, and what clients see while it is away."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator

import pytest

from conftest import StartServer
from ovation import (
    ARTICLE_MODEL,
    ARTICLE_SECTION,
    EMAIL,
    Credentials,
    assert_problem,
    event,
    events_path,
    run,
    wait_until,
)
from postgres import Postgres

VERSION = "2565266"
PATH = events_path(EMAIL, "steve@apsis.com", ARTICLE_SECTION)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    server = Postgres().create()
    try:
        server.start()
        yield server
    finally:
        server.remove()


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
    postgres: Postgres, tmp_path: object, change: Callable[[str], str], says: str
) -> None:
    result = run("serve", "--port", "0", "--store", change(postgres.target()), home=tmp_path)
    assert result.returncode > 0 and "Fatal error" not in result.stderr
    assert says in result.stderr and "s3cret" not in result.stderr + result.stdout


def test_doctor_looks_at_the_database(postgres: Postgres, database: str, tmp_path: object) -> None:
    result = run("doctor", "--store", postgres.uri(database), home=tmp_path)
    for text in ["PostgreSQL", "fsync is on", "full_page_writes is on", "synchronous_commit", "clocks", "rights"]:
        assert text in result.stdout, result.stdout
    assert "a-password-never-shown" not in result.stdout + result.stderr
    postgres.query("CREATE ROLE guest LOGIN")
    postgres.query("ALTER ROLE guest SET synchronous_commit = off")
    guest = run("doctor", "--store", postgres.target(database) + " user=guest", home=tmp_path)
    assert "BAD" in guest.stdout and "GRANT CREATE" in guest.stdout
    assert "synchronous_commit is 'off'" in guest.stdout

"""Two servers on one database: what one changes of a profile as a whole, the other knows with its next request."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from conftest import StartServer
from ovation import (
    DEFAULT_SECTION,
    EMAIL,
    REQUEST_SECONDS,
    Client,
    Credentials,
    assert_problem,
    event,
    wait_until,
)
from postgres import Postgres
from test_profile_drill import CHANNEL, SECTION, TOPIC, set_up

WEB = "com.apsis1.keyspaces.web"
MERGES = "/audience/profiles/merges"
FIRST_NAME = "com.apsis1.attributes.firstname"

_numbers = itertools.count(1)


@pytest.fixture
def clients(postgres: Postgres, start_server: StartServer) -> Iterator[tuple[Client, Client]]:
    """One of each of two servers."""
    name = f"test{next(_numbers)}"
    postgres.query(f"CREATE DATABASE {name}")
    credentials = Credentials.random()
    first, second = (start_server(store_name=postgres.target(name), credentials=credentials) for _ in range(2))
    yield first.client(), second.client()


class Person:
    """An e-mail address and a cookie, with an event and a first name by each, which the second server has seen."""

    def __init__(self, name: str, version: str, client: Client) -> None:
        self.version = version
        self.keys = {EMAIL: f"{name}@example.com", WEB: f"cookie-{name}"}
        for keyspace in self.keys:
            assert self.post(client, keyspace, keyspace) == 204
            assert self.set(client, keyspace, name) == 204

    def path(self, keyspace: str) -> str:
        return f"/audience/keyspaces/{keyspace}/profiles/{quote(self.keys[keyspace], safe='')}"

    def post(self, client: Client, keyspace: str, text: str) -> int:
        items = [event(self.version, {"text": text})]
        return client.post_events(items, keyspace=keyspace, key=self.keys[keyspace]).status_code

    def set(self, client: Client, keyspace: str, name: str) -> int:
        path = f"/v2{self.path(keyspace)}/sections/{DEFAULT_SECTION}/attributes"
        return client.request("PATCH", path, json={FIRST_NAME: name}).status_code

    def merge(self, client: Client) -> int:
        profiles = [{"keyspace_discriminator": keyspace, "profile_key": key} for keyspace, key in self.keys.items()]
        return client.request("PUT", MERGES, json={"profiles": profiles}).status_code

    def texts(self, client: Client, keyspace: str) -> list[str]:
        items = client.list_events(keyspace=keyspace, key=self.keys[keyspace])
        return sorted(item["data"]["text"] for item in items)

    def shown(self, client: Client, keyspace: str) -> dict[str, Any]:
        answer = client.get(self.path(keyspace))
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


def people(clients: tuple[Client, Client], count: int) -> list[Person]:
    version = clients[0].make_version({"text": "string"}, keyspaces=[EMAIL, WEB])
    # The second one may still have to hear of the new event type.
    path = f"/audience/sections/{DEFAULT_SECTION}/events"
    assert wait_until(lambda: str(version) in clients[1].get(path).text, REQUEST_SECONDS, 0.05)
    return [Person(f"p{number}", version, clients[1]) for number in range(count)]


def test_a_merge_on_one_server_is_one_profile_on_the_other_at_once(clients: tuple[Client, Client]) -> None:
    for number, person in enumerate(people(clients, 6)):
        one, other = clients if number % 2 else clients[::-1]
        apart = [person.shown(other, keyspace)["profile_id"] for keyspace in person.keys]
        assert person.merge(one) == 204
        if number < 2:
            # A write is what comes next, before any read could have told the server.
            assert person.post(other, WEB, "later") == 204
            assert person.texts(one, EMAIL) == sorted([EMAIL, WEB, "later"])
        elif number < 4:
            assert person.set(other, WEB, "new") == 204
            [section] = person.shown(one, EMAIL)["sections"]
            assert [item["value"] for item in section["attributes"]] == ["new"]
        else:
            assert person.texts(other, EMAIL) == person.texts(other, WEB) == sorted([EMAIL, WEB])
        assert person.shown(other, WEB) == person.shown(one, EMAIL)
        assert person.shown(other, WEB)["profile_id"] == apart[0]
        undone = one.request(
            "DELETE", f"{MERGES}{person.path(WEB).removeprefix('/audience')}", headers={"Prefer": "handling=restore"}
        )
        assert undone.status_code == 204, undone.text
        assert [person.shown(other, keyspace)["profile_id"] for keyspace in person.keys] == apart
        assert person.texts(other, EMAIL) == [EMAIL]


def test_who_is_locked_for_good_on_one_server_takes_nothing_on_the_other(clients: tuple[Client, Client]) -> None:
    for number, person in enumerate(people(clients, 6)):
        one, other = clients if number % 2 else clients[::-1]
        if number >= 3:
            assert person.merge(one) == 204
        locked = one.request("PUT", person.path(EMAIL) + "/locks")
        assert locked.status_code == 204, locked.text
        requests = [
            lambda: person.post(other, EMAIL, "later"),
            lambda: person.set(other, EMAIL, "later"),
            lambda: other.get(person.path(EMAIL)).status_code,
            lambda: other.get(f"{person.path(EMAIL)}/sections/{DEFAULT_SECTION}/events").status_code,
        ]
        # Each of them is the first after a lock, once.
        for request in requests[number % 3 :] + requests[: number % 3]:
            assert request() == 410
        # The lock is one of the whole profile.
        assert person.post(other, WEB, "later") == (410 if number >= 3 else 204)


def test_who_is_deleted_on_one_server_begins_anew_on_the_other(clients: tuple[Client, Client]) -> None:
    for number, person in enumerate(people(clients, 4)):
        one, other = clients if number % 2 else clients[::-1]
        if number >= 2:
            assert person.merge(other) == 204
        assert one.request("DELETE", person.path(EMAIL)).status_code == 204
        if number % 2:
            assert_problem(other.get(person.path(EMAIL)), 404, "profile_not_found")
        assert person.post(other, EMAIL, "anew") == 204
        assert person.texts(one, EMAIL) == ["anew"] == person.texts(other, EMAIL)
        assert person.texts(other, WEB) == ([] if number >= 2 else [WEB])


def test_who_opts_out_on_one_server_is_written_to_by_none(clients: tuple[Client, Client]) -> None:
    set_up(clients[0])
    # The second one may still have to hear of the topic.
    assert wait_until(lambda: len(clients[1].get(f"{SECTION}/topics").json()["items"]) == 1, 30)
    for number in range(8):
        one, other = clients if number % 2 else clients[::-1]
        address = f"/audience/channels/{CHANNEL}/addresses/c{number}%40example.com"
        consents = f"/v2/audience/keyspaces/{EMAIL}/profiles/c{number}%40example.com/sections/{DEFAULT_SECTION}/consents"
        body = {"profile_key": f"c{number}@example.com"}
        made = one.request("POST", f"/audience/keyspaces/{EMAIL}/sections/{DEFAULT_SECTION}/profiles", json=body)
        assert made.status_code == 201, made.text

        def say(client: Client, kind: str, path: str = consents) -> int:
            consent = {"type": kind, "topic_discriminator": TOPIC, "channel_discriminator": CHANNEL, "reason": ""}
            return client.request("POST", path, json=consent).status_code

        def asked(client: Client, path: str = address) -> str:
            answer = client.get(f"{path}/may-send", params={"section": DEFAULT_SECTION, "topic": TOPIC})
            assert answer.status_code == 200, answer.text
            reason: str = answer.json()["reason"]
            return reason

        def counts(client: Client) -> list[int]:
            items = client.get(f"{SECTION}/consent-counts").json()["items"]
            return [items[0]["opt_in"], items[0]["opt_out"]] if items else [0, 0]

        opt_ins, opt_outs = counts(one)
        assert say(one, "opt-in") == 201
        assert asked(other) == "opt-in"
        assert counts(other) == [opt_ins + 1, opt_outs]
        assert say(other, "opt-in") == 409
        assert say(other, "opt-out") == 204
        assert asked(one) == "opt-out"
        assert counts(one) == [opt_ins, opt_outs + 1]
        assert say(one, "opt-in") == 204
        if number % 4 < 2:
            assert other.request("PUT", f"{address}/suppression", json={"reason": "spam"}).status_code == 201
            assert asked(one) == "suppressed"
            assert one.request("DELETE", f"{address}/suppression").status_code == 204
        else:
            body = {"type": "opt-out"} if number % 4 == 2 else {"type": "opt-out", "section_discriminator": DEFAULT_SECTION}
            assert other.request("POST", f"{address}/consents", json=body).status_code == 201
            assert asked(one) == ("account-opt-out" if number % 4 == 2 else "section-opt-out")
            query = "" if number % 4 == 2 else f"?section={DEFAULT_SECTION}"
            assert one.request("DELETE", f"{address}/consents{query}").status_code == 204
        assert asked(other) == "opt-in"
        assert counts(other) == [opt_ins + 1, opt_outs]

"""Kills among changes of profiles: posts, attributes, consents, merges, their end, deletions, locks, on both engines.

Each client has persons of its own: an e-mail address and a cookie, which it merges and parts again. It knows what each
person must look like, and what the one request without an answer may have changed. The server is killed at a random moment
and started again on the same store. What was answered must be there; what was not is there as a whole or not at all.
OVATION_CRASH_ROUNDS and OVATION_CRASH_SEED set how often and repeat a run's choices.
"""

from __future__ import annotations

import copy
import os
import random
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

import pytest
import requests

from conftest import Note, StartServer
from ovation import DEFAULT_SECTION, EMAIL, Client, Json, Server, event, events_path, run, wait_until
from postgres import Postgres

ROUNDS = int(os.environ.get("OVATION_CRASH_ROUNDS", "8"))
SEED = int(os.environ.get("OVATION_CRASH_SEED", random.SystemRandom().randrange(1_000_000)))
CLIENTS = 6
PERSONS = 3
WEB = "com.apsis1.keyspaces.web"
ATTRIBUTES = ["com.apsis1.attributes.firstname", "com.apsis1.attributes.lastname"]
SIDES = ("mail", "web")
SECTION = f"/v2/audience/sections/{DEFAULT_SECTION}"
FOLDER = "usercreated.targets.drill-k3v9x2b7qa"
TOPIC = "usercreated.topics.drill-k3v9x2b7qa"
CHANNEL = "com.apsis1.channels.email"
CONSENTS = ("opt-in", "opt-out", "pending-opt-in", "confirmed-opt-in")
#: Which type can follow which.
FOLLOWS: dict[str | None, set[str]] = {
    None: set(CONSENTS),
    "opt-in": {"opt-out", "confirmed-opt-in"},
    "opt-out": {"opt-in", "pending-opt-in", "confirmed-opt-in"},
    "pending-opt-in": {"opt-in", "opt-out", "confirmed-opt-in"},
    "confirmed-opt-in": {"opt-out"},
}
LOCKED = "locked"


@dataclass
class Side:
    """What came by one key: numbers of events, and of each attribute the value with the step that set it."""

    is_made: bool = False
    #: For good: it is known that it was there, and nothing else.
    is_locked: bool = False
    events: list[int] = field(default_factory=list)
    values: dict[str, tuple[int, str]] = field(default_factory=dict)
    #: The last one, with the step that set it.
    consent: tuple[int, str] | None = None


@dataclass
class Person:
    """What must be there. A merge is canonical on the side of the e-mail address, whichever is named first."""

    name: str
    mail: Side = field(default_factory=Side)
    web: Side = field(default_factory=Side)
    #: The step of the merge; 0: the two are apart.
    merged: int = 0

    def side(self, name: str) -> Side:
        return self.mail if name == "mail" else self.web

    @property
    def is_locked(self) -> bool:
        return self.mail.is_locked or self.web.is_locked

    def consent(self, name: str) -> str | None:
        """Of two that are one, the last word counts."""
        sides = [self.mail, self.web] if self.merged else [self.side(name)]
        said = [side.consent for side in sides if side.consent]
        return max(said)[1] if said else None

    def key(self, name: str) -> tuple[str, str]:
        return (EMAIL, f"{self.name}@example.com") if name == "mail" else (WEB, f"cookie-{self.name}")

    def expected(self, name: str) -> Json:
        """What readers find by one key; None: nobody."""
        if self.side(name).is_locked:
            return LOCKED
        if not self.side(name).is_made:
            return None
        sides = [self.mail, self.web] if self.merged else [self.side(name)]
        values = dict(sides[0].values)
        for attribute, (step, value) in sides[-1].values.items():
            own = values.get(attribute)
            if own is None or (step > self.merged and step > own[0]):
                values[attribute] = (step, value)
        return {
            "events": sorted(number for side in sides for number in side.events),
            "values": {attribute: value for attribute, (_, value) in values.items()},
            "consent": self.consent(name),
        }


@dataclass
class Act:
    """One request, and what it makes of a person."""

    kind: str
    side: str
    step: int
    number: int = 0
    attribute: str = ""
    idempotency_key: str = ""
    consent: str = ""

    def status(self, person: Person) -> int:
        """Of the answer."""
        if self.kind != "consent":
            return 204
        if not person.side(self.side).is_made:
            return 404
        current = person.consent(self.side)
        return 409 if self.consent not in FOLLOWS[current] else 201 if current is None else 204

    def status_again(self, person: Person) -> int:
        """Of the answer to the same request, where the one before was carried out."""
        status = self.status(person)
        return 404 if self.kind == "delete" else 204 if status == 201 else status

    def applied(self, person: Person) -> Person:
        after = copy.deepcopy(person)
        side = after.side(self.side)
        if self.kind == "post":
            side.is_made = True
            side.events.append(self.number)
        elif self.kind == "set":
            side.is_made = True
            side.values[self.attribute] = (self.step, str(self.number))
        elif self.kind == "consent":
            if self.status(person) in (201, 204):
                side.consent = (self.step, self.consent)
        elif self.kind == "merge":
            after.mail.is_made = after.web.is_made = True
            after.merged = after.merged or self.step
        elif self.kind == "restore":
            after.merged = 0
        elif self.kind in ("delete", "lock"):
            left = Side(is_locked=self.kind == "lock")
            if person.merged:
                after.mail, after.web, after.merged = left, copy.deepcopy(left), 0
            elif self.side == "mail":
                after.mail = left
            else:
                after.web = left
        return after


class Changer(threading.Thread):
    """One client, until the connection breaks."""

    def __init__(self, name: int, client: Client, version: str, attributes: dict[str, str], seed: int) -> None:
        super().__init__(daemon=True)
        self.name_of_client, self.client, self.version, self.attributes = name, client, version, attributes
        self.random = random.Random(seed)
        self.persons = [Person(f"p{name}-{number}") for number in range(PERSONS)]
        self.step = 0
        self.answered = 0
        self.in_doubt: tuple[int, Act] | None = None
        self.unexpected: str | None = None

    def run(self) -> None:
        while self.unexpected is None:
            place, act = self.next_act()
            self.in_doubt = (place, act)
            try:
                response = self.send(self.persons[place], act)
            except requests.RequestException:
                return
            self.note(place, act, response)

    def next_act(self) -> tuple[int, Act]:
        self.step += 1
        # Who is locked for good takes nothing, and another person comes.
        if self.random.randrange(25) == 0:
            self.persons.append(Person(f"p{self.name_of_client}-{len(self.persons)}"))
        place = self.random.choice([place for place, person in enumerate(self.persons) if not person.is_locked])
        person = self.persons[place]
        side = self.random.choice(SIDES)
        kind = self.random.choice(
            ["post"] * 12 + ["set"] * 10 + ["consent"] * 10 + ["merge"] * 6 + ["restore"] * 4 + ["delete"] * 2 + ["lock"]
        )
        if kind == "lock" and sum(not person.is_locked for person in self.persons) == 1:
            kind = "post"
        if kind == "restore" and not person.merged:
            kind = "post"
        if kind == "restore":
            # The canonical one is taken out of nothing.
            side = "web"
        if kind in ("delete", "lock") and not person.side(side).is_made:
            kind = "set"
        key = str(uuid.UUID(int=self.random.getrandbits(128)))
        attribute, consent = self.random.choice(ATTRIBUTES), self.random.choice(CONSENTS)
        return place, Act(kind, side, self.step, self.step, attribute, key, consent)

    def send(self, person: Person, act: Act) -> requests.Response:
        keyspace, key = person.key(act.side)
        path = f"/audience/keyspaces/{keyspace}/profiles/{quote(key, safe='')}"
        once = {"Idempotency-Key": act.idempotency_key}
        if act.kind == "post":
            items = [event(self.version, {"number": act.number})]
            return self.client.post_events(items, keyspace=keyspace, key=key, headers=once)
        if act.kind == "set":
            body = {self.attributes[act.attribute]: str(act.number)}
            path += f"/sections/{DEFAULT_SECTION}/attributes"
            return self.client.request("PATCH", path, json=body, headers=once)
        if act.kind == "consent":
            consent = {
                "type": act.consent,
                "topic_discriminator": TOPIC,
                "channel_discriminator": CHANNEL,
                "reason": str(act.step),
            }
            path = f"/v2{path}/sections/{DEFAULT_SECTION}/consents"
            return self.client.request("POST", path, json=consent, headers=once)
        if act.kind == "merge":
            keys = [person.key(name) for name in self.random.sample(SIDES, 2)]
            profiles = [{"keyspace_discriminator": keyspace, "profile_key": key} for keyspace, key in keys]
            return self.client.request("PUT", "/audience/profiles/merges", json={"profiles": profiles})
        if act.kind == "restore":
            return self.client.request(
                "DELETE", path.replace("/audience/", "/audience/profiles/merges/"), headers={"Prefer": "handling=restore"}
            )
        if act.kind == "lock":
            return self.client.request("PUT", path + "/locks")
        return self.client.request("DELETE", path)

    def note(self, place: int, act: Act, response: requests.Response) -> None:
        if response.status_code != act.status(self.persons[place]):
            self.unexpected = f"{act}: {response.status_code} {response.text}"
            return
        self.persons[place] = act.applied(self.persons[place])
        self.answered += 1
        self.in_doubt = None

    # MARK: Afterwards

    def found(self, person: Person, name: str) -> Json:
        keyspace, key = person.key(name)
        events = self.client.get(events_path(keyspace, key, DEFAULT_SECTION), params={"limit": "1000"})
        profile = self.client.get(f"/audience/keyspaces/{keyspace}/profiles/{quote(key, safe='')}")
        if events.status_code == 404 and profile.status_code == 404:
            return None
        if events.status_code == 410 and profile.status_code == 410:
            return LOCKED
        assert events.status_code == 200 and profile.status_code == 200, events.text + profile.text
        values = self.client.get(
            events_path(keyspace, key, DEFAULT_SECTION).replace("/audience", "/v2/audience").replace("/events", "/attributes")
        ).json()["items"]
        consents = self.client.get(
            events_path(keyspace, key, DEFAULT_SECTION).replace("/audience", "/v2/audience").replace("/events", "/consents")
        )
        assert consents.status_code == 200, consents.text
        said = [item["type"] for item in consents.json()["items"]]
        numbers = sorted(item["data"]["number"] for item in events.json()["items"])
        counted = profile.json()["event_count"]
        assert counted == len(numbers), "counts are what the list has"
        named = {item["discriminator"]: item["value"] for item in values if item["discriminator"] in ATTRIBUTES}
        return {"events": numbers, "values": named, "consent": said[0] if said else None}

    def check_and_settle(self) -> str:
        """Compares every person. Says what became of the request in doubt."""
        outcome = "none"
        for place, person in enumerate(self.persons):
            seen = {name: self.found(person, name) for name in SIDES}
            before = {name: person.expected(name) for name in SIDES}
            if self.in_doubt is None or self.in_doubt[0] != place:
                assert seen == before, f"{person}"
                continue
            act = self.in_doubt[1]
            after = act.applied(person)
            expected = {name: after.expected(name) for name in SIDES}
            assert seen in (before, expected), f"a part of it is there: {act} {person}: {seen}"
            outcome = "stored" if seen == expected else "lost"
            response = self.send(person, act)
            status = act.status_again(person) if seen == expected else act.status(person)
            assert response.status_code == status, f"{act}: {response.text}"
            self.persons[place] = after
            assert {name: self.found(after, name) for name in SIDES} == expected, f"{act} {person}"
        self.in_doubt = None
        return outcome

    def again(self, client: Client) -> Changer:
        """A thread runs once."""
        other = Changer(self.name_of_client, client, self.version, self.attributes, self.random.getrandbits(64))
        other.persons, other.step, other.answered = self.persons, self.step, self.answered
        return other


def set_up(admin: Client) -> tuple[str, dict[str, str]]:
    """An event type, the attributes, and a topic that both keyspaces may give consents to: version id, and those by name."""
    version = admin.make_version({"number": "integer"}, keyspaces=(EMAIL, WEB))
    items = admin.get(f"/audience/sections/{DEFAULT_SECTION}/attributes").json()["items"]
    allowed = admin.request("PATCH", f"/audience/keyspaces/{WEB}", json={"manage_subscriptions": True})
    folder = admin.request("POST", f"{SECTION}/folders", json={"name": "Drill", "discriminator": FOLDER})
    body = {"name": "Drill", "discriminator": TOPIC, "folder_discriminator": FOLDER}
    topic = admin.request("POST", f"{SECTION}/topics", json=body)
    assert [allowed.status_code, folder.status_code, topic.status_code] == [200, 201, 201], topic.text
    return version, {item["discriminator"]: item["versions"][0]["id"] for item in items}


def check_counts(admin: Client, changers: list[Changer]) -> None:
    """Every profile counts once, by what it said last. One that is locked does not."""
    expected = dict.fromkeys(CONSENTS, 0)
    for person in (person for changer in changers for person in changer.persons):
        for name in SIDES[: 1 if person.merged else 2]:
            said = person.consent(name)
            if said and not person.side(name).is_locked:
                expected[said] += 1
    answer = admin.get(f"{SECTION}/consent-counts")
    assert answer.status_code == 200, answer.text
    items = [item for item in answer.json()["items"] if item["topic_discriminator"] == TOPIC]
    assert len(items) <= 1, "there is one channel"
    found = {kind: items[0][kind.replace("-", "_")] if items else 0 for kind in CONSENTS}
    assert found == expected


def cut(server: Server, changers: list[Changer], choices: random.Random) -> None:
    before = sum(changer.answered for changer in changers)
    wanted = choices.randint(5, 200)
    for changer in changers:
        changer.start()

    def is_time() -> bool:
        done = sum(changer.answered for changer in changers) - before
        return done >= wanted or any(changer.unexpected for changer in changers)

    in_time = wait_until(is_time, 60, interval=0.001)
    # So that the cut is not always right after an answer.
    threading.Event().wait(choices.uniform(0, 0.03))
    server.kill()
    for changer in changers:
        changer.join(60)
    assert [changer.unexpected for changer in changers if changer.unexpected] == []
    assert in_time, f"{wanted} answers in 60 s"


@pytest.fixture(params=["sqlite", "postgres"])
def target(request: pytest.FixtureRequest) -> Iterator[str | None]:
    if request.param == "sqlite":
        yield None
        return
    postgres = Postgres().create()
    try:
        postgres.start()
        yield postgres.target()
    finally:
        postgres.remove()


def test_what_was_answered_of_profiles_survives_sigkill_and_nothing_is_there_in_part(
    target: str | None, start_server: StartServer, note: Note
) -> None:
    note(f"{ROUNDS} rounds, seed {SEED} (OVATION_CRASH_SEED={SEED} repeats the choices)")
    choices = random.Random(SEED)
    server = start_server(store_name=target) if target else start_server()
    admin = server.client()
    version, attributes = set_up(admin)

    def client() -> Client:
        client = server.client()
        client.token = admin.token
        return client

    changers = [
        Changer(name, client(), version, attributes, choices.getrandbits(64)) for name in range(CLIENTS)
    ]
    for round_number in range(1, ROUNDS + 1):
        cut(server, changers, choices)
        server.start()
        outcomes = [changer.check_and_settle() for changer in changers]
        check_counts(admin, changers)
        note(
            f"round {round_number}: {sum(changer.answered for changer in changers)} changes answered; in doubt: "
            f"{outcomes.count('stored')} stored, {outcomes.count('lost')} not; ready again after "
            f"{server.seconds_to_first_answer:.2f} s"
        )
        changers = [changer.again(client()) for changer in changers]

    def open_erasures() -> list[Json]:
        items = admin.get("/audience/erasures?limit=200").json()["items"]
        return [item for item in items if item["completed_at"] is None]

    assert wait_until(lambda: not open_erasures(), 60), "what was deleted leaves the disk"
    for changer in changers:
        changer.check_and_settle()
    check_counts(admin, changers)
    server.stop()
    examined = run("doctor", "--deep", "--store", target or f"sqlite:{server.store}", home=server.folder)
    # The server is down, and no API key is given.
    bad = [line for line in examined.stdout.splitlines() if line.startswith("BAD") and "API key" not in line]
    assert bad == [] and "ok " in examined.stdout, examined.stdout

"""Nodes of a real Citus killed and frozen at random moments, under posts to new and to known profiles.

They run where OVATION_TEST_CITUS_URL names a coordinator (citus.py). OVATION_DRILL_ROUNDS and OVATION_DRILL_SEED set how
often each thing is done, and repeat a run's choices.
"""

from __future__ import annotations

import itertools
import os
import random
import threading
import time
import uuid
from collections.abc import Callable, Iterator

import pytest
import requests

import citus as real
from citus import Citus, Node
from conftest import Note, StartServer
from ovation import DEFAULT_SECTION, EMAIL, Client, Server, event, events_path, run, wait_until
from test_merges import MERGES, WEB
from test_postgres_drill import Answers, Post, Poster, check

ROUNDS = int(os.environ.get("OVATION_DRILL_ROUNDS", "3"))
SEED = int(os.environ.get("OVATION_DRILL_SEED", random.SystemRandom().randrange(1_000_000)))
POSTERS = 8

pytestmark = pytest.mark.skipif(not real.COORDINATOR, reason="OVATION_TEST_CITUS_URL names no coordinator")


@pytest.fixture
def citus() -> Iterator[Citus]:
    yield from real.databases()


class MixedPoster(Poster):
    """Posts to known profiles, and to new ones."""

    def make(self) -> Post:
        post = super().make()
        if self.random.random() < 0.4:
            post.profile = f"new-{post.numbers[0]}@example.com"
        return post


def kill(node: Node, pause: float) -> None:
    node.kill()
    time.sleep(pause)
    node.start()


def freeze(node: Node, pause: float) -> None:
    node.freeze()
    time.sleep(pause)
    node.thaw()


#: Seconds that it lasts: no longer than requests wait for it, and longer, than an answer may take too.
PAUSES = {kill: [0.1, 0.7, 3], freeze: [0.3, 3, 20]}


@pytest.mark.parametrize("act", [kill, freeze])
@pytest.mark.parametrize("kind", ["worker", "coordinator"])
def test_nothing_acknowledged_is_lost_and_nothing_is_stored_twice(
    citus: Citus, start_server: StartServer, note: Note, act: Callable[[Node, float], None], kind: str
) -> None:
    note(f"{ROUNDS} rounds, seed {SEED} (OVATION_DRILL_SEED={SEED} repeats the choices)")
    choices = random.Random(f"{SEED} {act.__name__} {kind}")
    # Two servers, as behind a load balancer.
    server = start_server(store_name=citus.store)
    other = start_server(store_name=citus.store, credentials=server.credentials)
    admin = server.client()
    version = admin.make_version({"number": "integer"})
    hears = client_of(other, admin)
    assert wait_until(lambda: hears.post_events([event(version, {"number": -1})]).status_code == 204, 10)
    answers, ended = Answers(), threading.Event()
    posters = [
        # Those of each server post with and without a key.
        MixedPoster(name, client_of([server, other][name // 2 % 2], admin), version, answers, ended)
        for name in range(POSTERS)
    ]
    for poster in posters:
        poster.start()
    try:
        for _, pause in zip(range(ROUNDS), itertools.cycle(PAUSES[act])):
            node = choices.choice(citus.workers) if kind == "worker" else citus.coordinator
            wanted = acknowledged(posters) + choices.randint(20, 120)
            assert wait_until(lambda: acknowledged(posters) >= wanted or bool(answers.unexpected), 60), "posts go on"
            time.sleep(choices.uniform(0, 0.03))
            act(node, pause)
            up = time.monotonic()
            is_back = wait_until(
                lambda: all(poster.acknowledged_at > up for poster in posters) or bool(answers.unexpected), 90
            )
            assert answers.unexpected == []
            assert is_back, f"all recovers by itself:\n{server.output[-4000:]}"
        ended.set()
        for poster in posters:
            poster.join(60)
        assert not any(poster.is_alive() for poster in posters), "every client has its answer"
        # What nodes have prepared is finished within citus.recover_2pc_interval.
        assert wait_until(lambda: is_settled(citus), 60)
        in_doubt, stored = check(citus, posters)
        alone = on_nodes(citus)
        assert alone > 0, "servers have stored posts on nodes by themselves"
        note(
            f"{act.__name__} {kind}: {acknowledged(posters)} posts acknowledged, none lost, none twice; {alone} events were stored on "
            f"nodes by servers themselves; of {in_doubt} posts without a key "
            f"that got a 503 or no answer {stored} are stored; longest answer {answers.longest:.1f} s "
            f"({answers.longest_code}); answers {dict(answers.codes)}"
        )
    finally:
        ended.set()
        answers.is_over = True
        for poster in posters:
            poster.join(60)


def test_shards_that_move_under_load_lose_nothing_and_refuse_nothing_and_keep_the_order(
    citus: Citus, start_server: StartServer, note: Note
) -> None:
    server = start_server(store_name=citus.store)
    admin = server.client()
    version = admin.make_version({"number": "integer"})
    answers, ended = Answers(), threading.Event()
    posters = [MixedPoster(name, client_of(server, admin), version, answers, ended) for name in range(POSTERS)]
    for poster in posters:
        poster.start()
    node = citus.workers[-1]
    try:
        for mode in ["block_writes", "force_logical"]:
            citus.query(f"SELECT citus_drain_node('{node.host}', {node.port}, '{mode}')")
            citus.query(f"SELECT citus_set_node_property('{node.host}', {node.port}, 'shouldhaveshards', true)")
            citus.query(f"SELECT rebalance_table_shards(shard_transfer_mode => '{mode}')")
        # Servers look for moved shards from time to time, and nobody pauses for them.
        assert wait_until(lambda: server.output.count("shards were moved") >= 2, 30)
        ended.set()
        for poster in posters:
            poster.join(60)
        assert answers.unexpected == []
        check(citus, posters)
        assert set(answers.codes) == {204}
        # A client sends one post after the other, each with higher numbers than the one before.
        misplaced = citus.query(
            "WITH numbers AS (SELECT profile_id, event_id, (data::json->>'number')::bigint AS number FROM ovation.event), "
            "pairs AS (SELECT number, lag(number) OVER (PARTITION BY profile_id, number / 10000000 ORDER BY event_id) AS "
            "before FROM numbers) SELECT count(*) FROM pairs WHERE before > number"
        )
        assert misplaced == "0", "the ids of a client's events rise"
        assert on_nodes(citus) > 0, "servers have stored posts on nodes by themselves"
        note(f"{acknowledged(posters)} posts acknowledged; longest answer {answers.longest:.1f} s")
    finally:
        ended.set()
        answers.is_over = True
        for poster in posters:
            poster.join(60)


def client_of(server: Server, admin: Client) -> Client:
    client = Client(server.url, admin.credentials)
    client.token = admin.token
    return client


def acknowledged(posters: list[MixedPoster]) -> int:
    return sum(len(poster.acknowledged) for poster in posters)


def on_nodes(citus: Citus) -> int:
    """Events that servers have stored on nodes by themselves."""
    return int(citus.query("SELECT coalesce(sum(events), 0) FROM ovation.node_usage"))


def is_settled(citus: Citus) -> bool:
    return all(
        node.query("SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()", citus.database) == "0"
        for node in citus.nodes
    )


# MARK: A node that is away


class Rate(threading.Thread):
    """Posts to one profile after the other, and counts."""

    def __init__(self, client: Client, version: str, keys: list[str]) -> None:
        super().__init__(daemon=True)
        self.client, self.version, self.keys = client, version, keys
        self.stored, self.refused, self.longest = 0, 0, 0.0
        self.ended = threading.Event()

    def run(self) -> None:
        for key in itertools.cycle(self.keys):
            if self.ended.is_set():
                return
            began = time.monotonic()
            status = post(self.client, self.version, key).status_code
            self.longest = max(self.longest, time.monotonic() - began)
            self.stored += status == 204
            self.refused += status != 204
            if status != 204:
                # Less than Retry-After says.
                time.sleep(0.2)


def post(client: Client, version: str, key: str, keyspace: str = EMAIL) -> requests.Response:
    return client.post(
        events_path(keyspace, key, DEFAULT_SECTION),
        json={"items": [event(version, {"number": 1})]},
        # Without a key, a server stores it on the node by itself.
        headers={"Idempotency-Key": str(uuid.uuid4())} if random.random() < 0.5 else None,
    )


def rate(server: Server, admin: Client, version: str, keys: list[str], seconds: float) -> tuple[float, float]:
    """Posts a second that four clients get stored, and the longest time that one took."""
    clients = [Rate(client_of(server, admin), version, keys[number::4]) for number in range(4)]
    for client in clients:
        client.start()
    time.sleep(seconds)
    for client in clients:
        client.ended.set()
    for client in clients:
        client.join(60)
    assert sum(client.refused for client in clients) == 0, "nobody else is refused"
    return sum(client.stored for client in clients) / seconds, max(client.longest for client in clients)


@pytest.mark.parametrize("how", ["dead", "frozen"])
def test_a_node_that_is_away_costs_its_own_profiles_and_nobody_else(
    citus: Citus, start_server: StartServer, note: Note, how: str
) -> None:
    server = start_server(store_name=citus.store)
    admin = server.client()
    version = admin.make_version({"number": "integer"}, keyspaces=[EMAIL, WEB])
    keys = [f"p{number}@example.com" for number in range(40)]
    for key in keys:
        assert post(admin, version, key).status_code == 204
    away = citus.workers[-1]
    lost = [key for key in keys if citus.owner(key) is away]
    kept = [key for key in keys if key not in lost]
    assert lost and kept
    # A person with a member on either node.
    crossing, others = kept.pop(), [f"web-{number}" for number in range(20)]
    for other in others:
        assert post(admin, version, other, WEB).status_code == 204
    other = next(other for other in others if citus.owner(other) is away)
    pair = [(EMAIL, crossing), (WEB, other)]
    people = [{"keyspace_discriminator": keyspace, "profile_key": key} for keyspace, key in pair]
    assert admin.request("PUT", MERGES, json={"profiles": people}).status_code == 204
    before, _ = rate(server, admin, version, kept, 4)
    try:
        away.kill() if how == "dead" else away.freeze()
        began = time.monotonic()
        # Somebody wants what it has, all the time.
        pests = [Rate(client_of(server, admin), version, lost) for _ in range(8)]
        for pest in pests:
            pest.start()

        def ready() -> requests.Response:
            response = admin.get("/ready")
            assert response.status_code == 200, response.text
            return response

        def read(key: str) -> float:
            sent = time.monotonic()
            response = admin.get(events_path(EMAIL, key, DEFAULT_SECTION))
            assert response.status_code == (503 if key in [*lost, crossing] else 200)
            return time.monotonic() - sent

        assert wait_until(lambda: ready().json().get("missing") == [away.name], 20), "it is named"
        named = time.monotonic() - began
        during, slowest = rate(server, admin, version, kept, 4)
        reads = max(read(key) for key in kept)
        assert reads < 2, "reads of others do not wait"
        examined = run("doctor", "--store", citus.store, home=server.folder).stdout
        assert f"the node {away.name} does not answer" in examined, examined
        for pest in pests:
            pest.ended.set()
        for pest in pests:
            pest.join(60)
        refusals = sum(pest.refused for pest in pests)
        # From now on it is known, and nobody waits.
        at_once = []
        for key in lost[:5]:
            sent = time.monotonic()
            assert post(admin, version, key).status_code == 503
            at_once.append(time.monotonic() - sent)
            at_once += [read(key), read(crossing)]
        assert max(at_once) < 0.5
        lines = [line for line in server.output.splitlines() if "away" in line or "not stored" in line]
        note(
            f"{how}: named after {named:.1f} s; other profiles {before:.0f} posts a second before and {during:.0f} then, the slowest "
            f"{slowest:.2f} s; reads of others {reads:.2f} s; its own were refused {refusals} times, the slowest after "
            f"{max(pest.longest for pest in pests):.1f} s, later ones after {max(at_once):.2f} s; {len(lines)} lines in the log"
        )
        assert len(lines) < 40, lines
        # Not a test of speed: those who are refused need a part of the machine, too.
        assert during > before / 3
    finally:
        away.start() if how == "dead" else away.thaw()
    assert wait_until(lambda: "missing" not in ready().json(), 30)
    assert wait_until(lambda: post(admin, version, lost[0]).status_code == 204, 30)

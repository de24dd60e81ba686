"""Killed at random moments: the server, a connection of it, the whole of PostgreSQL, or PostgreSQL stopped in order.

Clients post all the while, some with an Idempotency-Key, which they repeat until it is acknowledged, and some without,
which they send once. Others read. OVATION_DRILL_ROUNDS and OVATION_DRILL_SEED set how often and repeat a run's choices.
"""

from __future__ import annotations

import collections
import itertools
import json
import os
import random
import signal
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

import requests

from conftest import Note, StartServer
from ovation import EMAIL, DEFAULT_SECTION, Client, Server, event, events_path, wait_until
from postgres import Postgres, send

ROUNDS = int(os.environ.get("OVATION_DRILL_ROUNDS", "20"))
SEED = int(os.environ.get("OVATION_DRILL_SEED", random.SystemRandom().randrange(1_000_000)))
POSTERS = 8
#: What is promised while the database is away, and what a busy machine gets on top.
PROMISED_SECONDS = 2
SLACK_SECONDS = 1


@dataclass
class Answers:
    """What all clients were answered."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    codes: collections.Counter[int] = field(default_factory=collections.Counter)
    longest: float = 0
    longest_code: int = 0
    broken: int = 0
    unexpected: list[str] = field(default_factory=list)
    #: The test has failed, and no client continues.
    is_over: bool = False

    def ask(self, request: Callable[[], requests.Response], expected: set[int]) -> requests.Response | None:
        """None: the connection broke, as it does when the server is killed."""
        began = time.monotonic()
        try:
            response = request()
        except requests.Timeout as error:
            with self.lock:
                self.unexpected.append(f"no answer: {error}")
            return None
        except requests.RequestException:
            with self.lock:
                self.broken += 1
            return None
        took = time.monotonic() - began
        with self.lock:
            self.codes[response.status_code] += 1
            if took > self.longest:
                self.longest, self.longest_code = took, response.status_code
            if response.status_code == 503:
                if response.json()["code"] != "store_unavailable" or int(response.headers["Retry-After"]) < 1:
                    self.unexpected.append(f"{response.headers} {response.text}")
            elif response.status_code not in expected:
                self.unexpected.append(f"{response.status_code} {response.text}")
        return response


@dataclass
class Post:
    numbers: list[int]
    profile: str
    idempotency_key: str | None


class Poster(threading.Thread):
    """One client. Its numbers are its own, so each event is told apart."""

    def __init__(self, name: int, client: Client, version: str, answers: Answers, ended: threading.Event) -> None:
        super().__init__(daemon=True)
        self.client, self.version, self.answers, self.ended = client, version, answers, ended
        self.random = random.Random(SEED * 1000 + name)
        self.has_keys = name % 2 == 0
        self.next_number = name * 10_000_000
        self.acknowledged: list[Post] = []
        self.in_doubt: list[Post] = []
        #: When the newest acknowledged post was sent.
        self.acknowledged_at = 0.0

    def run(self) -> None:
        while not self.ended.is_set():
            self.post(self.make())

    def make(self) -> Post:
        count = self.random.choice([1, 1, 1, 7, 40])
        numbers = list(range(self.next_number, self.next_number + count))
        self.next_number += count
        key = str(uuid.UUID(int=self.random.getrandbits(128))) if self.has_keys else None
        return Post(numbers, f"p{self.random.randrange(30)}@example.com", key)

    def post(self, post: Post) -> None:
        """With a key until it is acknowledged, and without one once."""
        items = [event(self.version, {"number": number}) for number in post.numbers]
        path = events_path(EMAIL, post.profile, DEFAULT_SECTION)
        headers = {"Idempotency-Key": post.idempotency_key} if post.idempotency_key else None
        while True:
            sent = time.monotonic()
            response = self.answers.ask(
                lambda: self.client.post(path, json={"items": items}, headers=headers), expected={204}
            )
            if response is not None and response.status_code == 204:
                self.acknowledged.append(post)
                self.acknowledged_at = sent
                return
            # Less than Retry-After says, so that no client misses what happens meanwhile.
            time.sleep(0.02)
            if post.idempotency_key is None or self.answers.is_over:
                self.in_doubt.append(post)
                return


class Reader(threading.Thread):
    def __init__(self, client: Client, answers: Answers, ended: threading.Event) -> None:
        super().__init__(daemon=True)
        self.client, self.answers, self.ended = client, answers, ended

    def run(self) -> None:
        path = events_path(EMAIL, "p1@example.com", DEFAULT_SECTION) + "?limit=5"
        while not self.ended.is_set():
            self.answers.ask(lambda: self.client.get(path), expected={200, 404})
            time.sleep(0.01)


# MARK: What is done to them


def kill_server(server: Server, _postgres: Postgres, _choices: random.Random, _pause: float) -> None:
    server.kill()
    server.start()


def kill_connection(_server: Server, postgres: Postgres, choices: random.Random, _pause: float) -> None:
    found = postgres.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'ovation' ORDER BY pid").split()
    # PostgreSQL then ends all the others too, and recovers.
    send(int(choices.choice(found)), signal.SIGKILL)


def crash_postgres(_server: Server, postgres: Postgres, _choices: random.Random, pause: float) -> None:
    postgres.crash()
    time.sleep(pause)
    postgres.start()


def stop_postgres(_server: Server, postgres: Postgres, _choices: random.Random, pause: float) -> None:
    postgres.stop("fast")
    time.sleep(pause)
    postgres.start()


#: Seconds that PostgreSQL is away: no longer than requests wait for it, and longer.
PAUSES = [0, 0.5, 1.2, 3]
ACTS = [kill_server, kill_connection, crash_postgres, stop_postgres]


def test_nothing_acknowledged_is_lost_and_nothing_is_stored_twice_whatever_is_killed(
    start_server: StartServer, note: Note
) -> None:
    note(f"{ROUNDS} rounds, seed {SEED} (OVATION_DRILL_SEED={SEED} repeats the choices)")
    choices = random.Random(SEED)
    # Every act has its turns, and every pause, in an order of chance.
    acts = list(itertools.islice(itertools.cycle((act, pause) for pause in PAUSES[::-1] for act in ACTS), ROUNDS))
    choices.shuffle(acts)
    postgres = Postgres().create()
    ended = threading.Event()
    threads: list[threading.Thread] = []
    answers = Answers()
    server: Server | None = None
    try:
        postgres.start()
        server = start_server(store_name=postgres.target())
        admin = server.client()
        version = admin.make_version({"number": "integer"})

        def client() -> Client:
            client = server.client()
            client.token = admin.token
            return client

        posters = [Poster(name, client(), version, answers, ended) for name in range(POSTERS)]
        threads = [*posters, Reader(client(), answers, ended)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        recoveries = [
            disturb(act, pause, server, postgres, posters, answers, choices) for act, pause in acts
        ]
        ended.set()
        for thread in threads:
            thread.join(60)
        assert not any(thread.is_alive() for thread in threads), "every client has its answer"
        assert answers.unexpected == []
        in_doubt, stored = check(postgres, posters)
        acknowledged = sum(len(poster.acknowledged) for poster in posters)
        note(
            f"{ROUNDS} rounds in {time.monotonic() - began:.0f} s: {acknowledged} posts acknowledged; of {in_doubt} without "
            f"a key that got a 503 or no answer {stored} are stored; {answers.broken} connections broken by the server's "
            f"own end; answers {dict(answers.codes)}"
        )
        note(
            f"longest answer {answers.longest:.2f} s ({answers.longest_code}), longest time to recovery "
            f"{max(recoveries):.2f} s"
        )
        if any(pause == max(PAUSES) and act in (crash_postgres, stop_postgres) for act, pause in acts):
            assert answers.codes[503] > 0, "it was away for longer than anybody waits"
        assert answers.longest < PROMISED_SECONDS + SLACK_SECONDS
        for act in ACTS:
            took = [seconds for seconds, done in zip(recoveries, acts) if done[0] is act]
            note(f"{act.__name__}: {len(took)} times, back after {max(took, default=0):.2f} s at most")
    finally:
        ended.set()
        answers.is_over = True
        for thread in threads:
            thread.join(60)
        if server is not None and server.is_running:
            server.stop()
        postgres.remove()


def disturb(
    act: Callable[[Server, Postgres, random.Random, float], None],
    pause: float,
    server: Server,
    postgres: Postgres,
    posters: list[Poster],
    answers: Answers,
    choices: random.Random,
) -> float:
    """Gives the seconds from when all ran again until every client had an acknowledged post."""

    def acknowledged() -> int:
        return sum(len(poster.acknowledged) for poster in posters)

    wanted = acknowledged() + choices.randint(20, 120)
    assert wait_until(lambda: acknowledged() >= wanted or bool(answers.unexpected), 30), "posts go on"
    # So that it does not always come right after an answer.
    time.sleep(choices.uniform(0, 0.03))
    act(server, postgres, choices, pause)
    up = time.monotonic()
    is_back = wait_until(
        lambda: all(poster.acknowledged_at > up for poster in posters) or bool(answers.unexpected), 30
    )
    assert answers.unexpected == []
    assert is_back, f"all recovers by itself after {act.__name__}:\n{server.output[-4000:]}"
    return max(poster.acknowledged_at for poster in posters) - up


def check(postgres: Postgres, posters: list[Poster]) -> tuple[int, int]:
    """Returns the number of posts with an unknown outcome, and how many of them are stored."""
    rows = postgres.query("SELECT data FROM ovation.event").splitlines()
    stored = [json.loads(row)["number"] for row in rows]
    there = set(stored)
    assert len(stored) == len(there), "nothing is stored twice"
    for poster in posters:
        for post in poster.acknowledged:
            assert there.issuperset(post.numbers), f"acknowledged and lost: {post}"
        for post in poster.in_doubt:
            assert there.issuperset(post.numbers) or there.isdisjoint(post.numbers), f"stored in part: {post}"
    tables = ["version_usage", "node_usage"]
    usage = [int(postgres.query(f"SELECT coalesce(sum(events), 0) FROM ovation.{table}")) for table in tables]
    assert sum(usage) == len(stored), "usage counts what is stored"
    in_doubt = [post for poster in posters for post in poster.in_doubt]
    return len(in_doubt), sum(there.issuperset(post.numbers) for post in in_doubt)

"""Power cuts: whatever was answered 204 is there afterwards, exactly once and in order.

Several connections post at the same time, each to a profile of its own, and keep a ledger of what got its 204. The
server is killed at a random moment and started again on the same file; requests without an answer are sent again
with the same Idempotency-Key. OVATION_CRASH_ROUNDS and OVATION_CRASH_SEED set how often and repeat a run's choices.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import sqlite3
import subprocess
import threading
import uuid
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import requests

from conftest import Note, StartServer
from ovation import BINARY, Client, Json, Server, environment, event, run, wait_until

CONNECTIONS = 8
ROUNDS = int(os.environ.get("OVATION_CRASH_ROUNDS", "20"))
SEED = int(os.environ.get("OVATION_CRASH_SEED", random.SystemRandom().randrange(1_000_000)))
BEGIN = datetime(2024, 1, 1, tzinfo=timezone.utc)


@dataclass
class Post:
    """One request: the numbers of its events and the key under which it counts once."""

    numbers: list[int]
    idempotency_key: str


@dataclass
class Sender:
    """One connection: posts events with rising numbers to its own profile and remembers what became of them."""

    name: int
    version: str
    random: random.Random
    next_number: int = 1
    acknowledged: list[int] = field(default_factory=list)
    acknowledged_posts: int = 0
    in_doubt: Post | None = None
    unexpected: str | None = None

    @property
    def profile(self) -> str:
        return f"connection-{self.name}@example.com"

    def next_post(self) -> Post:
        count = self.random.choice([1, 1, 1, 10])
        numbers = list(range(self.next_number, self.next_number + count))
        self.next_number += count
        return Post(numbers, str(uuid.UUID(int=self.random.getrandbits(128))))

    def send(self, client: Client, post: Post) -> requests.Response:
        # The events of one post share their time: among them, only the order of arrival tells.
        time = (BEGIN + timedelta(seconds=post.numbers[0])).isoformat()
        items = [event(self.version, {"connection": self.name, "number": number}, time) for number in post.numbers]
        return client.post_events(items, key=self.profile, headers={"Idempotency-Key": post.idempotency_key})

    def post_until_the_connection_breaks(self, client: Client) -> None:
        while self.unexpected is None:
            post = self.next_post()
            self.in_doubt = post
            try:
                response = self.send(client, post)
            except requests.RequestException:
                return
            self.note(post, response)

    def settle(self, client: Client, stored: bool) -> None:
        """Sends again what never got an answer."""
        post = self.in_doubt
        if post is None:
            return
        response = self.send(client, post)
        self.note(post, response)
        assert self.unexpected is None, self.unexpected
        assert (response.headers.get("Idempotency-Replayed") == "true") == stored, "replayed only if it was stored"

    def note(self, post: Post, response: requests.Response) -> None:
        if response.status_code == 204:
            self.acknowledged += post.numbers
            self.acknowledged_posts += 1
            self.in_doubt = None
        else:
            self.unexpected = f"connection {self.name}: {response.status_code} {response.text}"


def numbers_in_store(client: Client, sender: Sender) -> list[int]:
    """The numbers of a sender's events, oldest first."""
    items: list[Json] = client.list_events(key=sender.profile)[::-1]
    ids = [int(item["id"]) for item in items]
    assert ids == sorted(set(ids)), "ids rise in the order of arrival"
    assert all(item["data"]["connection"] == sender.name for item in items)
    return [item["data"]["number"] for item in items]


def check_ledger_and_settle(client: Client, senders: list[Sender]) -> int:
    """Compares every profile with its ledger; gives how many posts in doubt had been stored."""
    stored_in_doubt = 0
    for sender in senders:
        found = numbers_in_store(client, sender)
        doubtful = sender.in_doubt.numbers if sender.in_doubt else []
        # A post that never got its answer is there as a whole or not at all.
        stored = bool(doubtful) and found == sender.acknowledged + doubtful
        assert stored or found == sender.acknowledged, difference(sender, found)
        stored_in_doubt += stored
        sender.settle(client, stored)
        assert numbers_in_store(client, sender) == sender.acknowledged
    return stored_in_doubt


def difference(sender: Sender, found: list[int]) -> str:
    missing = sorted(set(sender.acknowledged) - set(found))[:20]
    repeated = sorted({number for number in found if found.count(number) > 1})[:20]
    return (
        f"connection {sender.name}: {len(found)} events stored, {len(sender.acknowledged)} acknowledged; "
        f"missing {missing}, repeated {repeated}, in doubt {sender.in_doubt}, newest {found[-20:]}"
    )


def kill_at_a_random_moment(server: Server, token: str, senders: list[Sender], choices: random.Random) -> None:
    threads: list[threading.Thread] = []
    for sender in senders:
        assert server.credentials is not None
        client = server.client()
        client.token = token
        threads.append(threading.Thread(target=sender.post_until_the_connection_breaks, args=[client], daemon=True))
    before = sum(sender.acknowledged_posts for sender in senders)
    wanted = choices.randint(1, 150)
    fraction_of_a_post = choices.uniform(0, 0.03)
    for thread in threads:
        thread.start()

    def is_time() -> bool:
        posts = sum(sender.acknowledged_posts for sender in senders) - before
        return posts >= wanted or any(sender.unexpected for sender in senders)

    in_time = wait_until(is_time, 60, interval=0.001)
    # So that the cut is not always right after an answer.
    threading.Event().wait(fraction_of_a_post)
    server.kill()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "every connection notices that the server is gone"
    assert in_time, f"{wanted} posts in 60 s"
    assert [sender.unexpected for sender in senders if sender.unexpected] == []


def test_every_acknowledged_event_survives_sigkill_exactly_once_and_in_order(
    start_server: StartServer, note: Note
) -> None:
    note(f"{ROUNDS} rounds, seed {SEED} (OVATION_CRASH_SEED={SEED} repeats the choices)")
    choices = random.Random(SEED)
    server = start_server()
    admin = server.client()
    version = admin.make_version({"connection": "integer", "number": "integer"})
    senders = [Sender(name, version, random.Random(choices.getrandbits(64))) for name in range(CONNECTIONS)]
    for round_number in range(1, ROUNDS + 1):
        kill_at_a_random_moment(server, admin.token, senders, choices)
        in_doubt = sum(sender.in_doubt is not None for sender in senders)
        server.start()
        stored = check_ledger_and_settle(admin, senders)
        note(
            f"round {round_number}: {sum(len(sender.acknowledged) for sender in senders)} events acknowledged, "
            f"{stored} of {in_doubt} in doubt were stored, ready again after {server.seconds_to_first_answer:.2f} s"
        )
    server.stop()
    with closing(sqlite3.connect(server.store)) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    server.start()
    for sender in senders:
        assert numbers_in_store(admin, sender) == sender.acknowledged


def test_a_first_start_that_is_killed_at_any_moment_is_made_up_for_by_the_next(
    start_server: StartServer, note: Note, tmp_path: Path
) -> None:
    note(f"seed {SEED}")
    choices = random.Random(SEED)
    server = start_server()
    usual = server.seconds_to_first_answer
    left_behind: set[int] = set()
    for round_number in range(ROUNDS):
        home = tmp_path / f"killed-{round_number}"
        home.mkdir()
        store = home / "ovation.sqlite"
        # Some are killed twice: the second start meets what the first left.
        for _ in range(choices.randint(1, 2)):
            process = subprocess.Popen(
                [BINARY, "serve", "--port", "0", "--store", f"sqlite:{store}"],
                env=environment(home),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            # The moments after the file is there are few among all of a start, and the ones that matter most.
            if choices.random() < 0.8:
                assert wait_until(store.exists, 60, interval=0.0002)
                threading.Event().wait(choices.uniform(0, 0.015))
            else:
                threading.Event().wait(choices.uniform(0, usual))
            process.kill()
            process.wait(60)
        left_behind.add(tables(store, tmp_path / "copy"))
        examined = run("doctor", "--store", f"sqlite:{store}", home=home)
        assert not re.search(f"^BAD .*{re.escape(store.name)}", examined.stdout, re.MULTILINE), examined.stdout
        assert examined.stderr == ""
        whole = start_server(store_name=f"sqlite:{store}")
        client = whole.client()
        version = client.make_version({"number": "integer"})
        assert client.post_events([event(version, {"number": round_number})]).status_code == 204
        assert [item["data"] for item in client.list_events()] == [{"number": round_number}]
        whole.stop()
    note(f"tables in the files left behind: {sorted(left_behind)} (-1: no file)")
    server.stop()


def tables(store: Path, copy: Path) -> int:
    """Of a copy: SQLite copies the log into the file when it closes it, and knows nothing of checksums."""
    if not store.exists():
        return -1
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(store.parent, copy)
    with closing(sqlite3.connect(copy / store.name)) as database:
        (count,) = database.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").fetchone()
        return int(count)

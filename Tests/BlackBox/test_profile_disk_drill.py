"""Changes of profiles on a disk that is full, fails, or loses its power: attributes, consents, merges and their end, deletions, locks.

What was answered must be there; what was refused, or not answered, is there as a whole or not at all.
OVATION_CRASH_ROUNDS and OVATION_CRASH_SEED set how often and repeat a run's choices.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

import disk as disks
from conftest import Note, StartServer
from disk import FAIL_LOG, FULL, Disk
from ovation import Server, assert_problem, event, run, wait_until
from test_profile_drill import ATTRIBUTES, CLIENTS, CONSENTS, FOLLOWS, Act, Changer, Person, check_counts, cut, set_up

ROUNDS = int(os.environ.get("OVATION_CRASH_ROUNDS") or 6)
SEED = int(os.environ.get("OVATION_CRASH_SEED") or random.randrange(1 << 32))
KINDS = ["post", "set", "consent", "merge", "restore", "delete", "lock"]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return disks.build(tmp_path_factory.mktemp("disk"))


def changers(server: Server, count: int, choices: random.Random) -> list[Changer]:
    admin = server.client()
    version, attributes = set_up(admin)
    made = []
    for name in range(count):
        client = server.client()
        client.token = admin.token
        made.append(Changer(name, client, version, attributes, choices.getrandbits(64)))
    return made


def make_ready(changer: Changer) -> None:
    """One person for each kind of change, with an event, a value and a consent by each key; two are merged."""
    changer.persons = [Person(f"{kind}-{changer.name_of_client}") for kind in KINDS]
    for place, kind in enumerate(KINDS):
        for side in ("mail", "web"):
            act(changer, place, "post", side)
            act(changer, place, "set", side)
            act(changer, place, "consent", side)
        if kind in ("restore", "lock"):
            act(changer, place, "merge", "web")


def next_act(changer: Changer, place: int, kind: str, side: str) -> Act:
    changer.step += 1
    key = f"{changer.name_of_client}-{changer.step}-{changer.random.getrandbits(64)}"
    # A consent that is refused writes nothing, so no disk could refuse it.
    taken = [consent for consent in CONSENTS if consent in FOLLOWS[changer.persons[place].consent(side)]]
    consent = taken[changer.step % len(taken)]
    return Act(kind, side, changer.step, changer.step, ATTRIBUTES[changer.step % 2], key, consent)


def act(changer: Changer, place: int, kind: str, side: str) -> None:
    one = next_act(changer, place, kind, side)
    changer.note(place, one, changer.send(changer.persons[place], one))
    assert changer.unexpected is None, changer.unexpected


def refuse_each(changer: Changer, code: str) -> dict[int, Act]:
    """Sends one change of each kind, and gives those: each may be there as a whole, or not at all."""
    refused = {}
    for place, kind in enumerate(KINDS):
        one = next_act(changer, place, kind, "web")
        assert_problem(changer.send(changer.persons[place], one), 503, code)
        refused[place] = one
    return refused


def settle(changer: Changer, doubtful: dict[int, Act]) -> list[str]:
    """Looks at each of them, and does again what is not there."""
    outcomes = []
    everybody = changer.persons
    for place, one in doubtful.items():
        changer.persons, changer.in_doubt = [everybody[place]], (0, one)
        outcomes.append(changer.check_and_settle())
        [everybody[place]] = changer.persons
    changer.persons = everybody
    return outcomes


def examine(server: Server) -> None:
    examined = run("doctor", "--deep", "--store", f"sqlite:{server.store}", home=server.folder)
    # The server is down, and no API key is given.
    bad = [line for line in examined.stdout.splitlines() if line.startswith("BAD") and "API key" not in line]
    assert bad == [] and "ok " in examined.stdout, examined.stdout


def test_on_a_full_disk_each_change_is_refused_as_a_whole_and_taken_when_there_is_room(
    start_server: StartServer, library: Path, tmp_path: Path
) -> None:
    disk = Disk(library, tmp_path / "disk")
    server = start_server(env=disk.env)
    [changer] = changers(server, 1, random.Random(1))
    make_ready(changer)
    client = server.client()
    disk.ask(FULL)

    def post() -> int:
        return client.post_events([event(changer.version, {"number": 1})], key="other@example.com").status_code

    # What room the files have is used up first.
    assert wait_until(lambda: post() == 503, 60)
    refused = refuse_each(changer, "storage_full")
    assert all(changer.found(person, "mail") == person.expected("mail") for person in changer.persons), "it can be read"
    disk.ask(FULL, 0)
    assert wait_until(lambda: post() == 204, 30)
    outcomes = settle(changer, refused)
    assert outcomes == ["lost"] * len(KINDS), "what was refused for want of room is not there"
    check_counts(client, [changer])
    server.kill()
    server.start()
    changer.check_and_settle()
    check_counts(client, [changer])
    server.stop()
    examine(server)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_no_change_that_was_answered_after_a_failed_sync_is_lost_with_the_power(
    start_server: StartServer, library: Path, tmp_path: Path, note: Note, number: int
) -> None:
    note(f"seed {SEED}")
    choices = random.Random(SEED + number)
    disk = Disk(library, tmp_path / "disk")
    server = start_server(env=disk.env)
    [changer] = changers(server, 1, choices)
    make_ready(changer)
    disk.ask(FAIL_LOG)
    refused = refuse_each(changer, "store_unavailable")
    disk.ask(FAIL_LOG, 0)
    if choices.random() < 0.7:
        server.kill()
        server.start()
    outcomes = settle(changer, refused)
    for place, kind in enumerate(KINDS):
        if kind != "lock":
            for side in choices.sample(["mail", "web"], 2):
                act(changer, place, choices.choice(["post", "set", "consent", "merge"]), side)
    server.kill()
    disk.cut_power(server.store.parent, choices)
    server.start()
    changer.check_and_settle()
    check_counts(changer.client, [changer])
    note(f"refused while syncs failed: {outcomes.count('stored')} there afterwards, {outcomes.count('lost')} not")
    server.stop()
    examine(server)


def test_what_was_answered_of_profiles_survives_power_cuts_and_nothing_is_there_in_part(
    start_server: StartServer, library: Path, tmp_path: Path, note: Note
) -> None:
    note(f"{ROUNDS} rounds, seed {SEED} (OVATION_CRASH_SEED={SEED} repeats the choices)")
    choices = random.Random(SEED)
    disk = Disk(library, tmp_path / "disk")
    server = start_server(env=disk.env)
    clients = changers(server, CLIENTS, choices)
    for round_number in range(1, ROUNDS + 1):
        cut(server, clients, choices)
        disk.cut_power(server.store.parent, choices)
        server.start()
        outcomes = [changer.check_and_settle() for changer in clients]
        check_counts(clients[0].client, clients)
        note(
            f"round {round_number}: {sum(changer.answered for changer in clients)} changes answered; in doubt: "
            f"{outcomes.count('stored')} stored, {outcomes.count('lost')} not"
        )
        clients = [changer.again(changer.client) for changer in clients]
    server.stop()
    examine(server)

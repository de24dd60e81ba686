"""Profiles that are merged and deleted: whether the time depends on how many events they have, and what posts notice."""

from __future__ import annotations

import json
import time
import urllib.error
from dataclasses import dataclass, field

from . import bulk, wrk
from .figures import Load, Loads, Spread, table
from .ovation import DATA_JSON, KEYSPACE, SECTION, VERSION_ID, Ovation, events_path
from .place import Failure, folder, remove, say
from .plan import SINGLES, Plan

_WEB = "com.apsis1.keyspaces.web"
_MERGES = "/audience/profiles/merges"
_MEMBERS = 5
_PAGE = 50
_TURNS = 20
# Posts go to other profiles than the one that is deleted.
_POSTED = 100_000


@dataclass
class Lives:
    # Events of the large profile.
    large: int
    # Milliseconds of a merge of two profiles: with half of the large one's events each, and with half of fifty.
    large_merges: Spread = field(default_factory=Spread)
    small_merges: Spread = field(default_factory=Spread)
    # First pages of fifty: of a profile merged of five, and of one with as many events.
    merged_pages: Loads = field(default_factory=Loads)
    single_pages: Loads = field(default_factory=Loads)
    # Milliseconds of a deletion, until its 204.
    deletions: Spread = field(default_factory=Spread)
    # Seconds until the last row was gone.
    erased: Spread = field(default_factory=Spread)
    # Posts beside a deletion, and before it.
    disturbed: Loads = field(default_factory=Loads)
    undisturbed: Loads = field(default_factory=Loads)


def measure(plan: Plan) -> Lives:
    figures = Lives(plan.large)
    home = folder("lives")
    rounds = min(plan.rounds, 3)
    say(f"importing {rounds * plan.large:,} events of {2 * rounds} profiles, which are merged and deleted")
    with Ovation(home) as server:
        path = home / "events.ndjson"
        events = [("small0", _PAGE // 2), ("small1", _PAGE // 2), ("one", _MEMBERS * 200)]
        events += [(f"member{number}", 200) for number in range(_MEMBERS)]
        for number in range(rounds):
            events += [(f"large{number}a", plan.large // 2), (f"large{number}b", plan.large // 2)]
        with path.open("w") as file:
            for profile, count in events:
                for index in range(count):
                    file.write(
                        f'{{"keyspace":"{KEYSPACE}","profile_key":"{profile}@example.com","event_time":'
                        f'"2025-01-{index % 28 + 1:02}T{index // 28 % 24:02}:{index // 672 % 60:02}:00Z",'
                        f'"version_id":{VERSION_ID},"data":{DATA_JSON}}}\n'
                    )
        bulk.import_file(server, path, sum(count for _, count in events))
        path.unlink()
        server.rest()
        _merges(server, figures)
        _pages(server, plan, figures)
        for number in range(rounds):
            _deletion(server, plan, number, figures)
    remove(home)
    return figures


# MARK: Merges


def _merges(server: Ovation, figures: Lives) -> None:
    """In turns with their undoing, so that each merge finds two profiles."""
    for name in ("small1", "large0b", *(f"member{number}" for number in range(1, _MEMBERS))):
        _move_to_web(server, name)
    for _ in range(_TURNS):
        for one, two, spread in (
            ("small0", "small1", figures.small_merges), ("large0a", "large0b", figures.large_merges),
        ):  # fmt: skip
            spread.add(_merge(server, one, two))
            _undo(server, two)
    say(f"  merges: {figures.large_merges.median:.2f} ms with many events, {figures.small_merges.median:.2f} ms with few")


def _move_to_web(server: Ovation, name: str) -> None:
    """Two e-mail addresses are two persons, so one of two that are merged needs another key."""
    profile = f"/audience/keyspaces/{KEYSPACE}/profiles/{name}%40example.com"
    server.send("POST", f"{profile}/keys", {"keyspace_discriminator": _WEB, "profile_key": name})
    server.send("DELETE", f"{profile}/keys/{KEYSPACE}/{name}%40example.com")


def _merge(server: Ovation, one: str, two: str) -> float:
    """Milliseconds."""
    body = {
        "profiles": [
            {"keyspace_discriminator": KEYSPACE, "profile_key": f"{one}@example.com"},
            {"keyspace_discriminator": _WEB, "profile_key": two},
        ]
    }
    start = time.perf_counter()
    server.send("PUT", _MERGES, body)
    return (time.perf_counter() - start) * 1000


def _undo(server: Ovation, name: str) -> None:
    server.send("DELETE", f"{_MERGES}/keyspaces/{_WEB}/profiles/{name}", headers={"prefer": "handling=restore"})


# MARK: Pages


def _pages(server: Ovation, plan: Plan, figures: Lives) -> None:
    for number in range(1, _MEMBERS):
        _merge(server, "member0", f"member{number}")
    pages = {
        name: json.loads(server.get(events_path(name) + "?limit=1000"))["items"] for name in ("member0", "one")
    }
    if any(len(page) != _MEMBERS * 200 for page in pages.values()):
        raise Failure(f"pages of {[len(page) for page in pages.values()]} events")
    path = events_path("%s", "%%") + f"?limit={_PAGE}"
    for number in range(plan.rounds):
        turns = [("member0", figures.merged_pages), ("one", figures.single_pages)]
        for profile, loads in turns if number % 2 else reversed(turns):
            loads.add(
                server.read(path, connections=1, seconds=plan.seconds, seed=number + 1, profiles=1, profile=profile)
            )


# MARK: Deletions


def _deletion(server: Ovation, plan: Plan, number: int, figures: Lives) -> None:
    """Of a profile with many events, in the middle of posts to others."""
    name = f"large{number}a"
    # That of the first round was moved for the merges.
    if number:
        _move_to_web(server, f"large{number}b")
    _merge(server, name, f"large{number}b")
    server.rest()
    seconds = max(plan.seconds, 5)
    figures.undisturbed.add(_post(server, seconds, number))
    process = wrk.start(
        server, "post_events.lua", connections=SINGLES.connections, seconds=seconds, seed=number + 50,
        environment=server.posting(SINGLES, _POSTED),
    )  # fmt: skip
    time.sleep(1)
    start = time.perf_counter()
    answer = server.send("DELETE", f"/audience/keyspaces/{KEYSPACE}/profiles/{name}%40example.com")
    figures.deletions.add((time.perf_counter() - start) * 1000)
    figures.disturbed.add(wrk.finish(process))
    receipt = f"/audience/erasures/{answer['erasure-id']}"
    while json.loads(server.get(receipt))["completed_at"] is None:
        time.sleep(0.1)
    figures.erased.add(time.perf_counter() - start)
    _check_gone(server, name)
    say(
        f"  deletion {number + 1}: 204 after {figures.deletions.values[-1]:.1f} ms, all gone after "
        f"{figures.erased.values[-1]:.1f} s; posts {figures.disturbed.rate.values[-1]:,.0f}/s, p99 "
        f"{figures.disturbed.p99.values[-1]:.1f} ms, before {figures.undisturbed.rate.values[-1]:,.0f}/s, p99 "
        f"{figures.undisturbed.p99.values[-1]:.1f} ms"
    )


def _post(server: Ovation, seconds: int, number: int) -> Load:
    return wrk.run(
        server, "post_events.lua", connections=SINGLES.connections, seconds=seconds, seed=number + 1,
        environment=server.posting(SINGLES, _POSTED),
    )  # fmt: skip


def _check_gone(server: Ovation, name: str) -> None:
    try:
        server.get(events_path(name))
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return
        raise
    raise Failure(f"{name} was deleted, and is still there")


def report(figures: Lives) -> str:
    def row(name: str, loads: Loads) -> list[str]:
        return [name, loads.rate.text(), loads.median.text(2), loads.p99.text(1), loads.processor.text()]

    loads = table(
        ["", "requests/s", "median ms", "p99 ms", "CPU µs"],
        [
            row(f"newest {_PAGE} of a profile merged of {_MEMBERS}, 1 connection", figures.merged_pages),
            row("the same of one profile", figures.single_pages),
            row("posts beside a deletion, 32 connections", figures.disturbed),
            row("posts before it", figures.undisturbed),
        ],
    )
    return (
        f"A merge of two profiles takes {figures.large_merges.text(2)} ms when they have {figures.large:,} events, and "
        f"{figures.small_merges.text(2)} ms when they have {_PAGE}. A profile of {figures.large:,} events is deleted, "
        f"and the 204 comes, after {figures.deletions.text(1)} ms; its last row is gone after {figures.erased.text(1)} "
        f"s.\n\n{loads}"
    )

"""Attributes and consents of a million profiles beside single-event posts to the same ones, and what a profile goes through."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from . import bulk, consents, exports, lives, wrk
from .consents import Consents
from .exports import Exports
from .figures import Load, Loads, Spread, table
from .lives import Lives
from .ovation import DATA_JSON, KEYSPACE, SECTION, VERSION_ID, Ovation
from .place import Failure, folder, remove, say
from .plan import SINGLES, Plan

MEMBERS = tuple(f"com.apsis1.attributes.{name}" for name in ("firstname", "lastname", "birthdate"))
# Of a value that the script sends: 15, 15 and 10.
VALUE_BYTES = 40 / 3
_PATH = f"/audience/keyspaces/{KEYSPACE}/profiles/p%d%%40example.com/sections/{SECTION}/attributes"


@dataclass
class Profiles:
    profiles: int
    patches: Loads = field(default_factory=Loads)
    posts: Loads = field(default_factory=Loads)
    # The same posts with a header that changes nothing, but leads them through the framework.
    framework_posts: Loads = field(default_factory=Loads)
    # Bytes of the file that one value takes more than its own, when each profile was given its first three.
    overhead: Spread = field(default_factory=Spread)
    consents: Consents = field(default_factory=Consents)
    lives: Lives = field(default_factory=lambda: Lives(0))
    exports: Exports = field(default_factory=lambda: Exports(0))


def measure(plan: Plan) -> Profiles:
    figures = Profiles(plan.attribute_profiles)
    home = folder("profiles")
    say(f"making {figures.profiles:,} profiles, and giving them attributes")
    with Ovation(home) as server:
        _make_profiles(server, figures.profiles, home / "profiles.ndjson")
        file = server.file
    before = file.stat().st_size
    with Ovation(home) as server:
        _give_attributes(server, _versions(server), figures.profiles)
    # After a clean stop there is no log beside the file.
    values = figures.profiles * len(MEMBERS)
    figures.overhead.add((file.stat().st_size - before) / values - VALUE_BYTES)
    with Ovation(home) as server:
        versions = _versions(server)
        for number in range(plan.rounds):
            _round(server, versions, plan, number, figures)
        figures.consents = consents.measure(server, plan, figures.profiles)
    remove(home)
    figures.lives = lives.measure(plan)
    figures.exports = exports.measure(plan)
    return figures


def _round(server: Ovation, versions: dict[str, str], plan: Plan, number: int, figures: Profiles) -> None:
    def patch() -> None:
        load = wrk.run(
            server, "patch_attributes.lua", connections=SINGLES.connections, seconds=plan.seconds, seed=number + 1,
            environment=_environment(server, versions, figures.profiles),
        )  # fmt: skip
        _check(server, load)
        figures.patches.add(load)

    def post() -> None:
        figures.posts.add(
            server.post_events(SINGLES, seconds=plan.seconds, seed=number + 1, profiles=figures.profiles)
        )

    def post_by_framework() -> None:
        figures.framework_posts.add(
            server.post_events(
                SINGLES, seconds=plan.seconds, seed=number + 1, profiles=figures.profiles, prefer="return=minimal"
            )
        )

    for turn in (patch, post, post_by_framework) if number % 2 else (post_by_framework, post, patch):
        turn()
    say(
        f"  round {number + 1} of {plan.rounds}: patches {figures.patches.all[-1].rate:,.0f}/s, "
        f"posts {figures.posts.all[-1].rate:,.0f}/s"
    )


def _versions(server: Ovation) -> dict[str, str]:
    """The id of the current version of each attribute, by discriminator."""
    items = json.loads(server.get(f"/audience/sections/{SECTION}/attributes"))["items"]
    return {
        item["discriminator"]: next(v["id"] for v in item["versions"] if v["deprecated_at"] is None)
        for item in items
        if item["discriminator"] in MEMBERS
    }


def _environment(server: Ovation, versions: dict[str, str], profiles: int, first: int | None = None) -> dict[str, str]:
    environment = {
        "TOKEN": server.bearer, "PATH_FORMAT": _PATH, "MEMBERS": " ".join(versions[name] for name in MEMBERS),
        "PROFILES": str(profiles),
    }  # fmt: skip
    return environment if first is None else dict(environment, FIRST=str(first))


def _make_profiles(server: Ovation, count: int, path: Path) -> None:
    """One event each, so that posts and patches find the same profiles."""
    with path.open("w") as file:
        for number in range(1, count + 1):
            file.write(
                f'{{"keyspace":"{KEYSPACE}","profile_key":"p{number}@example.com",'
                f'"event_time":"2025-01-01T00:00:00Z","version_id":{VERSION_ID},"data":{DATA_JSON}}}\n'
            )
    bulk.import_file(server, path, count)
    path.unlink()


def _give_attributes(server: Ovation, versions: dict[str, str], count: int) -> None:
    """Each profile once. wrk goes on until its time is over, so the last turn comes to some of them twice."""
    done = 0
    while done < count:
        load = wrk.run(
            server, "patch_attributes.lua", connections=SINGLES.connections, seconds=5, seed=7,
            environment=_environment(server, versions, count, first=done + 1),
        )  # fmt: skip
        # Some of the last may have had no answer.
        done += max(1, load.requests - SINGLES.connections)


def _check(server: Ovation, load: Load) -> None:
    for number in load.profiles:
        held = json.loads(server.get(_PATH % number))
        if len(held) != len(MEMBERS) or not all(str(value) for value in held.values()):
            raise Failure(f"profile p{number} does not have the attributes that were set: {held}"[:2000])
    if not load.profiles:
        raise Failure("wrk did not tell which profiles it set attributes of")


def report(figures: Profiles) -> str:
    ratio = figures.patches.rate.divided_by(figures.posts.rate)
    rows = [
        ["three attributes set", figures.patches.rate.text(), figures.patches.median.text(2),
         figures.patches.p99.text(1), figures.patches.processor.text()],
        ["one event posted", figures.posts.rate.text(), figures.posts.median.text(2), figures.posts.p99.text(1),
         figures.posts.processor.text()],
        ["the same by the framework's way", figures.framework_posts.rate.text(),
         figures.framework_posts.median.text(2), figures.framework_posts.p99.text(1),
         figures.framework_posts.processor.text()],
    ]  # fmt: skip
    return (
        table([f"{figures.profiles:,} profiles, 32 connections", "requests/s", "median ms", "p99 ms", "CPU µs"], rows)
        + f"\nSetting three attributes reaches {ratio.text(2)} of the rate of posting one event. A value takes "
        f"{figures.overhead.text(1)} bytes of the file beside its own.\n\n{consents.report(figures.consents)}\n"
        f"{lives.report(figures.lives)}\n{exports.report(figures.exports)}"
    )

"""Consents of many profiles: how fast they are set and asked for, beside posts and pages of events of the same profiles."""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from . import wrk
from .figures import Load, Loads, table
from .ovation import KEYSPACE, SECTION, Ovation, events_path
from .place import Failure, say
from .plan import SINGLES, Plan

_CHANNEL = "com.apsis1.channels.email"
_FOLDER = "usercreated.targets.newsletters-3ayb7167e4"
_TOPIC = "usercreated.topics.weekly_offers-%s"
_SET = f"/v2/audience/keyspaces/{KEYSPACE}/profiles/p%d%%40example.com/sections/{SECTION}/consents"
_ASK = f"/audience/channels/{_CHANNEL}/addresses/%s%%40example.com/may-send?section={SECTION}&topic="


@dataclass
class Consents:
    sets: Loads = field(default_factory=Loads)
    asks: Loads = field(default_factory=Loads)
    # Single-event posts, and pages of one event, in the same rounds.
    posts: Loads = field(default_factory=Loads)
    pages: Loads = field(default_factory=Loads)


def measure(server: Ovation, plan: Plan, profiles: int) -> Consents:
    """The profiles are there, with an event each."""
    figures = Consents()
    server.send("POST", f"/v2/audience/sections/{SECTION}/folders", {"name": "News", "discriminator": _FOLDER})
    for number in range(plan.rounds):
        # A topic of its own for each round, so that each consent is the first one of its profile to it.
        topic = _TOPIC % f"round{number:05}"
        server.send(
            "POST", f"/v2/audience/sections/{SECTION}/topics",
            {"name": f"Round {number}", "discriminator": topic, "folder_discriminator": _FOLDER},
        )  # fmt: skip
        _round(server, plan, number, profiles, topic, figures)
    return figures


def _round(server: Ovation, plan: Plan, number: int, profiles: int, topic: str, figures: Consents) -> None:
    seconds, seed = plan.seconds, number + 1

    def give() -> None:
        environment = {
            "TOKEN": server.bearer, "PATH_FORMAT": _SET, "TOPIC": topic, "CHANNEL": _CHANNEL,
            "PROFILES": str(profiles), "FIRST": "1",
        }  # fmt: skip
        load = wrk.run(
            server, "post_consents.lua", connections=SINGLES.connections, seconds=seconds, seed=seed,
            environment=environment,
        )  # fmt: skip
        _check(server, load, topic)
        figures.sets.add(load)

    def post() -> None:
        figures.posts.add(server.post_events(SINGLES, seconds=seconds, seed=seed, profiles=profiles))

    def ask() -> None:
        figures.asks.add(server.read(_ASK + topic, connections=32, seconds=seconds, seed=seed, profiles=profiles))

    def page() -> None:
        path = events_path("%s", "%%") + "?limit=1"
        figures.pages.add(server.read(path, connections=32, seconds=seconds, seed=seed, profiles=profiles))

    turns = (give, post, ask, page) if number % 2 else (post, give, page, ask)
    for turn in turns:
        turn()
    say(
        f"  round {seed} of {plan.rounds}: consents {figures.sets.all[-1].rate:,.0f}/s, "
        f"posts {figures.posts.all[-1].rate:,.0f}/s, may-send {figures.asks.all[-1].rate:,.0f}/s, "
        f"pages {figures.pages.all[-1].rate:,.0f}/s"
    )


def _check(server: Ovation, load: Load, topic: str) -> None:
    """Profiles that opted in may be written to."""
    for number in load.profiles:
        answer = json.loads(server.get(_ASK % f"p{number}" + topic))
        if answer["may_send"] is not True:
            raise Failure(f"profile p{number} has opted in, and may not be written to: {answer}")
    if not load.profiles:
        raise Failure("wrk did not tell which profiles opted in")


def report(figures: Consents) -> str:
    def row(name: str, loads: Loads) -> list[str]:
        return [name, loads.rate.text(), loads.median.text(2), loads.p99.text(1), loads.processor.text()]

    return table(
        ["consents, 32 connections", "requests/s", "median ms", "p99 ms", "CPU µs"],
        [
            row("a consent set", figures.sets), row("one event posted", figures.posts),
            row("may-send asked", figures.asks), row("a page of the newest event", figures.pages),
        ],
    )  # fmt: skip

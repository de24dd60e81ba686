"""Imports of people with five attributes and a consent each: into an empty store, again into the same one, and beside posts."""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import ovation
from .figures import Loads, Spread, table
from .ovation import KEYSPACE, SECTION, Ovation
from .place import Failure, folder, remove, required_binary, say
from .plan import SINGLES, Plan

_FOLDER = "usercreated.targets.newsletters-3ayb7167e4"
_TOPIC = "usercreated.topics.weekly_offers-cbyntm8qnw"
_MADE = {"City": "usercreated.attributes.city-c4h3dpu3qi", "Country": "usercreated.attributes.country-n7h3dpu3qi"}
_ATTRIBUTES = 5
_PROFILE = f"/audience/keyspaces/{KEYSPACE}/profiles/%s/sections/{SECTION}/attributes"


@dataclass
class Imports:
    people: int
    # Rows a second: all new, all known and the same, and new beside posts.
    new: Spread = field(default_factory=Spread)
    same: Spread = field(default_factory=Spread)
    beside: Spread = field(default_factory=Spread)
    # Single-event posts without an import, and beside one.
    alone: Loads = field(default_factory=Loads)
    meanwhile: Loads = field(default_factory=Loads)
    # Peak memory of an import beyond that before it, in MB.
    memory: Spread = field(default_factory=Spread)


def measure(plan: Plan) -> Imports:
    figures = Imports(plan.import_people)
    for number in range(plan.rounds):
        _round(plan, number, figures)
        say(
            f"  round {number + 1} of {plan.rounds}: new {figures.new.values[-1]:,.0f} rows/s, the same again "
            f"{figures.same.values[-1]:,.0f}, beside posts {figures.beside.values[-1]:,.0f}; posts "
            f"{figures.alone.all[-1].rate:,.0f}/s alone, {figures.meanwhile.all[-1].rate:,.0f}/s beside it"
        )
    return figures


def _round(plan: Plan, number: int, figures: Imports) -> None:
    home = folder("imports")
    first, second = home / "first.csv", home / "second.csv"
    _write(first, "a", figures.people)
    with Ovation(home) as server:
        _define(server)
        # Warm, so that what the process keeps anyway is not taken for the import's.
        server.post_events(SINGLES, seconds=1, seed=99, profiles=1000)
        before = server.memory()
        server.forget_peak()
        figures.new.add(_import(server, first, {"new": figures.people}))
        figures.memory.add(server.peak_memory() - before)
        figures.same.add(_import(server, first, {"not changed": figures.people}))
        figures.alone.add(server.post_events(SINGLES, seconds=plan.seconds, seed=number + 1, profiles=1000))
        # So many people that the import lasts longer than the posts.
        rate = figures.new.values[-1]
        people = min(700_000, max(figures.people, int(3 * rate * plan.seconds)))
        _write(second, "b", people)
        rates: list[float] = []
        importing = threading.Thread(target=lambda: rates.append(_import(server, second, {"new": people})))
        importing.start()
        # The upload is over soon.
        time.sleep(0.5)
        load = server.post_events(SINGLES, seconds=plan.seconds, seed=number + 1001, profiles=1000)
        if not importing.is_alive():
            raise Failure("the import ended before the posts beside it")
        importing.join()
        if not rates:
            raise Failure("the import beside posts failed")
        figures.meanwhile.add(load)
        figures.beside.add(rates[0])
    remove(home)


def _define(server: Ovation) -> None:
    section = f"/audience/sections/{SECTION}"
    for name, discriminator in _MADE.items():
        made = {"name": name, "discriminator": discriminator, "type": "string"}
        server.send("POST", f"{section}/attributes", made)
    server.send("POST", f"/v2{section}/folders", {"name": "News", "discriminator": _FOLDER})
    server.send(
        "POST", f"/v2{section}/topics", {"name": "Offers", "discriminator": _TOPIC, "folder_discriminator": _FOLDER}
    )


def _write(path: Path, prefix: str, people: int) -> None:
    with path.open("w") as file:
        file.write("email,first,last,born,city,country,news\n")
        for number in range(people):
            file.write(
                f"{prefix}{number}@example.com,First{number % 997},Last{number % 9973},19{50 + number % 50}-0"
                f"{1 + number % 9}-11,Malmö,SE,1\n"
            )


def _import(server: Ovation, path: Path, expected: dict[str, int]) -> float:
    """Rows a second of the command, from its start to its end. Checks what became of the rows."""
    maps = ["email=key", "first=firstname", "last=lastname", "born=birthdate"]
    maps += [f"{name.lower()}={discriminator}" for name, discriminator in _MADE.items()]
    maps.append(f"news=opt-in:{_TOPIC}@com.apsis1.channels.email")
    command = [str(required_binary("ovation")), "profiles", "import", "--quiet", "--json", "--url", server.url]
    command += ["--section", SECTION, *(word for one in maps for word in ("--map", one)), str(path)]
    start = time.perf_counter()
    done = subprocess.run(command, env=dict(os.environ, **ovation.ENVIRONMENT), capture_output=True, text=True)
    seconds = time.perf_counter() - start
    if done.returncode != 0:
        raise Failure(f"the import failed:\n{done.stdout}{done.stderr}"[:4000])
    result = json.loads(done.stdout)["result"]
    found = {"new": result["new"], "updated": result["updated"], "not changed": result["not_changed"]}
    if {name: count for name, count in found.items() if count} != expected:
        raise Failure(f"{expected} were to be, and there are {found}")
    with path.open() as file:
        next(file)
        key = next(file).partition(",")[0]
    held = json.loads(server.get(_PROFILE % key))
    if len(held) < _ATTRIBUTES:
        raise Failure(f"{key} does not have the attributes of its row: {held}")
    return sum(expected.values()) / seconds


def report(figures: Imports) -> str:
    share = figures.meanwhile.rate.divided_by(figures.alone.rate)
    rows = [
        ["people who are new", figures.new.text()],
        ["the same file again", figures.same.text()],
        ["people who are new, beside posts", figures.beside.text()],
    ]
    return (
        table([f"{figures.people:,} people, five attributes and a consent each", "rows/s"], rows)
        + f"\nThe upload and the wait of the command are in it. Single-event posts beside an import keep {share.text(2)} of "
        f"their rate, with a p99 of {figures.meanwhile.p99.text(1)} ms against {figures.alone.p99.text(1)} ms. An import "
        f"takes {figures.memory.text(1)} MB more than before it at most.\n"
    )

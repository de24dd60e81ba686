"""Posts on stores that begin empty: everybody in turn, round by round."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from .figures import Load, Loads, Spread
from .machine import sync_time
from .others import Bare, PocketBase, run_raw_store
from .ovation import Ovation
from .place import WORK, folder, remove, say
from .plan import HUNDREDS, LONE, SHAPES, SINGLES, Plan, Shape

OVATION = "Ovation"
BARE = "bare server"
STORE = "raw store"
APPEND = "append-only"
POCKETBASE = "PocketBase"


@dataclass
class Posts:
    loads: dict[tuple[str, Shape], Loads] = field(default_factory=lambda: defaultdict(Loads))
    # Milliseconds, measured in each round.
    sync_append: Spread = field(default_factory=Spread)
    sync_in_place: Spread = field(default_factory=Spread)
    # Peak of our server under each shape, in MB.
    memory: dict[Shape, Spread] = field(default_factory=lambda: defaultdict(Spread))

    def of(self, who: str, shape: Shape) -> Loads:
        return self.loads[who, shape]


def measure(plan: Plan) -> Posts:
    posts = Posts()
    program = PocketBase.program()
    template = WORK / "pocketbase-template"
    if program is None:
        say("PocketBase is not installed, and left out")
    else:
        PocketBase.prepare(program, folder(template.name))
    for number in range(plan.rounds):
        _round(plan, number, posts, program, template)
    remove(template)
    return posts


def _round(plan: Plan, number: int, posts: Posts, program: Path | None, template: Path) -> None:
    say(f"round {number + 1} of {plan.rounds}")
    homes = {name: folder(name) for name in ("ovation", "bare", "pocketbase")}
    with ExitStack() as stack:
        ours = stack.enter_context(Ovation(homes["ovation"]))
        bare = stack.enter_context(Bare(homes["bare"]))
        pocketbase: PocketBase | None = None
        if program is not None:
            shutil.copytree(template / "data", homes["pocketbase"] / "data")
            pocketbase = PocketBase(homes["pocketbase"], program)
            stack.enter_context(pocketbase)
        for shape in SHAPES:
            _everybody(plan, number, shape, posts, ours, bare, pocketbase)
    for home in homes.values():
        remove(home)


def _everybody(
    plan: Plan, number: int, shape: Shape, posts: Posts, ours: Ovation, bare: Bare, pocketbase: PocketBase | None
) -> None:  # fmt: skip
    """All who post in a shape, each round beginning with another."""
    seconds, profiles = plan.seconds, plan.profiles
    # The same profiles for everybody in the same shape, and others in the next.
    seed = number * len(SHAPES) + SHAPES.index(shape) + 1

    def post_ours() -> Load:
        before = sync_time(folder("sync")) if shape == LONE else None
        ours.forget_peak()
        load = ours.post_events(shape, seconds=seconds, seed=seed, profiles=profiles)
        posts.memory[shape].add(ours.peak_memory())
        if before:
            # Right before and right after what is held against it, since disks have moods.
            after = sync_time(folder("sync"))
            posts.sync_append.add((before.append + after.append) / 2)
            posts.sync_in_place.add((before.in_place + after.in_place) / 2)
        return load

    turns: list[tuple[str, Callable[[], Load | None]]] = [
        (BARE, lambda: bare.post_events(shape, seconds=seconds, seed=seed, profiles=profiles)),
        (OVATION, post_ours),
    ]
    if not plan.is_quick or shape in (SINGLES, HUNDREDS):
        turns.append((STORE, lambda: run_raw_store("store", shape, seconds=seconds, profiles=profiles)))
    if shape in (SINGLES, HUNDREDS):
        turns.append((APPEND, lambda: run_raw_store("append-only", shape, seconds=seconds, profiles=profiles)))
    if pocketbase is not None and (shape in (SINGLES, HUNDREDS) or (shape == LONE and not plan.is_quick)):
        records = pocketbase
        turns.append((POCKETBASE, lambda: records.post_records(shape, seconds=seconds, seed=seed, profiles=profiles)))
    first = number % len(turns)
    said = []
    for who, turn in turns[first:] + turns[:first]:
        load = turn()
        if load is None:
            continue
        posts.of(who, shape).add(load)
        said.append(f"{who} {load.rate:,.0f}/s")
    say(f"  {shape}: " + ", ".join(said))

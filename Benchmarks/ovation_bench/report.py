"""What was measured, as Markdown: for the terminal, and for docs/performance.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .figures import Spread, table
from .filled import Filled
from .machine import Machine
from .micro import Micro
from .ovation import DATA_JSON
from .plan import HUNDREDS, MANY, SHAPES, SINGLES, Plan
from .postgresql import PostgreSQL
from .posts import APPEND, BARE, OVATION, POCKETBASE, STORE, Posts
from .targets import Target

# Said in each table, since it is spared what the others pay for.
_UNSYNCED = f"{POCKETBASE} (no sync per commit)"


@dataclass(frozen=True)
class Run:
    """Where, when and with what was measured."""

    date: str
    version: str
    machine: Machine
    pocketbase: str
    minutes: float


def heading(run: Run, plan: Plan, posts: Posts) -> str:
    return (
        f"{run.date}, {run.version}. {run.machine}; a sync of 4 kB takes {posts.sync_append.text(2)} ms when it "
        f"appends to a file and {posts.sync_in_place.text(2)} ms in place. {plan.rounds} rounds of {plan.seconds} s "
        f"for each load, {run.minutes:.0f} min in all. Each figure is the median (lowest–highest) of the rounds.\n"
    )


def verdicts(targets: Sequence[Target], micro: Micro | None) -> str:
    met = sum(bool(target.measured) and target.is_met for target in targets)
    measured = sum(bool(target.measured) for target in targets)
    rows = [[str(target.number), target.what, target.figure, target.aim, target.verdict] for target in targets]
    text = table(["target", "what", "measured", "aim", "verdict"], rows) + f"\n{met} of {measured} measured are met."
    if micro:
        text += f" Targets 3 and 4 come from a run of `make bench ARGS=micro`, {micro.date}."
    return text + "\n"


def posts_tables(run: Run, posts: Posts) -> str:
    ratios, rates, ours = [], [], []
    for shape in SHAPES:
        mine = posts.of(OVATION, shape)
        label = [str(shape.connections), str(shape.items)]
        others = [posts.of(who, shape).rate for who in (BARE, STORE, APPEND, POCKETBASE)]
        ratios.append(label + [mine.rate.divided_by(other).text(2) for other in others])
        rates.append(label + [rate.text() for rate in (mine.rate, *others)])
        ours.append(
            label
            + [mine.rate.times(shape.items).text(), mine.median.text(2), mine.p99.text(1), mine.processor.text()]
            + [posts.of(BARE, shape).processor.text(), posts.memory[shape].text()]
        )
    shape_head = ["connections", "events a post"]
    text = "Ovation's rate, divided by that of\n\n"
    text += table(shape_head + ["the bare server", "the raw store", "the append-only table", _UNSYNCED], ratios)
    text += "\nPosts a second\n\n"
    text += table(shape_head + [OVATION, BARE, STORE, APPEND, _UNSYNCED], rates)
    text += "\nOvation's posts\n\n"
    head = ["events/s", "median ms", "p99 ms", "CPU µs a post", "bare server's CPU µs", "peak memory MB"]
    text += table(shape_head + head, ours)
    text += f"\n{run.pocketbase}. All others sync each commit before they answer; the bare server stores nothing.\n"
    return text


def raw_store_costs(posts: Posts) -> str:
    rows = []
    for shape in (SINGLES, HUNDREDS):
        for who in (STORE, APPEND):
            loads = posts.of(who, shape)
            if loads:
                rows.append([who, str(shape), loads.p99.text(1), loads.processor.text()])
    return "\nWithout HTTP\n\n" + table(["who", "posts", "p99 ms", "CPU µs a post"], rows) if rows else ""


def filled_tables(plan: Plan, filled: Filled) -> str:
    text = (
        f"{filled.events:,} events of {filled.profiles:,} profiles, one of which has {plan.large:,} and one fifty. "
        f"They came by {filled.way}, in {filled.fill_seconds:,.0f} s "
        f"({filled.events / filled.fill_seconds:,.0f} events/s); {filled.rest_seconds:,.0f} s later the server had "
        "merged what it merges when nobody posts. The file is in the page cache of the system.\n\n"
    )
    text += table(
        ["", "requests/s", "median ms", "p99 ms", "CPU µs", "peak memory MB"],
        [
            [what, loads.rate.text(), loads.median.text(2), loads.p99.text(1), loads.processor.text(), memory.text()]
            for what, loads, memory in (
                ("single events, 32 connections, filled store", filled.filled_posts, filled.filled_memory),
                ("the same on an empty store", filled.empty_posts, filled.empty_memory),
                ("newest 50 of a random profile, 32 connections", filled.pages, filled.pages_memory),
                (f"newest 50 of {plan.large:,}, 1 connection", filled.large_pages, Spread()),
                ("newest 50 of 50, 1 connection", filled.small_pages, Spread()),
            )
        ],
    )
    text += f"\n{_size(filled)}\n"
    if filled.import_empty or filled.export:
        text += (
            f"\nImport of {plan.bulk:,} events: {filled.import_empty.text()} events/s into an empty store, "
            f"{filled.import_filled.text()} into the filled one. Export: {filled.export.text()} events/s.\n"
        )
    return text


def _size(filled: Filled) -> str:
    text = (
        f"After a clean stop the file has {filled.file_bytes:,} bytes: {filled.file_bytes / filled.events:.1f} for "
        f"each event, of which its `data` are {len(DATA_JSON)}. Everything is counted in, profiles too "
        f"({filled.events / filled.profiles:.1f} events each)."
    )
    if filled.parts:
        largest = sorted(filled.parts.items(), key=lambda part: -part[1])[:6]
        text += " By table and index, in bytes for each event: "
        text += ", ".join(f"`{name}` {size / filled.events:.1f}" for name, size in largest) + "."
    return text


def postgresql_tables(figures: PostgreSQL) -> str:
    size = sum(figures.parts.values())
    largest = sorted(figures.parts.items(), key=lambda part: -part[1])[:6]
    text = (
        f"PostgreSQL {figures.version} as Debian sets it up, on the same machine; every commit is synced. It begins with "
        f"{figures.events:,} events of {figures.profiles:,} profiles, so all profiles are known. They take "
        f"{size / max(figures.events, 1):.1f} bytes each, of which their `data` are {len(DATA_JSON)}. By table and index: "
    )
    text += ", ".join(f"`{name}` {part / max(figures.events, 1):.1f}" for name, part in largest) + ".\n\n"
    hundreds = figures.hundreds.rate.times(HUNDREDS.items)
    text += table(
        ["", "through the server", "libpq alone", "ratio"],
        [
            ["import, and unnest(1,000) in 1 session: events/s", figures.imported.text(), figures.unnest_alone.text(),
             figures.imported.divided_by(figures.unnest_alone).text(2)],
            [f"{HUNDREDS}, and unnest(1,000) in 4 sessions: events/s", hundreds.text(), figures.unnest.text(),
             hundreds.divided_by(figures.unnest).text(2)],
            [f"{MANY}, and one row a commit in 16 sessions: a second", figures.many.rate.text(),
             figures.single.text(), figures.many.rate.divided_by(figures.single).text(2)],
            ["newest 50, one at a time: ms", figures.page.median.text(2), figures.newest.text(2),
             figures.page.median.divided_by(figures.newest).text(2)],
        ],
    )  # fmt: skip
    text += "\n" + table(
        ["", "requests/s", "median ms", "p99 ms", "CPU µs"],
        [
            [str(what), loads.rate.text(), loads.median.text(2), loads.p99.text(1), loads.processor.text()]
            for what, loads in (
                (HUNDREDS, figures.hundreds), (MANY, figures.many), ("newest 50, 32 connections", figures.pages),
                ("newest 50, 1 connection", figures.page), ("the bare server's answer, 1 connection", figures.bare),
            )
        ],
    )  # fmt: skip
    return text + f"\nPeak memory of the server: {figures.memory.text()} MB.\n"


def whole(run: Run, plan: Plan, posts: Posts, filled: Filled, targets: Sequence[Target], micro: Micro | None) -> str:
    sections = [
        heading(run, plan, posts),
        "### Targets\n\n" + verdicts(targets, micro),
        "### Posts on stores that begin empty\n\n" + posts_tables(run, posts) + raw_store_costs(posts),
        f"### With {plan.stored / 1e6:g} million events\n\n" + filled_tables(plan, filled),
    ]
    return "\n".join(sections)

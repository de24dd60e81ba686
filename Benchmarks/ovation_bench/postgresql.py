"""The server on a real PostgreSQL, beside a small program of libpq that asks the same database directly."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

# The tests start it in the same way.
from postgres import Postgres

from . import bulk, lines
from .figures import Load, Loads, Spread
from .others import Bare
from .ovation import Ovation
from .place import WORK, Failure, binary, folder, remove, required_binary, say
from .plan import HUNDREDS, LONE, MANY, Plan, Shape

# As many sessions as the server has lanes; an import has one chunk at a time on its way, so it is held against one.
# And rows in each statement.
_SESSIONS = 4
_ROWS = 1000
# Sessions that each commit one row after the other.
_LONE_SESSIONS = 16
# A disk, where the folder for what is short-lived may be in memory.
_DISK = "/var/tmp"

_SIZES = """
    SELECT relname, pg_relation_size(oid) FROM pg_class
    WHERE relnamespace = 'ovation'::regnamespace AND relkind IN ('r', 'i') ORDER BY 2 DESC
"""


@dataclass
class PostgreSQL:
    version: str = ""
    # Filled before anything is measured, so that every profile is known.
    events: int = 0
    profiles: int = 0
    # By table and index, of the filled store.
    parts: dict[str, int] = field(default_factory=dict)
    # Events a second: by libpq alone in one session and in four, through an import, in posts of a hundred.
    unnest_alone: Spread = field(default_factory=Spread)
    unnest: Spread = field(default_factory=Spread)
    imported: Spread = field(default_factory=Spread)
    hundreds: Loads = field(default_factory=Loads)
    # Commits a second of one row each, by libpq alone, and single-event posts.
    single: Spread = field(default_factory=Spread)
    many: Loads = field(default_factory=Loads)
    # Milliseconds of the query alone, and pages through the server, each with one connection.
    newest: Spread = field(default_factory=Spread)
    page: Loads = field(default_factory=Loads)
    # What the bare server's answer takes, with one connection: a round trip of HTTP.
    bare: Loads = field(default_factory=Loads)
    # Pages with 32 connections.
    pages: Loads = field(default_factory=Loads)
    # Peak of our server, in MB.
    memory: Spread = field(default_factory=Spread)


def missing() -> str:
    """Why PostgreSQL cannot be measured; empty if it can."""
    if binary("raw-postgres") is None:
        return "raw-postgres was not built"
    if not shutil.which("pg_config") or not any(Path("/usr/lib/postgresql").glob("*/bin/initdb")):
        return "PostgreSQL is not installed"
    return ""


def measure(plan: Plan) -> PostgreSQL:
    figures = PostgreSQL(profiles=plan.database_profiles)
    server = Postgres(folder=Path(tempfile.mkdtemp(prefix="ovation-bench-pg-", dir=_DISK)))
    home = folder("postgresql")
    try:
        server.create()
        server.start()
        figures.version = server.query("SHOW server_version").split()[0]
        with Ovation(home, store=server.target()) as ours, Bare(folder("bare")) as bare:
            _fill(plan, home, server, ours, figures)
            for number in range(plan.rounds):
                _round(plan, number, home, server, ours, bare, figures)
    finally:
        server.remove()
        remove(home)
        remove(WORK / "bare")
    return figures


def _fill(plan: Plan, home: Path, server: Postgres, ours: Ovation, figures: PostgreSQL) -> None:
    count = plan.database_events
    say(f"filling a PostgreSQL {figures.version} with {count:,} events")
    path = home / "fill.ndjson"
    # Each profile has some, whatever chance would give it.
    with path.open("w") as file:
        for index, moment in enumerate(lines.times(count, 0, 0.9)):
            file.write(lines.line(f"p{index % plan.database_profiles + 1}", moment))
    bulk.import_file(ours, path, count)
    path.unlink()
    figures.events = ours.stored_events()
    server.query("VACUUM ANALYZE")
    figures.parts = {
        name: int(size) for name, size in (line.split("|") for line in server.query(_SIZES).splitlines())
    }  # fmt: skip


def _round(
    plan: Plan, number: int, home: Path, server: Postgres, ours: Ovation, bare: Bare, figures: PostgreSQL
) -> None:  # fmt: skip
    say(f"PostgreSQL, round {number + 1} of {plan.rounds}")
    seconds, profiles = plan.seconds, plan.database_profiles
    target = server.target()
    # Others in each round: lines that came before are known again, and not stored.
    lines.write_random(home / "import.ndjson", plan.database_import, profiles, seed=number)

    def unnest(sessions: int, spread: Spread) -> Callable[[], None]:
        return lambda: spread.add(_raw("unnest", target, sessions, _ROWS, seconds, profiles).rate * _ROWS)

    def single() -> None:
        figures.single.add(_raw("single", target, _LONE_SESSIONS, seconds, profiles).rate)

    def imported() -> None:
        took = bulk.import_file(ours, home / "import.ndjson", plan.database_import)
        figures.imported.add(plan.database_import / took)

    def newest() -> None:
        figures.newest.add(_raw("newest", target, 1, seconds).median)
        figures.page.add(_read(ours, connections=1, seconds=seconds, seed=number, profiles=profiles))
        figures.bare.add(bare.post_events(LONE, seconds=seconds, seed=number, profiles=profiles))

    def post(shape: Shape, loads: Loads) -> Callable[[], None]:
        return lambda: loads.add(
            ours.post_events(shape, seconds=seconds, seed=200 + number, profiles=profiles)
        )  # fmt: skip

    turns: list[Callable[[], None]] = [
        unnest(1, figures.unnest_alone), imported, unnest(_SESSIONS, figures.unnest), post(HUNDREDS, figures.hundreds), single,
        post(MANY, figures.many), newest,
        lambda: figures.pages.add(_read(ours, connections=32, seconds=seconds, seed=number, profiles=profiles)),
    ]  # fmt: skip
    ours.forget_peak()
    first = number % len(turns)
    for turn in turns[first:] + turns[:first]:
        # What one turn left to be written is not the next one's work.
        server.query("CHECKPOINT")
        turn()
    figures.memory.add(ours.peak_memory())
    say(
        f"  unnest {figures.unnest_alone.values[-1]:,.0f} and {figures.unnest.values[-1]:,.0f} events/s, import "
        f"{figures.imported.values[-1]:,.0f}, posts of 100 "
        f"{figures.hundreds.all[-1].rate * HUNDREDS.items:,.0f}; one row a commit {figures.single.values[-1]:,.0f}/s, "
        f"single posts {figures.many.all[-1].rate:,.0f}/s; newest 50 {figures.newest.values[-1]:.2f} ms, page "
        f"{figures.page.all[-1].median:.2f} ms, pages {figures.pages.all[-1].rate:,.0f}/s"
    )


def _read(ours: Ovation, *, connections: int, seconds: int, seed: int, profiles: int) -> Load:
    return ours.read_events(connections=connections, seconds=seconds, seed=seed, profiles=profiles)


@dataclass(frozen=True)
class _Result:
    rate: float
    median: float


def _raw(work: str, target: str, *numbers: int) -> _Result:
    os.sync()
    command = [str(required_binary("raw-postgres")), work, target, *map(str, numbers)]
    done = subprocess.run(command, capture_output=True, text=True)
    found = [line.split() for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if done.returncode != 0 or not found:
        raise Failure(f"raw-postgres failed:\n{done.stdout}{done.stderr}")
    return _Result(rate=float(found[0][1]), median=float(found[0][2]))

"""python3 -m ovation_bench [quick | full | long | postgres | profiles | imports | yardsticks]: run by Scripts/bench."""

from __future__ import annotations

import datetime
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from . import (
    document, filled, imports, longrun, micro, others, ovation, posts, postgresql, profiles, report, targets, yardsticks,
)  # fmt: skip
from .figures import wrapped
from .machine import machine, sync_time
from .place import DOCUMENT, OUTPUT, ROOT, WORK, folder, remove, required_binary, say
from .plan import FULL, Plan, plan
from .targets import Target

T = TypeVar("T")


def main() -> None:
    name = sys.argv[1] if len(sys.argv) > 1 else "full"
    if name not in ("quick", "full", "long", "postgres", "profiles", "imports", "yardsticks") or len(sys.argv) > 2:
        raise SystemExit("usage: Scripts/bench [quick | full | long | micro | postgres | profiles | imports | yardsticks]")
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: Scripts/setup bench")
    for program in ("ovation",) if name in ("profiles", "imports") else ("ovation", "bare-server"):
        required_binary(program)
    chosen = plan(name)
    # So that servers are stopped and stores removed then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    OUTPUT.mkdir(parents=True, exist_ok=True)
    try:
        if name == "long":
            _long(chosen)
        elif name == "postgres":
            _postgresql(chosen)
        elif name == "profiles":
            _profiles(chosen)
        elif name == "yardsticks":
            _yardsticks(chosen)
        elif name == "imports":
            _imports(chosen)
        else:
            _all(chosen)
            _yardsticks(chosen)
            _profiles(chosen)
            _imports(chosen)
            _postgresql(chosen)
    finally:
        remove(WORK)


def _all(chosen: Plan) -> None:
    start = time.monotonic()
    say(f"this takes about {_duration(chosen.estimated_seconds())}")
    of_posts = posts.measure(chosen)
    of_filled = filled.measure(chosen)
    program = others.PocketBase.program()
    run = report.Run(
        date=_today(), version=_version(), machine=machine(WORK),
        pocketbase=others.pocketbase_facts(program) if program else "PocketBase was not installed",
        minutes=(time.monotonic() - start) / 60,
    )  # fmt: skip
    steps = micro.read()
    judged = targets.all_targets(chosen, of_posts, of_filled, steps)
    text = wrapped(report.whole(run, chosen, of_posts, of_filled, judged, steps))
    if chosen.is_quick:
        print(f"\nA quick look, with {chosen.stored:,} events stored.\n")
    print(text)
    _keep(chosen.name, text)
    _write("measured", text, chosen.stored >= FULL.stored)


def _postgresql(chosen: Plan) -> None:
    missing = postgresql.missing()
    if missing:
        say(f"{missing}, and left out")
        return
    _part(
        "postgres", "on PostgreSQL", chosen, postgresql.measure, targets.of_postgresql, report.postgresql_tables,
        _rounds(chosen), chosen.database_events >= FULL.database_events,
    )  # fmt: skip


def _profiles(chosen: Plan) -> None:
    _part(
        "profiles", "profiles", chosen, profiles.measure, targets.of_profiles, profiles.report,
        _rounds(chosen, ", after each other"), chosen.attribute_profiles >= FULL.attribute_profiles,
    )  # fmt: skip


def _yardsticks(chosen: Plan) -> None:
    missing = yardsticks.missing()
    if missing:
        say(f"{missing}, and the yardsticks are left out: Scripts/setup bench")
        return
    _part(
        "yardsticks", "yardsticks", chosen, yardsticks.measure, targets.of_yardsticks, yardsticks.report,
        _rounds(chosen, ", in turn"), chosen.steady_seconds >= FULL.steady_seconds,
    )  # fmt: skip


def _imports(chosen: Plan) -> None:
    _part(
        "imports", "imports", chosen, imports.measure, targets.of_imports, imports.report,
        f"{chosen.rounds} rounds", chosen.import_people >= FULL.import_people,
    )  # fmt: skip


def _rounds(chosen: Plan, order: str = "") -> str:
    return f"{chosen.rounds} rounds of {chosen.seconds} s for each load{order}"


def _part(
    name: str, title: str, chosen: Plan, measure: Callable[[Plan], T], verdicts: Callable[[T], list[Target]],
    tables: Callable[[T], str], rounds: str, is_whole: bool,
) -> None:  # fmt: skip
    """A part of the document that has its own targets."""
    sync = sync_time(folder("sync"))
    figures = measure(chosen)
    text = wrapped(
        f"{_today()}, {_version()}. {machine(WORK)}; a sync of 4 kB takes {sync.append:.2f} ms when it appends. {rounds}. "
        f"Each figure is the median (lowest–highest) of the rounds.\n\n{report.verdicts(verdicts(figures), None)}\n"
        f"{tables(figures)}"
    )
    print(text)
    _keep(name, text)
    _write(title, text, is_whole)


def _long(chosen: Plan) -> None:
    say(f"this takes about {_duration(chosen.long_seconds + 5)}")
    sync = sync_time(folder("sync"))
    run = longrun.measure(chosen)
    text = wrapped(
        f"{_today()}, {_version()}. {machine(WORK)}; a sync of 4 kB takes {sync.append:.2f} ms when it appends and "
        f"{sync.in_place:.2f} ms in place.\n\n{longrun.report(run)}"
    )
    print(text)
    _keep("long", text)
    _write("long run", text, chosen.long_seconds >= FULL.long_seconds)


def _write(name: str, text: str, is_whole: bool) -> None:
    """A run that was cut short is for looking at only."""
    if not is_whole:
        say(f"{DOCUMENT.relative_to(ROOT)} stays as it is")
        return
    document.replace(name, text)
    say(f"written to {DOCUMENT.relative_to(ROOT)}")


def _keep(name: str, text: str) -> None:
    path = OUTPUT / f"{name}.md"
    path.write_text(text)
    say(f"kept in {path.relative_to(ROOT)}")


def _version() -> str:
    """With the commit, where this is a clone."""
    known = subprocess.run(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    commit = f" (commit {known.stdout.strip()})" if known.returncode == 0 else ""
    return f"Ovation {ovation.version().removeprefix('ovation ')}{commit}"


def _today() -> str:
    return datetime.date.today().isoformat()


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"


main()

"""What changes when the store is large: filling it, starting on it, posting and reading beside an empty one."""

from __future__ import annotations

import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from . import bulk, lines, wrk
from .figures import Load, Loads, Spread
from .ovation import DATA_JSON, Ovation
from .place import WORK, Failure, folder, remove, say
from .plan import SINGLES, Plan

# Of an event in the store, with room for the log and for what is imported later.
_BYTES_AN_EVENT = 450


@dataclass
class Filled:
    events: int = 0
    profiles: int = 0
    # How the events came in, and how long that took.
    way: str = ""
    fill_seconds: float = 0
    # What the server did with them afterwards on its own.
    rest_seconds: float = 0
    # After a clean stop.
    file_bytes: int = 0
    # Bytes of the file by table and index; empty where SQLite cannot tell.
    parts: dict[str, int] = field(default_factory=dict)
    clean_starts: Spread = field(default_factory=Spread)
    crash_starts: Spread = field(default_factory=Spread)
    empty_posts: Loads = field(default_factory=Loads)
    filled_posts: Loads = field(default_factory=Loads)
    pages: Loads = field(default_factory=Loads)
    # First pages of the large profile and of the small one, one connection.
    large_pages: Loads = field(default_factory=Loads)
    small_pages: Loads = field(default_factory=Loads)
    # Peaks in MB: under posts on either store, and under reads on the filled one.
    empty_memory: Spread = field(default_factory=Spread)
    filled_memory: Spread = field(default_factory=Spread)
    pages_memory: Spread = field(default_factory=Spread)
    # Events a second.
    import_empty: Spread = field(default_factory=Spread)
    import_filled: Spread = field(default_factory=Spread)
    export: Spread = field(default_factory=Spread)


def measure(plan: Plan) -> Filled:
    filled = Filled()
    home = folder("filled")
    _check_room(plan, home)
    fill(plan, home, filled)
    _size(home, filled)
    _starts(plan, home, filled)
    for number in range(plan.filled_rounds):
        _round(plan, number, home, filled)
    _bulk(plan, home, filled)
    remove(home)
    return filled


def _check_room(plan: Plan, home: Path) -> None:
    needed = (plan.stored + plan.large + plan.bulk) * _BYTES_AN_EVENT + 2**30
    free = shutil.disk_usage(home).free
    if free < needed:
        raise Failure(
            f"{home} has {free / 1e9:.0f} GB free, and about {needed / 1e9:.0f} GB are needed: name a folder on "
            "another disk by BENCH_FOLDER, or take fewer events by STORED_EVENTS"
        )


# MARK: Filling


def fill(plan: Plan, home: Path, filled: Filled) -> None:
    total = plan.stored + plan.large + lines.SMALL_EVENTS
    say(f"filling a store with {total:,} events")
    with Ovation(home) as server:
        if bulk.has_command("import"):
            filled.way = "`ovation events import`, in the order of their time, profiles at random"
            filled.fill_seconds = _import_all(plan, server)
        else:
            filled.way = "posts, all events of a profile in one"
            filled.fill_seconds = _post_all(plan, server, total)
        filled.events = server.stored_events()
        if filled.events != total:
            raise Failure(f"{total} events were to be stored, and {filled.events} are")
        server.check_random_profiles(plan.stored_profiles)
        filled.rest_seconds = server.rest()
    filled.profiles = plan.stored_profiles + 2
    say(f"  filled in {filled.fill_seconds:,.0f} s, {filled.events / filled.fill_seconds:,.0f} events/s, at rest {filled.rest_seconds:.0f} s later")


def _import_all(plan: Plan, server: Ovation) -> float:
    """In parts, so that what is still to come takes little room. Seconds of the imports alone."""
    parts = max(1, round(plan.stored / 1_000_000))
    path = folder("import") / "events.ndjson"
    seconds = 0.0
    for part in range(parts):
        count = lines.write_part(path, plan, part, parts)
        os.sync()
        took = bulk.import_file(server, path, count)
        seconds += took
        say(f"  part {part + 1} of {parts}: {count / took:,.0f} events/s")
    remove(path.parent)
    return seconds


def _post_all(plan: Plan, server: Ovation, total: int) -> float:
    posting = bulk.Posting(server, plan)
    stop = threading.Event()

    def tell() -> None:
        while not stop.wait(15):
            say(f"  {posting.stored:,} of {total:,} events")

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    start = time.perf_counter()
    posting.run()
    seconds = time.perf_counter() - start
    stop.set()
    return seconds


def _size(home: Path, filled: Filled) -> None:
    """Of the stopped store: everything in its folder that belongs to it."""
    store = home / "ovation.sqlite"
    filled.file_bytes = sum(path.stat().st_size for path in home.glob("ovation.sqlite*") if path.suffix != ".lock")
    # No server has it open, and nothing is written: SQLite takes no lock and leaves no file.
    connection = sqlite3.connect(f"file:{store}?mode=ro&immutable=1", uri=True)
    try:
        # Pages times their size, since SQLite adds up `pgsize` in 32 bits.
        rows = connection.execute(
            "SELECT name, pageno * page_size FROM dbstat, pragma_page_size WHERE aggregate = TRUE"
        )
        filled.parts = {str(name): int(size) for name, size in rows}
    except sqlite3.Error:
        say("  this Python's SQLite cannot tell the sizes of tables (no dbstat)")
    finally:
        connection.close()
    say(f"  {filled.file_bytes / filled.events:.1f} bytes an event, its data being {len(DATA_JSON)}")


# MARK: Starting


def _starts(plan: Plan, home: Path, filled: Filled) -> None:
    for number in range(plan.starts):
        with Ovation(home) as server:
            filled.clean_starts.add(server.start_seconds * 1000)
        filled.crash_starts.add(_crash(plan, home, number) * 1000)
    say(f"starts: {filled.clean_starts.text()} ms; after kill -9 {filled.crash_starts.text()} ms")


def _crash(plan: Plan, home: Path, number: int) -> float:
    """Kills the server in the middle of posts, and starts it again. Seconds of that start; what was acknowledged before
    the kill has to be there after it."""
    with Ovation(home) as server:
        before = server.stored_events()
        loading = wrk.start(
            server, "post_events.lua", connections=SINGLES.connections, seconds=2, seed=1000 + number,
            environment=server.posting(SINGLES, plan.stored_profiles),
        )  # fmt: skip
        time.sleep(1.5)
        server.kill()
    acknowledged = wrk.finish(loading, check_errors=False).requests
    with Ovation(home) as again:
        stored = again.stored_events() - before
        if acknowledged == 0 or not 0 <= stored - acknowledged <= SINGLES.connections:
            raise Failure(f"{acknowledged} posts were acknowledged before the kill, and {stored} events are stored")
        return again.start_seconds


# MARK: Posting and reading


def _read_whole(home: Path) -> None:
    """So that the system has the file in memory: it may have taken some of it back meanwhile."""
    with open(home / "ovation.sqlite", "rb", buffering=0) as store:
        while store.read(2**20):
            pass


def _round(plan: Plan, number: int, home: Path, filled: Filled) -> None:
    """The filled store and an empty one at the same time, each in turn first."""
    say(f"filled and empty store, round {number + 1} of {plan.filled_rounds}")
    empty_home = folder("empty")
    with ExitStack() as stack:
        large = stack.enter_context(Ovation(home))
        empty = stack.enter_context(Ovation(empty_home))
        _read_whole(home)
        large.rest()

        def pages(profile: str) -> Load:
            return _read(large, plan, number, connections=1, profile=profile)

        turns: list[Callable[[], None]] = [
            lambda: _posts(empty, plan, filled.empty_posts, filled.empty_memory, number),
            lambda: _posts(large, plan, filled.filled_posts, filled.filled_memory, number),
            lambda: _pages(large, plan, filled, number),
            lambda: filled.large_pages.add(pages(lines.LARGE_PROFILE)),
            lambda: filled.small_pages.add(pages(lines.SMALL_PROFILE)),
        ]
        first = number % len(turns)
        for turn in turns[first:] + turns[:first]:
            turn()
        large.check_random_profiles(plan.stored_profiles)
    remove(empty_home)
    say(
        f"  posts {filled.filled_posts.all[-1].rate:,.0f}/s beside {filled.empty_posts.all[-1].rate:,.0f}/s on the "
        f"empty store, pages {filled.pages.all[-1].rate:,.0f}/s"
    )


def _posts(server: Ovation, plan: Plan, loads: Loads, memory: Spread, number: int) -> None:
    server.forget_peak()
    loads.add(
        server.post_events(SINGLES, seconds=plan.filled_seconds, seed=100 + number, profiles=plan.stored_profiles)
    )
    memory.add(server.peak_memory())


def _pages(server: Ovation, plan: Plan, filled: Filled, number: int) -> None:
    server.forget_peak()
    filled.pages.add(_read(server, plan, number, connections=32))
    filled.pages_memory.add(server.peak_memory())


def _read(server: Ovation, plan: Plan, number: int, *, connections: int, profile: str = "") -> Load:
    return server.read_events(
        connections=connections, seconds=plan.filled_seconds, seed=100 + number, profiles=plan.stored_profiles,
        profile=profile,
    )  # fmt: skip


# MARK: Bulk


def _bulk(plan: Plan, home: Path, filled: Filled) -> None:
    """Last, since what is imported stays."""
    if bulk.has_command("import"):
        say(f"importing {plan.bulk:,} events into an empty store and into the filled one")
        path = folder("import") / "events.ndjson"
        lines.write_random(path, plan.bulk, plan.stored_profiles, seed=1)
        for where, figures in ((folder("empty"), filled.import_empty), (home, filled.import_filled)):
            os.sync()
            with Ovation(where) as server:
                figures.add(plan.bulk / bulk.import_file(server, path, plan.bulk))
        remove(WORK / "empty")
        remove(path.parent)
    if bulk.has_command("export"):
        say("exporting the filled store")
        with Ovation(home) as server:
            count, seconds = bulk.export(server)
            filled.export.add(count / seconds)

"""Ten minutes of posts without a pause: the worst of them, and whether anything keeps growing."""

from __future__ import annotations

import statistics
import threading
import time
from dataclasses import dataclass, field

from . import wrk
from .figures import Load, table
from .ovation import Ovation, check
from .place import folder, remove, say
from .plan import SINGLES, Plan


@dataclass(frozen=True)
class Sample:
    """What the server looked like, so many seconds into the load."""

    seconds: float
    # Resident, in MB.
    memory: float
    log_bytes: int
    # What the server counted when it was last asked, and when that was.
    events: float
    asked: float


@dataclass
class LongRun:
    load: Load | None = None
    samples: list[Sample] = field(default_factory=list)
    file_bytes: int = 0

    @property
    def growth(self) -> float:
        """Of the memory in the second half, in MB a minute."""
        half = self.samples[len(self.samples) // 2 :]
        if len(half) < 2:
            return 0
        return statistics.linear_regression([s.seconds / 60 for s in half], [s.memory for s in half]).slope

    @property
    def is_growing(self) -> bool:
        """By more than a twentieth of itself in the second half."""
        half = self.samples[len(self.samples) // 2 :]
        minutes = (half[-1].seconds - half[0].seconds) / 60
        return self.growth * minutes > statistics.median(sample.memory for sample in half) / 20


def measure(plan: Plan) -> LongRun:
    run = LongRun()
    home = folder("long")
    with Ovation(home) as server:
        stop = threading.Event()
        watcher = threading.Thread(target=_watch, args=(server, run, stop, plan.long_seconds), daemon=True)
        before = server.count()
        watcher.start()
        run.load = wrk.run(
            server, "post_events.lua", connections=SINGLES.connections, seconds=plan.long_seconds, seed=1,
            environment=server.posting(SINGLES, plan.profiles),
        )  # fmt: skip
        stop.set()
        watcher.join()
        check(run.load, SINGLES, before, server.count())
        server.check_profiles(run.load, SINGLES.items)
    run.file_bytes = (home / "ovation.sqlite").stat().st_size
    remove(home)
    return run


def _watch(server: Ovation, run: LongRun, stop: threading.Event, seconds: int) -> None:
    """Once a second, which costs the server nothing; its own figures are asked for every ten."""
    start = time.monotonic()
    events = asked = 0.0
    while not stop.wait(1):
        passed = time.monotonic() - start
        if len(run.samples) % 10 == 9:
            events, asked = server.metric("ovation_events_stored_total"), passed
        run.samples.append(Sample(passed, server.memory(), server.log_bytes(), events, asked))
        if len(run.samples) % 30 == 0:
            newest = run.samples[-1]
            say(f"  {passed:.0f} of {seconds} s: {newest.memory:.0f} MB, log {newest.log_bytes / 1e6:.0f} MB")


def report(run: LongRun) -> str:
    load = run.load
    if load is None or not run.samples:
        return ""
    log = max(sample.log_bytes for sample in run.samples)
    growing = "growing" if run.is_growing else "not growing"
    text = (
        f"{load.seconds:,.0f} s of single-event posts over {SINGLES.connections} connections, to random profiles of a "
        f"store that began empty: {load.requests:,} posts, {load.rate:,.0f} a second, all of them found again "
        "afterwards.\n\n"
    )
    text += table(
        ["median ms", "p99 ms", "p99.9 ms", "worst ms", "largest log, MB", "memory in the second half"],
        [[
            f"{load.median:.2f}", f"{load.p99:.1f}", f"{load.p999:.1f}", f"{load.worst:.0f}", f"{log / 1e6:.1f}",
            f"{growing} ({run.growth:+.2f} MB a minute)",
        ]],
    )  # fmt: skip
    text += "\n" + _minutes(run)
    return text


def _minutes(run: LongRun) -> str:
    rows = []
    before: Sample | None = None
    last = int(run.samples[-1].seconds // 60)
    for minute in range(last + 1):
        samples = [sample for sample in run.samples if sample.seconds // 60 == minute]
        # The last one may be a few seconds only.
        if len(samples) < 30:
            continue
        passed = samples[-1].asked - (before.asked if before else 0)
        rate = (samples[-1].events - (before.events if before else 0)) / passed
        memory = [sample.memory for sample in samples]
        log = max(sample.log_bytes for sample in samples) / 1e6
        rows.append(
            [f"{minute + 1}", f"{rate:,.0f}", f"{statistics.median(memory):.0f}", f"{max(memory):.0f}", f"{log:.1f}"]
        )
        before = samples[-1]
    head = ["minute", "events/s", "memory MB, median", "memory MB, highest", "largest log MB"]
    return table(head, rows) if rows else ""

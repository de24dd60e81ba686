"""What the server is meant to reach, and the verdicts. docs/performance.md says what each target is for."""

from __future__ import annotations

from dataclasses import dataclass

from .figures import Spread
from .filled import Filled
from .imports import Imports
from .micro import Micro
from .ovation import DATA_JSON
from .place import Failure
from .plan import HUNDREDS, LONE, MANY, SINGLES, Plan
from .postgresql import PostgreSQL
from .posts import APPEND, BARE, OVATION, POCKETBASE, Posts
from .profiles import Profiles
from .yardsticks import NGINX, REDIS, Yardsticks

# "As fast as" and "does not grow", with room for chance.
_SAME = 1.1
_NOT_GROWN = 1.2


@dataclass(frozen=True)
class Target:
    number: int
    what: str
    limit: float
    unit: str
    measured: Spread
    # Whether the limit is the least or the most there may be.
    is_least: bool
    digits: int = 0
    # Why there is no figure.
    missing: str = "not measured"

    @property
    def aim(self) -> str:
        return f"{'≥' if self.is_least else '≤'} {self.limit:,.{self.digits}f}{self.unit}"

    @property
    def figure(self) -> str:
        return self.measured.text(self.digits) + self.unit if self.measured else "–"

    @property
    def is_met(self) -> bool:
        median = self.measured.median
        return median >= self.limit if self.is_least else median <= self.limit

    @property
    def verdict(self) -> str:
        """By the median."""
        if not self.measured:
            return self.missing
        if self.is_met:
            return "met"
        distance = abs(self.measured.median - self.limit) / self.limit
        return f"**missed by {distance:.0%}**" if distance >= 0.005 else "**missed by less than 1%**"


def at_least(
    number: int, what: str, limit: float, measured: Spread, unit: str = "", digits: int = 0, **options: str
) -> Target:
    return Target(number, what, limit, unit, measured, True, digits, **options)


def at_most(
    number: int, what: str, limit: float, measured: Spread, unit: str = "", digits: int = 0, **options: str
) -> Target:
    return Target(number, what, limit, unit, measured, False, digits, **options)


def all_targets(plan: Plan, posts: Posts, filled: Filled, micro: Micro | None) -> list[Target]:
    targets = [*_of_posts(posts), *_of_steps(micro), *_of_filled(plan, filled), *_of_lone_posts(posts)]
    targets += [*_of_disk(filled), *_of_memory(plan, posts, filled), *_of_starts(filled), *_of_bulk(filled)]
    if [target.number for target in targets] != sorted(target.number for target in targets):
        raise Failure("the targets are out of order")
    return targets


def _of_posts(posts: Posts) -> list[Target]:
    singles, hundreds = posts.of(OVATION, SINGLES), posts.of(OVATION, HUNDREDS)
    bare, append = posts.of(BARE, SINGLES), posts.of(APPEND, HUNDREDS)
    pocket, pockets = posts.of(POCKETBASE, SINGLES), posts.of(POCKETBASE, HUNDREDS)
    one, many = "single events, 32 connections", "100 events a post, 32 connections"
    return [
        at_least(1, f"{one}: of the bare server's rate", 0.7, singles.rate.divided_by(bare.rate), digits=2),
        at_most(1, f"{one}: p99", 10, singles.p99, " ms", 1),
        at_least(1, f"{one}: times PocketBase, which does not sync", 12, singles.rate.divided_by(pocket.rate), "×", 1),
        at_least(2, many, 250_000, hundreds.rate.times(HUNDREDS.items), " events/s"),
        at_least(2, f"{many}: of the append-only table", 0.35, hundreds.rate.divided_by(append.rate), digits=2),
        at_least(
            2, f"{many}: times PocketBase, which does not sync", 60, hundreds.rate.divided_by(pockets.rate), "×", 1
        ),
    ]


def _of_steps(micro: Micro | None) -> list[Target]:
    nothing = Spread()
    decode = micro.decode_and_validate if micro else nothing
    ratio = Spread()
    if micro and micro.decode_and_validate and micro.foundation:
        ratio = Spread([micro.decode_and_validate.median / micro.foundation.median])
    token, overhead = (micro.token, micro.overhead) if micro else (nothing, nothing)
    missing = "not measured (`make bench ARGS=micro`)"
    return [
        at_least(3, "decode and validate, one core", 2_500_000, decode, " events/s", missing=missing),
        at_least(3, "decode and validate: times Foundation's JSONDecoder", 30, ratio, "×", 1, missing=missing),
        at_most(4, "token check when cached", 1, token, " µs", 2, missing=missing),
        at_most(4, "the rest of a request outside parse and store", 10, overhead, " µs", 2, missing=missing),
    ]


def _of_filled(plan: Plan, filled: Filled) -> list[Target]:
    with_stored = f"{plan.stored / 1e6:g} million events stored"
    growth = filled.filled_posts.rate.divided_by(filled.empty_posts.rate)
    large = filled.large_pages.median.divided_by(filled.small_pages.median)
    return [
        at_least(5, f"single events with {with_stored}: of the rate on an empty store", 0.6, growth, digits=2),
        at_least(6, f"newest 50 of a random profile, {with_stored}", 12_000, filled.pages.rate, " requests/s"),
        at_most(6, f"newest 50 of a random profile, {with_stored}: p99", 8, filled.pages.p99, " ms", 1),
        at_most(
            6, f"first page of a profile with {plan.large:,} events: of the time for one with fifty", _SAME, large,
            digits=2,
        ),
    ]  # fmt: skip


def _of_lone_posts(posts: Posts) -> list[Target]:
    ours, bare = posts.of(OVATION, LONE).median, posts.of(BARE, LONE).median
    ratio = Spread()
    if ours and bare:
        floor = [one + two for one, two in zip(bare.values, posts.sync_append.values, strict=True)]
        ratio = ours.divided_by(Spread(floor))
    return [at_most(7, "one connection, one event: of one sync and the bare server's latency", 1.3, ratio, digits=2)]


def _of_disk(filled: Filled) -> list[Target]:
    size = Spread([filled.file_bytes / filled.events]) if filled.events else Spread()
    return [at_most(8, "file for each stored event, all included", 1.1 * len(DATA_JSON) + 60, size, " bytes", 1)]


def _of_memory(plan: Plan, posts: Posts, filled: Filled) -> list[Target]:
    with_stored = f"{plan.stored / 1e6:g} million events stored"
    grown = filled.filled_memory.divided_by(filled.empty_memory)
    return [
        at_most(9, "peak memory, single events", 120, posts.memory[SINGLES], " MB"),
        at_most(9, "peak memory, 100 events a post", 120, posts.memory[HUNDREDS], " MB"),
        at_most(9, f"peak memory, single events, {with_stored}", 120, filled.filled_memory, " MB"),
        at_most(9, f"peak memory, pages of 50, {with_stored}", 120, filled.pages_memory, " MB"),
        at_most(9, f"peak memory, {with_stored}: of that with an empty store", _NOT_GROWN, grown, digits=2),
    ]


def _of_starts(filled: Filled) -> list[Target]:
    return [
        at_most(10, "start after a clean stop", 300, filled.clean_starts, " ms"),
        at_most(10, "start after SIGKILL in the middle of posts", 300, filled.crash_starts, " ms"),
    ]


def _of_bulk(filled: Filled) -> list[Target]:
    missing = "not measured: this `ovation` has no such command"
    return [
        at_least(11, "import into an empty store", 150_000, filled.import_empty, " events/s", missing=missing),
        at_least(11, "import into the filled store", 60_000, filled.import_filled, " events/s", missing=missing),
        at_least(11, "export of the filled store", 300_000, filled.export, " events/s", missing=missing),
    ]


def of_postgresql(figures: PostgreSQL) -> list[Target]:
    bulk = figures.imported.divided_by(figures.unnest_alone)
    commits = figures.many.rate.divided_by(figures.single)
    pages = figures.page.median.divided_by(figures.newest)
    hundreds = figures.hundreds.rate.times(HUNDREDS.items)
    singles = f"single events, {MANY.connections} connections, known profiles"
    return [
        at_least(12, "import: of what libpq alone does with unnest(1,000) in 1 session", 0.6, bulk, digits=2),
        at_least(12, "100 events a post: of unnest(1,000) in 4 sessions", 0.6, hundreds.divided_by(figures.unnest), digits=2),
        at_least(13, "100 events a post, 32 connections", 60_000, hundreds, " events/s"),
        at_least(14, singles, 5_000, figures.many.rate, " requests/s"),
        at_least(14, f"{singles}: times one row a commit, 16 sessions", 4, commits, "×", 1),
        at_most(15, "newest 50 of a profile, of the query alone by libpq", 1.5, pages, digits=2),
    ]


def of_profiles(figures: Profiles) -> list[Target]:
    ratio = figures.patches.rate.divided_by(figures.posts.rate)
    consents, lives = figures.consents, figures.lives
    sets = consents.sets.rate.divided_by(consents.posts.rate)
    asks = consents.asks.rate.divided_by(consents.pages.rate)
    merges = lives.large_merges.divided_by(lives.small_merges)
    pages = lives.merged_pages.median.divided_by(lives.single_pages.median)
    waits = lives.disturbed.p99.divided_by(lives.undisturbed.p99)
    large = f"{lives.large:,} events"
    return [
        at_least(16, "three attributes set, 32 connections: of the rate of single-event posts", 0.8, ratio, digits=2),
        at_most(17, "file for each stored value, beside the value", 40, figures.overhead, " bytes", 1),
        at_least(18, "a consent set, 32 connections: of the rate of single-event posts", 0.8, sets, digits=2),
        at_least(18, "may-send, 32 connections: of the rate of a page of the newest event", 0.9, asks, digits=2),
        at_most(19, f"merge of profiles with {large}: of the time for fifty", 1.2, merges, digits=2),
        at_most(19, "newest 50 of a profile merged of five: of the time for one profile", 2, pages, digits=2),
        at_most(20, f"deletion of a profile with {large}: until the 204", 50, lives.deletions, " ms", 1),
        at_most(20, "posts beside that deletion: p99, of that before it", 2, waits, digits=2),
        at_least(
            24, f"export of {figures.exports.profiles:,} profiles with five attributes as NDJSON", 150_000,
            figures.exports.rates["ndjson"], " profiles/s",
        ),
    ]


def of_yardsticks(figures: Yardsticks) -> list[Target]:
    ours = figures.posts[OVATION]

    def part(name: str) -> Spread:
        return ours.rate.divided_by(figures.posts[name].rate)

    one = "single events, 32 connections"
    return [
        at_least(21, f"{one}: of the bare server's rate", 0.8, part(BARE), digits=2),
        at_least(21, f"{one}: of nginx's bare 204", 0.35, part(NGINX), digits=2),
        at_least(21, f"{one}: of Redis' XADD with a sync before each answer", 0.95, part(REDIS), digits=2),
        at_most(21, f"{one}: processor time of a post", 40, ours.processor, " µs"),
        at_most(22, "posts at half of the peak rate: p99.9", 6, figures.steady(0.999), " ms", 1),
    ]


def of_imports(figures: Imports) -> list[Target]:
    share = figures.meanwhile.rate.divided_by(figures.alone.rate)
    return [
        at_least(23, "import of people, five attributes and a consent each", 40_000, figures.new, " rows/s"),
        at_least(23, "posts beside an import: of their rate without one", 0.6, share, digits=2),
        at_most(23, "memory of an import, beside that before it", 40, figures.memory, " MB", 1),
    ]

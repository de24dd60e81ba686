"""Single events beside what else answers after a sync, and beside the fastest answer that HTTP has; and a fixed rate."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field

from . import debian, ovation
from .debian import Etcd, InfluxDB, Nginx, Redis
from .figures import Load, Loads, Spread, table
from .others import Bare
from .ovation import DATA, POST_PATH, VERSION_ID, Ovation
from .place import folder, remove, say
from .plan import SINGLES, Plan, Shape
from .server import Server

OVATION = "Ovation"
BARE = "bare server"
NGINX = "nginx"
REDIS = "Redis"
INFLUXDB = "InfluxDB"
ETCD = "etcd"
# Packages of Debian that have the programs, as Scripts/setup unpacks them.
PROGRAMS = ("nginx", "redis-server", "influxd", "etcd", "h2load", "strace")

# Of the profiles whose newest events are read, and of each of them.
_READ_PROFILES = 1000
_READ_EVENTS = 50


@dataclass
class Yardsticks:
    posts: dict[str, Loads] = field(default_factory=lambda: defaultdict(Loads))
    # The newest fifty of a profile.
    pages: dict[str, Loads] = field(default_factory=lambda: defaultdict(Loads))
    # Syncs a second while strace watched; nothing where it may not.
    syncs: dict[str, Spread] = field(default_factory=lambda: defaultdict(Spread))
    # Posts a second of the fixed rate, for how long, and the times of all of them in milliseconds.
    steady_rate: float = 0
    steady_seconds: int = 0
    steady_times: list[float] = field(default_factory=list)

    def steady(self, part: float) -> Spread:
        """The time within which a part of the posts of the fixed rate were answered."""
        if not self.steady_times:
            return Spread()
        return Spread([self.steady_times[min(int(len(self.steady_times) * part), len(self.steady_times) - 1)]])


def missing() -> str | None:
    """None: everything is there."""
    absent = [name for name in PROGRAMS if debian.program(name) is None]
    return f"{', '.join(absent)} were not unpacked" if absent else None


def measure(plan: Plan) -> Yardsticks:
    figures = Yardsticks()
    for number in range(plan.rounds):
        say(f"yardsticks, round {number + 1} of {plan.rounds}")
        _round(plan, number, figures)
    _steady(plan, figures)
    return figures


def _round(plan: Plan, number: int, figures: Yardsticks) -> None:
    homes = {name: folder(f"yardstick-{name.split()[0]}") for name in (OVATION, BARE, NGINX, REDIS, INFLUXDB, ETCD)}
    with ExitStack() as stack:
        ours = stack.enter_context(Ovation(homes[OVATION]))
        bare = stack.enter_context(Bare(homes[BARE]))
        nginx = stack.enter_context(Nginx(homes[NGINX]))
        redis = stack.enter_context(Redis(homes[REDIS]))
        influxdb = stack.enter_context(InfluxDB(homes[INFLUXDB]))
        etcd = stack.enter_context(Etcd(homes[ETCD]))
        seconds, profiles, many = plan.seconds, plan.profiles, SINGLES.connections

        def post(seconds: int) -> Load:
            return ours.post_events(SINGLES, seconds=seconds, seed=number + 1, profiles=profiles)

        writes: dict[str, tuple[Server, Callable[[int], Load]]] = {
            OVATION: (ours, post),
            BARE: (bare, lambda s: bare.post_events(SINGLES, seconds=s, seed=number + 1, profiles=profiles)),
            NGINX: (nginx, lambda s: nginx.post(SINGLES, POST_PATH, seconds=s, seed=number + 1, profiles=profiles)),
            REDIS: (redis, lambda s: redis.add(many, seconds=s, profiles=profiles)),
            INFLUXDB: (influxdb, lambda s: influxdb.add(many, seconds=s, seed=number + 1, profiles=profiles)),
            ETCD: (etcd, lambda s: etcd.add(many, seconds=s, seed=number + 1, profiles=profiles)),
        }
        names = list(writes)
        first = number % len(names)
        for name in names[first:] + names[:first]:
            figures.posts[name].add(writes[name][1](seconds))
        say("  posts: " + ", ".join(f"{name} {figures.posts[name].all[-1].rate:,.0f}/s" for name in names))
        _read(plan, number, ours, redis, figures)
        if number == 0:
            for name in (OVATION, REDIS, INFLUXDB, ETCD):
                server, write = writes[name]
                count = debian.syncs(server.pid, lambda write=write: write(3))
                if count is not None:
                    figures.syncs[name].add(count)
    for home in homes.values():
        remove(home)


def _read(plan: Plan, number: int, ours: Ovation, redis: Redis, figures: Yardsticks) -> None:
    """Of profiles that have as many events as are read, each in both."""
    item = {"event_time": "2025-04-01T09:43:34.471Z", "version_id": VERSION_ID, "data": DATA}
    for profile in range(1, _READ_PROFILES + 1):
        ours.send("POST", ovation.events_path(f"p{profile}"), {"items": [item] * _READ_EVENTS})
    redis.fill(_READ_PROFILES, _READ_EVENTS)
    many, seconds = SINGLES.connections, plan.seconds

    def ours_read() -> None:
        figures.pages[OVATION].add(
            ours.read_events(connections=many, seconds=seconds, seed=number + 1, profiles=_READ_PROFILES)
        )

    def redis_reads() -> None:
        figures.pages[REDIS].add(redis.newest(many, seconds=seconds, profiles=_READ_PROFILES, count=_READ_EVENTS))

    for turn in (ours_read, redis_reads) if number % 2 == 0 else (redis_reads, ours_read):
        turn()
    say("  newest 50: " + ", ".join(f"{name} {loads.all[-1].rate:,.0f}/s" for name, loads in figures.pages.items()))


def _steady(plan: Plan, figures: Yardsticks) -> None:
    """At half of what was the most that came through."""
    figures.steady_rate = figures.posts[OVATION].rate.median / 2
    figures.steady_seconds = plan.steady_seconds
    say(f"{figures.steady_rate:,.0f} posts a second for {figures.steady_seconds} s")
    home = folder("yardstick-steady")
    item = {"event_time": "2025-04-01T09:43:34.471Z", "version_id": VERSION_ID, "data": DATA}
    with Ovation(home) as server:
        urls = [server.url + ovation.events_path(f"p{number}") for number in range(20_000)]
        before = server.count()
        figures.steady_times = debian.steady(
            server, urls, {"authorization": f"Bearer {server.bearer}", "content-type": "application/json"},
            json.dumps({"items": [item]}, separators=(",", ":")).encode(), rate=figures.steady_rate,
            seconds=plan.steady_seconds,
        )  # fmt: skip
        load = Load(
            requests=len(figures.steady_times), seconds=plan.steady_seconds, median=0, p99=0, p999=0, worst=0,
        )  # fmt: skip
        ovation.check(load, Shape(32, 1), before, server.count())
    remove(home)


_LEFT_OUT = {
    NGINX: "reads nothing of the body, and stores nothing",
    BARE: "stores nothing",
    REDIS: "no HTTP, no rights, no check of the data; all data has to fit into memory",
    INFLUXDB: "no rights, no check but of types; two events of a profile at one time become one",
    ETCD: "no rights, no check of the data; made for a few gigabytes",
}


def report(figures: Yardsticks) -> str:
    rows = []
    for name, loads in figures.posts.items():
        syncs = figures.syncs[name]
        rows.append(
            [name, loads.rate.text(), figures.posts[OVATION].rate.divided_by(loads.rate).text(2), loads.median.text(2),
             loads.p99.text(1), loads.processor.text(), syncs.text() if syncs else "–", _LEFT_OUT.get(name, "")]
        )  # fmt: skip
    text = table(
        ["32 connections", "a second", "Ovation's, of that", "median ms", "p99 ms", "CPU µs", "syncs/s under strace",
         "what it leaves out"], rows
    )  # fmt: skip
    text += "\n" + table(
        ["newest 50 of one of 1,000 profiles", "a second", "median ms", "p99 ms", "CPU µs"],
        [
            [name, loads.rate.text(), loads.median.text(2), loads.p99.text(1), loads.processor.text()]
            for name, loads in figures.pages.items()
        ],
    )
    times = [figures.steady(part).text(1) for part in (0.5, 0.99, 0.999, 1)]
    text += (
        f"\nAt a fixed rate of {figures.steady_rate:,.0f} posts a second for {figures.steady_seconds} s, half of the posts "
        f"were answered within {times[0]} ms, 99 % within {times[1]} ms, 99.9 % within {times[2]} ms, and the slowest "
        f"within {times[3]} ms.\n"
    )
    return text

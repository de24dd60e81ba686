"""How much is measured: a quick look, or a run that is worth writing down."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Shape:
    """What one load does: so many connections, each post with so many events."""

    connections: int
    items: int

    def __str__(self) -> str:
        events = "1 event" if self.items == 1 else f"{self.items} events"
        connections = "1 connection" if self.connections == 1 else f"{self.connections} connections"
        return f"{connections}, {events} a post"


LONE = Shape(1, 1)
SINGLES = Shape(32, 1)
MANY = Shape(256, 1)
HUNDREDS = Shape(32, 100)
SHAPES = (LONE, SINGLES, MANY, HUNDREDS)


@dataclass(frozen=True)
class Plan:
    name: str
    rounds: int
    # Of each load.
    seconds: int
    # Rounds and seconds with the filled store.
    filled_rounds: int
    filled_seconds: int
    # Events of the filled store, those of the large profile not counted.
    stored: int
    # Profiles that the filled store's events are spread over.
    stored_profiles: int
    # Events of the large profile.
    large: int
    # Events of one bulk import that is timed.
    bulk: int
    # Events that PostgreSQL is filled with, the profiles they are of, and events of each import that is timed.
    database_events: int
    database_profiles: int
    database_import: int
    # Starts of each kind that are timed.
    starts: int
    long_seconds: int = 600
    # Profiles that posts go to on stores that begin empty.
    profiles: int = 1_000_000
    # Profiles with attributes.
    attribute_profiles: int = 1_000_000
    # Profiles that are exported.
    exported_profiles: int = 200_000

    @property
    def is_quick(self) -> bool:
        return self.name == "quick"

    @property
    def load_seconds(self) -> float:
        """About how long one load takes with what comes before and after it."""
        return self.seconds + 0.5

    def estimated_seconds(self) -> float:
        """Rough, and rather too long: fast machines are done earlier."""
        loads = len(SHAPES) * 2 + 4 + 2 + 2
        rounds = self.rounds * (loads * self.load_seconds + 2)
        fill = (self.stored + self.large) / 70_000
        filled = self.filled_rounds * 5 * (self.filled_seconds + 0.5)
        starts = self.starts * 3
        bulk = self.bulk / 60_000 * 2 + (self.stored + self.large) / 150_000
        database = self.database_events / 40_000 + self.rounds * (7 * self.load_seconds + self.database_import / 40_000)
        return rounds + fill + filled + starts + bulk + database


QUICK = Plan(
    name="quick", rounds=2, seconds=2, filled_rounds=1, filled_seconds=1, stored=1_000_000, stored_profiles=50_000,
    large=50_000, bulk=200_000, database_events=200_000, database_profiles=3_000, database_import=50_000, starts=1,
    attribute_profiles=50_000,
)  # fmt: skip
FULL = Plan(
    name="full", rounds=5, seconds=5, filled_rounds=5, filled_seconds=5, stored=20_000_000,
    stored_profiles=1_000_000, large=1_000_000, bulk=2_000_000, database_events=2_000_000, database_profiles=30_000,
    database_import=200_000, starts=5,
)  # fmt: skip


def plan(name: str) -> Plan:
    """The plan of a name, with what the environment changes: ROUNDS, SECONDS_EACH, STORED_EVENTS, LONG_SECONDS."""
    chosen = QUICK if name == "quick" else FULL
    rounds = int(os.environ.get("ROUNDS", chosen.rounds))
    seconds = int(os.environ.get("SECONDS_EACH", chosen.seconds))
    stored = int(os.environ.get("STORED_EVENTS", chosen.stored))
    return replace(
        chosen, rounds=rounds, filled_rounds=min(rounds, chosen.filled_rounds), seconds=seconds,
        filled_seconds=min(seconds, chosen.filled_seconds), stored=stored,
        stored_profiles=max(1, stored // (chosen.stored // chosen.stored_profiles)),
        large=max(1, stored // (chosen.stored // chosen.large)),
        long_seconds=int(os.environ.get("LONG_SECONDS", chosen.long_seconds)),
    )  # fmt: skip

"""Figures and how they are printed: the median, and in brackets the lowest and the highest."""

from __future__ import annotations

import statistics
import textwrap
from dataclasses import dataclass, field


@dataclass
class Spread:
    """The same thing measured several times."""

    values: list[float] = field(default_factory=list)

    def add(self, value: float) -> None:
        self.values.append(value)

    def __bool__(self) -> bool:
        return bool(self.values)

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    def text(self, digits: int = 0) -> str:
        if not self.values:
            return "–"
        if len(self.values) == 1:
            return f"{self.values[0]:,.{digits}f}"
        return f"{self.median:,.{digits}f} ({min(self.values):,.{digits}f}–{max(self.values):,.{digits}f})"

    def divided_by(self, other: Spread) -> Spread:
        """Round by round: both were measured within seconds of each other."""
        if len(self.values) != len(other.values):
            return Spread()
        return Spread([one / two for one, two in zip(self.values, other.values, strict=True) if two])

    def times(self, factor: float) -> Spread:
        return Spread([value * factor for value in self.values])


@dataclass(frozen=True)
class Load:
    """What a load generator saw. Latencies are milliseconds."""

    requests: int
    seconds: float
    median: float
    p99: float
    p999: float
    worst: float
    # Microseconds of processor time of the server for each request; 0 if not measured.
    processor: float = 0
    # Some of the profiles that were posted to.
    profiles: tuple[int, ...] = ()

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


@dataclass
class Loads:
    """The same load, round by round."""

    all: list[Load] = field(default_factory=list)

    def add(self, load: Load) -> None:
        self.all.append(load)

    def __bool__(self) -> bool:
        return bool(self.all)

    @property
    def rate(self) -> Spread:
        return Spread([load.rate for load in self.all])

    @property
    def median(self) -> Spread:
        return Spread([load.median for load in self.all])

    @property
    def p99(self) -> Spread:
        return Spread([load.p99 for load in self.all])

    @property
    def processor(self) -> Spread:
        return Spread([load.processor for load in self.all])


def wrapped(text: str) -> str:
    """Markdown with lines as long as this project's, tables and headings left as they are."""
    return "\n".join(
        line
        if line.startswith(("|", "#"))
        else textwrap.fill(line, 120, break_long_words=False, break_on_hyphens=False)
        for line in text.splitlines()
    )


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"

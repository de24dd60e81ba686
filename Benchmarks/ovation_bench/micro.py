"""Figures of single steps, which another program measures and leaves in a file: `make bench ARGS=micro`."""

from __future__ import annotations

import datetime
import json
from dataclasses import dataclass
from pathlib import Path

from .figures import Spread
from .place import OUTPUT

FILE = OUTPUT / "micro.json"


@dataclass(frozen=True)
class Micro:
    """Each figure is a number, or a list of them where it was measured several times."""

    # Events a second on one core: decoded and checked by ours, and decoded by Foundation's JSONDecoder.
    decode_and_validate: Spread
    foundation: Spread
    # Microseconds for each request.
    token: Spread
    overhead: Spread
    date: str


def read(path: Path = FILE) -> Micro | None:
    """None: not measured."""
    if not path.exists():
        return None
    figures = json.loads(path.read_text())

    def spread(name: str, factor: float = 1) -> Spread:
        value = figures.get(name)
        if value is None:
            return Spread()
        return Spread([float(number) * factor for number in (value if isinstance(value, list) else [value])])

    return Micro(
        decode_and_validate=spread("decode_validate_per_s"), foundation=spread("foundation_per_s"),
        token=spread("token_ns", 1e-3), overhead=spread("overhead_ns", 1e-3),
        date=datetime.date.fromtimestamp(path.stat().st_mtime).isoformat(),
    )  # fmt: skip

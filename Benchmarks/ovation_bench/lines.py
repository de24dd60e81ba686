"""Events as lines of NDJSON, in the order of their time, as an import takes them."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

from .ovation import DATA_JSON, KEYSPACE, VERSION_ID
from .plan import Plan

# The profiles besides the many: one that has more events than fit any cache, and one to hold it against.
LARGE_PROFILE = "large"
SMALL_PROFILE = "small"
SMALL_EVENTS = 50
_FIRST = datetime(2025, 1, 1, tzinfo=timezone.utc)
_YEAR = timedelta(days=365)
_HEAD = f'{{"keyspace":"{KEYSPACE}","profile_key":"'
_TAIL = f'Z","version_id":{VERSION_ID},"data":{DATA_JSON}}}\n'


def line(profile: str, time: str) -> str:
    return f'{_HEAD}{profile}@example.com","event_time":"{time}{_TAIL}'


def times(count: int, first: float, last: float) -> Iterator[str]:
    """So many moments of 2025, evenly spread between two parts of the year, without the Z."""
    step = 1000  # events share their minute; the year goes on between groups
    for start in range(0, count, step):
        share = first + (last - first) * start / count
        minute = (_FIRST + _YEAR * share).strftime("%Y-%m-%dT%H:%M:")
        for index in range(min(step, count - start)):
            yield f"{minute}{index * 59 // step:02}.{index % 1000:03}"


def write_part(path: Path, plan: Plan, part: int, parts: int) -> int:
    """One part of the filled store's events: profiles at random, and the large one in between all the time.

    Returns how many there are.
    """
    dice = random.Random(part)
    stored = plan.stored * (part + 1) // parts - plan.stored * part // parts
    large = plan.large * (part + 1) // parts - plan.large * part // parts
    small = SMALL_EVENTS * (part + 1) // parts - SMALL_EVENTS * part // parts
    count = stored + large + small
    profiles = dice.choices(range(1, plan.stored_profiles + 1), k=stored)
    names = [f"p{number}" for number in profiles] + [LARGE_PROFILE] * large + [SMALL_PROFILE] * small
    dice.shuffle(names)
    with path.open("w") as file:
        moments = times(count, part / parts, (part + 1) / parts)
        file.writelines(line(name, time) for name, time in zip(names, moments, strict=True))
    return count


def write_random(path: Path, count: int, profiles: int, seed: int) -> None:
    """Events of the last days of the year, of random profiles."""
    dice = random.Random(seed)
    with path.open("w") as file:
        for time in times(count, 0.98, 1):
            file.write(line(f"p{dice.randint(1, profiles)}", time))

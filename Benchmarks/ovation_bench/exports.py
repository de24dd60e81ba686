"""All profiles out: `ovation profiles export` of profiles with five attributes each."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

from . import ovation
from .figures import Spread, table
from .ovation import SECTION, Ovation
from .place import Failure, folder, remove, required_binary, say
from .plan import Plan

_FORMATS = ("ndjson", "csv")


@dataclass
class Exports:
    profiles: int
    # Profiles a second, from the command's start to its end, by format.
    rates: dict[str, Spread] = field(default_factory=lambda: {name: Spread() for name in _FORMATS})
    # Bytes of a line of JSON.
    line_bytes: float = 0


def measure(plan: Plan) -> Exports:
    figures = Exports(plan.exported_profiles)
    home = folder("exports")
    say(f"importing {figures.profiles:,} profiles with five attributes, and exporting them")
    with Ovation(home) as server:
        _import(server, figures.profiles, home / "people.csv")
    # What is in memory after an import is what a server has after a start too.
    with Ovation(home) as server:
        for _ in range(max(plan.rounds, 3)):
            for name in _FORMATS:
                lines, size, seconds = _export(server, name)
                if lines != figures.profiles + (name == "csv"):
                    raise Failure(f"{lines} lines were exported, and there are {figures.profiles} profiles")
                figures.rates[name].add(figures.profiles / seconds)
                if name == "ndjson":
                    figures.line_bytes = size / lines
    remove(home)
    return figures


def _run(server: Ovation, *arguments: str) -> list[str]:
    return [str(required_binary("ovation")), "profiles", *arguments, "--url", server.url, "--section", SECTION, "--quiet"]


def _environment() -> dict[str, str]:
    return dict(os.environ, **ovation.ENVIRONMENT)


def _import(server: Ovation, count: int, path: Path) -> None:
    with path.open("w") as file:
        file.write("mail,first,last,birth,mobile,crm\n")
        for number in range(count):
            file.write(
                f"p{number}@example.com,First {number},Last name {number},1980-01-{number % 28 + 1:02},"
                f"4670{number:07},C-{number:08}\n"
            )
    columns = ["mail=key", "first=firstname", "last=lastname", "birth=birthdate", "mobile=mobile", "crm=crmid"]
    command = _run(server, "import", str(path), *(word for column in columns for word in ("--map", column)))
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"the profiles could not be imported:\n{done.stdout}{done.stderr}"[:4000])
    path.unlink()


def _export(server: Ovation, name: str) -> tuple[int, int, float]:
    """Into a program that counts. Lines, bytes and seconds."""
    start = time.perf_counter()
    with subprocess.Popen(_run(server, "export", "--format", name), env=_environment(), stdout=subprocess.PIPE) as exporting:
        counted = subprocess.run(["wc", "-lc"], stdin=exporting.stdout, capture_output=True, text=True)
        code = exporting.wait()
    seconds = time.perf_counter() - start
    if code != 0:
        raise Failure("the export of profiles failed")
    lines, size = counted.stdout.split()
    return int(lines), int(size), seconds


def report(figures: Exports) -> str:
    rows = [[f"export as {name}", rate.text()] for name, rate in figures.rates.items()]
    return (
        table([f"{figures.profiles:,} profiles with five attributes", "profiles/s"], rows)
        + f"\nA line of JSON has {figures.line_bytes:.0f} bytes.\n"
    )

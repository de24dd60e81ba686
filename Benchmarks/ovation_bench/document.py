"""Puts what was measured into docs/performance.md, between its markers, and leaves all other text alone."""

from __future__ import annotations

from pathlib import Path

from .place import DOCUMENT, Failure


def markers(name: str) -> tuple[str, str]:
    return f"<!-- {name}: written by make bench from here -->", f"<!-- {name}: to here -->"


def replace(name: str, text: str, path: Path = DOCUMENT) -> None:
    begin, end = markers(name)
    whole = path.read_text()
    if whole.count(begin) != 1 or whole.count(end) != 1 or whole.index(begin) > whole.index(end):
        raise Failure(f"{path} has lost its markers; it needs the lines\n{begin}\n{end}")
    before, _, rest = whole.partition(begin)
    _, _, after = rest.partition(end)
    path.write_text(f"{before}{begin}\n\n{text.strip()}\n\n{end}{after}")

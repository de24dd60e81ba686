"""The console's table of contents, as ConsoleRoutes.swift has it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ovation import ROOT

ROUTES_FILE = ROOT / "Sources/OvationServer/Console/ConsoleRoutes.swift"


@dataclass(frozen=True)
class Route:
    #: `open` to anybody, or a `page` for those who are signed in.
    kind: str
    method: str
    path: str
    #: Whether a form is answered with a question first.
    asks: bool = False

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def read_routes() -> list[Route]:
    """Paths are texts, names of texts, and sums of both."""
    names: dict[str, str] = {}

    def value(expression: str) -> str:
        parts = [part.strip() for part in expression.split("+")]
        return "".join(part[1:-1] if part.startswith('"') else names[part] for part in parts)

    routes: list[Route] = []
    text = ROUTES_FILE.read_text()
    for found in re.finditer(r"^\s*let (\w+) = ([\w\s+\"/{}.-]+)$", text, re.MULTILINE):
        names[found[1]] = value(found[2])
    entry = r"^\s*(?:(open|page)\(\.(\w+), (.+), [\w.]+\)|act\(\s*(.+), [\w.]+,\s*(asks|asksNothing): .+\)),$"
    for found in re.finditer(entry, text, re.MULTILINE):
        kind, method, path, acting, asking = found.groups()
        routes.append(
            Route("page", "POST", value(acting), asks=asking == "asks")
            if acting
            else Route(kind, method.upper(), value(path))
        )
    assert len(routes) == len(re.findall(r"^\s*(?:open|page|act)\(", text, re.MULTILINE)), "a route was not understood"
    assert all(route.path.startswith("/console") or route.path in ("/docs", "/favicon.ico") for route in routes)
    return routes


ROUTES = read_routes()
POSTS = [route for route in ROUTES if route.method == "POST"]
PAGES = [route for route in ROUTES if route.method == "GET"]

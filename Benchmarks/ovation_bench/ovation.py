"""Our server: started on a store of its own, asked what it holds, and checked after each load."""

from __future__ import annotations

import json
import random
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from . import wrk
from .figures import Load
from .place import MODEL, Failure, required_binary
from .plan import Shape
from .server import Server

CLIENT_ID = "752cdd05-75e0-4f8a-bd08-62e3df753ff3"
CLIENT_SECRET = "a-secret-for-one-benchmark-run"
KEYSPACE = "com.apsis1.keyspaces.email"
SECTION = "usercreated.sections.my_section-h4h3dpu3qi"
VERSION_ID = 2565266
# Of the article's event, as it is stored.
DATA = {
    "myNumberField": 27183, "myNumberWithDecimalField": 213.21, "myTextField": "some transaction",
    "myTrueFalseField": False, "source": "some web shop",
}  # fmt: skip
DATA_JSON = json.dumps(DATA, separators=(",", ":"))
_PATH = f"/audience/keyspaces/{KEYSPACE}/profiles/%s%%%%40example.com/sections/{SECTION}/events"
POST_PATH = _PATH % "p%d"
ENVIRONMENT = {
    "OVATION_ADMIN_CLIENT_ID": CLIENT_ID, "OVATION_ADMIN_CLIENT_SECRET": CLIENT_SECRET,
    "OVATION_CLIENT_ID": CLIENT_ID, "OVATION_CLIENT_SECRET": CLIENT_SECRET,
}  # fmt: skip


def events_path(profile: str, percent: str = "%") -> str:
    """percent: how a percent sign is written; twice for a script of wrk."""
    return (_PATH % profile).replace("%%", percent)


def post_environment(shape: Shape, profiles: int) -> dict[str, str]:
    return {"PATH_FORMAT": POST_PATH, "ITEMS": str(shape.items), "PROFILES": str(profiles)}


@dataclass(frozen=True)
class Count:
    """Events that the store says it holds, and 204s that the server says it gave to posts."""

    events: int
    accepted_posts: int


class Ovation(Server):
    def __init__(self, folder: Path, *, store: str | None = None) -> None:
        """store: a connection string of PostgreSQL; without one, a file in the folder."""
        self.file = folder / "ovation.sqlite"
        super().__init__(
            [str(required_binary("ovation")), "serve", "--port", "{port}", "--model", str(MODEL), "--store",
             store or f"sqlite:{self.file}"],
            folder, probe="/ready", environment=ENVIRONMENT,
        )  # fmt: skip
        self._bearer = ""

    @property
    def bearer(self) -> str:
        if not self._bearer:
            body = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
            request = urllib.request.Request(self.url + "/oauth/token", json.dumps(body).encode(), method="POST")
            with urllib.request.urlopen(request) as answer:
                self._bearer = str(json.load(answer)["access_token"])
        return self._bearer

    def get(self, path: str) -> bytes:
        request = urllib.request.Request(self.url + path, headers={"authorization": "Bearer " + self.bearer})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return bytes(answer.read())

    def send(
        self, method: str, path: str, body: object = None, *, headers: dict[str, str] | None = None
    ) -> dict[str, str]:
        """A request that has to succeed. The headers of its answer, their names in small letters."""
        request = urllib.request.Request(
            self.url + path, None if body is None else json.dumps(body).encode(), method=method,
            headers={"authorization": "Bearer " + self.bearer, "content-type": "application/json", **(headers or {})},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=60) as answer:
            return {name.lower(): value for name, value in answer.headers.items()}

    def stored_events(self) -> int:
        usage = json.loads(self.get(f"/audience/sections/{SECTION}/usage"))
        return sum(int(item["event_count"]) for item in usage["items"])

    def metric(self, name: str) -> float:
        for line in self.get("/metrics").decode().splitlines():
            if line.startswith(name + " "):
                return float(line.rpartition(" ")[2])
        return 0

    def log_bytes(self) -> int:
        """Of the store's write-ahead log."""
        log = self.file.with_name(self.file.name + "-wal")
        return log.stat().st_size if log.exists() else 0

    def count(self) -> Count:
        """When nothing is on its way any more: wrk ends without waiting for its last answers."""
        newest = Count(-1, -1)
        while True:
            before, newest = newest, self._count_now()
            if before == newest:
                return newest
            time.sleep(0.1)

    def _count_now(self) -> Count:
        accepted = self.metric('ovation_requests_total{endpoint="postEvents",status="204"}')
        return Count(events=self.stored_events(), accepted_posts=int(accepted))

    def post_events(self, shape: Shape, *, seconds: int, seed: int, profiles: int, prefer: str = "") -> Load:
        """A load of posts, and proof that what was acknowledged is there.
        - prefer: a header. With any, the framework answers the post, and not the event loop alone.
        """
        before = self.count()
        load = wrk.run(
            self, "post_events.lua", connections=shape.connections, seconds=seconds, seed=seed,
            environment=dict(self.posting(shape, profiles), **({"PREFER": prefer} if prefer else {})),
        )  # fmt: skip
        check(load, shape, before, self.count())
        self.check_profiles(load, shape.items)
        return load

    def posting(self, shape: Shape, profiles: int) -> dict[str, str]:
        """What the script of posts asks for."""
        return dict(post_environment(shape, profiles), TOKEN=self.bearer)

    def check_profiles(self, load: Load, items: int) -> None:
        """Profiles that were posted to give their events back as they were posted."""
        for number in load.profiles:
            page = json.loads(self.get(events_path(f"p{number}") + "?limit=1000"))
            if len(page["items"]) < items or any(event["data"] != DATA for event in page["items"]):
                raise Failure(f"profile p{number} does not have the events that were posted to it: {page}"[:2000])
        if not load.profiles:
            raise Failure("wrk did not tell which profiles it posted to")

    def read_events(self, *, connections: int, seconds: int, seed: int, profiles: int, profile: str = "") -> Load:
        """First pages of fifty, of random profiles or of one."""
        path = _PATH % "%s" + "?limit=50"
        return self.read(
            path, connections=connections, seconds=seconds, seed=seed, profiles=profiles, profile=profile
        )

    def read(
        self, path: str, *, connections: int, seconds: int, seed: int, profiles: int, profile: str = ""
    ) -> Load:
        """path: with %s for the profile."""
        environment = {"TOKEN": self.bearer, "PATH_FORMAT": path, "PROFILES": str(profiles)}
        if profile:
            environment["PROFILE"] = profile
        return wrk.run(
            self, "get_events.lua", connections=connections, seconds=seconds, seed=seed, environment=environment
        )

    def check_random_profiles(self, profiles: int, count: int = 5) -> None:
        """Whatever is there of some profiles is the article's event."""
        dice = random.Random(count)
        found = 0
        for number in (dice.randint(1, profiles) for _ in range(count)):
            try:
                page = json.loads(self.get(events_path(f"p{number}")))
            except urllib.error.HTTPError as error:
                if error.code != 404:
                    raise
                continue
            found += len(page["items"])
            if any(event["data"] != DATA for event in page["items"]):
                raise Failure(f"profile p{number} has events that were not posted: {page}"[:2000])
        if found == 0:
            raise Failure("no profile of the filled store has an event")


def check(load: Load, shape: Shape, before: Count, after: Count) -> None:
    """All acknowledged events are stored, and nothing else but posts without an awaited answer."""
    stored = after.events - before.events
    accepted = after.accepted_posts - before.accepted_posts
    if stored % shape.items or not 0 <= stored // shape.items - load.requests <= shape.connections:
        raise Failure(f"{shape}: {load.requests} posts were acknowledged, and {stored} events are stored")
    if abs(stored // shape.items - accepted) > shape.connections:
        raise Failure(f"{shape}: the server counts {accepted} posts, and {stored} events are stored")


def version() -> str:
    output = subprocess.run([required_binary("ovation"), "version"], capture_output=True, text=True, check=True)
    return output.stdout.strip()

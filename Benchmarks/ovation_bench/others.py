"""What our server is held against: a bare HTTP server, the store without HTTP, SQLite without a store, PocketBase."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from . import ovation, wrk
from .figures import Load
from .place import Failure, binary, folder, remove, required_binary, say
from .plan import Shape
from .server import Server


class Bare(Server):
    """Reads the same body and answers 204: the ceiling of the HTTP stack."""

    def __init__(self, home: Path) -> None:
        super().__init__([str(required_binary("bare-server")), "{port}"], home, probe="/")

    def post_events(self, shape: Shape, *, seconds: int, seed: int, profiles: int) -> Load:
        return wrk.run(
            self, "post_events.lua", connections=shape.connections, seconds=seconds, seed=seed,
            environment=ovation.post_environment(shape, profiles),
        )  # fmt: skip


def run_raw_store(mode: str, shape: Shape, *, seconds: int, profiles: int) -> Load | None:
    """The ceilings of the store (`store`) and of the disk (`append-only`). None: the program was not built."""
    program = binary("raw-store")
    if program is None:
        return None
    home = folder("raw-store")
    os.sync()
    time.sleep(0.1)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [
        str(program), mode, str(home / "store.sqlite"), str(shape.connections), str(shape.items), str(seconds),
        str(profiles),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    remove(home)
    found = re.search(r"^RESULT (\S+) (\S+) (\S+)$", done.stdout, re.MULTILINE)
    if done.returncode != 0 or not found:
        raise Failure(f"raw-store failed:\n{done.stdout}{done.stderr}")
    rate, median, p99 = (float(text) for text in found.groups())
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    requests = round(rate * seconds)
    return Load(
        requests=requests, seconds=seconds, median=median, p99=p99, p999=0, worst=0,
        processor=used * 1e6 / max(requests, 1),
    )  # fmt: skip


class PocketBase(Server):
    """The records API of PocketBase, open to everybody and without a log of requests, so that it has nothing to do but
    to store."""

    _MAIL = "admin@example.com"
    _PASSWORD = "a-password-for-one-run"

    def __init__(self, home: Path, program: Path) -> None:
        super().__init__(
            [str(program), "serve", "--dir", str(home / "data"), "--http", "127.0.0.1:{port}"], home,
            probe="/api/health",
        )  # fmt: skip

    @staticmethod
    def program() -> Path | None:
        """Beside the Python that runs this, where Scripts/setup puts it, or on the PATH."""
        beside = Path(sys.executable).parent / "pocketbase"
        found = str(beside) if beside.exists() else shutil.which("pocketbase")
        return Path(found) if found else None

    @staticmethod
    def prepare(program: Path, home: Path) -> None:
        """Makes a data folder with the collection, to start each round from a copy of."""
        say("setting PocketBase up")
        subprocess.run(
            [program, "superuser", "upsert", PocketBase._MAIL, PocketBase._PASSWORD, "--dir", home / "data"],
            check=True, capture_output=True,
        )  # fmt: skip
        with PocketBase(home, program) as server:
            server._define()

    def _define(self) -> None:
        identity = {"identity": self._MAIL, "password": self._PASSWORD}
        answer = self._call("POST", "/api/collections/_superusers/auth-with-password", identity)
        token = str(answer["token"])
        settings = {
            "batch": {"enabled": True, "maxRequests": 1000, "timeout": 60},
            "rateLimits": {"enabled": False},
            "logs": {"maxDays": 0},
        }
        self._call("PATCH", "/api/settings", settings, token)
        fields: list[dict[str, object]] = [
            {"name": "profile", "type": "text", "required": True},
            {"name": "section", "type": "text", "required": True},
            {"name": "event_time", "type": "date", "required": True},
            {"name": "version", "type": "number", "required": True, "onlyInt": True},
            {"name": "myNumberField", "type": "number", "onlyInt": True},
            {"name": "myNumberWithDecimalField", "type": "number"},
            {"name": "myTextField", "type": "text"},
            {"name": "myTrueFalseField", "type": "bool"},
            {"name": "source", "type": "text"},
        ]
        collection = {
            "name": "events", "type": "base", "createRule": "", "listRule": "", "fields": fields,
            "indexes": ["CREATE INDEX events_of_profile ON events (profile, event_time)"],
        }  # fmt: skip
        self._call("POST", "/api/collections", collection, token)

    def post_records(self, shape: Shape, *, seconds: int, seed: int, profiles: int) -> Load:
        before = self.stored_records()
        load = wrk.run(
            self, "post_records.lua", connections=shape.connections, seconds=seconds, seed=seed,
            environment={"ITEMS": str(shape.items), "PROFILES": str(profiles)},
        )  # fmt: skip
        stored = self.stored_records() - before
        if not 0 <= stored - load.requests * shape.items <= shape.connections * shape.items:
            raise Failure(f"PocketBase acknowledged {load.requests} posts and has {stored} more records")
        return load

    def stored_records(self) -> int:
        return int(self._call("GET", "/api/collections/events/records?perPage=1")["totalItems"])

    def _call(self, method: str, path: str, body: object = None, token: str = "") -> dict[str, Any]:
        request = urllib.request.Request(
            self.url + path, None if body is None else json.dumps(body).encode(), method=method,
            headers={"content-type": "application/json", "authorization": token},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=60) as answer:
            result: dict[str, Any] = json.load(answer)
            return result


def pocketbase_facts(program: Path) -> str:
    """Its version, and what it asks of SQLite, as its binary says."""
    output = subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(rb"_pragma=synchronous\((\w+)\)", program.read_bytes())
    setting = f"synchronous={found.group(1).decode()}" if found else "an unknown setting of synchronous"
    sync = "no sync for each commit" if found and found.group(1) == b"NORMAL" else "see SQLite on what that syncs"
    return f"PocketBase {output.split()[-1]} (it opens SQLite in WAL mode with {setting}: {sync})"

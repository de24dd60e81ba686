"""Imports on a server that is killed at any moment, and on a disk that is full: each row of the file is there afterwards as the
file says, and each refused row is in the report once.

OVATION_CRASH_ROUNDS and OVATION_CRASH_SEED set how often a server is killed, and repeat a run's choices.
"""

from __future__ import annotations

import csv
import io
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from conftest import Note, StartServer
from ovation import DEFAULT_SECTION, EMAIL, REQUEST_SECONDS, Client, Json, Server, wait_until
from postgres import Postgres
from test_imports import PATH, STATUSES, begin, first_name, mapping, result

KILLS = int(os.environ.get("OVATION_CRASH_ROUNDS") or 4)
SEED = int(os.environ.get("OVATION_CRASH_SEED") or random.randrange(1 << 32))
ROWS = 6000
# A file that needs several times the room of one batch, and bytes between the two.
MANY_ROWS = 40_000
ROOM = 2 * 1024 * 1024


def file_of(dice: random.Random, name: str, count: int = ROWS) -> tuple[bytes, list[int]]:
    """A file, and which of its rows are refused."""
    bad = sorted(dice.sample(range(count), 20))
    rows = [f"nobody{number},x" if number in bad else f"p{number}@b.se,{name}" for number in range(count)]
    return ("email,first_name\n" + "\n".join(rows)).encode(), bad


def check(client: Client, job: str, bad: list[int], name: str, note: Note, count: int = ROWS) -> None:
    found = result(client, job)
    assert found["status"] == "completed", found
    # What is noted of a row is noted with its place: none is counted twice.
    assert found["new"] + found["updated"] + found["not_changed"] == count - len(bad), found
    assert found["failed"] == len(bad), found
    report = client.get(f"/audience/sections/{DEFAULT_SECTION}/imports/{job}/report").text
    rows = list(csv.DictReader(io.StringIO(report)))
    assert [row["email"] for row in rows] == [f"nobody{number}" for number in bad]
    assert [int(row["import_line"]) for row in rows] == [number + 2 for number in bad]
    good = [number for number in range(0, count, count // ROWS) if number not in set(bad)]
    with ThreadPoolExecutor(8) as readers:
        names = list(readers.map(lambda number: first_name(client, f"p{number}@b.se"), good))
    assert [(number, found) for number, found in zip(good, names, strict=True) if found != name] == []
    note(f"{found['new']} new, {found['updated']} updated, {found['not_changed']} not changed")


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_an_import_outlives_kills_at_any_moment(
    engine: str, start_server: StartServer, request: pytest.FixtureRequest, tmp_path: Path, note: Note
) -> None:
    options: dict[str, Json] = {}
    if engine == "postgres":
        database: Postgres = request.getfixturevalue("postgres")
        database.query("CREATE DATABASE import_drill")
        options = {"store_name": database.target("import_drill"), "options": ["--files", str(tmp_path / "files")]}
    server: Server = start_server(**options)
    dice = random.Random(SEED)
    note(f"seed {SEED}")
    kills, imports = 0, 0
    while kills < KILLS:
        imports += 1
        name = f"import{imports}"
        text, bad = file_of(dice, name)
        job = begin(server.client(), text)
        while kills < KILLS:
            time.sleep(dice.uniform(0.0, 1.2))
            # A kill of an import that has ended proves nothing.
            if result(server.client(), job)["status"] in STATUSES:
                break
            server.kill()
            kills += 1
            server.start()
        client = server.client()
        assert wait_until(lambda: result(client, job)["status"] in STATUSES, 120, 0.2)
        check(client, job, bad, name, note)
    note(f"{kills} kills, {imports} imports")


def test_an_import_waits_for_a_disk_that_is_full_and_loses_nothing(
    start_server: StartServer, quota_library: Path, tmp_path: Path, note: Note
) -> None:
    quota = tmp_path / "quota"
    server = start_server(env={"LD_PRELOAD": str(quota_library), "QUOTA_FILE": str(quota)})
    client = server.client()
    text, bad = file_of(random.Random(SEED), "full", MANY_ROWS)
    # Without room the upload is refused, and the import waits for it again.
    body = client.post(PATH, json=mapping()).json()
    files = {"file": ("people.csv", text, "text/csv")}

    def upload() -> requests.Response:
        return requests.post(
            body["file_upload_url"], data=body["file_upload_body"], files=files, timeout=REQUEST_SECONDS
        )

    quota.touch()
    refused = upload()
    assert (refused.status_code, refused.json()["code"]) == (503, "storage_full"), refused.text
    assert list((server.folder / "ovation.sqlite-files").glob("*")) == [], "nothing of the file stays"
    # The upload has room, and the beginning of the import.
    files_of_store = [server.store, Path(f"{server.store}-wal")]
    quota.write_text(str(max(path.stat().st_size for path in files_of_store) + ROOM))
    assert upload().status_code == 204
    job = body["import_id"]
    first = next(number for number in range(MANY_ROWS) if number not in bad)
    person = f"/audience/keyspaces/{EMAIL}/profiles/p{first}@b.se"
    assert wait_until(lambda: client.get(person).status_code == 200, 60, 0.2), result(client, job)
    # How far it is, is noted each second.
    seen: list[int] = []

    def is_stopped() -> bool:
        seen.append(result(client, job)["bytes_done"])
        return len(seen) > 8 and seen[-1] == seen[-9]

    assert wait_until(is_stopped, 60, 0.5), seen
    assert result(client, job)["status"] == "in_progress" and seen[-1] < len(text), seen
    # A server that is killed on a full disk starts when there is room.
    server.kill()
    quota.unlink()
    server.start()
    client = server.client()
    assert wait_until(lambda: result(client, job)["status"] in STATUSES, 120, 0.2)
    check(client, job, bad, "full", note, MANY_ROWS)

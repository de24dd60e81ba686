"""Exports and reports on a server that is killed at any moment, while people are renamed and deleted: each profile is in the file
once and whole, and nobody who was deleted is in a file that is handed out.

OVATION_CRASH_ROUNDS and OVATION_CRASH_SEED set how often a server is killed, and repeat a run's choices.
"""

from __future__ import annotations

import csv
import io
import os
import random
import time
from pathlib import Path

import pytest

from conftest import Note, StartServer
from ovation import DEFAULT_SECTION, Client, Json, Server, wait_until
from postgres import Postgres
from test_imports import STATUSES, begin, ended
from test_profile_files import DUPLICATES, EXPORTS, FIRST_NAME, LAST_NAME, ask, poll, profile_path

KILLS = int(os.environ.get("OVATION_CRASH_ROUNDS") or 4)
SEED = int(os.environ.get("OVATION_CRASH_SEED") or random.randrange(1 << 32))
PEOPLE = 12_000


def fill(client: Client) -> None:
    """People with a first and a last name that are the same. A hundred share each."""
    lines = [f"p{number}@b.se,n{number % 120},n{number % 120}" for number in range(PEOPLE)]
    text = "email,first,last\n" + "\n".join(lines)
    job = begin(client, text.encode(), attributes={"first": FIRST_NAME, "last": LAST_NAME})
    assert wait_until(lambda: client.get(f"/audience/jobs/{job}").json()["result"]["status"] in STATUSES, 120, 0.2)
    assert ended(client, job)["new"] == PEOPLE


class People:
    """Who is there, and what was done to them."""

    def __init__(self) -> None:
        self.numbers = set(range(PEOPLE))
        self.deleted: set[str] = set()
        self.renamed: set[str] = set()

    def change(self, client: Client, dice: random.Random) -> None:
        number = dice.choice(sorted(self.numbers))
        profile = client.get(profile_path(number)).json()["profile_id"]
        if dice.random() < 0.5:
            assert client.request("DELETE", profile_path(number)).status_code == 204
            self.numbers.remove(number)
            self.deleted.add(profile)
            return
        path = f"/v2{profile_path(number)}/sections/{DEFAULT_SECTION}/attributes"
        name = f"x{number}"
        assert client.request("PATCH", path, json={FIRST_NAME: name, LAST_NAME: name}).status_code == 204
        self.renamed.add(profile)

    def check(self, export: dict[str, Json], report: str) -> None:
        assert len(export) == len(self.numbers)
        assert not self.deleted & set(export)
        for profile in export.values():
            names = profile["sections"][DEFAULT_SECTION]["attributes"]
            assert names[FIRST_NAME] == names[LAST_NAME], "in part from before a change, in part from behind it"
        duplicates = [row["export_key"] for row in csv.DictReader(io.StringIO(report))]
        assert len(duplicates) == len(set(duplicates)), "twice in the report"
        assert set(duplicates) <= set(export)
        assert set(export) - set(duplicates) <= self.renamed, "everyone else shares a name"


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_an_export_and_a_report_outlive_kills_at_any_moment(
    engine: str, start_server: StartServer, request: pytest.FixtureRequest, tmp_path: Path, note: Note
) -> None:
    files = tmp_path / "files"
    options: dict[str, Json] = {"options": ["--files", str(files)]}
    if engine == "postgres":
        database: Postgres = request.getfixturevalue("postgres")
        database.query("CREATE DATABASE export_drill")
        options["store_name"] = database.target("export_drill")
    server: Server = start_server(**options)
    dice = random.Random(SEED)
    note(f"seed {SEED}")
    fill(server.client())
    people = People()
    kills, exports = 0, 0
    while kills < KILLS:
        exports += 1
        client = server.client()
        body = {"section_discriminator": DEFAULT_SECTION, "attribute_discriminator": FIRST_NAME}
        asked = [ask(client, EXPORTS, {"attributes": [FIRST_NAME, LAST_NAME]}), ask(client, DUPLICATES, body)]
        while kills < KILLS:
            for _ in range(dice.randrange(3)):
                people.change(client, dice)
            time.sleep(dice.uniform(0.0, 0.8))
            states = [client.get(f"/audience/jobs/{job}").json()["result"]["status"] for _, job in asked]
            # A kill when both have ended proves nothing.
            if all(state in STATUSES for state in states):
                break
            server.kill()
            kills += 1
            server.start()
            client = server.client()
        export, report = (poll(client, url, 120) for url, _ in asked)
        people.check(export.json()["profiles"], report.text)
    # Nothing is left of what was interrupted.
    left = [path.suffix for path in files.iterdir() if not path.name.endswith(".report.csv")]
    assert left == [".result"] * (2 * exports)
    note(f"{kills} kills, {exports} exports and reports, {len(people.deleted)} deleted, {len(people.renamed)} renamed")

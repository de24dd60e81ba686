"""Moving house: a store goes from one engine to the other, and clients notice nothing but the pause."""

from __future__ import annotations

import json
import random
import re
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from conftest import Note, StartServer
from ovation import (
    ARTICLE_MODEL,
    ARTICLE_SECTION,
    BINARY,
    EMAIL,
    Client,
    Credentials,
    environment,
    event,
    events_path,
    run,
)
from postgres import Postgres

VERSION = "2565266"
PATH = events_path(EMAIL, "steve@apsis.com", ARTICLE_SECTION)
EXPORT = f"/audience/sections/{ARTICLE_SECTION}/events/export"
BULK = f"/audience/sections/{ARTICLE_SECTION}/events/bulk"
KINDS = [
    *["accounts", "settings", "changes of definitions", "acts", "API keys", "signing keys", "mapped attributes", "profiles"],
    *["changes of profiles", "fields of profiles", "members of profiles", "erasures", "events", "idempotency keys"],
    *["refused posts", "usage of versions"],
]
SEED = random.SystemRandom().randrange(1_000_000)


def number(value: int) -> dict[str, object]:
    return event(VERSION, {"myNumberField": value})


def copy(source: str, target: str, home: Path) -> subprocess.CompletedProcess[str]:
    return run("store", "copy", "--from", source, "--to", target, home=home)


def table(output: str) -> dict[str, tuple[int, str]]:
    """Count and checksum of each kind; both sides must have the same."""
    found = re.findall(r"^([^\d\n]+?) +([\d,]+)  ([0-9a-f]{32}) +([\d,]+)  ([0-9a-f]{32})  same$", output, re.MULTILINE)
    assert [row[0] for row in found] == KINDS, output
    for row in found:
        assert row[1:3] == row[3:5], row
    return {row[0]: (int(row[1].replace(",", "")), row[2]) for row in found}


def exported(client: Client, after: str = "0") -> list[dict[str, object]]:
    response = client.get(EXPORT, params={"after": after})
    assert response.status_code == 200, response.text
    return [json.loads(line) for line in response.text.splitlines()]


def test_a_server_moves_from_sqlite_to_postgresql(
    postgres: Postgres, tmp_path: Path, start_server: StartServer
) -> None:
    postgres.query("CREATE DATABASE house")
    old = start_server(model=ARTICLE_MODEL)
    client = old.client()
    once = {"Idempotency-Key": "once"}
    assert client.post(PATH, json={"items": [number(1), number(2)]}).status_code == 204
    assert client.post(PATH, json={"items": [number(3)]}, headers=once).status_code == 204
    assert client.post(PATH, json={"items": [event(VERSION, {"nothing": 1})]}).status_code == 400
    key = client.post("/account/api-keys", json={"name": "shop", "role": "integration"}).json()
    before = exported(client)
    page = client.get(PATH, params={"limit": "1"}).json()
    rejections = client.get("/audience/rejections").json()
    log = client.get("/audience/log").json()
    source, target = f"sqlite:{old.store}", postgres.uri("house")

    busy = copy(source, target, tmp_path)
    assert busy.returncode == 1 and "another process has this store open" in busy.stderr
    old.stop()
    done = copy(source, target, tmp_path)
    assert done.returncode == 0, done.stderr
    counts = table(done.stdout)
    assert counts["events"][0] == 3 and counts["refused posts"][0] == 1 and counts["idempotency keys"][0] == 1
    assert "a-password-never-shown" not in done.stdout + done.stderr
    again = copy(source, target, tmp_path)
    assert again.returncode == 0 and "was finished at" in again.stdout

    new = start_server(store_name=target, credentials=old.credentials)
    moved = new.client()
    # No client asks for a new token.
    moved.token = client.token
    assert exported(moved) == before
    assert moved.get("/audience/rejections").json() == rejections
    assert moved.get("/audience/log").json()["items"][-len(log["items"]) :] == log["items"]
    assert new.client(Credentials(key["client_id"], key["client_secret"])).get(PATH).status_code == 200
    next_page = moved.get(PATH, params={"limit": "1", "cursor": page["next_cursor"]}).json()
    assert [item["data"]["myNumberField"] for item in next_page["items"]] == [2]
    found = moved.get("/audience/profiles", params={"key": "ste"})
    assert found.status_code == 200 and "steve@apsis.com" in found.text, found.text

    repeated = moved.post(PATH, json={"items": [number(3)]}, headers=once)
    assert repeated.status_code == 204 and repeated.headers["Idempotency-Replayed"] == "true"
    assert exported(moved) == before
    assert moved.post(PATH, json={"items": [number(4)]}).status_code == 204
    last = str(before[-1]["event_id"])
    later = exported(moved, after=last)
    assert [item["data"]["myNumberField"] for item in later] == [4]
    assert int(later[0]["event_id"]) > int(last)

    # The old one was not changed, and the new one is no target any more.
    served = copy(source, target, tmp_path)
    assert served.returncode == 1 and "a server of Ovation is connected" in served.stderr
    new.stop()
    elsewhere = start_server(model=ARTICLE_MODEL)
    elsewhere.stop()
    refused = copy(f"sqlite:{elsewhere.store}", target, tmp_path)
    assert refused.returncode == 1 and "another store" in refused.stderr
    old.start()
    assert exported(old.client()) == before


@pytest.mark.parametrize("direction", ["to postgresql", "to sqlite"])
def test_a_copy_that_is_killed_at_any_moment_goes_on(
    postgres: Postgres, tmp_path: Path, start_server: StartServer, note: Note, direction: str
) -> None:
    note(f"seed {SEED}")
    choices = random.Random(SEED)
    postgres.query(f"CREATE DATABASE first_{direction[3:]}")
    postgres.query(f"CREATE DATABASE second_{direction[3:]}")
    server = start_server(model=ARTICLE_MODEL)
    lines = [
        json.dumps(
            {
                "keyspace": EMAIL,
                "profile_key": f"p{choices.randrange(20_000)}@example.com",
                "event_time": f"2024-01-0{1 + value % 9}T00:00:00.{value % 1000:03}Z",
                "version_id": VERSION,
                "data": {"myNumberField": value, "myTextField": "x" * choices.randrange(200)},
            }
        )
        for value in range(60_000)
    ]
    loaded = server.client().post(
        BULK, data="\n".join(lines).encode(), headers={"Content-Type": "application/x-ndjson"}
    )
    assert loaded.status_code == 200, loaded.text
    # As after a crash, in one of the two.
    if direction == "to sqlite":
        server.stop()
    else:
        server.kill()
    sqlite = f"sqlite:{server.store}"
    source, target = sqlite, postgres.target(f"first_{direction[3:]}")
    if direction == "to sqlite":
        assert copy(sqlite, target, tmp_path).returncode == 0
        source, target = target, f"sqlite:{tmp_path}/back.sqlite"

    kills, longest, output, resumed = 0, 0.3, "", 0
    while True:
        process = subprocess.Popen(
            [BINARY, "store", "copy", "--from", source, "--to", target],
            env=environment(tmp_path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            # The first few are killed on any machine, however fast.
            seconds = choices.uniform(0.01, longest if kills >= 3 else 0.1)
            output, errors = process.communicate(timeout=seconds)
            assert process.returncode == 0, errors
            resumed += "Going on after" in errors
            break
        except subprocess.TimeoutExpired:
            process.kill()
            errors = process.communicate()[1]
            kills += 1
            longest *= 1.3
        resumed += "Going on after" in errors
    note(f"{kills} kills, after {resumed} of which it went on in the middle")
    assert kills >= 3
    if "was finished at" not in output:
        assert table(output)["events"][0] == 60_000
    # Compared with a copy that nothing disturbed.
    undisturbed = f"sqlite:{tmp_path}/other.sqlite"
    other = copy(target, undisturbed, tmp_path)
    assert other.returncode == 0, other.stderr
    moved = start_server(store_name=target, credentials=server.credentials)
    assert len(exported(moved.client())) == 60_000
    moved.stop()
    direct = copy(sqlite, postgres.target(f"second_{direction[3:]}"), tmp_path)
    assert direct.returncode == 0, direct.stderr
    there, here = table(direct.stdout), table(other.stdout)
    assert there == here


def test_a_half_copied_target_is_not_served(postgres: Postgres, tmp_path: Path, start_server: StartServer) -> None:
    postgres.query("CREATE DATABASE half")
    server = start_server(model=ARTICLE_MODEL)
    assert server.client().post(PATH, json={"items": [number(1)]}).status_code == 204
    server.stop()
    source = f"sqlite:{server.store}"
    for target in (postgres.target("half"), f"sqlite:{tmp_path}/half.sqlite"):
        assert copy(source, target, tmp_path).returncode == 0
        forget_the_end(postgres, target)
        refused = run("serve", "--port", "0", "--store", target, home=tmp_path)
        assert refused.returncode > 0 and "Run the same 'ovation store copy' again" in refused.stderr, refused.stderr
        examined = run("doctor", "--store", target, home=tmp_path)
        assert re.search("^BAD .*has not ended", examined.stdout, re.MULTILINE), examined.stdout
        onwards = copy(target, f"sqlite:{tmp_path}/onwards.sqlite", tmp_path)
        assert onwards.returncode == 1 and "has not ended" in onwards.stderr
        assert copy(source, target, tmp_path).returncode == 0
        served = start_server(store_name=target, credentials=server.credentials)
        assert len(exported(served.client())) == 1
        served.stop()


def forget_the_end(postgres: Postgres, target: str) -> None:
    """Takes the time at which it was finished out of the note that a copy leaves, as if it had been killed before."""
    if not target.startswith("sqlite:"):
        postgres.query(
            "UPDATE ovation.setting SET value = convert_to(regexp_replace(convert_from(value, 'UTF8'), '[0-9]+$', ''), "
            "'UTF8') WHERE name = 'copy'",
            "half",
        )
        return
    with closing(sqlite3.connect(target.removeprefix("sqlite:"))) as database, database:
        (note,) = database.execute("SELECT value FROM setting WHERE name = 'copy'").fetchone()
        unfinished = re.sub(rb"[0-9]+$", b"", note)
        database.execute("UPDATE setting SET value = ? WHERE name = 'copy'", (unfinished,))


def test_a_copy_says_what_is_wrong(postgres: Postgres, tmp_path: Path) -> None:
    postgres.query("CREATE DATABASE nothing")
    here = "sqlite:./here.sqlite"
    for source, target, says in [
        (here, here, "name the same store"),
        (here, "sqlite:./there.sqlite", "does not exist"),
        ("mysql://x", here, "sqlite:PATH"),
        (postgres.target("nothing"), here, "no store of Ovation"),
        (postgres.target("nowhere"), here, "nowhere"),
    ]:
        result = copy(source, target, tmp_path)
        assert result.returncode == 1 and says in result.stderr, result.stderr
        assert "Fatal error" not in result.stderr
    help_text = run("store", "copy", "--help", home=tmp_path).stdout
    assert "Ids stay" in help_text and "goes on where it was" in help_text

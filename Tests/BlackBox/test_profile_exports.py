"""Exports of all profiles: whole while others change, merge and delete, cut off and gone on with, and by the command line."""

from __future__ import annotations

import csv
import io
import json
import random
import signal
import subprocess
import threading
from pathlib import Path
from urllib.parse import quote

import pytest
import requests

from conftest import StartServer
from ovation import (
    BINARY,
    DEFAULT_SECTION,
    EMAIL,
    Client,
    Credentials,
    Json,
    Server,
    assert_problem,
    environment,
    wait_until,
)
from test_bulk import resident_bytes
from test_cli import attempt, client_settings, fail, succeed

WEB = "com.apsis1.keyspaces.web"
EXPORT = f"/audience/sections/{DEFAULT_SECTION}/profiles/export"
FIRST_NAME = "com.apsis1.attributes.firstname"
LAST_NAME = "com.apsis1.attributes.lastname"


def profile(key: str, keyspace: str = EMAIL) -> str:
    return f"/audience/keyspaces/{keyspace}/profiles/{quote(key, safe='')}"


def put(client: Client, key: str, keyspace: str = EMAIL, **values: Json) -> None:
    path = f"{profile(key, keyspace)}/sections/{DEFAULT_SECTION}/attributes"
    assert client.request("PATCH", path, json={}).status_code == 204
    named = {f"com.apsis1.attributes.{name}": value for name, value in values.items()}
    assert client.request("PATCH", "/v2" + path, json=named).status_code == 204


def merge(client: Client, one: str, other: str) -> int:
    """Two keys of the keyspace for the web."""
    profiles = [{"keyspace_discriminator": WEB, "profile_key": key} for key in (one, other)]
    return client.request("PUT", "/audience/profiles/merges", json={"profiles": profiles}).status_code


def exported(client: Client, **query: str) -> list[Json]:
    answer = client.get(EXPORT, params=query)
    assert answer.status_code == 200 and answer.headers["Content-Type"] == "application/x-ndjson", answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


def keys(line: Json) -> list[str]:
    return [key["key"] for key in line["keys"]]


def people(path: Path, count: int, padding: int = 0) -> Path:
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["mail", "first", "last"])
        for number in range(count):
            rows.writerow([f"p{number}@example.com", f"First {number}", f"Last {number} {'x' * padding}"])
    return path


def load(server: Server, folder: Path, count: int, padding: int = 0) -> None:
    maps = ["mail=key", "first=firstname", "last=lastname"]
    options = [word for text in maps for word in ("--map", text)]
    succeed(server, "profiles", "import", "--quiet", people(folder / "people.csv", count, padding), *options)


# Over HTTP


def test_every_profile_is_there_once_after_a_crash_too(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    load(server, tmp_path, 12_000)
    client = server.client()
    lines = exported(client, summary="true")
    assert lines.pop() == {"summary": {"profiles": 12_000, "left_out": 0}}
    assert len({line["profile_id"] for line in lines}) == 12_000
    names = {keys(line)[0]: line["attributes"] for line in lines}
    assert names["p77@example.com"].items() >= {FIRST_NAME: "First 77", LAST_NAME: "Last 77 "}.items()
    server.kill()
    server.start()
    assert [line["attributes"] for line in exported(server.client())] == [line["attributes"] for line in lines]
    # It goes on behind any line.
    cursor = lines[7_000]["cursor"]
    assert [line["cursor"] for line in exported(server.client(), after=cursor)] == [
        line["cursor"] for line in lines[7_001:]
    ]


def test_what_is_deleted_while_an_export_runs_is_not_in_what_is_read_later(
    tmp_path: Path, start_server: StartServer
) -> None:
    server = start_server()
    load(server, tmp_path, 20_000, padding=900)
    client = server.client()
    order = [keys(line)[0] for line in exported(client)]
    with client.get(EXPORT, stream=True) as response:
        parts = response.iter_content(65_536)
        text = next(parts)
        # Far behind what the server has read so far.
        gone, merged = order[-10:-5], order[-5:]
        for key in gone:
            assert client.request("DELETE", profile(key)).status_code == 204
        put(client, "cookie", WEB, lastname="of the cookie")
        pair = [
            {"keyspace_discriminator": EMAIL, "profile_key": merged[0]},
            {"keyspace_discriminator": WEB, "profile_key": "cookie"},
        ]
        assert client.request("PUT", "/audience/profiles/merges", json={"profiles": pair}).status_code == 204
        text += b"".join(parts)
    lines = [json.loads(line) for line in text.splitlines()]
    found = [key for line in lines for key in keys(line)]
    assert not set(gone) & set(found)
    assert set(order) - set(gone) <= set(found) and "cookie" in found
    last = [line for line in lines if merged[0] in keys(line)][-1]
    assert keys(last) == [merged[0], "cookie"] and last["attributes"][FIRST_NAME].startswith("First")


def test_lines_are_whole_while_others_change_merge_part_and_delete(start_server: StartServer) -> None:
    server = start_server()
    client = server.client()
    chance = random.Random(7)
    stays = [f"k{number}" for number in range(30)]
    for key in stays + [f"gone{number}" for number in range(10)]:
        put(client, key, WEB, firstname="0", lastname="0")
    is_over = threading.Event()

    def change() -> None:
        other = server.client()
        for round in range(1, 150):
            key = chance.choice(stays)
            put(other, key, WEB, firstname=str(round), lastname=str(round))
            if round % 5 == 0:
                merge(other, key, chance.choice(stays))
            if round % 7 == 0:
                path = f"/audience/profiles/merges/keyspaces/{WEB}/profiles/{key}"
                other.request("DELETE", path, headers={"Prefer": "handling=restore"})
            if round % 15 == 0:
                other.request("DELETE", profile(f"gone{round // 15}", WEB))
        is_over.set()

    worker = threading.Thread(target=change)
    worker.start()
    rounds = 0
    while not is_over.is_set() or rounds == 0:
        lines = exported(client)
        found = {key for line in lines for key in keys(line)}
        assert set(stays) <= found
        for line in lines:
            assert line["attributes"][FIRST_NAME] == line["attributes"][LAST_NAME], line
        rounds += 1
    worker.join()


def test_a_slow_reader_does_not_grow_the_server(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    load(server, tmp_path, 40_000, padding=900)
    client = server.client()
    # What a first export takes once for all is there.
    assert len(client.get(EXPORT).content) > 40_000_000
    before = resident_bytes(server)
    peak = before
    with client.get(EXPORT, stream=True) as response:
        parts = response.iter_content(4096)
        for _ in range(100):
            next(parts)
            threading.Event().wait(0.01)
            peak = max(peak, resident_bytes(server))
    assert peak - before < 40_000_000, f"{(peak - before) // 1_000_000} MB"


def test_an_export_whose_key_is_revoked_is_cut_off(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    load(server, tmp_path, 40_000, padding=900)
    admin = server.client()
    key = admin.post("/account/api-keys", json={"name": "reader"}).json()
    reader = server.client(Credentials(key["client_id"], key["client_secret"]))
    with reader.get(EXPORT, stream=True) as response:
        parts = response.iter_content(65_536)
        next(parts)
        assert admin.request("DELETE", f"/account/api-keys/{key['client_id']}").status_code == 204
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            for _ in parts:
                pass


def test_parameters_that_are_wrong_are_refused(server: Server) -> None:
    client = server.client()
    assert_problem(client.get(EXPORT, params={"format": "parquets"}), 400, "invalid_parameter")
    assert_problem(client.get(EXPORT, params={"after": "17"}), 400, "invalid_cursor")
    assert_problem(client.get(EXPORT.replace(DEFAULT_SECTION, "a.b")), 404, "section_not_found")


# By the command line


def test_the_command_exports_lines_and_csv(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    client = server.client()
    put(client, "steve@apsis.com", firstname="=1+1", lastname="A, B")
    put(client, "w", WEB)
    file = tmp_path / "people.ndjson"
    told = attempt(server, "profiles", "export", "-o", file)
    assert told.returncode == 0 and "2 profiles." in told.stderr, told.stderr
    assert [json.loads(line) for line in file.read_text().splitlines()] == exported(client)
    assert file.stat().st_mode & 0o077 == 0
    times = [json.loads(line) for line in succeed(server, "profiles", "export", "--quiet", "--set-at").splitlines()]
    assert any(FIRST_NAME in line["set_at"] for line in times)
    text = succeed(server, "profiles", "export", "--quiet", "--format", "csv", "--section", "default")
    [steve] = [row for row in csv.DictReader(io.StringIO(text)) if row[f"keys.{EMAIL}"]]
    assert steve[f"attributes.{FIRST_NAME}"] == "'=1+1" and steve[f"attributes.{LAST_NAME}"] == "A, B"
    kept = succeed(server, "profiles", "export", "--quiet", "--format", "csv", "--keep-formulas")
    assert ",=1+1," in kept
    after = exported(client)[0]["cursor"]
    rest = succeed(server, "profiles", "export", "--quiet", "--after", after).splitlines()
    assert [json.loads(line) for line in rest] == exported(client)[1:]


@pytest.mark.parametrize(
    "arguments",
    [
        ["steve@apsis.com", "--format", "csv"],
        ["steve@apsis.com", "--after", "p1-0123456789abcdef"],
        ["--keyspace", EMAIL],
        ["--only-readable"],
        ["--bom"],
        ["--set-at", "--format", "csv"],
    ],
    ids=" ".join,
)
def test_options_that_do_not_fit_are_refused(server: Server, arguments: list[str]) -> None:
    fail(server, "profiles", "export", *arguments)


def test_the_help_has_examples_of_both(server: Server) -> None:
    text = succeed(server, "profiles", "export", "--help")
    assert "ovation profiles export -o people.ndjson" in text and "export steve@apsis.com -o steve.json" in text


def running(server: Server, *arguments: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [BINARY, "profiles", "export", *arguments],
        env=environment(server.folder, client_settings(server)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_an_export_goes_on_after_the_server_was_killed(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    load(server, tmp_path, 40_000, padding=900)
    with running(server) as process:
        assert process.stdout is not None
        text = process.stdout.read(1_000_000)
        server.kill()
        server.start()
        text += process.stdout.read()
        assert process.wait() == 0, process.stderr and process.stderr.read()
    ids = [json.loads(line)["profile_id"] for line in text.splitlines()]
    assert len(ids) == len(set(ids)) == 40_000


def test_an_interrupted_export_says_how_it_goes_on(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    load(server, tmp_path, 40_000, padding=900)
    file = tmp_path / "people.ndjson"
    part = tmp_path / "people.ndjson.part"
    # A server that is slow, so that the export is still under way.
    with running(server, "-o", file) as process:
        assert wait_until(lambda: part.exists() and part.stat().st_size > 0, 30)
        assert server.process is not None
        server.process.send_signal(signal.SIGSTOP)
        process.send_signal(signal.SIGINT)
        error = process.communicate()[1]
        server.process.send_signal(signal.SIGCONT)
    assert process.returncode == -signal.SIGINT and not file.exists()
    assert "Stopped; the export is not whole. --after p" in error
    cursor = error.split("--after ")[1].split()[0]
    begun = part.read_text().splitlines()
    assert json.loads(begun[-1])["cursor"] == cursor
    rest = succeed(server, "profiles", "export", "--quiet", "--after", cursor).splitlines()
    ids = [json.loads(line)["profile_id"] for line in begun + rest]
    assert len(ids) == len(set(ids)) == 40_000

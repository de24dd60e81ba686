"""Exports into a folder that grows: each run adds what is new, and nothing is there twice or missing."""

from __future__ import annotations

import csv
import fcntl
import json
import os
import random
import stat
import subprocess
import threading
import time
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from conftest import Note, StartServer
from ovation import (
    ARTICLE_MODEL,
    ARTICLE_SECTION,
    BINARY,
    CRM_ID,
    DEFAULT_SECTION,
    EMAIL,
    ROOT,
    Json,
    Server,
    environment,
    event,
    wait_until,
)
from test_bulk import EXPORT
from test_cli import client_settings, fail, succeed
from test_parquet import store
from test_readme import blocks

FORMATS = ["ndjson", "csv", "parquet"]


def manifest(folder: Path) -> Json:
    return json.loads((folder / "manifest.json").read_text())


def ids(file: Path) -> list[int]:
    """The ids of the events in a file."""
    if file.suffix == ".parquet":
        return pq.read_table(file).column("event_id").to_pylist()
    if file.suffix == ".csv":
        with file.open(newline="") as source:
            return [int(row["event_id"]) for row in csv.DictReader(source)]
    return [int(json.loads(text)["event_id"]) for text in file.read_text().splitlines()]


def own_files(folder: Path) -> list[str]:
    files = (file for file in folder.rglob("*") if file.is_file() and file.name != ".lock")
    return sorted(str(file.relative_to(folder)) for file in files)


def assert_as_the_manifest_says(folder: Path) -> list[int]:
    """What the manifest says of its files is so. Gives the ids of all events in them."""
    found: list[int] = []
    for file in manifest(folder)["files"]:
        of_file = ids(folder / file["name"])
        assert len(of_file) == file["rows"] > 0
        assert (folder / file["name"]).stat().st_size == file["bytes"]
        assert (str(of_file[0]), str(of_file[-1])) == (file["first_event_id"], file["last_event_id"])
        assert of_file == sorted(of_file)
        begin, end = (int(part) for part in Path(file["name"]).stem.split("-"))
        assert begin <= of_file[0] and of_file[-1] <= end <= int(manifest(folder)["done_through"])
        found += of_file
    assert len(set(found)) == len(found), "no event is there twice"
    return sorted(found)


def posted(server: Server) -> list[int]:
    return sorted(int(json.loads(text)["event_id"]) for text in server.client().get(EXPORT).text.splitlines())


def make_types(server: Server) -> list[Json]:
    fields = {"number": "integer", "text": "string"}
    return [server.client().make_event_type(fields, name=f"type {number}") for number in range(2)]


def store_some(server: Server, event_type: Json, count: int) -> None:
    data = [{"number": number, "text": f'a "text"\n{number},'} for number in range(count)]
    store(server, event_type["versions"][0]["id"], data)


@pytest.mark.parametrize("format", FORMATS)
def test_each_run_adds_what_is_new(tmp_path: Path, start_server: StartServer, format: str) -> None:
    server = start_server()
    first, second = make_types(server)
    folder = tmp_path / "out"
    export = ["events", "export", "--format", format, "--into", folder]
    succeed(server, *export)
    assert manifest(folder)["files"] == [] and manifest(folder)["done_through"] == "0"
    store_some(server, first, 25)
    store_some(server, second, 10)
    succeed(server, *export, "--events-per-file", "20")
    before = {name: (folder / name).read_bytes() for name in own_files(folder) if name != "manifest.json"}
    assert assert_as_the_manifest_says(folder) == posted(server) == list(range(1, 36))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in own_files(folder)} == {0o600}
    if format == "parquet":
        types = [event_type["discriminator"] for event_type in (first, second)]
        ranges = [(types[0], "1-20"), (types[0], "21-35"), (types[1], "21-35")]
    else:
        ranges = [(".", "1-20"), (".", "21-35")]
    names = ["{}/{:0>15}-{:0>15}.{}".format(kind, *text.split("-"), format) for kind, text in ranges]
    assert sorted(before) == sorted(os.path.normpath(name) for name in names)
    # Nothing is new.
    text = (folder / "manifest.json").read_bytes()
    succeed(server, *export)
    assert (folder / "manifest.json").read_bytes() == text
    store_some(server, second, 5)
    succeed(server, *export)
    assert {name: (folder / name).read_bytes() for name in before} == before, "no file is changed"
    assert len(manifest(folder)["files"]) == len(before) + 1
    assert assert_as_the_manifest_says(folder) == list(range(1, 41))
    if format == "parquet":
        with duckdb.connect() as connection:
            found = connection.execute(
                f"SELECT count(*), count(DISTINCT event_id) FROM '{folder}/{types[1]}/*.parquet'"
            ).fetchone()
            assert found == (15, 15)


@pytest.mark.parametrize("format", FORMATS)
def test_a_folder_of_some_event_types_has_only_their_events(
    tmp_path: Path, start_server: StartServer, format: str
) -> None:
    server = start_server()
    first, second = make_types(server)
    store_some(server, first, 3)
    store_some(server, second, 4)
    folder = tmp_path / "out"
    export = ["events", "export", "--format", format, "--into", folder, "--event-type", second["discriminator"]]
    succeed(server, *export)
    assert assert_as_the_manifest_says(folder) == [4, 5, 6, 7]
    store_some(server, first, 1)
    succeed(server, *export)
    assert manifest(folder)["done_through"] == "8" and len(manifest(folder)["files"]) == 1
    store_some(server, second, 1)
    succeed(server, *export)
    assert assert_as_the_manifest_says(folder) == [4, 5, 6, 7, 9]


def test_events_that_are_deleted_after_their_export_stay_in_the_folder(
    tmp_path: Path, start_server: StartServer
) -> None:
    server = start_server()
    first, _ = make_types(server)
    store_some(server, first, 1)
    folder = tmp_path / "out"
    succeed(server, "events", "export", "--into", folder)
    profile = f"/audience/keyspaces/{CRM_ID}/profiles/p0%40example.com/sections/{DEFAULT_SECTION}"
    assert server.client().request("DELETE", f"{profile}/events/1").status_code == 204
    succeed(server, "events", "export", "--into", folder)
    assert assert_as_the_manifest_says(folder) == [1] and posted(server) == []


def test_other_settings_are_refused_by_their_names(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    first, _ = make_types(server)
    store_some(server, first, 3)
    folder = tmp_path / "out"
    succeed(server, "events", "export", "--format", "csv", "--into", folder)
    text = (folder / "manifest.json").read_bytes()
    for options, word in [
        (["--format", "ndjson"], "--format was csv, and is ndjson now"),
        (["--format", "csv", "--bom"], "--bom was false, and is true now"),
        (["--format", "csv", "--keep-formulas"], "--keep-formulas was false"),
        (["--format", "csv", "--ignore-keyspace-permissions"], "--ignore-keyspace-permissions was false"),
        (["--format", "csv", "--event-type", first["discriminator"]], "--event-type was all, and is"),
        (["--format", "csv", "--section", "another.section"], "--section was com.apsis1.sections.default"),
    ]:
        assert word in fail(server, "events", "export", *options, "--into", folder)
    assert (folder / "manifest.json").read_bytes() == text
    assert "--events-per-file is for --into" in fail(server, "events", "export", "--events-per-file", "5")
    assert "--keep-formulas is for" in fail(server, "events", "export", "--keep-formulas", "--into", folder)
    for options in (
        ["--after", "1"],
        ["--through", "1"],
        ["-o", "x"],
        ["--from", "2024-01-01T00:00:00Z"],
        ["--changes"],
    ):
        assert "--into takes no" in fail(server, "events", "export", "--into", folder, *options)
    assert "1 or more" in fail(server, "events", "export", "--into", folder, "--events-per-file", "0")


def test_a_folder_that_is_of_another_server_or_damaged_is_refused(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    first, _ = make_types(server)
    store_some(server, first, 3)
    folder = tmp_path / "out"
    export = ["events", "export", "--into", folder]
    succeed(server, *export)
    other = start_server()
    make_types(other)
    assert f"--url was {server.url}, and is {other.url} now" in fail(other, *export)
    (folder / "notes.txt").write_text("mine")
    kept = (folder / "manifest.json").read_bytes()
    (folder / "manifest.json").write_text("{}")
    assert "cannot be read" in fail(server, *export)
    (folder / "manifest.json").unlink()
    assert "no manifest.json" in fail(server, *export)
    assert len([name for name in own_files(folder) if name.endswith(".ndjson")]) == 1
    (folder / "manifest.json").write_bytes(kept)
    succeed(server, *export)
    assert assert_as_the_manifest_says(folder) == [1, 2, 3]
    assert "cannot be written" in fail(server, "events", "export", "--into", tmp_path / "none" / "out")
    assert "cannot be written" in fail(server, "events", "export", "--into", folder / "notes.txt")


def test_a_folder_of_another_account_is_refused(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    first, _ = make_types(server)
    store_some(server, first, 3)
    folder = tmp_path / "out"
    succeed(server, "events", "export", "--into", folder)
    other = start_server()
    make_types(other)
    text = (folder / "manifest.json").read_text().replace(server.url, other.url)
    (folder / "manifest.json").write_text(text)
    assert "another account" in fail(other, "events", "export", "--into", folder)
    assert (folder / "manifest.json").read_text() == text


def test_a_folder_of_parquet_has_the_events_of_drafts_and_of_removed_event_types(
    tmp_path: Path, start_server: StartServer
) -> None:
    server = start_server()
    first, second = make_types(server)
    store_some(server, first, 2)
    path = f"/audience/sections/{DEFAULT_SECTION}/events"
    assert server.client().request("DELETE", f"{path}/{first['discriminator']}").status_code == 204
    permissions = [{"keyspace_discriminator": keyspace, "read": True, "write": True} for keyspace in (CRM_ID, EMAIL)]
    draft = {"name": "hidden", "category": "transaction", "draft": True, "version_id": 901}
    body = {**draft, "fields": {"number": "integer"}, "keyspace_permissions": permissions}
    made = server.client().post(path, json=body)
    assert made.status_code == 201, made.text
    store(server, "901", [{"number": 1}, {"number": 2}])
    store_some(server, second, 1)
    folder = tmp_path / "out"
    succeed(server, "events", "export", "--format", "parquet", "--into", folder)
    assert assert_as_the_manifest_says(folder) == [1, 2, 3, 4, 5]


def test_what_the_key_may_not_read_is_told(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    first, _ = make_types(server)
    store_some(server, first, 4)
    made = server.client().post("/account/api-keys", json={"name": "mail", "keyspaces": {EMAIL: "read"}})
    assert made.status_code == 201, made.text
    names = {"OVATION_CLIENT_ID": "client_id", "OVATION_CLIENT_SECRET": "client_secret"}
    env = environment(tmp_path, client_settings(server) | {name: made.json()[key] for name, key in names.items()})
    for format in FORMATS:
        folder = tmp_path / format
        command = [BINARY, "events", "export", "--format", format, "--into", folder]
        # The largest number that a range can have is no reason to stop either.
        command += ["--events-per-file", "9223372036854775807"]
        for words in ("2 events in 1 new file, 2 left out that this key may not read, up to event 4.", "0 events in"):
            run = subprocess.run(command, env=env, check=True, capture_output=True, text=True)
            assert words in run.stderr
        assert manifest(folder)["left_out"] == 2 and manifest(folder)["files"][0]["rows"] == 2
    store_some(server, first, 1)
    subprocess.run(command, env=env, check=True)
    assert manifest(folder)["done_through"] == "5" and manifest(folder)["left_out"] == 3


def test_lines_in_a_folder_are_as_those_of_a_file(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    first, _ = make_types(server)
    store(server, first["versions"][0]["id"], [{"number": 1, "text": "\u009b31m \u202e"}])
    succeed(server, "events", "export", "--into", tmp_path / "out")
    succeed(server, "events", "export", "-o", tmp_path / "one.ndjson")
    [name] = [file["name"] for file in manifest(tmp_path / "out")["files"]]
    text = (tmp_path / "out" / name).read_bytes()
    assert text == (tmp_path / "one.ndjson").read_bytes() and text.isascii()


def test_what_an_interrupted_run_has_left_is_deleted(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    first, _ = make_types(server)
    store_some(server, first, 3)
    folder = tmp_path / "out"
    export = ["events", "export", "--format", "parquet", "--into", folder]
    succeed(server, *export)
    # What a loader has put elsewhere, what another export has made, and what is no file of an export.
    others = ["report.csv", "2024-2025.parquet", f"done/{1:015}-{3:015}.parquet", f"{4:015}-{9:015}.ndjson"]
    others += [f"{first['discriminator']}/{1:015}-{2:015}.parquet", f"{4:015}-{9:015}.parquet.part"]
    others += [f"other/{name}" for name in ("manifest.json", f"{4:015}-{9:015}.parquet")]
    others += [f"com.other/{name}" for name in ("manifest.json", f"{4:015}-{9:015}.parquet.part")]
    kept = [*own_files(folder), *others]
    left = ["manifest.json.part"]
    left += [f"{first['discriminator']}/{4:015}-{9:015}.parquet{ending}" for ending in ("", ".part")]
    left += [f"linked.type/{4:015}-{1000000000000009}.parquet.part"]
    (tmp_path / "elsewhere").mkdir()
    (folder / "linked.type").symlink_to(tmp_path / "elsewhere")
    for name in [*left, *others]:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"left")
    succeed(server, *export)
    assert own_files(folder) == sorted(kept), "only what an interrupted run of this folder has left is deleted"
    assert list((tmp_path / "elsewhere").iterdir()) == []
    store_some(server, first, 3)
    succeed(server, *export)
    assert assert_as_the_manifest_says(folder) == posted(server)


def test_two_runs_at_once_do_not_write_into_one_folder(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    first, _ = make_types(server)
    store_some(server, first, 3)
    folder = tmp_path / "out"
    folder.mkdir()
    descriptor = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        assert "Another export" in fail(server, "events", "export", "--into", folder)
        assert own_files(folder) == []
    finally:
        os.close(descriptor)
    succeed(server, "events", "export", "--into", folder)
    assert assert_as_the_manifest_says(folder) == [1, 2, 3]


def test_the_commands_of_the_page_do_what_it_says(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server(model=ARTICLE_MODEL)
    posted = server.client().post_events([event(2565266, {"myNumberField": 1})], section=ARTICLE_SECTION)
    assert posted.status_code == 204, posted.text
    text = (ROOT / "docs/exports.md").read_text()
    parts = {part.split("\n", 1)[0]: part for part in text.split("\n## ")}
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/ovation").symlink_to(BINARY)
    env = environment(tmp_path, client_settings(server))
    env["PATH"] = f"{tmp_path}/bin:{env['PATH']}"
    for heading, column in [("Parquet", 1), ("A folder that grows", 0)]:
        [command] = blocks("sh", parts[heading])
        # The second run has nothing to add.
        for _ in range(2):
            subprocess.run(["bash", "-e", "-c", command], cwd=tmp_path, env=env, check=True, capture_output=True)
        [query] = blocks("sql", parts[heading])
        with duckdb.connect() as connection:
            connection.execute(f"SET file_search_path = '{tmp_path}'")
            [row] = connection.execute(query).fetchall()
            assert row[column] == 1


@pytest.mark.parametrize("format", FORMATS)
def test_runs_that_are_killed_repeat_nothing_and_lose_nothing(
    tmp_path: Path, start_server: StartServer, note: Note, format: str
) -> None:
    seed = int(os.environ.get("OVATION_EXPORT_SEED", random.SystemRandom().randrange(1_000_000)))
    note(f"seed {seed}")
    choices = random.Random(seed)
    server = start_server()
    types = make_types(server)
    folder = tmp_path / "out"
    command = [BINARY, "events", "export", "--quiet", "--format", format, "--into", folder, "--events-per-file", "20"]
    env = environment(server.folder, client_settings(server))
    # A whole run of as many events, to know how long one takes.
    store_some(server, types[0], 200)
    began = time.monotonic()
    subprocess.run([*command[:-4], "--into", tmp_path / "measured", *command[-2:]], env=env, check=True)
    seconds = time.monotonic() - began
    interrupted = 0
    for _ in range(20):
        store_some(server, choices.choice(types), choices.randint(0, 150))
        began = time.monotonic()
        process = subprocess.Popen(command, env=env)
        if choices.random() < 0.5:
            # Any moment, also before the first file.
            threading.Event().wait(choices.uniform(0, seconds))
        else:
            wait_until(lambda: any(folder.rglob("*.part")) or process.poll() is not None, 60, interval=0.001)
            threading.Event().wait(choices.uniform(0, 0.1))
        process.kill()
        if process.wait() == 0:
            seconds = min(seconds, time.monotonic() - began)
        else:
            interrupted += 1
        if (folder / "manifest.json").exists():
            found = assert_as_the_manifest_says(folder)
            done = int(manifest(folder)["done_through"])
            assert found == [event_id for event_id in posted(server) if event_id <= done], f"seed {seed}"
    note(f"{interrupted} of 20 runs were killed before their end")
    assert interrupted >= 5
    subprocess.run(command, env=env, check=True)
    assert assert_as_the_manifest_says(folder) == posted(server), f"seed {seed}"
    listed = sorted(file["name"] for file in manifest(folder)["files"])
    assert own_files(folder) == sorted([*listed, "manifest.json"]), "nothing is left beside the files of the manifest"

"""What the system says of a disk, said by a library that is preloaded: a quota that is used up, and what was synced."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from conftest import StartServer
from ovation import DEFAULT_SECTION, EMAIL, Client, assert_problem, event, run
from ovation import events_path


def post(client: Client, version: str, number: int) -> int:
    path = events_path(EMAIL, f"p{number}@b.se", DEFAULT_SECTION)
    response = client.post(path, json={"items": [event(version, {"n": number})]})
    if response.status_code != 204:
        assert_problem(response, 503, "storage_full")
    return response.status_code


def test_a_quota_that_is_used_up_is_a_full_disk(
    start_server: StartServer, quota_library: Path, tmp_path: Path
) -> None:
    quota = tmp_path / "quota"
    server = start_server(env={"LD_PRELOAD": str(quota_library), "QUOTA_FILE": str(quota)})
    client = server.client()
    version = client.make_version({"n": "integer"})
    assert [post(client, version, number) for number in range(3)] == [204] * 3
    quota.touch()
    assert [post(client, version, number) for number in range(3, 6)] == [503] * 3
    assert client.get(events_path(EMAIL, "p1@b.se", DEFAULT_SECTION)).status_code == 200
    changed = client.post("/audience/sections", json={"discriminator": "usercreated.sections.more-1", "name": "More"})
    assert_problem(changed, 503, "storage_full")
    quota.unlink()
    assert [post(client, version, number) for number in range(6, 9)] == [204] * 3


def backup(store: Path, to: Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    return run("store", "backup", "--store", f"sqlite:{store}", "--to", str(to), home=store.parent, env=env)


def test_a_backup_that_finds_no_room_says_so_and_leaves_nothing(
    start_server: StartServer, quota_library: Path, tmp_path: Path
) -> None:
    server = start_server()
    client = server.client()
    version = client.make_version({"n": "integer"})
    assert post(client, version, 1) == 204
    quota, folder = tmp_path / "quota", tmp_path / "backups"
    folder.mkdir()
    quota.touch()
    result = backup(server.store, folder / "o.sqlite", {"LD_PRELOAD": str(quota_library), "QUOTA_FILE": str(quota)})
    assert result.returncode != 0 and "was not written" in result.stderr, result.stderr
    assert list(folder.iterdir()) == []


def test_folders_and_files_that_are_made_are_synced_where_they_have_their_names(
    start_server: StartServer, quota_library: Path, tmp_path: Path
) -> None:
    syncs = tmp_path / "syncs"
    preload = {"LD_PRELOAD": str(quota_library), "SYNC_FILE": str(syncs)}
    top = tmp_path / "top"
    top.mkdir()
    store = top / "a" / "b" / "o.sqlite"
    server = start_server(store_name=f"sqlite:{store}", env=preload)
    synced = set(syncs.read_text().splitlines())
    assert {str(top), str(top / "a"), str(top / "a" / "b")} <= synced, synced
    syncs.unlink()
    folder = tmp_path / "backups"
    folder.mkdir()
    result = backup(store, folder / "o.sqlite", preload)
    assert result.returncode == 0, result.stderr
    synced = syncs.read_text().splitlines()
    assert {str(folder), str(folder / "o.sqlite.part")} <= set(synced), synced
    assert server.is_running

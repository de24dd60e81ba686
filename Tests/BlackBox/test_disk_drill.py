"""Disks that fill up, hang, fail and lose their power, and files that are taken away from under a server."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import disk as disks
from conftest import Note, StartServer
from disk import FAIL_LOG, FULL, LIE, SYNC_MS, Disk
from ovation import BINARY, Client, Server, assert_problem, environment, event, run, wait_until

SEED = int(os.environ.get("OVATION_CRASH_SEED") or random.randrange(1 << 32))
ROUNDS = int(os.environ.get("OVATION_CRASH_ROUNDS") or 6)


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return disks.build(tmp_path_factory.mktemp("disk"))


@pytest.fixture
def disk(library: Path, tmp_path: Path) -> Disk:
    return Disk(library, tmp_path / "disk")


def texts(client: Client, key: str = "steve@apsis.com") -> list[int]:
    return sorted(item["data"]["number"] for item in client.list_events(key=key))


def refuses_to_start(server: Server, *, saying: str) -> None:
    with pytest.raises(AssertionError, match="did not get ready"):
        server.start()
    said = server.output_of_start(server.starts)
    assert saying in said, said
    assert "Fatal error" not in said


def test_a_start_on_a_full_disk_says_so_and_the_next_one_finds_everything(start_server: StartServer, disk: Disk) -> None:
    server = start_server(env=disk.env)
    client = server.client()
    version = client.make_version({"number": "integer"})
    for number in range(50):
        assert client.post_events([event(version, {"number": number})]).status_code == 204
    server.kill()
    disk.ask(FULL)
    refuses_to_start(server, saying="the disk is full")
    disk.ask(FULL, 0)
    server.start()
    assert texts(client) == list(range(50))
    assert client.post_events([event(version, {"number": 50})]).status_code == 204


def test_a_disk_that_fills_up_while_nobody_posts_leaves_a_few_lines_in_the_log(
    start_server: StartServer, disk: Disk
) -> None:
    server = start_server(env=disk.env)
    client = server.client()
    version = client.make_version({"number": "integer"})
    # More new profiles than memory holds, so that there is work to do when no post comes.
    path = "/audience/sections/com.apsis1.sections.default/events/bulk"
    lines = "".join(
        f'{{"keyspace":"com.apsis1.keyspaces.email","profile_key":"p{number}@example.com",'
        f'"event_time":"2020-01-01T00:00:00Z","version_id":{version},"data":{{"number":{number}}}}}\n'
        for number in range(70_000)
    )
    disk.ask(SYNC_MS, 5)
    assert client.post(path, data=lines.encode()).status_code == 200
    disk.ask(FULL)
    refused = client.post_events([event(version, {"number": 1})], key="full@example.com")
    while refused.status_code == 204:
        refused = client.post_events([event(version, {"number": 1})], key="full@example.com")
    assert_problem(refused, 503, "storage_full")
    size = len(server.output)
    time.sleep(4)
    assert server.output[size:].count("\n") <= 12, server.output[size:]
    disk.ask(FULL, 0)
    assert wait_until(
        lambda: client.post_events([event(version, {"number": 2})], key="room@example.com").status_code == 204, 30
    )
    assert "again" in server.output[size:]


def posts_and_readiness_fail(server: Server, client: Client, version: str) -> None:
    answer = client.post_events([event(version, {"number": 99})])
    assert_problem(answer, 503, "store_unavailable")
    # One proof serves for a second.
    assert wait_until(lambda: client.get("/ready").status_code == 503, 10)
    assert client.get("/health").status_code == 200
    assert "deleted or replaced" in server.output


def delete_the_folder(store: Path) -> None:
    shutil.rmtree(store.parent)


def delete_the_file(store: Path) -> None:
    store.unlink()


def delete_the_log(store: Path) -> None:
    Path(f"{store}-wal").unlink()


def move_another_over_it(store: Path) -> None:
    other = store.with_name("other")
    other.write_bytes(b"another file")
    other.rename(store)


def replace_it_by_its_copy(store: Path) -> None:
    copy = store.with_name("copy")
    shutil.copy(store, copy)
    copy.rename(store)


@pytest.mark.parametrize(
    "accident", [delete_the_folder, delete_the_file, delete_the_log, move_another_over_it, replace_it_by_its_copy]
)
def test_nothing_is_acknowledged_into_a_file_that_is_gone(
    start_server: StartServer, tmp_path: Path, accident: Callable[[Path], None]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    store = folder / "ovation.sqlite"
    server = start_server(store_name=f"sqlite:{store}")
    client = server.client()
    version = client.make_version({"number": "integer"})
    assert client.post_events([event(version, {"number": 1})]).status_code == 204
    accident(store)
    posts_and_readiness_fail(server, client, version)
    # It ends as always: a server that hangs would be killed.
    server.stop()


def test_a_file_that_was_moved_away_and_back_is_used_again(start_server: StartServer, tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    server = start_server(store_name=f"sqlite:{folder / 'ovation.sqlite'}")
    client = server.client()
    version = client.make_version({"number": "integer"})
    folder.rename(tmp_path / "elsewhere")
    posts_and_readiness_fail(server, client, version)
    (tmp_path / "elsewhere").rename(folder)
    assert client.post_events([event(version, {"number": 2})]).status_code == 204
    server.kill()
    server.start()
    assert texts(client) == [2]


def test_a_disk_that_hangs_is_answered_503_within_seconds_and_recovers(start_server: StartServer, disk: Disk) -> None:
    server = start_server(env=disk.env)
    client = server.client()
    version = client.make_version({"number": "integer"})
    assert client.post_events([event(version, {"number": 0})]).status_code == 204
    disk.ask(SYNC_MS, 12_000)
    stuck: list[int] = []
    threads = [
        threading.Thread(
            target=lambda number=number: stuck.append(
                server.client().post_events([event(version, {"number": number})]).status_code
            )
        )
        for number in (1, 2, 3)
    ]
    for thread in threads:
        thread.start()
    assert wait_until(lambda: client.get("/ready").status_code == 503, 30)
    for thread in threads:
        thread.join(30)
    # The disk still works on the first of them.
    assert stuck == [503, 503, 503]
    assert_problem(client.post_events([event(version, {"number": 4})]), 503, "store_unavailable")
    assert client.get("/health").status_code == 200
    assert texts(client)[0] == 0, "what is there can be read"
    disk.ask(SYNC_MS, 0)
    assert wait_until(lambda: client.get("/ready").status_code == 200, 60)
    assert client.post_events([event(version, {"number": 5})]).status_code == 204
    stored = texts(client)
    # Of what was answered 503 the commit under way may be there, and what waited behind it is not there twice.
    assert stored[0] == 0 and stored[-1] == 5 and len(stored) == len(set(stored)) and 4 not in stored


def post_numbers(client: Client, version: str, numbers: range) -> list[int]:
    """Those that were acknowledged."""
    return [
        number
        for number in numbers
        if client.post_events([event(version, {"number": number})], headers={"Idempotency-Key": f"n{number}"}).status_code
        == 204
    ]


def lose_power_after_a_failed_sync(
    start_server: StartServer, disk: Disk, choices: random.Random, *, lying: bool
) -> tuple[set[int], set[int]]:
    """Posts, a sync of the log that fails, a kill, a start, posts, a power cut. Gives what was acknowledged and what is
    there."""
    server = start_server(env=disk.env)
    client = server.client()
    version = client.make_version({"number": "integer"})
    count = choices.randint(3, 30)
    acknowledged = set(post_numbers(client, version, range(count)))
    assert len(acknowledged) == count
    if lying:
        disk.ask(LIE)
    else:
        disk.ask(FAIL_LOG)
        refused = client.post_events([event(version, {"number": count})])
        assert_problem(refused, 503, "store_unavailable")
        disk.ask(FAIL_LOG, 0)
    if choices.random() < 0.7 and not lying:
        server.kill()
        server.start()
    more = choices.randint(3, 30)
    acknowledged |= set(post_numbers(client, version, range(1000, 1000 + more)))
    server.kill()
    folder = server.store.parent
    disk.cut_power(folder, choices)
    disk.ask(LIE, 0)
    try:
        server.start()
    except AssertionError:
        return acknowledged, set()
    found = set(texts(client))
    server.stop()
    return acknowledged, found


@pytest.mark.parametrize("number", range(ROUNDS))
def test_nothing_acknowledged_after_a_failed_sync_is_lost_with_the_power(
    start_server: StartServer, library: Path, tmp_path: Path, note: Note, number: int
) -> None:
    note(f"seed {SEED}")
    choices = random.Random(SEED + number)
    acknowledged, found = lose_power_after_a_failed_sync(
        start_server, Disk(library, tmp_path / "disk"), choices, lying=False
    )
    assert acknowledged <= found, f"{len(acknowledged - found)} of {len(acknowledged)} are gone"


def test_the_drill_notices_a_disk_that_lies(start_server: StartServer, library: Path, tmp_path: Path, note: Note) -> None:
    note(f"seed {SEED}")
    losses = 0
    for number in range(12):
        # What a disk has forgotten is no loss where the server happened to write it again.
        if losses > 0:
            break
        choices = random.Random(SEED + number)
        acknowledged, found = lose_power_after_a_failed_sync(
            start_server, Disk(library, tmp_path / f"disk-{number}"), choices, lying=True
        )
        losses += len(acknowledged - found)
    assert losses > 0, "a drill that finds nothing here finds nothing at all"


# MARK: Names


def test_a_store_that_is_served_is_not_opened_by_another_name(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server()
    client = server.client()
    version = client.make_version({"number": "integer"})
    symbolic = tmp_path / "symbolic.sqlite"
    symbolic.symlink_to(server.store)
    chain = tmp_path / "chain.sqlite"
    chain.symlink_to("symbolic.sqlite")
    folder = tmp_path / "folder"
    folder.symlink_to(server.folder)
    for name in (symbolic, chain, folder / "ovation.sqlite"):
        refused = run("serve", "--port", "0", "--store", f"sqlite:{name}", home=tmp_path)
        assert refused.returncode == 1 and "another process has this store open" in refused.stderr, refused.stderr
    hard = tmp_path / "hard.sqlite"
    os.link(server.store, hard)
    for command in (
        ["serve", "--port", "0", "--store", f"sqlite:{hard}"],
        ["store", "backup", "--store", f"sqlite:{hard}", "--to", str(tmp_path / "copy.sqlite")],
        ["store", "copy", "--from", f"sqlite:{hard}", "--to", f"sqlite:{tmp_path / 'copy.sqlite'}"],
    ):
        refused = run(*command, home=tmp_path)
        assert refused.returncode == 1 and "hard links" in refused.stderr, refused.stderr
    examined = run("doctor", "--store", f"sqlite:{hard}", home=tmp_path)
    assert "hard links" in examined.stdout
    # Nothing of this is noticed by the one that serves it.
    assert post_numbers(client, version, range(5)) == list(range(5))
    server.kill()
    refuses_to_start(server, saying="hard links")
    hard.unlink()
    server.start()
    assert texts(client) == list(range(5))


def test_a_store_behind_a_link_is_the_same_store_with_its_log(start_server: StartServer, tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.sqlite"
    # It leads to a file that the first start makes.
    link.symlink_to("real/ovation.sqlite")
    server = start_server(store_name=f"sqlite:{link}")
    client = server.client()
    version = client.make_version({"number": "integer"})
    assert post_numbers(client, version, range(5)) == list(range(5))
    server.kill()
    assert (tmp_path / "real/ovation.sqlite-wal").stat().st_size > 0
    assert sorted(file.name for file in tmp_path.glob("link*")) == ["link.sqlite"]
    server.store_name = f"sqlite:{tmp_path / 'real/ovation.sqlite'}"
    server.start()
    assert texts(client) == list(range(5))


def test_a_file_that_is_mounted_by_itself_is_refused_and_a_folder_is_not(start_server: StartServer, tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-Urm", "true"], capture_output=True).returncode != 0:
        pytest.skip("this machine does not allow mount namespaces")
    server = start_server()
    (tmp_path / "data").mkdir()
    (tmp_path / "data/o.sqlite").touch()

    def inside(mount: str, store: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["unshare", "-Urm", "sh", "-c", f"mount --bind {mount} && exec {BINARY} serve --port 0 --store sqlite:{store}"],
            capture_output=True, text=True, timeout=60, env=environment(tmp_path),
        )  # fmt: skip

    by_file = inside(f"{server.store} {tmp_path}/data/o.sqlite", tmp_path / "data/o.sqlite")
    assert by_file.returncode == 1 and "mount the folder" in by_file.stderr, by_file.stderr
    by_folder = inside(f"{server.folder} {tmp_path}/data", tmp_path / "data/ovation.sqlite")
    assert by_folder.returncode == 1 and "another process has this store open" in by_folder.stderr, by_folder.stderr
    assert post_numbers(server.client(), server.client().make_version({"number": "integer"}), range(3)) == [0, 1, 2]


# MARK: The log


def stored_and_killed(start_server: StartServer, count: int = 20) -> tuple[Server, Client]:
    server = start_server()
    client = server.client()
    version = client.make_version({"number": "integer"})
    assert post_numbers(client, version, range(count)) == list(range(count))
    server.kill()
    return server, client


def log_of(server: Server) -> Path:
    return Path(f"{server.store}-wal")


def test_a_log_that_is_missing_is_told_by_how_much_is_lost(start_server: StartServer) -> None:
    server, client = stored_and_killed(start_server)
    kept = log_of(server).read_bytes()
    log_of(server).unlink()
    refuses_to_start(server, saying="acknowledged events are missing")
    examined = run("doctor", "--store", f"sqlite:{server.store}", home=server.folder)
    assert "BAD" in examined.stdout
    log_of(server).write_bytes(kept)
    server.start()
    assert texts(client) == list(range(20))


def test_a_log_that_is_flipped_by_a_byte_is_told_by_how_much_is_lost(start_server: StartServer, note: Note) -> None:
    note(f"seed {SEED}")
    server, client = stored_and_killed(start_server)
    content = bytearray(log_of(server).read_bytes())
    kept = bytes(content)
    # In the last half, so that a commit is cut off there whatever it is of.
    position = random.Random(SEED).randrange(len(content) // 2, len(content) - 8192)
    content[position] ^= 1 << random.Random(SEED).randrange(8)
    log_of(server).write_bytes(content)
    for _ in range(2):
        refuses_to_start(server, saying="acknowledged events are missing")
        assert log_of(server).read_bytes() == content, "what has to be put right is left as it was"
    for file in server.folder.glob("*-shm"):
        file.unlink()
    log_of(server).write_bytes(kept)
    server.start()
    assert texts(client) == list(range(20))


def test_the_log_of_another_store_or_time_is_refused_by_name(start_server: StartServer) -> None:
    server, client = stored_and_killed(start_server)
    other, _ = stored_and_killed(start_server, count=5)
    own = log_of(server).read_bytes()
    log_of(server).write_bytes(log_of(other).read_bytes())
    refuses_to_start(server, saying="is not the one that belongs to it")
    log_of(server).write_bytes(own)
    server.start()
    assert texts(client) == list(range(20))
    # A log of an earlier time: the one of before this start.
    server.kill()
    newer = log_of(server).read_bytes()
    log_of(server).write_bytes(own)
    refuses_to_start(server, saying="is not the one that belongs to it")
    log_of(server).write_bytes(newer)
    server.start()
    assert texts(client) == list(range(20))
    # And a log beside a store that was closed without one.
    server.stop()
    log_of(server).write_bytes(own)
    refuses_to_start(server, saying="is not the one that belongs to it")


@pytest.mark.parametrize("is_empty", [True, False], ids=["empty", "missing"])
def test_a_missing_or_empty_file_beside_a_full_log_makes_no_new_store(start_server: StartServer, is_empty: bool) -> None:
    server, client = stored_and_killed(start_server)
    kept, log = server.store.read_bytes(), log_of(server).read_bytes()
    if is_empty:
        server.store.write_bytes(b"")
    else:
        server.store.unlink()
    refuses_to_start(server, saying="its log")
    assert log_of(server).read_bytes() == log, "it is left as it was"
    server.store.write_bytes(kept)
    server.start()
    assert texts(client) == list(range(20))


def test_a_file_that_is_gone_without_a_log_makes_no_new_store_either(start_server: StartServer) -> None:
    server, client = stored_and_killed(start_server)
    server.start()
    server.stop()
    kept = server.store.read_bytes()
    server.store.unlink()
    refuses_to_start(server, saying="a store was here with events up to 20")
    server.store.write_bytes(kept)
    server.start()
    assert texts(client) == list(range(20))


def test_a_backup_takes_the_place_of_a_store_and_not_of_half_of_it(start_server: StartServer) -> None:
    server, client = stored_and_killed(start_server)
    server.start()
    backup = server.folder / "backup.sqlite"
    made = run("store", "backup", "--store", f"sqlite:{server.store}", "--to", str(backup), home=server.folder)
    assert made.returncode == 0, made.stderr
    version = client.make_version({"number": "integer"}, name="another")
    assert post_numbers(client, version, range(100, 110)) == list(range(100, 110))
    server.kill()
    shutil.copy(backup, server.store)
    refuses_to_start(server, saying="it is a backup")
    for beside in ("-wal", "-shm"):
        Path(f"{server.store}{beside}").unlink(missing_ok=True)
    server.start()
    assert texts(client) == list(range(20))

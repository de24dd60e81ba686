"""Restore drills: the commands of docs/backups.md, run as they stand there, while posts come.

The store is destroyed and restored. Whatever was answered 204 before the backup began is there, exactly once and in
order; of what came meanwhile a post is there whole or not at all; new events get new ids.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import requests

from conftest import StartServer
from ovation import (
    ARTICLE_MODEL,
    ARTICLE_SECTION,
    BINARY,
    ROOT,
    Client,
    Server,
    environment,
    event,
    run,
    wait_until,
)
from postgres import Postgres, program
from test_crash_drill import Post, Sender

CONNECTIONS = 4
DOCUMENT = ROOT / "docs/backups.md"


def commands(name: str) -> str:
    """The block of the document that has this name."""
    found = re.findall(rf"<!-- tested: {re.escape(name)} -->\n```sh\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert len(found) == 1, f"{len(found)} blocks of {name}"
    return found[0]


def shell(script: str, folder: Path, env: dict[str, str], user: str | None = None) -> None:
    """Runs commands as a person would type them, and ends with the first that fails."""
    programs = folder / "programs"
    if not programs.exists():
        programs.mkdir()
        (programs / "ovation").symlink_to(BINARY)
    path = os.pathsep.join([str(programs), str(Path(program("psql")).parent), os.environ["PATH"]])
    identity = {"user": user, "group": user, "extra_groups": []} if user and os.geteuid() == 0 else {}
    result = subprocess.run(
        ["sh", "-e", "-u", "-c", script],
        cwd=folder,
        env=environment(folder, {**env, "PATH": path}),
        capture_output=True,
        text=True,
        timeout=120,
        **identity,
    )
    assert result.returncode == 0, f"{script}\n{result.stdout}{result.stderr}"


@dataclass
class LoadSender(Sender):
    """Remembers which events came in one post."""

    posts: list[list[int]] = field(default_factory=list)

    def send(self, client: Client, post: Post) -> requests.Response:
        self.posts.append(post.numbers)
        return super().send(client, post)

    def check(self, client: Client, acknowledged_before: list[int]) -> list[int]:
        """Compares what is stored with what was sent; gives the ids."""
        items = client.list_events(key=self.profile)[::-1]
        found = [item["data"]["number"] for item in items]
        assert found[: len(acknowledged_before)] == acknowledged_before, "what was acknowledged before is there"
        whole: list[int] = []
        for numbers in self.posts:
            if len(whole) == len(found):
                break
            whole += numbers
        assert found == whole, "of what came meanwhile, posts are whole, in order and there once"
        return [int(item["id"]) for item in items]


class Load:
    """Several connections that post until the server goes."""

    def __init__(self, server: Server, seed: int) -> None:
        self.version = server.client().make_version({"connection": "integer", "number": "integer"})
        choices = random.Random(seed)
        self.senders = [
            LoadSender(name, self.version, random.Random(choices.getrandbits(64))) for name in range(CONNECTIONS)
        ]

    @property
    def acknowledged(self) -> int:
        return sum(len(sender.acknowledged) for sender in self.senders)

    def ledger(self) -> list[list[int]]:
        return [list(sender.acknowledged) for sender in self.senders]

    def wait_for(self, more: int) -> None:
        wanted = self.acknowledged + more
        assert wait_until(lambda: self.acknowledged >= wanted, 60), "the load goes on"

    @contextmanager
    def on(self, server: Server) -> Iterator[None]:
        """Ends with the server killed."""
        threads = [
            threading.Thread(target=sender.post_until_the_connection_breaks, args=[server.client()], daemon=True)
            for sender in self.senders
        ]
        for thread in threads:
            thread.start()
        try:
            self.wait_for(50)
            yield
        finally:
            server.kill()
            for thread in threads:
                thread.join(60)
        assert [sender.unexpected for sender in self.senders if sender.unexpected] == []

    def check(self, server: Server, before: list[list[int]]) -> None:
        """What was acknowledged is there, and new posts go on above it."""
        client = server.client()
        ids: list[int] = []
        for sender, acknowledged in zip(self.senders, before, strict=True):
            assert acknowledged, "every connection had something to lose"
            ids += sender.check(client, acknowledged)
        assert len(set(ids)) == len(ids)
        for sender in self.senders:
            post = sender.next_post()
            assert sender.send(client, post).status_code == 204
            new = [int(item["id"]) for item in client.list_events(key=sender.profile)[: len(post.numbers)]]
            assert min(new) > max(ids), "no id is given again"


def test_a_sqlite_store_comes_back_from_its_backup(start_server: StartServer) -> None:
    server = start_server(store_name="sqlite:./ovation-data/ovation.sqlite")
    load = Load(server, seed=1)
    with load.on(server):
        before = load.ledger()
        shell(commands("sqlite backup"), server.folder, {})
        load.wait_for(50)
    # What the disk had is gone; the folder is there with what is left of it.
    for file in (server.folder / "ovation-data").iterdir():
        file.write_bytes(b"lost")
    shell(commands("sqlite restore"), server.folder, {})
    server.start()
    load.check(server, before)
    server.stop()
    found = run("doctor", "--store", "sqlite:./ovation-data/ovation.sqlite", home=server.folder)
    assert "is sound" in found.stdout


def test_a_store_whose_server_was_killed_can_be_backed_up(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    load = Load(server, seed=4)
    with load.on(server):
        pass
    before = load.ledger()
    copy = tmp_path / "copy.sqlite"
    done = run("store", "backup", "--store", f"sqlite:{server.store}", "--to", copy, home=tmp_path)
    assert done.returncode == 0, done.stderr
    restored = start_server(store_name=f"sqlite:{copy}", credentials=server.credentials)
    load.check(restored, before)


def test_a_backup_says_what_is_wrong(tmp_path: Path, start_server: StartServer) -> None:
    missing = run("store", "backup", "--to", "copy.sqlite", home=tmp_path)
    assert missing.returncode == 1 and "does not exist" in missing.stderr
    server = start_server(model=ARTICLE_MODEL)
    store = f"sqlite:{server.store}"
    empty = run("store", "backup", "--store", store, "--to", "empty.sqlite", home=tmp_path)
    assert empty.returncode == 0 and "0 events of 0 profiles" in empty.stdout, empty.stderr
    one = server.client().post_events([event("2565266", {"myNumberField": 1})], section=ARTICLE_SECTION)
    assert one.status_code == 204, one.text
    done = run("store", "backup", "--store", store, "--to", "copy.sqlite", home=tmp_path)
    assert done.returncode == 0 and "1 event of 1 profile," in done.stdout, done.stderr
    again = run("store", "backup", "--to", "copy.sqlite", home=tmp_path, env={"OVATION_STORE": store})
    assert again.returncode == 1 and "is there already" in again.stderr
    postgres = run("store", "backup", "--store", "postgres://me@db/x", "--to", "copy.sqlite", home=tmp_path)
    assert postgres.returncode == 1 and "pg_dump" in postgres.stderr


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    server = Postgres().create()
    try:
        yield server
    finally:
        server.remove()


def test_a_postgresql_store_comes_back_from_its_dump(
    postgres: Postgres, tmp_path: Path, start_server: StartServer
) -> None:
    postgres.start()
    env = {"PGHOST": str(postgres.folder), "PGUSER": "ovation", "OVATION_STORE": postgres.target("ovation")}
    postgres.query("CREATE DATABASE ovation")
    server = start_server(store_name=env["OVATION_STORE"])
    load = Load(server, seed=2)
    with load.on(server):
        before = load.ledger()
        shell(commands("postgres dump"), tmp_path, env)
        load.wait_for(50)
    postgres.query("DROP DATABASE ovation WITH (FORCE)")
    shell(commands("postgres restore"), tmp_path, env)
    server.start()
    load.check(server, before)


def test_a_postgresql_store_goes_back_to_a_moment(postgres: Postgres, start_server: StartServer) -> None:
    backups = postgres.folder / "backups"
    archive = f"test ! -f {backups}/wal/%f && cp %p {backups}/wal/%f"
    for folder in (backups, backups / "wal"):
        folder.mkdir()
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
    settings = postgres.folder / "data/postgresql.conf"
    settings.write_text(settings.read_text() + f"\narchive_mode = on\narchive_command = '{archive}'\n")
    postgres.start()
    env = {"OVATION_STORE": postgres.target(), "PGDATA": str(postgres.folder / "data")}
    server = start_server(store_name=env["OVATION_STORE"])

    def documented(name: str) -> str:
        return commands(name).replace("/backups/", f"{backups}/")

    load = Load(server, seed=3)
    with load.on(server):
        shell(documented("postgres base backup"), postgres.folder, env, user="postgres")
        load.wait_for(50)
        before = load.ledger()
        back_to = postgres.query("SELECT clock_timestamp()")
        load.wait_for(50)
    sent = sum(len(numbers) for sender in load.senders for numbers in sender.posts)
    postgres.query("SELECT pg_switch_wal()")
    segments = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"
    assert wait_until(lambda: postgres.query(segments) == "0", 60, interval=0.1), "the log is in the archive"
    postgres.stop("immediate")
    shutil.rmtree(postgres.folder / "data")
    shell(documented("postgres point in time"), postgres.folder, {**env, "BACK_TO": back_to}, user="postgres")
    postgres.start()
    assert wait_until(lambda: postgres.query("SELECT pg_is_in_recovery()") == "f", 60, interval=0.1)
    assert int(postgres.query("SELECT count(*) FROM ovation.event")) < sent, "what came later is not there"
    server.start()
    load.check(server, before)

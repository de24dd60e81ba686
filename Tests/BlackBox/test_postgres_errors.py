"""What an operator is told when PostgreSQL cannot be used, and what clients are: one clear line, never a crash."""

from __future__ import annotations

import contextlib
import itertools
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from conftest import Note, StartServer
from ovation import (
    ARTICLE_MODEL,
    ARTICLE_SECTION,
    EMAIL,
    Client,
    Server,
    assert_problem,
    event,
    events_path,
    free_port,
    run,
    wait_until,
)
from postgres import Postgres, program

PATH = events_path(EMAIL, "steve@apsis.com", ARTICLE_SECTION)


_numbers = itertools.count(1)


class Database:
    """A server with a user that is not a superuser, as it should be."""

    def __init__(self, postgres: Postgres, space: str = "pg_default") -> None:
        self.postgres = postgres
        self.name = self.user = f"app{next(_numbers)}"
        postgres.query(f"CREATE ROLE {self.user} LOGIN")
        postgres.query(f"CREATE DATABASE {self.name} OWNER {self.user} TABLESPACE {space}")

    @property
    def target(self) -> str:
        return f"{self.postgres.target(self.name)} user={self.user}"

    def query(self, sql: str) -> str:
        """As the superuser."""
        return self.postgres.query(sql, self.name)

    def alter(self, sql: str) -> None:
        """From another database, in case that this one only reads."""
        self.postgres.query(f"ALTER DATABASE {self.name} {sql}")

    def cut_connections(self) -> None:
        self.query(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{self.user}'")

    @contextlib.contextmanager
    def session(self, sql: str) -> Iterator[None]:
        """Another session that does something and then rests, until the end."""
        name = f"other{next(_numbers)}"
        with subprocess.Popen(
            [program("psql"), "-Xq", "-c", f"BEGIN; {sql}; SELECT pg_sleep(600)", self.postgres.target(self.name)],
            env={"PGAPPNAME": name, "PATH": "/usr/bin:/bin"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                rests = f"SELECT 1 FROM pg_stat_activity WHERE application_name = '{name}' AND wait_event = 'PgSleep'"
                assert wait_until(lambda: self.query(rests) == "1", 30, interval=0.05)
                yield
            finally:
                self.query(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '{name}'")
                process.wait(30)


@pytest.fixture
def database(postgres: Postgres) -> Database:
    return Database(postgres)


def post(client: Client, number: int = 1, key: str | None = None) -> requests.Response:
    headers = {"Idempotency-Key": key} if key else None
    return client.post(PATH, json={"items": [event("2565266", {"myNumberField": number})]}, headers=headers)


def assert_refused(response: requests.Response, code: str = "store_unavailable") -> None:
    assert_problem(response, 503, code)
    assert int(response.headers["Retry-After"]) > 0


def assert_said(server: Server, *texts: str) -> None:
    """In one line of the log."""
    lines = server.output.splitlines()
    assert any(all(text in line for text in texts) for line in lines), f"{texts}:\n" + "\n".join(lines[-30:])
    assert not any("Fatal error" in line for line in lines)


def eventually_stores(client: Client) -> None:
    assert wait_until(lambda: post(client).status_code == 204, 30, interval=0.1)


# MARK: At the start


def refusal(tmp_path: Path, target: str) -> str:
    """The one line in which a start says why it cannot use a database."""
    result = run("serve", "--port", "0", "--store", target, home=tmp_path)
    assert result.returncode > 0 and result.stdout == "", result.stdout
    lines = [line for line in result.stderr.splitlines() if " ovation: " not in line]
    assert len(lines) == 1 and lines[0].startswith("Error: postgres://"), result.stderr
    return lines[0]


def test_passwords_and_passfiles(tmp_path: Path, start_server: StartServer) -> None:
    postgres = Postgres(password="right-and-secret").create()
    try:
        postgres.start()
        wrong = refusal(tmp_path, postgres.target() + " password=wrong-and-secret")
        assert "password authentication failed" in wrong and "passfile" in wrong and "secret" not in wrong
        none = refusal(tmp_path, postgres.target())
        assert "no password supplied" in none and "passfile" in none
        passfile = tmp_path / "passfile"
        passfile.write_text("*:*:*:*:right-and-secret\n")
        passfile.chmod(0o600)
        server = start_server(store_name=f"{postgres.target()} passfile={passfile}", model=ARTICLE_MODEL)
        assert post(server.client()).status_code == 204
        assert "right-and-secret" not in server.output
        server.stop()
    finally:
        postgres.remove()


def test_rights_databases_and_versions(postgres: Postgres, database: Database, tmp_path: Path) -> None:
    nowhere = refusal(tmp_path, database.target + " dbname=nowhere")
    assert 'database "nowhere" does not exist' in nowhere and "createdb" in nowhere
    nobody = refusal(tmp_path, database.target + " user=nobody_i_know")
    assert 'role "nobody_i_know" does not exist' in nobody and "createuser" in nobody
    postgres.query("CREATE ROLE guest LOGIN")
    guest = refusal(tmp_path, database.target + " user=guest")
    assert "permission denied" in guest and "grant it CREATE" in guest
    database.alter("SET default_transaction_read_only = on")
    reading = refusal(tmp_path, database.target)
    assert "only reads" in reading and "name the primary" in reading
    database.alter("RESET default_transaction_read_only")
    server = Server(tmp_path / "server", store_name=database.target).start()
    server.stop()
    database.query("INSERT INTO ovation.migration (number, name) VALUES (999, 'the future')")
    assert "newer Ovation" in refusal(tmp_path, database.target)


def test_no_connection_is_free_at_the_start(tmp_path: Path) -> None:
    postgres = Postgres().create()
    try:
        postgres.start({"max_connections": "5", "superuser_reserved_connections": "3"})
        database = Database(postgres)
        with contextlib.ExitStack() as stack:
            for _ in range(2):
                stack.enter_context(database.session("SELECT 1"))
            said = refusal(tmp_path, database.target)
        assert "connection" in said and "raise max_connections" in said, said
    finally:
        postgres.remove()


def test_a_standby_is_told_apart(tmp_path: Path) -> None:
    primary = Postgres().create()
    standby: Postgres | None = None
    try:
        primary.start()
        standby = primary.make_standby("second")
        alone = refusal(tmp_path, standby.target())
        assert "only reads" in alone and "name the primary" in alone
        both = refusal(tmp_path, f"host={standby.folder},{standby.folder} dbname=postgres user=ovation")
        assert "read-only" in both and "name the primary" in both
    finally:
        for one in (primary, standby):
            if one is not None:
                one.remove()


def test_a_start_that_waits_says_so_seldom(tmp_path: Path) -> None:
    result = run("serve", "--port", "0", "--store", f"host={tmp_path} dbname=x user=y", home=tmp_path)
    waiting = [line for line in result.stderr.splitlines() if "waiting for the database" in line]
    # At once, and then after one second, three and seven.
    assert 2 <= len(waiting) <= 4, result.stderr
    error = result.stderr.splitlines()[-1]
    assert error.startswith("Error: postgres://") and "start PostgreSQL" in error, result.stderr


def test_certificates_are_checked(tmp_path: Path, start_server: StartServer) -> None:
    postgres = Postgres(port=free_port()).create()
    try:
        good, other = make_authority(tmp_path / "good"), make_authority(tmp_path / "other")
        make_certificate(good, postgres.folder)
        files = {"ssl_cert_file": f"{postgres.folder}/server.crt", "ssl_key_file": f"{postgres.folder}/server.key"}
        postgres.start({"ssl": "on", **files})
        target = f"host=localhost hostaddr=127.0.0.1 port={postgres.port} dbname=postgres user=ovation sslmode=verify-full"
        said = refusal(tmp_path, f"{target} sslrootcert={other}/ca.crt")
        assert "certificate verify failed" in said and "sslrootcert" in said
        none = refusal(tmp_path, f"{target} sslrootcert={tmp_path}/nothing.crt")
        assert "nothing.crt" in none and "sslrootcert" in none
        named = refusal(tmp_path, f"{target} sslrootcert={good}/ca.crt".replace("host=localhost", "host=elsewhere"))
        assert "does not match host name" in named and "name the host as its certificate does" in named
        server = start_server(store_name=f"{target} sslrootcert={good}/ca.crt", model=ARTICLE_MODEL)
        assert post(server.client()).status_code == 204
        encrypted = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'ovation'"
        assert postgres.query(encrypted) == "t"
        server.stop()
    finally:
        postgres.remove()


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


def make_authority(folder: Path) -> Path:
    folder.mkdir()
    openssl(folder, *"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=test -keyout ca.key -out ca.crt".split())
    return folder


def make_certificate(authority: Path, folder: Path) -> None:
    """For `localhost`, where the server may read it."""
    openssl(authority, *"req -newkey rsa:2048 -nodes -subj /CN=localhost -keyout server.key -out server.csr".split())
    (authority / "names").write_text("subjectAltName=DNS:localhost\n")
    sign = "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out server.crt"
    openssl(authority, *sign.split())
    for name in ("server.crt", "server.key"):
        Postgres.give(authority / name, folder / name)


def test_hosts_that_are_dead_or_mute_are_passed_over(start_server: StartServer) -> None:
    postgres = Postgres(port=free_port()).create()
    try:
        postgres.start()
        with socket.create_server(("127.0.0.1", 0)) as mute:
            ports = f"{free_port()},{mute.getsockname()[1]},{postgres.port}"
            hosts = "host=127.0.0.1,127.0.0.1,127.0.0.1"
            server = start_server(store_name=f"{hosts} port={ports} dbname=postgres user=ovation", model=ARTICLE_MODEL)
            client = server.client()
            assert post(client, 1).status_code == 204
            postgres.stop("immediate")
            assert_refused(post(client, 2))
            postgres.start()
            eventually_stores(client)
            server.stop()
    finally:
        postgres.remove()


# MARK: While it serves


def test_a_lock_held_by_others_is_not_waited_for_for_ever(database: Database, start_server: StartServer) -> None:
    server = start_server(store_name=database.target, model=ARTICLE_MODEL)
    client = server.client()
    assert post(client).status_code == 204
    with database.session("LOCK TABLE ovation.event"):
        assert_refused(post(client))
        assert_said(server, "55P03", "another session holds a lock", "pg_stat_activity")
        assert client.get("/ready").status_code == 200
    assert post(client).status_code == 204


def test_a_statement_that_takes_too_long_is_given_up(database: Database, start_server: StartServer) -> None:
    database.query(f"ALTER ROLE {database.user} SET statement_timeout = '400ms'")
    server = start_server(store_name=database.target, model=ARTICLE_MODEL)
    client = server.client()
    assert post(client).status_code == 204
    with database.session("LOCK TABLE ovation.event"):
        assert_refused(post(client))
        assert_said(server, "57014", "statement timeout", "see statement_timeout")
    assert post(client).status_code == 204


def test_a_right_that_is_taken_away(database: Database, start_server: StartServer) -> None:
    server = start_server(store_name=database.target, model=ARTICLE_MODEL)
    client = server.client()
    assert post(client).status_code == 204
    database.query(f"REVOKE INSERT ON ovation.event FROM {database.user}")
    assert_refused(post(client))
    assert_said(server, "42501", "permission denied for table event", "make the user the owner")
    assert client.get(PATH).status_code == 200
    database.query(f"GRANT INSERT ON ovation.event TO {database.user}")
    assert post(client).status_code == 204


def test_a_database_that_only_reads_from_some_moment_on(database: Database, start_server: StartServer) -> None:
    server = start_server(store_name=database.target, model=ARTICLE_MODEL)
    client = server.client()
    assert post(client).status_code == 204
    database.alter("SET default_transaction_read_only = on")
    database.cut_connections()
    assert_refused(post(client))
    assert_said(server, "25006", "only reads")
    assert wait_until(lambda: client.get(PATH).status_code == 200, 30)
    database.alter("RESET default_transaction_read_only")
    database.cut_connections()
    eventually_stores(client)


def test_no_connection_is_free_any_more(database: Database, start_server: StartServer) -> None:
    server = start_server(store_name=database.target, model=ARTICLE_MODEL)
    client = server.client()
    assert post(client).status_code == 204
    database.query(f"ALTER ROLE {database.user} CONNECTION LIMIT 0")
    database.cut_connections()
    assert_refused(post(client))
    assert_refused(client.get(PATH))
    assert_said(server, "too many connections for role", "raise max_connections")
    database.query(f"ALTER ROLE {database.user} CONNECTION LIMIT -1")
    eventually_stores(client)
    assert client.get(PATH).status_code == 200


def test_a_full_disk_is_said_so_and_what_was_acknowledged_stays(start_server: StartServer) -> None:
    postgres = Postgres(disk_megabytes=32).create()
    try:
        # The log of PostgreSQL is elsewhere: where that is full, PostgreSQL ends itself.
        postgres.start()
        postgres.query(f"CREATE TABLESPACE small LOCATION '{postgres.small_disk}'")
        database = Database(postgres, space="small")
        server = start_server(store_name=database.target, model=ARTICLE_MODEL)
        client = server.client()
        assert post(client, 0).status_code == 204
        database.query("CREATE TABLE filler (text text)")
        database.query("ALTER TABLE filler ALTER text SET STORAGE PLAIN")
        database.query(
            "DO $$ BEGIN LOOP INSERT INTO filler SELECT repeat('x', 7000) FROM generate_series(1, 100); END LOOP; "
            "EXCEPTION WHEN disk_full THEN NULL; END $$"
        )
        stored = 1
        # What its pages have room for is still stored.
        for number in range(1, 500):
            items = [event("2565266", {"myTextField": f"{number:04}" * 30}) for _ in range(50)]
            response = client.post(PATH, json={"items": items})
            if response.status_code != 204:
                break
            stored += 50
        assert_refused(response, "storage_full")
        assert_said(server, "53100", "make room")
        assert count(client) == stored
        database.query("DROP TABLE filler")
        eventually_stores(client)
        assert count(client) == stored + 1
        server.stop()
    finally:
        postgres.remove()


def count(client: Client) -> int:
    return len(client.list_events(section=ARTICLE_SECTION))


def test_a_database_that_is_frozen(start_server: StartServer, note: Note) -> None:
    postgres = Postgres().create()
    try:
        postgres.start()
        server = start_server(store_name=postgres.target(), model=ARTICLE_MODEL)
        client = server.client()
        assert post(client, 0).status_code == 204
        answers: list[tuple[int, float, int]] = []

        def send_one(number: int) -> None:
            own = server.client()
            own.token = client.token
            began = time.monotonic()
            # With a key, so that it can be repeated whatever became of it.
            response = post(own, number, key=f"k{number}") if number else own.get(PATH)
            answers.append((number, time.monotonic() - began, response.status_code))

        threads = [threading.Thread(target=send_one, args=[number], daemon=True) for number in range(6)]
        postgres.signal(signal.SIGSTOP)
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            assert len(answers) == 6 and {code for _, _, code in answers} == {503}, answers
            longest = max(took for _, took, _ in answers)
            # 15 seconds for an answer, 2 for a connection, 1.5 of patience; and a busy machine gets more.
            assert longest < 15 + 2 + 1.5 + 4, answers
            began = time.monotonic()
            assert_refused(post(client, 7))
            note(f"frozen: answered after {longest:.1f} s, the next one after {time.monotonic() - began:.2f} s")
        finally:
            postgres.signal(signal.SIGCONT)
        for number in range(1, 6):
            assert wait_until(lambda: post(client, number, key=f"k{number}").status_code == 204, 30, interval=0.1)
        stored = [item["data"]["myNumberField"] for item in client.get(PATH).json()["items"]]
        assert sorted(set(stored)) == sorted(stored) and set(stored) >= {0, 1, 2, 3, 4, 5}
        server.stop()
    finally:
        postgres.remove()

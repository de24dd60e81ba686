"""Secrets stay secret: in connection strings, in settings, in what is printed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ovation import free_port, run

# MARK: Passwords of databases

#: Two words that are nowhere else, with something between them that means something in a connection string.
FIRST, SECOND = "Zebra7", "Quokka8"
BETWEEN = ["@", "/", ":", "%", "?", "#", "&", "=", " ", "'", ",", "[", "]", "\\", "%40", "@/", "/@", ":@", "@:", "@?user=", "@host:1/"]


def assert_not_told(text: str) -> None:
    assert FIRST.lower() not in text.lower() and SECOND.lower() not in text.lower(), text
    assert "Fatal error" not in text


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("form", ["URI", "pairs", "quoted pairs", "query"])
def test_no_part_of_a_password_of_a_database_is_printed(tmp_path: Path, between: str, form: str) -> None:
    password = FIRST + between + SECOND
    # No server listens there.
    port = free_port()
    target = {
        "URI": f"postgres://ovation:{password}@127.0.0.1:{port}/ovation",
        "pairs": f"host=127.0.0.1 port={port} user=ovation password={password} dbname=ovation",
        "quoted pairs": f"host=127.0.0.1 port={port} user=ovation password='{password}' dbname=ovation",
        "query": f"postgres://127.0.0.1:{port}/ovation?user=ovation&password={password}",
    }[form]
    options = {"home": tmp_path, "env": {"OVATION_URL": f"http://127.0.0.1:{port}"}}
    doctor = run("doctor", "--store", target, **options)
    assert doctor.returncode == 1
    assert_not_told(doctor.stdout + doctor.stderr)
    backup = run("store", "backup", "--store", target, "--to", "copy.sqlite", **options)
    assert_not_told(backup.stdout + backup.stderr)
    # The others wait for a database that is starting, unless the string itself is refused.
    if form == "URI" and ("@" in between or "/" in between):
        assert "%40" in doctor.stdout
        for arguments in [
            ["serve", "--port", "0", "--store", target],
            ["store", "copy", "--from", target, "--to", "sqlite:new.sqlite"],
            ["store", "copy", "--from", "sqlite:old.sqlite", "--to", target],
            ["store", "copy", "--from", target, "--to", target],
            ["store", "distribute", "--store", target],
            ["serve", target],
            ["store", "distribute", target],
        ]:
            result = run(*arguments, **options)
            assert result.returncode != 0
            assert_not_told(result.stdout + result.stderr)
        assert "%40" in run("store", "copy", "--from", target, "--to", target, **options).stderr
    result = run("serve", "--port", "0", home=tmp_path, env={"OVATION_STORE": f"postgre://ovation:{password}@h/ovation"})
    assert result.returncode == 1
    assert_not_told(result.stdout + result.stderr)


def test_a_password_that_waits_for_its_database_is_not_logged(tmp_path: Path) -> None:
    target = f"postgres://ovation:{FIRST}%40{SECOND}@127.0.0.1:{free_port()}/ovation"
    result = run("serve", "--port", "0", "--log-level", "trace", "--store", target, home=tmp_path)
    assert result.returncode == 1 and "postgres://ovation@127.0.0.1" in result.stderr
    assert_not_told(result.stdout + result.stderr)
    env = {"PGPASSWORD": f"{FIRST}@{SECOND}", "OVATION_STORE": f"postgres://ovation@{FIRST.lower()}.invalid/ovation"}
    result = run("doctor", home=tmp_path, env=env)
    assert SECOND not in result.stdout + result.stderr


# MARK: Secrets of clients


class Elsewhere(BaseHTTPRequestHandler):
    """Sends everybody on to another address, and notes who came."""

    came: list[tuple[str, str, bytes]] = []
    status = 307
    target = ""
    #: The first answers that are right.
    gives_tokens = False

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        Elsewhere.came.append((self.path, self.headers.get("Authorization", ""), body))
        if self.path == "/oauth/token" and Elsewhere.gives_tokens:
            text = b'{"access_token": "Zebra7Quokka8"}'
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
            return
        self.send_response(Elsewhere.status)
        self.send_header("Location", Elsewhere.target + self.path)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_PUT = do_DELETE = do_POST

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[str]:
    Elsewhere.came.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("status", [300, 301, 302, 303, 307, 308])
@pytest.mark.parametrize("gives_tokens", [False, True], ids=["token call", "other calls"])
@pytest.mark.parametrize("place", ["another server", "the same server", "nowhere"])
def test_no_command_follows_to_another_address(
    tmp_path: Path, elsewhere: str, status: int, gives_tokens: bool, place: str
) -> None:
    thief = ThreadingHTTPServer(("127.0.0.1", 0), Thief)
    threading.Thread(target=thief.serve_forever, daemon=True).start()
    Thief.came.clear()
    other = f"http://user:Zebra7@127.0.0.1:{thief.server_address[1]}"
    Elsewhere.status, Elsewhere.gives_tokens = status, gives_tokens
    Elsewhere.target = {"another server": other, "the same server": "/elsewhere", "nowhere": "nonsense:"}[place]
    (tmp_path / "events.ndjson").write_text("{}\n")
    (tmp_path / "model.yaml").write_text("sections: []\n")
    options = ["--url", elsewhere, "--client-id", "id", "--client-secret", "Quokka8-secret"]
    try:
        for arguments in [
            ["token"], ["keys", "list"], ["events", "export", "--quiet"], ["events", "import", "--quiet", "events.ndjson"],
            ["model", "apply", "model.yaml"],
        ][(1 if gives_tokens else 0) :]:  # fmt: skip
            Elsewhere.came.clear()
            result = run(*arguments, *options, home=tmp_path)
            assert result.returncode == 1 and "not followed" in result.stderr and "--url" in result.stderr
            assert "Zebra7" not in result.stdout + result.stderr and "Quokka8" not in result.stderr
            assert not Thief.came
            assert len([path for path, _, _ in Elsewhere.came if path != "/oauth/token"]) == (1 if gives_tokens else 0)
    finally:
        thief.shutdown()
        thief.server_close()


class Thief(Elsewhere):
    came: list[tuple[str, str, bytes]] = []

    def do_POST(self) -> None:
        Thief.came.append((self.path, self.headers.get("Authorization", ""), b""))
        self.send_response(404)
        self.end_headers()

    do_GET = do_PUT = do_DELETE = do_POST


@pytest.mark.parametrize(
    "url", ["ftp://host", "127.0.0.1:8080", "http://", "http://user:Zebra7@127.0.0.1:1", "http://h?password=Zebra7", "nonsense"]
)
def test_an_address_that_is_none_is_refused_before_a_secret_is_sent(tmp_path: Path, url: str) -> None:
    for where in (["--url", url], []):
        result = run("token", *where, "--client-id", "id", "--client-secret", "x", home=tmp_path, env={"OVATION_URL": url})
        assert result.returncode == 1 and "Zebra7" not in result.stderr
        assert "--url" in result.stderr or "OVATION_URL" in result.stderr

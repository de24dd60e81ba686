"""`ovation console`: a one-time link to the console of a server that runs, for people who can read its store."""

from __future__ import annotations

import http.server
import itertools
import os
import re
import stat
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from conftest import StartServer
from ovation import BINARY, COMMAND_SECONDS, Credentials, Server, environment, free_port, run
from postgres import Postgres

LINK = re.compile(r"^  (\S+)(/console/enter/[0-9a-f]{64})$", re.MULTILINE)
_numbers = itertools.count(1)


def ask(server: Server, *arguments: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return run("console", *arguments, home=server.folder, env=env)


def link(result: subprocess.CompletedProcess[str]) -> tuple[str, str]:
    """What the link begins with, and its path."""
    assert result.returncode == 0, result.stderr
    found = LINK.search(result.stdout)
    assert found and "once, within the hour" in result.stdout, result.stdout
    return found[1], found[2]


def opens(url: str) -> bool:
    """Whether a browser is signed in by it."""
    session = requests.Session()
    session.trust_env = False
    answer = session.get(url, allow_redirects=False)
    if answer.status_code != 303:
        assert answer.status_code == 401, answer.text
        return False
    page = session.get(url.split("/console")[0] + "/console")
    assert "<h1>Overview</h1>" in page.text
    return True


def test_a_link_opens_the_console_once_while_the_server_has_its_store_locked(start_server: StartServer) -> None:
    server = start_server()
    before = sorted(os.listdir(server.folder))
    store = f"sqlite:{server.store}"
    base, path = link(ask(server, "--store", store, "--url", server.url))
    assert base == server.url
    assert sorted(os.listdir(server.folder)) == before, "nothing is left that somebody could take"
    assert opens(base + path)
    assert not opens(base + path), "once"
    # The host and the port of the server's own settings do too.
    env = {"OVATION_STORE": store, "OVATION_PORT": str(server.port)}
    assert opens("".join(link(ask(server, env=env))))
    config = server.folder / "ovation.yaml"
    config.write_text(f"store: {store}\nport: {server.port}\nhost: 0.0.0.0\n")
    base, path = link(ask(server, "--config", str(config)))
    assert base == f"http://127.0.0.1:{server.port}" and opens(base + path)
    assert server.client().get("/audience/sections").status_code == 200, "the server goes on"


def test_the_link_is_of_an_admin_key_that_is_not_revoked(start_server: StartServer) -> None:
    server = start_server()
    client = server.client()
    second = client.post("/account/api-keys", json={"name": "second", "role": "admin"}).json()
    other = Credentials(second["client_id"], second["client_secret"])
    assert server.credentials is not None
    assert server.client(other).request("DELETE", f"/account/api-keys/{server.credentials.client_id}").status_code == 204
    base, path = link(ask(server, "--store", f"sqlite:{server.store}", "--url", server.url))
    assert opens(base + path)
    assert f"client_id={second['client_id']}" in server.output.replace('"', ""), "the log says who came"


def test_without_a_server_it_says_so_and_what_to_do(start_server: StartServer) -> None:
    server = start_server()
    server.stop()
    result = ask(server, "--store", f"sqlite:{server.store}", "--url", server.url)
    assert result.returncode != 0 and result.stdout == ""
    assert "No server answers at" in result.stderr and server.url in result.stderr
    assert "ovation serve" in result.stderr and "--url" in result.stderr


def test_what_is_no_server_of_this_store_is_told_apart(start_server: StartServer, tmp_path: Path) -> None:
    here, other = start_server(), start_server()
    result = ask(here, "--store", f"sqlite:{other.store}", "--url", here.url)
    assert result.returncode != 0 and "does not run on" in result.stderr and "--store" in result.stderr
    result = ask(here, "--store", f"sqlite:{tmp_path}/none.sqlite", "--url", here.url)
    assert result.returncode != 0 and "does not exist" in result.stderr and "--store" in result.stderr
    assert not (tmp_path / "none.sqlite").exists()

    class NoOvation(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), NoOvation) as stranger:
        threading.Thread(target=stranger.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{stranger.server_port}"
        result = ask(here, "--store", f"sqlite:{here.store}", "--url", url)
        stranger.shutdown()
    assert result.returncode != 0 and "is not Ovation" in result.stderr


def test_a_console_that_is_turned_off_has_no_link(start_server: StartServer) -> None:
    server = start_server(options=["--console", "false"])
    result = ask(server, "--store", f"sqlite:{server.store}", "--url", server.url)
    assert result.returncode != 0 and "turned off" in result.stderr and result.stdout == ""


def test_under_another_name_the_link_begins_with_it(start_server: StartServer) -> None:
    """The name of a proxy that this machine cannot reach: the server is asked where it listens."""
    server = start_server()
    settings = {"OVATION_PORT": str(server.port), "OVATION_STORE": f"sqlite:{server.store}"}
    name = f"http://127.0.0.1:{free_port()}/"
    base, path = link(ask(server, "--url", name, env=settings))
    assert base == name.rstrip("/")
    assert opens(server.url + path)
    result = ask(server, "--url", "ftp://events.example.com", env=settings)
    assert result.returncode != 0 and "--url is an address such as" in result.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_another_user_of_the_machine_gets_none(start_server: StartServer) -> None:
    server = start_server()
    for folder in (server.folder, *server.folder.parents):
        # Even where the folders can be entered: the file itself is its owner's alone.
        if folder.stat().st_uid == os.geteuid() and str(folder).startswith("/tmp/"):
            folder.chmod(folder.stat().st_mode | stat.S_IROTH | stat.S_IXOTH)
    result = subprocess.run(
        [BINARY, "console", "--store", f"sqlite:{server.store}", "--url", server.url],
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        env=environment(server.folder),
        cwd="/",
        user=65534,
        group=65534,
        extra_groups=[],
    )
    assert result.returncode != 0 and "/console/enter/" not in result.stdout
    assert "The store cannot be read" in result.stderr, result.stderr


def test_of_two_servers_on_postgresql_the_named_one_gives_it(postgres: Postgres, start_server: StartServer) -> None:
    name = f"console{next(_numbers)}"
    postgres.query(f"CREATE DATABASE {name}")
    first = start_server(store_name=postgres.uri(name))
    second = start_server(store_name=postgres.uri(name), credentials=first.credentials)
    for server, other in ((first, second), (second, first)):
        base, path = link(ask(server, "--store", postgres.uri(name), "--url", server.url))
        assert base == server.url
        assert not opens(other.url + path), "it is of one server"
        assert opens(base + path)
        assert not opens(base + path)
    # A database that has no store in it is told so, and stays empty.
    postgres.query(f"CREATE DATABASE {name}empty")
    result = ask(first, "--store", postgres.uri(f"{name}empty"), "--url", first.url)
    assert result.returncode != 0 and "The store cannot be read" in result.stderr
    assert postgres.query("SELECT count(*) FROM pg_namespace WHERE nspname = 'ovation'", f"{name}empty").strip() == "0"


@pytest.mark.parametrize(
    ("host", "printed"),
    [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("0:0:0:0:0:0:0:0", "[::1]"), ("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")],
)
def test_the_banner_prints_an_address_that_a_browser_can_open(tmp_path: Path, host: str, printed: str) -> None:
    port = free_port()
    process = subprocess.Popen(
        [BINARY, "serve", "--store", f"sqlite:{tmp_path}/ovation.sqlite", "--host", host, "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment(tmp_path),
        cwd=tmp_path,
    )
    try:
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line)
            if "/console/enter/" in line:
                break
        text = "".join(lines)
        assert f"is ready at http://{printed}:{port}  " in text, text
        assert ("on all addresses" in text) == (host not in ("127.0.0.1", "::1"))
        found = LINK.search(text)
        assert found and found[1] == f"http://{printed}:{port}"
        assert opens(found[1] + found[2])
    finally:
        process.terminate()
        process.communicate(timeout=COMMAND_SECONDS)


def test_a_later_start_without_a_terminal_says_how_to_get_a_link(start_server: StartServer) -> None:
    server = start_server()
    server.stop()
    server.start()
    assert "/console/enter/" not in server.output_of_start(2)
    assert "'ovation console' prints" in server.output_of_start(2)


@pytest.fixture
def help_text(tmp_path: Path) -> Iterator[str]:
    yield run("console", "--help", home=tmp_path).stdout


def test_the_help_says_where_to_run_it(help_text: str) -> None:
    for words in ("server's machine", "--store", "--url", "--config", "once, within the hour"):
        assert words in help_text

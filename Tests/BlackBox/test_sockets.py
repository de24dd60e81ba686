"""Requests that come over a Unix socket, and over sockets that systemd hands over."""

from __future__ import annotations

import fcntl
import json
import os
import re
import signal
import socket
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import StartServer
from ovation import (
    DEFAULT_SECTION, EMAIL, ConnectionClosed, Credentials, RawConnection, Server, environment, event, events_path,
    free_port, run, wait_until,
)  # fmt: skip

#: Long enough for a debug build, and short of every other time-out.
SECONDS = 60
HEALTH = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a short name: the path of a socket has room for 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="ov", dir="/tmp") as name:
        yield Path(name)


def curl(path: Path, address: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", "30", "--unix-socket", str(path), *options, f"http://localhost{address}"],
        capture_output=True, text=True, check=False, timeout=60, env=environment(path.parent),
    )  # fmt: skip


def token(server: Server, path: Path) -> str:
    assert server.credentials is not None
    done = curl(
        path, "/oauth/token", "-d", "grant_type=client_credentials", "-d", f"client_id={server.credentials.client_id}",
        "-d", f"client_secret={server.credentials.client_secret}",
    )  # fmt: skip
    return json.loads(done.stdout)["access_token"]


def refusal(folder: Path, *options: str, env: dict[str, str] | None = None) -> str:
    """Why a server does not start."""
    done = run(
        "serve", "--store", f"sqlite:{folder}/other.sqlite", "--port", str(free_port()), *options, home=folder, env=env
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert not (folder / "other.sqlite").exists(), "nothing was made"
    assert "admin API key" not in done.stdout
    return done.stderr


def prints(server: Server, text: str) -> bool:
    return wait_until(lambda: text in server.output, SECONDS)


def listening(place: str | tuple[str, int]) -> socket.socket:
    made = socket.socket(socket.AF_UNIX if isinstance(place, str) else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind(place)
    made.listen(64)
    return made


# MARK: A Unix socket of the server's own


def test_a_server_answers_on_a_unix_socket_and_on_its_port(start_server: StartServer, folder: Path) -> None:
    path = folder / "ovation.sock"
    server = start_server(options=["--listen", f"unix:{path}"])
    assert stat.S_ISSOCK(path.stat().st_mode) and stat.S_IMODE(path.stat().st_mode) == 0o660
    admin = server.client()
    version = admin.make_version({"text": "string"})
    body = json.dumps({"items": [event(version, {"text": "over a socket"})]})
    done = curl(
        path, events_path(EMAIL, "steve@apsis.com", DEFAULT_SECTION), "-H", f"Authorization: Bearer {token(server, path)}",
        "-H", "Content-Type: application/json", "-d", body, "-i",
    )  # fmt: skip
    assert done.stdout.startswith("HTTP/1.1 204"), done
    assert re.search(r"^date: (Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT\r?$", done.stdout, re.M | re.I)
    assert re.search(r"^server: Ovation\r?$", done.stdout, re.M | re.I)
    assert [item["data"] for item in admin.list_events()] == [{"text": "over a socket"}]
    # An answer that is larger than what the system holds of it at a time.
    assert curl(path, "/openapi.json").stdout == admin.get("/openapi.json").text
    assert prints(server, f"It listens on the Unix socket {path} too.")
    server.stop()
    assert list(folder.iterdir()) == [], "nothing stays behind"


def test_the_date_is_the_one_that_the_port_has(start_server: StartServer, folder: Path) -> None:
    path = folder / "ovation.sock"
    server = start_server(env={"OVATION_LISTEN": f"unix:{path}"})
    dates = []
    for place in (server.port, path, server.port):
        with RawConnection(place) as connection:
            connection.send(HEALTH)
            dates.append(connection.read_response().header("date"))
    assert dates[1] in dates[::2] or dates[0] != dates[2], dates


def test_the_socket_of_a_server_that_crashed_is_replaced(start_server: StartServer, folder: Path) -> None:
    path = folder / "ovation.sock"
    server = start_server(options=["--listen", f"unix:{path}"])
    server.kill()
    assert path.exists()
    assert "refused" in curl(path, "/health").stderr.lower() or curl(path, "/health").returncode == 7
    server.start()
    assert json.loads(curl(path, "/health").stdout) == {"healthy": True}


def test_the_socket_of_a_living_server_is_not_taken(start_server: StartServer, folder: Path) -> None:
    path = folder / "ovation.sock"
    server = start_server(options=["--listen", f"unix:{path}"])
    said = refusal(folder, "--listen", f"unix:{path}")
    assert f"unix:{path} cannot be listened on: another server has it" in said and "--listen" in said
    assert curl(path, "/health").returncode == 0, "the first one still answers"
    server.stop()
    # One that is still starting answers nobody yet, and has it all the same.
    with open(f"{path}.lock", "w", encoding="ascii") as lock, listening(str(path)) as starting:
        fcntl.flock(lock, fcntl.LOCK_EX)
        starting.close()
        assert "another server has it" in refusal(folder, "--listen", f"unix:{path}")
        assert path.exists()


def test_what_is_no_socket_of_a_server_that_is_gone_stays_as_it_is(folder: Path) -> None:
    path = folder / "taken"
    with listening(str(path)):
        assert "another program answers there" in refusal(folder, "--listen", f"unix:{path}")
        with RawConnection(path):
            pass
    path.unlink()
    path.write_text("a list of things")
    assert "there is a file that is no socket" in refusal(folder, "--listen", f"unix:{path}")
    assert path.read_text() == "a list of things"
    path.unlink()
    assert list(folder.iterdir()) == [], "no lock stays behind either"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("/run/ovation.sock", "listen is 'unix:' and the path"), ("unix:", "listen is 'unix:' and the path"),
        ("127.0.0.1:9000", "host and port"), ("unix:/nowhere/at/all.sock", "Make the folder first"),
        ("unix:/tmp/" + "x" * 110, "107 bytes at most"),
    ],
)  # fmt: skip
def test_a_path_that_cannot_be_one_stops_the_start_with_advice(folder: Path, value: str, words: str) -> None:
    assert words in refusal(folder, "--listen", value)
    assert words in refusal(folder, env={"OVATION_LISTEN": value})


def test_another_file_at_the_path_survives_the_end_of_the_server(start_server: StartServer, folder: Path) -> None:
    path = folder / "ovation.sock"
    server = start_server(options=["--listen", f"unix:{path}"])
    path.unlink()
    path.write_text("of somebody else")
    server.stop()
    assert path.read_text() == "of somebody else"


# MARK: Limits and the end of connections


def test_a_body_that_does_not_come_and_a_connection_that_asks_nothing_end(start_server: StartServer, folder: Path) -> None:
    path = folder / "ovation.sock"
    start_server(
        options=["--listen", f"unix:{path}"],
        env={"OVATION_BODY_TIMEOUT_SECONDS": "1", "OVATION_IDLE_TIMEOUT_SECONDS": "2"},
    )
    with RawConnection(path) as slow, RawConnection(path) as idle:
        slow.send(b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ngrant")
        assert slow.read_response().status == 408
        began = time.monotonic()
        assert idle.read_to_end() == b""
        assert time.monotonic() - began < 20


def test_a_client_that_never_reads_is_cut_off(start_server: StartServer, folder: Path) -> None:
    path = folder / "ovation.sock"
    start_server(options=["--listen", f"unix:{path}"], env={"OVATION_ANSWER_TIMEOUT_SECONDS": "1"})
    request = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    with RawConnection(path) as connection:
        end = time.monotonic() + SECONDS
        connection.socket.setblocking(False)
        while time.monotonic() < end:
            try:
                connection.send(request)
            except BlockingIOError:
                threading.Event().wait(0.05)
            except OSError:
                break
        else:
            pytest.fail("it is still connected")


def test_no_more_connections_than_the_settings_say_are_served_at_a_time(start_server: StartServer, folder: Path) -> None:
    path = folder / "ovation.sock"
    server = start_server(options=["--listen", f"unix:{path}"], env={"OVATION_CONNECTIONS_MAX": "8"})
    held = [RawConnection(path) for _ in range(8)]
    for connection in held:
        connection.send(HEALTH)
        assert connection.read_response().status == 200
    with RawConnection(path) as one_more, RawConnection(server.port) as elsewhere:
        one_more.send(HEALTH)
        one_more.socket.settimeout(1)
        with pytest.raises(TimeoutError):
            one_more.read_response()
        # The port has places of its own.
        elsewhere.send(HEALTH)
        assert elsewhere.read_response().status == 200
        held[0].socket.close()
        one_more.socket.settimeout(SECONDS)
        assert one_more.read_response().status == 200
    for connection in held:
        connection.socket.close()


def test_what_is_under_way_when_the_server_stops_is_answered(start_server: StartServer, folder: Path) -> None:
    path = folder / "ovation.sock"
    server = start_server(options=["--listen", f"unix:{path}"])
    admin = server.client()
    version = admin.make_version({"text": "string"})
    body = json.dumps({"items": [event(version, {"text": "the last"})]}).encode()
    head = (
        f"POST {events_path(EMAIL, 'steve@apsis.com', DEFAULT_SECTION)} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {admin.token}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with RawConnection(path) as busy, RawConnection(path) as idle:
        busy.send(head.encode() + body[:10])
        idle.send(HEALTH)
        assert idle.read_response().status == 200
        time.sleep(0.5)
        server.signal(signal.SIGTERM)
        # The one that asks nothing is closed at once, and nobody new comes in.
        assert idle.read_to_end() == b""
        with pytest.raises((OSError, ConnectionClosed)), RawConnection(path) as late:
            late.send(HEALTH)
            late.read_response()
        busy.send(body[10:])
        assert busy.read_response().status == 204
    assert server.wait() == 0
    server.start()
    assert [item["data"] for item in server.client().list_events()] == [{"text": "the last"}]


# MARK: Sockets that are handed over


def test_sockets_that_are_handed_over_take_the_place_of_host_and_port(start_server: StartServer, folder: Path) -> None:
    path = str(folder / "systemd.sock")
    own = free_port()
    with listening(("127.0.0.1", 0)) as tcp, listening(path) as unix:
        port = tcp.getsockname()[1]
        server = start_server(handed=[tcp, unix], port=own)
        for place in (port, path):
            with RawConnection(place) as connection:
                connection.send(HEALTH)
                assert connection.read_response().status == 200
        with pytest.raises(OSError):
            RawConnection(own)
        assert prints(server, f"is ready at http://127.0.0.1:{port} ")
        assert prints(server, f"It listens on the Unix socket {path} too.")
        server.stop()
        assert Path(path).exists(), "it is not the server's"
        # A restart refuses nobody: who comes meanwhile waits.
        with RawConnection(port) as early, RawConnection(path) as other:
            early.send(HEALTH)
            other.send(HEALTH)
            server.start()
            assert early.read_response().status == 200 and other.read_response().status == 200


def test_a_server_on_a_unix_socket_of_systemd_alone_says_so(start_server: StartServer, folder: Path) -> None:
    path = str(folder / "systemd.sock")
    with listening(path) as unix:
        server = start_server(handed=[unix], credentials=None)
        assert prints(server, "/console/enter/")
        said = server.output
        assert f"is ready on the Unix socket {path} " in said and "http://127.0.0.1" not in said
        link = re.search(r"^  (/console/enter/\S+)$", said, re.M)
        assert link, said
        assert curl(Path(path), link[1], "-i").stdout.startswith("HTTP/1.1 303")
        assert run("ready", "--url", f"unix:{path}", home=folder).stdout == "ready\n"


def test_sockets_for_another_process_are_left_alone(start_server: StartServer) -> None:
    server = start_server(env={"LISTEN_FDS": "1", "LISTEN_PID": "1"})
    assert server.client().get("/health").status_code == 200


def test_what_is_handed_over_and_takes_no_connections_stops_the_start(folder: Path) -> None:
    datagrams = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    datagrams.bind(str(folder / "datagrams"))
    # As from a socket unit with Accept=yes.
    with listening(("127.0.0.1", 0)) as listener, datagrams:
        client = socket.create_connection(listener.getsockname())
        accepted, _ = listener.accept()
        for handed in (datagrams, accepted):
            with pytest.raises(AssertionError) as failure:
                Server(folder / "server", handed=[handed]).start()
            assert "descriptor 3 (LISTEN_FDS) is no socket that takes connections" in str(failure.value)
        client.close()
        accepted.close()


# MARK: Commands


def test_commands_talk_to_a_server_over_its_unix_socket(start_server: StartServer, folder: Path) -> None:
    path = folder / "ovation.sock"
    server = start_server(options=["--listen", f"unix:{path}"])
    assert isinstance(server.credentials, Credentials)
    env = {
        "OVATION_CLIENT_ID": server.credentials.client_id, "OVATION_CLIENT_SECRET": server.credentials.client_secret,
        "OVATION_STORE": f"sqlite:{server.store}",
    }  # fmt: skip
    for arguments, more in [([f"--url=unix:{path}"], {}), ([], {"OVATION_URL": f"unix:{path}"})]:
        done = run("sections", "list", *arguments, home=folder, env=env | more)
        assert done.returncode == 0 and DEFAULT_SECTION in done.stdout, done.stderr
    done = run("doctor", f"--url=unix:{path}", home=folder, env=env)
    assert f"ok   unix:{path} answers and takes the API key" in done.stdout, done.stdout
    # Where nothing is at the port of the settings.
    nowhere = {"OVATION_PORT": str(free_port()), "OVATION_LISTEN": f"unix:{path}"}
    assert run("ready", home=folder, env=nowhere).stdout == "ready\n"
    link = run("console", home=folder, env=env | nowhere)
    assert f"  http://127.0.0.1:{nowhere['OVATION_PORT']}/console/enter/" in link.stdout, link.stderr
    server.stop()
    done = run("ready", f"--url=unix:{path}", home=folder)
    assert done.returncode == 1 and f"unix:{path} cannot be reached (no such file or directory)" in done.stderr
    for wrong in ("unix:relative.sock", "unix:", "unix://host/path"):
        done = run("ready", f"--url={wrong}", home=folder)
        assert done.returncode == 1 and "the whole path of a socket" in done.stderr


@pytest.mark.parametrize("trusted", [True, False])
def test_a_proxy_at_the_unix_socket_may_say_where_requests_come_from(
    start_server: StartServer, folder: Path, trusted: bool
) -> None:
    path = folder / "ovation.sock"
    server = start_server(
        options=["--listen", f"unix:{path}"], env={"OVATION_TRUSTED_PROXIES": "unix, 10.0.0.0/8"} if trusted else {}
    )
    assert server.credentials is not None
    curl(
        path, "/oauth/token", "-H", "X-Forwarded-For: unix, 203.0.113.9, 10.1.2.3", "-d", "grant_type=client_credentials",
        "-d", f"client_id={server.credentials.client_id}", "-d", "client_secret=wrong",
    )  # fmt: skip
    place = "203.0.113.9" if trusted else "unix"
    refused = lambda: [line for line in server.output.splitlines() if "sign-in refused" in line]  # noqa: E731
    assert wait_until(lambda: bool(refused()), SECONDS)
    assert f"address={place} " in refused()[0] + " ", refused()
    assert os.path.exists(path)

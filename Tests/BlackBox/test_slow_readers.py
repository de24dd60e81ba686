"""Clients that do not read what they asked for, or next to nothing of it; and bodies that trickle."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import Note, StartServer
from ovation import DEFAULT_SECTION, EMAIL, RawConnection, Server, assert_problem, event, events_path, wait_until
from test_bulk import BULK, EXPORT, line, make_model, upload_head
from test_connections import resident_megabytes

#: Long enough for a debug build, and short of every other time-out.
SECONDS = 60


def held(server: Server, connections: list[socket.socket]) -> int:
    """How many of these connections the server has open at its end."""
    ports = {connection.getsockname()[1] for connection in connections}
    with open("/proc/net/tcp", encoding="ascii") as table:
        rows = [row.split() for row in table.readlines()[1:]]
    port_of = lambda address: int(address.split(":")[1], 16)  # noqa: E731
    # What a process has closed has no inode any more, whatever the network still does with it.
    return sum(port_of(row[1]) == server.port and port_of(row[2]) in ports and row[9] != "0" for row in rows)


def deaf(server: Server) -> socket.socket:
    """A connection with the smallest room for what comes."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", server.port))
    connection.setblocking(False)
    return connection


def pour(connection: socket.socket, data: bytes, done: Callable[[], bool]) -> int:
    """Sends over and over as long as the other end takes it."""
    sent = 0
    end = time.monotonic() + SECONDS
    while time.monotonic() < end and not done():
        try:
            sent += connection.send(data[sent % len(data) :])
        except BlockingIOError:
            threading.Event().wait(0.02)
        except OSError:
            return sent
    return sent


@pytest.mark.parametrize(
    "request_line", ["GET / HTTP/1.1", "GET /openapi.json HTTP/1.1", "GET /nothing HTTP/1.1", "GET /console/sign-in HTTP/1.1"]
)
def test_a_client_that_never_reads_is_cut_off(start_server: StartServer, request_line: str, note: Note) -> None:
    server = start_server(env={"OVATION_ANSWER_TIMEOUT_SECONDS": "1"})
    assert server.client().get("/health").status_code == 200
    # Warm, so that what is measured is what the requests hold.
    assert server.client().get("/openapi.json").status_code == 200
    memory = resident_megabytes(server)
    connections = [deaf(server) for _ in range(2)]
    assert wait_until(lambda: held(server, connections) == 2, SECONDS)
    request = f"{request_line}\r\nHost: x\r\n\r\n".encode() * 50
    gone = lambda: held(server, connections) == 0  # noqa: E731
    threads = [threading.Thread(target=pour, args=(connection, request, gone)) for connection in connections]
    for thread in threads:
        thread.start()
    assert wait_until(gone, SECONDS), "they are still connected"
    grown = resident_megabytes(server) - memory
    note(f"{request_line}: {grown:.1f} MB more for two deaf connections")
    assert grown < 60
    for thread in threads:
        thread.join()
    assert server.client().get("/health").status_code == 200


def test_a_client_that_reads_slowly_but_steadily_is_served_to_the_end(start_server: StartServer) -> None:
    server = start_server(env={"OVATION_ANSWER_TIMEOUT_SECONDS": "1"})
    expected = server.client().get("/openapi.json").content
    count = 30
    connection = deaf(server)
    connection.setblocking(True)
    connection.settimeout(SECONDS)
    request = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n"
    connection.sendall(request * count)
    read = b""
    began = time.monotonic()
    # For three times as long as a client may take nothing.
    while time.monotonic() - began < 3:
        read += connection.recv(16384)
        threading.Event().wait(0.05)
    # To look for answers in megabytes takes its time; they are not all there before there are as many bytes.
    while len(read) < count * len(expected) or read.count(expected) < count:
        part = connection.recv(1 << 20)
        assert part, f"it was cut off after {read.count(expected)} of {count} answers"
        read += part
    assert read.count(b"HTTP/1.1 200 OK") == count


def test_an_interim_answer_waits_for_the_answer_before_it(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    version, _ = make_model(server, tmp_path)
    client = server.client()
    lines = [line(version, number, "a@example.com", text="x" * 9000) for number in range(1000)]
    assert client.post(BULK, data="\n".join(lines).encode()).status_code == 200
    body = json.dumps({"items": [event(version, {"number": 1})]}).encode()
    with RawConnection(server.port) as connection:
        head = f"Host: x\r\nAuthorization: Bearer {client.token}\r\n"
        path = events_path(EMAIL, "late@example.com", DEFAULT_SECTION)
        connection.send(f"GET {EXPORT} HTTP/1.1\r\n{head}\r\n".encode())
        # It is being written by then, and more than the network holds of it waits.
        assert connection.socket.recv(1) == b"H"
        connection.buffer = b"H"
        connection.send(
            f"POST {path} HTTP/1.1\r\n{head}Expect: 100-continue\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        )
        threading.Event().wait(0.5)
        export = connection.read_response()
        assert export.status == 200 and len(export.body.splitlines()) == 1000
        assert all(json.loads(text)["data"]["text"] == "x" * 9000 for text in export.body.splitlines())
        assert connection.read_response(interim=True).status == 100
        connection.send(body)
        assert connection.read_response().status == 204
    assert len(client.list_events(key="late@example.com")) == 1


def closed_within(connection: socket.socket, seconds: float, trickle: bytes) -> bool:
    """Sends a byte now and then until the other end has had enough."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            connection.sendall(trickle)
        except OSError:
            return True
        threading.Event().wait(0.1)
    return False


@pytest.mark.parametrize(
    ("path", "authorized", "status"),
    [
        (BULK, False, 401),
        ("/audience/sections/com.apsis1.sections.none/events/bulk", True, 404),
        ("/audience/nothing/bulk", True, 404),
        ("/audience/keyspaces/com.apsis1.keyspaces.email/profiles/bulk", True, 405),
    ],
)
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_refused_upload_may_not_go_on_for_ever(
    start_server: StartServer, path: str, authorized: bool, status: int, is_chunked: bool
) -> None:
    server = start_server(env={"OVATION_BODY_TIMEOUT_SECONDS": "1"})
    token = server.client().token if authorized else "x"
    length = "Transfer-Encoding: chunked" if is_chunked else "Content-Length: 1000000"
    with RawConnection(server.port) as connection:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{length}\r\n\r\n"
        connection.send(head.encode())
        assert connection.read_response().status == status
        assert closed_within(connection.socket, SECONDS, b"1\r\nx\r\n" if is_chunked else b"x")


def test_an_upload_that_trickles_loses_its_place(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server(env={"OVATION_BODY_TIMEOUT_SECONDS": "1"})
    version, _ = make_model(server, tmp_path)
    first = (line(version, 1, "a@example.com") + "\n").encode()
    head = upload_head(server.client().token, 1_000_000, "slow").replace("Accept: application/x-ndjson\r\n", "")
    with RawConnection(server.port) as connection:
        connection.send(head.encode() + first)
        stop = threading.Event()
        trickle = threading.Thread(target=pour_bytes, args=(connection.socket, stop))
        trickle.start()
        try:
            problem = assert_problem(connection.read_response(), 408, "request_timeout")
        finally:
            stop.set()
            trickle.join()
        assert problem["lines_done"] == 0


def pour_bytes(connection: socket.socket, stop: threading.Event) -> None:
    while not stop.wait(0.05):
        try:
            connection.sendall(b" ")
        except OSError:
            return

"""Very many clients that are connected and ask nothing, and clients that do not wait for their answer."""

from __future__ import annotations

import json
import resource
import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest
from conftest import StartServer
from ovation import EMAIL, Client, RawConnection, Server, event, events_path, wait_until

SECTION = "com.apsis1.sections.default"
# The server holds 10,000; a few are left for those who ask.
IDLE = 9_900


@pytest.fixture
def many_files() -> Iterator[None]:
    """Each connection is an open file of this process too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def resident_megabytes(server: Server) -> float:
    with open(f"/proc/{server.process.pid}/status", encoding="utf-8") as status:
        line = next(line for line in status if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


def test_ten_thousand_idle_connections_leave_room_for_those_who_post(
    start_server: StartServer, many_files: None
) -> None:
    server = start_server()
    admin: Client = server.client()
    version = admin.make_version({"text": "string"})
    before = resident_megabytes(server)
    with ExitStack() as stack:
        for _ in range(IDLE):
            stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
        for number in range(20):
            path = events_path(EMAIL, f"p{number}@example.com", SECTION)
            assert admin.post(path, json={"items": [event(version, {"text": "busy"})]}).status_code == 204
            assert len(admin.get(path).json()["items"]) == 1
        print(f"  {IDLE} idle connections take {resident_megabytes(server) - before:.0f} MB")
    # They are gone, and so is what they held on to.
    path = events_path(EMAIL, "after@example.com", SECTION)
    assert admin.post(path, json={"items": [event(version, {"text": "still here"})]}).status_code == 204


def posts_waiting(admin: Client) -> int:
    lines = admin.get("/metrics").text.splitlines()
    return int(next(line for line in lines if line.startswith("ovation_posts_waiting ")).split()[1])


def test_posts_whose_clients_go_away_while_they_wait_are_stored_once(start_server: StartServer) -> None:
    server = start_server()
    admin = server.client()
    version = admin.make_version({"text": "string"})

    def post(number: int) -> RawConnection:
        body = json.dumps({"items": [event(version, {"text": f"of {number}"})]}).encode()
        lines = [
            f"POST {events_path(EMAIL, f'p{number}@example.com', SECTION)} HTTP/1.1", "Host: 127.0.0.1",
            f"Authorization: Bearer {admin.token}", f"Idempotency-Key: post-{number}", f"Content-Length: {len(body)}",
        ]  # fmt: skip
        connection = RawConnection(server.port)
        connection.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        return connection

    count = 20
    with closing(sqlite3.connect(server.store, isolation_level=None)) as other:
        # As a backup or a person with a shell may: no other program can write until they are done.
        other.execute("BEGIN IMMEDIATE")
        waiting = [post(0)]
        # This one is on its way to the file by then, and the others in the queue behind it.
        time.sleep(0.5)
        waiting += [post(number) for number in range(1, count)]
        assert wait_until(lambda: posts_waiting(admin) == count - 1, seconds=5), posts_waiting(admin)
        for number, connection in enumerate(waiting):
            if number % 2:
                connection.break_off()
            else:
                connection.socket.close()
        with post(count) as patient:
            assert wait_until(lambda: posts_waiting(admin) == count, seconds=5)
            other.execute("ROLLBACK")
            assert patient.read_response().status == 204
    # First come, first stored: all before the one that was answered are there.
    for number in range(count):
        found = admin.list_events(key=f"p{number}@example.com", section=SECTION)
        assert [item["data"] for item in found] == [{"text": f"of {number}"}]
    # A client without an answer asks again, and nothing is stored twice.
    with post(0) as again:
        answer = again.read_response()
        assert (answer.status, answer.header("idempotency-replayed")) == (204, "true")
    assert len(admin.list_events(key="p0@example.com", section=SECTION)) == 1
    assert posts_waiting(admin) == 0
    requests = admin.get("/metrics").text.splitlines()
    assert not [line for line in requests if line.startswith("ovation_requests_total") and 'status="5' in line]

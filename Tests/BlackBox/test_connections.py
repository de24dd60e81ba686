"""Very many clients that are connected and ask nothing."""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from conftest import StartServer
from ovation import EMAIL, Client, Server, event, events_path

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

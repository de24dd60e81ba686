"""Many bodies that arrive slowly, and few files that the process may open."""

from __future__ import annotations

import gzip
import json
import os
import re
import resource
from contextlib import ExitStack

from conftest import StartServer
from ovation import DEFAULT_SECTION, EMAIL, RawConnection, Server, assert_problem, event, events_path, wait_until

BODY_BYTES = 100 * 1024


def open_files(server: Server) -> int:
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


def test_bodies_that_arrive_slowly_have_a_bound_together(start_server: StartServer) -> None:
    server = start_server(env={"OVATION_BODIES_BYTES_MAX": str(8 << 20)})
    admin = server.client()
    version = admin.make_version({"text": "string"})
    body = json.dumps({"items": [event(version, {"text": "x" * 9000}) for _ in range(11)]}).encode()
    assert BODY_BYTES * 0.9 < len(body) <= BODY_BYTES
    room = 8 << 20

    def begin(connection: RawConnection, number: int) -> None:
        path = events_path(EMAIL, f"p{number}@example.com", DEFAULT_SECTION)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {admin.token}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        connection.send(head.encode() + body[:40_000])
        connection.send(body[40_000:-1])

    with ExitStack() as stack:
        slow: list[RawConnection] = []
        while len(slow) < 200:
            connection = stack.enter_context(RawConnection(server.port))
            begin(connection, len(slow))
            slow.append(connection)
        refused = 0
        for connection in slow:
            connection.send(body[-1:])
            answer = connection.read_response()
            assert answer.status in (204, 503)
            if answer.status == 503:
                assert_problem(answer, 503, "busy")
                assert answer.header("retry-after")
                refused += 1
        # What is held of a body has at most twice its size; some go while others come.
        assert 0 < refused <= 200 - room // (2 * BODY_BYTES + 4096)
        # All of it is free again.
        for number in range(3):
            begin(slow[number], number)
            slow[number].send(body[-1:])
            assert slow[number].read_response().status == 204


def test_bodies_whose_clients_go_away_are_free_again(start_server: StartServer) -> None:
    server = start_server()
    admin = server.client()
    path = events_path(EMAIL, "a@example.com", DEFAULT_SECTION)
    version = admin.make_version({"text": "string"})
    before = open_files(server)
    for _ in range(3):
        with ExitStack() as stack:
            for _ in range(400):
                connection = stack.enter_context(RawConnection(server.port))
                head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {admin.token}\r\n"
                connection.send(head.encode() + b"Content-Length: 100000\r\n\r\n" + b" " * 50_000)
                connection.send(b" " * 40_000)

    def has_room() -> bool:
        items = {"items": [event(version, {"text": "x" * 9000}) for _ in range(11)]}
        return admin.post(path, json=items).status_code == 204

    # All of them have been seen to the end.
    assert wait_until(lambda: open_files(server) <= before + 2, 30)
    assert has_room()


def test_with_few_files_connections_wait_and_none_is_lost(start_server: StartServer) -> None:
    server = start_server(files_max=256)
    warning = re.search(r"held=(\d+).*fewer connections are held than connections_max says", server.output)
    assert warning
    places = int(warning[1])
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    ask = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    try:
        with ExitStack() as stack:
            held = [RawConnection(server.port) for _ in range(300)]
            for connection in held:
                stack.enter_context(connection)
            for connection in held:
                connection.send(ask)
            answered = 0
            for connection in held[:100]:
                assert connection.read_response().status == 200
                answered += 1
            # All places are taken, and never so many that accepting the next one could fail.
            assert wait_until(lambda: open_files(server) >= places, 30)
            assert open_files(server) <= 256 - 16
            # The others wait for those who go.
            for connection in held[:100]:
                connection.send(ask)
                assert connection.read_response().status == 200
                connection.socket.close()
            for connection in held[100:200]:
                assert connection.read_response().status == 200
                connection.socket.close()
            for connection in held[200:]:
                assert connection.read_response().status == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert server.client().get("/audience/sections").status_code == 200


def test_a_bomb_of_lines_takes_no_more_memory_than_a_chunk(start_server: StartServer) -> None:
    server = start_server()
    admin = server.client()

    def resident_kilobytes() -> int:
        with open(f"/proc/{server.process.pid}/status", encoding="utf-8") as status:
            return int(next(line for line in status if line.startswith("VmHWM")).split()[1])

    bulk = f"/audience/sections/{DEFAULT_SECTION}/events/bulk"
    headers = {"content-encoding": "gzip"}
    before = resident_kilobytes()
    # One line of 256 MB, in 256 kB.
    answer = admin.post(bulk, data=gzip.compress(b"x" * (256 << 20), 1), headers=headers)
    assert answer.status_code == 200 and answer.json()["errors"][0]["code"] == "line_too_long"
    print(f"  a line of 256 MB takes {resident_kilobytes() - before} kB")
    assert resident_kilobytes() - before < 60_000

"""Requests that offer another protocol: the connection goes on, and nothing that follows is held in memory."""

from __future__ import annotations

import json
import os

import pytest
from conftest import StartServer
from ovation import DEFAULT_SECTION, EMAIL, Client, RawConnection, Server, event, events_path, wait_until

OFFERS = {
    "h2c": ["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABk"],
    "websocket": [
        "Connection: keep-alive, Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ],
    "TLS": ["Connection: upgrade", "Upgrade: TLS/1.2"],
    "several": ["Upgrade: h2c, websocket, TLS/1.2", "connection: uPgRaDe"],
}  # fmt: skip

# Written so that one parser sees an offer in it and another none, or so that reading on is not safe.
ENDINGS = {
    "two upgrades": ["Connection: Upgrade", "Upgrade: h2c", "Upgrade: websocket"],
    "two connections": ["Connection: keep-alive", "Connection: Upgrade", "Upgrade: h2c"],
    "empty": ["Connection: Upgrade", "Upgrade:"],
    "no connection": ["Upgrade: h2c"],
    "tab": ["Connection:\tkeep-alive\t,\tUpgrade", "Upgrade: h2c"],
    "empty option": ["Connection: ,Upgrade,", "Upgrade: h2c"],
    "semicolon": ["Connection: Upgrade;x=1", "Upgrade: h2c"],
    "close": ["Connection: close, Upgrade", "Upgrade: h2c"],
}


def resident_kilobytes(server: Server) -> int:
    with open(f"/proc/{server.process.pid}/status", encoding="utf-8") as status:
        return int(next(line for line in status if line.startswith("VmRSS")).split()[1])


def request(method: str, target: str, headers: list[str], body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def chunked(method: str, target: str, headers: list[str], body: bytes) -> bytes:
    head = request(method, target, [*headers, "Transfer-Encoding: chunked"])
    half = len(body) // 2
    parts = [body[:half], body[half:]]
    return head + b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"


@pytest.fixture(scope="module")
def version(server: Server) -> str:
    return server.client().make_version({"text": "string"})


@pytest.mark.parametrize("offer", OFFERS)
def test_a_connection_goes_on_behind_an_offer(server: Server, version: str, offer: str) -> None:
    admin = server.client()
    profile = f"offer-{offer}@example.com"
    path = events_path(EMAIL, profile, DEFAULT_SECTION)
    headers = [*OFFERS[offer], f"Authorization: Bearer {admin.token}"]
    body = json.dumps({"items": [event(version, {"text": "GET /health HTTP/1.1\r\n\r\n"})]}).encode()
    with RawConnection(server.port) as connection:
        for _ in range(3):
            connection.send(request("GET", "/health", OFFERS[offer]))
            assert connection.read_response().status == 200
            connection.send(request("POST", path, headers, body))
            assert connection.read_response().status == 204
            connection.send(chunked("POST", path, headers, body))
            assert connection.read_response().status == 204
            connection.send(request("GET", "/health", []))
            assert connection.read_response().status == 200
    assert len(admin.get(path).json()["items"]) == 6


@pytest.mark.parametrize("size", [1, 7, 100, 100_000])
def test_offers_that_are_pipelined_are_answered_one_by_one(server: Server, version: str, size: int) -> None:
    admin = server.client()
    path = events_path(EMAIL, f"pipelined-{size}@example.com", DEFAULT_SECTION)
    token = f"Authorization: Bearer {admin.token}"
    body = json.dumps({"items": [event(version, {"text": "x"})]}).encode()
    sent = b""
    expected: list[int] = []
    for headers in OFFERS.values():
        sent += request("GET", "/health", headers) + request("POST", path, [*headers, token], body)
        sent += chunked("POST", path, [*headers, token], body) + request("GET", "/nowhere", [])
        expected += [200, 204, 204, 404]
    with RawConnection(server.port) as connection:
        for start in range(0, len(sent), size):
            connection.send(sent[start : start + size])
        assert [connection.read_response().status for _ in expected] == expected
    assert len(admin.get(path).json()["items"]) == 2 * len(OFFERS)


def test_an_answer_to_continue_comes_before_the_body_of_an_offer(server: Server, version: str) -> None:
    admin = server.client()
    path = events_path(EMAIL, "continue@example.com", DEFAULT_SECTION)
    body = json.dumps({"items": [event(version, {"text": "x"})]}).encode()
    headers = [
        *OFFERS["h2c"], f"Authorization: Bearer {admin.token}", "Expect: 100-continue", f"Content-Length: {len(body)}",
    ]  # fmt: skip
    with RawConnection(server.port) as connection:
        for _ in range(2):
            connection.send(request("POST", path, headers))
            assert connection.read_response(interim=True).status == 100
            connection.send(body)
            assert connection.read_response().status == 204


def ends(connection: RawConnection) -> bool:
    """Whether the server closes, and says nothing more before it does."""
    try:
        return connection.buffer == b"" and connection.socket.recv(1) == b""
    except ConnectionResetError:
        return True


@pytest.mark.parametrize("case", [*ENDINGS, "CONNECT", "CONNECT with a body", "CONNECT with an offer"])
def test_what_may_be_no_http_any_more_ends_with_its_answer(server: Server, case: str) -> None:
    hidden = request("GET", "/health", [])
    if case.startswith("CONNECT"):
        headers = OFFERS["h2c"] if "offer" in case else []
        sent = request("CONNECT", "example.com:443", headers, hidden if "body" in case else b"")
    else:
        sent = request("GET", "/health", ENDINGS[case])
    with RawConnection(server.port) as connection:
        connection.send(request("GET", "/health", []) + sent + hidden)
        assert connection.read_response().status == 200
        answer = connection.read_response()
        assert answer.status == (404 if case.startswith("CONNECT") else 200)
        assert answer.header("connection") == "close"
        assert ends(connection)


@pytest.mark.parametrize("case", ["h2c", "two upgrades", "CONNECT"])
def test_nothing_is_held_of_what_follows(start_server: StartServer, case: str) -> None:
    server = start_server()
    headers = OFFERS.get(case) or ENDINGS.get(case) or []
    before = resident_kilobytes(server)
    with RawConnection(server.port) as connection:
        connection.send(request("CONNECT" if case == "CONNECT" else "GET", "/health", headers))
        connection.read_response()
        sent = 0
        try:
            # No request, and no end of one.
            for _ in range(100):
                connection.send(b"\x01" * (1 << 20))
                sent += 1 << 20
        except (ConnectionResetError, BrokenPipeError, TimeoutError):
            pass
        print(f"  {case}: {sent >> 20} MB were taken, {resident_kilobytes(server) - before} kB more are held")
        assert resident_kilobytes(server) - before < 30_000
    assert server.client().get("/health").status_code == 200


def test_connections_that_ended_so_leave_nothing_behind(start_server: StartServer) -> None:
    server = start_server()
    client: Client = server.client()

    def open_files() -> int:
        return len(os.listdir(f"/proc/{server.process.pid}/fd"))

    client.get("/health")
    before = open_files()
    for _ in range(50):
        with RawConnection(server.port) as connection:
            connection.send(request("CONNECT", "example.com:443", []))
            connection.read_response()
    assert wait_until(lambda: open_files() <= before + 2, 30)

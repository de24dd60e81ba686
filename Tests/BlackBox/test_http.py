"""HTTP as it comes over a socket, and as no well-behaved library would send it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable

import pytest

from conftest import Note
from ovation import (
    ARTICLE_SECTION,
    DEFAULT_SECTION,
    EMAIL,
    Client,
    ConnectionClosed,
    RawConnection,
    RawResponse,
    Server,
    assert_problem,
    event,
    events_path,
    raw_request,
)

BODY_BYTES_MAX = 100 * 1024


@pytest.fixture(scope="module")
def version(admin: Client) -> str:
    return admin.make_version({"text": "string"})


def body_of(version: str, text: str = "hello") -> bytes:
    return json.dumps({"items": [event(version, {"text": text})]}).encode()


def head(method: str, path: str, *headers: str, close: bool = False) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *headers]
    if close:
        lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def bearer(client: Client) -> str:
    return f"Authorization: Bearer {client.token}"


def path_for(key: str) -> str:
    return events_path(EMAIL, key, DEFAULT_SECTION)


def assert_alive(server: Server) -> None:
    assert raw_request(server.port, head("GET", "/health", close=True)).status == 200


def answer_or_end(server: Server, data: bytes) -> RawResponse | None:
    """The answer to bytes that may be too bad to be answered; None when the server just closes."""
    with RawConnection(server.port) as connection:
        try:
            connection.send(data)
            return connection.read_response()
        except (ConnectionClosed, ConnectionError):
            return None


# MARK: Bodies


def test_a_chunked_upload_over_the_limit_is_answered_413(server: Server, admin: Client) -> None:
    with RawConnection(server.port) as connection:
        connection.send(head("POST", path_for("chunks@example.com"), bearer(admin), "Transfer-Encoding: chunked"))
        sent = 0
        while sent <= BODY_BYTES_MAX:
            size = min(8192, BODY_BYTES_MAX + 1 - sent) or 1
            connection.send_chunk(b" " * size)
            sent += size
        # The last chunk is never sent: the answer does not wait for it.
        assert_problem(connection.read_response(), 413, "body_too_large")
    assert_alive(server)


def test_a_length_over_the_limit_is_answered_413_before_the_body_is_sent(server: Server, admin: Client) -> None:
    with RawConnection(server.port) as connection:
        connection.send(head("POST", path_for("length@example.com"), bearer(admin), "Content-Length: 9000000"))
        assert_problem(connection.read_response(), 413, "body_too_large")
    assert_alive(server)


def test_an_ordinary_client_gets_to_read_the_413(admin: Client) -> None:
    # A server that closes while the client still sends would have its answer thrown away by the network stack.
    for _ in range(5):
        response = admin.post(path_for("ordinary@example.com"), data=b" " * 3 * BODY_BYTES_MAX)
        assert_problem(response, 413, "body_too_large")


def test_a_body_of_exactly_the_limit_is_accepted(server: Server, admin: Client, version: str) -> None:
    body = body_of(version).ljust(BODY_BYTES_MAX)
    request = head("POST", path_for("exact@example.com"), bearer(admin), f"Content-Length: {len(body)}", close=True)
    assert raw_request(server.port, request + body).status == 204


def test_a_body_in_one_byte_chunks_is_accepted(server: Server, admin: Client, version: str) -> None:
    with RawConnection(server.port) as connection:
        connection.send(head("POST", path_for("bytes@example.com"), bearer(admin), "Transfer-Encoding: chunked"))
        for byte in body_of(version):
            connection.send_chunk(bytes([byte]))
        connection.end_chunks()
        assert connection.read_response().status == 204
    assert [item["data"] for item in admin.list_events(key="bytes@example.com")] == [{"text": "hello"}]


def test_a_post_without_a_body_is_answered_400(server: Server, admin: Client) -> None:
    response = raw_request(server.port, head("POST", path_for("empty@example.com"), bearer(admin), close=True))
    assert_problem(response, 400, "invalid_json")


def test_expect_100_continue_is_honoured(server: Server, admin: Client, version: str, note: Note) -> None:
    body = body_of(version)
    with RawConnection(server.port) as connection:
        connection.send(
            head(
                *["POST", path_for("expect@example.com"), bearer(admin)],
                *["Expect: 100-continue", f"Content-Length: {len(body)}"],
            )
        )
        # A client may wait for this, or send the body after a while without it.
        connection.socket.settimeout(2)
        try:
            interim = connection.read_response(interim=True).status
        except TimeoutError:
            interim = None
        note(f"interim answer: {interim}")
        assert interim in (100, None)
        connection.socket.settimeout(30)
        connection.send(body)
        assert connection.read_response().status == 204


@pytest.mark.parametrize("how", ["closed", "reset"])
@pytest.mark.parametrize("framing", ["length", "chunks"])
def test_a_client_that_goes_away_in_the_middle_stores_nothing(
    server: Server, admin: Client, version: str, framing: str, how: str
) -> None:
    key = f"gone.{framing}.{how}@example.com"
    body = body_of(version)
    connection = RawConnection(server.port)
    if framing == "length":
        # All of the JSON arrives, but not all of the promised bytes.
        connection.send(head("POST", path_for(key), bearer(admin), f"Content-Length: {len(body) + 10}") + body)
    else:
        connection.send(head("POST", path_for(key), bearer(admin), "Transfer-Encoding: chunked"))
        connection.send_chunk(body)
    if how == "reset":
        connection.break_off()
    else:
        connection.end_sending()
        connection.socket.settimeout(5)
        try:
            answer = connection.read_response().status
            assert answer >= 400, "half a body is no event"
        except (ConnectionClosed, OSError):
            pass
        connection.socket.close()
    # What comes later is stored, so what was sent before would be there by now.
    assert admin.post_events([event(version, {"text": "after"})], key=f"after.{key}").status_code == 204
    assert_problem(admin.get(path_for(key)), 404, "profile_not_found")
    assert_alive(server)


# MARK: Heads


@pytest.mark.parametrize("write", [str.lower, str.upper], ids=["lower case", "upper case"])
def test_the_case_of_header_names_does_not_matter(
    server: Server, admin: Client, version: str, write: Callable[[str], str]
) -> None:
    body = body_of(version)
    headers = [("authorization", f"Bearer {admin.token}"), ("content-length", str(len(body))), ("connection", "close")]
    lines = [f"{write(name)}: {value}" for name, value in headers]
    assert raw_request(server.port, head("POST", path_for("case@example.com"), *lines) + body).status == 204


@pytest.mark.parametrize("key", ["a%zz%40example.com", "a%4", "a%", "%ff%40example.com", "%c0%80%40example.com"])
def test_a_broken_percent_escape_is_answered_400(server: Server, admin: Client, key: str) -> None:
    path = f"/audience/keyspaces/{EMAIL}/profiles/{key}/sections/{DEFAULT_SECTION}/events"
    assert_problem(raw_request(server.port, head("GET", path, bearer(admin), close=True)), 400, "invalid_path")


@pytest.mark.parametrize("key", ["%00", "a%00%40example.com", "%20", "%40", "a%0d%0aX:%20y%40example.com"])
def test_a_key_that_can_be_no_address_is_answered_400(server: Server, admin: Client, key: str) -> None:
    path = f"/audience/keyspaces/{EMAIL}/profiles/{key}/sections/{DEFAULT_SECTION}/events"
    response = raw_request(server.port, head("GET", path, bearer(admin), close=True))
    assert_problem(response, 400, "invalid_profile_key")


def test_an_escaped_slash_belongs_to_the_key(server: Server, admin: Client, version: str) -> None:
    items = [event(version, {"text": "slash"})]
    assert admin.post_events(items, keyspace="com.apsis1.keyspaces.crm-id", key="a/b%2Fc").status_code == 204
    found = admin.list_events(keyspace="com.apsis1.keyspaces.crm-id", key="a/b%2Fc")
    assert [item["data"] for item in found] == [{"text": "slash"}]


def test_the_request_id_of_the_caller_comes_back(server: Server) -> None:
    response = raw_request(server.port, head("GET", "/nowhere", "X-Request-Id: my-own-id", close=True))
    assert assert_problem(response, 404, "not_found")["request_id"] == "my-own-id"


def test_a_trailing_slash_is_accepted(server: Server, admin: Client, version: str) -> None:
    assert admin.get("/audience/sections/").text == admin.get("/audience/sections").text
    events = f"/audience/sections/{DEFAULT_SECTION}/events"
    assert admin.get(events + "/").text == admin.get(events).text
    items = {"items": [event(version, {"text": "slash"})]}
    assert admin.post(path_for("trailing@example.com") + "/", json=items).status_code == 204


def test_head_answers_like_get_without_a_body(server: Server, admin: Client) -> None:
    for path in ["/health", "/audience/sections"]:
        got = raw_request(server.port, head("GET", path, bearer(admin), close=True))
        with RawConnection(server.port) as connection:
            connection.send(head("HEAD", path, bearer(admin), close=True))
            response = connection.read_response(to_head=True)
            assert connection.read_to_end() == b"", path
        assert response.status == 200, path
        for name in ["content-length", "content-type", "etag"]:
            assert response.header(name) == got.header(name), (path, name)


def test_options_tells_the_methods_of_a_path(server: Server) -> None:
    response = raw_request(server.port, head("OPTIONS", path_for("options@example.com"), close=True))
    assert response.status in (200, 204)
    assert {"GET", "POST", "DELETE", "HEAD", "OPTIONS"} <= allowed(response)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PROPFIND", "/audience/sections"),
        ("PUT", "/audience/sections"),
        ("DELETE", "/oauth/token"),
        ("POST", "/health"),
    ],
)
def test_a_method_that_a_path_does_not_have_is_answered_405(
    server: Server, admin: Client, method: str, path: str
) -> None:
    response = raw_request(server.port, head(method, path, bearer(admin), close=True))
    assert_problem(response, 405, "method_not_allowed")
    expected = {"/audience/sections": {"GET", "POST"}, "/oauth/token": {"POST"}, "/health": {"GET"}}[path]
    assert expected <= allowed(response)
    assert method not in allowed(response)


def test_a_method_that_nobody_knows_is_refused(server: Server, admin: Client) -> None:
    response = answer_or_end(server, head("BREW", "/audience/sections", bearer(admin), close=True))
    assert response is not None
    # An HTTP parser may refuse a method that is in no register before there is a path to look at.
    assert response.status in (400, 405, 501)
    if response.status == 405:
        assert {"GET", "POST"} <= allowed(response)
    assert_alive(server)


def allowed(response: RawResponse) -> set[str]:
    return {method.strip() for method in (response.header("allow") or "").split(",")}


# MARK: Connections


def test_pipelined_requests_are_answered_in_order(server: Server, admin: Client, version: str) -> None:
    body = body_of(version, "pipelined")
    with RawConnection(server.port) as connection:
        connection.send(
            head("GET", "/health")
            + head("POST", path_for("pipe@example.com"), bearer(admin), f"Content-Length: {len(body)}")
            + body
            + head("GET", path_for("pipe@example.com"), bearer(admin))
            + head("GET", "/nowhere")
            + head("GET", "/ready")
        )
        answers = [connection.read_response() for _ in range(5)]
    assert [answer.status for answer in answers] == [200, 204, 200, 404, 200]
    assert [item["data"] for item in json.loads(answers[2].body)["items"]] == [{"text": "pipelined"}]


def test_a_connection_is_used_again_after_an_error(server: Server, admin: Client) -> None:
    with RawConnection(server.port) as connection:
        for _ in range(3):
            connection.send(head("POST", path_for("again@example.com"), bearer(admin), "Content-Length: 3") + b"not")
            assert_problem(connection.read_response(), 400, "invalid_json")
            connection.send(head("GET", "/audience/sections", bearer(admin)))
            assert connection.read_response().status == 200


def test_a_connection_that_asks_to_be_closed_is_answered_and_closed(server: Server) -> None:
    with RawConnection(server.port) as connection:
        connection.socket.settimeout(5)
        connection.send(b"GET /health HTTP/1.0\r\nConnection: close\r\n\r\n")
        assert connection.read_response().status == 200
        assert connection.read_to_end() == b""


@pytest.mark.parametrize(
    "headers",
    [
        b"X-Large: " + b"x" * 1_000_000 + b"\r\n",
        b"".join(b"X-Many-%d: x\r\n" % number for number in range(20_000)),
        b"x" * 1_000_000,
    ],
    ids=["one large header", "many headers", "a name without an end"],
)
def test_a_header_bomb_is_an_error_and_no_crash(server: Server, headers: bytes) -> None:
    response = answer_or_end(server, b"GET /health HTTP/1.1\r\nHost: a\r\n" + headers + b"\r\n")
    assert response is None or 400 <= response.status < 500
    assert_alive(server)


def test_a_path_bomb_is_an_error_and_no_crash(server: Server, admin: Client) -> None:
    for path in ["/" + "a" * 1_000_000, "/a" * 30_000, path_for("a" * 60_000 + "@example.com")]:
        response = answer_or_end(server, head("GET", path, bearer(admin), close=True))
        assert response is None or 400 <= response.status < 500
    assert_alive(server)


@pytest.mark.parametrize(
    "data",
    [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64), b"\0" * 1000, b"GET\r\n\r\n", b"\r\n" * 1000],
    ids=["a TLS greeting", "zeros", "half a request line", "empty lines"],
)
def test_what_is_no_http_ends_the_connection_and_nothing_else(server: Server, data: bytes) -> None:
    with RawConnection(server.port) as connection:
        try:
            connection.send(data)
            connection.end_sending()
            answer = connection.read_to_end()
            assert answer == b"" or answer.startswith(b"HTTP/1.1 400 "), answer[:100]
        except ConnectionError:
            pass
    assert_alive(server)


def test_a_hundred_silent_connections_keep_nobody_waiting(server: Server) -> None:
    silent = [RawConnection(server.port) for _ in range(100)]
    try:
        for connection in silent[::2]:
            connection.send(b"POST /oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n{")
        assert_alive(server)
    finally:
        for connection in silent:
            connection.socket.close()
    assert_alive(server)


def test_the_listener_is_on_the_loopback_only(server: Server) -> None:
    # 127.0.0.2 is this machine too, but not the address that was asked for.
    with socket.socket() as probe:
        probe.settimeout(5)
        assert probe.connect_ex(("127.0.0.2", server.port)) != 0


def test_a_section_that_does_not_exist_is_answered_404(admin: Client) -> None:
    assert_problem(admin.get(f"/audience/sections/{ARTICLE_SECTION}/events"), 404, "section_not_found")


def test_nothing_of_this_was_taken_for_an_error_of_the_server(server: Server) -> None:
    # The last test of the file: what clients do wrong, or leave unfinished, is no reason to wake an operator.
    assert [line for line in server.output.splitlines() if "internal_error" in line] == []


# MARK: Hosts and slashes


@pytest.mark.parametrize(
    ("headers", "is_answered"),
    [
        ("", False),
        ("Host: a\r\nHost: b\r\n", False),
        ("Host: a\r\nhost: a\r\n", False),
        ("HOST: a\r\n", True),
        ("Host: a b\r\n", False),
        ("Host: a/b\r\n", False),
        ("Host: a@b\r\n", False),
        ("Host:\r\n", True),
        ("Host: [::1]:8080\r\n", True),
    ],
)
@pytest.mark.parametrize("path", ["/health", "/console/sign-in", "/audience/sections", "/nothing"])
def test_a_request_has_exactly_one_host(server: Server, headers: str, is_answered: bool, path: str) -> None:
    with RawConnection(server.port) as connection:
        connection.send(f"GET {path} HTTP/1.1\r\n{headers}\r\n".encode())
        response = connection.read_response()
        if is_answered:
            assert response.status in (200, 401, 404)
        else:
            problem = assert_problem(response, 400, "invalid_request")
            assert "Host" in problem["detail"]
            # And nothing of what comes behind it.
            with pytest.raises((ConnectionClosed, ConnectionError)):
                connection.send(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
                connection.read_response()
    assert_alive(server)


def test_http_1_0_needs_no_host(server: Server) -> None:
    with RawConnection(server.port) as connection:
        connection.send(b"GET /health HTTP/1.0\r\n\r\n")
        assert connection.read_response().status == 200


def test_a_second_request_without_a_host_comes_after_the_answer_to_the_first(server: Server) -> None:
    with RawConnection(server.port) as connection:
        connection.send(head("GET", "/health") + b"GET /health HTTP/1.1\r\n\r\n")
        assert connection.read_response().status == 200
        assert_problem(connection.read_response(), 400, "invalid_request")


@pytest.mark.parametrize(
    "path",
    ["//console", "//console/sign-in", "/console//sign-in", "/console/sign-in/", "//metrics", "/metrics/", "///metrics",
     "//ready", "/ready/", "//health", "//openapi.json", "/.well-known//jwks.json", "//account/api-keys", "/account//api-keys",
     "/account/api-keys/", "//", "//console/assets/x/y", "http://x//metrics", "//metrics?a=/audience", "//account/api-keys/audience"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_extra_slashes_lead_nowhere(server: Server, admin: Client, path: str, method: str) -> None:
    response = raw_request(server.port, head(method, path, bearer(admin), close=True)) if method != "HEAD" else None
    if response is None:
        with RawConnection(server.port) as connection:
            connection.send(head(method, path, bearer(admin), close=True))
            assert connection.socket.recv(12) == b"HTTP/1.1 404"
        return
    assert_problem(response, 404, "not_found")


@pytest.mark.parametrize("path", ["//audience/sections", "/audience//sections", "/audience/sections/", "///audience///sections//"])
def test_extra_slashes_of_the_vendors_module_are_forgiven(server: Server, admin: Client, path: str) -> None:
    assert raw_request(server.port, head("GET", path, bearer(admin), close=True)).status == 200


@pytest.mark.parametrize("path", ["//oauth/token", "/oauth//token", "/oauth/token/"])
def test_so_they_are_where_tokens_come_from(server: Server, path: str) -> None:
    body = b"{}"
    request = head("POST", path, f"Content-Length: {len(body)}", close=True) + body
    assert_problem(raw_request(server.port, request), 400, "invalid_request")

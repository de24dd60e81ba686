"""Bodies that take their time: each has a deadline, and none outlives the right to send it."""

from __future__ import annotations

import json

from conftest import StartServer
from ovation import Client, RawConnection, Server, assert_problem, event, events_path, wait_until

EMAIL = "com.apsis1.keyspaces.email"
SECTION = "com.apsis1.sections.default"


def unfinished_post(server: Server, client: Client, body: bytes, key: str) -> RawConnection:
    """A post of which all but the last byte was sent."""
    connection = RawConnection(server.port)
    lines = [
        f"POST {events_path(EMAIL, key, SECTION)} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {client.token}",
        f"Content-Length: {len(body)}",
    ]
    connection.send("\r\n".join([*lines, "", ""]).encode() + body[:-1])
    return connection


def test_a_body_that_does_not_arrive_in_time_is_answered_408_and_stores_nothing(start_server: StartServer) -> None:
    server = start_server(env={"OVATION_BODY_TIMEOUT_SECONDS": "1"})
    admin = server.client()
    version = admin.make_version({"text": "string"})
    body = json.dumps({"items": [event(version, {"text": "late"})]}).encode()
    with unfinished_post(server, admin, body, "slow@example.com") as connection:
        assert_problem(connection.read_response(), 408, "request_timeout")
    assert admin.get(events_path(EMAIL, "slow@example.com", SECTION)).status_code == 404
    # One that arrives in pieces but in time is stored.
    with unfinished_post(server, admin, body, "steady@example.com") as connection:
        connection.send(body[-1:])
        assert connection.read_response().status == 204


def test_a_key_that_is_revoked_while_its_body_arrives_stores_nothing(start_server: StartServer) -> None:
    server = start_server()
    admin = server.client()
    version = admin.make_version({"text": "string"})
    body = json.dumps({"items": [event(version, {"text": "late"})]}).encode()
    made = admin.post("/account/api-keys", json={"name": "shop"}).json()
    shop = server.client()
    shop.token = shop_token(server, made["client_id"], made["client_secret"])
    with unfinished_post(server, shop, body, "late@example.com") as connection:
        # The head has been read when a later request on another connection has been answered.
        assert shop.get("/audience/sections").status_code == 200
        assert admin.request("DELETE", f"/account/api-keys/{made['client_id']}").status_code == 204
        connection.send(body[-1:])
        assert_problem(connection.read_response(), 401, "key_revoked")
    assert admin.get(events_path(EMAIL, "late@example.com", SECTION)).status_code == 404


def test_an_unfinished_body_does_not_keep_a_stopping_server_for_long(start_server: StartServer) -> None:
    server = start_server()
    admin = server.client()
    version = admin.make_version({"text": "string"})
    body = json.dumps({"items": [event(version, {"text": "late"})]}).encode()
    with unfinished_post(server, admin, body, "slow@example.com"):
        assert admin.get("/audience/sections").status_code == 200
        server.stop()
    assert wait_until(lambda: not server.is_running, 1)


def shop_token(server: Server, client_id: str, client_secret: str) -> str:
    answer = server.client().post(
        "/oauth/token",
        json={"grant_type": "client_credentials", "client_id": client_id, "client_secret": client_secret},
    )
    token: str = answer.json()["access_token"]
    return token

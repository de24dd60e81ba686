"""What must stay secret stays out of logs and metrics: secrets, tokens, profile keys and what events say.

Every canary is a text that nothing else contains. The server logs at its most talkative level while requests of every
kind, good and bad, carry the canaries to it; afterwards none may be found in its output or its metrics.
"""

from __future__ import annotations

import json
import secrets
from urllib.parse import quote

from conftest import StartServer
from ovation import (
    CRM_ID,
    DEFAULT_SECTION,
    EMAIL,
    MOBILE,
    Client,
    ConnectionClosed,
    Credentials,
    RawConnection,
    event,
    events_path,
)

RUN = secrets.token_hex(8)
SECRET = f"canarysecret{RUN}" + "0" * 16
WRONG_SECRET = f"canarywrongsecret{RUN}"
MAILBOX = f"canarymailbox{RUN}"
ADDRESS = f"{MAILBOX}@example.com"
NO_ADDRESS = f"canarynoaddress{RUN}"
CUSTOMER = f"canarycustomer{RUN}"
PHONE = "46" + str(secrets.randbelow(10**12)).zfill(12)
TEXT = f"canarytext{RUN}"
FIELD = f"canaryfield{RUN}"
BAD_TOKEN = f"canarytoken{RUN}"
QUERY = f"canaryquery{RUN}"
IDEMPOTENCY_KEY = f"canaryidempotency{RUN}"
REQUEST_ID = f"visible-{RUN}"

# Parts that are enough to recognise the whole: an address may be logged percent-encoded or in upper case.
CANARIES = [SECRET, WRONG_SECRET, MAILBOX, NO_ADDRESS, CUSTOMER, PHONE, TEXT, FIELD, BAD_TOKEN, QUERY, IDEMPOTENCY_KEY]


def exercise(client: Client, version: str) -> list[int]:
    """Requests of every kind that carry canaries; gives the statuses of the answers."""
    path = events_path(EMAIL, ADDRESS, DEFAULT_SECTION)
    good = {"items": [event(version, {"text": TEXT})]}
    statuses: list[int] = []

    def note(status: int) -> None:
        statuses.append(status)

    def post(body: object, path: str = path, **headers: str) -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        note(client.post(path, data=text.encode(), headers=named).status_code)

    # What goes well.
    post(good, X_Request_Id=REQUEST_ID)
    post(good, Idempotency_Key=IDEMPOTENCY_KEY)
    post(good, Idempotency_Key=IDEMPOTENCY_KEY)
    post(good, Prefer="validate-only")
    post({"items": [*good["items"], event(version, {"text": 1})]}, Prefer="handling=lenient")
    post(good, path=events_path(MOBILE, PHONE, DEFAULT_SECTION))
    post(good, path=events_path(CRM_ID, CUSTOMER, DEFAULT_SECTION))
    note(client.get(path).status_code)

    # The idempotency key of another post.
    post({"items": [event(version, {"text": "another " + TEXT})]}, Idempotency_Key=IDEMPOTENCY_KEY)

    # Bad bodies.
    post({"items": [event(version, {"text": TEXT}), event(version, {FIELD: TEXT})]})
    post({"items": [event(version, {"text": TEXT, FIELD: TEXT})]})
    post({"items": [event(version, {"text": {FIELD: TEXT}})]})
    post({"items": [event(TEXT, {"text": TEXT}, event_time=TEXT)]})
    post({"items": [TEXT]})
    post({"items": TEXT})
    post('{"items": [{"event_time": "' + TEXT)
    post('{"items": [{"data": {"text": "' + TEXT + '\\ud800"}}]}')
    post(json.dumps(good) + " " * 100 * 1024)

    # Bad addresses.
    post(good, path=events_path(EMAIL, NO_ADDRESS, DEFAULT_SECTION))
    post(good, path=events_path(MOBILE, NO_ADDRESS, DEFAULT_SECTION))
    post(good, path=events_path(EMAIL, ADDRESS, "usercreated.sections.missing-0123456789"))
    post(good, path=events_path("usercreated.keyspaces.missing-0123456789", ADDRESS, DEFAULT_SECTION))
    note(client.get(events_path(EMAIL, "another" + ADDRESS, DEFAULT_SECTION)).status_code)
    note(client.get(path, params={"cursor": QUERY}).status_code)
    note(client.get(path, params={"from": QUERY, "limit": QUERY, QUERY: QUERY}).status_code)
    note(client.get(f"/nowhere/{quote(ADDRESS)}/{TEXT}", params={"q": QUERY}).status_code)
    note(client.request("DELETE", f"{path}/{TEXT}").status_code)
    note(client.request("PROPFIND", path).status_code)
    note(client.request("PUT", path, data=TEXT).status_code)

    # Bad callers.
    anonymous = {"Authorization": ""}
    note(client.get(path, headers=anonymous).status_code)
    note(client.get(path, headers={"Authorization": f"Bearer {BAD_TOKEN}"}).status_code)
    note(client.get(path, headers={"Authorization": f"Basic {BAD_TOKEN}"}).status_code)
    note(client.get(path, headers={"Authorization": f"Bearer {client.token[:-8]}AAAAAAAA"}).status_code)
    note(client.get(path, headers=anonymous, params={"access_token": client.token}).status_code)
    note(client.ask_for_token(Credentials(client.credentials.client_id, WRONG_SECRET)).status_code)
    note(client.ask_for_token(Credentials(WRONG_SECRET, WRONG_SECRET)).status_code)
    note(
        client.session.post(client.url + "/oauth/token", data=f"client_secret={WRONG_SECRET}&grant_type=x").status_code
    )
    note(client.session.post(client.url + "/oauth/token", data='{"client_secret": "' + WRONG_SECRET).status_code)
    return statuses


def send_what_no_library_sends(port: int, token: str) -> None:
    broken = [
        f"GET /audience/keyspaces/{EMAIL}/profiles/{MAILBOX}%zz/sections/{DEFAULT_SECTION}/events HTTP/1.1\r\n"
        f"Host: a\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n",
        f"BREW /{MAILBOX} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {token}\r\n\r\n",
        f"{TEXT} {MAILBOX}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {BAD_TOKEN}\r\n{TEXT}\r\n\r\n",
        f"GET / HTTP/1.1\r\nHost: a\r\nAuthorization: {BAD_TOKEN * 10_000}\r\nConnection: close\r\n\r\n",
        f"POST {events_path(EMAIL, ADDRESS, DEFAULT_SECTION)} HTTP/1.1\r\nHost: a\r\n"
        f"Authorization: Bearer {token}\r\nContent-Length: 1000\r\n\r\n" + '{"items": [{"data": "' + TEXT,
    ]
    for request in broken:
        with RawConnection(port) as connection:
            try:
                connection.send(request.encode())
                connection.end_sending()
                connection.read_response()
            except (ConnectionClosed, OSError):
                pass


def fill_the_disk(client: Client, version: str) -> int:
    """Posts until the store can grow no more; gives the status of the answer then."""
    for _ in range(400):
        response = client.post_events([event(version, {"text": TEXT + "x" * 9000})] * 9, key=ADDRESS)
        if response.status_code != 204:
            return response.status_code
    raise AssertionError("the store grew beyond its bound")


def test_no_secret_and_no_profile_key_reaches_the_log_or_the_metrics(start_server: StartServer) -> None:
    server = start_server(
        credentials=Credentials(Credentials.random().client_id, SECRET),
        env={"OVATION_LOG_LEVEL": "trace"},
        # The log is such a file too, and shorter.
        file_size_max=16 * 1024 * 1024,
    )
    admin = server.client()
    made = admin.post("/account/api-keys", json={"name": "canary", "role": "integration"})
    assert made.status_code == 201, made.text
    integration = server.client(Credentials(made.json()["client_id"], made.json()["client_secret"]))
    version = admin.make_version({"text": "string"})

    statuses = exercise(admin, version) + exercise(integration, version)
    send_what_no_library_sends(server.port, admin.token)
    assert admin.request("DELETE", f"/account/api-keys/{integration.credentials.client_id}").status_code == 204
    statuses.append(integration.get(events_path(EMAIL, ADDRESS, DEFAULT_SECTION)).status_code)
    statuses.append(fill_the_disk(admin, version))
    assert {200, 204, 400, 401, 403, 404, 405, 409, 413} <= set(statuses), statuses
    assert max(statuses) >= 500, "the full disk is an error of the server's"

    metrics = admin.session.get(server.url + "/metrics").text
    server.kill()
    log = server.output
    assert REQUEST_ID in log, "requests are logged, or the rest of this test would prove nothing"
    tokens = [part for client in (admin, integration) for part in client.token.split(".")[1:]]
    canaries = [*CANARIES, integration.credentials.client_secret, *tokens]
    for place, text in [("log", log), ("metrics", metrics)]:
        found = [line[:500] for line in text.splitlines() if any(canary.lower() in line.lower() for canary in canaries)]
        assert not found, f"in the {place}:\n" + "\n".join(found[:20])

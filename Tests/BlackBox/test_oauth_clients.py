"""Client libraries of OAuth fetch tokens as they do everywhere, and read the errors they expect."""

from __future__ import annotations

import base64
from urllib.parse import quote_plus

import pytest
import requests
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import BackendApplicationClient
from oauthlib.oauth2.rfc6749.errors import InvalidClientError
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

from conftest import StartServer
from ovation import REQUEST_SECONDS, Client, Credentials, Server, assert_problem

#: Everything that means something in a form, in a header or in an escape.
HARD = "a+b/c=d&e%41?f#g;h:i\\j'k\"l€ü~!"


@pytest.fixture(autouse=True)
def plain_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory):
    server = Server(tmp_path_factory.mktemp("hard"), credentials=Credentials(Credentials.random().client_id, HARD)).start()
    yield server
    server.stop()


def assert_works(server: Server, token: dict[str, object]) -> None:
    assert token["token_type"] == "Bearer" and token["expires_in"] == 86400
    client = server.client()
    client.token = str(token["access_token"])
    assert client.get("/audience/sections").status_code == 200


@pytest.mark.parametrize("how", ["header", "body"])
def test_requests_oauthlib_gets_a_token(server: Server, how: str) -> None:
    own = server.credentials
    session = OAuth2Session(client=BackendApplicationClient(client_id=own.client_id))
    options = {"auth": HTTPBasicAuth(own.client_id, own.client_secret)} if how == "header" else {
        "client_secret": own.client_secret, "include_client_id": True}  # fmt: skip
    assert_works(server, session.fetch_token(f"{server.url}/oauth/token", **options))
    assert session.get(f"{server.url}/audience/sections").status_code == 200


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_authlib_gets_a_token(server: Server, method: str) -> None:
    own = server.credentials
    session = AuthlibSession(own.client_id, own.client_secret, token_endpoint_auth_method=method)
    token = session.fetch_token(f"{server.url}/oauth/token", grant_type="client_credentials")
    assert_works(server, token)
    assert session.get(f"{server.url}/audience/sections").status_code == 200


def test_client_libraries_are_told_why_not(server: Server) -> None:
    own = server.credentials
    session = OAuth2Session(client=BackendApplicationClient(client_id=own.client_id))
    with pytest.raises(InvalidClientError, match="wrong"):
        session.fetch_token(f"{server.url}/oauth/token", auth=HTTPBasicAuth(own.client_id, "wrong"))
    with pytest.raises(InvalidClientError):
        session.fetch_token(f"{server.url}/oauth/token", client_secret="wrong", include_client_id=True)
    other = AuthlibSession(own.client_id, "wrong")
    with pytest.raises(OAuthError, match="invalid_client"):
        other.fetch_token(f"{server.url}/oauth/token", grant_type="client_credentials")
    with pytest.raises(OAuthError, match="unsupported_grant_type"):
        other.fetch_token(f"{server.url}/oauth/token", grant_type="password", username="a", password="b")


@pytest.mark.parametrize("reading", ["encoded as the standard says", "as it is"])
def test_any_secret_goes_through_the_header(hard: Server, reading: str) -> None:
    id, secret = hard.credentials.client_id, HARD
    if reading.startswith("encoded"):
        id, secret = quote_plus(id), quote_plus(secret)
    header = "Basic " + base64.b64encode(f"{id}:{secret}".encode()).decode()
    for scheme in (header, header.replace("Basic", "BASIC"), header.replace("Basic ", "basic  "), header.rstrip("=")):
        answer = requests.post(
            f"{hard.url}/oauth/token", data={"grant_type": "client_credentials"}, headers={"Authorization": scheme},
            timeout=REQUEST_SECONDS,
        )  # fmt: skip
        assert answer.status_code == 200, answer.text
        assert_works(hard, answer.json())


def ask(server: Server, authorization: str | None, body: object) -> requests.Response:
    headers = {"Authorization": authorization} if authorization is not None else {}
    kind = "json" if isinstance(body, dict) else "data"
    return requests.post(f"{server.url}/oauth/token", headers=headers, timeout=REQUEST_SECONDS, **{kind: body})


def basic(text: str) -> str:
    return "Basic " + base64.b64encode(text.encode()).decode()


def test_errors_have_the_members_of_both_standards(server: Server) -> None:
    own = server.credentials
    right = basic(f"{own.client_id}:{own.client_secret}")
    grant = "grant_type=client_credentials"
    cases = [
        (None, grant, 400, "invalid_request", "invalid_request"),
        (None, "", 400, "invalid_request", "invalid_request"),
        (None, "{", 400, "invalid_json", "invalid_request"),
        (None, "%zz", 400, "invalid_request", "invalid_request"),
        (right, "", 400, "invalid_request", "invalid_request"),
        (right, "grant_type=password", 400, "unsupported_grant_type", "unsupported_grant_type"),
        (right, f"{grant}&client_secret=other", 400, "invalid_request", "invalid_request"),
        (right, f"{grant}&client_id=other", 400, "invalid_request", "invalid_request"),
        (basic(f"{own.client_id}:wrong"), grant, 401, "invalid_client", "invalid_client"),
        (basic("nobody:wrong"), grant, 401, "invalid_client", "invalid_client"),
        (basic(":"), grant, 401, "invalid_client", "invalid_client"),
        (basic("without a colon"), grant, 401, "invalid_client", "invalid_client"),
        ("Basic", grant, 401, "invalid_client", "invalid_client"),
        ("Basic \"'*", grant, 401, "invalid_client", "invalid_client"),
        ("Basic /////w==", grant, 401, "invalid_client", "invalid_client"),
        (None, f"{grant}&client_id={own.client_id}&client_secret=wrong", 401, "invalid_client", "invalid_client"),
    ]
    for authorization, body, status, code, error in cases:
        answer = ask(server, authorization, body)
        problem = assert_problem(answer, status, code)
        assert problem["error"] == error, (authorization, body)
        assert problem["error_description"].isascii() and '"' not in problem["error_description"]
        assert answer.headers["Cache-Control"] == "no-store"
        if status == 401:
            scheme = "Bearer" if authorization is None else "Basic"
            assert answer.headers["WWW-Authenticate"] == f'{scheme} realm="ovation"'
    # Other endpoints answer as before.
    assert "error" not in requests.get(f"{server.url}/audience/sections", timeout=REQUEST_SECONDS).json()


def test_the_same_key_in_header_and_body_is_one_key(server: Server) -> None:
    own = server.credentials
    right = basic(f"{own.client_id}:{own.client_secret}")
    body = {"grant_type": "client_credentials", "client_id": own.client_id}
    assert ask(server, right, body).status_code == 200
    assert ask(server, right, {**body, "client_secret": own.client_secret}).status_code == 200
    assert ask(server, "Bearer something", {**body, "client_secret": own.client_secret}).status_code == 200


def test_a_refusal_repeats_nothing_that_a_parser_of_headers_or_terminals_would_obey(server: Server) -> None:
    answer = ask(server, None, 'grant_type="\\\u20ac')
    assert answer.json()["error"] == "unsupported_grant_type"


def test_a_header_of_nobody_is_no_way_in_for_others(server: Server, start_server: StartServer) -> None:
    other = Client(start_server().url, server.credentials)
    assert_problem(ask(server, basic("a:b"), "grant_type=client_credentials"), 401, "invalid_client")
    assert_problem(other.ask_for_token(), 401, "invalid_client")

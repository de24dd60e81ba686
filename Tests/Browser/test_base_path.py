"""Behind a proxy that gives the server a part of a host, with and without the prefix in what the server gets."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from browser import Browser
from console import SESSION_COOKIE, one_time_link, sign_in
from ovation import ARTICLE_MODEL, ARTICLE_SECTION, EMAIL, Client, Server, event, run
from prefix_proxy import PrefixProxy

PREFIX = "/ovation"
#: Every address that a page of ours can lead to, or ask for by itself.
ADDRESS = re.compile(r'(?:\b(?:href|src|action|formaction)|data-(?:live|load|stream))="([^"]*)"')


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("prefixed") / "server", options=["--base-path", PREFIX], model=ARTICLE_MODEL)
    server.start()
    admin = server.client()
    good = {"myNumberField": 1, "myTextField": "/console in a text", "myTrueFalseField": True, "source": 'href="/x"'}
    for key, data in [("steve@apsis.com", good), ("anna@apsis.com", good), ("bert@apsis.com", {"myNumberField": "x"})]:
        admin.post_events([event(2565266, data)], key=key, section=ARTICLE_SECTION)
    yield server
    server.stop()


@pytest.fixture(params=[False, True], ids=["with the prefix", "without it"])
def proxy(request: pytest.FixtureRequest, server: Server) -> Iterator[PrefixProxy]:
    proxy = PrefixProxy(server.port, PREFIX, strips=request.param)
    yield proxy
    proxy.close()
    assert proxy.strays == []


def sign_in_through(proxy: PrefixProxy, browser: Browser, server: Server, path: str = "/console") -> None:
    assert server.credentials is not None
    browser.url = proxy.url + PREFIX
    browser.open(path)
    browser.fill("Client id", server.credentials.client_id)
    browser.fill("Client secret", server.credentials.client_secret)
    browser.press("Sign in")


def test_every_address_of_every_page_begins_with_the_prefix(proxy: PrefixProxy, browser: Browser, server: Server) -> None:
    sign_in_through(proxy, browser, server)
    session = requests.Session()
    session.trust_env = False
    cookie = browser.cookie(SESSION_COOKIE)
    assert cookie is not None
    # In the jar, so that it is sent after a redirect too.
    session.cookies.set(SESSION_COOKIE, cookie["value"])
    seen: set[str] = set()
    # No page leads to a profile before somebody looks for it.
    profile = f"/console/keyspaces/{EMAIL}/profiles/steve%40apsis.com"
    # The reference comes last: it leads to a page for each endpoint.
    waiting = [PREFIX + profile, f"{PREFIX}/console", f"{PREFIX}/docs"]
    while waiting and len(seen) < 400:
        path = waiting.pop(0)
        answer = session.get(proxy.url + path, timeout=30, stream=path.endswith("/live/stream"))
        assert answer.status_code < 400, (path, answer.status_code)
        seen.add(answer.url.removeprefix(proxy.url))
        if not answer.headers["content-type"].startswith("text/html"):
            answer.close()
            continue
        for found in ADDRESS.findall(answer.text):
            address = html.unescape(found)
            if address.startswith(("#", "https://")):
                continue
            assert address.startswith(PREFIX + "/"), f"{path} leads to {address}"
            assert not address.startswith(PREFIX * 2), f"{path} leads to {address}"
            # To follow a link changes nothing; forms have other addresses.
            if f'href="{found}"' in answer.text and address.partition("#")[0] not in seen:
                seen.add(address.partition("#")[0])
                waiting.append(address.partition("#")[0])
    # Pages of each kind have been there: of a profile, of a refused post, of an event type, and files.
    for part in ("/profiles/", "/rejections/causes/", "/event-types/", "/keys/new", "/history", "/openapi.json", "/assets/"):
        assert any(part in path for path in seen), part


def test_the_console_works_through_the_proxy(proxy: PrefixProxy, browser: Browser, server: Server) -> None:
    sign_in_through(proxy, browser, server, "/console/live?outcome=accepted")
    # After the sign-in, where it was going; and the stream opens.
    assert browser.path == f"{PREFIX}/console/live?outcome=accepted"
    browser.wait(lambda: browser.css("[data-live-state]")[0].text == "Live", "the stream does not open")
    key = f"live-{proxy.port}@apsis.com"
    data = {"myNumberField": 1, "myTextField": "now", "myTrueFalseField": True}
    assert server.client().post_events([event(2565266, data)], key=key, section=ARTICLE_SECTION).status_code == 204
    browser.wait_for_text(key)
    with browser.new_page():
        browser.click("link", key)
    assert re.fullmatch(rf"{PREFIX}/console/profiles/\w+(\?.*)?", browser.path), browser.path
    # A form leads back under the prefix, and its page comes back after a question or a mistake.
    cookie = browser.cookie(SESSION_COOKIE)
    assert cookie is not None and cookie["path"] == f"{PREFIX}/console"
    name = f"Section {proxy.port}"
    browser.open("/console/sections")
    browser.fill("Name of the new section", name)
    browser.press("Create section")
    assert browser.heading == f"Create the section ‘{name}’?"
    browser.press("Create section")
    browser.wait_for_text(f"The section ‘{name}’ is created.")
    assert browser.path == f"{PREFIX}/console/sections"
    # From a page that was posted, back to where its form is.
    browser.expected_statuses = {400}
    browser.fill("Name of the new section", " ")
    browser.press("Create section")
    browser.press("Mask profile keys")
    assert browser.path == f"{PREFIX}/console/sections"
    browser.press("Show profile keys")
    assert name in [section["name"] for section in server.client().get("/audience/sections").json()["items"]]
    browser.press("Sign out")
    assert browser.path == f"{PREFIX}/console/sign-in"
    assert browser.cookie(SESSION_COOKIE) is None


def test_what_is_no_page_begins_with_the_prefix_too(proxy: PrefixProxy, server: Server, tmp_path: Path) -> None:
    base = proxy.url + PREFIX
    document = requests.get(f"{base}/openapi.json", timeout=30).json()
    assert [entry["url"] for entry in document["servers"]] == [PREFIX]
    about = requests.get(base, headers={"accept": "application/json"}, timeout=30).json()
    assert (about["api"], about["token"]) == (f"{PREFIX}/openapi.json", f"{PREFIX}/oauth/token")
    page = requests.get(base, headers={"accept": "text/html"}, allow_redirects=False, timeout=30)
    assert (page.status_code, page.headers["location"]) == (303, f"{PREFIX}/console")
    assert f"OVATION_URL=http://127.0.0.1:8080{PREFIX}" in requests.get(f"{base}/docs", timeout=30).text
    # Clients are given the address with the prefix.
    assert server.credentials is not None
    admin = Client(base, server.credentials)
    assert admin.list_events(key="steve@apsis.com", section=ARTICLE_SECTION) != []
    link = run(
        "console", "--url", base, home=tmp_path, env={"OVATION_STORE": f"sqlite:{server.store}"}
    ).stdout.split()[-1]
    assert link.startswith(f"{base}/console/enter/")
    entered = requests.get(link, allow_redirects=False, timeout=30)
    assert (entered.status_code, entered.headers["location"]) == (303, f"{PREFIX}/console")
    assert f"Path={PREFIX}/console;" in entered.headers["set-cookie"]


def test_only_the_whole_prefix_is_one(server: Server) -> None:
    for path, status in [
        ("/health", 200), (f"{PREFIX}/health", 200), (f"{PREFIX}x/health", 404), (f"{PREFIX}{PREFIX}/health", 404),
        (f"{PREFIX}//health", 404), (f"{PREFIX.upper()}/health", 404), (f"{PREFIX}?x=1", 200), (f"{PREFIX}/", 200),
    ]:
        assert requests.get(server.url + path, timeout=30).status_code == status, path


def test_the_banner_names_the_address_with_the_prefix(server: Server, browser: Browser, tmp_path: Path) -> None:
    assert f"is ready at {server.url}{PREFIX} " in server.output
    fresh = Server(tmp_path / "fresh", options=["--base-path", PREFIX + "/"], credentials=None)
    fresh.start()
    try:
        browser.open(one_time_link(fresh))
        assert browser.heading == "Overview"
        assert browser.path == f"{PREFIX}/console"
    finally:
        fresh.stop()


def test_a_server_without_a_prefix_takes_none(tmp_path: Path, browser: Browser) -> None:
    plain = Server(tmp_path / "plain")
    plain.start()
    try:
        assert requests.get(f"{plain.url}{PREFIX}/health", timeout=30).status_code == 404
        sign_in(browser, plain)
        assert browser.path == "/console"
    finally:
        plain.stop()


@pytest.mark.parametrize("value", ["ovation", "/a//b", "/a/../b", "/a b", "/a?b", "/%61", "/console", "/audience/x", "/" + "x" * 200])
def test_a_base_path_that_cannot_be_one_stops_the_start(tmp_path: Path, value: str) -> None:
    done = run("serve", "--store", f"sqlite:{tmp_path}/x.sqlite", "--base-path", value, home=tmp_path)
    assert done.returncode == 1 and f"base_path is '{value}'" in done.stderr, done.stderr
    assert not (tmp_path / "x.sqlite").exists()

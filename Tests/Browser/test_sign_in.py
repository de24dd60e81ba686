"""Into the console, out of it again, and who stays outside."""

from __future__ import annotations

import re

import pytest
import requests

from browser import Browser
from console import SESSION_COOKIE, one_time_link, session_of, sign_in
from ovation import Client, Credentials, Server

DEEP_LINK = "/console/rejections?state=open&q=steve%40apsis.com"


def fill_in(browser: Browser, client_id: str, secret: str) -> None:
    browser.fill("Client id", client_id)
    browser.fill("Client secret", secret)
    browser.press("Sign in")


def alert(browser: Browser) -> str:
    [note] = browser.css("[role=alert]")
    return note.text


def test_the_printed_link_signs_in_once(browser: Browser, server: Server) -> None:
    browser.url = server.url
    link = one_time_link(server)
    browser.open(link)
    assert browser.heading == "Overview"
    assert link.rpartition("/")[2] not in browser.source + browser.driver.current_url
    browser.press("Sign out")
    browser.expected_statuses = {401}
    browser.open(link)
    assert browser.heading == "Sign in"
    assert "This link was used before or is too old" in alert(browser)
    browser.open("/console")
    assert browser.heading == "Sign in", "and it opened nothing"


def test_a_link_that_was_never_made_opens_nothing(browser: Browser, server: Server) -> None:
    browser.url = server.url
    browser.expected_statuses = {401}
    browser.open("/console/enter/" + "0" * 64)
    assert browser.heading == "Sign in"
    assert browser.cookie(SESSION_COOKIE) is None


def test_an_admin_key_signs_in_and_the_cookie_is_out_of_reach_for_scripts(browser: Browser, server: Server) -> None:
    sign_in(browser, server)
    assert browser.heading == "Overview"
    cookie = browser.cookie(SESSION_COOKIE)
    assert cookie is not None
    assert cookie["httpOnly"] is True
    assert cookie["sameSite"] in ("Lax", "Strict")
    assert cookie["session"] is True, "it does not outlive the browser"
    assert cookie["path"] == "/console"
    assert SESSION_COOKIE not in browser.script("return document.cookie")
    assert server.credentials is not None
    assert server.credentials.client_secret not in browser.source


def test_a_wrong_secret_is_refused_and_kept_out_of_the_page(browser: Browser, server: Server) -> None:
    assert server.credentials is not None
    browser.url = server.url
    browser.expected_statuses = {401}
    browser.open("/console")
    wrong = "wrong-secret-0123456789"
    fill_in(browser, server.credentials.client_id, wrong)
    assert alert(browser) == "The client id or the client secret is wrong, or the API key was revoked."
    assert browser.value("Client id") == server.credentials.client_id
    assert wrong not in browser.source + browser.driver.current_url
    assert browser.cookie(SESSION_COOKIE) is None
    # And then the right one, in the same form.
    fill_in(browser, server.credentials.client_id, server.credentials.client_secret)
    assert browser.heading == "Overview"


def test_the_key_of_an_integration_is_refused(browser: Browser, server: Server, admin: Client) -> None:
    made = admin.post("/account/api-keys", json={"name": "shop", "role": "integration"}).json()
    browser.url = server.url
    browser.expected_statuses = {403}
    browser.open("/console")
    fill_in(browser, made["client_id"], made["client_secret"])
    assert "The console needs an API key of role admin" in alert(browser)
    assert browser.cookie(SESSION_COOKIE) is None


def test_a_page_asked_for_while_signed_out_comes_after_the_sign_in(browser: Browser, server: Server) -> None:
    sign_in(browser, server, path=DEEP_LINK)
    assert browser.path == DEEP_LINK
    assert browser.value("Search") == "steve@apsis.com"


def test_after_signing_out_every_page_leads_to_the_sign_in_and_back(browser: Browser, server: Server) -> None:
    sign_in(browser, server)
    old = session_of(browser)
    browser.press("Sign out")
    assert browser.heading == "Sign in"
    assert browser.cookie(SESSION_COOKIE) is None, "the browser forgets the cookie"
    answer = old.get(server.url + "/console/keys", allow_redirects=False)
    assert answer.status_code == 303, "and so does the server"
    sign_in(browser, server, path="/console/keys")
    assert browser.heading == "API keys"


def test_the_back_button_shows_nothing_after_signing_out(browser: Browser, server: Server) -> None:
    sign_in(browser, server, path="/console/keys")
    browser.press("Sign out")
    browser.driver.back()
    browser.wait_for_heading("Sign in")


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example",
        "https://evil.example/console",
        "/\\evil.example",
        "/console\\..\\..//evil.example",
        "\t//evil.example",
        "/console/../..//evil.example",
        "javascript:alert(1)",
        "/console%0d%0aLocation:https://evil.example",
    ],
)
def test_the_sign_in_leads_to_no_other_site(browser: Browser, server: Server, target: str) -> None:
    assert server.credentials is not None
    with requests.Session() as session:
        session.trust_env = False
        page = session.get(server.url + "/console/sign-in", params={"next": target})
        fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        form = {
            "csrf": fields["csrf"],
            "client_id": server.credentials.client_id,
            "client_secret": server.credentials.client_secret,
        }
        # As the page has it, and as somebody posts it past the page.
        for then in (fields["next"], target):
            answer = session.post(
                server.url + "/console/sign-in",
                data={**form, "next": then},
                headers={"Cookie": f"ovation_console_form={page.cookies['ovation_console_form']}"},
                allow_redirects=False,
            )
            assert answer.status_code == 303, answer.text
            # What the browser makes of it.
            page_url = server.url + "/console/sign-in"
            resolved = browser.script(
                "return new URL(arguments[0], arguments[1]).href", answer.headers["location"], page_url
            )
            assert resolved.startswith(server.url + "/console"), answer.headers["location"]


def test_somebody_who_guesses_has_to_wait_and_the_right_secret_passes(browser: Browser, server: Server) -> None:
    browser.url = server.url
    browser.expected_statuses = {401, 429}
    browser.open("/console")
    assert server.credentials is not None
    for _ in range(15):
        fill_in(browser, server.credentials.client_id, "guess")
        if "Too many" in alert(browser):
            break
    assert re.fullmatch(
        r"Too many wrong attempts from here; wait \d+ minutes?, or send the right secret\.", alert(browser)
    )
    assert browser.cookie(SESSION_COOKIE) is None
    fill_in(browser, server.credentials.client_id, server.credentials.client_secret)
    assert browser.cookie(SESSION_COOKIE) is not None

"""What ends a session."""

from __future__ import annotations

from browser import Browser
from console import csrf_of, session_of, sign_in
from ovation import Client, Credentials, Server


def other_admin(admin: Client) -> Credentials:
    made = admin.post("/account/api-keys", json={"name": "second admin", "role": "admin"})
    assert made.status_code == 201, made.text
    return Credentials(made.json()["client_id"], made.json()["client_secret"])


def test_revoking_the_key_signs_out_at_once(browser: Browser, server: Server, admin: Client) -> None:
    credentials = other_admin(admin)
    sign_in(browser, server, credentials, "/console/sections")
    session, csrf = session_of(browser), csrf_of(browser)
    assert admin.request("DELETE", f"/account/api-keys/{credentials.client_id}").status_code == 204
    answer = session.post(
        server.url + "/console/sections", data={"csrf": csrf, "name": "too late"}, allow_redirects=False
    )
    assert answer.status_code == 303 and "/console/sign-in" in answer.headers["location"]
    assert "too late" not in admin.get("/audience/sections").text
    browser.reload()
    assert browser.heading == "Sign in"
    assert "Your session has ended" in browser.text


def test_a_key_revoked_in_the_console_is_out_as_well(browser: Browser, server: Server, admin: Client) -> None:
    credentials = other_admin(admin)
    sign_in(browser, server, credentials, f"/console/keys/{credentials.client_id}/revoke")
    assert "You are signed in with this key, and will be signed out." in browser.main
    browser.press("Revoke API key")
    assert browser.heading == "Sign in"


def test_restarting_the_server_signs_out(browser: Browser, server: Server) -> None:
    sign_in(browser, server, path="/console/history")
    assert browser.heading == "History"
    server.stop()
    server.start()
    browser.open("/console/history")
    assert browser.heading == "Sign in"
    assert "Your session has ended" in browser.text
    sign_in(browser, server, path="/console/history")
    assert browser.heading == "History"


def test_a_script_on_a_page_says_that_the_session_has_ended(browser: Browser, server: Server) -> None:
    sign_in(browser, server)
    browser.follow("Event types")
    browser.follow("Create a custom event", browser.css(".head")[0])
    browser.command("Network.clearBrowserCookies")
    browser.expected_statuses = {401}
    browser.fill("Name", "a name")
    browser.wait(lambda: "signed out" in browser.region("Preview").text, "the preview says nothing")

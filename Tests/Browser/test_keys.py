"""API keys: limited to what they need, shown once, rotated in peace, revoked at once."""

from __future__ import annotations

import pytest

from browser import Browser
from ovation import DEFAULT_SECTION, MOBILE, Client, Credentials, Server, event


def shown(browser: Browser) -> Credentials:
    return Credentials(browser.css("#client-id")[0].text, browser.css("#client-secret")[0].text)


def gets_a_token(server: Server, credentials: Credentials) -> bool:
    return server.client(credentials).ask_for_token().status_code == 200


def make_key(browser: Browser, name: str) -> Credentials:
    browser.open("/console/keys/new")
    browser.fill("Name", name)
    browser.limit_to_nothing()
    browser.press("Create API key")
    return shown(browser)


@pytest.fixture(scope="module")
def version(admin: Client) -> str:
    return admin.make_version({"cups": "integer"}, name="coffee bought")


def test_a_key_may_do_what_its_form_says_and_no_more(
    console: Browser, server: Server, admin: Client, version: str
) -> None:
    other = admin.post("/audience/sections", json={"name": "Other shop"}).json()["discriminator"]
    console.open("/console/keys")
    console.follow("Create an API key")
    console.fill("Name", "till")
    console.tick("Only these sections")
    console.tick("Default" if console.has("field", "Default") else section_name(admin))
    console.tick("Only these keyspaces")
    console.choose("Access to Mobile", "Read and write")
    console.press("Create API key")
    assert "Reads and writes through Mobile." in console.main
    till = server.client(shown(console))
    assert till.post_events([event(version, {"cups": 1})], keyspace=MOBILE, key="46793699558").status_code == 204
    assert till.post_events([event(version, {"cups": 1})]).status_code == 403, "not through e-mail"
    assert till.get(f"/audience/sections/{other}/events").status_code in (403, 404), "not in another section"
    assert till.get("/account/api-keys").status_code == 403, "and it is no admin"
    console.follow("Back to API keys")
    row = console.row("till")
    assert "Mobile" in row.text and "integration" in row.text and section_name(admin) in row.text


def section_name(admin: Client) -> str:
    items = admin.get("/audience/sections").json()["items"]
    return next(item["name"] for item in items if item["discriminator"] == DEFAULT_SECTION)


def test_a_secret_is_shown_once(console: Browser, server: Server) -> None:
    key = make_key(console, "once")
    assert len(key.client_secret) >= 32
    assert gets_a_token(server, key)
    assert key.client_secret in console.find("code", "Command that fetches a token").text
    console.follow("Back to API keys")
    assert console.row("once")
    assert key.client_secret not in console.source
    for path in (f"/console/keys/{key.client_id}/rotate", f"/console/keys/{key.client_id}/revoke", "/console/history"):
        console.open(path)
        assert key.client_secret not in console.source
    # The browser keeps nothing of the page either.
    console.driver.back()
    assert key.client_secret not in console.driver.current_url


def test_a_form_without_a_name_makes_no_key(console: Browser, admin: Client) -> None:
    before = admin.get("/account/api-keys").json()
    console.open("/console/keys/new")
    console.fill("Name", " ")
    console.limit_to_nothing()
    console.expected_statuses = {400}
    console.press("Create API key")
    assert "There is a problem" in console.main
    assert console.field("Name").get_attribute("aria-invalid") == "true"
    assert admin.get("/account/api-keys").json() == before


def test_after_a_rotation_both_secrets_work_for_as_long_as_was_chosen(console: Browser, server: Server) -> None:
    old = make_key(console, "rotated")
    console.follow("Back to API keys")
    console.follow("Rotate… rotated")
    console.choose("Keep the old secret working for", "1 hour")
    console.press("Rotate secret")
    assert console.heading == "Secret rotated"
    assert "The previous secret works until" in console.main
    new = shown(console)
    assert new.client_id == old.client_id and new.client_secret != old.client_secret
    assert gets_a_token(server, new)
    assert gets_a_token(server, old)
    console.follow("Back to API keys")
    assert "previous secret until" in console.row("rotated").text

    # The next one at once.
    console.follow("Rotate… rotated")
    console.choose("Keep the old secret working for", "no time: it stops at once")
    console.press("Rotate secret")
    newest = shown(console)
    assert gets_a_token(server, newest)
    assert not gets_a_token(server, new)
    assert not gets_a_token(server, old)


def test_a_revoked_key_is_out_at_once(console: Browser, server: Server, version: str) -> None:
    key = make_key(console, "revoked soon")
    client = server.client(key)
    assert client.post_events([event(version, {"cups": 1})]).status_code == 204
    console.follow("Back to API keys")
    assert "never" not in console.row("revoked soon").text, "its use is noted"
    console.follow("Revoke… revoked soon")
    console.follow("Cancel")
    console.follow("Revoke… revoked soon")
    console.press("Revoke API key")
    console.wait_for_text("‘revoked soon’ is revoked.")
    row = console.row(key.client_id)
    assert "revoked" in row.text and not console.all("link", within=row)
    assert not gets_a_token(server, key)
    assert client.post_events([event(version, {"cups": 1})]).status_code == 401, "nor does the token it has"


def test_the_last_admin_key_cannot_be_revoked(console: Browser, server: Server) -> None:
    assert server.credentials is not None
    console.open(f"/console/keys/{server.credentials.client_id}/revoke")
    console.press("Revoke API key")
    assert console.heading == "API keys", "still signed in"
    assert console.css(".note.error"), "and told why not"
    assert gets_a_token(server, server.credentials)


def test_a_form_in_which_nothing_is_chosen_makes_no_key_and_says_so_at_the_fields(
    console: Browser, admin: Client
) -> None:
    # Not the times of their last use, which are noted now and then.
    def names() -> list[tuple[str, str]]:
        return [(key["client_id"], key["name"]) for key in admin.get("/account/api-keys").json()["items"]]

    before = names()
    console.open("/console/keys/new")
    console.fill("Name", "everything by accident")
    console.expected_statuses = {400}
    console.press("Create API key")
    assert "There is a problem" in console.main
    assert "Choose all keyspaces, or only those that the key needs." in console.css("#keyspaces .error")[0].text
    assert "Choose all sections" in console.css("#sections .error")[0].text
    console.tick("All sections, now and later")
    console.tick("Only these keyspaces")
    console.press("Create API key")
    assert "Choose at least a keyspace" in console.css("#keyspaces .error")[0].text
    assert console.field("Only these keyspaces").is_selected(), "what was chosen is kept"
    assert console.value("Name") == "everything by accident"
    assert names() == before

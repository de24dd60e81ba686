"""What a page of another site, or without an origin, can make a signed-in browser do: nothing. And what every answer has.

The routes are read from ConsoleRoutes.swift, so that a new one cannot be forgotten here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
import requests
from selenium.webdriver import Chrome

from browser import Browser
from console import SESSION_COOKIE, csrf_of, session_of, sign_in
from ovation import CRM_ID, DEFAULT_SECTION, EMAIL, Client, Server, event, wait_until
from routes import PAGES, POSTS, Route


@dataclass
class World:
    """A server with something at every address, and a signed-in browser's cookie."""

    server: Server
    admin: Client
    session: requests.Session
    csrf: str
    places: Mapping[str, str]
    #: Other values of `{id}`, which is an event's or a rejection's.
    event_id: str
    rejection_id: str
    published_version: str

    def path(self, route: Route) -> str:
        places = dict(self.places)
        places["id"] = self.event_id if "/events/" in route.path else self.rejection_id
        if route.path.endswith("/deprecate"):
            places["version"] = self.published_version
        if "{attribute}" in route.path:
            places["version"] = places["attribute_" + ("version" if route.path.endswith("/deprecate") else "draft")]
        if route.path == "/console/jobs/{job}/file":
            places["job"] = places["export"]
        path = re.sub(r"{(\w+)}", lambda place: places[place[1]], route.path)
        return path + "?format=csv" if "/exports/" in route.path else path

    def form(self, route: Route) -> dict[str, str | list[str]]:
        """What the page of that form would send."""
        if "/edit" in route.path or "/event-types" in route.path or "/attributes" in route.path:
            return {
                "name": "planted",
                "kind": "string",
                "category": "signal",
                "suffix": "abcdefghij",
                "field_name": ["planted"],
                "field_type": ["string"],
                "write": [EMAIL],
                "action": "save" if "/edit" in route.path else "create",
                "confirmed": "yes",
            }
        if "/profiles/" in route.path and route.path.endswith(("/attributes", "/attributes/validate")):
            return {"com.apsis1.attributes.firstname": "planted", "was:com.apsis1.attributes.firstname": ""}
        if route.path.endswith("/consents"):
            place = {"topic": self.places["topic"], "channel": "com.apsis1.channels.email"}
            return {**place, "type": "opt-in", "reason": "planted"}
        if route.path.startswith("/console/docs/"):
            return {"path-section": DEFAULT_SECTION, "body": '{"name": "planted"}', "confirmed": "yes"}
        if "/suppressions" in route.path:
            return {"address": "planted@apsis.com", "reason": "planted", "confirmed": "yes"}
        if route.path.endswith("/merge"):
            return {"keyspace": CRM_ID, "key": "planted", "confirmed": "yes"}
        if route.path.endswith("/undo"):
            member = self.admin.get(f"/audience/keyspaces/{EMAIL}/profiles/steve@apsis.com").json()["members"][1]
            return {"made": f"{member['created_at']} {member['merged_at']}", "confirmed": "yes"}
        if "/imports" in route.path:
            planted = {"section": DEFAULT_SECTION, "sample": "email\nplanted@apsis.com\n"}
            return {**planted, "meaning_0": f"key:{EMAIL}", "options": "update"}
        if "/rejections/causes/" in route.path:
            return {"action": "run"}
        if "/rejections/" in route.path:
            body = json.dumps({"items": [event(self.published_version, {"text": "planted"})]})
            return {"profile_key": "planted@apsis.com", "body": body, "action": "replay", "confirmed": "yes"}
        return {
            "name": "planted",
            "role": "admin",
            "key_format": "text",
            "keyspace": EMAIL,
            "folder": self.places["folder"],
            "overlap": "0",
            "masked": "on",
            "manage_subscriptions": "on",
            "back": "/console",
            "client_id": "planted",
            "client_secret": "planted",
            "confirmed": "yes",
        }

    def state(self) -> list[str]:
        """All that a planted post could change."""
        paths = [
            "/audience/log?limit=1000",
            "/audience/model",
            "/account/api-keys",
            "/audience/rejections?limit=200",
            f"/audience/keyspaces/{EMAIL}/profiles/steve@apsis.com/sections/{DEFAULT_SECTION}/attributes",
            f"/audience/keyspaces/{EMAIL}/profiles/steve@apsis.com/keys",
            f"/audience/channels/{self.places['channel']}/suppressions",
            "/audience/jobs",
        ]
        texts = [re.sub(r'"last_used_at":"[^"]*"', "", self.admin.get(path).text) for path in paths]
        page = self.session.get(self.server.url + "/console", allow_redirects=False)
        assert page.status_code == 200, "the session goes on"
        assert "Mask profile keys" in page.text, "and shows keys as before"
        return [
            *texts,
            json.dumps(self.admin.list_events()),
            json.dumps(self.admin.list_events(key="planted@apsis.com")),
        ]


def draft_of(answer: requests.Response) -> str:
    """The id of the one draft of an event type."""
    assert answer.status_code == 201, answer.text
    [draft] = answer.json()["drafts"]
    return draft["id"]


@pytest.fixture(scope="module")
def world(chromium: Chrome, server: Server, admin: Client) -> Iterator[World]:
    browser = Browser(chromium)
    browser.reset()
    sign_in(browser, server)
    made = admin.make_event_type({"text": "string"}, name="target")
    published = made["versions"][0]["id"]
    address = f"/audience/sections/{DEFAULT_SECTION}/events/{made['discriminator']}/versions"
    draft = admin.post(address, json={"fields": {"more": "string"}, "draft": True})
    assert admin.post_events([event(published, {"text": "a"})]).status_code == 204
    assert admin.post_events([event(published, {"text": 1})]).status_code == 400
    key = admin.post("/account/api-keys", json={"name": "target", "role": "integration"}).json()
    section = f"/audience/sections/{DEFAULT_SECTION}"
    attribute = admin.post(f"{section}/attributes", json={"name": "target", "type": "string"}).json()
    attribute_draft = admin.post(
        f"{section}/attributes/{attribute['discriminator']}/versions", json={"type": "double", "draft": True}
    )
    tag = admin.post(f"{section}/tags", json={"name": "target"}).json()
    channel = admin.post("/audience/channels", json={"name": "target", "keyspace_discriminator": EMAIL}).json()
    folder = admin.post(f"/v2{section}/folders", json={"name": "target"}).json()["discriminator"]
    topic = admin.post(f"/v2{section}/topics", json={"name": "target", "folder_discriminator": folder}).json()
    mapping = {"keyspace_mapping": {"keyspace_discriminator": EMAIL, "field_selector": "email"}}
    job = admin.post(f"/v2{section}/imports", json=mapping).json()
    asked = admin.post("/audience/profiles/exports", json={"attributes": ["com.apsis1.attributes.firstname"]})
    export = asked.json()["job_id"]
    assert wait_until(lambda: admin.get(f"/audience/jobs/{export}/file").status_code == 200, 60, 0.1)
    merged = {
        "profiles": [
            {"keyspace_discriminator": EMAIL, "profile_key": "steve@apsis.com"},
            {"keyspace_discriminator": "com.apsis1.keyspaces.web", "profile_key": "visitor"},
        ]
    }
    assert admin.request("PUT", "/audience/profiles/merges", json=merged).status_code == 204
    profile = admin.get("/audience/profiles", params={"key": "steve@apsis.com"}).json()["items"][0]["profile_id"]
    yield World(
        server=server,
        admin=admin,
        session=session_of(browser),
        csrf=csrf_of(browser),
        places={
            "section": DEFAULT_SECTION,
            "event": made["discriminator"],
            "version": draft_of(draft),
            "attribute": attribute["discriminator"],
            "attribute_version": attribute["versions"][0]["id"],
            "attribute_draft": draft_of(attribute_draft),
            "tag": tag["discriminator"],
            "channel": channel["discriminator"],
            "folder": folder,
            "topic": topic["discriminator"],
            "profile_id": profile,
            "number": "1",
            "keyspace": EMAIL,
            "key": "steve%40apsis.com",
            "client_id": key["client_id"],
            "link": "0" * 64,
            "file": "console.css",
            "operation": "createTag",
            "job": job["import_id"],
            "export": export,
            "cause": admin.get("/audience/rejections/causes").json()["items"][0]["cause"],
        },
        event_id=admin.list_events()[0]["id"],
        rejection_id=admin.get("/audience/rejections").json()["items"][0]["id"],
        published_version=published,
    )


@pytest.mark.parametrize("route", [route for route in POSTS if route.kind == "page"], ids=str)
def test_a_form_of_another_site_is_refused_and_changes_nothing(world: World, route: Route) -> None:
    before = world.state()
    url, form = world.server.url + world.path(route), world.form(route)
    forged: list[tuple[dict[str, object], dict[str, str]]] = [
        ({}, {}),
        ({"csrf": ""}, {}),
        ({"csrf": "0" * len(world.csrf)}, {}),
        ({"csrf": world.csrf[:-1]}, {}),
        # Even with the right one, where the browser says whence it comes.
        ({"csrf": world.csrf}, {"Sec-Fetch-Site": "cross-site"}),
        ({"csrf": world.csrf}, {"Sec-Fetch-Site": "same-site"}),
    ]
    for fields, headers in forged:
        answer = world.session.post(url, data={**form, **fields}, headers=headers, allow_redirects=False)
        assert answer.status_code == 403, f"{fields} {headers}: {answer.status_code}"
        # In a query it counts for nothing.
        answer = world.session.post(url, params={"csrf": world.csrf}, data=form, allow_redirects=False)
        assert answer.status_code == 403
        answer = world.session.post(url, json={**form, "csrf": world.csrf}, allow_redirects=False)
        assert answer.status_code == 403, "a form is a form"
    assert world.state() == before


@pytest.mark.parametrize("route", [route for route in POSTS if route.kind == "page"], ids=str)
def test_a_form_of_nobody_leads_to_the_sign_in_and_changes_nothing(world: World, route: Route) -> None:
    before = world.state()
    answer = requests.post(
        world.server.url + world.path(route), data={**world.form(route), "csrf": world.csrf}, allow_redirects=False
    )
    assert answer.status_code == 303 and answer.headers["location"].startswith("/console/sign-in")
    assert world.state() == before


def test_the_sign_in_is_refused_from_another_site_too(world: World) -> None:
    page = requests.get(world.server.url + "/console/sign-in")
    csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert csrf and world.server.credentials
    form = {
        "client_id": world.server.credentials.client_id,
        "client_secret": world.server.credentials.client_secret,
        "next": "/console",
    }
    cookie = {"Cookie": f"ovation_console_form={page.cookies['ovation_console_form']}"}
    url = world.server.url + "/console/sign-in"
    good = {**form, "csrf": csrf[1]}
    assert requests.post(url, data=form, headers=cookie, allow_redirects=False).status_code == 403
    assert requests.post(url, data=good, allow_redirects=False).status_code == 403, "the cookie belongs to it"
    crossed = {**cookie, "Sec-Fetch-Site": "cross-site"}
    assert requests.post(url, data=good, headers=crossed, allow_redirects=False).status_code == 403
    assert requests.post(url, data=good, headers=cookie, allow_redirects=False).status_code == 303


def test_an_api_token_opens_no_page_and_a_session_opens_no_endpoint(world: World) -> None:
    token = {"Authorization": f"Bearer {world.admin.token}"}
    page = requests.get(world.server.url + "/console/keys", headers=token, allow_redirects=False)
    assert page.status_code == 303 and page.headers["location"].startswith("/console/sign-in")
    assert world.session.get(world.server.url + "/account/api-keys").status_code == 401


def assert_hardened(answer: requests.Response, *, kept: bool = False) -> None:
    headers = answer.headers
    policy = dict(
        (part.split()[0], part.split()[1:]) for part in headers["content-security-policy"].split(";") if part.strip()
    )
    assert policy["default-src"] == ["'none'"]
    assert policy["frame-ancestors"] == ["'none'"]
    assert policy["base-uri"] == ["'none'"]
    assert policy["form-action"] == ["'self'"]
    assert policy["script-src"] == ["'self'"] and policy["style-src"] == ["'self'"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] in ("same-origin", "no-referrer")
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert "content-type" in headers or answer.status_code == 303
    if kept:
        assert "no-store" not in headers["cache-control"]
    else:
        assert headers["cache-control"] == "no-store"
    assert "server" not in headers or not re.search(r"\d", headers["server"])


@pytest.mark.parametrize("route", PAGES, ids=str)
def test_every_answer_carries_the_headers_that_harden_it(world: World, route: Route) -> None:
    if route.path.startswith("/console/assets/"):
        page = world.session.get(world.server.url + "/console").text
        for asset in set(re.findall(r'"(/console/assets/[^"]+)"', page)):
            assert_hardened(requests.get(world.server.url + asset), kept=True)
        assert_hardened(requests.get(world.server.url + "/console/assets/old/console.css"))
        return
    url = world.server.url + world.path(route)
    with world.session.get(url, allow_redirects=False, stream=True) as answer:
        assert answer.status_code in (200, 303), answer.text
        # The reference and the icon are the same for everybody.
        assert_hardened(answer, kept=route.path in ("/docs", "/favicon.ico"))
    if route.kind == "page":
        answer = requests.get(url, allow_redirects=False)
        assert answer.status_code == 303 and answer.headers["location"].startswith("/console/sign-in")
        assert_hardened(answer)


@pytest.mark.parametrize(
    "path",
    [
        "/console/nowhere",
        "/console/sections/usercreated.sections.missing-0123456789/event-types",
        f"/console/sections/{DEFAULT_SECTION}/rejections/999999",
        "/console/profiles/00000000000000000000000000000000",
        f"/console/keyspaces/{CRM_ID}/profiles/nobody",
    ],
)
def test_pages_that_do_not_exist_are_hardened_and_say_so(world: World, path: str) -> None:
    answer = world.session.get(world.server.url + path, allow_redirects=False)
    assert answer.status_code == 404, answer.text
    assert_hardened(answer)
    assert "text/html" in answer.headers["content-type"] and "<h1>" in answer.text


def test_an_old_cookie_of_another_server_does_no_harm(world: World) -> None:
    for value in ("", "0" * 64, "x" * 10_000, "%00", '"; Path=/'):
        answer = requests.get(
            world.server.url + "/console", headers={"Cookie": f"{SESSION_COOKIE}={value}"}, allow_redirects=False
        )
        assert answer.status_code in (303, 431), answer.status_code


def test_the_same_forms_are_taken_when_they_are_ours(world: World) -> None:
    """Or the tests above would prove nothing. The last one here, since it uses up what they look at."""

    refused: list[str] = []
    for route in sorted(POSTS, key=lambda route: route.path.endswith(("/revoke", "/remove"))):
        if route.kind == "open" or route.path.endswith("/sign-out"):
            continue
        if route.path.endswith(("/publish", "/discard")):
            address = f"/audience/sections/{DEFAULT_SECTION}/events/{world.places['event']}"
            for old in world.admin.get(address).json()["drafts"]:
                assert world.admin.request("DELETE", f"{address}/versions/{old['id']}").status_code == 204
            draft = world.admin.post(f"{address}/versions", json={"fields": {"another": "string"}, "draft": True})
            address = f"/audience/sections/{DEFAULT_SECTION}/attributes/{world.places['attribute']}"
            for old in world.admin.get(address).json()["drafts"]:
                assert world.admin.request("DELETE", f"{address}/versions/{old['id']}").status_code == 204
            other = world.admin.post(f"{address}/versions", json={"type": "boolean", "draft": True})
            world.places = {**world.places, "version": draft_of(draft), "attribute_draft": draft_of(other)}
        answer = world.session.post(
            world.server.url + world.path(route),
            data={**world.form(route), "csrf": world.csrf},
            headers={"Sec-Fetch-Site": "same-origin"},
            allow_redirects=False,
        )
        # An edit without `seen` is a conflict; a replay under the key of another profile is fine.
        if answer.status_code not in (200, 303, 409):
            refused.append(f"{route}: {answer.status_code}")
    assert refused == []
    answer = world.session.post(
        world.server.url + "/console/sign-out", data={"csrf": world.csrf}, allow_redirects=False
    )
    assert answer.status_code == 303
    assert world.session.get(world.server.url + "/console", allow_redirects=False).status_code == 303

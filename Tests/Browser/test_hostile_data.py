"""Text that means something to a browser, a template or a shell, wherever somebody else can put text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pytest
from selenium.webdriver import Chrome

from browser import Browser
from console import session_of, sign_in
from ovation import CRM_ID, Client, Credentials, Server, event

SCRIPT = "<script>window.__pwned=1</script>"
IMAGE = '"><img src=x onerror=window.__pwned=2>'
ATTRIBUTE = "' autofocus onfocus=window.__pwned=3 x='"
MUSTACHE = "{{csrf}}{{{page}}}{{#page}}{{/page}}&amp;&lt;"
TEXTAREA = "</textarea></pre></title><svg onload=window.__pwned=4>"
RTL = "\u202etxet desrever\u202c مرحبا 😀👩‍👩‍👧"
ALL = [SCRIPT, IMAGE, ATTRIBUTE, MUSTACHE, TEXTAREA, RTL]

# Short enough for a name, and with something of each.
NAME = f"{SCRIPT}{IMAGE}{{{{csrf}}}}</textarea>{RTL}"
JAVASCRIPT = "javascript:window.__pwned=5//"

# Would be called by whatever gets through, and tells where.
CANARY = """
window.__violations = [];
addEventListener("securitypolicyviolation", (e) => window.__violations.push(`${e.violatedDirective} ${e.blockedURI}`));
for (const name of ["alert", "confirm", "prompt", "open"]) window[name] = () => { window.__pwned = name; };
"""

# All that a page says, shown or not: texts, and what stands in controls.
SAID = """
const values = [...document.querySelectorAll("input, textarea")].map((e) => e.value);
return [document.body.textContent, document.title, ...values].join("\\n");
"""

# Elements that our templates never make.
PLANTED = """
return [...document.querySelectorAll("img:not(.brand img), script:not([src^='/console/assets/']), svg[onload], "
  + "[onerror], [onload], [onfocus], iframe, object, embed, base, a[href^='javascript' i]")].map((e) => e.outerHTML);
"""


@dataclass
class Planted:
    section: str
    keyspace: str
    event_type: str
    version: str
    client_id: str
    profile: str
    rejection: str
    #: Of that rejection.
    cause: str


def make(admin: Client, path: str, body: dict[str, Any]) -> Any:
    answer = admin.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


@pytest.fixture(scope="module")
def planted(admin: Client) -> Planted:
    section = make(admin, "/audience/sections", {"name": NAME})["discriminator"]
    keyspace = make(admin, "/audience/keyspaces", {"name": NAME, "key_format": "text"})["discriminator"]
    keyspaces = [{"keyspace_discriminator": item, "read": True, "write": True} for item in (CRM_ID, keyspace)]
    event_type = make(
        admin,
        f"/audience/sections/{section}/events",
        {
            "name": NAME,
            "category": "signal",
            "description": "\n".join(ALL),
            "fields": {"text": "string", "link": "string"},
            "keyspace_permissions": keyspaces,
        },
    )
    version = event_type["versions"][0]["id"]
    key = make(admin, "/account/api-keys", {"name": NAME, "role": "admin"})
    client = Client(admin.url, Credentials(key["client_id"], key["client_secret"]))
    for text in ALL:
        good = [event(version, {"text": text, "link": JAVASCRIPT, "source": text})]
        for where in (CRM_ID, keyspace):
            answer = client.post_events(good, keyspace=where, key=text, section=section)
            assert answer.status_code == 204, answer.text
        bad = [event(version, {"text": text, "link": 1, text: text}), event(text, text)]
        assert client.post_events(bad, keyspace=CRM_ID, key=text, section=section).status_code == 400
    # No JSON at all.
    path = f"/audience/keyspaces/{CRM_ID}/profiles/{quote(NAME, safe='')}/sections/{section}/events"
    assert client.post(path, data=NAME.encode()).status_code == 400
    # A change by the key with that name.
    address = f"/audience/sections/{section}/events/{event_type['discriminator']}"
    changed = client.request("PATCH", address, json={"fields": {"text": "string", "link": "string", "more": "double"}})
    assert changed.status_code == 200, changed.text
    found = admin.get("/audience/profiles", params={"key": TEXTAREA, "exact": "true", "keyspace": CRM_ID}).json()
    rejections = admin.get("/audience/rejections", params={"limit": "200"}).json()["items"]
    assert len(rejections) == len(ALL) + 1
    return Planted(
        section=section,
        keyspace=keyspace,
        event_type=event_type["discriminator"],
        version=version,
        client_id=key["client_id"],
        profile=found["items"][0]["profile_id"],
        rejection=rejections[1]["id"],
        cause=rejections[1]["cause"],
    )


@pytest.fixture(scope="module")
def watched(chromium: Chrome) -> Iterator[None]:
    """Every page that opens from now on has the canary before anything else runs."""
    script = chromium.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": CANARY})
    yield
    chromium.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


@pytest.fixture
def suspicious(watched: None, browser: Browser, server: Server, planted: Planted) -> Browser:
    sign_in(browser, server)
    return browser


def assert_harmless(browser: Browser) -> None:
    browser.settle()
    assert browser.script("return window.__violations") == [], browser.path
    assert browser.script("return window.__pwned ?? null") is None, browser.path
    assert browser.script(PLANTED) == [], browser.path
    assert browser.complaints() == [], browser.path


def assert_said(browser: Browser, *texts: str) -> None:
    said = browser.script(SAID)
    # A text area says \\n where \\r\\n went in; nothing else may differ.
    missing = [text for text in texts if text not in said]
    assert missing == [], browser.path


def places(planted: Planted) -> list[tuple[str, list[str]]]:
    """Pages, and what stands on each, to the letter."""
    types = f"/console/sections/{planted.section}/event-types"
    event_type = f"{types}/{planted.event_type}"
    key = f"/console/keys/{planted.client_id}"
    rejection = f"/console/sections/{planted.section}/rejections/{planted.rejection}"
    return [
        ("/console", [NAME]),
        ("/console/live", [NAME]),
        ("/console/history", [NAME]),
        (types, [NAME]),
        (f"{types}/new", [NAME]),
        (event_type, [NAME, *ALL]),
        (f"{event_type}/edit", [NAME, *ALL]),
        (f"{event_type}/remove", [NAME]),
        ("/console/profiles?key=" + quote(IMAGE + TEXTAREA), [IMAGE + TEXTAREA, NAME]),
        ("/console/profiles?key=%3C", [SCRIPT, TEXTAREA]),
        (f"/console/profiles/{planted.profile}", [TEXTAREA, NAME, JAVASCRIPT]),
        ("/console/rejections", [NAME]),
        (f"/console/rejections/causes/{planted.cause}", [NAME]),
        (f"/console/rejections/causes/{planted.cause}/replay", []),
        (f"/console/rejections/causes/{planted.cause}/dismiss", []),
        ("/console/rejections?view=list", [NAME, *ALL]),
        ("/console/rejections?event_type=" + quote(IMAGE), [IMAGE]),
        ("/console/rejections?item_code=" + quote(IMAGE), [IMAGE]),
        ("/console/rejections?q=" + quote(IMAGE), [IMAGE]),
        ("/console/rejections?code=" + quote(IMAGE), [IMAGE]),
        (rejection, [NAME, RTL]),
        (f"{rejection}/dismiss", []),
        ("/console/keys", [NAME]),
        ("/console/keys/new", [NAME]),
        (f"{key}/rotate", [NAME]),
        (f"{key}/revoke", [NAME]),
        ("/console/sections", [NAME]),
        ("/console/keyspaces", [NAME]),
    ]


@pytest.mark.parametrize("number", range(22))
def test_a_page_shows_hostile_text_as_text(suspicious: Browser, planted: Planted, number: int) -> None:
    path, texts = places(planted)[number]
    suspicious.open(path)
    assert_harmless(suspicious)
    assert_said(suspicious, *texts)
    for summary in suspicious.css("main summary"):
        if summary.is_displayed():
            summary.click()
    assert_harmless(suspicious)


@pytest.mark.parametrize(
    "text", [SCRIPT, IMAGE[2:], TEXTAREA, "<a href=javascript:1>a</a>", "<base href=//evil.example>"]
)
def test_text_that_were_no_text_would_be_noticed(suspicious: Browser, text: str) -> None:
    """Or the tests here would prove nothing."""
    suspicious.script(
        "document.querySelector('main').append(document.createRange().createContextualFragment(arguments[0]))", text
    )
    with pytest.raises(AssertionError):
        assert_harmless(suspicious)
    # What came of it is not the fault of the pages.
    suspicious.complaints()


def test_all_of_them_are_looked_at(planted: Planted) -> None:
    assert len(places(planted)) == 28


def test_every_hostile_profile_can_be_reached_by_its_key(suspicious: Browser, planted: Planted) -> None:
    for keyspace in (CRM_ID, planted.keyspace):
        for text in ALL:
            suspicious.open(f"/console/keyspaces/{keyspace}/profiles/{quote(text, safe='')}")
            assert suspicious.heading.startswith("Profile ")
            assert_harmless(suspicious)
            assert_said(suspicious, f"Profile {text}")


def test_every_hostile_rejection_can_be_looked_at_and_checked(
    suspicious: Browser, admin: Client, planted: Planted
) -> None:
    for item in admin.get("/audience/rejections", params={"limit": "200"}).json()["items"]:
        suspicious.open(f"/console/sections/{planted.section}/rejections/{item['id']}")
        assert_said(suspicious, item["profile_key"])
        suspicious.field("Body").send_keys(" ")
        suspicious.wait(lambda: suspicious.css("#check [data-say]"), "the check says nothing")
        assert_harmless(suspicious)
        for button in suspicious.css("button.place"):
            button.click()
        assert_harmless(suspicious)


def test_addresses_that_are_hostile_themselves_do_no_harm(suspicious: Browser, planted: Planted) -> None:
    suspicious.expected_statuses = {400, 404}
    for text in (*ALL, "%", "\x00", "x" * 3000):
        path = quote(text, safe="")
        for address in (
            f"/console/{path}",
            f"/console/sections/{path}/event-types",
            f"/console/sections/{planted.section}/event-types/{path}",
            f"/console/profiles/{path}",
            f"/console/keys/{path}/revoke",
            f"/console/live?section={path}&outcome={path}&event_discriminator={path}",
            f"/console/profiles/{planted.profile}?section={path}",
            f"/console/profiles/{planted.profile}?from={path}&to={path}&cursor={path}",
            f"/console/history?before={path}",
        ):
            suspicious.open(address)
            assert suspicious.script("return window.__pwned ?? null") is None, address
            assert suspicious.script(PLANTED) == [], address
            assert suspicious.css("h1"), f"{address} has no page"
    # A date that is none is shown as it came, and the browser says that it is none.
    assert [text for text in suspicious.complaints() if "does not conform to the required format" not in text] == []


def test_the_preview_and_the_form_hold_what_is_typed(suspicious: Browser, planted: Planted) -> None:
    suspicious.open(f"/console/sections/{planted.section}/event-types/new")
    # Emoji are more than chromedriver can type, so that a paste it is.
    suspicious.field("Name").click()
    suspicious.command("Input.insertText", text=NAME)
    suspicious.choose("Category", "signal")
    suspicious.field("Description").click()
    suspicious.command("Input.insertText", text="\n".join(ALL))
    suspicious.field("Name of field 1").click()
    suspicious.command("Input.insertText", text=IMAGE)
    suspicious.wait(lambda: "Not ready to be saved" in suspicious.region("Preview").text, "no preview comes")
    assert_harmless(suspicious)
    suspicious.expected_statuses = {400}
    suspicious.press("Create event type")
    assert_said(suspicious, NAME, IMAGE, *ALL)
    assert_harmless(suspicious)
    suspicious.fill("Name of field 1", "text")
    suspicious.wait(lambda: suspicious.has("code", "Preview of the JSON"), "no preview comes")
    assert_harmless(suspicious)
    suspicious.press("Create event type")
    assert suspicious.heading == " ".join(NAME.split())
    assert_said(suspicious, NAME, *ALL)
    assert_harmless(suspicious)


def test_a_command_to_copy_cannot_break_out_of_its_quotes(suspicious: Browser, server: Server) -> None:
    """The host of a request goes into the commands; a shell must not run what somebody puts there."""
    session = session_of(suspicious)
    for host in ("x$(touch pwned)", "x`touch pwned`", "x;touch pwned", "x' --data '", 'x"><script>'):
        answer = session.get(server.url + "/console/keys/new", headers={"Host": host})
        assert "touch pwned" not in answer.text and "<script>" not in answer.text.replace('<script type="module"', "")

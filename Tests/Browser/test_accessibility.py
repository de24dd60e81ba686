"""Every page for everybody: by keyboard, by ear, in the dark, on a small screen, on a slow line."""

from __future__ import annotations

import re
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import pytest
import requests
from selenium.webdriver import Chrome, Keys

from browser import Browser
from console import session_of, sign_in
from ovation import DEFAULT_SECTION, EMAIL, Client, Server, event
from routes import PAGES
from shop import Shop, address, made

CHECKS = Path(__file__).with_name("accessibility.js").read_text()
BYTES_MAX = 100_000

LOOKS = {
    "light": {"width": 1280},
    "dark": {"width": 1280, "dark": True},
    "small": {"width": 360, "height": 740},
    "small and dark": {"width": 360, "height": 740, "dark": True},
}

# Every stop of the tabulator that should be there, and how it looks without the focus.
STOPS = """
const looks = (e) => {
  const s = getComputedStyle(e);
  const hasOutline = s.outlineStyle !== "none" && parseFloat(s.outlineWidth) > 0;
  return [hasOutline ? s.outline : "none", s.boxShadow, s.borderColor, s.backgroundColor, s.top].join();
};
const usable = "a[href]:not([data-more]), button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
const stops = [...document.querySelectorAll(usable)].filter((e) =>
  e.tabIndex >= 0 && !e.disabled && e.checkVisibility({ visibilityProperty: true })
  && !(e.type === "radio" && !e.checked));
window.__looks = looks;
window.__stops = new Map(stops.map((e) => [e, looks(e)]));
return stops.length;
"""

# The stop that has the focus: its place among all, and whether the focus can be seen.
STOP = """
const e = document.activeElement;
const place = [...window.__stops.keys()].indexOf(e);
return [place, place >= 0 && window.__looks(e) !== window.__stops.get(e), e.outerHTML.slice(0, 120)];
"""


@dataclass
class Stage:
    """A shop, and where its pages are."""

    shop: Shop
    places: dict[str, str]
    rejections: list[str]


@pytest.fixture(scope="module")
def stage(admin: Client) -> Stage:
    shop = Shop(admin).open()
    shop.weeks(3, per_day=2)
    shop.mistakes()
    discriminator = shop.event_types["coffee bought"]
    path = f"/audience/sections/{shop.section}/events/{discriminator}"
    made(admin, f"{path}/versions", {"fields": {"cups": "integer", "price": "double", "size": "string"}})
    made(admin, f"{path}/versions", {"fields": {"cups": "integer", "milk": "string"}, "draft": True})
    versions = admin.get(path).json()
    shop.define("short-lived", "signal", "", {"text": "string"})
    removed = shop.event_types.pop("short-lived")
    del shop.versions["short-lived"]
    assert admin.request("DELETE", f"/audience/sections/{shop.section}/events/{removed}").status_code == 204
    revoked = made(admin, "/account/api-keys", {"name": "Old till", "role": "integration", "sections": [shop.section]})
    assert admin.request("DELETE", f"/account/api-keys/{revoked['client_id']}").status_code == 204
    section = f"/audience/sections/{shop.section}"
    attribute = made(admin, f"{section}/attributes", {"name": "Favourite roast", "type": "string"})["discriminator"]
    path = f"{section}/attributes/{attribute}"
    made(admin, f"{path}/versions", {"type": "integer"})
    made(admin, f"{path}/versions", {"type": "string", "render_hint": "date_YYYY-MM-DD", "draft": True})
    attribute_versions = admin.get(path).json()
    gone = made(admin, f"{section}/attributes", {"name": "Gone", "type": "boolean"})["discriminator"]
    assert admin.request("DELETE", f"{section}/attributes/{gone}").status_code == 204
    tag = made(admin, f"{section}/tags", {"name": "Regular"})["discriminator"]
    made(admin, f"{section}/tags", {"name": "Of old", "is_hidden": True})
    channel = made(admin, "/audience/channels", {"name": "Push", "keyspace_discriminator": EMAIL})["discriminator"]
    folder = made(admin, f"/v2{section}/folders", {"name": "Newsletters"})["discriminator"]
    empty = made(admin, f"/v2{section}/folders", {"name": "Surveys"})["discriminator"]
    topic = made(admin, f"/v2{section}/topics", {"name": "Weekly", "folder_discriminator": folder})["discriminator"]
    mapping = {"keyspace_mapping": {"keyspace_discriminator": EMAIL, "field_selector": "email"}}
    imports = [made(admin, f"/v2{section}/imports", mapping) for _ in range(2)]
    file = {"file": ("people.csv", "email\nnobody\nnew.person@example.com\n", "text/csv")}
    upload = requests.post(imports[0]["file_upload_url"], data=imports[0]["file_upload_body"], files=file)
    assert upload.status_code == 204
    # An error page of the server's own needs no more than this.
    key = address("astrid.lindqvist")
    merged = {
        "profiles": [
            {"keyspace_discriminator": EMAIL, "profile_key": key},
            {"keyspace_discriminator": "com.apsis1.keyspaces.web", "profile_key": "visitor"},
        ]
    }
    assert admin.request("PUT", "/audience/profiles/merges", json=merged).status_code == 204
    profile = admin.get("/audience/profiles", params={"key": key}).json()["items"][0]["profile_id"]
    rejections = [item["id"] for item in admin.get("/audience/rejections").json()["items"]]
    return Stage(
        shop,
        {
            "section": shop.section,
            "event": discriminator,
            "current": versions["versions"][0]["id"],
            "old": versions["versions"][1]["id"],
            "draft": versions["drafts"][0]["id"],
            "removed": removed,
            "attribute": attribute,
            "attribute_current": attribute_versions["versions"][0]["id"],
            "attribute_old": attribute_versions["versions"][1]["id"],
            "attribute_draft": attribute_versions["drafts"][0]["id"],
            "gone": gone,
            "tag": tag,
            "channel": channel,
            "folder": empty,
            "topic": topic,
            "profile_id": profile,
            "number": "1",
            "id": rejections[0],
            "cause": admin.get("/audience/rejections/causes").json()["items"][0]["cause"],
            "event_id": admin.list_events(key=key, section=shop.section)[0]["id"],
            "client_id": shop.clients["Web shop"].credentials.client_id,
            "ended_job": imports[0]["import_id"],
            "job": imports[1]["import_id"],
        },
        rejections,
    )


def choose_a_file(browser: Browser, text: str) -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".csv") as file:
        file.write(text)
        file.flush()
        browser.css("#chosen")[0].send_keys(file.name)
        browser.settle()
        browser.wait(lambda: "What the columns mean" in browser.main or "There is a problem" in browser.main)


def map_columns(browser: Browser) -> None:
    choose_a_file(browser, "email,First name,A column with a very long name and more words\na@example.com,Ann,\nbad,Bo,x\n")


def map_no_key(browser: Browser) -> None:
    choose_a_file(browser, "who,First name\na@example.com,Ann\n")
    browser.expected_statuses = {400}
    browser.click("button", "Check")
    browser.wait_for_text("There is a problem")


def choose_an_empty_file(browser: Browser) -> None:
    browser.expected_statuses = {400}
    choose_a_file(browser, "\n")


def see_a_job_end(browser: Browser) -> None:
    browser.wait(lambda: "Completed" in browser.main)


def look_up_nothing(browser: Browser) -> None:
    browser.expected_statuses = {400}
    browser.fill("Address", "no address")
    browser.press("Look up")


def ask_to_suppress(browser: Browser) -> None:
    browser.fill("Address", "someone@example.com")
    browser.fill("Reason", "spam")
    browser.press("Suppress…")


def suppress_and_look_up(browser: Browser) -> None:
    ask_to_suppress(browser)
    browser.press("Suppress the address")
    browser.wait_for_text("The address is suppressed.")
    browser.fill("Address", "someone@example.com")
    browser.press("Look up")
    browser.wait_for_text("This address is suppressed.")


def set_a_consent(browser: Browser) -> None:
    browser.choose("Type", "opt-out")
    browser.fill("Reason", "said so")
    browser.press("Set consent")
    browser.wait_for_text("The consent is set.")


def fill_in_wrongly(browser: Browser) -> None:
    browser.fill("Name", "x" * 201)
    browser.choose("Category", "signal")
    browser.fill("Name of field 1", "not a name!")
    browser.expected_statuses = {400}
    browser.press("Create event type")
    assert "There is a problem" in browser.main


def preview_an_edit(browser: Browser) -> None:
    browser.choose("Type of field 1", "string")
    browser.wait(lambda: "What this breaks" in browser.main)


def preview_a_merge(browser: Browser) -> None:
    browser.choose("Keyspace", "Web")
    browser.fill("Profile key", "somebody else")
    browser.press("Show what it would do")
    assert "What would happen" in browser.main


def merge_with_no_key(browser: Browser) -> None:
    browser.choose("Keyspace", "Email")
    browser.fill("Profile key", "nobody")
    browser.expected_statuses = {400}
    browser.press("Show what it would do")
    assert "There is a problem" in browser.main


def name_no_attribute(browser: Browser) -> None:
    browser.fill("Name", "x" * 201)
    browser.expected_statuses = {400}
    browser.press("Create attribute")
    assert "There is a problem" in browser.main


def preview_another_type(browser: Browser) -> None:
    browser.choose("Type", "boolean: true or false")
    browser.wait(lambda: "What this breaks" in browser.main)


def check_a_rejection(browser: Browser) -> None:
    browser.field("Body").send_keys(" ")
    browser.wait(lambda: browser.css("#check [data-say]"))


def replay_a_cause(browser: Browser) -> None:
    browser.press(re.compile("^Replay [0-9]+ rejection"))


def create_a_key(browser: Browser) -> None:
    browser.fill("Name", "Accessible")
    browser.limit_to_nothing()
    browser.press("Create API key")


def rotate_a_key(browser: Browser) -> None:
    browser.press("Rotate secret")


def name_nothing(browser: Browser) -> None:
    browser.expected_statuses = {400}
    field = browser.field(re.compile("^Name of the new "))
    field.send_keys(" ")
    browser.press(re.compile("^Create "))


def set_a_birth_date_wrongly(browser: Browser) -> None:
    browser.fill("Birth date", "yesterday")
    browser.expected_statuses = {400}
    browser.press("Check only")
    assert "There is a problem" in browser.main


def set_a_first_name(browser: Browser) -> None:
    browser.fill("First name", "Astrid")
    browser.press("Save attributes")
    browser.wait_for_text("The attributes are saved.")


def check_a_first_name(browser: Browser) -> None:
    browser.fill("First name", "Astrid")
    browser.press("Check only")


def open_what_is_closed(browser: Browser) -> None:
    browser.settle()
    for summary in browser.css("main summary"):
        if summary.is_displayed() and not summary.find_element("xpath", "..").get_attribute("open"):
            summary.click()


def receive_posts(browser: Browser, stage: Stage) -> None:
    browser.wait(lambda: browser.css("[data-live-state]")[0].text == "Live")
    shop = stage.shop
    assert shop.post("leo.fontaine", [shop.happening(shop.now())], Idempotency_Key="seen") == 204
    version = shop.versions["order placed"]
    assert shop.post("leo.fontaine", [event(version, {"total": "many"})]) == 400
    browser.wait(lambda: len(browser.css("[data-live-list] > li")) == 2, "the rows do not come")
    browser.css("[data-live-list] summary")[0].click()


def send_a_request(browser: Browser) -> None:
    browser.press("Send")
    assert "200 OK" in browser.main


def send_without_a_section(browser: Browser) -> None:
    # The browser itself keeps a form back that has nothing where something has to be.
    browser.script("for (const field of document.querySelectorAll('main [required]')) field.required = false")
    browser.fill(re.compile("^section"), "")
    browser.expected_statuses = {400}
    browser.press("Send")
    assert "There is a problem" in browser.main


def ask_for_a_deletion(browser: Browser) -> None:
    browser.press("Send…")
    assert browser.heading == "Send DELETE?"


def sign_in_wrongly(browser: Browser) -> None:
    browser.expected_statuses = {401}
    browser.press("Sign out")
    browser.fill("Client id", "somebody")
    browser.fill("Client secret", "something")
    browser.press("Sign in")


TYPES = "/console/sections/{section}/event-types"
VERSION = TYPES.replace("{", "{{").replace("}", "}}") + "/{{event}}/versions/{}"
ATTRIBUTES = "/console/sections/{section}/attributes"
ATTRIBUTE = ATTRIBUTES + "/{attribute}"
ATTRIBUTE_VERSION = ATTRIBUTE.replace("{", "{{").replace("}", "}}") + "/versions/{}"
TAGS = "/console/sections/{section}/tags"
FOLDERS = "/console/sections/{section}/folders"
TOPICS = "/console/sections/{section}/topics"
PROFILE = "/console/profiles/{profile_id}"
FIELDS = PROFILE + "/sections/{section}"
SUPPRESSIONS = "/console/channels/{channel}/suppressions"
JOB = "/console/jobs/{job}"
CAUSE = "/console/rejections/causes/{cause}"
REJECTION = "/console/sections/{section}/rejections/{id}"

TRY = "/console/docs/{operation}"

#: Pages, each with the state that it is brought into: route, address, what is done there.
STATES: dict[str, tuple[str, str, Callable[..., None] | None]] = {
    "overview": ("/console", "/console", open_what_is_closed),
    "live, empty": ("/console/live", "/console/live", None),
    "live": ("/console/live", "/console/live", receive_posts),
    "history": ("/console/history", "/console/history", None),
    "event types": (TYPES, TYPES + "?removed=1", None),
    "event types, none": (TYPES, f"/console/sections/{DEFAULT_SECTION}/event-types", None),
    "new event type": (TYPES + "/new", TYPES + "/new", None),
    "new event type, wrong": (TYPES + "/new", TYPES + "/new", fill_in_wrongly),
    "event type": (TYPES + "/{event}", TYPES + "/{event}", None),
    "event type, removed": (TYPES + "/{event}", TYPES + "/{removed}", None),
    "event type, edit": (TYPES + "/{event}/edit", TYPES + "/{event}/edit", preview_an_edit),
    "event type, remove": (TYPES + "/{event}/remove", TYPES + "/{event}/remove", None),
    "version, publish": (VERSION.format("{version}/publish"), VERSION.format("{draft}/publish"), None),
    "version, publish again": (VERSION.format("{version}/publish"), VERSION.format("{old}/publish"), None),
    "version, deprecate": (VERSION.format("{version}/deprecate"), VERSION.format("{current}/deprecate"), None),
    "version, discard": (VERSION.format("{version}/discard"), VERSION.format("{draft}/discard"), None),
    "attributes": (ATTRIBUTES, ATTRIBUTES + "?removed=1", None),
    "attributes, none found": (ATTRIBUTES, ATTRIBUTES + "?q=nothing", None),
    "new attribute": (ATTRIBUTES + "/new", ATTRIBUTES + "/new", None),
    "new attribute, wrong": (ATTRIBUTES + "/new", ATTRIBUTES + "/new", name_no_attribute),
    "attribute": (ATTRIBUTE, ATTRIBUTE, None),
    "attribute, removed": (ATTRIBUTE, ATTRIBUTES + "/{gone}", None),
    "attribute, edit": (ATTRIBUTE + "/edit", ATTRIBUTE + "/edit", preview_another_type),
    "attribute, remove": (ATTRIBUTE + "/remove", ATTRIBUTE + "/remove", None),
    "attribute version, publish": (
        ATTRIBUTE_VERSION.format("{version}/publish"),
        ATTRIBUTE_VERSION.format("{attribute_draft}/publish"),
        None,
    ),
    "attribute version, publish again": (
        ATTRIBUTE_VERSION.format("{version}/publish"),
        ATTRIBUTE_VERSION.format("{attribute_old}/publish"),
        None,
    ),
    "attribute version, deprecate": (
        ATTRIBUTE_VERSION.format("{version}/deprecate"),
        ATTRIBUTE_VERSION.format("{attribute_current}/deprecate"),
        None,
    ),
    "attribute version, discard": (
        ATTRIBUTE_VERSION.format("{version}/discard"),
        ATTRIBUTE_VERSION.format("{attribute_draft}/discard"),
        None,
    ),
    "tags": (TAGS, TAGS, None),
    "tags, none": (TAGS, f"/console/sections/{DEFAULT_SECTION}/tags", None),
    "tags, wrong": (TAGS, TAGS, name_nothing),
    "tag, remove": (TAGS + "/{tag}/remove", TAGS + "/{tag}/remove", None),
    "folders": (FOLDERS, FOLDERS, None),
    "folders, none": (FOLDERS, f"/console/sections/{DEFAULT_SECTION}/folders", None),
    "folders, wrong": (FOLDERS, FOLDERS, name_nothing),
    "folder, remove": (FOLDERS + "/{folder}/remove", FOLDERS + "/{folder}/remove", None),
    "topics": (TOPICS, TOPICS, None),
    "topics, none": (TOPICS, f"/console/sections/{DEFAULT_SECTION}/topics", None),
    "topics, wrong": (TOPICS, TOPICS, name_nothing),
    "topic, move": (TOPICS + "/{topic}/move", TOPICS + "/{topic}/move", None),
    "topic, remove": (TOPICS + "/{topic}/remove", TOPICS + "/{topic}/remove", None),
    "profiles": ("/console/profiles", "/console/profiles", None),
    "profiles, found": ("/console/profiles", "/console/profiles?key=a", None),
    "profiles, none found": ("/console/profiles", "/console/profiles?key=nobody", None),
    "profile": (PROFILE, PROFILE, None),
    "profile, opened": (PROFILE, PROFILE, open_what_is_closed),
    "profile, filtered": (PROFILE, PROFILE + "?section={section}&from=2031-01-01", None),
    "profile, attributes": (FIELDS + "/attributes", FIELDS + "/attributes", None),
    "profile, attributes wrong": (FIELDS + "/attributes", FIELDS + "/attributes", set_a_birth_date_wrongly),
    "profile, attributes checked": (FIELDS + "/attributes", FIELDS + "/attributes", check_a_first_name),
    "profile, attributes saved": (FIELDS + "/attributes", FIELDS + "/attributes", set_a_first_name),
    "profile, merge": (PROFILE + "/merge", PROFILE + "/merge", None),
    "profile, merge wrong": (PROFILE + "/merge", PROFILE + "/merge", merge_with_no_key),
    "profile, merge shown": (PROFILE + "/merge", PROFILE + "/merge", preview_a_merge),
    "profile, end": (PROFILE + "/delete", PROFILE + "/delete", None),
    "profile, lock": (PROFILE + "/lock", PROFILE + "/lock", None),
    "profile, undo a merge": (PROFILE + "/members/{number}/undo", PROFILE + "/members/{number}/undo", None),
    "profile, changes": (FIELDS + "/changes", FIELDS + "/changes", None),
    "profile, consents": (FIELDS + "/consents", FIELDS + "/consents", None),
    "profile, consents set": (FIELDS + "/consents", FIELDS + "/consents", set_a_consent),
    "profile, delete": (
        PROFILE + "/sections/{section}/events/{id}/delete",
        PROFILE + "/sections/{section}/events/{event_id}/delete",
        None,
    ),
    "jobs": ("/console/jobs", "/console/jobs", None),
    "job, waiting": (JOB, JOB, None),
    "job, ended": (JOB, "/console/jobs/{ended_job}", see_a_job_end),
    "job, cancel": (JOB + "/cancel", JOB + "/cancel", None),
    "exports": ("/console/sections/{section}/exports", "/console/sections/{section}/exports", None),
    "new import": ("/console/imports/new", "/console/imports/new", None),
    "new import, mapped": ("/console/imports/new", "/console/imports/new", map_columns),
    "new import, without a key": ("/console/imports/new", "/console/imports/new", map_no_key),
    "new import, an empty file": ("/console/imports/new", "/console/imports/new", choose_an_empty_file),
    "rejections": ("/console/rejections", "/console/rejections", None),
    "rejections, none": ("/console/rejections", "/console/rejections?q=nothing", None),
    "rejections, one by one": ("/console/rejections", "/console/rejections?view=list", None),
    "causes, none": ("/console/rejections", "/console/rejections?item_code=nothing", None),
    "cause": (CAUSE, CAUSE, None),
    "cause, replay": (CAUSE + "/replay", CAUSE + "/replay", None),
    "cause, replayed": (CAUSE + "/replay", CAUSE + "/replay", replay_a_cause),
    "cause, dismiss": (CAUSE + "/dismiss", CAUSE + "/dismiss", None),
    "rejection": (REJECTION, REJECTION, None),
    "rejection, checked": (REJECTION, REJECTION, check_a_rejection),
    "rejection, dismiss": (REJECTION + "/dismiss", REJECTION + "/dismiss", None),
    "API keys": ("/console/keys", "/console/keys", None),
    "new API key": ("/console/keys/new", "/console/keys/new", None),
    "API key made": ("/console/keys/new", "/console/keys/new", create_a_key),
    "API key, rotate": ("/console/keys/{client_id}/rotate", "/console/keys/{client_id}/rotate", None),
    "API key, rotated": ("/console/keys/{client_id}/rotate", "/console/keys/{client_id}/rotate", rotate_a_key),
    "API key, revoke": ("/console/keys/{client_id}/revoke", "/console/keys/{client_id}/revoke", None),
    "sections": ("/console/sections", "/console/sections", None),
    "sections, wrong": ("/console/sections", "/console/sections", name_nothing),
    "keyspaces": ("/console/keyspaces", "/console/keyspaces", None),
    "keyspaces, wrong": ("/console/keyspaces", "/console/keyspaces", name_nothing),
    "channels": ("/console/channels", "/console/channels", None),
    "channels, wrong": ("/console/channels", "/console/channels", name_nothing),
    "suppressions": (SUPPRESSIONS, SUPPRESSIONS, None),
    "suppressions, wrong": (SUPPRESSIONS, SUPPRESSIONS, look_up_nothing),
    "suppression, suppress": (SUPPRESSIONS, SUPPRESSIONS, ask_to_suppress),
    "suppression, suppressed and looked up": (SUPPRESSIONS, SUPPRESSIONS, suppress_and_look_up),
    "channel, remove": ("/console/channels/{channel}/remove", "/console/channels/{channel}/remove", None),
    "reference": ("/docs", "/docs", None),
    "try": (TRY, "/console/docs/postEvents", None),
    "try, answered": (TRY, "/console/docs/listKeyspaces", send_a_request),
    "try, wrong": (TRY, "/console/docs/getSection", send_without_a_section),
    "try, asked": (TRY, "/console/docs/removeTag", ask_for_a_deletion),
    "try, endless": (TRY, "/console/docs/streamLive", None),
    "no such page": ("", "/console/nowhere-at-all", None),
    "no such section": ("", "/console/sections/usercreated.sections.missing-0123456789/event-types", None),
    "sign-in": ("/console/sign-in", "/console", sign_in_wrongly),
}

#: What a route answers with that is no page.
NO_PAGES = {
    "/favicon.ico",
    "/console/assets/{version}/{file}",
    "/console/enter/{link}",
    "/console/live/stream",
    "/console/model.yaml",
    "/console/keyspaces/{keyspace}/profiles/{key}",
    PROFILE + "/summary",
    JOB + "/report",
    JOB + "/file",
    "/console/sections/{section}/exports/profiles",
    "/console/sections/{section}/exports/events",
}


@pytest.fixture(scope="module")
def session(chromium: Chrome, server: Server, stage: Stage) -> Iterator[Browser]:
    """One sign-in for all pages."""
    browser = Browser(chromium)
    browser.reset()
    sign_in(browser, server)
    yield browser


def show(browser: Browser, stage: Stage, name: str) -> None:
    _, path, act = STATES[name]
    browser.expected_statuses = {404} if name.startswith("no such") else set()
    browser.open(re.sub(r"{(\w+)}", lambda place: stage.places[place[1]], path))
    if act is receive_posts:
        receive_posts(browser, stage)
    elif act is not None:
        act(browser)
    browser.settle()


def test_every_page_is_looked_at() -> None:
    assert {route.path for route in PAGES} - NO_PAGES == {route for route, _, _ in STATES.values()} - {""}


@pytest.mark.parametrize("name", [name for name in STATES if name != "sign-in"])
def test_a_page_is_for_everybody(session: Browser, stage: Stage, name: str) -> None:
    look_and_tab(session, stage, name)


def look_and_tab(browser: Browser, stage: Stage, name: str) -> None:
    browser.complaints()
    browser.look(width=1280)
    show(browser, stage, name)
    found = {}
    for look, options in LOOKS.items():
        browser.look(**options)  # type: ignore[arg-type]
        if wrong := browser.script(CHECKS):
            found[look] = wrong
    browser.look(width=1280)
    if wrong := walk(browser):
        found["keyboard"] = wrong
    assert found == {}
    assert browser.complaints() == []


def walk(browser: Browser) -> list[str]:
    """Goes through a page by the tabulator, from its first stop to its last."""
    browser.command("Emulation.setFocusEmulationEnabled", enabled=True)
    browser.script("document.activeElement.blur()")
    count = browser.script(STOPS)
    wrong: list[str] = []
    reached: list[int] = []
    browser.script("document.querySelector('.skip').focus({ focusVisible: true })")
    for _ in range(3 * count):
        place, is_visible, element = browser.script(STOP)
        if place >= 0 and (not reached or reached[-1] != place):
            if place in reached:
                break
            reached.append(place)
            if not is_visible:
                wrong.append(f"the focus cannot be seen: {element}")
        elif place < 0 and reached and len(reached) >= count:
            break
        browser.keys(Keys.TAB)
    if missing := set(range(count)) - set(reached):
        elements = browser.script("return [...window.__stops.keys()].map((e) => e.outerHTML.slice(0, 120))")
        wrong += [f"the tabulator does not get to: {elements[place]}" for place in sorted(missing)]
    if reached != sorted(reached):
        wrong.append(f"the tabulator jumps about: {reached}")
    return wrong


#: What somebody could do to a page by mistake, and what the checks must say of it.
MISTAKES = {
    "document.querySelector('label[for=client_id]').remove()": "control without a label",
    "document.documentElement.removeAttribute('lang')": "no lang",
    "document.querySelector('h1').outerHTML = '<h2>Sign in</h2>'": "0 times h1",
    "document.querySelector('h2').outerHTML = '<h4>Where is my key?</h4>'": "h4 after h1",
    "document.querySelector('main button').textContent = ''": "without a name",
    "document.querySelector('.brand img').removeAttribute('alt')": "image without alt",
    "document.querySelector('main').append(document.querySelector('#client_id').cloneNode())": "id twice: client_id",
    "document.querySelector('main p').style.color = '#999'": "contrast",
    "document.querySelector('#client_id').style.cssText = 'border-color: transparent; background: inherit'": "edge",
    "document.querySelector('.narrow').style.minWidth = '1500px'": "the document is ",
    "document.querySelector('main').insertAdjacentHTML('beforeend', '<table><tr><th>a<td>b</table>')": "without scope",
    "document.querySelector('main').insertAdjacentHTML('beforeend', '<svg><path d=\"M0 0h9v9\"/></svg>')": "picture",
    "document.body.insertAdjacentHTML('beforeend', '<div>Lost</div>')": "text outside of all landmarks",
}


def test_the_checks_find_mistakes(session: Browser, stage: Stage) -> None:
    """Or they would prove nothing of pages in which they find none."""
    session.look(width=1280)
    path = session.url + "/console/sign-in"
    for mistake, said in MISTAKES.items():
        session.open(path)
        assert session.script(CHECKS) == []
        session.script(mistake)
        assert any(said in wrong for wrong in session.script(CHECKS)), mistake
    session.open(path)
    session.script("document.querySelector('main button').style.setProperty('outline', 'none', 'important')")
    assert any("the focus cannot be seen" in wrong for wrong in walk(session))


# MARK: By keyboard alone


def test_the_first_stop_skips_to_the_content(session: Browser, stage: Stage) -> None:
    show(session, stage, "rejections")
    session.keys(Keys.TAB)
    assert session.driver.switch_to.active_element.text == "Skip to content"
    session.keys(Keys.ENTER)
    session.wait(lambda: session.driver.switch_to.active_element.get_attribute("id") == "main")
    session.keys(Keys.TAB)
    inside = session.script("return document.querySelector('main').contains(document.activeElement)")
    assert inside, "the next stop is in the content"


def test_the_menu_of_a_small_screen_opens_and_closes(session: Browser, stage: Stage) -> None:
    session.look(width=360, height=740)
    show(session, stage, "rejections")
    menu = session.find("button", "Menu")
    assert menu.get_attribute("aria-expanded") == "false"
    assert not session.has("link", "Profiles")
    menu.send_keys(Keys.ENTER)
    assert menu.get_attribute("aria-expanded") == "true"
    assert session.has("link", "Profiles")
    assert session.script(CHECKS) == []
    session.keys(Keys.TAB, Keys.ESCAPE)
    assert menu.get_attribute("aria-expanded") == "false"
    assert session.driver.switch_to.active_element == menu
    menu.click()
    session.follow("Profiles")
    assert session.heading == "Profiles"


def test_what_changes_by_itself_is_announced(session: Browser, stage: Stage) -> None:
    session.look(width=1280)
    show(session, stage, "event type")
    region = session.css("[role=status]#announce")[0]
    assert region.is_displayed(), "screen readers find it"
    session.click("button", "Copy discriminator")
    session.wait(lambda: region.get_property("textContent") == "Copied")
    show(session, stage, "new event type")
    region = session.css("#announce")[0]
    session.click("button", "Add a field")
    session.wait(lambda: region.get_property("textContent") == "Field 2 added")
    session.click("button", "Remove field 1")
    session.wait(lambda: region.get_property("textContent") == "Field 1 removed")


# MARK: On a slow line


def test_pages_are_small(session: Browser, stage: Stage, note: Callable[[str], None]) -> None:
    plain = session_of(session)
    sizes: dict[str, int] = {}
    for name, (_, path, _) in STATES.items():
        url = session.url + re.sub(r"{(\w+)}", lambda place: stage.places[place[1]], path)
        page = plain.get(url).text
        assets = {re.sub(r"#.*", "", found) for found in re.findall(r'(?:src|href)="(/console/assets/[^"]+)"', page)}
        assert {asset.rpartition("/")[2] for asset in assets} == {"console.css", "console.js", "icon.svg"}
        sizes[name] = len(page.encode()) + sum(len(plain.get(session.url + asset).content) for asset in assets)
    largest = max(sizes, key=lambda name: sizes[name])
    note(f"the largest page with all that it loads is '{largest}': {sizes[largest]:,} bytes")
    # The reference is all of the API on one page, for those who look for it.
    assert sizes.pop("reference", 0) < 8 * BYTES_MAX
    assert {name: size for name, size in sizes.items() if size >= BYTES_MAX} == {}


def test_pages_ask_for_nothing_from_elsewhere(session: Browser, stage: Stage) -> None:
    for name in ("overview", "profile", "new event type"):
        show(session, stage, name)
        loaded = session.script("return performance.getEntries().map((e) => e.name).filter((n) => n.includes('://'))")
        assert loaded and [url for url in loaded if not url.startswith(session.url)] == []


def test_how_long_the_pages_take(session: Browser, stage: Stage, note: Callable[[str], None]) -> None:
    plain = session_of(session)
    for name in ("overview", "event types", "event type", "profile", "rejections", "rejection", "API keys"):
        url = session.url + re.sub(r"{(\w+)}", lambda place: stage.places[place[1]], STATES[name][1])
        times = []
        for _ in range(7):
            start = time.perf_counter()
            assert plain.get(url).status_code == 200
            times.append(time.perf_counter() - start)
        note(f"{name}: {median(times) * 1000:.0f} ms (the slowest of 7: {max(times) * 1000:.0f} ms)")


def test_the_sign_in_is_for_everybody(session: Browser, stage: Stage) -> None:
    """The last one here, since it signs out."""
    look_and_tab(session, stage, "sign-in")
    assert session.heading == "Sign in"
    assert EMAIL not in session.source

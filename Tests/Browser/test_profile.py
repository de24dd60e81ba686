"""A profile with a thousand events: paged, filtered, summed up, and one of them deleted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest
from selenium.webdriver import Keys

from browser import Browser
from console import session_of
from ovation import CRM_ID, DEFAULT_SECTION, EMAIL, Client, event

COUNT = 1000
LAST = datetime(2026, 3, 31, 12, tzinfo=timezone.utc)
KEY = "busy@apsis.com"

NUMBERS = """
return [...document.querySelectorAll("#timeline article")].map((article) =>
  Number([...article.querySelectorAll("tbody tr")]
    .find((row) => row.textContent.startsWith("number")).cells[2].textContent))
"""


def time_of(number: int) -> str:
    """Number 0 is the newest; four an hour, so that they go back ten days."""
    return (LAST - timedelta(minutes=15 * number)).strftime("%Y-%m-%dT%H:%M:%S.000Z")


@pytest.fixture(scope="module")
def profile(admin: Client) -> str:
    """Address of the profile's page."""
    coffee = admin.make_version({"number": "integer", "name": "string"}, name="coffee bought")
    tea = admin.make_version({"number": "integer", "name": "string"}, name="tea bought")
    items = [
        event(tea if number % 10 == 0 else coffee, {"number": number, "name": f"cup {number}"}, time_of(number))
        for number in range(COUNT)
    ]
    # Not in the order of their times.
    batches = [items[start::7] for start in range(7)]
    for batch in batches:
        assert admin.post_events(batch, key=KEY).status_code == 204
    found = admin.get("/audience/profiles", params={"key": KEY}).json()["items"]
    return f"/console/profiles/{found[0]['profile_id']}"


def numbers_of(*days: str) -> list[int]:
    return [number for number in range(COUNT) if time_of(number)[:10] in days]


def numbers(browser: Browser) -> list[int]:
    return browser.script(NUMBERS)


def test_scrolling_down_loads_all_events_in_order(console: Browser, profile: str) -> None:
    console.open(profile)
    first = numbers(console)
    assert 0 < len(first) < COUNT, "the first page is short"
    assert first == list(range(len(first)))

    console.settle()
    for _ in range(COUNT):
        before = len(numbers(console))
        if before == COUNT:
            break
        console.script("scrollTo(0, document.documentElement.scrollHeight)")
        if before >= COUNT // 2 and not console.css("a[data-more][aria-busy]"):
            # After some hundred it waits for a click, so that a jump to the end does not load a million.
            console.find("link", "Older events").send_keys(Keys.ENTER)
        console.wait(lambda: len(numbers(console)) > before, f"nothing comes after {before} events")
        console.settle()
    assert numbers(console) == list(range(COUNT))
    assert not console.css("a[data-more]")
    ids = console.script("return [...document.querySelectorAll('#timeline [id]')].map((e) => e.id)")
    assert len(ids) == len(set(ids)) == COUNT


def test_the_link_to_older_events_works_with_the_keyboard(console: Browser, profile: str) -> None:
    console.open(profile)
    before = len(numbers(console))
    console.find("link", "Older events").send_keys(Keys.ENTER)
    console.wait(lambda: len(numbers(console)) > before, "nothing more came")
    assert console.path.split("?")[0] == profile


@pytest.fixture
def without_script(console: Browser) -> Iterator[Browser]:
    console.scripts(False)
    yield console
    console.scripts(True)


def test_without_script_the_link_leads_through_all_pages(without_script: Browser, profile: str) -> None:
    console = without_script
    console.open(profile)
    console.click("disclosure", "All event types")
    console.tick("tea bought")
    console.press("Filter")
    seen = numbers(console)
    pages = 1
    while console.has("link", "Older events"):
        console.follow("Older events")
        seen += numbers(console)
        pages += 1
    assert seen == list(range(0, COUNT, 10)) and pages > 1
    console.follow("Back to the newest events")
    assert numbers(console)[:2] == [0, 1]
    console.follow("Count the events of this profile")
    assert "1,000 events in this section" in console.text
    assert console.css("h1") and console.driver.title, "it is a page, and not a piece of one"


def test_the_summary_counts_and_draws_the_days(console: Browser, profile: str) -> None:
    console.open(profile)
    console.settle()
    summary = console.region("Summary")
    console.wait(lambda: "1,000 events in this section" in summary.text, "nothing was counted")
    rows = console.css("table.bars tbody tr", summary)
    bars = [f"{console.css('th', row)[0].text} {console.css('td', row)[0].text}" for row in rows]
    assert bars == ["coffee bought 900", "tea bought 100"]
    # The picture, and the same in words and as a table.
    [strip] = console.css("figure.strip", summary)
    levels = {cell.get_attribute("class") for cell in console.css("svg a rect", strip)}
    assert levels and levels <= {"l1", "l2", "l3", "l4"}
    assert console.css("svg", strip)[0].get_attribute("aria-hidden") == "true"
    days = (COUNT * 15) // (24 * 60) + 1
    assert f"Events on {days} days from " in console.css("figcaption", strip)[0].text
    console.click("disclosure", "Days with events")
    days_listed = [row.text for row in console.css("details tbody tr", summary)]
    assert len(days_listed) == days
    assert days_listed[1] == "2026-03-30 96"
    console.follow("2026-03-30")
    assert numbers(console)[0] == numbers_of("2026-03-30")[0]
    assert console.value("Event time from") == console.value("Event time to") == "2026-03-30"


def test_filters_by_type_and_date(console: Browser, profile: str) -> None:
    console.open(profile)
    console.click("disclosure", "All event types")
    console.tick("tea bought")
    console.press("Filter")
    tea = numbers(console)
    assert tea and tea == list(range(0, 10 * len(tea), 10))
    assert console.find("disclosure", "1 event type")
    console.field("Event time from").send_keys("03292026")
    console.field("Event time to").send_keys("03302026")
    console.press("Filter")
    assert numbers(console) == [number for number in numbers_of("2026-03-29", "2026-03-30") if number % 10 == 0]
    console.follow("Clear filter")
    assert numbers(console)[:2] == [0, 1]
    console.open(f"{profile}?from=2031-01-01")
    assert "No events match the filter" in console.main
    answer = session_of(console).get(f"{console.url}{profile}?from=yesterday")
    assert answer.status_code == 400 and "A day is written as 2026-11-23." in answer.text


def test_an_event_is_deleted_after_a_question(console: Browser, admin: Client, profile: str) -> None:
    version = admin.make_version({"text": "string"}, name="told in confidence")
    items = [event(version, {"text": text}) for text in ("stays", "goes")]
    assert admin.post_events(items, key="forget@apsis.com").status_code == 204
    console.open(f"/console/keyspaces/{EMAIL}/profiles/forget%40apsis.com")
    articles = console.css("#timeline article")
    [unwanted] = [article for article in articles if "goes" in article.text]
    [link] = [link for link in console.all("link", within=unwanted) if link.text == "Delete…"]
    with console.new_page():
        link.click()
    assert console.heading.startswith("Delete event ")
    console.follow("Cancel")
    assert len(console.css("#timeline article")) == 2
    console.driver.back()
    console.wait(lambda: console.heading.startswith("Delete event "))
    console.press("Delete event")
    assert "is deleted." in console.main
    assert [item["data"]["text"] for item in admin.list_events(key="forget@apsis.com")] == ["stays"]
    assert "goes" not in console.css("#timeline")[0].text
    console.follow("History")
    assert "forget" not in console.main, "the profile key is not in the log"


def test_a_search_finds_by_the_beginning_and_by_keyspace(console: Browser, admin: Client, profile: str) -> None:
    version = admin.make_version({"text": "string"}, name="known twice", keyspaces=[EMAIL, CRM_ID])
    for keyspace, key in [(EMAIL, "anna@shop.example"), (EMAIL, "annika@shop.example"), (CRM_ID, "anna-4711")]:
        assert admin.post_events([event(version, {"text": "a"})], keyspace=keyspace, key=key).status_code == 204

    def found() -> list[str]:
        return sorted(link.text for link in console.css("main tbody th a"))

    console.open("/console/profiles")
    console.fill("Profile key or value", "ann")
    console.press("Search")
    assert found() == ["anna-4711", "anna@shop.example", "annika@shop.example"]
    console.choose("Keyspace", "CRM ID")
    console.press("Search")
    assert found() == ["anna-4711"]
    console.follow("anna-4711")
    assert console.heading == "Profile anna-4711"
    console.open("/console/profiles?key=nobody")
    assert "No profile found" in console.main


def test_a_search_finds_by_the_value_of_a_mapped_attribute(console: Browser, admin: Client, profile: str) -> None:
    keyspace = "/audience/keyspaces/com.apsis1.keyspaces.web"
    for key, address in [("shop-71", "wilma@found.example"), ("shop-72", "wilhelm@found.example")]:
        section = f"{keyspace}/profiles/{key}/sections/{DEFAULT_SECTION}"
        made = admin.post(f"{keyspace}/sections/{DEFAULT_SECTION}/profiles", json={"profile_key": key})
        assert made.status_code == 201, made.text
        body = {"com.apsis1.attributes.email": address}
        assert admin.request("PATCH", f"/v2{section}/attributes", json=body).status_code == 204
    console.open("/console/profiles")
    console.fill("Profile key or value", "wil")
    console.press("Search")
    rows = sorted(row.text for row in console.css("main tbody tr"))
    assert len(rows) == 2 and all("Attribute Email, Default: wil" in row for row in rows), rows
    assert "shop-71" in rows[0] and "wilma@found.example" in rows[0] and "starts with" in rows[0], rows
    # The whole address leads to the profile at once.
    console.fill("Profile key or value", "Wilma@found.example")
    console.press("Search")
    assert console.heading == "Profile shop-71"

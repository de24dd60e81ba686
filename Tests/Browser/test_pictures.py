"""Pictures: of the main pages at three widths, to look at after a change, and those of the README when asked for.

    pytest Tests/Browser --docs-screenshots

makes docs/images, with a server that has lived through an hour of traffic.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from selenium.webdriver import Chrome

from browser import SCREENSHOTS, Browser
from console import sign_in
from ovation import ROOT, Server, event
from shop import PEOPLE, Shop, address

IMAGES = ROOT / "docs/images"
PNG_BYTES_MAX = 200_000


def places(shop: Shop) -> dict[str, str]:
    key = {"key": address(PEOPLE[0])}
    profile = shop.admin.get("/audience/profiles", params=key).json()["items"][0]["profile_id"]
    rejections = shop.admin.get("/audience/rejections").json()["items"]
    return {
        "overview": "/console",
        "event-type-form": f"/console/sections/{shop.section}/event-types/new",
        "profile": f"/console/profiles/{profile}",
        "live": f"/console/live?section={shop.section}",
        "rejection": f"/console/sections/{shop.section}/rejections/{rejections[0]['id']}",
    }


def fill_in_the_form(browser: Browser) -> None:
    """The article's event."""
    browser.fill("Name", "my transaction")
    browser.choose("Category", "transaction")
    fields = [
        ("myNumberField", "integer"),
        ("myNumberWithDecimalField", "double"),
        ("myTextField", "string"),
        ("myTrueFalseField", "boolean"),
    ]
    for number, (name, kind) in enumerate(fields, start=1):
        if number > 1:
            browser.click("button", "Add a field")
        browser.fill(f"Name of field {number}", name)
        browser.choose(f"Type of field {number}", kind)
    browser.wait(lambda: "myTrueFalseField" in browser.region("Preview").text)


def let_posts_come(browser: Browser, shop: Shop) -> None:
    browser.wait(lambda: browser.css("[data-live-state]")[0].text == "Live", "the stream does not open")
    count = 0
    for person in PEOPLE[1:12]:
        shop.tick()
        client = "Till, Lilla Torg" if shop.random.random() < 0.5 else "Web shop"
        items = [shop.happening(shop.now()) for _ in range(shop.random.choice([1, 1, 1, 2, 3]))]
        assert shop.post(person, items, client) == 204
        count += 1
        if person in PEOPLE[4:6]:
            name = {"Idempotency_Key": f"order-{shop.random.random()}"}
            statuses = [shop.post(person, items, client, **name) for _ in range(2)]
            assert statuses == [204, 204]
            count += 2
    bad = [event(shop.versions["coffee bought"], {"cups": "two", "price": 84.0}, shop.now().strftime("%FT%TZ"))]
    assert shop.post("elin.sandberg", bad, "Till, Lilla Torg") == 400
    good = [shop.happening(shop.now())]
    assert shop.post("olivia.hansson", good) == 204
    count += 2
    browser.wait(lambda: len(browser.css("[data-live-list] > li")) == count, "the rows do not come")
    browser.css("[data-live-list] summary")[0].click()


def mend_the_rejection(browser: Browser) -> None:
    browser.field("Body").send_keys(" ")
    browser.wait(lambda: browser.css("#check [data-say]"), "the check says nothing")


def act(browser: Browser, shop: Shop, name: str) -> None:
    """Brings a page into the state that its picture shows."""
    if name == "event-type-form":
        fill_in_the_form(browser)
    elif name == "live":
        let_posts_come(browser, shop)
    elif name == "rejection":
        mend_the_rejection(browser)


def bring_into_view(browser: Browser, selector: str) -> None:
    browser.script("document.activeElement.blur(); scrollTo(0, 0)")
    browser.script(
        "const e = document.querySelector(arguments[0]); if (e) e.scrollIntoView({ block: 'start' })", selector
    )


def picture(browser: Browser, file: Path, *, whole: bool) -> int:
    browser.settle()
    browser.screenshot(file, whole=whole)
    data = file.read_bytes()
    assert data.startswith(b"\x89PNG"), file
    return len(data)


# MARK: At three widths


@pytest.fixture(scope="module")
def shop(server: Server) -> Shop:
    shop = Shop(server.client()).open()
    shop.weeks(6, per_day=2)
    shop.mistakes()
    return shop


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_the_main_pages_have_their_picture_taken(console: Browser, shop: Shop, width: int) -> None:
    for name, path in places(shop).items():
        console.look(width=width)
        console.open(path)
        act(console, shop, name)
        bring_into_view(console, "body")
        for dark in (False, True):
            console.look(width=width, dark=dark)
            file = SCREENSHOTS / f"{name}-{width}{'-dark' if dark else ''}.png"
            assert picture(console, file, whole=True) > 5000, "there is something on it"


# MARK: For the README


@pytest.mark.docs
def test_the_pictures_of_the_readme(chromium: Chrome, tmp_path: Path) -> None:
    library, clock = tmp_path / "clock.so", tmp_path / "clock"
    source = Path(__file__).with_name("clock.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    # The past is posted before the hour that the overview looks back at.
    behind = timedelta(minutes=75)

    def set_clock() -> None:
        # Replaced as a whole, so that no reader gets half of it.
        new = clock.with_suffix(".new")
        new.write_text(f"-{int(behind.total_seconds())}")
        os.replace(new, clock)

    env = {"LD_PRELOAD": str(library), "CLOCK_FILE": str(clock)}
    set_clock()
    server = Server(tmp_path / "server", env=env).start()
    try:
        shop = Shop(server.client(), now=lambda: datetime.now(timezone.utc) - behind).open()
        shop.weeks(24, per_day=1.7)
        behind = timedelta(minutes=58)
        # Enough is left for the posts that the live page shows.
        while behind > timedelta(minutes=4):
            behind -= timedelta(minutes=1)
            set_clock()
            minute = int(behind.total_seconds() // 60)
            busy = 9 if 12 < minute < 34 else 5
            for _ in range(shop.random.randrange(2, busy)):
                items = [shop.happening(shop.now()) for _ in range(shop.random.choice([1, 1, 2, 4]))]
                key = {"Idempotency_Key": f"post-{shop.random.random()}"}
                person = shop.random.choice(PEOPLE[1:])
                assert shop.post(person, items, **key) == 204
                if shop.random.random() < 0.06:
                    assert shop.post(person, items, **key) == 204
            if minute in (41, 27, 26, 9, 6):
                person, version = shop.random.choice(PEOPLE[1:]), shop.versions["coffee bought"]
                wrong = [event(version, {"cups": "two", "price": 84.0}, shop.now().strftime("%FT%TZ"))]
                assert shop.post(person, wrong, "Till, Lilla Torg") == 400
        shop.mistakes()

        def tick() -> None:
            nonlocal behind
            behind -= timedelta(seconds=shop.random.randrange(2, 19))
            set_clock()

        shop.tick = tick
        take_pictures(Browser(chromium), server, shop)
        server.stop()
    finally:
        server.kill()


def take_pictures(browser: Browser, server: Server, shop: Shop) -> None:
    browser.reset()
    sign_in(browser, server)
    browser.look(width=1280, height=800)
    IMAGES.mkdir(parents=True, exist_ok=True)
    for name, path in places(shop).items():
        browser.open(path)
        act(browser, shop, name)
        browser.settle()
        bring_into_view(browser, {"rejection": "#mend", "profile": "figure.strip"}.get(name, "body"))
        file = IMAGES / f"{name}.png"
        picture(browser, file, whole=False)
        quantise(file)
        assert file.stat().st_size < PNG_BYTES_MAX, f"{file.name} has {file.stat().st_size:,} bytes"
    assert browser.complaints() == []


def quantise(file: Path) -> None:
    """Fewer colours, where there is a tool for it; flat pages are small without."""
    if tool := shutil.which("pngquant"):
        subprocess.run([tool, "--force", "--ext", ".png", "--skip-if-larger", str(file)], check=False)


def test_the_readme_shows_pictures_that_exist() -> None:
    for file in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for target in re.findall(r"!\[[^\]]*\]\(([^)#\s]+)\)", file.read_text()):
            if "://" not in target:
                assert (file.parent / target).is_file(), f"{file.name}: {target}"

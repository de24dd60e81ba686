"""Chromium as a person uses it: what is clicked and typed into is found by the name that a screen reader says."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from selenium.common.exceptions import (
    ElementClickInterceptedException,
    StaleElementReferenceException,
    TimeoutException,
    WebDriverException,
)
from selenium.webdriver import ActionChains, Chrome, ChromeOptions, Keys
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.errorhandler import ErrorHandler
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from ovation import ROOT

CHROMIUM = "/usr/bin/chromium"
CHROMEDRIVER = "/usr/bin/chromedriver"
SCREENSHOTS = ROOT / ".build/screenshots"

# Bounds for what is waited for. They are generous, because nothing here is a test of speed.
WAIT_SECONDS = 20
POLL_SECONDS = 0.03

Name = str | re.Pattern[str]
T = TypeVar("T")

# Elements that can have a role. What a screen reader does not see is never found.
ROLES = {
    "button": "button",
    "disclosure": "summary",
    "link": "a[href]",
    "field": "input:not([type=hidden]), select, textarea",
    "heading": "h1, h2, h3, h4",
    "region": "section, [role=region]",
    "code": "pre",
}

# A first choice among many, so that the browser has to compute few names.
CANDIDATES = """
const [selector, part, root] = arguments;
const words = (text) => (text ?? "").replace(/\\s+/g, " ");
const name = (e) => [
  e.getAttribute("aria-label"), e.textContent, e.title,
  ...[...(e.labels ?? [])].map((label) => label.textContent),
  ...(e.getAttribute("aria-labelledby") ?? "").split(" ").map((id) => document.getElementById(id)?.textContent),
].map(words).join("\\n");
return [...(root ?? document).querySelectorAll(selector)].filter((e) =>
  !e.closest("[aria-hidden=true]") && e.checkVisibility({ visibilityProperty: true })
  && (part === null || name(e).includes(part)));
"""


class Errors(ErrorHandler):
    """Chromedriver has two answers for an element that has left the page: which one depends on the moment."""

    def check_response(self, response: dict[str, Any]) -> None:
        try:
            super().check_response(response)
        except WebDriverException as error:
            if "does not belong to the document" in (error.msg or ""):
                raise StaleElementReferenceException(error.msg, error.screen, error.stacktrace) from None
            raise


def start() -> Chrome:
    options = ChromeOptions()
    options.binary_location = CHROMIUM
    # A profile of its own is chromedriver's business: without --user-data-dir it makes one and removes it.
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--lang=en-US",
        "--window-size=1280,900",
        "--hide-scrollbars",
        "--force-device-scale-factor=1",
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    options.set_capability("unhandledPromptBehavior", "dismiss and notify")
    driver = Chrome(options=options, service=Service(CHROMEDRIVER))
    driver.error_handler = Errors()
    return driver


class Browser:
    """A browser that looks at one server at a time."""

    def __init__(self, driver: Chrome) -> None:
        self.driver = driver
        self.url = ""
        #: Statuses of error pages that the test asks for on purpose.
        self.expected_statuses: set[int] = set()

    def command(self, name: str, **parameters: Any) -> Any:
        """A command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(name, parameters)

    def reset(self) -> None:
        """As after the start: one empty tab, no cookies, scripts on."""
        while len(self.driver.window_handles) > 1:
            self.driver.close()
            self.driver.switch_to.window(self.driver.window_handles[0])
        self.command("Emulation.setScriptExecutionDisabled", value=False)
        self.command("Emulation.clearDeviceMetricsOverride")
        self.command("Emulation.setEmulatedMedia", media="", features=[])
        self.driver.get("about:blank")
        self.command("Network.clearBrowserCookies")
        self.complaints()
        self.expected_statuses = set()

    # MARK: Where it is

    def open(self, path: str) -> None:
        self.driver.get(path if "://" in path else self.url + path)

    def reload(self) -> None:
        self.driver.refresh()

    @property
    def path(self) -> str:
        """Path and query of the page that is shown."""
        parts = urlsplit(self.driver.current_url)
        return parts.path + (f"?{parts.query}" if parts.query else "")

    @property
    def heading(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "h1").text

    @property
    def text(self) -> str:
        """What the page says to a reader; without what stands in controls."""
        return self.driver.find_element(By.TAG_NAME, "body").text

    @property
    def main(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "main").text

    @property
    def source(self) -> str:
        return self.driver.page_source

    def script(self, text: str, *arguments: Any) -> Any:
        return self.driver.execute_script(text, *arguments)

    # MARK: Waiting

    def wait(self, condition: Callable[[], T], what: str = "") -> T:
        """Polls until something is true, and gives it."""
        waiting = WebDriverWait(
            self.driver, WAIT_SECONDS, POLL_SECONDS, ignored_exceptions=[StaleElementReferenceException]
        )
        try:
            return waiting.until(lambda _: condition())
        except TimeoutException:
            message = what or "the condition did not come true"
            raise AssertionError(f"{message}; the page at {self.path} says:\n{self.main[:1500]}") from None

    def wait_for_text(self, text: str) -> None:
        self.wait(lambda: text in self.text, f"'{text}' did not appear")

    def wait_for_heading(self, text: str) -> None:
        self.wait(lambda: self.css("h1") and self.heading == text, f"the heading '{text}' did not appear")

    @contextmanager
    def new_page(self) -> Iterator[None]:
        """What happens inside leads to another document, which is there afterwards."""
        self.script("window.__old = true")
        yield
        self.wait(lambda: self.script("return !window.__old && document.readyState === 'complete'"), "no new page came")

    # MARK: Finding

    def css(self, selector: str, within: WebElement | None = None) -> list[WebElement]:
        return (within or self.driver).find_elements(By.CSS_SELECTOR, selector)

    def all(self, role: str, name: Name | None = None, within: WebElement | None = None) -> list[WebElement]:
        """What can be seen now and has a role and a name."""
        part = name if isinstance(name, str) else None
        found = self.script(CANDIDATES, ROLES[role], part, within)
        if name is None:
            return found
        return [element for element in found if is_named(element, name)]

    def has(self, role: str, name: Name) -> bool:
        return bool(self.all(role, name))

    def find(self, role: str, name: Name, within: WebElement | None = None) -> WebElement:
        """The one element that has a role and a name; waits for it."""
        found = self.wait(lambda: self.all(role, name, within), f"there is no {role} '{name}'")
        assert len(found) == 1, f"{len(found)} times {role} '{name}': {[e.get_attribute('outerHTML') for e in found]}"
        return found[0]

    def field(self, name: Name) -> WebElement:
        return self.find("field", name)

    def value(self, field: Name) -> str:
        """What stands in a field."""
        return str(self.wait(lambda: (self.field(field).get_property("value"),))[0])

    def texts(self, selector: str) -> list[str]:
        """What some parts of the page say, all at one moment."""
        return self.wait(lambda: ([part.text for part in self.css(selector)],))[0]

    def region(self, name: Name) -> WebElement:
        return self.find("region", name)

    def row(self, text: str) -> WebElement:
        """The one row of a table's body in which a text stands."""
        rows = self.wait(lambda: [row for row in self.css("main tbody tr") if text in row.text], f"no row has '{text}'")
        assert len(rows) == 1, f"{len(rows)} rows have '{text}'"
        return rows[0]

    # MARK: Doing

    def click(self, role: str, name: Name, within: WebElement | None = None) -> None:
        # A page that is under way replaces its parts: what was found may be gone when it is clicked.
        self.wait(lambda: self._click(self.find(role, name, within)), f"the {role} '{name}' was replaced again and again")

    def _click(self, element: WebElement) -> bool:
        try:
            element.click()
        except ElementClickInterceptedException:
            # Something sticks to the edge to which it was scrolled.
            self.script("arguments[0].scrollIntoView({block: 'center'})", element)
            element.click()
        return True

    def press(self, button: Name) -> None:
        """Clicks a button that leads to another page."""
        with self.new_page():
            self.click("button", button)

    def follow(self, link: Name, within: WebElement | None = None) -> None:
        """Clicks a link that leads to another page."""
        with self.new_page():
            self.click("link", link, within)

    def fill(self, field: Name, text: str) -> WebElement:
        """Types into a field in the place of what stands there."""
        element = self.field(field)
        element.send_keys(Keys.CONTROL, "a")
        element.send_keys(Keys.BACKSPACE)
        element.send_keys(text)
        return element

    def choose(self, field: Name, option: str) -> None:
        """By the arrow keys: what chromedriver makes of a click on an option is not what a person's click does."""
        select = self.field(field)
        options = [" ".join(str(each.get_property("textContent")).split()) for each in self.css("option", select)]
        assert option in options, options
        select.send_keys(Keys.HOME, *[Keys.ARROW_DOWN] * options.index(option))
        assert select.get_property("selectedIndex") == options.index(option)

    def tick(self, field: Name, ticked: bool = True) -> None:
        element = self.field(field)
        if element.is_selected() != ticked:
            element.click()

    def limit_to_nothing(self) -> None:
        """On the form of a new API key: it may do all that an integration can."""
        self.tick("All sections, now and later")
        self.tick("All keyspaces, read and write, now and later")

    def keys(self, *keys: str) -> None:
        """Keys for whatever has the focus."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def pasted(self) -> str:
        """What the clipboard holds, as another program gets it."""
        here = self.driver.current_window_handle
        self.driver.switch_to.new_window("tab")
        try:
            self.driver.get("data:text/html,<textarea autofocus></textarea>")
            area = self.css("textarea")[0]
            area.send_keys(Keys.CONTROL, "v")
            return str(area.get_property("value"))
        finally:
            self.driver.close()
            self.driver.switch_to.window(here)

    # MARK: What it is made of

    def cookie(self, name: str) -> Mapping[str, Any] | None:
        return next(
            (cookie for cookie in self.command("Network.getAllCookies")["cookies"] if cookie["name"] == name), None
        )

    def scripts(self, on: bool) -> None:
        """Whether pages may run scripts; from the next page on."""
        self.command("Emulation.setScriptExecutionDisabled", value=not on)

    def look(self, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        motion = {"name": "prefers-reduced-motion", "value": "reduce"}
        self.command("Emulation.setEmulatedMedia", media="", features=[scheme, motion])

    def settle(self) -> None:
        """Waits until nothing on the page is still loading."""
        self.wait(
            lambda: self.script(
                "return document.readyState === 'complete' && !document.querySelector('[aria-busy=true]')"
            ),
            "the page went on loading",
        )

    def screenshot(self, file: Path, *, whole: bool = False) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        options: dict[str, Any] = {"format": "png"}
        if whole:
            size = self.command("Page.getLayoutMetrics")["cssContentSize"]
            clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 4000), "scale": 1}
            options |= {"captureBeyondViewport": True, "clip": clip}
        file.write_bytes(base64.b64decode(self.command("Page.captureScreenshot", **options)["data"]))

    def complaints(self) -> list[str]:
        """What the browser's console says since the last look, but for error pages that were asked for."""
        messages = [
            entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")
        ]
        expected = [f"the server responded with a status of {status} " for status in self.expected_statuses]
        return [message for message in messages if not any(text in message for text in expected)]


def is_named(element: WebElement, name: Name) -> bool:
    said = " ".join(element.accessible_name.split())
    return said == name if isinstance(name, str) else name.search(said) is not None

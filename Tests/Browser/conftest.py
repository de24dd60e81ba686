"""One Chromium for each file of tests; servers are those of the black-box tests."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from selenium.webdriver import Chrome

import browser as browsers
from browser import SCREENSHOTS, Browser
from console import sign_in
from ovation import BINARY, Server


def _black_box_fixtures() -> ModuleType:
    path = Path(__file__).resolve().parents[1] / "BlackBox/conftest.py"
    spec = importlib.util.spec_from_file_location("black_box_fixtures", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--docs-screenshots", action="store_true", help="only make the pictures of the README, into docs/images"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(_black_box_fixtures(), "black-box-fixtures")
    if not BINARY.is_file():
        return
    for program in (browsers.CHROMIUM, browsers.CHROMEDRIVER):
        if not Path(program).exists():
            pytest.exit(f"{program} does not exist; 'Scripts/setup test' installs it", returncode=2)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The pictures are made when they are asked for, and then nothing else is done."""
    wanted = bool(config.getoption("--docs-screenshots"))
    others = [item for item in items if (item.get_closest_marker("docs") is not None) != wanted]
    items[:] = [item for item in items if item not in others]
    config.hook.pytest_deselected(items=others)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """A test that failed leaves a picture of what the browser showed."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    shown = next((value for value in getattr(item, "funcargs", {}).values() if isinstance(value, Browser)), None)
    if report.when != "call" or not report.failed or shown is None:
        return
    name = re.sub(r"\W+", "-", item.name)[:100]
    try:
        shown.screenshot(SCREENSHOTS / "failures" / f"{name}.png")
        (SCREENSHOTS / "failures" / f"{name}.html").write_text(shown.driver.page_source)
        report.sections.append(("browser", f"at {shown.driver.current_url}\n{shown.main[:600]}"))
    except Exception as error:
        report.sections.append(("browser", f"no picture: {error}"))


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chrome]:
    driver = browsers.start()
    yield driver
    driver.quit()


@pytest.fixture
def browser(chromium: Chrome) -> Iterator[Browser]:
    """A browser without a session; its complaints fail the test."""
    browser = Browser(chromium)
    browser.reset()
    yield browser
    assert browser.complaints() == []


@pytest.fixture
def console(browser: Browser, server: Server) -> Browser:
    """A browser that is signed in to the shared server with its admin key."""
    sign_in(browser, server)
    return browser

"""Ways into the console and around it."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import requests

from browser import Browser
from ovation import Credentials, Server, environment

SESSION_COOKIE = "ovation_console"


def one_time_link(server: Server) -> str:
    """The link that the first start printed."""
    output = (server.folder / "1.stdout").read_text()
    found = re.search(r"Open the console, signed in \(.*\):\n +(http://\S+)\n", output)
    assert found, f"no link was printed:\n{output}"
    return found[1]


def sign_in(browser: Browser, server: Server, credentials: Credentials | None = None, path: str = "/console") -> None:
    """Asks for a page as somebody who is signed out, and signs in on the way."""
    used = credentials or server.credentials
    assert used is not None
    browser.url = server.url
    browser.open(path)
    browser.fill("Client id", used.client_id)
    browser.fill("Client secret", used.client_secret)
    browser.press("Sign in")


def session_of(browser: Browser) -> requests.Session:
    """Plain HTTP with the cookie of a browser's session."""
    session = requests.Session()
    session.trust_env = False
    cookie = browser.cookie(SESSION_COOKIE)
    assert cookie is not None, "there is no session"
    session.headers["Cookie"] = f"{SESSION_COOKIE}={cookie['value']}"
    return session


def csrf_of(browser: Browser) -> str:
    return browser.css("main input[name=csrf], .me input[name=csrf]")[0].get_attribute("value") or ""


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs what was pasted into a terminal."""
    return subprocess.run(
        ["bash", "-c", script],
        env=environment(folder),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )

"""Servers for tests: each is stopped as an operator would, must stop in good order, and leaves no process behind."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ovation import BINARY, Client, Server
from postgres import Postgres

StartServer = Callable[..., Server]
Note = Callable[[str], None]


def pytest_sessionstart() -> None:
    if not BINARY.is_file():
        pytest.exit(f"{BINARY} does not exist; 'swift build' makes it", returncode=2)
    # A test run that is ended from outside still takes its servers down.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.getreports(outcome)]
    noted = [(report.nodeid, text) for report in reports if report.when == "call" for text in notes_of(report)]
    if noted:
        terminalreporter.section("notes")
    previous = None
    for test, text in noted:
        if test != previous:
            terminalreporter.line(test)
            previous = test
        terminalreporter.line(f"  {text}")


def notes_of(report: pytest.TestReport) -> list[object]:
    return [value for name, value in report.user_properties if name == "note"]


@pytest.fixture
def note(record_property: Callable[[str, object], None]) -> Note:
    """Says something that the report shows even when the test passes: a seed, a time."""
    return lambda text: record_property("note", text)


def _stop(servers: list[Server]) -> None:
    failures: list[AssertionError] = []
    for server in servers:
        if server.process is None:
            continue
        try:
            assert server.is_running, f"the server ended by itself:\n{server.output}"
            server.stop()
        except AssertionError as failure:
            failures.append(failure)
        finally:
            server.kill()
    if failures:
        raise failures[0]


def _starter(folder: Path, servers: list[Server]) -> StartServer:
    def start(**options: Any) -> Server:
        server = Server(folder / f"server-{len(servers) + 1}", **options)
        servers.append(server)
        return server.start()

    return start


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[StartServer]:
    """Starts servers that live as long as the test."""
    servers: list[Server] = []
    yield _starter(tmp_path, servers)
    _stop(servers)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that all tests of a file share."""
    servers: list[Server] = []
    yield _starter(tmp_path_factory.mktemp("shared"), servers)()
    _stop(servers)


@pytest.fixture(scope="module")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL of its own for a file of tests."""
    server = Postgres().create()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture(scope="module")
def admin(server: Server) -> Client:
    """Speaks to the shared server with its admin key."""
    return server.client()


@pytest.fixture(scope="session")
def quota_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A disk whose quota can be used up. See quota.c."""
    path = tmp_path_factory.mktemp("library") / "quota.so"
    source = Path(__file__).with_name("quota.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", path, source, "-ldl"], check=True)
    return path

"""How a server starts where its output goes nowhere or its port is taken: it makes no key that no one can see."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
from pathlib import Path

import pytest

from conftest import StartServer
from ovation import (
    BINARY,
    COMMAND_SECONDS,
    Credentials,
    Server,
    environment,
    event,
    free_port,
    printed_credentials,
    raw_request,
    run,
    wait_until,
)
from test_output import BROKEN, CLOSED, FULL


def serve_into(place: str, folder: Path, env: dict[str, str], port: int) -> subprocess.Popen[bytes]:
    folder.mkdir(exist_ok=True)
    arguments = [str(BINARY), "serve", "--store", f"sqlite:{folder}/ovation.sqlite", "--port", str(port)]
    options = {"env": environment(folder, env), "cwd": folder, "stdin": subprocess.DEVNULL}
    with (folder / "stderr").open("ab") as stderr:
        if place != BROKEN:
            return subprocess.Popen(["sh", "-c", f"exec {shlex.join(arguments)} {place}"], stderr=stderr, **options)
        reading, writing = os.pipe()
        os.close(reading)
        try:
            return subprocess.Popen(arguments, stdout=writing, stderr=stderr, restore_signals=True, **options)
        finally:
            os.close(writing)


def answers(port: int) -> bool:
    try:
        return raw_request(port, b"GET /ready HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").status == 200
    except OSError:
        return False


PLACES = [FULL, CLOSED, BROKEN, ">/dev/full 2>/dev/full", ">&- 2>&-", "<&- >&- 2>&-"]


@pytest.mark.parametrize("place", PLACES)
def test_a_server_that_cannot_print_serves(tmp_path: Path, place: str) -> None:
    credentials, port = Credentials.random(), free_port()
    env = {
        "OVATION_ADMIN_CLIENT_ID": credentials.client_id,
        "OVATION_ADMIN_CLIENT_SECRET": credentials.client_secret,
        "OVATION_LOG_LEVEL": "debug",
    }
    folder = tmp_path / "server"
    process = serve_into(place, folder, env, port)
    try:
        assert wait_until(lambda: answers(port) or process.poll() is not None, COMMAND_SECONDS)
        assert process.poll() is None, (folder / "stderr").read_text()
        server = Server(folder, credentials=credentials, port=port)
        client = server.client()
        version = client.make_version({"text": "string"})
        for _ in range(20):
            assert client.post_events([event(version, {"text": "a"})]).status_code == 204
        process.terminate()
        assert process.wait(COMMAND_SECONDS) == 0
    finally:
        process.kill()
        process.wait()
    # What is printed must not get into a file that took the number of the stream.
    store = (folder / "ovation.sqlite").read_bytes()
    assert store.startswith(b"SQLite format 3\0") and b"is ready at" not in store
    if "2>" not in place:
        assert "could not be printed" in (folder / "stderr").read_text()


@pytest.mark.parametrize("place", PLACES)
def test_a_first_key_that_cannot_be_shown_is_not_stored(tmp_path: Path, place: str, start_server: StartServer) -> None:
    folder = tmp_path / "server"
    process = serve_into(place, folder, {}, free_port())
    try:
        assert process.wait(COMMAND_SECONDS) == 1
    finally:
        process.kill()
    text = (folder / "stderr").read_text()
    if "2>" not in place:
        assert "cannot be shown" in text and "OVATION_ADMIN_CLIENT_ID" in text
        assert "Fatal error" not in text and not printed_credentials(text)
    # The next start is a first start again.
    server = start_server(credentials=None, store_name=f"sqlite:{folder}/ovation.sqlite")
    [credentials] = printed_credentials(server.output)
    assert server.client(credentials).ask_for_token().status_code == 200


@pytest.mark.parametrize("option", ["--port", "--admin-port"])
def test_a_port_that_is_taken_stops_a_first_start_before_it_makes_a_key(
    tmp_path: Path, option: str, start_server: StartServer
) -> None:
    store = f"sqlite:{tmp_path}/new.sqlite"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ports = {"--port": str(free_port()), option: str(port)}
        result = run("serve", "--store", store, *[word for pair in ports.items() for word in pair], home=tmp_path)
    assert result.returncode == 1
    assert result.stdout == ""
    assert str(port) in result.stderr and "in use" in result.stderr and option in result.stderr
    assert not (tmp_path / "new.sqlite").exists()
    server = start_server(credentials=None, store_name=store)
    [credentials] = printed_credentials(server.output)
    assert server.client(credentials).ask_for_token().status_code == 200


@pytest.mark.parametrize("host", ["999.1.1.1", "192.0.2.1", "no-such-host.invalid"])
def test_an_address_of_another_machine_stops_a_first_start_before_it_makes_a_key(tmp_path: Path, host: str) -> None:
    result = run("serve", "--store", f"sqlite:{tmp_path}/new.sqlite", "--host", host, "--port", "0", home=tmp_path)
    assert result.returncode == 1 and result.stdout == ""
    assert host in result.stderr and len(result.stderr.splitlines()) == 1
    assert not (tmp_path / "new.sqlite").exists()


def test_two_servers_that_start_at_once_on_one_port_make_one_key(tmp_path: Path) -> None:
    port = free_port()
    processes = [serve_into(f">{tmp_path}/stdout-{number}", tmp_path / str(number), {}, port) for number in range(2)]
    try:
        assert wait_until(lambda: sum(process.poll() is not None for process in processes) == 1, COMMAND_SECONDS)
        assert wait_until(lambda: answers(port), COMMAND_SECONDS)
        texts = [(tmp_path / f"stdout-{number}").read_text() for number in range(2)]
        for text, process in zip(texts, processes, strict=True):
            assert bool(printed_credentials(text)) == (process.poll() is None), text
    finally:
        for process in processes:
            process.kill()
            process.wait()

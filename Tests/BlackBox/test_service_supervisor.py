"""What a server tells systemd, and what `ovation ready` tells a container's health check."""

import socket
from pathlib import Path

import pytest
from ovation import Server, free_port, run


@pytest.mark.parametrize("watched", [True, False])
def test_systemd_hears_that_the_server_is_ready_alive_and_stopping(tmp_path: Path, watched: bool) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(30)
        environment = {"NOTIFY_SOCKET": str(path)} | ({"WATCHDOG_USEC": "200000"} if watched else {})
        server = Server(tmp_path / "server", env=environment)
        server.start()
        heard = [listener.recv(100).decode()]
        while "READY=1" not in heard:
            heard.append(listener.recv(100).decode())
        if watched:
            # Each comes by itself, for as long as the server runs.
            while heard.count("WATCHDOG=1") < 3:
                heard.append(listener.recv(100).decode())
        server.stop()
        while heard[-1] != "STOPPING=1":
            heard.append(listener.recv(100).decode())
    assert heard.count("READY=1") == 1 and ("WATCHDOG=1" in heard) == watched


def test_a_socket_without_a_file_is_one_too(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        name = f"ovation-test-{free_port()}"
        listener.bind("\0" + name)
        listener.settimeout(30)
        server = Server(tmp_path / "server", env={"NOTIFY_SOCKET": "@" + name})
        server.start()
        assert listener.recv(100) == b"READY=1"
        server.stop()


@pytest.mark.parametrize("path", ["/nowhere/notify", "nonsense", "@" + "x" * 200])
def test_a_supervisor_that_does_not_listen_keeps_no_server_from_working(tmp_path: Path, path: str) -> None:
    server = Server(tmp_path / "server", env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "0"})
    server.start()
    server.stop()


def test_ready_says_whether_a_server_answers(tmp_path: Path) -> None:
    server = Server(tmp_path / "server")
    server.start()
    settings = tmp_path / "settings.yaml"
    settings.write_text(f"host: 0.0.0.0\nport: 1\nadmin_port: {server.port}\n")
    elsewhere = {"OVATION_URL": "https://events.example.com"}
    for arguments, environment in [
        (["--url", server.url], {}), ([], {"OVATION_PORT": str(server.port), **elsewhere}),
        ([], {"OVATION_CONFIG": str(settings)}), (["--config", str(settings)], elsewhere),
    ]:
        done = run("ready", *arguments, home=tmp_path, env=environment)
        assert (done.returncode, done.stdout) == (0, "ready\n"), done.stderr
    server.stop()
    done = run("ready", "--url", server.url, home=tmp_path)
    assert done.returncode == 1 and "cannot be reached" in done.stderr

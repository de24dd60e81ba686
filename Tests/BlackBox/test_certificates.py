"""Servers that speak TLS: which certificates a command trusts, and what it says of those that it does not."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from ovation import run

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificates")

#: Of people who run the tests behind a proxy.
NONE = {"SSL_CERT_FILE": "", "SSL_CERT_DIR": ""}


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


def make_authority(folder: Path, name: str) -> Path:
    openssl(
        folder, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
        "-keyout", f"{name}.key", "-out", f"{name}.pem",
    )  # fmt: skip
    return folder / f"{name}.pem"


def make_certificate(folder: Path, name: str, authority: Path, host: str) -> None:
    openssl(
        folder, "req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}",
        "-keyout", f"{name}.key", "-out", f"{name}.csr",
    )  # fmt: skip
    (folder / f"{name}.ext").write_text(f"subjectAltName={host}\n")
    openssl(
        folder, "x509", "-req", "-in", f"{name}.csr", "-CA", authority.name, "-CAkey", f"{authority.stem}.key",
        "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext", "-out", f"{name}.pem",
    )  # fmt: skip


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`ours.pem` has signed `here.pem`, for this machine, and `elsewhere.pem`, for another. `other.pem` has signed neither."""
    folder = tmp_path_factory.mktemp("certificates")
    ours = make_authority(folder, "ours")
    make_authority(folder, "other")
    make_certificate(folder, "here", ours, "IP:127.0.0.1")
    make_certificate(folder, "elsewhere", ours, "DNS:elsewhere.example")
    return folder


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        data = json.dumps({"access_token": "a-token", "expires_in": 60, "token_type": "bearer"}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def serving(certificates: Path, name: str) -> Iterator[tuple[str, list[str]]]:
    """A server that hands out tokens: its address, and the paths that it was asked for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")

    class Listener(ThreadingHTTPServer):
        asked: list[str] = []
        daemon_threads = True

        def get_request(self):  # type: ignore[no-untyped-def]
            connection, address = super().get_request()
            # The handshake comes with the first read, in the thread of the connection.
            return context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), address

        def handle_error(self, *_: object) -> None: ...

    with Listener(("127.0.0.1", 0), Handler) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{listener.server_address[1]}", listener.asked
        listener.shutdown()


def token(url: str, folder: Path, *arguments: str | Path, env: dict[str, str] | None = None) -> CompletedProcess[str]:
    arguments = ("token", "--url", url, "--client-id", "id", "--client-secret", "secret", *arguments)
    return run(*arguments, home=folder, env=NONE | (env or {}))


def test_a_certificate_of_an_authority_that_is_named_is_trusted(certificates: Path, tmp_path: Path) -> None:
    with serving(certificates, "here") as (url, asked):
        by_flag = token(url, tmp_path, "--ca", certificates / "ours.pem")
        assert (by_flag.returncode, by_flag.stdout) == (0, "a-token\n"), by_flag.stderr
        by_variable = token(url, tmp_path, env={"SSL_CERT_FILE": str(certificates / "ours.pem")})
        assert (by_variable.returncode, by_variable.stdout) == (0, "a-token\n"), by_variable.stderr
        assert asked == ["/oauth/token"] * 2


def test_the_flag_wins_over_the_variable(certificates: Path, tmp_path: Path) -> None:
    ours, other = str(certificates / "ours.pem"), str(certificates / "other.pem")
    with serving(certificates, "here") as (url, asked):
        assert token(url, tmp_path, "--ca", ours, env={"SSL_CERT_FILE": other}).returncode == 0
        assert token(url, tmp_path, "--ca", other, env={"SSL_CERT_FILE": ours}).returncode > 0
        assert len(asked) == 1


@pytest.mark.parametrize("trusted", [None, "other.pem", "here.key"])
def test_nothing_is_sent_to_a_server_that_is_not_trusted(certificates: Path, tmp_path: Path, trusted: str | None) -> None:
    with serving(certificates, "here") as (url, asked):
        result = token(url, tmp_path, *(["--ca", certificates / trusted] if trusted else []))
        assert result.returncode > 0 and not result.stdout and not asked
        assert "\n" not in result.stderr.strip(), "it is one sentence"
        if trusted == "here.key":
            assert "here.key has no certificates" in result.stderr
        else:
            assert url in result.stderr and "is not trusted" in result.stderr
            assert "--ca" in result.stderr and "SSL_CERT_FILE" in result.stderr


def test_a_certificate_for_another_name_is_not_trusted(certificates: Path, tmp_path: Path) -> None:
    with serving(certificates, "elsewhere") as (url, asked):
        result = token(url, tmp_path, "--ca", certificates / "ours.pem")
        assert result.returncode > 0 and not asked
        assert "it is for another name" in result.stderr


def test_a_missing_file_and_an_empty_flag_are_told(certificates: Path, tmp_path: Path) -> None:
    with serving(certificates, "here") as (url, asked):
        missing = token(url, tmp_path, "--ca", tmp_path / "nothing.pem")
        assert missing.returncode > 0 and "nothing.pem" in missing.stderr
        empty = token(url, tmp_path, "--ca", "")
        assert empty.returncode > 0 and "--ca is empty" in empty.stderr
        assert not asked


def test_ready_and_console_take_the_flag(certificates: Path, tmp_path: Path) -> None:
    with serving(certificates, "here") as (url, _):
        # This server has no such endpoints, but answers.
        ours = ["--ca", str(certificates / "ours.pem")]
        for command in (["ready", "--url", url], ["console", "--url", url]):
            untrusted = run(*command, home=tmp_path, env=NONE)
            assert "is not trusted" in untrusted.stderr, command
            trusted = run(*command, *ours, home=tmp_path, env=NONE)
            assert trusted.returncode > 0 and "is not trusted" not in trusted.stderr, trusted.stderr


def test_an_address_with_the_wrong_scheme_is_told(certificates: Path, tmp_path: Path) -> None:
    with serving(certificates, "here") as (url, _):
        plain = token(url.replace("https:", "http:"), tmp_path)
        assert plain.returncode > 0 and "cannot be reached" in plain.stderr
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        result = token(f"https://127.0.0.1:{listener.server_address[1]}", tmp_path)
        listener.shutdown()
    assert result.returncode > 0 and "does not speak TLS" in result.stderr

"""No text of others reaches a terminal as something that the terminal obeys."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from ovation import (
    BINARY,
    COMMAND_SECONDS,
    CRM_ID,
    DEFAULT_SECTION,
    EMAIL,
    Server,
    environment,
    event,
    events_path,
    run,
)
from test_cli import attempt, client_settings, succeed

#: Every character that is obeyed: C0, DEL, C1, directions of writing, line ends of Unicode.
OBEYED = "".join(
    map(chr, [*range(0x20), *range(0x7F, 0xA0), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)])
)
#: Those that a line may hold without harm are made visible too.
HOSTILE = f"before{OBEYED}\x1b]0;owned\x07\x1b[2J\x9b31m\nok   all is well\r\u202eafter £üΩ中\u00a0"


def assert_tame(text: str, kept: str = "\n") -> str:
    found = sorted({hex(ord(character)) for character in text if character in OBEYED and character not in kept})
    assert not found, f"{found} in {text!r}"
    return text


def assert_all_tame(server: Server, *arguments: str | Path, stdin: str = "") -> str:
    result = attempt(server, *arguments, stdin=stdin)
    assert "Fatal error" not in result.stderr
    assert_tame(result.stderr)
    # A text that pretends to be a line of ours has no line of its own, but for a body that is printed as it is.
    is_body = list(arguments[:2]) == ["rejections", "show"]
    assert not re.search(r"^ok   all is well", ("" if is_body else result.stdout) + result.stderr, re.MULTILINE)
    return assert_tame(result.stdout, kept="\n\t" if is_body else "\n")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, str]]:
    server = Server(tmp_path_factory.mktemp("filled")).start()
    client = server.client()
    version = client.make_version({"text": "string"}, name="hostile \u202e\u2066 name")
    assert client.post_events([event(version, {"text": HOSTILE})]).status_code == 204
    assert client.post("/account/api-keys", json={"name": "key \u202e\u200f", "role": "integration"}).status_code == 201
    # Refused, and kept: as JSON, and as none.
    refused = client.post_events([event(version, {HOSTILE: "unknown", "text": HOSTILE})])
    assert refused.status_code == 400
    path = events_path(EMAIL, "steve@apsis.com", DEFAULT_SECTION)
    broken = client.post(path, data=(HOSTILE * 2).encode(), headers={"Content-Type": "application/json"})
    assert broken.status_code == 400
    yield server, version
    server.stop()


def test_events_are_listed_with_escapes_and_are_the_same_events(filled: tuple[Server, str]) -> None:
    server, _ = filled
    for arguments in (["events", "list", "--key", "steve@apsis.com"], ["events", "export", "--quiet"],
                      ["events", "export", "--quiet", "--profile-key", "steve@apsis.com"]):  # fmt: skip
        [line] = assert_all_tame(server, *arguments).splitlines()
        assert json.loads(line)["data"]["text"] == HOSTILE


def test_refused_posts_are_shown_with_escapes(filled: tuple[Server, str]) -> None:
    server, _ = filled
    listed = [json.loads(line) for line in assert_all_tame(server, "rejections", "list", "--json").splitlines()]
    assert len(listed) == 2
    assert len(assert_all_tame(server, "rejections", "list").splitlines()) == 2
    shown = [assert_all_tame(server, "rejections", "show", rejection["id"]) for rejection in listed]
    assert any("\\u001b]0;owned\\u0007" in text for text in shown)
    [body] = [json.loads(text) for text in shown if text.startswith("{")]
    assert body["items"][0]["data"]["text"] == HOSTILE


def test_what_the_server_says_of_hostile_input_is_tame(filled: tuple[Server, str], tmp_path: Path) -> None:
    server, version = filled
    items = json.dumps({"items": [event(version, {HOSTILE: "unknown"})]})
    assert_all_tame(server, "events", "post", "--key", "a@example.com", "-", stdin=items)
    assert_all_tame(server, "events", "list", "--keyspace", CRM_ID, "--key", HOSTILE.replace("\0", ""))
    lines = "".join(
        json.dumps({"keyspace": EMAIL, "profile_key": HOSTILE, **event(version, {HOSTILE: number})}) + "\n"
        for number in range(3)
    )
    source = tmp_path / "refused.ndjson"
    source.write_text(lines)
    assert_all_tame(server, "events", "import", "--errors", "/dev/stdout", source)
    assert_all_tame(server, "events", "import", source)
    assert_all_tame(server, "keys", "list")
    for listing in (["sections", "list"], ["keyspaces", "list"], ["event-types", "list"]):
        assert_all_tame(server, *listing)
        assert_all_tame(server, *listing, "--json")
    assert_all_tame(server, "model", "log")
    assert_all_tame(server, "model", "log", "--json")
    assert_all_tame(server, "model", "plan", "-", stdin=json.dumps({"sections": [{HOSTILE: 1}]}))
    assert_all_tame(server, "model", "plan", "-", stdin=f"sections: [{HOSTILE}")


def test_what_the_operator_typed_is_tame_in_messages(filled: tuple[Server, str]) -> None:
    server, _ = filled
    word = HOSTILE.replace("\0", "")
    assert_tame(attempt(server, "doctor", "--store", word).stdout)
    for arguments in (
        ["model", "plan", word],
        ["events", "import", word],
        ["events", "export", "-o", f"/no/such/{word}"],
        ["token", "--url", f"http://{word}"],
        ["token", "--region", word],
        ["serve", "--store", word],
        ["serve", "--log-level", word],
        ["serve", "--config", word],
        ["serve", word],
        [word],
        [f"--{word}"],
    ):
        result = attempt(server, *arguments)
        assert result.returncode != 0
        # What is no argument at all is quoted with its line ends.
        assert_tame(result.stdout + result.stderr, kept="\n\t" if word in arguments[-1][-len(word) :] else "\n")


def on_a_terminal(server: Server, *arguments: str) -> str:
    """What a command prints on a terminal of its own."""
    control, terminal = pty.openpty()
    text = b""
    process = subprocess.Popen(
        [str(BINARY), *arguments], stdout=terminal, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        env=environment(server.folder, client_settings(server)), cwd=server.folder,
    )  # fmt: skip
    os.close(terminal)
    try:
        while True:
            try:
                part = os.read(control, 65536)
            except OSError:
                break
            if not part:
                break
            text += part
    finally:
        os.close(control)
    assert process.wait(COMMAND_SECONDS) == 0
    # The terminal itself makes line ends of its own, also where there is one of CSV.
    return text.decode().replace("\r\n", "\n").replace("\r\n", "\n")


def test_on_a_terminal_also_tables_and_models_are_tame(filled: tuple[Server, str]) -> None:
    server, _ = filled
    for arguments in (
        ["events", "export", "--quiet", "--format", "csv"],
        ["events", "export", "--quiet", "--format", "csv", "--profile-key", "steve@apsis.com"],
        ["model", "export"],
        ["events", "list", "--key", "steve@apsis.com"],
    ):
        # The value has a tab, and in CSV a line end as it is; neither does harm in a table.
        assert_tame(on_a_terminal(server, *arguments), kept="\n\t" if "csv" in arguments else "\n")
    # In a file they are what they are.
    assert "\x9b31m" in succeed(server, "events", "export", "--quiet", "--format", "csv")
    assert "\u202e" in succeed(server, "model", "export")


class Impostor(BaseHTTPRequestHandler):
    """A server that answers everything with what a terminal would obey."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        token = self.path == "/oauth/token"
        body = {"access_token": "token"} if token else {"detail": HOSTILE, "errors": [{"pointer": HOSTILE, "detail": HOSTILE}]}
        self.answer(200 if token else 400, json.dumps(body, ensure_ascii=False).encode())

    def do_GET(self) -> None:
        members = {"client_id": HOSTILE, "name": HOSTILE, "role": HOSTILE, "revoked_at": HOSTILE, "actor": HOSTILE,
                   "kind": HOSTILE, "id": HOSTILE, "code": HOSTILE, "detail": HOSTILE, "change": {"note": {"subject": HOSTILE}},
                   "body": HOSTILE, "errors": [{"pointer": HOSTILE, "detail": HOSTILE}]}  # fmt: skip
        self.answer(200, json.dumps({**members, "items": [members]}).encode())

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_what_a_server_of_somebody_else_says_is_tame(tmp_path: Path) -> None:
    impostor = ThreadingHTTPServer(("127.0.0.1", 0), Impostor)
    threading.Thread(target=impostor.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{impostor.server_address[1]}"
    options = ["--url", url, "--client-id", "id", "--client-secret", "secret"]
    try:
        for arguments in (
            ["keys", "list"], ["keys", "create", "name"], ["model", "log"], ["model", "log", "--json"],
            ["model", "plan", "-"], ["rejections", "list"], ["rejections", "show", "1"], ["events", "list", "--key", "a@b.c"],
        ):  # fmt: skip
            result = run(*arguments, *options, home=tmp_path, stdin="{}")
            is_body = "show" in arguments
            assert_tame(result.stdout, kept="\n\t" if is_body else "\n")
            assert_tame(result.stderr)
            assert not re.search(r"^ok   all is well", ("" if is_body else result.stdout) + result.stderr, re.MULTILINE)
    finally:
        impostor.shutdown()
        impostor.server_close()

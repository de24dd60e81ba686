"""Files, arguments and settings that are not UTF-8, and byte order marks before those that are."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from conftest import StartServer
from ovation import ARTICLE_MODEL, BINARY, DEFAULT_SECTION, EMAIL, Client, Server, environment, events_path

MARK = b"\xef\xbb\xbf"


def command(home: Path, *arguments: str | bytes, extra: dict[bytes, bytes] | None = None) -> tuple[int, str]:
    """Like a shell does: words and settings are bytes."""
    settings = {name.encode(): value.encode() for name, value in environment(home).items()} | (extra or {})
    finished = subprocess.run(
        [os.fsencode(BINARY), *(word if isinstance(word, bytes) else word.encode() for word in arguments)],
        env=settings, capture_output=True, timeout=60,
    )  # fmt: skip
    return finished.returncode, (finished.stdout + finished.stderr).decode("utf-8", "replace")


def credentials(server: Server) -> list[str]:
    client = server.client()
    return [
        "--url", server.url, "--client-id", client.credentials.client_id,
        "--client-secret", client.credentials.client_secret,
    ]  # fmt: skip


def test_a_model_that_is_not_utf_8_is_refused_by_its_line_and_changes_nothing(server: Server, tmp_path: Path) -> None:
    text = ARTICLE_MODEL.read_text(encoding="utf-8")
    named = text.replace("name: My section", "name: Kändisar", 1)
    assert named != text
    line = 1 + next(number for number, word in enumerate(named.splitlines()) if "Kändisar" in word)
    file = tmp_path / "model.yaml"
    for encoded, said in [
        (named.encode("latin-1"), f"Line {line} is not UTF-8"),
        (named.encode("cp1252"), f"Line {line} is not UTF-8"),
        (named.encode("utf-16"), "UTF-16"),
        (named.encode("utf-16-le"), "UTF-16"),
        (named.encode("utf-16-be"), "UTF-16"),
        (named.encode("utf-32"), "UTF-32"),
    ]:
        file.write_bytes(encoded)
        for verb in ["plan", "apply"]:
            code, output = command(tmp_path, "model", verb, str(file), *credentials(server))
            assert code == 1 and said in output and str(file) in output, output
    assert "ndisar" not in server.client().get("/audience/sections").text
    file.write_bytes(MARK + named.encode())
    code, output = command(tmp_path, "model", "apply", str(file), *credentials(server))
    assert code == 0, output
    assert "Kändisar" in server.client().get("/audience/sections").text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "latin-1", "utf-16"])
def test_a_settings_file_has_a_mark_or_is_refused_by_its_line(
    start_server: StartServer, tmp_path: Path, encoding: str
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_bytes("# Inställningar\nbody_bytes_max: 2000\n".encode(encoding))
    if encoding == "utf-8-sig":
        client = start_server(options=["--config", str(file)]).client()
        assert client.post(events_path(EMAIL, "a@b.se", DEFAULT_SECTION), data=b"x" * 2001).status_code == 413
        return
    code, output = command(tmp_path, "serve", "--port", "0", "--config", str(file))
    assert code == 1 and str(file) in output, output
    assert ("UTF-16" if encoding == "utf-16" else "Line 1 is not UTF-8") in output


def test_a_file_of_credentials_has_a_mark_or_is_refused_by_its_line(server: Server, tmp_path: Path) -> None:
    client = server.client()
    text = (
        f"# nyckel för butiken\nurl: {server.url}\nclient_id: {client.credentials.client_id}\n"
        f"client_secret: {client.credentials.client_secret}\n"
    )
    file = tmp_path / "config/ovation/client.yaml"
    file.parent.mkdir(parents=True)
    folder = {b"XDG_CONFIG_HOME": os.fsencode(tmp_path / "config")}
    file.write_bytes(MARK + text.encode())
    code, output = command(tmp_path, "token", extra=folder)
    assert code == 0, output
    file.write_bytes(text.encode("latin-1"))
    code, output = command(tmp_path, "token", extra=folder)
    assert code == 1 and "Line 1 is not UTF-8" in output, output


def test_an_argument_or_a_setting_that_is_not_utf_8_is_refused_and_not_shown(server: Server, tmp_path: Path) -> None:
    code, output = command(
        tmp_path, "events", "list", "--keyspace", EMAIL, "--section", DEFAULT_SECTION, b"k\xe5l@example.com",
        *credentials(server),
    )  # fmt: skip
    assert code != 0 and "is not UTF-8" in output and "l@example.com" not in output, output
    code, output = command(tmp_path, "token", "--url", server.url, extra={b"OVATION_CLIENT_SECRET": b"se\xe5cret"})
    assert code != 0 and "OVATION_CLIENT_SECRET" in output and "is not UTF-8" in output and "cret" not in output.replace(
        "OVATION_CLIENT_SECRET", ""
    ), output


def test_bodies_begin_with_a_mark_or_are_refused_by_their_encoding(server: Server) -> None:
    admin: Client = server.client()
    version = admin.make_version({"text": "string"})
    item = f'{{"event_time":"2020-10-14T09:43:34Z","version_id":{version},"data":{{"text":"å"}}}}'
    post = f'{{"items":[{item}]}}'
    line = item.replace("{", f'{{"keyspace":"{EMAIL}","profile_key":"mark@example.com",', 1) + "\n"
    path = events_path(EMAIL, "mark@example.com", DEFAULT_SECTION)
    bulk = f"/audience/sections/{DEFAULT_SECTION}/events/bulk"
    assert admin.post(path, data=MARK + post.encode()).status_code == 204
    assert admin.post(bulk, data=MARK + (line * 2).encode()).json()["stored"] == 2
    for encoding in ["utf-16", "utf-16-le", "utf-16-be"]:
        refused = admin.post(path, data=post.encode(encoding))
        assert refused.status_code == 400 and "UTF-16" in refused.json()["detail"]
        answer = admin.post(bulk, data=line.encode(encoding)).json()
        assert answer["stored"] == 0 and "UTF-16" in answer["errors"][0]["detail"]
    assert [item["data"] for item in admin.get(path).json()["items"]] == [{"text": "å"}] * 3

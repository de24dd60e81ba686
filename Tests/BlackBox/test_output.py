"""What is printed and written: it arrives, or the command says that it did not; and nothing printed ends a server."""

from __future__ import annotations

import json
import os
import resource
import shlex
import subprocess
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ovation import (
    ARTICLE_MODEL,
    ARTICLE_SECTION,
    BINARY,
    COMMAND_SECONDS,
    EMAIL,
    Server,
    environment,
    event,
    printed_credentials,
)
from test_cli import attempt, client_settings, fail, succeed

#: As a shell is told where standard output goes.
FULL, CLOSED, BROKEN = ">/dev/full", ">&-", "broken"


def run_into(
    place: str, *arguments: str | Path, home: Path, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Runs the binary with a standard output that takes nothing."""
    options = {"stderr": subprocess.PIPE, "text": True, "timeout": COMMAND_SECONDS, "env": environment(home, env), "cwd": home}
    if place != BROKEN:
        return subprocess.run(["sh", "-c", f"exec {shlex.join([str(BINARY), *map(str, arguments)])} {place}"], **options)
    reading, writing = os.pipe()
    os.close(reading)
    try:
        # As a shell starts it: Python would have it ignore SIGPIPE, which is what it must do by itself.
        return subprocess.run([str(BINARY), *map(str, arguments)], stdout=writing, restore_signals=True, **options)
    finally:
        os.close(writing)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with something to print of every kind."""
    server = Server(tmp_path_factory.mktemp("shop"), model=ARTICLE_MODEL).start()
    client = server.client()
    items = [event("2565266", {"myNumberField": number}) for number in range(300)]
    assert client.post_events(items, section=ARTICLE_SECTION).status_code == 204
    assert client.post_events([event("2565266", {"myNumberField": "one"})], section=ARTICLE_SECTION).status_code == 400
    yield server
    server.stop()


SECTION = ["--section", ARTICLE_SECTION]
PRINTING: list[Sequence[str]] = [
    ["version"],
    ["--help"],
    ["token"],
    ["model", "export"],
    ["model", "plan", str(ARTICLE_MODEL)],
    ["model", "log"],
    ["model", "log", "--json"],
    ["keys", "list"],
    ["keys", "create", "never seen"],
    ["events", "list", "--key", "steve@apsis.com", *SECTION],
    ["events", "export", "--quiet", *SECTION],
    ["events", "export", "--quiet", "-o", "/dev/stdout", *SECTION],
    ["events", "export", "--quiet", "--format", "csv", *SECTION],
    ["events", "export", "--quiet", "--profile-key", "steve@apsis.com", *SECTION],
    ["rejections", "list"],
    ["rejections", "list", "--json"],
    ["doctor", "--store", "sqlite:ovation.sqlite"],
]


@pytest.mark.parametrize("place", [FULL, CLOSED, BROKEN])
@pytest.mark.parametrize("arguments", PRINTING, ids=lambda arguments: " ".join(arguments[:4]))
def test_what_cannot_be_printed_is_a_failure_with_one_line(shop: Server, arguments: Sequence[str], place: str) -> None:
    result = run_into(place, *arguments, home=shop.folder, env=client_settings(shop))
    if place == BROKEN:
        # As with a program that `head` ended.
        assert result.returncode == 141, result.stderr
        assert result.stderr == ""
    else:
        assert result.returncode == 1, result.stderr
        assert len(result.stderr.splitlines()) == 1, result.stderr
        assert ("No space left" if place == FULL else "closed") in result.stderr


def test_head_ends_a_long_list_quietly(shop: Server) -> None:
    command = f"{BINARY} events list --key steve@apsis.com --section {ARTICLE_SECTION} --limit 1000000 | head -n 1"
    result = subprocess.run(
        ["bash", "-c", command],
        capture_output=True, text=True, timeout=COMMAND_SECONDS,
        env=environment(shop.folder, client_settings(shop)),
    )  # fmt: skip
    assert (result.returncode, result.stderr, len(result.stdout.splitlines())) == (0, "", 1)


@pytest.mark.parametrize("place", [FULL, CLOSED, BROKEN])
def test_no_key_is_made_or_rotated_whose_secret_nobody_sees(shop: Server, place: str) -> None:
    [kept] = printed_credentials(succeed(shop, "keys", "create", "kept"))
    before = succeed(shop, "keys", "list")
    run_into(place, "keys", "create", "unseen", home=shop.folder, env=client_settings(shop))
    run_into(place, "keys", "rotate", "--overlap", "0", kept.client_id, home=shop.folder, env=client_settings(shop))
    assert succeed(shop, "keys", "list") == before
    assert shop.client(kept).ask_for_token().status_code == 200


@pytest.mark.parametrize("act", ["create", "rotate"])
def test_a_secret_that_is_lost_on_its_way_is_told_of(shop: Server, act: str) -> None:
    """The disk takes the first line and no more."""
    [kept] = printed_credentials(succeed(shop, "keys", "create", f"lost by {act}"))
    arguments = ["keys", act, f"half {act}" if act == "create" else kept.client_id]
    with (shop.folder / f"half-{act}").open("wb") as output:
        result = subprocess.run(
            [str(BINARY), *arguments], stdout=output, stderr=subprocess.PIPE, text=True, timeout=COMMAND_SECONDS,
            env=environment(shop.folder, client_settings(shop)), cwd=shop.folder, restore_signals=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40, 40)),
        )  # fmt: skip
    assert result.returncode == 1, result.stderr
    assert len(result.stderr.splitlines()) == 1 and "could not be shown" in result.stderr
    name = f"half {act}" if act == "create" else kept.client_id
    [line] = [line for line in succeed(shop, "keys", "list").splitlines() if name in line]
    if act == "create":
        assert "revoked" in line and line.split()[0] in result.stderr
    else:
        assert "Rotate it again" in result.stderr and kept.client_id in result.stderr


# MARK: Files


def test_an_export_into_a_pipe_a_device_or_a_link_leaves_it_what_it_is(shop: Server, tmp_path: Path) -> None:
    export = ["events", "export", "--quiet", *SECTION, "-o"]
    whole = succeed(shop, *export, "-")
    assert len(whole.splitlines()) == 300

    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()))
    reader.start()
    succeed(shop, *export, pipe)
    reader.join(COMMAND_SECONDS)
    assert read == [whole] and pipe.is_fifo()

    succeed(shop, *export, "/dev/null")
    assert Path("/dev/null").is_char_device()

    target, link = tmp_path / "target.ndjson", tmp_path / "link.ndjson"
    link.symlink_to("target.ndjson")
    succeed(shop, *export, link)
    assert link.is_symlink() and target.read_text() == whole, "also where there was no file yet"
    target.write_text("of yesterday")
    succeed(shop, *export, link)
    assert link.is_symlink() and target.read_text() == whole
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.ndjson", "pipe", "target.ndjson"]

    shown = tmp_path / "shown.ndjson"
    with shown.open("w") as stdout:
        stdout.write("before\n")
        stdout.flush()
        subprocess.run(
            [str(BINARY), *export, "/dev/stdout"], stdout=stdout, check=True, timeout=COMMAND_SECONDS,
            env=environment(tmp_path, client_settings(shop)),
        )  # fmt: skip
    assert shown.read_text() == "before\n" + whole


@pytest.mark.parametrize("command", ["events export", "model export", "events import"])
def test_a_folder_or_nothing_is_no_file_to_write(shop: Server, tmp_path: Path, command: str) -> None:
    source = tmp_path / "source.ndjson"
    source.write_text("{}\n")
    for name in [str(tmp_path), f"{tmp_path}/", "", f"{tmp_path}/no/such/folder/file"]:
        arguments = {
            "events export": ["events", "export", "--quiet", *SECTION, "-o", name],
            "model export": ["model", "export", name],
            "events import": ["events", "import", "--quiet", *SECTION, "--errors", name, source],
        }[command]
        assert len(fail(shop, *arguments).splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source.ndjson"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
def test_what_others_put_in_the_way_is_not_written_into(shop: Server, tmp_path: Path) -> None:
    os.chmod(tmp_path, 0o1777)
    output, victim = tmp_path / "out.ndjson", tmp_path / "victim"
    victim.write_text("untouched")
    part = tmp_path / "out.ndjson.part"
    export = ["events", "export", "--quiet", *SECTION, "-o", output]

    part.symlink_to(victim)
    os.lchown(part, 65534, 65534)
    succeed(shop, *export)
    assert victim.read_text() == "untouched" and not output.is_symlink()

    output.unlink()
    part.write_text("")
    part.chmod(0o666)
    os.chown(part, 65534, 65534)
    with part.open() as spy:
        succeed(shop, *export)
        assert spy.read() == "", "no other program reads along"
    assert output.stat().st_mode & 0o777 == 0o600 and output.stat().st_uid == os.geteuid()

    output.chmod(0o666)
    succeed(shop, *export)
    assert output.stat().st_mode & 0o777 == 0o600

    output.unlink()
    output.symlink_to(victim)
    os.lchown(output, 65534, 65534)
    assert "another user" in fail(shop, *export)
    output.unlink()
    os.mkfifo(output, 0o666)
    os.chown(output, 65534, 65534)
    assert "another user" in fail(shop, *export)
    assert victim.read_text() == "untouched"


@pytest.mark.parametrize("name", ["itself", "symbolic link", "hard link", "standard input"])
def test_an_import_does_not_write_over_what_it_reads(shop: Server, tmp_path: Path, name: str) -> None:
    source = tmp_path / "history.ndjson"
    line = {"keyspace": EMAIL, "profile_key": "a@example.com", **event("2565266", {"myNumberField": 1})}
    text = (json.dumps(line) + "\n") * 3
    source.write_text(text)
    errors = source
    if name == "symbolic link":
        errors = tmp_path / "errors"
        errors.symlink_to(source)
    elif name == "hard link":
        errors = tmp_path / "errors"
        errors.hardlink_to(source)
    arguments = ["events", "import", *SECTION, "--errors", errors, "-" if name == "standard input" else source]
    with source.open() as stdin:
        result = subprocess.run(
            [str(BINARY), *map(str, arguments)], stdin=stdin, capture_output=True, text=True, timeout=COMMAND_SECONDS,
            env=environment(tmp_path, client_settings(shop)),
        )  # fmt: skip
    assert result.returncode == 1
    assert "is the file that is read" in result.stderr, result.stderr
    assert source.read_text() == text


def test_errors_of_an_import_can_go_into_a_pipe(shop: Server, tmp_path: Path) -> None:
    source = tmp_path / "bad.ndjson"
    source.write_text("{}\n{}\n")
    result = attempt(shop, "events", "import", "--quiet", *SECTION, "--errors", "/dev/stdout", source)
    assert result.returncode == 1
    reported = [json.loads(line) for line in result.stdout.splitlines() if line.startswith("{")]
    assert {error["line"] for error in reported} == {1, 2}

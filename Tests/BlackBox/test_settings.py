"""Settings as people, files and orchestrators write them: taken as they are meant, or refused by name."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path

import pytest

from conftest import StartServer
from ovation import (
    ARTICLE_MODEL,
    Credentials,
    Server,
    free_port,
    printed_credentials,
    run,
)
from test_article import shell
from test_cli import attempt

# MARK: Secrets


WRITTEN = ["{}\n", "{}\r\n", "  {} \t", "\ufeff{}", "\n\n{}\n\n", "\u00a0{}\u2003"]


@pytest.mark.parametrize("written", WRITTEN, ids=repr)
@pytest.mark.parametrize("place", ["environment", "file"])
def test_what_editors_put_around_a_secret_is_no_part_of_it(
    tmp_path: Path, written: str, place: str, start_server: StartServer
) -> None:
    credentials, port = Credentials.random(), free_port()
    settings = {
        "admin_client_id": written.format(credentials.client_id),
        "admin_client_secret": written.format(credentials.client_secret),
        "store": written.format(f"sqlite:{tmp_path}/ovation.sqlite"),
        "region": written.format("apac"),
        "port": written.format(port),
        "log_level": written.format("INFO"),
        "host": written.format("127.0.0.1"),
        "console": written.format("False"),
    }
    options: dict[str, object] = {"with_usual_options": False, "port": port, "credentials": None}
    if place == "environment":
        server = start_server(**options, env={f"OVATION_{name.upper()}": value for name, value in settings.items()})
    else:
        config = tmp_path / "ovation.yaml"
        quoted = {name: value.encode("unicode_escape").decode() for name, value in settings.items()}
        config.write_text("".join(f'{name}: "{value}"\n' for name, value in quoted.items()))
        config.chmod(0o600)
        server = start_server(**options, options=["--config", str(config)])
    assert (tmp_path / "ovation.sqlite").is_file()
    assert server.client(credentials).ask_for_token().status_code == 200
    # It was given one, so it made and printed none.
    assert credentials.client_secret not in server.output and "client_secret:" not in server.output
    # The commands read them the same way.
    command = {
        "OVATION_URL": written.format(server.url),
        "OVATION_CLIENT_ID": written.format(credentials.client_id),
        "OVATION_CLIENT_SECRET": written.format(credentials.client_secret),
    }
    assert run("token", home=tmp_path, env=command).returncode == 0


@pytest.mark.parametrize("inside", [" ", "\n", "\t", "\ufeff", "\u200b", "\x1b", "\x7f"], ids=repr)
def test_what_is_inside_a_secret_by_mistake_is_refused_by_name(tmp_path: Path, inside: str) -> None:
    half = "Zebra7Quokka8"
    secret = half + inside + half
    env = {"OVATION_ADMIN_CLIENT_ID": Credentials.random().client_id, "OVATION_ADMIN_CLIENT_SECRET": secret}
    result = run("serve", "--port", "0", home=tmp_path, env=env)
    assert result.returncode == 1 and "admin_client_secret" in result.stderr and half not in result.stderr
    config = tmp_path / "ovation.yaml"
    written = secret.encode("unicode_escape").decode()
    config.write_text(f'admin_client_id: {Credentials.random().client_id}\nadmin_client_secret: "{written}"\n')
    result = run("serve", "--port", "0", "--config", config, home=tmp_path)
    assert result.returncode == 1 and "admin_client_secret" in result.stderr and half not in result.stderr
    for name in ("OVATION_CLIENT_SECRET", "OVATION_ADMIN_CLIENT_SECRET"):
        result = run("token", home=tmp_path, env={"OVATION_CLIENT_ID": "id", name: secret})
        assert result.returncode == 1 and name in result.stderr and half not in result.stderr
    result = run("token", "--client-id", "id", "--client-secret", secret, home=tmp_path)
    assert result.returncode == 1 and "--client-secret" in result.stderr and half not in result.stderr
    (tmp_path / ".config/ovation").mkdir(parents=True)
    client = tmp_path / ".config/ovation/client.yaml"
    client.write_text(f'client_id: id\nclient_secret: "{written}"\n')
    result = run("token", home=tmp_path)
    assert result.returncode == 1 and "client_secret" in result.stderr and half not in result.stderr


def test_a_secret_of_digits_is_one(tmp_path: Path, start_server: StartServer) -> None:
    credentials = Credentials("00000000000000000001", "01234567890123456789")
    config = tmp_path / "ovation.yaml"
    config.write_text(f"admin_client_id: {credentials.client_id}\nadmin_client_secret: {credentials.client_secret}\n")
    server = start_server(credentials=None, options=["--config", str(config)])
    assert server.client(credentials).ask_for_token().status_code == 200
    (server.folder / ".config/ovation").mkdir(parents=True)
    client = server.folder / ".config/ovation/client.yaml"
    client.write_text(f"url: {server.url}\nclient_id: {credentials.client_id}\nclient_secret: {credentials.client_secret}\n")
    result = run("token", home=server.folder)
    assert result.returncode == 0, result.stderr
    client.write_text("client_id:\nclient_secret: ''\nurl: []\n")
    result = run("token", home=server.folder)
    assert result.returncode == 1 and "An API key is needed" in result.stderr
    client.write_text("- client_id\n")
    result = run("token", home=server.folder)
    assert result.returncode == 1 and "client.yaml" in result.stderr


SECRET = "a+b/c=d&e%41?f#g;h:i\\j'k`l!m{n}"


def test_the_printed_commands_send_whatever_is_in_a_secret(start_server: StartServer) -> None:
    credentials = Credentials(Credentials.random().client_id, SECRET)
    server = start_server(credentials=credentials, model=ARTICLE_MODEL)
    _, _, commands = (server.folder / "1.stdout").read_text().partition("\nTry it")
    env = {"OVATION_ADMIN_CLIENT_ID": credentials.client_id, "OVATION_ADMIN_CLIENT_SECRET": credentials.client_secret}
    result = shell(commands.partition("\n")[2], server.folder, env)
    assert result.returncode == 0 and "204" in result.stdout and "some transaction" in result.stdout, result.stdout
    assert run("token", home=server.folder, env={**env, "OVATION_URL": server.url}).returncode == 0


# MARK: Secrets from files


def test_secrets_come_from_files(tmp_path: Path, start_server: StartServer) -> None:
    credentials, port = Credentials.random(), free_port()
    secret, store = tmp_path / "secret", tmp_path / "store"
    secret.write_text(f"{credentials.client_secret}\n")
    store.write_text(f"sqlite:{tmp_path}/from-file.sqlite\r\n")
    server = start_server(
        with_usual_options=False, port=port, credentials=None, options=["--port", str(port)],
        env={"OVATION_ADMIN_CLIENT_ID": credentials.client_id, "OVATION_ADMIN_CLIENT_SECRET_FILE": str(secret),
             "OVATION_STORE_FILE": str(store)},
    )  # fmt: skip
    assert (tmp_path / "from-file.sqlite").is_file()
    assert server.client(credentials).ask_for_token().status_code == 200
    assert credentials.client_secret not in server.output
    # The commands read them the same way.
    own = {"OVATION_URL": server.url, "OVATION_STORE_FILE": str(store)}
    for prefix in ("OVATION", "OVATION_ADMIN"):
        env = {**own, f"{prefix}_CLIENT_ID": credentials.client_id, f"{prefix}_CLIENT_SECRET_FILE": str(secret)}
        result = run("doctor", home=tmp_path, env=env)
        assert result.returncode == 0 and "from-file.sqlite" in result.stdout, result.stdout + result.stderr
    # A flag still wins.
    result = run("doctor", "--client-secret", "another-secret-than-that", home=tmp_path, env=env)
    assert result.returncode == 1


@pytest.mark.parametrize("name", ["OVATION_ADMIN_CLIENT_SECRET", "OVATION_STORE"])
def test_a_file_without_a_secret_stops_the_start_and_is_named(tmp_path: Path, name: str) -> None:
    secret, home = tmp_path / "secret", tmp_path / "home"
    home.mkdir()

    def refusal(content: bytes | None, **more: str) -> str:
        secret.unlink(missing_ok=True)
        if content is not None:
            secret.write_bytes(content)
        env = {"OVATION_ADMIN_CLIENT_ID": Credentials.random().client_id, f"{name}_FILE": str(secret), **more}
        result = run("serve", "--port", "0", home=home, env=env)
        assert result.returncode == 1 and len(result.stderr.splitlines()) == 1, result.stderr
        assert not list(home.iterdir())
        return result.stderr

    assert f"{name}_FILE names {secret}, which cannot be read" in refusal(None)
    for empty in (b"", b" \n"):
        assert f"{name}_FILE names {secret}, which is empty" in refusal(empty)
    assert "larger than a secret" in refusal(b"a" * 65537)
    assert f"{name}_FILE" in refusal(b"Zebra7Quokka8\xff\xfe")
    assert "Zebra7Quokka8" not in refusal(b"Zebra7\nZebra7Quokka8")
    assert f"{name} and {name}_FILE are both set" in refusal(b"sqlite:o.sqlite", **{name: "sqlite:p.sqlite"})


# MARK: The log as JSON


def test_each_line_of_the_log_is_a_json_object(start_server: StartServer) -> None:
    server = start_server(options=["--log-level", "debug"], env={"OVATION_LOG_FORMAT": "JSON"})
    answer = server.client().get("/audience/sections")
    server.stop()
    lines = (server.folder / "1.stderr").read_text().splitlines()
    entries = [json.loads(line) for line in lines]
    assert all(list(entry)[:3] == ["time", "level", "message"] for entry in entries)
    assert all(datetime.fromisoformat(entry["time"]).tzinfo is not None for entry in entries)
    [request] = [entry for entry in entries if entry.get("request_id") == answer.headers["X-Request-Id"]]
    assert request["level"] == "debug" and request["status"] == "200", request
    assert entries[-1]["message"] == "stopped" and entries[-1]["level"] == "info"
    assert "Try it" in (server.folder / "1.stdout").read_text(), "the banner is for people"


def test_the_log_is_text_unless_it_is_asked_for(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    server.stop()
    assert " info ovation" in (server.folder / "1.stderr").read_text()
    result = run("serve", "--port", "0", "--log-format", "xml", home=tmp_path)
    assert result.returncode == 1 and "log_format is text or json, not 'xml'" in result.stderr


# MARK: Environment


@pytest.mark.parametrize("name", ["OVATION_PORT", "OVATION_ADMIN_PORT"])
def test_a_link_of_kubernetes_is_told_from_a_port(tmp_path: Path, name: str) -> None:
    result = run("serve", home=tmp_path, env={name: "tcp://10.0.0.11:8080"})
    assert result.returncode == 1 and len(result.stderr.splitlines()) == 1
    assert name in result.stderr and "Kubernetes" in result.stderr and "enableServiceLinks" in result.stderr
    assert "'ovation'" in result.stderr or "'ovation-admin'" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("nothing", ["", " ", "\n"], ids=repr)
def test_a_variable_that_says_nothing_is_unset(tmp_path: Path, nothing: str, start_server: StartServer) -> None:
    port = free_port()
    config = tmp_path / "ovation.yaml"
    config.write_text(f"port: '{port}'\nregion: apac\nlog_level: WARNING\nadmin_port:\nmodel: ''\n")
    names = ["STORE", "HOST", "PORT", "ADMIN_PORT", "REGION", "MODEL", "CONSOLE", "LOG_LEVEL", "ADMIN_CLIENT_ID",
             "ADMIN_CLIENT_SECRET", "BODY_BYTES_MAX", "REJECTIONS_DAYS"]  # fmt: skip
    server = start_server(
        with_usual_options=False, port=port, credentials=None, options=["--config", str(config)],
        env={f"OVATION_{name}": nothing for name in names},
    )  # fmt: skip
    assert "(region apac" in server.output and (server.folder / "ovation-data/ovation.sqlite").is_file()
    [credentials] = printed_credentials(server.output)
    env = {name: nothing for name in ("OVATION_CLIENT_ID", "OVATION_CLIENT_SECRET", "OVATION_STORE", "XDG_CONFIG_HOME")}
    own = {"OVATION_ADMIN_CLIENT_ID": credentials.client_id, "OVATION_ADMIN_CLIENT_SECRET": credentials.client_secret}
    result = run("doctor", home=server.folder, env={**env, **own, "OVATION_URL": server.url})
    assert result.returncode == 0, result.stdout
    assert "ovation-data/ovation.sqlite" in result.stdout


@pytest.mark.parametrize("flag", ["--store", "--host", "--region", "--model", "--console", "--log-level", "--config"])
def test_a_flag_of_an_unset_variable_is_refused(tmp_path: Path, flag: str) -> None:
    result = run("serve", "--port", "0", flag, "", home=tmp_path)
    assert result.returncode == 1 and flag in result.stderr and "empty" in result.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("level", ["INFO", "Debug", "warning", "eRRor"])
def test_a_level_may_be_written_in_any_case(level: str, start_server: StartServer) -> None:
    assert start_server(options=["--log-level", level]).is_running


# MARK: Where the store is


JUNK = ["sqlite:", "sqlite: ", "sqlite::memory:", ":memory:", "sqlite::memory", "file:ovation.sqlite", "sqlite:file:o.sqlite",
        "sqlite:file:o.sqlite?mode=memory", "sqlite://o.sqlite", "sqlite://localhost/o.sqlite", "sqlite:///o.sqlite",
        "sqlite:sqlite:o.sqlite", "sqlite:~nobody/o.sqlite", "sqlite:.", "sqlite:..", "sqlite:/", "sqlite:folder",
        "sqlite:folder/", "sqlite:new/", "sqlite:folder/.", "sqlite:o.sqlite?mode=ro", "sqlite:/dev/null", "sqlite:pipe",
        "sqlite:a\nb.sqlite", "sqlite:FILE:o.sqlite", "o.sqlite", "~/o.sqlite", "./o.sqlite"]  # fmt: skip


@pytest.mark.parametrize("store", JUNK, ids=repr)
def test_a_store_that_others_would_write_so_is_refused_and_leaves_nothing(tmp_path: Path, store: str) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.rglob("*"))
    root = sorted(Path("/").iterdir())
    result = run("serve", "--port", "0", "--store", store, home=tmp_path)
    assert result.returncode == 1 and len(result.stderr.splitlines()) == 1, result.stderr
    assert "Fatal error" not in result.stderr and not printed_credentials(result.stdout)
    for arguments in [
        ["store", "copy", "--from", store, "--to", "sqlite:copy.sqlite"],
        ["store", "copy", "--from", "sqlite:none.sqlite", "--to", store],
        ["store", "backup", "--store", store, "--to", "backup.sqlite"],
    ]:
        assert run(*arguments, home=tmp_path).returncode != 0
    assert sorted(tmp_path.rglob("*")) == before and sorted(Path("/").iterdir()) == root


@pytest.mark.parametrize("place", ["flag", "environment", "file"])
def test_the_home_folder_may_be_written_as_a_tilde(tmp_path: Path, place: str, start_server: StartServer) -> None:
    port = free_port()
    store, model = "sqlite:~/stores/o.sqlite", "~/model.yaml"
    config = tmp_path / "ovation.yaml"
    config.write_text(f"store: {store}\nmodel: {model}\n" if place == "file" else "{}")
    options = ["--port", str(port), "--config", str(config)]
    if place == "flag":
        options += ["--store", store, "--model", model]
    server = Server(
        tmp_path / "server", with_usual_options=False, port=port, options=options,
        env={"OVATION_STORE": store, "OVATION_MODEL": model} if place == "environment" else {},
    )  # fmt: skip
    server.folder.mkdir()
    (server.folder / "model.yaml").write_text(ARTICLE_MODEL.read_text())
    try:
        server.start()
        assert (server.folder / "stores/o.sqlite").is_file() and not (server.folder / "~").exists()
        assert "steps applied" in server.output
        backup = attempt(server, "store", "backup", "--store", store, "--to", "~/copy.sqlite")
        assert backup.returncode == 0, backup.stderr
        assert (server.folder / "copy.sqlite").is_file()
        assert "(" not in run("doctor", "--store", store, home=server.folder).stderr
        server.stop()
    finally:
        server.kill()


# MARK: Files that others can read


def test_files_that_others_can_read_are_warned_of(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    assert "chmod 600" not in server.output
    assert "WARN" not in attempt(server, "doctor", "--store", f"sqlite:{server.store}").stdout
    server.stop()
    server.store.chmod(0o644)
    server.start()
    wal = Path(f"{server.store}-wal")
    assert f"chmod 600 '{server.store}'" in server.output_of_start(2)
    # SQLite gives its other files the mode of the store.
    assert f"chmod 600 '{wal}'" in server.output_of_start(2)
    doctor = attempt(server, "doctor", "--store", f"sqlite:{server.store}").stdout
    assert f"WARN {server.store} can be read" in doctor and f"WARN {wal} can be read" in doctor


def test_a_file_with_a_secret_that_others_can_read_is_warned_of(tmp_path: Path, start_server: StartServer) -> None:
    credentials = Credentials.random()
    config = tmp_path / "ovation.yaml"
    config.write_text(f"admin_client_id: {credentials.client_id}\nadmin_client_secret: {credentials.client_secret}\n")
    for mode, is_warned in [(0o600, False), (0o640, True), (0o604, True), (0o644, True)]:
        config.chmod(mode)
        server = start_server(credentials=None, options=["--config", str(config)])
        assert (f"chmod 600 '{config}'" in server.output) == is_warned
        server.stop()
    config.write_text("region: apac\n")
    open_server = start_server(options=["--config", str(config)])
    assert "chmod 600" not in open_server.output, "there is nothing to hide"

    (tmp_path / ".config/ovation").mkdir(parents=True)
    client = tmp_path / ".config/ovation/client.yaml"
    own = open_server.credentials
    client.write_text(f"url: {open_server.url}\nclient_id: {own.client_id}\nclient_secret: {own.client_secret}\n")
    client.chmod(0o644)
    result = run("token", home=tmp_path)
    assert result.returncode == 0 and f"chmod 600 '{client}'" in result.stderr
    client.chmod(0o600)
    assert run("token", home=tmp_path).stderr == ""

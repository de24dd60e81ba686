"""The process: how it starts, what it refuses to start with, how it stops, and what is left afterwards."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
from pathlib import Path

import pytest
import requests

from conftest import Note, StartServer
from ovation import (
    ARTICLE_MODEL,
    ARTICLE_SECTION,
    DEFAULT_SECTION,
    EMAIL,
    Client,
    Credentials,
    RawConnection,
    Server,
    assert_problem,
    event,
    events_path,
    free_port,
    printed_credentials,
    raw_request,
    run,
    wait_until,
)


def refusal(home: Path, *arguments: str | Path, env: dict[str, str] | None = None) -> str:
    """What `ovation serve` says when it must not start."""
    result = run("serve", *arguments, home=home, env=env)
    assert result.returncode not in (0, None), result.stdout
    assert result.returncode > 0, f"it must exit, not crash: {result.returncode}\n{result.stderr}"
    assert "Fatal error" not in result.stderr
    assert result.stderr.strip(), "it says why"
    return result.stderr


# MARK: Starting


def test_a_server_answers_who_it_is_and_that_it_is_well(server: Server, note: Note) -> None:
    note(f"first answer on a new store after {server.seconds_to_first_answer:.2f} s")
    for path in ["/", "/health", "/ready"]:
        response = server.client().session.get(server.url + path)
        assert response.status_code == 200, path
        assert isinstance(response.json(), dict), path
        assert "status" not in response.json() or not isinstance(response.json()["status"], int), path


def test_metrics_are_in_prometheus_text_and_need_no_token(server: Server) -> None:
    response = server.client().session.get(server.url + "/metrics")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/plain")
    samples = [line for line in response.text.splitlines() if line and not line.startswith("#")]
    assert samples
    for sample in samples:
        assert re.fullmatch(r"[a-zA-Z_:][\w:]*(\{.*\})? [-+0-9.eEInfNa]+( \d+)?", sample), sample


def test_data_and_tokens_outlive_a_restart(start_server: StartServer, note: Note) -> None:
    server = start_server()
    client = server.client()
    version = client.make_version({"amount": "double"})
    assert client.post_events([event(version, {"amount": 12.5})]).status_code == 204
    before = client.list_events()
    server.stop()
    server.start()
    note(f"first answer on an existing store after {server.seconds_to_first_answer:.2f} s")
    # The client still has the token from before.
    assert client.list_events() == before
    assert client.post_events([event(version, {"amount": 13})]).status_code == 204
    assert len(client.list_events()) == 2


def test_the_model_given_at_start_may_be_given_again(start_server: StartServer) -> None:
    server = start_server(model=ARTICLE_MODEL)
    before = server.client().get(f"/audience/sections/{ARTICLE_SECTION}/events").text
    log = server.client().get("/audience/log").text
    server.stop()
    server.start()
    assert server.client().get(f"/audience/sections/{ARTICLE_SECTION}/events").text == before
    assert server.client().get("/audience/log").text == log, "nothing was changed, so nothing is logged"


def test_the_first_start_prints_the_admin_key_and_the_second_does_not(start_server: StartServer) -> None:
    server = start_server(credentials=None)
    [credentials] = printed_credentials(server.output)
    assert server.client(credentials).ask_for_token().status_code == 200
    server.stop()
    server.start()
    assert credentials.client_secret not in server.output_of_start(2)
    assert server.client(credentials).ask_for_token().status_code == 200


def test_a_secret_that_was_given_is_not_printed(start_server: StartServer) -> None:
    server = start_server()
    assert server.credentials is not None
    assert server.credentials.client_secret not in server.output


def test_the_admin_key_from_the_environment_replaces_the_one_before(start_server: StartServer) -> None:
    server = start_server()
    first = server.credentials
    assert first is not None
    server.stop()
    server.credentials = Credentials(first.client_id, Credentials.random().client_secret)
    server.start()
    assert server.client().ask_for_token().status_code == 200
    assert_problem(server.client(first).ask_for_token(), 401, "invalid_client")


def test_without_any_option_the_data_goes_to_ovation_data_in_the_current_folder(start_server: StartServer) -> None:
    port = free_port()
    server = start_server(with_usual_options=False, port=port, options=["--port", str(port)])
    assert (server.folder / "ovation-data" / "ovation.sqlite").is_file()


def test_the_folder_of_the_data_is_made_when_it_is_missing(tmp_path: Path, start_server: StartServer) -> None:
    port = free_port()
    store = tmp_path / "made" / "on" / "the" / "way" / "ovation.sqlite"
    start_server(with_usual_options=False, port=port, options=["--port", str(port), "--store", f"sqlite:{store}"])
    assert store.is_file()


def test_a_token_of_another_region_is_refused_with_a_message_that_names_both(start_server: StartServer) -> None:
    europe = start_server(options=["--region", "eu"])
    asia = start_server(options=["--region", "apac"])
    client = Client(asia.url, Credentials.random())
    client.token = europe.client().token
    problem = assert_problem(client.get("/audience/sections"), 401, "wrong_region")
    assert re.search(r"\beu\b", problem["detail"]) and re.search(r"\bapac\b", problem["detail"]), problem


# MARK: Settings


def test_a_flag_wins_over_the_environment_and_the_environment_over_the_file(
    tmp_path: Path, start_server: StartServer
) -> None:
    in_file, in_environment, in_flag = free_port(), free_port(), free_port()
    config = tmp_path / "ovation.yaml"
    config.write_text(f"host: 127.0.0.1\nport: {in_file}\nstore: sqlite:{tmp_path}/from-file.sqlite\n")
    common = {"with_usual_options": False}
    options = ["--config", str(config)]
    env = {"OVATION_PORT": str(in_environment)}

    start_server(**common, port=in_file, options=options).stop()
    assert (tmp_path / "from-file.sqlite").is_file()
    start_server(**common, port=in_environment, options=options, env=env).stop()
    start_server(**common, port=in_flag, options=[*options, "--port", str(in_flag)], env=env).stop()


def test_every_option_can_come_from_the_environment(tmp_path: Path, start_server: StartServer) -> None:
    port = free_port()
    server = start_server(
        with_usual_options=False,
        port=port,
        env={
            "OVATION_PORT": str(port),
            "OVATION_HOST": "127.0.0.1",
            "OVATION_STORE": f"sqlite:{tmp_path}/from-environment.sqlite",
            "OVATION_MODEL": str(ARTICLE_MODEL),
            "OVATION_REGION": "apac",
        },
    )
    assert (tmp_path / "from-environment.sqlite").is_file()
    assert server.client().get(f"/audience/sections/{ARTICLE_SECTION}/events").status_code == 200


def test_the_admin_port_takes_health_and_metrics_away_from_the_main_one(start_server: StartServer) -> None:
    port, admin_port = free_port(), free_port()

    # /ready moves with the rest, so readiness is asked for on the other port.
    server = start_server(
        port=admin_port, with_usual_options=False, options=["--port", str(port), "--admin-port", str(admin_port)]
    )
    session = server.client().session
    for path in ["/health", "/ready", "/metrics"]:
        assert session.get(f"http://127.0.0.1:{admin_port}{path}").status_code == 200, path
    assert_problem(session.get(f"http://127.0.0.1:{port}/metrics"), 404)
    assert session.get(f"http://127.0.0.1:{port}/").status_code == 200


@pytest.mark.parametrize(
    "extreme",
    [
        {"version_id": "9223372036854775807"},
        {"version_id": "9223372036854775806"},
        {"valid_from": "9999-12-31T23:59:59.999-23:59"},
        {"valid_from": "0000-01-01T00:00:00+23:59"},
    ],
    ids=["largest id", "almost largest id", "latest date", "earliest date"],
)
def test_a_definition_at_the_edge_of_what_is_possible_leaves_a_server_that_goes_on(
    start_server: StartServer, extreme: dict[str, str]
) -> None:
    server = start_server()
    client = server.client()
    body = {"name": "extreme", "category": "signal", "fields": {"text": "string"}, **extreme}
    response = client.post(f"/audience/sections/{DEFAULT_SECTION}/events", json=body)
    assert response.status_code in (201, 400), response.text
    if response.status_code == 201 and "valid_from" in extreme:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT.*Z", response.json()["versions"][0]["valid_from"]), response.text
    client.make_version({"text": "string"})
    ordinary = client.make_version({"text": "string"})
    server.stop()
    server.start()
    assert client.get(f"/audience/sections/{DEFAULT_SECTION}/events").status_code == 200
    assert client.post_events([event(ordinary, {"text": "still here"})]).status_code == 204


@pytest.mark.parametrize(
    ("arguments", "env", "named"),
    [
        (["--port", "many"], {}, "port"),
        ([], {"OVATION_PORT": "many"}, "port"),
        (["--store", "papyrus:scroll"], {}, "papyrus"),
        (["--config", "missing.yaml"], {}, "missing.yaml"),
        (["--model", "missing-model.yaml"], {}, "missing-model.yaml"),
    ],
    ids=["port flag", "port in the environment", "store", "config", "model"],
)
def test_a_setting_that_makes_no_sense_is_refused_by_name(
    tmp_path: Path, arguments: list[str], env: dict[str, str], named: str
) -> None:
    assert named in refusal(tmp_path, *arguments, env=env).lower()


def test_a_model_that_makes_no_sense_is_refused_with_its_place(tmp_path: Path) -> None:
    model = tmp_path / "model.yaml"
    model.write_text(ARTICLE_MODEL.read_text().replace("myTextField: string", "myTextField: text"))
    message = refusal(tmp_path, "--port", str(free_port()), "--model", model)
    assert "myTextField" in message


# MARK: Refusing to start


def test_a_second_server_on_the_same_file_is_refused(tmp_path: Path, start_server: StartServer) -> None:
    first = start_server()
    message = refusal(tmp_path, "--store", f"sqlite:{first.store}", "--port", str(free_port()))
    assert str(first.store) in message
    assert re.search("in use|already|another", message), message
    # The first is none the worse for it.
    assert first.client().get("/audience/sections").status_code == 200


def test_a_port_that_is_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        message = refusal(tmp_path, "--store", f"sqlite:{tmp_path}/a.sqlite", "--port", str(port))
    assert str(port) in message
    assert "in use" in message


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    # Permissions do not stop root, but a folder inside a file is impossible.
    (tmp_path / "file").write_text("not a folder")
    folder = tmp_path / "file" / "data"
    if os.geteuid() != 0:
        folder = tmp_path / "read-only"
        folder.mkdir(mode=0o500)
    message = refusal(tmp_path, "--store", f"sqlite:{folder}/ovation.sqlite", "--port", str(free_port()))
    assert str(folder) in message


def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    text = "Dear customer, " * 1000
    file.write_text(text)
    message = refusal(tmp_path, "--store", f"sqlite:{file}", "--port", str(free_port()))
    assert str(file) in message
    assert file.read_text() == text


def test_an_admin_secret_that_could_be_guessed_is_refused(tmp_path: Path) -> None:
    credentials = Credentials(Credentials.random().client_id, "tooshort4secret")
    env = {
        "OVATION_ADMIN_CLIENT_ID": credentials.client_id,
        "OVATION_ADMIN_CLIENT_SECRET": credentials.client_secret,
    }
    message = refusal(tmp_path, "--store", f"sqlite:{tmp_path}/ovation.sqlite", "--port", str(free_port()), env=env)
    assert "secret" in message and "16" in message
    assert credentials.client_secret not in message


# MARK: Stopping


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_lets_what_is_in_flight_finish(start_server: StartServer, stop_signal: signal.Signals) -> None:
    server = start_server()
    client = server.client()
    version = client.make_version({"text": "string"})
    body = json.dumps({"items": [event(version, {"text": "slow"})]}).encode()
    head = (
        f"POST {events_path(EMAIL, 'slow@example.com', DEFAULT_SECTION)} HTTP/1.1\r\n"
        f"Host: 127.0.0.1\r\nAuthorization: Bearer {client.token}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    with RawConnection(server.port) as upload:
        upload.send(head.encode())
        upload.send_chunk(body[:20])
        # By the time that these are answered, the server has begun to read the upload.
        for _ in range(8):
            assert (
                raw_request(server.port, b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").status == 200
            )
        server.signal(stop_signal)

        def refuses_new_connections() -> bool:
            try:
                raw_request(server.port, b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            except Exception:
                return True
            return False

        assert wait_until(refuses_new_connections, 10), "it takes no new work after the signal"
        assert server.is_running, "it waits for the upload"
        for start in range(20, len(body), 20):
            upload.send_chunk(body[start : start + 20])
        upload.end_chunks()
        response = upload.read_response()
        assert response.status == 204, response.body
    assert server.wait() == 0, server.output

    server.start()
    assert [item["data"] for item in client.list_events(key="slow@example.com")] == [{"text": "slow"}]


def test_a_signal_ends_a_server_whose_clients_keep_idle_connections(start_server: StartServer) -> None:
    server = start_server()
    with RawConnection(server.port) as idle:
        idle.send(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
        assert idle.read_response().status == 200
        server.stop()


def test_a_full_disk_is_an_answer_and_loses_nothing_that_was_acknowledged(start_server: StartServer) -> None:
    server = start_server(file_size_max=6 * 1024 * 1024)
    client = server.client()
    version = client.make_version({f"text{number}": "string" for number in range(9)})
    large = event(version, {f"text{number}": "x" * 9900 for number in range(9)})
    acknowledged = 0
    for _ in range(300):
        response = client.post_events([large])
        if response.status_code != 204:
            break
        acknowledged += 1
    assert acknowledged > 0
    assert response.status_code in (503, 507), response.text
    assert_problem(response, response.status_code)
    assert client.session.get(server.url + "/health").status_code == 200, "the process lives on"
    # How it ends with a full disk is not what this is about.
    server.kill()
    server.file_size_max = None
    server.start()
    assert len(client.list_events()) == acknowledged
    assert client.post_events([large]).status_code == 204, "with room again, it takes posts again"


# MARK: The command line


def test_version_is_printed(tmp_path: Path) -> None:
    result = run("version", home=tmp_path)
    assert result.returncode == 0, result.stderr
    assert re.search(r"\d+\.\d+", result.stdout)


def test_help_names_every_command(tmp_path: Path) -> None:
    result = run("--help", home=tmp_path)
    assert result.returncode == 0, result.stderr
    for command in ["serve", "model", "keys", "token", "events", "doctor", "version"]:
        assert re.search(rf"^\s+{command}\b", result.stdout, re.MULTILINE), command


def test_help_of_serve_names_every_option(tmp_path: Path) -> None:
    result = run("serve", "--help", home=tmp_path)
    assert result.returncode == 0, result.stderr
    for option in ["--store", "--host", "--port", "--admin-port", "--region", "--model", "--config"]:
        assert option in result.stdout, option


def test_an_unknown_command_is_refused(tmp_path: Path) -> None:
    result = run("perform", home=tmp_path)
    assert result.returncode > 0
    assert "perform" in result.stderr


@pytest.mark.parametrize("place", ["environment", "list", "text"])
def test_behind_a_trusted_proxy_the_log_names_the_client(start_server: StartServer, tmp_path: Path, place: str) -> None:
    ranges = ["10.0.0.0/8", "127.0.0.1"]
    file = tmp_path / "settings.yaml"
    file.write_text(f"trusted_proxies: {json.dumps(ranges if place == 'list' else ', '.join(ranges))}\n")
    if place == "environment":
        server = start_server(env={"OVATION_TRUSTED_PROXIES": ",".join(ranges)})
    else:
        server = start_server(options=["--config", str(file)])
    body = {"grant_type": "client_credentials", "client_id": "a", "client_secret": "b"}
    answer = requests.post(
        f"{server.url}/oauth/token", json=body, headers={"X-Forwarded-For": "192.0.2.66, 203.0.113.77, 10.1.1.1"}, timeout=30
    )
    assert answer.status_code == 401
    assert "203.0.113.77" in server.output and "192.0.2.66" not in server.output


def test_a_trusted_proxy_that_is_no_address_stops_the_start(tmp_path: Path) -> None:
    for text in ["10.0.0.0/99", "proxy.example.com"]:
        result = run("serve", "--port", "0", home=tmp_path, env={"OVATION_TRUSTED_PROXIES": text})
        assert result.returncode != 0 and "trusted_proxies" in result.stderr and text in result.stderr

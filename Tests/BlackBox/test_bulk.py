"""First loads and exports: files of events go in and come out whole, whatever breaks on the way."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import threading
from collections import Counter
from pathlib import Path

import pytest
import requests

from conftest import Note, StartServer
from ovation import (
    BINARY,
    CRM_ID,
    DEFAULT_SECTION,
    EMAIL,
    REQUEST_SECONDS,
    Client,
    Credentials,
    Json,
    RawConnection,
    Server,
    assert_problem,
    environment,
    events_path,
    wait_until,
)
from test_cli import attempt, client_settings, fail, succeed

BULK = f"/audience/sections/{DEFAULT_SECTION}/events/bulk"
EXPORT = f"/audience/sections/{DEFAULT_SECTION}/events/export"
NDJSON = "application/x-ndjson"
FIELDS = {"number": "integer", "text": "string", "share": "double", "done": "boolean"}


def line(version: str, number: int, key: str, **data: Json) -> str:
    item = {
        "keyspace": CRM_ID if number % 3 == 0 else EMAIL,
        "profile_key": key,
        "event_time": f"2024-0{1 + number % 9}-01T00:00:00.{number % 1000:03}Z",
        "version_id": version,
        "data": {"number": number, **data},
    }
    return json.dumps(item)


def file_of(path: Path, version: str, count: int, padding: int = 0) -> Path:
    with path.open("w") as file:
        for number in range(count):
            text = f'"quoted", line\n{"x" * padding}'
            file.write(line(version, number, f"p{number % 997}@example.com", text=text, share=number / 7) + "\n")
    return path


def make_model(server: Server, folder: Path) -> tuple[str, Path]:
    """An event type, and the file that makes the same one elsewhere."""
    version: str = server.client().make_version(FIELDS)
    model = folder / "model.yaml"
    model.write_text(succeed(server, "model", "export"))
    return version, model


def exported(client: Client) -> list[Json]:
    response = client.get(EXPORT)
    assert response.status_code == 200, response.text
    assert response.headers["Content-Type"] == NDJSON
    return [json.loads(text) for text in response.text.splitlines()]


def without_arrival(events: list[Json]) -> Counter[str]:
    return Counter(
        json.dumps({name: value for name, value in event.items() if name not in ("event_id", "received_at")})
        for event in events
    )


def numbers(client: Client) -> Counter[int]:
    return Counter(event["data"]["number"] for event in exported(client))


# MARK: There and back


def test_import_and_export_make_a_copy(tmp_path: Path, start_server: StartServer) -> None:
    first = start_server()
    version, model = make_model(first, tmp_path)
    history = file_of(tmp_path / "history.ndjson", version, 3000)
    assert "3,000 lines: 3,000 stored, 0 refused." in succeed(first, "events", "import", history)
    assert "3,000 stored before" in succeed(first, "events", "import", "--quiet", history), "its name is its key"

    copy = tmp_path / "copy.ndjson"
    succeed(first, "events", "export", "-o", copy)
    assert not Path(f"{copy}.part").exists()
    lines = [json.loads(text) for text in copy.read_text().splitlines()]
    ids = [int(event["event_id"]) for event in lines]
    assert len(ids) == 3000 and ids == sorted(set(ids))

    second = start_server(model=model)
    assert "3,000 lines: 3,000 stored" in succeed(second, "events", "import", copy)
    assert without_arrival(exported(second.client())) == without_arrival(lines)
    for keyspace, key in [(EMAIL, "p7@example.com"), (CRM_ID, "p6@example.com")]:
        assert [event["data"] for event in second.client().list_events(keyspace=keyspace, key=key)] == [
            event["data"] for event in first.client().list_events(keyspace=keyspace, key=key)
        ]
    last = ids[-1]
    assert [event["event_id"] for event in exported_after(first.client(), last - 2)] == [str(last - 1), str(last)]


def exported_after(client: Client, event_id: int) -> list[Json]:
    return [json.loads(text) for text in client.get(EXPORT, params={"after": str(event_id)}).text.splitlines()]


def test_refused_lines_are_reported_and_fail_the_command(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    version, _ = make_model(server, tmp_path)
    file = tmp_path / "some.ndjson"
    good = line(version, 1, "a@example.com")
    file.write_text(f"{good}\nnonsense\n{line(version, 2, 'no address')}\n\n{line('77', 3, 'x')}\n{good}")
    errors = tmp_path / "errors.ndjson"
    checked = attempt(server, "events", "import", "--validate-only", file)
    assert checked.returncode == 1 and "6 lines checked: 3 refused." in checked.stdout
    assert exported(server.client()) == []

    result = attempt(server, "events", "import", "--errors", errors, file)
    assert result.returncode == 1, result.stderr
    assert "6 lines: 2 stored, 3 refused." in result.stdout
    reported = [json.loads(text) for text in errors.read_text().splitlines()]
    assert [(error["line"], error["code"]) for error in reported] == [
        (2, "invalid_json"),
        (3, "invalid_profile_key"),
        (5, "unknown_version"),
    ]
    shown = attempt(server, "events", "import", "--idempotency-key", "again", file)
    assert "line 3 /profile_key: " in shown.stderr

    assert "3 lines are done" not in fail(server, "events", "import", "--strict", "--idempotency-key", "s", file)
    assert "cannot be read" in fail(server, "events", "import", tmp_path / "missing")
    # A file that was put right is no repetition.
    file.write_text(file.read_text().replace("nonsense", good))
    assert "409" in fail(server, "events", "import", file)


def test_standard_input_can_be_imported(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    version, _ = make_model(server, tmp_path)
    text = "".join(line(version, number, "a@example.com") + "\r\n" for number in range(10))
    assert "10 lines: 10 stored" in succeed(server, "events", "import", "-", stdin=text)


def test_export_writes_csv_and_single_profiles(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    event_type = server.client().make_event_type(FIELDS)
    version = event_type["versions"][0]["id"]
    file = tmp_path / "some.ndjson"
    file.write_text(line(version, 1, "a@example.com", text="=1+1") + "\n" + line(version, 2, "b@example.com") + "\n")
    succeed(server, "events", "import", file)
    rows = succeed(server, "events", "export", "--format", "csv").splitlines()
    # Within a chunk the ids follow the profiles and not the lines.
    assert len(rows) == 3 and rows[0].endswith(",version_id,data")
    assert sorted(row[row.index('"{') :] for row in rows[1:]) == [
        '"{""number"":1,""text"":""=1+1""}"',
        '"{""number"":2}"',
    ]
    columns = succeed(
        server, "events", "export", "--format", "csv", "--event-type", event_type["discriminator"]
    ).splitlines()
    assert columns[0].split(",")[8:] == ["data.number", "data.text", "data.share", "data.done", "data.source"]
    ends = [",1,\"'=1+1\",,,", ",2,,,,"]
    ours, other = sorted(columns[1:], key=lambda row: "b@example.com" in row)
    assert ours.endswith(ends[0]) and other.endswith(ends[1])
    one = succeed(server, "events", "export", "--profile-key", "b@example.com")
    assert [json.loads(text) for text in one.splitlines()] == [
        event for event in exported(server.client()) if event["profile_key"] == "b@example.com"
    ]
    same = succeed(
        server,
        *["events", "export", "--format", "csv", "--event-type", event_type["discriminator"]],
        *["--profile-key", "a@example.com"],
    )
    assert same.splitlines() == [columns[0], ours]
    assert "event types" in succeed(server, "events", "export", "--help")


# MARK: What breaks


def test_a_load_that_is_killed_goes_on_and_stores_every_line_once(
    tmp_path: Path, start_server: StartServer, note: Note
) -> None:
    seed = random.SystemRandom().randrange(1_000_000)
    note(f"seed {seed}")
    choices = random.Random(seed)
    server = start_server()
    version, _ = make_model(server, tmp_path)
    count = 300_000
    history = file_of(tmp_path / "history.ndjson", version, count)
    client = server.client()
    token = client.token
    acknowledged = 0
    for _ in range(3):
        records: list[Json] = []
        sender = threading.Thread(target=send_file, args=[server, token, history, records], daemon=True)
        sender.start()
        wanted = acknowledged + choices.randint(0, 2)

        def is_time() -> bool:
            return any(record["lines"] >= wanted for record in records) or not sender.is_alive()

        assert wait_until(is_time, 120, interval=0.001)
        # Into a chunk that is checked or stored.
        threading.Event().wait(choices.uniform(0, 3))
        server.kill()
        sender.join(60)
        assert not sender.is_alive()
        acknowledged = max([acknowledged, *(record["lines"] for record in records)])
        server.start()
        stored = numbers(client)
        assert set(stored.values()) <= {1}, f"nothing is stored twice (seed {seed})"
        assert all(number in stored for number in range(acknowledged)), f"nothing that was told is lost (seed {seed})"
        note(f"{acknowledged} lines acknowledged, {len(stored)} stored")
    result = succeed(server, "events", "import", "--quiet", "--idempotency-key", "history", history)
    assert result.startswith(f"{count:,} lines: ") and result.endswith(", 0 refused.\n")
    assert numbers(client) == Counter(range(count))


def send_file(server: Server, token: str, file: Path, records: list[Json]) -> None:
    """Sends a file, and reads what the server tells of it meanwhile, until the connection breaks."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=REQUEST_SECONDS) as connection:
        reader = threading.Thread(target=read_records, args=[connection, records], daemon=True)
        reader.start()
        try:
            connection.sendall(upload_head(token, file.stat().st_size, "history").encode())
            with file.open("rb") as source:
                while part := source.read(100_000):
                    connection.sendall(part)
        except OSError:
            pass
        reader.join(60)


def upload_head(token: str, length: int, key: str) -> str:
    lines = [
        f"POST {BULK} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        f"Accept: {NDJSON}",
        f"Idempotency-Key: {key}",
        f"Content-Length: {length}",
    ]
    return "\r\n".join([*lines, "", ""])


def read_records(connection: socket.socket, records: list[Json]) -> None:
    text = b""
    try:
        while part := connection.recv(65_536):
            text += part
            *whole, text = text.split(b"\n")
            for piece in whole:
                # Between the lines stand the lengths of HTTP's own chunks.
                if piece.startswith(b'{"lines"'):
                    records.append(json.loads(piece))
                elif piece.startswith(b'{"done"'):
                    return
    except OSError:
        pass


@pytest.mark.parametrize("encoding", ["length", "chunked"])
def test_of_an_upload_that_breaks_off_half_a_chunk_stores_nothing(
    tmp_path: Path, start_server: StartServer, encoding: str
) -> None:
    server = start_server()
    version, _ = make_model(server, tmp_path)
    body = "".join(line(version, number, "a@example.com") + "\n" for number in range(1000)).encode()
    connection = RawConnection(server.port)
    head = f"POST {BULK} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.client().token}\r\nIdempotency-Key: k\r\n"
    if encoding == "length":
        connection.send(head.encode() + f"Content-Length: {len(body) + 1}\r\n\r\n".encode() + body)
    else:
        connection.send(head.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + f"{len(body):x}\r\n".encode() + body)
    connection.socket.close()
    answer = server.client().post(BULK, data=body, headers={"Idempotency-Key": "k"})
    # Were the broken one stored, this would be a repetition.
    assert answer.json()["stored"] == 1000, answer.text
    assert len(exported(server.client())) == 1000


def test_an_upload_may_take_longer_than_a_body_as_long_as_it_goes_on(
    tmp_path: Path, start_server: StartServer
) -> None:
    server = start_server(env={"OVATION_BODY_TIMEOUT_SECONDS": "1"})
    version, _ = make_model(server, tmp_path)
    parts = [(line(version, number, "a@example.com") + "\n").encode() for number in range(12)]
    head = upload_head(server.client().token, sum(map(len, parts)), "slow").replace(f"Accept: {NDJSON}\r\n", "")
    with RawConnection(server.port) as connection:
        connection.send(head.encode())
        for part in parts:
            threading.Event().wait(0.2)
            connection.send(part)
        response = connection.read_response()
        assert response.status == 200 and json.loads(response.body)["stored"] == 12
    with RawConnection(server.port) as connection:
        connection.send(head.replace("slow", "stops").encode() + parts[0])
        problem = assert_problem(connection.read_response(), 408, "request_timeout")
        assert problem["lines_done"] == 0


def test_a_stopping_server_does_not_wait_for_an_upload(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    version, _ = make_model(server, tmp_path)
    with RawConnection(server.port) as connection:
        connection.send(upload_head(server.client().token, 1_000_000, "k").encode())
        connection.send((line(version, 1, "a@example.com") + "\n").encode())
        assert server.client().get("/audience/sections").status_code == 200
        server.stop()
    server.start()
    assert exported(server.client()) == []


def client_with_a_new_key(server: Server, body: Json) -> Client:
    made = server.client().post("/account/api-keys", json=body).json()
    return server.client(Credentials(made["client_id"], made["client_secret"]))


def test_only_so_many_uploads_go_on_at_once(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    version, _ = make_model(server, tmp_path)
    client = server.client()
    others = [client_with_a_new_key(server, {"name": f"shop {number}"}) for number in range(2)]
    connections = []

    def begin(who: Client) -> None:
        connection = RawConnection(server.port)
        connection.send(upload_head(who.token, 1000, "k").encode() + b"x")
        # The head of the answer comes when the upload has its place.
        assert connection.socket.recv(1) == b"H"
        connections.append(connection)

    begin(client)
    begin(client)
    # One key has its share, and another still finds a place.
    problem = assert_problem(client.post(BULK, data=b""), 503, "busy")
    assert problem["detail"].startswith("This API key has 2 bulk uploads")
    begin(others[0])
    begin(others[0])
    problem = assert_problem(others[1].post(BULK, data=b""), 503, "busy")
    assert problem["detail"].startswith("There are 4 bulk uploads")
    for connection in connections:
        connection.socket.close()
    assert wait_until(lambda: client.post(BULK, data=b"").status_code == 200, 30)


# MARK: Memory


def resident_bytes(server: Server) -> int:
    assert server.process is not None
    for text in Path(f"/proc/{server.process.pid}/status").read_text().splitlines():
        if text.startswith("VmRSS:"):
            return int(text.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def test_a_slow_reader_of_an_export_does_not_grow_the_server(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    version, _ = make_model(server, tmp_path)
    history = file_of(tmp_path / "history.ndjson", version, 60_000, padding=2000)
    succeed(server, "events", "import", "--quiet", history)
    size = history.stat().st_size
    assert size > 120_000_000
    # Twice, so that what a first export takes once for all is there.
    assert len(server.client().get(EXPORT).content) > size
    before = resident_bytes(server)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(REQUEST_SECONDS)
        connection.connect(("127.0.0.1", server.port))
        head = f"GET {EXPORT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {server.client().token}\r\n\r\n"
        connection.sendall(head.encode())
        received = 0
        peak = before
        for _ in range(100):
            received += len(connection.recv(4096))
            threading.Event().wait(0.01)
            peak = max(peak, resident_bytes(server))
        assert 0 < received < 1_000_000
        assert peak - before < 40_000_000, f"{(peak - before) // 1_000_000} MB for {size // 1_000_000} MB"
        # Others are served meanwhile.
        assert server.client().get("/audience/sections").status_code == 200
    assert server.client().get(events_path(EMAIL, "p1@example.com", DEFAULT_SECTION)).status_code == 200


def test_an_export_whose_key_is_revoked_is_cut_off(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    version, _ = make_model(server, tmp_path)
    history = file_of(tmp_path / "history.ndjson", version, 30_000, padding=2000)
    succeed(server, "events", "import", "--quiet", history)
    admin = server.client()
    key = admin.post("/account/api-keys", json={"name": "reader"}).json()
    reader = server.client(Credentials(key["client_id"], key["client_secret"]))
    with reader.get(EXPORT, stream=True) as response:
        assert response.status_code == 200
        parts = response.iter_content(65_536)
        next(parts)
        assert admin.request("DELETE", f"/account/api-keys/{key['client_id']}").status_code == 204
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            for _ in parts:
                pass


def test_an_upload_is_held_back_and_does_not_grow_the_server(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    version, _ = make_model(server, tmp_path)
    history = file_of(tmp_path / "history.ndjson", version, 80_000, padding=3000)
    size = history.stat().st_size
    assert size > 240_000_000
    peak = 0
    process = subprocess.Popen(
        [BINARY, "events", "import", "--quiet", history],
        env=environment(server.folder, client_settings(server)),
        stdout=subprocess.DEVNULL,
    )
    while process.poll() is None:
        peak = max(peak, resident_bytes(server))
        threading.Event().wait(0.02)
    assert process.returncode == 0
    assert peak < 240_000_000, f"{peak // 1_000_000} MB"
    assert len(exported(server.client())) == 80_000

"""Exports as Parquet, read by two programs that know nothing of the writer: pyarrow and DuckDB."""

from __future__ import annotations

import datetime
import json
import math
import os
import random
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from conftest import Note, StartServer
from ovation import BINARY, COMMAND_SECONDS, CRM_ID, DEFAULT_SECTION, EMAIL, Json, Server, assert_problem, environment
from test_bulk import BULK, EXPORT
from test_cli import attempt, client_settings, fail, succeed

FIXED = ["event_id", "event_time", "received_at", "version_id", "keyspace", "profile_key"]
UTC = datetime.timezone.utc
MEBIBYTE = 1024 * 1024


def store(server: Server, version: str, data: Sequence[Json], **others: Json) -> None:
    """Stores one event for each object of data, each of its own profile in its own second."""
    lines = [
        json.dumps(
            {
                "keyspace": CRM_ID if number % 3 == 0 else EMAIL,
                "profile_key": f"p{number}@example.com",
                "event_time": f"2024-01-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:00.{number % 1000:03}Z",
                "version_id": version,
                "data": item,
                **others,
            }
        )
        for number, item in enumerate(data)
    ]
    answer = server.client().post(BULK, data="\n".join(lines).encode())
    assert answer.status_code == 200 and answer.json()["stored"] == len(data), answer.text


def moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))


def as_lines(server: Server, event_type: str) -> list[Json]:
    """The same events from the export as NDJSON, as rows of a table."""
    answer = server.client().get(EXPORT, params={"event_discriminators": event_type})
    assert answer.status_code == 200, answer.text
    rows = []
    for text in answer.content.decode().split("\n")[:-1]:
        event = json.loads(text)
        row = {
            "event_id": int(event["event_id"]),
            "event_time": moment(event["event_time"]),
            "received_at": moment(event["received_at"]),
            "version_id": int(event["version_id"]),
            "keyspace": event["keyspace"],
            "profile_key": event["profile_key"],
        }
        rows.append({**row, "data": event["data"]})
    return rows


def by_duckdb(path: Path) -> list[dict[str, Any]]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        # Text, since DuckDB wants another package for times with a zone in Python.
        described = connection.execute(f"DESCRIBE SELECT * FROM '{path}'").fetchall()
        columns = [
            f'epoch_ms("{name}") AS "{name}"' if kind.startswith("TIMESTAMP") else f'"{name}"'
            for name, kind, *_ in described
        ]
        rows = connection.execute(f"SELECT {', '.join(columns)} FROM '{path}'").fetchall()
        names = [name for name, *_ in described]
        times = {name for name, kind, *_ in described if kind.startswith("TIMESTAMP")}
        epoch = datetime.datetime.fromtimestamp(0, UTC)
        return [
            {
                name: epoch + datetime.timedelta(milliseconds=value) if name in times else value
                for name, value in zip(names, row, strict=True)
            }
            for row in rows
        ]


def export_table(server: Server, event_type: str, path: Path) -> pa.Table:
    succeed(server, "events", "export", "--format", "parquet", "--event-type", event_type, "-o", path)
    return pq.read_table(path)


def assert_same(server: Server, event_type: str, path: Path) -> pa.Table:
    """Both readers find in the file what the export as NDJSON has, row by row."""
    table = export_table(server, event_type, path)
    fields = table.column_names[len(FIXED) :]
    expected = []
    for row in as_lines(server, event_type):
        data = row.pop("data")
        assert set(data) <= set(fields)
        expected.append({**row, **{name: data.get(name) for name in fields}})
    assert table.to_pylist() == expected
    assert by_duckdb(path) == expected
    return table


def encodings(path: Path, column: str) -> set[str]:
    metadata = pq.ParquetFile(path).metadata
    index = metadata.schema.names.index(column)
    return {
        name for group in range(metadata.num_row_groups) for name in metadata.row_group(group).column(index).encodings
    }


# MARK: Values


def test_each_type_has_a_column_of_its_own(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    event_type = server.client().make_event_type(
        {"text": "string", "number": "integer", "share": "double", "done": "boolean", "never": "double"}
    )
    store(
        server,
        event_type["versions"][0]["id"],
        [
            {},
            {"text": "", "number": 0, "share": 0.0, "done": False},
            {"text": "漢" * 10_000, "number": 2**63 - 1, "share": 1.7976931348623157e308, "done": True},
            {"text": 'ÅÄÖ \u0001 "\\\t\r\n \U0001f600 ñ 漢字', "number": -(2**63), "share": -1.7976931348623157e308},
            {"text": "\u0000", "share": 5e-324},
            {"text": "a", "number": 2**53 + 1, "share": 0.1, "done": False},
            {"text": "a", "number": -1, "share": 1e22, "done": True},
            {"share": -2.2250738585072014e-308},
            {"share": 9007199254740993},
        ],
    )
    path = tmp_path / "all.parquet"
    table = assert_same(server, event_type["discriminator"], path)
    assert table.num_rows == 9
    utc = pa.timestamp("ms", tz="UTC")
    types = [pa.int64(), utc, utc, pa.int64(), pa.string(), pa.string()]
    fields = {"text": pa.string(), "number": pa.int64(), "share": pa.float64(), "done": pa.bool_()}
    kinds = dict(zip(FIXED, types, strict=True)) | fields
    assert {name: table.schema.field(name).type for name in kinds} == kinds
    assert [field.nullable for field in table.schema][:7] == [False] * 6 + [True]
    assert table.column("never").null_count == 9
    metadata = pq.ParquetFile(path).metadata
    assert metadata.created_by == "ovation"
    chunks = {
        chunk.path_in_schema: chunk for chunk in (metadata.row_group(0).column(i) for i in range(metadata.num_columns))
    }
    assert {chunk.compression for chunk in chunks.values()} == {"GZIP"}
    number = chunks["number"].statistics
    assert (number.min, number.max, number.null_count) == (-(2**63), 2**63 - 1, 4)
    share = chunks["share"].statistics
    assert (share.min, share.max) == (-1.7976931348623157e308, 1.7976931348623157e308)
    # A text of 10,000 characters is not repeated in the footer.
    assert not chunks["text"].statistics.has_min_max and chunks["text"].statistics.null_count == 3
    assert (chunks["profile_key"].statistics.min, chunks["profile_key"].statistics.max) == (
        "p0@example.com",
        "p8@example.com",
    )
    assert chunks["never"].statistics.null_count == 9 and not chunks["never"].statistics.has_min_max
    # What a filter skips by the statistics is right.
    with duckdb.connect() as connection:
        found = connection.execute(f"SELECT count(*) FROM '{path}' WHERE number = -1 AND done").fetchone()
        assert found == (1,)
        none = connection.execute(f"SELECT count(*) FROM '{path}' WHERE profile_key > 'p9'").fetchone()
        assert none == (0,)


def test_no_events_are_a_file_without_rows(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    event_type = server.client().make_event_type({"text": "string"})
    table = assert_same(server, event_type["discriminator"], tmp_path / "none.parquet")
    assert table.num_rows == 0 and table.column_names[:7] == [*FIXED, "text"]


def test_a_field_whose_type_has_changed_has_one_column_for_all_versions(
    tmp_path: Path, start_server: StartServer
) -> None:
    server = start_server()
    client = server.client()
    event_type = client.make_event_type({"price": "integer", "code": "string", "event_id": "integer", "old": "boolean"})
    name = event_type["discriminator"]
    versions = f"/audience/sections/{DEFAULT_SECTION}/events/{name}/versions"
    newer = client.post(versions, json={"fields": {"price": "double", "code": "integer", "event_id": "boolean"}})
    assert newer.status_code == 201, newer.text
    older_id = event_type["versions"][0]["id"]
    [newer_id] = [version["id"] for version in newer.json()["versions"] if version["id"] != older_id]
    store(server, older_id, [{"price": 3, "code": "a\n", "event_id": 7, "old": True}])
    store(server, newer_id, [{"price": 0.5, "code": 12, "event_id": False}, {"code": -(2**63)}])
    path = tmp_path / "versions.parquet"
    table = export_table(server, name, path)
    rows = [{key: value for key, value in row.items() if key not in FIXED} for row in table.to_pylist()]
    assert [{key: value for key, value in row.items() if key != "source"} for row in rows] == [
        {"price": 3.0, "code": "a\n", "data.event_id": "7", "old": True},
        {"price": 0.5, "code": "12", "data.event_id": "false", "old": None},
        {"price": None, "code": "-9223372036854775808", "data.event_id": None, "old": None},
    ]
    assert [row["data.event_id"] for row in by_duckdb(path)] == ["7", "false", None]


def test_a_large_export_has_several_row_groups_and_pages(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    event_type = server.client().make_event_type(
        {"unique": "string", "repeated": "string", "share": "double", "rare": "boolean"}
    )
    choices = random.Random(7)
    data = [
        {
            "unique": "".join(choices.choices("abcdefghijklmnop", k=choices.randint(0, 500))),
            "repeated": f"colour {number % 7}",
            "share": number % 5 / 7,
            **({"rare": True} if number % 1000 == 0 else {}),
        }
        for number in range(45_000)
    ]
    for start in range(0, len(data), 15_000):
        store(server, event_type["versions"][0]["id"], data[start : start + 15_000])
    path = tmp_path / "large.parquet"
    table = assert_same(server, event_type["discriminator"], path)
    assert table.num_rows == 45_000
    file = pq.ParquetFile(path)
    assert file.num_row_groups >= 2
    assert all(file.metadata.row_group(i).total_byte_size < 12 * MEBIBYTE for i in range(file.num_row_groups))
    assert "RLE_DICTIONARY" in encodings(path, "repeated") and "RLE_DICTIONARY" in encodings(path, "share")
    assert "RLE_DICTIONARY" not in encodings(path, "unique") and "PLAIN" in encodings(path, "unique")
    assert "DELTA_BINARY_PACKED" in encodings(path, "event_id") & encodings(path, "received_at")
    # Rows of one group only.
    with duckdb.connect() as connection:
        [(count,)] = connection.execute(f"SELECT count(*) FROM '{path}' WHERE rare").fetchall()
        assert count == 45
        pages = connection.execute(f"SELECT count(*) FROM parquet_metadata('{path}')").fetchone()
        assert pages == (file.num_row_groups * file.metadata.num_columns,)


# MARK: Random tables

KINDS = ["string", "integer", "double", "boolean"]


def random_value(kind: str, choices: random.Random, style: int) -> Json:
    if kind == "boolean":
        return choices.random() < (0.5 if style == 0 else 0.01)
    if kind == "integer":
        return [
            lambda: choices.randint(-(2**63), 2**63 - 1),
            lambda: choices.randint(-3, 3),
            lambda: choices.choice([-(2**63), 2**63 - 1, 0]),
            lambda: 42,
        ][style]()
    if kind == "double":
        return [
            lambda: choices.uniform(-1e300, 1e300),
            lambda: choices.randint(0, 9) / 4,
            lambda: math.ldexp(choices.random(), choices.randint(-1000, 1000)),
            lambda: 0.0,
        ][style]()
    alphabet = 'aé漢\U0001f600"\\\n,;=\u0001 '
    return [
        lambda: "".join(choices.choices(alphabet, k=choices.randint(0, 40))),
        lambda: choices.choice(["", "a", "b", "ab"]),
        lambda: "x" * choices.randint(0, 3000),
        lambda: "same",
    ][style]()


def test_random_tables_are_the_same_for_both_readers(tmp_path: Path, start_server: StartServer, note: Note) -> None:
    seed = int(os.environ.get("OVATION_PARQUET_SEED", random.SystemRandom().randrange(1_000_000)))
    note(f"seed {seed}")
    choices = random.Random(seed)
    server = start_server()
    for number in range(12):
        fields = {f"field {index}".replace(" ", "_"): choices.choice(KINDS) for index in range(choices.randint(0, 12))}
        shapes = {name: (choices.randrange(4), choices.choice([0, 0, 0.1, 0.5, 0.99, 1])) for name in fields}
        rows = choices.choice([1, 7, 8, 9, 127, 128, 129, 130, 1000, 4096])
        run_length = choices.choice([1, 1, 10, 200])
        data: list[Json] = []
        while len(data) < rows:
            item = {
                name: random_value(kind, choices, shapes[name][0])
                for name, kind in fields.items()
                if choices.random() >= shapes[name][1]
            }
            data += [item] * min(run_length, rows - len(data))
        event_type = server.client().make_event_type(fields, name=f"table {number}")
        store(server, event_type["versions"][0]["id"], data)
        table = assert_same(server, event_type["discriminator"], tmp_path / f"{number}.parquet")
        assert table.num_rows == rows, f"seed {seed}"


# MARK: Requests


def test_parquet_needs_exactly_one_event_type(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    client = server.client()
    names = [client.make_event_type({"a": "string"}, name=f"type {number}")["discriminator"] for number in range(2)]
    for types in ([], names):
        problem = assert_problem(
            client.get(EXPORT, params={"format": "parquet", "event_discriminators": types}), 400, "invalid_parameter"
        )
        assert problem["detail"].startswith("A file of Parquet has the events of one type")
    one = {"format": "parquet", "event_discriminators": names[0]}
    assert_problem(client.get(EXPORT, params={**one, "include": "changes"}), 400, "invalid_parameter")
    assert_problem(client.get(EXPORT, params={**one, "format": "orc"}), 400, "invalid_parameter")
    answer = client.get(EXPORT, params=one)
    assert answer.headers["Content-Type"] == "application/vnd.apache.parquet"
    assert answer.content.startswith(b"PAR1") and answer.content.endswith(b"PAR1")
    assert "one --event-type" in fail(server, "events", "export", "--format", "parquet", "-o", tmp_path / "x")
    assert not (tmp_path / "x").exists()
    with_key = [*["events", "export", "--format", "parquet"], *["--profile-key", "a@example.com"]]
    assert "--profile-key" in fail(server, *with_key, "--event-type", names[0])


def test_an_export_ends_with_the_event_that_is_named(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    event_type = server.client().make_event_type({"number": "integer"})
    store(server, event_type["versions"][0]["id"], [{"number": number} for number in range(10)])
    path = tmp_path / "some.parquet"
    ends = ["--after", "3", "--through", "7"]
    one = ["--event-type", event_type["discriminator"]]
    succeed(server, "events", "export", "--format", "parquet", *one, *ends, "-o", path)
    assert pq.read_table(path).column("event_id").to_pylist() == [4, 5, 6, 7]
    summary = json.loads(pq.ParquetFile(path).metadata.metadata[b"summary"])
    account = summary.pop("account")
    assert len(account) == 16 and summary == {"events": 4, "left_out": 0, "last_event_id": "7"}
    lines = succeed(server, "events", "export", *ends).splitlines()
    assert [int(json.loads(text)["event_id"]) for text in lines] == [4, 5, 6, 7]
    csv = succeed(server, "events", "export", "--format", "csv", *ends).splitlines()
    assert [int(row.split(",")[0]) for row in csv[1:]] == [4, 5, 6, 7]
    beyond = server.client().get(EXPORT, params={"through": "99", "summary": "true"}).text.splitlines()
    expected = {"events": 10, "left_out": 0, "last_event_id": "10", "account": account}
    assert json.loads(beyond[-1])["summary"] == expected
    assert_problem(server.client().get(EXPORT, params={"through": "x"}), 400, "invalid_parameter")


def test_a_file_that_goes_to_a_pipe_is_whole(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    event_type = server.client().make_event_type({"number": "integer"})
    store(server, event_type["versions"][0]["id"], [{"number": number} for number in range(100)])
    command = [BINARY, "events", "export", "--format", "parquet", "--event-type", event_type["discriminator"]]
    result = subprocess.run(
        command,
        env=environment(server.folder, client_settings(server)),
        capture_output=True,
        timeout=COMMAND_SECONDS,
        check=True,
    )
    assert pq.read_table(pa.BufferReader(result.stdout)).num_rows == 100


# MARK: Memory


def peak_bytes(process: int) -> int:
    """0 where it has ended."""
    for text in Path(f"/proc/{process}/status").read_text().splitlines():
        if text.startswith("VmHWM:"):
            return int(text.split()[1]) * 1024
    return 0


def export_and_measure(server: Server, event_type: str, path: Path) -> tuple[int, int]:
    """The peaks of the server, since it was last asked to forget it, and of the command, in bytes."""
    assert server.process is not None
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
    command = [BINARY, "events", "export", "--quiet", "--format", "parquet", "--event-type", event_type, "-o", path]
    process = subprocess.Popen(command, env=environment(server.folder, client_settings(server)))
    of_command = 0
    while process.poll() is None:
        of_command = max(of_command, peak_bytes(process.pid))
        threading.Event().wait(0.01)
    assert process.returncode == 0
    return peak_bytes(server.process.pid), of_command


def test_an_export_of_any_size_takes_the_same_memory(tmp_path: Path, start_server: StartServer, note: Note) -> None:
    server = start_server()
    event_type = server.client().make_event_type({"number": "integer", "text": "string", "share": "double"})
    [name, version] = [event_type["discriminator"], event_type["versions"][0]["id"]]
    count = 300_000
    history = tmp_path / "history.ndjson"
    with history.open("w") as file:
        for number in range(count):
            item = {
                "keyspace": EMAIL,
                "profile_key": f"p{number % 50_000}@example.com",
                "event_time": "2024-01-01T00:00:00Z",
                "version_id": version,
                "data": {"number": number, "text": f"order {number * 7919 % count} of the shop", "share": number / 7},
            }
            file.write(json.dumps(item) + "\n")
    succeed(server, "events", "import", "--quiet", history)
    path = tmp_path / "all.parquet"
    # Twice, so that what a first export takes once for all is there.
    export_and_measure(server, name, path)
    assert server.process is not None
    Path(f"/proc/{server.process.pid}/clear_refs").write_text("5")
    before = peak_bytes(server.process.pid)
    of_server, of_command = export_and_measure(server, name, path)
    note(f"{(of_server - before) // 1_000_000} MB more in the server, {of_command // 1_000_000} MB of the command")
    note(f"{path.stat().st_size / count:.1f} bytes an event")
    assert of_server - before < 40_000_000
    assert of_command < 80_000_000
    table = pq.read_table(path, columns=["number"])
    assert sorted(table.column("number").to_pylist()) == list(range(count))


# MARK: Profiles


def test_profiles_have_a_column_for_each_key_attribute_and_tag(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server()
    client = server.client()
    attributes = {}
    for name, kind, hint in [
        ("number", "integer", None),
        ("share", "double", None),
        ("flag", "boolean", None),
        ("moment", "integer", "timestamp_unix"),
        ("day", "string", "date_YYYY-MM-DD"),
        ("text", "string", None),
    ]:
        body = {"name": name, "type": kind, **({"render_hint": hint} if hint else {})}
        made = client.post(f"/audience/sections/{DEFAULT_SECTION}/attributes", json=body)
        assert made.status_code == 201, made.text
        attributes[name] = made.json()["discriminator"]
    values: dict[str, dict[str, Json]] = {
        "a@example.com": {
            "number": 2**63 - 1,
            "share": 0.1,
            "flag": False,
            "moment": -1,
            "day": "1969-12-31",
            "text": 'ÅÄÖ, "x"\n',
        },
        "b@example.com": {
            "number": -5,
            "share": 3,
            "flag": True,
            "moment": 1_700_000_000,
            "day": "2024-02-29",
            "text": "",
        },
        "c@example.com": {},
    }
    for key, held in values.items():
        path = f"/audience/keyspaces/{EMAIL}/profiles/{quote(key, safe='')}/sections/{DEFAULT_SECTION}/attributes"
        named = {attributes[name]: value for name, value in held.items()}
        named["com.apsis1.attributes.firstname"] = "Ann"
        assert client.request("PATCH", path, json={}).status_code == 204, "it makes the profile"
        answer = client.request("PATCH", "/v2" + path, json=named)
        assert answer.status_code == 204, answer.text
    path = tmp_path / "people.parquet"
    said = attempt(server, "profiles", "export", "--format", "parquet", "-o", path)
    assert said.returncode == 0 and "3 profiles." in said.stderr, said.stderr
    table = pq.read_table(path)
    kinds = {"number": pa.int64(), "share": pa.float64(), "flag": pa.bool_(), "day": pa.date32(), "text": pa.string()}
    kinds["moment"] = pa.timestamp("ms", tz="UTC")
    assert {name: table.schema.field(f"attributes.{attributes[name]}").type for name in kinds} == kinds
    rows = {row[f"keys.{EMAIL}"]: row for row in table.to_pylist()}
    assert set(rows) == set(values)
    for key, held in values.items():
        expected = dict(held)
        if held:
            expected["moment"] = datetime.datetime.fromtimestamp(0, UTC) + datetime.timedelta(seconds=held["moment"])
            expected["day"] = datetime.date.fromisoformat(held["day"])
        assert {name: rows[key][f"attributes.{attributes[name]}"] for name in attributes} == {
            name: expected.get(name) for name in attributes
        }
        assert rows[key]["attributes.com.apsis1.attributes.firstname"] == "Ann" and rows[key]["state"] == "open"
    # The columns are those of the export as CSV.
    header = succeed(server, "profiles", "export", "--format", "csv").splitlines()[0]
    assert table.column_names == header.split(",")
    with duckdb.connect() as connection:
        [(count,)] = connection.execute(f"SELECT count(*) FROM '{path}' WHERE state = 'open'").fetchall()
        assert count == 3
    export = f"/audience/sections/{DEFAULT_SECTION}/profiles/export"
    assert_problem(client.get(export, params={"format": "parquet", "set_at": "true"}), 400, "invalid_parameter")

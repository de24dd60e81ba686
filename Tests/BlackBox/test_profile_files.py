"""Exports and reports that are made as files: polls, compression, callbacks, a full disk, and two servers on one database."""

from __future__ import annotations

import csv
import io
import json
import secrets
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import requests

from conftest import StartServer
from ovation import DEFAULT_SECTION, EMAIL, REQUEST_SECONDS, Client, Credentials, Json, Server, event, wait_until
from postgres import Postgres
from test_cli import succeed
from test_imports import STATUSES, begin, ended
from test_merges import MERGES, WEB

FIRST_NAME = "com.apsis1.attributes.firstname"
LAST_NAME = "com.apsis1.attributes.lastname"
EXPORTS = "/audience/profiles/exports"
DUPLICATES = "/audience/profiles/reports/duplicates"


@pytest.fixture
def server(start_server: StartServer) -> Server:
    return start_server()


def fill(client: Client, count: int) -> None:
    """So many profiles, each with one of a thousand names."""
    lines = [f"p{number}@b.se,n{number % 1000}" for number in range(count)]
    job = begin(client, ("email,first_name\n" + "\n".join(lines)).encode())
    assert wait_until(lambda: client.get(f"/audience/jobs/{job}").json()["result"]["status"] == "completed", 120, 0.1)
    assert ended(client, job)["new"] == count


def ask(client: Client, path: str = EXPORTS, body: Json | None = None) -> tuple[str, str]:
    """The URL of a file, and the id of the job that makes it."""
    answer = client.post(path, json={"attributes": [FIRST_NAME]} if body is None else body)
    assert answer.status_code == 202, answer.text
    made = answer.json()
    assert made["file_download_url"] == made["poll_url"] and made["poll_url"].startswith(client.url + "/")
    return made["poll_url"].removeprefix(client.url), made["job_id"]


def poll(client: Client, url: str, seconds: float = 60) -> requests.Response:
    """Asks as the original's clients do, until the answer is not 404."""
    answers: list[requests.Response] = []

    def is_there() -> bool:
        answers.append(client.get(url))
        return answers[-1].status_code != 404

    assert wait_until(is_there, seconds, 0.1)
    return answers[-1]


def profile_path(number: int) -> str:
    return f"/audience/keyspaces/{EMAIL}/profiles/p{number}@b.se"


def test_an_export_is_polled_compressed_and_named_by_the_command(server: Server) -> None:
    client = server.client()
    fill(client, 3000)
    url, job = ask(client)
    answer = poll(client, url)
    assert answer.status_code == 200 and answer.headers["Content-Encoding"] == "gzip"
    profiles = answer.json()["profiles"]
    assert len(profiles) == 3000
    ids = [client.get(profile_path(number)).json()["profile_id"] for number in (0, 1234, 2999)]
    for number, key in zip((0, 1234, 2999), ids):
        assert profiles[key]["sections"][DEFAULT_SECTION]["attributes"] == {FIRST_NAME: f"n{number % 1000}"}
    plain = client.get(url, headers={"Accept-Encoding": "identity"})
    assert "Content-Encoding" not in plain.headers and plain.json() == answer.json()
    assert plain.headers["Content-Type"] == "application/json"
    assert "completed, 3,000 profiles" in succeed(server, "jobs", "show", job)
    assert "completed, 3,000 profiles" in succeed(server, "jobs", "wait", job)
    listed = [json.loads(line) for line in succeed(server, "jobs", "list", "--json").splitlines()]
    assert [entry["kind"] for entry in listed] == ["export", "import"]
    assert listed[0]["file"]["profiles"] == 3000 and listed[0]["file"]["file_expires_at"] is not None
    # Deleted between the end of the job and the next download.
    assert client.request("DELETE", profile_path(1234)).status_code == 204
    assert client.request("PUT", f"{profile_path(2999)}/locks").status_code == 204
    assert set(client.get(url).json()["profiles"]) == set(profiles) - set(ids[1:])
    assert "p1234@b.se" not in server.output


def test_reports_are_csv_and_the_names_of_duplicates_stand_together(server: Server) -> None:
    client = server.client()
    fill(client, 3000)
    body = {"section_discriminator": DEFAULT_SECTION, "attribute_discriminator": FIRST_NAME}
    url, _ = ask(client, DUPLICATES, {**body, "attributes": ["com.apsis1.attributes.email"]})
    answer = poll(client, url)
    assert answer.headers["Content-Type"] == "text/csv;charset=UTF-8;header=present"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    names = [row[FIRST_NAME] for row in rows]
    assert len(rows) == 3000 and names == sorted(names)
    assert {row["com.apsis1.attributes.email"] for row in rows} == {f"p{number}@b.se" for number in range(3000)}
    refused = client.post(DUPLICATES, json={**body, "segments": {}})
    assert refused.status_code == 400 and "no segments" in refused.text


class Listener:
    """Remembers what is posted to it."""

    def __init__(self, status: int = 200) -> None:
        told: list[Json] = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.told = told
        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def single(client: Client, key: str, callback: str) -> requests.Response:
    return client.post(f"/audience/profiles/export-single/{key}", json={"callback_url": callback})


def test_a_callback_is_verified_and_told_where_the_file_is(start_server: StartServer, listener: Listener) -> None:
    server = start_server(options=["--callback-hosts", f"example.com,{listener.address}"])
    client = server.client()
    fill(client, 10)
    key = client.get(profile_path(3)).json()["profile_id"]
    assert (single(client, key, f"http://{listener.address}/x").status_code) == 202
    assert wait_until(lambda: len(listener.told) == 2, REQUEST_SECONDS, 0.05)
    assert listener.told[0] == {"code": 100, "message": "Callback verified"}
    assert listener.told[1]["code"] == 200
    url = listener.told[1]["message"].removeprefix(client.url)
    assert url.startswith("/audience/profiles/export-single/accounts/")
    file = client.get(url).json()
    assert list(file["profiles"]) == [key]
    assert file["profiles"][key]["keys"] == [{"keyspace_discriminator": EMAIL, "profile_key": "p3@b.se"}]
    assert requests.get(client.url + url, timeout=REQUEST_SECONDS).status_code == 401
    for address in ("http://127.0.0.1:1/", "http://localhost/", "https://example.com:8443/"):
        refused = single(client, key, address)
        assert refused.status_code == 400 and "callback_hosts" in refused.text
    assert client.request("DELETE", profile_path(3)).status_code == 204
    assert client.get(url).json() == {"profiles": {}}
    assert single(client, key, f"http://{listener.address}/x").status_code == 404


def test_a_callback_that_redirects_is_not_followed(start_server: StartServer) -> None:
    listener = Listener(302)
    try:
        server = start_server(options=["--callback-hosts", listener.address])
        client = server.client()
        fill(client, 1)
        key = client.get(profile_path(0)).json()["profile_id"]
        assert single(client, key, f"http://{listener.address}/x").status_code == 202

        def job() -> Json:
            return client.get("/audience/jobs").json()["items"][0]

        assert wait_until(lambda: job()["result"]["status"] == "error", 60, 0.2)
        assert job()["result"]["error"]["code"] == "job_failed"
        # Three times to listen, and once that nothing was made.
        assert wait_until(lambda: len(listener.told) == 4, REQUEST_SECONDS, 0.05)
        assert [told["code"] for told in listener.told] == [100, 100, 100, 500]
    finally:
        listener.close()


def test_a_job_is_cancelled_and_an_import_holds_up_no_export(server: Server) -> None:
    client = server.client()
    fill(client, 6000)
    lines = [f"q{number}@b.se,name" for number in range(100_000)]
    slow = begin(client, ("email,first_name\n" + "\n".join(lines)).encode())
    url, _ = ask(client)
    assert poll(client, url).status_code == 200
    status = client.get(f"/audience/jobs/{slow}").json()["result"]["status"]
    assert status == "in_progress", "the import was over before the export"
    client.request("DELETE", f"/audience/jobs/{slow}")
    url, job = ask(client)
    cancelled = client.request("DELETE", f"/audience/jobs/{job}")
    assert cancelled.status_code in {204, 409}
    answer = poll(client, url)
    assert answer.status_code == (410 if cancelled.status_code == 204 else 200)


def test_two_servers_on_one_database_share_jobs_and_files(
    postgres: Postgres, start_server: StartServer, tmp_path: Path
) -> None:
    postgres.query("CREATE DATABASE two_servers_of_files")
    credentials = Credentials(f"admin-{secrets.token_hex(8)}", secrets.token_hex(16))
    options = {
        "store_name": postgres.target("two_servers_of_files"),
        "credentials": credentials,
        "options": ["--files", str(tmp_path / "files")],
    }
    servers = [start_server(**options) for _ in range(2)]
    first, second = (server.client() for server in servers)
    fill(first, 2000)
    asked = [ask(first)[0] for _ in range(3)]
    assert second.post(EXPORTS, json={"attributes": [FIRST_NAME]}).status_code in {202, 429}
    for url in asked:
        assert len(poll(second, url, 120).json()["profiles"]) == 2000
    # What one server deletes, the other hands out no more.
    assert first.request("DELETE", profile_path(7)).status_code == 204
    assert len(second.get(asked[0]).json()["profiles"]) == 1999


def test_a_full_disk_ends_an_export_and_nothing_else(
    start_server: StartServer, quota_library: Path, tmp_path: Path
) -> None:
    quota, files = tmp_path / "quota", tmp_path / "files"
    # The store has another disk. The beginning of a file has room.
    env = {"LD_PRELOAD": str(quota_library), "QUOTA_FILE": str(quota), "QUOTA_FOLDER": str(files)}
    server = start_server(env=env, options=["--files", str(files)])
    client = server.client()
    fill(client, 12_000)
    version = client.make_version({"text": "string"})
    before = {path.name for path in files.iterdir()}
    quota.write_text(str(320 * 1024))
    url, job = ask(client)
    report = {"section_discriminator": DEFAULT_SECTION, "attribute_discriminator": FIRST_NAME}
    report_url, report_job = ask(client, DUPLICATES, report)

    def state(job: str) -> Json:
        return client.get(f"/audience/jobs/{job}").json()["result"]

    posts = 0
    while any(state(one)["status"] not in STATUSES for one in (job, report_job)):
        path = f"{profile_path(posts % 100)}/sections/{DEFAULT_SECTION}/events"
        assert client.post(path, json={"items": [event(version, {"text": "x"})]}).status_code == 204
        posts += 1
        assert posts < 10_000
    for one in (job, report_job):
        assert state(one)["status"] == "error" and state(one)["error"]["code"] == "storage_full", state(one)
    for one in (url, report_url):
        answer = client.get(one)
        assert (answer.status_code, answer.json()["code"]) == (503, "job_failed"), answer.text
    assert {path.name for path in files.iterdir()} == before, "nothing of the files stays"
    quota.unlink()
    assert len(poll(client, ask(client)[0]).json()["profiles"]) == 12_000


def test_who_was_merged_stands_alone_again_and_is_deleted_is_in_no_file(server: Server) -> None:
    client = server.client()
    fill(client, 3)
    web = f"/audience/keyspaces/{WEB}/profiles/12"

    def name(path: str, text: str) -> None:
        path = f"/v2{path}/sections/{DEFAULT_SECTION}/attributes"
        assert client.request("PATCH", path, json={LAST_NAME: text}).status_code == 204

    version = client.make_version({"text": "string"}, keyspaces=[EMAIL, WEB])
    path = f"{web}/sections/{DEFAULT_SECTION}/events"
    assert client.post(path, json={"items": [event(version, {"text": "x"})]}).status_code == 204
    name(web, "Hidden")
    name(profile_path(1), "Hidden")
    both = [
        {"keyspace_discriminator": EMAIL, "profile_key": "p0@b.se"},
        {"keyspace_discriminator": WEB, "profile_key": "12"},
    ]
    assert client.request("PUT", MERGES, json={"profiles": both}).status_code == 204
    ids = [client.get(profile_path(number)).json()["profile_id"] for number in range(3)]
    assert client.get(web).json()["profile_id"] == ids[0]
    body = {"section_discriminator": DEFAULT_SECTION, "attribute_discriminator": LAST_NAME}
    export, _ = ask(client, body={"attributes": [FIRST_NAME, LAST_NAME]})
    report, _ = ask(client, DUPLICATES, body)
    merged = poll(client, export).json()["profiles"]
    assert set(merged) == set(ids)
    assert merged[ids[0]]["sections"][DEFAULT_SECTION]["attributes"] == {FIRST_NAME: "n0", LAST_NAME: "Hidden"}
    rows = list(csv.DictReader(io.StringIO(poll(client, report).text)))
    assert {row["export_key"] for row in rows} == set(ids[:2])
    answer = client.request(
        "DELETE", f"{MERGES}/keyspaces/{WEB}/profiles/12", headers={"Prefer": "handling=restore"}
    )
    assert answer.status_code == 204, answer.text
    # Nobody is gone yet.
    assert set(client.get(export).json()["profiles"]) == set(ids)
    assert client.request("DELETE", web).status_code == 204
    assert client.get(profile_path(0)).status_code == 200
    assert set(client.get(export).json()["profiles"]) == set(ids[1:])
    assert [row["export_key"] for row in csv.DictReader(io.StringIO(client.get(report).text))] == [ids[1]]

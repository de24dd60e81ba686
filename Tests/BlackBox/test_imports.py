"""Imports of profiles: the command, and a form as any client posts it."""

from __future__ import annotations

import csv
import io
import json
import re
import time
from pathlib import Path

import pytest
import requests

from conftest import StartServer
from ovation import DEFAULT_SECTION, EMAIL, REQUEST_SECONDS, Client, Json, Server, run, wait_until
from test_cli import client_settings, fail, succeed

PATH = f"/v2/audience/sections/{DEFAULT_SECTION}/imports"
MAPS = ["--map", "email=key", "--map", "first_name=firstname", "--map", "born=birthdate"]
PEOPLE = """\
email;first_name;born;note
steve@apsis.com;Steve;07 Mar 1993;"a ""guest""
of ours"
anna@apsis.com;Anna;2013-W06-5;
nobody;Nobody;2013-02-08;=1+1
eve@apsis.com;Eve;last spring;
"""
STATUSES = {"completed", "error", "cancelled"}


@pytest.fixture
def server(start_server: StartServer) -> Server:
    return start_server()


def mapping(options: Json | None = None, attributes: dict[str, str] | None = None) -> Json:
    columns = attributes or {"first_name": "com.apsis1.attributes.firstname"}
    return {
        "keyspace_mapping": {"keyspace_discriminator": EMAIL, "field_selector": "email"},
        "options": options or {},
        "attribute_mappings": [
            {"field_selector": column, "attribute_discriminator": attribute} for column, attribute in columns.items()
        ],
    }


def begin(
    client: Client, text: bytes, options: Json | None = None, attributes: dict[str, str] | None = None
) -> str:
    """Asks for an import, uploads its file as a shop's module does, and gives its id.

    attributes: by the name of the column; None: the first name."""
    made = client.post(PATH, json=mapping(options, attributes))
    assert made.status_code == 201, made.text
    body = made.json()
    assert body["file_upload_url"].startswith(client.url + "/")
    # Shops compare it as text.
    assert time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime()) < body["file_upload_url_expires_at"]
    uploaded = requests.post(
        body["file_upload_url"],
        data=body["file_upload_body"],
        files={"file": ("people.csv", text, "text/csv")},
        timeout=REQUEST_SECONDS,
    )
    assert (uploaded.status_code, uploaded.content) == (204, b""), uploaded.text
    return str(body["import_id"])


def result(client: Client, job: str) -> Json:
    answer = client.get(f"/audience/sections/{DEFAULT_SECTION}/imports/{job}")
    assert answer.status_code == 200, answer.text
    return answer.json()["result"]


def ended(client: Client, job: str) -> Json:
    assert wait_until(lambda: result(client, job)["status"] in STATUSES, REQUEST_SECONDS, 0.05)
    return result(client, job)


def first_name(client: Client, key: str) -> str | None:
    path = f"/v2/audience/keyspaces/{EMAIL}/profiles/{key}/sections/{DEFAULT_SECTION}/attributes"
    items = client.get(path).json()["items"]
    return next((item["value"] for item in items if item["discriminator"].endswith(".firstname")), None)


def test_a_file_comes_in_and_its_refused_rows_are_corrected_and_come_in_too(server: Server, tmp_path: Path) -> None:
    people, refused = tmp_path / "people.csv", tmp_path / "refused.csv"
    people.write_text(PEOPLE)
    arguments = ["profiles", "import", people, *MAPS, "--report", refused]
    checked = run(*arguments, "--validate-only", home=server.folder, env=client_settings(server))
    assert checked.returncode == 1 and "completed, 0 new, 0 updated, 2 not changed, 2 refused" in checked.stdout
    done = run(*arguments, home=server.folder, env=client_settings(server))
    assert done.returncode == 1 and "completed, 2 new, 0 updated, 0 not changed, 2 refused." in done.stdout, done
    rows = list(csv.DictReader(io.StringIO(refused.read_text())))
    assert [(row["email"], row["import_line"], row["import_column"]) for row in rows] == [
        ("nobody", "5", "email"),
        ("eve@apsis.com", "6", "born"),
    ]
    # No spreadsheet calculates it.
    assert rows[0]["note"] == "'=1+1"
    text = refused.read_text().replace("nobody,", "nina@apsis.com,").replace("last spring", "2013-02-08")
    refused.write_text(text)
    again = succeed(server, "profiles", "import", str(refused), *MAPS)
    assert "completed, 2 new, 0 updated, 0 not changed, 0 refused." in again
    shown = succeed(server, "profiles", "show", "steve@apsis.com")
    assert "Steve" in shown and "1993-03-07" in shown
    jobs = [json.loads(line) for line in succeed(server, "jobs", "list", "--json").splitlines()]
    assert [job["result"]["status"] for job in jobs] == ["completed"] * 3
    assert "2 refused" in succeed(server, "jobs", "show", jobs[1]["job_id"])
    assert "has ended" in fail(server, "jobs", "cancel", jobs[1]["job_id"])
    assert "2 new" in succeed(server, "jobs", "wait", jobs[0]["job_id"])
    # Nothing of a person stays in the folder of files but the reports.
    folder = server.folder / "ovation.sqlite-files"
    assert all(file.name.endswith(".report.csv") for file in folder.iterdir())
    assert folder.stat().st_mode & 0o077 == 0
    assert "steve@apsis.com" not in server.output


def test_a_mapping_of_the_command_that_names_nothing_is_refused(server: Server, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text(PEOPLE)
    assert "--map email=key" in fail(server, "profiles", "import", str(people))
    assert "is a folder" in fail(server, "profiles", "import", str(tmp_path), "--map", "email=key")
    assert "cannot be read" in fail(server, "profiles", "import", str(tmp_path / "none.csv"), "--map", "email=key")
    assert "has no attribute 'shoes'" in fail(server, "profiles", "import", str(people), "--map", "email=key", "--map", "x=shoes")
    twice = ["--map", "email=key", "--map", "phone=key"]
    assert "in one column" in fail(server, "profiles", "import", str(people), *twice)
    assert "no column 'mail'" in run(
        "profiles", "import", people, "--map", "mail=key", home=server.folder, env=client_settings(server)
    ).stdout


def test_an_upload_that_breaks_off_can_be_sent_again(server: Server) -> None:
    client = server.client()
    body = client.post(PATH, json=mapping()).json()
    form = (
        b'--b\r\nContent-Disposition: form-data; name="upload_key"\r\n\r\n%s\r\n--b\r\n'
        b'Content-Disposition: form-data; name="file"; filename="f.csv"\r\n\r\nemail,first_name\r\na@b.se,Ann\r\n'
        % body["file_upload_body"]["upload_key"].encode()
    )
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    broken = requests.post(body["file_upload_url"], data=form, headers=headers, timeout=REQUEST_SECONDS)
    assert broken.json()["code"] == "invalid_file"
    assert result(client, body["import_id"])["status"] == "waiting_for_file"
    whole = requests.post(body["file_upload_url"], data=form + b"\r\n--b--", headers=headers, timeout=REQUEST_SECONDS)
    assert whole.status_code == 204
    assert ended(client, body["import_id"])["new"] == 1
    twice = requests.post(body["file_upload_url"], data=form + b"\r\n--b--", headers=headers, timeout=REQUEST_SECONDS)
    assert (twice.status_code, twice.json()["code"]) == (410, "upload_expired")


def test_another_encoding_is_refused_whole_and_a_cancelled_import_stays_cancelled(server: Server) -> None:
    client = server.client()
    lines = [f"p{number}@b.se,name" for number in range(3000)]
    latin = ("email,first_name\n" + "\n".join(lines) + "\nå@b.se,Åsa\n").encode("latin-1")
    refused = ended(client, begin(client, latin))
    assert refused["status"] == "error" and "UTF-8" in refused["error"]["detail"]
    assert client.get(f"/audience/keyspaces/{EMAIL}/profiles/p1@b.se").status_code == 404
    job = begin(client, ("email,first_name\n" + "\n".join(lines * 10)).encode())
    cancelled = client.request("DELETE", f"/audience/jobs/{job}")
    assert cancelled.status_code in {204, 409}
    assert ended(client, job)["status"] == ("cancelled" if cancelled.status_code == 204 else "completed")


def test_a_file_that_is_too_large_is_refused_at_once_and_takes_no_place(server: Server, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    with people.open("wb") as file:
        file.write(b"email\n")
        file.truncate(60 << 20)
    for _ in range(4):
        refused = fail(server, "profiles", "import", str(people), "--map", "email=key")
        assert "413" in refused and "52428800 bytes" in refused
    jobs = [json.loads(line) for line in succeed(server, "jobs", "list", "--json").splitlines()]
    assert [job["result"]["status"] for job in jobs] == ["cancelled"] * 4


def test_the_command_tells_the_job_before_it_waits_so_that_it_can_be_stopped(server: Server, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("email\na@b.se\n")
    done = run("profiles", "import", people, "--map", "email=key", home=server.folder, env=client_settings(server))
    [job] = re.findall(r"'ovation jobs wait ([0-9a-f-]{36})'", done.stderr)
    assert "1 new" in succeed(server, "jobs", "wait", job)
    quiet = run("profiles", "import", people, "--map", "email=key", "-q", home=server.folder, env=client_settings(server))
    assert quiet.stderr == "", quiet.stderr


def test_an_import_that_is_cancelled_while_its_file_is_checked_stores_nothing(server: Server) -> None:
    client = server.client()
    job = begin(client, b"email,first_name\n" + b"".join(b"p%d@b.se,Some Name\n" % number for number in range(1_000_000)))
    assert wait_until(lambda: result(client, job)["status"] == "in_progress", REQUEST_SECONDS, 0.01)
    assert client.request("DELETE", f"/audience/jobs/{job}").status_code == 204
    assert wait_until(lambda: "a job was cancelled or taken over" in server.output, REQUEST_SECONDS)
    assert client.get(f"/audience/keyspaces/{EMAIL}/profiles/p0@b.se").status_code == 404
    assert list((server.folder / "ovation.sqlite-files").glob("*.csv")) == []

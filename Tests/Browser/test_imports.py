"""Jobs: listed, followed and cancelled; and a new import from the file to the report."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import requests

from browser import Browser
from console import session_of, sign_in
from ovation import DEFAULT_SECTION, EMAIL, Client, Server, event

SECTION = f"/audience/sections/{DEFAULT_SECTION}"
PEOPLE = "E-mail;First name;born;note\n" + "".join(
    f"p{number}@example.com;Person {number};{day};\n"
    for number, day in [(1, "07 Mar 1993"), (2, "2013-W06-5"), (3, "last spring"), (4, "2013-02-08")]
)


def choose_file(browser: Browser, path: Path, place: str = "#chosen") -> None:
    browser.css(place)[0].send_keys(str(path))


def first_name(admin: Client, key: str) -> str | None:
    path = f"/v2/audience/keyspaces/{EMAIL}/profiles/{key}/sections/{DEFAULT_SECTION}/attributes"
    items = admin.get(path).json().get("items", [])
    return next((item["value"] for item in items if item["discriminator"].endswith(".firstname")), None)


def test_a_file_is_mapped_checked_and_imported_and_its_refused_rows_come_back(
    console: Browser, admin: Client, tmp_path: Path
) -> None:
    people = tmp_path / "people.csv"
    people.write_text(PEOPLE)
    console.follow("Jobs")
    console.follow("Import profiles")
    choose_file(console, people)
    console.wait_for_text("What the columns mean")
    # Columns are known by their names; one is not.
    assert console.value("Meaning of E-mail") == f"key:{EMAIL}"
    assert console.value("Meaning of First name") == "attribute:com.apsis1.attributes.firstname"
    assert console.value("Meaning of born") == ""
    assert "A new profile" in console.region("What would happen with the first rows").text
    console.choose("Meaning of born", "Birth date")
    console.click("button", "Check")
    row = console.wait(lambda: [text for text in console.texts("#step tbody tr") if "Refused" in text])[0]
    assert "p3@example.com" in row and "born: This is no date" in row
    assert first_name(admin, "p1@example.com") is None, "nothing is stored yet"
    console.click("button", "Start the import")
    console.wait_for_heading("Import")
    console.wait(lambda: "Completed" in console.region("Progress").text)
    numbers = console.texts("#job .facts dd")[:4]
    assert numbers == ["3", "0", "0", "1"], numbers
    assert "born" in console.region("Refused rows").text and "4" in console.region("Refused rows").text
    assert first_name(admin, "p1@example.com") == "Person 1"
    href = console.find("link", "Download the report").get_attribute("href") or ""
    report = session_of(console).get(href).text
    assert [row["E-mail"] for row in csv.DictReader(io.StringIO(report))] == ["p3@example.com"]
    # The next time they are known.
    console.open("/console/imports/new")
    choose_file(console, people)
    console.wait(lambda: "An update" in console.main)


def test_a_mapping_without_a_key_says_so_and_keeps_what_was_chosen(console: Browser, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    people.write_text("who,First name\na@b.se,Ann\n")
    console.open("/console/imports/new")
    choose_file(console, people)
    console.wait_for_text("What the columns mean")
    console.expected_statuses = {400}
    console.click("button", "Start the import")
    console.wait_for_text("Choose the column that has the profile keys.")
    assert console.value("Meaning of First name") == "attribute:com.apsis1.attributes.firstname"
    console.choose("Meaning of who", "Profile key: Email")
    console.choose("Meaning of First name", "Not imported")
    console.click("button", "Check")
    console.wait(lambda: console.has("region", "What would happen with the first rows"))
    assert console.value("Meaning of First name") == ""


def test_a_file_of_another_encoding_is_refused_before_it_is_uploaded(
    console: Browser, admin: Client, tmp_path: Path
) -> None:
    people = tmp_path / "people.csv"
    people.write_bytes("email,name\nå@b.se,Åsa\n".encode("latin-1"))
    before = admin.get("/audience/jobs").json()["items"]
    console.open("/console/imports/new")
    choose_file(console, people)
    console.wait_for_text("The file is not UTF-8")
    people.write_bytes(b"")
    console.open("/console/imports/new")
    choose_file(console, people)
    console.expected_statuses = {400, 413}
    console.wait_for_text("There is a problem")
    assert admin.get("/audience/jobs").json()["items"] == before


def write_people(path: Path, count: int) -> None:
    with path.open("w") as file:
        file.write("email,firstname\n")
        for number in range(count):
            file.write(f"large{number}@example.com,Person {number}\n")


def test_the_first_rows_of_a_large_file_are_seen_without_an_upload(
    console: Browser, admin: Client, tmp_path: Path
) -> None:
    people = tmp_path / "people.csv"
    write_people(people, 1_300_000)
    assert 45 << 20 < people.stat().st_size < 50 << 20
    before = admin.get("/audience/jobs").json()["items"]
    console.open("/console/imports/new")
    choose_file(console, people)
    console.wait(lambda: "A new profile" in console.main)
    assert len(console.css("section[aria-labelledby=preview] tbody tr")) == 10
    assert admin.get("/audience/jobs").json()["items"] == before


def test_an_import_is_followed_and_cancelled(console: Browser, admin: Client, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    write_people(people, 60_000)
    console.open("/console/imports/new")
    choose_file(console, people)
    console.wait(lambda: "A new profile" in console.main)
    console.click("button", "Start the import")
    console.wait_for_heading("Import")
    console.wait(lambda: "In progress" in console.region("Progress").text)
    # It renews itself.
    console.wait(lambda: any(each.text != "0" for each in console.css("#job .facts dd")[:4]))
    console.open("/console/jobs")
    assert console.css("#jobs progress")
    console.open(f"/console/jobs/{admin.get('/audience/jobs').json()['items'][0]['job_id']}")
    console.follow("Cancel…")
    assert console.heading == "Cancel the import?"
    console.press("Cancel the job")
    console.wait_for_text("The job is cancelled.")
    assert "Cancelled" in console.region("Progress").text and not console.has("link", "Cancel…")
    assert admin.get("/audience/jobs").json()["items"][0]["result"]["status"] == "cancelled"


def test_an_import_needs_no_script(browser: Browser, server: Server, admin: Client, tmp_path: Path) -> None:
    browser.scripts(False)
    sign_in(browser, server)
    people = tmp_path / "plain.csv"
    people.write_text("email,firstname\nplain@example.com,Plain\n")
    browser.follow("Jobs")
    browser.follow("Import profiles")
    browser.fill("First rows of the file", people.read_text())
    browser.press("Map the columns")
    assert "A new profile" in browser.region("What would happen with the first rows").text
    browser.press("Start the import")
    assert "Upload the file" in browser.main
    choose_file(browser, people, "#file")
    browser.click("button", "Upload")
    job = browser.find("link", "Open the import").get_attribute("href") or ""
    browser.wait(lambda: "Waits for its file" not in session_of(browser).get(job).text)
    browser.open(job)

    def is_completed() -> bool:
        browser.reload()
        return "Completed" in browser.main

    browser.wait(is_completed)
    assert first_name(admin, "plain@example.com") == "Plain"
    browser.scripts(True)


def test_who_masks_keys_sees_nothing_of_files(console: Browser, admin: Client) -> None:
    body = {"keyspace_mapping": {"keyspace_discriminator": EMAIL, "field_selector": "email"}}
    made = admin.post(f"/v2{SECTION}/imports", json=body).json()
    file = {"file": ("f.csv", "email\nsecret-person\n", "text/csv")}
    assert requests.post(made["file_upload_url"], data=made["file_upload_body"], files=file).status_code == 204
    page = f"/console/jobs/{made['import_id']}"
    console.open(page)
    console.wait(lambda: "1 refused row" in console.main)
    console.press("Mask profile keys")
    console.open(page)
    assert "1 refused row" in console.main and not console.has("link", "Download the report")
    assert "secret-person" not in console.source
    answer = session_of(console).get(console.url + page + "/report")
    assert answer.status_code == 409 and "secret-person" not in answer.text
    console.open("/console/imports/new")
    assert "Profile keys are masked" in console.main and not console.css("#step")
    console.press("Show profile keys")


def test_people_and_events_are_downloaded_in_each_format(console: Browser, admin: Client) -> None:
    version = admin.make_version({"text": "string"})
    for number in range(3):
        path = f"/audience/keyspaces/{EMAIL}/profiles/down{number}@example.com/sections/{DEFAULT_SECTION}"
        assert admin.post(f"{path}/events", json={"items": [event(version, {"text": f"said {number}"})]}).status_code == 204
    console.follow("Jobs")
    console.follow("Export…")
    assert console.heading == "Export"
    page = console.driver.current_url
    session = session_of(console)
    files = {
        (what, form): session.get(f"{page}/{what}", params={"format": form})
        for what in ("profiles", "events")
        for form in ("csv", "ndjson")
    }
    for (what, form), answer in files.items():
        assert answer.status_code == 200, answer.text
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{what}.{form}"'
        assert all(f"down{number}@example.com" in answer.text for number in range(3)), (what, form)
    # Spreadsheets know the encoding by the mark.
    assert files["profiles", "csv"].content.startswith(b"\xef\xbb\xbf")
    types = [option.get_attribute("value") for option in console.css("#event-type option")]
    assert types[0] == "" and len(types) > 1
    parquet = session.get(f"{page}/events", params={"format": "parquet", "event_discriminator": types[-1]})
    assert parquet.content[:4] == parquet.content[-4:] == b"PAR1"
    assert session.get(f"{page}/profiles", params={"format": "parquet"}).content[:4] == b"PAR1"
    refused = session.get(f"{page}/events", params={"format": "parquet", "event_discriminator": ""})
    assert refused.status_code == 400 and "one type" in refused.text
    assert session.get(f"{page}/profiles", params={"format": "xlsx"}).status_code == 400
    # A person presses a button.
    console.click("button", "Download the profiles")
    assert console.heading == "Export"


def test_the_file_of_a_job_is_downloaded_on_its_page(console: Browser, admin: Client) -> None:
    asked = admin.post("/audience/profiles/exports", json={"attributes": ["com.apsis1.attributes.firstname"]})
    assert asked.status_code == 202, asked.text
    console.open(f"/console/jobs/{asked.json()['job_id']}")
    console.wait(lambda: "Completed" in console.region("Progress").text)
    href = console.find("link", "Download the file").get_attribute("href") or ""
    answer = session_of(console).get(href)
    assert answer.status_code == 200 and "profiles" in answer.json()
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")

"""The vendor's article, followed to the letter with only the host replaced."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from conftest import StartServer
from ovation import (
    ARTICLE_EVENT_TYPE,
    ARTICLE_MODEL,
    ARTICLE_SECTION,
    EMAIL,
    Server,
    assert_problem,
    environment,
    event,
    events_path,
    printed_credentials,
)

# As the article prints it.
EVENT_TYPE = """
{ 
  "name": "my transaction",
  "discriminator": "com.apsis1.events.transaction.custom-my-transaction-l9ce3syo6t",
  "description": "",
  "versions": [ 
    { 
      "id":"2565266",
      "type":{ 
        "myNumberField": "integer",
        "myNumberWithDecimalField": "double",
        "myTextField": "string",
        "myTrueFalseField": "boolean",
        "source": "string"
      },
      "deprecated_at": null,
      "valid_from": "2021-01-07T12:17:56.054Z"
    }
  ]
}
"""

DATA = """
{
  "myNumberField": 27183,
  "myNumberWithDecimalField": 213.21,
  "myTextField": "some transaction",
  "myTrueFalseField": false,
  "source": "some web shop"
}
"""


def one_line(text: str) -> str:
    """JSON without white space, its members in their order and its numbers digit for digit."""
    value = json.loads(text, parse_float=Number, parse_int=Number)
    return json.dumps(value, default=lambda number: {"number": number.text}, separators=(",", ":"))


@dataclass
class Number:
    text: str


def shell(
    script: str | Path, folder: Path, env: dict[str, str] | None = None, curl_options: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Runs a shell script with more options for its curl commands, without a change to their text."""
    options = ["silent", "show-error", "max-time = 30", *curl_options]
    (folder / ".curlrc").write_text("\n".join(options) + "\n")
    arguments = [script] if isinstance(script, Path) else ["-c", script]
    return subprocess.run(
        ["bash", *map(str, arguments)],
        env=environment(folder, {"CURL_HOME": str(folder), **(env or {})}),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
    )


def body_and_status(file: Path) -> tuple[str, str]:
    body, status, rest = file.read_text().rsplit("\n", 2)
    assert rest == ""
    return body, status


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A server on which a reader has followed the article, and the folder with what curl printed."""
    folder = tmp_path_factory.mktemp("article")
    server = Server(folder / "server", model=ARTICLE_MODEL).start()
    assert server.credentials is not None
    try:
        result = shell(
            Path(__file__).with_name("article.sh"),
            folder,
            {
                "OVATION_URL": server.url,
                "OVATION_CLIENT_ID": server.credentials.client_id,
                "OVATION_CLIENT_SECRET": server.credentials.client_secret,
                "OUTPUT": str(folder),
            },
            curl_options=['write-out = "\\n%{http_code}\\n"'],
        )
        assert result.returncode == 0, result.stderr + server.output
        yield server, folder
        server.stop()
    finally:
        server.kill()


def test_the_token_command_gets_a_token_for_a_day(followed: tuple[Server, Path]) -> None:
    body, status = body_and_status(followed[1] / "token")
    assert status == "200", body
    answer = json.loads(body)
    assert list(answer) == ["access_token", "expires_in", "token_type"]
    assert answer["expires_in"] == 86400
    assert answer["token_type"] == "Bearer"
    # Clients in use read the payload with plain base64.
    assert not re.search("[-_]", answer["access_token"].split(".")[1])


def test_the_event_types_are_what_the_article_prints_to_the_letter(followed: tuple[Server, Path]) -> None:
    body, status = body_and_status(followed[1] / "event-types")
    assert status == "200", body
    # The article shows the one item; lists always come wrapped.
    assert one_line(body) == '{"items":[' + one_line(EVENT_TYPE) + "]}"


def test_posting_the_event_answers_204_and_nothing_else(followed: tuple[Server, Path]) -> None:
    assert body_and_status(followed[1] / "post") == ("", "204")


def test_the_posted_event_reads_back_as_it_was_posted(followed: tuple[Server, Path]) -> None:
    response = followed[0].client().get(events_path(EMAIL, "steve@apsis.com", ARTICLE_SECTION))
    assert response.status_code == 200
    page = response.json()
    assert list(page) == ["items", "next_cursor"]
    assert page["next_cursor"] is None
    [item] = page["items"]
    assert list(item) == ["id", "event_time", "received_at", "version_id", "discriminator", "data"]
    assert item["event_time"] == "2020-10-14T09:43:34.471Z"
    assert item["version_id"] == "2565266"
    assert item["discriminator"] == ARTICLE_EVENT_TYPE
    assert '"data":' + one_line(DATA) in one_line(response.text)


def test_the_profile_is_found_however_its_address_is_written(followed: tuple[Server, Path]) -> None:
    client = followed[0].client()
    assert [item["data"] for item in client.list_events(key=" Steve@APSIS.com", section=ARTICLE_SECTION)] == [
        json.loads(DATA)
    ]


def test_only_the_email_keyspace_may_write_the_articles_event(followed: tuple[Server, Path]) -> None:
    client = followed[0].client()
    crm_id = "com.apsis1.keyspaces.crm-id"
    refused = client.post_events(
        [event(2565266, json.loads(DATA))], keyspace=crm_id, key="4711", section=ARTICLE_SECTION
    )
    assert_problem(refused, 403)
    assert client.list_events(keyspace=crm_id, key="4711", section=ARTICLE_SECTION) == []


def test_the_commands_that_the_first_start_prints_work_when_pasted(tmp_path: Path, start_server: StartServer) -> None:
    server = start_server(credentials=None, model=ARTICLE_MODEL)
    # Everything on standard output after "Try it" is for a shell; the log goes to standard error.
    _, found, rest = (server.folder / "1.stdout").read_text().partition("\nTry it")
    assert found, server.output
    commands = rest.partition("\n")[2]
    assert server.url in commands
    result = shell(commands, tmp_path)
    assert result.returncode == 0, f"{commands}\n{result.stderr}"
    assert one_line(EVENT_TYPE) in result.stdout, result.stdout
    [credentials] = printed_credentials(server.output)
    stored = server.client(credentials).list_events(section=ARTICLE_SECTION)
    assert [item["data"] for item in stored] == [json.loads(DATA)]

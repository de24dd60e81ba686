"""The commands against servers that are not of their own version: an older one, and the vendor's."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from ovation import Json, run

RELEASED = json.loads((Path(__file__).parents[1] / "Fixtures" / "openapi-0.2.0.json").read_text())
TIME = "2024-05-01T00:00:00.000Z"

#: Status and body of an answer to a method, a path and a body; None where there is no such endpoint.
Answer = Callable[[str, str, bytes], tuple[int, Json] | None]


@contextmanager
def server(answer: Answer) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_all(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            missing = {"title": "Not found", "status": 404, "detail": "There is no such endpoint."}
            status, json_body = answer(self.command, self.path.split("?")[0], body) or (404, missing)
            data = b"" if json_body is None else json.dumps(json_body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_all

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as listener:
        listener.daemon_threads = True
        threading.Thread(target=listener.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listener.server_address[1]}"
        listener.shutdown()


def ask(url: str, folder: Path, *arguments: str, stdin: str = "") -> CompletedProcess[str]:
    return run(*arguments, "--url", url, "--client-id", "id", "--client-secret", "secret", home=folder, stdin=stdin)


# MARK: 0.2


def sample(schema: Json, name: str = "") -> Json:
    """The least that fits a schema of the document: no member that may be left out."""
    if "$ref" in schema:
        return sample(RELEASED["components"]["schemas"][schema["$ref"].split("/")[-1]], name)
    if "allOf" in schema:
        return {key: value for part in schema["allOf"] for key, value in sample(part).items()}
    for choice in ("oneOf", "anyOf"):
        if choice in schema:
            return sample(schema[choice][0], name)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type")
    if isinstance(kind, list):
        return None
    if kind == "object":
        properties = schema.get("properties", {})
        return {key: sample(properties[key], key) for key in schema.get("required", [])}
    if kind == "array":
        return [sample(schema["items"], name)]
    if kind == "string":
        return TIME if re.search(r"(^|_)(at|time|from)$", name) else "7"
    return {"integer": 3, "number": 1.5, "boolean": True}[kind]


def released(method: str, path: str, _: bytes) -> tuple[int, Json] | None:
    """Answers as the document of 0.2 says."""
    # There they would be the names of event types, which do not exist.
    if path.endswith(("/export", "/bulk")):
        return None
    for template, operations in RELEASED["paths"].items():
        if method.lower() not in operations or not re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            continue
        for status, response in operations[method.lower()]["responses"].items():
            if status.startswith("2"):
                content = response.get("content", {}).get("application/json")
                return int(status), content and sample(content["schema"])
    return None


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["token"], "7"),
        (["keys", "list"], "everything in the account"),
        (["keys", "create", "Shop"], "client secret  7"),
        (["keys", "rotate", "7"], "client secret  7"),
        (["keys", "revoke", "7"], "is revoked"),
        (["keys", "rotate-signing"], "key 7"),
        (["model", "plan", "-"], "1 step to apply."),
        (["model", "apply", "-"], "1 step applied."),
        (["model", "log"], f"3  {TIME}  7  7"),
        (["model", "log", "--json"], '"sequence":3'),
        (["channels", "list"], None),
        (["topics", "list", "--section", "com.apsis1.sections.default"], None),
        (["topics", "counts", "--section", "com.apsis1.sections.default"], None),
        (["events", "post", "--key", "a@example.com"], "1 event stored."),
        (["events", "list", "--key", "a@example.com", "--limit", "1"], '"received_at":'),
        (["events", "export", "--profile-key", "a@example.com"], '"event_id":"7"'),
        (["events", "export"], None),
        (["events", "import", "-"], None),
        (["profiles", "find", "a"], "7  7  7"),
        (["profiles", "show", "a@example.com"], f"profile 7, since {TIME}"),
        (["profiles", "show", "a@example.com", "--json"], '"event_count":3'),
        (["profiles", "create", "a@example.com"], None),
        (["profiles", "set", "a@example.com", "firstname=Ada"], None),
        (["profiles", "tag", "a@example.com", "usercreated.tags.vip-k3v9x2b7qa"], None),
        (["profiles", "export", "a@example.com"], None),
        (["rejections", "list", "--limit", "1"], f"7  {TIME}  open"),
        (["rejections", "list", "--limit", "1", "--json"], '"body_bytes":3'),
        (["rejections", "show", "7"], "7"),
        (["rejections", "replay", "7"], "Stored."),
        (["rejections", "dismiss", "7"], "Dismissed."),
        (["rejections", "causes"], None),
    ],
)
def test_commands_work_with_a_server_of_0_2(tmp_path: Path, arguments: list[str], printed: str | None) -> None:
    with server(released) as url:
        result = ask(url, tmp_path, *arguments, stdin="{}")
    if printed is None:
        assert result.returncode != 0 and "404: There is no such endpoint." in result.stderr
    else:
        assert result.returncode == 0, result.stderr
        assert printed in result.stdout


def test_the_doctor_knows_a_server_of_0_2(tmp_path: Path) -> None:
    with server(released) as url:
        result = ask(url, tmp_path, "doctor", "--store", str(tmp_path / "none"))
        assert f"{url} answers and takes the API key" in result.stdout


# MARK: The vendor


PROFILE = "/audience/keyspaces/com.apsis1.keyspaces.email/profiles/steve%40apsis.com/sections/com.apsis1.sections.default/events"
EVENTS = [
    {"event_time": "2020-10-14T09:43:34.471Z", "version_id": 2565266, "data": {"amount": 12}},
    {"event_time": "2020-10-13T09:43:34Z", "version_id": "2565266", "data": {}},
]


def test_commands_that_the_vendor_knows_work_with_the_vendors_members(tmp_path: Path) -> None:
    posted: list[Json] = []

    def vendor(method: str, path: str, body: bytes) -> tuple[int, Json] | None:
        if path == "/oauth/token":
            return 200, {"access_token": "t", "expires_in": 86400, "token_type": "Bearer"}
        if path == "/audience/channels":
            return 200, {"items": [{"discriminator": "com.apsis1.channels.email", "name": "Email"}]}
        if path == "/v2/audience/sections/com.apsis1.sections.default/topics":
            return 200, {"items": [{"discriminator": "a.b", "name": "B", "folder_discriminator": "c.d"}]}
        if path != PROFILE:
            return None
        if method == "GET":
            return 200, {"items": EVENTS}
        posted.append(json.loads(body))
        return 204, None

    with server(vendor) as url:
        assert ask(url, tmp_path, "token").stdout == "t\n"
        profile = ["--key", "steve@apsis.com"]
        # As they are in the file, with what this version does not know.
        for text in ({"items": EVENTS, "x": 1}, EVENTS, {**EVENTS[0], "x": 1}):
            result = ask(url, tmp_path, "events", "post", *profile, stdin=json.dumps(text))
            assert result.returncode == 0, result.stderr
        assert posted == [{"items": EVENTS}, {"items": EVENTS}, {"items": [{**EVENTS[0], "x": 1}]}]

        listed = ask(url, tmp_path, "events", "list", *profile)
        assert [json.loads(line) for line in listed.stdout.splitlines()] == EVENTS, "as they came"

        exported = ask(url, tmp_path, "events", "export", "--profile-key", "steve@apsis.com")
        lines = [json.loads(line) for line in exported.stdout.splitlines()]
        assert [(line["version_id"], line["event_time"], line["data"]) for line in lines] == [
            ("2565266", "2020-10-14T09:43:34.471Z", {"amount": 12}),
            ("2565266", "2020-10-13T09:43:34.000Z", {}),
        ], exported.stderr

        listed = ask(url, tmp_path, "channels", "list")
        assert listed.stdout.split() == ["DISCRIMINATOR", "NAME", "KEYSPACE", "com.apsis1.channels.email", "Email", "-"]
        listed = ask(url, tmp_path, "topics", "list", "--section", "com.apsis1.sections.default")
        assert listed.stdout.split()[-7:] == ["com.apsis1.sections.default", "a.b", "B", "c.d", "any", "?", "?"], listed.stderr

        refused = ask(url, tmp_path, "keys", "list")
        assert refused.returncode != 0 and "404: There is no such endpoint." in refused.stderr


# MARK: A newer version


def newer(method: str, path: str, body: bytes) -> tuple[int, Json] | None:
    """The same with members everywhere that no version knows yet, and with a model and a log that have all parts."""

    def grown(value: Json) -> Json:
        if isinstance(value, list):
            return [grown(part) for part in value]
        if isinstance(value, dict):
            return {**{key: grown(part) for key, part in value.items()}, "later_member": {"any": [1]}}
        return value

    permissions = {"com.apsis1.keyspaces.email": {"read": True, "write": True, "erase": False}}
    if (method, path) == ("GET", "/audience/model"):
        return 200, {
            "keyspaces": [{"discriminator": "com.apsis1.keyspaces.email", "name": "Email", "key_format": "email", "later": 1}],
            "sections": [{
                "discriminator": "com.apsis1.sections.default", "name": "Default", "attributes": [], "event_types": [{
                    "discriminator": "usercreated.events.transaction.x-aaaaaaaaaa", "name": "X", "description": "",
                    "category": "transaction", "keyspace_permissions": permissions, "storage_class": {"days": 30},
                    "versions": [{"id": 1, "fields": {"a": {"type": "string", "required": True, "unit": "kg"}}, "later": 1}],
                }],
            }],
        }
    if (method, path) == ("GET", "/audience/log"):
        change = {
            "event_discriminator": "usercreated.events.transaction.x-aaaaaaaaaa", "category": "a later one",
            "key_format": "a later one", "keyspace_permissions": [
                {"keyspace_discriminator": "com.apsis1.keyspaces.email", "read": True, "write": True, "erase": False}
            ],
            "fields": {"a": {"type": "string", "required": True, "unit": "kg"}}, "storage_class": {"days": 30},
        }
        return 200, {"items": [
            {"sequence": 3, "at": TIME, "actor": "me", "kind": "attribute.created", "change": change, "later": 1}
        ]}
    status, answer = released(method, path, body) or (404, {"title": "Not found", "status": 404, "detail": "none"})
    return status, answer if path == "/oauth/token" else grown(answer)


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["keys", "list"], "everything in the account"),
        (["model", "export"], "storage_class:"),
        (["model", "log"], f"3  {TIME}  me  attribute.created  usercreated.events.transaction.x-aaaaaaaaaa"),
        (["model", "log", "--json"], '"storage_class"'),
        (["model", "plan", "-"], "1 step to apply."),
        (["rejections", "list", "--limit", "1"], f"7  {TIME}  open"),
        (["rejections", "show", "7"], "7"),
    ],
)
def test_commands_work_with_a_server_that_knows_more(tmp_path: Path, arguments: list[str], printed: str) -> None:
    with server(newer) as url:
        result = ask(url, tmp_path, *arguments, stdin="{}")
    assert result.returncode == 0, result.stderr
    assert printed in result.stdout

"""The OpenAPI document against the running server: generated requests, answers checked against the document."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from conftest import StartServer
from ovation import CRM_ID, DEFAULT_SECTION, environment, event

SEED = 20201014
EXAMPLES = 20
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
]
# A stream of events has no end, so a client that waits for the whole answer never gets it.
ENDLESS = ["GET /audience/live"]
# With paths that exist, and with ids that it reads in other answers, these would remove what the others need.
DESTRUCTIVE = [
    "DELETE /audience/sections/{section}/events/{event}",
    "DELETE /v2/audience/sections/{section}/topics/{topic}",
    "DELETE /account/api-keys/{client_id}",
    "PUT /audience/model",
]


@pytest.mark.parametrize("paths", ["generated", "real"])
def test_answers_to_generated_requests_are_what_the_document_says(
    tmp_path: Path, start_server: StartServer, paths: str
) -> None:
    server = start_server()
    client = server.client()
    event_type = client.make_event_type({"text": "string"})
    version = event_type["versions"][0]["id"]
    assert client.post_events([event(version, {"text": "hello"})], keyspace=CRM_ID, key="4711").status_code == 204
    section = f"/v2/audience/sections/{DEFAULT_SECTION}"
    folder = client.post(f"{section}/folders", json={"name": "News"}).json()["discriminator"]
    topic = client.post(f"{section}/topics", json={"name": "Offers", "folder_discriminator": folder}).json()
    config = ""
    options = ["--phases", "examples,fuzzing"]
    excluded = [*ENDLESS]
    if paths == "real":
        # Definitions that exist, so that the requests get as far as their bodies and queries.
        parameters = {
            "section": DEFAULT_SECTION,
            "keyspace": CRM_ID,
            "key": "4711",
            "event": event_type["discriminator"],
            "version": version,
            "attribute": "com.apsis1.attributes.firstname",
            "channel": "com.apsis1.channels.email",
            "folder": folder,
            "consent_list": folder,
            "topic": topic["discriminator"],
        }
        config = "[parameters]\n" + "".join(f'"path.{name}" = "{value}"\n' for name, value in parameters.items())
        options = ["--phases", "examples,coverage,fuzzing"]
        excluded += DESTRUCTIVE
    for name in excluded:
        options += ["--exclude-name", name]
    (tmp_path / "schemathesis.toml").write_text(config)
    result = subprocess.run(
        [
            Path(sys.executable).with_name("schemathesis"),
            *["run", server.url + "/openapi.json"],
            *["--header", f"Authorization: Bearer {client.token}"],
            *options,
            *["--max-examples", str(EXAMPLES), "--seed", str(SEED), "--generation-database", "none"],
            *["--checks", ",".join(CHECKS), "--continue-on-failure", "--suppress-health-check", "all"],
            # One worker: in CPython 3.11, threads that parse at the same time trip over each other.
            *["--request-timeout", "30", "--workers", "1", "--no-color"],
        ],
        cwd=tmp_path,
        env=environment(
            tmp_path, {"SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(Path(__file__).parent)}
        ),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    print(result.stdout[-20_000:], result.stderr[-5000:])
    assert server.is_running, server.output
    assert result.returncode == 0, f"seed {SEED}; the findings are in the captured output"
    # The admin key that the requests came with is still good.
    assert client.get("/audience/sections").status_code == 200

"""The samples of the reference at `/docs`, run as a reader would: each one in its language, against a server."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from pathlib import Path

import requests

from conftest import StartServer
from ovation import ARTICLE_MODEL, COMMAND_SECONDS, EMAIL, Client, environment

LANGUAGES = ("curl", "Python", "JavaScript", "PHP")

#: What runs the samples of a folder in their order, each after the one before, and writes the status of each on a line. The
#: samples print what they got; nothing in them is changed.
RUNNERS = {
    "curl": r"""
for file in [0-9]*; do
  printf '\n@@ %s ' "$file"
  bash "$file" || exit 1
done
""",
    "Python": r"""
import pathlib
for file in sorted(pathlib.Path().glob("[0-9]*")):
    print("\n@@", file, end=" ")
    exec(compile(file.read_text(), file, "exec"), {})
""",
    "JavaScript": r"""
import { readdirSync } from "node:fs";
for (const file of readdirSync(".").filter((name) => /^[0-9]/.test(name)).sort()) {
  process.stdout.write(`\n@@ ${file} `);
  await import(`${process.cwd()}/${file}`);
}
""",
    "PHP": r"""<?php
foreach (glob("[0-9]*") as $file) {
    $http_response_header = [];
    ob_start();
    include $file;
    ob_end_clean();
    echo "\n@@ $file " . explode(" ", $http_response_header[0])[1];
}
""",
}


def samples(page: str) -> dict[str, dict[str, str]]:
    """By operation and language."""
    found: dict[str, dict[str, str]] = {}
    for article in re.findall(r'<article class="card" aria-labelledby="([^"]+)">(.*?)</article>', page, re.DOTALL):
        texts = re.findall(r'<pre tabindex="0" aria-label="(\w+): [^"]*">(.*?)</pre>', article[1], re.DOTALL)
        if texts:
            found[article[0]] = {language: html.unescape(text) for language, text in texts}
    return found


def run_all(language: str, folder: Path, codes: dict[str, str], env: dict[str, str]) -> dict[str, int]:
    """The status that each sample got."""
    folder.mkdir()
    ending = {"JavaScript": ".mjs"}.get(language, "")
    names = {f"{number:03}-{operation}{ending}": operation for number, operation in enumerate(codes)}
    for name, operation in names.items():
        (folder / name).write_text(codes[operation])
    line = {"keyspace": EMAIL, "profile_key": "a", "event_time": "2024-01-01T00:00:00Z", "version_id": 1, "data": {}}
    (folder / "events.ndjson").write_text(json.dumps(line) + "\n")
    (folder / ".curlrc").write_text('silent\noutput = "/dev/null"\nwrite-out = "%{http_code}"\n')
    runner = folder / f"runner{ending}"
    runner.write_text(RUNNERS[language])
    program = {"curl": "bash", "Python": sys.executable, "JavaScript": "node", "PHP": "php"}[language]
    done = subprocess.run(
        [program, runner.name], cwd=folder, env={**env, "CURL_HOME": str(folder)}, capture_output=True, text=True, timeout=COMMAND_SECONDS
    )
    assert done.returncode == 0, f"{language}:\n{done.stdout[-1000:]}\n{done.stderr}"
    found = re.findall(r"^@@ (\S+) (\d+)", done.stdout, re.MULTILINE)
    return {names[name]: int(status) for name, status in found}


def statuses(tmp_path: Path, start_server: StartServer, language: str) -> dict[str, int]:
    """Of a server of its own, since samples create and delete things."""
    server = start_server(model=ARTICLE_MODEL)
    assert server.credentials is not None
    admin = Client(server.url, server.credentials)
    page = requests.get(server.url + "/docs", timeout=60).text
    found = samples(page)
    assert all(tuple(texts) == LANGUAGES for texts in found.values())
    # This answer has no end.
    found.pop("streamLive")
    codes = {operation: texts[language] for operation, texts in found.items()}
    assert len(codes) > 100
    env = {**environment(tmp_path), "OVATION_URL": server.url, "TOKEN": admin.token}
    return run_all(language, tmp_path / language, codes, env)


def test_the_samples_of_every_language_run_and_get_the_same_answers(tmp_path: Path, start_server: StartServer) -> None:
    by_language = {language: statuses(tmp_path, start_server, language) for language in LANGUAGES}
    curl = by_language["curl"]
    for language in LANGUAGES[1:]:
        different = {name: (curl[name], status) for name, status in by_language[language].items() if status != curl[name]}
        assert different == {}, f"{language} and curl"
        assert list(by_language[language]) == list(curl)
    # Nobody has the client id of the examples.
    assert curl.pop("createToken") == 401
    # An example that is not understood would get one of these, in every language alike.
    assert {name for name, status in curl.items() if status in (401, 405, 413, 415) or status >= 500} == set()
    assert sum(status < 300 for status in curl.values()) > 40, curl

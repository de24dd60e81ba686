"""The README as a newcomer reads it: its commands are pasted into a shell, and its figures are looked up."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import duckdb
import pytest

from conftest import StartServer
from ovation import ARTICLE_MODEL, BINARY, COMMAND_SECONDS, ROOT, environment

README = (ROOT / "README.md").read_text()
COMMAND_LINE = (ROOT / "docs/command-line.md").read_text()
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
RELEASE = ROOT / ".build/release/ovation"


def blocks(language: str, text: str = README) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def is_for_a_server(block: str) -> bool:
    """Not those that build, or need a database or a machine of their own."""
    return not re.search(r"^make |postgres://", block, re.MULTILINE)


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_no_command_has_a_comment_that_an_interactive_zsh_would_take_for_words(file: Path) -> None:
    for block in blocks("sh", file.read_text()):
        # A line that goes on inside quotes is data.
        commands = re.sub(r"'[^']*'|\"[^\"]*\"", "''", block)
        assert not re.search(r"(^|\s)#", commands, re.MULTILINE), block


def test_the_commands_of_the_readme_do_what_it_says_when_they_are_pasted(
    tmp_path: Path, start_server: StartServer
) -> None:
    server = start_server(model=ARTICLE_MODEL)
    assert server.credentials is not None
    [history] = [block for block in blocks("json") if '"profile_key"' in block]
    (tmp_path / "history.ndjson").write_text(history)
    [model] = blocks("yaml")
    (tmp_path / "model.yaml").write_text(model)
    commands = [block for block in blocks("sh") + blocks("sh", COMMAND_LINE) if is_for_a_server(block)]
    assert len(commands) >= 9
    script = "\n".join(commands)
    for old, new in {
        "http://127.0.0.1:8080": server.url,
        "YOUR-CLIENT-ID": server.credentials.client_id,
        "YOUR-CLIENT-SECRET": server.credentials.client_secret,
        ".build/release/ovation": str(BINARY),
    }.items():
        assert old in script
        script = script.replace(old, new)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/ovation").symlink_to(BINARY)
    env = environment(tmp_path, {"OVATION_URL": server.url})
    env["PATH"] = f"{tmp_path}/bin:{env['PATH']}"
    for shell in ("bash", "zsh"):
        assert shutil.which(shell), f"there is no {shell}; make setup installs it"
        # The model comes a second time, and changes nothing then; what is exported is written anew.
        result = subprocess.run(
            [shell, "-e", "-u", "-o", "pipefail", "-c", script],
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            env=env,
            cwd=tmp_path,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        # An event, three attributes, a tag, a merge, and an opt-out.
        assert result.stdout.count("HTTP/1.1 204") == 5
        assert result.stdout.count("HTTP/1.1 201") == 1 and '"may_send":true,"reason":"opt-in"' in result.stdout
        steve = json.loads((tmp_path / "steve.json").read_text())
        assert len(steve["profile"]["keys"]) == 2 and {"VIP"} <= {tag["name"] for section in steve["sections"] for tag in section["tags"]}
        # How far the removal has come by then is open.
        assert re.search(r'"erasure_id":"[0-9a-f-]{36}".*"removed":\{"events":[0-9]', result.stdout), result.stdout
        assert '"myNumberField":27183' in result.stdout
        # The folder, the topic and the tag are there when the commands are pasted a second time.
        refused = re.findall(r'"status": ?([45]\d\d)', result.stdout)
        assert refused == ([] if shell == "bash" else ["409", "409"]), result.stdout
        assert '"myNumberField":7' in (tmp_path / "history.ndjson").read_text()
        assert "myNumberField" in (tmp_path / "transactions.csv").read_text()
        [query] = blocks("sql")
        assert "'transactions.parquet'" in query
        found = duckdb.sql(query.replace("transactions.parquet", str(tmp_path / "transactions.parquet"))).fetchall()
        assert [row[0] for row in found] and sum(row[1] for row in found) == len(
            (tmp_path / "transactions.csv").read_text().splitlines()
        ) - 1, found


def test_the_size_that_the_documents_name_is_that_of_the_program() -> None:
    production = (ROOT / "docs/production.md").read_text()
    named = re.search(r"The program\*\* is one file of about (\d+) MB", production)
    if not RELEASE.is_file() or RELEASE.stat().st_mtime < (ROOT / "Package.resolved").stat().st_mtime:
        pytest.skip("there is no release build; make build makes one")
    size = RELEASE.stat().st_size / 1_000_000
    assert named, f"production.md says how large it is: {size:.0f} MB"
    assert abs(size - int(named[1])) <= 0.1 * int(named[1]), f"it has {size:.0f} MB"


def test_a_release_leaves_out_what_only_a_debugger_reads() -> None:
    assert "--strip-debug" in (ROOT / "Scripts/release").read_text()
    if not RELEASE.is_file() or not shutil.which("readelf") or os.uname().sysname != "Linux":
        pytest.skip("there is no release build to look into")
    sections = subprocess.run(["readelf", "-SW", RELEASE], capture_output=True, text=True, check=True).stdout
    assert ".debug_info" not in sections
    assert ".symtab" in sections, "a trace of a crash names its functions"

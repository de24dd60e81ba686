"""Secrets stay secret: in connection strings, in settings, in what is printed."""

from __future__ import annotations

from pathlib import Path

import pytest

from ovation import free_port, run

# MARK: Passwords of databases

#: Two words that are nowhere else, with something between them that means something in a connection string.
FIRST, SECOND = "Zebra7", "Quokka8"
BETWEEN = ["@", "/", ":", "%", "?", "#", "&", "=", " ", "'", ",", "[", "]", "\\", "%40", "@/", "/@", ":@", "@:", "@?user=", "@host:1/"]


def assert_not_told(text: str) -> None:
    assert FIRST.lower() not in text.lower() and SECOND.lower() not in text.lower(), text
    assert "Fatal error" not in text


@pytest.mark.parametrize("between", BETWEEN)
@pytest.mark.parametrize("form", ["URI", "pairs", "quoted pairs", "query"])
def test_no_part_of_a_password_of_a_database_is_printed(tmp_path: Path, between: str, form: str) -> None:
    password = FIRST + between + SECOND
    # Nobody listens there.
    port = free_port()
    target = {
        "URI": f"postgres://ovation:{password}@127.0.0.1:{port}/ovation",
        "pairs": f"host=127.0.0.1 port={port} user=ovation password={password} dbname=ovation",
        "quoted pairs": f"host=127.0.0.1 port={port} user=ovation password='{password}' dbname=ovation",
        "query": f"postgres://127.0.0.1:{port}/ovation?user=ovation&password={password}",
    }[form]
    options = {"home": tmp_path, "env": {"OVATION_URL": f"http://127.0.0.1:{port}"}}
    doctor = run("doctor", "--store", target, **options)
    assert doctor.returncode == 1
    assert_not_told(doctor.stdout + doctor.stderr)
    backup = run("store", "backup", "--store", target, "--to", "copy.sqlite", **options)
    assert_not_told(backup.stdout + backup.stderr)
    # The others wait for a database that is starting, unless the string itself is refused.
    if form == "URI" and ("@" in between or "/" in between):
        assert "%40" in doctor.stdout
        for arguments in [
            ["serve", "--port", "0", "--store", target],
            ["store", "copy", "--from", target, "--to", "sqlite:new.sqlite"],
            ["store", "copy", "--from", "sqlite:old.sqlite", "--to", target],
            ["store", "copy", "--from", target, "--to", target],
            ["store", "distribute", "--store", target],
            ["serve", target],
            ["store", "distribute", target],
        ]:
            result = run(*arguments, **options)
            assert result.returncode != 0
            assert_not_told(result.stdout + result.stderr)
        assert "%40" in run("store", "copy", "--from", target, "--to", target, **options).stderr
    result = run("serve", "--port", "0", home=tmp_path, env={"OVATION_STORE": f"postgre://ovation:{password}@h/ovation"})
    assert result.returncode == 1
    assert_not_told(result.stdout + result.stderr)


def test_a_password_that_waits_for_its_database_is_not_logged(tmp_path: Path) -> None:
    target = f"postgres://ovation:{FIRST}%40{SECOND}@127.0.0.1:{free_port()}/ovation"
    result = run("serve", "--port", "0", "--log-level", "trace", "--store", target, home=tmp_path)
    assert result.returncode == 1 and "postgres://ovation@127.0.0.1" in result.stderr
    assert_not_told(result.stdout + result.stderr)
    env = {"PGPASSWORD": f"{FIRST}@{SECOND}", "OVATION_STORE": f"postgres://ovation@{FIRST.lower()}.invalid/ovation"}
    result = run("doctor", home=tmp_path, env=env)
    assert SECOND not in result.stdout + result.stderr

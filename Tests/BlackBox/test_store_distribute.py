"""`ovation store distribute` without Citus, which the tests cannot start."""

from __future__ import annotations

from pathlib import Path

from ovation import run
from postgres import Postgres


def test_a_database_without_citus_is_refused_and_left_as_it_is(postgres: Postgres, tmp_path: Path) -> None:
    postgres.query("CREATE DATABASE plain")
    result = run("store", "distribute", "--store", postgres.uri("plain"), home=tmp_path)
    assert result.returncode != 0
    assert "CREATE EXTENSION citus" in result.stderr and "citus_add_node" in result.stderr
    assert "a-password-never-shown" not in result.stdout + result.stderr
    assert postgres.query("SELECT to_regnamespace('ovation') IS NULL", "plain") == "t"


def test_a_store_in_sqlite_is_refused(tmp_path: Path) -> None:
    result = run("store", "distribute", "--store", "sqlite:./o.sqlite", home=tmp_path)
    assert result.returncode != 0
    assert "cannot be spread" in result.stderr and "postgres://" in result.stderr


def test_help_says_what_it_does_and_what_it_needs(tmp_path: Path) -> None:
    text = run("store", "distribute", "--help", home=tmp_path).stdout
    assert "coordinator" in text and "Stop the servers" in text and "--store" in text

"""`make install`, and the list of versions that a build is held to."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from ovation import BINARY, ROOT


def script(name: str, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / "Scripts" / name, *arguments], capture_output=True, text=True, timeout=120, check=False,
        env={"PATH": os.environ["PATH"], "HOME": "/nonexistent"} | env,
    )  # fmt: skip


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """The program by another name: a debug build is too large to be copied again and again."""
    program = tmp_path / "program"
    program.write_text(f'#!/bin/sh\nexec "{BINARY}" "$@"\n')
    program.chmod(0o755)
    return program


def files(folder: Path) -> set[str]:
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()}


def test_make_install_puts_everything_below_the_prefix(tmp_path: Path, small: Path) -> None:
    stage = tmp_path / "stage"
    done = subprocess.run(
        ["make", "--silent", "-C", str(ROOT), "install", "PREFIX=/opt/ovation", f"DESTDIR={stage}"],
        capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "OVATION_PROGRAM": str(small)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    prefix = stage / "opt/ovation"
    assert [path.name for path in stage.iterdir()] == ["opt"] and [path.name for path in prefix.parent.iterdir()] == ["ovation"]
    program = prefix / "bin/ovation"
    assert subprocess.run([program, "version"], capture_output=True, text=True, check=True).stdout.startswith("ovation ")
    installed = files(prefix)
    assert {
        "bin/ovation", "share/man/man1/ovation.1.gz", "share/man/man1/ovation-serve.1.gz",
        "share/bash-completion/completions/ovation", "share/zsh/site-functions/_ovation",
        "share/fish/vendor_completions.d/ovation.fish", "share/doc/ovation/README.md", "share/doc/ovation/production.md",
        "share/doc/ovation/examples/model.yaml", "share/ovation/monitoring/alerts.yaml",
    } <= installed, installed  # fmt: skip
    modes = {name: stat.S_IMODE((prefix / name).stat().st_mode) for name in installed}
    assert modes.pop("bin/ovation") == 0o755 and set(modes.values()) == {0o644}
    if shutil.which("man"):
        manual = subprocess.run(
            ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", prefix / "share/man/man1/ovation-serve.1.gz"],
            capture_output=True, text=True, check=True, timeout=60,
        )  # fmt: skip
        assert manual.stderr == "" and "--listen" in re.sub(".\x08", "", manual.stdout)


def test_what_is_installed_twice_is_the_same(tmp_path: Path, small: Path) -> None:
    for name in ("one", "two"):
        done = script("install", DESTDIR=str(tmp_path / name), PREFIX="/usr", OVATION_PROGRAM=str(small))
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert files(tmp_path / "one") == files(tmp_path / "two")
    for name in files(tmp_path / "one"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_install_says_what_is_missing(tmp_path: Path) -> None:
    done = script("install", PREFIX="relative", OVATION_PROGRAM=str(BINARY))
    assert done.returncode == 2 and "PREFIX is the whole path" in done.stderr
    done = script("install", DESTDIR=str(tmp_path / "stage"), OVATION_PROGRAM=str(tmp_path / "nothing"))
    assert done.returncode == 1 and "run 'make build' first" in done.stderr
    assert not (tmp_path / "stage").exists()


#: In the place of Swift: it resolves to what is in the file, and puts one package right when it is asked to.
SWIFT = """#!/usr/bin/env python3
import json, os, sys
with open(os.environ["OVATION_RESOLVED"] + ".log", "a") as log:
    print(*sys.argv[1:], file=log)
if "--version" in sys.argv:
    file = json.load(open(os.environ["OVATION_RESOLVED"]))
    for pin in file["pins"]:
        if pin["identity"] == sys.argv[3]:
            pin["state"]["version"] = sys.argv[5]
    open(os.environ["OVATION_RESOLVED"], "w").write(json.dumps(file, indent=2).replace('":', '" :'))
"""


class Resolution:
    """What Swift has resolved, with the versions of the list, and how `Scripts/pins` goes about it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "Package.resolved"
        (folder / "swift").write_text(SWIFT)
        (folder / "swift").chmod(0o755)
        self.path = f"{folder}:{os.environ['PATH']}"
        self.pins = []
        for line in (ROOT / "packaging/packages.txt").read_text().splitlines():
            name, version = line.split(" ")
            state = {"revision": "0" * 40, "version": version}
            self.pins.append({"identity": name, "kind": "remoteSourceControl", "location": "https://x", "state": state})

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        document = {"originHash": "0", "pins": self.pins, "version": 3}
        # As Swift writes it.
        self.file.write_text(json.dumps(document, indent=2).replace('":', '" :'))
        return script("pins", *arguments, PATH=self.path, OVATION_RESOLVED=str(self.file))

    def change(self, name: str, version: str) -> None:
        [pin] = [pin for pin in self.pins if pin["identity"] == name]
        pin["state"]["version"] = version  # type: ignore[index]

    @property
    def asked(self) -> list[str]:
        """What Swift was called with."""
        return Path(f"{self.file}.log").read_text().splitlines()


@pytest.fixture
def resolution(tmp_path: Path) -> Resolution:
    return Resolution(tmp_path)


def test_a_build_with_the_versions_of_the_list_passes(resolution: Resolution) -> None:
    done = resolution.run()
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert resolution.asked == ["package resolve"]


def test_a_build_with_another_version_fails_and_says_what_to_do(resolution: Resolution) -> None:
    resolution.change("swift-nio", "99.0.0")
    done = resolution.run()
    assert done.returncode == 1
    assert re.search(r"^< swift-nio 2\.", done.stderr, re.M) and "> swift-nio 99.0.0" in done.stderr
    assert "swift-log" not in done.stderr and "Scripts/pins write" in done.stderr and "Scripts/pins apply" in done.stderr


def test_a_package_that_the_list_does_not_have_fails_too(resolution: Resolution) -> None:
    resolution.pins.append({"identity": "new", "kind": "x", "location": "x", "state": {"branch": "main", "revision": "1"}})
    done = resolution.run()
    assert done.returncode == 1 and "> new without-a-version" in done.stderr
    resolution.pins = resolution.pins[1:-1]
    done = resolution.run()
    assert done.returncode == 1 and re.search(r"^< ", done.stderr, re.M)


def test_a_new_release_of_another_package_can_be_undone(resolution: Resolution) -> None:
    resolution.change("swift-asn1", "99.0.0")
    resolution.change("swift-atomics", "99.0.0")
    done = resolution.run("apply")
    assert done.returncode == 0, done.stderr
    listed = dict(line.split(" ") for line in (ROOT / "packaging/packages.txt").read_text().splitlines())
    assert resolution.asked == [
        "package resolve", f"package resolve swift-asn1 --version {listed['swift-asn1']}",
        f"package resolve swift-atomics --version {listed['swift-atomics']}", "package resolve",
    ]  # fmt: skip


def test_a_build_takes_the_versions_of_the_list_where_it_can_and_goes_on_where_it_cannot(resolution: Resolution) -> None:
    resolution.change("swift-asn1", "99.0.0")
    done = resolution.run("follow")
    assert (done.returncode, done.stderr) == (0, "")
    assert any("swift-asn1 --version" in line for line in resolution.asked)
    resolution.pins.append({"identity": "new", "kind": "x", "location": "x", "state": {"branch": "main", "revision": "1"}})
    done = resolution.run("follow")
    assert done.returncode == 0 and "> new" in done.stderr and "goes on" in done.stderr


def test_what_package_swift_names_has_one_version_the_one_of_the_list() -> None:
    listed = dict(line.split(" ") for line in (ROOT / "packaging/packages.txt").read_text().splitlines())
    text = (ROOT / "Package.swift").read_text()
    named = re.findall(r'\.package\(url: "[^"]*/([^"/]+?)(?:\.git)?", (\w+): "([^"]+)"', text)
    assert len(named) == text.count(".package(url:") > 10
    for name, requirement, version in named:
        assert (requirement, version) == ("exact", listed[name.lower()]), name

"""The Debian package: installed, used, upgraded and removed in a Debian with nothing else in it."""

import re
import shutil
import time
from pathlib import Path

import pytest
from conftest import REPOSITORY, run
from root import EVENT, EVENTS, CleanRoot, events

MODEL = "/usr/share/doc/ovation/examples/model.yaml"
SERVICE = ("--config", "/etc/ovation/ovation.yaml")


def key(root: CleanRoot) -> dict[str, str]:
    lines = (root.folder / "etc/ovation/ovation.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def credentials(root: CleanRoot) -> tuple[str, str]:
    return key(root)["OVATION_ADMIN_CLIENT_ID"], key(root)["OVATION_ADMIN_CLIENT_SECRET"]


def test_lintian_has_nothing_to_say(deb: Path) -> None:
    done = run("lintian", "--fail-on", "error,warning", "--allow-root", "--tag-display-limit", "0", deb, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


def test_the_program_closes_its_tables_of_addresses_for_writing(deb: Path, tmp_path: Path) -> None:
    """Which the loader does by a part of the program that some tools drop when they make it smaller."""
    run("dpkg-deb", "-x", deb, tmp_path)
    assert "GNU_RELRO" in run("readelf", "--program-headers", "--wide", tmp_path / "usr/bin/ovation").stdout


def test_the_service_is_one_that_systemd_takes_and_is_closed_in(deb: Path, tmp_path: Path) -> None:
    run("dpkg-deb", "-x", deb, tmp_path)
    unit = tmp_path / "lib/systemd/system/ovation.service"
    # The program it starts is not installed on this machine.
    text = unit.read_text()
    assert "ExecStart=/usr/bin/ovation " in text
    unit.write_text(text.replace("/usr/bin/ovation", str(tmp_path / "usr/bin/ovation")))
    # What it warns of on this machine is about the machine's own units.
    assert str(unit.name) not in run("systemd-analyze", "verify", "--man=no", unit, check=False).stderr
    run("systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", unit)


def test_the_socket_unit_is_one_that_systemd_takes(deb: Path, tmp_path: Path) -> None:
    run("dpkg-deb", "-x", deb, tmp_path)
    folder = tmp_path / "lib/systemd/system"
    service = folder / "ovation.service"
    service.write_text(service.read_text().replace("/usr/bin/ovation", str(tmp_path / "usr/bin/ovation")))
    said = run("systemd-analyze", "verify", "--man=no", folder / "ovation.socket", service, check=False).stderr
    assert "ovation." not in said, said
    # It waits for somebody to turn it on.
    scripts = tmp_path / "scripts"
    run("dpkg-deb", "-e", deb, scripts)
    enabling = re.findall(r"deb-systemd-helper enable (\S+)", (scripts / "postinst").read_text())
    assert enabling == ["ovation.service", "ovation.socket"]
    assert "debian-installed ovation.socket" in (scripts / "postinst").read_text()


def test_the_package_has_the_files_for_monitoring(deb: Path, tmp_path: Path) -> None:
    run("dpkg-deb", "-x", deb, tmp_path)
    for name in ("alerts.yaml", "grafana.json"):
        file = tmp_path / "usr/share/ovation/monitoring" / name
        assert file.read_bytes() == (REPOSITORY / "packaging/monitoring" / name).read_bytes()


def test_the_first_event_takes_less_than_a_minute_and_an_upgrade_keeps_it(
    deb: Path, clean_root: CleanRoot, tmp_path: Path
) -> None:
    clean_root.run("apt-get", "-qq", "update")
    file = clean_root.put(deb)
    start = time.monotonic()
    clean_root.run("apt-get", "-qq", "install", "--yes", file)
    with clean_root.serving(*SERVICE, "--model", MODEL, user="ovation", environment=key(clean_root)) as server:
        server.sign_in(*credentials(clean_root))
        assert server.call("POST", EVENTS, EVENT)[0] == 204
        seconds = time.monotonic() - start
        assert events(server) == 1
    print(f"first event after {seconds:.1f} s")
    assert seconds < 60
    environment = clean_root.folder / "etc/ovation/ovation.env"
    assert environment.stat().st_mode & 0o777 == 0o600, "a secret is for root alone"
    before = environment.read_text()
    settings = clean_root.folder / "etc/ovation/ovation.yaml"
    settings.write_text(settings.read_text() + "log_level: debug\n")

    # The next version. What somebody changed in the settings stays, and so do key and events.
    newer = tmp_path / "newer"
    run("dpkg-deb", "-R", deb, newer)
    control = newer / "DEBIAN/control"
    control.write_text(re.sub(r"Version: .*", "Version: 99.0", control.read_text()))
    run("dpkg-deb", "--root-owner-group", "--build", newer, tmp_path / "ovation_99.0.deb")
    clean_root.run("apt-get", "-qq", "install", "--yes", clean_root.put(tmp_path / "ovation_99.0.deb"))
    assert "99.0" in clean_root.run("dpkg-query", "-W", "ovation")
    assert environment.read_text() == before and "log_level: debug" in settings.read_text()
    with clean_root.serving(*SERVICE, user="ovation", environment=key(clean_root)) as server:
        server.sign_in(*credentials(clean_root))
        assert events(server) == 1

    # Gone with everything but what people have stored.
    said = clean_root.run("apt-get", "-qq", "purge", "--yes", "ovation")
    assert "the events in /var/lib/ovation stay" in said
    assert not (clean_root.folder / "etc/ovation").exists()
    assert not (clean_root.folder / "usr/bin/ovation").exists()
    assert (clean_root.folder / "var/lib/ovation/ovation.sqlite").exists()


@pytest.mark.parametrize("page", ["ovation", "ovation-serve", "ovation-events", "ovation-store"])
def test_man_pages_read_without_a_warning(deb: Path, tmp_path: Path, page: str) -> None:
    run("dpkg-deb", "-x", deb, tmp_path)
    shown = run("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", tmp_path / f"usr/share/man/man1/{page}.1.gz")
    # Bold letters come as each letter twice, with a step back between.
    assert shown.stderr == "" and "OPTIONS" in re.sub(".\x08", "", shown.stdout)


def test_completions_are_what_their_shells_read(deb: Path, tmp_path: Path) -> None:
    run("dpkg-deb", "-x", deb, tmp_path)
    run("bash", "-n", tmp_path / "usr/share/bash-completion/completions/ovation")
    if shutil.which("zsh"):
        run("zsh", "-n", tmp_path / "usr/share/zsh/vendor-completions/_ovation")
    assert "complete -c 'ovation'" in (tmp_path / "usr/share/fish/vendor_completions.d/ovation.fish").read_text()

"""The archive, the image, and the lists beside them."""

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import REPOSITORY, run
from root import CHROOT, EVENT, EVENTS, CleanRoot, events

KEY = {"OVATION_ADMIN_CLIENT_ID": "1f9e3c52-3b0c-4a51-9a9b-2f0f1c1f7d10", "OVATION_ADMIN_CLIENT_SECRET": "k" * 32}


def test_every_file_has_its_checksum(packages: Path) -> None:
    run("sha256sum", "--check", "--strict", "SHA256SUMS", cwd=packages)
    listed = {line.split()[1] for line in (packages / "SHA256SUMS").read_text().splitlines()}
    assert listed == {file.name for file in packages.iterdir() if file.is_file()} - {"SHA256SUMS"}


def test_the_archive_has_the_program_and_its_documents(packages: Path, tmp_path: Path) -> None:
    archive = next(packages.glob("*.tar.gz"))
    run("tar", "-xzf", archive, "-C", tmp_path)
    folder = tmp_path / archive.name.removesuffix(".tar.gz")
    version = folder.name.split("-")[1]
    assert run(folder / "ovation", "version").stdout.strip() == f"ovation {version}"
    assert (folder / "monitoring/alerts.yaml").exists() and (folder / "ovation.socket").exists()
    assert (folder / "docs/compatibility.md").exists() and (folder / "LICENSE").exists()
    # A debugger finds what belongs to it by the link in the program.
    run("objcopy", "-O", "binary", "--dump-section", f".gnu_debuglink={tmp_path / 'link'}", folder / "ovation", "/dev/null")
    assert (tmp_path / "link").read_bytes().startswith(b"ovation.debug\0")


def test_what_is_packed_twice_is_the_same(packages: Path, tmp_path: Path) -> None:
    """From one program, into another folder: the compiler need not work again."""
    program = os.environ.get("PACKAGE_PROGRAM", str(REPOSITORY / ".build/package-program"))
    again = {**os.environ, "PACKAGE_PROGRAM": program, "PACKAGE_FOLDER": str(tmp_path / "again")}
    run(REPOSITORY / "Scripts/package", cwd=REPOSITORY, env=again)
    assert (tmp_path / "again/SHA256SUMS").read_text() == (packages / "SHA256SUMS").read_text()


def test_the_program_is_small_and_has_no_path_of_who_built_it(packages: Path, tmp_path: Path) -> None:
    archive = next(packages.glob("*.tar.gz"))
    run("tar", "-xzf", archive, "-C", tmp_path)
    program = (tmp_path / archive.name.removesuffix(".tar.gz") / "ovation").read_bytes()
    assert len(program) < 64e6
    assert str(REPOSITORY).encode() not in program


def test_the_list_of_components_names_what_is_inside(packages: Path) -> None:
    document = json.loads(next(packages.glob("*.cdx.json")).read_text())
    names = {component["name"] for component in document["components"]}
    assert {"grdb.swift", "hummingbird", "swift-nio", "libcurl4", "libpq5", "libsqlite3-0", "libc6"} <= names
    assert all(component["version"] not in ("", "unspecified") for component in document["components"])
    references = {component["bom-ref"] for component in document["components"]} | {"ovation"}
    assert all(set(entry["dependsOn"]) <= references for entry in document["dependencies"])


@pytest.fixture
def image(packages: Path, tmp_path: Path) -> Iterator[tuple[CleanRoot, dict]]:
    """The image unpacked into a folder, and its configuration."""
    with tarfile.open(next(packages.glob("*-image-*.tar"))) as layout:
        layout.extractall(tmp_path / "layout", filter="data")
    blobs = tmp_path / "layout/blobs/sha256"

    def blob(description: dict) -> bytes:
        data = (blobs / description["digest"].removeprefix("sha256:")).read_bytes()
        assert "sha256:" + hashlib.sha256(data).hexdigest() == description["digest"]
        assert len(data) == description["size"]
        return data

    index = json.loads((tmp_path / "layout/index.json").read_text())
    manifest = json.loads(blob(index["manifests"][0]))
    config = json.loads(blob(manifest["config"]))
    folder = tmp_path / "image"
    folder.mkdir()
    for layer, plain in zip(manifest["layers"], config["rootfs"]["diff_ids"], strict=True):
        packed = tmp_path / "layer.tar.gz"
        packed.write_bytes(blob(layer))
        unpacked = subprocess.run(["gzip", "-dc", packed], capture_output=True, check=True).stdout
        assert "sha256:" + hashlib.sha256(unpacked).hexdigest() == plain
        run("tar", "-xzpf", packed, "-C", folder, "--numeric-owner")
    print(f"{sum(layer['size'] for layer in manifest['layers']) / 1e6:.1f} MB to fetch")
    assert sum(layer["size"] for layer in manifest["layers"]) < 80e6
    root = CleanRoot(folder)
    root.mount()
    yield root, config
    root.remove()


def test_the_image_starts_as_nobody_and_keeps_what_it_is_sent(image: tuple[CleanRoot, dict]) -> None:
    root, config = image
    settings = config["config"]
    assert settings["Entrypoint"] + settings["Cmd"] == ["/usr/bin/ovation", "serve"]
    assert settings["User"] == "10001:10001" and "/data" in settings["Volumes"]
    environment = dict(line.split("=", 1) for line in settings["Env"])
    assert "sh" not in {file.name for file in (root.folder / "usr/bin").iterdir()}, "nothing but the program"
    shutil.copy(REPOSITORY / "Examples/article/model.yaml", root.folder / "tmp/model.yaml")
    options = ("--host", "127.0.0.1", "--model", "/tmp/model.yaml")
    for count in (1, 2):
        with root.serving(*options, user=settings["User"], environment={**environment, **KEY}) as server:
            server.sign_in(KEY["OVATION_ADMIN_CLIENT_ID"], KEY["OVATION_ADMIN_CLIENT_SECRET"])
            assert server.call("POST", EVENTS, EVENT)[0] == 204
            assert events(server) == count
            health = settings["Healthcheck"]["Test"]
            assert health[0] == "CMD"
            root.run(*health[1:], "--url", server.url, user=settings["User"])
    assert (root.folder / "data/ovation.sqlite").stat().st_uid == 10001
    # Without a server it says so.
    failed = subprocess.run(
        [CHROOT, str(root.folder), *settings["Healthcheck"]["Test"][1:], "--url", "http://127.0.0.1:9"], capture_output=True)
    assert failed.returncode == 1

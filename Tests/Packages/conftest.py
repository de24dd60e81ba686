"""What Scripts/package made, in a clean Debian: no compiler, no Swift, nothing of this machine."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from root import CleanRoot, NoRoot

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def packages() -> Path:
    folder = Path(os.environ.get("OVATION_PACKAGES", REPOSITORY / ".build/packages"))
    assert list(folder.glob("*.deb")), "run Scripts/package first"
    return folder


@pytest.fixture(scope="session")
def deb(packages: Path) -> Path:
    return next(packages.glob("*.deb"))


@pytest.fixture(scope="session")
def clean_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CleanRoot]:
    """A Debian 12 as its installer leaves it. One for all tests, since making it takes a minute. Where one cannot be made, tests
    that need it are skipped and say why; the others run."""
    if os.geteuid() != 0:
        pytest.skip("a root file system can only be made and entered by root")
    folder = tmp_path_factory.mktemp("root") / "debian"
    root = CleanRoot(folder)
    try:
        try:
            root.make()
        except NoRoot as error:
            pytest.skip(f"no clean Debian can be made here: {error}")
        yield root
    finally:
        root.remove()
        shutil.rmtree(folder, ignore_errors=True)


def run(*command: object, check: bool = True, **options: object) -> subprocess.CompletedProcess[str]:
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, **options)
    assert not check or done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done

"""Where things are: binaries, scripts of wrk, and the folder on the disk that is measured."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WRK_SCRIPTS = ROOT / "Benchmarks/wrk"
DOCUMENT = ROOT / "docs/performance.md"
MODEL = ROOT / "Examples/article/model.yaml"
# What a run leaves behind: its figures, and those of others.
OUTPUT = ROOT / ".build/bench"
# Stores go here, and are removed at the end. BENCH_FOLDER names a folder on another disk.
WORK = Path(os.environ.get("BENCH_FOLDER", str(OUTPUT))).resolve() / "work"

_began = time.monotonic()


def binary(name: str) -> Path | None:
    """A program that was built for release; None where it was not."""
    path = Path(os.environ["BINARIES"]).resolve() / name
    return path if path.exists() else None


def required_binary(name: str) -> Path:
    path = binary(name)
    if path is None:
        raise SystemExit(f"{name} is not in {os.environ['BINARIES']}: build it first, as Scripts/bench does.")
    return path


def folder(name: str) -> Path:
    """A new empty folder in the work folder."""
    path = WORK / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def say(text: str) -> None:
    """A line of progress, with the time since the start."""
    seconds = int(time.monotonic() - _began)
    print(f"[{seconds // 60:3}:{seconds % 60:02}] {text}", file=sys.stderr, flush=True)


class Failure(SystemExit):
    """Something went wrong that makes the figures worthless."""

"""The machine that was measured on, and what one sync costs on its disk."""

from __future__ import annotations

import os
import platform
import statistics
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sync:
    """Medians, in milliseconds, of 4 kB written and synced by fdatasync."""

    append: float
    in_place: float


@dataclass(frozen=True)
class Machine:
    processor: str
    cores: int
    memory_gigabytes: float
    kernel: str
    filesystem: str

    def __str__(self) -> str:
        return (
            f"{self.processor}, {self.cores} cores, {self.memory_gigabytes:.0f} GB of memory, {self.kernel}, "
            f"{self.filesystem}"
        )


def machine(folder: Path) -> Machine:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    processor = next((line.split(":")[1].strip() for line in lines if "model name" in line), platform.processor())
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30
    return Machine(
        processor=processor, cores=os.cpu_count() or 1, memory_gigabytes=memory,
        kernel=f"{platform.system()} {platform.release()}", filesystem=_filesystem(folder),
    )  # fmt: skip


def _filesystem(folder: Path) -> str:
    best = ("", "unknown filesystem")
    for line in Path("/proc/mounts").read_text().splitlines():
        device, mount, kind = line.split()[:3]
        if folder.is_relative_to(mount) and len(mount) >= len(best[0]):
            best = (mount, f"{kind} on {device}")
    return best[1]


def sync_time(folder: Path, count: int = 200) -> Sync:
    """An append also writes the file's new length, as the store's log does until it is as long as it gets."""
    page = os.urandom(4096)
    path = folder / "sync"
    file = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
    try:
        append = [_timed(file, page, None) for _ in range(count)]
        in_place = [_timed(file, page, 4096 * index) for index in range(count)]
    finally:
        os.close(file)
        path.unlink()
    return Sync(append=statistics.median(append), in_place=statistics.median(in_place))


def _timed(file: int, page: bytes, offset: int | None) -> float:
    start = time.perf_counter()
    if offset is None:
        os.write(file, page)
    else:
        os.pwrite(file, page, offset)
    os.fdatasync(file)
    return (time.perf_counter() - start) * 1000

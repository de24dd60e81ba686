"""A disk that fills up, fails, hangs, lies and loses its power, for the files of a server's store. See disk.c."""

from __future__ import annotations

import mmap
import random
import shutil
import struct
import subprocess
from collections.abc import Mapping
from pathlib import Path

SOURCE = Path(__file__).with_name("disk.c")
SECTOR = 512

FULL, FAIL_LOG, FAIL_STORE, LIE, SYNC_MS = range(5)


def build(folder: Path) -> Path:
    """The library that a server preloads."""
    library = folder / "disk.so"
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", "-o", library, SOURCE, "-ldl", "-lpthread"], check=True)
    return library


class Disk:
    def __init__(self, library: Path, folder: Path) -> None:
        self.library = library
        self.control = folder / "disk-control"
        self.shadow = folder / "disk-shadow"
        self.journal = folder / "disk-journal"
        folder.mkdir(parents=True, exist_ok=True)
        self.control.write_bytes(bytes(4096))
        self.forget()

    def forget(self) -> None:
        """As after the power came back: what is on the disk is what there is."""
        shutil.rmtree(self.shadow, ignore_errors=True)
        self.shadow.mkdir()
        self.journal.write_bytes(b"")

    @property
    def env(self) -> Mapping[str, str]:
        return {
            "LD_PRELOAD": str(self.library),
            "DISK_CONTROL": str(self.control),
            "DISK_SHADOW": str(self.shadow),
            "DISK_JOURNAL": str(self.journal),
        }

    def ask(self, what: int, value: int = 1) -> None:
        with open(self.control, "r+b") as file, mmap.mmap(file.fileno(), 4096) as numbers:
            numbers[4 * what : 4 * what + 4] = struct.pack("<i", value)

    def adopt(self, folder: Path) -> None:
        """What is in the folder is on the disk, before the next server opens it."""
        self.forget()
        for file in stores_files(folder):
            shutil.copy2(file, self.shadow / file.name)

    def cut_power(self, folder: Path, choices: random.Random) -> None:
        """Leaves in the folder what a power cut leaves: what was synced, and of the rest a part, sector by sector."""
        unsynced: dict[str, list[tuple[int, int]]] = {}
        for line in self.journal.read_text().splitlines():
            what, name, start, end = line.split()
            if what == "W":
                unsynced.setdefault(name, []).append((int(start), int(end)))
            elif what == "S":
                unsynced[name] = []
            # What a failed sync left may have reached the disk or not, and nothing says so any more.
        memory = {file.name: file.read_bytes() for file in stores_files(folder)}
        share = choices.choice([0, 0, 0.2, 0.5, 1])
        for name, content in memory.items():
            shadow = self.shadow / name
            disk = bytearray(shadow.read_bytes() if shadow.exists() else b"")
            for start, end in unsynced.get(name, []):
                for sector in range(start, min(end, len(content)), SECTOR):
                    if choices.random() < share:
                        piece = content[sector : min(sector + SECTOR, end)]
                        disk.extend(bytes(max(0, sector + len(piece) - len(disk))))
                        disk[sector : sector + len(piece)] = piece
            (folder / name).write_bytes(disk)
        for file in folder.glob("*-shm"):
            file.unlink()
        self.adopt(folder)


def stores_files(folder: Path) -> list[Path]:
    """The store, its log and its state."""
    return [
        file
        for file in sorted(folder.glob("ovation.sqlite*"))
        if not file.name.endswith(("-shm", ".lock")) and file.is_file()
    ]

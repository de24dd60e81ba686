"""A real PostgreSQL for tests: in a folder of its own, on a socket in it, run by a user who is not root."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

WAIT_SECONDS = 60


def _binary(name: str) -> str:
    """Where Debian puts its versions, the newest first; or wherever the path leads."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(found[-1]) if found else name


@dataclass
class Postgres:
    """One server. Its files are synced, so that what is killed is as good as a crash of its processes."""

    # Not pytest's folder, which is root's alone; and short, since it is part of the socket's name.
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="ovation-pg-")))
    is_running: bool = False

    def create(self) -> Postgres:
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self._run("initdb", "-N", "-D", self._data, "-A", "trust", "-U", "ovation", "-E", "UTF8", "--locale=C.UTF-8")
        return self

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def target(self, database: str = "postgres") -> str:
        return f"host={self.folder} dbname={database} user=ovation"

    def uri(self, database: str = "postgres") -> str:
        host = str(self.folder).replace("/", "%2F")
        return f"postgres://ovation:a-password-never-shown@{host}/{database}"

    def start(self) -> None:
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder} -c max_connections=60"
        self._run("pg_ctl", "-D", self._data, "-w", "-l", str(self.folder / "log"), "-o", options, "start")
        self.is_running = True

    def stop(self, mode: str = "fast") -> None:
        """`immediate` is a crash: processes end where they are."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", mode, "stop")
        self.is_running = False

    def kill(self) -> None:
        """As if the machine went: no process ends in order, and its disk is gone."""
        postmaster = int((self.folder / "data/postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        self.is_running = False
        shutil.rmtree(self.folder, ignore_errors=True)

    def make_standby(self, name: str) -> Postgres:
        """A copy that follows, and that every commit here waits for."""
        standby = Postgres()
        if os.geteuid() == 0:
            shutil.chown(standby.folder, "postgres", "postgres")
        source = f"host={self.folder} user=ovation application_name={name}"
        standby._run("pg_basebackup", "-D", standby._data, "-R", "-X", "stream", "-c", "fast", "-d", source)
        standby.start()
        self.query(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        self.query("SELECT pg_reload_conf()")
        return standby

    def promote(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-w", "promote")

    def query(self, sql: str, database: str = "postgres") -> str:
        return self._run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, self.target(database)).strip()

    def remove(self) -> None:
        if self.is_running:
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, name: str, *arguments: str) -> str:
        user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        # A file and not a pipe: the server goes on and would keep it open.
        with tempfile.TemporaryFile() as output:
            result = subprocess.run(
                [_binary(name), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=WAIT_SECONDS,
                cwd="/",
                **user,
            )
            output.seek(0)
            text = output.read().decode(errors="replace")
        assert result.returncode == 0, f"{name} failed:\n{text}"
        return text

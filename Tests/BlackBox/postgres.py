"""A real PostgreSQL for tests: in a folder of its own, on a socket in it, run by a user who is not root."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

WAIT_SECONDS = 60

#: What every server here starts with. It listens on its socket alone.
SETTINGS = {"listen_addresses": "", "max_connections": "60"}


def program(name: str) -> str:
    """Where Debian puts its versions, the newest first; or wherever the path leads."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    return str(found[-1]) if found else name


@dataclass
class Postgres:
    """One server. Its files are synced, so that what is killed is as good as a crash of its processes."""

    # Not pytest's folder, which is root's alone; and short, since it is part of the socket's name.
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="ovation-pg-")))
    is_running: bool = False
    #: The password of the user `ovation`, then required from every user; None: not required.
    password: str | None = None
    #: Of a listener on the loopback; None: it listens on its socket alone.
    port: int | None = None
    #: A file system of so few megabytes stands at ``small_disk``, which only this server sees.
    disk_megabytes: int | None = None

    def create(self) -> Postgres:
        if os.geteuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        options = ["-A", "trust"]
        if self.password is not None:
            file = self.folder / "password"
            file.write_text(self.password)
            options = ["-A", "scram-sha-256", f"--pwfile={file}"]
        self._run("initdb", "-N", "-D", self._data, *options, "-U", "ovation", "-E", "UTF8", "--locale=C.UTF-8")
        return self

    @property
    def _data(self) -> str:
        return str(self.folder / "data")

    def target(self, database: str = "postgres") -> str:
        port = f" port={self.port}" if self.port else ""
        return f"host={self.folder} dbname={database} user=ovation{port}"

    @property
    def small_disk(self) -> Path:
        return self.folder / "disk"

    def uri(self, database: str = "postgres") -> str:
        host = str(self.folder).replace("/", "%2F")
        return f"postgres://ovation:a-password-never-shown@{host}/{database}"

    def start(self, settings: Mapping[str, str] | None = None) -> None:
        """With more settings, or others, than usual; they hold until the next start."""
        port = {"port": str(self.port), "listen_addresses": "127.0.0.1"} if self.port else {}
        used = {**SETTINGS, "unix_socket_directories": str(self.folder), **port, **(settings or {})}
        options = " ".join(f"-c {name}={value}" for name, value in used.items())
        log = self.folder / "log"
        try:
            self._run(
                "pg_ctl", "-D", self._data, "-w", "-l", str(log), "-o", options, "start", prefix=self._disk_prefix()
            )
        except AssertionError as error:
            raise AssertionError(f"{error}\n{log.read_text(errors='replace')[-2000:]}") from None
        self.is_running = True

    def _disk_prefix(self) -> list[str]:
        """Mounts the small disk, if there is one, only for the programs that are started here."""
        if self.disk_megabytes is None:
            return []
        self.small_disk.mkdir(exist_ok=True)
        owner = ",uid=postgres,gid=postgres" if os.geteuid() == 0 else ""
        mount = f'mount -t tmpfs -o size={self.disk_megabytes}m,mode=700{owner} tmpfs "$1" && shift && exec "$@"'
        if os.geteuid() == 0:
            drop = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            return ["unshare", "--mount", "sh", "-c", mount, "sh", str(self.small_disk), *drop]
        spaces = ["--user", "--map-current-user", "--keep-caps", "--mount"]
        return ["unshare", *spaces, "sh", "-c", mount, "sh", str(self.small_disk)]

    def stop(self, mode: str = "fast") -> None:
        """`immediate` is a crash: processes end where they are."""
        self._run("pg_ctl", "-D", self._data, "-w", "-m", mode, "stop")
        self.is_running = False

    @property
    def postmaster(self) -> int:
        return int((self.folder / "data/postmaster.pid").read_text().split()[0])

    @property
    def processes(self) -> list[int]:
        """All of it: the one that was started, and those that it has started."""
        return [self.postmaster, *children(self.postmaster)]

    def signal(self, number: signal.Signals) -> None:
        """To every process of it, the first one first, so that it starts no more."""
        for process in self.processes:
            send(process, number)

    def crash(self) -> None:
        """Every process ends where it is, at once; what was written stays."""
        # Nothing new may start while they are counted.
        send(self.processes[0], signal.SIGSTOP)
        kill_all(self.processes)
        # A process that was not waited for yet still has its number, and PostgreSQL would take it for running.
        for file in [self.folder / "data/postmaster.pid", *self.folder.glob(".s.PGSQL.*.lock")]:
            file.unlink()
        self.is_running = False

    def kill(self) -> None:
        """As if the machine went: no process ends in order, and its disk is gone."""
        os.kill(self.postmaster, signal.SIGKILL)
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

    @staticmethod
    def give(source: Path, to: Path) -> None:
        """A file that only the server may read."""
        shutil.copyfile(source, to)
        to.chmod(0o600)
        if os.geteuid() == 0:
            shutil.chown(to, "postgres", "postgres")

    def promote(self) -> None:
        self._run("pg_ctl", "-D", self._data, "-w", "promote")

    def query(self, sql: str, database: str = "postgres") -> str:
        return self._run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, self.target(database)).strip()

    def remove(self) -> None:
        if self.is_running:
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)

    def _run(self, name: str, *arguments: str, prefix: Sequence[str] = ()) -> str:
        """As the user of PostgreSQL; with a prefix, which then sees to that, as this one."""
        is_root = os.geteuid() == 0 and not prefix
        user = {"user": "postgres", "group": "postgres", "extra_groups": []} if is_root else {}
        password = {} if self.password is None else {"PGPASSWORD": self.password}
        # A file and not a pipe: the server goes on and would keep it open.
        with tempfile.TemporaryFile() as output:
            result = subprocess.run(
                [*prefix, program(name), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=WAIT_SECONDS,
                cwd="/",
                env={**os.environ, **password},
                **user,
            )
            output.seek(0)
            text = output.read().decode(errors="replace")
        assert result.returncode == 0, f"{name} failed:\n{text}"
        return text


# MARK: Processes


def children(parent: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and status(int(entry.name)).get("PPid") == str(parent):
            found.append(int(entry.name))
    return found


def status(process: int) -> dict[str, str]:
    """Empty where there is no such process."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def is_alive(process: int) -> bool:
    """A process that was not waited for yet has still ended."""
    return not status(process).get("State", "Z").startswith(("Z", "X"))


def send(process: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, number)


def kill_all(processes: list[int]) -> None:
    """The youngest first. Returns when all have ended."""
    for process in reversed(processes):
        send(process, signal.SIGKILL)
    deadline = time.monotonic() + WAIT_SECONDS
    while any(is_alive(process) for process in processes):
        assert time.monotonic() < deadline, "killed processes end"
        time.sleep(0.005)

"""Programs from Debian's packages, unpacked into a folder by Scripts/setup: nothing of them is installed or started by itself."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import wrk
from .figures import Load
from .place import OUTPUT, Failure
from .plan import Shape
from .server import Server

FOLDER = OUTPUT / "debian"


def program(name: str) -> Path | None:
    """None: it was not unpacked."""
    for place in ("usr/bin", "usr/sbin"):
        path = FOLDER / place / name
        if path.exists():
            return path
    return None


def environment() -> dict[str, str]:
    libraries = sorted(str(path) for path in (FOLDER / "usr/lib").glob("*-linux-gnu"))
    return dict(os.environ, LD_LIBRARY_PATH=":".join(libraries))


def _required(name: str) -> str:
    path = program(name)
    if path is None:
        raise Failure(f"{name} is not in {FOLDER}: Scripts/setup bench")
    return str(path)


class _Packaged(Server):
    def __init__(self, command: list[str], home: Path, *, probe: str) -> None:
        super().__init__([_required(command[0]), *command[1:]], home, probe=probe, environment=environment())


class Nginx(_Packaged):
    """Answers 204 to everything: the ceiling of HTTP."""

    def __init__(self, home: Path) -> None:
        (home / "nginx.conf").write_text(_NGINX.replace("HOME", str(home)))
        # The port is in a file, and known only when the server is made.
        super().__init__(
            ["nginx", "-p", str(home), "-c", str(home / "nginx.conf"), "-g", "daemon off;"], home, probe="/"
        )

    def _before_start(self) -> None:
        file = self.folder / "nginx.conf"
        file.write_text(file.read_text().replace("PORT", str(self.port)))

    def post(self, shape: Shape, path: str, *, seconds: int, seed: int, profiles: int) -> Load:
        return wrk.run(
            self, "post_events.lua", connections=shape.connections, seconds=seconds, seed=seed,
            environment={"PATH_FORMAT": path, "ITEMS": str(shape.items), "PROFILES": str(profiles)},
        )  # fmt: skip

    def processor_seconds(self) -> float:
        """With that of its workers."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return super().processor_seconds() + sum(self._processor_seconds(int(child)) for child in children)


_NGINX = """
worker_processes auto;
error_log HOME/error.log;
pid HOME/nginx.pid;
events { worker_connections 1024; }
http {
    access_log off;
    keepalive_requests 1000000000;
    client_body_temp_path HOME/body;
    proxy_temp_path HOME/proxy;
    fastcgi_temp_path HOME/fastcgi;
    uwsgi_temp_path HOME/uwsgi;
    scgi_temp_path HOME/scgi;
    server { listen 127.0.0.1:PORT; location / { return 204; } }
}
"""


class Redis(_Packaged):
    """Appends to a stream, and syncs its log before it answers."""

    _FIELDS = (
        "event_time", "2025-04-01T09:43:34.471Z", "version_id", "2565266", "myNumberField", "27183",
        "myNumberWithDecimalField", "213.21", "myTextField", "some transaction", "myTrueFalseField", "false",
        "source", "some web shop",
    )  # fmt: skip

    def __init__(self, home: Path) -> None:
        super().__init__(
            ["redis-server", "--port", "{port}", "--bind", "127.0.0.1", "--dir", str(home), "--save", "",
             "--appendonly", "yes", "--appendfsync", "always", "--auto-aof-rewrite-percentage", "0"],
            home, probe="",
        )  # fmt: skip

    def _is_up(self, probe: str) -> bool:
        asked = self._run("redis-cli", "-p", str(self.port), "PING")
        return asked.returncode == 0 and "PONG" in asked.stdout

    def add(self, connections: int, *, seconds: int, profiles: int) -> Load:
        return self._load(connections, seconds, profiles, ["XADD", "events:__rand_int__", "*", *self._FIELDS])

    def fill(self, profiles: int, events: int) -> None:
        """The same number of events in the stream of each profile."""
        commands = "".join(
            " ".join(f'"{word}"' for word in ("XADD", f"events:{profile:012}", "*", *self._FIELDS)) + "\n"
            for profile in range(profiles)
            for _ in range(events)
        )
        done = self._run("redis-cli", "-p", str(self.port), "--pipe", given=commands)
        if "errors: 0," not in done.stdout:
            raise Failure(f"Redis was not filled:\n{done.stdout}{done.stderr}")

    def newest(self, connections: int, *, seconds: int, profiles: int, count: int) -> Load:
        asked = ["XREVRANGE", "events:__rand_int__", "+", "-", "COUNT", str(count)]
        return self._load(connections, seconds, profiles, asked)

    def _load(self, connections: int, seconds: int, profiles: int, command: list[str]) -> Load:
        # It counts requests, and not time.
        sample = self._benchmark(connections, 200 * connections, profiles, command)
        return self._benchmark(connections, max(round(sample.rate * seconds), 1), profiles, command)

    def _benchmark(self, connections: int, requests: int, profiles: int, command: list[str]) -> Load:
        os.sync()
        before = self.processor_seconds()
        done = self._run(
            "redis-benchmark", "-p", str(self.port), "-c", str(connections), "-n", str(requests), "-r", str(profiles),
            "--csv", *command,
        )  # fmt: skip
        used = self.processor_seconds() - before
        figures = done.stdout.strip().splitlines()[-1].split(",")[-7:]
        if done.returncode != 0 or len(figures) != 7:
            raise Failure(f"redis-benchmark failed:\n{done.stdout}{done.stderr}")
        rate, _, _, median, _, p99, worst = (float(figure.strip('"')) for figure in figures)
        return Load(
            requests=requests, seconds=requests / rate, median=median, p99=p99, p999=0, worst=worst,
            processor=used * 1e6 / requests,
        )  # fmt: skip

    @staticmethod
    def _run(name: str, *words: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [_required(name), *words], input=given, capture_output=True, text=True, env=environment()
        )


class InfluxDB(_Packaged):
    """A point with the profile as a tag; its log is synced before the answer."""

    def __init__(self, home: Path) -> None:
        (home / "influxdb.conf").write_text(_INFLUXDB.replace("HOME", str(home)))
        super().__init__(["influxd", "run", "-config", str(home / "influxdb.conf")], home, probe="/health")
        urllib.request.urlopen(self.url + "/query", data=b"q=CREATE DATABASE bench", timeout=60).close()

    def _before_start(self) -> None:
        file = self.folder / "influxdb.conf"
        file.write_text(file.read_text().replace("PORT", str(self.port)))

    def add(self, connections: int, *, seconds: int, seed: int, profiles: int) -> Load:
        return wrk.run(
            self, "post_points.lua", connections=connections, seconds=seconds, seed=seed,
            environment={"PROFILES": str(profiles)},
        )  # fmt: skip


_INFLUXDB = """
reporting-disabled = true
bind-address = "127.0.0.1:0"
[meta]
  dir = "HOME/meta"
[data]
  dir = "HOME/data"
  wal-dir = "HOME/wal"
  wal-fsync-delay = "0s"
  index-version = "tsi1"
  max-series-per-database = 0
  query-log-enabled = false
[http]
  bind-address = "127.0.0.1:PORT"
  log-enabled = false
[logging]
  level = "error"
"""


class Etcd(_Packaged):
    """A key for each event, by its gateway for JSON; its log is synced before the answer."""

    def __init__(self, home: Path) -> None:
        # The port of the clients is known when the server is made; that of other members is not used, and any will do.
        super().__init__(
            ["etcd", "--data-dir", str(home / "data"), "--listen-client-urls", "http://127.0.0.1:{port}",
             "--advertise-client-urls", "http://127.0.0.1:{port}", "--listen-peer-urls", "http://127.0.0.1:0",
             "--quota-backend-bytes", str(8 * 2**30), "--log-level", "error"],
            home, probe="/health",
        )  # fmt: skip

    def add(self, connections: int, *, seconds: int, seed: int, profiles: int) -> Load:
        return wrk.run(
            self, "post_keys.lua", connections=connections, seconds=seconds, seed=seed,
            environment={"PROFILES": str(profiles)},
        )  # fmt: skip


def syncs(pid: int, load: Callable[[], Any]) -> float | None:
    """How many syncs a process asks the system for within a second of a load, as strace counts them. It is slower
    meanwhile, so this is no figure of speed. None: strace may not watch it."""
    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    time.sleep(0.7)
    watch = subprocess.Popen(
        [_required("strace"), "-f", "-qq", "-c", "-e", "trace=fsync,fdatasync,sync_file_range,msync", "-p", str(pid)],
        stderr=subprocess.PIPE, text=True, env=environment(),
    )  # fmt: skip
    start = time.monotonic()
    time.sleep(1)
    watch.send_signal(signal.SIGINT)
    _, said = watch.communicate()
    seconds = time.monotonic() - start
    thread.join()
    rows = re.findall(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(?:fsync|fdatasync|msync)$", said, re.MULTILINE)
    if "Operation not permitted" in said:
        return None
    return sum(map(int, rows)) / seconds


def steady(server: Server, urls: list[str], headers: dict[str, str], body: bytes, *, rate: float, seconds: int) -> list[float]:
    """Posts at a fixed rate from 32 connections: the time of each in milliseconds, sorted. One that fails is a failure of
    the run."""
    uris, data, log = (server.folder / name for name in ("uris", "body", "times"))
    uris.write_text("".join(url + "\n" for url in urls))
    data.write_bytes(body)
    log.unlink(missing_ok=True)
    words = [word for name, value in headers.items() for word in ("-H", f"{name}: {value}")]
    done = subprocess.run(
        [_required("h2load"), "--h1", "-c", "32", "-t", "1", "-D", str(seconds), f"--rps={rate / 32:.2f}", "-i", str(uris),
         "-d", str(data), f"--log-file={log}", *words],
        capture_output=True, text=True, env=environment(),
    )  # fmt: skip
    if done.returncode != 0 or not log.exists():
        raise Failure(f"h2load failed:\n{done.stdout}{done.stderr}")
    times = []
    for line in log.read_text().splitlines():
        _, status, microseconds = line.split("\t")[:3]
        if status != "204":
            raise Failure(f"a post at a fixed rate was answered {status}")
        times.append(int(microseconds) / 1000)
    return sorted(times)

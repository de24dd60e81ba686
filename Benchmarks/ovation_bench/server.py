"""A server as a process: started, watched, stopped or killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import TypeVar

from .place import Failure, free_port

_TICKS = os.sysconf("SC_CLK_TCK")
_Self = TypeVar("_Self", bound="Server")


class Server:
    """Runs until its block ends."""

    def __init__(
        self, command: list[str], folder: Path, *, probe: str,
        environment: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        """
        - command: `{port}` in it is replaced.
        - probe: a path that is answered when the server can work.
        """
        self.name = Path(command[0]).name
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self._before_start()
        self._log_path = folder / "log"
        self._log = open(self._log_path, "a")
        start = time.perf_counter()
        self._process = subprocess.Popen(
            [part.replace("{port}", str(self.port)) for part in command], cwd=folder,
            env=dict(os.environ, **(environment or {})), stdin=subprocess.DEVNULL, stdout=self._log,
            stderr=subprocess.STDOUT,
        )  # fmt: skip
        self._wait_until_it_answers(probe)
        # From the start of the process to the first answer.
        self.start_seconds = time.perf_counter() - start

    def _before_start(self) -> None:
        """For a server whose port stands in a file."""

    def _is_up(self, probe: str) -> bool:
        request = f"GET {probe} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(request)
            status = connection.recv(4096).split(b" ", 2)[1:2]
        # Some know no path but one; that they answer is enough.
        return status in ([b"200"], [b"204"], [b"404"])

    def _wait_until_it_answers(self, probe: str) -> None:
        deadline = time.monotonic() + 120
        while True:
            try:
                if self._is_up(probe):
                    return
            except OSError:
                pass
            if time.monotonic() > deadline or self._process.poll() is not None:
                self._process.kill()
                raise Failure(f"{self.name} did not start:\n{self._log_path.read_text()[-4000:]}")
            time.sleep(0.001)

    def __enter__(self: _Self) -> _Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """As an operator would: what waits is committed, and the store is one file."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """As a crash would."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise Failure(f"{self.name} did not stop within a minute") from None
        finally:
            self._log.close()

    @property
    def pid(self) -> int:
        return self._process.pid

    def processor_seconds(self) -> float:
        """User and system time so far."""
        return self._processor_seconds(self._process.pid)

    @staticmethod
    def _processor_seconds(pid: int) -> float:
        # The name in brackets may hold spaces.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def rest(self, seconds_max: float = 300) -> float:
        """Waits until it does nothing any more. How many seconds that took."""
        start = time.monotonic()
        while True:
            began, used = time.monotonic(), self.processor_seconds()
            time.sleep(1)
            if self.processor_seconds() - used < 0.03:
                return began - start
            if time.monotonic() - start > seconds_max:
                raise Failure(f"{self.name} is still busy with itself after {seconds_max:.0f} s")

    def memory(self) -> float:
        """Resident now, in MB."""
        return self._status("VmRSS")

    def peak_memory(self) -> float:
        """The most that was resident since `forget_peak`, in MB."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        Path(f"/proc/{self._process.pid}/clear_refs").write_text("5")

    def _status(self, name: str) -> float:
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) * 1024 / 1e6
        raise Failure(f"the kernel does not tell {name}")

"""Runs the server and a bare Hummingbird server in turn under wrk, and prints medians, spreads and ratios.

Each round starts both servers on empty stores. What is compared in a row was measured in one run.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

BINARIES = Path(os.environ["BINARIES"])
ROUNDS = int(os.environ.get("ROUNDS", "5"))
SECONDS = int(os.environ.get("SECONDS_EACH", "5"))
ROOT = Path(__file__).resolve().parent
CLIENT_ID = "752cdd05-75e0-4f8a-bd08-62e3df753ff3"
CLIENT_SECRET = "a-secret-for-one-benchmark-run"
PATH = (
    "/audience/keyspaces/com.apsis1.keyspaces.email/profiles/p%d%%40example.com"
    "/sections/usercreated.sections.my_section-h4h3dpu3qi/events"
)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Process:
    """A server that is stopped with its block."""

    def __init__(self, arguments: list[str], folder: str, port: int, probe: str) -> None:
        environment = dict(
            os.environ, OVATION_ADMIN_CLIENT_ID=CLIENT_ID, OVATION_ADMIN_CLIENT_SECRET=CLIENT_SECRET
        )
        self.log = open(Path(folder) / "log", "w")  # noqa: SIM115
        self.process = subprocess.Popen(
            arguments, cwd=folder, env=environment, stdout=self.log, stderr=subprocess.STDOUT
        )
        self.url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(self.url + probe, timeout=1)
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    raise SystemExit(f"{arguments[0]} did not start: {Path(self.log.name).read_text()}")
                time.sleep(0.02)

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        self.log.close()

    def peak_megabytes(self) -> float:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM"):
                return int(line.split()[1]) / 1024
        return 0.0


def token(url: str) -> str:
    body = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
    request = urllib.request.Request(url + "/oauth/token", json.dumps(body).encode(), method="POST")
    return str(json.load(urllib.request.urlopen(request))["access_token"])


def load(url: str, connections: int, items: int, bearer: str) -> tuple[float, float, float]:
    """Requests a second, median and 99th percentile in milliseconds."""
    environment = dict(os.environ, TOKEN=bearer, PATH_FORMAT=PATH, ITEMS=str(items), PROFILES="1000000")
    command = [
        "wrk", "-t1", f"-c{connections}", f"-d{SECONDS}s", "-s", str(ROOT / "post_events.lua"), url,
    ]  # fmt: skip
    output = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
    line = next(line for line in output.splitlines() if line.startswith("RESULT"))
    rate, median, worst, errors = line.split()[1:]
    if errors != "0":
        raise SystemExit(f"{errors} requests failed: this is no measurement.\n{output}")
    return float(rate), float(median), float(worst)


def spread(values: list[float], digits: int = 0) -> str:
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f}–{max(values):,.{digits}f})"


def main() -> None:
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is missing: Scripts/setup bench")
    model = ROOT.parent / "Examples/article/model.yaml"
    shapes = [(1, 1), (32, 1), (256, 1), (32, 100)]
    bare: dict[tuple[int, int], list[tuple[float, float, float]]] = {shape: [] for shape in shapes}
    ours: dict[tuple[int, int], list[tuple[float, float, float]]] = {shape: [] for shape in shapes}
    memory: list[float] = []
    for number in range(ROUNDS):
        print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
        with tempfile.TemporaryDirectory() as folder:
            ports = free_port(), free_port()
            server = [str(BINARIES / "ovation"), "serve", "--port", str(ports[0]), "--model", str(model)]
            reference = [str(BINARIES / "bare-server"), str(ports[1])]
            (Path(folder) / "bare").mkdir()
            with (
                Process(server, folder, ports[0], "/ready") as ovation,
                Process(reference, folder + "/bare", ports[1], "/") as plain,
            ):
                bearer = token(ovation.url)
                for shape in shapes:
                    bare[shape].append(load(plain.url, *shape, bearer))
                    ours[shape].append(load(ovation.url, *shape, bearer))
                memory.append(ovation.peak_megabytes())
    report(shapes, bare, ours, memory)


def report(
    shapes: list[tuple[int, int]],
    bare: dict[tuple[int, int], list[tuple[float, float, float]]],
    ours: dict[tuple[int, int], list[tuple[float, float, float]]],
    memory: list[float],
) -> None:
    processor = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    print(f"\n{processor}, {os.cpu_count()} cores, {platform.system()} {platform.release()}; client on the same machine")
    print(f"{ROUNDS} rounds of {SECONDS} s, in turn; posts to a million random profiles, each answer after its sync")
    print("median (lowest–highest)\n")
    print("| connections | events a post | ÷ bare | posts/s | bare posts/s | events/s | median ms | p99 ms |")
    print("|---|---|---|---|---|---|---|---|")
    for shape in shapes:
        ratios = [ours_[0] / bare_[0] for ours_, bare_ in zip(ours[shape], bare[shape], strict=True)]
        rates = [row[0] for row in ours[shape]]
        print(
            f"| {shape[0]} | {shape[1]} | {spread(ratios, 2)} | {spread(rates)} | "
            f"{spread([row[0] for row in bare[shape]])} | {spread([rate * shape[1] for rate in rates])} | "
            f"{spread([row[1] for row in ours[shape]], 2)} | {spread([row[2] for row in ours[shape]], 1)} |"
        )
    print(f"\npeak memory of the server: {spread(memory)} MB")


main()

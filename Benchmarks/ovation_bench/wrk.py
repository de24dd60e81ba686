"""Load by wrk, on the same machine."""

from __future__ import annotations

import os
import subprocess
import time

from .figures import Load
from .place import WRK_SCRIPTS, Failure
from .server import Server


def run(server: Server, script: str, *, connections: int, seconds: int, seed: int, environment: dict[str, str]) -> Load:
    """One load, after everything that others wrote is on the disk."""
    os.sync()
    time.sleep(0.1)
    before = server.processor_seconds()
    process = start(server, script, connections=connections, seconds=seconds, seed=seed, environment=environment)
    load = finish(process)
    used = server.processor_seconds() - before
    return Load(
        requests=load.requests, seconds=load.seconds, median=load.median, p99=load.p99, p999=load.p999,
        worst=load.worst, processor=used * 1e6 / max(load.requests, 1), profiles=load.profiles,
    )  # fmt: skip


def start(
    server: Server, script: str, *, connections: int, seconds: int, seed: int, environment: dict[str, str]
) -> subprocess.Popen[str]:
    variables = dict(environment, SEED=str(seed), SCRIPTS=str(WRK_SCRIPTS))
    # One thread: it is never the bottleneck, and leaves the cores to the server. A slow answer is no error.
    command = [
        "wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "-s", str(WRK_SCRIPTS / script),
        server.url,
    ]  # fmt: skip
    return subprocess.Popen(
        command, env=dict(os.environ, **variables), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finish(process: subprocess.Popen[str], *, check_errors: bool = True) -> Load:
    output, _ = process.communicate()
    found = {line.split()[0]: line.split()[1:] for line in output.splitlines() if line.startswith(("RESULT", "PROFI"))}
    if process.returncode != 0 or "RESULT" not in found:
        raise Failure(f"wrk failed:\n{output}")
    requests, seconds, median, p99, p999, worst, errors = found["RESULT"]
    if check_errors and errors != "0":
        raise Failure(f"{errors} requests failed: this is no measurement.\n{output}")
    return Load(
        requests=int(requests), seconds=float(seconds), median=float(median), p99=float(p99), p999=float(p999),
        worst=float(worst), profiles=tuple(int(number) for number in found.get("PROFILES", [])),
    )  # fmt: skip

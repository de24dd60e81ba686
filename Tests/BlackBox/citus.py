"""A Citus that somebody else started, on this machine: OVATION_TEST_CITUS_URL names its coordinator.

It is a connection string of pairs, with a superuser whom all nodes trust. Tests kill and freeze its processes and start
them again, so they run as a user who may do so.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from postgres import WAIT_SECONDS, children, kill_all, program, send

COORDINATOR = os.environ.get("OVATION_TEST_CITUS_URL", "")
#: Shards that are moved with all their rows take a while.
STATEMENT_SECONDS = 300


@dataclass
class Node:
    """One server of PostgreSQL among those of Citus. The coordinator has the group 0."""

    host: str
    port: int
    group: int
    user: str
    data: Path = field(init=False)

    def __post_init__(self) -> None:
        self.data = Path(self.query("SHOW data_directory"))

    @property
    def name(self) -> str:
        return f"{self.host}:{self.port}"

    def target(self, database: str) -> str:
        return f"host={self.host} port={self.port} user={self.user} dbname={database}"

    def query(self, sql: str, database: str = "postgres") -> str:
        return psql(sql, self.target(database))

    @property
    def processes(self) -> list[int]:
        first = int((self.data / "postmaster.pid").read_text().split()[0])
        return [first, *children(first)]

    def freeze(self) -> None:
        # The first one first, so that it starts no more.
        for process in self.processes:
            send(process, signal.SIGSTOP)

    def thaw(self) -> None:
        for process in reversed(self.processes):
            send(process, signal.SIGCONT)

    def kill(self) -> None:
        """Every process ends where it is, at once; what was written stays."""
        send(self.processes[0], signal.SIGSTOP)
        kill_all(self.processes)
        (self.data / "postmaster.pid").unlink()

    def start(self) -> None:
        owner = self.data.stat()
        user = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        log = self.data.with_name(self.data.name + ".log")
        # It leaves locks of its sockets behind when it is killed.
        for lock in self.data.parent.glob(f".s.PGSQL.{self.port}*"):
            lock.unlink()
        result = subprocess.run(
            [program("pg_ctl"), "-D", self.data, "-w", "-t", str(WAIT_SECONDS), "-l", log, "start"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", **user,
            # Nodes look for keys and passwords in the home of the one who starts them.
            env={"PATH": os.environ["PATH"], "HOME": str(self.data)},
        )
        assert result.returncode == 0, log.read_text(errors="replace")[-2000:]


@dataclass
class Citus:
    """A database of its own on all servers."""

    nodes: list[Node]
    database: str

    @property
    def coordinator(self) -> Node:
        return self.nodes[0]

    @property
    def workers(self) -> list[Node]:
        return self.nodes[1:]

    @property
    def store(self) -> str:
        return self.coordinator.target(self.database)

    def query(self, sql: str) -> str:
        return self.coordinator.query(sql, self.database)

    def owner(self, key: str) -> Node:
        """Of a profile that is stored."""
        group = self.query(
            "SELECT groupid FROM pg_dist_placement WHERE shardid = get_shard_id_for_distribution_column("
            f"'ovation.profile', (SELECT profile_id FROM ovation.profile WHERE key = '{key}'))"
        )
        return next(node for node in self.nodes if node.group == int(group))


def psql(sql: str, target: str) -> str:
    result = subprocess.run(
        [program("psql"), "-XAtq", "-v", "ON_ERROR_STOP=1", "-c", sql, target],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=STATEMENT_SECONDS,
    )
    assert result.returncode == 0, f"{sql}\n{result.stderr}"
    return result.stdout.strip()


def databases() -> Iterator[Citus]:
    """One, which is removed afterwards."""
    rows = psql(
        "SELECT nodename || ' ' || nodeport || ' ' || groupid || ' ' || current_user FROM pg_dist_node ORDER BY groupid",
        COORDINATOR,
    ).splitlines()
    nodes = [Node(host, int(port), int(group), user) for host, port, group, user in (row.split() for row in rows)]
    assert len(nodes) > 1 and nodes[0].group == 0, "the coordinator knows itself and at least one node"
    citus = Citus(nodes, f"ovation_test_{os.getpid()}_{time.monotonic_ns()}")
    for node in nodes:
        node.query(f"CREATE DATABASE {citus.database}")
        node.query("CREATE EXTENSION citus", citus.database)
    citus.query(f"SELECT citus_set_coordinator_host('{nodes[0].host}', {nodes[0].port})")
    for node in citus.workers:
        citus.query(f"SELECT citus_add_node('{node.host}', {node.port})")
    citus.coordinator.query("ALTER SYSTEM SET citus.recover_2pc_interval = '5s'")
    citus.coordinator.query("SELECT pg_reload_conf()")
    yield citus
    citus.coordinator.query("ALTER SYSTEM RESET citus.recover_2pc_interval")
    for node in nodes:
        node.query(f"DROP DATABASE {citus.database} WITH (FORCE)")

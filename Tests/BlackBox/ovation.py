"""The built binary as the tests use it: a server process, its command line, and a small client."""

from __future__ import annotations

import base64
import contextlib
import ctypes
import itertools
import json
import os
import re
import resource
import secrets
import signal
import socket
import struct
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import requests

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("OVATION_BINARY", ROOT / ".build/debug/ovation")).absolute()
ARTICLE_MODEL = ROOT / "Examples/article/model.yaml"

DEFAULT_SECTION = "com.apsis1.sections.default"
EMAIL = "com.apsis1.keyspaces.email"
MOBILE = "com.apsis1.keyspaces.mobile"
CRM_ID = "com.apsis1.keyspaces.crm-id"

ARTICLE_SECTION = "usercreated.sections.my_section-h4h3dpu3qi"
ARTICLE_EVENT_TYPE = "com.apsis1.events.transaction.custom-my-transaction-l9ce3syo6t"

# Bounds for everything that is waited for. They are generous, because nothing here is a test of speed.
START_SECONDS = 60
# Bounds what hangs, and not what is slow: an import of 120 MB takes a debug build most of a minute.
COMMAND_SECONDS = 300
STOP_SECONDS = 60
REQUEST_SECONDS = 30

Json = Any


@dataclass(frozen=True)
class Credentials:
    client_id: str
    client_secret: str

    @staticmethod
    def random() -> Credentials:
        return Credentials(str(uuid.uuid4()), secrets.token_hex(32))


def wait_until(condition: Callable[[], bool], seconds: float, interval: float = 0.01) -> bool:
    """Polls until the condition holds; False when it does not within the bound."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(interval)
    return True


#: Below those that the system gives to outgoing connections, so that a server which is stopped and started again finds
#: its port free. Tests that run beside each other have ranges of their own.
PORTS_BEGIN, PORTS_EACH = 16_000, 4_000
_ports: Iterator[int] | None = None


def _next_ports() -> Iterator[int]:
    worker = int(re.sub(r"\D", "", os.environ.get("PYTEST_XDIST_WORKER", "")) or 0)
    begin = PORTS_BEGIN + worker % 4 * PORTS_EACH
    # Another run on the same machine begins elsewhere.
    start = secrets.randbelow(PORTS_EACH)
    for count in itertools.count():
        yield begin + (start + count) % PORTS_EACH


def free_port() -> int:
    """A port of the loopback on which nothing listens."""
    global _ports
    _ports = _ports or _next_ports()
    for port in itertools.islice(_ports, PORTS_EACH):
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                listener.bind(("127.0.0.1", port))
                return port
    raise AssertionError(f"no port of {PORTS_BEGIN} and above is free")


def environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment that no setting of the person who runs the tests reaches into."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OVATION_", "XDG_")) and not name.lower().endswith("_proxy")
    }
    return {**kept, "HOME": str(home), **(extra or {})}


def run(
    *arguments: str | Path,
    home: Path,
    env: Mapping[str, str] | None = None,
    stdin: str = "",
    folder: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs the binary to its end."""
    return subprocess.run(
        [BINARY, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        env=environment(home, env),
        cwd=folder or home,
    )


def printed_credentials(text: str) -> set[Credentials]:
    """Every client id and secret that a text shows, as a person would read them off."""
    ids = re.findall(r"client[ _-]?id\W+([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})", text, re.IGNORECASE)
    secret = re.findall(r"client[ _-]?secret\W+([A-Za-z0-9_-]{16,})", text, re.IGNORECASE)
    return {Credentials(client_id, client_secret) for client_id in ids for client_secret in secret}


def decoded_token(token: str) -> tuple[Json, Json]:
    """Header and claims of a JWT, unverified."""

    def part(text: str) -> Json:
        return json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))

    header, claims, _ = token.split(".")
    return part(header), part(claims)


# MARK: The server


@dataclass
class Server:
    """One server on a free port of the loopback, with its data, its output and its home in a folder of its own."""

    folder: Path
    credentials: Credentials | None = field(default_factory=Credentials.random)
    model: Path | None = None
    options: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    #: False: neither --store, --host nor --port are given, and the port is the one set here.
    with_usual_options: bool = True
    # The hard limit of open files, which the server cannot raise.
    files_max: int | None = None
    port: int = field(default_factory=free_port)
    #: Where everything is kept, as `--store` takes it; None: a file in the folder.
    store_name: str | None = None
    #: Sockets that it gets as systemd hands them over; then it has no port of its own.
    handed: Sequence[socket.socket] = ()
    #: Bytes that a file may grow to, as if the disk were full then.
    file_size_max: int | None = None

    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    seconds_to_first_answer: float = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def store(self) -> Path:
        return self.folder / "ovation.sqlite"

    @property
    def output(self) -> str:
        """What all starts printed, on both streams."""
        return "".join(self.output_of_start(number) for number in range(1, self.starts + 1))

    def output_of_start(self, number: int) -> str:
        return "".join(
            (self.folder / f"{number}.{stream}").read_text(errors="replace") for stream in ("stdout", "stderr")
        )

    @property
    def arguments(self) -> list[str]:
        arguments = ["serve"]
        if self.with_usual_options:
            arguments += ["--store", self.store_name or f"sqlite:{self.store}", "--host", "127.0.0.1", "--port", str(self.port)]
        if self.model is not None:
            arguments += ["--model", str(self.model)]
        return [*arguments, *self.options]

    def start(self) -> Server:
        assert self.process is None, "it runs already"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.starts += 1
        env = dict(self.env)
        if self.credentials is not None:
            env["OVATION_ADMIN_CLIENT_ID"] = self.credentials.client_id
            env["OVATION_ADMIN_CLIENT_SECRET"] = self.credentials.client_secret
        began = time.monotonic()
        with (
            open(self.folder / f"{self.starts}.stdout", "wb") as stdout,
            open(self.folder / f"{self.starts}.stderr", "wb") as stderr,
        ):
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=environment(self.folder, env),
                cwd=self.folder,
                start_new_session=True,
                # Python ignores SIGXFSZ; a child that inherits this sees a failed write instead of dying.
                restore_signals=self.file_size_max is None,
                preexec_fn=self._prepare_child,
                pass_fds=[handed.fileno() for handed in self.handed],
            )
        self.process = process
        ready = wait_until(lambda: self._is_ready() or process.poll() is not None, START_SECONDS)
        self.seconds_to_first_answer = time.monotonic() - began
        code = process.poll()
        if code is not None or not ready:
            self.kill()
            raise AssertionError(f"the server did not get ready (exit code {code}):\n{self.output}")
        return self

    @property
    def _command(self) -> list[str | Path]:
        if not self.handed:
            return [BINARY, *self.arguments]
        # From descriptor 3 on, by the shell that becomes the server, so that the process id is its own.
        moves = [f"exec {200 + number}<&{handed.fileno()}" for number, handed in enumerate(self.handed)]
        moves += [f"exec {3 + number}<&{200 + number}" for number in range(len(self.handed))]
        script = "; ".join([*moves, f'export LISTEN_FDS={len(self.handed)} LISTEN_PID=$$; exec "$@"'])
        return ["bash", "-c", script, "bash", BINARY, *self.arguments]

    def _prepare_child(self) -> None:
        if self.file_size_max is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (self.file_size_max, self.file_size_max))
        if self.files_max is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.files_max, self.files_max))
        if sys.platform == "linux":
            # PR_SET_PDEATHSIG: however the tests end, the server does not outlive them.
            ctypes.CDLL(None).prctl(1, signal.SIGKILL)

    def _is_ready(self) -> bool:
        try:
            unix = next((handed for handed in self.handed if handed.family == socket.AF_UNIX), None)
            with RawConnection(unix.getsockname() if unix else self.port) as connection:
                connection.send(b"GET /ready HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
                return connection.read_response().status == 200
        except (OSError, ConnectionClosed):
            return False

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def wait(self) -> int:
        """Waits for the end of the process and gives its exit code."""
        assert self.process is not None
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"the server did not stop within {STOP_SECONDS} s:\n{self.output}") from None
        self.process = None
        return code

    def stop(self) -> None:
        """Stops it as an operator does."""
        self.signal(signal.SIGTERM)
        code = self.wait()
        assert code == 0, f"exit code {code} after SIGTERM:\n{self.output}"

    def kill(self) -> None:
        """Stops it with SIGKILL, as the kernel does when memory is short."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def client(self, credentials: Credentials | None = None) -> Client:
        used = credentials or self.credentials
        assert used is not None
        return Client(self.url, used)


# MARK: The client


def events_path(keyspace: str, key: str, section: str) -> str:
    return f"/audience/keyspaces/{keyspace}/profiles/{quote(key, safe='')}/sections/{section}/events"


def event(version: str | int, data: Json, event_time: str = "2020-10-14T09:43:34.471Z") -> Json:
    return {"event_time": event_time, "version_id": version, "data": data}


class Client:
    """Speaks HTTP with a token that it gets when it first needs one."""

    def __init__(self, url: str, credentials: Credentials) -> None:
        self.url = url
        self.credentials = credentials
        self.session = requests.Session()
        self.session.trust_env = False
        self._token: str | None = None

    @property
    def token(self) -> str:
        if self._token is None:
            response = self.ask_for_token()
            assert response.status_code == 200, response.text
            self._token = response.json()["access_token"]
        return self._token

    @token.setter
    def token(self, token: str | None) -> None:
        self._token = token

    def ask_for_token(self, credentials: Credentials | None = None) -> requests.Response:
        used = credentials or self.credentials
        body = {
            "grant_type": "client_credentials",
            "client_id": used.client_id,
            "client_secret": used.client_secret,
        }
        return self.session.post(f"{self.url}/oauth/token", json=body, timeout=REQUEST_SECONDS)

    def request(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **options: Any
    ) -> requests.Response:
        return self.session.request(
            method,
            self.url + path,
            headers={"Authorization": f"Bearer {self.token}", **(headers or {})},
            timeout=REQUEST_SECONDS,
            **options,
        )

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> requests.Response:
        return self.request("POST", path, **options)

    def make_event_type(
        self,
        fields: Mapping[str, Json],
        *,
        section: str = DEFAULT_SECTION,
        name: str = "test event",
        keyspaces: Sequence[str] = (EMAIL, MOBILE, CRM_ID),
    ) -> Json:
        """Makes an event type that may be read and written through some keyspaces."""
        permissions = [{"keyspace_discriminator": keyspace, "read": True, "write": True} for keyspace in keyspaces]
        body = {"name": name, "category": "transaction", "fields": fields, "keyspace_permissions": permissions}
        response = self.post(f"/audience/sections/{section}/events", json=body)
        assert response.status_code == 201, response.text
        return response.json()

    def make_version(self, fields: Mapping[str, Json], **options: Any) -> str:
        """The id of the first version of a new event type."""
        return self.make_event_type(fields, **options)["versions"][0]["id"]

    def post_events(
        self,
        items: Sequence[Json],
        *,
        keyspace: str = EMAIL,
        key: str = "steve@apsis.com",
        section: str = DEFAULT_SECTION,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        return self.post(events_path(keyspace, key, section), json={"items": items}, headers=headers)

    def list_events(
        self, *, keyspace: str = EMAIL, key: str = "steve@apsis.com", section: str = DEFAULT_SECTION
    ) -> Json:
        """All events of a profile, newest first, page by page. A profile that does not exist has none."""
        items: list[Json] = []
        parameters = {"limit": "1000"}
        while True:
            response = self.get(events_path(keyspace, key, section), params=parameters)
            if response.status_code == 404 and response.json()["code"] == "profile_not_found":
                return []
            assert response.status_code == 200, response.text
            page = response.json()
            items += page["items"]
            if page["next_cursor"] is None:
                return items
            assert page["items"], "a page that is not the last has events"
            parameters["cursor"] = page["next_cursor"]


def assert_problem(response: requests.Response | RawResponse, status: int, code: str | None = None) -> Json:
    """Checks that an answer is an error as every error is, and gives its body."""
    raw = response if isinstance(response, RawResponse) else RawResponse.of(response)
    assert raw.status == status, f"{raw.status} instead of {status}: {raw.body!r}"
    assert raw.header("content-type") == "application/problem+json"
    body = json.loads(raw.body)
    assert list(body)[:3] == ["title", "status", "detail"], body
    assert body["title"] and body["detail"]
    assert body["status"] == status
    assert body["request_id"] == raw.header("x-request-id")
    if code is not None:
        assert body["code"] == code, body
    return body


# MARK: Raw sockets


class ConnectionClosed(Exception):
    """The other side closed before an answer was complete."""


@dataclass
class RawResponse:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @staticmethod
    def of(response: requests.Response) -> RawResponse:
        return RawResponse(response.status_code, list(response.headers.items()), response.content)

    def header(self, name: str) -> str | None:
        values = [value for header, value in self.headers if header.lower() == name.lower()]
        assert len(values) <= 1, f"{name} is there {len(values)} times"
        return values[0] if values else None


class RawConnection:
    """A connection on which bytes are sent as they are, and answers are read one after the other."""

    def __init__(self, place: int | str | Path) -> None:
        """To a port of this machine, or to the path of a Unix socket."""
        if isinstance(place, int):
            self.socket = socket.create_connection(("127.0.0.1", place), timeout=REQUEST_SECONDS)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(REQUEST_SECONDS)
            self.socket.connect(str(place))
        self.buffer = b""

    def __enter__(self) -> RawConnection:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_chunk(self, data: bytes) -> None:
        self.send(b"%x\r\n%s\r\n" % (len(data), data))

    def end_chunks(self) -> None:
        self.send(b"0\r\n\r\n")

    def end_sending(self) -> None:
        self.socket.shutdown(socket.SHUT_WR)

    def break_off(self) -> None:
        """Closes with a reset, as a crashed client does."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def read_response(self, *, to_head: bool = False, interim: bool = False) -> RawResponse:
        """The next final answer, or the next one at all with `interim`."""
        while True:
            response = self._read_response(to_head)
            if interim or response.status >= 200:
                return response

    def _read_response(self, to_head: bool) -> RawResponse:
        lines = self._read_until(b"\r\n\r\n").decode("latin-1").split("\r\n")
        match = re.fullmatch(r"HTTP/1\.[01] (\d{3})(?: .*)?", lines[0])
        assert match, f"no status line: {lines[0]!r}"
        headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines[1:])]
        response = RawResponse(int(match[1]), headers, b"")
        length = response.header("content-length")
        if to_head or response.status < 200 or response.status in (204, 304):
            return response
        if response.header("transfer-encoding") == "chunked":
            while size := int(self._read_until(b"\r\n"), 16):
                response.body += self._read(size)
                assert self._read(2) == b"\r\n"
            assert self._read_until(b"\r\n") == b"", "trailers are not expected"
        elif length is not None:
            response.body = self._read(int(length))
        else:
            response.body = self.read_to_end()
        return response

    def read_to_end(self) -> bytes:
        """All that comes until the other side closes."""
        while self._receive():
            pass
        data, self.buffer = self.buffer, b""
        return data

    def _receive(self) -> bool:
        data = self.socket.recv(65536)
        self.buffer += data
        return bool(data)

    def _read(self, size: int) -> bytes:
        while len(self.buffer) < size:
            if not self._receive():
                raise ConnectionClosed(f"{len(self.buffer)} of {size} bytes")
        data, self.buffer = self.buffer[:size], self.buffer[size:]
        return data

    def _read_until(self, end: bytes) -> bytes:
        while end not in self.buffer:
            if not self._receive():
                raise ConnectionClosed(f"after {self.buffer[:100]!r}")
        data, _, self.buffer = self.buffer.partition(end)
        return data


def raw_request(port: int, data: bytes) -> RawResponse:
    """Sends bytes on a connection of their own and reads one answer."""
    with RawConnection(port) as connection:
        connection.send(data)
        return connection.read_response()

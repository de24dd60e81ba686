"""A folder with a Debian in it, and programs that run there."""

import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


#: Looked up here: what runs in the root has a PATH of its own.
CHROOT = shutil.which("chroot") or "/usr/sbin/chroot"


class NoRoot(Exception):
    """This machine has no right to make or to enter a root file system, or no way to Debian's packages."""


class CleanRoot:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def make(self) -> None:
        try:
            done = subprocess.run(
                ["debootstrap", "--variant=minbase", "bookworm", str(self.folder)], capture_output=True, text=True,
                timeout=400)
        except subprocess.TimeoutExpired as error:
            raise NoRoot(str(error)) from error
        if done.returncode != 0:
            raise NoRoot(done.stdout[-3000:] + done.stderr[-3000:])
        # How this machine reaches Debian's packages is how the root reaches them.
        for file in Path("/etc/apt/apt.conf.d").iterdir():
            if file.name != "70debconf" and not (self.folder / "etc/apt/apt.conf.d" / file.name).exists():
                shutil.copy(file, self.folder / "etc/apt/apt.conf.d" / file.name)
        shutil.copy("/etc/resolv.conf", self.folder / "etc/resolv.conf")
        self.mount()

    def mount(self) -> None:
        """What a kernel or a container gives every system."""
        for name in ("proc", "dev"):
            (self.folder / name).mkdir(exist_ok=True)
            done = subprocess.run(
                ["mount", "--rbind", f"/{name}", str(self.folder / name)], capture_output=True, text=True)
            if done.returncode != 0:
                raise NoRoot(done.stderr)

    def remove(self) -> None:
        for name in ("proc", "dev"):
            subprocess.run(["umount", "-R", "-l", str(self.folder / name)], capture_output=True)

    def run(self, *command: str, check: bool = True, user: str = "root", input: str | None = None) -> str:
        """What a command wrote, in order of standard output and standard error."""
        done = subprocess.run(
            [CHROOT, f"--userspec={user}", str(self.folder), *command], capture_output=True, text=True,
            timeout=600, input=input, env=self._environment())
        assert not check or done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout + done.stderr

    def put(self, file: Path) -> str:
        shutil.copy(file, self.folder / "tmp")
        return f"/tmp/{file.name}"

    @contextmanager
    def serving(self, *options: str, user: str, environment: dict[str, str] | None = None) -> Iterator["Server"]:
        port = free_port()
        log = self.folder / "tmp/server.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [CHROOT, f"--userspec={user}", str(self.folder), "/usr/bin/ovation", "serve", "--port", str(port), *options],
                stdout=output, stderr=subprocess.STDOUT, env={**self._environment(), **(environment or {})})
        server = Server(port)
        try:
            server.wait_until_ready(process, log)
            yield server
        finally:
            process.terminate()
            assert process.wait(30) == 0, log.read_text()

    @staticmethod
    def _environment() -> dict[str, str]:
        names = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
        kept = {name: os.environ[name] for name in names if name in os.environ}
        return {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive",
            "HOME": "/root", **kept,
        }


class Server:
    """A server, as an integration talks to it."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.token = ""

    def wait_until_ready(self, process: subprocess.Popen[bytes], log: Path) -> None:
        deadline = time.monotonic() + 30
        while True:
            try:
                status, _ = self.call("GET", "/ready")
                if status == 200:
                    return
            except OSError:
                pass
            assert process.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)

    def sign_in(self, client_id: str, secret: str) -> None:
        form = {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret}
        status, answer = self.call("POST", "/oauth/token", urllib.parse.urlencode(form).encode())
        assert status == 200, answer
        self.token = json.loads(answer)["access_token"]

    def call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        request = urllib.request.Request(self.url + path, data=body, method=method, headers=headers)
        # Whatever proxy this machine has, it is not for its own servers.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=10) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()


ARTICLE = "/audience/keyspaces/com.apsis1.keyspaces.email/profiles/steve%40apsis.com/sections/"
EVENTS = ARTICLE + "usercreated.sections.my_section-h4h3dpu3qi/events"
EVENT = json.dumps({"items": [{
    "event_time": "2020-10-14T09:43:34.471Z", "version_id": 2565266, "data": {
        "myNumberField": 27183, "myNumberWithDecimalField": 213.21, "myTextField": "some transaction",
        "myTrueFalseField": False, "source": "some web shop",
    },
}]}).encode()


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def events(server: Server) -> int:
    status, answer = server.call("GET", EVENTS)
    assert status == 200, answer
    return len(json.loads(answer)["items"])

"""A proxy that gives a server a part of a host: everything under a prefix goes there, and nothing else."""

from __future__ import annotations

import re
import socket
import threading

from ovation import free_port


class PrefixProxy:
    """Each connection has one request. The answer is passed on as it comes, so that streams work."""

    def __init__(self, port: int, prefix: str, *, strips: bool) -> None:
        self.server_port = port
        self.prefix = prefix
        #: Whether the server gets paths without the prefix.
        self.strips = strips
        #: Paths that do not begin with the prefix, which another program would have got.
        self.strays: list[str] = []
        self.port = free_port()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client:
            data = b""
            while b"\r\n\r\n" not in data:
                part = client.recv(65536)
                if not part:
                    return
                data += part
            head, _, body = data.partition(b"\r\n\r\n")
            line, *fields = head.split(b"\r\n")
            method, target, version = line.split(b" ")
            path = target.decode("latin-1")
            if re.split("[/?]", path.removeprefix(self.prefix), maxsplit=1)[0] or not path.startswith(self.prefix):
                self.strays.append(path)
                client.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            if self.strips:
                path = path.removeprefix(self.prefix)
                path = path if path.startswith("/") else "/" + path
            fields = [field for field in fields if not field.lower().startswith(b"connection:")]
            with socket.create_connection(("127.0.0.1", self.server_port)) as server:
                line = b" ".join([method, path.encode("latin-1"), version])
                server.sendall(b"\r\n".join([line, b"Connection: close", *fields]) + b"\r\n\r\n" + body)
                threading.Thread(target=_pass_on, args=(client, server), daemon=True).start()
                # The client must not wait for more on this connection, nor ask on it again.
                begin = server.recv(65536).replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
                client.sendall(begin)
                _pass_on(server, client)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    try:
        while part := source.recv(65536):
            target.sendall(part)
    except OSError:
        pass

"""Writes an image as a tar of an OCI layout, without a daemon: the program, the libraries that it is linked with, and
what those need of a system.

    image.py PROGRAM VERSION FILE

The libraries are those of the Debian packages of this machine. `var/lib/dpkg/status.d` says which, so that a scanner
can tell what is in the image. Dockerfile makes the same image where there is a daemon.
"""

import gzip
import hashlib
import io
import json
import os
import platform
import re
import subprocess
import sys
import tarfile
from pathlib import Path

USER = 10001
EPOCH = int(os.environ["SOURCE_DATE_EPOCH"])
PASSWD = f"root:x:0:0:root:/root:/sbin/nologin\novation:x:{USER}:{USER}:Ovation:/data:/sbin/nologin\n"
GROUP = f"root:x:0:\novation:x:{USER}:\n"
NSSWITCH = "hosts: files dns\n"


def libraries(program: str) -> list[str]:
    """Everything that the loader loads with the program, the loader itself too, by the names it asks for."""
    text = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    found = set(re.findall(r"(?:=> )?(/\S+) \(0x", text))
    # What the C library loads only when a name is looked up.
    libc = next(path for path in found if "/libc.so" in path)
    found |= {str(path) for path in Path(libc).parent.glob("libnss_*.so.2")}
    found |= {str(path) for path in Path(libc).parent.glob("libresolv.so.2")}
    return sorted(found)


def packages(files: list[str]) -> list[str]:
    names = set()
    for file in files:
        # A package may have it under the name from before /lib was a link to /usr/lib.
        for path in (os.path.realpath(file), os.path.realpath(file).removeprefix("/usr")):
            done = subprocess.run(["dpkg", "-S", path], capture_output=True, text=True)
            if done.returncode == 0:
                names.add(done.stdout.split(":")[0])
                break
        else:
            raise SystemExit(f"image: no package has {file}")
    return sorted(names)


class Layer:
    """A tar whose bytes depend on nothing but what is in it."""

    def __init__(self) -> None:
        self.buffer = io.BytesIO()
        self.tar = tarfile.open(fileobj=self.buffer, mode="w", format=tarfile.PAX_FORMAT)
        self.folders: set[str] = set()

    def _add(self, info: tarfile.TarInfo, data: bytes | None = None) -> None:
        info.mtime = EPOCH
        self.tar.addfile(info, io.BytesIO(data) if data is not None else None)

    def folder(self, path: str, mode: int = 0o755, owner: int = 0) -> None:
        if not path or path in self.folders:
            return
        self.folder(os.path.dirname(path))
        self.folders.add(path)
        info = tarfile.TarInfo(path)
        info.type, info.mode, info.uid, info.gid = tarfile.DIRTYPE, mode, owner, owner
        self._add(info)

    def file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        self.folder(os.path.dirname(path))
        info = tarfile.TarInfo(path)
        info.size, info.mode = len(data), mode
        self._add(info, data)

    def link(self, path: str, target: str) -> None:
        self.folder(os.path.dirname(path))
        info = tarfile.TarInfo(path)
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, target, 0o777
        self._add(info)

    def bytes(self) -> bytes:
        self.tar.close()
        return self.buffer.getvalue()


def root(program: str) -> bytes:
    layer = Layer()
    layer.folder("etc")
    layer.file("etc/passwd", PASSWD.encode())
    layer.file("etc/group", GROUP.encode())
    layer.file("etc/nsswitch.conf", NSSWITCH.encode())
    layer.folder("tmp", 0o1777)
    layer.folder("data", 0o700, USER)
    # Debian 12 has these as links.
    for name in ("bin", "lib", "lib64"):
        layer.folder(f"usr/{name}")
        layer.link(name, f"usr/{name}")
    needed = libraries(program)
    for file in needed:
        target = "/usr" + file if not file.startswith("/usr") else file
        layer.file(target.lstrip("/"), Path(file).read_bytes(), 0o755)
    for package in packages(needed) + ["ca-certificates"]:
        status = subprocess.run(["dpkg", "-s", package], check=True, capture_output=True).stdout
        layer.file(f"var/lib/dpkg/status.d/{package}", status)
        copyright = Path(f"/usr/share/doc/{package}/copyright")
        if copyright.exists():
            layer.file(str(copyright).lstrip("/"), copyright.read_bytes())
    layer.file("etc/ssl/certs/ca-certificates.crt", Path("/etc/ssl/certs/ca-certificates.crt").read_bytes())
    layer.file("usr/bin/ovation", Path(program).read_bytes(), 0o755)
    return layer.bytes()


def main() -> None:
    program, version, file = sys.argv[1:4]
    # A version of Debian may have letters that a tag must not have.
    tag = re.sub(r"[^\w.-]", "-", version)
    plain = root(program)
    packed = gzip.compress(plain, compresslevel=9, mtime=0)
    digest = lambda data: "sha256:" + hashlib.sha256(data).hexdigest()
    created = __import__("datetime").datetime.fromtimestamp(EPOCH, __import__("datetime").timezone.utc).isoformat()
    labels = {
        "org.opencontainers.image.title": "ovation",
        "org.opencontainers.image.description": "An audience event store that speaks the HTTP API of APSIS One",
        "org.opencontainers.image.version": version,
        "org.opencontainers.image.licenses": "Apache-2.0",
    }
    config = {
        "created": created, "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()], "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "ExposedPorts": {"8080/tcp": {}},
            "Env": ["PATH=/usr/bin", "OVATION_HOST=0.0.0.0", "OVATION_STORE=sqlite:/data/ovation.sqlite"],
            "Entrypoint": ["/usr/bin/ovation"],
            "Cmd": ["serve"],
            "Volumes": {"/data": {}},
            "WorkingDir": "/data",
            "StopSignal": "SIGTERM",
            "Labels": labels,
            # In nanoseconds. Docker reads it; the OCI's own description of images has no health check.
            "Healthcheck": {
                "Test": ["CMD", "/usr/bin/ovation", "ready"], "Interval": 10_000_000_000,
                "Timeout": 5_000_000_000, "StartPeriod": 60_000_000_000, "Retries": 3,
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [digest(plain)]},
        "history": [{"created": created, "created_by": "Scripts/package"}],
    }
    blobs: dict[str, bytes] = {}

    def blob(data: bytes, media: str) -> dict:
        blobs[hashlib.sha256(data).hexdigest()] = data
        return {"mediaType": media, "digest": digest(data), "size": len(data)}

    encoded = lambda value: json.dumps(value, sort_keys=True).encode()
    oci = "application/vnd.oci.image."
    manifest = {
        "schemaVersion": 2, "mediaType": oci + "manifest.v1+json",
        "config": blob(encoded(config), oci + "config.v1+json"),
        "layers": [blob(packed, oci + "layer.v1.tar+gzip")],
    }
    entry = blob(encoded(manifest), oci + "manifest.v1+json")
    entry["annotations"] = {"org.opencontainers.image.ref.name": tag, "io.containerd.image.name": f"ovation:{tag}"}
    layout = Layer()
    layout.file("oci-layout", encoded({"imageLayoutVersion": "1.0.0"}))
    layout.file("index.json", encoded({"schemaVersion": 2, "mediaType": oci + "index.v1+json", "manifests": [entry]}))
    # `docker load` of versions before 25 reads this one.
    layers = [f"blobs/sha256/{manifest['layers'][0]['digest'].removeprefix('sha256:')}"]
    layout.file("manifest.json", encoded([{
        "Config": f"blobs/sha256/{manifest['config']['digest'].removeprefix('sha256:')}",
        "RepoTags": [f"ovation:{tag}"], "Layers": layers,
    }]))
    for name, data in sorted(blobs.items()):
        layout.file(f"blobs/sha256/{name}", data)
    Path(file).write_bytes(layout.bytes())
    print(f"    the image: {len(packed) / 1e6:.1f} MB to fetch, {len(plain) / 1e6:.1f} MB unpacked")


main()

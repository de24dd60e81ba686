"""Prints what is in the program, as CycloneDX 1.5: the Swift packages of the dependency tree that comes on standard
input, and the system's libraries that the program is linked with.

    swift package show-dependencies --format json | components.py VERSION PROGRAM
"""

import json
import os
import re
import subprocess
import sys
from datetime import datetime, timezone


def walk(node: dict, found: dict[str, dict], edges: dict[str, set[str]]) -> None:
    for child in node["dependencies"]:
        reference = f"pkg:swift/{child['url'].removeprefix('https://')}@{child['version']}"
        found[reference] = child
        edges.setdefault(node.get("reference", "ovation"), set()).add(reference)
        child["reference"] = reference
        walk(child, found, edges)


def system_packages(program: str) -> dict[str, str]:
    text = subprocess.run(["ldd", program], check=True, capture_output=True, text=True).stdout
    versions: dict[str, str] = {}
    for path in sorted(set(re.findall(r"=> (/\S+) \(0x", text))):
        for name in (os.path.realpath(path), os.path.realpath(path).removeprefix("/usr")):
            owner = subprocess.run(["dpkg", "-S", name], capture_output=True, text=True)
            if owner.returncode == 0:
                package = owner.stdout.split(":")[0]
                version = subprocess.run(
                    ["dpkg-query", "-W", "-f", "${Version}", package], check=True, capture_output=True, text=True)
                versions[package] = version.stdout
                break
    return versions


def main() -> None:
    version, program = sys.argv[1:3]
    found: dict[str, dict] = {}
    edges: dict[str, set[str]] = {}
    walk(json.load(sys.stdin), found, edges)
    components = [
        {"type": "library", "bom-ref": reference, "name": package["identity"], "version": package["version"], "purl": reference}
        for reference, package in sorted(found.items())
    ]
    for package, its in sorted(system_packages(program).items()):
        reference = f"pkg:deb/debian/{package}@{its}"
        components.append({"type": "library", "bom-ref": reference, "name": package, "version": its, "purl": reference})
        edges.setdefault("ovation", set()).add(reference)
    time = datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), timezone.utc)
    document = {
        "bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
        "metadata": {
            "timestamp": time.isoformat().replace("+00:00", "Z"),
            "component": {
                "type": "application", "bom-ref": "ovation", "name": "ovation", "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
        },
        "components": components,
        "dependencies": [{"ref": ref, "dependsOn": sorted(on)} for ref, on in sorted(edges.items())],
    }
    print(json.dumps(document, indent=2))


main()

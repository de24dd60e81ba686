"""The figures for Prometheus, and what is made of them: a dashboard and rules."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import requests
import yaml

from ovation import DEFAULT_SECTION, ROOT, Client, Server, event

MONITORING = ROOT / "packaging/monitoring"


def figures(server: Server) -> dict[str, float]:
    text = requests.get(server.url + "/metrics", timeout=60).text
    pairs = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs}


def expressions() -> list[str]:
    """All queries of the dashboard and of the rules."""
    dashboard = json.loads((MONITORING / "grafana.json").read_text())
    rules = yaml.safe_load((MONITORING / "alerts.yaml").read_text())
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    queries += [variable["query"]["query"] for variable in dashboard["templating"]["list"] if variable["type"] == "query"]
    return queries + [rule["expr"] for group in rules["groups"] for rule in group["rules"]]


def test_the_dashboard_and_the_rules_name_figures_and_labels_that_there_are(server: Server, admin: Client) -> None:
    version = admin.make_version({"n": "integer"}, name="measured")
    assert admin.post_events([event(version, {"n": 1})]).status_code == 204
    found = figures(server)
    names = {name.partition("{")[0] for name in found}
    labels = {name: set() for name in names}
    for name in found:
        labels[name.partition("{")[0]] |= set(re.findall(r"(\w+)=", name))
    asked = set()
    for query in expressions():
        for name, selector in re.findall(r"\b((?:ovation|process)_\w+)(\{[^}]*\})?", query):
            asked.add(name)
            assert name in names, query
            # Prometheus itself adds these two.
            assert set(re.findall(r"(\w+)=", selector)) <= labels[name] | {"job", "instance"}, query
        for grouping in re.findall(r"by \(([^)]*)\)", query):
            known = {"instance", *(label for name in asked for label in labels[name])}
            assert set(grouping.split(", ")) <= known, query
        assert query.count("(") == query.count(")") and query.count("{") == query.count("}")
    assert len(asked) >= 12
    # Every figure of the server is looked at somewhere.
    whole = {re.sub("_(bucket|sum|count)$", "", name) for name in names if name.startswith("ovation_")}
    assert whole == {re.sub("_(bucket|sum|count)$", "", name) for name in asked if name.startswith("ovation_")}


def test_rules_say_what_is_wrong_and_what_to_do() -> None:
    rules = yaml.safe_load((MONITORING / "alerts.yaml").read_text())["groups"][0]["rules"]
    assert len({rule["alert"] for rule in rules}) == len(rules) >= 6
    for rule in rules:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert set(rule["annotations"]) == {"summary", "description"}


def test_panels_of_the_dashboard_do_not_lie_on_each_other() -> None:
    panels = json.loads((MONITORING / "grafana.json").read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels) and all(x in (0, 12) and y % 8 == 0 for x, y in places)


def test_the_process_is_described_as_the_system_does(server: Server) -> None:
    assert server.process is not None
    process = Path(f"/proc/{server.process.pid}")
    found = figures(server)
    page = os.sysconf("SC_PAGE_SIZE")
    size, resident = (int(word) * page for word in (process / "statm").read_text().split()[:2])
    # Memory comes and goes between the two looks.
    assert resident / 2 < found["process_resident_memory_bytes"] < resident * 2
    assert size / 2 < found["process_virtual_memory_bytes"] < size * 2
    files = len(list((process / "fd").iterdir()))
    assert abs(found["process_open_fds"] - files) <= 4
    [limit] = re.findall(r"Max open files +(\d+)", (process / "limits").read_text())
    assert found["process_max_fds"] == int(limit)
    ticks = sum(int(word) for word in (process / "stat").read_text().rpartition(")")[2].split()[11:13])
    assert 0 < found["process_cpu_seconds_total"] <= ticks / os.sysconf("SC_CLK_TCK") + 1
    assert time.time() - 3600 < found["process_start_time_seconds"] <= time.time()
    [info] = [name for name in found if name.startswith("ovation_build_info")]
    version = requests.get(server.url + "/", timeout=60).json()["version"]
    assert info == f'ovation_build_info{{version="{version}"}}' and found[info] == 1


def test_events_are_counted_by_their_types(server: Server, admin: Client) -> None:
    made = admin.make_event_type({"n": "integer"}, section=DEFAULT_SECTION, name="counted")
    version = made["versions"][0]["id"]
    name = f'ovation_event_type_events_total{{event_type="{made["discriminator"]}"}}'
    assert name not in figures(server)
    assert admin.post_events([event(version, {"n": 1}), event(version, {"n": 2})]).status_code == 204
    assert admin.post_events([event(version, {"n": "one"})]).status_code == 400
    assert figures(server)[name] == 2
    line = {"keyspace": "com.apsis1.keyspaces.email", "profile_key": "a@example.com", "version_id": version,
            "event_time": "2024-01-01T00:00:00Z", "data": {"n": 3}}  # fmt: skip
    path = f"/audience/sections/{DEFAULT_SECTION}/events/bulk"
    assert admin.request("POST", path, data=json.dumps(line) + "\n").status_code == 200
    assert figures(server)[name] == 3

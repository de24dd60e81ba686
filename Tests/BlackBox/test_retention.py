"""Events past the retention of their type leave both kinds of stores, also where the server is killed meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from conftest import StartServer
from ovation import DEFAULT_SECTION, Client, Server, event, run, wait_until
from postgres import Postgres

PROFILES = 400
OLD = 3
#: A server looks a minute after its start.
PATIENCE = 240


def totals(client: Client, kept: str) -> tuple[int, int]:
    """How many events of the type with a retention there are, and how many others, as the server counts them."""
    items = client.get(f"/audience/sections/{DEFAULT_SECTION}/usage").json()["items"]
    counts = {item["discriminator"]: int(item["event_count"]) for item in items}
    return counts.get(kept, 0), sum(count for name, count in counts.items() if name != kept)


def fill(server: Server) -> tuple[Client, str]:
    client = server.client()
    short = client.make_event_type({"number": "integer"}, name="short")
    version, other = short["versions"][0]["id"], client.make_version({"number": "integer"}, name="kept")
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

    def post(number: int) -> int:
        items = [event(version, {"number": old}) for old in range(OLD)]
        items += [event(version, {"number": 99}, now), event(other, {"number": 98})]
        return client.post_events(items, key=f"p{number}@example.com").status_code

    with ThreadPoolExecutor(1) as pool:
        assert set(pool.map(post, range(PROFILES))) == {204}
    path = f"/audience/sections/{DEFAULT_SECTION}/events/{short['discriminator']}"
    assert client.request("PATCH", path, json={"retention": "P30D"}).status_code == 200
    return client, short["discriminator"]


def test_old_events_go_as_a_whole_though_the_server_is_killed_in_the_middle(
    start_server: StartServer, postgres: Postgres
) -> None:
    servers = [start_server(), start_server(store_name=postgres.target())]
    filled = [fill(server) for server in servers]
    everything = ((OLD + 1) * PROFILES, PROFILES)
    assert [totals(client, kept) for client, kept in filled] == [everything, everything]

    def is_begun(place: int) -> bool:
        client, kept = filled[place]
        return totals(client, kept)[0] < everything[0]

    def kill_in_the_middle(place: int) -> None:
        assert wait_until(lambda: is_begun(place), PATIENCE, interval=0.005)
        servers[place].kill()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(kill_in_the_middle, range(2)))
    for server in servers:
        server.start()
    for client, kept in filled:
        left, others = totals(client, kept)
        assert PROFILES < left < everything[0], "it was killed in the middle"
        assert others == PROFILES
    for client, kept in filled:
        assert wait_until(lambda: totals(client, kept)[0] == PROFILES, PATIENCE, interval=0.1)
        assert totals(client, kept) == (PROFILES, PROFILES)
        for number in range(0, PROFILES, 37):
            items = client.list_events(key=f"p{number}@example.com")
            assert [item["data"]["number"] for item in items] == [99, 98]
    for server in servers:
        server.stop()
        target = server.store_name or f"sqlite:{server.store}"
        examined = run("doctor", "--deep", "--store", target, home=server.folder)
        bad = [line for line in examined.stdout.splitlines() if line.startswith("BAD") and "API key" not in line]
        assert bad == [] and "ok " in examined.stdout, examined.stdout

"""The primary is lost with its disk under load, and its synchronous standby takes over."""

from __future__ import annotations

import itertools
import threading

import requests

from conftest import Note, StartServer
from ovation import ARTICLE_MODEL, ARTICLE_SECTION, EMAIL, Client, event, events_path, wait_until
from postgres import Postgres

PATH = events_path(EMAIL, "steve@apsis.com", ARTICLE_SECTION)


class Poster(threading.Thread):
    """Posts one number after another, and remembers which were acknowledged and when."""

    def __init__(self, client: Client, numbers: itertools.count[int], stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.client, self.numbers, self.ended = client, numbers, stop
        self.acknowledged: list[int] = []
        self.codes: set[int] = set()

    def run(self) -> None:
        while not self.ended.is_set():
            number = next(self.numbers)
            try:
                response = self.client.post(PATH, json={"items": [event("2565266", {"myNumberField": number})]})
            except requests.RequestException:
                continue
            self.codes.add(response.status_code)
            if response.status_code == 204:
                self.acknowledged.append(number)


def test_nothing_acknowledged_is_lost_with_the_primary(start_server: StartServer, note: Note) -> None:
    primary = Postgres().create()
    standby: Postgres | None = None
    ended = threading.Event()
    posters: list[Poster] = []
    try:
        primary.start()
        standby = primary.make_standby("second")
        hosts = f"host={primary.folder},{standby.folder} dbname=postgres user=ovation"
        server = start_server(store_name=hosts, model=ARTICLE_MODEL)
        numbers = itertools.count(1)
        posters = [Poster(server.client(), numbers, ended) for _ in range(6)]
        for poster in posters:
            poster.start()

        def acknowledged() -> int:
            return sum(len(poster.acknowledged) for poster in posters)

        assert wait_until(lambda: acknowledged() > 300, 60)
        primary.kill()
        standby.promote()
        before = acknowledged()
        assert wait_until(lambda: acknowledged() > before + 300, 60), server.output[-4000:]
        ended.set()
        for poster in posters:
            poster.join(60)
        assert set().union(*(poster.codes for poster in posters)) <= {204, 503}
        rows = standby.query("SELECT data::json->>'myNumberField' FROM ovation.event").split()
        stored = [int(row) for row in rows]
        assert len(stored) == len(set(stored)), "nothing is stored twice"
        told = {number for poster in posters for number in poster.acknowledged}
        assert told <= set(stored), "nothing that was acknowledged is lost"
        note(f"{len(told)} acknowledged, {before} of them before the primary went")
    finally:
        ended.set()
        if posters:
            server.stop()
        for one in (primary, standby):
            if one is not None:
                one.remove()

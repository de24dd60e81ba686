"""Many events at once: `ovation events import` and `export`, and posts where those are not there."""

from __future__ import annotations

import http.client
import os
import subprocess
import threading
import time
from pathlib import Path

from . import ovation
from .lines import LARGE_PROFILE, SMALL_EVENTS, SMALL_PROFILE, times
from .ovation import DATA_JSON, SECTION, VERSION_ID, Ovation
from .place import Failure, required_binary
from .plan import Plan

# As many of the article's events as fit a body of 100 kB, and some room.
_POST_MAX = 400
_POSTERS = 16


def has_command(name: str) -> bool:
    """Whether the binary has `ovation events NAME`."""
    done = subprocess.run([required_binary("ovation"), "events", name, "--help"], capture_output=True, text=True)
    return done.returncode == 0 and f"events {name}" in done.stdout


def import_file(server: Ovation, path: Path, count: int) -> float:
    """Seconds of the command, from its start to its end. Checks that all events are there then."""
    before = server.stored_events()
    command = [*_command("import", server), str(path)]
    start = time.perf_counter()
    done = subprocess.run(command, env=_environment(), capture_output=True, text=True)
    seconds = time.perf_counter() - start
    stored = server.stored_events() - before
    if done.returncode != 0 or stored != count:
        raise Failure(f"{count} events were to be imported, {stored} are stored:\n{done.stdout}{done.stderr}"[:4000])
    return seconds


def export(server: Ovation) -> tuple[int, float]:
    """Exports all events of the section into nothing, but counts the lines. Events and seconds."""
    command = _command("export", server)
    start = time.perf_counter()
    with subprocess.Popen(command, env=_environment(), stdout=subprocess.PIPE) as exporting:
        counted = subprocess.run(["wc", "-l"], stdin=exporting.stdout, capture_output=True, text=True)
        code = exporting.wait()
    seconds = time.perf_counter() - start
    count = int(counted.stdout)
    stored = server.stored_events()
    if code != 0 or count != stored:
        raise Failure(f"{count} events were exported, and {stored} are stored")
    return count, seconds


def _command(name: str, server: Ovation) -> list[str]:
    return [str(required_binary("ovation")), "events", name, "--url", server.url, "--section", SECTION]


def _environment() -> dict[str, str]:
    return dict(os.environ, **ovation.ENVIRONMENT)


class Posting:
    """Fills the store by posts, from several connections at once. Each profile's events come in one post, which is
    kinder to the store than an import in the order of time."""

    def __init__(self, server: Ovation, plan: Plan) -> None:
        self._server = server
        self._plan = plan
        self._lock = threading.Lock()
        self._failures: list[BaseException] = []
        self._posts = self._all_posts()
        self.stored = 0

    def run(self) -> None:
        posters = [threading.Thread(target=self._poster, daemon=True) for _ in range(_POSTERS)]
        for poster in posters:
            poster.start()
        for poster in posters:
            poster.join()
        if self._failures:
            raise Failure(f"the store could not be filled: {self._failures[0]}")

    def _all_posts(self) -> list[tuple[str, int]]:
        """Profile and number of events of each post."""
        plan = self._plan
        each, rest = divmod(plan.stored, plan.stored_profiles)
        posts = [(f"p{number + 1}", each + (number < rest)) for number in range(plan.stored_profiles)]
        posts += [(LARGE_PROFILE, min(_POST_MAX, plan.large - done)) for done in range(0, plan.large, _POST_MAX)]
        # Far from the order of their numbers, and the large profile all the time.
        step = 611_953
        return [posts[index * step % len(posts)] for index in range(len(posts))] + [(SMALL_PROFILE, SMALL_EVENTS)]

    def _poster(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._server.port)
        headers = {"authorization": "Bearer " + self._server.bearer, "content-type": "application/json"}
        moments = [
            f'{{"event_time":"{moment}Z","version_id":{VERSION_ID},"data":{DATA_JSON}}}'
            for moment in times(_POST_MAX * 100, 0, 1)
        ]
        turn = 0
        while not self._failures:
            with self._lock:
                if not self._posts:
                    return
                profile, count = self._posts.pop()
            turn = (turn + 7919) % (len(moments) - _POST_MAX)
            body = '{"items":[' + ",".join(moments[turn : turn + count]) + "]}"
            try:
                connection.request("POST", ovation.events_path(profile), body, headers)
                answer = connection.getresponse()
                text = answer.read()
                if answer.status != 204:
                    raise Failure(f"{answer.status} {text[:500]!r}")
            except BaseException as failure:
                self._failures.append(failure)
                return
            with self._lock:
                self.stored += count

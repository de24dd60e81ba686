"""The live stream as a client reads it."""

from __future__ import annotations

import json

from ovation import DEFAULT_SECTION, Client, event


def test_a_stream_of_a_section_tells_of_no_other(admin: Client) -> None:
    other = admin.post("/audience/sections", json={"name": "other"}).json()["discriminator"]
    here = admin.make_version({"n": "integer"}, section=other)
    elsewhere = admin.make_version({"n": "integer"})
    with admin.get(f"/audience/live?section={other}", stream=True) as stream:
        assert stream.status_code == 200
        assert admin.post_events([event(elsewhere, {"n": 1})], section=DEFAULT_SECTION).status_code == 204
        assert admin.post_events([event(here, {"n": 2})], section=other).status_code == 204
        told = (line[len("data:") :] for line in stream.iter_lines(decode_unicode=True) if line.startswith("data:"))
        # What is told comes in the order of the posts.
        assert json.loads(next(told))["section_discriminator"] == other


def test_a_stream_of_a_section_that_is_not_there_is_refused(admin: Client) -> None:
    assert admin.get("/audience/live?section=com.example.sections.nowhere").json()["code"] == "section_not_found"

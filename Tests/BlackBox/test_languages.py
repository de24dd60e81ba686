"""The program speaks English, whatever language the environment asks for. A release has the data of no other language."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from conftest import StartServer
from ovation import ARTICLE_MODEL, Client, event, run

LANGUAGES = ("de_DE.UTF-8", "tr_TR.UTF-8", "zh_CN.UTF-8", "ar_EG.UTF-8", "xx_YY")


def environment(language: str) -> dict[str, str]:
    return {"LANG": language, "LC_ALL": language, "LANGUAGE": language.partition(".")[0]}


@pytest.mark.parametrize("language", LANGUAGES)
def test_commands_say_the_same_in_every_language(tmp_path: Path, language: str) -> None:
    (tmp_path / "model.yaml").write_text("sections: [{name: I, wrong: 1}]\n")
    for arguments in (["--help"], ["serve", "--port", "many"], ["model", "plan", "model.yaml"], ["doctor", "--store", "sqlite:none"]):
        plain, other = (run(*arguments, home=tmp_path, env=environment(asked)) for asked in ("C", language))
        assert (other.returncode, other.stdout, other.stderr) == (plain.returncode, plain.stdout, plain.stderr), arguments
        assert other.stdout + other.stderr


def without_chance(text: str) -> str:
    """Without what is made anew each time: ends of discriminators, ids and times."""
    return re.sub(r"-[a-z0-9]{10}\b|\b[0-9]{6,}\b|[0-9-]{10}T[0-9:.]{8,12}Z", "…", text)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_server_answers_the_same_in_every_language(start_server: StartServer, language: str) -> None:
    # Turkish has another small letter for I; German and Arabic write numbers with other signs.
    answers: list[list[str]] = []
    for asked in ("C", language):
        server = start_server(model=ARTICLE_MODEL, env=environment(asked))
        assert server.credentials is not None
        admin = Client(server.url, server.credentials)
        version = admin.make_version({"INTI": "integer", "price": "double"}, name="ISTANBUL 1,5")
        assert admin.post_events([event(version, {"INTI": 1234567, "price": 1234.5})]).status_code == 204
        refused = admin.post_events([event(version, {"INTI": 1.5})])
        model = admin.get("/audience/model", headers={"Accept": "application/yaml"})
        page = admin.session.get(server.url + "/docs")
        texts = [json.dumps(admin.list_events()[0]["data"]), refused.json()["detail"], model.text, page.text]
        answers.append([without_chance(text) for text in texts])
        server.stop()
    assert answers[0] == answers[1]

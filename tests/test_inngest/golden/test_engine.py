"""Recordings, against our engine: the other side of what ``test_golden`` replays."""

from __future__ import annotations

import json
from typing import Final

import httpx
import pytest

from . import engine_replay
from .engine_answers import answers_to
from .engine_recordings import CALL_BY_CALL, ENGINE_COVERED, EVENTS_API
from .engine_replay import EngineReplay, restored
from .replay import RECORDINGS, Exchange, load

OTHER_TEXTS: Final = {
    11: "invalid character 'a' at offset 0: Expecting value",
    22: "invalid character 'n' at offset 1: Expecting property name enclosed in double quotes",
}
"""Errors whose recorded text is that of Go's parser; and forms, which our server does not read."""

SEEDED: Final = {4, 5}
"""Requests with a valid seed: the ids are those that are recorded."""


@pytest.mark.parametrize("name", sorted(CALL_BY_CALL))
def test_the_engine_asks_what_is_recorded(name: str) -> None:
    replay = EngineReplay(name=name)
    replay.run()
    assert not replay.problems, "\n".join(replay.problems)
    assert replay.compared


@pytest.mark.parametrize("later", [5, 6, 7])
def test_a_race_goes_on_whenever_the_slow_member_answers(
    later: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The recorded member took a second: its answer came at one of these calls."""
    monkeypatch.setitem(engine_replay.LATE, ("parallel_mode_race", 4), later)
    replay = EngineReplay(name="parallel_mode_race")
    replay.run()
    assert not replay.problems, "\n".join(replay.problems)
    assert [index for index, _ in replay.times] == sorted(index for index, _ in replay.times)


def test_every_covered_recording_exists() -> None:
    existing = {path.stem for path in RECORDINGS.glob("*.json")}
    assert ENGINE_COVERED | {EVENTS_API} <= existing


EVENTS = [restored(each) for each in load(EVENTS_API)]


@pytest.fixture(scope="module")
def answered() -> list[httpx.Response]:
    return answers_to(EVENTS)


@pytest.mark.parametrize("recorded", EVENTS, ids=lambda each: str(each.index))
def test_the_events_api_answers_what_is_recorded(
    recorded: Exchange, answered: list[httpx.Response]
) -> None:
    ours = answered[recorded.index]
    assert ours.status_code == recorded.status
    if recorded.response_body is None:
        return
    assert ours.headers["content-type"] == recorded.response_headers["content-type"]
    assert ours.headers["x-inngest-server-kind"] == "dev"
    body, expected = json.loads(ours.content), recorded.response_body
    assert set(body) == set(expected)
    assert body["status"] == expected["status"]
    assert body.get("error") == OTHER_TEXTS.get(recorded.index, expected.get("error"))
    assert [len(each) for each in body["ids"]] == [len(each) for each in expected["ids"]]
    if recorded.index in SEEDED:
        assert body["ids"] == expected["ids"]

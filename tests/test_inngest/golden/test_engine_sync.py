"""What our engine answers to recorded registrations."""

from __future__ import annotations

from typing import Final

import httpx
import pytest

from .engine_answers import answers_to
from .replay import Exchange, load

NAME: Final = "sync_errors"
INVALID: Final = "At least one function is invalid"
ASKED: Final = load(NAME)

OTHER_TEXTS: Final = {
    54: "Invalid request: Expecting property name enclosed in double quotes: "
    "line 1 column 2 (char 1)",
}
"""Where the recorded text is that of Go's parser."""

KINDS: Final = {2: ("Expected server kind dev, got cloud", "Expected server kind cloud, got dev")}
"""The recorded server names the two kinds the other way round."""


@pytest.fixture(scope="module")
def answered() -> list[httpx.Response]:
    return answers_to(ASKED)


@pytest.mark.parametrize("recorded", ASKED, ids=lambda each: str(each.index))
def test_a_registration_is_answered_as_recorded(
    recorded: Exchange, answered: list[httpx.Response]
) -> None:
    ours = answered[recorded.index]
    assert ours.status_code == recorded.status, ours.text
    expected = recorded.response_body
    if expected is None:
        return
    body = ours.json()
    assert ours.headers["content-type"] == recorded.response_headers["content-type"]
    if "error" not in expected:
        assert set(body) == set(expected)
        assert (body["ok"], body["modified"]) == (expected["ok"], expected["modified"])
    elif expected["error"] == INVALID:
        # ours says which function, and what is wrong with it
        assert body["error"].startswith(INVALID + ": ")
        assert (body["data"], body["status"]) == (None, 400)
    elif recorded.index in KINDS:
        assert (expected["error"], body["error"]) == KINDS[recorded.index]
    else:
        text = OTHER_TEXTS.get(recorded.index, expected["error"])
        assert body["error"].removesuffix(" (throttle.period)") == text

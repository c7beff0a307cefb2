"""Where our SDK differs from the recorded one: the only place, each with its reason."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from inngest._internal.version import SDK_HEADER, VERSION


class Mark(enum.Enum):
    """What stands for no value."""

    ABSENT = "absent"
    ANYTHING = "anything"


ABSENT: Final = Mark.ABSENT
ANYTHING: Final = Mark.ANYTHING


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Holds in every recording: at ``path``, ``accepts(recorded, ours)`` says what is fine."""

    path: str
    accepts: Callable[[object, object], bool]
    reason: str


@dataclass(frozen=True)
class Difference:
    """Holds in one exchange: what ours has at each path, which must differ."""

    reason: str
    ours: Mapping[str, object]


def _is(expected: object) -> Callable[[object, object], bool]:
    return lambda recorded, ours: ours == expected


def _like(pattern: str) -> Callable[[object, object], bool]:
    return lambda recorded, ours: isinstance(ours, str) and bool(re.fullmatch(pattern, ours))


def _both_like(pattern: str) -> Callable[[object, object], bool]:
    like = _like(pattern)
    return lambda recorded, ours: like(ours, recorded) and like(recorded, ours)


def _only_null(recorded: object, ours: object) -> bool:
    return {recorded, ours} == {None, ABSENT}


INSTANT: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
SIGNATURE: Final = r"t=\d+&s=[0-9a-f]{64}"

GENERAL: Final = (
    Rule(
        path="header.(x-inngest-sdk|user-agent)",
        accepts=_is(SDK_HEADER),
        reason="our own name and version; recordings leave out the user agent",
    ),
    Rule(
        path=r"body\.sdk",
        accepts=_is(f"py:v{VERSION}"),
        reason="our own version",
    ),
    Rule(
        path=r"body\.(inspection\.)?sdk_version",
        accepts=_is(VERSION),
        reason="our own version",
    ),
    Rule(
        path=r"(header\.x-inngest-|body\.(inspection\.)?)framework",
        accepts=_is("flask"),
        reason="the recorded app was served by FastAPI, ours by Flask",
    ),
    Rule(
        path=r"header\.server-timing",
        accepts=_like(r"comm_handler;dur=\d+"),
        reason="durations; ours times the whole request only",
    ),
    Rule(
        path=r"header\.x-inngest-sdk-handled",
        accepts=lambda recorded, ours: (recorded, ours) == (ABSENT, "true"),
        reason="new: tells an answer of the SDK from one of a proxy",
    ),
    Rule(
        path=r"header\.content-length",
        accepts=_like(r"\d+"),
        reason="recordings leave out the headers of the connection",
    ),
    Rule(
        path=r"header\.x-inngest-signature",
        accepts=_both_like(SIGNATURE),
        reason="made over our bytes, which are compact; test_golden.py verifies it",
    ),
    Rule(
        path=r"header\.x-inngest-event-id-seed",
        accepts=_both_like(r"\d{13},[A-Za-z0-9+/]{14}=="),
        reason="the time and ten random bytes",
    ),
    Rule(
        path=r"header\.retry-after",
        accepts=_both_like(INSTANT),
        reason="an instant that is counted from now",
    ),
    Rule(
        path=r"body\[[^]]+\]\.name",
        accepts=_both_like(INSTANT),
        reason="the end of a sleep is counted from now",
    ),
    Rule(
        path=r"body\[\d+\]\.ts",
        accepts=lambda recorded, ours: type(recorded) is int and type(ours) is int,
        reason="the time of an event that was sent without one",
    ),
    Rule(
        path=r"body(\[[^]]+\]\.error)?\.stack",
        accepts=_both_like(r"(?s)Traceback \(most recent call last\):\n.*"),
        reason="file names and line numbers",
    ),
    Rule(
        path=r"body\[[^]]+\]\.opts\.(if|timeout|payload\.v)",
        accepts=_only_null,
        reason="absent and null options mean the same to the server; we send no nulls",
    ),
    Rule(
        path=r"body\.stack",
        accepts=_only_null,
        reason="absent and null stacks mean the same to the server",
    ),
)

OTHER_SPELLINGS: Final = {"appname": "appName", "deploy_type": "deployType"}
"""Keys of a registration: the server reads both spellings, we write the documented one."""

_FRAMEWORK: Final = "the framework answers methods that have no route, before the SDK can"
_NO_OPT_OUT: Final = "a second app, with in-band sync turned off; ours cannot turn it off"

NOT_REPLAYED: Final[Mapping[str, Mapping[int, str]]] = {
    "sdk_error_answers": {15: _FRAMEWORK, 16: _FRAMEWORK, 17: _FRAMEWORK},
    "sync_in_band_signed": {3: _NO_OPT_OUT, 4: _NO_OPT_OUT},
}
ON_PURPOSE: Final[Mapping[str, Mapping[int, tuple[Difference, ...]]]] = {}

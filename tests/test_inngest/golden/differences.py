"""Where our SDK differs from the recorded one: the only place, each with its reason."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from inngest._internal.version import SDK_AUTHOR, SDK_HEADER, VERSION


class Mark(enum.Enum):
    """What stands for no value."""

    ABSENT = "absent"
    ANYTHING = "anything"


ABSENT: Final = Mark.ABSENT
ANYTHING: Final = Mark.ANYTHING


class OneOf:
    """One value in an async app, and another one in a sync app."""

    def __init__(self, *values: object) -> None:
        self.values = values

    def __eq__(self, other: object) -> bool:
        return other in self.values

    def __hash__(self) -> int:
        return hash(self.values)


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
    body: Mapping[str, object] | list[object] | None = None
    """Our whole body, where it has nothing in common with the recorded one."""


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
        path=r"body\.sdk_author",
        accepts=_is(SDK_AUTHOR),
        reason="our own name",
    ),
    Rule(
        path=r"(header\.x-inngest-|body\.(inspection\.)?)framework",
        accepts=lambda recorded, ours: recorded is not ABSENT and ours == "flask",
        reason="the recorded app was served by FastAPI, ours by Flask",
    ),
    Rule(
        path=r"header\.server-timing",
        accepts=_like(
            r"comm_handler;dur=\d+(, use_api;dur=\d+)?"
            r"(, mw.transform_input;dur=\d+, function;dur=\d+, mw.transform_output;dur=\d+)?"
        ),
        reason="durations; ours has no async_block",
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
NO_RETRY: Final = {"header.x-inngest-no-retry": "true"}
UNSIGNED: Final = (
    "cloud mode needs a signed request, but the x-inngest-signature header is missing; "
    "for a Dev Server set INNGEST_DEV=1"
)
WRONG_KEY: Final = "the signature fits none of the signing keys; check INNGEST_SIGNING_KEY"
OUR_WORDS: Final = "our message says what happened and what to do"
ALWAYS_HEADERS: Final = "all our answers carry the headers that introduce the SDK, a 401 too"


def _words(message: str) -> Difference:
    return Difference(OUR_WORDS, {"body.message": message})


def _client_error(status: int, message: str, **more: object) -> tuple[Difference, ...]:
    return (
        Difference(
            "the request is at fault: a retry cannot help, so 4xx and no-retry (recorded: 500)",
            {"status": status, **NO_RETRY},
        ),
        Difference(OUR_WORDS, {"body.message": message}),
        *(
            [
                Difference("one code and name for each error", {f"body.{k}": v})
                for k, v in more.items()
            ]
        ),
    )


def _introduced(kind: str) -> Difference:
    return Difference(
        ALWAYS_HEADERS,
        {
            "header.x-inngest-expected-server-kind": kind,
            "header.x-inngest-framework": "flask",
            "header.x-inngest-req-version": "2",
        },
    )


def _refused(reason: str, code: str, name: str, message: str, **more: object) -> Difference:
    return Difference(
        reason,
        {"status": 401, **more},
        body={"code": code, "message": message, "name": name},
    )


def _wrong_signature(reason: str, message: str, **more: object) -> Difference:
    return _refused(
        reason, "sig_verification_failed", "SigVerificationFailedError", message, **more
    )


_API_HEADERS: Final = Difference(
    "requests to the API carry all our headers; the server does not read these",
    {"header.x-inngest-expected-server-kind": "dev", "header.x-inngest-framework": "flask"},
)
_BODY_INVALID: Final = {"code": "body_invalid", "name": "BodyInvalidError"}
_HAND_MADE: Final = "this app was not made with an SDK: it left these out"
_HAND_MADE_ANSWER: Final = Difference(_HAND_MADE, {"header.x-inngest-expected-server-kind": "dev"})
_HAND_MADE_OP: Final = (
    _HAND_MADE_ANSWER,
    Difference(
        _HAND_MADE,
        {
            "body[a 86f7e4].name": "a",
            "body[a 86f7e4].userland.id": "a",
            "body[a 86f7e4].userland.index": None,
        },
    ),
    Difference(
        "the server works without the input in opts; the Python SDK never sent it",
        {
            "body[a 86f7e4].opts": None,
            "body[a 86f7e4].opts.input[0]": ABSENT,
            "body[a 86f7e4].opts.type": ABSENT,
        },
    ),
)

_NESTED: Final = (
    'step "b" is used {} step{}: steps cannot be nested; use it after that step, in the '
    "function itself"
)


def _sleep(step: str, length: str) -> Difference:
    return Difference(
        "the server counts the length of a sleep: no difference of clocks can matter",
        {f"body[{step}].name": length},
    )


ON_PURPOSE: Final[Mapping[str, Mapping[int, tuple[Difference, ...]]]] = {
    "cancel_on_event": {2: (_sleep("long bd3027", "60000ms"),)},
    "cloud_mode_signature_rejected": {
        0: (
            _words(
                "the Inngest server did not accept the functions: Authentication failed "
                "(status 401)"
            ),
        ),
        4: (_words(WRONG_KEY), _introduced("cloud")),
    },
    "introspection_signed": {
        0: (
            _refused(
                "in cloud mode an app tells strangers nothing",
                "header_missing",
                "HeaderMissingError",
                UNSIGNED,
            ),
        ),
        3: (_wrong_signature("a wrong signature is refused, not ignored", WRONG_KEY),),
        4: (
            _wrong_signature(
                "a malformed signature is refused, not ignored",
                "the x-inngest-signature header does not have the form t=<seconds>&s=<hex>",
            ),
        ),
        5: (
            _wrong_signature(
                "a signature holds for 5 minutes; the recorded SDK took one of an hour ago",
                "the signature is more than 300 seconds old or early; check the clock of this host",
                **{"header.x-inngest-signature": ABSENT},
            ),
        ),
    },
    "invoke_timeout": {3: (_sleep("long bd3027", "6000ms"),)},
    "non_retriable": {
        4: (
            Difference(
                "an error inside a step ends the step, which the function may catch; "
                "recorded is an end of the whole function",
                {"status": 206},
                body=[
                    {
                        "data": None,
                        "displayName": "bad",
                        "error": {
                            "code": "non_retriable_error",
                            "message": "fatal in step",
                            "name": "NonRetriableError",
                            "noRetry": True,
                            "stack": ANYTHING,
                        },
                        "id": "1902e3d6fc4e78a0bcc50ba12b882769afbf4a8c",
                        "name": "bad",
                        "op": "StepFailed",
                        "opts": None,
                        "userland": {"id": "bad", "index": None},
                    }
                ],
            ),
        ),
    },
    "rerun_with_step_input": {
        2: _HAND_MADE_OP,
        3: (_HAND_MADE_ANSWER,),
        4: _HAND_MADE_OP,
        5: (_HAND_MADE_ANSWER,),
    },
    "sdk_error_answers": {
        1: _client_error(404, "no served function has the id in fnId"),
        2: _client_error(400, "the query parameter fnId is missing"),
        3: _client_error(400, "the query parameter fnId is missing"),
        4: _client_error(400, "the body is empty", **_BODY_INVALID),
        5: (
            *_client_error(400, "the body is not JSON in UTF-8", **_BODY_INVALID),
            _introduced("dev"),
        ),
        6: _client_error(
            400, 'the body needs the objects "ctx", "event" and "steps"', **_BODY_INVALID
        ),
        7: (_words('the step that the server asked for was not reached; found "a" instead'),),
        9: (
            _words(
                'function "rec-sdk-error-answers-badout" gave a value of type object that '
                "cannot be stored: it is not JSON"
            ),
            Difference("the same code gives the same kind of value again", NO_RETRY),
        ),
        10: (
            Difference(
                "a nested step cannot work on a retry either: the step has failed for good",
                {
                    "body[a 86f7e4].op": "StepFailed",
                    "body[a 86f7e4].error.noRetry": True,
                },
            ),
            Difference(
                OUR_WORDS,
                {
                    "body[a 86f7e4].error.message": OneOf(
                        _NESTED.format("inside", ' "a"'),
                        _NESTED.format("while another", " is running"),
                    ),
                    "body[a 86f7e4].error.name": "StepNestedError",
                    "body[a 86f7e4].error.stack": ABSENT,
                },
            ),
        ),
        14: (
            Difference(
                "a replaced input is what the step is run with; the recorded SDK took it for "
                "the step's output",
                {"status": 206},
                body=[
                    {
                        "data": 1,
                        "displayName": "a",
                        "id": "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8",
                        "name": "a",
                        "op": "StepRun",
                        "opts": None,
                        "userland": {"id": "a", "index": None},
                    }
                ],
            ),
        ),
    },
    "sleep": {2: (_sleep("nap c2640f", "2000ms"),)},
    "sync_in_band_signed": {1: (_words(UNSIGNED),), 2: (_words(WRONG_KEY),)},
    "sync_out_of_band": {
        6: (
            Difference(
                "every refusal has a code, a message and a name",
                {"body.name": "ServerKindMismatchError"},
            ),
        )
    },
    "trust_probe": {
        2: (_words(UNSIGNED), _introduced("cloud")),
        3: (_words(WRONG_KEY), _introduced("cloud")),
        4: _client_error(
            400, "the only probe is trust", code="probe_unknown", name="ProbeUnknownError"
        ),
    },
    "use_api": {5: (_API_HEADERS,), 6: (_API_HEADERS,), 8: (_API_HEADERS,), 9: (_API_HEADERS,)},
}

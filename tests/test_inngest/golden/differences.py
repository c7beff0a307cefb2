"""All differences between our SDK and the recorded one, each with its reason."""

from __future__ import annotations

import enum
import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from inngest._internal.version import SDK_AUTHOR, SDK_HEADER, VERSION

from .encrypted import hold_the_same


class Mark(enum.Enum):
    """Markers in the place of values."""

    ABSENT = "absent"
    ANYTHING = "anything"


ABSENT: Final = Mark.ABSENT
ANYTHING: Final = Mark.ANYTHING


class OneOf:
    """Equal to several values: those of the async and of the sync app."""

    def __init__(self, *values: object) -> None:
        self.values = values

    def __eq__(self, other: object) -> bool:
        return other in self.values

    def __hash__(self) -> int:
        return hash(self.values)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A difference in any recording: ``accepts(recorded, ours)`` judges the values at ``path``."""

    path: str
    accepts: Callable[[object, object], bool]
    reason: str


@dataclass(frozen=True)
class Difference:
    """A difference in one exchange: our values by path, each unlike the recorded one."""

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


def step_id(name: str) -> str:
    """Return the hashed id of a step."""
    return hashlib.sha1(name.encode(), usedforsecurity=False).hexdigest()


def _op(step: str) -> str:
    """Return the path of a step's operation."""
    return f"body[{step_id(step)[:6]}]"


def _left_out(recorded: object, ours: object) -> bool:
    return recorded is ABSENT


def _same_length(recorded: object, ours: object) -> bool:
    lengths = [
        re.fullmatch(r"(\d+)(ms|s|m|h|d)", each) if isinstance(each, str) else None
        for each in (recorded, ours)
    ]
    units = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
    return None not in lengths and len({int(e[1]) * units[e[2]] for e in lengths if e}) == 1


INSTANT: Final = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
SIGNATURE: Final = r"t=\d+&s=[0-9a-f]{64}"

GENERAL: Final = (
    Rule(
        path=r"(outer\.)?header\.(x-inngest-sdk|user-agent)",
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
        path=r"((outer\.)?header\.x-inngest-|body\.(inspection\.)?)framework",
        accepts=lambda recorded, ours: recorded is not ABSENT and ours == "flask",
        reason="the recorded app was served by FastAPI, ours by Flask",
    ),
    Rule(
        path=r"(outer\.)?header\.server-timing",
        accepts=_like(
            r"comm_handler;dur=\d+(, use_api;dur=\d+)?"
            r"(, mw.transform_input;dur=\d+, function;dur=\d+, mw.transform_output;dur=\d+)?"
        ),
        reason="durations; ours has no async_block",
    ),
    Rule(
        path=r"(outer\.)?header\.x-inngest-sdk-handled",
        accepts=lambda recorded, ours: (recorded, ours) == (ABSENT, "true"),
        reason="new: tells an answer of the SDK from one of a proxy",
    ),
    Rule(
        path=r"(outer\.)?header\.content-length",
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
    Rule(
        path=r"body(\[[^]]+\])?(\.opts\.payload)?(\.data\.encrypted|\.data)?\.data",
        accepts=hold_the_same,
        reason="equal values, each encrypted with a nonce of its own",
    ),
)

HAND_MADE: Final = (
    Rule(
        path=r"header\.x-inngest-expected-server-kind",
        accepts=_left_out,
        reason="optional in an answer; an SDK sends it always",
    ),
    Rule(
        path=r"header\.x-inngest-no-retry",
        accepts=lambda recorded, ours: (recorded, ours) == ("false", ABSENT),
        reason="the same as no header",
    ),
    Rule(
        path=r"body\[[^]]+\]\.(name|displayName|data|opts|userland\.(id|index))",
        accepts=_left_out,
        reason="optional in an operation; an SDK sends it always",
    ),
    Rule(
        path=r"body\[[^]]+\]\.displayName",
        accepts=lambda recorded, ours: isinstance(recorded, str) and isinstance(ours, str),
        reason="a text for people",
    ),
    Rule(
        path=r"body\[[^]]+\]\.opts",
        accepts=lambda recorded, ours: recorded == {} and ours is None,
        reason="no options and null mean the same to the server",
    ),
    Rule(
        path=r"body\[[^]]+\]\.opts\.event",
        accepts=lambda recorded, ours: ours is ABSENT,
        reason="the server reads the name of the operation where this is absent",
    ),
    Rule(
        path=r"body\[[^]]+\]\.opts(\.input\[0\]|\.type)?",
        accepts=lambda recorded, ours: ours in (ABSENT, None),
        reason="the server works without the input in opts; the Python SDK never sent it",
    ),
    Rule(
        path=r"body\[[^]]+\]\.opts\.type",
        accepts=lambda recorded, ours: (recorded, ours) == (ABSENT, "step.fetch"),
        reason="tells people and tools what the step is; the server does not read it",
    ),
    Rule(
        path=r"body\[[^]]+\]\.name",
        accepts=_same_length,
        reason="the length of a sleep, spelt otherwise",
    ),
    Rule(
        path=r"body(\[[^]]+\]\.error)?\.(code|stack)",
        accepts=_left_out,
        reason="optional in an error; an SDK sends them always",
    ),
    Rule(
        path=r"header\.retry-after",
        accepts=lambda recorded, ours: (
            re.fullmatch(r"\d+", str(recorded)) is not None
            and re.fullmatch(INSTANT, str(ours)) is not None
        ),
        reason="seconds from now, or the instant",
    ),
)
"""Holds in recordings of apps that were made without an SDK."""

NOT_SPOKEN: Final[Mapping[str, str]] = {
    "events_api": "the server's reading of events: requests of the recording's driver",
    "rest_api": "the server's REST API: requests of the recording's driver",
}
"""Recordings that our SDK does not play, whether or not our engine does."""

OTHER_SPELLINGS: Final = {"appname": "appName", "deploy_type": "deployType"}
"""Keys of a registration: the server reads both spellings, we write the documented one."""

_FRAMEWORK: Final = "the framework answers methods that have no route, before the SDK can"
_NO_OPT_OUT: Final = "a second app, with in-band sync turned off; ours cannot turn it off"

_SHORTENED: Final = "the recording keeps only the start of the answer"
_WHOLE_CALL: Final = "this app gives back the whole call, which an SDK does not show"

NOT_REPLAYED: Final[Mapping[str, Mapping[int, str]]] = {
    "encryption_middleware": {1: "the driver's, with the app's client: test_golden.py sends it"},
    "cron_jitter": {3: "the driver's: it registers no functions, to end the recording"},
    "executor_edge_responses": {
        **dict.fromkeys((3, 4, 7), "a body that no SDK gives: text, or an error within an error"),
        9: "a result that is not to be retried: no SDK says so",
        **dict.fromkeys((10, 14, 17), "the operation DiscoveryRequest: ours has no use for it"),
        **dict.fromkeys((11, 21, 36), "options that ours never leaves out"),
        **dict.fromkeys((12, 32, 34, 56), "an answer that is not of an SDK"),
        **dict.fromkeys((19, 27, 28), "two steps that were run in one call: ours runs one"),
        **dict.fromkeys((22, 55), "a length of a sleep that does not parse: ours always does"),
        24: "the operation RunComplete: ours answers 200",
        **dict.fromkeys((25, 33, 35), "operations of other names: ours has those of the protocol"),
        26: "the connection breaks: an SDK has no part in it",
        **dict.fromkeys((30, 53), "an error of a step that says nothing"),
        **dict.fromkeys((31, 38, 43), "an answer that reports nothing: ours always does"),
        40: "a compressed answer: that is up to the framework",
        42: "one operation without a list: ours is a list",
    },
    "internal_events": {8: "an error that is only a string: an SDK always sends an object"},
    "limits_and_attempts": {
        7: _SHORTENED,
        9: _SHORTENED,
        11: _WHOLE_CALL,
        12: _WHOLE_CALL,
    },
    "sdk_error_answers": {15: _FRAMEWORK, 16: _FRAMEWORK, 17: _FRAMEWORK},
    "step_fetch_gateway": {
        6: "a body that is not JSON, and arrives in quotes: step.fetch refuses it"
    },
    "sync_in_band_signed": {3: _NO_OPT_OUT, 4: _NO_OPT_OUT},
}
NO_RETRY: Final = {"header.x-inngest-no-retry": "true"}
UNSIGNED: Final = (
    "cloud mode needs a signed request, but the x-inngest-signature header is missing; "
    "for a Dev Server set INNGEST_DEV=1"
)
WRONG_KEY: Final = "the signature matches none of the signing keys; check INNGEST_SIGNING_KEY"
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
_NESTED: Final = (
    'step "b" is used {} step{}: steps cannot be nested; use it after that step, in the '
    "function itself"
)


def _sleep(step: str, length: str) -> Difference:
    return Difference(
        "the server counts the length of a sleep: no difference of clocks can matter",
        {f"{_op(step)}.name": length},
    )


def _as_list(*functions: int) -> Difference:
    paths = [f"body.functions[{index}].concurrency" for index in functions]
    return Difference(
        "one limit, as a number or in a list, means the same to the server; ours is a list",
        dict.fromkeys(paths, ABSENT) | {f"{path}[0].limit": 1 for path in paths},
    )


def _without_stack(size: int) -> Difference:
    paths = ["body.stack.current", *(f"body.stack.stack[{index}]" for index in range(size))]
    return Difference("an app sees no stack: the engine follows it", dict.fromkeys(paths, ABSENT))


def _in_name(step: str) -> Difference:
    return Difference(
        "the length of a sleep is in its name: the server reads either",
        {f"{_op(step)}.opts.duration": ABSENT},
    )


def _retry_after(path: str) -> Difference:
    return Difference("the name of the error that asks for a time", {path: "RetryAfterError"})


_ERROR_IS: Final = "an exception has a name, a message and a traceback, and nothing besides"
_VERSION_2: Final = Difference(
    "this app speaks version 1 of the protocol, and ours version 2",
    {"header.x-inngest-req-version": "2"},
)
_FINAL: Final = Difference(
    "an error that is final is so by its header; the server does not look at the status",
    {"status": 500},
)

_STREAM: Final = (
    Difference(
        "asks proxies to pass on each piece of a stream as it comes",
        {
            "outer.header.cache-control": "no-cache, no-transform",
            "outer.header.content-encoding": "identity",
            "outer.header.x-accel-buffering": "no",
        },
    ),
    Difference(
        "nothing has been timed when a stream begins: the timings are inside",
        {"outer.header.server-timing": ABSENT},
    ),
    Difference(
        "the answer in a stream is the one that is given without a stream",
        {"header.x-inngest-expected-server-kind": "dev"},
    ),
)

ON_PURPOSE: Final[Mapping[str, Mapping[int, tuple[Difference, ...]]]] = {
    "ai_infer_failure": {
        4: (
            Difference(
                "a StepError has the name, message and stack of an error; what the provider "
                "answered is its stack",
                {f"body.{step_id('ask')}.error.data.error.message": ABSENT},
            ),
        )
    },
    "cancel_on_event": {2: (_sleep("long", "60000ms"),)},
    "cancel_parent_of_invoke": {
        12: (
            Difference(
                "an invoked function that was cancelled did not succeed: an error in the app",
                {"status": 500, **NO_RETRY},
                body={
                    "message": "the invoked function was cancelled",
                    "name": "InvokeCancelledError",
                },
            ),
        )
    },
    "cloud_mode_signature_rejected": {
        0: (
            _words(
                "the Inngest server did not accept the functions: Authentication failed "
                "(status 401)"
            ),
        ),
        4: (_words(WRONG_KEY), _introduced("cloud")),
    },
    "defer": {
        4: (
            Difference(
                "this app gives back what the call says of deferred calls, which an SDK does "
                "not show",
                {
                    f"body[0737c2].data.defers_seen.{step_id(name)}.abortable": ABSENT
                    for name in ("d1", "d2")
                },
            ),
        )
    },
    "executor_edge_responses": {
        1: (
            Difference(
                "a step that is not to be retried has failed for good",
                {f"{_op('a')}.op": "StepFailed", f"{_op('a')}.error.noRetry": True},
            ),
            Difference(
                _ERROR_IS,
                {
                    f"{_op('a')}.error.name": "NonRetriableError",
                    f"{_op('a')}.error.stack": ANYTHING,
                    f"{_op('a')}.error.data.d": ABSENT,
                    f"{_op('a')}.error.cause.c": ABSENT,
                    f"{_op('a')}.error.extra": ABSENT,
                },
            ),
        ),
        5: (_in_name("a"),),
        6: (_retry_after(f"{_op('a')}.error.name"),),
        8: (_FINAL, Difference(_ERROR_IS, {"body.name": "NonRetriableError"})),
        13: (Difference("an error of user code is 500: it is retried", {"status": 500}),),
        16: (
            Difference(
                _ERROR_IS,
                {
                    f"body.{step_id('a')}.error.data.d": ABSENT,
                    f"body.{step_id('a')}.error.cause.c": ABSENT,
                    f"body.{step_id('a')}.error.noRetry": ABSENT,
                },
            ),
        ),
        18: (_retry_after("body.name"),),
        20: (
            _retry_after("body.name"),
            Difference("an instant, spelt in another way", {"header.retry-after": ANYTHING}),
        ),
        23: (_in_name("a"),),
        44: (
            Difference(
                "the step is run and reported; this app forgets it",
                {"status": 206},
                body=[
                    {
                        "data": 1,
                        "displayName": "a",
                        "id": step_id("a"),
                        "name": "a",
                        "op": "StepRun",
                        "opts": None,
                        "userland": {"id": "a", "index": None},
                    }
                ],
            ),
        ),
    },
    "encryption_middleware": {
        4: (
            Difference(
                "a step that the server carries out has no output yet; recorded is one of null",
                {
                    f"{_op('i')}.data": None,
                    f"{_op('i')}.data.__ENCRYPTED__": ABSENT,
                    f"{_op('i')}.data.__STRATEGY__": ABSENT,
                    f"{_op('i')}.data.data": ABSENT,
                },
            ),
        )
    },
    "flow_throttle_concurrency": {
        0: (
            _as_list(2, 4, 5),
            Difference(
                "the default of burst is 1, and is sent", {"body.functions[0].throttle.burst": 1}
            ),
            Difference(
                "a limit of whole runs cannot be declared: the public surface has no option for it",
                {
                    "body.functions[6].concurrency.fn[0].limit": ABSENT,
                    "body.functions[6].concurrency.fn[0].scope": ABSENT,
                },
            ),
        )
    },
    "flow_timeouts": {0: (_as_list(1),)},
    "internal_events": {
        9: (
            _FINAL,
            Difference(
                _ERROR_IS,
                {"body.extra": ABSENT, "body.stack": ANYTHING},
            ),
        ),
        12: (
            Difference(
                "step.invoke takes no user: the public surface has no option for it",
                {f"{_op('i')}.opts.payload.user.id": ABSENT},
            ),
        ),
        14: (_FINAL,),
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
    "invoke_timeout": {3: (_sleep("long", "6000ms"),)},
    "limits_and_attempts": {14: (_retry_after("body.name"),)},
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
    "parallel_versions_and_mixed_ops": {
        2: (_VERSION_2,),
        3: (_VERSION_2,),
        4: (_VERSION_2,),
        5: (
            _VERSION_2,
            Difference(
                "a step that has not finished is planned again: the server does not run it twice",
                {},
                body=[
                    {
                        "data": None,
                        "displayName": "b",
                        "id": step_id("b"),
                        "name": "b",
                        "op": "StepPlanned",
                        "opts": None,
                        "userland": {"id": "b", "index": None},
                    }
                ],
            ),
        ),
        6: (_VERSION_2, _without_stack(2)),
        11: (_without_stack(2),),
        16: (_without_stack(4),),
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
                'function "rec-sdk-error-answers-badout": a value of type object '
                "cannot be stored: it is not JSON; annotate the handler with the type that it "
                "returns, by a name that its module can see, or pass output_type"
            ),
            Difference("the same code gives the same kind of value again", NO_RETRY),
        ),
        10: (
            Difference(
                "a nested step cannot work on a retry either: the step has failed for good",
                {
                    f"{_op('a')}.op": "StepFailed",
                    f"{_op('a')}.error.noRetry": True,
                },
            ),
            Difference(
                OUR_WORDS,
                {
                    f"{_op('a')}.error.message": OneOf(
                        _NESTED.format("inside", ' "a"'),
                        _NESTED.format("while another", " is running"),
                    ),
                    f"{_op('a')}.error.name": "StepNestedError",
                    f"{_op('a')}.error.stack": ABSENT,
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
    "sleep": {2: (_sleep("nap", "2000ms"),)},
    "step_fetch_gateway": {
        8: (
            Difference(
                "ours always says the method, and what kind the body is of",
                {
                    f"{_op('nomethod')}.opts.method": "POST",
                    f"{_op('nomethod')}.opts.headers.content-type": "application/json",
                },
            ),
        ),
        13: (
            Difference(
                "the app's answer is that of all steps, and ours has no step of that name",
                {
                    f"body.{step_id('text')}.data.{path}": ABSENT
                    for path in (
                        "body",
                        "status_code",
                        "url",
                        "headers.Content-Length",
                        "headers.Content-Type",
                        "headers.Date",
                        "headers.Server",
                        "headers.X-Multi",
                    )
                },
            ),
        ),
    },
    "streaming_201": {2: _STREAM, 3: _STREAM, 5: _STREAM},
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

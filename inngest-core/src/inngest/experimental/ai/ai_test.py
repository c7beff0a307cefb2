from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from inngest._internal.middleware.records import StepInfo, TransformOutputStepInfo
from inngest._internal.op import Op, Opcode, StepID
from inngest._internal.step import calls
from inngest.experimental import ai
from inngest.experimental.ai import BaseAdapter, anthropic, deepseek, gemini, grok, openai

KEY = "sk-very-secret"
VENDORS: list[Any] = [anthropic, deepseek, gemini, grok, openai]


def made(vendor: Any, **options: object) -> BaseAdapter:
    adapter: BaseAdapter = vendor.Adapter(auth_key=KEY, model="m-1", **options)
    return adapter


# Annotated for type checkers: each adapter satisfies the protocol of the core.
ALL: list[BaseAdapter] = [
    anthropic.Adapter(auth_key=KEY, model="m-1"),
    deepseek.Adapter(auth_key=KEY, model="m-1"),
    gemini.Adapter(auth_key=KEY, model="m-1"),
    grok.Adapter(auth_key=KEY, model="m-1"),
    openai.Adapter(auth_key=KEY, model="m-1"),
]


@pytest.mark.parametrize(
    ("vendor", "url", "dialect", "headers"),
    [
        (
            anthropic,
            "https://api.anthropic.com/v1/messages",
            "anthropic",
            {"anthropic-version": "2023-06-01"},
        ),
        (deepseek, "https://api.deepseek.com/v1/chat/completions", "openai-chat", {}),
        (
            gemini,
            "https://generativelanguage.googleapis.com/v1beta/models/m-1:generateContent",
            "gemini",
            {},
        ),
        (grok, "https://api.x.ai/v1/chat/completions", "openai-chat", {}),
        (openai, "https://api.openai.com/v1/chat/completions", "openai-chat", {}),
    ],
)
def test_what_the_server_is_told(
    vendor: Any, url: str, dialect: str, headers: dict[str, str]
) -> None:
    adapter = made(vendor)
    told = (adapter.url_infer(), adapter.format(), adapter.headers(), adapter.auth_key())
    assert told == (url, dialect, headers, KEY)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("base_url", ["http://proxy.test/v9", "http://proxy.test/v9/"])
def test_a_base_url_replaces_the_origin_and_the_version(vendor: Any, base_url: str) -> None:
    url = made(vendor, base_url=base_url).url_infer()
    path = url.removeprefix("http://proxy.test/v9/")
    assert made(vendor).url_infer().endswith(f"/{path}")
    assert "//" not in path


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("show", [repr, str, "{}".format])
def test_the_key_is_in_no_url_and_in_no_repr(vendor: Any, show: Any) -> None:
    adapter = made(vendor, headers={"x-proxy-key": KEY})
    assert KEY not in adapter.url_infer()
    assert KEY not in show(adapter)


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize("show", [repr, str, "{}".format])
def test_the_key_is_shown_by_nothing_that_carries_the_step(vendor: Any, show: Any) -> None:
    call = calls.infer("ask", made(vendor), {"messages": []})
    assert call.opts is not None and call.opts["auth_key"] == KEY
    kind, step = Opcode.AI_GATEWAY, StepID(id="ask", index=0, hashed="0")
    carriers = [
        call,
        Op(step=step, opcode=kind, name="ask", opts=call.opts),
        StepInfo(id="ask", hashed_id="0", op=kind, opts=call.opts),
        TransformOutputStepInfo(id="ask", op=kind, opts=dict(call.opts)),
    ]
    assert [each for each in carriers if KEY in show(each)] == []


def test_a_repr_says_whose_model_it_is() -> None:
    assert repr(made(grok)) == "inngest.experimental.ai.grok.Adapter(model='m-1')"


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_call_leaves_the_body_and_the_adapter_as_they_are(vendor: Any) -> None:
    body: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}
    headers = {"x-team": "a"}
    adapter = made(vendor, headers=headers)
    before = copy.deepcopy(body)
    first = calls.infer("ask", adapter, body)
    adapter.headers()["x-team"] = "b"
    headers["x-team"] = "c"
    assert body == before
    assert calls.infer("ask", adapter, body) == first


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_body_that_names_a_model_keeps_it(vendor: Any) -> None:
    body: dict[str, Any] = {"model": "mine"}
    made(vendor).on_call(body)
    assert body == {"model": "mine"}


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_body_without_a_model_is_given_one_where_the_url_has_none(vendor: Any) -> None:
    body: dict[str, Any] = {}
    made(vendor).on_call(body)
    assert body == ({} if vendor is gemini else {"model": "m-1"})


def test_a_model_cannot_change_the_path() -> None:
    adapter = gemini.Adapter(auth_key=KEY, model="../x?a=b#c")
    assert adapter.url_infer().endswith("/v1beta/models/..%2Fx%3Fa%3Db%23c:generateContent")


def test_a_header_of_the_user_wins_in_any_case() -> None:
    headers = {"Anthropic-Version": "2030-01-01", "anthropic-beta": "x"}
    assert made(anthropic, headers=headers).headers() == headers


@pytest.mark.parametrize("vendor", VENDORS)
def test_an_adapter_can_be_copied_and_pickled(vendor: Any) -> None:
    adapter = made(vendor)
    for twin in (copy.deepcopy(adapter), pickle.loads(pickle.dumps(adapter))):
        assert (twin.url_infer(), twin.auth_key()) == (adapter.url_infer(), KEY)


def test_what_is_exported_is_documented() -> None:
    assert ai.__all__ == sorted(ai.__all__)
    assert all(getattr(ai, name).__doc__ for name in ai.__all__)
    assert [vendor.Adapter.__doc__ for vendor in VENDORS if not vendor.Adapter.__doc__] == []
    assert [adapter.auth_key() for adapter in ALL] == [KEY] * len(VENDORS)

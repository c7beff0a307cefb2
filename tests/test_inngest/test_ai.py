"""The adapters of `inngest.experimental.ai`: what the provider is asked, by a server."""

from __future__ import annotations

import json
from types import ModuleType
from typing import Any

import pytest

import inngest
from inngest.dev.testing import Outbound, VirtualEngine
from inngest.experimental.ai import anthropic, deepseek, gemini, grok, openai

KEY = "sk-1"
BEARER = {"authorization": f"Bearer {KEY}"}
BODY = {"messages": [{"role": "user", "content": "hi"}]}


@pytest.mark.parametrize(
    ("vendor", "url", "headers", "has_model"),
    [
        (
            anthropic,
            "https://api.anthropic.com/v1/messages",
            {"x-api-key": KEY, "anthropic-version": "2023-06-01"},
            True,
        ),
        (deepseek, "https://api.deepseek.com/v1/chat/completions", BEARER, True),
        (
            gemini,
            "https://generativelanguage.googleapis.com/v1beta/models/m-1:generateContent?key=sk-1",
            {},
            False,
        ),
        (grok, "https://api.x.ai/v1/chat/completions", BEARER, True),
        (openai, "https://api.openai.com/v1/chat/completions", BEARER, True),
    ],
    ids=lambda value: value.__name__.rpartition(".")[2] if isinstance(value, ModuleType) else None,
)
def test_the_server_asks_the_provider(
    vendor: Any, url: str, headers: dict[str, str], has_model: bool
) -> None:
    client = inngest.Inngest(app_id="app", is_production=False)
    adapter = vendor.Adapter(auth_key=KEY, model="m-1", headers={"x-team": "a"})
    asked: list[Outbound] = []

    @client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="e"))
    async def function(ctx: inngest.Context) -> dict[str, object]:
        return await ctx.step.ai.infer("ask", adapter=adapter, body=BODY)

    def provider(request: Outbound) -> object:
        asked.append(request)
        return {"answer": 42}

    with VirtualEngine(client, [function], fetch=provider) as engine:
        run = engine.send(inngest.Event(name="e"))
        assert run.output == {"answer": 42}
    (request,) = asked
    sent = {name.lower(): value for name, value in request.headers.items()}
    assert (request.method, request.url) == ("POST", url)
    assert sent.items() >= {**headers, "x-team": "a"}.items()
    assert json.loads(request.body) == {**BODY, **({"model": "m-1"} if has_model else {})}
    assert "model" not in BODY

"""Steps in which the server calls a model, and what it must know of the provider."""

from __future__ import annotations

from typing import Any, Protocol, cast

from inngest._internal.step import calls
from inngest._internal.step.runner import StepRunner, StepRunnerSync


class AIAdapter(Protocol):
    """One provider of models, as ``step.ai.infer`` uses it."""

    def auth_key(self) -> str:
        """The key that the server presents to the provider."""
        ...

    def format(self) -> str:
        """The provider's dialect, for example ``openai-chat``."""
        ...

    def headers(self) -> dict[str, str]:
        """Headers of the request, besides the key."""
        ...

    def on_call(self, body: dict[str, Any]) -> None:
        """Complete the request's body, for example with the model."""
        ...

    def url_infer(self) -> str:
        """Where the request goes."""
        ...


class AI:
    """Steps of an async function in which the server calls a model."""

    def __init__(self, runner: StepRunner) -> None:
        self._runner = runner

    async def infer(
        self, step_id: str, *, adapter: AIAdapter, body: dict[str, Any]
    ) -> dict[str, object]:
        """Have the server make one request to a model, and return the provider's answer.

        :param adapter: the provider, for example ``inngest.experimental.ai.openai.Adapter``.
        :param body: the request, in the provider's form.
        """
        call = calls.infer(step_id, adapter, body)
        return cast("dict[str, object]", await self._runner.take(call))


class AISync:
    """Steps of a sync function in which the server calls a model."""

    def __init__(self, runner: StepRunnerSync) -> None:
        self._runner = runner

    def infer(self, step_id: str, *, adapter: AIAdapter, body: dict[str, Any]) -> dict[str, object]:
        """Have the server make one request to a model, and return the provider's answer.

        :param adapter: the provider, for example ``inngest.experimental.ai.openai.Adapter``.
        :param body: the request, in the provider's form.
        """
        call = calls.infer(step_id, adapter, body)
        return cast("dict[str, object]", self._runner.take(call))


__all__ = ["AI", "AIAdapter", "AISync"]

"""Steps that call a model: the server does, or the app, which shows its input to the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar, cast

from typing_extensions import TypeVarTuple, Unpack

from inngest._internal.serialization.contract import Serializer
from inngest._internal.step import calls
from inngest._internal.step.runner import StepRunner, StepRunnerSync
from inngest._internal.types import UNSET

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class AIAdapter(Protocol):
    """A model provider for ``step.ai.infer``."""

    def auth_key(self) -> str:
        """Return the API key."""
        ...

    def format(self) -> str:
        """Return the provider's request format, for example ``openai-chat``."""
        ...

    def headers(self) -> dict[str, str]:
        """Return the request headers, without the key."""
        ...

    def on_call(self, body: dict[str, Any]) -> None:
        """Complete the request body in place, for example with the model's name."""
        ...

    def url_infer(self) -> str:
        """Return the URL that the request is sent to."""
        ...


class AI:
    """Steps of an async function that call a model."""

    def __init__(self, runner: StepRunner) -> None:
        self._runner = runner

    async def infer(
        self, step_id: str, *, adapter: AIAdapter, body: dict[str, Any], name: str | None = None
    ) -> dict[str, object]:
        """Have the server call a model, and return the provider's response body.

        :param adapter: the provider, for example ``inngest.experimental.ai.openai.Adapter``.
        :param body: the request body, in the provider's format.
        """
        call = calls.infer(step_id, adapter, body, name)
        return cast("dict[str, object]", await self._runner.take(call))

    async def wrap(
        self,
        step_id: str,
        handler: Callable[[Unpack[Ts]], Awaitable[T]],
        *handler_args: Unpack[Ts],
        name: str | None = None,
        output_type: object = UNSET,
        serializer: Serializer | str | None = None,
    ) -> T:
        """Run ``handler(*handler_args)``, code that calls a model, like ``step.run``.

        The arguments, if they are JSON, are also sent to the server, where people can see them
        and rerun the step with others.
        """
        if serializer is not None:
            serializer = self._runner.find_serializer(serializer)
        call = calls.wrap(step_id, handler, handler_args, output_type, serializer, name)
        return cast(T, await self._runner.take(call))


class AISync:
    """Steps of a sync function that call a model."""

    def __init__(self, runner: StepRunnerSync) -> None:
        self._runner = runner

    def infer(
        self, step_id: str, *, adapter: AIAdapter, body: dict[str, Any], name: str | None = None
    ) -> dict[str, object]:
        """Have the server call a model, and return the provider's response body.

        :param adapter: the provider, for example ``inngest.experimental.ai.openai.Adapter``.
        :param body: the request body, in the provider's format.
        """
        call = calls.infer(step_id, adapter, body, name)
        return cast("dict[str, object]", self._runner.take(call))

    def wrap(
        self,
        step_id: str,
        handler: Callable[[Unpack[Ts]], T],
        *handler_args: Unpack[Ts],
        name: str | None = None,
        output_type: object = UNSET,
        serializer: Serializer | str | None = None,
    ) -> T:
        """Run ``handler(*handler_args)``, code that calls a model, like ``step.run``.

        The arguments, if they are JSON, are also sent to the server, where people can see them
        and rerun the step with others.
        """
        if serializer is not None:
            serializer = self._runner.find_serializer(serializer)
        call = calls.wrap(step_id, handler, handler_args, output_type, serializer, name)
        return cast(T, self._runner.take(call))


__all__ = ["AI", "AIAdapter", "AISync"]

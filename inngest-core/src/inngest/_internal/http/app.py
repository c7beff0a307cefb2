"""What the endpoint needs to know of the app that it serves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from inngest._internal.api.access import Access
from inngest._internal.checks import kind_of
from inngest._internal.errors import FunctionConfigInvalidError
from inngest._internal.function.checkpointing import Checkpointing, chosen
from inngest._internal.function.function import Function
from inngest._internal.http.gate import Gate
from inngest._internal.protocol.headers import sdk_headers
from inngest._internal.protocol.introspect import AppFacts
from inngest._internal.protocol.signature import SigningKey
from inngest._internal.serialization.annotations import return_type
from inngest._internal.serialization.codec import Codec
from inngest._internal.serialization.contract import Serializer
from inngest._internal.step.replay_logger import Logger
from inngest._internal.step.runner import FindSerializer, RunClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """The code behind an id."""

    function: Function[Any]
    handler: Callable[..., object]
    codec: Codec
    is_async: bool
    what: str
    """What errors call it."""
    has_typed_events: bool
    """Whether it is given events that have a type of their own."""
    checkpointing: Checkpointing | None
    """How steps are recorded, ``None`` for not at all."""


@dataclass(frozen=True, kw_only=True)
class App:
    """One client and its functions, as the endpoint sees them.

    ``keys`` verify requests and authorize calls; the first is tried first. ``timeout``
    is in seconds. ``logger`` and ``middleware`` are asked for at each call, since a client's
    can be replaced.
    """

    facts: AppFacts
    keys: Sequence[SigningKey]
    timeout: float
    functions: Sequence[Function[Any]]
    table: dict[str, Called]
    client: RunClient
    logger: Callable[[], Logger]
    middleware: Callable[[], Sequence[Callable[..., object]]]
    serializer: Serializer | None
    find_serializer: FindSerializer
    checkpoint_gate: Gate

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Who we are, on every request and answer."""
        return sdk_headers(
            env=self.facts.env, framework=self.facts.framework, server_kind=self.facts.mode
        )

    @cached_property
    def access(self) -> Access:
        """How the API is called."""
        return Access(
            api_origin=self.facts.api_origin,
            headers=self.headers,
            keys=self.keys,
            timeout=self.timeout,
        )

    def configs(self, url: str) -> list[dict[str, object]]:
        """What to register when the app is reached at ``url``."""
        return [config for function in self.functions for config in function.configs(url)]


def each_once(functions: Iterable[Function[Any]]) -> list[Function[Any]]:
    """Leave out what is there again: apps put their lists together from those of modules."""
    return list({id(function): function for function in functions}.values())


def callable_table(
    functions: Sequence[Function[Any]], checkpointing: Checkpointing | bool | None
) -> dict[str, Called]:
    """Every id that the server may call, with the code behind it.

    :param checkpointing: what holds for functions that do not say.
    :raises FunctionConfigInvalidError: something else than functions, or two of one id.
    """
    if not isinstance(functions, Collection):
        raise FunctionConfigInvalidError(
            f"functions: must be a list of them, not {kind_of(functions)}"
        )
    table: dict[str, Called] = {}
    for function in each_once(functions):
        if not isinstance(function, Function):
            raise FunctionConfigInvalidError(
                f"functions: must be what @client.create_function(...) makes, not {kind_of(function)}"
            )
        called = [(function.id, function.handler, function.codec)]
        on_failure, on_failure_fn_id = function.on_failure, function.on_failure_fn_id
        if on_failure is not None and on_failure_fn_id is not None:
            called.append((on_failure_fn_id, on_failure, Codec(typ=return_type(on_failure))))
        for fn_id, handler, codec in called:
            if fn_id in table:
                raise FunctionConfigInvalidError(
                    f'two functions have the id "{fn_id}": give each its own fn_id'
                )
            table[fn_id] = Called(
                function=function,
                handler=handler,
                codec=codec,
                is_async=function.is_handler_async,
                what=f'function "{fn_id}"',
                has_typed_events=function.has_typed_events and handler is function.handler,
                checkpointing=chosen(function.checkpointing, checkpointing),
            )
    return table

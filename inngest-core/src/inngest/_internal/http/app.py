"""The app that an endpoint serves."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from inngest._internal.api.access import Access
from inngest._internal.checks import kind_of
from inngest._internal.errors import FunctionConfigInvalidError
from inngest._internal.function.checkpointing import Checkpointing, effective
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
    """A handler that the server can call by id."""

    function: Function[Any]
    handler: Callable[..., object]
    codec: Codec
    is_async: bool
    what: str
    """Names it in errors."""
    has_typed_events: bool
    """Whether it receives typed events."""
    checkpointing: Checkpointing | None
    """How steps are checkpointed, or ``None`` if they are not."""


@dataclass(frozen=True, kw_only=True)
class App:
    """A client and its functions.

    ``keys`` verify requests and authorize API calls, in this order. ``timeout`` is in seconds.
    ``logger`` and ``middleware`` are callables, because a client's can be replaced at any time.
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
        """The headers that identify the SDK and the app on all requests and responses."""
        return sdk_headers(
            env=self.facts.env, framework=self.facts.framework, server_kind=self.facts.mode
        )

    @cached_property
    def access(self) -> Access:
        """The parameters of API calls."""
        return Access(
            api_origin=self.facts.api_origin,
            headers=self.headers,
            keys=self.keys,
            timeout=self.timeout,
        )

    def configs(self, url: str) -> list[dict[str, object]]:
        """Return the registrations of all functions for an app at ``url``."""
        return [config for function in self.functions for config in function.configs(url)]


def each_once(functions: Iterable[Function[Any]]) -> list[Function[Any]]:
    """Remove duplicates, which occur when apps concatenate the lists of several modules."""
    return list({id(function): function for function in functions}.values())


def callable_table(
    functions: Sequence[Function[Any]], checkpointing: Checkpointing | bool | None
) -> dict[str, Called]:
    """Return the handlers that the server can call, by function id.

    :param checkpointing: the setting for functions without one.
    :raises FunctionConfigInvalidError: an item is not a function, or two have the same id.
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
                checkpointing=effective(function.checkpointing, checkpointing),
            )
    return table

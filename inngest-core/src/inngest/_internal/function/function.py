"""A declared function: its handler, its options, and what it tells the server."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from inngest._internal.checks import is_text
from inngest._internal.errors import EventInvalidError, FunctionConfigInvalidError
from inngest._internal.event import Event
from inngest._internal.event_type import EventType
from inngest._internal.function.checkpointing import Checkpointing
from inngest._internal.function.options import FunctionOptions
from inngest._internal.function.reference import CallData, Invocable
from inngest._internal.function.registration import (
    FunctionConfig,
    failure_config,
    function_config,
)
from inngest._internal.function.trigger import takes_deferred_calls
from inngest._internal.serialization.annotations import return_type, signature
from inngest._internal.serialization.codec import Codec
from inngest._internal.types import UNSET

if TYPE_CHECKING:
    from inngest._internal.middleware.contract import UninitializedMiddleware

T_co = TypeVar("T_co", covariant=True)
INVOKED = "inngest/function.invoked"


class FunctionConfigs(NamedTuple):
    """What is registered: the function, and its failure handler if it has one."""

    main: FunctionConfig
    on_failure: FunctionConfig | None


class Function(Invocable[T_co, CallData]):
    """A durable function; ``T_co`` is what its handler returns."""

    def __init__(self, options: FunctionOptions, handler: Callable[..., object]) -> None:
        _check_names(options)
        _check_handler(options.local_id, handler)
        if options.on_failure is not None:
            _check_handler(f"{options.local_id} (on_failure)", options.on_failure)
        # Tests of apps look at _opts, _triggers and _handler: what they are called stays.
        self._opts = options
        self._triggers = list(options.triggers)
        self._handler = handler
        self._is_async = inspect.iscoroutinefunction(handler)
        on_failure = options.on_failure
        if on_failure is not None and inspect.iscoroutinefunction(on_failure) != self._is_async:
            raise FunctionConfigInvalidError(
                f'function "{options.local_id}": on_failure must be '
                f"{'async' if self._is_async else 'sync'}, like the function itself"
            )
        self._event_types = [
            trigger.event_type for trigger in options.triggers if trigger.event_type is not None
        ]
        self.configs("http://localhost/api/inngest")

    @property
    def id(self) -> str:
        """The id that the server knows: ``<app id>-<function id>``."""
        return self._opts.fully_qualified_id

    @property
    def local_id(self) -> str:
        """The id within the app."""
        return self._opts.local_id

    @property
    def name(self) -> str:
        """The name for people."""
        return self._opts.name

    @property
    def handler(self) -> Callable[..., object]:
        """The code of the function."""
        return self._handler

    @property
    def on_failure(self) -> Callable[..., object] | None:
        """The code that runs when the function has failed for good."""
        return self._opts.on_failure

    @property
    def middleware(self) -> Sequence[UninitializedMiddleware]:
        """The function's own middleware, which runs inside the client's."""
        return self._opts.middleware

    @property
    def checkpointing(self) -> Checkpointing | bool | None:
        """How one call runs many steps; ``None`` leaves it to the client."""
        return self._opts.checkpointing

    @property
    def codec(self) -> Codec:
        """How the function's output is stored; without a serializer, by that of who serves it."""
        return self._codec

    @property
    def codec_for_callers(self) -> Codec:
        """How the function's output is read by those who invoke it: as its own client writes it."""
        return self._codec_for_callers

    @cached_property
    def _codec_for_callers(self) -> Codec:
        serializer = self._opts.serializer or self._opts.serializer_of_client
        return replace(self._codec, serializer=serializer, is_settled=True)

    @cached_property
    def _codec(self) -> Codec:
        # When it is first needed: the type may be declared after the function.
        is_declared = self._opts.output_type is not UNSET
        return Codec(
            typ=self._opts.output_type if is_declared else return_type(self._handler),
            is_declared=is_declared,
            serializer=self._opts.serializer,
        )

    @property
    def is_handler_async(self) -> bool:
        """Whether the handler is a coroutine function."""
        return self._is_async

    @property
    def is_on_failure_handler_async(self) -> bool | None:
        """Whether the failure handler is a coroutine function; ``None`` without one."""
        return None if self.on_failure is None else self._is_async

    @property
    def on_failure_fn_id(self) -> str | None:
        """The id of the failure handler; ``None`` without one."""
        return None if self.on_failure is None else f"{self.id}-failure"

    @property
    def takes_deferred_calls(self) -> bool:
        """Whether a trigger lets ``step.defer`` call it."""
        return any(takes_deferred_calls(each.to_config()) for each in self._opts.triggers)

    @property
    def has_typed_events(self) -> bool:
        """Whether a trigger gives its events a type."""
        return bool(self._event_types)

    def id_within(self, app_id: str) -> str:
        """Return :attr:`id`, which is the same for callers of every app."""
        return self.id

    def get_id(self) -> str:
        """Return :attr:`id`."""
        return self.id

    def read_events(self, events: list[Event[Any]]) -> list[Event[Any]] | EventInvalidError:
        """Give each event that has a type its model, as the function's triggers say."""
        if not self._event_types:
            return events
        read: list[Event[Any]] = []
        for event in events:
            event_type = self._event_type_of(event.name)
            typed = event if event_type is None else event_type.parse(event)
            if isinstance(typed, EventInvalidError):
                return typed
            read.append(typed)
        return read

    def _event_type_of(self, name: str) -> EventType[Any] | None:
        for event_type in self._event_types:
            if event_type.name == name:
                return event_type
        is_only_one = len(self._opts.triggers) == 1
        return self._event_types[0] if name == INVOKED and is_only_one else None

    def get_config(self, app_url: str) -> FunctionConfigs:
        """What to register for an app at ``app_url``."""
        main, *rest = self._configs(app_url, "http")
        return FunctionConfigs(main, rest[0] if rest else None)

    def configs(
        self, app_url: str, runtime: Literal["http", "ws"] = "http"
    ) -> list[dict[str, object]]:
        """What to register: the function, and its failure handler if it has one.

        :raises FunctionConfigInvalidError: the options do not go together.
        """
        return [config.to_dict() for config in self._configs(app_url, runtime)]

    def _configs(self, app_url: str, runtime: Literal["http", "ws"]) -> list[FunctionConfig]:
        options = self._opts
        found = [function_config(options, url=app_url, runtime=runtime)]
        if options.on_failure is not None:
            found.append(failure_config(options, url=app_url, runtime=runtime))
        return found


def _check_names(options: FunctionOptions) -> None:
    names: dict[str, object] = {
        "app_id": options.app_id,
        "fn_id": options.local_id,
        "name": options.name,
    }
    for argument, text in names.items():
        if not is_text(text):
            raise FunctionConfigInvalidError(f"{argument}: must be a string, and not empty")
    for trigger in options.triggers:
        is_class = isinstance(trigger, type)
        if is_class or not hasattr(trigger, "to_config"):
            given = "a class" if is_class else f"a {type(trigger).__name__}"
            raise FunctionConfigInvalidError(
                "trigger: must be a TriggerEvent, a TriggerCron, a TriggerDeferred or an EventType, "
                f"not {given}"
            )


def _check_handler(name: str, handler: object) -> None:
    if not callable(handler):
        raise FunctionConfigInvalidError(f'function "{name}": the handler is not callable')
    try:
        # What is called, not what it wraps: a decorator may fill in arguments of its own.
        taken = signature(handler, follow_wrapped=False)
    except (TypeError, ValueError):  # some callables written in C do not tell
        return
    try:
        taken.bind(object())
    except TypeError:
        hint = ": its steps are those of ctx.step" if "step" in taken.parameters else ""
        raise FunctionConfigInvalidError(
            f'function "{name}": the handler must take one argument, the context{hint}'
        ) from None

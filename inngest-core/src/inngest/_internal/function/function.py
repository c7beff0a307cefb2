"""A declared function: its handler, its options, and its registration."""

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
    """The registered functions: the main one, and its failure handler if there is one."""

    main: FunctionConfig
    on_failure: FunctionConfig | None


class Function(Invocable[T_co, CallData]):
    """A durable function, made by ``client.create_function``. ``T_co`` is its result type."""

    def __init__(self, options: FunctionOptions, handler: Callable[..., object]) -> None:
        _check_names(options)
        _check_handler(options.local_id, handler)
        if options.on_failure is not None:
            _check_handler(f"{options.local_id} (on_failure)", options.on_failure)
        # Tests of existing apps access _opts, _triggers and _handler.
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
        """The id by which the server knows the function: ``<app id>-<function id>``."""
        return self._opts.fully_qualified_id

    @property
    def local_id(self) -> str:
        """The id within the app, as given to ``create_function``."""
        return self._opts.local_id

    @property
    def name(self) -> str:
        """The name that people see."""
        return self._opts.name

    @property
    def handler(self) -> Callable[..., object]:
        """The function's code."""
        return self._handler

    @property
    def on_failure(self) -> Callable[..., object] | None:
        """The handler that is called when a run has failed, or ``None``."""
        return self._opts.on_failure

    @property
    def middleware(self) -> Sequence[UninitializedMiddleware]:
        """The function's own middleware, which runs within the client's."""
        return self._opts.middleware

    @property
    def checkpointing(self) -> Checkpointing | bool | None:
        """The function's checkpointing; ``None`` means the client's."""
        return self._opts.checkpointing

    @property
    def codec(self) -> Codec:
        """How the output is stored; without a serializer, the serving client's is used."""
        return self._codec

    @property
    def codec_for_callers(self) -> Codec:
        """How callers decode the output: with the serializer of the function's own client."""
        return self._codec_for_callers

    @cached_property
    def _codec_for_callers(self) -> Codec:
        serializer = self._opts.serializer or self._opts.serializer_of_client
        return replace(self._codec, serializer=serializer, is_settled=True)

    @cached_property
    def _codec(self) -> Codec:
        # Computed lazily: the output type may be declared after the function.
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
        """Whether the failure handler is a coroutine function; ``None`` if there is none."""
        return None if self.on_failure is None else self._is_async

    @property
    def on_failure_fn_id(self) -> str | None:
        """The id of the failure handler; ``None`` if there is none."""
        return None if self.on_failure is None else f"{self.id}-failure"

    @property
    def takes_deferred_calls(self) -> bool:
        """Whether ``step.defer`` may call the function, because of its triggers."""
        return any(takes_deferred_calls(each.to_config()) for each in self._opts.triggers)

    @property
    def has_typed_events(self) -> bool:
        """Whether any trigger is an :class:`inngest.EventType`."""
        return bool(self._event_types)

    def id_within(self, app_id: str) -> str:
        """Return :attr:`id`, which does not depend on the caller's app."""
        return self.id

    def get_id(self) -> str:
        """Return :attr:`id`."""
        return self.id

    def read_events(self, events: list[Event[Any]]) -> list[Event[Any]] | EventInvalidError:
        """Convert the data of typed events to the models of the function's triggers."""
        if not self._event_types:
            return events
        typed_events: list[Event[Any]] = []
        for event in events:
            event_type = self._event_type_of(event.name)
            typed = event if event_type is None else event_type.parse(event)
            if isinstance(typed, EventInvalidError):
                return typed
            typed_events.append(typed)
        return typed_events

    def _event_type_of(self, name: str) -> EventType[Any] | None:
        for event_type in self._event_types:
            if event_type.name == name:
                return event_type
        is_only_one = len(self._opts.triggers) == 1
        return self._event_types[0] if name == INVOKED and is_only_one else None

    def get_config(self, app_url: str) -> FunctionConfigs:
        """Return the registration for an app served at ``app_url``."""
        main, *rest = self._configs(app_url, "http")
        return FunctionConfigs(main, rest[0] if rest else None)

    def configs(
        self, app_url: str, runtime: Literal["http", "ws"] = "http"
    ) -> list[dict[str, object]]:
        """Return the registration on the wire: the function, and its failure handler if any.

        :raises FunctionConfigInvalidError: the options are inconsistent.
        """
        return [config.to_dict() for config in self._configs(app_url, runtime)]

    def _configs(self, app_url: str, runtime: Literal["http", "ws"]) -> list[FunctionConfig]:
        options = self._opts
        configs = [function_config(options, url=app_url, runtime=runtime)]
        if options.on_failure is not None:
            configs.append(failure_config(options, url=app_url, runtime=runtime))
        return configs


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
            actual = "a class" if is_class else f"a {type(trigger).__name__}"
            raise FunctionConfigInvalidError(
                "trigger: must be a TriggerEvent, a TriggerCron, a TriggerDeferred or an EventType, "
                f"not {actual}"
            )


def _check_handler(name: str, handler: object) -> None:
    if not callable(handler):
        raise FunctionConfigInvalidError(f'function "{name}": the handler is not callable')
    try:
        # Not the wrapped function's signature: a decorator may supply arguments itself.
        own_signature = signature(handler, follow_wrapped=False)
    except (TypeError, ValueError):  # some callables implemented in C have no signature
        return
    try:
        own_signature.bind(object())
    except TypeError:
        hint = ": its steps are those of ctx.step" if "step" in own_signature.parameters else ""
        raise FunctionConfigInvalidError(
            f'function "{name}": the handler must take one argument, the context{hint}'
        ) from None

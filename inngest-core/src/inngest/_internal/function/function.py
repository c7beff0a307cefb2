"""A declared function: its handler, its options, and what it tells the server."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar

from inngest._internal.errors import FunctionConfigInvalidError
from inngest._internal.function import config
from inngest._internal.function.registration import failure_config, function_config

if TYPE_CHECKING:
    from inngest._internal.step.context import Context, ContextSync

T_co = TypeVar("T_co", covariant=True)
AsyncHandler = Callable[["Context"], Awaitable[T_co]]
SyncHandler = Callable[["ContextSync"], T_co]
Trigger = config.TriggerCron | config.TriggerEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionOptions:
    """Everything about a function except its code."""

    app_id: str
    fn_id: str
    name: str
    triggers: tuple[Trigger, ...]
    retries: int | None = None
    on_failure: Callable[..., object] | None = None
    flow_control: dict[str, Any] = field(default_factory=dict)


class Function(Generic[T_co]):
    """A durable function; ``T_co`` is what its handler returns."""

    def __init__(self, options: FunctionOptions, handler: Callable[..., object]) -> None:
        self._options = options
        self._handler = handler
        self._is_async = inspect.iscoroutinefunction(handler)
        on_failure = options.on_failure
        if on_failure is not None and inspect.iscoroutinefunction(on_failure) != self._is_async:
            raise FunctionConfigInvalidError(
                f'function "{options.fn_id}": on_failure must be '
                f"{'async' if self._is_async else 'sync'}, like the function itself"
            )
        self.configs("http://localhost/api/inngest")

    @property
    def id(self) -> str:
        """The id that the server knows: ``<app id>-<function id>``."""
        return f"{self._options.app_id}-{self._options.fn_id}"

    @property
    def local_id(self) -> str:
        """The id within the app."""
        return self._options.fn_id

    @property
    def name(self) -> str:
        """The name for people."""
        return self._options.name

    @property
    def handler(self) -> Callable[..., object]:
        """The code of the function."""
        return self._handler

    @property
    def on_failure(self) -> Callable[..., object] | None:
        """The code that runs when the function has failed for good."""
        return self._options.on_failure

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

    def get_id(self) -> str:
        """Return :attr:`id`."""
        return self.id

    def configs(
        self, app_url: str, runtime: Literal["http", "ws"] = "http"
    ) -> list[dict[str, object]]:
        """What to register: the function, and its failure handler if it has one.

        :raises FunctionConfigInvalidError: the options do not go together.
        """
        options = self._options
        found = [
            function_config(
                fn_id=self.id,
                name=options.name,
                url=app_url,
                runtime=runtime,
                triggers=options.triggers,
                retries=options.retries,
                **options.flow_control,
            )
        ]
        if options.on_failure is not None:
            found.append(
                failure_config(fn_id=self.id, name=options.name, url=app_url, runtime=runtime)
            )
        return found

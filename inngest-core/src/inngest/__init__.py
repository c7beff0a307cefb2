"""Durable, event-driven functions on the Inngest platform.

The package is a namespace that other distributions extend: ``inngest.flask``, ``inngest.dev``…
"""

from importlib import import_module
from pkgutil import extend_path
from typing import TYPE_CHECKING, Any, Final

__path__ = extend_path(__path__, __name__)

if TYPE_CHECKING:
    from inngest._internal.client.client import Inngest
    from inngest._internal.errors import NonRetriableError, RetryAfterError, StepError
    from inngest._internal.event import Event
    from inngest._internal.event_type import EventType
    from inngest._internal.function.checkpointing import Checkpointing
    from inngest._internal.function.config import (
        Batch,
        Cancel,
        Concurrency,
        Debounce,
        Priority,
        RateLimit,
        Singleton,
        Throttle,
        Timeouts,
        TriggerCron,
        TriggerDeferred,
        TriggerEvent,
    )
    from inngest._internal.function.function import Function
    from inngest._internal.function.reference import FunctionReference, reference_function
    from inngest._internal.http.streaming import Streaming
    from inngest._internal.middleware.contract import Middleware, MiddlewareSync
    from inngest._internal.middleware.memos import StepMemos
    from inngest._internal.middleware.records import TransformOutputResult
    from inngest._internal.plugins.serving import serve
    from inngest._internal.sent import SendEventsResult
    from inngest._internal.serialization.contract import PydanticSerializer, Serializer
    from inngest._internal.signal import Signal
    from inngest._internal.step.context import Context, ContextSync
    from inngest._internal.step.deferral import Deferred, DeferredSync
    from inngest._internal.step.fetch import FetchedResponse
    from inngest._internal.step.group import Group, GroupSync, ParallelMode
    from inngest._internal.step.step import Step
    from inngest._internal.step.step_sync import StepSync
    from inngest._internal.types import JSON

_HOMES: Final[dict[str, str]] = {
    "Batch": "function.config",
    "Cancel": "function.config",
    "Checkpointing": "function.checkpointing",
    "Concurrency": "function.config",
    "Context": "step.context",
    "ContextSync": "step.context",
    "Debounce": "function.config",
    "Deferred": "step.deferral",
    "DeferredSync": "step.deferral",
    "Event": "event",
    "EventType": "event_type",
    "FetchedResponse": "step.fetch",
    "Function": "function.function",
    "FunctionReference": "function.reference",
    "Group": "step.group",
    "GroupSync": "step.group",
    "Inngest": "client.client",
    "JSON": "types",
    "Middleware": "middleware.contract",
    "MiddlewareSync": "middleware.contract",
    "NonRetriableError": "errors",
    "ParallelMode": "step.group",
    "Priority": "function.config",
    "PydanticSerializer": "serialization.contract",
    "RateLimit": "function.config",
    "RetryAfterError": "errors",
    "SendEventsResult": "sent",
    "Serializer": "serialization.contract",
    "Signal": "signal",
    "Singleton": "function.config",
    "Step": "step.step",
    "StepError": "errors",
    "StepMemos": "middleware.memos",
    "StepSync": "step.step_sync",
    "Streaming": "http.streaming",
    "Throttle": "function.config",
    "Timeouts": "function.config",
    "TransformOutputResult": "middleware.records",
    "TriggerCron": "function.config",
    "TriggerDeferred": "function.config",
    "TriggerEvent": "function.config",
    "reference_function": "function.reference",
    "serve": "plugins.serving",
}
"""Maps each public name to its module under ``inngest._internal``, imported on first access."""


if not TYPE_CHECKING:  # a type checker would take any name for one of ours

    def __getattr__(name: str) -> Any:
        home = _HOMES.get(name)
        if home is None:
            hint = ""
            if not name.startswith("_"):
                from inngest._internal.wheels import to_import

                hint = to_import(name)
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}")
        value = globals()[name] = getattr(import_module(f"inngest._internal.{home}"), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


__all__ = [
    "Batch",
    "Cancel",
    "Checkpointing",
    "Concurrency",
    "Context",
    "ContextSync",
    "Debounce",
    "Deferred",
    "DeferredSync",
    "Event",
    "EventType",
    "FetchedResponse",
    "Function",
    "FunctionReference",
    "Group",
    "GroupSync",
    "Inngest",
    "JSON",
    "Middleware",
    "MiddlewareSync",
    "NonRetriableError",
    "ParallelMode",
    "Priority",
    "PydanticSerializer",
    "RateLimit",
    "RetryAfterError",
    "SendEventsResult",
    "Serializer",
    "Signal",
    "Singleton",
    "Step",
    "StepError",
    "StepMemos",
    "StepSync",
    "Streaming",
    "Throttle",
    "Timeouts",
    "TransformOutputResult",
    "TriggerCron",
    "TriggerDeferred",
    "TriggerEvent",
    "reference_function",
    "serve",
]

"""The options that a function is declared with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

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
)
from inngest._internal.function.trigger import Trigger
from inngest._internal.types import UNSET

if TYPE_CHECKING:
    from inngest._internal.middleware.contract import UninitializedMiddleware
    from inngest._internal.serialization.contract import Serializer


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionOptions:
    """Everything about a function except its handler."""

    app_id: str
    local_id: str
    name: str
    triggers: tuple[Trigger[Any], ...]
    batch_events: Batch | None = None
    cancel: Sequence[Cancel] | None = None
    checkpointing: Checkpointing | bool | None = None
    concurrency: Sequence[Concurrency] | None = None
    debounce: Debounce | None = None
    idempotency: str | None = None
    middleware: tuple[UninitializedMiddleware, ...] = ()
    on_failure: Callable[..., object] | None = None
    output_type: object = UNSET
    priority: Priority | None = None
    rate_limit: RateLimit | None = None
    retries: int | None = None
    """Attempts after the first one; ``None`` means the server's default, 4."""
    serializer: Serializer | None = None
    serializer_of_client: Serializer | None = None
    singleton: Singleton | None = None
    throttle: Throttle | None = None
    timeouts: Timeouts | None = None

    @property
    def fully_qualified_id(self) -> str:
        """The id by which the server knows the function: ``<app id>-<function id>``."""
        return f"{self.app_id}-{self.local_id}"


__all__ = ["FunctionOptions"]

"""The types of the handlers that ``create_function`` accepts, and of its result."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, overload

from typing_extensions import TypeVar

from inngest._internal.event import Data
from inngest._internal.function.function import Function

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from typing import TypeAlias

    from inngest._internal.step.context import Context, ContextSync

    FailureHandler: TypeAlias = (
        Callable[[Context], Awaitable[object]] | Callable[[ContextSync], object]
    )

T = TypeVar("T")
DataT = TypeVar("DataT", default=Data)


class FunctionDecorator(Protocol[DataT]):
    """Turns a handler into a :class:`Function` with the handler's result type."""

    @overload
    def __call__(self, handler: Callable[[Context[DataT]], Awaitable[T]], /) -> Function[T]: ...
    @overload
    def __call__(self, handler: Callable[[ContextSync[DataT]], T], /) -> Function[T]: ...


__all__ = ["DataT", "FunctionDecorator"]

"""The middleware, and what it asks of the store."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from inngest._internal.middleware.contract import MiddlewareSync
from inngest._internal.middleware.memos import StepMemos
from inngest._internal.middleware.records import TransformOutputResult
from inngest._internal.op import Opcode

if TYPE_CHECKING:
    from inngest._internal.client.client import Inngest
    from inngest._internal.function.function import Function
    from inngest._internal.step.context import Context, ContextSync


class StateDriver(Protocol):
    """Where values are kept. Several threads may use it at once.

    Unless its attribute ``blocks`` is false, it is called on threads, not on an event loop.
    """

    def load_steps(self, steps: StepMemos) -> None:
        """Put values in the place of the pointers that :meth:`save_step` returned."""
        ...

    def save_step(self, run_id: str, value: object) -> dict[str, object]:
        """Keep a JSON value of a run, and return the pointer that the server is to keep."""
        ...


class RemoteStateMiddleware(MiddlewareSync):
    """Has a driver keep the outputs of steps and functions.

    What makes a value unreadable, such as encryption, comes after it in the list.
    """

    def __init__(self, client: Inngest, raw_request: object, driver: StateDriver) -> None:
        """Take the driver besides. List what :meth:`factory` returns."""
        super().__init__(client, raw_request)
        self.blocks: bool = bool(getattr(driver, "blocks", True))
        self._driver = driver
        self._run_id = ""

    @classmethod
    def factory(cls, driver: StateDriver) -> Callable[[Inngest, object], RemoteStateMiddleware]:
        """What goes into ``Inngest(middleware=[...])``."""
        return partial(cls, driver=driver)

    def transform_input(
        self, ctx: Context[Any] | ContextSync[Any], function: Function[Any], steps: StepMemos
    ) -> None:
        """Read what pointers stand for."""
        self._run_id = ctx.run_id
        self._driver.load_steps(steps)

    def transform_output(self, result: TransformOutputResult) -> None:
        """Keep an output, and have a pointer reported."""
        is_ours = result.step is None or result.step.op is Opcode.STEP_RUN
        if is_ours and result.error is None and result.has_output():
            result.output = self._driver.save_step(self._run_id, result.output)


__all__ = ["RemoteStateMiddleware", "StateDriver"]

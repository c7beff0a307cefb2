"""The middleware and the interface of its drivers."""

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
    """Stores values. It may be called from several threads at once.

    Unless its attribute ``blocks`` is false, it is never called on an event loop's thread.
    """

    def load_steps(self, steps: StepMemos) -> None:
        """Replace pointers that :meth:`save_step` returned with the stored values."""
        ...

    def save_step(self, run_id: str, value: object) -> dict[str, object]:
        """Store a JSON value of a run, and return the pointer that the server is to store."""
        ...


class RemoteStateMiddleware(MiddlewareSync):
    """Stores the outputs of steps and functions with a driver.

    List middleware that encodes values, such as encryption, after it.
    """

    def __init__(self, client: Inngest, raw_request: object, driver: StateDriver) -> None:
        """Called by :meth:`factory`, whose result goes into ``Inngest(middleware=[...])``."""
        super().__init__(client, raw_request)
        self.blocks: bool = bool(getattr(driver, "blocks", True))
        self._driver = driver
        self._run_id = ""

    @classmethod
    def factory(cls, driver: StateDriver) -> Callable[[Inngest, object], RemoteStateMiddleware]:
        """Return a factory for ``Inngest(middleware=[...])``."""
        return partial(cls, driver=driver)

    def transform_input(
        self, ctx: Context[Any] | ContextSync[Any], function: Function[Any], steps: StepMemos
    ) -> None:
        """Replace the pointers among the memoized outputs."""
        self._run_id = ctx.run_id
        self._driver.load_steps(steps)

    def transform_output(self, result: TransformOutputResult) -> None:
        """Store the output, and replace it with a pointer."""
        is_ours = result.step is None or result.step.op is Opcode.STEP_RUN
        if is_ours and result.error is None and result.has_output():
            result.output = self._driver.save_step(self._run_id, result.output)


__all__ = ["RemoteStateMiddleware", "StateDriver"]

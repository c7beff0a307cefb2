"""Function invocations that a run defers until its end, and can cancel. Pure.

They are not steps: user code does not wait for them, and they are reported along with the next
steps (PROTOCOL section 21.14).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from inngest._internal.engine.journal import hash_id
from inngest._internal.op import Op, Opcode, StepCall, StepID


@dataclass(slots=True)
class Deferrals:
    """The deferred calls that the server knows, and those that are still to be reported."""

    known: Mapping[str, bool] | None = field(default_factory=dict)
    """Whether each call can still be aborted, by hashed id; ``None`` if the server did not say."""
    _unreported: dict[str, Op] = field(default_factory=dict)

    @property
    def unreported(self) -> tuple[Op, ...]:
        """The operations to report, in the order in which user code requested them."""
        return tuple(self._unreported.values())

    def add(self, step: StepID, call: StepCall) -> None:
        """Defer a call, unless the server already knows it."""
        if self.known is None or step.hashed not in self.known:
            self._unreported[step.hashed] = Op(
                step=step,
                opcode=Opcode.DEFER_ADD,
                name=step.id,
                display_name=call.display_name,
                opts=call.opts,
            )

    def abort(self, step: StepID) -> None:
        """Abort a deferred call. Idempotent."""
        was_unreported = self._unreported.pop(step.hashed, None) is not None
        if self.known is not None and (was_unreported or not self.known.get(step.hashed)):
            return
        name = f"{step.id}:{step.index}" if step.index else step.id
        hashed = hash_id(f"{name}-abort")
        self._unreported[hashed] = Op(
            step=StepID(id=step.id, index=step.index, hashed=hashed),
            opcode=Opcode.DEFER_ABORT,
            name=step.id,
            opts={"target_hashed_id": step.hashed},
        )

    def note_reported(self) -> None:
        """Record that the server has received everything unreported, while the call continues."""
        known = dict(self.known or {})
        for hashed, op in self._unreported.items():
            is_call = op.opcode is Opcode.DEFER_ADD
            known[hashed if is_call else str((op.opts or {})["target_hashed_id"])] = is_call
        self.known, self._unreported = known, {}


__all__ = ["Deferrals"]

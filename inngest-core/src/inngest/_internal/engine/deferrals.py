"""Calls that a run defers until its end, and takes back (PROTOCOL section 21.14). Pure.

They are no steps: code does not wait for them, and they travel with what else is reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from inngest._internal.engine.journal import hash_id
from inngest._internal.op import Op, Opcode, StepCall, StepID


@dataclass(slots=True)
class Deferrals:
    """What the server knows already, and what it is still to be told."""

    known: Mapping[str, bool] | None = field(default_factory=dict)
    """By hashed id: whether the call can still be taken back. ``None``: nobody says."""
    _unreported: dict[str, Op] = field(default_factory=dict)

    @property
    def unreported(self) -> tuple[Op, ...]:
        """What to report, in the order in which it was asked for."""
        return tuple(self._unreported.values())

    def add(self, step: StepID, call: StepCall) -> None:
        """Note a call, unless an earlier report had it."""
        if self.known is None or step.hashed not in self.known:
            self._unreported[step.hashed] = Op(
                step=step,
                opcode=Opcode.DEFER_ADD,
                name=step.id,
                display_name=call.display_name,
                opts=call.opts,
            )

    def abort(self, step: StepID) -> None:
        """Take a call back. Doing it twice changes nothing."""
        is_news = self._unreported.pop(step.hashed, None) is not None
        if self.known is not None and (is_news or not self.known.get(step.hashed)):
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
        """The server was told of all that was unreported, and code goes on."""
        known = dict(self.known or {})
        for hashed, op in self._unreported.items():
            is_call = op.opcode is Opcode.DEFER_ADD
            known[hashed if is_call else str((op.opts or {})["target_hashed_id"])] = is_call
        self.known, self._unreported = known, {}


__all__ = ["Deferrals"]

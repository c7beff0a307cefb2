"""Apply the ``transform_output`` hooks to operations before they are reported. As flows."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from inngest._internal.engine.execution import CallFacts
from inngest._internal.errors import Error, OutputUnserializableError
from inngest._internal.flow import Flow
from inngest._internal.middleware.records import TransformOutputResult, TransformOutputStepInfo
from inngest._internal.middleware.stack import Stack
from inngest._internal.op import Op, Opcode
from inngest._internal.serialization.text import encode
from inngest._internal.step.failure import describe, is_quiet, is_retriable, retry_after
from inngest._internal.types import UNSET

MAX_OUTPUT_BYTES: Final = 4 * 1024 * 1024
"""The maximum size of a step's output as JSON; servers reject larger ones."""


def transform_op(hooks: Stack, op: Op, facts: CallFacts) -> Flow[Op | Error]:
    """Return the operation as the hooks leave it, as a failed one if its output is too large."""
    changed: Op | Error = op
    if not op.is_shown and hooks.implements("transform_output"):
        changed = yield from _apply_hooks(hooks, op, facts)
    if isinstance(changed, Error) or not _is_too_large(changed.data):
        return changed
    size = len(_as_sent(changed.data))
    too_large = OutputUnserializableError(
        f'the output of step "{op.step.id}" has {size} bytes, more than the limit of '
        f"{MAX_OUTPUT_BYTES}: store it elsewhere, and return a reference to it"
    )
    return _with_error(changed, too_large, facts)


def encode_with_hooks(hooks: Stack, op: Op, value: object) -> Flow[Op | None]:
    """Return the operation with ``value`` as the hooks encode it, or ``None`` if they do not.

    For values that are not JSON, which the middleware of some apps converts.
    """
    if not hooks.implements("transform_output"):
        return None
    step = _info(op)
    result = TransformOutputResult(output=value, step=step)
    failure = yield from hooks.after("transform_output", result)
    if failure is not None or result.error is not None:
        return None  # the caller reports the encoding error, which is more informative
    encoded = encode(result.output, op.step.id)
    if isinstance(encoded, OutputUnserializableError):
        return None
    return replace(op, opts=step.opts, data=encoded, is_shown=True)


def _info(op: Op) -> TransformOutputStepInfo:
    opts = None if op.opts is None else dict(op.opts)
    return TransformOutputStepInfo(id=op.step.id, op=op.opcode, opts=opts)


def _is_too_large(data: str) -> bool:
    return len(data) * 4 > MAX_OUTPUT_BYTES and len(_as_sent(data)) > MAX_OUTPUT_BYTES


def _as_sent(data: str) -> bytes:
    return data.encode("utf-8", "backslashreplace")


def _apply_hooks(hooks: Stack, op: Op, facts: CallFacts) -> Flow[Op | Error]:
    step = _info(op)
    has_run = op.opcode is Opcode.STEP_RUN
    result = TransformOutputResult(
        error=op.cause, output=json.loads(op.data) if has_run else UNSET, step=step
    )
    failure = yield from hooks.after("transform_output", result)
    if failure is not None:
        return failure
    op = replace(op, opts=step.opts, is_shown=True)
    if result.error is not None:
        return op if result.error is op.cause else _with_error(op, result.error, facts)
    what = f'the output or options of step "{op.step.id}"'
    has_outcome = has_run or op.error is not None  # otherwise an output of a hook is ignored

    encoded = encode(result.output if has_outcome else None, what)
    for each in (encoded, encode(step.opts, what)):
        if isinstance(each, OutputUnserializableError):
            return each
    opcode = op.opcode if op.error is None else Opcode.STEP_RUN
    return replace(
        op,
        opcode=opcode,
        data=str(encoded),
        error=None,
        cause=None,
        is_retriable=True,
        retry_after=None,
    )


def _with_error(op: Op, error: Exception, facts: CallFacts) -> Op:
    is_final = facts.is_last_attempt or not is_retriable(error)
    return replace(
        op,
        opcode=Opcode.STEP_FAILED if is_final else Opcode.STEP_ERROR,
        data="null",
        error=describe(error),
        cause=error,
        is_retriable=is_retriable(error),
        is_quiet=is_quiet(error),
        retry_after=None if is_final else retry_after(error),
    )


__all__ = ["MAX_OUTPUT_BYTES", "encode_with_hooks", "transform_op"]

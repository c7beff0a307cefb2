"""Show what is about to be reported to the ``transform_output`` hooks. One flow for all ops."""

from __future__ import annotations

import json
from dataclasses import replace

from inngest._internal.engine.execution import CallFacts
from inngest._internal.errors import Error, OutputUnserializableError
from inngest._internal.flow import Flow
from inngest._internal.middleware.records import TransformOutputResult, TransformOutputStepInfo
from inngest._internal.middleware.stack import Stack
from inngest._internal.op import Op, Opcode
from inngest._internal.serialization.text import encode
from inngest._internal.step.failure import describe, is_quiet, is_retriable, retry_after
from inngest._internal.types import UNSET


def transform_op(hooks: Stack, op: Op, facts: CallFacts) -> Flow[Op | Error]:
    """Return the operation as the hooks leave it."""
    if not hooks.implements("transform_output"):
        return op
    step = TransformOutputStepInfo(
        id=op.step.id, op=op.opcode, opts=None if op.opts is None else dict(op.opts)
    )
    has_run = op.opcode is Opcode.STEP_RUN
    result = TransformOutputResult(
        error=op.cause, output=json.loads(op.data) if has_run else UNSET, step=step
    )
    failure = yield from hooks.after("transform_output", result)
    if failure is not None:
        return failure
    op = replace(op, opts=step.opts)
    if result.error is not None:
        return op if result.error is op.cause else _with_error(op, result.error, facts)
    what = f'the output or options of step "{op.step.id}"'
    encoded = encode(result.output if result.has_output() else None, what)
    for each in (encoded, encode(step.opts, what)):
        if isinstance(each, OutputUnserializableError):
            return each
    opcode = op.opcode if op.error is None else Opcode.STEP_RUN
    return replace(op, opcode=opcode, data=str(encoded), error=None, cause=None)


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


__all__ = ["transform_op"]

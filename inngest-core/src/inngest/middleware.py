"""The middleware base classes and the objects that their hooks receive."""

from inngest._internal.middleware.contract import (
    Middleware,
    MiddlewareSync,
    UninitializedMiddleware,
)
from inngest._internal.middleware.memos import MemoizedError, MemoizedOutput, StepMemos
from inngest._internal.middleware.records import (
    StepInfo,
    TransformOutputResult,
    TransformOutputStepInfo,
    WrappedFunction,
    WrappedHandler,
    WrappedRequest,
    WrappedSend,
    WrappedStep,
)
from inngest._internal.op import Opcode

__all__ = [
    "MemoizedError",
    "MemoizedOutput",
    "Middleware",
    "MiddlewareSync",
    "Opcode",
    "StepInfo",
    "StepMemos",
    "TransformOutputResult",
    "TransformOutputStepInfo",
    "UninitializedMiddleware",
    "WrappedFunction",
    "WrappedHandler",
    "WrappedRequest",
    "WrappedSend",
    "WrappedStep",
]

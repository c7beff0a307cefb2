"""Expressions (CEL) on events: read once, evaluated often. Pure."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import lru_cache

from lark.exceptions import LarkError

from inngest.dev._internal.expressions.budget import Budget, CostlyError
from inngest.dev._internal.expressions.compiler import (
    BUDGET,
    NOW,
    Code,
    Scope,
    UnknownError,
    code_of,
    is_simple,
    parser,
)
from inngest.dev._internal.expressions.demand import Demand, demand_of
from inngest.dev._internal.expressions.values import EvaluationError, Value

ROOTS = frozenset({"event", "async", "vars"})
MAX_LENGTH = 10_000
MAX_OPERATIONS = 1_000_000
"""Of one evaluation. They take about half a second."""
_log = logging.getLogger("inngest.dev")


@dataclass(frozen=True, slots=True, kw_only=True)
class BadExpression:
    """The text is not an expression, or uses what does not exist."""

    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    text: str
    simple: bool
    """Whether it has only comparisons, logic, indexing and `in`: what cancellations may use."""
    code: Code
    demand: Demand | None
    """What it demands of the event that comes in, if anything."""

    def value(self, scope: Scope, now: int) -> Value:
        """Its value; null when it cannot be evaluated, or takes too long.

        :param scope: `event`, and `async` if there is one, as of `from_json`.
        """
        budget = Budget(MAX_OPERATIONS)
        try:
            value = self.code({**scope, NOW: now, BUDGET: budget})
            budget.go_through(value)
            return value
        except CostlyError:
            _log.warning("an expression takes too long, and has no value: %s", self.text[:500])
            return None
        except (EvaluationError, RecursionError, ArithmeticError):
            return None

    def wanted(self, scope: Scope) -> str | None:
        """The values that it demands, given `event`; None: it may be true of any event."""
        if self.demand is None:
            return None
        try:
            return self.demand.wanted({**scope, NOW: 0, BUDGET: Budget(MAX_OPERATIONS)})
        except (EvaluationError, CostlyError, RecursionError, ArithmeticError):
            return None

    def holds(self, scope: Scope, now: int) -> bool:
        """Whether its value is `true`. Errors, and all other values, count as false."""
        return self.value(scope, now) is True


def compiled(text: str) -> Expression | BadExpression:
    """Compile an expression. Those that were compiled lately are remembered."""
    if len(text) > MAX_LENGTH:
        return BadExpression(message=f"the expression is longer than {MAX_LENGTH} characters")
    return _compiled(text)


@lru_cache(maxsize=4096)
def _compiled(text: str) -> Expression | BadExpression:
    reader = parser()
    try:
        tree = reader.parse(text)
        return Expression(
            text=text,
            simple=is_simple(tree),
            code=code_of(tree, ROOTS),
            demand=demand_of(tree, ROOTS),
        )
    except LarkError as error:
        first = str(error).strip().splitlines()[0]
        return BadExpression(message=f"syntax error in '{text}': {first}")
    except UnknownError as error:
        return BadExpression(message=f"error in '{text}': {error}")
    except RecursionError:
        return BadExpression(message="the expression is nested too deeply")

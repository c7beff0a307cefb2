"""Render a run's timeline as text, for a failed test's report."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from inngest.dev._internal.model.values import DISCOVERY, correlation_id
from inngest.dev._internal.testing.context import call_key

if TYPE_CHECKING:
    from inngest.dev._internal.model.values import Item, Run, Step
    from inngest.dev._internal.testing.session import Session

WIDTH = 100
_WAITS = {
    "Sleep": "slept",
    "WaitForEvent": "waited for an event",
    "WaitForSignal": "waited for a signal",
    "InvokeFunction": "invoked a function",
    "Gateway": "fetched",
    "AIGateway": "asked a model",
}
_PENDING = {
    "sleep": "{}: sleeps until then",
    "wait": "{}: waits for its event until then",
    "signal": "{}: waits for its signal until then",
    "invoke": "{}: waits for the function it invoked until then",
    "start_timeout": "cancelled unless it is started by then",
    "finish_timeout": "cancelled unless it has ended by then",
}
Line = tuple[int, str]
"""Time and text."""
Attempt = dict[str, Any]


class _Notes:
    """Logs and sent events of calls, each with how many steps had run in its call before."""

    def __init__(self) -> None:
        self._lines: dict[str, list[tuple[int, Line]]] = defaultdict(list)
        self._steps: Counter[str] = Counter()

    def add(self, calling: str, after: int, line: Line) -> None:
        self._lines[calling].append((after, line))

    def before(self, call: str) -> list[Line]:
        """Take the lines before the next step of a call."""
        return self._take(call, self._steps[call])

    def rest(self, call: str) -> list[Line]:
        """Take the remaining lines of a call."""
        return self._take(call, None)

    def step(self, call: str) -> None:
        """Count a step of the call."""
        self._steps[call] += 1

    def _take(self, call: str, upto: int | None) -> list[Line]:
        lines = self._lines.pop(call, [])
        later = [each for each in lines if upto is not None and each[0] > upto]
        if later:
            self._lines[call] = later
        return [line for after, line in lines if upto is None or after <= upto]


def timeline(session: Session, run: Run) -> str:
    """Return the timeline of a run. Call it via `Session.read`."""
    store = session.engine.store
    run = store.run(run.id) or run
    zero = run.started_at or run.created_at
    lines = list(_happened(run, store.attempts(run.id), _notes_of(session, run)))
    if run.status == "Cancelled":
        left = [step for step in run.steps.values() if step.state == "pending"]
        lines += [(run.ended_at or zero, f"✗ {step.name}: cancelled") for step in left]
    for item in store.items_of(run.id):
        step = run.steps.get(item.step_id)
        name = step.name if step else "the function" if item.step_id == DISCOVERY else item.step_id
        what = _PENDING.get(item.kind) or _next(session, run, item)
        lines.append((item.due, "… " + what.format(name)))
    if run.ended_at is not None:
        tell = _failure if run.status == "Failed" else _short
        output = "" if run.output is None else f": {tell(run.output)}"
        lines.append((run.ended_at, f"{run.status}{output}"))
    head = f"{run.function_id}  {run.status}  (run {run.id})"
    event = _line("", _cause(session, run))
    return "\n".join([head, event, *(_line(_after(at - zero), text) for at, text in lines)])


def _line(when: str, text: str) -> str:
    """Format a line of the timeline, indenting multi-line text to its column."""
    return f"  {when:>12}  " + text.replace("\n", f"\n{'':16}")


def _next(session: Session, run: Run, item: Item) -> str:
    """Describe a queued call or request."""
    if item.attempt:
        return "{}: tried again then"
    if item.due > session.clock.now():
        return "{}: called then"
    function = session.engine.store.function(run.function_id)
    options = function.options if function else None
    limits = [name for name in ("concurrency", "throttle") if options and getattr(options, name)]
    return "{}: waits for its turn, by the " + " and ".join(limits) if limits else "{}: next"


def _happened(run: Run, attempts: list[Attempt], notes: _Notes) -> Iterator[Line]:
    """Yield what happened, ordered by the ends of steps, as virtual time may stand still."""
    position = {step_id: n for n, step_id in enumerate(run.stack)}
    left = list(attempts)
    last = {_call_of(attempt): attempt["number"] for attempt in attempts}
    for n, step_id in enumerate(run.stack):
        step, done = run.steps[step_id], False
        while left and not done:
            first = left[0]
            if position.get(first["step_id"], n) > n or first["ended_at"] > (step.ended_at or 0):
                break
            if step.op in _WAITS and _failed_after(first, step):
                break
            done = first["step_id"] == step_id and first["outcome"] != "failed"
            yield from _attempt(left.pop(0), run, notes, last)
        if step.op in _WAITS:
            yield step.ended_at or 0, f"{_mark(step)} {step.name}: {_waited(step)}"
    for each in left:
        yield from _attempt(each, run, notes, last)


def _failed_after(attempt: Attempt, step: Step) -> bool:
    """Return whether the function failed in the call that received the result of the wait.

    Had it failed earlier, a retry delay would separate the failure from the step.
    """
    is_failure = attempt["step_id"] == DISCOVERY and attempt["outcome"] == "failed"
    return is_failure and bool(attempt["ended_at"] == step.ended_at)


def _attempt(attempt: Attempt, run: Run, notes: _Notes, last: Mapping[str, int]) -> Iterator[Line]:
    """Yield an attempt and what its call logged and sent, in order.

    :param last: the number of the last attempt of each call.
    """
    call = _call_of(attempt)
    yield from notes.before(call)
    text = _tried(attempt, run)
    if attempt["step_id"] != DISCOVERY:
        notes.step(call)
        if text:
            yield attempt["ended_at"], text
    if attempt["number"] == last[call]:
        yield from notes.rest(call)
    if attempt["step_id"] == DISCOVERY and text:
        yield attempt["ended_at"], text


def _call_of(attempt: Attempt) -> str:
    return call_key(attempt["job_id"], attempt["attempt"] + 1)


def _tried(attempt: Attempt, run: Run) -> str:
    """Return the line of an attempt; empty for a call that only discovered steps."""
    step, body = run.steps.get(attempt["step_id"]), attempt["body"]
    failed = attempt["outcome"] == "failed"
    if not failed and (attempt["step_id"] == DISCOVERY or step is None):
        return ""
    named = body.get("step") if isinstance(body, dict) else None
    name = step.name if step else named or attempt["step_id"]
    if attempt["step_id"] == DISCOVERY:
        name = "the function"
    nth = attempt["attempt"] + 1
    again = f" (attempt {nth})" if nth > 1 or failed else ""
    return f"✗ {name}{again}: {_failure(body)}" if failed else f"✓ {name}{again}: {_short(body)}"


def _notes_of(session: Session, run: Run) -> _Notes:
    notes = _Notes()
    for log in session.logs_by_run().get(run.id, []):
        notes.add(log.call, log.after, (log.at, f"  {log.level.lower()}: {log.message}"))
    for event_id, calling in session.senders.items():
        event = session.engine.store.event(event_id) if calling.run_id == run.id else None
        if event is not None:
            sent = f'  sent "{event.name}" {_short(event.body["data"])}'
            notes.add(calling.call, len(calling.executed), (event.received_at, sent))
    return notes


def _mark(step: Step) -> str:
    return "✗" if step.state == "failed" else "✓"


def _waited(step: Step) -> str:
    """Describe what a step waited for, and the outcome."""
    waited = _WAITS[step.op]
    if step.state == "failed":
        return _failure(step.error)
    if step.op == "Sleep":
        return waited
    if step.memo is None:
        return f"{waited}: none came in time"
    return f"{waited}: {_short(step.output)}"


def _cause(session: Session, run: Run) -> str:
    event = run.event
    data = {name: value for name, value in event.body["data"].items() if name != "_inngest"}
    parent_id = (correlation_id(event) or "").partition(".")[0]
    parent = session.engine.store.run(parent_id) if parent_id else None
    what = f"invoked by {parent.function_id}" if parent else f'started by "{event.name}"'
    others = f" and {len(run.events) - 1} more" if len(run.events) > 1 else ""
    return f"{what} {_short(data)}{others}"


def _failure(body: Any) -> str:
    """Format an error, of an app or of the engine, in one line."""
    inner = body.get("error") if isinstance(body, dict) else None
    error = inner if isinstance(inner, dict) else body
    if isinstance(error, dict) and "message" in error and "name" in error:
        return f"{error['name']}: {error['message']}"
    return _short(body)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= WIDTH else text[: WIDTH - 1] + "…"


def _after(milliseconds: int) -> str:
    if milliseconds == 0:
        return "+0"
    text = str(timedelta(milliseconds=milliseconds))
    return "+" + text.removesuffix("000").replace(" days, ", "d ").replace(" day, ", "d ")

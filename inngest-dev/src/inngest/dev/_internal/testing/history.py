"""Replay the exported history of a run against the current code.

For each point in the history the code is called as a server calls it, with the steps completed
by then, in plan-only mode: no step is executed. It must request the step that came next. Code
outside of steps runs, as in every replay.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from inngest import Function, Inngest
from inngest.dev._internal.machine.ops import RESULTS, label_of
from inngest.dev._internal.views.export import VERSION
from inngest.transport import CommRequest, CommResponse, Handler, ServeOptions

_EXECUTED = (*RESULTS, "StepPlanned")
"""Operations of steps that the app executes, or plans."""
_URL = "http://history.test/api/inngest"


class NonDeterminismError(AssertionError):
    """The code deviates from the history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    id: str
    name: str
    op: str
    memo: Any


def check_history(
    history: Mapping[str, Any], client: Inngest, functions: Sequence[Function[Any]]
) -> None:
    """Raise unless the function repeats its history, step by step.

    :param history: from `RecordedRun.export` or `python -m inngest runs show --export`.
    :raises NonDeterminismError: a step is gone, new, renamed, moved, or of another kind.
    :raises ValueError: not a history, or the history of a function that is not among these.
    """
    _refuse_others(history)
    function_id = history["function_id"]
    if function_id not in _ids(functions):
        known = ", ".join(_ids(functions))
        raise ValueError(f"the history is of {function_id}; the functions are {known}")
    is_production = client.is_production
    client.is_production = False
    try:
        handler = Handler(client, functions, ServeOptions(framework="testing", environ={}))
        try:
            problems = list(_problems(handler, history))
        finally:
            handler.close()
    finally:
        client.is_production = is_production
    if problems:
        head = f"{function_id} does not do what run {history['run_id']} did:"
        raise NonDeterminismError("\n".join([head, *(f"  {problem}" for problem in problems)]))


def _refuse_others(history: Any) -> None:
    if not isinstance(history, Mapping) or history.get("version") != VERSION:
        raise ValueError(f"not a history of version {VERSION}")
    lists = ("steps", "pending", "events")
    missing = [name for name in ("function_id", "run_id", "status", *lists) if name not in history]
    missing += [name for name in lists if not isinstance(history.get(name, []), list)]
    if missing or not history["events"]:
        raise ValueError(f"not a whole history: {', '.join(missing or ['events'])}")


def _problems(handler: Handler, history: Mapping[str, Any]) -> Iterator[str]:
    steps, pending = _steps(history, "steps"), _steps(history, "pending", memo=None)
    for count in range(len(steps) + 1):
        answer = handler.handle_sync(_call(history, steps[:count]))
        wanted = steps[count : count + 1] or pending
        where = f'after "{steps[count - 1].name}"' if count else "at the start"
        problem = _compare(answer, wanted, where, history)
        if problem is not None:
            yield problem
            return  # later points would only repeat it


def _steps(history: Mapping[str, Any], name: str, **more: Any) -> list[_Step]:
    try:
        return [_Step(**step, **more) for step in history[name]]
    except TypeError:
        raise ValueError(f"not a whole history: {name}") from None


def _compare(
    answer: CommResponse, wanted: Sequence[_Step], where: str, history: Mapping[str, Any]
) -> str | None:
    body = json.loads(answer.body)
    ops = {op["id"]: op for op in body} if answer.status == 206 else {}
    names = ", ".join(f'"{label_of(op)}"' for op in ops.values())
    for step in wanted:
        if step.id in ops:
            if not _alike(ops[step.id]["op"], step.op):
                return f'{where}: "{step.name}" was {step.op}, and is {ops[step.id]["op"]} now'
            continue
        did = f"the code asks for {names}" if ops else _ending(answer.status, body)
        return f'{where}: the next step was "{step.name}" ({step.op}); {did}'
    if wanted or history["status"] not in ("Completed", "Failed"):
        return None
    if ops:
        return f"{where}: the run ended; the code asks for {names}"
    if (answer.status == 200) != (history["status"] == "Completed"):
        return f"{where}: the run was {history['status']}; {_ending(answer.status, body)}"
    return None


def _call(history: Mapping[str, Any], done: Sequence[_Step]) -> CommRequest:
    events = history["events"]
    body = {
        "ctx": {
            "attempt": 0,
            "disable_immediate_execution": True,
            "env": "",
            "fn_id": history["function_id"],
            "max_attempts": 1,
            "run_id": history["run_id"],
            "stack": {"stack": [step.id for step in done], "current": len(done)},
            "step_id": "step",
            "use_api": False,
        },
        "event": events[0],
        "events": events,
        "steps": {step.id: step.memo for step in done},
        "use_api": False,
        "version": -1,
    }
    return CommRequest(
        method="POST",
        url=_URL,
        headers={"host": "history.test", "content-type": "application/json"},
        query={"fnId": history["function_id"], "stepId": "step"},
        body=json.dumps(body).encode(),
    )


def _ids(functions: Sequence[Function[Any]]) -> list[str]:
    found = [(f.id, f.on_failure_fn_id) for f in functions]
    return [each for pair in found for each in pair if each is not None]


def _alike(now: str, then: str) -> bool:
    return now == then or (now in _EXECUTED and then in _EXECUTED)


def _ending(status: int, body: Any) -> str:
    if status == 200:
        return "the code returns"
    error = body if isinstance(body, dict) else {}
    return f"the code raises {error.get('name')}: {error.get('message')}"

"""Apply the operations of one answer to their run. Pure: no I/O, no clock."""

from __future__ import annotations

from collections.abc import Mapping

from inngest.dev._internal.expressions.cel import BadExpression, compiled
from inngest.dev._internal.flow_control.keys import demanded
from inngest.dev._internal.machine import deferred, signals
from inngest.dev._internal.machine.endpoint import finish, is_endpoint
from inngest.dev._internal.machine.fetching import Outbound, read_request
from inngest.dev._internal.machine.invocations import invocation
from inngest.dev._internal.machine.ops import (
    COMPLETE,
    NO_STEPS,
    RESULTS,
    arguments_of,
    awaited,
    data_of,
    due_of,
    label_of,
    opcode_of,
    pending_step,
    signal_of,
)
from inngest.dev._internal.machine.retries import Delay, exhausted, retried
from inngest.dev._internal.machine.runs import discovery, end, resume, settle_step
from inngest.dev._internal.model.durations import LONGEST
from inngest.dev._internal.model.ids import new_job_id
from inngest.dev._internal.model.state import State
from inngest.dev._internal.model.strict import clean, size_of
from inngest.dev._internal.model.values import Function, Item, ItemKind, Json, Run, Transition
from inngest.dev._internal.protocol.answer import Errored, Reported, engine_error

MAX_STEPS = 1000
MAX_STEP_OUTPUT = 4 * 1024 * 1024
MAX_STATE = 32 * 1024 * 1024
_UNCOMPILED = "Wait for event If expression failed to compile"


class Report:
    """One 206 answer, applied to its run operation by operation."""

    def __init__(
        self,
        change: Transition,
        run: Run,
        item: Item,
        answer: Reported,
        *,
        function: Function | None,
        state: State,
        delay: Delay,
        now: int,
        is_group: bool = False,
    ) -> None:
        """Prepare the report; `apply` applies it.

        :param change: collects what to store.
        :param item: the call that was answered.
        :param is_group: other steps were reported with these, and already applied.
        """
        self.change, self.run, self.item, self.answer = change, run, item, answer
        self.function, self.state, self.delay, self.now = function, state, delay, now
        self.group = is_group

    def apply(self) -> None:
        """Apply all operations, or fail the run if one exceeds a limit."""
        ops = [(opcode_of(op), op) for op in self.answer.ops]
        steps = [op for name, op in ops if name not in NO_STEPS]
        self._defer(ops)
        known = self.run.steps.keys()
        if len(known) + len({op["id"] for op in steps} - known) > MAX_STEPS:
            message = f"The function run exceeded the step limit of {MAX_STEPS} steps."
            self.fail(engine_error("InngestErrFunctionOverflowed", message))
            return
        self.group = self.group or len(steps) > 1
        if self.group and self.run.version == 1:
            self.run.plan_only = True
        fresh = [(n, o) for n, o in ops if self._claim(n, o)]
        ordered = [p for p in fresh if p[0] == "WaitForEvent"]
        ordered += [p for p in fresh if p[0] != "WaitForEvent"]
        for name, op in ordered:
            self._apply(name, op)
            if self.run.ended:
                return
        if not ordered and not self.run.has_pending:
            self.change.items.append(discovery(self.run, self.now))

    def _defer(self, ops: list[tuple[str, dict[str, Json]]]) -> None:
        for name, op in ops:
            if name == "DeferAdd" and self.function is not None:
                deferred.add(self.run, self.function, op, self.now)
            elif name == "DeferAbort":
                deferred.abort(self.run, op)

    def fail(self, answer: Errored) -> None:
        end(self.change, self.run, "Failed", self.now, answer)

    def _claim(self, name: str, op: Mapping[str, Json]) -> bool:
        """Record the step as pending; return whether its operation is still to be applied.

        The result of a step reported alone is stored at once, without a pending state.
        """
        if name in ("None", "DeferAdd", "DeferAbort"):
            return False
        if name == "DiscoveryRequest" or name in COMPLETE:
            return True
        known = self.run.steps.get(op["id"])
        if known is not None:
            return known.state == "pending" and name in RESULTS
        if name not in RESULTS or self.group:
            self.run.steps[op["id"]] = pending_step(op, name, self.now)
        return True

    def _apply(self, name: str, op: Mapping[str, Json]) -> None:
        match name:
            case "StepRun" | "Step":
                self._step_run(op)
            case "StepError" | "StepFailed":
                self._step_error(name, op)
            case "StepPlanned":
                self._plan(op)
            case "Sleep":
                self._sleep(op)
            case "WaitForEvent":
                self._wait(op)
            case "WaitForSignal":
                self._signal(op)
            case "InvokeFunction":
                self._invoke(op)
            case "Gateway" | "AIGateway":
                self._gateway(name, op)
            case "RunComplete" | "SyncRunComplete" if is_endpoint(self.function, self.run):
                finish(self.change, self.run, op.get("data"), self.now)
            case "RunComplete" | "SyncRunComplete":
                end(self.change, self.run, "Completed", self.now, op.get("data"))
            case _:
                self.change.items.append(discovery(self.run, self.now))

    def _finish(self, name: str, op: Mapping[str, Json], memo: Json) -> None:
        """End a step. If an answer reports it twice, the first result counts."""
        member = op["id"] in self.run.steps
        if not member:
            self.run.steps[op["id"]] = pending_step(op, name, self.now)
        elif self.run.steps[op["id"]].op == "StepPlanned":
            step = self.run.changing(op["id"])
            step.op = name  # stored with the result, below
            step.arguments = arguments_of(op) or step.arguments
        if self.run.steps[op["id"]].state != "pending":
            return
        settle_step(self.change, self.run, op["id"], memo, self.now)
        resume(
            self.change,
            self.run,
            self.now,
            race=self._race(op),
            member=member,
            plan_only=self.group,
        )

    def _step_run(self, op: Mapping[str, Json]) -> None:
        data = data_of(op)
        size = size_of(data)
        if size > MAX_STEP_OUTPUT:
            text = f"error validating generator opcode {op['id']}: "
            text += (
                f'the output of step "{label_of(op)}": step output size is greater than the limit'
            )
            self.fail(engine_error("Error", text))
            return
        # MAX_STEPS smaller outputs cannot fill the state: no need to measure it
        if size > MAX_STATE // MAX_STEPS and size + self._state_size() > MAX_STATE:
            message = "The state of the function run exceeded the limit of 32 MB."
            self.fail(engine_error("InngestErrStateOverflowed", message))
            return
        self._finish("StepRun", op, {"data": data})

    def _state_size(self) -> int:
        return size_of(self.run.memos)

    def _step_error(self, name: str, op: Mapping[str, Json]) -> None:
        error = _error_of(op)
        final = name == "StepFailed" or self.answer.no_retry or error.get("noRetry") is True
        if not final and not exhausted(self.item, self.function):
            if self.item.job_id in self.change.drops:
                self.change.drops.remove(self.item.job_id)
                retry = retried(self.item, self.answer.retry_after, self.delay, self.now)
                self.change.items.append(retry)
            return
        memo = failure_memo(op)
        if name == "StepError" and self.answer.no_retry:
            memo["noRetry"] = True
        self._finish(name, op, {"error": memo})

    def _plan(self, op: Mapping[str, Json]) -> None:
        self._enqueue("call", op, self.now)

    def _enqueue(
        self,
        kind: ItemKind,
        op: Mapping[str, Json],
        due: int,
        *,
        match: str | None = None,
        condition: str | None = None,
        demand: tuple[str, str] | None = None,
        payload: Json = None,
    ) -> None:
        fields, wanted = demand or (None, None)
        self.change.items.append(
            Item(
                job_id=new_job_id(),
                run_id=self.run.id,
                kind=kind,
                step_id=op["id"],
                due=due,
                current=len(self.run.stack),
                plan_only=self.group or self.run.plan_only,
                race=self._race(op),
                match=match,
                condition=condition,
                payload=payload,
                fields=fields,
                wanted=wanted,
            )
        )

    def _race(self, op: Mapping[str, Json]) -> bool:
        return self.item.race or (op.get("opts") or {}).get("parallelMode") == "race"

    def _until(self, name: str, op: Mapping[str, Json]) -> int:
        due = due_of(name, op, self.now)
        assert due is not None, "checked before anything was applied"
        return due

    def _sleep(self, op: Mapping[str, Json]) -> None:
        due = self._until("Sleep", op)
        if due - self.now > LONGEST:
            text = (op.get("opts") or {}).get("duration") or op.get("name")
            self.fail(_too_long("sleep", str(text)))
        else:
            self._enqueue("sleep", op, due)

    def _wait(self, op: Mapping[str, Json]) -> None:
        expression = (op.get("opts") or {}).get("if") or None
        read = compiled(clean(str(expression))) if expression else None
        if isinstance(read, BadExpression):
            self.fail(engine_error("InvalidExpression", _UNCOMPILED, read.message))
            return
        due = self._until("WaitForEvent", op)
        if due - self.now > LONGEST:
            text = (op.get("opts") or {}).get("timeout")
            self.fail(_too_long("wait", str(text)))
        else:
            condition = read.text if read else None
            demand = demanded(condition, self.run.event)
            self._enqueue("wait", op, due, match=awaited(op), condition=condition, demand=demand)

    def _signal(self, op: Mapping[str, Json]) -> None:
        due, signal = self._until("WaitForSignal", op), signal_of(op)
        if due - self.now > LONGEST:
            self.fail(_too_long("wait", str((op.get("opts") or {}).get("timeout"))))
            return
        waiting = self.state.waiting("signal", signal)
        waiting += [i for i in self.change.items if i.kind == "signal" and i.match == signal]
        if waiting and (op.get("opts") or {}).get("conflict") != "replace":
            self.fail(engine_error("Error", signals.CONFLICT))
            return
        self.change.items += signals.give_way(waiting)
        self._enqueue("signal", op, due, match=signal)

    def _gateway(self, name: str, op: Mapping[str, Json]) -> None:
        request = read_request(name, op.get("opts") or {})
        assert isinstance(request, Outbound), "checked before anything was applied"
        self._enqueue("fetch", op, self.now, payload=request.to_json())

    def _invoke(self, op: Mapping[str, Json]) -> None:
        opts = op.get("opts") or {}
        payload, due = opts.get("payload"), self._until("InvokeFunction", op)
        if not isinstance(payload, dict):
            self.fail(engine_error("InvalidInvocation", "InvokeFunction without opts.payload"))
            return
        wanted = clean(str(opts.get("function_id")))
        child = self.state.function(wanted)
        if child is None:
            message = f"could not find function with ID: {wanted}"
            self._finish("InvokeFunction", op, {"error": {"name": "Error", "message": message}})
            return
        correlation = f"{self.run.id}.{op['id']}"
        self._enqueue("invoke", op, due, match=correlation)
        name = str(op.get("displayName") or op.get("name") or "")
        event = invocation(
            child, payload, correlation, name=name, due=due, source=self.function, now=self.now
        )
        self.change.events.append(event)


def failure_memo(op: Mapping[str, Json]) -> dict[str, Json]:
    """Return the memo of a step that failed."""
    error = _error_of(op)
    memo = {k: error[k] for k in ("name", "message", "stack", "data", "cause", "noRetry")
            if error.get(k) is not None}  # fmt: skip
    memo = {"name": "Error", "message": "", **memo}
    if op.get("data") is not None:
        memo.setdefault("data", op["data"])
    return memo


def _error_of(op: Mapping[str, Json]) -> dict[str, Json]:
    error = op.get("error")
    return error if isinstance(error, dict) else {}


def _too_long(what: str, text: str) -> Errored:
    message = (
        f'The {what} "{text}" ends more than one year in the future; '
        f"{what}s may last at most one year."
    )
    return engine_error("InngestErrTimeoutTooLong", message)

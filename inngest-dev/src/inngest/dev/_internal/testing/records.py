"""Live views of runs, steps and events, for tests to inspect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from functools import partial
from hashlib import sha1
from typing import TYPE_CHECKING, Any

from inngest.dev._internal.testing.timeline import timeline
from inngest.dev._internal.testing.unstarted import is_held_back, nothing_started
from inngest.dev._internal.views.export import exported

if TYPE_CHECKING:
    from inngest.dev._internal.model.values import Run
    from inngest.dev._internal.testing.logs import RecordedLog
    from inngest.dev._internal.testing.session import Session


class RunStateError(AssertionError):
    """The run is not in the expected state. The message includes its timeline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedError:
    """An error as the server stores it."""

    name: str
    message: str
    stack: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStep:
    """One step of a run."""

    id: str = field(repr=False)
    name: str
    op: str
    state: str
    """completed, failed, running, retrying, sleeping, waiting, invoking, fetching, cancelled."""
    attempts: int
    output: Any
    error: RecordedError | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedEvent:
    """An event that the engine received."""

    name: str
    data: Mapping[str, Any]
    id: str
    internal_id: str = field(repr=False)
    ts: int
    user: Mapping[str, Any]
    sent_by: str | None
    """The id of the run that sent it, if a function did."""


class RecordedRun:
    """A live view of a run, which may not have started yet.

    Its attributes raise :class:`RunStateError`, an `AssertionError` with the timeline, if there is
    no such run, or it has no output or error.
    """

    def __init__(
        self,
        session: Session,
        *,
        event_id: str = "",
        function_id: str | None = None,
        run_id: str | None = None,
    ) -> None:
        self._session, self._event_id = session, event_id
        self._function_id, self._run_id = function_id, run_id

    def __repr__(self) -> str:
        if not self._session.is_open:
            return "<RecordedRun of a closed engine>"
        found = self._found()
        if len(found) != 1:
            return f"<RecordedRun: {len(found)} runs of event {self._event_id}>"
        return f"<RecordedRun {found[0].function_id} {found[0].status}>"

    @property
    def id(self) -> str:
        """The run's id."""
        return self._run().id

    @property
    def function_id(self) -> str:
        """The function's id, `<app>-<function>`."""
        return self._run().function_id

    @property
    def exists(self) -> bool:
        """Whether the run was started: a debounce, batch or limit may prevent it."""
        return bool(self._found())

    @property
    def status(self) -> str:
        """Scheduled, Running, Completed, Failed or Cancelled."""
        return self._run().status

    @property
    def ended(self) -> bool:
        """Whether the run has ended."""
        return self._run().ended

    @property
    def output(self) -> Any:
        """What the function returned, as JSON. Raises unless the run is completed."""
        run = self._run()
        if run.status != "Completed":
            raise RunStateError(f"the run is {run.status}, not Completed\n{self.timeline()}")
        return run.output

    @property
    def error(self) -> RecordedError:
        """What the function failed with. Raises unless the run is failed."""
        run = self._run()
        if run.status != "Failed":
            raise RunStateError(f"the run is {run.status}, not Failed\n{self.timeline()}")
        return recorded_error(run.output)

    @property
    def duration(self) -> timedelta | None:
        """Virtual time from its first call to its end; None before the end."""
        run = self._run()
        if run.started_at is None or run.ended_at is None:
            return None
        return timedelta(milliseconds=run.ended_at - run.started_at)

    @property
    def ended_at(self) -> datetime | None:
        """Virtual time of its end."""
        ended = self._run().ended_at
        return None if ended is None else datetime.fromtimestamp(ended / 1000, timezone.utc)

    @property
    def steps(self) -> list[RecordedStep]:
        """The run's steps, in the order of discovery."""
        return [_step(each) for each in self._history()["steps"]]

    def step(self, name: str) -> RecordedStep:
        """Return the step with this id (`id:1` for its second use), or the first with this name."""
        wire = sha1(name.encode("utf-8", "surrogatepass"), usedforsecurity=False)
        steps, hashed = self.steps, wire.hexdigest()
        found = [s for s in steps if s.id == hashed] or [s for s in steps if s.name == name]
        if found:
            return found[0]
        known = ", ".join(repr(step.name) for step in steps) or "none"
        raise RunStateError(f"there is no step {name!r}; there is {known}\n{self.timeline()}")

    @property
    def events(self) -> list[RecordedEvent]:
        """The events that started it; several for a batch."""
        return [_event(self._session, each) for each in self._run().events]

    @property
    def logs(self) -> list[RecordedLog]:
        """What it logged with `ctx.logger`, without repeats from replays."""
        return self._session.logs_by_run().get(self._run().id, [])

    def timeline(self) -> str:
        """Return a readable account of the run, a line per happening."""
        session, run = self._session, self._run()
        return session.read(lambda: timeline(session, run))

    def export(self) -> dict[str, Any]:
        """Return its history as JSON, for `check_history` to replay against new code."""
        session, run = self._session, self._run()
        return session.read(lambda: exported(session.engine.store.run(run.id) or run))

    def _history(self) -> dict[str, Any]:
        session, run = self._session, self._run()
        return session.read(lambda: session.engine.history(run.id)) or {}

    def _found(self) -> list[Run]:
        if not self._session.is_open:
            raise RuntimeError("this engine is closed: look at its runs before that")
        store = self._session.engine.store
        if self._run_id is not None:
            run = self._session.read(partial(store.run, self._run_id))
            return [run] if run else []
        found = self._session.read(partial(store.runs, event_id=self._event_id))
        return [r for r in found if self._function_id in (None, r.function_id)]

    def _run(self) -> Run:
        found = self._found()
        if len(found) == 1:
            return found[0]
        if found:
            names = ", ".join(sorted(run.function_id for run in found))
            raise RunStateError(f"the event started several: {names}. Say function=... to send()")
        raise RunStateError(nothing_started(self._session, self._event_id, self._function_id))


def has_ended(run: RecordedRun) -> bool:
    """Return whether the run has ended. Raises if it will never start."""
    session, event_id = run._session, run._event_id
    if not run.exists and is_held_back(session, event_id, run._function_id):
        return False
    return run.ended


def refuse_unended(runs: Sequence[RecordedRun], within: timedelta) -> None:
    """Raise, with its timeline, for a run that has not ended."""
    for run in runs:
        if not run.ended:
            raise RunStateError(f"the run has not ended within {within}\n{run.timeline()}")


def recorded_error(body: object) -> RecordedError:
    """Convert an error body in any of its forms."""
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        body = body["error"]
    if not isinstance(body, dict):
        return RecordedError(name="Error", message=str(body))
    name, message = str(body.get("name") or "Error"), str(body.get("message") or "")
    return RecordedError(name=name, message=message, stack=str(body.get("stack") or ""))


def recorded_events(session: Session, name: str | None) -> list[RecordedEvent]:
    """Return events, oldest first; without a name, all but internal ones."""
    found = session.read(lambda: session.engine.store.events(name, -1))
    return [
        _event(session, each)
        for each in reversed(found)
        if name is not None or not each.name.startswith("inngest/")
    ]


def recorded_runs(session: Session, function_id: str | None) -> list[RecordedRun]:
    """The oldest first."""
    if function_id is not None:
        session.find(function_id)
    found = session.read(lambda: session.engine.store.runs(limit=-1))
    return [
        RecordedRun(session, run_id=each.id)
        for each in reversed(found)
        if function_id in (None, each.function_id)
    ]


def _step(raw: Mapping[str, Any]) -> RecordedStep:
    return RecordedStep(
        id=raw["id"],
        name=raw["name"],
        op=raw["op"],
        state=raw["state"],
        attempts=raw["attempts"],
        output=raw["output"],
        error=None if raw["error"] is None else recorded_error(raw["error"]),
    )


def _event(session: Session, event: Any) -> RecordedEvent:
    sender = session.senders.get(event.internal_id)
    return RecordedEvent(
        name=event.name,
        data=event.body["data"],
        id=event.key,
        internal_id=event.internal_id,
        ts=event.body["ts"],
        user=event.body.get("user") or {},
        sent_by=sender.run_id if sender else None,
    )

"""A test suite for middleware: subclass it and return the middleware from ``build``.

    class TestAudit(MiddlewareSuite):
        def build(self):
            return Audit

It checks what functions rely on, whatever the middleware does: values are equal live and
replayed; errors stay errors; concurrent runs do not share state; and no particular framework's
request is required.
"""

from __future__ import annotations

import asyncio
import difflib
import inspect
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest

import inngest
from inngest._internal.middleware.contract import HOOKS
from inngest._internal.serialization.annotations import signature
from inngest.errors import SendEventsError
from inngest.testing.exchange import Inbox
from inngest.testing.runs import Ended, play
from inngest.testing.suite import FunctionSuite, Kind

Factory = Callable[[inngest.Inngest, object], "inngest.Middleware | inngest.MiddlewareSync"]


class MiddlewareSuite(FunctionSuite):
    """The tests that every middleware must pass."""

    values: ClassVar[tuple[Any, ...]] = (
        None,
        True,
        0,
        -1.5,
        "naïve ✓",
        [],
        [1, [2, {"three": None}]],
        {"a": {"b": ["c"]}, "": ""},
    )
    """JSON values that steps return, and that functions must receive unchanged."""

    def build(self) -> Factory:
        """Return the middleware class or factory."""
        raise NotImplementedError(f"{type(self).__name__} has no build()")

    @pytest.fixture
    def inbox(self) -> Iterator[Inbox]:
        """The server that receives events."""
        with Inbox().open() as inbox:
            inbox.answer = {"ids": ["id-1"], "status": 200}
            yield inbox

    def client(self, origin: str = "http://127.0.0.1:9") -> inngest.Inngest:
        """Make a client with the middleware, in dev mode."""
        return inngest.Inngest(
            app_id="suite",
            api_base_url=origin,
            event_api_base_url=origin,
            event_key="key",
            is_production=False,
            middleware=[self.build()],
            plugins=False,
        )

    # hooks

    def test_its_hooks_are_hooks(self) -> None:
        """A method whose name almost matches a hook's would never be called."""
        made = self.build()(self.client(), None)
        assert isinstance(made, (inngest.Middleware, inngest.MiddlewareSync)), made
        for name in dir(type(made)):
            if name.startswith("_") or name in HOOKS:
                continue
            meant = difflib.get_close_matches(name, HOOKS, n=1, cutoff=0.8)
            assert not meant, f"{name} is not a hook; is {meant[0]} meant?"

    def test_its_hooks_take_what_they_are_given(self) -> None:
        made = self.build()(self.client(), None)
        for name in HOOKS:
            hook = getattr(made, name)
            given = list(signature(getattr(inngest.MiddlewareSync, name)).parameters)[1:]
            signature(hook).bind(*given)

    def test_its_hooks_have_its_colour(self) -> None:
        made = self.build()(self.client(), None)
        for name in HOOKS:
            hook = getattr(made, name)
            if isinstance(made, inngest.MiddlewareSync):
                is_async = inspect.iscoroutinefunction(hook) or inspect.isasyncgenfunction(hook)
                assert not is_async, f"{name} of a MiddlewareSync is async"
            if name.startswith("wrap_"):
                is_generator = inspect.isgeneratorfunction(hook) or inspect.isasyncgenfunction(hook)
                assert is_generator, f"{name} has no yield"

    def test_it_needs_no_request_of_a_framework(self, kind: Kind) -> None:
        for raw in (None, object(), "text", {"headers": {}}):
            client = self.client()
            ended = play(client, _function(client, kind, lambda ctx: "done"), raw=raw)
            assert ended.status == 200, ended.body  # the body may be encoded

    # values

    def test_a_result_goes_through(self, kind: Kind) -> None:
        for value in self.values:
            client = self.client()
            ended = play(client, _function(client, kind, lambda ctx, value=value: value))
            assert ended.status == 200, ended.body

    def test_steps_give_equal_values_live_and_replayed(self, kind: Kind) -> None:
        """There are two steps for each value, so that each is seen live and replayed."""
        seen: list[tuple[Any, Any]] = []
        ended = self._steps(kind, list(self.values), seen)
        assert ended.status == 200, ended.body
        assert len(seen) > len(self.values), "no step was replayed"
        for expected, got in seen:
            assert got == expected and type(got) is type(expected)

    def test_a_step_that_runs_no_code_comes_through(self, kind: Kind) -> None:
        """``wrap_step`` must not decode a result that no ``wrap_step_handler`` has encoded."""
        client = self.client()

        def run_sync(ctx: inngest.ContextSync[Any]) -> str:
            ctx.step.sleep("nap", 1000)
            return "done"

        async def run_async(ctx: inngest.Context[Any]) -> str:
            await ctx.step.sleep("nap", 1000)
            return "done"

        ended = play(client, _declare(client, run_async if kind == "async" else run_sync))
        assert ended.status == 200, ended.body
        assert ended.calls == 2

    def test_the_event_arrives(self, kind: Kind) -> None:
        client, got = self.client(), []
        function = _function(client, kind, lambda ctx: got.append(dict(ctx.event.data)))
        assert play(client, function, data={"n": [1, {"x": "é"}]}).status == 200
        assert got == [{"n": [1, {"x": "é"}]}]

    # errors

    def test_a_failed_step_is_retried_and_then_raised(self, kind: Kind) -> None:
        attempts: list[int] = []

        def work() -> None:
            attempts.append(1)
            raise ValueError("no luck")

        client = self.client()
        ended = play(client, _function(client, kind, work, steps=["pay"]), max_attempts=2)
        assert len(attempts) == 2
        assert ended.status == 500
        assert ended.stored["pay"]["name"] == "ValueError"
        assert "no luck" in ended.stored["pay"]["message"]

    def test_a_failed_function_is_a_failure(self, kind: Kind) -> None:
        def work(ctx: Any) -> None:
            raise ValueError("no luck")

        client = self.client()
        ended = play(client, _function(client, kind, work), max_attempts=1)
        assert (ended.status, ended.body["name"], ended.is_final) == (500, "ValueError", False)
        assert "no luck" in ended.body["message"]

    def test_a_final_error_is_final(self, kind: Kind) -> None:
        def work(ctx: Any) -> None:
            raise inngest.NonRetriableError("never")

        client = self.client()
        ended = play(client, _function(client, kind, work))
        assert (ended.status, ended.is_final, ended.calls) == (500, True, 1)

    # events

    def test_events_are_sent(self, inbox: Inbox, kind: Kind) -> None:
        ids = _send(
            self.client(inbox.origin), kind, inngest.Event(name="suite/sent", data={"n": 1})
        )
        assert ids == ["id-1"]
        ((path, _, events),) = inbox.requests
        assert path == "/e/key"
        assert [event["name"] for event in events] == ["suite/sent"]

    def test_no_events_are_no_events(self, inbox: Inbox, kind: Kind) -> None:
        assert _send(self.client(inbox.origin), kind) == []
        assert inbox.requests == []

    def test_events_that_are_refused_are_an_error(self, inbox: Inbox, kind: Kind) -> None:
        inbox.status, inbox.answer = 400, {"ids": [], "error": "refused", "status": 400}
        with pytest.raises(SendEventsError, match="refused"):
            _send(self.client(inbox.origin), kind, inngest.Event(name="suite/sent"))

    # concurrency

    def test_runs_do_not_mix(self, kind: Kind) -> None:
        def run(number: int) -> list[Any]:
            seen: list[tuple[Any, Any]] = []
            self._steps(kind, [number, f"text {number}", {"n": number}], seen)
            return [got for _, got in seen]

        with ThreadPoolExecutor(4) as pool:
            for number, got in enumerate(pool.map(run, range(12))):
                assert {str(value) for value in got} == {
                    str(number),
                    f"text {number}",
                    str({"n": number}),
                }

    def _steps(self, kind: Kind, values: list[Any], seen: list[tuple[Any, Any]]) -> Ended:
        """Run a step for each value; append the pairs of value and result to ``seen``."""
        client = self.client()

        def run_sync(ctx: inngest.ContextSync[Any]) -> str:
            for number, value in enumerate(values):
                seen.append((value, ctx.step.run(f"step {number}", _giver(value))))
            return "done"

        async def run_async(ctx: inngest.Context[Any]) -> str:
            for number, value in enumerate(values):
                seen.append((value, await ctx.step.run(f"step {number}", _giver(value))))
            return "done"

        return play(client, _declare(client, run_async if kind == "async" else run_sync))


def _giver(value: Any) -> Callable[[], Any]:
    return lambda: value


def _function(
    client: inngest.Inngest, kind: Kind, work: Callable[..., Any], *, steps: list[str] | None = None
) -> inngest.Function[Any]:
    """Make a function that calls ``work`` with its context, or in steps with these ids."""

    def run_sync(ctx: inngest.ContextSync[Any]) -> Any:
        for name in steps or ():
            ctx.step.run(name, work)
        return None if steps else work(ctx)

    async def run_async(ctx: inngest.Context[Any]) -> Any:
        for name in steps or ():
            await ctx.step.run(name, work)
        return None if steps else work(ctx)

    return _declare(client, run_async if kind == "async" else run_sync)


def _declare(client: inngest.Inngest, handler: Any) -> inngest.Function[Any]:
    trigger = inngest.TriggerEvent(event="suite/go")
    made: inngest.Function[Any] = client.create_function(fn_id="fn", trigger=trigger)(handler)
    return made


def _send(client: inngest.Inngest, kind: Kind, *events: inngest.Event[Any]) -> list[str]:
    async def send() -> list[str]:
        try:
            return await client.send(list(events))
        finally:
            await client.aclose()

    if kind == "async":
        return asyncio.run(send())
    try:
        return client.send_sync(list(events))
    finally:
        client.close()


__all__ = ["MiddlewareSuite"]

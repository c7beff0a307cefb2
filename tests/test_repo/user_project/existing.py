"""Code of existing apps. Both type checkers, strict, must infer the asserted types. It runs."""

import abc
import asyncio
import datetime
import enum
import functools
import logging
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from typing import Any, Generic, Protocol, TypedDict, TypeVar

import pydantic
from typing_extensions import ParamSpec, TypeVarTuple, Unpack, assert_type

import inngest

P = ParamSpec("P")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")
ModelT = TypeVar("ModelT", bound=pydantic.BaseModel)
Factory = Callable[[inngest.Inngest, object], inngest.Middleware | inngest.MiddlewareSync]
AsyncHandler = Callable[[inngest.Context], Awaitable[T]]
HOUR = datetime.timedelta(hours=1)

client = inngest.Inngest(app_id="existing", is_production=False)
event = inngest.TriggerEvent(event="shop/order")


class Order(pydantic.BaseModel):
    order_id: str


class Page(TypedDict):
    ids: list[int]


class Name(str, enum.Enum):
    PAID = "shop/paid"


async def update(user: int) -> bool:
    return user > 0


async def total(*amounts: int, currency: str = "eur") -> float:
    return float(sum(amounts)) if currency else 0.0


def update_sync(user: int) -> bool:
    return user > 0


async def load(page: int, size: int = 10) -> Page:
    return {"ids": [page, size]}


@client.create_function(fn_id="child", trigger=event)
async def child(ctx: inngest.Context) -> bytes:
    return b""


@client.create_function(
    fn_id="child-sync", trigger=event, on_failure=lambda ctx: ctx.logger.error(ctx.run_id)
)
def child_sync(ctx: inngest.ContextSync) -> str | None:
    return None


# Parallel groups, which are often made of partials.


@client.create_function(fn_id="partials", trigger=event)
async def partials(ctx: inngest.Context) -> inngest.Event | None:
    step, group = ctx.step, ctx.group
    invoke = functools.partial(step.invoke, function=child, timeout=1000)
    assert_type(await invoke("a", data={"n": 1}), bytes)
    wait = functools.partial(step.wait_for_event, event="shop/paid", timeout=HOUR)
    assert_type(await wait("a"), inngest.Event | None)
    waited = await group.parallel(tuple(functools.partial(wait, f"wait {n}") for n in range(3)))
    assert_type(waited, tuple[inngest.Event | None, ...])
    invoked = await group.parallel(
        (functools.partial(invoke, "b"), functools.partial(step.invoke, "c", function=child_sync))
    )
    assert_type(invoked, tuple[bytes, str | None])
    done = await group.parallel(
        tuple(functools.partial(step.run, f"user {n}", update, n) for n in range(3))
    )
    assert_type(done, tuple[bool, ...])
    await group.parallel((functools.partial(step.run, "d", update, 1), child_of(ctx)))
    branches: tuple[Callable[[], Awaitable[bool]], ...] = ()
    for n in range(3):
        branches += (functools.partial(step.run, f"later {n}", functools.partial(update, n)),)
    assert_type(await group.parallel(branches), tuple[bool, ...])
    captured = await group.parallel(tuple([branch(step, n) for n in range(3)]))
    assert_type(captured, tuple[bool, ...])
    mixed: tuple[int | str, ...] = await group.parallel(
        (lambda: step.run("e", number), lambda: step.run("f", text, "x"))
    )
    nested = await group.parallel(
        (functools.partial(group.parallel, branches), lambda: group.parallel(branches)),
        parallel_mode=inngest.ParallelMode.RACE,
    )
    return waited[0] if mixed and nested else None


@client.create_function(fn_id="partials-sync", trigger=event)
def partials_sync(ctx: inngest.ContextSync) -> bytes:
    step, group = ctx.step, ctx.group
    invoke = functools.partial(step.invoke, function=child)
    wait = functools.partial(step.wait_for_event, event="shop/paid", timeout=1000)
    assert_type(wait("a"), inngest.Event | None)
    invoked = group.parallel((functools.partial(invoke, "b"), functools.partial(invoke, "c")))
    assert_type(invoked, tuple[bytes, bytes])
    done = group.parallel(
        tuple(functools.partial(step.run, f"user {n}", update_sync, n) for n in range(3))
    )
    assert_type(done, tuple[bool, ...])
    return invoked[0]


async def number() -> int:
    return 1


async def text(value: str) -> str:
    return value


def child_of(ctx: inngest.Context) -> Callable[[], Coroutine[Any, Any, bytes]]:
    return lambda: ctx.step.invoke("child", function=child)


def branch(step: inngest.Step, n: int) -> Callable[[], Awaitable[bool]]:
    return lambda: step.run(f"branch {n}", update, n)


# What is passed to steps.


@client.create_function(fn_id="calls", trigger=event)
async def calls(ctx: inngest.Context) -> dict[str, int]:
    step = ctx.step
    assert_type(await step.run("a", total, 1, 2), float)
    assert_type(await step.run("b", functools.partial(total, currency="usd"), 1), float)
    assert_type(await step.run(step_id="c", handler=number, output_type=int), int)
    page = await step.run("d", load, 1)
    assert_type(page["ids"], list[int])
    empty: dict[str, object] | None = None
    assert_type(await step.invoke("f", function=child, data={}), bytes)
    assert_type(await step.invoke("g", function=child, data={"ids": [], "by": {}}), bytes)
    assert_type(await step.invoke("h", function=child, data=empty), bytes)
    assert_type(await step.invoke("i", function=child, data=page), bytes)
    assert_type(await step.invoke("j", function=child, data=ctx.event.data), bytes)
    untyped: inngest.Function[Any] = child
    await step.invoke(untyped.id, function=untyped, data={"n": 1})
    task = asyncio.create_task(step.wait_for_event("k", event="a", timeout=1000))
    assert_type(await task, inngest.Event | None)
    one, two = await asyncio.gather(step.run("l", number), step.run("m", text, "x"))
    assert_type((one, two), tuple[int, str])
    return {"one": one}


async def durably(
    step: inngest.Step,
    step_id: str,
    fn: Callable[P, Awaitable[T]],
    *args: P.args,
    **kwargs: P.kwargs,
) -> T:
    return await step.run(step_id, functools.partial(fn, *args, **kwargs))


async def durably_too(
    step: inngest.Step, step_id: str, fn: Callable[[Unpack[Ts]], Awaitable[T]], *args: Unpack[Ts]
) -> T:
    return await step.run(step_id, fn, *args)


async def invoked(step: inngest.Step, fn: inngest.Function[T], data: Mapping[str, object]) -> T:
    return await step.invoke("invoked", function=fn, data=data)


async def helped(ctx: inngest.Context) -> None:
    assert_type(await durably(ctx.step, "a", total, 1, currency="usd"), float)
    assert_type(await durably_too(ctx.step, "b", update, 1), bool)
    assert_type(await invoked(ctx.step, child_sync, {}), str | None)


# What stands for our classes in tests and helpers.


class Waiting(Protocol):
    async def wait_for_event(
        self, step_id: str, *, event: str, if_exp: str | None = None, timeout: int
    ) -> inngest.Event | None: ...


class Invoking(Protocol):
    async def invoke(
        self,
        step_id: str,
        *,
        function: inngest.Function[T],
        data: Mapping[str, object] | None = None,
    ) -> T: ...


class Running(Protocol):
    async def run(
        self, step_id: str, handler: Callable[[Unpack[Ts]], Awaitable[T]], *handler_args: Unpack[Ts]
    ) -> T: ...


class Sending(Protocol):
    def send_sync(self, events: inngest.Event | list[inngest.Event]) -> list[str]: ...


def protocols(step: inngest.Step) -> tuple[Waiting, Invoking, Running, Sending]:
    return step, step, step, client


class Recording(inngest.Inngest):
    async def send(
        self, events: inngest.Event | list[inngest.Event], *, skip_middleware: bool = False
    ) -> list[str]:
        return await super().send(events, skip_middleware=skip_middleware)


def context(step: inngest.Step, group: inngest.Group) -> inngest.Context:
    made = inngest.Event(name="a", data={"n": 1})
    return inngest.Context(
        attempt=0,
        event=made,
        events=[made],
        group=group,
        job_id=None,
        logger=logging.getLogger(),
        request_id=None,
        run_id="run",
        step=step,
    )


# Ways to declare functions.


def traced(fn: AsyncHandler[T]) -> AsyncHandler[T]:
    return fn


def task(fn_id: str, **options: Any) -> Callable[[AsyncHandler[T]], inngest.Function[T]]:
    return client.create_function(fn_id=fn_id, trigger=event, **options)


def made(
    fn_id: str, handler: AsyncHandler[T], *, on_failure: AsyncHandler[None] | None = None
) -> inngest.Function[T]:
    return client.create_function(fn_id=fn_id, trigger=event, on_failure=on_failure)(handler)


create = functools.partial(client.create_function, retries=3)


@create(fn_id="traced", trigger=event)
@traced
async def traced_one(ctx: inngest.Context) -> list[int]:
    return []


@task("task", retries=1)
async def task_one(ctx: inngest.Context) -> int:
    return 1


class Workflow(abc.ABC, Generic[T]):
    def __init__(self, fn_id: str) -> None:
        self.function = client.create_function(fn_id=fn_id, trigger=event)(self.handle)

    @abc.abstractmethod
    async def handle(self, ctx: inngest.Context) -> T:
        """What the function does."""


class Counting(Workflow[int]):
    async def handle(self, ctx: inngest.Context) -> int:
        return await ctx.step.run("count", number)


async def give_up(ctx: inngest.Context) -> None:
    ctx.logger.error("gave up: %s", ctx.event.data["error"])


async def quick(ctx: inngest.Context) -> set[int]:
    return set()


assert_type(traced_one, inngest.Function[list[int]])
assert_type(task_one, inngest.Function[int])
assert_type(Counting("counting").function, inngest.Function[int])
assert_type(made("quick", quick, on_failure=give_up), inngest.Function[set[int]])

functions: list[inngest.Function[Any]] = [child, child_sync, partials, calls]
by_id: dict[str, inngest.Function[Any]] = {function.id: function for function in functions}


# Events.


class Created(inngest.Event):
    name: str = "shop/created"

    @property
    def order_id(self) -> str:
        return str(self.data["order_id"])


def parsed(of: inngest.Event, model: type[ModelT]) -> ModelT:
    return model.model_validate(of.data)


def built(name: str, **data: inngest.JSON) -> inngest.Event:
    return inngest.Event(name=name, data=data)


def numbered() -> Iterator[inngest.Event]:
    yield inngest.Event(name=Name.PAID, data={"n": 1})


def taken(events: list[inngest.Event]) -> list[inngest.JSON]:
    return [each.data["n"] for each in events]


several = [inngest.Event(name="shop/paid", data={"n": n, "s": str(n)}) for n in range(3)]
several.append(Created(data={"order_id": "A1", "n": 1}))
several += [*numbered(), built("shop/built", n=[1])]
assert_type(taken(several), list[inngest.JSON])
assert_type(parsed(several[3], Order), Order)
assert_type(Created(data={"order_id": "A1"}).order_id, str)


# Errors.


class Refused(inngest.NonRetriableError):
    def __init__(self, status: int) -> None:
        super().__init__(f"answered {status}", quiet=True)
        self.status = status


assert_type(Refused(404).status, int)


# Middleware.


class Tenant(inngest.Middleware):
    async def transform_input(
        self,
        ctx: inngest.Context | inngest.ContextSync,
        function: inngest.Function[Any],
        steps: inngest.StepMemos,
    ) -> None:
        if isinstance(ctx, inngest.Context):
            assert_type(ctx.step, inngest.Step)
        else:
            assert_type(ctx.step, inngest.StepSync)
        ctx.event.data = {**ctx.event.data, "tenant": "acme"}
        for memo in steps.values():
            memo.data = {"seen": memo.data}

    async def transform_output(self, result: inngest.TransformOutputResult) -> None:
        if result.step is not None:
            assert_type(result.step.opts, dict[str, object] | None)
        result.output = {"was": result.output}

    async def before_send_events(self, events: list[inngest.Event]) -> None:
        events.append(inngest.Event(name="shop/more"))


class Keyed(inngest.MiddlewareSync):
    def __init__(self, client: inngest.Inngest, raw_request: object, key: str) -> None:
        super().__init__(client, raw_request)
        self.key = key

    @classmethod
    def factory(cls, key: str) -> Factory:
        return lambda client, raw_request: cls(client, raw_request, key)


factories: list[Factory] = [Tenant, Keyed.factory("a"), functools.partial(Keyed, key="b")]
inngest.Inngest(app_id="a", is_production=False, middleware=factories)


config = child_sync.get_config("http://localhost/api/inngest")
assert_type(config.main.id, str)

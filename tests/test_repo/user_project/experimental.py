"""Calls of inngest.experimental, with the types that both checkers must infer. It runs."""

from typing import Any

import flask
from typing_extensions import assert_type

import inngest
from inngest.experimental import mocked
from inngest.experimental.dev_server import Server, server
from inngest.experimental.digital_ocean_simulator import FULL_PATH, DigitalOceanSimulator
from inngest.experimental.remote_state_middleware import (
    InMemoryDriver,
    RemoteStateMiddleware,
    S3Driver,
    StateDriver,
)
from inngest.experimental.sentry_middleware import SentryMiddleware


class Bucket:
    """As precisely typed as a typed S3 client."""

    def get_object(self, *, Bucket: str, Key: str) -> dict[str, Any]:  # noqa: N803
        raise KeyError(Key)

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:  # noqa: N803
        raise KeyError(Key)


class Files:
    def load_steps(self, steps: inngest.StepMemos) -> None:
        for output in steps.values():
            assert_type(output.data, object)

    def save_step(self, run_id: str, value: object) -> dict[str, object]:
        return {}


drivers: list[StateDriver] = [Files(), InMemoryDriver(), S3Driver(bucket="b", client=Bucket())]
client = inngest.Inngest(
    app_id="typed",
    is_production=False,
    middleware=[RemoteStateMiddleware.factory(drivers[0]), SentryMiddleware],
)
client.add_middleware(RemoteStateMiddleware.factory(InMemoryDriver()))
client.add_middleware(SentryMiddleware)


@client.create_function(fn_id="fn", trigger=inngest.TriggerEvent(event="go"))
def fn(ctx: inngest.ContextSync) -> int:
    return 1


testing = mocked.Inngest(app_id="typed")
assert_type(testing.send_sync(inngest.Event(name="go")), list[str])


def run() -> mocked.Result:
    event = inngest.Event(name="go")
    result = mocked.trigger(fn, event, testing, step_stubs={"a": 1, "b": mocked.Timeout})
    assert_type(result, mocked.Result)
    assert_type(result.status, mocked.Status)
    assert_type(result.output, object)
    assert_type(result.error, Exception | None)
    return mocked.trigger(fn, [event, event], testing)


def simulate(main: Any) -> None:
    simulator = DigitalOceanSimulator(main)
    assert_type(simulator.app, flask.Flask)


assert_type(server, Server)
assert_type(server.origin, str)
assert_type(server.port, int)
path: str = FULL_PATH

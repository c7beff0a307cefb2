"""The middleware keeps what every middleware owes, with an SDK and without one."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import NoOpTracerProvider

import inngest
import inngest.otel
from inngest.otel import OpenTelemetryMiddleware, RunLogFilter
from inngest.otel._telemetry import Telemetry
from inngest.testing import MiddlewareSuite


class TestWithAnSDK(MiddlewareSuite):
    def build(self) -> Any:
        return OpenTelemetryMiddleware.factory(
            tracer_provider=TracerProvider(), meter_provider=MeterProvider()
        )


class TestWithoutAnSDK(MiddlewareSuite):
    def build(self) -> Any:
        return OpenTelemetryMiddleware


class TestOfAPlugin(MiddlewareSuite):
    def build(self) -> Any:
        return OpenTelemetryMiddleware.factory()


def test_as_long_as_nobody_takes_them_no_spans_are_made() -> None:
    client = inngest.Inngest(app_id="app", is_production=False, plugins=False)
    without = OpenTelemetryMiddleware.factory()
    assert not isinstance(without(client, None), OpenTelemetryMiddleware)
    options: list[dict[str, Any]] = [
        {"tracer_provider": TracerProvider()},
        {"meter_provider": MeterProvider()},
    ]
    for each in options:
        made = OpenTelemetryMiddleware.factory(**each)(client, None)
        assert isinstance(made, OpenTelemetryMiddleware)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"tracer_provider": "jaeger"}, "tracer_provider has no get_tracer: it is of type str"),
        ({"meter_provider": TracerProvider()}, "meter_provider has no get_meter"),
        ({"propagate_events": "no"}, "propagate_events is True or False"),
    ],
)
def test_options_of_another_type_are_refused_before_anything_runs(
    options: dict[str, Any], told: str
) -> None:
    with pytest.raises(TypeError, match=told):
        OpenTelemetryMiddleware.factory(**options)


def test_a_provider_that_does_not_let_ids_be_chosen_is_used_as_it_is() -> None:
    telemetry = Telemetry(tracer_provider=NoOpTracerProvider())
    assert not telemetry.chooses_ids
    assert Telemetry(tracer_provider=TracerProvider()).chooses_ids


def test_a_shared_tracer_is_not_changed() -> None:
    from inngest.otel._ids import run_ids
    from inngest.otel._telemetry import SCOPE

    provider = TracerProvider()
    shared: Any = provider.get_tracer(SCOPE)
    before = shared.id_generator
    span = Telemetry(tracer_provider=provider).start("x", run_ids("run"))
    assert span.get_span_context().span_id == run_ids("run").span_id
    assert span.get_span_context().trace_id == run_ids("run").trace_id
    span.end()
    assert shared.id_generator is before
    other = Telemetry(tracer_provider=provider).start("y")
    assert other.get_span_context().span_id != run_ids("run").span_id
    other.end()


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="OpenTelemetryMiddlewares"):
        _ = inngest.otel.OpenTelemetryMiddlewares  # type: ignore[attr-defined]


def test_outside_functions_records_have_nothing() -> None:
    record = logging.LogRecord("x", logging.INFO, "p", 1, "m", (), None)
    assert RunLogFilter().filter(record)
    assert (record.inngest_run_id, record.inngest_attempt) == (None, None)  # type: ignore[attr-defined]


def test_it_can_be_made_by_hand() -> None:
    client = inngest.Inngest(app_id="app", is_production=False, plugins=False)
    assert OpenTelemetryMiddleware(client, None).client is client

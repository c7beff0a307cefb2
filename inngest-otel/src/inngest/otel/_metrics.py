"""What is counted and timed. No id of a run or step is an attribute: there are too many."""

from __future__ import annotations

from typing import Final

from opentelemetry.metrics import Counter, Histogram, Meter

FUNCTION: Final = "inngest.function.id"
OUTCOME: Final = "inngest.outcome"
STATUS: Final = "inngest.request.status"


class Instruments:
    """The instruments of one meter."""

    def __init__(self, meter: Meter) -> None:
        self.runs: Counter = meter.create_counter(
            "inngest.runs", "{run}", "Runs that have ended, by outcome: completed or failed."
        )
        self.run_duration: Histogram = meter.create_histogram(
            "inngest.run.duration", "s", "From the start of a run to its end, sleeps included."
        )
        self.request_duration: Histogram = meter.create_histogram(
            "inngest.request.duration", "s", "Calls from the server, by the status of the answer."
        )
        self.steps: Counter = meter.create_counter(
            "inngest.steps",
            "{step}",
            "Executions of steps, by outcome: completed, retried or failed.",
        )
        self.step_duration: Histogram = meter.create_histogram(
            "inngest.step.duration", "s", "Executions of steps."
        )
        self.replays: Counter = meter.create_counter(
            "inngest.step.replays", "{step}", "Steps whose results calls began with."
        )
        self.request_replays: Histogram = meter.create_histogram(
            "inngest.request.replays", "{step}", "Steps whose result a call began with."
        )
        self.events: Counter = meter.create_counter(
            "inngest.events.sent", "{event}", "Events that were sent."
        )


__all__ = ["FUNCTION", "OUTCOME", "STATUS", "Instruments"]

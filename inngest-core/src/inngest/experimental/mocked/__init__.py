"""Run one function in a unit test, with everything around it stood in for.

::

    client = mocked.Inngest(app_id="shop")
    result = mocked.trigger(ship, inngest.Event(name="order/paid"), client)
    assert result.status is mocked.Status.COMPLETED

The run is a real one: it is played on the engine of ``inngest-dev``, which has to be
installed for :func:`trigger`, on virtual time. ``inngest.dev.testing`` is the kit for tests
that want to see more of it.
"""

from inngest.experimental.mocked._client import Inngest
from inngest.experimental.mocked._run import (
    Result,
    Status,
    Timeout,
    UnstubbedStepError,
    trigger,
)

__all__ = ["Inngest", "Result", "Status", "Timeout", "UnstubbedStepError", "trigger"]

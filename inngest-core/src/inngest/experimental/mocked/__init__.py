"""Run one function in a unit test, with stubs for the services that it uses.

::

    client = mocked.Inngest(app_id="shop")
    result = mocked.trigger(ship, inngest.Event(name="order/paid"), client)
    assert result.status is mocked.Status.COMPLETED

:func:`trigger` plays the run on the embedded engine of ``inngest-dev``, which must be
installed, and on virtual time. For tests that need more control, see ``inngest.dev.testing``.
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

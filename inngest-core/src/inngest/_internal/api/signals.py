"""Send signals. PROTOCOL section 14.4."""

from __future__ import annotations

from inngest._internal.api.access import Access
from inngest._internal.api.answer import parsed, problem
from inngest._internal.checks import is_text
from inngest._internal.errors import Error, SendSignalError, with_cause
from inngest._internal.flow import FetchError, Flow, Response
from inngest._internal.serialization.codec import Codec
from inngest._internal.serialization.text import encode


def send_signal(
    signal: str,
    data: object,
    access: Access,
) -> Flow[str | SendSignalError | None]:
    """Send a signal; return the id of the run that received it, or ``None`` if none is waiting.

    It is not retried: if only the response was lost, the signal has been delivered, and another
    one would reach no run, or a different one.
    """
    if not is_text(signal):
        return SendSignalError("signal: must be a string, and not empty", is_retriable=False)
    what = f'the data of signal "{signal}"'
    dumped = Codec(typ=type(data)).dump(data, what)
    body = dumped if isinstance(dumped, Error) else encode({"signal": signal, "data": dumped}, what)
    if isinstance(body, Error):
        failure = SendSignalError(f"{what} is not JSON", is_retriable=False)
        return with_cause(failure, body)
    outcome = yield from access.post("/v1/signals", body.encode("utf-8", "backslashreplace"))
    match outcome:
        case FetchError(cause):
            failure = SendSignalError(access.unanswered(cause, f' for signal "{signal}"'))
            return with_cause(failure, cause)
        case Response(status=404) if isinstance(parsed(outcome), dict):
            return None
        case Response(status=status) if not 200 <= status < 300:
            return SendSignalError(f'signal "{signal}" was not accepted: {problem(outcome)}')
    match parsed(outcome):
        case {"data": {"run_id": str(run_id)}}:
            return run_id
    return SendSignalError("unexpected response to a signal")

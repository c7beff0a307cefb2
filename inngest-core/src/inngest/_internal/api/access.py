"""The address of the API and the credentials for it. PROTOCOL section 14."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from inngest._internal.api.authorized import fetch_authorized
from inngest._internal.flow import FetchError, Flow, Pause, Request, Response
from inngest._internal.protocol.signature import SigningKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The parameters that all API calls share. ``timeout`` is in seconds."""

    api_origin: str
    headers: Mapping[str, str] = field(repr=False)
    keys: Sequence[SigningKey] = field(repr=False)
    timeout: float

    def url(self, path: str) -> str:
        """Return the URL of a path, which begins with a slash."""
        return f"{self.api_origin.rstrip('/')}{path}"

    def unanswered(self, cause: BaseException, about: str = "") -> str:
        """Return an error message for a call without a response.

        :param about: the subject of the call, such as ``" for run 1"``.
        """
        return f"no response{about} from {self.api_origin.rstrip('/')}: {type(cause).__name__}"

    def get(self, path: str) -> Flow[Response | FetchError]:
        """Make a GET request with the first key that the server accepts."""
        return self._fetch("GET", path, b"", self.timeout)

    def post(
        self, path: str, body: bytes, *, timeout: float | None = None
    ) -> Flow[Response | FetchError]:
        """Post JSON with the first key that the server accepts."""
        return self._fetch("POST", path, body, self.timeout if timeout is None else timeout)

    def _fetch(
        self, method: str, path: str, body: bytes, timeout: float
    ) -> Flow[Response | FetchError]:
        request = Request(
            method=method, url=self.url(path), headers=self.headers, body=body, timeout=timeout
        )
        return fetch_authorized(request, self.keys)


def until_settled(
    ask: Callable[[], Flow[Response | FetchError]],
    *,
    tries: int,
    jitter: Callable[[], float],
    has_time: Callable[[], bool] = lambda: True,
) -> Flow[Response | FetchError]:
    """Repeat a request until it gets a response other than a 5xx or 429, or ``tries`` are used up.

    :param jitter: returns seconds to add to a pause.
    :param has_time: returns whether there is time for another try.
    """
    outcome = yield from ask()
    for retry in range(tries - 1):
        if isinstance(outcome, Response) and outcome.status < 500 and outcome.status != 429:
            break
        if not has_time():
            break
        yield Pause(0.1 * 2**retry + jitter())
        outcome = yield from ask()
    return outcome


__all__ = ["Access", "until_settled"]

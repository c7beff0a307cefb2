"""Match an app with transports, and suggest what to install if none accepts it.

An app's framework is recognized by the packages of its classes; no framework is imported.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from inngest._internal.plugins.names import squashed

if TYPE_CHECKING:
    from inngest._internal.plugins.listing import Listed
    from inngest.plugins import Transport

WHEELS = {
    "django": "inngest-django",
    "fastapi": "inngest-fastapi",
    "flask": "inngest-flask",
    "tornado": "inngest-tornado",
}
"""Maps a framework's package to the distribution that serves it."""


def packages_of(app: object) -> list[str]:
    """Return the top-level packages of an app's classes, the most derived first."""
    names = [base.__module__.partition(".")[0] for base in type(app).__mro__]
    return [name for name in dict.fromkeys(names) if name != "builtins"]


def ranked(transports: Iterable[Transport], packages: Sequence[str]) -> list[Transport]:
    """Sort transports: those of the app's packages first, in their order; then by name."""
    wanted = [squashed(package) for package in packages]

    def rank(transport: Transport) -> tuple[int, str]:
        own = {squashed(transport.name), squashed(transport.framework)}
        place = next((n for n, package in enumerate(wanted) if package in own), len(wanted))
        return (place, transport.name)

    return sorted(transports, key=rank)


def missing(app: object, packages: Sequence[str], rows: Sequence[Listed]) -> str:
    """Return an error message for an app that no transport accepts."""
    kind = type(app)
    what = f"no plugin can serve functions from a {kind.__module__}.{kind.__qualname__}"
    wheel = next((WHEELS[package] for package in packages if package in WHEELS), None)
    if wheel is None:
        known = ", ".join(sorted(WHEELS.values()))
        return (
            f"{what}: install the wheel that serves its framework (the family has {known}), "
            "and pass the app itself, as in inngest.serve(app, client, functions); other "
            "frameworks mount inngest.asgi.serve(client, functions), or inngest.wsgi's"
        )
    for row in rows:
        if row.distribution == wheel:
            reason = row.reason or "takes something else: see what its own serve takes"
            return f"{what}: {wheel} is installed, but {reason}"
    return f"{what}: pip install {wheel}"

"""Load a plugin in a separate process with a timeout, since it may hang, exit or crash.

The child prints its result on a marked line, since the plugin may print, too. After the timeout
it prints its traceback and exits; if it cannot, it is killed, along with its descendants.
"""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from inngest._internal.client.client import Inngest

_MARK: Final = "inngest-probe:"
_FRAME = re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+) in (?P<function>.+)')
AT_ONCE: Final = 4
_GRACE: Final = 30.0
"""Seconds to start and to exit, in addition to the plugin's timeout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """The result of loading a plugin."""

    state: Literal["loaded", "not configured", "failed"]
    reason: str | None = None
    hooks: Sequence[str] | None = None
    offers: Mapping[str, Any] = field(default_factory=dict)
    """Names of what it offers, by kind."""
    hangs: bool = False


def probe(name: str, timeout: float, environ: Mapping[str, str] | None = None) -> Probed:
    """Load the plugin with this name, as configured by ``environ``."""
    command = [sys.executable, "-m", "inngest._internal.cli.probe", name, str(timeout)]
    child = subprocess.Popen(  # noqa: S603  our own module
        command,
        env={**(os.environ if environ is None else environ), "PYTHONPATH": _path()},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="locale",
        errors="replace",
        start_new_session=True,
    )
    try:
        out, errors = child.communicate(timeout=timeout + _GRACE)
    except subprocess.TimeoutExpired:
        _kill(child)
        reason = f"it hangs: no answer within {timeout:g} s"
        return Probed(state="failed", reason=reason, hangs=True)
    return _finding(out, errors, child.returncode, timeout)


def probe_all(
    names: Sequence[str], timeout: float, environ: Mapping[str, str] | None = None
) -> dict[str, Probed]:
    """Load several plugins, some of them concurrently."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda name: probe(name, timeout, environ), names)
        return dict(zip(names, found, strict=True))


def seconds(text: str) -> float:
    """Parse a timeout option.

    :raises argparse.ArgumentTypeError: it is not a number from 0.1 to 600.
    """
    try:
        read = float(text)
    except ValueError:
        read = 0.0
    if not 0.1 <= read <= 600:
        raise argparse.ArgumentTypeError("must be a number of seconds from 0.1 to 600")
    return read


def _path() -> str:
    """Return ``PYTHONPATH`` for the child, so that it finds the same modules."""
    return os.pathsep.join(path or os.getcwd() for path in sys.path)  # noqa: PTH109  as Python does


def _kill(child: subprocess.Popen[str]) -> None:
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
    child.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.communicate(timeout=_GRACE)


def _finding(out: str, errors: str, status: int, timeout: float) -> Probed:
    for line in out.splitlines():
        if line.startswith(_MARK):
            return Probed(**json.loads(line.removeprefix(_MARK)))
    if "Timeout (" in errors:
        where = _where(errors)
        reason = f"it hangs: not loaded within {timeout:g} s{where}"
        return Probed(state="failed", reason=reason, hangs=True)
    last = next((line for line in reversed(errors.splitlines()) if line.strip()), "")
    return Probed(
        state="failed", reason=f"its process ended with status {status}: {last}".strip(": ")
    )


def _where(errors: str) -> str:
    """Describe the innermost frame outside the import system."""
    for match in _FRAME.finditer(errors):
        if not match["file"].startswith("<"):
            return f"; it is at {match['file']}, line {match['line']}, in {match['function']}"
    return ""


def main(name: str, timeout: float) -> None:
    """Run in the child. The timeout starts when everything but the plugin has been imported."""
    import inngest._internal.client.client
    import inngest._internal.plugins.admission
    import inngest._internal.plugins.host  # noqa: F401

    faulthandler.dump_traceback_later(timeout, exit=True)
    finding = _load(name)
    faulthandler.cancel_dump_traceback_later()
    print(f"\n{_MARK}{json.dumps(finding)}", flush=True)
    os._exit(0)  # threads that the plugin started must not delay the exit


def _load(name: str) -> dict[str, object]:
    import logging

    from inngest._internal.client.client import Inngest
    from inngest._internal.errors import Error
    from inngest._internal.plugins.host import PluginHost

    logging.disable()  # the result contains the messages
    host = PluginHost(environ={**os.environ, "INNGEST_PLUGINS": name, "INNGEST_PLUGINS_STRICT": ""})
    client = Inngest(app_id="probe", is_production=False, plugins=False)
    client._plugins = host  # so that a hook that sends events is refused, as in apps
    message: str | None = None
    offers: dict[str, object] = {}
    try:
        for make in host.middleware(client):
            problem = _creation_problem(make, client)
            if problem is not None:
                return {"state": "failed", "reason": problem}
        offers = host.offers()
    except Error as error:
        message = error.message
    row = next((r for r in host.listing() if r.name == name and r.state != "unusable"), None)
    if message is not None:
        return {"state": "failed", "reason": (row and row.reason) or message}
    assert row is not None
    return {"state": row.state, "reason": row.reason, "hooks": row.hooks, "offers": offers}


def _creation_problem(make: Callable[[Inngest, object], object], client: Inngest) -> str | None:
    """Return why the middleware cannot be created, for example due to invalid options."""
    try:
        make(client, None)
    except Exception as error:
        return (
            f"its middleware cannot be made, and each call fails: {type(error).__name__}: {error}"
        )
    return None


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))

"""Load one plugin in a process of its own, with a deadline: it may hang, exit or crash.

The child prints its finding on a line of its own, whatever else the plugin prints. When
its time is up it prints where it is and ends itself; a child that cannot do even that is
killed, with the processes that it started.
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
"""Seconds that a child has to start and to end, beside what the plugin may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """What came of loading a plugin."""

    state: Literal["loaded", "not configured", "failed"]
    reason: str | None = None
    hooks: Sequence[str] | None = None
    offers: Mapping[str, Any] = field(default_factory=dict)
    """Names, by kind."""
    hangs: bool = False


def probe(name: str, timeout: float, environ: Mapping[str, str] | None = None) -> Probed:
    """Load the plugin of this name, by the switches of the environment."""
    command = [sys.executable, "-m", "inngest._internal.cli.probe", name, str(timeout)]
    child = subprocess.Popen(  # noqa: S603  ourselves
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
    """Load several plugins, a few at once."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda name: probe(name, timeout, environ), names)
        return dict(zip(names, found, strict=True))


def seconds(text: str) -> float:
    """Read what an option says of a deadline.

    :raises argparse.ArgumentTypeError: it says none.
    """
    try:
        read = float(text)
    except ValueError:
        read = 0.0
    if not 0.1 <= read <= 600:
        raise argparse.ArgumentTypeError("a number of seconds from 0.1 to 600")
    return read


def _path() -> str:
    """This process's path: the child finds what we would find."""
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
    """The innermost frame that is not of the import system."""
    for match in _FRAME.finditer(errors):
        if not match["file"].startswith("<"):
            return f"; it is at {match['file']}, line {match['line']}, in {match['function']}"
    return ""


def main(name: str, timeout: float) -> None:
    """Be the child. Its time begins when all that is not the plugin is loaded."""
    import inngest._internal.client.client
    import inngest._internal.plugins.admission
    import inngest._internal.plugins.host  # noqa: F401

    faulthandler.dump_traceback_later(timeout, exit=True)
    finding = _load(name)
    faulthandler.cancel_dump_traceback_later()
    print(f"\n{_MARK}{json.dumps(finding)}", flush=True)
    os._exit(0)  # what the plugin started must not keep us


def _load(name: str) -> dict[str, object]:
    import logging

    from inngest._internal.client.client import Inngest
    from inngest._internal.errors import Error
    from inngest._internal.plugins.host import PluginHost

    logging.disable()  # what is said is in the finding
    host = PluginHost(environ={**os.environ, "INNGEST_PLUGINS": name, "INNGEST_PLUGINS_STRICT": ""})
    client = Inngest(app_id="probe", is_production=False, plugins=False)
    client._plugins = host  # a plugin that sends events while it is asked is refused, as in apps
    message: str | None = None
    offers: dict[str, object] = {}
    try:
        for make in host.middleware(client):
            unmade = _unmade(make, client)
            if unmade is not None:
                return {"state": "failed", "reason": unmade}
        offers = host.offers()
    except Error as error:
        message = error.message
    row = next((r for r in host.listing() if r.name == name and r.state != "unusable"), None)
    if message is not None:
        return {"state": "failed", "reason": (row and row.reason) or message}
    assert row is not None
    return {"state": row.state, "reason": row.reason, "hooks": row.hooks, "offers": offers}


def _unmade(make: Callable[[Inngest, object], object], client: Inngest) -> str | None:
    """Why middleware cannot be made, as it is for each call: of settings that are wrong, say."""
    try:
        make(client, None)
    except Exception as error:
        return (
            f"its middleware cannot be made, and each call fails: {type(error).__name__}: {error}"
        )
    return None


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))

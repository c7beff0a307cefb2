"""Check plugins, each in a separate process with a timeout, so that none can block ``doctor``."""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping

from inngest._internal.cli.finding import Finding
from inngest._internal.cli.probe import probe_all
from inngest._internal.errors import Error
from inngest._internal.plugins.host import PluginHost
from inngest._internal.plugins.switches import DISABLED


def check_plugins(environ: MutableMapping[str, str], timeout: float) -> Iterator[Finding]:
    """Load each plugin and report the result. Plugins that hang are disabled for later checks."""
    try:
        rows = PluginHost(environ=environ).listing()
    except Error as error:
        yield Finding(level="problem", subject="plugins", text=error.message)
        return
    enabled = [row.name for row in rows if row.state == "enabled"]
    found = probe_all(enabled, timeout, environ)
    hanging = [name for name in enabled if found[name].hangs]
    if hanging:
        environ[DISABLED] = ",".join([environ.get(DISABLED, ""), *hanging]).lstrip(",")
    for row in rows:
        subject = f"plugin {row.name}"
        owner = f"{row.distribution} {row.version or ''}".strip()
        if row.state == "off":
            yield Finding(level="note", subject=subject, text=f"{owner} is {row.reason}")
        elif row.state == "unusable":
            yield Finding(
                level="warning", subject=subject, text=f"{owner} is left out: {row.reason}"
            )
        elif found[row.name].state == "failed":
            yield Finding(
                level="problem",
                subject=subject,
                text=f"{owner} cannot be used: {found[row.name].reason}",
                advice=f"fix, upgrade or uninstall it, or set {DISABLED}={row.name}",
            )
        elif found[row.name].state == "not configured":
            reason = found[row.name].reason
            text = f"{owner} loads, but adds no middleware: {reason}"
            yield Finding(level="note", subject=subject, text=text)
        else:
            yield Finding(level="ok", subject=subject, text=f"{owner} loads")

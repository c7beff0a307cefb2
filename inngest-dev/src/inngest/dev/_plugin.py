"""Announce `inngest dev` to the command line. Heavy imports wait until it is run."""

from __future__ import annotations

from inngest.plugins import Command, hookimpl


class DevPlugin:
    api_version = 1

    @hookimpl
    def inngest_commands(self) -> list[Command]:
        return [Command(name="dev", help="run the embedded engine for development", run=_run)]


def _run(argv: list[str]) -> int:
    from inngest.dev.cli import main

    return main(argv)


plugin = DevPlugin()

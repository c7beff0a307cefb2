"""Register the engine's commands. Heavy imports are deferred until one is run."""

from __future__ import annotations

from inngest.plugins import Command, hookimpl


class DevPlugin:
    api_version = 1

    @hookimpl
    def inngest_commands(self) -> list[Command]:
        return [
            Command(name="dev", help="run the embedded engine, and your app", run=_dev),
            Command(name="runs", help="list, show, cancel and rerun runs", run=_runs),
            Command(name="send", help="send an event to an engine", run=_send),
            Command(name="trigger", help="start a function", run=_trigger),
        ]


def _dev(argv: list[str]) -> int:
    from inngest.dev._internal.commands.dev import main

    return main(argv)


def _runs(argv: list[str]) -> int:
    from inngest.dev._internal.commands.runs import main

    return main(argv)


def _send(argv: list[str]) -> int:
    from inngest.dev._internal.commands.sending import send

    return send(argv)


def _trigger(argv: list[str]) -> int:
    from inngest.dev._internal.commands.sending import trigger

    return trigger(argv)


plugin = DevPlugin()

"""The entry point of the command line. Built-in commands load no plugin."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Sequence

from inngest._internal.errors import Error
from inngest._internal.plugins.host import PluginHost
from inngest._internal.plugins.listing import Listed
from inngest._internal.plugins.names import canonical, suggestion
from inngest._internal.version import VERSION

Run = Callable[[list[str]], int]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command named by ``argv``; return its exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _escape_unencodable()
    try:
        if not arguments or arguments[0] in ("-h", "--help", "help"):
            return _printing(lambda: print(_usage(PluginHost())))
        if arguments[0] in ("-V", "--version"):
            return _printing(lambda: print(f"inngest-core {VERSION}"))
        builtin = BUILTIN.get(canonical(arguments[0]))
        if builtin is not None:
            return _printing(lambda: builtin[1](arguments[1:]))
        host = PluginHost()
        command = host.command(arguments[0])
        if command is None:
            return _unknown_command(arguments[0], host)
        return _printing(lambda: command.run(arguments[1:]))
    except Error as error:
        print(f"{error.code}: {error.message}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130  # 128 + SIGINT, the shell's convention for Ctrl-C


def _escape_unencodable() -> None:
    """Escape characters that the terminal's encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _printing(work: Callable[[], int | None]) -> int:
    """Run a command that prints. A reader that closes the pipe, such as ``head``, is no error."""
    try:
        status = work() or 0
        print(end="", flush=True)  # without a console sys.stdout is None, and has no flush()
    except OSError as error:
        if error.errno not in UNREAD or error.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        return 1
    return status


def _plugins(argv: list[str]) -> int:
    from inngest._internal.cli.listing import main

    return main(argv)


def _doctor(argv: list[str]) -> int:
    from inngest._internal.cli.doctor import main

    return main(argv)


def _new_plugin(argv: list[str]) -> int:
    from inngest._internal.cli.scaffold import main

    return main(argv)


BUILTIN: dict[str, tuple[str, Run]] = {
    "doctor": ("find misconfigurations", _doctor),
    "new-plugin": ("create a plugin project, with tests that pass", _new_plugin),
    "plugins": ("list the plugins that are installed", _plugins),
}
"""The built-in commands, whose names plugins cannot override."""

OF_DEV = ("dev", "runs", "send", "trigger")
"""The commands that inngest-dev adds."""

UNREAD = (errno.EPIPE, errno.EINVAL)
"""The errors of writing to a pipe that its reader has closed; on Windows it is the latter."""


def _unknown_command(name: str, host: PluginHost) -> int:
    known = [*BUILTIN, *(command.name for command in host.commands())]
    plugin = _plugin(name, host)
    if plugin is not None:
        state = plugin.reason or "it has no such command"
        hint = f"the plugin {plugin.name!r} is installed, but {state}"
    elif canonical(name) in OF_DEV and _plugin("dev", host) is None:
        hint = "pip install inngest-dev adds it"
    else:
        hint = suggestion(name, known, "")
    print(f"there is no command {name!r}; {hint}", file=sys.stderr)
    return 2


def _plugin(name: str, host: PluginHost) -> Listed | None:
    return next((row for row in host.listing() if row.name == canonical(name)), None)


def _usage(host: PluginHost) -> str:
    helps = {name: text for name, (text, _) in BUILTIN.items()}
    for command in host.commands():
        helps.setdefault(command.name, command.help)
    width = max(map(len, helps))
    lines = ["usage: python -m inngest COMMAND [ARGUMENTS]", ""]
    lines += [f"  {name:<{width}}  {helps[name]}" for name in sorted(helps)]
    if "dev" not in helps and _plugin("dev", host) is None:
        lines += ["", "pip install inngest-dev adds an engine for development."]
    return "\n".join(lines)

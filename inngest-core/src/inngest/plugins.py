"""Plugins: what a wheel can add to this library, and how it says so.

A wheel names an object in the entry-point group ``inngest``. The object has an integer
``api_version`` and methods marked with :data:`hookimpl` that implement hooks of
:class:`HookSpecs`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pluggy

API_VERSION = 1
"""The version of the contract on this page."""

GROUP = "inngest"
"""The entry-point group, and pluggy's project name."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A subcommand of ``python -m inngest``.

    ``run`` is given the arguments after the command's name and returns the exit status.
    """

    name: str
    help: str
    run: Callable[[list[str]], int]


class HookSpecs:
    """The hooks that a plugin may implement."""

    @hookspec
    def inngest_commands(self) -> Sequence[Command]:  # type: ignore[empty-body]
        """Subcommands of ``python -m inngest``."""


__all__ = ["API_VERSION", "GROUP", "Command", "HookSpecs", "hookimpl", "hookspec"]

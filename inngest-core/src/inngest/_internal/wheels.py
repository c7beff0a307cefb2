"""The wheels of the family, and what to say to who looks for something of theirs."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

from inngest._internal.plugins.names import squashed

MODULES: Final = {
    "connect": "inngest-connect",
    "dev": "inngest-dev",
    "digital_ocean": "inngest-digitalocean",
    "django": "inngest-django",
    "encryption": "inngest-encryption",
    "fast_api": "inngest-fastapi",
    "flask": "inngest-flask",
    "otel": "inngest-otel",
    "tornado": "inngest-tornado",
}
"""The wheels that bring modules to the package `inngest`."""


def module_of(name: str) -> str | None:
    """The module that is meant by a name, however its words are separated."""
    return next((module for module in MODULES if squashed(module) == squashed(name)), None)


def to_import(name: str) -> str:
    """End an error about an attribute of the package that is a module: it is not imported yet."""
    module = module_of(name) or name
    if module.isidentifier() and find_spec(f"inngest.{module}") is not None:
        return f"; it is a module of its own: import inngest.{module}"
    if module in MODULES:
        return f"; pip install {MODULES[module]}, and import inngest.{module}"
    return ""


__all__ = ["MODULES", "module_of", "to_import"]

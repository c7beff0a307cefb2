"""The distributions of this project, and hints for imports of modules that others provide."""

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
"""Maps modules of the package ``inngest`` to the distributions that provide them."""


def module_of(name: str) -> str | None:
    """Return the module that ``name`` stands for, however its words are separated."""
    return next((module for module in MODULES if squashed(module) == squashed(name)), None)


def to_import(name: str) -> str:
    """Return the end of an ``AttributeError`` message, if the attribute is a module to import."""
    module = module_of(name) or name
    if module.isidentifier() and find_spec(f"inngest.{module}") is not None:
        return f"; it is a module of its own: import inngest.{module}"
    if module in MODULES:
        return f"; pip install {MODULES[module]}, and import inngest.{module}"
    return ""


__all__ = ["MODULES", "module_of", "to_import"]

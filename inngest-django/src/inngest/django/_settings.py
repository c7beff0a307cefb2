"""The endpoint as ``settings.INNGEST`` describes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern
from django.utils.module_loading import import_string
from inngest.django import serve
from inngest.transport import Streaming

OPTIONS = ("ENABLE_UNAUTHED_SYNC", "PUBLIC_PATH", "SERVE_ORIGIN", "SERVE_PATH", "STREAMING")


def configured() -> URLPattern:
    """Serve what the settings name.

    :raises ImproperlyConfigured: the settings do not describe an endpoint.
    """
    found = getattr(settings, "INNGEST", None)
    if not isinstance(found, Mapping) or not {"CLIENT", "FUNCTIONS"} <= set(found):
        raise ImproperlyConfigured(
            'set INNGEST = {"CLIENT": "shop.background.client", '
            '"FUNCTIONS": "shop.background.functions"}'
        )
    unknown = sorted(set(found) - {"CLIENT", "FUNCTIONS", *OPTIONS})
    if unknown:
        raise ImproperlyConfigured(f"INNGEST has unknown keys: {', '.join(unknown)}")
    options = {name.lower(): found[name] for name in OPTIONS if name in found}
    if isinstance(options.get("streaming"), str):
        options["streaming"] = Streaming(options["streaming"])
    return serve(_imported(found["CLIENT"]), _functions(found["FUNCTIONS"]), **options)


def _functions(given: Any) -> list[Any]:
    named = [given] if isinstance(given, str) else given
    found: list[Any] = []
    for one in map(_imported, named):
        found.extend(one if isinstance(one, (list, tuple)) else [one])
    return found


def _imported(given: Any) -> Any:
    return import_string(given) if isinstance(given, str) else given

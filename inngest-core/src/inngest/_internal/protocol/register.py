"""Encode the registration of an app's functions. PROTOCOL section 6. Nulls are never sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from inngest._internal.protocol.introspect import AppFacts, capabilities, full_inspection
from inngest._internal.version import SDK_AUTHOR, SDK_LANGUAGE, VERSION


def registration(
    facts: AppFacts, *, url: str, functions: Sequence[Mapping[str, object]]
) -> dict[str, object]:
    """Return the body that the app posts to the server in an out-of-band sync."""
    return _without_nulls(
        {
            "appName": facts.app_id,
            "appVersion": facts.app_version,
            "capabilities": capabilities(),
            "deployType": "ping",
            "framework": facts.framework,
            "functions": list(functions),
            "headers": {"env": facts.env} if facts.env else None,
            "sdk": f"{SDK_LANGUAGE}:v{VERSION}",
            "url": url,
            "v": "0.1",
        }
    )


def in_band_answer(
    facts: AppFacts, *, url: str, functions: Sequence[Mapping[str, object]]
) -> dict[str, object]:
    """Return the response body of an in-band sync. The protocol mixes key styles."""
    return _without_nulls(
        {
            "app_id": facts.app_id,
            "appVersion": facts.app_version,
            "env": facts.env,
            "framework": facts.framework,
            "functions": list(functions),
            "inspection": _without_nulls(full_inspection(facts)),
            "sdk_author": SDK_AUTHOR,
            "sdk_language": SDK_LANGUAGE,
            "sdk_version": VERSION,
            "url": url,
        }
    )


def _without_nulls(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}

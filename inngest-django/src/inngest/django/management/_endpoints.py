"""The endpoints among the project's URLs, wherever they are included."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from inngest.transport import Handler


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One client's functions, and the path where the project serves them."""

    path: str
    handler: Handler


def endpoints() -> list[Endpoint]:
    """Find the project's endpoints, in the order of its URLs.

    :raises ImproperlyConfigured: there is none.
    """
    found = list(_within(get_resolver(), ()))
    if not found:
        raise ImproperlyConfigured(
            'the project serves no Inngest functions: add path("", include("inngest.django.urls")) '
            "or inngest.django.serve(...) to its urlpatterns"
        )
    return found


def _within(resolver: URLResolver, namespaces: tuple[str, ...]) -> Iterator[Endpoint]:
    for pattern in resolver.url_patterns:
        if isinstance(pattern, URLResolver):
            inner = (*namespaces, pattern.namespace) if pattern.namespace else namespaces
            yield from _within(pattern, inner)
        else:
            handler = getattr(pattern.callback, "inngest_handler", None)
            if isinstance(handler, Handler):
                yield Endpoint(path=_path(pattern, namespaces), handler=handler)


def _path(pattern: URLPattern, namespaces: tuple[str, ...]) -> str:
    """Where it is. Outside of namespaces the view tells apart what has one name."""
    if not namespaces:
        return reverse(pattern.callback)
    return reverse(":".join((*namespaces, str(pattern.name))))

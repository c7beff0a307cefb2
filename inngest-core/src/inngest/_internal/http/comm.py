"""The whole interface between a transport and the core: requests, responses and streams."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Generic, TypeVar
from urllib.parse import parse_qsl

Chunks_co = TypeVar("Chunks_co", covariant=True)

_MAX_CACHED = 512
"""The longest query string that is cached, in characters."""


@dataclass(slots=True, kw_only=True)  # not frozen: see op.py
class CommRequest:
    """A request, independent of the web framework.

    ``headers`` and ``query`` have one value per name; header names are in lower case. ``url`` is
    the absolute URL that the client used, as far as the framework knows.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    raw: object = None
    """The framework's request, which middleware receives as ``raw_request``."""


@dataclass(slots=True, kw_only=True)
class CommResponse:
    """A response. Header names are in lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommStream(Generic[Chunks_co]):
    """A response whose body is sent in chunks, each as soon as it is available.

    ``chunks`` is an iterator for sync transports and an async iterator for async ones. Close it
    when the client disconnects: that cancels an async function.
    """

    status: int
    chunks: Chunks_co
    headers: Mapping[str, str] = field(default_factory=dict)


def parse_query(text: str) -> Mapping[str, str]:
    """Parse a query string. Of values with the same name, the first is used.

    Results are cached, as servers use few query strings; but not those of long ones, with which
    strangers could fill the memory.
    """
    return _cached(text) if len(text) <= _MAX_CACHED else _parse(text)


def _parse(text: str) -> Mapping[str, str]:
    return MappingProxyType(dict(reversed(parse_qsl(text, keep_blank_values=True))))


_cached = lru_cache(maxsize=1024)(_parse)

"""What a transport hands over, and what it gets back. The whole contract of an adapter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Generic, TypeVar
from urllib.parse import parse_qsl

Chunks_co = TypeVar("Chunks_co", covariant=True)

_MAX_KEPT = 512
"""Characters of a query string."""


@dataclass(slots=True, kw_only=True)  # not frozen: see op.py
class CommRequest:
    """A framework's request, free of the framework.

    ``headers`` and ``query`` have one value a name; header names are lower case.
    ``url`` is the absolute URL that the client used, as far as the framework knows.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    raw: object = None
    """The framework's own request; middleware gets it as ``raw_request``."""


@dataclass(slots=True, kw_only=True)
class CommResponse:
    """What to write back. Header names are lower case."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommStream(Generic[Chunks_co]):
    """What to write back piece by piece, each piece as soon as it is there.

    ``chunks`` is an iterator for sync transports and an async iterator for async ones.
    Close it when the client is gone: that ends an async function.
    """

    status: int
    chunks: Chunks_co
    headers: Mapping[str, str] = field(default_factory=dict)


def parse_query(text: str) -> Mapping[str, str]:
    """Read a query string; of several values of one name the first counts.

    Servers call with the same few: each is read once. What is longer than theirs is not kept,
    or strangers could fill the memory with it.
    """
    return _kept(text) if len(text) <= _MAX_KEPT else _parse(text)


def _parse(text: str) -> Mapping[str, str]:
    return MappingProxyType(dict(reversed(parse_qsl(text, keep_blank_values=True))))


_kept = lru_cache(maxsize=1024)(_parse)

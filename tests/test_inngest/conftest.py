"""The worlds that tests with bodies run in."""

from __future__ import annotations

import functools
import ssl
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from .worlds import KINDS, WAYS, World

Make = Callable[..., World]


@pytest.fixture(autouse=True)
def _certificates_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cache the SSL context: reading the CA certificates takes most of the time of many tests."""
    monkeypatch.setattr(ssl, "create_default_context", _context)


_context = functools.cache(ssl.create_default_context)


@pytest.fixture(params=[f"{kind}-{way}" for kind in KINDS for way in WAYS])
def make_world(request: pytest.FixtureRequest) -> Iterator[Make]:
    """Make worlds of one kind and calling mode; arguments are those of the client."""
    kind, _, way = request.param.partition("-")
    made: list[World] = []

    def make(**options: Any) -> World:
        made.append(World(kind, way, options))
        return made[-1]

    yield make
    for world in made:
        world.client.close()


@pytest.fixture(params=WAYS)
def async_world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A world for tests that only async code can express."""
    world = World("async", request.param)
    yield world
    world.client.close()


@pytest.fixture(params=WAYS)
def sync_world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A world for tests that only sync code can express."""
    world = World("sync", request.param)
    yield world
    world.client.close()


@pytest.fixture
def world(make_world: Make) -> World:
    """A world whose client has no options."""
    return make_world()

"""Every case runs over every transport, with sync and with async functions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..live import KINDS, TRANSPORTS, Server, World, a_server

WORLDS = [f"{name}-{kind}" for name in sorted(TRANSPORTS) for kind in KINDS]
STREAMING = [each for each in WORLDS if TRANSPORTS[each.rpartition("-")[0]].streams]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """One server for all cases: its clock has moved on when a case begins."""
    with a_server() as one:
        yield one


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest, server: Server) -> World:
    name, _, kind = request.param.rpartition("-")
    return World(server, TRANSPORTS[name], kind == "async")


@pytest.fixture(params=STREAMING)
def streaming_world(request: pytest.FixtureRequest, server: Server) -> World:
    """For transports whose answers can be streams."""
    name, _, kind = request.param.rpartition("-")
    return World(server, TRANSPORTS[name], kind == "async")


@pytest.fixture(params=WORLDS)
def fresh_world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A world with the time of the app's own clock."""
    name, _, kind = request.param.rpartition("-")
    with a_server() as one:
        yield World(one, TRANSPORTS[name], kind == "async")


@pytest.fixture(params=sorted(TRANSPORTS))
def async_world(request: pytest.FixtureRequest, server: Server) -> World:
    """For what only async code can say."""
    return World(server, TRANSPORTS[request.param], is_async=True)

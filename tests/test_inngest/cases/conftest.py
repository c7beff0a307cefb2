"""Run every case on every transport, with sync and with async functions."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ..live import KINDS, TRANSPORTS, Server, World, a_server

WORLDS = [f"{name}-{kind}" for name in sorted(TRANSPORTS) for kind in KINDS]
STREAMING = [each for each in WORLDS if TRANSPORTS[each.rpartition("-")[0]].streams]


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The server for all cases; its clock advances with each of them."""
    with a_server() as one:
        yield one


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest, server: Server) -> World:
    name, _, kind = request.param.rpartition("-")
    return World(server, TRANSPORTS[name], kind == "async")


@pytest.fixture(params=STREAMING)
def streaming_world(request: pytest.FixtureRequest, server: Server) -> World:
    """A world on a transport that streams."""
    name, _, kind = request.param.rpartition("-")
    return World(server, TRANSPORTS[name], kind == "async")


@pytest.fixture(params=WORLDS)
def fresh_world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A world with a server of its own, whose clock has not been advanced."""
    name, _, kind = request.param.rpartition("-")
    with a_server() as one:
        yield World(one, TRANSPORTS[name], kind == "async")


@pytest.fixture(params=sorted(TRANSPORTS))
def async_world(request: pytest.FixtureRequest, server: Server) -> World:
    """A world for cases that only async code can express."""
    return World(server, TRANSPORTS[request.param], is_async=True)

"""Every transport keeps what ``TransportSuite`` asks of it, on a real server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import pytest

from inngest.testing import Channel, HTTPChannel, TransportSuite

from .transports import TRANSPORTS, Transport


class Ours(TransportSuite):
    """A row of the table of transports."""

    transport: ClassVar[Transport]

    def __init_subclass__(cls, **options: Any) -> None:
        cls.framework, cls.path = cls.transport.framework, cls.transport.path
        cls.streams = cls.transport.streams
        super().__init_subclass__(**options)

    def build(self, client: Any, functions: Any, **options: Any) -> Any:
        return self.transport.build(client, functions, **options)

    @contextmanager
    def connect(self, app: Any) -> Iterator[Channel]:
        with self.transport.run(app) as origin:
            yield HTTPChannel(origin)


class TestASGI(Ours):
    transport = TRANSPORTS["asgi"]


class TestDigitalOcean(Ours):
    transport = TRANSPORTS["digital_ocean"]
    mounts = False


class TestDjangoASGI(Ours):
    transport = TRANSPORTS["django_asgi"]


class TestDjangoWSGI(Ours):
    transport = TRANSPORTS["django_wsgi"]


class TestFastAPI(Ours):
    transport = TRANSPORTS["fast_api"]


class TestFlask(Ours):
    transport = TRANSPORTS["flask"]


class TestTornado(Ours):
    transport = TRANSPORTS["tornado"]


class TestWSGI(Ours):
    transport = TRANSPORTS["wsgi"]


@pytest.mark.parametrize("name", sorted(TRANSPORTS))
def test_every_transport_is_tested(name: str) -> None:
    classes = {one.transport.name for one in Ours.__subclasses__()}
    assert name in classes

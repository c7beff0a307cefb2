"""The endpoints of realtime: tokens, publishing, and listening over a WebSocket or SSE."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from inngest.dev._internal.api import forms
from inngest.dev._internal.api.openapi import describes
from inngest.dev._internal.api.responses import body_of, deny, failed
from inngest.dev._internal.api.tokens import subscription_token, token_key, topics_of
from inngest.dev._internal.model.ids import ENVIRONMENT
from inngest.dev._internal.model.strict import clean, decode
from inngest.dev._internal.model.values import Json
from inngest.dev._internal.realtime.broker import Address, Listener, Message, Raw, Topic

if TYPE_CHECKING:
    from inngest.dev._internal.running.engine import Engine

MAX_MESSAGE = 512 * 1024
"""Bytes of a message; the rest is cut off."""
_STREAM = "text/stream"
_PING = Message(json.dumps({"kind": "ping"}))
_NO_TOPICS = "Invalid request: must provide a list of topics"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Seconds between pings, and until a connection is closed. Tests bring their own."""

    ping: float = 30.0
    life: float = 15 * 60.0


class Realtime:
    def __init__(self, engine: Engine, terms: Terms | None = None) -> None:
        self._engine = engine
        self._terms = terms or Terms()

    @property
    def _key(self) -> bytes:
        return token_key(self._engine.signing_key, self._engine.store.secret)

    @describes(body=list[forms.Topic], answers={201: forms.Token}, fails=[400, 413])
    async def token(self, request: Request) -> Response:
        """A token that lets its holder listen to these topics, for a while."""
        try:
            topics = decode(await body_of(request))
        except ValueError:
            topics = None
        if not isinstance(topics, list) or not all(isinstance(each, dict) for each in topics):
            return failed(400, _NO_TOPICS)
        token = subscription_token(self._key, topics, self._engine.clock.now())
        return JSONResponse({"jwt": token}, 201)

    @describes(
        body=Any,
        query={"channel": str, "topic": str, "run_id": str, "metadata": str},
        answers={200: None},
        fails=[400, 413],
    )
    async def publish(self, request: Request) -> Response:
        """Tell those who listen to a topic.

        A body of the type `text/stream` is handed on as it comes. `metadata` is JSON.
        """
        address = _address(request)
        if isinstance(address, Response):
            return address
        if request.headers.get("content-type", "").partition(";")[0].strip() == _STREAM:
            stream = self._engine.realtime.stream(address)
            try:
                async for content in request.stream():
                    stream.write(content)
            finally:
                stream.close()
        else:
            raw = (await body_of(request))[:MAX_MESSAGE]
            self._engine.realtime.publish(address, _data(raw))
        return Response(status_code=200)

    @describes(body=Any, query={"channel": str}, answers={200: None}, fails=[400, 413])
    async def tee(self, request: Request) -> Response:
        """Hand a body on to all who listen to a channel, as it comes."""
        channel = clean(request.query_params.get("channel", ""))
        async for content in request.stream():
            self._engine.realtime.tee(channel, content)
        return Response(status_code=200)

    @describes(query={"token": str}, answers={200: str}, text="text/event-stream", fails=[401])
    async def events(self, request: Request) -> Response:
        """Listen over server-sent events."""
        topics = self._topics(request.query_params.get("token", ""))
        if topics is None:
            return _unauthorized()
        headers = {"access-control-allow-origin": "*", "cache-control": "no-cache"}
        # not by `media_type`, to which starlette adds a charset: an event stream is always UTF-8
        headers["content-type"] = "text/event-stream"
        return StreamingResponse(self._stream(topics), headers=headers)

    async def socket(self, socket: WebSocket) -> None:
        """Listen over a WebSocket."""
        topics = self._topics(socket.query_params.get("token", ""))
        if topics is None:
            await deny(socket, _unauthorized())
            return
        # before the answer: nothing that is published after it is missed
        listener = self._engine.realtime.join(topics)
        tasks: set[asyncio.Future[None]] = set()
        try:
            await socket.accept()
            tasks |= {
                asyncio.ensure_future(self._send(socket, listener)),
                asyncio.ensure_future(self._hear(socket, listener)),
            }
            await asyncio.wait(tasks, timeout=self._terms.life, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._engine.realtime.leave(listener)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await socket.close()
        except (WebSocketDisconnect, RuntimeError, OSError):
            return  # it is closed already

    def _topics(self, token: str) -> set[Topic] | None:
        return topics_of(self._key, token, self._engine.clock.now())

    async def _stream(self, topics: Collection[Topic]) -> AsyncGenerator[bytes, None]:
        listener = self._engine.realtime.join(topics)
        until = asyncio.get_running_loop().time() + self._terms.life
        try:
            yield b":\n\n"
            while asyncio.get_running_loop().time() < until:
                message = await self._next(listener)
                if message is None:
                    return
                yield _as_sse(message)
        finally:
            self._engine.realtime.leave(listener)

    async def _send(self, socket: WebSocket, listener: Listener) -> None:
        while (message := await self._next(listener)) is not None:
            if isinstance(message, Message):
                await socket.send_text(message.text)

    async def _next(self, listener: Listener) -> Message | Raw | None:
        """What is sent next: a ping, if there is nothing else for a while. None: it is over."""
        try:
            return await asyncio.wait_for(listener.next(), self._terms.ping)
        except asyncio.TimeoutError:
            return _PING

    async def _hear(self, socket: WebSocket, listener: Listener) -> None:
        """Take what a listener says; what is not understood is ignored."""
        while True:
            try:
                message = decode(await socket.receive_text())
            except WebSocketDisconnect:
                return
            except (KeyError, ValueError):  # KeyError: it is no text
                continue
            match message:
                case {"kind": "sub", "data": str(token)}:
                    listener.topics |= self._topics(token) or set()
                case {"kind": "unsub", "data": list(topics)}:
                    listener.topics -= _given_up(topics)


def _as_sse(message: Message | Raw) -> bytes:
    if message is _PING:
        return b":\n\n"
    if isinstance(message, Message):
        return f"data: {message.text}\n\n".encode()
    return message.content


def _given_up(topics: list[Json]) -> set[Topic]:
    return {
        (str(topic.get("channel")), str(topic.get("name")))
        for topic in topics
        if isinstance(topic, dict) and topic.get("env_id") == ENVIRONMENT
    }


def _address(request: Request) -> Address | Response:
    query = request.query_params
    metadata: Json = None
    if query.get("metadata"):
        try:
            metadata = decode(query["metadata"])
        except ValueError:
            return failed(400, "metadata is not JSON")
    return Address(
        channel=clean(query.get("channel", "")),
        topic=clean(query.get("topic", "")),
        run_id=clean(query.get("run_id", "")),
        metadata=metadata,
    )


def _data(raw: bytes) -> Json:
    """JSON as what it says; anything else as text."""
    try:
        return decode(raw)
    except ValueError:
        return raw.decode("utf-8", "replace")


def _unauthorized() -> Response:
    return failed(401, "Unauthorized")

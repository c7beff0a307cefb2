"""Workers that say anything in any order, and go: each call is made once, and answered once."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random

import pytest

from inngest.connect.protocol import Frame, decode, encode, wire
from inngest.dev._internal.conftest import bounded
from inngest.dev._internal.connect.hub import Hub
from inngest.dev._internal.connect.session import Session
from inngest.dev._internal.connect.terms import Terms
from inngest.dev._internal.model.ids import request_id
from inngest.dev._internal.protocol.answer import Answer, Returned
from inngest.dev._internal.protocol.call import Call

CALL = Call(url="wss://connect?fnId=app-fn&stepId=step", headers={"traceparent": "t"}, body=b"{}")
LEASED = Terms(patience=0.0, lease=1e6, heartbeat=1e6)


class Worker:
    """A socket, and the requests that came over it."""

    def __init__(self) -> None:
        self.requests: list[wire.GatewayExecutorRequestData] = []

    async def send(self, data: bytes) -> None:
        frame = decode(data)
        assert isinstance(frame, Frame)
        if isinstance(frame.payload, wire.GatewayExecutorRequestData):
            self.requests.append(frame.payload)
        await asyncio.sleep(0)

    async def close(self, code: int, reason: str) -> None:
        return


class Traffic:
    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.hub = Hub(lambda body: {}, lambda: 0, lambda *_: None, LEASED)
        self.workers: list[tuple[Session, Worker]] = []
        self.gone: list[Worker] = []
        self.calls: dict[str, asyncio.Future[Answer]] = {}
        self.first: dict[str, str] = {}
        """What was answered first to the request of a call, while the call was under way."""

    async def come(self) -> None:
        worker = Worker()
        session = self.hub.enter(worker, "gw-dev")
        await session.begin()
        session.functions = {"app-fn": "app"}
        session.is_synced = session.is_ready = True
        session.limit = self.random.choice([None, 0, 1, 2])
        self.workers.append((session, worker))
        self.hub.changed()

    def call(self) -> None:
        job = f"job-{len(self.calls)}"
        named = request_id(job, 1, 0)
        headers = {"x-request-id": named, "x-run-id": "r", "x-inngest-job-id": job}
        given = replace(CALL, headers={**CALL.headers, **headers})
        self.calls[named] = asyncio.ensure_future(self.hub.call(given))

    async def act(self) -> None:
        pick = self.random.choice
        match pick("ccccwlaaaeerrrrrrup"):
            case "c":
                self.call()
            case "w":
                await self.come()
            case "l" if self.workers:
                session, worker = self.workers.pop(self.random.randrange(len(self.workers)))
                self.gone.append(worker)
                self.hub.leave(session)
            case "p" if self.workers:
                await pick(self.workers)[0].receive(encode(wire.WORKER_PAUSE))
            case "a" | "e" | "r" | "u" as kind if self.workers:
                known = [r for _, w in self.workers for r in w.requests]
                known += [r for w in self.gone for r in w.requests]
                unknown = wire.GatewayExecutorRequestData(request_id="nobody's", lease_id="l")
                request = pick(known) if known and kind != "u" else unknown
                await self.say(pick(self.workers)[0], kind, request)
        for _ in range(self.random.randint(0, 3)):
            await asyncio.sleep(0)

    async def say(
        self, session: Session, kind: str, request: wire.GatewayExecutorRequestData
    ) -> None:
        """By any worker: the one that was asked may have come back over another socket."""
        name = request.request_id
        if kind == "a":
            ack = wire.WorkerRequestAckData(request_id=name)
            await session.receive(encode(wire.WORKER_REQUEST_ACK, ack))
        elif kind == "e":
            lease = wire.WorkerRequestExtendLeaseData(request_id=name, lease_id=request.lease_id)
            await session.receive(encode(wire.WORKER_REQUEST_EXTEND_LEASE, lease))
        else:
            said = f"{self.random.random()}"
            call = self.hub._pending.get(name)
            if call is not None and not call.answer.done():
                self.first[name] = said
            reply = wire.SDKResponse(
                request_id=name, run_id="r", status=wire.DONE, body=f'"{said}"'.encode()
            )
            await session.receive(encode(wire.WORKER_REPLY, reply))

    async def end(self) -> None:
        """All that is under way is answered."""
        await self.come()
        self.workers[-1][0].limit = None
        for _ in range(100):
            if all(call.done() for call in self.calls.values()):
                break
            for session, worker in list(self.workers):
                for request in worker.requests:
                    await self.say(session, "r", request)
            for request in [r for w in self.gone for r in w.requests]:
                await self.say(self.workers[0][0], "r", request)
            await asyncio.sleep(0)
        under_way = [name for name, call in self.calls.items() if not call.done()]
        assert under_way == []

    def check(self) -> None:
        asked = [r.request_id for _, w in self.workers for r in w.requests]
        asked += [r.request_id for w in self.gone for r in w.requests]
        assert len(asked) == len(set(asked)), "a request was sent twice"
        for name, call in self.calls.items():
            answer = call.result()
            assert getattr(answer, "output", None) == self.first.get(name)
            assert isinstance(answer, Returned) == (name in self.first)
        assert not self.hub._pending and not self.hub._calls
        assert [session.calls for session, _ in self.workers if session.calls] == []


@pytest.mark.parametrize("seed", range(20))
def test_each_call_is_made_once_and_its_first_answer_counts(seed: int) -> None:
    async def go() -> None:
        traffic = Traffic(seed)
        await traffic.come()
        for _ in range(120):
            await traffic.act()
        await traffic.end()
        traffic.check()
        await traffic.hub.close()

    bounded(go)

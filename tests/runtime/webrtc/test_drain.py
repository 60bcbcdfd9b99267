"""A server that is asked to stop keeps its word to those who are talking."""

import asyncio
import signal
from collections.abc import AsyncIterator
from typing import Any

import pytest

from runtime.clock import ManualClock, SystemClock
from runtime.webrtc.client import VoiceClient
from runtime.webrtc.drain import Drain, Draining
from runtime.webrtc.stop_signals import StopSignals
from tests.runtime.webrtc.conftest import SILENCE, MakeServer


async def told(client: VoiceClient, kind: str) -> dict[str, Any]:
    """The first message of a type."""
    return (await client.wait_for(lambda message: message["type"] == kind, 10)).message


def test_it_is_over_when_the_last_conversation_ends_or_the_time_is_up() -> None:
    clock = ManualClock()
    drain = Drain(30.0, clock)
    drain.check()
    clock.advance(100)
    assert not drain.is_over(live=0)
    assert (drain.begin(), drain.begin()) == (True, False)
    with pytest.raises(Draining, match="takes no new conversations; try again"):
        drain.check()
    assert drain.is_over(live=0)
    assert not drain.is_over(live=1)
    clock.advance(29.9)
    drain.begin()
    assert not drain.is_over(live=1)
    clock.advance(0.1)
    assert drain.is_over(live=1)


async def test_the_users_are_told_and_may_finish_and_nobody_new_is_let_in(
    make_server: MakeServer, client: VoiceClient
) -> None:
    async with make_server(rows=2) as server:
        await client.connect(server.post)
        await told(client, "hello")
        assert not await server.gateway.drain()
        assert not await server.gateway.drain()
        second = VoiceClient(lambda now: SILENCE, SystemClock())
        refused = await server.http.post("/api/offer", json={"sdp": await second.offer()})
        await second.close()
        notice = await told(client, "notice")
        metrics = (await server.http.get("/metrics")).text
        await server.http.post(f"/api/sessions/{client.session}/close")
        assert await server.gateway.drain()
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "draining")
    assert (notice["code"], notice["message"]) == (
        "server_stops",
        "The server stops in 30 seconds, and this conversation ends then.",
    )
    assert 'duplex_sessions_refused_total{code="draining"} 1.0' in metrics
    assert 'duplex_notices_total{code="server_stops"} 1.0' in metrics
    assert "duplex_draining 1.0" in metrics


async def test_who_connects_just_before_is_told_as_soon_as_it_listens(
    make_server: MakeServer, client: VoiceClient
) -> None:
    async with make_server() as server:

        async def post(body: dict[str, Any]) -> dict[str, Any]:
            answer = await server.post(body)
            await server.gateway.drain()
            return answer

        await client.connect(post)
        notice = await told(client, "notice")
    assert notice["code"] == "server_stops"


class FakeGateway:
    """Counts the calls; `drained` is set by the test."""

    def __init__(self) -> None:
        self.drains = 0
        self.drained = False

    async def drain(self) -> bool:
        """See `Gateway.drain`."""
        self.drains += 1
        return self.drained


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


class Stopping:
    """A server that is to stop: `begin` waits for that, and time passes at `tick`."""

    def __init__(self, gateway: FakeGateway) -> None:
        self.signals = StopSignals()
        self._ticks = asyncio.Semaphore(0)
        self._waits = asyncio.Event()
        self.task = asyncio.create_task(self.signals.until_stopped(gateway.drain, self._sleep))

    async def tick(self) -> bool:
        """It looks whether it can stop; returns whether it has stopped."""
        self._waits.clear()
        self._ticks.release()
        waiting = asyncio.create_task(self._waits.wait())
        await asyncio.wait((self.task, waiting), return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        return self.task.done()

    async def _sleep(self, seconds: float) -> None:
        self._waits.set()
        await self._ticks.acquire()


@pytest.fixture
async def stopping(gateway: FakeGateway) -> AsyncIterator[Stopping]:
    made = Stopping(gateway)
    yield made
    made.task.cancel()
    await asyncio.wait((made.task,))


async def test_sigterm_waits_for_the_conversations(stopping: Stopping, gateway: FakeGateway) -> None:
    await asyncio.sleep(0)
    assert gateway.drains == 0
    stopping.signals.receive(signal.SIGTERM)
    assert not await stopping.tick()
    drains = gateway.drains
    assert drains > 0
    gateway.drained = True
    assert await stopping.tick()
    assert gateway.drains == drains + 1
    assert not stopping.signals.interrupted


async def test_a_signal_that_comes_while_conversations_are_counted_is_not_lost() -> None:
    signals = StopSignals()

    async def drain() -> bool:
        signals.receive(signal.SIGTERM)
        return False

    async def sleep(seconds: float) -> None:
        """No time passes."""

    signals.receive(signal.SIGTERM)
    await signals.until_stopped(drain, sleep)


async def test_a_second_sigterm_stops_at_once(stopping: Stopping) -> None:
    stopping.signals.receive(signal.SIGTERM)
    assert not await stopping.tick()
    stopping.signals.receive(signal.SIGTERM)
    assert await stopping.tick()
    assert not stopping.signals.interrupted


@pytest.mark.parametrize("terminated", [False, True])
async def test_ctrl_c_stops_at_once(stopping: Stopping, gateway: FakeGateway, terminated: bool) -> None:
    if terminated:
        stopping.signals.receive(signal.SIGTERM)
    stopping.signals.receive(signal.SIGINT)
    assert await stopping.tick()
    assert gateway.drains == 0
    assert stopping.signals.interrupted


async def test_signals_come_to_the_server_while_it_runs() -> None:
    signals, before = StopSignals(), signal.getsignal(signal.SIGTERM)
    gateway = FakeGateway()
    gateway.drained = True
    with signals.captured():
        signal.raise_signal(signal.SIGTERM)
        await signals.until_stopped(gateway.drain)
    assert gateway.drains == 1
    assert signal.getsignal(signal.SIGTERM) is before

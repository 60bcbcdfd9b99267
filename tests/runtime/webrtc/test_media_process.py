"""The main process of a server: in what order media and HTTP end, and what ends them."""

import asyncio
import signal
from typing import Any

import pytest

from configs.runtime.serve import WebConfig
from runtime.clock import ManualClock
from runtime.observers import Observer
from runtime.webrtc.media_process import MediaProcess
from runtime.webrtc.stop_signals import StopSignals
from runtime.webrtc.supervised_web import SupervisedWeb, WebDied
from runtime.webrtc.web_pipe import Call, Stop
from tests.runtime.webrtc.web_pipes import FACTS, PlayedWebs

PATIENCE_S = 30.0


class PlayedGateway:
    """Media that notes their begin and end. `drained`: whether they may stop. `fails`: their own mistake."""

    def __init__(self) -> None:
        self.noted: list[str] = []
        self.drained = True
        self.fails = False

    async def run(self) -> None:
        self.noted.append("begin")
        try:
            if self.fails:
                raise OSError("a mistake")
            await asyncio.Event().wait()
        finally:
            self.noted.append("end")

    async def drain(self) -> bool:
        self.noted.append("drain")
        return self.drained

    async def count_places(self) -> tuple[int, int]:
        self.noted.append("asked")
        return 2, 0


class Begun:
    """A main process that has begun."""

    def __init__(self, gateway: Any, config: WebConfig | None = None) -> None:
        self.signals, self.webs = StopSignals(), PlayedWebs()
        self._web = SupervisedWeb(self.webs.start, config or WebConfig(), ManualClock())
        self.process = MediaProcess(gateway, self._web, FACTS, Observer())
        self.task = asyncio.create_task(self.process._run(self.signals))

    async def end(self) -> None:
        """Wait for its end."""
        try:
            await asyncio.wait_for(self.task, PATIENCE_S)
        finally:
            self._web.close()
            await self.webs.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_http_is_answered_until_it_has_ended(number: signal.Signals) -> None:
    gateway = PlayedGateway()
    begun = Begun(gateway)
    ready: list[str] = []
    begun.process._ready = lambda: ready.append("ready")
    pipe = await begun.webs.next()
    pipe.send(Call(1, "count_places", ()))
    await pipe.receive()
    assert ready == ["ready"]
    begun.signals.receive(number)
    assert isinstance(await pipe.receive(), Stop)
    pipe.send(Call(2, "count_places", ()))
    await pipe.receive()
    await pipe.close()
    await begun.end()
    assert [one for one in gateway.noted if one != "drain"] == ["begin", "asked", "asked", "end"]
    assert ("drain" in gateway.noted) == (number == signal.SIGTERM)


async def test_conversations_may_end_before_a_server_that_cannot_serve() -> None:
    gateway = PlayedGateway()
    begun = Begun(gateway, WebConfig(restarts=0))
    begun.process._ready = lambda: None
    await (await begun.webs.next()).close()
    with pytest.raises(WebDied):
        await begun.end()
    assert gateway.noted == ["begin", "drain", "end"]


async def test_a_mistake_of_the_media_ends_the_server() -> None:
    gateway = PlayedGateway()
    gateway.fails = True
    with pytest.raises(OSError, match="a mistake"):
        await Begun(gateway).end()

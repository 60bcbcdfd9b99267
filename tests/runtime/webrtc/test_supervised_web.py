"""A process of HTTP that is lost: its calls are broken off, another one takes its place, and too many are given up."""

import asyncio
from typing import Any

import pytest

from configs.runtime.serve import WebConfig
from runtime.webrtc.supervised_web import WebDied
from runtime.webrtc.web_pipe import Call, Failed, Stop
from tests.runtime.webrtc.web_pipes import OPTIONS, NotedMedia, supervised

PATIENCE_S = 30.0
TWICE = WebConfig(restarts=2, restart_window_s=60.0)


async def test_another_process_takes_the_place_of_a_lost_one(caplog: pytest.LogCaptureFixture) -> None:
    media = NotedMedia()
    async with supervised(media) as made:
        first = await made.webs.next()
        assert await made.serving.get() == 1
        first.send(Call(0, "open", ("offer", OPTIONS, "patient", None)))
        await media.until_asked(1)
        await first.close()
        second = await made.webs.next()
        assert await made.serving.get() == 2
        assert media.broken_off == ["offer"]
        second.send(Call(0, "count_places", ()))
        reply: Any = await second.receive()
        await second.close()
    assert (reply.number, reply.result) == (0, (3, 1))
    assert made.webs.workers[0].stopped == [0.0]
    line = "the web server was lost (exit code -9); another one takes its place, conversations go on"
    assert caplog.messages[0] == line


async def test_a_process_tells_why_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    async with supervised(NotedMedia()) as made:
        first = await made.webs.next()
        first.send(Failed("OSError: the socket is gone"))
        await first.close()
        await (await made.webs.next()).close()
    assert "lost (OSError: the socket is gone)" in caplog.messages[0]


async def test_a_process_that_is_lost_again_and_again_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    async with supervised(NotedMedia(), TWICE) as made:
        for _ in range(3):
            await (await made.webs.next()).close()
        with pytest.raises(WebDied, match=r"was lost 3 times \(exit code -9\); restart, and see the log"):
            await asyncio.wait_for(made.task, PATIENCE_S)
    assert len(made.webs.workers) == 3
    assert caplog.messages[-1] == "the web server is given up (exit code -9)"


async def test_losses_long_ago_do_not_count() -> None:
    async with supervised(NotedMedia(), TWICE) as made:
        for _ in range(6):
            pipe = await made.webs.next()
            made.clock.advance(TWICE.restart_window_s)
            await pipe.close()
        await made.webs.next()
    assert len(made.webs.workers) == 7


async def test_a_process_that_is_to_end_is_not_replaced(caplog: pytest.LogCaptureFixture) -> None:
    async with supervised(NotedMedia()) as made:
        pipe = await made.webs.next()
        await made.serving.get()
        stopping = asyncio.create_task(made.web.stop())
        assert isinstance(await pipe.receive(), Stop)
        pipe.send(Call(1, "count_places", ()))
        reply: Any = await pipe.receive()
        await pipe.close()
        await asyncio.wait_for(asyncio.gather(stopping, made.task), PATIENCE_S)
    assert reply.result == (3, 1)
    assert len(made.webs.workers) == 1
    assert caplog.messages == []

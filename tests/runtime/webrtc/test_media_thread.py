"""Media have a loop of their own: work is done there, results and errors come back, and its end is orderly."""

import asyncio
import threading

import pytest

from runtime.clock import SystemClock
from runtime.errors import UnknownSession
from runtime.webrtc.client import VoiceClient
from runtime.webrtc.media_thread import MediaLoop, MediaThread, SharedLoop
from tests.runtime.webrtc.conftest import MakeServer
from tests.runtime.webrtc.test_conversation import is_event, speaker


class Main:
    """What runs all the time; it notes where, and that it was ended."""

    def __init__(self) -> None:
        self.began = threading.Event()
        self.thread: threading.Thread | None = None
        self.over = False

    async def __call__(self) -> None:
        self.thread = threading.current_thread()
        self.began.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            self.over = True


async def where() -> threading.Thread:
    return threading.current_thread()


async def fail() -> None:
    raise UnknownSession("session a is over")


@pytest.mark.parametrize("make", [MediaThread, SharedLoop])
async def test_work_is_done_where_the_media_are(make: type[MediaThread] | type[SharedLoop]) -> None:
    media: MediaLoop = make()
    main = Main()
    await media.start(main())
    assert await asyncio.to_thread(main.began.wait, 30.0)
    assert await media.call(where()) is main.thread
    assert (main.thread is threading.current_thread()) == (make is SharedLoop)
    with pytest.raises(UnknownSession, match="session a is over"):
        await media.call(fail())
    assert not main.over
    await media.stop()
    assert main.over


async def test_a_whole_conversation_beside_http(make_server: MakeServer) -> None:
    async with make_server(rows=1, media=MediaThread()) as server:
        client = VoiceClient(speaker([(0.2, 1.0)]), SystemClock())
        await client.connect(server.post)
        await client.wait_for(is_event("end"), 12)
        status = (await server.http.get("/api/status")).json()
        await server.http.post(f"/api/sessions/{client.session}/close")
        await client.wait_for(lambda message: message["type"] == "ended", 5)
        log = await server.http.get(f"/api/sessions/{client.session}/slots.jsonl")
        await client.close()
    assert (status["free"], status["sessions"]) == (0, 1)
    assert '"reason":"the client closed the session"' in log.text

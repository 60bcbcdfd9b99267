"""Both ends of the pipe between media and HTTP in one process; media and processes of HTTP that a test plays itself."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from configs.runtime.runtime import RecordingConfig
from configs.runtime.serve import WebConfig
from duplex.model.interface import ConversationOptions
from runtime.clock import ManualClock
from runtime.records import EngineInfo
from runtime.webrtc.media_server import Answered, MediaServer, ServerFacts, Unready
from runtime.webrtc.remote_media import RemoteMedia
from runtime.webrtc.supervised_web import SupervisedWeb
from runtime.webrtc.web_pipe import Serving, WebPipe
from runtime.webrtc.web_process import WebProcess

OPTIONS = ConversationOptions(seed=7, tools=("time_in",))
FACTS = ServerFacts(EngineInfo("fake", "f", 2, 0.0), RecordingConfig())


class NotedMedia:
    """Media that note what they are asked. `open` waits until its session, the offer, is in `answered`."""

    def __init__(self) -> None:
        self.asked: list[tuple[object, ...]] = []
        self.changed = asyncio.Condition()
        self.answered: set[str] = set()
        self.broken_off: list[str] = []
        self.error: Exception | None = None

    async def open(
        self, sdp: str, options: ConversationOptions, policy: str, attempt: str | None = None, address: str = ""
    ) -> Answered:
        await self._note("open", sdp, options, policy, attempt, address)
        try:
            async with self.changed:
                await self.changed.wait_for(lambda: sdp in self.answered)
        except asyncio.CancelledError:
            self.broken_off.append(sdp)
            await self._note("broken off", sdp)
            raise
        return Answered(sdp, "v=0", "secret")

    async def resume(self, sdp: str, session: str, secret: str, attempt: str | None = None) -> Answered:
        await self._note("resume", sdp, session, secret, attempt)
        return Answered(session, "v=0", secret)

    async def lose(self, session: str, reason: str) -> None:
        await self._note("lose", session, reason)

    async def close(self, session: str, reason: str) -> None:
        await self._note("close", session, reason)
        if self.error is not None:
            raise self.error

    async def leave(self, attempt: str, returns: bool = False) -> None:
        await self._note("leave", attempt, returns)

    async def count_places(self) -> tuple[int, int]:
        return 3, 1

    async def folder(self, session: str) -> Path:
        return Path("recordings") / session

    async def explain_unready(self) -> Unready | None:
        return "draining", "the server stops"

    async def tell_metrics(self, http_tasks: int) -> bytes:
        return f"duplex_tasks {http_tasks}\n".encode()

    async def answer(self, sdp: str) -> None:
        async with self.changed:
            self.answered.add(sdp)
            self.changed.notify_all()

    async def until_asked(self, times: int) -> None:
        async with self.changed:
            await self.changed.wait_for(lambda: len(self.asked) >= times)

    async def _note(self, *asked: object) -> None:
        async with self.changed:
            self.asked.append(asked)
            self.changed.notify_all()


class PlayedWorker:
    """A process that has ended when it is asked how."""

    def __init__(self) -> None:
        self.stopped: list[float] = []

    def ending(self) -> str:
        """See `Worker`."""
        return "exit code -9"

    def stop(self, timeout_s: float) -> None:
        """See `Worker`."""
        self.stopped.append(timeout_s)


class PlayedWebs:
    """Processes of HTTP that are nothing but their end of the pipe; their ids count from 1."""

    def __init__(self) -> None:
        self.workers: list[PlayedWorker] = []
        self._ends: list[socket.socket] = []
        self._pipes: list[WebPipe] = []
        self._started = asyncio.Queue[socket.socket]()
        self._loop = asyncio.get_running_loop()

    def start(self) -> WebProcess:
        """As `SupervisedWeb` calls it, in any thread."""
        ours, theirs = socket.socketpair()
        self._ends.append(theirs)
        self.workers.append(PlayedWorker())
        self._loop.call_soon_threadsafe(self._started.put_nowait, theirs)
        return WebProcess(self.workers[-1], ours, len(self.workers))

    async def close(self) -> None:
        """End all of them."""
        for pipe in self._pipes:
            await pipe.close()
        for end in self._ends:
            end.close()

    async def next(self) -> WebPipe:
        """The next process that was started; it has been told what the server runs, and serves."""
        pipe = await WebPipe.attach(await self._started.get())
        self._pipes.append(pipe)
        assert await pipe.receive() == FACTS
        pipe.send(Serving())
        return pipe


class Supervised:
    """Media that answer processes of HTTP, which a test plays."""

    def __init__(self, media: MediaServer, config: WebConfig) -> None:
        self.clock, self.webs = ManualClock(), PlayedWebs()
        self.web = SupervisedWeb(self.webs.start, config, self.clock)
        self.serving = asyncio.Queue[int]()
        self.task = asyncio.create_task(self.web.run(media, FACTS, self.serving.put_nowait))


@asynccontextmanager
async def supervised(media: MediaServer, config: WebConfig | None = None) -> AsyncIterator[Supervised]:
    """`media` answer meanwhile."""
    made = Supervised(media, config or WebConfig())
    try:
        yield made
    finally:
        made.task.cancel()
        await asyncio.wait((made.task,))
        made.web.close()
        await made.webs.close()


@asynccontextmanager
async def over_pipe(media: MediaServer) -> AsyncIterator[RemoteMedia]:
    """`media` as another process sees them."""
    async with supervised(media) as made:
        pipe = await made.webs.next()
        remote = RemoteMedia(pipe)
        taking = asyncio.create_task(remote.run(lambda: None))
        try:
            yield remote
        finally:
            taking.cancel()
            await asyncio.wait((taking,))

"""HTTP asks the media of another process: many calls at a time, errors as themselves, cancellation, a lost pipe."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from runtime.clock import SystemClock
from runtime.errors import DuplexError, EngineRestarts, ServerFull, UnknownSession
from runtime.webrtc.bad_offer import BadOffer
from runtime.webrtc.client import VoiceClient
from runtime.webrtc.departures import ClientGone
from runtime.webrtc.drain import Draining
from runtime.webrtc.ended_sessions import NotRecorded
from runtime.webrtc.media_calls import METHODS, MediaFault
from runtime.webrtc.media_server import Answered
from runtime.webrtc.remote_media import MediaGone, RemoteMedia
from runtime.webrtc.web_pipe import Call, Cancel, Reply, Stop, WebPipe
from tests.runtime.webrtc.conftest import MakeServer
from tests.runtime.webrtc.test_conversation import is_event, speaker
from tests.runtime.webrtc.web_pipes import OPTIONS, NotedMedia, over_pipe


@pytest.fixture
async def media() -> NotedMedia:
    return NotedMedia()


@pytest.fixture
async def remote(media: NotedMedia) -> AsyncIterator[RemoteMedia]:
    async with over_pipe(media) as made:
        yield made


async def test_everything_comes_and_goes_as_it_is(media: NotedMedia, remote: RemoteMedia) -> None:
    await media.answer("offer")
    assert await remote.open("offer", OPTIONS, "balanced", "attempt", "192.0.2.1") == Answered("offer", "v=0", "secret")
    assert await remote.resume("offer", "a", "é") == Answered("a", "v=0", "é")
    await remote.lose("a", "why")
    await remote.close("b", "because")
    await remote.leave("attempt", True)
    assert await remote.count_places() == (3, 1)
    assert await remote.folder("c") == Path("recordings/c")
    assert await remote.explain_unready() == ("draining", "the server stops")
    assert await remote.tell_metrics(4) == b"duplex_tasks 4\n"
    assert media.asked == [
        ("open", "offer", OPTIONS, "balanced", "attempt", "192.0.2.1"),
        ("resume", "offer", "a", "é", None),
        ("lose", "a", "why"),
        ("close", "b", "because"),
        ("leave", "attempt", True),
    ]


def test_all_that_may_be_called_can_be_called_from_there() -> None:
    assert {name for name in vars(RemoteMedia) if not name.startswith("_")} - {"run"} == METHODS


async def test_no_call_waits_for_another_one(media: NotedMedia, remote: RemoteMedia) -> None:
    offers = [f"offer {number}" for number in range(100)]
    opening = {offer: asyncio.create_task(remote.open(offer, OPTIONS, "patient")) for offer in offers}
    await media.until_asked(100)
    assert await remote.count_places() == (3, 1)
    for offer in reversed(offers):
        await media.answer(offer)
        assert (await opening[offer]).session == offer
    assert [one[1] for one in media.asked] == offers


async def test_a_message_may_be_large(media: NotedMedia, remote: RemoteMedia) -> None:
    offer = "x" * 3_000_000
    await media.answer(offer)
    assert (await remote.open(offer, OPTIONS, "patient")).session == offer


@pytest.mark.parametrize(
    "error",
    [
        UnknownSession("session a is over; open a new one"),
        ServerFull("all 2 places are taken"),
        EngineRestarts("in a few seconds"),
        BadOffer("the offer has no audio"),
        ClientGone("the client left"),
        Draining("the server stops"),
        NotRecorded("session a was not recorded"),
    ],
)
async def test_errors_arrive_as_themselves(media: NotedMedia, remote: RemoteMedia, error: DuplexError) -> None:
    media.error = error
    with pytest.raises(type(error)) as caught:
        await remote.close("a", "because")
    assert type(caught.value) is type(error)
    assert (str(caught.value), caught.value.code) == (str(error), error.code)


async def test_a_mistake_of_the_media_is_in_their_log_and_no_secret_in_the_answer(
    media: NotedMedia, remote: RemoteMedia, caplog: pytest.LogCaptureFixture
) -> None:
    media.error = KeyError("private")
    with pytest.raises(MediaFault, match=r"the server made a mistake \(KeyError\); see its log") as caught:
        await remote.close("a", "because")
    assert caught.value.code == "internal"
    (record,) = caplog.records
    assert (record.levelno, record.getMessage()) == (logging.ERROR, "a request failed (close)")
    assert record.exc_info is not None
    assert await remote.count_places() == (3, 1)


@pytest.mark.parametrize("method", ["_note", "answer", "__init__", "run"])
async def test_nothing_else_can_be_called(
    media: NotedMedia, remote: RemoteMedia, caplog: pytest.LogCaptureFixture, method: str
) -> None:
    with pytest.raises(MediaFault):
        await remote._call(method, "x")
    assert media.asked == []
    assert len(caplog.records) == 1


async def test_a_request_that_is_cancelled_is_broken_off(media: NotedMedia, remote: RemoteMedia) -> None:
    opening = asyncio.create_task(remote.open("offer", OPTIONS, "patient"))
    await media.until_asked(1)
    opening.cancel()
    await media.until_asked(2)
    assert media.broken_off == ["offer"]
    await asyncio.wait((opening,))
    assert opening.cancelled()
    assert await remote.count_places() == (3, 1)
    assert media.asked[2:] == []
    assert remote._waiting == {}


class PlayedMedia:
    """The media's end of the pipe, played by the test."""

    def __init__(self, pipe: WebPipe, remote: RemoteMedia) -> None:
        self.pipe, self.remote = pipe, remote
        self.stops = 0
        self.taking = asyncio.create_task(remote.run(self._stop))

    def _stop(self) -> None:
        self.stops += 1


@pytest.fixture
async def played() -> AsyncIterator[PlayedMedia]:
    ours, theirs = socket.socketpair()
    pipe, other = await WebPipe.attach(ours), await WebPipe.attach(theirs)
    made = PlayedMedia(pipe, RemoteMedia(other))
    yield made
    made.taking.cancel()
    await asyncio.wait((made.taking,))
    await pipe.close()
    await other.close()


async def receive(pipe: WebPipe) -> Any:
    return await asyncio.wait_for(pipe.receive(), 10)


async def test_a_session_that_was_opened_for_nobody_is_given_up(played: PlayedMedia) -> None:
    opening = asyncio.create_task(played.remote.open("offer", OPTIONS, "patient"))
    call = await receive(played.pipe)
    opening.cancel()
    assert await receive(played.pipe) == Cancel(call.number)
    played.pipe.send(Reply(call.number, Answered("a", "v=0", "secret")))
    lost = await receive(played.pipe)
    assert (lost.method, lost.arguments) == ("lose", ("a", "the client left before the answer"))
    played.pipe.send(Reply(lost.number))
    asking = asyncio.create_task(played.remote.count_places())
    call = await receive(played.pipe)
    assert isinstance(call, Call)
    played.pipe.send(Reply(call.number, (2, 0)))
    assert await asking == (2, 0)


async def test_whoever_waits_when_the_media_end_is_told(played: PlayedMedia) -> None:
    asking = [asyncio.create_task(played.remote.count_places()) for _ in range(3)]
    await receive(played.pipe)
    await played.pipe.close()
    for one in asking:
        with pytest.raises(MediaGone, match="media have ended; try again"):
            await one
    await played.taking
    with pytest.raises(MediaGone):
        await played.remote.count_places()


@pytest.mark.parametrize(
    ("data", "logged"),
    [
        (b"\0\0\0\7abc", []),
        (b"\0\0\0\3abc", ["a message cannot be read; the pipe ends"]),
        (b"\xff\0\0\0abc", ["a message of 4278190080 bytes is too large; the pipe ends"]),
    ],
    ids=["breaks off", "no message", "too large"],
)
async def test_what_cannot_be_read_is_the_end(
    played: PlayedMedia, caplog: pytest.LogCaptureFixture, data: bytes, logged: list[str]
) -> None:
    played.pipe._writer.write(data)
    await played.pipe.close()
    await asyncio.wait_for(played.taking, 10)
    assert caplog.messages == logged


async def test_it_is_told_to_stop_and_still_gets_its_replies(played: PlayedMedia) -> None:
    asking = asyncio.create_task(played.remote.count_places())
    call = await receive(played.pipe)
    played.pipe.send(Stop())
    played.pipe.send(Reply(call.number, (2, 0)))
    assert await asking == (2, 0)
    assert played.stops == 1


async def test_a_whole_conversation_over_the_pipe(make_server: MakeServer) -> None:
    async with make_server(rows=1, media=over_pipe) as server:
        client = VoiceClient(speaker([(0.2, 1.0)]), SystemClock())
        await client.connect(server.post)
        await client.wait_for(is_event("end"), 12)
        status = (await server.http.get("/api/status")).json()
        other = VoiceClient(speaker([]), SystemClock())
        full = await server.http.post("/api/offer", json={"sdp": await other.offer()})
        await other.close()
        metrics = (await server.http.get("/metrics")).text
        await server.http.post(f"/api/sessions/{client.session}/close")
        await client.wait_for(lambda message: message["type"] == "ended", 5)
        log = await server.http.get(f"/api/sessions/{client.session}/slots.jsonl")
        await client.close()
    assert (status["free"], status["sessions"]) == (0, 1)
    assert (full.status_code, full.json()["error"]["code"]) == (503, "server_full")
    assert 'duplex_tasks{loop="http"}' in metrics
    assert 'duplex_tasks{loop="media"}' in metrics
    assert '"reason":"the client closed the session"' in log.text

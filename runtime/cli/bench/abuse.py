"""Clients that ask too much of a server while others talk to it: messages in masses, a huge one, offers without media.

They run in a process of their own, one after the other, so that the clients that measure are not disturbed.
"""

import asyncio
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from configs.audio import AUDIO
from runtime.cli.bench.conversations import FIRST_SLOT_S, post
from runtime.cli.bench.other_process import other_process
from runtime.clock import SystemClock
from runtime.errors import EngineError
from runtime.pcm import Pcm16
from runtime.webrtc.client import VoiceClient

_LIMIT, _NO_LIMIT = re.compile(r"a=max-message-size:\d+"), "a=max-message-size:0"
_THREADS = 32
_ENDED_S, _REPORT_S = 20.0, 60.0
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Abuse:
    """What the clients do: one sends so many `pings` at once, one a message of `message_mb` megabytes, although no
    server takes it; and so many `offers` come at once, behind which no media follow."""

    pings: int = 0
    message_mb: float = 0.0
    offers: int = 0

    @property
    def places(self) -> int:
        """Sessions that the server must have room for besides, because the clients come one after the other."""
        return int(bool(self.pings or self.message_mb or self.offers))


@dataclass(frozen=True)
class AbuseReport:
    """What came of it. `pongs`: answers to the pings. `pings_ended`, `message_ended`: the code with which the server
    ended the session; "" if it did not. `accepted`, `refused`: offers."""

    pongs: int = 0
    pings_ended: str = ""
    message_ended: str = ""
    accepted: int = 0
    refused: int = 0


@contextmanager
def abuse(url: str, what: Abuse) -> Iterator[list[AbuseReport]]:
    """Abuse the server at `url`; at the end, the report is in the list.

    Raises:
        EngineError: the server refused a client that needs a session.
    """
    reports: list[AbuseReport] = []
    if not what.places:
        yield reports
        return
    with other_process(_run, url, what) as pipe:
        yield reports
        reports.append(_receive(pipe))


def _receive(pipe: "Connection[None, AbuseReport | str]") -> AbuseReport:
    try:
        report = pipe.recv() if pipe.poll(_REPORT_S) else "the clients that abuse the server did not come to an end"
    except EOFError:
        report = "the clients that abuse the server ended early"
    if isinstance(report, str):
        raise EngineError(report)
    return report


def _run(pipe: "Connection[AbuseReport | str, None]", url: str, what: Abuse) -> None:
    """Main function of their process."""
    try:
        pipe.send(asyncio.run(_abuse(url, what)))
    except EngineError as error:
        pipe.send(str(error))


async def _abuse(url: str, what: Abuse) -> AbuseReport:
    pongs, pings_ended, message_ended = 0, "", ""
    if what.pings:
        pongs, pings_ended = await _send(url, lambda client: _ping(client, what.pings))
    if what.message_mb:
        text = "x" * round(what.message_mb * _MEGABYTE)
        _, message_ended = await _send(url, lambda client: client.send_text(text))
    accepted, refused = await _offer(url, what.offers) if what.offers else (0, 0)
    return AbuseReport(pongs, pings_ended, message_ended, accepted, refused)


async def _send(url: str, send: Callable[[VoiceClient], None]) -> tuple[int, str]:
    """Talk to the server, and send something; returns the number of pongs, and the code with which it was ended."""
    client = VoiceClient(_silence, SystemClock())
    try:
        await client.connect(lambda body: _offer_without_limit(url, body))
        await client.wait_for(lambda message: message["type"] == "slot", FIRST_SLOT_S)
        send(client)
        try:
            ended = await client.wait_for(lambda message: message["type"] == "ended", _ENDED_S)
            code = str(ended.message["code"])
        except TimeoutError:
            code = ""
    finally:
        await client.close()
    return sum(received.message["type"] == "pong" for received in client.messages), code


def _ping(client: VoiceClient, count: int) -> None:
    for number in range(count):
        client.ping(number)


async def _offer_without_limit(url: str, body: dict[str, Any]) -> dict[str, Any]:
    """Make an offer, and forget how long the server's messages may be."""
    answer = await asyncio.to_thread(post, f"{url}/api/offer", body)
    return answer | {"sdp": _LIMIT.sub(_NO_LIMIT, answer["sdp"])}


async def _offer(url: str, count: int) -> tuple[int, int]:
    """Make the same offer many times at once and send nothing; returns how many were accepted and how many refused."""
    client = VoiceClient(_silence, SystemClock())
    body = {"sdp": await client.offer(), "type": "offer"}
    await client.close()

    def offer(_: int) -> bool:
        try:
            post(f"{url}/api/offer", body)
        except EngineError:
            return False
        return True

    def offer_all() -> int:
        with ThreadPoolExecutor(min(count, _THREADS)) as threads:
            return sum(threads.map(offer, range(count)))

    accepted = await asyncio.to_thread(offer_all)
    return accepted, count - accepted


def _silence(now: float) -> Pcm16:
    return np.zeros(AUDIO.packet_output_samples, dtype=np.int16)

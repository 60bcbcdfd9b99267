"""Whole calls under a virtual clock: a network that is data, and all that serves a real client behind it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from configs.runtime.serve import JitterConfig, OpusConfig
from duplex.model.interface import ConversationOptions
from runtime.pcm import Pcm16
from runtime.records import UserSlot
from runtime.session.log_records import SlotRow
from runtime.sessions import Delivered
from runtime.webrtc.inbound import InboundAudio, Placed
from runtime.webrtc.jitter import ReceivedPacket
from runtime.webrtc.opus import OpusEncoder
from tests.runtime.session_world import World
from tests.runtime.webrtc.test_latency import voice

BEAT, PACKET_S, SLOT_S = 0.01, 0.02, 0.2


@dataclass(frozen=True)
class Closed:
    """A slot that was answered at `at`, seconds on the clock."""

    at: float
    heard: UserSlot
    row: SlotRow

    @property
    def lag(self) -> float:
        """How long after its last sample was spoken it was answered, by a sender whose clock does not drift."""
        return self.at - SLOT_S * (self.heard.index + 1)


class Call:
    """A session of `world` and its client's network."""

    def __init__(self, world: World, options: ConversationOptions | None = None) -> None:
        self.world = world
        self.session = world.hub.open(options or ConversationOptions())
        self.session.on_closing = self._hurry
        self.inbound = InboundAudio(JitterConfig())
        self.closed: list[Closed] = []
        self.underruns = 0

    def receive(self, payloads: Sequence[bytes], arrivals: Iterable[tuple[float, int]], until: float) -> None:
        """Packets of 20 ms arrive as (time, index); the loudspeaker's packets leave on time."""
        waiting = sorted(arrivals, reverse=True)
        for beat in range(round(until / BEAT)):
            while waiting and waiting[-1][0] <= BEAT * (beat + 1):
                at, index = waiting.pop()
                self._go_to(at)
                packet = ReceivedPacket(index & 0xFFFF, index * 960 & 0xFFFFFFFF, 960, payloads[index % len(payloads)])
                self._place(self.inbound.push(packet, at))
                self._pump()
            self._go_to(BEAT * (beat + 1))
            self._place(self.inbound.poll(self.world.clock.now()))
            self._pump()
            self.underruns += beat % 2 == 0 and self.session.pull().underrun

    def close(self) -> None:
        """The user hangs up."""
        self.world.hub.close(self.session.id, "bye")

    def _go_to(self, moment: float) -> None:
        self.world.clock.advance(max(0.0, moment - self.world.clock.now()))

    def _hurry(self, end: int) -> None:
        self._place(self.inbound.hurry(end, self.world.clock.now()))

    def _place(self, placed: list[Placed]) -> None:
        self.session.push_discarded(self.inbound.take_discarded())
        for one in placed:
            self.session.push_audio(one.position, one.pcm, one.concealed)

    def _pump(self) -> None:
        for news in self.world.hub.pump():
            if isinstance(news, Delivered) and news.session == self.session.id:
                self.closed.append(Closed(self.world.clock.now(), news.heard, news.row))


def spoken(seconds: float, every: float = 4.0, begin: float = 0.6, end: float = 1.4) -> list[bytes]:
    """Packets with redundancy; every so many seconds there is a voice, from `begin` to `end`."""
    encoder, speech = OpusEncoder(OpusConfig()), voice(round(seconds * 75) + 2)
    quiet = np.random.default_rng(0).integers(-3, 4, 480).astype(np.int16)

    def sound(index: int) -> Pcm16:
        talks = begin <= index * PACKET_S % every < end
        return np.asarray(speech[index * 480 : (index + 1) * 480] if talks else quiet, dtype=np.int16)

    return [encoder.encode(sound(index)) for index in range(round(seconds / PACKET_S))]

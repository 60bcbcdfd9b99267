"""One conversation on a sound card. The card's clock drives it: for every 20 ms recorded, 20 ms are played.

This module uses the card, the session and the messages; the caller waits between turns of the loop.
"""

from collections.abc import Callable, Sequence

import numpy as np

from configs.audio import AUDIO
from configs.runtime.local import LocalConfig
from configs.runtime.runtime import RuntimeConfig
from configs.runtime.serve import LatencyConfig
from runtime.clock import Clock
from runtime.errors import AudioError, SessionError
from runtime.pcm import FULL_SCALE, Pcm16, level_db, to_int16
from runtime.session.session import Session
from runtime.sessions import Delivered, Ended, Noticed, SessionHub
from runtime.sound.card import Card
from runtime.sound.echo import MicrophonePath, SpeakerPath
from runtime.webrtc.captions import Captions
from runtime.webrtc.latency import LatencyMeter
from runtime.webrtc.messages import LatencyMessage, NoticeMessage, ServerMessage

_STEP = AUDIO.packet_input_samples


class SessionLost(SessionError):  # noqa: N818 - reads as what it is
    """The engine ended the session."""

    code = "session_lost"


class LocalConversation:
    """A session between a card's microphone and loudspeaker."""

    def __init__(
        self,
        card: Card,
        hub: SessionHub,
        session: Session,
        config: LocalConfig,
        clock: Clock,
        tell: Callable[[ServerMessage], None],
    ) -> None:
        """`tell` receives the messages that a client of the server would get, in the same order."""
        runtime: RuntimeConfig = hub.config
        self.session = session
        self.user_db = self.assistant_db = -100.0
        self._card = card
        self._hub = hub
        self._clock = clock
        self._tell = tell
        self._microphone = MicrophonePath(config.echo, card.rate)
        self._speaker = SpeakerPath(card.rate)
        self._captions = Captions(runtime.transcript)
        self._latency = LatencyMeter(LatencyConfig())
        self._stall_s = config.stall_s
        self._fed = clock.now()
        self._position = 0
        self._due = 0
        card.write(np.zeros(round(card.rate * config.lead_ms / 1000), dtype=np.int16))

    @property
    def echo_reduction_db(self) -> float:
        """How much the echo canceller has removed so far, dB."""
        return self._microphone.reduction_db

    @property
    def seconds(self) -> float:
        """Length of the conversation so far."""
        return self._position / AUDIO.input_rate

    def turn(self) -> None:
        """Move what was recorded to the session, and the same amount from it to the loudspeaker.

        Raises:
            SessionLost: the engine ended the session. AudioError: the card delivers no more audio.
        """
        near, far = self._card.read()
        if len(near):
            self._fed = self._clock.now()
            self._hear(self._microphone.process(near, far, self._card.delay_ms))
        elif self._clock.now() - self._fed > self._stall_s:
            raise AudioError(f"{self._card.name} gives no more sound; plug it in again, or choose another device")
        self._news()
        while self._due >= _STEP:
            self._due -= _STEP
            self._speak()

    def _hear(self, pcm: Pcm16) -> None:
        if not len(pcm):
            return
        self.session.push_audio(self._position, pcm)
        self._latency.on_heard(pcm, self._clock.now())
        self.user_db = level_db(pcm, FULL_SCALE)
        self._position += len(pcm)
        self._due += len(pcm)

    def _news(self) -> None:
        for news in self._hub.pump():
            if isinstance(news, Delivered):
                self._latency.event(news.row.event)
                self._tell_all(self._captions.on_delivered(news.row))
            elif isinstance(news, Noticed):
                self._tell(NoticeMessage(code=news.notice.code, message=news.notice.message))
            elif isinstance(news, Ended):
                raise SessionLost(news.message)

    def _speak(self) -> None:
        packet = self.session.pull()
        self._card.write(self._speaker.process(to_int16(packet.pcm)))
        self.assistant_db = level_db(packet.pcm)
        drained = not self.session.statistics.playout.waiting
        self._tell_all(self._captions.on_played(packet.begun, drained))
        latencies = self._latency.on_played(packet.pcm, self._clock.now())
        self._tell_all([LatencyMessage.of(one) for one in latencies])

    def _tell_all(self, messages: Sequence[ServerMessage]) -> None:
        for message in messages:
            self._tell(message)

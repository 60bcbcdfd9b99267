"""Measures how long the user waits for an answer, and for silence after beginning to speak over one.

Latencies are measured where the audio enters and leaves the server, in 20 ms steps, with a voice activity detector that
is independent of the model. Nothing here depends on slots or networks.
"""

import numpy as np
import webrtcvad

from configs.audio import AUDIO
from configs.runtime.serve import LatencyConfig
from duplex.model.interface import Samples
from runtime.measured_latency import MeasuredLatency
from runtime.pcm import FULL_SCALE, SILENCE_DB, Pcm16, level_db

_STEP = AUDIO.packet_input_samples
_STEP_S = AUDIO.packet_seconds


class SpeechDetector:
    """Finds in 16 kHz audio when the user's speech began and ended, in seconds on the caller's clock."""

    def __init__(self, config: LatencyConfig) -> None:
        self._config = config
        self._vad = webrtcvad.Vad(config.aggressiveness)
        self._rest = b""
        self._recent: list[bool] = []
        self._quiet = 0
        self._loudest = SILENCE_DB
        self.speaking = False
        self.began: float | None = None
        self.ended: float | None = None

    def push(self, pcm: Pcm16, now: float) -> None:
        """Take samples [n], the last of which was heard at `now`."""
        self._rest += pcm.astype("<i2").tobytes()
        while len(self._rest) >= 2 * _STEP:
            frame, self._rest = self._rest[: 2 * _STEP], self._rest[2 * _STEP :]
            level = level_db(np.frombuffer(frame, "<i2"), FULL_SCALE)
            self._frame(self._vad.is_speech(frame, AUDIO.input_rate) and self._loud(level), now)

    def _loud(self, level: float) -> bool:
        """Whether sound is loud enough for speech: the detector stays on for a while after the last sound, so sound far
        below the turn's loudest does not count."""
        self._loudest = max(self._loudest, level) if self.speaking else SILENCE_DB
        return level > self._loudest - self._config.drop_db

    def _frame(self, voiced: bool, now: float) -> None:
        self._recent = [*self._recent, voiced][-self._config.onset_window :]
        self._quiet = 0 if voiced else self._quiet + 1
        if not self.speaking and sum(self._recent) >= self._config.onset_packets:
            self.speaking = True
            self.began = now - (len(self._recent) - self._recent.index(True)) * _STEP_S
        elif self.speaking and self._quiet >= self._config.hangover_packets:
            self.speaking = False
            self.ended = now - self._quiet * _STEP_S
            self._recent = []


class LatencyMeter:
    """One session's response gaps (user's end to assistant's start) and stop latencies (user's start to assistant's
    silence)."""

    def __init__(self, config: LatencyConfig) -> None:
        self._config = config
        self._speech = SpeechDetector(config)
        self._starting = False
        self._first_sound: float | None = None
        self._answered: float | None = None
        self._spoke_from = 0.0
        self._silent_from: float | None = None
        self._onset: float | None = None
        self._cut = False

    def on_heard(self, pcm: Pcm16, now: float) -> None:
        """Take user audio, 16 kHz int16 [n], that arrived at `now`."""
        self._speech.push(pcm, now)
        if self._speech.speaking and self._speech.began is not None and self._first_sound is None:
            self._spoke_from = self._speech.began

    def event(self, event: str) -> None:
        """Take the event of a slot (`SlotResult.event`) whose audio is about to be played."""
        if event == "start":
            self._starting = True
        elif event == "cut":
            self._cut = True

    def on_played(self, pcm: Samples, now: float) -> list[MeasuredLatency]:
        """Take 20 ms of the assistant's audio that leave at `now`; returns the latencies that are now known."""
        if level_db(pcm) > self._config.audible_db:
            self._silent_from = now + _STEP_S
            if self._starting:
                self._starting, self._cut = False, False
                self._first_sound = self._onset = now
            return self._response(now)
        return [*self._response(now), *self._stop(now)]

    def _response(self, now: float) -> list[MeasuredLatency]:
        """The response gap, known as soon as the detector is sure that the user had ended before the first sound."""
        sound, speech = self._first_sound, self._speech
        if sound is None:
            return []
        if speech.speaking and now - sound <= self._config.hangover_s:
            return []
        self._first_sound = None
        if speech.speaking or speech.ended in (self._answered, None) or speech.ended > sound:
            return []
        self._answered = speech.ended
        return [MeasuredLatency("response", speech.ended, sound, self._spoke_from)]

    def _stop(self, now: float) -> list[MeasuredLatency]:
        """The stop latency, known as soon as the detector has the voice that interrupted: one that began in the answer.
        The assistant may have stopped for something else."""
        began, silent, onset = self._speech.began, self._silent_from, self._onset
        if not self._cut or silent is None or onset is None:
            return []
        if began is None or not onset <= began <= silent:
            self._cut = now - silent < self._config.hangover_s
            return []
        self._cut = False
        return [MeasuredLatency("stop", began, silent, began)]

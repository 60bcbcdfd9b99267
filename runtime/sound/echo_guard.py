"""Detects that the assistant hears itself, and removes its voice from the user's audio from then on.

    guard.on_played(packet)          every 20 ms that are played
    slot = guard.hear(slot)       every slot of the user's audio, in order

What was played is known, so its echo is found by correlation, whatever else the microphone picks up: a user who speaks,
even the same words, does not correlate. The canceller runs only after an echo was found, so that users without an echo
are heard unchanged. The output is what the model hears and what is recorded, so a replay needs no guard.
"""

from typing import Any

import numpy as np
import soxr
from numpy.typing import NDArray
from pywebrtc_audio import EchoCanceller

from configs.audio import AUDIO
from configs.runtime.runtime import EchoGuardConfig
from duplex.model.interface import Samples
from runtime.pcm import Pcm16, level_db, to_float, to_int16

SLOT = AUDIO.slot_input_samples
_Bins = NDArray[np.complexfloating[Any, Any]]
_PACKET = AUDIO.input_rate * AUDIO.packet_ms // 1000


class PlayedSound:
    """The last seconds of played audio, at 16 kHz, by position since the first packet."""

    def __init__(self, samples: int) -> None:
        self._stream = soxr.ResampleStream(AUDIO.output_rate, AUDIO.input_rate, 1, dtype="float32", quality="LQ")
        self._fresh: list[Samples] = []
        self._kept: Samples = np.zeros(samples, dtype=np.float32)
        self._end = 0
        self.packets = 0

    def push(self, pcm: Samples) -> None:
        """Add 20 ms, [480] at 24 kHz, which are converted only when needed."""
        self.packets += 1
        self._fresh.append(pcm)

    def window(self, end: int, length: int) -> Samples:
        """Samples [length] up to position `end`; zeros where nothing was played or the audio is no longer kept."""
        if self._fresh:
            new = self._stream.resample_chunk(np.concatenate(self._fresh))
            self._fresh = []
            self._end += len(new)
            self._kept = np.concatenate([self._kept, new])[-len(self._kept) :]
        out = np.zeros(length, dtype=np.float32)
        first = self._end - len(self._kept)
        begin, stop = max(end - length, first), min(end, self._end)
        if begin < stop:
            out[begin - end + length : stop - end + length] = self._kept[begin - first : stop - first]
        return out


class EchoFinder:
    """Generalized cross-correlation with phase transform (GCC-PHAT; Knapp and Carter 1976), accumulated over slots."""

    def __init__(self, config: EchoGuardConfig) -> None:
        self._config = config
        self._size = 1 << (SLOT + config.max_delay_samples + SLOT - 1).bit_length()
        frequencies = np.fft.rfftfreq(self._size, 1 / AUDIO.input_rate)
        self._band = (frequencies > config.low_hz) & (frequencies < config.high_hz)
        self._heard_taper = np.hanning(SLOT)
        self._played_taper = _taper(SLOT + config.max_delay_samples, config.taper_samples)
        self._places = np.arange(config.max_delay_samples + 1) - config.max_delay_samples
        self._sum: NDArray[np.float64] = np.zeros(len(self._places))
        self._slots = 0

    def push(self, heard: Samples, played: Samples) -> int | None:
        """Add a slot; returns the echo's delay in samples, or None if there is no echo.

        Args:
            heard: [3200] from the microphone. played: [max delay + 3200] up to the same moment.
        """
        if level_db(played) < self._config.audible_db or level_db(heard) < self._config.silent_db:
            return None
        self._sum = self._config.memory * self._sum + self._correlation(heard, played)
        self._slots += 1
        delay = int(np.argmax(self._sum))
        clear = self._sum[delay] > self._config.clear * np.sqrt(np.mean(np.square(self._sum)))
        return delay if clear and self._slots >= self._config.least_slots else None

    def _correlation(self, heard: Samples, played: Samples) -> NDArray[np.float64]:
        """Correlation by delay, [max delay + 1], of unit power and limited (Knapp and Carter 1976, PHAT)."""
        heard_bins, played_bins = (
            self._strong(np.fft.rfft(samples * taper, self._size))
            for samples, taper in ((heard, self._heard_taper), (played, self._played_taper))
        )
        cross = heard_bins * np.conj(played_bins)
        size = np.abs(cross)
        white = np.divide(cross, size, out=np.zeros_like(cross), where=size > 0)
        by_delay = np.fft.irfft(white, self._size)[self._places]
        power = float(np.mean(np.square(by_delay)))
        unit = by_delay / np.sqrt(power) if power else by_delay
        return np.minimum(unit, self._config.most_per_slot)

    def _strong(self, bins: _Bins) -> _Bins:
        """Bins of the band, without those that have only leakage from others."""
        size = np.abs(bins) * self._band
        return np.where(size > size.max() * self._config.weakest, bins, 0)


class EchoGuard:
    """The guard of one session, which is inactive until an echo is found."""

    def __init__(self, config: EchoGuardConfig) -> None:
        self._config = config
        self._reach = config.max_delay_samples
        self._played = PlayedSound(self._reach + 4 * SLOT)
        self._finder = EchoFinder(config)
        self._canceller: EchoCanceller | None = None
        self._delay = 0
        self._slots = 0
        self._offset: int | None = None
        self.found = False
        """Whether an echo was found so far."""

    def on_played(self, pcm: Samples) -> None:
        """20 ms leave for the user, [480] at 24 kHz."""
        if self._config.enabled:
            self._played.push(pcm)

    def hear(self, pcm: Pcm16) -> tuple[Pcm16, bool]:
        """Process the user's next slot, [3200] at 16 kHz.

        Returns:
            The slot as the model should hear it, and whether the assistant's voice was removed from it.
        """
        if not self._config.enabled:
            return pcm, False
        end = self._moment()
        played = self._played.window(end, self._reach + SLOT)
        delay = self._finder.push(to_float(pcm), played)
        if delay is not None and (self._canceller is None or abs(delay - self._delay) > self._config.margin_samples):
            self._begin(delay)
        if self._canceller is None or level_db(played) < self._config.audible_db:
            return pcm, False
        ahead = max(0, self._delay - self._config.margin_samples)
        return self._cancel(pcm, to_int16(self._played.window(end - ahead, SLOT))), True

    def _moment(self) -> int:
        """Position of the played sound that leaves when the slot ends.

        Both run on clocks of 20 ms, so their distance is determined once, and again after one of them paused.
        """
        self._slots += 1
        distance = self._played.packets * _PACKET - self._slots * SLOT
        if self._offset is None or abs(distance - self._offset) > SLOT:
            self._offset = distance
            self._finder = EchoFinder(self._config)
        return self._slots * SLOT + self._offset

    def _begin(self, delay: int) -> None:
        self.found = True
        self._delay = delay
        self._canceller = EchoCanceller(sample_rate=AUDIO.input_rate)

    def _cancel(self, heard: Pcm16, played: Pcm16) -> Pcm16:
        assert self._canceller is not None
        step = self._config.frame_samples
        frames = zip(heard.reshape(-1, step), played.reshape(-1, step), strict=True)
        out: Pcm16 = np.concatenate([self._canceller.process(np.ascontiguousarray(h), p) for h, p in frames])
        return out


def _taper(length: int, fade: int) -> NDArray[np.float64]:
    """A window of ones with fades at both ends, because hard edges would correlate with one another."""
    out = np.ones(length)
    ramp = np.sin(np.linspace(0, np.pi / 2, fade, endpoint=False)) ** 2
    out[:fade], out[length - fade :] = ramp, ramp[::-1]
    return out

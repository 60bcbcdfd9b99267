"""Removes the assistant's loudspeaker from the user's microphone.

Microphone and loudspeaker arrive at the card's rate, sample by sample in step, and leave at 16 kHz. The canceller is
that of WebRTC. Nothing here depends on devices or sessions.
"""

import numpy as np
import soxr
from pywebrtc_audio import EchoCanceller

from configs.audio import AUDIO
from configs.runtime.local import EchoCancellerConfig
from runtime.pcm import FULL_SCALE, Pcm16

_QUALITY = "LQ"  # clean at 16 bit; higher qualities hold back 40 ms or more of a stream


class MicrophonePath:
    """Converts audio at the card's rate to 16 kHz without echo."""

    def __init__(self, config: EchoCancellerConfig, rate: int) -> None:
        """`rate`: sample rate of the card in Hz."""
        self._config = config
        self._near = _stream(rate)
        self._far = _stream(rate)
        self._canceller = EchoCanceller(sample_rate=AUDIO.input_rate) if config.enabled else None
        self._rest = [np.zeros(0, dtype=np.int16), np.zeros(0, dtype=np.int16)]
        self._power = [0.0, 0.0]

    @property
    def reduction_db(self) -> float:
        """Echo reduction so far: 10 log10 of the microphone's energy over the output's while the loudspeaker sounds
        (echo return loss enhancement, as in ITU-T G.168), dB."""
        before, after = self._power
        return 10.0 * float(np.log10((before + 1.0) / (after + 1.0)))

    def process(self, near: Pcm16, far: Pcm16, delay_ms: float) -> Pcm16:
        """What the user said, as far as there are whole steps.

        Args:
            near: [n] from the microphone. far: [n] to the loudspeaker during the same time.
            delay_ms: how much later than `far` its echo is in `near`, as reported by the sound system.
        """
        self._rest[0] = np.concatenate([self._rest[0], self._near.resample_chunk(near)])
        self._rest[1] = np.concatenate([self._rest[1], self._far.resample_chunk(far)])
        step = self._config.frame_samples
        whole = min(map(len, self._rest)) // step * step
        near16, far16 = (rest[:whole] for rest in self._rest)
        self._rest = [rest[whole:] for rest in self._rest]
        if self._canceller is None:
            return near16
        self._canceller.stream_delay_ms = round(min(max(delay_ms, 0.0), self._config.max_delay_ms))
        steps = zip(near16.reshape(-1, step), far16.reshape(-1, step), strict=True)
        return np.concatenate([np.zeros(0, dtype=np.int16), *(self._step(*pair) for pair in steps)])

    def _step(self, near: Pcm16, far: Pcm16) -> Pcm16:
        assert self._canceller is not None
        out: Pcm16 = self._canceller.process(np.ascontiguousarray(near), np.ascontiguousarray(far))
        if np.abs(far.astype(np.int32)).max() > FULL_SCALE / 100:
            self._power[0] += float(np.square(near.astype(np.float64)).sum())
            self._power[1] += float(np.square(out.astype(np.float64)).sum())
        return out


class SpeakerPath:
    """Converts audio at 24 kHz to the card's rate."""

    def __init__(self, rate: int) -> None:
        """`rate`: sample rate of the card in Hz."""
        self._stream = soxr.ResampleStream(AUDIO.output_rate, rate, 1, dtype="int16", quality=_QUALITY)

    def process(self, pcm: Pcm16) -> Pcm16:
        """Take samples [n] at 24 kHz; the output is slightly delayed and continues the previous output."""
        out: Pcm16 = self._stream.resample_chunk(pcm)
        return out


def _stream(rate: int) -> soxr.ResampleStream:
    return soxr.ResampleStream(rate, AUDIO.input_rate, 1, dtype="int16", quality=_QUALITY)

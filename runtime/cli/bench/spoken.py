"""What the clients of `duplex bench serve` say."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import soxr

from configs.audio import AUDIO
from runtime.audio_file import load_audio
from runtime.cli.common import show_notes
from runtime.pcm import Pcm16, to_int16
from runtime.webrtc.outbound import PcmSource

_PAUSE_S: Final = 4.0


def read_speech(files: Sequence[Path]) -> Pcm16:
    """Read sound files one after the other, [n] at 24 kHz; several files get pauses for the answers.

    Raises:
        AudioError: a file cannot be used.
    """
    pause = np.zeros(round(_PAUSE_S * AUDIO.input_rate), dtype=np.float32)
    loaded = [load_audio(path) for path in files]
    for path, audio in zip(files, loaded, strict=True):
        show_notes(audio.notes, path)
    parts = [part for audio in loaded for part in (audio.samples, pause)]
    samples = np.concatenate(parts[:-1] if len(files) == 1 else parts)
    return to_int16(soxr.resample(samples, AUDIO.input_rate, AUDIO.output_rate))


def repeat(audio: Pcm16, begin: float) -> PcmSource:
    """A microphone that repeats `audio` endlessly, starting at the share `begin` (0..1)."""
    step = AUDIO.packet_output_samples
    whole = len(audio) // step * step
    place = int(begin * whole) // step * step

    def source(now: float) -> Pcm16:
        nonlocal place
        pcm, place = audio[place : place + step], (place + step) % whole
        return pcm

    return source

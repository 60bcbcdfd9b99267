"""The fake model with a spoken voice instead of beeps: echo cancellers are made for speech."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from configs.audio import AUDIO
from duplex.model.interface import Samples, SlotResult
from tdm.slots import State
from tests.runtime.fakes import FakeGenerator

SPEECH = Path(__file__).parents[2] / "data" / "speech"
SLOT = AUDIO.slot_output_samples


class TalkingGenerator(FakeGenerator):
    """Says a recorded sentence, 200 ms of it in every slot in which it speaks."""

    def __init__(self, rows: int = 1) -> None:
        super().__init__(rows)
        pcm, rate = soundfile.read(SPEECH / "count_to_thirty.flac", dtype="float32")
        self._voice: Samples = soxr.resample(pcm, rate, AUDIO.output_rate)

    def step(self, pcm: Samples, active: NDArray[np.bool_]) -> list[SlotResult | None]:
        """See `SlotGenerator.step`."""
        return [result and self._speak(result) for result in super().step(pcm, active)]

    def _speak(self, result: SlotResult) -> SlotResult:
        if result.state is State.MUTE:
            return replace(result, pcm=np.zeros(SLOT, dtype=np.float32))
        place = SLOT * (result.spoken[0].index % (len(self._voice) // SLOT))
        return replace(result, pcm=self._voice[place : place + SLOT])


def load_talking(model: str, rows: int, threads: int) -> TalkingGenerator:
    """A loader for the engine's process."""
    return TalkingGenerator(rows)

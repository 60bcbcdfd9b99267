"""The published detokenizers (CosyVoice and the unit vocoder) as detokenizers of a TDM model.

Ids without sound (lead of the text, end of speech) never begin an utterance. This module handles tokens, no text.
"""

from dataclasses import dataclass
from typing import Generic, TypeVar

import torch
from torch import Tensor

from duplex.model.stages.cosyvoice import CosyVoice, CosyVoiceInput
from duplex.model.stages.cosyvoice.stage import CosyVoiceState
from duplex.model.stages.detokenizer import DetokenizerInput
from duplex.model.stages.streaming import StageState
from duplex.model.stages.unit_vocoder import UnitDetokenizer, UnitDetokenizerState, VocoderInput

S = TypeVar("S", bound=StageState)


@dataclass
class SeedlessState(Generic[S]):
    """State of B voices whose sound does not depend on a seed."""

    voices: S

    def reset(self, rows: Tensor) -> None:
        """Begin new conversations in the rows that are True in `rows [B]`."""
        self.voices.reset(rows)

    def seed(self, row: int, seed: int) -> None:
        """Do nothing: the sound does not depend on a seed."""


class CosyVoiceSlotDetokenizer:
    """Converts ids of CosyVoice's codebook to sound."""

    def __init__(self, voice: CosyVoice) -> None:
        self.voice = voice

    @property
    def delay_ms(self) -> float:
        """Look-ahead of flow and vocoder."""
        return self.voice.delay_ms

    def init_state(self, batch: int) -> SeedlessState[CosyVoiceState]:
        """Fresh state for `batch` conversations."""
        return SeedlessState(self.voice.init_state(batch))

    def step(self, x: DetokenizerInput, state: SeedlessState[CosyVoiceState], active: Tensor) -> Tensor:
        """[B, 4800] samples of one slot."""
        given = CosyVoiceInput(x.tokens[..., 0].long(), x.speaking, _fade_end(x))
        return self.voice.step(given, state.voices, active).cpu()


class UnitSlotDetokenizer:
    """Converts units to sound. `silence` replaces ids within speech that are not units."""

    def __init__(self, voice: UnitDetokenizer, silence: int) -> None:
        self.voice = voice
        self.silence = silence

    @property
    def delay_ms(self) -> float:
        """Look-ahead of the vocoder."""
        return self.voice.delay_ms

    def init_state(self, batch: int) -> SeedlessState[UnitDetokenizerState]:
        """Fresh state for `batch` conversations."""
        return SeedlessState(self.voice.init_state(batch))

    def step(self, x: DetokenizerInput, state: SeedlessState[UnitDetokenizerState], active: Tensor) -> Tensor:
        """[B, 4800] samples of one slot. A slot without any unit ends an utterance in full."""
        ids = x.tokens[..., 0].long()
        sound = ids < self.voice.vocoder.config.units
        units = torch.where(sound, ids, self.silence)
        cut = state.voices.voice.sounding.cpu() & ~_fade_end(x)
        given = VocoderInput(units, x.speaking & sound.any(1), cut & ~x.speaking)
        return self.voice.step(given, state.voices, active)


def _fade_end(x: DetokenizerInput) -> Tensor:
    return torch.zeros_like(x.speaking) if x.ended is None else x.ended

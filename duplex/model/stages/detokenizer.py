"""Converts speech tokens to sound: the causal band decoder and the source-filter synthesis as one stage.

A row that does not speak gives exact silence: on SPEAK -> MUTE the remaining sound is faded out within milliseconds,
and the next answer starts from rest. Nothing here depends on text, playout or sockets.
"""

from dataclasses import dataclass
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from configs.audio import AUDIO
from configs.model.voice import VoiceConfig
from duplex.model.stages.band_decoder import BandDecoder, Past
from duplex.model.stages.source_filter import SourceFilter, SynthesisState


@dataclass(frozen=True)
class DetokenizerInput:
    """One slot for B rows: `tokens` [B, k, digits] and `speaking` [B] bool; `ended` [B] bool: a row that no longer
    speaks has finished, and its last samples may be played in full (None: no row has)."""

    tokens: Tensor
    speaking: Tensor
    ended: Tensor | None = None


class SeededVoiceState(Protocol):
    """State of B voices."""

    def reset(self, rows: Tensor) -> None:
        """New conversations in the rows that are True in `rows [B]`."""
        ...

    def seed(self, row: int, seed: int) -> None:
        """Set the seed of all randomness in the sound of `row` from now on."""
        ...


S = TypeVar("S", bound=SeededVoiceState)


class SlotDetokenizer(Protocol[S]):
    """The interface of every detokenizer, which is a stage."""

    @property
    def delay_ms(self) -> float:
        """How much later than its tokens the sound comes, ms."""
        ...

    def init_state(self, batch: int) -> S:
        """Fresh state for `batch` conversations."""
        ...

    def step(self, x: DetokenizerInput, state: S, active: Tensor) -> Tensor:
        """[B, 4800] samples at 24 kHz of one slot; zeros where a row is inactive or silent."""
        ...


@dataclass
class DetokenizerState:
    """State of B voices: past of the decoder, synthesis, and which rows sounded in their last slot."""

    past: Past
    rest: Past
    rest_log_f0: float
    synthesis: SynthesisState
    sounding: Tensor

    def reset(self, rows: Tensor) -> None:
        """Begin new conversations in the rows that are True in `rows [B]`; their seeds stay until `seed` changes
        them."""
        self.still(rows)
        self.synthesis.slots[rows] = 0

    def seed(self, row: int, seed: int) -> None:
        """Set the seed of the noise of `row` from now on."""
        self.synthesis.seeds[row] = seed

    def still(self, rows: Tensor) -> None:
        """Bring rows to rest, as after long silence."""
        for kept, quiet in zip(self.past, self.rest, strict=True):
            kept[rows] = quiet
        self.synthesis.still(rows, self.rest_log_f0)
        self.sounding[rows] = False


class BandDetokenizer(nn.Module):
    """The stage. The buffer `silence` [15] is the token of silence."""

    silence: Tensor
    fade: Tensor

    def __init__(self, voice: VoiceConfig) -> None:
        super().__init__()
        self.voice = voice
        self.decoder = BandDecoder(voice.bands, voice.tokenizer, voice.detokenizer)
        self.synthesis = SourceFilter(voice.bands, voice.detokenizer)
        self.register_buffer("silence", torch.zeros(voice.tokenizer.digits))
        angle = torch.linspace(0, torch.pi / 2, voice.detokenizer.fade_samples)
        self.register_buffer("fade", torch.cos(angle).square(), persistent=False)

    @property
    def delay_ms(self) -> float:
        """Delay of overlap-add, ms; the decoder itself does not look ahead."""
        return self.synthesis.delay_ms

    def init_state(self, batch: int, seeds: list[int] | None = None) -> DetokenizerState:
        """Fresh state for `batch` conversations; without `seeds` row n has seed n."""
        rest = self.decoder.past_of(self.silence)
        return DetokenizerState(
            past=[kept.expand(batch, -1, -1).clone() for kept in rest],
            rest=rest,
            rest_log_f0=self.voice.bands.rest_log_f0,
            synthesis=self.synthesis.init_state(list(range(batch)) if seeds is None else seeds),
            sounding=torch.zeros(batch, dtype=torch.bool),
        )

    @torch.inference_mode()
    def step(self, x: DetokenizerInput, state: DetokenizerState, active: Tensor) -> Tensor:
        """[B, 4800] samples at 24 kHz of one slot; zeros where a row is inactive or silent."""
        pcm = torch.zeros(len(active), AUDIO.slot_output_samples)
        ending = active & ~x.speaking & state.sounding
        pcm[ending, : len(self.fade)] = state.synthesis.tail[ending, : len(self.fade)] * self.fade
        state.still(active & ~x.speaking)
        speaking = active & x.speaking
        rows = torch.nonzero(speaking).flatten().tolist()
        if rows:
            pcm[rows] = self._speak(x.tokens[rows], state, rows)
        state.sounding |= speaking
        state.synthesis.slots += active
        return pcm

    def _speak(self, tokens: Tensor, state: DetokenizerState, rows: list[int]) -> Tensor:
        frames, past = self.decoder(tokens.float(), [kept[rows] for kept in state.past])
        for kept, new in zip(state.past, past, strict=True):
            kept[rows] = new
        parts = zip(frames.split(1), rows, strict=True)
        return torch.cat([self.synthesis.step(part, state.synthesis, [row]) for part, row in parts])

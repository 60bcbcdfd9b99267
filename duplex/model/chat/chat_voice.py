"""Converts the speech tokens of one answer to samples as they come, without the detokenizer's delay and without loss.

This module handles one voice; it does not depend on text or turns. Ids without sound are left out, as the authors of
Fun-Audio-Chat do before their detokenizer.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from duplex.model.interface import Samples
from duplex.model.stages.cosyvoice.stage import CosyVoice, CosyVoiceInput

_NO_SOUND = -1


class ChatVoice:
    """`stage` with the voice of `speaker` (None: its default speaker).

    Raises:
        ConfigError: there is no such speaker.
    """

    def __init__(self, stage: CosyVoice, speaker: str | None = None) -> None:
        self._stage = stage
        self._voice = stage.voice(speaker)
        self.begin()

    def begin(self) -> None:
        """Begin an answer; anything left of an earlier one is forgotten."""
        self._state = self._stage.init_state(1)
        self._state.set_voice(0, self._voice)
        self._waiting: list[int] = []
        self._tokens = 0
        self._early = self._stage.config.delay_samples
        self._given = 0

    def say(self, tokens: Sequence[int], audible: int) -> Samples:
        """Add tokens; returns the samples that are now known. Ids from `audible` on have no sound."""
        heard = [token for token in tokens if token < audible]
        self._waiting += heard
        self._tokens += len(heard)
        made: list[Tensor] = []
        hop = self._stage.config.stream.hop
        while len(self._waiting) >= hop:
            made.append(self._step(self._waiting[:hop], speaking=True))
            del self._waiting[:hop]
        return self._cut(made)

    def end(self) -> Samples:
        """End the answer; returns its remaining samples."""
        hop, made = self._stage.config.stream.hop, []
        wanted = self._tokens * self._stage.config.token_samples + self._early - self._given
        nothing = [_NO_SOUND] * hop
        if self._waiting:
            made.append(self._step([*self._waiting, *nothing][:hop], speaking=True))
        while sum(map(len, made)) < wanted and self._tokens:
            made.append(self._step(nothing, speaking=False))
        self._waiting = []
        return self._cut(made)

    def _step(self, tokens: Sequence[int], speaking: bool) -> Tensor:
        x = CosyVoiceInput(torch.tensor([tokens]), torch.tensor([speaking]), torch.tensor([not speaking]))
        return self._stage.step(x, self._state, torch.tensor([True]))[0].cpu()

    def _cut(self, made: list[Tensor]) -> Samples:
        """Remove the delay before the answer and the padding after its last tokens."""
        samples: Samples = torch.cat(made).float().numpy() if made else np.zeros(0, dtype=np.float32)
        early = min(self._early, len(samples))
        self._early -= early
        left = self._tokens * self._stage.config.token_samples - self._given
        samples = samples[early : early + left]
        self._given += len(samples)
        return samples

"""A tiny stage with random weights, at any window, and random tokens."""

from functools import cache

import torch
from torch import Tensor

from configs.model.cosyvoice import COSYVOICE3_TINY, AttentionWindowConfig, CosyVoiceConfig, StreamConfig
from duplex.model.stages.cosyvoice.stage import CosyVoice, CosyVoiceInput, CosyVoiceState

ALIGNED = AttentionWindowConfig(chunk=5, first=2, left=25)
"""Chunks end where steps of five tokens do: nothing is computed twice."""


def stream_config(
    window: AttentionWindowConfig = ALIGNED, lookahead: int = 3, rise_ms: int = 0, hop: int = 5
) -> CosyVoiceConfig:
    stream = StreamConfig(window=window, lookahead=lookahead, rise_ms=rise_ms, hop=hop)
    return COSYVOICE3_TINY.model_copy(update={"stream": stream})


@cache
def small_stage(config: CosyVoiceConfig | None = None) -> CosyVoice:
    return CosyVoice.random(config or stream_config())


def tokens_of(seed: int, count: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, COSYVOICE3_TINY.flow.vocabulary, (count,), generator=generator)


def step(
    stage: CosyVoice,
    state: CosyVoiceState,
    tokens: list[Tensor],
    speaking: list[bool],
    ended: list[bool] | None = None,
    active: list[bool] | None = None,
) -> Tensor:
    rows = len(tokens)
    given = CosyVoiceInput(torch.stack(tokens), torch.tensor(speaking), torch.tensor(ended or [False] * rows))
    return stage.step(given, state, torch.tensor(active or [True] * rows))


def speak(stage: CosyVoice, tokens: Tensor, state: CosyVoiceState | None = None) -> Tensor:
    """Samples of one utterance in a state of one row, its look-ahead of silence and its end included."""
    hop = stage.config.stream.hop
    state = state or stage.init_state(1)
    pieces = [step(stage, state, [part], [True])[0] for part in tokens.split(hop)]
    silent = torch.zeros(hop, dtype=torch.long)
    pieces += [step(stage, state, [silent], [False], [True])[0] for _ in range(2)]
    return torch.cat(pieces)

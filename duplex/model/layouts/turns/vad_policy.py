"""Decides who speaks next by voice activity alone: silence after the user's voice, and voice over the assistant's.

No words are used: a pause for thought and the end of a turn differ only in length. The policy is pure, deterministic
and does not depend on models. Its rule is ours (see `VadPolicyConfig`).
"""

import hashlib
from dataclasses import dataclass

import torch
from torch import Tensor

from configs.audio import AUDIO
from configs.model.live_turns import VadPolicyConfig
from duplex.model.interface import ConversationOptions
from duplex.model.layouts.turns.turn_interface import PolicyInput, PolicyOutput
from duplex.model.stages.voice_activity import VoicedFrames


@dataclass
class VadState:
    """The user's continuous voice [B] in ms up to its newest voiced frame, and the silence [B] in ms since then."""

    voice_ms: Tensor
    gap_ms: Tensor

    def reset(self, rows: Tensor) -> None:
        """Forget the rows that are True in `rows [B]`."""
        self.voice_ms[rows] = 0
        self.gap_ms[rows] = 0


class VadPolicy:
    """`TurnPolicy` without a model; the formulas of p(speak) are in `VadPolicyConfig`."""

    reconsiders = False

    def __init__(self, config: VadPolicyConfig) -> None:
        self.config = config
        self.fingerprint = hashlib.sha256(f"vad {config.to_yaml()}".encode()).hexdigest()[:16]

    def init_state(self, batch: int) -> VadState:
        """Fresh state for `batch` conversations."""
        return VadState(*(torch.zeros(batch, dtype=torch.float64) for _ in range(2)))

    def open(self, row: int, options: ConversationOptions, state: VadState) -> None:
        """A new conversation in `row`."""
        state.reset(torch.arange(len(state.voice_ms)) == row)

    def step(self, x: PolicyInput, state: VadState, active: Tensor) -> PolicyOutput:
        """Run one slot of the active rows."""
        self._follow(x.voice, state, active)
        silent = (x.voice.silence_ms.double() / self.config.pause_ms).clamp(max=1)
        alone = (self.config.barge_in_ms - state.voice_ms).clamp(min=0) / self.config.barge_in_ms
        p_speak = torch.where(x.speaking, alone, silent * x.pending)
        return PolicyOutput(p_speak.tolist(), [None] * len(active))

    def close(self) -> None:
        """Do nothing: there is nothing to release."""

    def _follow(self, voice: VoicedFrames, state: VadState, active: Tensor) -> None:
        """Extend voice [B] with every voiced frame, across gaps of at most `gap_ms`; a longer gap ends it."""
        frame_ms = AUDIO.slot_ms / voice.voiced.shape[1]
        run, gap = state.voice_ms, state.gap_ms
        for voiced in voice.voiced.unbind(1):
            bridged = torch.where(run > 0, gap, 0.0)
            run = torch.where(voiced, run + bridged + frame_ms, run)
            gap = torch.where(voiced, 0.0, gap + frame_ms)
            run = torch.where(gap > self.config.gap_ms, 0.0, run)
        state.voice_ms = torch.where(active, run, state.voice_ms)
        state.gap_ms = torch.where(active, gap, state.gap_ms)

"""A policy for tests: the user speaks where it is loud; no detector, no weights."""

from typing import Any

import torch
from torch import Tensor

from duplex.model.interface import ConversationOptions
from duplex.model.layouts.turns.turn_interface import PolicyInput, PolicyOutput


class LoudnessPolicy:
    """p(speak): 1 in silence after a turn and while speaking, 0 where the user is loud or no turn waits."""

    fingerprint = "loudness"

    def __init__(self, reconsiders: bool = False) -> None:
        self.reconsiders = reconsiders

    def init_state(self, batch: int) -> None:
        return None

    def open(self, row: int, options: ConversationOptions, state: Any) -> None:
        return None

    def step(self, x: PolicyInput, state: Any, active: Tensor) -> PolicyOutput:
        loud = x.pcm.abs().amax(1) > 0.01
        speaks = ~loud & (x.speaking | x.pending)
        return PolicyOutput(torch.where(speaks, 0.97, 0.03).tolist(), [None] * len(active))

    def close(self) -> None:
        return None

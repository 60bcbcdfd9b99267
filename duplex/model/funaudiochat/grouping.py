"""Groups: five speech tokens, or five frames of heard speech, become one vector of the LLM.

Knows tokens and features; knows nothing of the LLM. The mean of the five goes through a matrix (the papers have the
five in a row instead). The table of speech tokens is also the output matrix of the refined head.
"""

from typing import Literal

import torch
from torch import Tensor, nn


class Grouping(nn.Module):
    """Vectors of the assistant's tokens and of the user's features."""

    def __init__(self, codes: int, width: int, group: int, pad: int, heard: Literal["replace", "add"]) -> None:
        super().__init__()
        self.group, self.pad, self.mode = group, pad, heard
        self.table = nn.Embedding(codes, width)
        self.spoken_matching = nn.Linear(width, width, bias=False)
        self.heard_matching = nn.Linear(width, width, bias=False)

    def group_speech(self, tokens: Tensor) -> Tensor:
        """Speech tokens [..., group] -> [..., D]."""
        out: Tensor = self.spoken_matching(self.table(tokens).mean(dim=-2))
        return out

    def group_features(self, features: Tensor) -> Tensor:
        """Features [N, T, D] at 25 Hz -> groups [N, ceil(T / group), D]; a group that is not full counts zeros."""
        features = nn.functional.pad(features, (0, 0, 0, -features.shape[1] % self.group))
        groups: Tensor = self.heard_matching(features.unflatten(1, (-1, self.group)).mean(dim=2))
        if self.mode == "add":
            pads = torch.full((self.group,), self.pad, device=groups.device)
            groups = groups + self.group_speech(pads)
        return groups

"""Groups: five speech tokens, or five frames of heard speech, become one input vector of the LLM.

The mean of the five is multiplied by a matrix, as in the released code; the papers concatenate the five instead
(OmniDRCA, eq. 3). The speech token embedding is also the output matrix of the refined head. Nothing here depends on
the LLM.
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
        """Group speech tokens: mean of the embeddings, then a matrix; [..., group] -> [..., D]."""
        out: Tensor = self.spoken_matching(self.table(tokens).mean(dim=-2))
        return out

    def group_features(self, features: Tensor) -> Tensor:
        """Features [N, T, D] at 25 Hz -> groups [N, ceil(T / group), D]; an incomplete group is padded with zeros."""
        features = nn.functional.pad(features, (0, 0, 0, -features.shape[1] % self.group))
        groups: Tensor = self.heard_matching(features.unflatten(1, (-1, self.group)).mean(dim=2))
        if self.mode == "add":
            pads = torch.full((self.group,), self.pad, device=groups.device)
            groups = groups + self.group_speech(pads)
        return groups

"""The heads of the LLM after a slot: the assistant's next state, and the hidden vector for the text head and the
refined head.

Because of the slot mask, A_t cannot see U_t; the state head therefore reads the pair. `readout` decides whether the
text head and the refined head do so too (`assistant` as in the papers; `pair` is one slot faster).
"""

import torch
from torch import Tensor, nn

from configs.model.core import HeadsConfig


class StateHead(nn.Module):
    """p(speak in slot t + 1) from the hidden vectors of U_t and A_t (OmniDRCA, Appendix A: the extra state head)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, 1))

    def forward(self, user: Tensor, assistant: Tensor) -> Tensor:
        """Map hidden vectors [..., D] and [..., D] to a logit [...]."""
        return self.net(torch.cat([user, assistant], dim=-1)).squeeze(-1)


class ProjectionHead(nn.Module):
    """Auxiliary outputs on U_t that teach turn-taking: the user's voice in future windows (as in voice activity
    projection, Ekstedt and Skantze 2022, with independent windows) and the time to the turn's end (ours)."""

    def __init__(self, config: HeadsConfig, width: int) -> None:
        super().__init__()
        self.windows = nn.Linear(width, config.projection_windows)
        self.ends = nn.Linear(width, config.projection_ends)

    def forward(self, user: Tensor) -> tuple[Tensor, Tensor]:
        """Map [..., D] to logits [..., windows] (sigmoid) and [..., ends] (softmax)."""
        return self.windows(user), self.ends(user)


class Readout(nn.Module):
    """Makes the input of the text head and the refined head, with the LLM's width."""

    def __init__(self, config: HeadsConfig, width: int) -> None:
        super().__init__()
        self.user = nn.Linear(width, width, bias=False) if config.readout == "pair" else None
        if self.user is not None:
            nn.init.zeros_(self.user.weight)

    def forward(self, user: Tensor, assistant: Tensor) -> Tensor:
        """Map hidden vectors [..., D] and [..., D] to [..., D]."""
        return assistant if self.user is None else assistant + self.user(user)

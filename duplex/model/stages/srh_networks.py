"""The two networks of the pointer head: digits of the next token, and durations of units.

Both see only the units around the pointer and numbers about its timing, so they have no state. `pointer` defines the
meaning of the numbers. The networks are ours.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from configs.model.voice import SrhConfig, TokenizerConfig
from duplex.model.stages.pointer import DURATION_SCALARS, SCALARS
from duplex.model.text.phonemes import UNITS

_STRESSES = 3
_BRANCH_STD = 0.02
_DURATION_INNER = 512


class _Residual(nn.Module):
    """x + MLP(norm(x)) on [B, D]."""

    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, inner)
        self.down = nn.Linear(inner, width)
        nn.init.normal_(self.down.weight, std=_BRANCH_STD)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.down(F.gelu(self.up(self.norm(x))))
        return out


class _UnitWindow(nn.Module):
    """[B, W] units and stresses -> [B, W * D]."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.unit = nn.Embedding(len(UNITS), width)
        self.stress = nn.Embedding(_STRESSES, width)

    def forward(self, units: Tensor, stress: Tensor) -> Tensor:
        out: Tensor = (self.unit(units) + self.stress(stress)).flatten(1)
        return out


class DigitNetwork(nn.Module):
    """Logits of the 15 digits of the token under the pointer."""

    def __init__(self, config: SrhConfig, tokenizer: TokenizerConfig) -> None:
        super().__init__()
        self.config = config
        self.tokenizer = tokenizer
        self.window = _UnitWindow(config.embedding)
        self.hidden = nn.Linear(config.hidden, config.hidden_width, bias=False)
        nn.init.zeros_(self.hidden.weight)
        size = config.window * config.embedding + SCALARS + config.history * tokenizer.digits + config.hidden_width
        self.inward = nn.Linear(size, config.width)
        self.trunk = nn.Sequential(*(_Residual(config.width, 2 * config.width) for _ in range(config.blocks)))
        self.norm = nn.LayerNorm(config.width)
        self.outward = nn.Linear(config.width, tokenizer.digits * tokenizer.levels)

    def forward(self, units: Tensor, stress: Tensor, scalars: Tensor, history: Tensor, hidden: Tensor) -> Tensor:
        """Logits [B, 15, 5].

        Args:
            units, stress: [B, 9] window around the pointer.
            scalars: [B, SCALARS].
            history: [B, 5, 15] the last tokens as digits -2..2, newest first.
            hidden: [B, H] vector of the language model for this slot, of any scale; zeros if there is none.
        """
        told = self.hidden(F.layer_norm(hidden, hidden.shape[-1:]))
        past = history.flatten(1) / self.tokenizer.top
        x = torch.cat([self.window(units, stress), scalars, past, told], 1)
        logits = self.outward(self.norm(self.trunk(self.inward(x))))
        return logits.float().reshape(-1, self.tokenizer.digits, self.tokenizer.levels)


class DurationNetwork(nn.Module):
    """Durations of the unit just entered and of the one after it."""

    classes: Tensor

    def __init__(self, config: SrhConfig) -> None:
        super().__init__()
        self.config = config
        self.window = _UnitWindow(config.duration_embedding)
        size = config.window * config.duration_embedding + DURATION_SCALARS
        width = config.duration_width
        self.inward = nn.Linear(size, width)
        self.trunk = nn.Sequential(*(_Residual(width, _DURATION_INNER) for _ in range(config.duration_blocks)))
        self.norm = nn.LayerNorm(width)
        self.outward = nn.Linear(width, 2 * config.duration_classes)
        classes = torch.arange(1, config.duration_classes + 1) * float(config.duration_ms)
        self.register_buffer("classes", classes, persistent=False)

    def forward(self, units: Tensor, stress: Tensor, scalars: Tensor) -> Tensor:
        """Logits [B, 2, 24] over multiples of 25 ms, for the current and the following unit."""
        x = torch.cat([self.window(units, stress), scalars], 1)
        logits = self.outward(self.norm(self.trunk(self.inward(x))))
        return logits.float().reshape(-1, 2, self.config.duration_classes)

    def milliseconds(self, units: Tensor, stress: Tensor, scalars: Tensor) -> Tensor:
        """Expected durations [B, 2] in ms, the means of the predicted distributions."""
        return (self(units, stress, scalars).softmax(-1) * self.classes).sum(-1)

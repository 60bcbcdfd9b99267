"""Chooses tokens for many rows at once: repetition penalty, temperature, nucleus, and a seeded draw.

The repetition penalty is that of CTRL (Keskar et al. 2019, sec. 4.1) in transformers' form, which multiplies negative
scores; the nucleus is that of Holtzman et al. 2020, sec. 3.1. A draw is the inverse of the cumulative distribution at a
uniform number that depends only on the row's seed and step, so it is the same on every device and in every batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from configs.model.funaudiochat import ChoiceConfig
from duplex.model.sampling.seeds import slot_seed


@dataclass(frozen=True)
class Choices:
    """Settings of B rows, [B, 1] each; the flags say whether any row needs the respective computation."""

    temperature: Tensor
    top_p: Tensor
    penalty: Tensor
    any_drawn: bool
    any_nucleus: bool
    any_penalty: bool

    @classmethod
    def of(cls, rows: Sequence[ChoiceConfig], device: torch.device) -> "Choices":
        """Collect the settings of all rows."""

        def column(values: list[float]) -> Tensor:
            return torch.tensor(values, dtype=torch.float32, device=device)[:, None]

        drawn = [row for row in rows if row.temperature > 0]
        return cls(
            temperature=column([row.temperature for row in rows]),
            top_p=column([row.top_p for row in rows]),
            penalty=column([row.repetition_penalty for row in rows]),
            any_drawn=bool(drawn),
            any_nucleus=any(row.top_p < 1 for row in drawn),
            any_penalty=any(row.repetition_penalty != 1 for row in rows),
        )


def choose(logits: Tensor, seen: Tensor | None, uniform: Tensor, choices: Choices) -> Tensor:
    """Choose ids [B] from logits [B, V] (CTRL, sec. 4.1; nucleus: Holtzman et al. 2020, sec. 3.1).

    Args:
        logits: [B, V]; minus infinity forbids.
        seen: [B, V] bool, tokens that the penalty applies to (None: it is off for all rows).
        uniform: [B] in [0, 1), float64.
        choices: settings of the rows.
    """
    scores = logits.float()
    if seen is not None and choices.any_penalty:
        penalised = torch.where(scores < 0, scores * choices.penalty, scores / choices.penalty)
        scores = torch.where(seen, penalised, scores)
    likeliest = scores.argmax(-1)
    if not choices.any_drawn:
        return likeliest
    greedy = choices.temperature[:, 0] <= 0
    scores = scores / choices.temperature.masked_fill(greedy[:, None], 1.0)
    if choices.any_nucleus:
        scores = _nucleus(scores, choices.top_p)
    return torch.where(greedy, likeliest, _draw(scores, uniform))


@dataclass(frozen=True)
class GroupChoice:
    """Chooses one group's tokens (`duplex.model.funaudiochat.group_srh.Choose`); holds everything that this depends on.

    Attributes:
        seen: [B, codes] bool, tokens that the penalty applies to; each chosen token is added.
        uniform: [B, >= group] float64.
        choices: settings of the rows.
    """

    seen: Tensor
    uniform: Tensor
    choices: Choices

    def __call__(self, logits: Tensor, index: int) -> Tensor:
        """Choose ids [B] of the `index`-th token."""
        ids = choose(logits, self.seen, self.uniform[:, index], self.choices)
        self.seen.scatter_(1, ids[:, None], True)
        return ids


def uniforms(seeds: Sequence[tuple[int, int]], draws: int, device: torch.device) -> Tensor:
    """Uniform numbers [B, draws], float64 in [0, 1), for rows given as (seed, step)."""
    rows = []
    for seed, step in seeds:
        generator = torch.Generator().manual_seed(slot_seed(seed, step))
        rows.append(torch.rand(draws, generator=generator, dtype=torch.float64))
    return torch.stack(rows).to(device)


def _nucleus(scores: Tensor, top_p: Tensor) -> Tensor:
    """Forbid the least likely tokens that together have at most 1 - top_p (Holtzman et al. 2020); the likeliest
    stays."""
    ascending, order = scores.sort(dim=-1)
    out = ascending.softmax(-1).cumsum(-1) <= 1 - top_p
    out[:, -1] = False
    out &= top_p < 1
    return scores.masked_fill(out.scatter(1, order, out), -torch.inf)


def _draw(scores: Tensor, uniform: Tensor) -> Tensor:
    cumulative = scores.softmax(-1).double().cumsum(-1)
    below = cumulative <= uniform[:, None] * cumulative[:, -1:]
    return below.sum(-1).clamp(max=scores.shape[-1] - 1)

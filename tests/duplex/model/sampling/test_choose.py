"""Choices: equal to transformers' processors, alone or in a batch, and a function of seed and step alone."""

import pytest
import torch
from torch import Tensor
from transformers import LogitsProcessorList, RepetitionPenaltyLogitsProcessor, TemperatureLogitsWarper
from transformers.generation import TopPLogitsWarper

from configs.model.funaudiochat import LIKELIEST, ChoiceConfig
from duplex.model.sampling.choose import Choices, choose, uniforms

CPU = torch.device("cpu")
ROWS = [ChoiceConfig(), LIKELIEST, ChoiceConfig(top_p=1.0), ChoiceConfig(temperature=1.7, repetition_penalty=1.0)]


def _logits(seed: int = 0) -> Tensor:
    return 3 * torch.randn(len(ROWS), 40, generator=torch.Generator().manual_seed(seed))


def _draw_seen() -> Tensor:
    return torch.rand(len(ROWS), 40, generator=torch.Generator().manual_seed(5)) < 0.3


def test_a_mixed_batch_is_its_rows() -> None:
    for seed in range(20):
        logits, uniform = _logits(seed), uniforms([(row, seed) for row in range(len(ROWS))], 1, CPU)[:, 0]
        together = choose(logits, _draw_seen(), uniform, Choices.of(ROWS, CPU))
        for row, config in enumerate(ROWS):
            part = slice(row, row + 1)
            alone = choose(logits[part], _draw_seen()[part], uniform[part], Choices.of([config], CPU))
            assert together[row] == alone[0]


@pytest.mark.parametrize("config", [ROWS[0], ROWS[2], ROWS[3]])
def test_what_can_be_drawn_is_what_transformers_would_draw(config: ChoiceConfig) -> None:
    """Frequencies over a fine grid of uniform numbers are the probabilities."""
    logits, seen = _logits()[:1], _draw_seen()[:1]
    processors = LogitsProcessorList([RepetitionPenaltyLogitsProcessor(config.repetition_penalty)])
    processors.append(TemperatureLogitsWarper(config.temperature))
    processors.append(TopPLogitsWarper(config.top_p))
    wanted = processors(seen[0].nonzero().T, logits.clone()).softmax(-1)[0]
    grid = (torch.arange(4000, dtype=torch.float64) + 0.5) / 4000
    choices = Choices.of([config] * 4000, CPU)
    drawn = choose(logits.expand(4000, -1), seen.expand(4000, -1), grid, choices)
    assert torch.allclose(torch.bincount(drawn, minlength=40) / 4000, wanted, atol=1e-3)


def test_uniform_numbers_depend_on_seed_and_step_alone() -> None:
    first = uniforms([(1, 2), (3, 4)], 6, CPU)
    assert first.shape == (2, 6)
    assert torch.equal(first[1], uniforms([(3, 4)], 6, CPU)[0])
    assert not torch.equal(first[0], uniforms([(1, 3)], 6, CPU)[0])


def test_forbidden_tokens_are_never_chosen() -> None:
    logits = torch.full((4, 40), -torch.inf)
    logits[:, 39] = 0.0
    for number in (0.0, 0.5, 1 - 2**-53):
        uniform = torch.full((4,), number, dtype=torch.float64)
        assert choose(logits, None, uniform, Choices.of(ROWS, CPU)).tolist() == [39] * 4

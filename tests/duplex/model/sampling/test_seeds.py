"""Seeded choice of a token."""

from collections import Counter

import torch

from duplex.model.sampling.seeds import choose, slot_seed


def test_greedy_takes_the_likeliest_that_is_allowed() -> None:
    logits = torch.tensor([3.0, 2.0, 1.0])
    assert choose(logits, (), 0.0, seed=0) == 0
    assert choose(logits, (0,), 0.0, seed=0) == 1


def test_draws_follow_the_softmax_and_the_seed() -> None:
    logits = torch.log(torch.tensor([0.5, 0.25, 0.25]))
    drawn = Counter(choose(logits, (2,), 1.0, seed=slot_seed(7, slot)) for slot in range(600))
    assert set(drawn) == {0, 1}
    assert 0.6 < drawn[0] / 600 < 0.73
    assert choose(logits, (), 1.0, seed=5) == choose(logits, (), 1.0, seed=5)


def test_slots_of_a_conversation_have_seeds_of_their_own() -> None:
    seeds = {slot_seed(seed, slot) for seed in range(20) for slot in range(50)}
    assert len(seeds) == 1000
    assert all(0 <= slot_seed(seed, slot) < 2**63 for seed in (0, 2**60, -1) for slot in (0, 10**9))

"""The memory estimate before loading, and what the released sizes need."""

import pytest
import torch

from configs.base import ConfigError
from configs.model.funaudiochat import FUNAUDIOCHAT_8B, FUNAUDIOCHAT_30B_A3B, FUNAUDIOCHAT_TINY, TurnsConfig
from duplex.model.funaudiochat.chat_rows import ChatRows
from duplex.model.funaudiochat.memory import check_memory, free_memory, memory_of, read_by_step
from duplex.model.funaudiochat.model import FunAudioChat, empty_network

CPU = torch.device("cpu")


def test_what_is_told_is_what_is_taken() -> None:
    turns = TurnsConfig(places=100)
    chat = FunAudioChat.random(FUNAUDIOCHAT_TINY)
    told = memory_of(FUNAUDIOCHAT_TINY, turns, torch.float32)
    assert told.weights == sum(value.nbytes for value in chat.network.parameters())
    state = ChatRows(chat, 3, turns).state
    assert state.refined is not None
    caches = (*state.llm.keys, *state.llm.values, *state.refined.keys, *state.refined.values)
    assert 3 * told.conversation == sum(tensor.nbytes for tensor in caches)


def test_the_released_sizes() -> None:
    """9.4 billion weights; a conversation takes 1.5 GB, of which the refined head 1.2 if it hears everything."""
    whole = memory_of(FUNAUDIOCHAT_8B, TurnsConfig(), torch.bfloat16)
    assert whole.weights == pytest.approx(18.8e9, rel=0.01)
    assert whole.conversation == pytest.approx(1.48e9, rel=0.02)
    answers = TurnsConfig(refined_hears="answer", answer_places=256)
    assert memory_of(FUNAUDIOCHAT_8B, answers, torch.bfloat16).conversation == pytest.approx(0.45e9, rel=0.02)


def test_what_does_not_fit_is_refused_with_what_would() -> None:
    with pytest.raises(ConfigError, match=r"needs 43\.4 GB on cuda \(18\.8 GB of weights, 1\.48 GB each\), 24\.0 GB"):
        check_memory(FUNAUDIOCHAT_8B, TurnsConfig(), 16, torch.device("cuda"), torch.bfloat16, lambda _: 24 * 10**9)
    with pytest.raises(ConfigError, match="2 would fit: take fewer"):
        check_memory(FUNAUDIOCHAT_8B, TurnsConfig(), 16, torch.device("cuda"), torch.bfloat16, lambda _: 24 * 10**9)
    with pytest.raises(ConfigError, match="take a larger device"):
        check_memory(FUNAUDIOCHAT_8B, TurnsConfig(), 1, torch.device("cuda"), torch.bfloat16, lambda _: 16 * 10**9)


def test_what_fits_or_cannot_be_known_is_not_refused() -> None:
    check_memory(FUNAUDIOCHAT_8B, TurnsConfig(), 1, CPU, torch.bfloat16, lambda _: 40 * 10**9)
    check_memory(FUNAUDIOCHAT_8B, TurnsConfig(), 1, torch.device("mps"), torch.bfloat16, free_memory)
    assert free_memory(torch.device("mps")) is None
    assert free_memory(CPU) != 0


def test_what_a_step_reads() -> None:
    """All weights but the encoder's and the tables', the refined head's five times; caches by their lengths."""
    one, two = (read_by_step(FUNAUDIOCHAT_8B, 512, count, torch.bfloat16) for count in (1, 2))
    caches = 2 * 2 * 36 * 8 * 128 * 513 + 2 * 2 * 28 * 8 * 128 * sum(range(2561, 2566))
    assert two - one == caches
    weights = dict(empty_network(FUNAUDIOCHAT_8B).named_parameters())
    llm = sum(value.numel() for name, value in weights.items() if name.startswith("llm."))
    head = sum(value.numel() for name, value in weights.items() if name.startswith("refined.backbone."))
    assert one - caches == pytest.approx(2 * (llm + 5 * head + 151_936 * 4_096), rel=0.03)


def test_experts_that_a_step_reads() -> None:
    """One conversation reads 8 of 128 experts, many read nearly all of them."""
    experts = sum(
        value.numel() for name, value in empty_network(FUNAUDIOCHAT_30B_A3B).named_parameters() if ".experts." in name
    )
    few, many = (
        read_by_step(FUNAUDIOCHAT_30B_A3B, 0, count, torch.bfloat16)
        - count
        * (read_by_step(FUNAUDIOCHAT_8B, 0, 2, torch.bfloat16) - read_by_step(FUNAUDIOCHAT_8B, 0, 1, torch.bfloat16))
        for count in (1, 64)
    )
    assert many - few == pytest.approx(2 * experts * (1 - 8 / 128), rel=0.03)

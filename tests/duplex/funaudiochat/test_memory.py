"""Memory that is told before loading, and what the released sizes take."""

import pytest
import torch

from configs.base import ConfigError
from configs.funaudiochat import FUNAUDIOCHAT_8B, FUNAUDIOCHAT_TINY, TurnsConfig
from duplex.funaudiochat.chat import FunAudioChat
from duplex.funaudiochat.memory import check_memory, free_memory, memory_of
from duplex.funaudiochat.turns import ChatRows

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

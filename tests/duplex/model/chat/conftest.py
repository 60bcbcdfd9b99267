"""The tiny checkpoint and a tiny voice, both random; and forced text in place of what the model would choose."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from configs.model.cosyvoice import COSYVOICE3_TINY
from configs.model.funaudiochat import FUNAUDIOCHAT_TINY
from duplex.model.funaudiochat import drawing
from duplex.model.funaudiochat.model import FunAudioChat
from duplex.model.stages.cosyvoice.stage import CosyVoice

Write = Callable[[list[int | str]], None]


@pytest.fixture(scope="session")
def chat() -> FunAudioChat:
    """Random weights."""
    return FunAudioChat.random(FUNAUDIOCHAT_TINY)


@pytest.fixture(scope="session")
def endless(chat: FunAudioChat) -> FunAudioChat:
    """The same, but its speech never ends: the end of speech takes the place of a text token."""
    codes = chat.config.codes.model_copy(update={"eos": 4096})
    return replace(chat, config=chat.config.model_copy(update={"codes": codes}))


@pytest.fixture(scope="session")
def stage() -> CosyVoice:
    """Random weights."""
    return CosyVoice.random(COSYVOICE3_TINY)


@pytest.fixture
def write(monkeypatch: pytest.MonkeyPatch, chat: FunAudioChat) -> Write:
    """Sets the text that the model will choose, token by token; a string stands for its ids and ends the answer."""
    chosen: Iterator[int] = iter(())
    real = drawing.choose

    def choose(logits: Tensor, *settings: object) -> Tensor:
        if logits.shape[-1] != chat.config.vocabulary:
            return real(logits, *settings)  # type: ignore[arg-type]
        return torch.full((len(logits),), next(chosen))

    def script(parts: list[int | str]) -> None:
        nonlocal chosen
        ids: list[int] = []
        for part in parts:
            ids += [part] if isinstance(part, int) else [*chat.tokenizer.encode(part), chat.tokenizer.im_end]
        chosen = iter(ids)

    monkeypatch.setattr(drawing, "choose", choose)
    return script

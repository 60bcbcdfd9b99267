"""Whole answers: the same text and speech tokens as the authors' `generate`, greedy and sampled; the same vectors."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest
import torch
from torch import Tensor

from duplex.model.funaudiochat.chat_rows import ChatRows
from duplex.model.funaudiochat.group_srh import Choose
from duplex.model.funaudiochat.model import FunAudioChat
from duplex.model.funaudiochat.multimodal_llm import FunAudioChatNetwork, NetworkState, StepInput, StepOutput
from tests.duplex.model.funaudiochat.golden import (
    ANSWERS,
    PLACES,
    SPARSE,
    about,
    ask,
    close,
    finish_answer,
    speech_of,
    tensors,
    text_of,
)


@contextmanager
def _record() -> Iterator[tuple[list[Tensor], list[Tensor]]]:
    """Hidden vectors of every step, and logits of every pass of the refined head, of row 0."""
    hidden: list[Tensor] = []
    logits: list[Tensor] = []
    original = FunAudioChatNetwork.step

    def step(self: FunAudioChatNetwork, x: StepInput, state: NetworkState, choose: Choose) -> StepOutput:
        def choose_recorded(values: Tensor, index: int) -> Tensor:
            logits.append(values[0])
            return choose(values, index)

        out = original(self, x, state, choose_recorded)
        hidden.append(out.hidden[0])
        return out

    with patch.object(FunAudioChatNetwork, "step", step):
        yield hidden, logits


def _check(chat: FunAudioChat, name: str, golden: dict[str, Tensor]) -> None:
    rows = ChatRows(chat, 1, PLACES)
    ask(chat, name, rows)
    with _record() as (hidden, logits):
        steps = finish_answer(rows)
    assert text_of(steps) == golden[f"{name}.text"][0].tolist()
    assert speech_of(steps) == golden[f"{name}.speech"][0].tolist()
    close(torch.stack(hidden), golden[f"{name}.hidden"])
    if ANSWERS[name].speech:
        close(torch.stack(logits), golden[f"{name}.refined_logits"].flatten(0, 1))


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_the_reference_s(chat: FunAudioChat, name: str) -> None:
    _check(chat, name, tensors())


def test_a_mixture_of_experts_answers_as_the_reference(sparse: FunAudioChat) -> None:
    rows = ChatRows(sparse, 1, PLACES)
    ask(sparse, "greedy", rows)
    steps = finish_answer(rows)[:13]
    assert text_of(steps) == tensors(SPARSE)["greedy.text"][0].tolist()
    assert speech_of(steps) == tensors(SPARSE)["greedy.speech"][0].tolist()


def test_the_golden_answers_cover_the_rules() -> None:
    """40 steps, greedy and sampled; speech that ends before the answer; an answer that ends by itself."""
    ids = about()["config"]["text_config"]
    assert set(ANSWERS) == set(about()["generations"])
    assert tensors()["greedy.speech"].shape[1] == tensors()["sampled.speech"].shape[1] == 40 * 5
    for name in ("sampled_speech", "hot"):
        assert ids["audio_eos_index"] in tensors()[f"{name}.text"][0].tolist()
    assert tensors()["hot.text"][0, -1] == 257

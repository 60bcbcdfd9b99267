"""Models of random weights from a configuration: the tiny twin holds a conversation in every supported form."""

import pytest
import torch
from torch import Tensor

from configs.audio import AUDIO
from configs.model.funaudiochat import FUNAUDIOCHAT_TINY, AnswerConfig, ExpertsConfig, FunAudioChatConfig, TurnsConfig
from duplex.model.funaudiochat.chat_rows import ChatRows
from duplex.model.funaudiochat.checkpoint import from_pretrained, save
from duplex.model.funaudiochat.model import FunAudioChat
from tests.duplex.model.funaudiochat.golden import finish_answer, speech_of, text_of

EXPERTS = FUNAUDIOCHAT_TINY.llm.model_copy(update={"experts": ExpertsConfig(count=4, chosen=2, width=24)})
FORMS: dict[str, dict[str, object]] = {
    "plain": {},
    "tied": {"tied": True},
    "added": {"heard": "add"},
    "writes only": {"refined": None},
    "experts": {"llm": EXPERTS},
}


def _pcm(slots: int) -> Tensor:
    return 0.1 * torch.randn(slots * AUDIO.slot_input_samples, generator=torch.Generator().manual_seed(0))


def _conversation(chat: FunAudioChat) -> tuple[list[int], list[int]]:
    """Text and speech of two turns, the first of which is cut."""
    rows = ChatRows(chat, 1, TurnsConfig(places=300))
    rows.open(0, "speak", AnswerConfig(max_steps=10), seed=3)
    rows.user_recording(0, _pcm(4))
    for _ in range(4):
        rows.step([True])
    rows.keep_text(0, rows.answer_text(0))
    rows.user_recording(0, _pcm(2), text="More.")
    steps = finish_answer(rows)
    return text_of(steps), speech_of(steps)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_every_form_talks_and_is_saved(form: str, dtype: torch.dtype, tmp_path: object) -> None:
    config = FunAudioChatConfig.from_mapping({**FUNAUDIOCHAT_TINY.model_dump(), **FORMS[form]}, "test")
    chat = FunAudioChat.random(config, seed=1, dtype=dtype)
    text, speech = _conversation(chat)
    assert len(text) > 1
    assert bool(speech) is (config.refined is not None)
    save(chat, tmp_path)  # type: ignore[arg-type]
    assert _conversation(from_pretrained(tmp_path, dtype=dtype)) == (text, speech)  # type: ignore[arg-type]


def test_a_seed_makes_the_weights() -> None:
    first, same, other = (FunAudioChat.random(FUNAUDIOCHAT_TINY, seed) for seed in (1, 1, 2))
    assert torch.equal(first.network.table.weight, same.network.table.weight)
    assert not torch.equal(first.network.table.weight, other.network.table.weight)


def test_padding_tokens_are_added_where_a_checkpoint_asks_for_it() -> None:
    plain = FunAudioChat.random(FUNAUDIOCHAT_TINY, 1)
    added = FunAudioChat.random(FUNAUDIOCHAT_TINY.model_copy(update={"heard": "add"}), 1)
    features = torch.randn(1, 10, 64, generator=torch.Generator().manual_seed(0))
    pads = torch.full((FUNAUDIOCHAT_TINY.group,), FUNAUDIOCHAT_TINY.codes.pad)
    wanted = plain.network.grouping.group_features(features) + plain.network.grouping.group_speech(pads)
    torch.testing.assert_close(added.network.grouping.group_features(features), wanted)

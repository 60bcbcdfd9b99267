"""Conversations in turns: a batch of rows equals the same rows alone; cuts, history and limits."""

import pytest
import torch

from configs.model.funaudiochat import AnswerConfig, TurnsConfig
from duplex.model.funaudiochat.chat_row import Phase
from duplex.model.funaudiochat.chat_rows import ChatRows
from duplex.model.funaudiochat.key_values import CacheFullError
from duplex.model.funaudiochat.model import FunAudioChat
from tests.duplex.model.funaudiochat.golden import (
    FIRST_ANSWER,
    PENALISED,
    PLACES,
    SYSTEM,
    ask,
    finish_answer,
    groups_of,
    speech_of,
    tensors,
    text_of,
)

QUIET = AnswerConfig(tokens=PENALISED, max_steps=13)


def _ask_in_speech(rows: ChatRows, chat: FunAudioChat, clip: int, row: int = 0) -> None:
    rows.user_groups(row, groups_of(chat, tensors()[f"clip.{clip}"]))


def test_ragged_rows_together_answer_as_each_alone(chat: FunAudioChat) -> None:
    """Four answers of different lengths, settings and prompts, begun one after another, in one batch."""
    names = ["sampled", "hot", "second_turn", "text_only"]
    rows = ChatRows(chat, len(names), PLACES)
    text: dict[str, list[int]] = {name: [] for name in names}
    speech: dict[str, list[int]] = {name: [] for name in names}
    for moment in range(60):
        if moment % 3 == 0 and moment // 3 < len(names):
            ask(chat, names[moment // 3], rows, moment // 3)
        for name, step in zip(names, rows.step([True] * rows.size), strict=True):
            if step is not None:
                text[name].append(step.text_id)
                speech[name] += step.tokens or ()
    for name in names:
        assert text[name] == tensors()[f"{name}.text"][0].tolist(), name
        assert speech[name] == tensors()[f"{name}.speech"][0].tolist(), name


def test_a_row_that_is_not_active_stays_as_it_is(chat: FunAudioChat) -> None:
    rows = ChatRows(chat, 2, PLACES)
    for row in range(2):
        ask(chat, "greedy", rows, row)
    first = [rows.step([True, index % 2 == 0]) for index in range(6)]
    assert [step is None for _, step in first] == [False, True] * 3
    assert text_of(finish_answer(rows, 1)) == tensors()["greedy.text"][0, 3:].tolist()


def test_a_cut_answer_is_history_as_it_was_heard(chat: FunAudioChat) -> None:
    """Cut at once, cut in speech, or ended: with the same text as history, the next answer is the same."""
    for steps in (0, 1, 7, 13):
        rows = ChatRows(chat, 1, PLACES)
        rows.open(0, SYSTEM, QUIET, seed=1)
        _ask_in_speech(rows, chat, 0)
        for _ in range(steps):
            rows.step([True])
        rows.keep_text(0, FIRST_ANSWER)
        _ask_in_speech(rows, chat, 1)
        made = finish_answer(rows)
        assert text_of(made) == tensors()["second_turn.text"][0].tolist(), steps
        assert speech_of(made) == tensors()["second_turn.speech"][0].tolist(), steps


@pytest.mark.parametrize("groups", [0, 1, 4, 11, 100])
def test_history_with_speech_keeps_the_groups_that_were_heard(chat: FunAudioChat, groups: int) -> None:
    """The start of speech, text and speech up to the last group that was heard, the end of speech, the end of turn."""
    rows = ChatRows(chat, 1, PLACES)
    rows.open(0, SYSTEM, QUIET, seed=1)
    _ask_in_speech(rows, chat, 0)
    prompt = rows.elements(0)
    steps = finish_answer(rows)
    rows.keep_speech(0, groups)
    kept, ids = rows.elements(0)[len(prompt) :], chat.config.ids
    assert [element.id for element in kept[:2]] == [chat.tokenizer.assistant()[-1], ids.audio_bos]
    assert [element.spoken for element in kept if element.spoken] == [s.tokens for s in steps if s.tokens][:groups]
    assert [element.id for element in kept[-3:]] == [ids.audio_eos, *chat.tokenizer.end()]
    _ask_in_speech(rows, chat, 1)
    assert len(finish_answer(rows)) == 13


@torch.inference_mode()
def test_an_answer_kept_in_the_cache_is_what_prefilling_it_would_give(chat: FunAudioChat) -> None:
    rows = ChatRows(chat, 1, PLACES)
    rows.open(0, SYSTEM, QUIET, seed=1)
    _ask_in_speech(rows, chat, 0)
    finish_answer(rows)
    rows.keep_speech(0, 6)
    rows.flush()
    network, elements = chat.network, rows.elements(0)
    ids = torch.tensor([element.id for element in elements])
    vectors = network.table(ids)
    for index, element in enumerate(elements):
        if element.heard is not None:
            vectors[index] = element.heard
        if element.spoken is not None:
            vectors[index] = (vectors[index] + network.grouping.group_speech(torch.tensor(element.spoken))) / 2
    anew = network.init_state(1, len(elements))
    network.prefill([0], [ids], [vectors], anew, refined=False)
    for kept, prefilled in zip(rows.state.llm.keys, anew.llm.keys, strict=True):
        torch.testing.assert_close(
            kept[:, :, 1 : 1 + len(elements)], prefilled[:, :, 1 : 1 + len(elements)], atol=1e-5, rtol=0
        )


def test_dropped_turns_leave_speech_history_whole(chat: FunAudioChat) -> None:
    rows = ChatRows(chat, 1, PLACES)
    rows.open(0, SYSTEM, QUIET, seed=1)
    system = rows.elements(0)
    for clip in (2, 0):
        before = rows.elements(0)
        _ask_in_speech(rows, chat, clip)
        finish_answer(rows)
        rows.keep_speech(0, 6)
    second = rows.elements(0)[len(before) :]
    rows.keep_turns(0, 1)
    assert rows.elements(0) == [*system, *second]
    _ask_in_speech(rows, chat, 1)
    assert len(finish_answer(rows)) == 13


def test_written_turns_and_the_turns_that_are_kept(chat: FunAudioChat) -> None:
    rows = ChatRows(chat, 1, TurnsConfig(places=400))
    rows.open(0, SYSTEM, AnswerConfig(speech=False, max_steps=3))
    for question in ("one", "two", "three"):
        rows.user_text(0, question)
        assert len(finish_answer(rows)) == 3
        rows.keep_text(0, f"It is {question}.")
    rows.keep_turns(0, 2)
    said = [*chat.tokenizer.message("system", SYSTEM)]
    for question in ("two", "three"):
        said += chat.tokenizer.message("user", question) + chat.tokenizer.message("assistant", f"It is {question}.")
    assert [element.id for element in rows.elements(0)] == said
    rows.keep_turns(0, 0)
    assert [element.id for element in rows.elements(0)] == chat.tokenizer.message("system", SYSTEM)


def test_a_refined_head_that_hears_answers_only_needs_little_room(chat: FunAudioChat) -> None:
    config = TurnsConfig(places=220, refined_hears="answer", answer_places=13)
    rows = ChatRows(chat, 1, config)
    assert rows.state.refined is not None
    assert rows.state.refined.places == 13 * chat.config.group
    rows.open(0, SYSTEM, QUIET)
    for clip in (0, 1):
        _ask_in_speech(rows, chat, clip)
        assert len(finish_answer(rows)) == 13
        rows.keep_text(0, "Yes.")


def test_a_new_conversation_in_a_row_knows_nothing_of_the_last(chat: FunAudioChat) -> None:
    rows = ChatRows(chat, 1, PLACES)
    ask(chat, "sampled", rows)
    finish_answer(rows)
    ask(chat, "greedy", rows)
    assert text_of(finish_answer(rows)) == tensors()["greedy.text"][0].tolist()


def test_calls_in_the_wrong_phase_and_a_full_conversation(chat: FunAudioChat) -> None:
    rows = ChatRows(chat, 1, TurnsConfig(places=40))
    rows.open(0, SYSTEM, QUIET)
    assert rows.phase(0) is Phase.IDLE
    with pytest.raises(ValueError, match="is between turns, not in a user's spoken turn"):
        rows.hear(torch.zeros(1, 3_200), [True])
    with pytest.raises(ValueError, match="is between turns, not answering"):
        rows.keep_text(0, "")
    rows.user_text(0, "a question that is too long")
    assert rows.room(0) < 0
    with pytest.raises(CacheFullError, match=r"needs \d+ places and has 40"):
        rows.step([True])

"""Calls in what a local model writes: they are taken out, and nothing of them is spoken."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from duplex.model.language_models.call_reader import CallReader
from duplex.model.language_models.interface import AnswerPiece, ChatMessage, RequestedCall
from duplex.model.language_models.local_model import LocalModel
from tests.duplex.model.language_models.tiny_llm import SYSTEM, local_model, write_folder

CALL = '<tool_call>\n{"name": "dice", "arguments": {"n": 6}}\n</tool_call>'
WANTED = (RequestedCall("call_0", "dice", '{"n": 6}'),)
DICE: dict[str, Any] = {"type": "function", "function": {"name": "dice", "description": "", "parameters": {}}}
QUESTION = [SYSTEM, ChatMessage("user", "Roll.")]


@given(st.lists(st.integers(1, 12)))
def test_nothing_between_the_tags_is_spoken_however_the_text_is_cut(sizes: list[int]) -> None:
    text, reader, spoken = f"I roll. {CALL}\n{CALL}", CallReader(), ""
    for size in sizes:
        spoken += reader.feed(text[:size])
        text = text[size:]
    spoken += reader.feed(text) + reader.finish()
    assert spoken == "I roll. "
    assert [(call.id, call.name) for call in reader.calls] == [("call_0", "dice"), ("call_1", "dice")]
    assert not reader.over


def test_what_stands_behind_a_call_is_made_up() -> None:
    reader = CallReader()
    assert reader.feed(f"{CALL}\n") == ""
    assert not reader.over
    assert reader.feed("<tool_response>4") == ""
    assert reader.over


def test_a_call_that_cannot_be_read_keeps_its_text() -> None:
    reader = CallReader()
    reader.feed("<tool_call>{dice</tool_call>")
    assert reader.calls == (RequestedCall("call_0", "", "{dice"),)


def write(model: LocalModel, text: str, monkeypatch: pytest.MonkeyPatch) -> list[AnswerPiece]:
    """An answer whose tokens are those of `text`, up to a stop."""
    ids = iter([*model._loaded.template.encode(text), *model._loaded.stops])
    monkeypatch.setattr(model, "_choose", lambda logits, answer: next(ids))
    model.begin(0, 0, QUESTION, [DICE])
    return [piece for _ in iter(lambda: model.idle, True) for _, piece in model.step()]


@pytest.fixture
def model(tmp_path: Path) -> LocalModel:
    return local_model(write_folder(tmp_path), longest=200)


def test_a_local_model_calls(model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    *before, last = write(model, f"I roll. {CALL}", monkeypatch)
    assert "".join(piece.text for piece in before).strip() == "I roll."
    assert (last.finish, last.calls, last.text) == ("calls", WANTED, "")


def test_a_local_model_that_makes_the_result_up_is_stopped(model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = write(model, f"{CALL}\nIt is 4. {'And so on. ' * 9}", monkeypatch)
    assert [(piece.text, piece.finish, piece.calls) for piece in pieces] == [("", "calls", WANTED)]


def test_a_call_that_the_limit_of_tokens_cuts_off_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pieces = write(local_model(write_folder(tmp_path), longest=30), CALL, monkeypatch)
    assert pieces[-1].finish == "error"
    assert pieces[-1].error == "the limit of tokens cut a function call off; raise 'longest'"


def test_without_functions_the_same_text_is_only_text(model: LocalModel, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = iter([*model._loaded.template.encode("<tool_call> is a tag."), *model._loaded.stops])
    monkeypatch.setattr(model, "_choose", lambda logits, answer: next(ids))
    model.begin(0, 0, QUESTION)
    pieces = [piece for _ in iter(lambda: model.idle, True) for _, piece in model.step()]
    assert "".join(piece.text for piece in pieces) == "<tool_call> is a tag."
    assert pieces[-1].finish == "stop"


def test_functions_are_read_ahead_with_the_prompt(model: LocalModel) -> None:
    model.prefill(0, QUESTION, [DICE])
    while not model.idle:
        model.step()
    ahead = model.prefilled
    model.begin(0, 0, QUESTION, [DICE])
    while not model.idle:
        model.step()
    assert model.prefilled - ahead < ahead / 4

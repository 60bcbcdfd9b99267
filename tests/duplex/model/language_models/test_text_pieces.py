"""Pieces of text: whole characters, in order, none of them taken back."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import PreTrainedTokenizerFast

from duplex.model.language_models.text_pieces import PlainText, TextPieces
from tests.duplex.model.families.published import BYTES, write_tokenizer


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerFast:
    """One token for each byte."""
    folder: Path = tmp_path_factory.mktemp("tokenizer")
    write_tokenizer(folder)
    return PreTrainedTokenizerFast(tokenizer_file=str(folder / "tokenizer.json"))


def test_a_character_comes_when_its_last_byte_did(tokenizer: PreTrainedTokenizerFast) -> None:
    pieces = TextPieces(tokenizer)
    said = [pieces.feed(token) for token in tokenizer.encode("a€b🌊")]
    assert said == ["a", "", "", "€", "b", "", "", "", "🌊"]


@given(text=st.text(st.characters(exclude_characters="�", exclude_categories=["Cs"]), max_size=30))
def test_the_pieces_are_the_text(tokenizer: PreTrainedTokenizerFast, text: str) -> None:
    pieces = TextPieces(tokenizer)
    assert "".join(pieces.feed(token) for token in tokenizer.encode(text)) == text


def test_special_tokens_and_broken_characters_have_no_text(tokenizer: PreTrainedTokenizerFast) -> None:
    half = tokenizer.encode("€")[:2]
    pieces = TextPieces(tokenizer)
    said = [pieces.feed(token) for token in [*half, *tokenizer.encode("x"), BYTES + 1, *tokenizer.encode("y")]]
    assert "".join(said) == "xy"


def test_plain_text_removes_nothing() -> None:
    plain = PlainText(True)
    assert (plain.feed("a <think>"), plain.finish(cut_off=True)) == ("a <think>", "")

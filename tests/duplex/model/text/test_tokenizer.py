"""Text tokens: what goes in comes out, pieces know where words end."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from configs.base import ConfigError
from configs.model.language import TextTokenizerConfig
from duplex.model.text.tokenizer import TextTokenizer

CONFIG = TextTokenizerConfig(vocab_size=120)
WORDS = {"the": 50, "capital": 20, "of": 40, "france": 20, "is": 40, "paris": 20, "don't": 10, "xylophone": 1}
TOKENIZER = TextTokenizer.train(CONFIG, WORDS)
MARKS = tuple(CONFIG.punctuation)

items = st.one_of(
    st.text("abcdefghijklmnopqrstuvwxyz'", min_size=1, max_size=12),
    st.sampled_from([*WORDS, *CONFIG.fill_ins]),
)
sentences = st.lists(st.tuples(items, st.sampled_from(["", *MARKS])), max_size=8)


@given(sentences)
def test_round_trip(parts: list[tuple[str, str]]) -> None:
    text = " ".join(word + mark for word, mark in parts)
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


@given(sentences)
def test_words_end_where_ends_word_says(parts: list[tuple[str, str]]) -> None:
    ids = TOKENIZER.encode(" ".join(word + mark for word, mark in parts))
    complete = sum(TOKENIZER.ends_word(index) for index in ids)
    assert complete == len(TOKENIZER.words(ids)) == sum(1 + bool(mark) for _, mark in parts)


def test_case_accents_and_unknown_characters_are_dropped() -> None:
    assert (
        TOKENIZER.decode(TOKENIZER.encode("The Capital-of  Fránce: “is” 7 Paris.")) == "the capital of france is paris."
    )


def test_frequent_words_are_one_token() -> None:
    assert len(TOKENIZER.encode("the capital of france is paris.")) == 7


def test_special_tokens() -> None:
    assert TOKENIZER.sil == 0
    assert TOKENIZER.encode("<|sil|>") == [TOKENIZER.sil]
    ids = TOKENIZER.encode("it is <|time|>.")
    assert [TOKENIZER.fill_in(index) for index in ids[-2:]] == ["time", None]
    assert TOKENIZER.decode([TOKENIZER.sil, *ids, TOKENIZER.eos]) == "it is <|time|>."


def test_unfinished_word_is_kept() -> None:
    ids = TOKENIZER.encode("xylophone")
    assert len(ids) > 1
    assert not TOKENIZER.ends_word(ids[0])
    assert TOKENIZER.words(ids[:-1]) == ["".join(TOKENIZER.piece(index) for index in ids[:-1])]


def test_file_gives_the_same_ids(tmp_path: Path) -> None:
    TOKENIZER.save(tmp_path / "tokenizer.json")
    again = TextTokenizer.from_file(tmp_path / "tokenizer.json", CONFIG)
    assert again.encode("the capital of paris, don't.") == TOKENIZER.encode("the capital of paris, don't.")
    assert again.size == TOKENIZER.size


def test_bad_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.json"):
        TextTokenizer.from_file(tmp_path / "gone.json")
    TOKENIZER.save(tmp_path / "tokenizer.json")
    other = TextTokenizerConfig(fill_ins=("<|place|>",))
    with pytest.raises(ConfigError, match="place"):
        TextTokenizer.from_file(tmp_path / "tokenizer.json", other)

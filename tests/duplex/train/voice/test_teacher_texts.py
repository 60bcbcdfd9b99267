"""Texts become items; patterns are filled in; long answers are split."""

import random
from itertools import islice
from pathlib import Path

import pytest

from configs.base import ConfigError, read_yaml
from duplex.model.text.lexicon import Lexicon
from duplex.train.voice.answers import exchanges, map_questions, split_items
from duplex.train.voice.teacher_shards import PATTERNS, units_of
from duplex.train.voice.teacher_texts import Patterns, items_of, natural_sentences, utterances
from tests.duplex.model.stages.voices import WORDS


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("Yes, I do.", ("yes", ",", "i", "do", ".")),
        ("It's 42 well-known cats!", ("it's", "forty", "two", "well", "known", "cats", "!")),
        ("First: one; two?", ("first", ",", "one", ",", "two", "?")),
        ("A tab\tand 'quotes'.", ("a", "tab", "and", "quotes", ".")),
    ],
)
def test_items(text: str, items: tuple[str, ...]) -> None:
    assert items_of(text) == items


@pytest.mark.parametrize("text", ["naïve", "a=b", "wait...", "", "12345 cats", "?!".replace("?!", "$")])
def test_unusable_text_is_refused(text: str) -> None:
    assert items_of(text) is None


def test_natural_sentences_leave_out_authors_and_fragments(tmp_path: Path) -> None:
    file = tmp_path / "sayings"
    file.write_text("The cat sat here. It slept.\n\t\t-- A. Uthor\n%\nlower case start here.\n%\nNo end")
    assert list(natural_sentences([file])) == [("the", "cat", "sat", "here", "."), ("it", "slept", ".")]


def test_every_pattern_fills_itself() -> None:
    patterns = Patterns(read_yaml(PATTERNS), ["apple", "banana", "cherry"])
    rng = random.Random(0)
    drawn = [patterns.draw(rng) for _ in range(600)]
    assert all("{" not in " ".join(items) for items in drawn)
    assert len(set(drawn)) > 300


def test_utterances_are_seeded_and_end_never() -> None:
    patterns = Patterns(read_yaml(PATTERNS), ["apple", "banana", "cherry"])

    def draw() -> list[tuple[str, ...]]:
        return list(islice(utterances(iter([("hello", ".")]), patterns, 0.5, random.Random(3)), 50))

    assert draw() == draw()
    assert any("hello" in items for items in draw())


def test_long_answers_are_parted_behind_sentences() -> None:
    items = (*["one"] * 20, ".", *["two"] * 20, ".", *["three"] * 30, ".")
    pieces = list(split_items(items))
    assert tuple(item for piece in pieces for item in piece) == items
    assert [len(piece) for piece in pieces] == [42, 31]


def test_units_carry_the_item_they_belong_to() -> None:
    units, owners = units_of(("the", "cat", "."), Lexicon(WORDS))
    assert [unit.symbol for unit in units] == ["ð", "ə", " ", "k", "æ", "t", "."]
    assert owners == [0, 0, 1, 1, 1, 1, 2]


def test_sampled_answers_are_distinct_seeded_and_of_many_kinds() -> None:
    texts = [exchange.assistant for exchange in exchanges(80, 1)]
    assert len(set(texts)) == 80
    assert texts == [exchange.assistant for exchange in exchanges(80, 1)]
    assert texts != [exchange.assistant for exchange in exchanges(80, 2)]
    assert len({text.split()[0] for text in texts}) > 15


def test_what_is_measured_is_asked_for(tmp_path: Path) -> None:
    assert len(map_questions(None, 5)) == 5
    path = tmp_path / "questions.json"
    path.write_text('{"Paris.": "what is the capital of france"}')
    assert map_questions(path, 5) == {"Paris.": "what is the capital of france"}
    with pytest.raises(ConfigError, match="cannot be read"):
        map_questions(tmp_path / "none.json", 5)

"""True case is learned from text and depends on earlier words only."""

from pathlib import Path

import pytest

from configs.base import ConfigError
from duplex.model.text.truecase import Truecase, split

TEXTS = [
    "The capital of New York State is Albany.",
    "We live in New York, and a new house is dear.",
    "He sold a new hat. It was blue, and New York was far.",
    "Cat is spelled C, A, T.",
    "Her name is Ada.",
]
TRUECASE = Truecase.learn(TEXTS)


@pytest.mark.parametrize("text", TEXTS)
def test_texts_it_learnt_from_come_back(text: str) -> None:
    assert TRUECASE(text.lower()) == text


def test_sentence_starts_and_i() -> None:
    assert TRUECASE("ada is here. i think i'm ada.") == "Ada is here. I think I'm Ada."


def test_later_words_change_nothing() -> None:
    items = split("her name is ada. i saw new york, a new c, a, t.")
    forms = [TRUECASE.next_word(item, items[:place]) for place, item in enumerate(items)]
    for end in range(1, len(items)):
        assert [TRUECASE.next_word(items[i], items[:i]) for i in range(end)] == forms[:end]


def test_file(tmp_path: Path) -> None:
    TRUECASE.save(tmp_path / "truecase.json")
    assert Truecase.from_file(tmp_path / "truecase.json")("her name is ada.") == "Her name is Ada."
    with pytest.raises(ConfigError, match=r"gone\.json"):
        Truecase.from_file(tmp_path / "gone.json")

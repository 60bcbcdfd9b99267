"""Where a phrase could have ended, and alignments that do not fit."""

import json
from pathlib import Path

import pytest

from duplex.eval.errors import EvaluationError
from duplex.eval.users.data_folder import DataFolder
from duplex.eval.users.phrases import PART, turn_phrases
from tests.duplex.eval.fakes import write_clip

WORDS = (("do", 0.0, 0.2), ("you", 0.2, 0.35), ("play", 0.35, 0.7), ("", 0.7, 0.75), ("on", 0.75, 0.9))


def textgrid(words: tuple[tuple[str, float, float], ...]) -> str:
    spans = "\n".join(f'{start} {end} "{text}"' for text, start, end in words)
    return f'"ooTextFile"\n"TextGrid"\n0 2\n<exists>\n1\n"IntervalTier" "words" 0 2 {len(words)}\n{spans}\n'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [
        {"file": f"{PART}/ball_long_a.wav", "text": "do you play on"},
        {"file": f"{PART}/ball_long_a.TextGrid", "text": ""},
        {"file": f"{PART}/ball_short_a.wav", "text": "do you play"},
        {"file": f"{PART}/bike_long_b.wav", "text": "alone"},
    ]
    (tmp_path / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for row in rows:
        if row["file"].endswith(".wav"):
            write_clip(tmp_path / row["file"], 1.0)
    (tmp_path / PART / "ball_long_a.TextGrid").write_text(textgrid(WORDS))
    return tmp_path


def test_a_phrase_is_complete_with_the_last_word_of_the_shorter_one(folder: Path) -> None:
    (phrase,) = turn_phrases(DataFolder(folder))
    assert (phrase.name, phrase.complete_s) == ("ball_long_a", 0.7)
    assert phrase.path == folder / PART / "ball_long_a.wav"


def test_an_alignment_of_other_words_is_named(folder: Path) -> None:
    (folder / PART / "ball_long_a.TextGrid").write_text(textgrid(WORDS[1:]))
    with pytest.raises(EvaluationError, match=r"ball_long_a.TextGrid: does not begin with 'do you play'"):
        turn_phrases(DataFolder(folder))


def test_a_folder_without_phrases_has_none(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text("")
    assert turn_phrases(DataFolder(tmp_path)) == []

"""Token numbers and text of the embedded Whisper."""

from pathlib import Path

import pytest

from configs.base import ConfigError
from duplex.model.text.whisper_vocabulary import TIMES, WhisperVocabulary, byte_alphabet
from tests.duplex.model.stages.pieces import PIECES, VOCABULARY


def test_numbers_follow_the_pieces() -> None:
    end = len(PIECES)
    assert [VOCABULARY.end, VOCABULARY.start, VOCABULARY.no_speech, VOCABULARY.first_time] == [*range(end, end + 4)]
    assert len(VOCABULARY) == end + 3 + TIMES
    assert VOCABULARY.seconds(len(VOCABULARY) - 1) == pytest.approx(30.0)
    assert VOCABULARY.blank == PIECES.index("Ġ")


def test_text_joins_pieces_and_leaves_out_times() -> None:
    tokens = [VOCABULARY.first_time, 0, 1, 8, 10, VOCABULARY.first_time + 50, VOCABULARY.end]
    assert VOCABULARY.text(tokens) == " the cats."


def test_text_is_utf8_and_a_broken_edge_is_left_out() -> None:
    letters = {byte: character for character, byte in byte_alphabet().items()}
    pieces = [letters[byte] for byte in "é".encode()]
    assert WhisperVocabulary(pieces).text([0, 1]) == "é"
    assert WhisperVocabulary(pieces).text([0]) == ""


def test_a_file_is_read_back(tmp_path: Path) -> None:
    VOCABULARY.save(tmp_path / "v.json")
    assert WhisperVocabulary.load(tmp_path / "v.json").pieces == VOCABULARY.pieces


@pytest.mark.parametrize("content", [None, "not json", '{"a": 1}', "[1, 2]"])
def test_a_bad_file_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "v.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"v\.json"):
        WhisperVocabulary.load(path)

import random
from pathlib import Path

import pytest

from configs.train.speech_bank import AmountConfig, SpeechBankConfig
from duplex.train.speech.bank import BankPart
from duplex.train.speech.scripts import mark_of, write_scripts
from duplex.train.speech.synthesize import run
from duplex.train.speech.synthesizers import SynthesizerMissingError
from tests.duplex.train.speech.texts import HUMMING, Absent, TinyTexts

PARTS = ("questions", "dialogues", "turns", "backchannels", "commands", "answers", "test_voice", "test_robot")


def config(count: int) -> SpeechBankConfig:
    return SpeechBankConfig(amounts=AmountConfig(**dict.fromkeys(PARTS, count)))


def test_every_part_is_spoken_by_its_voices(tmp_path: Path) -> None:
    run(config(3), tmp_path, TinyTexts(), PARTS, HUMMING)
    for part in PARTS:
        scripts = BankPart(tmp_path, part).scripts
        assert len(scripts) == (2 if part == "answers" else 3)
        assert all(piece.length > 0 for script in scripts for line in script.lines for piece in line.pieces)
    assert {script.voice for script in BankPart(tmp_path, "answers").scripts} == {"hibari/heart"}
    assert {script.voice for script in BankPart(tmp_path, "test_robot").scripts} == {"festival/kal_diphone"}
    cast = config(3).cast
    assert {script.voice for script in BankPart(tmp_path, "test_voice").scripts} <= set(cast.held_out)
    assert {script.voice for script in BankPart(tmp_path, "turns").scripts} <= set(cast.training)


def test_a_longer_run_goes_on_and_equals_one_go(tmp_path: Path) -> None:
    run(config(2), tmp_path / "twice", TinyTexts(), ["turns"], HUMMING)
    run(config(4), tmp_path / "twice", TinyTexts(), ["turns"], HUMMING)
    run(config(4), tmp_path / "once", TinyTexts(), ["turns"], HUMMING)
    for name in ("turns.i16", "turns.jsonl"):
        assert (tmp_path / "twice" / name).read_bytes() == (tmp_path / "once" / name).read_bytes()


def test_a_part_without_voices_is_named_and_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(config(2), tmp_path, TinyTexts(), ["test_voice", "questions"], {**HUMMING, "kokoro": Absent})
    skipped = "test_voice was skipped: absent is not installed; pip install 'duplex-voice[train]'"
    assert skipped in capsys.readouterr().err.splitlines()
    assert not BankPart(tmp_path, "test_voice").scripts
    assert len(BankPart(tmp_path, "questions").scripts) == 2


def test_no_voice_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SynthesizerMissingError, match="absent is not installed; pip install 'duplex-voice"):
        run(config(2), tmp_path, TinyTexts(), ["answers", "questions"], dict.fromkeys(HUMMING, Absent))


def test_pieces_of_a_turn_are_its_text() -> None:
    ((prompt, (line,)),) = write_scripts(TinyTexts(), "turns", random.Random(0), 1)
    assert prompt == ""
    assert [piece.mark for piece in line.pieces] == ["f", "c", "s", "q"]
    assert line.text.startswith("well my sister bought a boat it was red what is")
    assert line.key == "Paris"


def test_dialogues_keep_their_prompt_and_order() -> None:
    ((prompt, lines),) = write_scripts(TinyTexts(), "dialogues", random.Random(0), 1)
    assert prompt == "your name is ada."
    assert [line.text.split()[-1] for line in lines] == ["0", "1", "2"]


@pytest.mark.parametrize(("text", "mark"), [("what is it", "q"), ("hey could you help", "q"), ("tell me a story", "s")])
def test_questions_rise(text: str, mark: str) -> None:
    assert mark_of(text) == mark

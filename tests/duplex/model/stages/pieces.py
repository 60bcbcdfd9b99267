"""A vocabulary of fourteen pieces, and their numbers by name."""

from duplex.model.text.whisper_vocabulary import TIME_STEP_S, WhisperVocabulary

PIECES = ["Ġthe", "Ġcat", "Ġsat", "Ġon", "Ġa", "Ġmat", "Ġno", "Ġyes", "s", "ting", ".", ",", "?", "Ġ"]
THE, CAT, SAT, ON, A, MAT, NO, YES, S, TING, DOT, COMMA, ASK, BLANK = range(len(PIECES))
VOCABULARY = WhisperVocabulary(PIECES)
END, START, NO_SPEECH, T0 = VOCABULARY.end, VOCABULARY.start, VOCABULARY.no_speech, VOCABULARY.first_time


def time_token(seconds: float) -> int:
    """The token of a time."""
    return T0 + round(seconds / TIME_STEP_S)

"""Training data of SLAM-Omni: JSON lines, or the columns of its Parquet files; one row for each round of a dialogue.

    {"key" or "index" and "round", "source_wav", "source_text", "target_text", "target_wav", "target_token"}
    question, question_audio {bytes, path}, answer, answer_cosyvoice_speech_token, index, round

A round repeats the rounds before it as text; rounds that follow each other with the same index become one dialogue.
Sound that lies in a Parquet file is written beside the examples.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from configs.train.examples import SpeechTokensInfo
from duplex.io.whole_files import name_within
from duplex.train.examples.example import Example, Turn
from duplex.train.examples.source_rows import SourceError, SourceRow

TOKENS: Final = SpeechTokensInfo(name="S3Tokenizer v1 (CosyVoice 1)", vocabulary=4096, rate=50.0)
_NEWEST: Final = "<USER>:"
_WORD: Final = re.compile(r"\d+")


def is_row(row: SourceRow) -> bool:
    """Whether a row is of this format."""
    return {"source_text", "target_text"} <= row.values.keys() or {"question", "answer"} <= row.values.keys()


def read(rows: Iterator[SourceRow], sounds: Path) -> Iterator[Example]:
    """Examples of rows; sound that lies in them is written to the folder `sounds`.

    Raises:
        SourceError: a row is not of this format, or its sound cannot be written.
    """
    numbered = ((_id(row, number), row) for number, row in enumerate(rows))
    for id, rounds in groupby(numbered, key=lambda one: one[0]):
        turns: list[Turn] = []
        for _, row in rounds:
            turns += _round(row, f"{id}-{len(turns) // 2 + 1}", sounds)
        yield Example(id, tuple(turns))


def _id(row: SourceRow, number: int) -> str:
    if row.values.get("key") is not None:
        return str(row.values["key"])
    if row.values.get("index") is not None:
        return f"{row.values.get('split_name') or 'dialogue'}-{row.values['index']}"
    return f"{number:08d}"


def _round(row: SourceRow, name: str, sounds: Path) -> tuple[Turn, Turn]:
    if "source_text" in row.values:
        asked = Turn("user", _newest(row.text("source_text")), row.text("source_wav"))
        tokens = row.values.get("target_token", row.values.get("answer_cosyvoice_speech_token"))
        said = Turn("assistant", row.text("target_text"), row.text("target_wav"))
    else:
        asked = Turn("user", _newest(row.text("question")), _sound(row, name, sounds))
        tokens = row.values.get("answer_cosyvoice_speech_token")
        said = Turn("assistant", row.text("answer"))
    return asked, replace(said, tokens=_codes(tokens, row.place))


def _newest(text: str) -> str:
    return text.rpartition(_NEWEST)[2].strip()


def _sound(row: SourceRow, name: str, sounds: Path) -> str:
    """Write the sound of a Parquet row; returns its path."""
    given = row.values.get("question_audio")
    if given is None:
        return ""
    data, path = (given.get("bytes"), given.get("path")) if isinstance(given, dict) else (None, None)
    if not isinstance(data, bytes):
        raise SourceError(f"{row.place}: 'question_audio' has no bytes; save the Parquet file with its sound")
    ending = Path(str(path or "")).suffix or ".wav"
    file = sounds / f"{name_within(name)}{ending}"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    except OSError as error:
        raise SourceError(f"{file}: cannot be written ({error.strerror}); free some space") from None
    return str(file.absolute())


def _codes(given: Any, place: str) -> tuple[int, ...]:
    """Speech tokens: a list, a list in a list, or digits in a text."""
    if isinstance(given, str):
        given = [int(word) for word in _WORD.findall(given)]
    if isinstance(given, list) and len(given) == 1 and isinstance(given[0], list):
        (given,) = given
    codes = given or []
    if not isinstance(codes, list) or not all(isinstance(code, int) and code >= 0 for code in codes):
        raise SourceError(f"{place}: the answer's speech tokens are no list of numbers; is this SLAM-Omni's format?")
    if codes and max(codes) >= TOKENS.vocabulary:
        raise SourceError(f"{place}: speech token {max(codes)} is not below {TOKENS.vocabulary}; another tokenizer?")
    return tuple(codes)

"""Phrases that continue where a shorter one ends: "do you play basketball", "do you play basketball on Thursdays".

The phrases are those of Ekstedt and Skantze (Voice Activity Projection, 2022). Both are files in the data folder's
part `turn_phrases_vap`, NAME_short_VOICE.wav and NAME_long_VOICE.wav, with word alignments (TextGrid).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from duplex.eval.errors import EvaluationError
from duplex.eval.exchange.textgrid import read_textgrid
from duplex.eval.users.data_folder import DataFile, DataFolder

PART = "turn_phrases_vap"
_LONG, _SHORT = "_long_", "_short_"
_WORDS = "words"


@dataclass(frozen=True)
class TurnPhrase:
    """The longer phrase of a pair. `complete_s`: where the words of the shorter one end in it, seconds."""

    name: str
    path: Path
    complete_s: float


def turn_phrases(data: DataFolder) -> list[TurnPhrase]:
    """The longer phrases of all pairs; none if the data folder has no such part.

    Raises:
        EvaluationError: an alignment is missing, cannot be read, or does not have the words of the pair.
    """
    files = data.any_files(PART)
    short = {file.path.stem: file for file in files if _SHORT in file.path.stem}
    return list(_pairs([file for file in files if _LONG in file.path.stem], short))


def _pairs(long: list[DataFile], short: dict[str, DataFile]) -> Iterator[TurnPhrase]:
    for file in long:
        partner = short.get(file.path.stem.replace(_LONG, _SHORT))
        if partner is not None:
            yield TurnPhrase(file.path.stem, file.path, _complete(file, partner.text.split()))


def _complete(file: DataFile, words: list[str]) -> float:
    """Where the first `words` end in the file."""
    alignment = file.path.with_suffix(".TextGrid")
    tiers = read_textgrid(alignment)
    spoken = [word for tier in tiers if tier.name == _WORDS for word in tier.intervals if word.text]
    if [word.text for word in spoken[: len(words)]] != words:
        raise EvaluationError(f"{alignment}: does not begin with '{' '.join(words)}'; get the complete data folder")
    return spoken[len(words) - 1].end

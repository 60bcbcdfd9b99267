"""The recipe `duplex train tracks`: speaks every answer of the dialogues with the live voice, slot by slot.

Answers that are already in the table are left alone, and the table is written after every few hundred, so a stopped run
can be resumed. Nothing here depends on the users' side.
"""

import random
import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from configs.schedule import ScheduleConfig
from duplex.model.stages.srh import PointerRefinedHead
from duplex.model.text.clock_words import fill_in_words
from duplex.model.text.tokenizer import TextTokenizer
from duplex.train.dialogue.shards import Shard
from duplex.train.dialogue.tracks import TableBuilder, TrackIds, TrackTable
from duplex.train.voice.batch import answer_tracks

_AT_ONCE = 512
_WORD = re.compile(r"[\w']+|[^\w\s]")
_FIRST_MOMENT = datetime(2024, 1, 1)
_MINUTES = 5 * 365 * 24 * 60


def answers_of(shards: Iterable[Shard]) -> list[str]:
    """All distinct answers that are given in the shards, sorted."""
    scenes = [scene for shard in shards for scene in shard.scenes]
    given = {turn.answer for scene in scenes for turn in scene.turns} | {scene.opening for scene in scenes}
    return sorted(given - {""})


def run(
    answers: Sequence[str], out: Path, head: PointerRefinedHead, tokenizer: TextTokenizer, schedule: ScheduleConfig
) -> TrackTable:
    """Speak the answers that the table at `out` (.npz) does not have yet; returns the whole table."""
    ids = TrackIds(tokenizer.sil, tokenizer.hold, tokenizer.eos)
    builder = TableBuilder(ids, head.silence.numpy().astype(np.int8))
    if out.exists():
        builder.extend(TrackTable.load(out))
    missing = [answer for answer in answers if answer not in builder.answers]
    for first in range(0, len(missing), _AT_ONCE):
        _speak(missing[first : first + _AT_ONCE], builder, head, tokenizer, schedule)
        builder.table().save(out)
    return builder.table()


def complete_words(ids: Sequence[int], tokenizer: TextTokenizer, moment: datetime) -> list[list[str]]:
    """For each text token, the words and marks that it completes; fill-ins become words for `moment`."""
    words: list[list[str]] = []
    piece = ""
    for index in ids:
        name = tokenizer.fill_in(index)
        piece += tokenizer.piece(index)
        if name is not None:
            words.append(fill_in_words(name, moment))
        elif tokenizer.ends_word(index):
            words.append(_WORD.findall(piece))
            piece = ""
        else:
            words.append([])
    return words


def _speak(
    answers: Sequence[str],
    builder: TableBuilder,
    head: PointerRefinedHead,
    tokenizer: TextTokenizer,
    schedule: ScheduleConfig,
) -> None:
    encoded = [tokenizer.encode(answer) for answer in answers]
    spelled = [complete_words(ids, tokenizer, _moment(answer)) for answer, ids in zip(answers, encoded, strict=True)]
    tracks = answer_tracks(head, spelled, schedule.text_lead_units)
    for answer, ids, track in zip(answers, encoded, tracks, strict=True):
        builder.add(answer, ids, track.text, np.stack(track.tokens))


def _moment(answer: str) -> datetime:
    """A date and time that is always the same for an answer."""
    return _FIRST_MOMENT + timedelta(minutes=random.Random(answer).randrange(_MINUTES))

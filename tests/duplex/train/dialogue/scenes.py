"""Scenes, a tokenizer and a clip bank that the dialogue tests share."""

from collections.abc import Sequence
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from configs.audio import AUDIO
from configs.train.simulation import AnswerLengthConfig, NoiseConfig, RoomConfig, SimulationConfig
from configs.train.speech_bank import AmountConfig, SpeechBankConfig
from duplex.train.dialogue.director import answer_seconds
from duplex.train.dialogue.scene import Scene, SceneSound, SceneTurn, SceneWord, time_words
from duplex.train.dialogue.tracks import TableBuilder, TrackIds, TrackTable
from duplex.train.speech.synthesize import run
from tests.duplex.train.speech.texts import HUMMING, TinyTexts

SMALL = SimulationConfig(dialogues=5, batch=2, rooms=RoomConfig(rooms=2), noises=NoiseConfig(events=6, beds=4))
AMOUNTS = {
    "questions": 6,
    "dialogues": 3,
    "turns": 4,
    "backchannels": 2,
    "commands": 1,
    "answers": 2,
    "test_voice": 3,
    "test_frame": 3,
    "test_voice_frame": 3,
    "test_robot": 3,
    "test_turns": 4,
    "test_backchannels": 2,
    "test_commands": 1,
}


def small_bank(folder: Path) -> Path:
    """A clip bank spoken by a hum, a few clips of every part that is used."""
    amounts = dict.fromkeys(AmountConfig.model_fields, 0) | AMOUNTS
    run(SpeechBankConfig(amounts=AmountConfig(**amounts)), folder, TinyTexts(), tuple(AMOUNTS), HUMMING)
    return folder


def turn(
    start: float, end: float, text: str, answer: str = "Paris is the capital.", kind: str = "capital"
) -> SceneTurn:
    spans = ((start, end),)
    return SceneTurn(start, end, answer, kind, "", False, spans, time_words(text, spans))


def scene(*turns: SceneTurn, sounds: tuple[SceneSound, ...] = (), opening: str = "", left: float = 0.0) -> Scene:
    return Scene("test/0", "your name is ada.", opening, left, turns, sounds)


def backchannel(start: float) -> SceneSound:
    return SceneSound("backchannel", start, start + 0.3, (SceneWord("yeah", start + 0.3),))


class WordIds:
    """One id for every new word, from 10 on."""

    sil = 0

    def __init__(self) -> None:
        self.ids: dict[str, int] = {}

    def encode(self, text: str) -> list[int]:
        return [self.ids.setdefault(word, len(self.ids) + 10) for word in text.lower().replace(".", "").split()]


class LoudnessEncoder:
    """Features are the mean level of each 20 ms, twice."""

    def encode(self, pcm: Tensor) -> Tensor:
        level = pcm.unflatten(1, (-1, 320)).abs().mean(-1, keepdim=True)
        return level.repeat(1, 1, 2)


def no_errors(words: list[str], rng: object) -> list[str]:
    return words


REST = np.zeros(15, np.int8)


def estimate(builder: TableBuilder, answer: str, ids: Sequence[int]) -> None:
    """Add a silent track of the estimated length: a text token per slot while there are any."""
    slots = max(ceil(answer_seconds(AnswerLengthConfig(), answer) / AUDIO.slot_seconds), len(ids) + 1)
    entering = [index if index <= len(ids) else -1 for index in range(slots)]
    rest = builder.table().rest
    builder.add(answer, ids, entering, np.broadcast_to(rest, (slots, AUDIO.tokens_per_slot, len(rest))))


def silent_table(answers: Sequence[str], words: WordIds, ids: TrackIds, rest: NDArray[np.int8]) -> TrackTable:
    """A table of tracks without a voice."""
    builder = TableBuilder(ids, rest)
    for answer in answers:
        estimate(builder, answer, words.encode(answer))
    return builder.table()

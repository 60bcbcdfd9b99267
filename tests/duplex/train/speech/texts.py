"""A tiny corpus and a synthesizer that hums: the fakes of the speech tests."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from duplex.corpus.corpus import Split
from duplex.model.interface import Samples
from duplex.train.speech.synthesizers import SynthesizerMissingError

RATE = 24_000
HUM_HZ = 300.0


@dataclass(frozen=True)
class Row:
    user: str
    assistant: str = "Paris is the capital."
    kind: str = "capital"
    key: str = "Paris"
    long: bool = False


@dataclass(frozen=True)
class Conversation:
    prompt: str
    exchanges: tuple[Row, ...]


@dataclass(frozen=True)
class PiecedTurn:
    pieces: tuple[tuple[str, str], ...]
    exchange: Row


@dataclass
class TinyTexts:
    """Every question names its number, so that scripts can be told apart."""

    backchannels: tuple[str, ...] = ("yeah", "mm-hm")
    commands: tuple[Row, ...] = (Row("stop", "Okay.", "stop", ""),)
    prompts: tuple[str, ...] = field(default=("your name is ada.",))

    def rows(self, split: Split, rng: random.Random, n: int) -> Iterator[Row]:
        for number in range(n):
            yield Row(f"what is the capital of country {rng.randrange(100)} {number}", long=number % 3 == 0)

    def dialogues(self, rng: random.Random, n: int) -> Iterator[Conversation]:
        for _ in range(n):
            yield Conversation(self.prompts[0], tuple(self.rows("train", rng, 3)))

    def turns(self, rng: random.Random, n: int, held_out: bool = False) -> Iterator[PiecedTurn]:
        for row in self.rows("train", rng, n):
            pieces = (("well", "f"), ("my sister bought a boat", "c"), ("it was red", "s"), (row.user, "q"))
            yield PiecedTurn(pieces, row)

    def answers(self) -> list[str]:
        return ["Paris is the capital.", "Okay."]


class Hum:
    """Says every text as a tone of 60 ms a letter, with silence around it."""

    def speak(self, text: str, voice: str, speed: float, pitch: float, seed: int) -> tuple[Samples, int]:
        count = int(len(text) * 0.06 * RATE / speed)
        tone = 0.3 * np.sin(2 * np.pi * HUM_HZ * pitch * np.arange(count) / RATE)
        return np.pad(tone, RATE // 5).astype(np.float32), RATE


class Absent:
    """A synthesizer that is not installed."""

    def __init__(self) -> None:
        raise SynthesizerMissingError("absent is not installed; pip install 'duplex-voice[train]'")

    def speak(self, text: str, voice: str, speed: float, pitch: float, seed: int) -> tuple[Samples, int]:
        raise AssertionError("a synthesizer that is not installed cannot speak")


HUMMING = dict.fromkeys(("hibari", "piper", "flite", "espeak", "festival", "kokoro"), Hum)

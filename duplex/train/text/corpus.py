"""The corpus of a small English voice assistant: exchanges and whole answers, drawn by split and seed.

    corpus = Corpus.build(CorpusConfig())
    for exchange in corpus.rows("train", random.Random(0), 1000): ...

Knows kinds and splits; knows nothing of files, tokens or audio.
"""

import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal, Self

from configs.language import CorpusConfig
from duplex.train.text.generated import generated_kinds
from duplex.train.text.kinds import Fact, Kind, kinds_of, read_data
from duplex.train.text.patterns import as_heard, asks, plain_words

Split = Literal["train", "heldout_frame", "heldout_pair", "ood"]
DATA_FILES = ("geography", "science", "animals", "language", "arts", "daily")


@dataclass(frozen=True)
class Exchange:
    """One question or request and its answer.

    Attributes:
        user: what the user says, in true case and without punctuation, to be spoken.
        assistant: the answer in true case with punctuation.
        kind: name of the kind of question.
        key: what must appear in a right answer; alternatives are parted by '|'.
        long: whether the answer is long enough to be interrupted.
    """

    user: str
    assistant: str
    kind: str
    key: str
    long: bool = False

    @property
    def heard(self) -> str:
        """The user's words as the model reads them: lower case."""
        return as_heard(self.user)

    def right(self, answer: str) -> bool:
        """Whether `answer` holds the key; a kind without a key wants the whole answer."""
        said = f" {' '.join(plain_words(answer))} "
        keys = (self.key or self.assistant).split("|")
        return any(f" {' '.join(plain_words(key))} " in said for key in keys)


class Corpus:
    """All kinds, with their splits."""

    def __init__(self, config: CorpusConfig, kinds: tuple[Kind, ...]) -> None:
        self.config = config
        self.kinds = kinds
        weights = (kind.share * len(kind.facts) ** config.kind_exponent for kind in kinds)
        self._weights = list(accumulate(weights))
        frames = read_data("frames")
        self._openers, self._askers = self._parted(frames["openers"]), self._parted(frames["askers"])
        self._closers, self._tags = self._parted(frames["closers"]), self._parted(frames["tags"])

    @classmethod
    def build(cls, config: CorpusConfig) -> Self:
        """Read the data files and compute what is computed."""
        read = (kind for name in DATA_FILES for kind in kinds_of(name))
        return cls(config, (*read, *generated_kinds(config)))

    def rows(self, split: Split, rng: random.Random, n: int) -> Iterator[Exchange]:
        """`n` exchanges of a split."""
        for _ in range(n):
            yield self._row(split, rng)

    def answers(self) -> list[str]:
        """All distinct answers of the assistant, true case, sorted."""
        return sorted({answer for kind in self.kinds for fact in kind.facts for answer in fact.answers})

    def _row(self, split: Split, rng: random.Random) -> Exchange:
        while True:
            kind = rng.choices(self.kinds, cum_weights=self._weights)[0]
            number = rng.randrange(len(kind.facts))
            fact = kind.facts[number]
            cores = self._cores(split, kind, number)
            if cores:
                user = self._dress(split, kind, self._usual(cores, rng), rng)
                return Exchange(user, rng.choice(fact.answers), kind.name, fact.key, kind.long)

    def _usual(self, cores: list[str], rng: random.Random) -> str:
        if rng.random() < self.config.first_chance:
            return rng.choice(cores[: self.config.first_cores])
        return rng.choice(cores)

    def _cores(self, split: Split, kind: Kind, number: int) -> list[str]:
        """Ways of asking for a fact that belong to a split."""
        every = self.config.held_out_every
        fact = kind.facts[number]
        if split == "heldout_frame":
            return list(fact.cores[every - 1 :: every])
        shown = [core for i, core in enumerate(fact.cores) if i % every != every - 1]
        wanted = split == "heldout_pair"
        return [core for core in shown if self._held_pair(kind, fact, core) is wanted]

    def _held_pair(self, kind: Kind, fact: Fact, core: str) -> bool:
        enough = len(fact.cores) >= self.config.held_out_every and len(kind.facts) > 1
        return enough and zlib.crc32(f"{kind.name}/{core}".encode()) % self.config.held_out_pairs == 0

    def _parted(self, words: list[str]) -> tuple[list[str], list[str]]:
        """(shown, held out) of a list."""
        every = self.config.held_out_every
        return [w for i, w in enumerate(words) if i % every != every - 1], words[every - 1 :: every]

    def _dress(self, split: Split, kind: Kind, core: str, rng: random.Random) -> str:
        """The question with what people say before and after it."""
        if kind.bare:
            return core
        part = 1 if split == "heldout_frame" else 0
        before = after = ""
        if rng.random() < self.config.prefix_chance:
            pool = self._askers if asks(core) and rng.random() < 0.5 else self._openers
            before = rng.choice(pool[part])
        if rng.random() < self.config.suffix_chance:
            pool = self._tags if asks(core) and not before and rng.random() < 0.3 else self._closers
            after = rng.choice(pool[part])
        return " ".join(part for part in (before, core, after) if part)

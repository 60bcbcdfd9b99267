"""The corpus of a small English voice assistant: exchanges, dialogues and long turns, drawn by split and seed.

    corpus = Corpus.build(CorpusConfig())
    for exchange in corpus.rows("train", random.Random(0), 1000): ...

This module handles kinds and splits; it does not depend on files, tokens or audio.
"""

import random
import zlib
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate, chain
from typing import Literal, Self

from configs.base import ConfigError
from configs.model.language import CorpusConfig
from duplex.corpus.conversations import Conversations
from duplex.corpus.exchange import Dialogue, Exchange, WrittenTurn
from duplex.corpus.generated import make_kinds
from duplex.corpus.grammar import asks, hold_out
from duplex.corpus.kinds import Fact, Kind, kinds_of, narrow, read_data
from duplex.corpus.long_turns import Turns
from duplex.corpus.outside import OutsideQuestions
from duplex.corpus.small_talk import talk_kinds, topic_kinds

Split = Literal["train", "heldout_frame", "heldout_pair", "ood"]
DATA_FILES = ("geography", "science", "animals", "language", "arts", "daily")
COMMAND_KINDS = ("stop", "wait", "never_mind")
OUTSIDE = "outside"


class Corpus:
    """All kinds, with their splits."""

    def __init__(self, config: CorpusConfig, kinds: tuple[Kind, ...]) -> None:
        names = Counter(kind.name for kind in kinds)
        assert max(names.values()) == 1, f"two kinds share a name: {names.most_common(1)}"
        if unknown := set(config.emphasis) - set(names):
            raise ConfigError(f"emphasis names kinds that are not in the corpus: {', '.join(sorted(unknown))}")
        self.config = config
        self.kinds = kinds
        self._weights = list(accumulate(self._weight(kind) for kind in kinds))
        self._fact_weights = {kind.name: list(accumulate(fact.weight for fact in kind.facts)) for kind in kinds}
        frames, every = read_data("frames"), config.held_out_every
        self._openers, self._askers = hold_out(frames["openers"], every), hold_out(frames["askers"], every)
        self._closers, self._tags = hold_out(frames["closers"], every), hold_out(frames["tags"], every)
        self._outside = OutsideQuestions(every)
        self._conversations = Conversations(config, {kind.name: kind for kind in kinds})
        self._turns = Turns(config)

    @classmethod
    def build(cls, config: CorpusConfig) -> Self:
        """Read the data files and generate the computed kinds.

        Raises:
            ConfigError: there is no such breadth, or `emphasis` names an unknown kind.
        """
        read = (kind for name in DATA_FILES for kind in kinds_of(name))
        facts = narrow((*read, *make_kinds(config)), config.breadth)
        return cls(config, (*facts, *talk_kinds(), *topic_kinds(config.topics_per_kind)))

    def rows(self, split: Split, rng: random.Random, n: int) -> Iterator[Exchange]:
        """`n` exchanges of a split; `ood` has questions without an answer, in templates that are never trained on."""
        for _ in range(n):
            yield self._row(split, rng)

    def dialogues(self, rng: random.Random, n: int) -> Iterator[Dialogue]:
        """`n` conversations of the training split, with repeats, follow-ups and names."""
        for _ in range(n):
            yield self._conversations.draw(rng, lambda: self._row("train", rng))

    def turns(self, rng: random.Random, n: int, held_out: bool = False) -> Iterator[WrittenTurn]:
        """`n` long turns that end in something the assistant answers."""
        for _ in range(n):
            yield self._turns.draw(rng, self._turn_ending(rng, held_out), held_out)

    def answers(self) -> list[str]:
        """All distinct answers of the assistant that can be spoken as they are, in true case, sorted."""
        fixed = {answer for kind in self.kinds for fact in kind.facts for answer in fact.answers}
        spoken = chain(fixed, self._conversations.answers(), (self._outside.answer,))
        return sorted({answer for answer in spoken if "<|" not in answer})

    def prompts(self) -> list[str]:
        """All system prompts, lower case."""
        return self._conversations.prompts()

    @property
    def no_answer(self) -> str:
        """What the assistant says when it does not know."""
        return self._outside.answer

    @property
    def reactions(self) -> list[str]:
        """What the assistant says to statements."""
        return self._turns.reactions

    @property
    def backchannels(self) -> list[str]:
        """What people say while they listen."""
        return list(read_data("talk")["backchannels"])

    @property
    def commands(self) -> list[Exchange]:
        """Short commands that end an answer, with their acknowledgement."""
        return [
            Exchange(core, answer, kind.name, fact.key)
            for kind in self.kinds
            if kind.name in COMMAND_KINDS
            for fact in kind.facts
            for answer in fact.answers
            for core in fact.cores
        ]

    def _weight(self, kind: Kind) -> float:
        size = sum(fact.weight for fact in kind.facts) ** self.config.kind_exponent
        return kind.share * size * self.config.emphasis.get(kind.name, 1.0)

    def _row(self, split: Split, rng: random.Random) -> Exchange:
        if split == "ood" or (split == "train" and rng.random() < self.config.outside):
            return self._without_answer(split, rng)
        while True:
            kind = rng.choices(self.kinds, cum_weights=self._weights)[0]
            fact = rng.choices(kind.facts, cum_weights=self._fact_weights[kind.name])[0]
            if cores := self._cores(split, kind, fact):
                user = self._dress(split, kind, self._usual(cores, rng), rng)
                return Exchange(user, rng.choice(fact.answers), kind.name, fact.key, kind.long)

    def _without_answer(self, split: Split, rng: random.Random) -> Exchange:
        question = self._outside.draw(rng, held_out=split == "ood")
        answer = self._outside.answer
        return Exchange(self._frame(split, question, rng), answer, OUTSIDE, answer)

    def _turn_ending(self, rng: random.Random, held_out: bool) -> Exchange | None:
        """The exchange with which a long turn ends; None for a statement."""
        chance = rng.random()
        if chance < self.config.turn_questions:
            return self._row("heldout_pair" if held_out else "train", rng)
        if chance < self.config.turn_questions + self.config.turn_outside:
            return self._without_answer("ood" if held_out else "train", rng)
        return None

    def _usual(self, cores: list[str], rng: random.Random) -> str:
        """A phrasing; the first (usual) ones are drawn more often."""
        if rng.random() < self.config.first_chance:
            return rng.choice(cores[: self.config.first_cores])
        return rng.choice(cores)

    def _cores(self, split: Split, kind: Kind, fact: Fact) -> list[str]:
        """Phrasings of a fact that belong to a split."""
        shown, held_out = hold_out(fact.cores, self.config.held_out_every)
        if split == "heldout_frame":
            return held_out
        wanted = split == "heldout_pair"
        return [core for core in shown if self._is_held_out(kind, fact, core) is wanted]

    def _is_held_out(self, kind: Kind, fact: Fact, core: str) -> bool:
        enough = len(fact.cores) >= self.config.held_out_every and len(kind.facts) > 1
        return enough and zlib.crc32(f"{kind.name}/{core}".encode()) % self.config.held_out_pairs == 0

    def _dress(self, split: Split, kind: Kind, core: str, rng: random.Random) -> str:
        return core if kind.bare else self._frame(split, core, rng)

    def _frame(self, split: Split, core: str, rng: random.Random) -> str:
        """The question with what people say before and after it."""
        part = 1 if split == "heldout_frame" else 0
        before = after = ""
        if rng.random() < self.config.prefix_chance:
            pool = self._askers if asks(core) and rng.random() < 0.5 else self._openers
            before = rng.choice(pool[part])
        if rng.random() < self.config.suffix_chance:
            pool = self._tags if asks(core) and not before and rng.random() < 0.3 else self._closers
            after = rng.choice(pool[part])
        return " ".join(text for text in (before, core, after) if text)

"""Lays out dialogues as text in slots: words of the user in U, tokens of the answer in A, and each slot's target.

This module handles ids and slots; it does not depend on tensors.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from configs.model.language import PretrainConfig
from duplex.corpus.exchange import Dialogue
from duplex.model.text.tokenizer import TextTokenizer
from duplex.train.core.losses import IGNORE_INDEX

Mishear = Callable[[Sequence[str], random.Random], Sequence[str]]


@dataclass
class TextSlot:
    """One slot.

    Attributes:
        words: ids of at most K words of the user that became known.
        text: id of the assistant's token.
        state: 0 MUTE, 1 SPEAK.
        since: slots since the state changed.
        target: id that slot t + 1 should say, `IGNORE_INDEX` if there is no target.
    """

    words: list[int]
    text: int
    state: int
    since: int
    target: int = IGNORE_INDEX


@dataclass
class TextDialogue:
    """A dialogue in slots, with its system prompt."""

    prefix: list[int]
    slots: list[TextSlot] = field(default_factory=list)


class SlotWriter:
    """Lays dialogues out in slots, with recognition errors and the arrival of words of a live conversation."""

    def __init__(self, config: PretrainConfig, tokenizer: TextTokenizer, mishear: Mishear) -> None:
        self._config = config
        self._tokenizer = tokenizer
        self._mishear = mishear
        self._places = config.core.user.words

    def write(self, dialogue: Dialogue, rng: random.Random, progress: float = 1.0) -> TextDialogue:
        """Write one dialogue, cut at the longest number of slots; `progress` (0..1) of the training makes it harder."""
        prefix = self._tokenizer.encode(dialogue.prompt)[: self._config.schedule.prefix_places]
        written = TextDialogue(prefix)
        for exchange in dialogue.exchanges:
            heard: Sequence[str] = exchange.heard.split()
            if not exchange.misheard and rng.random() * self._config.errors_from <= progress:
                heard = self._mishear(heard, rng)
            self.hear(written, self._tokenizer.encode(" ".join(heard)), rng, progress)
            self._answer(written, self._tokenizer.encode(exchange.assistant), rng)
        del written.slots[self._config.longest :]
        return written

    def hear(self, dialogue: TextDialogue, ids: Sequence[int], rng: random.Random, progress: float = 1.0) -> None:
        """Add the user's words: one by one, all at once, or as a transcriber delivers them while speech continues."""
        config = self._config
        one_by_one = rng.random() < self._one_word(progress)
        as_live = not one_by_one and rng.random() < config.as_live
        if as_live:
            self._empty(dialogue, rng.randint(0, config.lead))
        place = 0
        while place < len(ids):
            count = 1 if one_by_one else self._batch(rng) if as_live else self._places
            self._mute(dialogue, ids[place : place + count])
            place += count
            if as_live and place < len(ids):
                self._empty(dialogue, _draw(config.between, rng))

    def _batch(self, rng: random.Random) -> int:
        return min(_draw(self._config.batches, rng) + 1, self._places)

    def _one_word(self, progress: float) -> float:
        first, left = self._config.one_word, self._config.one_word_left
        return max(left, first + (left - first) * 2 * progress)

    def _answer(self, dialogue: TextDialogue, ids: Sequence[int], rng: random.Random) -> None:
        """Add the answer; every slot from the user's last word on could be the one before it."""
        first = len(dialogue.slots) - 1
        self._gap(dialogue, rng)
        for slot in dialogue.slots[max(first, 0) :]:
            slot.target = ids[0]
        since = 0
        for index, following in zip(ids, (*ids[1:], self._tokenizer.eos), strict=True):
            said = [index] + ([self._tokenizer.hold] if rng.random() < self._config.holds else [])
            for text in said:
                dialogue.slots.append(TextSlot([], text, 1, since, following))
                since += 1
        dialogue.slots.append(TextSlot([], self._tokenizer.eos, 1, since))
        self._gap(dialogue, rng)

    def _gap(self, dialogue: TextDialogue, rng: random.Random) -> None:
        self._empty(dialogue, _draw(self._config.gaps, rng))

    def _empty(self, dialogue: TextDialogue, slots: int) -> None:
        for _ in range(slots):
            self._mute(dialogue, ())

    def _mute(self, dialogue: TextDialogue, words: Sequence[int]) -> None:
        before = dialogue.slots[-1] if dialogue.slots else TextSlot([], self._tokenizer.sil, 0, -1)
        since = before.since + 1 if before.state == 0 else 0
        dialogue.slots.append(TextSlot(list(words), self._tokenizer.sil, 0, since))


def _draw(chances: Sequence[float], rng: random.Random) -> int:
    """Draw an index of `chances` with these probabilities."""
    return rng.choices(range(len(chances)), chances)[0]

"""Fresh words for dialogues that were simulated once: questions are exchanged for others of like length.

The audio stays as it is: it teaches when somebody speaks, pauses and ends; the words come from the corpus, each time
others. So a few thousand dialogues carry the whole corpus, and nothing can be learnt by heart from their sound.
Knows scenes and exchanges; knows nothing of features or tokens.
"""

import random
from collections.abc import Container
from dataclasses import replace

from configs.core_training import RetextConfig
from duplex.train.dialogue.scene import Scene, Turn, Word
from duplex.train.text.corpus import Corpus
from duplex.train.text.exchange import Exchange

_TRIES = 8


class Retext:
    """Callable: a scene with some of its questions exchanged; answers come from `answers` only."""

    def __init__(self, config: RetextConfig, corpus: Corpus, answers: Container[str]) -> None:
        self._config, self._corpus, self._answers = config, corpus, answers
        self._kinds = {kind.name for kind in corpus.kinds}

    def __call__(self, scene: Scene, rng: random.Random) -> Scene:
        """The same scene, other questions."""
        return replace(scene, turns=tuple(self._turn(turn, rng) for turn in scene.turns))

    def _turn(self, turn: Turn, rng: random.Random) -> Turn:
        """Single questions only: a turn of several pieces, and one that leans on the turn before, stays."""
        if turn.kind not in self._kinds or rng.random() >= self._config.share:
            return turn
        letters = len(turn.text)
        for exchange in self._corpus.rows("train", rng, _TRIES):
            fits = self._config.least <= len(exchange.heard) / max(letters, 1) <= self._config.most
            if fits and exchange.assistant in self._answers:
                return _said(turn, exchange)
        return turn


def _said(turn: Turn, exchange: Exchange) -> Turn:
    """The turn with the words of `exchange`, spread over its voiced time by their letters."""
    texts = exchange.heard.split()
    total = sum(len(text) + 1 for text in texts)
    done, words = 0, []
    for text in texts:
        done += len(text) + 1
        words.append(Word(text, _voiced_at(turn, done / total)))
    return replace(
        turn,
        answer=exchange.assistant,
        kind=exchange.kind,
        key=exchange.key,
        long=exchange.long,
        words=tuple(words),
    )


def _voiced_at(turn: Turn, share: float) -> float:
    """The moment at which `share` of the turn's voiced time is over, seconds."""
    left = share * sum(end - start for start, end in turn.spans)
    for start, end in turn.spans:
        if left <= end - start:
            return start + left
        left -= end - start
    return turn.end

"""Gives new words to dialogues that were simulated once: questions are replaced by others of similar length.

The audio does not change: it teaches when somebody speaks, pauses and ends. The words come from the corpus and differ
each time, so a few thousand dialogues carry the whole corpus, and nothing can be memorised from their sound. Turns
without a question get sentences from the corpus' answers, one for each voiced stretch. Nothing here depends on features
or tokens.
"""

import random
import re
from collections.abc import Container, Sequence
from dataclasses import replace

from configs.train.core_training import RetextConfig
from duplex.corpus.corpus import OUTSIDE, Corpus
from duplex.corpus.exchange import Exchange
from duplex.corpus.grammar import as_heard
from duplex.corpus.long_turns import REACTION, UNFINISHED
from duplex.train.dialogue.scene import Scene, SceneTurn, SceneWord, Span, time_words

_TRIES = 8
_FEWEST_WORDS = 3
_MOST_BROKEN = 2


class Retext:
    """Replaces some of a scene's questions; answers come only from `answers`."""

    def __init__(self, config: RetextConfig, corpus: Corpus, answers: Container[str]) -> None:
        self._config, self._corpus, self._answers = config, corpus, answers
        self._kinds = {kind.name for kind in corpus.kinds}
        self._statements = _statements(corpus)
        self._reactions = [text for text in corpus.reactions if text in answers]

    def __call__(self, scene: Scene, rng: random.Random) -> Scene:
        """The same scene with other questions."""
        return replace(scene, turns=tuple(self._turn(turn, rng) for turn in scene.turns))

    def _turn(self, turn: SceneTurn, rng: random.Random) -> SceneTurn:
        """Replace a question without pauses: pauses belong to a turn's own clauses, and a question that refers to the
        turn before is not one of the corpus' kinds."""
        if turn.kind in (OUTSIDE, REACTION):
            return self._state(turn, rng) if self._reactions and rng.random() < self._config.stated else turn
        if turn.kind not in self._kinds or len(turn.spans) > 1 or rng.random() >= self._config.share:
            return turn
        letters = len(turn.text)
        for exchange in self._corpus.rows("train", rng, _TRIES):
            fits = self._config.least <= len(exchange.heard) / max(letters, 1) <= self._config.most
            if fits and exchange.assistant in self._answers:
                return _replace_words(turn, exchange)
        return turn

    def _state(self, turn: SceneTurn, rng: random.Random) -> SceneTurn:
        """The turn as statements, the last one perhaps broken off, with a reaction in place of its answer."""
        words = tuple(word for span in turn.spans for word in self._sentence(turn, span, rng))
        kind = REACTION
        if rng.random() < self._config.broken and len(words) > _FEWEST_WORDS:
            words, kind = words[: -rng.randint(1, _MOST_BROKEN)], UNFINISHED
        answer = rng.choice(self._reactions)
        return replace(turn, answer=answer, kind=kind, key=answer, long=False, words=words)

    def _sentence(self, turn: SceneTurn, span: Span, rng: random.Random) -> tuple[SceneWord, ...]:
        """A sentence in place of the words of a voiced stretch; the words themselves if no sentence has their
        length."""
        start, end = span
        said = tuple(word for word in turn.words if start < word.end <= end)
        letters = sum(len(word.text) + 1 for word in said)
        for sentence in rng.choices(self._statements, k=_TRIES):
            if self._config.least <= (len(sentence) + 1) / max(letters, 1) <= self._config.most:
                return time_words(sentence, (span,))
        return said


def _statements(corpus: Corpus) -> Sequence[str]:
    """Statements from the corpus' answers, as the model reads them."""
    sentences = {
        as_heard(sentence)
        for answer in corpus.answers()
        for sentence in re.findall(r"[^.!?]+[.!]", answer)
        if answer not in (corpus.no_answer, *corpus.reactions)
    }
    return sorted(sentence for sentence in sentences if len(sentence.split()) >= _FEWEST_WORDS)


def _replace_words(turn: SceneTurn, exchange: Exchange) -> SceneTurn:
    """The turn with the words of `exchange`, spread over its voiced time by their letters."""
    texts = exchange.heard.split()
    total = sum(len(text) + 1 for text in texts)
    done, words = 0, []
    for text in texts:
        done += len(text) + 1
        words.append(SceneWord(text, _find_voiced_time(turn, done / total)))
    return replace(
        turn,
        answer=exchange.assistant,
        kind=exchange.kind,
        key=exchange.key,
        long=exchange.long,
        words=tuple(words),
    )


def _find_voiced_time(turn: SceneTurn, share: float) -> float:
    """The time at which `share` of the turn's voiced time has passed, seconds."""
    left = share * sum(end - start for start, end in turn.spans)
    for start, end in turn.spans:
        if left <= end - start:
            return start + left
        left -= end - start
    return turn.end

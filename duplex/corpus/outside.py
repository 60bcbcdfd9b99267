"""Questions that the assistant cannot answer: templates of real questions with entities of all kinds, and word salad.

This module handles the format of `outside.yaml`; it does not depend on what can be answered.
"""

import random
import re
from functools import cached_property

from duplex.corpus.grammar import hold_out, lines
from duplex.corpus.kinds import read_data

_SLOT = re.compile(r"\{(\w+)\}")
_SECOND_ARTICLE = re.compile(
    r"\b(the|which|many|most|nearest|next|best|first|last|biggest|smallest|strangest|oldest|famous|greatest|no|my)"
    r" (?:a|an|the)\b"
)
SALAD_SHARE = 0.04
SALAD_WORDS = (3, 8)


class OutsideQuestions:
    """Draws questions without an answer; every n-th template and filler is kept out of training."""

    def __init__(self, held_out_every: int) -> None:
        self._every = held_out_every
        data = read_data("outside")
        self._templates = lines(data["questions"])
        self._fillers: dict[str, list[str]] = data["fillers"]
        self._salad: list[str] = data["salad"].split()
        self.answer: str = read_data("talk")["no_answer"]

    def draw(self, rng: random.Random, held_out: bool) -> str:
        """Draw one question in true case, without punctuation."""
        if not held_out and rng.random() < SALAD_SHARE:
            return " ".join(rng.choices(self._salad, k=rng.randint(*SALAD_WORDS)))
        template = rng.choice(self._parts[held_out])
        filled = _SLOT.sub(lambda match: self._filler(match[1], rng, held_out), template)
        return _SECOND_ARTICLE.sub(r"\1", filled)

    @cached_property
    def _parts(self) -> tuple[list[str], list[str]]:
        """(shown, held out) templates."""
        return hold_out(self._templates, self._every)

    def _filler(self, slot: str, rng: random.Random, held_out: bool) -> str:
        shown, held = hold_out(self._fillers[slot], self._every)
        return rng.choice(held if held_out and rng.random() < 0.5 else shown)

"""Runs the core over given answers: computes the hidden vector that the refined head gets in each of their slots.

    slot        ... m - 1   m    | a     a + 1
    state       ... MUTE    MUTE | SPEAK SPEAK          a = m + 1: the answer's first slot
    hidden from ...              | m     a              the output of a slot makes the next one

This module uses the core, its inputs and the text; it does not depend on how the head uses the vectors.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import torch
from torch import Tensor

from configs.audio import AUDIO
from configs.train.voice_training import QuestionConfig
from duplex.model.layouts.tdm.core import CoreInput
from duplex.model.layouts.tdm.ears import EmbeddedEars
from duplex.model.layouts.tdm.mind import EmbeddedMind
from duplex.model.stages.fusion import ABSENT
from duplex.train.dialogue.speak import complete_words
from duplex.train.voice.batch import HOLD
from tdm.layout import TdmLayout

_QUIET_SLOTS = 100
_MOMENT = datetime(2024, 1, 1)
_MUTE, _SPEAK = 0, 1


@dataclass(frozen=True)
class AskedAndAnswered:
    """A question and its answer.

    Attributes:
        heard: ids of the user's words in each slot before the answer, at least one slot.
        text: id of the text token of each slot of the answer.
        tokens: [slots, k, digits] speech tokens of the answer.
    """

    heard: Sequence[Sequence[int]]
    text: Sequence[int]
    tokens: Tensor


def slot_question(ids: Sequence[int], places: int, config: QuestionConfig, rng: random.Random) -> list[Sequence[int]]:
    """Ids of a question in slots: none while it is said, then `places` per slot, then a wait."""
    words = [ids[first : first + places] for first in range(0, len(ids), places)]
    before, after = rng.randint(*config.before), rng.randint(*config.after)
    return [*[()] * before, *words, *[()] * after]


def quiet_features(ears: EmbeddedEars, config: QuestionConfig, slots: int = _QUIET_SLOTS) -> Tensor:
    """Features [slots, frames, F] of a silent user."""
    draw = torch.Generator().manual_seed(0)
    pcm = config.noise * torch.randn(1, slots * AUDIO.slot_input_samples, generator=draw)
    return ears.encoder.encode(pcm)[0].unflatten(0, (slots, -1))


def slot_answer(entering: Sequence[int], ids: Sequence[int], mind: EmbeddedMind) -> list[int]:
    """Text id of each slot: `entering` has indices of the tokens `ids`, their number for the end mark, or `HOLD`."""
    written = [*ids, mind.tokenizer.eos]
    return [mind.tokenizer.hold if index == HOLD else written[index] for index in entering]


@torch.inference_mode()
def compute_hidden_vectors(
    mind: EmbeddedMind, told: Sequence[AskedAndAnswered], silence: Tensor, quiet: Tensor, first_slot: int = 0
) -> list[Tensor]:
    """Hidden vectors [slots, H] for each answer: row n is the head's input for the tokens of the answer's slot n.

    Args:
        mind: core, tokenizer and system prompt.
        told: questions and answers, run as a batch.
        silence: [digits] the token of silence.
        quiet: result of `quiet_features`.
        first_slot: number of the first slot.
    """
    prefix = torch.tensor(mind.tokenizer.encode(mind.config.system_prompt), dtype=torch.long)
    layout = TdmLayout(mind.config.schedule, len(prefix))
    slots = _slots(mind, told, silence, quiet)
    hidden = mind.core.pack(prefix.expand(len(told), -1), slots, layout, first_slot).hidden
    before = [len(one.heard) - 1 for one in told]
    return [row[first : first + len(one.text)] for row, first, one in zip(hidden, before, told, strict=True)]


def _slots(mind: EmbeddedMind, told: Sequence[AskedAndAnswered], silence: Tensor, quiet: Tensor) -> CoreInput:
    """Core input [B, T]; an answer does not see what follows it."""
    length = max(len(one.heard) + len(one.text) for one in told)
    shape = (len(told), length)
    words = torch.full((*shape, mind.core.config.user.words), ABSENT)
    text = torch.full(shape, mind.tokenizer.sil)
    tokens = silence.to(torch.int8).repeat(*shape, AUDIO.tokens_per_slot, 1)
    state, since = torch.full(shape, _MUTE), torch.arange(length).repeat(len(told), 1)
    for row, one in enumerate(told):
        first, last = len(one.heard), len(one.heard) + len(one.text)
        for slot, ids in enumerate(one.heard):
            words[row, slot, : len(ids)] = torch.tensor(ids, dtype=torch.long)
        text[row, first:last] = torch.tensor(one.text)
        tokens[row, first:last] = one.tokens.to(torch.int8)
        state[row, first:last] = _SPEAK
        since[row, first:] -= first
    features = quiet[torch.arange(length) % len(quiet)].expand(len(told), -1, -1, -1)
    return CoreInput(features, words, text, tokens, state, since)


class LiveMind:
    """One answer while it is spoken: `hidden` [1, H] is for the next slot, and `say` reports what that slot said."""

    hidden: Tensor

    def __init__(self, mind: EmbeddedMind, heard: Sequence[Sequence[int]], silence: Tensor, quiet: Tensor) -> None:
        """`heard`: ids of the user's words in each slot before the answer."""
        prefix = mind.tokenizer.encode(mind.config.system_prompt)
        self._mind, self._quiet = mind, quiet
        self._layout = TdmLayout(mind.config.schedule, len(prefix))
        self._state = mind.core.init_state(1, self._layout)
        self._ids: list[int] = []
        self._slot = self._since = 0
        with torch.inference_mode():
            mind.core.prefill(torch.tensor([prefix]), self._layout, self._state, _yes())
        for ids in heard:
            self._step(ids, mind.tokenizer.sil, silence.repeat(1, AUDIO.tokens_per_slot, 1), _MUTE)
        self._since = 0

    def pieces(self, text: str) -> list[list[str]]:
        """Take the answer; returns, for each of its text tokens, the words and marks that it completes."""
        self._ids = self._mind.tokenizer.encode(text)
        return complete_words(self._ids, self._mind.tokenizer, _MOMENT)

    def say(self, entered: int, tokens: Tensor) -> None:
        """Take a slot of the answer: the text token that entered (as in `slot_answer`) and its tokens [1, k,
        digits]."""
        self._step((), slot_answer([entered], self._ids, self._mind)[0], tokens, _SPEAK)

    @torch.inference_mode()
    def _step(self, words: Sequence[int], text: int, tokens: Tensor, state: int) -> None:
        absent = [ABSENT] * (self._mind.core.config.user.words - len(words))
        slots = CoreInput(
            features=self._quiet[self._slot % len(self._quiet)][None],
            words=torch.tensor([[*words, *absent]]),
            text=torch.tensor([text]),
            tokens=tokens.to(torch.int8),
            state=torch.tensor([state]),
            since=torch.tensor([self._since]),
        )
        plans = [self._layout.plan(self._slot)]
        self.hidden = self._mind.core.step(slots, plans, self._layout, self._state, _yes()).hidden
        self._slot, self._since = self._slot + 1, self._since + 1


class Questions:
    """Makes a `LiveMind` that has heard the question of an answer; `questions` maps answers to questions."""

    def __init__(self, model: Path, questions: Mapping[str, str], config: QuestionConfig) -> None:
        """`model`: folder of mind and ears."""
        self._mind, self._questions, self._config = EmbeddedMind.load(model), questions, config
        self._quiet = quiet_features(EmbeddedEars.load(model), config)

    def __call__(self, text: str, silence: Tensor) -> LiveMind:
        """The mind before the first slot of the answer `text`; `silence` [digits] is the voice's token of
        silence."""
        ids = self._mind.tokenizer.encode(self._questions[text])
        places = self._mind.core.config.user.words
        heard = slot_question(ids, places, self._config, random.Random(text))
        return LiveMind(self._mind, heard, silence, self._quiet)


def _yes() -> Tensor:
    return torch.ones(1, dtype=torch.bool)

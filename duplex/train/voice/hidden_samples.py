"""Makes samples of the pointer head with hidden vectors: the teacher says the assistant's answers, and the core runs on
them.

    questions and answers -> teacher -> simulated arrival of the text -> what the head itself would say in these slots
                          -> the core over question and answer, with these tokens as played -> a vector for each slot

This module handles utterances, slots and vectors; it does not depend on training.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from rich.progress import track
from torch import Tensor

from configs.audio import AUDIO
from configs.train.voice_training import HiddenTraining
from duplex.corpus.exchange import Exchange
from duplex.model.layouts.tdm.mind import EmbeddedMind
from duplex.model.layouts.tdm.voice import EmbeddedVoice
from duplex.model.stages.speech_tokenizer import SpeechTokenizer
from duplex.model.stages.srh_networks import DigitNetwork
from duplex.train.voice.decoder import free_running
from duplex.train.voice.mind_vectors import AskedAndAnswered, compute_hidden_vectors, slot_answer, slot_question
from duplex.train.voice.srh import HeadSamples, TrackLayout, encode_all, simulate
from duplex.train.voice.teacher_shards import Utterance
from duplex.train.voice.teacher_texts import Items


@dataclass(frozen=True)
class SlottedAnswers:
    """Answers that are laid out in slots.

    Attributes:
        items: the text of each answer.
        layout: bands, columns and text of all answers.
        said: [N, 15] digits that the head says in these slots.
    """

    items: list[Items]
    layout: TrackLayout
    said: Tensor


class Preparation:
    """Makes samples from utterances; `quiet` has the features of a silent user."""

    def __init__(
        self,
        voice: EmbeddedVoice,
        mind: EmbeddedMind,
        quiet: Tensor,
        config: HiddenTraining,
        asked: Mapping[Items, Exchange],
    ) -> None:
        self._voice, self._mind, self._quiet, self._config, self._asked = voice, mind, quiet, config, asked

    def lay_out(self, utterances: Sequence[Utterance]) -> SlottedAnswers:
        """Let the text arrive in slots and the head speak freely in them, without hidden vectors."""
        layout = simulate(self._voice.config, self._config.srh, utterances, self._pieces)
        said = freely(self._voice.head.digits, layout, self._voice.head.silence, self._config.rows)
        return SlottedAnswers([utterance.items for utterance in utterances], layout, said)

    def samples(self, spoken: SlottedAnswers, encoder: SpeechTokenizer) -> HeadSamples:
        """Samples with the teacher's digits as targets and the core's vectors as input."""
        digits = encode_all(encoder, spoken.layout.bands, self._voice.config)
        samples = spoken.layout.samples(silent_elsewhere(digits, spoken.layout, self._voice.head.silence))
        return place_vectors(samples, self._vectors(spoken), spoken.layout.firsts)

    def _pieces(self, word: str) -> int:
        return len(self._mind.tokenizer.encode(word))

    def _vectors(self, spoken: SlottedAnswers) -> list[Tensor]:
        rng = random.Random(self._config.seed)
        told = [self._ask(spoken, index, rng) for index in range(len(spoken.items))]
        order = sorted(range(len(told)), key=lambda index: len(told[index].heard) + len(told[index].text))
        found: dict[int, Tensor] = {}
        for start in track(range(0, len(order), self._config.conversations), "thinking"):
            group = order[start : start + self._config.conversations]
            first = rng.randint(0, self._config.question.latest_first_slot)
            silence = self._voice.head.silence
            vectors = compute_hidden_vectors(self._mind, [told[index] for index in group], silence, self._quiet, first)
            found |= {index: vector.half() for index, vector in zip(group, vectors, strict=True)}
        return [found[index] for index in range(len(told))]

    def _ask(self, spoken: SlottedAnswers, index: int, rng: random.Random) -> AskedAndAnswered:
        items, entering = spoken.items[index], spoken.layout.texts[index]
        encode, places = self._mind.tokenizer.encode, self._mind.core.config.user.words
        heard = slot_question(encode(self._asked[items].user), places, self._config.question, rng)
        first, count = spoken.layout.firsts[index], AUDIO.tokens_per_slot
        tokens = spoken.said[first : first + count * len(entering)].unflatten(0, (-1, count))
        return AskedAndAnswered(heard, slot_answer(entering, encode(" ".join(items)), self._mind), tokens)


def freely(network: DigitNetwork, layout: TrackLayout, silence: Tensor, rows: int) -> Tensor:
    """Digits [N, 15] that the head says at the teacher's timing; silence where it is not used."""
    blank = silence.to(torch.int8).repeat(layout.tokens, 1)
    return free_running(network, layout.samples(blank), rows)


def silent_elsewhere(digits: Tensor, layout: TrackLayout, silence: Tensor) -> Tensor:
    """The digits where the head is used, exact silence elsewhere, as in live use."""
    asked = torch.zeros(len(digits), 1, dtype=torch.bool)
    asked[layout.samples(digits).place] = True
    return torch.where(asked, digits, silence.to(digits.dtype))


def place_vectors(samples: HeadSamples, vectors: Sequence[Tensor], firsts: Sequence[int]) -> HeadSamples:
    """Samples with the vectors [slots, H] of tracks whose first tokens are at `firsts`."""
    first = torch.tensor(firsts)
    start = torch.tensor([0, *(len(vector) for vector in vectors)]).cumsum(0)
    owner = torch.searchsorted(first, samples.place, right=True) - 1
    slot = start[owner] + (samples.place - first[owner]) // AUDIO.tokens_per_slot
    return replace(samples, slot=slot, hidden=torch.cat(list(vectors)))

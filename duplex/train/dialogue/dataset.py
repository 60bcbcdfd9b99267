"""Simulated dialogues as training examples: features and words of the user, a perturbed past of the assistant, and the
right action after every slot.

    data = DialogueDataset([Shard(folder)], table, tokenizer, config, mishear)
    for ids in data.epoch(12, rng):
        batch = data.batch(ids, rng)

The same ids with another generator give other words, errors and pasts, so that a dialogue can be used several times.
Nothing here depends on the model.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from configs.audio import AUDIO
from configs.train.simulation import DialogueDataConfig
from duplex.train.dialogue.oracle import NOTHING, AnswerSpan, Oracle, Plan, PlannedTurn, PlayedSlots
from duplex.train.dialogue.retext import Retext
from duplex.train.dialogue.scene import Scene, SceneTurn
from duplex.train.dialogue.shards import Shard
from duplex.train.dialogue.targets import find_known_slots, time_to_end, voice_windows
from duplex.train.dialogue.tracks import IGNORE_INDEX, TrackTable
from duplex.train.dialogue.word_arrival import Mishear, WordArrival


class Tokenizer(Protocol):
    """The required part of the text tokenizer's interface."""

    @property
    def sil(self) -> int:
        """Text id of a mute slot."""
        ...

    def encode(self, text: str) -> Sequence[int]:
        """Ids of a text."""
        ...


@dataclass
class DialogueBatch:
    """B dialogues of T slots.

    Attributes:
        prefix: [B, P] ids of the system prompts, padded with the mute id on the left.
        features: [B, T, frames, dim] of the user's audio.
        user_words: [B, T, K] ids of the words that became known; ABSENT where there is none.
        text: [B, T] id of the assistant's text token.
        tokens: [B, T, k, digits] int8 speech tokens that were played.
        state: [B, T] 0 MUTE, 1 SPEAK.
        since: [B, T] slots since the state changed.
        target_state: [B, T] the right state of slot t + 1.
        state_weight: [B, T] weight of that target.
        target_text: [B, T] the right text id of slot t + 1, -100 where there is no target.
        voice: [B, T, windows] 1 where the user's voice will be.
        ends: [B, T] class of the time to the end of the user's turn.
        known: [B, T] bool, slots for which voice and ends are known.
    """

    prefix: Tensor
    features: Tensor
    user_words: Tensor
    text: Tensor
    tokens: Tensor
    state: Tensor
    since: Tensor
    target_state: Tensor
    state_weight: Tensor
    target_text: Tensor
    voice: Tensor
    ends: Tensor
    known: Tensor


@dataclass(frozen=True)
class _Example:
    """A scene with everything that does not change between uses."""

    scene: Scene
    features: NDArray[np.float16]
    prompt: tuple[int, ...]
    voice: NDArray[np.float32]
    ends: NDArray[np.int64]


class DialogueDataset:
    """All dialogues of some shards."""

    def __init__(
        self,
        shards: Sequence[Shard],
        table: TrackTable,
        tokenizer: Tokenizer,
        config: DialogueDataConfig,
        mishear: Mishear,
        prompt: str = "",
        retext: Retext | None = None,
    ) -> None:
        """
        Args:
            shards: dialogues of equal length.
            table: tracks of the answers; an answer without a track is never given.
            tokenizer: text tokenizer of user and assistant.
            config: arrival of words, oracle, projection.
            mishear: makes recognition errors.
            prompt: system prompt of dialogues that have none of their own.
            retext: replaces questions by others each time a dialogue is used.
        """
        self._table, self._tokenizer, self._config = table, tokenizer, config
        self._oracle = Oracle(config.oracle)
        self._retext = retext
        self._arrival = WordArrival(config.arrival, config.words_per_slot, tokenizer.encode, mishear)
        frames = shards[0].features.shape[1]
        self.slots = frames // AUDIO.packets_per_slot
        self._known = find_known_slots(self.slots, config.projection)
        self._examples = [
            self._example(scene, features, prompt)
            for shard in shards
            for scene, features in zip(shard.scenes, shard.features, strict=True)
        ]
        self._guesses = self._answers_by_kind(table)

    def __len__(self) -> int:
        return len(self._examples)

    def scene(self, index: int) -> Scene:
        """What happens in dialogue `index`."""
        return self._examples[index].scene

    def epoch(self, size: int, rng: random.Random) -> Iterator[list[int]]:
        """Every dialogue once, in random batches of at most `size` whose system prompts are equally long."""
        groups: dict[int, list[int]] = defaultdict(list)
        for index, example in enumerate(self._examples):
            groups[len(example.prompt)].append(index)
        batches: list[list[int]] = []
        for group in groups.values():
            rng.shuffle(group)
            batches += [group[first : first + size] for first in range(0, len(group), size)]
        rng.shuffle(batches)
        yield from batches

    def batch(self, ids: Sequence[int], rng: random.Random, perturbed: bool = True) -> DialogueBatch:
        """The dialogues `ids`, with words, errors and pasts drawn from `rng`."""
        examples = [self._examples[index] for index in ids]
        scenes = [self._retext(e.scene, rng) if self._retext else e.scene for e in examples]
        arrivals = [self._arrival.draw(scene, self.slots, rng) for scene in scenes]
        played = [
            self._oracle.play(self._plan(scene, arrival.known, rng), rng, perturbed)
            for scene, arrival in zip(scenes, arrivals, strict=True)
        ]
        features = np.stack([example.features for example in examples])
        return DialogueBatch(
            prefix=self._prefix(examples),
            features=torch.from_numpy(features).unflatten(1, (self.slots, AUDIO.packets_per_slot)),
            user_words=torch.from_numpy(np.stack([arrival.words for arrival in arrivals])),
            **self._assistant(played, rng),
            voice=torch.from_numpy(np.stack([example.voice for example in examples])),
            ends=torch.from_numpy(np.stack([example.ends for example in examples])),
            known=torch.from_numpy(self._known).expand(len(examples), -1),
        )

    def _example(self, scene: Scene, features: NDArray[np.float16], prompt: str) -> _Example:
        projection = self._config.projection
        return _Example(
            scene,
            features,
            tuple(self._tokenizer.encode(scene.prompt or prompt)),
            voice_windows(scene, self.slots, projection),
            time_to_end(scene, self.slots, projection),
        )

    def _answers_by_kind(self, table: TrackTable) -> dict[str, list[AnswerSpan]]:
        guesses: dict[str, list[AnswerSpan]] = defaultdict(list)
        for example in self._examples:
            for turn in example.scene.turns:
                if turn.answer in table.places:
                    guesses[turn.kind].append(table.places[turn.answer])
        guesses[""] = list(table.places.values())
        return guesses

    def _plan(self, scene: Scene, known: Sequence[int], rng: random.Random) -> Plan:
        places = self._table.places
        turns = [
            PlannedTurn(turn.start, self._due(turn, slot), places.get(turn.answer), self._guess(turn.kind, rng))
            for turn, slot in zip(scene.turns, known, strict=True)
        ]
        opening = places.get(scene.opening)
        if opening is not None:
            left = min(ceil(scene.opening_seconds / AUDIO.slot_seconds), opening.slots)
            opening = AnswerSpan(opening.first + opening.slots - left, left) if left else None
        return Plan(self.slots, turns, opening, self._guess("", rng))

    def _due(self, turn: SceneTurn, known: int) -> int:
        """The first slot in which the turn may be answered; `known` is the slot of its last word."""
        return known + self._config.waits.get(turn.kind, 0)

    def _guess(self, kind: str, rng: random.Random) -> AnswerSpan:
        """An answer to any question of the kind."""
        return rng.choice(self._guesses.get(kind) or self._guesses[""])

    def _prefix(self, examples: Sequence[_Example]) -> Tensor:
        length = max(len(example.prompt) for example in examples)
        rows = [[self._tokenizer.sil] * (length - len(e.prompt)) + list(e.prompt) for e in examples]
        return torch.tensor(rows, dtype=torch.long).reshape(len(examples), length)

    def _assistant(self, played: Sequence[PlayedSlots], rng: random.Random) -> dict[str, Tensor]:
        """The assistant's past and the targets, looked up in the table of tracks."""
        table = self._table
        places = np.stack([one.played for one in played])
        wanted = np.stack([one.text for one in played])
        speaking, taught = places != NOTHING, wanted != NOTHING
        text = np.where(speaking, table.text[np.maximum(places, 0)], self._tokenizer.sil)
        tokens = np.where(speaking[..., None, None], table.tokens[np.maximum(places, 0)], table.rest)
        target = np.where(taught, table.taught[np.maximum(wanted, 0)], IGNORE_INDEX)
        right = np.stack([one.target for one in played])
        draws = np.random.default_rng(rng.randrange(1 << 30)).random(right.shape)
        target[~speaking & (right == 0) & (draws < self._config.veto_share)] = self._tokenizer.sil
        return {
            "text": torch.from_numpy(text),
            "tokens": torch.from_numpy(tokens.astype(np.int8)),
            "state": torch.from_numpy(speaking.astype(np.int64)),
            "since": torch.from_numpy(np.stack([one.since for one in played])),
            "target_state": torch.from_numpy(right),
            "state_weight": torch.from_numpy(np.stack([one.weight for one in played])),
            "target_text": torch.from_numpy(target),
        }

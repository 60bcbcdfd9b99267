"""A whole model: the stages and tables of one member of a family, ready to run, without conversations.

`duplex.model.families.checkpoint` loads it from a folder.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor

from configs.model.model import AnyMindConfig
from duplex.model.layouts.tdm.core import Core
from duplex.model.layouts.tdm.writing import Moment, TextIds, Writing
from duplex.model.stages.detokenizer import SlotDetokenizer
from duplex.model.stages.srh import SpeechRefinedHead
from duplex.model.stages.streaming import Stage
from duplex.model.stages.word_source import WordSource


class Ears(Protocol):
    """The ears of any family."""

    @property
    def encoder(self) -> Stage[Tensor, Tensor, Any]:
        """Converts user audio to features or to tokens of the user's speech."""
        ...

    @property
    def words(self) -> WordSource:
        """Converts user audio to words as they become known."""
        ...


class Mind(Protocol):
    """The mind of any family."""

    @property
    def config(self) -> AnyMindConfig:
        """Schedule, prompt and rows per step."""
        ...

    @property
    def core(self) -> Core:
        """Maps both sides of a slot to state, text and hidden vector."""
        ...

    @property
    def tokenizer(self) -> TextIds:
        """Text ids of both sides."""
        ...

    @property
    def never(self) -> tuple[int, ...]:
        """Ids that may not occur in an answer."""
        ...

    def prompt(self, text: str) -> list[int]:
        """Ids of a system prompt."""
        ...

    def writing(self, moment: Moment) -> Writing:
        """Begin the text of a new answer."""
        ...


class Voice(Protocol):
    """The voice of any family."""

    @property
    def head(self) -> SpeechRefinedHead:
        """Maps finished words and hidden vector to speech tokens."""
        ...

    @property
    def detokenizer(self) -> SlotDetokenizer[Any]:
        """Maps speech tokens to audio."""
        ...


Parts = tuple[Ears, Mind, Voice]


@dataclass(frozen=True)
class TdmModel:
    """Ears, mind and voice. `fingerprint` identifies weights and configuration; a replay needs the same one."""

    ears: Ears
    mind: Mind
    voice: Voice
    fingerprint: str

    @cached_property
    def refusal_id(self) -> int | None:
        """First text id of the model's refusal; None if it has none."""
        ids = self.mind.tokenizer.encode(self.mind.config.refusal)
        return ids[0] if ids else None

    def lean_to_refusal(self, logits: Tensor) -> Tensor:
        """Add the model's bias towards its refusal to the logits [..., V] of an answer's first token."""
        if self.refusal_id is None or not self.mind.config.refusal_bias:
            return logits
        bias = logits.new_tensor([self.mind.config.refusal_bias])
        return logits.index_add(-1, torch.tensor([self.refusal_id]), bias.expand(*logits.shape[:-1], 1))

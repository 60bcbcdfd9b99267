"""A whole model: the stages and tables of one member of the family, ready to run. Holds no conversation.

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
        """User audio -> features, or tokens of the user's speech."""
        ...

    @property
    def words(self) -> WordSource:
        """User audio -> words that became known."""
        ...


class Mind(Protocol):
    """The mind of any family."""

    @property
    def config(self) -> AnyMindConfig:
        """Schedule, prompt and rows of a step."""
        ...

    @property
    def core(self) -> Core:
        """Both sides of a slot -> state, text, hidden vector."""
        ...

    @property
    def tokenizer(self) -> TextIds:
        """Text ids of both sides."""
        ...

    @property
    def never(self) -> tuple[int, ...]:
        """Ids that no answer contains."""
        ...

    def prompt(self, text: str) -> list[int]:
        """Ids of a system prompt."""
        ...

    def writing(self, moment: Moment) -> Writing:
        """A new answer."""
        ...


class Voice(Protocol):
    """The voice of any family."""

    @property
    def head(self) -> SpeechRefinedHead:
        """Finished words and hidden vector -> speech tokens."""
        ...

    @property
    def detokenizer(self) -> SlotDetokenizer[Any]:
        """Speech tokens -> audio."""
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
        """First text id of the model's refusal, None where it has none."""
        ids = self.mind.tokenizer.encode(self.mind.config.refusal)
        return ids[0] if ids else None

    def lean_to_refusal(self, logits: Tensor) -> Tensor:
        """Logits [..., V] of an answer's first token, with the model's bias towards its refusal."""
        if self.refusal_id is None or not self.mind.config.refusal_bias:
            return logits
        bias = logits.new_tensor([self.mind.config.refusal_bias])
        return logits.index_add(-1, torch.tensor([self.refusal_id]), bias.expand(*logits.shape[:-1], 1))

"""A half-duplex model that answers every turn with the next of some fixed sentences, in the voice of another model.

It ignores what the user says; its purpose is to measure the turn-taking of policies without a big model.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import torch
from torch import Tensor

from configs.audio import AUDIO
from configs.model.patterns import Pattern
from configs.model.scripted import ScriptedConfig
from duplex.model.interface import ConversationOptions
from duplex.model.layouts.tdm.voice import EmbeddedVoice
from duplex.model.layouts.turns.turn_interface import AnswerSlot, VoiceInput
from duplex.model.stages.detokenizer import DetokenizerInput, DetokenizerState
from duplex.model.stages.srh import SrhInput
from duplex.model.text.reading.written_words import WrittenWords
from duplex.model.weights.checkpoint_folder import checkpoint_folder, fingerprint


class ScriptedVoice:
    """`TurnVoice` of a model with a pointer refined head and a band detokenizer."""

    def __init__(self, voice: EmbeddedVoice, fingerprint: str) -> None:
        self.voice = voice
        self.fingerprint = fingerprint

    @classmethod
    def load(cls, model: str = "mini") -> Self:
        """Load the voice of a shipped model, a folder or a hub id.

        Raises:
            ConfigError: there is no such model, or its voice's files are missing or broken.
        """
        folder = checkpoint_folder(model)
        return cls(EmbeddedVoice.load(folder), fingerprint(folder))

    @property
    def delay_ms(self) -> float:
        """How much later than its slot the sound comes, ms."""
        return self.voice.detokenizer.delay_ms

    def init_state(self, batch: int) -> DetokenizerState:
        """Fresh state for `batch` conversations."""
        return self.voice.detokenizer.init_state(batch)

    def open(self, row: int, options: ConversationOptions, state: DetokenizerState) -> None:
        """Begin a new conversation in `row`."""
        state.reset(torch.arange(len(state.sounding)) == row)
        state.seed(row, options.seed)

    def step(self, x: VoiceInput, state: DetokenizerState, active: Tensor) -> Tensor:
        """Make [B, 4800] samples at 24 kHz of one slot."""
        return self.voice.detokenizer.step(DetokenizerInput(x.tokens, x.speaking), state, active)


@dataclass
class _ScriptedRow:
    """One conversation.

    Attributes:
        answers: answers so far, from where its seed began to count.
        history: what it remembers, as (role, text).
        begun: the present answer's text has been given.
        written: the present answer's words.
    """

    answers: int = 0
    history: list[tuple[str, str]] = field(default_factory=list)
    begun: bool = False
    written: WrittenWords = field(default_factory=WrittenWords)


class ScriptedModel:
    """`TurnModel` over a voice and a list of sentences."""

    def __init__(self, voice: ScriptedVoice, rows: int, config: ScriptedConfig | None = None) -> None:
        self.config = config or ScriptedConfig()
        said = f"{voice.fingerprint} {self.config.to_yaml()}"
        self.fingerprint = hashlib.sha256(said.encode()).hexdigest()[:16]
        self._head = voice.voice.head
        self.silence = self._head.silence.to(torch.int8).expand(AUDIO.tokens_per_slot, -1)
        self._state = self._head.init_state(rows)
        self._rows = [_ScriptedRow() for _ in range(rows)]

    def open(self, row: int, options: ConversationOptions) -> None:
        """Begin a new conversation; the seed decides which sentence comes first. There is no system prompt to
        follow."""
        self._rows[row] = _ScriptedRow(answers=options.seed)

    def begin_user(self, row: int) -> None:
        """Nothing is heard."""

    def hear(self, pcm: Tensor, active: Sequence[bool]) -> None:
        """Nothing is heard."""

    def end_user(self, row: int, text: str = "") -> None:
        """End the user's turn and begin the next sentence."""
        self.user_text(row, text)

    def user_text(self, row: int, text: str) -> None:
        """Take a written turn and begin the next sentence."""
        one = self._rows[row]
        one.history.append(("user", text))
        one.answers += 1
        one.begun = False
        self._state.reset(torch.arange(len(self._rows)) == row)

    def resume_user(self, row: int) -> None:
        """Resume the user's turn; the sentence will be said later."""
        one = self._rows[row]
        one.history.pop()
        one.answers -= 1

    def drop_user(self, row: int) -> None:
        """Do nothing, because nothing was heard."""

    def answer(self, active: Sequence[bool]) -> list[AnswerSlot | None]:
        """Make the next slot of the active rows' sentences; all text comes with the first slot."""
        mask = torch.tensor(active)
        texts, words = zip(
            *(self._begin(row) if is_active else ("", []) for row, is_active in enumerate(active)), strict=True
        )
        out = self._head.step(SrhInput(words, finished=mask, speaking=mask), self._state, mask)
        return [
            AnswerSlot(
                0, texts[row], out.tokens[row], bool(out.exhausted[row]), self._rows[row].written.join(out.spoken[row])
            )
            if is_active
            else None
            for row, is_active in enumerate(active)
        ]

    def keep(self, row: int, text: str, slots: int) -> None:
        """End the sentence, of which `text` was heard."""
        if text:
            self._rows[row].history.append(("assistant", text))

    def pattern(self, row: int) -> Pattern:
        """The user speaks and hears."""
        return Pattern.S2M

    def history(self, row: int) -> list[tuple[str, str]]:
        """What was said, as (role, text); the user's turns have the text ""."""
        return list(self._rows[row].history)

    def _begin(self, row: int) -> tuple[str, list[str]]:
        """The sentence and its items at its first slot, then nothing.

        A space after the sentence's last word says that the word is complete.
        """
        one = self._rows[row]
        if one.begun:
            return "", []
        one.begun = True
        text = self.config.sentences[(one.answers - 1) % len(self.config.sentences)]
        one.written = WrittenWords()
        return f"{text} ", [item for said in one.written.read(text) for item in said.items]

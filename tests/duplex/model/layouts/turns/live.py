"""Live conversations of the turn layout, slot by slot, on random weights."""

from collections.abc import Sequence

import numpy as np
import torch

from configs.audio import AUDIO
from configs.model.funaudiochat import AnswerConfig, ChoiceConfig, TurnsConfig
from configs.model.live_turns import LiveTurnsConfig
from configs.model.patterns import FUNAUDIOCHAT, Pattern
from duplex.model.funaudiochat.model import FunAudioChat
from duplex.model.interface import Samples, SlotResult
from duplex.model.layouts.turns.funaudiochat_turns import CosyVoiceTurns, FunAudioChatTurns
from duplex.model.layouts.turns.generator import TurnGenerator
from tests.duplex.model.layouts.turns.loudness import LoudnessPolicy

DRAWN = ChoiceConfig(temperature=1.0, top_p=1.0, repetition_penalty=1.0)
SLOT = AUDIO.slot_input_samples
PROMPT = FUNAUDIOCHAT.prompts[Pattern.S2M]
LIVE = LiveTurnsConfig(policy="vad")


def generator_of(
    chat: FunAudioChat,
    voice: CosyVoiceTurns,
    rows: int = 1,
    live: LiveTurnsConfig = LIVE,
    reconsiders: bool = False,
    **changes: object,
) -> TurnGenerator:
    answer = AnswerConfig(text=DRAWN).model_copy(update={"max_steps": 60} | changes)
    model = FunAudioChatTurns(chat, rows, "", answer, TurnsConfig(places=512), live)
    return TurnGenerator(model, voice, LoudnessPolicy(reconsiders), live, rows)


def talk(generator: TurnGenerator, slots: Sequence[Samples], row: int = 0) -> list[SlotResult]:
    active = np.arange(generator.rows) == row
    results = []
    for slot in slots:
        pcm = np.zeros((generator.rows, SLOT), dtype=np.float32)
        pcm[row] = slot
        result = generator.step(pcm, active)[row]
        assert result is not None
        results.append(result)
    return results


def silence(slots: int) -> list[Samples]:
    return [np.zeros(SLOT, dtype=np.float32)] * slots


def join_heard_words(results: Sequence[SlotResult], answer: int) -> str:
    """Words of an answer that were at least half played, as a transcript counts them."""
    done = {word.index: (word.done, word.text) for result in results for word in result.spoken if word.answer == answer}
    return " ".join(text for _, (share, text) in sorted(done.items()) if share >= 0.5)


class Muffled:
    """An inaudible voice."""

    def __init__(self, voice: CosyVoiceTurns) -> None:
        self._voice = voice

    def __getattr__(self, name: str) -> object:
        return getattr(self._voice, name)

    def step(self, *arguments: object) -> torch.Tensor:
        return torch.zeros_like(self._voice.step(*arguments))  # type: ignore[arg-type]
